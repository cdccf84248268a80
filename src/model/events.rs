//! The last rare events. One that happens again and again is one row with a count: what a single command met on its
//! way, tried three times, must not push all else out of the list.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::clients::SOME;
use crate::event::{NodeId, PoolId, Stamp};
use crate::snapshot::{EventRow, What};

/// How many are kept.
pub(super) const EVENTS: usize = 200;

/// How far back a row is looked for that says the same.
const BACK: usize = 8;

/// How long after the last time it is the same again: longer than the pauses between retries.
const AGAIN: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Events {
    rows: VecDeque<EventRow>,
    /// The same as the last snapshot got it, until there is a new one.
    published: Option<Arc<[EventRow]>>,
}

impl Default for Events {
    fn default() -> Self {
        Self { rows: VecDeque::with_capacity(EVENTS), published: None }
    }
}

impl Events {
    /// Takes one, as the newest.
    pub(super) fn note(&mut self, at: Stamp, pool: Option<PoolId>, what: What) {
        self.push(EventRow { at, pool, node: None, what });
    }

    /// The same, of a watched server.
    pub(super) fn note_of(&mut self, at: Stamp, node: NodeId, what: What) {
        self.push(EventRow { at, pool: None, node: Some(node), what });
    }

    fn push(&mut self, mut row: EventRow) {
        let EventRow { at, pool, node, what } = &row;
        let recent = self.rows.iter().enumerate().rev().take(BACK);
        let mut same =
            recent.filter(|(_, row)| (row.pool, row.node) == (*pool, *node) && at.since(row.at) <= AGAIN);
        let joined =
            same.find_map(|(place, row)| Some((place, again(&row.what, what, span(row.at) != span(*at))?)));
        if let Some((place, both)) = joined {
            self.rows.remove(place);
            row.what = both;
        }
        if self.rows.len() == EVENTS {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.published = None;
    }

    /// All of them, oldest first.
    pub(super) fn rows(&mut self) -> Arc<[EventRow]> {
        self.published.get_or_insert_with(|| self.rows.iter().cloned().collect()).clone()
    }
}

/// Which ten seconds it is in.
fn span(at: Stamp) -> u64 {
    at.0 / 10_000_000_000
}

/// Both in one, where the later one is the earlier one again. They are `apart` when other ten seconds have begun.
fn again(earlier: &What, later: &What, apart: bool) -> Option<What> {
    match (earlier, later) {
        (What::OpenFailed(error, times), What::OpenFailed(same, more)) if error == same => {
            Some(What::OpenFailed(error.clone(), times.saturating_add(*more)))
        }
        (
            What::WaitFailed { ended, waited, who, times },
            What::WaitFailed { ended: same_end, waited: longer, who: same, times: more },
        ) if (ended, who) == (same_end, same) => Some(What::WaitFailed {
            ended: *ended,
            waited: waited.saturating_add(*longer),
            who: who.clone(),
            times: times.saturating_add(*more),
        }),
        (
            What::Clients { who, opened, closed, some },
            What::Clients { who: same, opened: more, closed: gone, some: others },
        )
            // What goes on and on has a row for each ten seconds, or it would always be of now.
            if who == same && !apart =>
        {
            let (opened, closed) = (opened.saturating_add(*more), closed.saturating_add(*gone));
            let new = others.iter().filter(|client| !some.contains(client));
            let named = some.iter().chain(new).take(SOME).cloned().collect();
            Some(What::Clients { who: who.clone(), opened, closed, some: named })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CloseReason, ConnId, WaitEnd};

    fn open_failed(times: u64) -> What {
        What::OpenFailed("nothing listens on 127.0.0.1:1".to_owned(), times)
    }

    fn wait_failed(who: &str, millis: u64, times: u64) -> What {
        let waited = Duration::from_millis(millis);
        What::WaitFailed { ended: WaitEnd::Failed, waited, who: who.into(), times }
    }

    fn told(events: &mut Events) -> Vec<What> {
        events.rows().iter().map(|row| row.what.clone()).collect()
    }

    #[test]
    fn one_command_that_met_a_dead_server_three_times_is_two_rows() {
        let (mut events, second) = (Events::default(), 1_000_000_000);
        for try_ in 0..3 {
            events.note(Stamp(try_ * second), Some(PoolId(1)), open_failed(1));
            events.note(Stamp(try_ * second), Some(PoolId(1)), wait_failed("GET a", 2, 1));
        }
        assert_eq!(told(&mut events), [open_failed(3), wait_failed("GET a", 6, 3)]);
        assert_eq!(events.rows()[0].at, Stamp(2 * second), "it is as new as its last time");
    }

    #[test]
    fn what_differs_in_caller_pool_or_time_stays_apart() {
        let (mut events, second) = (Events::default(), 1_000_000_000);
        events.note(Stamp(0), Some(PoolId(1)), wait_failed("GET a", 2, 1));
        events.note(Stamp(0), Some(PoolId(1)), wait_failed("GET b", 2, 1));
        events.note(Stamp(0), Some(PoolId(2)), wait_failed("GET b", 2, 1));
        events.note(Stamp(6 * second), Some(PoolId(2)), wait_failed("GET b", 2, 1));
        let closed = What::Closed(ConnId(1), CloseReason::Broken);
        events.note(Stamp(6 * second), Some(PoolId(2)), closed.clone());
        events.note(Stamp(6 * second), Some(PoolId(2)), closed);
        assert_eq!(events.rows().len(), 6);
    }

    #[test]
    fn a_program_that_goes_on_opening_clients_is_one_row_a_server() {
        let (mut events, second) = (Events::default(), 1_000_000_000);
        let clients =
            |who: &str, opened, closed| What::Clients { who: who.into(), opened, closed, some: [].into() };
        for look in 0..9 {
            for node in [1, 2] {
                events.note_of(
                    Stamp(look * second),
                    NodeId(node),
                    clients("python3 leak.py (81)", 1, look % 2),
                );
            }
            events.note_of(Stamp(look * second), NodeId(1), clients("redis-cli (9)", 0, 2));
        }
        let (leak, cli) = (clients("python3 leak.py (81)", 9, 4), clients("redis-cli (9)", 0, 18));
        assert_eq!(told(&mut events), [leak.clone(), leak, cli]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut events = Events::default();
        for conn in 0..=EVENTS as u64 {
            events.note(Stamp(conn), None, What::Closed(ConnId(conn), CloseReason::Idle));
        }
        let rows = events.rows();
        assert_eq!((rows.len(), rows[0].at), (EVENTS, Stamp(1)));
    }
}
