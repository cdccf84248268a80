//! Unix sockets of this machine, by `unix_diag`: which belong to a server, and who is at their other ends.

use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor};
use rustix::io::Errno;

use super::inet::BY_FAMILY;
use super::netlink::{DUMP, Netlink, attributes, u32_at};

const UNIX: u8 = 1;
const STREAM: u8 = 1;

/// States that are asked for, and the one of a listener.
const ESTABLISHED: u8 = 1;
const LISTEN: u8 = 10;

/// Name, inode of the path, peer and user of each.
const SHOW: u32 = 0x01 | 0x02 | 0x04 | 0x40;

/// Bytes before a `struct unix_diag_msg`'s attributes.
const HEADER: usize = 16;

const NAME: u16 = 0;
const FILE: u16 = 1;
const PEER: u16 = 2;
const USER: u16 = 7;

/// A stream socket. One that a server has accepted carries the name and the file of the one that listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Socket {
    /// What `/proc/PID/fd` calls it.
    pub(super) inode: u32,
    /// The other end; none when that is closed.
    pub(super) peer: Option<u32>,
    /// It waits for connections.
    pub(super) listens: bool,
    /// As it was bound, by a relative path perhaps.
    pub(super) name: Vec<u8>,
    /// Whose it is, where the kernel tells.
    pub(super) uid: Option<u32>,
    file: Option<File>,
}

/// A file, as the kernel tells it of a socket: inode, and device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File(u32, u32);

impl From<(u32, u32)> for File {
    fn from((inode, device): (u32, u32)) -> Self {
        Self(inode, device)
    }
}

impl File {
    /// The one at a path.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let found = metadata(path).ok()?;
        // The kernel's own form of a device's number, and the lower half of an inode's.
        let device = (major(found.dev()) << 20) | minor(found.dev());
        Some(Self(found.ino() as u32, device))
    }
}

impl Socket {
    /// It is at a path: by its file, or where a filesystem has several devices, by file and name.
    pub(super) fn is_at(&self, path: &Path, file: Option<File>) -> bool {
        let named = || path.is_absolute() && self.name == path.as_os_str().as_encoded_bytes();
        match (self.file, file) {
            (Some(own), Some(file)) => own == file || (own.0 == file.0 && named()),
            _ => named(),
        }
    }
}

/// Every stream socket that listens or is connected.
pub(super) fn all(diag: &mut Netlink) -> Result<Vec<Socket>, Errno> {
    let mut bytes = vec![UNIX, 0, 0, 0];
    bytes.extend_from_slice(&(1_u32 << ESTABLISHED | 1 << LISTEN).to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&SHOW.to_ne_bytes());
    bytes.extend_from_slice(&[0xff; 8]);
    let mut found = Vec::new();
    diag.ask(BY_FAMILY, DUMP, &bytes, |payload| found.extend(parse(payload)))?;
    Ok(found)
}

/// `struct unix_diag_msg` and its attributes.
pub(super) fn parse(bytes: &[u8]) -> Option<Socket> {
    if bytes.get(..2)? != [UNIX, STREAM] {
        return None;
    }
    let mut socket =
        Socket { listens: *bytes.get(2)? == LISTEN, inode: u32_at(bytes, 4)?, ..Socket::default() };
    for (kind, value) in attributes(bytes.get(HEADER..)?) {
        match kind {
            NAME => socket.name = value.strip_suffix(&[0]).unwrap_or(value).to_vec(),
            FILE => socket.file = u32_at(value, 0).zip(u32_at(value, 4)).map(File::from),
            PEER => socket.peer = u32_at(value, 0).filter(|inode| *inode != 0),
            USER => socket.uid = u32_at(value, 0),
            _ => {}
        }
    }
    Some(socket)
}
