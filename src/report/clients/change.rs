//! What changed while somebody watched: the groups as they were at the begin, and every lint that was raised.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Listing;
use crate::event::Stamp;
use crate::fields::Marks;
use crate::snapshot::{About, LintRow, Snapshot};

/// Lints kept that were raised: a report of more is read by nobody.
const FIRED: usize = 1_000;

/// What changed since the first snapshot.
#[derive(Clone, Debug)]
pub struct Change {
    begin: Stamp,
    groups: HashMap<Arc<str>, u64>,
    fired: Vec<Arc<LintRow>>,
}

/// How many clients of a group there were, and are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grown {
    pub(super) label: Arc<str>,
    pub(super) before: u64,
    pub(super) after: u64,
}

impl Grown {
    /// How many more they are.
    pub(super) fn by(&self) -> i64 {
        self.after.cast_signed().saturating_sub(self.before.cast_signed())
    }
}

impl Change {
    /// From this snapshot on.
    pub fn since(snapshot: &Snapshot, listing: &Listing) -> Self {
        let groups = listing.narrowed(snapshot, listing.by(), &Marks::of_snapshot(snapshot));
        let groups = groups.iter().map(|row| (row.label.clone(), row.count)).collect();
        let mut change = Self { begin: snapshot.as_of, groups, fired: Vec::new() };
        change.see(snapshot);
        change
    }

    /// Takes note of what holds in a snapshot on the way.
    pub fn see(&mut self, snapshot: &Snapshot) {
        for lint in &snapshot.lints {
            let same = |known: &Arc<LintRow>| (known.id, &known.about) == (lint.id, &lint.about);
            match self.fired.iter().position(same) {
                Some(at) => self.fired[at].clone_from(lint),
                None if self.fired.len() < FIRED => self.fired.push(lint.clone()),
                None => {}
            }
        }
    }

    /// How long that was.
    pub fn lasted(&self, snapshot: &Snapshot) -> Duration {
        snapshot.as_of.since(self.begin)
    }

    /// The groups that are not as many as they were, those that changed most first.
    pub(super) fn groups(&self, snapshot: &Snapshot, listing: &Listing) -> Vec<Grown> {
        let mut before: HashMap<&Arc<str>, u64> = self.groups.iter().map(|(label, n)| (label, *n)).collect();
        let mut grown: Vec<Grown> = Vec::new();
        for row in listing.narrowed(snapshot, listing.by(), &Marks::of_snapshot(snapshot)) {
            let before = before.remove(&row.label).unwrap_or(0);
            grown.push(Grown { label: row.label.clone(), before, after: row.count });
        }
        grown.extend(before.into_iter().map(|(label, n)| Grown {
            label: label.clone(),
            before: n,
            after: 0,
        }));
        grown.retain(|grown| grown.before != grown.after && !listing.by().is_nobody(&grown.label));
        grown.sort_by(|a, b| b.by().abs().cmp(&a.by().abs()).then_with(|| a.label.cmp(&b.label)));
        grown
    }

    /// Lints that were raised and hold no longer.
    pub(super) fn over<'a>(&'a self, snapshot: &Snapshot) -> Vec<&'a LintRow> {
        let holds =
            |id: &str, about: &About| snapshot.lints.iter().any(|lint| (lint.id, &lint.about) == (id, about));
        self.fired.iter().map(|lint| &**lint).filter(|lint| !holds(lint.id, &lint.about)).collect()
    }
}
