//! One JSON document. Durations say their unit in the key; ages are at the snapshot's moment.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Change, Listing, library};
use crate::event::{NodeId, Process, Whose, nanos};
use crate::fields::Marks;
use crate::report::json::{known, lost, printable};
use crate::report::verdict::{self, Verdict};
use crate::report::{millis, node_name, severity};
use crate::snapshot::{About, ClientRow, GroupBy, GroupRow, LintRow, LookRow, NodeRow, Snapshot};

/// The snapshot as one JSON document, indented, with a newline at its end.
///
/// ```text
/// {"as_of_ms", "time_ms",
///  "servers": [{"target", "found", "version", "connected_clients", "blocked_clients", "maxclients", "rejected",
///    "evicted", "unseen", "opened_per_s", "look": {"age_ms", "clients", "left_out", "unread_lines", "bytes",
///    "took_ns", "cost_ns", "cost_share", "cost_told", "interval_ms"}, "timeout_s", "tcp_keepalive_s", "refused": [{"command", "error", "rule"}],
///    "unix": [{"process", "clients"}], "lost", "stopped"}],
///  "group_by", "filter",
///  "groups": [{"group", "process", "clients", "of", "waiting", "own", "change", "grown", "opened_per_s", "commands_per_s",
///    "oldest_ms", "longest_idle_ms", "memory_bytes", "lints"}],
///  "clients": null, or with "group_by": "none" [{"server", "id", "addr", "name", "process", "owner", …}],
///  "lints": [{"id", "level", "severity", "server", "group", "client", "evidence", "advice", "since_ms"}],
///  "changed": null, or {"ms", "groups": [{"group", "before", "after"}], "lints_over": […]},
///  "dropped_events", "out_of_sync"}
/// ```
/// A look's `clients` are those that are listed; `left_out` are more than fit, and no group of theirs is judged.
/// The group without a name, `""`, is the rest where there are too many: no client's own name is empty.
/// With a filter a group's `clients` are those of its clients that it leaves, `of` is all of them, and how it changes is the
/// whole group's; servers and lints are told whole.
/// `as_of_ms` and `since_ms` count from the start of the run, `time_ms` from 1970. A judged run has a `"verdict"` as well.
pub fn document(
    snapshot: &Snapshot,
    listing: &Listing,
    change: Option<&Change>,
    judged: Option<&Verdict>,
) -> String {
    match judged {
        Some(verdict) => verdict::beside(value(snapshot, listing, change), verdict),
        None => printable(&text(serde_json::to_string_pretty(&Document::new(snapshot, listing, change)))),
    }
}

/// The same in one line.
pub fn line(
    snapshot: &Snapshot,
    listing: &Listing,
    change: Option<&Change>,
    judged: Option<&Verdict>,
) -> String {
    let verdict = judged.map(verdict::value);
    let document = Document { verdict, ..Document::new(snapshot, listing, change) };
    printable(&text(serde_json::to_string(&document)))
}

pub(in crate::report) fn value(snapshot: &Snapshot, listing: &Listing, change: Option<&Change>) -> Value {
    // What is made of values can be made into one.
    serde_json::to_value(Document::new(snapshot, listing, change)).unwrap_or_default()
}

/// What was written, with a newline at its end. Keys that are strings and numbers that are finite can always be.
fn text(written: serde_json::Result<String>) -> String {
    let mut text = written.unwrap_or_default();
    text.push('\n');
    text
}

/// The document, of which the clients' rows are made one at a time as they are written: a tree of a hundred thousand takes
/// a hundred times what they take in the model.
#[derive(Serialize)]
struct Document<'a> {
    as_of_ms: u64,
    time_ms: u64,
    servers: Vec<Value>,
    group_by: &'static str,
    filter: Option<&'a str>,
    groups: Option<Vec<Value>>,
    clients: Option<Rows<'a>>,
    lints: Vec<Value>,
    changed: Option<Value>,
    dropped_events: u64,
    out_of_sync: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Value>,
}

