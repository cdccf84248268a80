//! Watched servers: the names that OpenTelemetry's collector gives a Redis' numbers, and our own for groups of clients,
//! for which it has none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Kind, Label, Page, escape, number};
use crate::event::NodeId;
use crate::fields::Marks;
use crate::report::Listing;
use crate::snapshot::{GroupBy, GroupRow, NodeRow, Snapshot, group_words};

/// Groups that have series; of more a scraper has no use, and its memory suffers.
const GROUPS: usize = 1_000;

/// A family of numbers of servers: its kind, its name, its help, and where a server's row has it.
type OfServer = (Kind, &'static str, &'static str, fn(&NodeRow) -> Option<f64>);

/// The same of groups; all of them are gauges.
type OfGroup = (&'static str, &'static str, fn(&GroupRow) -> Option<f64>);

const SERVERS: [OfServer; 11] = [
    (Kind::Gauge, "redis_clients_connected", "connected_clients of INFO.", |row| row.connected.map(number)),
    (Kind::Gauge, "redis_clients_blocked", "blocked_clients of INFO.", |row| row.blocked.map(number)),
    (Kind::Gauge, "redis_pooltop_maxclients", "The server's limit of clients.", |row| row.max.map(number)),
    (
        Kind::Counter,
        "redis_connections_rejected_total",
        "Connections refused at the limit since the watching began.",
        |row| row.rejected.map(number),
    ),
    (
        Kind::Counter,
        "redis_pooltop_evicted_clients_total",
        "Clients evicted for their memory since the watching began.",
        |row| row.evicted.map(number),
    ),
    (
        Kind::Counter,
        "redis_pooltop_unseen_clients_total",
        "Clients that came and went between two looks since the watching began.",
        |row| row.look.map(|_| number(row.unseen)),
    ),
    (
        Kind::Gauge,
        "redis_pooltop_opened_per_second",
        "Connections accepted a second, over the last ten seconds.",
        |row| row.opening_rate,
    ),
    (
        Kind::Gauge,
        "redis_pooltop_look_cost_ratio",
        "The share of the server's main thread that looking at its clients takes.",
        |row| row.look.map(|look| look.share()),
    ),
    (
        Kind::Gauge,
        "redis_pooltop_look_duration_seconds",
        "The last look at its clients, from asking to the last byte.",
        |row| row.look.map(|look| look.took.as_secs_f64()),
    ),
    (
        Kind::Gauge,
        "redis_pooltop_clients_left_out",
        "Clients that are in no group because the server has more than 100,000.",
        |row| row.look.map(|look| number(look.left_out)),
    ),
    (
        Kind::Gauge,
        "redis_pooltop_unread_lines",
        "Lines of the last CLIENT LIST that could not be read.",
        |row| row.look.map(|look| number(look.unread)),
    ),
];

const GROUPED: [OfGroup; 5] = [
    (
        "redis_pooltop_clients",
        "Clients, by what they have in common; (all others) is the rest of too many, and one that begins with a bracket has a backslash before it.",
        |row| Some(number(row.count)),
    ),
    ("redis_pooltop_clients_waiting", "Of these, blocked, subscribed or in MONITOR.", |row| {
        Some(number(row.waiting))
    }),
    ("redis_pooltop_clients_oldest_seconds", "The age of the oldest.", |row| Some(row.oldest.as_secs_f64())),
    ("redis_pooltop_clients_idle_seconds", "The longest that one has been idle.", |row| {
        Some(row.longest_idle.as_secs_f64())
    }),
    ("redis_pooltop_clients_memory_bytes", "What they cost the server.", |row| row.memory.map(number)),
];

