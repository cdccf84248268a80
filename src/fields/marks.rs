//! What is looked up once a snapshot and not once a row.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{ConnId, NodeId, PoolId, Process};
use crate::snapshot::{About, GroupBy, LintRow, RowState, Severity, Snapshot};
use crate::text;

/// What lints say of rows, by what they speak of; where servers are; and the widest ids.
#[derive(Debug, Default)]
pub struct Marks {
    connections: HashMap<ConnId, Mark>,
    pools: HashMap<PoolId, Mark>,
    /// What each pool is called beside others.
    names: HashMap<PoolId, String>,
    clients: HashMap<(NodeId, u64), Mark>,
    groups: HashMap<(GroupBy, Arc<str>), Mark>,
    targets: HashMap<NodeId, String>,
    /// The process that this program's own connections are of: what it was started with is what is looked for.
    ours: Option<u32>,
    /// The columns that the longest of our ids takes, and of the server's.
    pub widest: (u16, u16),
    /// And the longest word for a state.
    pub state: u16,
    /// And what the pools are called.
    named: u16,
}

/// What lints say of one row.
#[derive(Debug)]
pub struct Mark {
    /// How bad the worst of them is.
    pub severity: Severity,
    /// Their names.
    pub names: String,
}

impl Mark {
    fn new(lint: &LintRow) -> Self {
        Self { severity: lint.severity, names: String::new() }
    }

    fn add(&mut self, lint: &LintRow) {
        self.severity = self.severity.max(lint.severity);
        // A pool has as many leaks as it has connections: its name is worth saying once.
        if self.names.split(' ').any(|known| known == lint.id) {
            return;
        }
        if !self.names.is_empty() {
            self.names.push(' ');
        }
        self.names.push_str(lint.id);
    }
}

impl Marks {
    /// The marks of a snapshot.
    pub fn of_snapshot(snapshot: &Snapshot) -> Self {
        let mut marks = Self::default();
        for lint in &snapshot.lints {
            if let Some(pool) = lint.pool() {
                marks.pools.entry(pool).or_insert_with(|| Mark::new(lint)).add(lint);
            }
            let mark = Mark::new(lint);
            let mark = match &lint.about {
                About::Connection(_, id) => marks.connections.entry(*id).or_insert(mark),
                About::Client(node, id) => marks.clients.entry((*node, *id)).or_insert(mark),
                About::Group(by, label) => marks.groups.entry((*by, label.clone())).or_insert(mark),
                About::Pool(_) | About::Node(_) | About::Place(..) => continue,
            };
            mark.add(lint);
        }
        marks.targets = snapshot.nodes.iter().map(|node| (node.id, node.target.clone())).collect();
        let own = snapshot.clients.iter().filter(|row| row.own);
        marks.ours = own.filter_map(|row| row.process()).map(|process| process.pid).next();
        marks.names = pool_names(snapshot);
        let widths = marks.names.values().map(|name| text::width(&text::escape_str(name)));
        marks.named = widths.max().unwrap_or(0).min(usize::from(u16::MAX)) as u16;
        marks.measure(snapshot);
        marks
    }

    fn measure(&mut self, snapshot: &Snapshot) {
        let digits = |number: u64| number.checked_ilog10().unwrap_or(0) as u16 + 1;
        let ours = snapshot.connections.iter().map(|row| row.id.0).max();
        let servers = snapshot.connections.iter().filter_map(|row| row.client_id()).max();
        let words = snapshot.connections.iter().map(|row| match &row.state {
            RowState::InUse { pinned: Some(by), .. } => text::width(&text::escape_str(by)),
            RowState::InUse { .. } | RowState::Available { .. } => 0,
        });
        self.state = words.max().unwrap_or(0).min(usize::from(u16::MAX)) as u16;
        self.widest = (digits(ours.unwrap_or(0)) + 1, digits(servers.unwrap_or(0)) + 3);
    }

    /// What lints say of a connection, if any does.
    pub fn of(&self, id: ConnId) -> Option<&Mark> {
        self.connections.get(&id)
    }

    /// What lints say of a pool, or of one of its connections.
    pub fn of_pool(&self, id: PoolId) -> Option<&Mark> {
        self.pools.get(&id)
    }

    /// What a pool is called beside others; nothing where there are none.
    pub fn pool(&self, id: PoolId) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// The columns that the longest of these names takes; none where there are no several pools.
    pub fn pools_width(&self) -> u16 {
        self.named
    }

    /// What lints say of a client of a server.
    pub fn of_client(&self, node: NodeId, id: u64) -> Option<&Mark> {
        self.clients.get(&(node, id))
    }

    /// What lints say of a group.
    pub fn of_group(&self, by: GroupBy, label: &Arc<str>) -> Option<&Mark> {
        self.groups.get(&(by, label.clone()))
    }

    /// Whether a process is this program.
    pub fn is_ours(&self, process: &Process) -> bool {
        self.ours == Some(process.pid)
    }

    /// Where a watched server is.
    pub fn target(&self, node: NodeId) -> Option<&str> {
        self.targets.get(&node).map(String::as_str)
    }
}

/// What tells an app's pools apart where there are several: a name, or where it was made for one that has none; and the process,
/// where there are several of those.
fn pool_names(snapshot: &Snapshot) -> HashMap<PoolId, String> {
    let Some(app) = snapshot.app.as_deref().filter(|_| snapshot.pools.len() > 1) else {
        return HashMap::new();
    };
    let several = app.processes.len() > 1;
    let named = snapshot.pools.iter().map(|pool| {
        let inside = pool.inside.as_deref();
        let class = inside.and_then(|inside| inside.class.rsplit('.').next());
        let made = inside.and_then(|inside| inside.made.as_ref()?.location.as_deref());
        // Its class is what it is called for want of a name.
        let name = match made.filter(|_| class == Some(&*pool.name)) {
            Some(made) => text::file_name(made),
            None => &pool.name,
        };
        let process = inside.and_then(|inside| app.process(inside.process)).filter(|_| several);
        let name = process.map_or_else(|| name.to_owned(), |process| format!("{name} {}", process.facts.pid));
        (pool.id, name)
    });
    named.collect()
}
