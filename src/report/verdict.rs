//! What a judged run comes to: the lints that fail it, each with the connection and its holder.

mod app;
mod junit;
mod watched;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::json::{known, printable, who as holder};
use super::{UNKNOWN, about_name, millis, names_itself, node_name, pool_name, severity, who};
use crate::event::{ConnId, Holder};
use crate::snapshot::{About, ConnectionRow, LintRow, RowState, Severity, Snapshot};
use crate::text::{duration, escape_str, thousands};

pub use junit::junit;

/// Findings listed in words, and as test cases; JSON has them all.
const LISTED: usize = 100;

/// What of a snapshot fails a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The lints that were to hold nowhere.
    pub checked: Vec<&'static str>,
    /// Where they hold.
    pub findings: Vec<Found>,
    /// Where the connections go.
    pub target: String,
    /// How long the run was.
    pub ran: Duration,
    /// When it ended, in milliseconds since 1970.
    pub wall_ms: u64,
    /// What was to be judged and has no outcome.
    pub not_run: Vec<NotRun>,
    /// What could not be read of the recording that was judged.
    pub damaged: Option<String>,
    /// The watched servers whose clients could not be seen at the end: of them nothing is known.
    pub unseen: Vec<String>,
    /// Nothing but the report's own PING ran on the pool.
    pub unused: bool,
    /// An app was to be judged, and none of its processes reported: of it nothing is known.
    pub unheard: bool,
    /// None did, as none had anything to report: Python started and imported no client.
    pub idle: bool,
    /// The pools that were seen: with several, each finding names its own.
    pools: Vec<String>,
}

/// An experiment that was not run to its end.
#[derive(Clone, Debug)]
pub struct NotRun {
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub why: String,
    /// It was not begun, since there was no room for it; else something went wrong.
    pub skipped: bool,
}

/// A lint that holds, and what it is about.
#[derive(Clone, Debug)]
pub struct Found {
    /// The lint.
    pub id: &'static str,
    /// How bad.
    pub severity: Severity,
    /// The pool's name, or what else it is about.
    pub pool: String,
    /// The connection's row, where it is about one that is known.
    pub row: Option<Arc<ConnectionRow>>,
    /// The watched server, where it is about one or a client of it.
    server: Option<String>,
    /// What is known of a watched client, group or server that it is about: a word and a value each, escaped.
    watched: Vec<(&'static str, String)>,
    /// In numbers, one line.
    pub evidence: String,
    /// What to do about it.
    pub advice: &'static str,
    /// How long the connection has been out, or the finding has held.
    pub lasted: Duration,
    about: About,
    /// Of an app: the line, and how many there are.
    bucket: Option<Box<app::Bucket>>,
}

impl Verdict {
    /// What holds of the lints that fail a run.
    pub fn new(snapshot: &Snapshot, checked: Vec<&'static str>) -> Self {
        let (ran, wall_ms) = (Duration::from_nanos(snapshot.as_of.0), snapshot.wall_ms);
        let unseen = watched::unseen(snapshot);
        let mut verdict = Self { ran, wall_ms, unseen, ..Self::meanwhile(target(snapshot), checked) };
        verdict.add(snapshot);
        verdict
    }

    /// Of a run whose pools come and go: what is raised [meanwhile](Self::add_meanwhile).
    pub fn meanwhile(target: String, checked: Vec<&'static str>) -> Self {
        Self {
            checked,
            findings: Vec::new(),
            target,
            ran: Duration::ZERO,
            wall_ms: 0,
            not_run: Vec::new(),
            damaged: None,
            unseen: Vec::new(),
            unused: false,
            unheard: false,
            idle: false,
            pools: Vec::new(),
        }
    }

    /// Adds what holds in a snapshot on the way, though it may be over at the end.
    pub fn add_meanwhile(&mut self, snapshot: &Snapshot) {
        self.wall_ms = self.wall_ms.max(snapshot.wall_ms);
        self.add(snapshot);
    }

    /// Adds what holds in a later snapshot. That of an app tells of all that was, by the line.
    pub fn add(&mut self, snapshot: &Snapshot) {
        if let Some(observed) = snapshot.app.as_deref() {
            self.findings = app::findings(snapshot, observed, &self.checked);
            self.unheard = observed.processes.is_empty() && self.findings.is_empty();
            return;
        }
        for pool in &snapshot.pools {
            self.see(&pool.name);
        }
        let Self { checked, .. } = &*self;
        let rows: Vec<_> = snapshot.lints.iter().filter(|row| checked.contains(&row.id)).collect();
        for row in rows {
            let found = Found::of(snapshot, row);
            if row.pool().is_some() {
                self.see(&found.pool);
            }
            match self.findings.iter_mut().find(|other| (other.id, &other.about) == (found.id, &found.about))
            {
                Some(other) => *other = found,
                None => self.findings.push(found),
            }
        }
    }

