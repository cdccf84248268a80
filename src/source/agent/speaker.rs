//! What one process says, as events: its words are numbers of its own, and ours are of the whole run.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::numbers::Numbers;
use super::pool::PoolState;
use super::stacks::{Stacks, cut};
use super::wire::{self, Message, Who};
use crate::event::{
    AppEvent, Event, Holder, How, PoolEvent, ProcId, ProcessEvent, ProcessFacts, Reporting, Stamp, Timed,
};

/// How often a process is told to be heard of.
const HEARD: Duration = Duration::from_secs(1);

/// Pools of one process that are followed at one time.
const POOLS: usize = 4_096;

/// Why nothing more is taken from somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not begin as an agent does.
    Stranger,
    /// It speaks another version.
    Version(u32),
    /// Too many of its lines were none.
    Garbage,
}

/// Lines that may be garbage before no more are taken.
const GARBAGE: u32 = 64;

/// Its clock against ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift(i128);

impl Shift {
    /// From one moment on both clocks.
    fn between(ours: Stamp, theirs: u64) -> Self {
        Self(i128::from(ours.0) - i128::from(theirs))
    }

    /// A moment of theirs on our clock.
    pub(super) fn ours(self, theirs: u64) -> Stamp {
        let at = (i128::from(theirs) + self.0).max(0);
        Stamp(u64::try_from(at).unwrap_or(u64::MAX))
    }

    /// What was read here is never from later than it was read: the smallest difference seen is the truest.
    fn settle(&mut self, other: Self) {
        self.0 = self.0.min(other.0);
    }
}

/// One process that reports.
#[derive(Debug)]
pub(super) struct Speaker {
    process: ProcId,
    numbers: Arc<Numbers>,
    shift: Shift,
    stacks: Stacks,
    pools: BTreeMap<u64, PoolState>,
    heard: Option<Stamp>,
    reporting: Reporting,
    /// What it told and there was no room for.
    ignored: u64,
    garbage: u32,
    said: bool,
}

impl Speaker {
    /// Takes the first line, which says who speaks.
    pub(super) fn greet(at: Stamp, line: &[u8], numbers: Arc<Numbers>) -> Result<(Self, Vec<Timed>), Fault> {
        let Ok(Message::Hello(hello)) = serde_json::from_slice(line) else { return Err(Fault::Stranger) };
        if hello.v != wire::VERSION {
            return Err(Fault::Version(hello.v));
        }
        let process = numbers.process(hello.pid, hello.born);
        let facts = ProcessFacts {
            pid: hello.pid,
            parent: hello.ppid,
            program: cut(&hello.program).to_owned(),
            runtime: format!("Python {}", cut(&hello.python)),
            forked: hello.forked,
        };
        let speaker = Self {
            process,
            numbers,
            shift: Shift::between(at, hello.now),
            stacks: Stacks::of(&hello.cwd),
            pools: BTreeMap::new(),
            heard: Some(at),
            reporting: Reporting::default(),
            ignored: 0,
            garbage: 0,
            said: false,
        };
        let started = speaker.tell(at, ProcessEvent::Started(facts));
        Ok((speaker, vec![started]))
    }

    /// Takes another line.
    pub(super) fn hear(&mut self, at: Stamp, line: &[u8]) -> Result<Vec<Timed>, Fault> {
        let Ok(message) = serde_json::from_slice(line) else {
            self.garbage += 1;
            return if self.garbage > GARBAGE { Err(Fault::Garbage) } else { Ok(Vec::new()) };
        };
        Ok(match message {
            // Who speaks is told once.
            Message::Hello(_) | Message::Unknown => Vec::new(),
            Message::Lib(lib) => {
                let (name, version) = (cut(&lib.name).to_owned(), cut(&lib.version).to_owned());
                vec![self.tell(at, ProcessEvent::Library { name, version })]
            }
            Message::Pool(pool) => self.pool(&pool),
            Message::Stack(stack) => {
                self.ignored += u64::from(!self.stacks.learn(&stack));
                Vec::new()
            }
            Message::Snap(snap) => self.snap(at, &snap),
            Message::Gone(gone) => {
                let at = self.shift.ours(gone.at);
                let collected = gone.how == "collected";
                let left = self.pools.remove(&gone.pool);
                left.map_or_else(Vec::new, |pool| pool.end(at, gone.open, collected))
            }
            Message::Bye(bye) => {
                self.settle(at, bye.now);
                self.said = true;
                let unclosed: HashMap<u64, u32> = bye.unclosed.into_iter().collect();
                self.leave(at, &unclosed)
            }
        })
    }

