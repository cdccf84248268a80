//! The terminal as it was found: kept before anybody changes its settings, and given back on every way out. And the
//! signals that ask for the way out.
//!
//! What blocks in a thread of its own with the terminal changed, as the line editor and a password prompt do, cannot give
//! it back when a signal ends the program: whoever started it does, through [`Kept`].

use std::fs::{self, File};
use std::future::poll_fn;
use std::io::{self, IsTerminal, Write, stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal as Sent, getpgrp, getpid, getsid, kill_current_process_group, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::children;

/// The terminal and its settings, from the first [`keep`] on.
static FOUND: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// How long a terminal may take to show what was written to it before, when it is to be given back.
const SLOW: Duration = Duration::from_millis(200);

/// Standard output, where a write that fails is an error: the standard library's own takes one to an output that is
/// closed for done.
pub fn output() -> io::Result<File> {
    Ok(File::from(stdout().as_fd().try_clone_to_owned()?))
}

/// Whether a few bytes can be written there now or soon. To write them where nobody reads may take for ever.
pub fn takes_more(output: impl AsFd, soon: Duration) -> bool {
    let mut asked = [PollFd::new(&output, PollFlags::OUT)];
    let limit = Timespec::try_from(soon).ok();
    poll(&mut asked, limit.as_ref()).is_ok_and(|ready| ready > 0)
}

/// The terminal is somebody's who blocks. Dropped, it is given back.
#[derive(Debug)]
pub struct Kept(());

/// Keeps the terminal's settings as they are now. Without a terminal there is nothing to keep.
pub fn keep() -> io::Result<Kept> {
    let terminal = if stdin().is_terminal() {
        Some(File::from(stdin().as_fd().try_clone_to_owned()?))
    } else {
        // Who asks for a password asks there.
        File::options().read(true).write(true).open("/dev/tty").ok()
    };
    if let Some(terminal) = terminal {
        let settings = tcgetattr(&terminal)?;
        *FOUND.lock() = Some((terminal, settings));
    }
    Ok(Kept(()))
}

impl Drop for Kept {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back as it was found, if it was kept and is not so already.
///
/// May be called again: a thread that was about to change it when the first call came has done so by then. Errors are of
/// no use to anybody here: a terminal that is gone needs nothing.
pub fn give_back() {
    let found = FOUND.lock();
    let Some((terminal, settings)) = &*found else { return };
    let changed = tcgetattr(terminal).is_ok_and(|now| {
        (now.local_modes, now.input_modes, now.output_modes, now.control_modes)
            != (settings.local_modes, settings.input_modes, settings.output_modes, settings.control_modes)
    });
    // In the background it is another's: what is on it now is not ours to change.
    if changed && in_foreground() {
        // Not after what is still to be written: a terminal that takes nothing more must not hold up the end.
        let _ = tcsetattr(terminal, OptionalActions::Now, settings);
        if stdout().is_terminal() && takes_more(stdout(), SLOW) {
            let _ = crossterm::execute!(stdout(), crossterm::event::DisableBracketedPaste);
            let _ = stdout().flush();
        }
    }
}

/// Ends every mode that a program with the whole screen may have left behind, but the other screen: mouse, focus, pastes in
/// brackets, keypad, insert mode, charset, colours, hidden cursor, no wrapping. The scroll region goes with the cursor
/// kept where it is.
const PLAIN: &str = concat!(
    "\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?1004l\x1b[?2004l",
    "\x1b>\x1b[?1l\x1b[4l\x1b7\x1b[?6l\x1b[r\x1b8\x1b[?7h\x1b(B\x0f\x1b[m\x1b[?25h",
);

/// Back to the shell's own screen. Where that is shown already the cursor goes to where it was when somebody left it last:
/// only for one that was ended.
const OWN_SCREEN: &str = "\x1b[?1049l";

/// Makes the terminal show lines again, whatever a program that had it has left.
pub fn plain() {
    write(PLAIN);
}

/// Asks whoever started the program, with the terminal as it is; `None` where nobody can be asked, nothing at all when
/// they end the input. The question goes where no reply goes.
pub async fn ask(question: String) -> io::Result<Option<String>> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Ok(None);
    }
    let (sender, answer) = oneshot::channel();
    let asking = move || {
        let mut typed = String::new();
        let read = stderr().write_all(question.as_bytes()).and_then(|()| stdin().read_line(&mut typed));
        // Whoever asked may be gone: the program ends.
        let _ = sender.send(read.map(|_| typed));
    };
    // A thread of its own: nobody waits for it when a signal ends the program.
    std::thread::Builder::new().name("question".to_owned()).spawn(asking)?;
    answer.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map(Some)
}

/// What comes after us on the terminal begins a line of its own.
pub fn end_line() {
    write("\n");
}

fn write(sequences: &str) {
    if stdout().is_terminal() && in_foreground() && takes_more(stdout(), SLOW) {
        let _ = stdout().write_all(sequences.as_bytes());
        let _ = stdout().flush();
    }
}

/// Ends whoever has the terminal, and takes it back for whoever comes after us. It blocks for a moment.
pub fn reclaim() {
    if children::lent() {
        children::end();
        give_back();
        write(OWN_SCREEN);
        plain();
    }
}

/// Whether the terminal is ours to write on and to read from. Without one nobody else has it.
pub(crate) fn in_foreground() -> bool {
    tcgetpgrp(stdin()).map_or(true, |group| group == getpgrp())
}

