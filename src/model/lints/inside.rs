//! Judgements on what an app does with pools as a whole: by the line that makes them, whatever becomes of each.

mod churn;
mod unclosed;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::found::{self, Found};
use super::{Level, LintRow, ModelOptions, SWITCHED_OFF, Severity, Stamp, What};
use crate::event::{Holder, ProcId};
use crate::model::app::makers::{Maker, Makers};
use crate::snapshot::About;

/// An app as these lints see it.
pub(in crate::model) struct View<'a> {
    /// The moment: ages are counted to it.
    pub(in crate::model) now: Stamp,
    /// The levels.
    pub(in crate::model) options: &'a ModelOptions,
    /// The lines that make pools.
    pub(in crate::model) makers: &'a Makers,
}

/// What was found of a line.
#[derive(Debug)]
struct Finding {
    evidence: String,
    advice: &'static str,
}

trait Lint: Send {
    /// Its stable name.
    fn id(&self) -> &'static str;

    /// What is wrong with a line now. `holds` says that something was at the last look.
    fn evaluate(&self, now: Stamp, words: &str, maker: &Maker, holds: bool) -> Option<Finding>;
}

fn all() -> [Box<dyn Lint>; 2] {
    [Box::new(churn::Churn), Box::new(unclosed::Unclosed)]
}

/// The names of those that only apps have.
pub(super) fn ids() -> [&'static str; 1] {
    ["unclosed"]
}

/// What they found, by lint.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Judge {
    rows: BTreeMap<&'static str, BTreeMap<About, Arc<LintRow>>>,
}

/// A finding that is over, with the line it was about.
#[derive(Debug)]
pub(in crate::model) struct Over {
    pub(in crate::model) row: Arc<LintRow>,
    pub(in crate::model) holder: Option<Holder>,
}

impl Judge {
    /// Asks every lint about every line: what is new, and what is over.
    pub(in crate::model) fn look(&mut self, view: &View<'_>) -> (Vec<What>, Vec<Over>) {
        let (mut news, mut over) = (Vec::new(), Vec::new());
        for lint in all() {
            let id = lint.id();
            let level = view.options.levels.get(id);
            if level == Level::Off && !self.rows.contains_key(id) {
                continue;
            }
            let rows = self.rows.entry(id).or_default();
            let mut found = Vec::new();
            for (words, maker) in view.makers.lines().filter(|_| level != Level::Off) {
                let about = about(maker.process, words);
                if let Some(Finding { evidence, advice }) =
                    lint.evaluate(view.now, words, maker, rows.contains_key(&about))
                {
                    found.push(Found { about, severity: Severity::Warn, evidence, advice });
                }
            }
            for row in found::update(rows, id, level, view.now, found, &mut news) {
                let ending = if level == Level::Off { SWITCHED_OFF.to_owned() } else { row.evidence.clone() };
                news.push(What::Cleared(row.id, ending));
                if level != Level::Off {
                    let holder = maker(view.makers, &row.about).map(|maker| maker.holder.clone());
                    over.push(Over { row, holder });
                }
            }
        }
        (news, over)
    }

    /// What holds.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Arc<LintRow>> {
        self.rows.values().flat_map(BTreeMap::values)
    }
}

fn about(process: ProcId, words: &str) -> About {
    About::Place(process, words.into())
}

/// The line that a finding is about.
fn maker<'a>(makers: &'a Makers, of: &About) -> Option<&'a Maker> {
    makers.lines().find(|(words, maker)| about(maker.process, words) == *of).map(|(_, maker)| maker)
}

#[cfg(test)]
mod tests;