    fn see(&mut self, pool: &str) {
        if !self.pools.iter().any(|known| known == pool) {
            self.pools.push(pool.to_owned());
        }
    }

    /// Takes out what is about these connections: whoever has them is still there to give them back.
    pub fn forgive(&mut self, held: &[ConnId]) {
        self.findings.retain(|found| found.conn().is_none_or(|conn| !held.contains(&conn)));
    }

    /// At the end nobody is left to give a connection back, however short it has been out: what is still out has leaked,
    /// unless another leak has been found there.
    pub fn add_still_out(&mut self, snapshot: &Snapshot, leaks: &[&'static str]) {
        let Some(id) = leaks.first() else { return };
        for row in &snapshot.connections {
            let known = |found: &Found| {
                found.about == About::Connection(row.pool, row.id) && leaks.contains(&found.id)
            };
            if self.findings.iter().any(known) {
                continue;
            }
            let Some(held) = row.held_for(snapshot.as_of) else { continue };
            let evidence = format!("{} still out at the end, after {}", row.id, duration(held));
            self.findings.push(Found {
                id,
                severity: Severity::Bad,
                pool: pool_name(snapshot, row.pool),
                row: Some(row.clone()),
                server: None,
                watched: Vec::new(),
                evidence,
                advice: STILL_OUT,
                lasted: held,
                about: About::Connection(row.pool, row.id),
                bucket: None,
            });
        }
    }

    /// Whether the run is good, and all of it was seen.
    pub fn passes(&self) -> bool {
        self.findings.is_empty() && self.saw_all()
    }

    fn saw_all(&self) -> bool {
        self.unseen.is_empty() && !self.unheard
    }

    /// Nobody reported, and it is known that nobody had anything to.
    pub fn had_nothing(&mut self) {
        (self.unheard, self.idle) = (false, true);
    }

    /// What it comes to. Where nothing was found and not everything seen, nobody knows.
    pub fn word(&self) -> &'static str {
        match (self.findings.is_empty(), self.saw_all()) {
            (false, _) => "fail",
            (true, true) => "pass",
            (true, false) => "unknown",
        }
    }

    /// `; not seen: 127.0.0.1:6380`
    fn without(&self) -> String {
        let servers: Vec<_> = self.unseen.iter().map(|server| escape_str(server)).collect();
        if servers.is_empty() { String::new() } else { format!("; not seen: {}", servers.join(", ")) }
    }
}

/// What a passing verdict is worth where nobody used the pool.
const UNUSED: &str = "; nothing but the report's PING ran on this pool";

/// And where no process of the app said a word.
const UNHEARD: &str = "; no process reported";

/// And where none had anything to say.
const IDLE: &str = "; Python started and has not imported redis-py or valkey-py";

const STILL_OUT: &str = "give it back on every path, errors too: a guard, `with` or `finally`";

impl Found {
    fn of(snapshot: &Snapshot, lint: &LintRow) -> Self {
        let row = snapshot.connections.iter().find(|row| lint.about == About::Connection(row.pool, row.id));
        Self {
            id: lint.id,
            severity: lint.severity,
            pool: about_name(snapshot, &lint.about),
            row: row.cloned(),
            server: match lint.about {
                About::Node(node) | About::Client(node, _) => Some(node_name(snapshot, node)),
                _ => None,
            },
            watched: watched::facts(snapshot, &lint.about),
            evidence: lint.evidence.clone(),
            advice: lint.advice,
            lasted: row
                .and_then(|row| row.held_for(snapshot.as_of))
                .unwrap_or_else(|| snapshot.as_of.since(lint.since)),
            about: lint.about.clone(),
            bucket: None,
        }
    }

    fn is_of_a_pool(&self) -> bool {
        matches!(self.about, About::Pool(_) | About::Connection(..))
    }

    fn conn(&self) -> Option<ConnId> {
        match self.about {
            About::Connection(_, conn) => Some(conn),
            _ => None,
        }
    }

    fn holder(&self) -> Option<&Holder> {
        match &self.row.as_ref()?.state {
            RowState::InUse { holder, .. } => Some(holder),
            RowState::Available { .. } => None,
        }
    }

