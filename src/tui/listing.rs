//! The rows of a list as they are shown: filtered, sorted, and one of them selected.
//!
//! A [`Listing`] holds places in a snapshot's own rows, and is made anew only when the snapshot or a setting changes:
//! drawing and scrolling look at the visible ones only.

mod lists;
mod tree;

use std::cmp::Ordering;

use crate::fields::filter::Filter;
use crate::fields::{Around, Listed, Pick, Value};

pub use lists::{Grouping, Lists, Narrow};

/// One list's settings and what they make of its rows.
#[derive(Debug)]
pub struct Listing {
    typed: String,
    /// The last line that made sense.
    good: String,
    filter: Option<Filter>,
    error: Option<String>,
    sort: Sort,
    rows: Vec<u32>,
    total: usize,
    at: usize,
    pick: Option<Pick>,
    /// A person has chosen the row. Until then it is the first, whichever that is.
    chosen: bool,
    /// The row that was selected before a filter was typed: it is selected again by each line that leaves it.
    anchor: Option<Pick>,
}

/// By which field, and which way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field's place.
    pub field: usize,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// The order that a list begins with.
    pub fn first<R: Listed>() -> Self {
        Self::by::<R>(R::FIELDS.iter().position(|field| field.name == R::FIRST).unwrap_or(0))
    }

    /// By this field, the way round that a person wants of it.
    fn by<R: Listed>(field: usize) -> Self {
        Self { field, descending: R::FIELDS[field].descends }
    }
}

impl Listing {
    fn new<R: Listed>() -> Self {
        Self {
            typed: String::new(),
            good: String::new(),
            filter: None,
            error: None,
            sort: Sort::first::<R>(),
            rows: Vec::new(),
            total: 0,
            at: 0,
            pick: None,
            chosen: false,
            anchor: None,
        }
    }

    /// Makes the rows anew. `rows` are in the order they have unsorted.
    fn refresh<'a, R: Listed>(&mut self, rows: impl Iterator<Item = (u32, &'a R)>, around: &Around<'_>) {
        self.refresh_by(rows, around, |filter, row| filter.holds(R::FIELDS, row, around));
    }

    /// The same, with a filter that looks at more than a row.
    fn refresh_by<'a, R: Listed>(
        &mut self,
        rows: impl Iterator<Item = (u32, &'a R)>,
        around: &Around<'_>,
        holds: impl Fn(&Filter, &R) -> bool,
    ) {
        let filter = self.filter.take();
        let mut total = 0;
        let rows = rows.inspect(|_| total += 1);
        let left = |(_, row): &(u32, &R)| filter.as_ref().is_none_or(|filter| holds(filter, row));
        self.arrange(rows.filter(left), around);
        (self.filter, self.total) = (filter, total);
    }

    /// Sorts what the filter leaves, and finds the selected row in it.
    fn arrange<'a, R: Listed>(&mut self, rows: impl Iterator<Item = (u32, &'a R)>, around: &Around<'_>) {
        if !self.chosen {
            (self.pick, self.anchor, self.at) = (None, None, 0);
        }
        let pick = self.anchor.as_ref().or(self.pick.as_ref());
        let field = &R::FIELDS[self.sort.field];
        // Each value is made once, not at every comparison.
        let mut keyed: Vec<(Value<'_>, (u32, u64), u32, bool)> = rows
            .map(|(at, row)| {
                let picked = pick.is_some_and(|pick| row.is(pick));
                ((field.value)(row, around), row.tie(), at, picked)
            })
            .collect();
        keyed.sort_by(|left, right| {
            order(&left.0, &right.0, self.sort.descending).then_with(|| left.1.cmp(&right.1))
        });
        let found = keyed.iter().position(|(.., picked)| *picked);
        self.settle(keyed.into_iter().map(|(_, _, at, _)| at).collect(), found);
    }

    /// These are the rows, and the selected one is at that place among them.
    fn settle(&mut self, rows: Vec<u32>, found: Option<usize>) {
        self.rows = rows;
        // A row that is gone leaves the selection at its place.
        self.at = found.unwrap_or(self.at).min(self.rows.len().saturating_sub(1));
        self.pick = found.and(self.anchor.clone().or(self.pick.take()));
    }

    /// Neither a row nor a filter is of what comes next.
    fn forget(&mut self) {
        self.typed.clear();
        self.good.clear();
        (self.filter, self.error, self.pick, self.anchor, self.at) = (None, None, None, None, 0);
        self.chosen = false;
    }

    /// Places in the snapshot's rows, in the order they are shown.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// How many rows there are without the filter.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The place of the selected row among those shown.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The selected row's place in the snapshot.
    pub fn selected(&self) -> Option<usize> {
        self.rows.get(self.at).map(|at| *at as usize)
    }

    /// Whether a person has selected a row.
    pub fn is_chosen(&self) -> bool {
        self.chosen
    }

    /// Which row is selected, once a person has selected one.
    pub fn pick(&self) -> Option<&Pick> {
        self.pick.as_ref()
    }

    /// The filter line.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The filter line in force: the last one that made sense.
    pub fn in_force(&self) -> &str {
        &self.good
    }

    /// What is wrong with the filter line; the last one that made sense is in force meanwhile.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What leaves rows out.
    pub fn filter_in_force(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// Whether rows are left out.
    pub fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// How it is sorted.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// Changes the filter line, and says whether the rows must be made anew: not for one that makes no sense.
    fn filter(&mut self, fields: &[&'static str], change: impl FnOnce(&mut String)) -> bool {
        change(&mut self.typed);
        match Filter::parse(&self.typed, fields) {
            Ok(filter) => {
                self.filter = filter;
                self.good.clone_from(&self.typed);
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
        self.error.is_none()
    }

    /// Sorts by the next of these fields, or by the one before. The rows must be made anew.
    fn next_sort<R: Listed>(&mut self, back: bool, among: &[&str]) {
        let places = R::FIELDS.iter().enumerate().filter(|(_, field)| among.contains(&field.name));
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        let now = self.sort.field;
        // After the last the first comes again. What is sorted by now may be none of them.
        let next = if back {
            places.iter().rev().find(|at| **at < now).or(places.last())
        } else {
            places.iter().find(|at| **at > now).or(places.first())
        };
        if let Some(next) = next {
            self.sort = Sort::by::<R>(*next);
        }
    }

    /// Sorts by a field; the other way round when it is the one already. The rows must be made anew.
    fn sort_by<R: Listed>(&mut self, field: &str) {
        let Some(field) = R::FIELDS.iter().position(|known| known.name == field) else { return };
        if self.sort.field == field {
            self.sort.descending = !self.sort.descending;
        } else {
            self.sort = Sort::by::<R>(field);
        }
    }
}

/// What nobody knows comes last, whichever way round.
fn order(left: &Value<'_>, right: &Value<'_>, descending: bool) -> Ordering {
    let known = (*left == Value::None).cmp(&(*right == Value::None));
    let value = left.order(right);
    known.then(if descending { value.reverse() } else { value })
}
