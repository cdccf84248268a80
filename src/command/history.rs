//! The history of typed lines, one file for every front end: readable by its owner only, and with no password in it.

use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustyline::Config;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};

use crate::command::is_secret;

/// Lines kept.
pub const MAX_LINES: usize = 2000;
/// Longer lines are used but not kept: a pasted megabyte is no history.
pub const MAX_LINE_LEN: usize = 16 * 1024;

/// `redis-pooltop/history` in the state directory (`XDG_STATE_HOME`, or `~/.local/state`), where there is a home.
pub fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.state_dir()?.join("redis-pooltop").join("history"))
}

/// Whether a line may be kept: not blank, no password in it, not begun with a blank (as shells have it), not huge.
pub fn may_keep(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with(' ') && line.len() <= MAX_LINE_LEN && !is_secret(line)
}

/// Where lines are kept, if they are kept at all.
#[derive(Debug)]
pub struct HistoryFile {
    path: Option<PathBuf>,
}

impl HistoryFile {
    /// Opens the file and loads what is in it, making its directory where that is missing. `Err` says why nothing will
    /// be kept; lines are remembered all the same while the program runs.
    pub fn open(path: Option<PathBuf>, into: &mut FileHistory) -> (Self, Result<(), HistoryError>) {
        let Some(path) = path else { return (Self { path: None }, Ok(())) };
        match prepare(&path).and_then(|exists| if exists { load(&path, into) } else { Ok(()) }) {
            Ok(()) => (Self { path: Some(path) }, Ok(())),
            Err(error) => (Self { path: None }, Err(HistoryError { path, error })),
        }
    }

    /// Adds a line, and writes it at once, so that a killed program loses none. A line that may not be kept, or is the
    /// same as the one before it, is left out; `Err` says that lines are not kept from now on.
    pub fn add(&mut self, line: &str, history: &mut FileHistory) -> Result<(), HistoryError> {
        if !may_keep(line) || !history.add(line).unwrap_or(false) {
            return Ok(());
        }
        let Some(path) = &self.path else { return Ok(()) };
        history.append(path).map_err(|error| {
            let path = self.path.take().unwrap_or_default();
            HistoryError { path, error: to_io(error) }
        })
    }
}

/// The settings of a history that [`HistoryFile`] fills.
pub fn configured() -> FileHistory {
    let config = Config::builder().max_history_size(MAX_LINES).and_then(|b| b.history_ignore_dups(true));
    FileHistory::with_config(&config.unwrap_or_default().build())
}

/// Why lines are not kept.
#[derive(Debug, thiserror::Error)]
#[error("the history is not kept: {}: {error}", path.display())]
pub struct HistoryError {
    path: PathBuf,
    error: io::Error,
}

/// Makes the directory, for its owner only, and answers whether the file is there.
fn prepare(path: &Path) -> io::Result<bool> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
    }
    let Ok(found) = std::fs::metadata(path) else { return Ok(false) };
    // Before anything is added: the file may be from elsewhere, and somebody else may be able to read it.
    #[cfg(unix)]
    if found.is_file() {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, mode)?;
    }
    Ok(found.is_file())
}

fn load(path: &Path, into: &mut FileHistory) -> io::Result<()> {
    into.load(path).map_err(to_io)
}

fn to_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> (HistoryFile, FileHistory) {
        let mut history = configured();
        let (file, opened) = HistoryFile::open(Some(path.to_owned()), &mut history);
        opened.unwrap();
        (file, history)
    }

    fn lines(path: &Path) -> Vec<String> {
        open(path).1.iter().cloned().collect()
    }

    #[test]
    fn lines_outlive_the_program_but_passwords_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/history");
        let (mut file, mut history) = open(&path);
        for line in [
            "get a",
            "get a",
            "auth hunter2",
            " hidden",
            "  ",
            "set b \"x\ny\"",
            "CONFIG SET requirepass hunter2",
        ] {
            file.add(line, &mut history).unwrap();
        }
        assert_eq!(history.len(), 2);
        assert_eq!(lines(&path), ["get a", "set b \"x\ny\""]);
        assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/history");
        let (mut file, mut history) = open(&path);
        file.add("get a", &mut history).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        open(&path);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn two_programs_at_once_keep_each_others_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let (mut one, mut one_lines) = open(&path);
        let (mut two, mut two_lines) = open(&path);
        one.add("get 1", &mut one_lines).unwrap();
        two.add("get 2", &mut two_lines).unwrap();
        one.add("get 3", &mut one_lines).unwrap();
        assert_eq!(lines(&path), ["get 1", "get 2", "get 3"]);
    }

    #[test]
    fn a_file_that_cannot_be_kept_is_said_once_and_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "").unwrap();
        let mut history = configured();
        let (mut file, opened) = HistoryFile::open(Some(path.join("history")), &mut history);
        let error = opened.unwrap_err().to_string();
        assert!(error.starts_with("the history is not kept: "), "{error}");
        file.add("get a", &mut history).unwrap();
        assert_eq!(history.len(), 1);
    }
}