impl<'a> Document<'a> {
    fn new(snapshot: &'a Snapshot, listing: &'a Listing, change: Option<&Change>) -> Self {
        let marks = Marks::of_snapshot(snapshot);
        let rows = listing.by() == GroupBy::None;
        let groups = (!rows).then(|| listing.groups(snapshot, &marks));
        Self {
            as_of_ms: snapshot.as_of.0 / 1_000_000,
            time_ms: snapshot.wall_ms,
            servers: snapshot.nodes.iter().map(|row| server(snapshot, row)).collect(),
            group_by: listing.by().word(),
            filter: listing.typed.as_deref(),
            groups: groups.map(|groups| groups.into_iter().map(|row| group(&row, &marks)).collect()),
            clients: rows.then(|| Rows { listed: listing.clients(snapshot, &marks), snapshot, marks }),
            lints: snapshot.lints.iter().map(|row| lint(snapshot, row)).collect(),
            changed: change.map(|change| changed(snapshot, listing, change)),
            dropped_events: snapshot.dropped,
            out_of_sync: snapshot.out_of_sync,
            verdict: None,
        }
    }
}

/// The rows of the clients that are listed.
struct Rows<'a> {
    listed: Vec<&'a ClientRow>,
    snapshot: &'a Snapshot,
    marks: Marks,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.listed.iter().map(|row| client(row, self.snapshot, &self.marks)))
    }
}

pub(in crate::report) fn server(snapshot: &Snapshot, row: &NodeRow) -> Value {
    let refused = row
        .refused
        .iter()
        .map(|refused| json!({ "command": refused.command, "error": refused.error, "rule": refused.rule }));
    let unix = row
        .unix_shares
        .iter()
        .map(|(owner, clients)| json!({ "process": process(owner), "clients": clients }));
    json!({
        "target": known(&row.target),
        "found": row.found,
        "version": row.server.version,
        "connected_clients": row.connected,
        "blocked_clients": row.blocked,
        "maxclients": row.max,
        "rejected": row.rejected,
        "evicted": row.evicted,
        "unseen": row.unseen,
        "opened_per_s": row.opening_rate,
        "look": row.look.as_ref().map(|found| look(snapshot, found)),
        "timeout_s": row.config.timeout,
        "tcp_keepalive_s": row.config.tcp_keepalive,
        "refused": refused.collect::<Vec<_>>(),
        "unix": unix.collect::<Vec<_>>(),
        "lost": lost(snapshot, &row.server),
        "stopped": row.stopped,
    })
}

fn look(snapshot: &Snapshot, look: &LookRow) -> Value {
    json!({
        "age_ms": millis(snapshot.as_of.since(look.at)),
        "clients": look.clients,
        "left_out": look.left_out,
        "unread_lines": look.unread,
        "bytes": look.bytes,
        "took_ns": nanos(look.took),
        "cost_ns": nanos(look.cost),
        "cost_share": look.share(),
        "cost_told": look.told,
        "interval_ms": millis(look.interval),
    })
}

fn process(process: &Process) -> Value {
    json!({
        "pid": process.pid,
        "name": &*process.name,
        "command": &*process.command,
        "user": process.user.as_deref(),
        "started_ms": process.started_ms,
        "container": process.container.as_deref(),
    })
}

fn group(row: &GroupRow, marks: &Marks) -> Value {
    json!({
        "group": &*row.label,
        "process": row.process.as_deref().map(process),
        "clients": row.count,
        "of": row.of,
        "waiting": row.waiting,
        "own": row.own,
        "change": row.change,
        "grown": row.grown,
        "opened_per_s": row.opening_rate,
        "commands_per_s": row.command_rate,
        "oldest_ms": millis(row.oldest),
        "longest_idle_ms": millis(row.longest_idle),
        "memory_bytes": row.memory,
        "lints": ids(marks.of_group(row.by, &row.label).map(|mark| mark.names.as_str())),
    })
}

