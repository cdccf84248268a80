//! Reports as files: private, never over another file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How many reports of one second are told apart.
const TRIES: u32 = 10_000;

/// Writes documents, each with its extension, under one name in a directory: `STEM.md`, `STEM.json`. Where one of them
/// is there already they are `STEM-2.md` and so on. Only their owner may read them.
///
/// # Errors
/// Whatever the system says; then none of them is left.
pub fn save(dir: &Path, stem: &str, documents: &[(&str, &str)]) -> io::Result<Vec<PathBuf>> {
    for n in 1..=TRIES {
        let name = if n == 1 { stem.to_owned() } else { format!("{stem}-{n}") };
        match write_all(dir, &name, documents) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => return done,
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{stem} and {TRIES} like it are there already")))
}

fn write_all(dir: &Path, name: &str, documents: &[(&str, &str)]) -> io::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (extension, text) in documents {
        let path = dir.join(format!("{name}.{extension}"));
        let outcome =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
                written.push(path);
                file.write_all(text.as_bytes())
            });
        if let Err(error) = outcome {
            // Half a report is none. That one cannot be removed is no news beside the error.
            for path in written {
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_private_and_never_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let documents = [("md", "# a"), ("json", "{}")];
        let names = |paths: Vec<PathBuf>| -> Vec<String> {
            paths
                .iter()
                .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
                .collect()
        };
        let first = save(dir.path(), "r", &documents).expect("written");
        for path in &first {
            assert_eq!(fs::metadata(path).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(names(first), ["r.md", "r.json"]);
        fs::write(dir.path().join("r-2.json"), "mine").expect("written");
        assert_eq!(names(save(dir.path(), "r", &documents).expect("written")), ["r-3.md", "r-3.json"]);
        assert_eq!(fs::read_to_string(dir.path().join("r-2.json")).expect("still there"), "mine");
        assert!(!dir.path().join("r-2.md").exists(), "no half of a report");
    }

    #[test]
    fn a_thousand_of_one_second_are_a_thousand_files() {
        let dir = tempfile::tempdir().expect("a directory");
        for n in 0..1_000 {
            save(dir.path(), "r", &[("md", &format!("{n}"))]).expect("written");
        }
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1_000);
        assert_eq!(fs::read_to_string(dir.path().join("r-1000.md")).expect("the last"), "999");
    }

    #[test]
    fn a_link_is_not_followed_wherever_it_leads() {
        let dir = tempfile::tempdir().expect("a directory");
        let (target, nowhere) = (dir.path().join("target"), dir.path().join("nowhere"));
        fs::write(&target, "mine").expect("written");
        std::os::unix::fs::symlink(&target, dir.path().join("r.md")).expect("linked");
        std::os::unix::fs::symlink(&nowhere, dir.path().join("r-2.md")).expect("linked");
        let written = save(dir.path(), "r", &[("md", "# a")]).expect("written");
        assert_eq!(written, [dir.path().join("r-3.md")]);
        assert_eq!(fs::read_to_string(&target).expect("still there"), "mine");
        assert!(!nowhere.exists(), "nothing is made where a link leads");
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let error = save(&dir.path().join("none"), "r", &[("md", "")]).expect_err("no directory");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
