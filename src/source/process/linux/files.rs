//! Processes as `/proc` shows them: their descriptors, and who they are.

use std::ffi::CStr;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Dir, Mode, OFlags, openat, readlinkat_raw};
use rustix::io::Errno;
use rustix::path::DecInt;

use super::text::{Stat, parse_socket, parse_stat, parse_uids, parse_uptime};

/// The most that is read of a file in `/proc`.
const MOST: u64 = 16 << 10;

/// One process, held open: what is read through it is of this process, even if its number is given to another meanwhile.
#[derive(Debug)]
pub(super) struct Opened {
    directory: OwnedFd,
}

impl Opened {
    /// The process of a number, when there is one that may be seen.
    pub(super) fn new(pid: u32) -> Option<Self> {
        let directory = openat(CWD, format!("/proc/{pid}"), DIRECTORY, Mode::empty()).ok()?;
        Some(Self { directory })
    }

    /// The beginning of one of its files.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = openat(&self.directory, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(MOST).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Its name and when it started.
    pub(super) fn stat(&self) -> Option<Stat> {
        parse_stat(&self.read("stat")?)
    }

    /// The users it runs as: the one who started it, and the one whose rights it has.
    pub(super) fn uids(&self) -> Option<(u32, u32)> {
        parse_uids(&self.read("status")?)
    }

    /// Its descriptors, newest number first, so that whoever looks for what was opened last is done soon.
    pub(super) fn descriptors(&self) -> Result<Descriptors, Errno> {
        let directory = openat(&self.directory, "fd", DIRECTORY, Mode::empty())?;
        let mut numbers = Vec::<i32>::new();
        let mut entries = Dir::read_from(&directory)?;
        while let Some(entry) = entries.read() {
            numbers.extend(number::<i32>(entry?.file_name()));
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Descriptors { directory, numbers })
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Descriptors of a process.
pub(super) struct Descriptors {
    directory: OwnedFd,
    numbers: Vec<i32>,
}

impl Descriptors {
    /// Those that are sockets: number and inode.
    pub(super) fn sockets(&self) -> impl Iterator<Item = (i32, u32)> {
        self.numbers.iter().filter_map(|fd| Some((*fd, self.socket(*fd)?)))
    }

    /// The inode of a descriptor that is a socket.
    pub(super) fn socket(&self, fd: i32) -> Option<u32> {
        let mut link = [0; 64];
        let length = readlinkat_raw(&self.directory, DecInt::new(fd), link.as_mut_slice()).ok()?;
        parse_socket(link.get(..length)?)
    }
}

/// The numbers of all processes that may be seen, lowest first: a parent before the children that share its sockets.
pub(super) fn all() -> Vec<u32> {
    let Ok(directory) = openat(CWD, "/proc", DIRECTORY, Mode::empty()) else { return Vec::new() };
    let Ok(mut entries) = Dir::new(directory) else { return Vec::new() };
    let mut pids = Vec::new();
    while let Some(Ok(entry)) = entries.read() {
        pids.extend(number::<u32>(entry.file_name()));
    }
    pids.sort_unstable();
    pids
}

fn number<N: FromStr>(name: &CStr) -> Option<N> {
    name.to_str().ok()?.parse().ok()
}

/// A moment in clock ticks since the machine started, in milliseconds since 1970. The same for as long as we run, though
/// clocks are set: a process must not seem to be another one.
pub(super) fn since_1970(ticks: u64) -> Option<u64> {
    static BOOT: OnceLock<Option<u64>> = OnceLock::new();
    let boot = (*BOOT.get_or_init(|| {
        let up = parse_uptime(&std::fs::read("/proc/uptime").ok()?)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        u64::try_from(now.saturating_sub(up).as_millis()).ok()
    }))?;
    let second = rustix::param::clock_ticks_per_second().max(1);
    boot.checked_add(ticks.checked_mul(1000)? / second)
}
