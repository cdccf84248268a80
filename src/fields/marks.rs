//! What is looked up once a snapshot and not once a row.

use std::collections::HashMap;
use std::sync::Arc;

use crate::event::{ConnId, NodeId, Process};
use crate::snapshot::{About, GroupBy, LintRow, RowState, Severity, Snapshot};
use crate::text;

/// What lints say of rows, by what they speak of; where servers are; and the widest ids.
#[derive(Debug, Default)]
pub struct Marks {
    connections: HashMap<ConnId, Mark>,
    clients: HashMap<(NodeId, u64), Mark>,
    groups: HashMap<(GroupBy, Arc<str>), Mark>,
    targets: HashMap<NodeId, String>,
    /// The process that this program's own connections are of: what it was started with is what is looked for.
    ours: Option<u32>,
    /// The columns that the longest of our ids takes, and of the server's.
    pub widest: (u16, u16),
    /// And the longest word for a state.
    pub state: u16,
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
    fn add(&mut self, lint: &LintRow) {
        self.severity = self.severity.max(lint.severity);
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
            let mark = Mark { severity: lint.severity, names: String::new() };
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
