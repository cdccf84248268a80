//! Finding and reading the configuration file: the only part of `config` that touches the world.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::usage;
use crate::error::Error;
use crate::text;

/// The largest file that is read: a thousand times what every setting takes.
const LARGEST: u64 = 1024 * 1024;

/// A configuration file that has been read. Without a `Debug` form: there may be a password in it.
#[derive(Clone)]
pub struct ConfigFile {
    /// Its name in errors, safe to show.
    pub name: String,
    /// Where it is: relative paths in it begin there.
    pub dir: PathBuf,
    /// What it says.
    pub text: String,
    /// Others than its owner can read it.
    pub open_to_others: bool,
}

impl ConfigFile {
    /// The file that was named; else the default one, where there is one.
    ///
    /// # Errors
    /// [`Error::Usage`], one sentence: it is missing though named, no file, not readable, too large or not UTF-8.
    pub fn find(named: Option<&Path>) -> Result<Option<Self>, Error> {
        if let Some(path) = named {
            return Self::read(path).map(Some);
        }
        let Some(path) = default_path() else { return Ok(None) };
        match std::fs::metadata(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            _ => Self::read(&path).map(Some),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| wrong(path, &because(&error));
        let found = std::fs::metadata(path).map_err(failed)?;
        if found.is_dir() {
            return Err(wrong(path, "it is a directory"));
        }
        // Merely to open a pipe waits until somebody writes there, and a device may give without end, or nothing.
        if !found.is_file() && !is_given_by_shell(path, &found) && !is_null(&found) {
            return Err(wrong(path, "it is no regular file"));
        }
        let file = File::open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LARGEST {
            return Err(wrong(path, "it is larger than 1 MiB"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = line(error.as_bytes(), good);
            usage(format!("{}:{line}: it is not UTF-8", shown(path)))
        })?;
        Ok(Self {
            name: shown(path),
            dir: path.parent().map(Path::to_owned).unwrap_or_default(),
            text,
            open_to_others: open_to_others(&found),
        })
    }
}

/// `redis-pooltop/config.toml` in the configuration directory (`XDG_CONFIG_HOME`, or `~/.config`), where there is a home.
pub fn default_path() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("redis-pooltop").join("config.toml"))
}

/// The number of the line a byte stands in, from 1.
pub(super) fn line(text: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', text.get(..at).unwrap_or(text)).count()
}

fn shown(path: &Path) -> String {
    text::escape_str(&path.to_string_lossy()).into_owned()
}

fn wrong(path: &Path, why: &str) -> Error {
    usage(format!("the configuration file {} cannot be used: {why}", shown(path)))
}

fn because(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "it does not exist".to_owned(),
        ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}

/// `<(command)` of a shell: a pipe that is open already, and somebody writes to it.
#[cfg(unix)]
fn is_given_by_shell(path: &Path, found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type()) && path.starts_with("/dev/fd")
}

#[cfg(not(unix))]
fn is_given_by_shell(_: &Path, _: &std::fs::Metadata) -> bool {
    false
}

/// `/dev/null`, by whichever name: the file in which nothing is set.
#[cfg(unix)]
fn is_null(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let null = std::fs::metadata("/dev/null");
    found.file_type().is_char_device() && null.is_ok_and(|null| null.rdev() == found.rdev())
}

#[cfg(not(unix))]
fn is_null(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn open_to_others(found: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o044 != 0
}

#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        match ConfigFile::find(Some(path)) {
            Err(error) => {
                assert_eq!(error.exit(), crate::error::Exit::Usage);
                error.to_string()
            }
            Ok(_) => panic!("{} is taken", path.display()),
        }
    }

    #[test]
    fn what_is_no_file_of_ours_is_said_in_one_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let cannot = |path: &Path| format!("the configuration file {} cannot be used: ", path.display());
        assert_eq!(refused(&path), cannot(&path) + "it does not exist");
        assert_eq!(refused(dir.path()), cannot(dir.path()) + "it is a directory");
        std::fs::write(&path, b"# a\n# b \xff").unwrap();
        assert_eq!(refused(&path), format!("{}:2: it is not UTF-8", path.display()));
        std::fs::write(&path, vec![b'#'; LARGEST as usize + 1]).unwrap();
        assert_eq!(refused(&path), cannot(&path) + "it is larger than 1 MiB");
        std::fs::write(&path, vec![b'#'; LARGEST as usize]).unwrap();
        assert_eq!(ConfigFile::find(Some(&path)).unwrap().unwrap().dir, dir.path());
        let evil = dir.path().join("evil\u{1b}[2J");
        assert!(!refused(&evil).contains('\u{1b}'));
    }

    /// Whoever opens one of these may wait for ever, or read for ever.
    #[cfg(unix)]
    #[test]
    fn a_pipe_or_a_device_is_refused_and_nothing_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(refused(&pipe).ends_with("it is no regular file"));
        assert!(refused(Path::new("/dev/zero")).ends_with("it is no regular file"));
        assert!(ConfigFile::find(Some(Path::new("/dev/null"))).unwrap().unwrap().text.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn it_is_known_whether_others_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "").unwrap();
        for (mode, open) in [(0o600, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(ConfigFile::find(Some(&path)).unwrap().unwrap().open_to_others, open, "{mode:o}");
        }
    }
}