    /// The connection's ids, its time out, its holder and its last command: a word and a value each, escaped.
    fn facts(&self) -> Vec<(&'static str, String)> {
        if let Some(bucket) = &self.bucket {
            return app::facts(bucket, self.row.as_deref());
        }
        let Some(row) = &self.row else { return self.watched.clone() };
        let server = row.client_id().map_or_else(String::new, |id| format!("  server id {id}"));
        let named = self.holder().and_then(|holder| who(holder, |word| escape_str(word).into_owned()));
        vec![
            ("connection", format!("{}{server}", row.id)),
            ("holder", named.unwrap_or_else(|| UNKNOWN.to_owned())),
            ("out", duration(self.lasted)),
            ("last command", row.last_sent().map_or(UNKNOWN.into(), escape_str).into_owned()),
        ]
    }
}

fn target(snapshot: &Snapshot) -> String {
    let pool = snapshot.pools.first().map(|pool| pool.target.clone());
    pool.or_else(|| watched::targets(snapshot)).unwrap_or_else(|| snapshot.server.target.clone())
}

/// The verdict in words, with a newline at its end.
pub fn words(verdict: &Verdict) -> String {
    let checked = verdict.checked.join(", ");
    let damaged = verdict.damaged.as_ref();
    let damaged = damaged.map_or_else(String::new, |damage| format!("; the recording is damaged: {damage}"));
    let (word, unseen) = (verdict.word(), verdict.without());
    if verdict.findings.is_empty() {
        let unused = if verdict.unused { UNUSED } else { "" };
        let unused = if verdict.unheard { UNHEARD } else { unused };
        let unused = if verdict.idle { IDLE } else { unused };
        return format!("verdict   {word}: none of {checked}{unseen}{unused}{damaged}\n");
    }
    let found = thousands(verdict.findings.len() as u64);
    let mut out = format!("verdict   {word}: {found} found of {checked}{unseen}{damaged}\n");
    for found in verdict.findings.iter().take(LISTED) {
        let named = verdict.pools.len() > 1 || !found.is_of_a_pool();
        let named = named && !names_itself(&found.about);
        let pool = if named { format!("{}: ", escape_str(&found.pool)) } else { String::new() };
        let mark = if found.severity == Severity::Bad { 'x' } else { '!' };
        let _ = writeln!(out, "{mark} {:<12} {pool}{}", found.id, escape_str(&found.evidence));
        for (word, value) in found.facts() {
            let _ = writeln!(out, "  {word:<12} {value}");
        }
        let _ = writeln!(out, "  {:<12} {}", "advice", found.advice);
    }
    if let Some(more) = verdict.findings.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {} more", thousands(more as u64));
    }
    out
}

/// The verdict as one JSON document.
///
/// ```text
/// {"verdict": "pass" | "fail" | "unknown", "checked": ["leak", …], "unseen": the servers that could not be seen, if any,
///  "unheard": true where no process of the app reported, "idle": true where none had anything to,
///  "damaged": what could not be read of the recording, if anything,
///  "findings": [{"lint", "severity", "pool", "connection", "server_id", "holder", "lasted_ms", "last_command",
///   "server", "group", "client", "evidence", "advice"}]}
/// ```
///
/// A finding of an app is one for each line, with `"file"`, `"line"`, `"function"`, `"how"`, `"stack"`, `"count"`,
/// `"longest_ms"` and `"shortest_ms"` beside the rest.
pub fn document(verdict: &Verdict) -> String {
    printable(&format!("{:#}\n", value(verdict)))
}

/// Another document with a `"verdict"` of that form in it.
pub fn beside(mut document: Value, verdict: &Verdict) -> String {
    document["verdict"] = value(verdict);
    printable(&format!("{document:#}\n"))
}

pub(super) fn value(verdict: &Verdict) -> Value {
    let findings: Vec<Value> = verdict.findings.iter().map(finding).collect();
    let word = verdict.word();
    let mut value = json!({ "verdict": word, "checked": verdict.checked, "findings": findings });
    if !verdict.unseen.is_empty() {
        value["unseen"] = json!(verdict.unseen);
    }
    for (name, is) in [("unheard", verdict.unheard), ("idle", verdict.idle)] {
        if is {
            value[name] = json!(true);
        }
    }
    if let Some(damage) = &verdict.damaged {
        value["damaged"] = json!(damage);
    }
    value
}

fn finding(found: &Found) -> Value {
    let mut value = json!({
        "lint": found.id,
        "severity": severity(found.severity),
        "pool": found.is_of_a_pool().then_some(&found.pool),
        "connection": found.conn().map(|conn| conn.0),
        "server_id": found.row.as_ref().and_then(|row| row.client_id()),
        "holder": found.holder().map(holder),
        "lasted_ms": millis(found.lasted),
        "last_command": found.row.as_ref().and_then(|row| row.last_sent()),
        "server": found.server,
        "group": match &found.about {
            About::Group(_, label) => Some(&**label),
            _ => None,
        },
        "client": match found.about {
            About::Client(_, id) => Some(id),
            _ => None,
        },
        "evidence": found.evidence,
        "advice": found.advice,
    });
    if let Some(bucket) = &found.bucket {
        app::add(&mut value, bucket);
        value["pool"] = json!(known(&found.pool));
    }
    value
}

#[cfg(test)]
mod tests;
