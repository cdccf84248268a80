//! The thread that has the history file: only it ever opens the file, and only it waits.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};

use super::{HistoryError, MAX_LINE_LEN, MAX_LINES, configured};

/// The largest file that is read: as many lines as are kept, each as long as may be. Reading takes it whole.
pub(super) const LARGEST: u64 = (MAX_LINES * MAX_LINE_LEN) as u64;

/// A line to write, and who hears if that fails.
pub(super) struct Order {
    pub(super) line: String,
    pub(super) failed: Box<dyn FnOnce(HistoryError) + Send>,
}

/// The ways to and from a thread that was started.
pub(super) struct Started {
    /// Ends the thread when it goes.
    pub(super) orders: Sender<Order>,
    /// What the file had, once.
    pub(super) loaded: Receiver<Result<Vec<String>, HistoryError>>,
    /// One for each line written; it ends when writing failed.
    pub(super) written: Receiver<()>,
}

/// Starts the thread.
pub(super) fn start(path: PathBuf) -> io::Result<Started> {
    let (orders, wanted) = channel::<Order>();
    let (load, loaded) = channel();
    let (done, written) = channel();
    let serve = move || {
        let mut kept = configured();
        match open(&path, &mut kept) {
            Ok(()) => {
                let lines = kept.iter().filter(|line| line.len() <= MAX_LINE_LEN).cloned().collect();
                // Whoever asked may not have waited.
                let _ = load.send(Ok(lines));
            }
            Err(why) => {
                // Then the first line's sender hears it.
                if let Err(unheard) = load.send(Err(why))
                    && let (Err(why), Ok(order)) = (unheard.0, wanted.recv())
                {
                    (order.failed)(why);
                }
                return;
            }
        }
        drop(load);
        for Order { line, failed } in wanted {
            if let Err(why) = append(&path, &line, &mut kept) {
                failed(why);
                return;
            }
            // At the end of the program nobody counts any more.
            let _ = done.send(());
        }
    };
    std::thread::Builder::new().name("history".to_owned()).spawn(serve)?;
    Ok(Started { orders, loaded, written })
}

fn open(path: &Path, into: &mut FileHistory) -> Result<(), HistoryError> {
    let failed = |error| HistoryError::Io { path: path.to_owned(), error };
    make_directory(path).map_err(failed)?;
    if !is_there(path)? {
        return Ok(());
    }
    // Before anything is added: the file may be from elsewhere, and somebody else may be able to read it.
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
    into.load(path).map_err(|error| failed(to_io(error)))
}

fn append(path: &Path, line: &str, kept: &mut FileHistory) -> Result<(), HistoryError> {
    // What is at the path may be another thing by now, and appending may read it whole.
    is_there(path)?;
    let added = kept.add(line).and_then(|_| kept.append(path));
    added.map_err(|error| HistoryError::Io { path: path.to_owned(), error: to_io(error) })
}

/// Makes the directory, for its owner only.
fn make_directory(path: &Path) -> io::Result<()> {
    let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Whether there is something at the path; `Err` where that is nothing to read or to write.
fn is_there(path: &Path) -> Result<bool, HistoryError> {
    // Not opened for this: to open a pipe is to wait for its other end.
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(HistoryError::Io { path: path.to_owned(), error }),
        Ok(found) if !found.is_file() => Err(HistoryError::NoFile { path: path.to_owned() }),
        Ok(found) if found.len() > LARGEST => {
            Err(HistoryError::TooLarge { path: path.to_owned(), megabytes: found.len() / 1_000_000 })
        }
        Ok(_) => Ok(true),
    }
}

fn to_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}
