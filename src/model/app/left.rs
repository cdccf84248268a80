//! What pools had lent when they were given up or their process ended, by the line that took it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{ConnId, ConnPulse, ConnState, How, Left, PoolId, Stamp};
use crate::model::server::cut;
use crate::snapshot::{ClientRow, ConnectionRow, LeftRow, Past, RowState};

/// Lines kept: more of them than anybody mends in a day.
const LINES: usize = 1_000;

/// Leases that are kept from being counted twice, of pools that are there.
const LEASES: usize = 1 << 20;

/// The most of a line's words that is kept.
const WORD_BYTES: usize = 256;

/// What makes two leases one finding: where they were taken, in which function, through what, from pools of what name.
type Line = (Arc<str>, Arc<str>, &'static str, String);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    lines: BTreeMap<Line, Arc<LeftRow>>,
    more: u64,
    /// Leases that are counted, of pools that have not ended yet: by pool, and since when they were out.
    counted: BTreeSet<(PoolId, Stamp)>,
}

impl Book {
    /// Takes what a pool of this name had left then.
    pub(super) fn take(
        &mut self,
        at: Stamp,
        pool: PoolId,
        name: &str,
        left: &Left,
        client: impl Fn(ConnId) -> Option<Arc<ClientRow>>,
    ) {
        for lease in &left.leases {
            let client = client(lease.conn);
            self.row(at, name, || row(pool, lease, client.as_deref()), &lease.state, client.clone());
        }
    }

    /// Takes a connection that was found to be lost while its pool was there, and is so as that ends.
    pub(super) fn lost(
        &mut self,
        at: Stamp,
        name: &str,
        row: &ConnectionRow,
        client: Option<Arc<ClientRow>>,
    ) {
        if let RowState::InUse { since, holder, pinned } = &row.state {
            let (since, holder, pinned) = (*since, holder.clone(), pinned.clone());
            self.row(at, name, || row.clone(), &ConnState::InUse { since, holder, pinned }, client);
        }
    }

    /// A pool is no more: nothing of it is counted any more.
    pub(super) fn ended(&mut self, pool: PoolId) {
        let of: Vec<_> = self.counted.range((pool, Stamp(0))..=(pool, Stamp(u64::MAX))).copied().collect();
        for lease in of {
            self.counted.remove(&lease);
        }
    }

    fn row(
        &mut self,
        at: Stamp,
        name: &str,
        row: impl FnOnce() -> ConnectionRow,
        state: &ConnState,
        client: Option<Arc<ClientRow>>,
    ) {
        let ConnState::InUse { since, holder, .. } = state else { return };
        // A subscriber that lives as long as its process has lost nothing.
        if holder.ended.is_none() && holder.how.is_some_and(How::holds_for_life) {
            return;
        }
        let row = row();
        if self.counted.len() >= LEASES || !self.counted.insert((row.pool, *since)) {
            return;
        }
        let word = |word: &Option<Arc<str>>| Arc::from(cut(word.as_deref().unwrap_or_default(), WORD_BYTES));
        let how = holder.how.map_or("", How::word);
        let line = (word(&holder.location), word(&holder.function), how, cut(name, WORD_BYTES).to_owned());
        let out = at.since(*since);
        if let Some(known) = self.lines.get_mut(&line) {
            let known = Arc::make_mut(known);
            known.count += 1;
            known.abandoned += u64::from(holder.ended.is_some());
            known.shortest = known.shortest.min(out);
            if out > known.longest {
                known.longest = out;
                known.row = Arc::new(row);
                known.client = client;
            }
            return;
        }
        if self.lines.len() >= LINES {
            self.more += 1;
            return;
        }
        let left = LeftRow {
            row: Arc::new(row),
            pool: line.3.clone(),
            count: 1,
            longest: out,
            shortest: out,
            abandoned: u64::from(holder.ended.is_some()),
            client,
        };
        self.lines.insert(line, Arc::new(left));
    }