/// What a server says of a client that is a connection of an app's pool, and whose socket that is on this machine. Ages of
/// one whose server is watched no more are those it had then.
pub(in crate::report) fn seen(snapshot: &Snapshot, row: &ClientRow) -> Value {
    let told = row.client.as_ref();
    let (owner, fd) = match &row.whose {
        Some(Whose::Process { process: owner, fd }) => (Some(process(owner)), Some(fd)),
        _ => (None, None),
    };
    json!({
        "server": node_name(snapshot, row.node),
        "id": told.id,
        "addr": known(&told.addr),
        "name": told.name.as_deref(),
        "user": told.user.as_deref(),
        "library": library(told),
        "state": row.state.word(),
        "age_ms": millis(row.age(snapshot.as_of)),
        "idle_ms": millis(row.idle(snapshot.as_of)),
        "flags": &*told.flags,
        "db": told.db,
        "last_command": told.command.as_deref(),
        "query_buffer_bytes": told.query_buffer,
        "output_bytes": told.output_memory,
        "memory_bytes": told.memory,
        "process": owner,
        "fd": fd,
    })
}

fn client(row: &ClientRow, snapshot: &Snapshot, marks: &Marks) -> Value {
    let told = row.client.as_ref();
    json!({
        "server": node_name(snapshot, row.node),
        "id": told.id,
        "addr": known(&told.addr),
        "laddr": told.laddr.as_deref(),
        "fd": told.fd,
        "name": told.name.as_deref(),
        "process": row.process().map(|owner| process(owner)),
        "owner": row.whose.as_ref().map(Whose::word).filter(|word| !word.is_empty()),
        "user": told.user.as_deref(),
        "library": library(told),
        "state": row.state.word(),
        "state_ms": row.state_since.map(|since| millis(snapshot.as_of.since(since))),
        "age_ms": millis(row.age(snapshot.as_of)),
        "idle_ms": millis(row.idle(snapshot.as_of)),
        "flags": &*told.flags,
        "db": told.db,
        "last_command": told.command.as_deref(),
        "subscriptions": told.subscriptions,
        "multi": told.multi,
        "watch": told.watch,
        "memory_bytes": told.memory,
        "query_buffer_bytes": told.query_buffer,
        "output_bytes": told.output_memory,
        "net_in_bytes": told.net_in,
        "net_out_bytes": told.net_out,
        "commands": told.commands,
        "in_bytes_per_s": row.in_rate,
        "out_bytes_per_s": row.out_rate,
        "commands_per_s": row.command_rate,
        "resp": told.resp,
        "more": told.more.as_deref(),
        "own": row.own,
        "lints": ids(marks.of_client(row.node, told.id).map(|mark| mark.names.as_str())),
    })
}

/// The names of lints, which stand between blanks.
fn ids(names: Option<&str>) -> Vec<&str> {
    names.into_iter().flat_map(str::split_whitespace).collect()
}

fn lint(snapshot: &Snapshot, row: &LintRow) -> Value {
    let (server, group, client) = about(&row.about);
    json!({
        "id": row.id,
        "level": row.level.word(),
        "severity": severity(row.severity),
        "server": server.map(|node| node_name(snapshot, node)),
        "group": group,
        "client": client,
        "evidence": row.evidence,
        "advice": row.advice,
        "since_ms": row.since.0 / 1_000_000,
    })
}

/// The server, the group and the client that a lint speaks of.
fn about(about: &About) -> (Option<NodeId>, Option<&str>, Option<u64>) {
    match about {
        About::Node(node) => (Some(*node), None, None),
        About::Group(_, label) => (None, Some(label), None),
        About::Client(node, id) => (Some(*node), None, Some(*id)),
        About::Pool(_) | About::Connection(..) | About::Place(..) => (None, None, None),
    }
}

fn changed(snapshot: &Snapshot, listing: &Listing, change: &Change) -> Value {
    let groups = change.groups(snapshot, listing);
    let groups = groups
        .iter()
        .map(|group| json!({ "group": &*group.label, "before": group.before, "after": group.after }));
    let over = change.over(snapshot);
    json!({
        "ms": millis(change.lasted(snapshot)),
        "groups": groups.collect::<Vec<_>>(),
        "lints_over": over.into_iter().map(|row| lint(snapshot, row)).collect::<Vec<_>>(),
    })
}
