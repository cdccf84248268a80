//! Which process has a socket. Processes that have some already are asked first: a pool opens its next connection where
//! it opened the last one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::describe::{Users, describe};
use super::files::{self, Opened};
use crate::event::Process;

/// How long one search may take. The next one goes on where it ended.
const SEARCH: Duration = Duration::from_millis(250);

/// Processes that are remembered, at most.
const KNOWN: usize = 4096;

/// Processes that have sockets of clients.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: BTreeMap<u32, Known>,
    users: Users,
    /// Where the next search through all processes begins: after this one.
    after: u32,
}

#[derive(Debug)]
struct Known {
    started: u64,
    process: Arc<Process>,
}

/// Who has which sockets.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By inode.
    pub(super) holders: HashMap<u32, (Arc<Process>, i32)>,
    /// Not every process was asked: time was up.
    pub(super) unfinished: bool,
    /// Users some of whose processes do not let themselves be asked.
    pub(super) closed: HashSet<u32>,
}

impl Table {
    /// Looks for the processes that have these sockets open.
    pub(super) fn find(&mut self, wanted: &mut HashSet<u32>) -> Found {
        let mut found = Found::default();
        let deadline = Instant::now() + SEARCH;
        for pid in self.known.keys().copied().collect::<Vec<_>>() {
            self.search(pid, wanted, &mut found);
        }
        if wanted.is_empty() {
            return found;
        }
        let all = files::all();
        let first = all.partition_point(|pid| *pid <= self.after);
        for pid in all[first..]
            .iter()
            .chain(&all[..first])
            .filter(|pid| !self.known.contains_key(pid))
            .copied()
            .collect::<Vec<_>>()
        {
            self.search(pid, wanted, &mut found);
            if wanted.is_empty() {
                break;
            }
            if Instant::now() > deadline {
                self.after = pid;
                found.unfinished = true;
                break;
            }
        }
        found
    }

    /// Looks through one process's descriptors.
    fn search(&mut self, pid: u32, wanted: &mut HashSet<u32>, found: &mut Found) {
        if wanted.is_empty() {
            return;
        }
        let Some(opened) = Opened::new(pid) else {
            self.known.remove(&pid);
            return;
        };
        let Ok(descriptors) = opened.descriptors() else {
            found.closed.extend(opened.uids().map(|(_, effective)| effective));
            return;
        };
        let mut process = None;
        for (fd, inode) in descriptors.sockets() {
            if !wanted.contains(&inode) {
                continue;
            }
            let Some(process) = process.get_or_insert_with(|| self.known(pid, &opened)) else { return };
            wanted.remove(&inode);
            found.holders.insert(inode, (Arc::clone(process), fd));
            if wanted.is_empty() {
                return;
            }
        }
    }

    /// The process, as it is remembered or else as it is.
    fn known(&mut self, pid: u32, opened: &Opened) -> Option<Arc<Process>> {
        let stat = opened.stat()?;
        if let Some(known) = self.known.get(&pid) {
            // A number is given again, and a process may become another program.
            if known.started == stat.started && *known.process.name == *stat.name {
                return Some(Arc::clone(&known.process));
            }
        }
        let process = Arc::new(describe(pid, opened, &stat, &mut self.users)?);
        if self.known.len() >= KNOWN {
            self.known.pop_first();
        }
        self.known.insert(pid, Known { started: stat.started, process: Arc::clone(&process) });
        Some(process)
    }
}