    /// It speaks no more.
    pub(super) fn gone(mut self, at: Stamp) -> Vec<Timed> {
        let mut events = self.leave(at, &HashMap::new());
        events.push(self.tell(at, ProcessEvent::Gone { said: self.said }));
        events
    }

    /// Ends every pool that it still has.
    fn leave(&mut self, at: Stamp, unclosed: &HashMap<u64, u32>) -> Vec<Timed> {
        let said = self.said;
        let pools = std::mem::take(&mut self.pools);
        let ended = pools.into_iter().flat_map(|(id, pool)| match unclosed.get(&id) {
            Some(open) if said => pool.end(at, *open, true),
            // What was out when a process was killed is nobody's fault that could be told.
            _ if said => pool.end(at, 0, false),
            _ => pool.cut_off(at),
        });
        std::iter::once(self.tell(at, ProcessEvent::Ends)).chain(ended).collect()
    }

    fn pool(&mut self, told: &wire::Pool) -> Vec<Timed> {
        if self.pools.len() >= POOLS && !self.pools.contains_key(&told.id) {
            self.ignored += 1;
            return Vec::new();
        }
        let id = self.numbers.pool(self.process, told.id);
        let made = told.stack.map(|stack| self.holder(&Who { stack: Some(stack), ..Who::default() }, ""));
        let (state, facts) = PoolState::new(id, self.process, told, made);
        self.pools.insert(told.id, state);
        let at = self.shift.ours(told.at);
        vec![Timed { at, event: Event::Pool(id, PoolEvent::Started(facts)) }]
    }

    fn snap(&mut self, at: Stamp, snap: &wire::Snap) -> Vec<Timed> {
        self.settle(at, snap.now);
        let now = self.shift.ours(snap.now);
        let mut events = Vec::new();
        let mut pools = std::mem::take(&mut self.pools);
        for told in &snap.pools {
            match pools.get_mut(&told.id) {
                Some(pool) => self.ignored += pool.take(now, told, self, &mut events),
                None => self.ignored += 1,
            }
        }
        self.pools = pools;
        let reporting = Reporting {
            dropped: snap.dropped.saturating_add(self.ignored),
            errors: snap.errors,
            error: snap.error.as_deref().map(|error| cut(error).to_owned()),
        };
        let due = self.heard.is_none_or(|heard| at.since(heard) >= HEARD);
        if due || reporting != self.reporting {
            self.heard = Some(at);
            self.reporting = reporting.clone();
            events.push(self.tell(at, ProcessEvent::Heard(reporting)));
        }
        events
    }

    fn settle(&mut self, at: Stamp, theirs: u64) {
        self.shift.settle(Shift::between(at, theirs));
    }

    /// Their moments on our clock.
    pub(super) fn shift(&self) -> Shift {
        self.shift
    }

    /// Our numbers for what they have.
    pub(super) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Somebody of that process, as rows show it.
    pub(super) fn holder(&self, who: &Who, how: &str) -> Holder {
        let stack = self.stacks.get(who.stack);
        let thread = who.thread.as_deref().filter(|thread| *thread != "MainThread");
        Holder {
            label: who.task.as_deref().or(thread).map(|name| cut(name).into()),
            location: stack.and_then(|stack| stack.location.clone()),
            function: stack.and_then(|stack| stack.function.clone()),
            stack: stack.and_then(|stack| stack.text.clone()),
            how: manner(how),
            task: None,
            ended: None,
        }
    }

    fn tell(&self, at: Stamp, event: ProcessEvent) -> Timed {
        Timed { at, event: Event::App(AppEvent::Process(self.process, event)) }
    }
}

fn manner(word: &str) -> Option<How> {
    Some(match word {
        "command" => How::Command,
        "raw" => How::Raw,
        "pipeline" => How::Pipeline,
        "pubsub" => How::PubSub,
        "lock" => How::Lock,
        "single" => How::Single,
        "monitor" => How::Monitor,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
