//! The history of typed lines, one file for every front end: readable by its owner only, and with no password in it.
//!
//! Whatever is at its path, nobody waits for it: a thread of its own reads and writes it, since another program may have
//! it locked for as long as it likes.

mod scribe;

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use etcetera::BaseStrategy;
use rustyline::Config;
use rustyline::history::{FileHistory, History};

use self::scribe::Order;

use crate::command::is_secret;

/// Lines kept.
pub const MAX_LINES: usize = 2000;
/// Longer lines are used but not kept: a pasted megabyte is no history.
pub const MAX_LINE_LEN: usize = 16 * 1024;
/// How long a line that was typed, and the end of the program, wait for the file.
pub const PATIENCE: Duration = Duration::from_millis(200);
/// How long the start waits for it: once, and a disk that was asleep is worth a moment.
const START_PATIENCE: Duration = Duration::from_secs(2);
/// Lines that may wait for the file.
const MAX_WAITING: usize = 256;

/// `redis-pooltop/history` in the state directory (`XDG_STATE_HOME`, or `~/.local/state`), where there is a home.
pub fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir()?.join("redis-pooltop").join("history"))
}

/// Whether a line may be kept: not blank, no password in it, not begun with a blank (as shells have it), not huge.
pub fn may_keep(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with(' ') && line.len() <= MAX_LINE_LEN && !is_secret(line)
}

/// Where lines are kept, if they are kept at all. At its end it waits for what is still to be written, up to
/// [`PATIENCE`].
#[derive(Debug)]
pub struct HistoryFile {
    scribe: Option<Scribe>,
}

/// The way to the thread that has the file.
#[derive(Debug)]
struct Scribe {
    path: PathBuf,
    orders: Sender<Order>,
    /// One for each line written.
    written: Receiver<()>,
    /// Lines that are not written yet.
    owed: usize,
    /// The last wait was in vain: the next ones need not be as long.
    late: bool,
}

impl HistoryFile {
    /// Opens the file and loads what is in it, making its directory where that is missing. `Err` says why nothing will
    /// be kept, or what was kept is not here; lines are remembered all the same while the program runs.
    pub fn open(path: Option<PathBuf>, into: &mut FileHistory) -> (Self, Result<(), HistoryError>) {
        Self::open_within(START_PATIENCE, path, into)
    }

    fn open_within(
        patience: Duration,
        path: Option<PathBuf>,
        into: &mut FileHistory,
    ) -> (Self, Result<(), HistoryError>) {
        let Some(path) = path else { return (Self { scribe: None }, Ok(())) };
        let not_kept = |why| (Self { scribe: None }, Err(why));
        let started = match scribe::start(path.clone()) {
            Ok(started) => started,
            Err(error) => return not_kept(HistoryError::Io { path, error }),
        };
        let opened = match started.loaded.recv_timeout(patience) {
            Ok(Ok(lines)) => {
                for line in lines {
                    // It refuses none but what is there twice.
                    let _ = into.add_owned(line);
                }
                Ok(())
            }
            Ok(Err(why)) => return not_kept(why),
            Err(RecvTimeoutError::Timeout) => Err(HistoryError::Locked { path: path.clone() }),
            Err(RecvTimeoutError::Disconnected) => {
                let error = io::Error::other("reading it panicked");
                return not_kept(HistoryError::Io { path, error });
            }
        };
        let scribe = Scribe { path, orders: started.orders, written: started.written, owed: 0, late: false };
        (Self { scribe: Some(scribe) }, opened)
    }

    /// Adds a line, and has it written at once, so that a killed program loses none; this does not wait for it. A line
    /// that may not be kept, or is the same as the one before it, is left out. `failed` hears, once and mostly on another
    /// thread, why lines are not kept from then on.
    pub fn add(
        &mut self,
        line: &str,
        history: &mut FileHistory,
        failed: impl FnOnce(HistoryError) + Send + 'static,
    ) {
        if !may_keep(line) || !history.add(line).unwrap_or(false) {
            return;
        }
        let Some(scribe) = &mut self.scribe else { return };
        scribe.count();
        if scribe.owed == MAX_WAITING {
            failed(HistoryError::Full { path: std::mem::take(&mut scribe.path) });
            self.scribe = None;
            return;
        }
        // The thread has ended if writing failed before: that was said then.
        if scribe.orders.send(Order { line: line.to_owned(), failed: Box::new(failed) }).is_ok() {
            scribe.owed += 1;
        }
    }

    /// Waits until all lines are written, or writing has failed: whether that came to pass in time. Where it did not,
    /// later calls do not wait until the lines owed are written.
    pub fn settle(&mut self, patience: Duration) -> bool {
        self.scribe.as_mut().is_none_or(|scribe| scribe.settle(patience))
    }
}

impl Drop for HistoryFile {
    fn drop(&mut self) {
        if let Some(scribe) = &mut self.scribe {
            scribe.late = false;
            scribe.settle(PATIENCE);
        }
    }
}

impl Scribe {
    /// Takes note of the lines written since.
    fn count(&mut self) {
        self.owed -= self.written.try_iter().count().min(self.owed);
    }

    fn settle(&mut self, patience: Duration) -> bool {
        self.count();
        let until = Instant::now() + patience;
        while self.owed > 0 && !self.late {
            match self.written.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(()) => self.owed -= 1,
                Err(RecvTimeoutError::Disconnected) => self.owed = 0,
                Err(RecvTimeoutError::Timeout) => self.late = true,
            }
        }
        self.late &= self.owed > 0;
        self.owed == 0
    }
}

/// The settings of a history that [`HistoryFile`] fills.
pub fn configured() -> FileHistory {
    let config = Config::builder().max_history_size(MAX_LINES).and_then(|b| b.history_ignore_dups(true));
    FileHistory::with_config(&config.unwrap_or_default().build())
}

/// Why lines are not kept, or those that were are not here.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A pipe, a device or a directory stands there: to read it may take for ever.
    #[error("the history is not kept: {} is no file", path.display())]
    NoFile {
        /// Where it should be.
        path: PathBuf,
    },
    /// None of ours grows that large.
    #[error("the history is too large ({megabytes} MB) and is left alone: {}", path.display())]
    TooLarge {
        /// Where it is.
        path: PathBuf,
        /// Its size.
        megabytes: u64,
    },
    /// It cannot be read yet; lines are kept once it can be.
    #[error("the history is not read: another program has {} locked", path.display())]
    Locked {
        /// Where it is.
        path: PathBuf,
    },
    /// It cannot be written, and too much waits for it.
    #[error("the history is not kept: too many lines wait for {}, which another program may have locked", path.display())]
    Full {
        /// Where it is.
        path: PathBuf,
    },
    /// Reading or writing failed.
    #[error("the history is not kept: {}: {error}", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

#[cfg(test)]
mod tests;
