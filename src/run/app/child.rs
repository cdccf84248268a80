//! The command that is run: a child as a shell would have started it. It has our descriptors, our process group and our
//! terminal, so that keys, job control and pipes are its own.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal as Sent, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::source::agent::SOCKET;
use crate::text;

/// Where Python looks for modules first.
const PYTHONPATH: &str = "PYTHONPATH";

/// The command, as long as it runs.
pub(super) struct Child {
    name: String,
    process: tokio::process::Child,
    passed: Passed,
}

/// Why it could not be started, and the exit code a shell has for that.
pub(super) struct Refusal {
    pub(super) said: String,
    pub(super) code: u8,
}

impl Child {
    /// Starts it, with the hook where Python finds it.
    pub(super) fn start(command: &[OsString], hook: &Path, socket: &Path) -> Result<Self, Refusal> {
        let refusal = |said: String, code| Refusal { said, code };
        let Some((program, args)) = command.split_first() else {
            return Err(refusal("there is no command".to_owned(), 127));
        };
        let shown = text::escape_str(&program.to_string_lossy()).into_owned();
        // Caught before it starts: what comes at once is for it too.
        let passed = Passed::new().map_err(|error| refusal(format!("the signals: {error}"), 126))?;
        let path = python_path(hook, env::var_os(PYTHONPATH).as_deref());
        let started = Command::new(program).args(args).env(PYTHONPATH, path).env(SOCKET, socket).spawn();
        let process = started.map_err(|error| {
            let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
            refusal(format!("{shown}: {error}"), code)
        })?;
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        Ok(Self { name, process, passed })
    }

    /// Its program's name, without a directory or arguments.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until it ends, and passes on what is sent to us meanwhile.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let pid = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        loop {
            tokio::select! {
                status = self.process.wait() => return status,
                sent = self.passed.next() => {
                    if let Some(pid) = pid {
                        // One that has ended needs no signal.
                        let _ = kill_process(pid, sent);
                    }
                }
            }
        }
    }
}

fn python_path(hook: &Path, before: Option<&OsStr>) -> OsString {
    let mut path = hook.as_os_str().to_owned();
    if let Some(before) = before.filter(|before| !before.is_empty()) {
        path.push(":");
        path.push(before);
    }
    path
}

/// The signals that are passed on.
struct Passed(Vec<(Sent, Signal)>);

impl Passed {
    fn new() -> io::Result<Self> {
        let passed = [Sent::TERM, Sent::HUP, Sent::USR1, Sent::USR2, Sent::INT, Sent::QUIT];
        let caught = passed.map(|sent| Ok((sent, signal(SignalKind::from_raw(sent.as_raw()))?)));
        caught.into_iter().collect::<io::Result<_>>().map(Self)
    }

    /// The next one that the child has not got yet. What keys send goes to the whole foreground group: the child has it.
    async fn next(&mut self) -> Sent {
        loop {
            let sent = std::future::poll_fn(|context| {
                let mut came = self
                    .0
                    .iter_mut()
                    .filter_map(|(sent, signal)| signal.poll_recv(context).is_ready().then_some(*sent));
                came.next().map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            })
            .await;
            let by_key = matches!(sent, Sent::INT | Sent::QUIT) && crate::terminal::in_foreground();
            if !by_key {
                return sent;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_goes_before_what_was_there() {
        let hook = Path::new("/tmp/hook");
        assert_eq!(python_path(hook, None), "/tmp/hook");
        assert_eq!(python_path(hook, Some(OsStr::new(""))), "/tmp/hook");
        assert_eq!(python_path(hook, Some(OsStr::new("/a:/b"))), "/tmp/hook:/a:/b");
    }
}
