//! The file a run is recorded to: new, private, and never another one's place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::Reader;
use crate::text::escape_str;

/// Why a file is not recorded to.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Something else is there.
    #[error("{0} is there already and is no recording: it is left as it is; name another file")]
    NotARecording(String),
    /// What is there would lead elsewhere.
    #[error("{0} is a symbolic link: name the file itself")]
    Link(String),
    /// Another run is at it.
    #[error("another run records to {0}: name another file")]
    Busy(String),
    /// The system says no.
    #[error("cannot record to {path}: {error}")]
    Io {
        /// Which.
        path: String,
        /// What it says.
        error: io::Error,
    },
}

/// Makes the file, for its owner alone. An earlier recording there gives way to it; nothing else does.
///
/// # Errors
/// [`Refused`], one sentence.
pub fn create(path: &Path) -> Result<File, Refused> {
    let name = escape_str(&path.to_string_lossy()).into_owned();
    let failed = |error| Refused::Io { path: name.clone(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
        Ok(found) if found.is_symlink() => return Err(Refused::Link(name)),
        Ok(found) => {
            if !found.is_file() {
                return Err(Refused::NotARecording(name));
            }
            // Ours until there is another in its place.
            let earlier = File::open(path).map_err(failed)?;
            if !take(&earlier, path) {
                return Err(Refused::Busy(name));
            }
            if found.len() > 0 && Reader::open(path).is_err() {
                return Err(Refused::NotARecording(name));
            }
            fs::remove_file(path).map_err(failed)?;
        }
    }
    // Whoever put something there meanwhile wins: nothing is followed and nothing is overwritten.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    if take(&file, path) { Ok(file) } else { Err(Refused::Busy(name)) }
}

/// Makes it known that this run writes here, until the file is closed; not, if another does or has put its own there.
fn take(file: &File, path: &Path) -> bool {
    // A file system without locks is no reason to record nothing.
    let taken = flock(file, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK);
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    let still_there = fs::symlink_metadata(path).ok().map(id) == file.metadata().ok().map(id);
    taken && still_there
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::event::wire::{Header, write_line};

    #[test]
    fn it_is_its_owners_alone_and_gives_way_to_the_next_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("run.ndjson");
        for _ in 0..2 {
            let file = create(&path).expect("a file");
            assert_eq!(file.metadata().expect("its mode").permissions().mode() & 0o777, 0o600);
            let mut header = Vec::new();
            write_line(&Header::new(1, &["pool"]), &mut header).expect("a header");
            fs::write(&path, [&header[..], b"{\"Tick\":5}\n"].concat()).expect("as a run leaves it");
        }
        create(&path).expect("once more");
        assert_eq!(fs::metadata(&path).expect("it").len(), 0, "nothing of the one before");
    }

    #[test]
    fn what_another_run_writes_is_left_to_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("run.ndjson");
        let written = create(&path).expect("a file");
        let id = |path: &Path| fs::metadata(path).expect("it is there").ino();
        let before = id(&path);
        assert!(matches!(create(&path), Err(Refused::Busy(_))));
        assert_eq!(id(&path), before, "nobody took it away");
        drop(written);
        create(&path).expect("once the other is done");
    }

    #[test]
    fn nothing_else_is_written_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let [notes, link, fifo] = ["notes", "link", "fifo"].map(|name| directory.path().join(name));
        fs::write(&notes, "mine\n").expect("a file of somebody's");
        symlink(&notes, &link).expect("a link");
        fifo_at(&fifo);
        assert!(matches!(create(&notes), Err(Refused::NotARecording(_))));
        assert!(matches!(create(&link), Err(Refused::Link(_))));
        assert!(matches!(create(&fifo), Err(Refused::NotARecording(_))), "and it is not waited for");
        assert!(matches!(create(directory.path()), Err(Refused::NotARecording(_))));
        assert!(matches!(create(&notes.join("below")), Err(Refused::Io { .. })));
        assert_eq!(fs::read_to_string(&notes).expect("it is there"), "mine\n");
    }

    fn fifo_at(path: &Path) {
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.expect("mkfifo runs").success());
    }
}
