//! What is owed on a connection, and what its commands did to the server's end of it.
//!
//! Most commands get one reply and change nothing: they cost one comparison here. The few that change the session, or
//! get none or several replies, leave a mark at the reply they wait for, and only while marks or a streaming mode exist
//! are replies looked at.

use std::collections::VecDeque;

use crate::resp::Value;

use super::session::{Mode, SessionState};
use super::special::{Special, Topic, confirmation, is_message, special};

/// What a value that arrived is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A reply that was owed.
    Reply,
    /// A push, a message or a MONITOR line: no command's reply.
    Stream,
    /// A reply that no command asked for.
    Unexpected,
}

/// A special command whose reply is still to come.
#[derive(Debug)]
struct Mark {
    /// Replies of plain commands between the mark before, or now, and this one.
    before: u64,
    what: Special,
    /// Replies this one still gets.
    left: u64,
}

/// Effects of what MULTI has queued, for when EXEC runs it.
#[derive(Debug, Default)]
struct Queued {
    database: Option<u32>,
    other: bool,
}

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about a session, each set by a command of its own"
)]
pub(super) struct Ledger {
    owed: u64,
    marks: VecDeque<Mark>,
    /// Replies of plain commands after the last mark; without marks, all that is owed is plain.
    after: u64,
    /// No marks and no streaming: a value is a push or a plain command's reply.
    plain: bool,
    home: u32,
    protocol: u8,
    database: u32,
    in_multi: bool,
    queued: Queued,
    watching: bool,
    monitor: bool,
    channels: u64,
    patterns: u64,
    shards: u64,
    replies_off: bool,
    skip_next: bool,
    tracking: bool,
    no_evict: bool,
    no_touch: bool,
    /// A change that nothing but a new connection undoes.
    lasting: Option<&'static str>,
}

impl Ledger {
    /// The ledger of a connection just greeted, with `home` as its database and `protocol` agreed on.
    pub(super) fn new(home: u32, protocol: u8) -> Self {
        Self {
            owed: 0,
            marks: VecDeque::new(),
            after: 0,
            plain: true,
            home,
            protocol,
            database: home,
            in_multi: false,
            queued: Queued::default(),
            watching: false,
            monitor: false,
            channels: 0,
            patterns: 0,
            shards: 0,
            replies_off: false,
            skip_next: false,
            tracking: false,
            no_evict: false,
            no_touch: false,
            lasting: None,
        }
    }

    /// Replies owed: expected minus read.
    pub(super) fn owed(&self) -> u64 {
        self.owed
    }

    pub(super) fn mode(&self) -> Mode {
        if self.replies_off {
            Mode::RepliesOff
        } else if self.monitor {
            Mode::Monitor
        } else if self.subscriptions() > 0 {
            Mode::Subscribed
        } else {
            Mode::Normal
        }
    }

    pub(super) fn state(&self) -> SessionState {
        SessionState {
            in_multi: self.in_multi,
            watching: self.watching,
            database: self.database,
            subscriptions: self.subscriptions(),
            mode: self.mode(),
        }
    }

