use std::time::Duration;

use super::*;
use crate::event::{CreateSteps, Gauges};

fn opened(conn: u64) -> Opened {
    let steps =
        CreateSteps { dial: Duration::from_micros(300), tls: None, handshake: Duration::from_micros(100) };
    Opened { conn: ConnId(conn), server_id: Some(conn + 100), local: "127.0.0.1:40000".parse().ok(), steps }
}

fn available(conn: u64, since: u64) -> ConnPulse {
    let state = ConnState::Available { since: Stamp(since) };
    ConnPulse {
        conn: ConnId(conn),
        state,
        uses: 1,
        commands: 2,
        last_command: Some("GET".into()),
        last_active: Stamp(since),
        busy_since: None,
        dead: false,
        last: None,
    }
}

fn in_use(conn: u64, since: u64) -> ConnPulse {
    let state = ConnState::InUse { since: Stamp(since), holder: Holder::default(), pinned: None };
    ConnPulse { state, ..available(conn, since) }
}

fn pulse(in_use: u32, available: u32, connections: Vec<ConnPulse>) -> Pulse {
    Pulse {
        gauges: Gauges { in_use, available, max: 10, ..Gauges::default() },
        connections,
        ..Pulse::default()
    }
}

fn table() -> Connections {
    Connections::new(PoolId(1))
}

fn ids(table: &Connections) -> Vec<u64> {
    let mut rows: Vec<_> = table.rows().cloned().collect();
    rows.sort_by(|a, b| reading_order(a, b));
    rows.iter().map(|row| row.id.0).collect()
}

#[test]
fn an_event_and_a_pulse_make_one_row_in_either_order() {
    for pulse_first in [true, false] {
        let mut table = table();
        let pulse = pulse(1, 0, vec![in_use(3, 20)]);
        if pulse_first {
            table.pulse(Stamp(25), &pulse);
        }
        table.opened(Stamp(10), &opened(3));
        table.pulse(Stamp(30), &pulse);
        let row = table.get(ConnId(3)).expect("a row");
        assert_eq!((row.opened, row.server_id, row.uses), (Some(Stamp(10)), Some(103), 1));
        assert_eq!(row.held_for(Stamp(50)), Some(Duration::from_nanos(30)));
        assert!(!table.is_behind());
    }
}

#[test]
fn a_connection_whose_opening_was_missed_is_shown_with_what_is_known() {
    let mut table = table();
    table.pulse(Stamp(25), &pulse(1, 0, vec![in_use(3, 20)]));
    let row = table.get(ConnId(3)).expect("a row");
    assert_eq!((row.opened, row.server_id, row.local, row.steps), (None, None, None, None));
}

#[test]
fn a_closed_connection_does_not_come_back_with_a_late_pulse() {
    let mut table = table();
    table.opened(Stamp(1), &opened(3));
    table.closed(ConnId(3));
    table.pulse(Stamp(5), &pulse(0, 1, vec![available(3, 2)]));
    table.opened(Stamp(1), &opened(3));
    assert!(ids(&table).is_empty());
}

#[test]
fn in_use_and_not_listed_is_in_use_no_more() {
    let mut table = table();
    table.pulse(Stamp(5), &pulse(2, 0, vec![in_use(3, 2), in_use(4, 3)]));
    table.pulse(Stamp(9), &pulse(1, 1, vec![in_use(4, 3)]));
    assert_eq!(ids(&table), [4]);
    assert!(!table.is_behind(), "one disagreement may be a pulse ahead of its events");
    table.pulse(Stamp(9), &pulse(1, 1, vec![in_use(4, 3)]));
    assert!(table.is_behind());
    table.pulse(Stamp(12), &pulse(1, 1, vec![in_use(4, 3), available(5, 8)]));
    assert_eq!(ids(&table), [4, 5]);
    assert!(!table.is_behind());
}