impl Page<'_> {
    pub(super) fn watched(&mut self, listing: &Listing) {
        let snapshot = self.snapshot;
        if snapshot.nodes.is_empty() {
            return;
        }
        let up =
            snapshot.nodes.iter().filter(|row| row.server.lost.is_some() || row.server.seen_at.is_some());
        let up: Vec<_> =
            up.map(|row| ("", server(row), f64::from(u8::from(row.server.lost.is_none())))).collect();
        let help = "Whether the watched server answered the last time it was asked.";
        self.family(Kind::Gauge, "redis_pooltop_watched_up", help, up);
        let seen = snapshot.nodes.iter().filter(|row| row.server.lost.is_none());
        let seen = seen.filter_map(|row| Some(("", server(row), f64::from(u8::from(row.is_seen()?)))));
        let help =
            "Whether the server lets its clients be looked at: where it does not, nothing is known of them.";
        self.family(Kind::Gauge, "redis_pooltop_clients_seen", help, seen);
        for (kind, name, help, value) in SERVERS {
            // What an unreachable server said last is not what holds now, but for what only ever grows.
            let told = |row: &&Arc<NodeRow>| matches!(kind, Kind::Counter) || row.server.lost.is_none();
            let rows = snapshot.nodes.iter().filter(told);
            self.family(kind, name, help, rows.filter_map(|row| Some(("", server(row), value(row)?))));
        }
        self.states();
        self.groups(listing);
    }

    /// Clients of each server by what they do.
    fn states(&mut self) {
        let snapshot = self.snapshot;
        let mut by_node: BTreeMap<NodeId, BTreeMap<&str, u64>> = BTreeMap::new();
        for row in snapshot.clients.iter() {
            *by_node.entry(row.node).or_default().entry(row.state.word()).or_default() += 1;
        }
        let samples = snapshot.nodes.iter().filter(|row| row.is_current()).flat_map(|node| {
            by_node.remove(&node.id).unwrap_or_default().into_iter().map(|(state, count)| {
                ("", server(node).into_iter().chain([("state", state.into())]).collect(), number(count))
            })
        });
        self.family(Kind::Gauge, "redis_pooltop_clients_by_state", "Clients by what they do.", samples);
    }

    fn groups(&mut self, listing: &Listing) {
        // A series for each client would be one for each connection that ever was.
        let by = if listing.by() == GroupBy::None { GroupBy::default() } else { listing.by() };
        // Groups are of all servers together: of the last that is lost there is nothing left that holds now.
        if !self.snapshot.nodes.iter().any(|row| row.is_current()) {
            return;
        }
        let (parts, left_out) = parts(self.snapshot, listing, by);
        for (name, help, value) in GROUPED {
            let samples = parts.iter().filter_map(|(row, labels)| Some(("", labels.clone(), value(row)?)));
            self.family(Kind::Gauge, name, help, samples);
        }
        // How often is known of a whole group only, which is of one server where there is but one. Of several it is left
        // out: a family whose labels came and went with them would be another one each time.
        let alone = parts.iter().filter(|_| self.snapshot.nodes.len() == 1);
        let opened = alone.filter_map(|(row, labels)| Some(("", labels.clone(), row.opening_rate?)));
        let help = "Opened a second, over the last ten seconds: the whole group; not told while several servers are watched.";
        self.family(Kind::Gauge, "redis_pooltop_clients_opened_per_second", help, opened);
        let filter = Some(listing.filter()).filter(|line| !line.is_empty());
        self.family(
            Kind::Gauge,
            "redis_pooltop_clients_filter_info",
            "The filter that leaves the clients of groups; what is of a server is told whole.",
            filter.map(|line| ("", vec![("filter", line.into())], 1.0)),
        );
        let labels = vec![("group_by", by.word().into())];
        let help = "Groups that have no series because there are more than 1,000.";
        self.family(Kind::Gauge, "redis_pooltop_groups_left_out", help, [("", labels, number(left_out))]);
    }
}

/// The clients of each group on each server that answers, with their labels; and how many groups have no series.
fn parts<'a>(
    snapshot: &'a Snapshot,
    listing: &Listing,
    by: GroupBy,
) -> (Vec<(GroupRow, Vec<Label<'a>>)>, u64) {
    let mut parts = Vec::new();
    let (mut called, mut left_out) = (Called::default(), BTreeSet::new());
    for (node, row) in listing.by_server(snapshot, by, &Marks::of_snapshot(snapshot)) {
        let Some(node) = snapshot.nodes.iter().find(|row| row.id == node && row.is_current()) else {
            continue;
        };
        if parts.len() < GROUPS {
            let name = called.name(&row.label).into();
            let labels = server(node).into_iter().chain([("group_by", by.word().into()), ("group", name)]);
            parts.push((row, labels.collect()));
        } else {
            left_out.insert(row.label);
        }
    }
    (parts, left_out.len() as u64)
}

/// Names that only a terminal would tell apart, told apart by a number.
#[derive(Default)]
struct Called {
    seen: HashSet<String>,
    names: HashMap<Arc<str>, String>,
}

impl Called {
    fn name(&mut self, label: &Arc<str>) -> String {
        if let Some(name) = self.names.get(label) {
            return name.clone();
        }
        let (mut name, mut again) = (group_words(label).into_owned(), 1);
        while !self.seen.insert(escape(&name)) {
            again += 1;
            name = format!("{}#{again}", group_words(label));
        }
        self.names.insert(label.clone(), name.clone());
        name
    }
}

/// The labels of a server: OpenTelemetry's `server.address` and `server.port`.
fn server(row: &NodeRow) -> Vec<Label<'_>> {
    let parts = row.target.rsplit_once(':');
    match parts.filter(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())) {
        Some((host, port)) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            vec![("server_address", host.into()), ("server_port", port.into())]
        }
        None => vec![("server_address", row.target.as_str().into())],
    }
}
