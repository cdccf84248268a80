//! Where processes report: a directory that nobody else may look into, with a socket in it; and where Python finds the hook
//! that lets the agent into a process.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use tokio::net::UnixListener;

/// The variable that tells a process where to report.
pub const SOCKET: &str = "REDIS_POOLTOP_SOCKET";

/// The variable that names the file which the hook makes as Python starts with it: nobody has to report for that.
pub const STARTED: &str = "REDIS_POOLTOP_STARTED";

/// The socket's name.
const NAME: &str = "agents";

/// A path of so many bytes is too long for a socket, on Linux and (104) elsewhere.
const SOCKET_BYTES: usize = 104;

/// What Python finds.
const FILES: [(&str, &str); 2] = [
    ("sitecustomize.py", include_str!("../../../assets/agent/sitecustomize.py")),
    ("redis_pooltop_agent.py", include_str!("../../../assets/agent/redis_pooltop_agent.py")),
];

/// A directory of our own with room for a socket. Dropped, it is gone.
#[derive(Debug)]
pub struct Place {
    directory: tempfile::TempDir,
    hook: PathBuf,
}

impl Place {
    /// Makes one, and finds a place for the hook.
    ///
    /// # Errors
    /// Whatever the system says against making it.
    pub fn make() -> io::Result<Self> {
        let directory = directory()?;
        // One that outlives the run has the agent compiled already: that takes a process some 20 ms.
        let kept = etcetera::choose_base_strategy().ok().and_then(|base| kept(&base.cache_dir()).ok());
        let hook = match kept {
            Some(hook) => hook,
            None => hook(&directory.path().join("hook"))?,
        };
        Ok(Self { directory, hook })
    }

    /// Where the socket goes.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join(NAME)
    }

    /// The file that says of a process that it was let in.
    pub fn started(&self) -> PathBuf {
        self.directory.path().join("started")
    }

    /// What goes first in a process's PYTHONPATH.
    pub fn hook(&self) -> &Path {
        &self.hook
    }
}

/// Makes the run's own directory: where temporary files go, or where its socket has a path that is short enough and Python
/// takes for one directory.
fn directory() -> io::Result<tempfile::TempDir> {
    let mut failed = None;
    for base in [std::env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")] {
        let made = tempfile::Builder::new()
            .prefix("redis-pooltop-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&base);
        match made {
            Ok(made) if is_one(made.path()) && made.path().join(NAME).as_os_str().len() < SOCKET_BYTES => {
                return Ok(made);
            }
            Ok(_) => {}
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| {
        io::Error::other("no directory for temporary files has a path that is short enough")
    }))
}

/// Whether Python takes this for one directory among others.
fn is_one(path: &Path) -> bool {
    !path.as_os_str().as_encoded_bytes().contains(&b':')
}

/// The hook in the directory for what may be made anew, where nobody else could change it or what leads to it.
fn kept(cache: &Path) -> io::Result<PathBuf> {
    if !is_one(cache) {
        return Err(io::Error::other("Python takes it for several"));
    }
    fs::create_dir_all(cache)?;
    let base = fs::metadata(cache)?;
    // In a directory of all, as the one for temporary files is, nobody can move what is ours.
    let ours = base.uid() == rustix::process::getuid().as_raw() || base.uid() == 0;
    if !ours || (base.mode() & 0o022 != 0 && base.mode() & 0o1000 == 0) {
        return Err(others());
    }
    let own = cache.join("redis-pooltop");
    private(&own)?;
    hook(&own.join(format!("hook-{:016x}", mark())))
}

/// Makes a directory where there is none, that nobody else may write to.
fn private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).recursive(true).create(path)?;
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() || found.uid() != rustix::process::getuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(others());
    }
    Ok(())
}

fn others() -> io::Error {
    io::Error::other("others can write there")
}

/// Puts the hook's files there, where nobody else can change them.
fn hook(path: &Path) -> io::Result<PathBuf> {
    private(path)?;
    for (name, text) in FILES {
        let file = path.join(name);
        if fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
            continue;
        }
        // Whole or not at all: another run may be starting a process right now.
        let mut whole = tempfile::NamedTempFile::new_in(path)?;
        whole.write_all(text.as_bytes())?;
        whole.persist(&file)?;
    }
    Ok(path.to_owned())
}

/// Tells the hook of this version from others: FNV-1a over its files.
fn mark() -> u64 {
    let bytes = FILES.iter().flat_map(|(_, text)| text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Listens there for processes of this user alone.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_is_mended_where_it_was_changed_and_goes_nowhere_that_others_can_write() {
        let base = tempfile::tempdir().expect("a directory");
        let path = hook(&base.path().join("a/hook")).expect("a hook");
        let file = path.join(FILES[0].0);
        fs::write(&file, "print('mine')").expect("written");
        hook(&path).expect("again");
        assert_eq!(fs::read_to_string(&file).expect("read"), FILES[0].1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("opened");
        assert!(hook(&path).is_err());
        let link = base.path().join("link");
        std::os::unix::fs::symlink(base.path().join("a"), &link).expect("a link");
        assert!(hook(&link).is_err());
    }

    #[test]
    fn the_hook_is_kept_only_where_nobody_else_could_move_it_and_python_finds_it() {
        let base = tempfile::tempdir().expect("a directory");
        let cache = base.path().join("cache");
        let opened = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opened");
        };
        assert!(kept(&cache).is_ok());
        opened(&cache, 0o777);
        assert!(kept(&cache).is_err());
        opened(&cache, 0o1777);
        assert!(kept(&cache).is_ok());
        opened(&cache.join("redis-pooltop"), 0o777);
        assert!(kept(&cache).is_err());
        assert!(kept(&base.path().join("a:b")).is_err());
    }

    #[test]
    fn the_place_is_for_its_owner_alone_and_goes_with_it() {
        let place = Place::make().expect("a place");
        let directory = place.socket().parent().map(Path::to_owned).expect("a directory");
        assert_eq!(fs::metadata(&directory).expect("there").mode() & 0o777, 0o700);
        drop(place);
        assert!(!directory.exists());
    }
}
