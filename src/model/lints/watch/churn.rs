//! `churn`: clients come for a moment and go again.
//!
//! Of the last ten seconds, or the last five looks where that is longer: at least two a second that were gone before they
//! were [`SHORT`] old, in at least three looks, and without the look that had most: a script that makes many at once is
//! none. Those that no look saw are among them, as the server counts what it accepts. It clears under one a second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Finding, Lint, View, who};
use crate::event::Stamp;
use crate::model::clients::{Counter, Node, SHORT};
use crate::snapshot::{About, GroupBy, REST, Severity};
use crate::text::NONE;

const ADVICE: &str = "keep one client for the program's life and share it, instead of one a request";

/// How far back it looks.
const BACK: Duration = Duration::from_millis(10_500);

/// So many a second raise it, and under so many it clears.
const RAISES: f64 = 2.0;
const CLEARS: f64 = 1.0;

/// Looks that must have had some.
const LOOKS: usize = 3;

/// How many are looked at at the least, however far apart a large server's are.
const AT_LEAST: usize = 5;

/// A look that had less than this part of the last ones is of before it began.
const ALIKE: f64 = 0.75;

/// How many the looks must have seen of a group, and which part of all they saw, to name it.
const SEEN: usize = 3;
const MOST: f64 = 0.6;

/// See the module.
pub(super) struct Churn;

impl Lint for Churn {
    fn id(&self) -> &'static str {
        "churn"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let found = view.nodes().filter_map(|node| {
            let about = About::Node(node.id);
            let rate = rate(view.now, &node.short, holds(&about))?;
            let (named, marks) = match named(view, node) {
                Some(Named { by, label, words }) => (words, vec![About::Group(by, label)]),
                None => (", gone before a look could tell whose".to_owned(), Vec::new()),
            };
            let evidence =
                format!("{rate:.1} connections a second closed within {} s{named}", SHORT.as_secs());
            Some(Finding { about, severity: Severity::Warn, evidence, marks })
        });
        found.collect()
    }
}

/// How many a second, where they are too many.
fn rate(now: Stamp, short: &Counter, holds: bool) -> Option<f64> {
    let late = |(nth, (at, _)): &(usize, (Stamp, u64))| *nth <= AT_LEAST || now.since(*at) <= BACK;
    let told: Vec<_> = short.told().enumerate().take_while(late).map(|(_, told)| told).collect();
    let looks: Vec<_> = told
        .windows(2)
        .map(|pair| (pair[0].1.saturating_sub(pair[1].1), pair[0].0.since(pair[1].0).as_secs_f64()))
        .filter(|(_, passed)| *passed > 0.0)
        .collect();
    let over = |looks: &[(u64, f64)]| {
        let (some, passed) = looks.iter().fold((0, 0.0), |(some, all), (n, passed)| (some + n, all + passed));
        (some as f64 / f64::max(passed, f64::MIN_POSITIVE), passed)
    };
    let busy = looks.iter().filter(|(some, _)| *some > 0).count();
    let most = looks.iter().enumerate().max_by_key(|(_, (some, _))| *some)?.0;
    let rest: Vec<_> = [&looks[..most], &looks[most + 1..]].concat();
    if busy < LOOKS || over(&rest).0 < if holds { CLEARS } else { RAISES } {
        return None;
    }
    // As it is now: what was before it began would thin it out.
    let late = over(&looks[..LOOKS]).0;
    let alike = looks.iter().take_while(|(some, passed)| *some as f64 / passed >= late * ALIKE).count();
    let (rate, passed) = over(&looks[..alike]);
    Some(if alike > LOOKS && passed >= 3.0 { rate } else { over(&looks).0 })
}

/// Whose they mostly are.
struct Named {
    by: GroupBy,
    label: Arc<str>,
    words: String,
}

/// Whose they mostly are, where looks saw enough of them.
fn named(view: &View<'_>, node: &Node) -> Option<Named> {
    // Those that stay for some seconds are always seen, and say nothing of many that never are.
    let unseen = node.most_are_unseen(view.now);
    let seen: Vec<_> = node.short_lived(view.now).filter(|sample| sample.brief || !unseen).collect();
    [GroupBy::Process, GroupBy::Prefix, GroupBy::Library, GroupBy::Address].into_iter().find_map(|by| {
        let at = GroupBy::KEYS.iter().position(|key| *key == by)?;
        let mut counts: HashMap<&Arc<str>, usize> = HashMap::new();
        for sample in &seen {
            *counts.entry(&sample.labels[at]).or_default() += 1;
        }
        let (label, most) = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))?;
        if most < SEEN || (most as f64) < seen.len() as f64 * MOST || [NONE, REST].contains(&&**label) {
            return None;
        }
        let process = view.groups(by).find(|(group, _)| group.label == *label);
        let process = process.and_then(|(group, _)| group.process.as_deref());
        if process.is_some_and(|process| view.is_ours(process)) {
            return None;
        }
        // Why a process is not known names nobody.
        let from = if by == GroupBy::Address { "from " } else { "" };
        let words = || {
            let name = who(label, process);
            let all = seen.len();
            if unseen {
                format!(", and {most} of the {all} that looks saw are {from}{name}")
            } else {
                format!(", mostly {from}{name}")
            }
        };
        (by != GroupBy::Process || process.is_some()).then(|| Named {
            by,
            label: label.clone(),
            words: words(),
        })
    })
}