/// Whether what keys send comes to our group, with whatever it has for input: to none without a terminal.
pub(crate) fn has_keys() -> bool {
    std::fs::File::open("/dev/tty")
        .is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// Between two looks at a terminal that another has, and how long a signal may be on its way.
const MOMENT: Duration = Duration::from_millis(100);

/// The same, of one that is sure to come.
const DELIVERED: Duration = Duration::from_secs(1);

/// Every continuing after a stop, from now on.
pub fn continued() -> io::Result<Signal> {
    signal(SignalKind::from_raw(Sent::CONT.as_raw()))
}

/// Stops as Ctrl-Z does, with all that the shell started beside us, and returns when the terminal is ours again. Give it
/// back first.
///
/// Continued in the background we wait here: whoever touches the terminal there is stopped again, and then not even a
/// signal that ends the program, sent together with the continuing, would be heard.
pub async fn stop() -> io::Result<()> {
    let mut continued = continued()?;
    kill_current_process_group(Sent::TSTP)?;
    // The signal is for the whole process, so another thread may get it a little later. Where no shell could continue us
    // the system ignores it.
    let _ = timeout(MOMENT, continued.recv()).await;
    while !in_foreground() {
        sleep(MOMENT).await;
    }
    Ok(())
}

/// The signal that Ctrl-Z sends, caught so that the terminal is given back first. From then on nothing but this stops us:
/// what was caught once stays so.
#[derive(Debug)]
pub struct StopSignal(Option<Signal>);

impl StopSignal {
    /// From now on; not where it was ignored when the program began.
    pub fn new() -> io::Result<Self> {
        let kind = SignalKind::from_raw(Sent::TSTP.as_raw());
        Ok(Self(if was_ignored(kind) { None } else { Some(signal(kind)?) }))
    }

    /// Somebody asks us to stop.
    pub async fn asked(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// As [`stop`], with the signal caught.
    pub async fn stop(&mut self) -> io::Result<()> {
        let Some(caught) = &mut self.0 else { return Ok(()) };
        let mut continued = continued()?;
        kill_current_process_group(Sent::TSTP)?;
        // Ours as well, which is sure to come: what follows is its answer.
        let _ = timeout(DELIVERED, caught.recv()).await;
        halt()?;
        let _ = timeout(MOMENT, continued.recv()).await;
        while !in_foreground() {
            // In the background somebody may stop us once more.
            if timeout(MOMENT, caught.recv()).await.is_ok() {
                halt()?;
            }
        }
        Ok(())
    }
}

/// Stops this process alone, with the terminal as it is: it is another's. Where no shell could continue us the system would
/// ignore the key's signal, and so do we; this one it would not.
pub fn halt() -> io::Result<()> {
    // What leads its session has nobody above that could: it is what the terminal was opened for.
    if getsid(None)? != getpgrp() {
        kill_process(getpid(), Sent::STOP)?;
    }
    Ok(())
}

/// The signals that were ignored when the program began, a bit each. As `nohup` and a shell's `&` have it, they stay so.
static IGNORED: OnceLock<u64> = OnceLock::new();

/// Takes note of what is ignored, before anybody catches anything. And a file that may not grow is an error of the write
/// from now on, and no end of the program: the signal is heard and not heeded. What we start has it as it was. Call it in
/// a runtime.
pub fn prepare() -> io::Result<()> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    IGNORED.get_or_init(|| ignored_in(&status));
    signal(SignalKind::from_raw(Sent::XFSZ.as_raw())).map(drop)
}

/// What Linux says of a process that ignores signals. Other systems have no such file, and nothing counts as ignored.
fn ignored_in(status: &str) -> u64 {
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

/// Whether it was ignored when the program began.
pub(crate) fn was_ignored(kind: SignalKind) -> bool {
    let bit = u32::try_from(kind.as_raw_value() - 1).ok().and_then(|at| 1_u64.checked_shl(at));
    IGNORED.get().zip(bit).is_some_and(|(ignored, bit)| ignored & bit != 0)
}

/// Whether a key sends it.
fn is_key(kind: SignalKind) -> bool {
    [SignalKind::interrupt(), SignalKind::quit()].contains(&kind)
}

/// The signals that end a program at a terminal, caught so that the terminal is given back first; not what was ignored
/// when the program began.
#[derive(Debug)]
pub struct EndSignals(Vec<(SignalKind, Signal)>);

impl EndSignals {
    /// Those that are never a key's.
    pub fn new() -> io::Result<Self> {
        Self(Vec::new()).and(SignalKind::terminate())?.and(SignalKind::hangup())?.and(SignalKind::quit())
    }

    /// The interrupt as well: for whoever has Ctrl-C as a key of its own, so that it comes from outside only.
    pub fn and_interrupt(self) -> io::Result<Self> {
        self.and(SignalKind::interrupt())
    }

    fn and(mut self, kind: SignalKind) -> io::Result<Self> {
        if !was_ignored(kind) {
            self.0.push((kind, signal(kind)?));
        }
        Ok(self)
    }

    /// Forgets what keys sent while another had the terminal. It came to us as well, and where that one ended by it, its
    /// end may be seen first.
    pub async fn forget_keys(&mut self) {
        let heard = poll_fn(|context| {
            for (_, signal) in self.0.iter_mut().filter(|(kind, _)| is_key(*kind)) {
                while signal.poll_recv(context).is_ready() {}
            }
            Poll::<()>::Pending
        });
        let _ = timeout(MOMENT, heard).await;
    }

    /// The number of the next one. What keys send while another has the terminal is meant for that one.
    pub async fn next(&mut self) -> u8 {
        let number = poll_fn(|context| {
            let mut came = self.0.iter_mut().filter_map(|(kind, signal)| {
                while signal.poll_recv(context).is_ready() {
                    if !(is_key(*kind) && children::lent()) {
                        return Some(kind.as_raw_value());
                    }
                }
                None
            });
            came.next().map_or(Poll::Pending, Poll::Ready)
        });
        // Their numbers are small.
        u8::try_from(number.await).unwrap_or_default()
    }
}