#[test]
fn what_was_lost_is_settled_by_a_pulse_that_lists_everything() {
    let mut table = table();
    for conn in 1..=3 {
        table.opened(Stamp(conn), &opened(conn));
    }
    table.pulse(Stamp(10), &pulse(0, 3, vec![]));
    table.lost_something();
    // 2 was closed, and the event with it is lost: a pulse of changes cannot tell.
    table.pulse(Stamp(20), &pulse(0, 2, vec![]));
    assert_eq!(ids(&table).len(), 3);
    assert!(table.is_behind());
    table.pulse(Stamp(30), &pulse(0, 2, vec![available(1, 1), available(3, 3)]));
    assert_eq!(ids(&table), [3, 1]);
    assert!(!table.is_behind());
}

#[test]
fn a_connection_opened_after_the_pulse_was_taken_outlives_it() {
    let mut table = table();
    table.opened(Stamp(5), &opened(1));
    table.pulse(Stamp(4), &pulse(0, 0, vec![]));
    assert_eq!(ids(&table), [1]);
    table.pulse(Stamp(9), &pulse(0, 0, vec![]));
    assert!(ids(&table).is_empty());
}

#[test]
fn in_use_comes_first_and_the_longest_held_of_those() {
    let mut table = table();
    let rows = vec![available(1, 50), in_use(2, 40), available(3, 90), in_use(4, 10), in_use(5, 10)];
    table.pulse(Stamp(100), &pulse(3, 2, rows));
    assert_eq!(ids(&table), [4, 5, 2, 3, 1]);
}

#[test]
fn a_source_that_lies_cannot_fill_the_memory() {
    let mut table = table();
    for start in 0..4 {
        let rows = (0..40_000).map(|n| available(start * 40_000 + n, 1)).collect();
        table.pulse(Stamp(1), &pulse(0, u32::MAX, rows));
    }
    assert_eq!(table.rows().count(), ROWS);
    for conn in 0..100_000 {
        table.closed(ConnId(conn));
    }
    assert_eq!((table.gone.len(), table.gone_order.len()), (GONE, GONE));
}

#[test]
fn a_row_that_does_not_change_is_shared_with_the_snapshot_before() {
    let mut table = table();
    table.pulse(Stamp(1), &pulse(0, 2, vec![available(1, 1), available(2, 1)]));
    let before: Vec<_> = table.rows().cloned().collect();
    table.flag(&HashSet::from([ConnId(2)]));
    table.pulse(Stamp(2), &pulse(0, 2, vec![]));
    let shared: Vec<_> = table.rows().zip(&before).map(|(now, before)| Arc::ptr_eq(now, before)).collect();
    assert_eq!(shared, [true, false]);
    assert!(table.get(ConnId(2)).is_some_and(|row| row.flagged));
}

/// A pool of which everything is known, beside a table that hears of it late, out of order, or not at all.
#[derive(Default)]
struct Truth {
    next: u64,
    rows: BTreeMap<u64, ConnPulse>,
    changed: HashSet<u64>,
    /// Events under way: opened, or closed.
    under_way: Vec<(u64, bool)>,
}

impl Truth {
    fn step(&mut self, kind: u8, pick: usize, now: u64) {
        let picked = self.rows.keys().nth(pick % self.rows.len().max(1)).copied();
        match (kind, picked) {
            (0 | 1, _) => {
                self.next += 1;
                self.rows.insert(self.next, available(self.next, now));
                self.changed.insert(self.next);
                self.under_way.push((self.next, true));
            }
            (2, Some(conn)) => {
                self.rows.remove(&conn);
                self.under_way.push((conn, false));
            }
            (3, Some(conn)) => {
                self.rows.insert(conn, in_use(conn, now));
                self.changed.insert(conn);
            }
            (_, Some(conn)) => {
                self.rows.insert(conn, available(conn, now));
                self.changed.insert(conn);
            }
            (_, None) => {}
        }
    }

    fn pulse(&mut self, full: bool) -> Pulse {
        let out = |row: &ConnPulse| matches!(row.state, ConnState::InUse { .. });
        let lent = self.rows.values().filter(|row| out(row)).count() as u32;
        let listed = self.rows.values().filter(|row| full || out(row) || self.changed.contains(&row.conn.0));
        let pulse = pulse(lent, self.rows.len() as u32 - lent, listed.cloned().collect());
        self.changed.clear();
        pulse
    }

