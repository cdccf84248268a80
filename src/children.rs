//! Programs that were started for the person and must not outlive us: shell commands behind `|`, and whoever has the
//! terminal for a while.
//!
//! Each has somebody who waits for it. When the program ends first, [`end`] ends them all, in bounded time.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

/// How long one that is asked to end may take, and then one that is made to.
const PATIENCE: Duration = Duration::from_millis(300);
/// Between two looks at those that end.
const MOMENT: Duration = Duration::from_millis(5);

static HELD: Mutex<Vec<Entry>> = Mutex::new(Vec::new());
static ENDING: AtomicBool = AtomicBool::new(false);

/// How a program stands to us and to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It leads a process group of its own.
    Group,
    /// It is in our own group, as it has to be to have the terminal.
    Borrower,
    /// One that has the terminal and leaves something behind: [`end`] waits until its [`Held`] is dropped.
    Editor,
}

struct Entry {
    pid: Pid,
    kind: Kind,
    /// Its end has been seen: the number may be another's from now on.
    ended: bool,
    /// Its [`Held`] is still there.
    awaited: bool,
}

/// A program that [`end`] ends as well.
#[derive(Debug)]
pub struct Held(Pid);

/// A program that has just been started.
pub trait Started {
    /// Its process.
    fn number(&self) -> Option<u32>;
}

impl Started for std::process::Child {
    fn number(&self) -> Option<u32> {
        Some(self.id())
    }
}

impl Started for tokio::process::Child {
    fn number(&self) -> Option<u32> {
        self.id()
    }
}

impl Held {
    /// Starts one. [`end`] waits meanwhile: it would not know of a program that runs while its start has not returned.
    pub fn start<C: Started>(
        kind: Kind,
        start: impl FnOnce() -> io::Result<C>,
    ) -> io::Result<(C, Option<Self>)> {
        let mut held = HELD.lock();
        let child = start()?;
        let pid = child.number().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok((child, None)) };
        let entry = Entry { pid, kind, ended: false, awaited: true };
        if ending() {
            // It was started a moment too late to be asked.
            send(&entry, Signal::KILL);
        }
        held.push(entry);
        Ok((child, Some(Self(pid))))
    }

    /// Blocks until it ends. It is still to be reaped then.
    pub fn wait(&self) {
        while waitid(WaitId::Pid(self.0), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|error| error == rustix::io::Errno::INTR)
        {}
        self.ended();
    }

    /// It has ended.
    pub fn ended(&self) {
        self.change(|entry| entry.ended = true);
    }

    /// Ends it at once, and its group with it.
    pub fn kill(&self) {
        self.change(|entry| {
            if !entry.ended {
                send(entry, Signal::KILL);
                entry.ended = true;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = HELD.lock().iter_mut().find(|entry| entry.awaited && entry.pid == self.0) {
            change(entry);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that still runs is left to the end of the program.
        self.change(|entry| entry.awaited = false);
        HELD.lock().retain(|entry| entry.awaited || !entry.ended);
    }
}

/// Whether somebody has the terminal: what its keys send us is meant for them.
pub fn lent() -> bool {
    HELD.lock().iter().any(|entry| entry.kind != Kind::Group)
}

/// Whether [`end`] has been called: nobody starts anything any more, nor takes the terminal.
pub fn ending() -> bool {
    ENDING.load(Ordering::Acquire)
}

/// Ends them all, and waits until they have, and what editors leave behind is tidied up. It blocks, for little more than half a
/// second when one will not end.
pub fn end() {
    {
        let _held = HELD.lock();
        ENDING.store(true, Ordering::Release);
    }
    // The shell of a pipe may end before the programs in it, which then are nobody's children.
    let mut below: Vec<Process> = Vec::new();
    for signal in [Signal::TERM, Signal::KILL] {
        for entry in HELD.lock().iter().filter(|entry| !entry.ended) {
            if entry.kind != Kind::Group {
                below.extend(Process::below(entry.pid));
            }
            send(entry, signal);
        }
        below.retain(Process::is_there);
        for process in &below {
            let _ = kill_process(process.pid, signal);
            let _ = kill_process(process.pid, Signal::CONT);
        }
        let until = Instant::now() + PATIENCE;
        loop {
            below.retain(Process::is_there);
            if below.is_empty() && gone() {
                return;
            }
            if Instant::now() >= until {
                break;
            }
            thread::sleep(MOMENT);
        }
    }
}

/// One that has just ended is what was wanted; one that is stopped hears nothing before it goes on.
fn send(entry: &Entry, signal: Signal) {
    let kill = match entry.kind {
        Kind::Group => kill_process_group,
        Kind::Borrower | Kind::Editor => kill_process,
    };
    let _ = kill(entry.pid, signal);
    let _ = kill(entry.pid, Signal::CONT);
}

/// Whether all have ended and are tidied up.
fn gone() -> bool {
    let mut held = HELD.lock();
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    held.retain(|entry| {
        let runs = || !entry.ended && matches!(waitid(WaitId::Pid(entry.pid), look), Ok(None));
        let stays = (entry.awaited && entry.kind == Kind::Editor) || runs();
        if !stays && !entry.ended && entry.kind == Kind::Group {
            // Others in it may not have done as they were asked.
            send(entry, Signal::KILL);
        }
        stays
    });
    held.is_empty()
}

/// A process that is not our child: its number alone does not name it for long.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    pid: Pid,
    parent: i32,
    started: u64,
}

impl Process {
    /// One as `/proc` knows it, unless it has ended.
    fn find(pid: Pid) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        // Its name, between brackets, may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?;
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, parent, started })
    }

    fn is_there(&self) -> bool {
        Self::find(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// All that one has started, and what those have. None where there is no `/proc`.
    fn below(top: Pid) -> Vec<Self> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw);
        let mut others: Vec<Self> =
            entries.filter_map(|entry| pid(entry.ok()?)).filter_map(Self::find).collect();
        let mut found = Vec::new();
        let mut parents = vec![top.as_raw_nonzero().get()];
        while let Some(parent) = parents.pop() {
            let (children, rest) = others.into_iter().partition(|process| process.parent == parent);
            others = rest;
            let children: Vec<Self> = children;
            parents.extend(children.iter().map(|child| child.pid.as_raw_nonzero().get()));
            found.extend(children);
        }
        found
    }
}
