//! What a kind of judgement finds, and the rows that come of it: new ones are raised, those that stay are brought up to
//! date, those that are gone are cleared.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::event::Stamp;
use crate::snapshot::{About, Level, LintRow, Severity, What};

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::model) struct Found {
    /// What it is about.
    pub(in crate::model) about: About,
    /// How bad.
    pub(in crate::model) severity: Severity,
    /// In numbers, one line.
    pub(in crate::model) evidence: String,
    /// What to do about it, one line.
    pub(in crate::model) advice: &'static str,
}

/// Takes over what one lint finds now, says what is new, and gives the rows that hold no longer.
pub(in crate::model) fn update(
    rows: &mut BTreeMap<About, Arc<LintRow>>,
    id: &'static str,
    level: Level,
    now: Stamp,
    found: impl IntoIterator<Item = Found>,
    news: &mut Vec<What>,
) -> Vec<Arc<LintRow>> {
    let mut holds = HashSet::new();
    for Found { about, severity, evidence, advice } in found {
        holds.insert(about.clone());
        if let Some(row) = rows.get_mut(&about) {
            if row.evidence != evidence || row.severity != severity || row.level != level {
                let row = Arc::make_mut(row);
                (row.level, row.evidence, row.severity, row.advice) = (level, evidence, severity, advice);
            }
        } else {
            news.push(What::Raised(id, severity, evidence.clone()));
            let row = LintRow { id, level, severity, about: about.clone(), evidence, advice, since: now };
            rows.insert(about, Arc::new(row));
        }
    }
    let mut ended = Vec::new();
    rows.retain(|about, row| {
        let keep = holds.contains(about);
        if !keep {
            ended.push(Arc::clone(row));
        }
        keep
    });
    ended
}

/// Worst first, and among equals the oldest.
pub(in crate::model) fn sort(rows: &mut [Arc<LintRow>]) {
    rows.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.since.cmp(&b.since)));
}