    /// Hands out one event under way: to the table, or to nobody.
    fn arrive(&mut self, table: &mut Connections, now: u64, lost: bool) {
        if self.under_way.is_empty() {
            return;
        }
        let (conn, is_opened) = self.under_way.remove(0);
        match (lost, is_opened) {
            (true, _) => table.lost_something(),
            (false, true) => table.opened(Stamp(now), &opened(conn)),
            (false, false) => table.closed(ConnId(conn)),
        }
    }
}

/// A pulse of a source that lists leases from some age on, and so many of those that are lent not yet.
fn young(in_use: u32, available: u32, unlisted: u32, connections: Vec<ConnPulse>) -> Pulse {
    Pulse { unlisted: Some(unlisted), ..pulse(in_use, available, connections) }
}

#[test]
fn leases_too_young_to_be_listed_are_no_loss() {
    let mut table = table();
    (1..=3).for_each(|conn| table.opened(Stamp(1), &opened(conn)));
    for now in 2..60 {
        // One is idle, one lent a moment ago, one for long; a fourth is lent and not yet opened.
        table.pulse(Stamp(now), &young(3, 1, 2, vec![in_use(3, 1)]));
        assert!(!table.is_behind(), "{now}");
    }
    let rows: Vec<_> = table.rows().map(|row| row.id.0).collect();
    assert_eq!(rows, [1, 2, 3], "none is gone because it is not listed");
    // All are lent, and those that are listed are as many: still nobody says of the others that they are gone.
    table.pulse(Stamp(60), &young(1, 0, 0, vec![in_use(3, 1)]));
    assert_eq!(table.rows().count(), 3);
}

#[test]
fn what_stays_wrong_though_leases_are_young_is_a_loss() {
    let mut table = table();
    table.opened(Stamp(1), &opened(1));
    for now in 0..DISAGREEMENTS_INSIDE {
        assert!(!table.is_behind());
        table.pulse(Stamp(u64::from(now)), &young(1, 2, 1, Vec::new()));
    }
    assert!(table.is_behind());
    table.opened(Stamp(40), &opened(2));
    table.pulse(Stamp(41), &young(1, 2, 1, Vec::new()));
    assert!(!table.is_behind());
}

proptest::proptest! {
    #[test]
    fn whatever_is_lost_or_late_a_full_pulse_ends_in_the_truth(
        steps in proptest::collection::vec((0_u8..9, proptest::num::usize::ANY), 0..80),
    ) {
        let (mut truth, mut table) = (Truth::default(), table());
        for (now, (kind, pick)) in steps.into_iter().enumerate() {
            let now = now as u64;
            match kind {
                0..=4 => truth.step(kind, pick, now),
                5 | 6 => truth.arrive(&mut table, now, false),
                7 => truth.arrive(&mut table, now, true),
                _ => table.pulse(Stamp(now), &truth.pulse(false)),
            }
        }
        while !truth.under_way.is_empty() {
            truth.arrive(&mut table, 100, false);
        }
        // What was opened since the last pulse is settled by the second one.
        for _ in 0..DISAGREEMENTS {
            table.pulse(Stamp(100), &truth.pulse(true));
        }
        let known: Vec<_> = table.rows().map(|row| (row.id.0, row.state.clone())).collect();
        let want: Vec<_> = truth.rows.values().map(|row| (row.conn.0, state(row))).collect();
        proptest::prop_assert_eq!(known, want);
        proptest::prop_assert!(!table.is_behind());
    }
}

fn state(seen: &ConnPulse) -> RowState {
    match &seen.state {
        ConnState::Available { since } => RowState::Available { since: *since },
        ConnState::InUse { since, holder, .. } => {
            RowState::InUse { since: *since, holder: holder.clone(), pinned: None }
        }
    }
}
