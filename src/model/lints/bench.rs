//! A pool laid out by hand, for the tests of lints.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use super::{Finding, Lint, View};
use crate::event::{
    Bounds, ConnId, ConnPulse, ConnState, Gauges, Holder, How, Inside, PastLease, PoolId, ProcId, Pulse, Run,
    Stamp, Totals, Waiting, nanos,
};
use crate::model::ModelOptions;
use crate::model::connections::Connections;
use crate::model::recent::Recent;
use crate::model::runs::Runs;
use crate::model::waits::Waits;
use crate::snapshot::{About, Level, LintRow, ServerRow};

/// A whole second.
pub(crate) fn s(seconds: u64) -> Stamp {
    Stamp::default() + Duration::from_secs(seconds)
}

/// Somebody in an app's code.
pub(crate) fn at_line(location: &str, function: &str, how: Option<How>) -> Holder {
    let (location, function) = (Some(location.into()), Some(function.into()));
    Holder { location, function, how, ..Holder::default() }
}

/// The pool.
pub(crate) struct Bench {
    pub(crate) gauges: Gauges,
    pub(crate) inside: Option<Inside>,
    pub(crate) single: bool,
    pub(crate) server: ServerRow,
    pub(crate) lost: bool,
    pub(crate) recent: Recent,
    pub(crate) bounds: Bounds,
    runs: Runs,
    pub(crate) options: ModelOptions,
    waits: Waits,
    connections: Connections,
    rows: Vec<ConnPulse>,
    totals: Totals,
}

