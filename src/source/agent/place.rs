//! Where processes report: a directory that nobody else may look into, a socket in it, and the hook that lets the agent
//! into a Python process.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The variable that tells a process where to report.
pub const SOCKET: &str = "REDIS_POOLTOP_SOCKET";

const HOOK: &str = include_str!("../../../assets/agent/sitecustomize.py");
const AGENT: &str = include_str!("../../../assets/agent/redis_pooltop_agent.py");

/// A directory of our own with room for a socket. Dropped, it is gone.
#[derive(Debug)]
pub struct Place(tempfile::TempDir);

/// The directory that goes first in a process's PYTHONPATH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPlace(pub PathBuf);

impl Place {
    /// Makes one, with the hook in it.
    ///
    /// # Errors
    /// Whatever the system says against making it.
    pub fn make() -> io::Result<(Self, HookPlace)> {
        let place = tempfile::Builder::new()
            .prefix("redis-pooltop-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()?;
        let hook = place.path().join("hook");
        fs::DirBuilder::new().mode(0o700).create(&hook)?;
        for (name, text) in [("sitecustomize.py", HOOK), ("redis_pooltop_agent.py", AGENT)] {
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(hook.join(name))?;
            file.write_all(text.as_bytes())?;
        }
        Ok((Self(place), HookPlace(hook)))
    }

    /// Where the socket goes.
    pub fn socket(&self) -> PathBuf {
        self.0.path().join("agents")
    }
}

/// Listens there for processes of this user alone.
pub(super) fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}
