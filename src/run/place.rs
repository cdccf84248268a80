//! Where `--report` goes: known to be writable before anything runs, and written once there is something to write. Until
//! then whatever is there stays.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::Error;
use crate::text;

/// A place for a report.
#[derive(Debug)]
pub(super) enum Place {
    /// A file that is there whole or not at all: made beside this one, and put in its place.
    Whole(PathBuf),
    /// What is no file of its own, as a pipe: open already.
    Straight(File),
}

impl Place {
    /// The place at a path, if a report can be written there, and it is none of these files, which the run reads or
    /// writes itself.
    pub(super) fn new(path: &Path, others: &[(&Path, &str)]) -> Result<Self, Error> {
        let name = text::escape_str(&path.to_string_lossy()).into_owned();
        for (other, whose) in others {
            if is_same(path, other) {
                return Err(Error::Usage(format!("--report {name}: {whose}; name another file")));
            }
        }
        find(path).map_err(|error| Error::Usage(format!("--report {name}: {error}")))
    }

    /// Writes it, for its owner alone where it is a file.
    pub(super) fn write(&mut self, document: &str) -> Result<(), Error> {
        let written = match self {
            Self::Straight(file) => file.write_all(document.as_bytes()),
            Self::Whole(path) => replace(path, document),
        };
        written.map_err(Error::io("the report"))
    }
}

fn find(path: &Path) -> io::Result<Place> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        found => Some(found?),
    };
    let Some(found) = found else {
        if path.is_symlink() {
            return Err(io::Error::other("a symbolic link that leads nowhere"));
        }
        fs::metadata(directory(path))?;
        beside(path)?;
        return Ok(Place::Whole(path.to_owned()));
    };
    if found.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    // Neither truncated nor waited for at the end: a pipe is waited for here, as a shell does it.
    let file = File::options().append(true).open(path)?;
    // A name of something that is open already, as /dev/fd/3, is no place for another file.
    let open = ["/dev", "/proc"].into_iter().any(|there| path.starts_with(there));
    if open || !found.is_file() || is_output(&found) {
        return Ok(Place::Straight(file));
    }
    // A link stays one, and leads to the report.
    path.canonicalize().map(Place::Whole)
}

/// Puts a whole file where one may be. Where none can be put, as over a file that is mounted, that file is written.
fn replace(path: &Path, document: &str) -> io::Result<()> {
    let put = beside(path).and_then(|mut file| {
        file.write_all(document.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    });
    match put {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ResourceBusy) => {
            File::options().write(true).truncate(true).open(path)?.write_all(document.as_bytes())
        }
        put => put,
    }
}

/// A file for its owner alone, which goes unless it is put somewhere.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    if path.file_name().is_none() {
        return Err(ErrorKind::InvalidInput.into());
    }
    tempfile::Builder::new()
        .prefix(".redis-pooltop-")
        .tempfile_in(directory(path))
        // Its own words name the temporary file.
        .map_err(|error| error.kind().into())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether standard output or error goes there: what they have written stays.
fn is_output(found: &Metadata) -> bool {
    let same = |output: io::Result<std::os::fd::OwnedFd>| {
        output.and_then(|output| File::from(output).metadata()).is_ok_and(|output| id(&output) == id(found))
    };
    same(io::stdout().as_fd().try_clone_to_owned()) || same(io::stderr().as_fd().try_clone_to_owned())
}

/// Whether two names are one file's, whether it is there yet or not.
fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => id(&a) == id(&b),
        (Err(_), Err(_)) => {
            let place =
                |path: &Path| Some((directory(path).canonicalize().ok()?, path.file_name()?.to_owned()));
            place(a).is_some_and(|place_a| place(b) == Some(place_a))
        }
        _ => false,
    }
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn refused(path: &Path, others: &[(&Path, &str)]) -> String {
        Place::new(path, others).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_is_there_stays_until_there_is_something_to_write() {
        let directory = tempfile::tempdir().expect("a directory");
        let [file, link, new] = ["file", "link", "new"].map(|name| directory.path().join(name));
        fs::write(&file, "before").expect("a file");
        symlink(&file, &link).expect("a link");
        let mut places = [&link, &new].map(|path| Place::new(path, &[]).expect("a place"));
        assert_eq!(fs::read_to_string(&file).expect("the file"), "before");
        assert!(!new.exists(), "nothing is made");
        for place in &mut places {
            place.write("after").expect("written");
        }
        assert!(link.is_symlink(), "it leads there still");
        for path in [&file, &new] {
            assert_eq!(fs::read_to_string(path).expect("the report"), "after");
            assert_eq!(fs::metadata(path).expect("its mode").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(directory.path()).expect("listed").count(), 3, "nothing else is left");
    }

    #[test]
    fn what_cannot_be_written_is_known_at_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let [nowhere, dangling] = ["none/report", "dangling"].map(|name| directory.path().join(name));
        symlink(&nowhere, &dangling).expect("a link");
        assert!(refused(directory.path(), &[]).contains("directory"), "{}", refused(directory.path(), &[]));
        assert!(refused(&nowhere, &[]).contains("No such file"), "{}", refused(&nowhere, &[]));
        assert!(!refused(&nowhere, &[]).contains(".redis-pooltop"), "{}", refused(&nowhere, &[]));
        assert!(refused(&dangling, &[]).contains("leads nowhere"), "{}", refused(&dangling, &[]));
    }

    #[test]
    fn a_file_of_the_run_is_no_place_for_its_report() {
        let directory = tempfile::tempdir().expect("a directory");
        let [input, link, new] = ["input", "link", "new"].map(|name| directory.path().join(name));
        fs::write(&input, "a recording").expect("a file");
        symlink(&input, &link).expect("a link");
        let dotted = directory.path().join(".").join("new");
        for (path, other) in [(&input, &input), (&link, &input), (&dotted, &new)] {
            let said = refused(path, &[(other, "the recording itself")]);
            assert!(said.contains("the recording itself; name another file"), "{said}");
        }
        assert!(Place::new(&new, &[(&input, "the recording itself")]).is_ok());
    }

    #[test]
    fn what_is_no_file_is_written_straight() {
        let mut place = Place::new(Path::new("/dev/null"), &[]).expect("a place");
        assert!(matches!(place, Place::Straight(_)));
        place.write("gone").expect("written");
        assert!(!fs::metadata("/dev/null").expect("it is there").is_file());
    }
}
