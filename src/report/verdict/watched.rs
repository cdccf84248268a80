//! What a finding about a watched server says of its server, group or client.

use crate::report::{UNKNOWN, node_name};
use crate::snapshot::{About, ClientRow, GroupRow, Snapshot, group_words};
use crate::text::{duration, escape_str, thousands};

/// A word and a value each, escaped. What is gone by the end has no more than its name.
pub(super) fn facts(snapshot: &Snapshot, about: &About) -> Vec<(&'static str, String)> {
    let facts = match about {
        About::Client(node, id) => {
            let row = snapshot.clients.iter().find(|row| row.node == *node && row.client.id == *id);
            row.map_or_else(Vec::new, |row| client(snapshot, row))
        }
        About::Group(by, label) => {
            let row = snapshot.groups.by(*by).iter().find(|row| row.label == *label);
            row.map_or_else(Vec::new, |row| group(row))
        }
        About::Node(node) => vec![("server", node_name(snapshot, *node))],
        About::Pool(_) | About::Connection(..) | About::Place(..) => Vec::new(),
    };
    facts.into_iter().map(|(word, value)| (word, escape_str(&value).into_owned())).collect()
}

/// Where the watched servers are, if any is watched.
pub(super) fn targets(snapshot: &Snapshot) -> Option<String> {
    let targets: Vec<&str> = snapshot.nodes.iter().map(|node| node.target.as_str()).collect();
    (!targets.is_empty()).then(|| targets.join(", "))
}

/// Those of them that were named and whose clients are not known: they do not answer, or do not let us look.
/// Not those of an app: its own processes tell what is judged.
pub(super) fn unseen(snapshot: &Snapshot) -> Vec<String> {
    if snapshot.app.is_some() {
        return Vec::new();
    }
    let named = snapshot.nodes.iter().filter(|node| node.found.is_none() && !node.stopped);
    named.filter(|node| !node.is_current()).map(|node| node.target.clone()).collect()
}

fn client(snapshot: &Snapshot, row: &ClientRow) -> Vec<(&'static str, String)> {
    let told = row.client.as_ref();
    let name = told.name.as_ref().map_or_else(String::new, |name| format!("  name {name}"));
    let process = match (row.process(), &row.whose) {
        (Some(process), _) => format!("{}  {}", process.pid, process.command),
        (None, Some(other)) => other.word().to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    };
    vec![
        ("client", format!("{}  {}{name}", told.id, told.addr)),
        ("process", process),
        ("connected", duration(row.age(snapshot.as_of))),
        ("idle", duration(row.idle(snapshot.as_of))),
        ("last command", told.command.as_deref().unwrap_or(UNKNOWN).to_owned()),
    ]
}

fn group(row: &GroupRow) -> Vec<(&'static str, String)> {
    let mut facts = vec![(row.by.word(), group_words(&row.label).into_owned())];
    if let Some(process) = &row.process {
        facts.push(("command", process.command.to_string()));
    }
    facts.push(("clients", thousands(row.count)));
    facts.push(("oldest", duration(row.oldest)));
    facts
}
