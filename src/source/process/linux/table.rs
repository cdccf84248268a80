//! Which process has a socket. Processes that have some already are asked first: a pool opens its next connection where
//! it opened the last one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::geteuid;

use super::describe::{Users, describe};
use super::files::{self, Opened};
use crate::event::Process;

/// How long one search may take. The next one goes on where it ended.
const SEARCH: Duration = Duration::from_millis(250);

/// Processes that are remembered, at most.
const KNOWN: usize = 4096;

/// For how long nobody looks through all processes again for another user's socket, after that was in vain: what may not
/// be seen now may not be seen in a second.
const VAIN: Duration = Duration::from_secs(10);

/// Sockets that are looked for: inode, and whose they are where that is known.
pub(super) type Wanted = HashMap<u32, Option<u32>>;

/// Processes that have sockets of clients.
#[derive(Debug, Default)]
pub(super) struct Table {
    known: BTreeMap<u32, Known>,
    users: Users,
    /// Where the next search through all processes begins: after this one.
    after: u32,
    /// What an unfinished search had asked, and what it still wanted: one for the same goes on there.
    under_way: Option<(HashSet<u32>, HashSet<u32>)>,
    /// Users whose sockets were looked for in vain, and until when they are left alone.
    vain: HashMap<u32, Instant>,
    /// Users some of whose processes do not let themselves be asked, as of the last search through all.
    closed: HashSet<u32>,
}

#[derive(Debug)]
struct Known {
    started: u64,
    parent: u32,
    process: Arc<Process>,
}

/// Who has which sockets.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By inode.
    pub(super) holders: HashMap<u32, (Arc<Process>, i32)>,
    /// Not every process was asked: time was up.
    pub(super) unfinished: bool,
}

/// A search under way.
struct Search {
    wanted: Wanted,
    found: Found,
    asked: HashSet<u32>,
    deadline: Instant,
}

impl Search {
    fn is_over(&self) -> bool {
        self.wanted.is_empty() || Instant::now() > self.deadline
    }
}

impl Table {
    /// Looks for the processes that have these sockets open.
    pub(super) fn find(&mut self, wanted: Wanted) -> Found {
        self.find_until(wanted, Instant::now() + SEARCH)
    }

    fn find_until(&mut self, wanted: Wanted, deadline: Instant) -> Found {
        // Without that, sockets that nobody here has would be looked for over and over where one search is too short.
        let before = self.under_way.take();
        let before = before.filter(|(_, were)| wanted.keys().all(|inode| were.contains(inode)));
        let asked = before.map(|(asked, _)| asked).unwrap_or_default();
        let mut search = Search { wanted, found: Found::default(), asked, deadline };
        self.ask_known(&mut search);
        let now = Instant::now();
        self.vain.retain(|_, until| *until > now);
        let may_be_found = |uid: &Option<u32>| uid.is_none_or(|uid| !self.vain.contains_key(&uid));
        if search.wanted.values().any(may_be_found) {
            self.ask_all(&mut search);
        }
        if search.found.unfinished {
            self.under_way = Some((search.asked, search.wanted.into_keys().collect()));
        }
        search.found
    }

    /// Some process of this user does not let itself be asked.
    pub(super) fn is_closed(&self, uid: u32) -> bool {
        self.closed.contains(&uid)
    }

    /// A parent before its child: where both have a socket, the parent has opened it.
    fn ask_known(&mut self, search: &mut Search) {
        let pids: Vec<u32> = self.known.iter().flat_map(|(pid, known)| [known.parent, *pid]).collect();
        for pid in pids {
            if search.is_over() {
                return;
            }
            // The first process is everyone's parent in the end.
            if pid > 1 {
                self.ask(pid, search);
            }
        }
    }

    fn ask_all(&mut self, search: &mut Search) {
        if self.after == 0 {
            self.closed.clear();
        }
        let mut pids = files::all();
        let first = pids.partition_point(|pid| *pid <= self.after);
        pids.rotate_left(first);
        let mut asked_any = false;
        for pid in pids {
            if search.wanted.is_empty() {
                return;
            }
            if search.asked.contains(&pid) {
                continue;
            }
            // Whatever the clock says, every search gets on.
            if asked_any && Instant::now() > search.deadline {
                search.found.unfinished = true;
                return;
            }
            asked_any = true;
            self.after = pid;
            self.ask(pid, search);
        }
        self.after = 0;
        let us = geteuid();
        if !us.is_root() {
            let others = search.wanted.values().flatten().filter(|uid| **uid != us.as_raw());
            self.vain.extend(others.map(|uid| (*uid, Instant::now() + VAIN)));
        }
    }

    /// Looks through one process's descriptors.
    fn ask(&mut self, pid: u32, search: &mut Search) {
        if !search.asked.insert(pid) {
            return;
        }
        let Some(opened) = Opened::new(pid) else {
            self.known.remove(&pid);
            return;
        };
        let Ok(descriptors) = opened.descriptors() else {
            self.closed.extend(opened.uids().map(|(_, effective)| effective));
            return;
        };
        let mut process = None;
        for (fd, inode) in descriptors.sockets() {
            if !search.wanted.contains_key(&inode) {
                continue;
            }
            // One that has just ended has no name any more.
            let Some(process) = process.get_or_insert_with(|| self.known(pid, &opened)) else { return };
            search.wanted.remove(&inode);
            search.found.holders.insert(inode, (Arc::clone(process), fd));
            if search.wanted.is_empty() {
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
        let (started, parent) = (stat.started, stat.parent);
        self.known.insert(pid, Known { started, parent, process: Arc::clone(&process) });
        Some(process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_without_time_goes_on_until_everyone_was_asked() {
        let mut table = Table::default();
        // No socket has this number.
        let nobodys = || Wanted::from([(u32::MAX, None)]);
        let searches = (0..files::all().len() + 100).map(|_| table.find_until(nobodys(), Instant::now()));
        let unfinished = searches.take_while(|found| found.unfinished).count();
        assert!(unfinished < files::all().len() + 100, "it ends");
        assert!(unfinished > 0, "one process at a time");
        // Another is looked for among all.
        assert!(table.find_until(nobodys(), Instant::now()).unfinished);
        assert!(table.find_until(Wanted::from([(u32::MAX - 1, None)]), Instant::now()).unfinished);
        assert!(table.under_way.is_some_and(|(asked, _)| asked.len() == 1));
    }
}