    /// All of them, the line that lost most first, and how many there was no room for.
    pub(super) fn rows(&self) -> (Vec<Arc<LeftRow>>, u64) {
        let mut rows: Vec<_> = self.lines.values().cloned().collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| b.longest.cmp(&a.longest)));
        (rows, self.more)
    }
}

/// The connection as it was at the end.
fn row(pool: PoolId, lease: &ConnPulse, client: Option<&ClientRow>) -> ConnectionRow {
    ConnectionRow {
        pool,
        id: lease.conn,
        server_id: client.map(|row| row.client.id),
        local: None,
        opened: None,
        steps: None,
        state: match &lease.state {
            ConnState::InUse { since, holder, pinned } => {
                RowState::InUse { since: *since, holder: holder.clone(), pinned: pinned.clone() }
            }
            ConnState::Available { since } => RowState::Available { since: *since },
        },
        uses: lease.uses,
        commands: lease.commands,
        last_command: lease.last_command.clone(),
        last_active: lease.last_active,
        busy_since: lease.busy_since,
        dead_since: None,
        client: None,
        beliefs: None,
        flagged: true,
        past: Past::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Holder;

    fn lease(conn: u64, since: u64, location: &str, how: How, ended: Option<Stamp>) -> ConnPulse {
        let holder = Holder { location: Some(location.into()), how: Some(how), ended, ..Holder::default() };
        ConnPulse {
            conn: ConnId(conn),
            state: ConnState::InUse { since: Stamp(since), holder, pinned: None },
            uses: 1,
            commands: 0,
            last_command: None,
            last_active: Stamp(since),
            busy_since: None,
            dead: false,
            last: None,
        }
    }

    fn taken(leases: Vec<ConnPulse>) -> Book {
        let mut book = Book::default();
        book.take(Stamp(100), PoolId(1), "app", &Left { open: 9, leases, unclosed: true }, |_| None);
        book
    }

    #[test]
    fn leases_of_one_line_are_one_finding_with_its_ages() {
        let book = taken(vec![
            lease(1, 40, "a.py:1", How::Raw, None),
            lease(2, 10, "a.py:1", How::Raw, None),
            lease(3, 5, "b.py:2", How::Raw, None),
        ]);
        let (rows, more) = book.rows();
        let told: Vec<_> =
            rows.iter().map(|row| (row.count, row.longest.as_nanos(), row.shortest.as_nanos())).collect();
        assert_eq!((told, more), (vec![(2, 90, 60), (1, 95, 95)], 0));
        assert_eq!(rows[0].row.id, ConnId(2));
    }

    #[test]
    fn what_is_held_for_life_is_none_until_its_owner_is_gone() {
        let holds = |ended| taken(vec![lease(1, 1, "a.py:1", How::PubSub, ended)]).rows().0.len();
        assert_eq!((holds(None), holds(Some(Stamp(50)))), (0, 1));
    }

    #[test]
    fn what_was_found_before_and_is_told_again_at_the_end_is_counted_once() {
        let mut book = Book::default();
        let told = lease(1, 40, "a.py:1", How::Raw, Some(Stamp(60)));
        let left = Left { open: 0, leases: vec![told.clone()], unclosed: false };
        book.take(Stamp(100), PoolId(1), "app", &left, |_| None);
        book.lost(
            Stamp(120),
            "app",
            &row(PoolId(1), &ConnPulse { conn: ConnId(9), ..told.clone() }, None),
            None,
        );
        assert_eq!((book.rows().0[0].count, book.rows().0[0].abandoned), (1, 1));
        // The same moment in another pool, and in the next life of this one, is another lease.
        book.lost(Stamp(120), "app", &row(PoolId(2), &told, None), None);
        book.ended(PoolId(1));
        book.take(Stamp(140), PoolId(1), "app", &left, |_| None);
        assert_eq!(book.rows().0[0].count, 3);
    }

    #[test]
    fn lines_without_end_are_counted() {
        let leases = (0..1_010).map(|n| lease(n, n, &format!("a.py:{n}"), How::Raw, None)).collect();
        let (rows, more) = taken(leases).rows();
        assert_eq!((rows.len(), more), (1_000, 10));
    }
}