impl Bench {
    /// An empty pool with a limit.
    pub(crate) fn new(max: u32) -> Self {
        Self {
            gauges: Gauges { max, ..Gauges::default() },
            inside: None,
            single: false,
            server: ServerRow::default(),
            lost: false,
            recent: Recent::default(),
            bounds: Bounds::default(),
            runs: Runs::default(),
            options: ModelOptions::default(),
            waits: Waits::default(),
            connections: Connections::new(PoolId(1)),
            rows: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// The same of an app that tells from inside, where it was made in `app.py:5 in main`.
    pub(crate) fn of_app(max: u32) -> Self {
        let (process, class) = (ProcId(0), "redis.connection.ConnectionPool".to_owned());
        let made = Some(at_line("app.py:5", "main", None));
        let inside = Inside { process, class, inherited: false, asynchronous: false, made };
        Self { inside: Some(inside), ..Self::new(max) }
    }

    /// Lends a connection to a line of an app, and how.
    pub(crate) fn lend_at(&mut self, conn: u64, since: Stamp, location: &str, function: &str, how: How) {
        self.lend(conn, since, "");
        self.change(conn, since, |row| {
            if let ConnState::InUse { holder, .. } = &mut row.state {
                *holder = at_line(location, function, Some(how));
            }
        });
    }

    /// It is not pinned any more.
    pub(crate) fn unpin(&mut self, conn: u64, at: Stamp) {
        self.change(conn, at, |row| {
            if let ConnState::InUse { pinned, .. } = &mut row.state {
                *pinned = None;
            }
        });
    }

    /// Lends a connection.
    pub(crate) fn lend(&mut self, conn: u64, since: Stamp, label: &str) {
        let holder = Holder { label: Some(label.into()), ..Holder::default() };
        self.rows.push(ConnPulse {
            conn: ConnId(conn),
            state: ConnState::InUse { since, holder, pinned: None },
            uses: 1,
            commands: 0,
            last_command: None,
            last_active: Stamp::default(),
            busy_since: None,
            dead: false,
            last: None,
        });
        self.gauges.in_use += 1;
        self.pulse(since);
    }

    fn change(&mut self, conn: u64, at: Stamp, change: impl FnOnce(&mut ConnPulse)) {
        change(self.rows.iter_mut().find(|row| row.conn == ConnId(conn)).expect("lent before"));
        self.pulse(at);
    }

    /// A command was answered on it.
    pub(crate) fn used(&mut self, conn: u64, at: Stamp, command: &str) {
        self.change(conn, at, |row| {
            row.last_command = Some(command.into());
            row.last_active = at;
        });
    }

    /// A command was sent on it and is not answered.
    pub(crate) fn busy(&mut self, conn: u64, at: Stamp, command: &str) {
        self.used(conn, at, command);
        self.change(conn, at, |row| row.busy_since = Some(at));
    }

    /// The server closed it.
    pub(crate) fn die(&mut self, conn: u64, at: Stamp) {
        self.change(conn, at, |row| row.dead = true);
    }

    /// Who took it has ended, and left it behind.
    pub(crate) fn leave(&mut self, conn: u64, at: Stamp) {
        self.change(conn, at, |row| {
            if let ConnState::InUse { holder, .. } = &mut row.state {
                holder.ended = Some(at);
            }
        });
    }

    /// It came back.
    pub(crate) fn give_back(&mut self, conn: u64, at: Stamp) {
        self.gauges.in_use -= 1;
        self.gauges.available += 1;
        self.change(conn, at, |row| {
            if let ConnState::InUse { since, holder, .. } = &row.state {
                row.last = Some(PastLease { since: *since, until: at, holder: holder.clone() });
            }
            row.state = ConnState::Available { since: at };
        });
    }

    /// It is lent once more.
    pub(crate) fn lend_again(&mut self, conn: u64, since: Stamp, label: &str) {
        self.gauges.in_use += 1;
        self.gauges.available -= 1;
        let holder = Holder { label: Some(label.into()), ..Holder::default() };
        self.change(conn, since, |row| {
            row.state = ConnState::InUse { since, holder, pinned: None };
            row.uses += 1;
        });
    }

    /// It is closed.
    pub(crate) fn close(&mut self, conn: u64) {
        self.rows.retain(|row| row.conn != ConnId(conn));
        self.gauges.available -= 1;
        self.connections.closed(ConnId(conn));
    }

    /// So many wait, the first of them since then.
    pub(crate) fn queue(&mut self, waiting: u32, since: Stamp, at: Stamp) {
        self.gauges.waiting = waiting;
        let waiters = (0..waiting).map(|_| Waiting { since, holder: Holder::default() }).collect();
        let pulse = Pulse { gauges: self.gauges, totals: self.totals, waiters, ..Pulse::default() };
        self.waits.pulse(at, &pulse, &self.totals);
    }

    /// So many callers wait, and nobody says who or since when.
    pub(crate) fn crowd(&mut self, waiting: u32, at: Stamp) {
        self.gauges.waiting = waiting;
        let pulse = Pulse { gauges: self.gauges, totals: self.totals, ..Pulse::default() };
        self.waits.pulse(at, &pulse, &self.totals);
    }

    /// So many waits ended with nothing.
    pub(crate) fn lose(&mut self, at: Stamp, timeouts: u64, refused: u64) {
        let before = self.totals;
        self.totals.timeouts += timeouts;
        self.totals.refused += refused;
        let pulse = Pulse { gauges: self.gauges, totals: self.totals, ..Pulse::default() };
        self.waits.pulse(at, &pulse, &before);
    }

    /// Somebody got a connection.
    pub(crate) fn serve(&mut self, at: Stamp) {
        let before = self.totals;
        self.totals.checkouts += 1;
        let pulse = Pulse { gauges: self.gauges, totals: self.totals, ..Pulse::default() };
        self.waits.pulse(at, &pulse, &before);
    }

    /// What it has counted.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// A pulse with what `change` says was counted since the last one.
    pub(crate) fn tick(&mut self, at: Stamp, change: impl FnOnce(&mut Pulse)) {
        let mut pulse = Pulse { gauges: self.gauges, totals: self.totals, ..Pulse::default() };
        change(&mut pulse);
        let clients = self.server.client_field("connected_clients");
        self.recent.pulse(at, &pulse, &self.totals, clients);
        (self.gauges, self.totals) = (pulse.gauges, pulse.totals);
    }

    /// So many leases ended, each after so long and after so long a wait.
    pub(crate) fn leases(&mut self, at: Stamp, count: u64, wait: Duration, held: Duration) {
        self.tick(at, |pulse| {
            pulse.totals.checkouts += count;
            pulse.totals.waited += if wait.is_zero() { 0 } else { count };
            pulse.wait.0.push((nanos(wait), count));
            pulse.held.0.push((nanos(held), count));
        });
    }

    /// So many commands ran one after the other.
    pub(crate) fn ran(&mut self, at: Stamp, run: &Run) {
        self.runs.pulse(at, Some(run));
    }

    /// A fact of INFO CLIENTS.
    pub(crate) fn says(&mut self, name: &str, value: u64) {
        self.server.clients.retain(|(known, _)| known != name);
        self.server.clients.push((name.to_owned(), value.to_string()));
    }

    /// A command pins the lease of a connection.
    pub(crate) fn pin(&mut self, conn: u64, at: Stamp, why: &str) {
        self.change(conn, at, |row| {
            if let ConnState::InUse { pinned, .. } = &mut row.state {
                *pinned = Some(why.into());
            }
        });
    }

    fn pulse(&mut self, at: Stamp) {
        let pulse = Pulse { gauges: self.gauges, connections: self.rows.clone(), ..Pulse::default() };
        self.connections.pulse(at, &pulse);
    }

    /// The pool as a lint sees it.
    pub(crate) fn view(&self, now: Stamp) -> View<'_> {
        View {
            now,
            options: &self.options,
            name: "app",
            inside: self.inside.as_ref(),
            single: self.single,
            gauges: self.gauges,
            waits: &self.waits,
            recent: &self.recent,
            runs: &self.runs,
            bounds: self.bounds,
            server: (!self.lost).then(|| Arc::new(self.server.clone())),
            lost: self.lost,
            maxclients: self.server.client_field("maxclients"),
            ours: u64::from(self.gauges.in_use) + u64::from(self.gauges.available),
            connections: &self.connections,
            lingering: OnceCell::new(),
        }
    }

    /// What a lint finds.
    pub(crate) fn ask(&self, lint: &dyn Lint, now: Stamp, holds: bool) -> Vec<Finding> {
        lint.evaluate(&self.view(now), holds)
    }

    /// The row of the one thing a lint finds.
    pub(crate) fn raise(&self, lint: &dyn Lint, now: Stamp) -> LintRow {
        let finding = self.ask(lint, now, false).pop().expect("a finding");
        let about = finding.conn.map_or(About::Pool(PoolId(1)), |conn| About::Connection(PoolId(1), conn));
        LintRow {
            id: lint.id(),
            level: Level::default(),
            severity: finding.severity,
            about,
            evidence: finding.evidence,
            advice: finding.advice,
            since: now,
        }
    }

    /// How a lint says that it ended.
    pub(crate) fn ending(&self, lint: &dyn Lint, row: &LintRow, now: Stamp) -> String {
        lint.ending(row, &self.view(now))
    }
}
