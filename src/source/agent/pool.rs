//! One pool of a process that reports: what its snapshots add up to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::speaker::Speaker;
use super::stacks::cut;
use super::wire::{Counts, Lease, Open, Pool, PoolSnap};
use crate::event::{
    Bound, Bounds, CloseReason, ClosedBy, ConnId, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder,
    How, Inside, Left, Opened, PoolEvent, PoolFacts, PoolId, ProcId, Pulse, Samples, SeenAt, Stamp, Timed,
    Totals, WaitEnd,
};

/// Connections of one pool that are followed.
const CONNECTIONS: usize = 65_536;

/// One pool.
#[derive(Debug)]
pub(super) struct PoolState {
    id: PoolId,
    bounds: Bounds,
    max: u32,
    /// Our numbers for theirs. What they number is opened and closed again and again; ours is one socket's.
    connections: HashMap<u64, Known>,
    /// The leases that are out and old enough to be told, by the process's number of their connection.
    out: BTreeMap<u64, Out>,
    closed_by: ClosedBy,
}

/// A connection.
#[derive(Clone, Copy, Debug)]
struct Known {
    conn: ConnId,
    /// It was told to be open, and not to be closed.
    open: bool,
}

/// What became of a socket.
#[derive(Clone, Copy, Debug)]
enum Change<'a> {
    Closed(&'a str),
    Opened(&'a Open),
}

/// A lease that is out.
#[derive(Clone, Debug)]
struct Out {
    pulse: ConnPulse,
    /// On the process's clock: on ours one moment can move a little.
    since: u64,
    alive: bool,
    /// It has been told to be left.
    left: bool,
}

impl Out {
    /// Its owner was collected.
    fn is_abandoned(&self) -> bool {
        matches!(&self.pulse.state, ConnState::InUse { holder, .. } if holder.ended.is_some())
    }

    /// Whether it may still come back at a regular end: whoever took it runs, or a command is under way, which gives it back
    /// by itself.
    fn may_come_back(&self) -> bool {
        let ConnState::InUse { holder, .. } = &self.pulse.state else { return true };
        let under_way = holder.how == Some(How::Command) && self.pulse.busy_since.is_some();
        self.alive || (under_way && !self.is_abandoned())
    }

    /// Whoever took it by hand was to give it back by hand: closing its pool is no way to do that. A command in another
    /// thread is another matter.
    fn was_for_giving_back(&self) -> bool {
        let ConnState::InUse { holder, .. } = &self.pulse.state else { return false };
        matches!(holder.how, Some(How::Raw | How::Pipeline | How::Lock))
    }
}

impl PoolState {
    /// A pool that was told of, and what there is to say of it.
    pub(super) fn new(id: PoolId, process: ProcId, told: &Pool, made: Option<Holder>) -> (Self, PoolFacts) {
        let class = cut(&told.class).to_owned();
        let short = class.rsplit('.').next().unwrap_or_default().to_owned();
        let max = limit(told.max);
        let facts = PoolFacts {
            name: told.name.as_deref().map_or(short, |name| cut(name).to_owned()),
            target: cut(&told.target).to_owned(),
            max,
            single: told.kind == "single",
            leak_threshold: None,
            inside: Some(Box::new(Inside {
                process,
                class,
                inherited: told.inherited,
                asynchronous: told.asynchronous,
                made,
            })),
        };
        // A pool that fails at once keeps nobody waiting.
        let nanos = |nanos: Option<u64>| Bound::from(nanos.map(std::time::Duration::from_nanos));
        let wait = if told.kind == "blocking" { nanos(told.blocking) } else { Bound::Unknown };
        let bounds = Bounds { wait, reply: nanos(told.socket_timeout) };
        let state = Self {
            id,
            bounds,
            max,
            connections: HashMap::new(),
            out: BTreeMap::new(),
            closed_by: ClosedBy::default(),
        };
        (state, facts)
    }

    /// Takes what changed, and says what that means. What comes back is how much of it there was no room for.
    pub(super) fn take(&mut self, now: Stamp, told: &PoolSnap, by: &Speaker, events: &mut Vec<Timed>) -> u64 {
        let mut ignored = self.sockets(told, by, events);
        let mut changed = Vec::new();
        // What is out now was lent after what came back.
        for (conn, at) in &told.back {
            if let Some(Out { mut pulse, .. }) = self.out.remove(conn) {
                pulse.state = ConnState::Available { since: by.shift().ours(*at) };
                pulse.busy_since = None;
                changed.push(pulse);
            }
        }
        for lease in &told.out {
            let Some(conn) = self.connection(lease.conn, by) else {
                ignored += 1;
                continue;
            };
            self.lend(conn, lease, by);
        }
        self.incidents(told, by, events);
        changed.extend(self.out.values().map(|out| out.pulse.clone()));
        if told.max.is_some() {
            self.max = limit(told.max);
        }
        events.push(self.event(now, PoolEvent::Pulse(Box::new(self.pulse(told, changed)))));
        ignored
    }

    /// What was opened and closed, in the order in which that happened. What comes back is how much of it there was no
    /// room for.
    fn sockets(&mut self, told: &PoolSnap, by: &Speaker, events: &mut Vec<Timed>) -> u64 {
        let mut ignored = 0;
        let back: HashSet<u64> = told.back.iter().map(|(conn, _)| *conn).collect();
        let closed = told.closed.iter().map(|(conn, at, reason)| (*at, *conn, Change::Closed(reason)));
        let opened = told.opened.iter().map(|opened| (opened.1, opened.0, Change::Opened(opened)));
        let mut changes: Vec<_> = closed.chain(opened).collect();
        changes.sort_by_key(|(at, ..)| *at);
        for (at, conn, change) in changes {
            let at = by.shift().ours(at);
            match change {
                Change::Closed(reason) => self.closed(at, conn, reason, back.contains(&conn), by, events),
                Change::Opened(opened) => ignored += u64::from(!self.opened(at, opened, by, events)),
            }
        }
        ignored
    }

    /// One was opened. Says whether there was room for it.
    fn opened(&mut self, at: Stamp, told: &Open, by: &Speaker, events: &mut Vec<Timed>) -> bool {
        let (theirs, _, server_id, local, took) = told;
        if self.connections.get(theirs).is_some_and(|known| known.open) {
            // That it was closed before has been forgotten on the way.
            self.closed(at, *theirs, CloseReason::Asked.word(), false, by, events);
        }
        let Some(conn) = self.connection(*theirs, by) else { return false };
        self.connections.insert(*theirs, Known { conn, open: true });
        // The agent times opening as a whole.
        let dial = std::time::Duration::from_nanos(*took);
        let steps = CreateSteps { dial, ..CreateSteps::default() };
        let local = local.as_deref().and_then(|local| local.parse().ok());
        let opened = Opened { conn, server_id: *server_id, local, steps };
        events.push(self.event(at, PoolEvent::Opened(opened)));
        true
    }

    /// One was closed. Whoever has it lent may open it again: the lease goes on, and counts against the limit.
    fn closed(
        &mut self,
        at: Stamp,
        theirs: u64,
        reason: &str,
        back: bool,
        by: &Speaker,
        events: &mut Vec<Timed>,
    ) {
        let before = self.connections.remove(&theirs);
        if back {
            self.out.remove(&theirs);
        } else if self.out.contains_key(&theirs) {
            let next = self.connection(theirs, by);
            if let (Some(out), Some(next)) = (self.out.get_mut(&theirs), next) {
                if reason == CloseReason::PoolClosed.word() && out.was_for_giving_back() && !out.left {
                    out.left = true;
                    let left = Left { leases: vec![out.pulse.clone()], ..Left::default() };
                    let event = PoolEvent::Left(Box::new(left));
                    events.push(Timed { at, event: Event::Pool(self.id, event) });
                }
                out.pulse.conn = next;
                out.pulse.busy_since = None;
            }
        }
        if let Some(Known { conn, .. }) = before {
            let reason = closing(reason);
            self.closed_by.add(reason, 1);
            events.push(self.event(at, PoolEvent::Closed { conn, reason }));
        }
    }

    /// A lease is out, or something about it changed.
    fn lend(&mut self, conn: ConnId, lease: &Lease, by: &Speaker) {
        let mut out = lent(conn, lease, by);
        if let Some(before) = self.out.get(&lease.conn).filter(|before| before.since == lease.since) {
            out.left = before.left;
            // The clocks are held against each other ever better; a lease begins once all the same.
            if let (ConnState::InUse { since: first, .. }, ConnState::InUse { since, .. }) =
                (&before.pulse.state, &mut out.pulse.state)
            {
                *since = *first;
            }
        }
        self.out.insert(lease.conn, out);
    }

    /// What went wrong since the last snapshot.
    fn incidents(&mut self, told: &PoolSnap, by: &Speaker, events: &mut Vec<Timed>) {
        let shift = by.shift();
        for failed in &told.failed {
            let ended = match failed.end.as_str() {
                "timed-out" => WaitEnd::TimedOut,
                "cancelled" => WaitEnd::Cancelled,
                "refused" => WaitEnd::Refused,
                _ => WaitEnd::Failed,
            };
            let waited = std::time::Duration::from_nanos(failed.waited);
            let holder = by.holder(&failed.who, "");
            events.push(self.event(shift.ours(failed.at), PoolEvent::WaitFailed { ended, waited, holder }));
        }
        for unread in &told.unread {
            let Some(conn) = self.connection(unread.conn, by) else { continue };
            let seen = if unread.seen == "checkout" { SeenAt::Checkout } else { SeenAt::Release };
            let (owed, bytes) = (unread.owed, unread.bytes);
            let holder = Some(by.holder(&unread.who, ""));
            let event = PoolEvent::UnreadReply { conn, seen, owed, bytes, holder };
            events.push(self.event(shift.ours(unread.at), event));
        }
        for shared in &told.shared {
            let Some(conn) = self.connection(shared.conn, by) else { continue };
            let holder = by.holder(&shared.who, "");
            events.push(self.event(shift.ours(shared.at), PoolEvent::Shared { conn, holder }));
        }
    }

    /// It was given up, or its process ended as it should: what is out then and belongs to nobody that still runs is left.
    pub(super) fn end(self, at: Stamp, open: u32, unclosed: bool) -> Vec<Timed> {
        let left = self.out.values().filter(|out| !out.may_come_back() && !out.left);
        let leases: Vec<_> = left.map(|out| out.pulse.clone()).collect();
        let id = self.id;
        let event = |event| Timed { at, event: Event::Pool(id, event) };
        let any = open > 0 || !leases.is_empty();
        let left = any.then(|| event(PoolEvent::Left(Box::new(Left { open, leases, unclosed }))));
        left.into_iter().chain([event(PoolEvent::Stopped)]).collect()
    }

    /// Its process is gone without a word: whoever could still have given back might have, and only what nobody could is left.
    pub(super) fn cut_off(self, at: Stamp) -> Vec<Timed> {
        let lost = |out: &&Out| !out.left && out.is_abandoned();
        let leases: Vec<_> = self.out.values().filter(lost).map(|out| out.pulse.clone()).collect();
        let id = self.id;
        let event = |event| Timed { at, event: Event::Pool(id, event) };
        let left = Left { leases, ..Left::default() };
        let left = (!left.leases.is_empty()).then(|| event(PoolEvent::Left(Box::new(left))));
        left.into_iter().chain([event(PoolEvent::Stopped)]).collect()
    }

    fn pulse(&self, told: &PoolSnap, connections: Vec<ConnPulse>) -> Pulse {
        let PoolSnap { in_use, available, opening, waiting, .. } = *told;
        Pulse {
            gauges: Gauges { in_use, available, opening, waiting, max: self.max },
            totals: totals(&told.totals, self.closed_by),
            wait: waits(told),
            held: samples(&told.held),
            create: samples(&told.create),
            connections,
            bounds: self.bounds,
            unlisted: Some(in_use.saturating_sub(u32::try_from(self.out.len()).unwrap_or(u32::MAX))),
            ..Pulse::default()
        }
    }

    /// Our number for one of its connections, given where it is new; nothing for one too many.
    fn connection(&mut self, theirs: u64, by: &Speaker) -> Option<ConnId> {
        if self.connections.len() >= CONNECTIONS && !self.connections.contains_key(&theirs) {
            return None;
        }
        let new = || Known { conn: by.numbers().connection(), open: false };
        Some(self.connections.entry(theirs).or_insert_with(new).conn)
    }

    fn event(&self, at: Stamp, event: PoolEvent) -> Timed {
        Timed { at, event: Event::Pool(self.id, event) }
    }
}

/// Buckets by their middles: they are told by their upper edges, which nothing may have reached.
fn samples(told: &[(u64, u64)]) -> Samples {
    // Four of them to a power of two.
    let half = |edge: u64| {
        edge.checked_ilog2().and_then(|bits| bits.checked_sub(2)).map_or(0, |bits| (1 << bits) / 2)
    };
    Samples(told.iter().map(|&(edge, count)| (edge - half(edge), count)).collect())
}

/// The waits that ended with a connection, and those that ran into the timeout.
fn waits(told: &PoolSnap) -> Samples {
    let Samples(mut waits) = samples(&told.wait);
    let timed_out = told.failed.iter().filter(|failed| failed.end == "timed-out");
    waits.extend(timed_out.map(|failed| (failed.waited, 1)));
    Samples(waits)
}

/// No limit is told as none, or as more than anybody could open.
fn limit(told: Option<u64>) -> u32 {
    told.and_then(|max| u32::try_from(max).ok()).unwrap_or(u32::MAX)
}

fn lent(conn: ConnId, lease: &Lease, by: &Speaker) -> Out {
    let shift = by.shift();
    let holder =
        Holder { ended: lease.abandoned.map(|at| shift.ours(at)), ..by.holder(&lease.who, &lease.how) };
    let pinned = lease.pinned.as_deref().map(|word| cut(word).into());
    let pulse = ConnPulse {
        conn,
        state: ConnState::InUse { since: shift.ours(lease.since), holder, pinned },
        uses: lease.uses,
        commands: lease.cmds,
        last_command: lease.cmd.as_deref().map(|name| cut(name).into()),
        last_active: shift.ours(lease.active.max(lease.since)),
        busy_since: lease.busy.map(|at| shift.ours(at)),
        dead: false,
        last: None,
    };
    Out { pulse, since: lease.since, alive: lease.alive, left: false }
}

fn closing(word: &str) -> CloseReason {
    CloseReason::ALL.into_iter().find(|reason| reason.word() == word).unwrap_or(CloseReason::Asked)
}

fn totals(counts: &Counts, closed_by: ClosedBy) -> Totals {
    let Counts { opened, closed, open_failures, checkouts, released, discarded, waited, .. } = *counts;
    let Counts { timeouts, cancelled, refused, failed, commands, error_replies, unread_replies, .. } =
        *counts;
    Totals {
        opened,
        closed,
        closed_by,
        open_failures,
        checkouts,
        released,
        discarded,
        waited,
        timeouts,
        cancelled,
        refused,
        failed,
        commands,
        error_replies,
        unread_replies,
        ..Totals::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Failed;
    use super::*;

    #[test]
    fn a_bucket_counts_as_its_middle() {
        let Samples(told) = samples(&[(0, 9), (1, 1), (127, 1), (65_535, 2), (81_919, 3), (u64::MAX, 1)]);
        let middle = u64::MAX - (1 << 60);
        assert_eq!(told, [(0, 9), (1, 1), (119, 1), (61_439, 2), (73_727, 3), (middle, 1)]);
    }

    #[test]
    fn who_waited_for_nothing_waited_all_the_same() {
        let failed = |end: &str| Failed { end: end.to_owned(), waited: 400, ..Failed::default() };
        let told = PoolSnap {
            wait: vec![(0, 7)],
            failed: vec![failed("timed-out"), failed("refused")],
            ..PoolSnap::default()
        };
        assert_eq!(waits(&told), Samples(vec![(0, 7), (400, 1)]));
    }
}
