//! What a connection's leases were, put together from pulses: each names the lease that is out, and of those that ended
//! the last one.

use crate::event::{ConnPulse, ConnState};
use crate::snapshot::{ConnectionRow, PastLease, RowState};

/// Remembers the leases that are over by this pulse, before the row is brought up to date. `base` is how many commands
/// the connection had seen when the lease that is out began, where that is known.
pub(super) fn remember(row: &mut ConnectionRow, base: Option<u64>, seen: &ConnPulse) {
    let out = match &seen.state {
        ConnState::InUse { since, .. } => Some(*since),
        ConnState::Available { .. } => None,
    };
    let last = seen.last.as_ref();
    // With the connection idle and no other lease since, all its commands are that lease's.
    let ran = |uses: u64, base: Option<u64>| {
        let alone = out.is_none() && seen.uses == uses;
        let commands = base.filter(|_| alone).map(|base| seen.commands.saturating_sub(base));
        commands.map(|commands| (commands, seen.last_command.clone().filter(|_| commands > 0)))
    };
    let mut known = None;
    if let RowState::InUse { since, holder, .. } = &row.state
        && out != Some(*since)
    {
        let until = last.filter(|last| last.since == *since).map(|last| last.until);
        known = Some(*since);
        let (since, holder) = (*since, holder.clone());
        row.past.push(PastLease { since, until, holder, nth: row.uses, ran: ran(row.uses, base) });
    }
    if let Some(last) = last
        && known != Some(last.since)
        && row.past.newest().is_none_or(|newest| newest.since < last.since)
    {
        let nth = seen.uses.saturating_sub(u64::from(out.is_some()));
        let ran = ran(row.uses.saturating_add(1), Some(row.commands));
        let (since, until, holder) = (last.since, Some(last.until), last.holder.clone());
        row.past.push(PastLease { since, until, holder, nth, ran });
    }
}

/// How many commands the connection had seen before the lease that is out, where that is known: it was not out at the
/// last look, or it is the first.
pub(super) fn base(row: &ConnectionRow, base: Option<u64>, seen: &ConnPulse) -> Option<u64> {
    match (&row.state, &seen.state) {
        (RowState::InUse { since: before, .. }, ConnState::InUse { since, .. }) if before == since => base,
        (_, ConnState::InUse { .. }) => (seen.uses == row.uses.saturating_add(1)).then_some(row.commands),
        (_, ConnState::Available { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Connections;
    use crate::event::{ConnId, ConnPulse, ConnState, Gauges, Holder, PastLease, PoolId, Pulse, Stamp};

    const CONN: ConnId = ConnId(3);

    fn holder(label: &str) -> Holder {
        Holder { label: Some(label.into()), ..Holder::default() }
    }

    /// A connection with so many leases and commands behind it: lent since then, or idle.
    fn pulse(out: Option<(u64, &str)>, last: Option<(u64, u64, &str)>, uses: u64, commands: u64) -> Pulse {
        let state = match out {
            Some((since, label)) => {
                ConnState::InUse { since: Stamp(since), holder: holder(label), pinned: None }
            }
            None => ConnState::Available { since: Stamp::default() },
        };
        let last = last.map(|(since, until, label)| PastLease {
            since: Stamp(since),
            until: Stamp(until),
            holder: holder(label),
        });
        let (last_command, last_active) = ((commands > 0).then(|| "GET".into()), Stamp::default());
        let row = ConnPulse {
            conn: CONN,
            state,
            uses,
            commands,
            last_command,
            last_active,
            busy_since: None,
            dead: false,
            last,
        };
        Pulse {
            gauges: Gauges { available: 1, ..Gauges::default() },
            connections: vec![row],
            ..Pulse::default()
        }
    }

    /// A lease as it is remembered: number, holder, since, until and commands.
    type Seen = (u64, String, u64, Option<u64>, Option<u64>);

    /// The past of the connection after these pulses, oldest first.
    fn past(pulses: &[Pulse]) -> Vec<Seen> {
        let mut connections = Connections::new(PoolId(1));
        for pulse in pulses {
            connections.pulse(Stamp(1), pulse);
        }
        let row = connections.get(CONN).expect("its row");
        let mut past: Vec<_> = row
            .past
            .iter()
            .map(|lease| {
                let label = lease.holder.label.as_deref().unwrap_or("–").to_owned();
                let ran = lease.ran.as_ref().map(|(commands, _)| *commands);
                (lease.nth, label, lease.since.0, lease.until.map(|until| until.0), ran)
            })
            .collect();
        past.reverse();
        past
    }

    #[test]
    fn a_lease_that_was_seen_out_is_remembered_with_its_end_and_what_it_ran() {
        let seen = past(&[
            pulse(None, None, 0, 0),
            pulse(Some((10, "a")), None, 1, 2),
            pulse(Some((10, "a")), None, 1, 5),
            pulse(None, Some((10, 40, "a")), 1, 7),
        ]);
        assert_eq!(seen, [(1, "a".to_owned(), 10, Some(40), Some(7))]);
    }

    #[test]
    fn one_that_began_and_ended_between_two_looks_is_told_by_its_end() {
        let seen = past(&[
            pulse(None, None, 4, 9),
            pulse(None, Some((10, 12, "a")), 5, 11),
            pulse(None, Some((20, 24, "b")), 9, 30),
            pulse(None, None, 9, 30),
        ]);
        let a = (5, "a".to_owned(), 10, Some(12), Some(2));
        // Three others came between: what it ran is not known, and their numbers are missing.
        assert_eq!(seen, [a, (9, "b".to_owned(), 20, Some(24), None)]);
    }

    #[test]
    fn what_ended_while_another_is_out_is_remembered_once() {
        let seen = past(&[
            pulse(Some((10, "a")), None, 1, 1),
            pulse(Some((50, "b")), Some((10, 40, "a")), 2, 3),
            pulse(Some((90, "d")), Some((80, 85, "c")), 4, 6),
        ]);
        let expected = [
            (1, "a".to_owned(), 10, Some(40), None),
            (2, "b".to_owned(), 50, None, None),
            (3, "c".to_owned(), 80, Some(85), None),
        ];
        assert_eq!(seen, expected);
    }
}
