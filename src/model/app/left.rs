//! What pools had lent when they were given up or their process ended, by the line that took it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{ConnId, ConnPulse, ConnState, How, Left, PoolId, Stamp};
use crate::model::server::cut;
use crate::snapshot::{ClientRow, ConnectionRow, LeftRow, Past, RowState};

/// Lines kept: more of them than anybody mends in a day.
const LINES: usize = 1_000;

/// The most of a line's words that is kept.
const WORD_BYTES: usize = 256;

/// What makes two leases one finding: where they were taken, in which function, through what, from pools of what name.
type Line = (Arc<str>, Arc<str>, &'static str, String);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    lines: BTreeMap<Line, Arc<LeftRow>>,
    more: u64,
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
            self.lease(at, pool, name, lease, client(lease.conn));
        }
    }

    fn lease(
        &mut self,
        at: Stamp,
        pool: PoolId,
        name: &str,
        lease: &ConnPulse,
        client: Option<Arc<ClientRow>>,
    ) {
        let ConnState::InUse { since, holder, .. } = &lease.state else { return };
        // A subscriber that lives as long as its process has lost nothing.
        if holder.ended.is_none() && holder.how.is_some_and(How::holds_for_life) {
            return;
        }
        let word = |word: &Option<Arc<str>>| Arc::from(cut(word.as_deref().unwrap_or_default(), WORD_BYTES));
        let how = holder.how.map_or("", How::word);
        let line = (word(&holder.location), word(&holder.function), how, cut(name, WORD_BYTES).to_owned());
        let out = at.since(*since);
        if let Some(known) = self.lines.get_mut(&line) {
            let known = Arc::make_mut(known);
            known.count += 1;
            known.shortest = known.shortest.min(out);
            if out > known.longest {
                known.longest = out;
                known.row = Arc::new(row(pool, lease, client.as_deref()));
                known.client = client;
            }
            return;
        }
        if self.lines.len() >= LINES {
            self.more += 1;
            return;
        }
        let left = LeftRow {
            row: Arc::new(row(pool, lease, client.as_deref())),
            pool: line.3.clone(),
            count: 1,
            longest: out,
            shortest: out,
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
    fn lines_without_end_are_counted() {
        let leases = (0..1_010).map(|n| lease(n, 1, &format!("a.py:{n}"), How::Raw, None)).collect();
        let (rows, more) = taken(leases).rows();
        assert_eq!((rows.len(), more), (1_000, 10));
    }
}