    /// Why the connection cannot serve another caller as it is, if so.
    pub(super) fn taint(&self) -> Option<&'static str> {
        let found = [
            (self.subscriptions() > 0, "subscribed"),
            (self.monitor, "in MONITOR"),
            (self.replies_off || self.skip_next, "replies are off"),
            (self.in_multi, "MULTI is open"),
            (self.watching, "keys are watched"),
            (self.database != self.home, "another database is selected"),
            (self.tracking, "client tracking is on"),
            (self.no_evict, "exempt from eviction"),
            (self.no_touch, "leaves no trace on keys"),
        ];
        found.iter().find(|(is, _)| *is).map(|(_, what)| *what).or(self.lasting)
    }

    fn subscriptions(&self) -> u64 {
        self.channels + self.patterns + self.shards
    }

    /// Counts a command that goes out.
    #[inline]
    pub(super) fn sent<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        match special(args) {
            None if self.plain && !self.skip_next && !self.replies_off => self.owed += 1,
            what => self.sent_special(what),
        }
    }

    /// Counts a command that is known to get one reply and to change nothing.
    pub(super) fn sent_plain(&mut self) {
        self.sent::<&[u8]>(&[]);
    }

    #[cold]
    fn sent_special(&mut self, what: Option<Special>) {
        if let Some(Special::RepliesOn) = what {
            self.replies_off = false;
        }
        if self.replies_off || std::mem::take(&mut self.skip_next) {
            if what.is_some_and(|what| !matches!(what, Special::RepliesOff | Special::RepliesSkip)) {
                self.lasting = Some("its state was changed while replies were off");
            }
            return;
        }
        match what {
            None => {
                self.owed += 1;
                self.after += 1;
            }
            Some(Special::RepliesOff) => self.replies_off = true,
            Some(Special::RepliesSkip) => self.skip_next = true,
            Some(what) => self.mark(what),
        }
    }

    fn mark(&mut self, what: Special) {
        if let Special::Replication = what {
            self.lasting = Some("used as a replica");
        }
        let left = match what {
            Special::Topics { named, .. } => named.unwrap_or(1),
            _ => 1,
        };
        let before = if self.marks.is_empty() { self.owed } else { self.after };
        self.marks.push_back(Mark { before, what, left });
        self.after = 0;
        self.owed += left;
        self.plain = false;
    }

    /// Says what a value that arrived is, and counts it.
    #[inline]
    pub(super) fn arrived(&mut self, value: &Value) -> Arrival {
        if !self.plain {
            return self.arrived_special(value);
        }
        if matches!(value, Value::Push(_)) {
            return Arrival::Stream;
        }
        if self.owed == 0 {
            return Arrival::Unexpected;
        }
        self.owed -= 1;
        Arrival::Reply
    }

    #[cold]
    fn arrived_special(&mut self, value: &Value) -> Arrival {
        let arrival = self.look(value.bare());
        self.plain = self.marks.is_empty() && !self.monitor && self.subscriptions() == 0;
        arrival
    }

    fn look(&mut self, value: &Value) -> Arrival {
        let due = self.marks.front().filter(|mark| mark.before == 0).map(|mark| mark.what);
        let waits_for_topics = matches!(due, Some(Special::Topics { .. }));
        match value {
            Value::Push(items) => {
                return match confirmation(items) {
                    Some((topic, on, count)) => self.confirmed(topic, on, count),
                    None => Arrival::Stream,
                };
            }
            Value::Array(items) if self.subscriptions() > 0 || waits_for_topics => {
                if let Some((topic, on, count)) = confirmation(items) {
                    return self.confirmed(topic, on, count);
                }
                if is_message(items) {
                    return Arrival::Stream;
                }
            }
            Value::Simple(line) if self.monitor && line.first().is_some_and(u8::is_ascii_digit) => {
                return Arrival::Stream;
            }
            _ => {}
        }
        self.replied(value)
    }

    /// A whole reply. For a command with many confirmations it is one error, or QUEUED, in place of all of them.
    fn replied(&mut self, value: &Value) -> Arrival {
        if self.owed == 0 {
            return Arrival::Unexpected;
        }
        match self.marks.front_mut() {
            Some(mark) if mark.before == 0 => {
                self.owed -= mark.left;
                let what = mark.what;
                self.marks.pop_front();
                self.apply(what, value);
            }
            Some(mark) => {
                mark.before -= 1;
                self.owed -= 1;
            }
            None => self.owed -= 1,
        }
        Arrival::Reply
    }

    /// A (un)subscription took effect: asked for by the command whose turn it is, or by the server alone.
    fn confirmed(&mut self, topic: Topic, on: bool, count: u64) -> Arrival {
        let before = self.count(topic, count);
        let Some(mark) = self.marks.front_mut().filter(|mark| mark.before == 0) else {
            return Arrival::Stream;
        };
        match &mut mark.what {
            Special::Topics { topic: asked, on: asked_on, named } if (*asked, *asked_on) == (topic, on) => {
                // A bare UNSUBSCRIBE answers once for each subscription there is, and once when there is none.
                if named.is_none() {
                    let all = before.max(1);
                    *named = Some(all);
                    mark.left += all - 1;
                    self.owed += all - 1;
                }
            }
            _ => return Arrival::Stream,
        }
        mark.left -= 1;
        self.owed -= 1;
        if mark.left == 0 {
            self.marks.pop_front();
        }
        Arrival::Reply
    }

    /// Takes over the server's count, which is of channels and patterns together, and gives our own from before.
    fn count(&mut self, topic: Topic, count: u64) -> u64 {
        let now = match topic {
            Topic::Channel => count.saturating_sub(self.patterns),
            Topic::Pattern => count.saturating_sub(self.channels),
            Topic::Shard => count,
        };
        let kept = match topic {
            Topic::Channel => &mut self.channels,
            Topic::Pattern => &mut self.patterns,
            Topic::Shard => &mut self.shards,
        };
        std::mem::replace(kept, now)
    }

    /// What a special command's reply says about the session.
    fn apply(&mut self, what: Special, reply: &Value) {
        match reply {
            Value::Error(text) => {
                // A failed EXEC ends the transaction all the same, unless there was none.
                if matches!(what, Special::Exec) && text.starts_with(b"EXECABORT") {
                    self.leave_multi();
                }
                return;
            }
            Value::Simple(text) if self.in_multi && text.as_ref() == b"QUEUED" => {
                match what {
                    Special::Select(database) => self.queued.database = database,
                    Special::Unwatch => {}
                    _ => self.queued.other = true,
                }
                return;
            }
            _ => {}
        }
        match what {
            Special::Multi => self.in_multi = true,
            Special::Exec => {
                let queued = std::mem::take(&mut self.queued);
                self.leave_multi();
                if !matches!(reply, Value::Nil) {
                    self.database = queued.database.unwrap_or(self.database);
                    if queued.other {
                        self.lasting = Some("its state was changed inside MULTI");
                    }
                }
            }
            Special::Discard => self.leave_multi(),
            Special::Watch => self.watching = true,
            Special::Unwatch => self.watching = false,
            Special::Select(database) => self.database = database.unwrap_or(self.database),
            Special::Auth => self.lasting = Some("authenticated again"),
            Special::Hello { protocol, auth } => {
                if auth {
                    self.lasting = Some("authenticated again");
                } else if protocol.is_some_and(|protocol| protocol != self.protocol) {
                    self.lasting = Some("another protocol was agreed on");
                }
            }
            Special::Reset => self.reset(),
            Special::Quit => self.lasting = Some("the server was asked to close it"),
            Special::Monitor => self.monitor = true,
            Special::Tracking(on) => self.tracking = on,
            Special::NoEvict(on) => self.no_evict = on,
            Special::NoTouch(on) => self.no_touch = on,
            Special::Topics { .. }
            | Special::RepliesOn
            | Special::RepliesOff
            | Special::RepliesSkip
            | Special::Replication => {}
        }
    }

    fn leave_multi(&mut self) {
        self.in_multi = false;
        self.watching = false;
        self.queued = Queued::default();
    }

    /// RESET leaves a connection as if just accepted: not authenticated, unnamed, RESP2, database 0.
    fn reset(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        *self = Self { owed: self.owed, marks, after: self.after, ..Self::new(self.home, self.protocol) };
        self.database = 0;
        self.lasting = Some("RESET undid its authentication and settings");
    }
}

#[cfg(test)]
mod tests;
