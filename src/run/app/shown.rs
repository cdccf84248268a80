//! A command on a terminal of its own, beside its pools on the screen: from its start to the report that is left when the
//! screen is.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write, stdin};
use std::process::ExitStatus;
use std::time::Duration;

use pty_process::{Pts, Pty};
use rustix::process::Signal as Sent;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::child::{Child, Refusal};
use super::silence::Silent;
use super::{Observing, ending, exit};
use crate::config::{AppSettings, Settings};
use crate::console::{Keeper, Size};
use crate::error::{Error, Exit};
use crate::event::AppEvent;
use crate::run::judge::Judge;
use crate::run::{SIGNALS, screen, warn};
use crate::source::agent::Place;
use crate::terminal::{self, EndSignals};
use crate::text;
use crate::tui::layout::Scene;

/// A command that ends sooner gets no screen: one that comes and goes at once only flickers, and hides what it said.
const MOMENT: Duration = Duration::from_millis(100);
/// How much of what it says in that time is kept; who says more gets the screen at once.
const EARLY: usize = 256 << 10;
/// How long what a command said last may take to come through once it has ended. Others may have its terminal still.
const LAST: Duration = Duration::from_millis(200);
/// Columns of the command in a question.
const COMMAND: usize = 50;

const COMMANDS: &str = "the command";

pub(super) async fn run(
    settings: &Settings,
    asked: &AppSettings,
    command: &[OsString],
    judge: Option<&mut Judge>,
) -> Result<Exit, Error> {
    let place = Place::make().map_err(Error::io("the directory for reports"))?;
    let mut observing = Observing::start(settings, asked, &place.socket())?;
    let size = screen::app_size(settings);
    let (mut pty, pts) = open(size).map_err(Error::io("a terminal for the command"))?;
    let mut child = match Child::start_on(pts, command, &place, observing.agents.path()) {
        Ok(child) => child,
        Err(Refusal { said, code }) => {
            warn(&format!("redis-pooltop: {said}"));
            return Ok(Exit::Child(code));
        }
    };
    observing.say(AppEvent::Started { program: Some(child.name().to_owned()) });
    let silent = Silent::new(command, &place);
    observing.listen(silent.clone());
    let (said, ended) = early(&mut pty, &mut child).await.map_err(Error::io(COMMANDS))?;
    let status = match ended {
        Some(status) => {
            // As it would have said it to the terminal itself.
            terminal::output()
                .and_then(|mut out| out.write_all(&said))
                .map_err(Error::io("standard output"))?;
            observing.say(AppEvent::Ended(ending(status)));
            status
        }
        None => show(settings, asked, command, &observing, (pty, size, said), child).await?,
    };
    observing.settle(Instant::now() + asked.grace).await;
    observing.end(asked, judge, exit(status), Some(&silent)).await
}

/// A terminal for the command, set as ours is: the same keys mean the same.
fn open(size: Size) -> io::Result<(Pty, Pts)> {
    let failed = |error: pty_process::Error| match error {
        pty_process::Error::Io(error) => error,
        error => io::Error::other(error.to_string()),
    };
    let (pty, pts) = pty_process::open().map_err(failed)?;
    pty.resize(pty_process::Size::new(size.rows, size.columns)).map_err(failed)?;
    tcsetattr(&pts, OptionalActions::Now, &tcgetattr(stdin())?)?;
    Ok((pty, pts))
}

/// What it says in its first moment, and how it ended if it did.
async fn early(pty: &mut Pty, child: &mut Child) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
    let until = sleep_until(Instant::now() + MOMENT);
    tokio::pin!(until);
    let (mut said, mut ended, mut over) = (Vec::new(), None, false);
    while said.len() < EARLY && !(over && ended.is_some()) {
        tokio::select! {
            read = pty.read_buf(&mut said), if !over => over = read.unwrap_or(0) == 0,
            status = child.wait(), if ended.is_none() => ended = Some(status?),
            () = &mut until => break,
        }
    }
    Ok((said, ended))
}

/// Shows the screen until it is left, and ends the command if it still runs then.
async fn show(
    settings: &Settings,
    asked: &AppSettings,
    command: &[OsString],
    observing: &Observing,
    (pty, size, said): (Pty, Size, Vec<u8>),
    child: Child,
) -> Result<ExitStatus, Error> {
    let name = std::iter::once(Cow::Borrowed(child.name()));
    let arguments = command.iter().skip(1).map(|word| word.to_string_lossy());
    let words: Vec<_> = name.chain(arguments).collect();
    let target = text::fit(&text::escape_str(&words.join(" ")), COMMAND);
    let (keeper, console) = Keeper::new(pty, size, &said);
    let over = keeper.over();
    let keeping = tokio::spawn(keeper.serve());
    let (ask, asks) = mpsc::channel(4);
    let told = observing.teller();
    let mut waiting = tokio::spawn(wait(child, asks, over, move |status| {
        told(AppEvent::Ended(ending(status)));
    }));
    let left = screen::inside(settings, &observing.hub, Scene::Run, target, Some(console)).await?;
    if !waiting.is_finished() {
        let sent = if let Exit::Signal(number) = left { Sent::from_named_raw(number.into()) } else { None };
        let mut signals =
            EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?;
        // One that is stopped hears nothing before it goes on.
        for sent in [sent.unwrap_or(Sent::TERM), Sent::CONT] {
            let _ = ask.send(sent).await;
        }
        tokio::select! {
            status = &mut waiting => {
                keeping.abort();
                return ended(status);
            }
            // It takes its time, or somebody does not want to wait.
            () = sleep(asked.grace) => {}
            _ = signals.next() => {}
        }
        let _ = ask.send(Sent::KILL).await;
    }
    let status = waiting.await;
    // Whoever still has the terminal is told that it is gone.
    keeping.abort();
    ended(status)
}

fn ended(status: Result<io::Result<ExitStatus>, JoinError>) -> Result<ExitStatus, Error> {
    status.unwrap_or_else(|panicked| Err(io::Error::other(panicked))).map_err(Error::io(COMMANDS))
}

/// Waits until the command ends, and sends it what it is to be sent meanwhile: here it is known which process that is.
async fn wait(
    mut child: Child,
    mut asks: mpsc::Receiver<Sent>,
    mut over: watch::Receiver<bool>,
    ended: impl FnOnce(ExitStatus),
) -> io::Result<ExitStatus> {
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            Some(sent) = asks.recv() => child.send(sent),
        }
    };
    let _ = timeout(LAST, over.wait_for(|over| *over)).await;
    ended(status);
    Ok(status)
}
