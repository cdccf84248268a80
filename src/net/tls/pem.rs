//! PEM files that a person named: only what is a file is read, and only as much of it as such a file can have.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::text::escape_str;

/// The largest file that is read: five times all the roots a system trusts.
const LARGEST: u64 = 1024 * 1024;

/// The certificates of a file, at least one; or why there is none, in words.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = || {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes(path)?).collect();
        let chain = chain.map_err(|error| because("certificate", &error))?;
        if chain.is_empty() { Err(because("certificate", &PemError::NoItemsFound)) } else { Ok(chain) }
    };
    read().map_err(|why| unreadable("certificate", path, &why))
}

/// The private key of a file, or why there is none, in words.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let read =
        || PrivateKeyDer::from_pem_slice(&bytes(path)?).map_err(|error| because("private key", &error));
    read().map_err(|why| unreadable("private key", path, &why))
}

/// The certificates of all files in a directory that have any, each once, and why the first of the others has none.
/// As OpenSSL keeps such directories, most files are there twice, once by a link.
pub(super) fn directory(path: &Path) -> (Vec<CertificateDer<'static>>, Option<String>) {
    let entries = match path.read_dir() {
        Ok(entries) => entries,
        Err(error) => return (Vec::new(), Some(unreadable("directory", path, &error.to_string()))),
    };
    let (mut found, mut why) = (Vec::new(), None);
    for entry in entries.flatten() {
        let path = entry.path();
        match certificates(&path) {
            Ok(certificates) => found.extend(certificates),
            Err(_) if path.is_dir() => {}
            Err(error) => why = why.or(Some(error)),
        }
    }
    found.sort_unstable_by(|a, b| a.cmp(b));
    found.dedup();
    (found, why)
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    // Not opened for this: to open a pipe is to wait for its other end.
    let found = path.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is no file".to_owned());
    }
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    // Some files are larger than they say.
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST { Err("it is larger than 1 MiB".to_owned()) } else { Ok(bytes) }
}

fn because(what: &str, error: &PemError) -> String {
    match error {
        PemError::NoItemsFound => format!("it holds no PEM {what}"),
        other => other.to_string(),
    }
}

fn unreadable(what: &str, path: &Path, why: &str) -> String {
    format!("the {what} in {} cannot be read: {why}", escape_str(&path.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    /// What `read` says of a path, if it comes to say anything.
    fn said<T: 'static>(path: &Path, read: fn(&Path) -> Result<T, String>) -> String {
        let (say, said) = channel();
        let path = path.to_owned();
        std::thread::spawn(move || say.send(read(&path).err().unwrap_or_default()).unwrap());
        said.recv_timeout(Duration::from_secs(30)).expect("it does not wait")
    }

    #[test]
    fn what_is_no_file_or_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
        std::fs::create_dir(at("directory")).unwrap();
        // A good certificate, behind more than is read.
        std::fs::write(at("large"), pem() + &"\n".repeat(1 << 20)).unwrap();
        for (name, why) in [
            ("pipe", "it is no file"),
            ("zero", "it is no file"),
            ("directory", "it is no file"),
            ("large", "it is larger than 1 MiB"),
        ] {
            let path = at(name);
            let shown = path.display();
            let expected = format!("the certificate in {shown} cannot be read: {why}");
            assert_eq!(said(&path, certificates), expected);
            let expected = format!("the private key in {shown} cannot be read: {why}");
            assert_eq!(said(&path, private_key), expected);
        }
    }

    #[test]
    fn a_directory_gives_what_it_has_and_waits_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let (found, why) = directory(dir.path());
        assert!(found.is_empty() && why.is_none());
        std::fs::create_dir(at("directory")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let (found, why) = directory(dir.path());
        assert!(found.is_empty() && why.unwrap().ends_with("it is no file"));
        std::fs::write(at("one.pem"), pem()).unwrap();
        std::os::unix::fs::symlink("one.pem", at("0a1b2c3d.0")).unwrap();
        std::fs::write(at("two.pem"), pem() + &pem()).unwrap();
        assert_eq!(directory(dir.path()).0.len(), 3);
    }
}
