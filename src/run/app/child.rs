//! The command that is run, and what is passed on to it while it runs. On our own terminal it is a child as a shell would
//! have started it, with our descriptors and in our process group; on a terminal of its own it leads a session.

use std::env;
use std::ffi::{OsStr, OsString};
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitStatus;
use std::task::Poll;

use pty_process::Pts;
use rustix::process::{Pid, Signal as Sent, kill_process, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::source::agent::{Place, SOCKET, STARTED};
use crate::terminal::{has_keys, was_ignored};
use crate::text;

/// Where Python looks for modules first.
const PYTHONPATH: &str = "PYTHONPATH";

/// The command, as long as it runs.
pub(super) struct Child {
    name: String,
    process: tokio::process::Child,
    passed: Passed,
    leads: bool,
}

/// Why it could not be started, and the exit code a shell has for that.
pub(super) struct Refusal {
    pub(super) said: String,
    pub(super) code: u8,
}

impl Child {
    /// Starts it on our own terminal, with the hook where Python finds it.
    pub(super) fn start(command: &[OsString], place: &Place, socket: &Path) -> Result<Self, Refusal> {
        Self::prepare(command, place, socket, Passed::all(), |mut command| command.spawn())
    }

    /// Starts it on a terminal of its own.
    pub(super) fn start_on(
        pts: Pts,
        command: &[OsString],
        place: &Place,
        socket: &Path,
    ) -> Result<Self, Refusal> {
        let spawn = |mut command: Command| {
            for (name, value) in TERMINAL {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            pty_process::Command::from(command).spawn(pts).map_err(|error| match error {
                pty_process::Error::Io(error) => error,
                error => io::Error::other(error.to_string()),
            })
        };
        let child = Self::prepare(command, place, socket, Passed::never_keys(), spawn)?;
        Ok(Self { leads: true, ..child })
    }

    fn prepare(
        command: &[OsString],
        place: &Place,
        socket: &Path,
        passed: io::Result<Passed>,
        spawn: impl FnOnce(Command) -> io::Result<tokio::process::Child>,
    ) -> Result<Self, Refusal> {
        let refusal = |said: String, code| Refusal { said, code };
        let Some((program, args)) = command.split_first() else {
            return Err(refusal("there is no command".to_owned(), 127));
        };
        let shown = text::escape_str(&program.to_string_lossy()).into_owned();
        // Caught before it starts: what comes at once is for it too.
        let passed = passed.map_err(|error| refusal(format!("the signals: {error}"), 126))?;
        let path = python_path(place.hook(), env::var_os(PYTHONPATH).as_deref());
        let mut command = Command::new(program);
        command.args(args).env(PYTHONPATH, path).env(SOCKET, socket).env(STARTED, place.started());
        let process = spawn(command).map_err(|error| {
            let code = if error.kind() == ErrorKind::NotFound { 127 } else { 126 };
            refusal(format!("{shown}: {error}"), code)
        })?;
        let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        Ok(Self { name, process, passed, leads: false })
    }

    /// Its program's name, without a directory or arguments.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until it ends, and passes on what is sent to us meanwhile. May be dropped and called again.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = self.process.wait() => return status,
                sent = self.passed.next() => self.send(sent),
            }
        }
    }

    /// Sends it a signal: to all that it leads, where it leads a group of its own.
    pub(super) fn send(&self, sent: Sent) {
        let pid = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended needs no signal.
            let _ = if self.leads { kill_process_group(pid, sent) } else { kill_process(pid, sent) };
        }
    }
}

/// What a program on a terminal of its own finds in its environment: which terminal that is, and nothing of how large ours
/// is. ncurses draws lines with a character set of the terminal's, which this one has not, unless it is told to use
/// Unicode.
const TERMINAL: [(&str, Option<&str>); 4] = [
    ("TERM", Some("xterm-256color")),
    ("NCURSES_NO_UTF8_ACS", Some("1")),
    ("LINES", None),
    ("COLUMNS", None),
];

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
    /// All that somebody may send.
    fn all() -> io::Result<Self> {
        Self::of(&[Sent::TERM, Sent::HUP, Sent::USR1, Sent::USR2, Sent::INT, Sent::QUIT])
    }

    /// Those that mean nothing to us; the others end the screen, and with it the command.
    fn never_keys() -> io::Result<Self> {
        Self::of(&[Sent::USR1, Sent::USR2])
    }

    fn of(passed: &[Sent]) -> io::Result<Self> {
        let kinds = passed.iter().map(|sent| (*sent, SignalKind::from_raw(sent.as_raw())));
        // Caught, they would no longer be ignored in the child either, as `nohup` and a shell's `&` have it.
        let heard = kinds.filter(|(_, kind)| !was_ignored(*kind));
        heard.map(|(sent, kind)| Ok((sent, signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    /// The next one that the child has not got yet. What keys send goes to the whole foreground group: the child has it.
    async fn next(&mut self) -> Sent {
        loop {
            let sent = poll_fn(|context| {
                let mut came = self
                    .0
                    .iter_mut()
                    .filter_map(|(sent, signal)| signal.poll_recv(context).is_ready().then_some(*sent));
                came.next().map_or(Poll::Pending, Poll::Ready)
            })
            .await;
            let by_key = matches!(sent, Sent::INT | Sent::QUIT) && has_keys();
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
