//! A [`Snapshot`] for those who are no screen: a compact text, one JSON document, or the Prometheus exposition format.
//!
//! What is not known is absent or `null` and never 0. Nothing that came from elsewhere (names, holders, errors) gets
//! out with a control or bidi character in it.
//!
//! [`Snapshot`]: crate::snapshot::Snapshot

pub mod app;
mod causes;
pub mod clients;
mod json;
mod markdown;
mod prometheus;
mod save;
mod table;
mod text;
pub mod verdict;

use std::borrow::Cow;
use std::time::Duration;

use crate::event::{Holder, NodeId, PoolId, nanos};
use crate::snapshot::{About, PoolRow, Severity, Snapshot, group_words};
use crate::text::NONE as UNKNOWN;

pub use causes::{callers, causes, evidence, says, share, verdict};
pub use clients::Listing;
pub use json::{json, json_judged, screen_json};
pub use markdown::{Screenful, markdown};
pub use prometheus::{open_metrics, prometheus};
pub use save::save;
pub use text::text;
pub use verdict::Verdict;

/// Whole milliseconds.
fn millis(span: Duration) -> u64 {
    nanos(span) / 1_000_000
}

/// A pool's name, or its number where it has no row.
fn pool_name(snapshot: &Snapshot, id: PoolId) -> String {
    snapshot
        .pools
        .iter()
        .find(|pool| pool.id == id)
        .map_or_else(|| format!("pool-{}", id.0), |p| p.name.clone())
}

/// What a lint speaks of, by name.
fn about_name(snapshot: &Snapshot, about: &About) -> String {
    match about {
        About::Pool(pool) | About::Connection(pool, _) => pool_name(snapshot, *pool),
        About::Node(node) => node_name(snapshot, *node),
        About::Place(_, place) => place.to_string(),
        About::Group(_, label) => group_words(label).into_owned(),
        About::Client(node, id) => format!("client {id} of {}", node_name(snapshot, *node)),
    }
}

/// Whether evidence begins with what it is about: a group's does.
fn names_itself(about: &About) -> bool {
    matches!(about, About::Group(..) | About::Place(..))
}

/// Where a watched server is, or its number where it has no row.
fn node_name(snapshot: &Snapshot, id: NodeId) -> String {
    let row = snapshot.nodes.iter().find(|node| node.id == id);
    row.map_or_else(|| format!("server-{}", id.0), |node| node.target.clone())
}

/// Who a holder is, in one line: its words as `shown` makes them, else its task.
fn who(holder: &Holder, shown: impl Fn(&str) -> String) -> Option<String> {
    let label = holder.label.as_deref().map(&shown);
    let words = label.into_iter().chain(place(holder, &shown)).collect::<Vec<_>>().join("  ");
    if words.is_empty() { holder.task.map(|task| format!("task {task}")) } else { Some(words) }
}

/// `path/file.py:88 in worker`: where a holder is in the code, its words as `shown` makes them.
fn place(holder: &Holder, shown: impl Fn(&str) -> String) -> Option<String> {
    let location = shown(holder.location.as_deref()?);
    let function = holder.function.as_deref();
    Some(function.map_or(location.clone(), |function| format!("{location} in {}", shown(function))))
}

/// The pools, each under a name that no other one has: a report keyed by name must not say two things of one key.
fn named_pools(snapshot: &Snapshot) -> impl Iterator<Item = (&PoolRow, Cow<'_, str>)> {
    snapshot.pools.iter().enumerate().map(|(n, pool)| {
        let taken = snapshot.pools[..n].iter().any(|other| other.name == pool.name);
        let name =
            if taken { format!("{}#{}", pool.name, pool.id.0).into() } else { pool.name.as_str().into() };
        (&**pool, name)
    })
}

/// The word for how bad.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "warn",
        Severity::Bad => "bad",
    }
}

#[cfg(test)]
mod tests;
