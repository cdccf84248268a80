//! A [`Snapshot`] for those who are no screen: one JSON document.
//!
//! What is not known is absent or `null` and never 0. Nothing that came from elsewhere (names, holders, errors) gets
//! out with a control or bidi character in it.
//!
//! [`Snapshot`]: crate::snapshot::Snapshot

mod json;

use std::time::Duration;

use crate::event::{PoolId, nanos};
use crate::snapshot::{Severity, Snapshot};

pub use json::json;

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

/// The word for how bad.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warn => "warn",
        Severity::Bad => "bad",
    }
}

#[cfg(test)]
mod tests;
