//! What lints found in an app and is over, by the line it was about: a pool that ends takes its judgements with it, and
//! a run is judged at its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::{Holder, Stamp};
use crate::model::server::cut;
use crate::snapshot::{FoundRow, LintRow};

/// Entries kept.
const ENTRIES: usize = 1_000;

/// The most of a word that is kept.
const WORD_BYTES: usize = 256;

/// What makes two findings one: the lint, the place, and the name of the pools.
type Entry = (&'static str, Arc<str>, Arc<str>, String);

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<Entry, Arc<FoundRow>>,
    more: u64,
}

impl Book {
    /// Takes what held until then.
    pub(super) fn take(&mut self, at: Stamp, row: &LintRow, holder: Option<&Holder>, pool: &str) {
        let word =
            |word: Option<&Arc<str>>| -> Arc<str> { cut(word.map_or("", |word| word), WORD_BYTES).into() };
        let place = word(holder.and_then(|holder| holder.location.as_ref()));
        let function = word(holder.and_then(|holder| holder.function.as_ref()));
        let entry = (row.id, place, function, cut(pool, WORD_BYTES).to_owned());
        let lasted = at.since(row.since);
        if let Some(known) = self.entries.get_mut(&entry) {
            let known = Arc::make_mut(known);
            known.count += 1;
            known.shortest = known.shortest.min(lasted);
            if lasted >= known.longest {
                known.longest = lasted;
                (known.evidence, known.severity) = (row.evidence.clone(), row.severity);
            }
            return;
        }
        if self.entries.len() >= ENTRIES {
            self.more += 1;
            return;
        }
        let found = FoundRow {
            id: row.id,
            severity: row.severity,
            holder: holder.cloned(),
            pool: entry.3.clone(),
            count: 1,
            longest: lasted,
            shortest: lasted,
            evidence: row.evidence.clone(),
            advice: row.advice,
        };
        self.entries.insert(entry, Arc::new(found));
    }

    /// All of them, the worst first and of these the most frequent, and how many there was no room for.
    pub(super) fn rows(&self) -> (Vec<Arc<FoundRow>>, u64) {
        let mut rows: Vec<_> = self.entries.values().cloned().collect();
        rows.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| b.count.cmp(&a.count)));
        (rows, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PoolId;
    use crate::model::lints::bench::{at_line, s};
    use crate::snapshot::{About, Level, Severity};

    fn row(since: u64, evidence: &str) -> LintRow {
        LintRow {
            id: "exhausted",
            level: Level::Warn,
            severity: Severity::Bad,
            about: About::Pool(PoolId(1)),
            evidence: evidence.to_owned(),
            advice: "none",
            since: s(since),
        }
    }

    #[test]
    fn findings_of_one_line_are_one_and_the_longest_speaks_for_them() {
        let mut book = Book::default();
        let holder = at_line("app.py:5", "main", None);
        book.take(s(10), &row(5, "short"), Some(&holder), "app");
        book.take(s(30), &row(20, "long"), Some(&holder), "app");
        book.take(s(40), &row(39, "shortest"), Some(&holder), "app");
        book.take(s(41), &row(39, "of another"), Some(&holder), "other");
        let (rows, more) = book.rows();
        let told: Vec<_> =
            rows.iter().map(|row| (row.count, row.evidence.as_str(), row.longest.as_secs())).collect();
        assert_eq!((told, more), (vec![(3, "long", 10), (1, "of another", 2)], 0));
        assert_eq!(rows[0].shortest.as_secs(), 1);
    }

    #[test]
    fn findings_without_end_are_counted() {
        let mut book = Book::default();
        for line in 0..1_010 {
            book.take(s(2), &row(1, "x"), Some(&at_line(&format!("app.py:{line}"), "main", None)), "app");
        }
        let (rows, more) = book.rows();
        assert_eq!((rows.len(), more), (ENTRIES, 10));
    }
}
