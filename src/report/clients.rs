//! Watched servers and their clients, for those who are no screen: which are listed and in which order, the same in every
//! form.

mod change;
mod csv;
mod json;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Client, NodeId};
use crate::fields::filter::Filter;
use crate::fields::{Around, Listed, Marks, Value, grouped, names, place};
use crate::nearest::nearest;
use crate::snapshot::{ClientRow, GroupBy, GroupRow, Snapshot};

pub use change::Change;
pub use csv::csv;
pub use json::{document, line};
pub(super) use json::{seen, server, value};
pub use text::text;

/// What is listed: clients or their groups, those that a filter leaves, in an order.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    by: GroupBy,
    filter: Option<Filter>,
    typed: Option<String>,
    sort: Option<Sort>,
}

/// By which field, and which way round.
#[derive(Clone, Copy, Debug)]
struct Sort {
    field: usize,
    descending: bool,
}

/// The same rows of the same snapshot, in the same order.
impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        (self.by, &self.typed, self.sort()) == (other.by, &other.typed, other.sort())
    }
}

impl Eq for Listing {}

impl Listing {
    /// Groups of this key, or clients for [`GroupBy::None`]; filtered and sorted by their fields, as on the screen.
    ///
    /// # Errors
    /// One sentence on a filter that makes no sense, or a field that there is none of.
    pub fn new(by: GroupBy, filter: Option<&str>, sort: Option<&str>) -> Result<Self, String> {
        let rows = by == GroupBy::None;
        let mine = if rows { names(ClientRow::FIELDS) } else { grouped::fields() };
        let fields = if rows { names(ClientRow::FIELDS) } else { names(GroupRow::FIELDS) };
        let others = if rows { names(GroupRow::FIELDS) } else { names(ClientRow::FIELDS) };
        let typed = filter.filter(|line| !line.trim().is_empty()).map(str::to_owned);
        let line = filter.unwrap_or_default();
        let filter = Filter::parse(line, &mine).map_err(|why| {
            let of_groups = Filter::parse(line, &grouped::fields()).is_ok();
            let why = if of_groups { elsewhere(rows).to_owned() } else { why };
            format!("--filter: {why}")
        })?;
        let sort = sort.map(|sort| {
            let (name, turned) = sort.strip_prefix('-').map_or((sort, false), |name| (name, true));
            let field = place(name, &fields).ok_or_else(|| {
                let why = match nearest(name, fields.iter().copied()) {
                    _ if others.contains(&name) => elsewhere(rows).to_owned(),
                    Some(meant) => format!("no field {}: did you mean {meant}?", name.escape_debug()),
                    None => format!("no field {}: there are {}", name.escape_debug(), fields.join(" ")),
                };
                format!("--sort: {why}")
            })?;
            let descends =
                if rows { ClientRow::FIELDS[field].descends } else { GroupRow::FIELDS[field].descends };
            Ok::<_, String>(Sort { field, descending: descends != turned })
        });
        Ok(Self { by, filter, typed, sort: sort.transpose()? })
    }

    /// What the clients are grouped by.
    pub fn by(&self) -> GroupBy {
        self.by
    }

    /// The filter line, as it was typed.
    pub fn filter(&self) -> &str {
        self.typed.as_deref().unwrap_or_default()
    }

    /// The place of the field that rows are sorted by, where one was asked for, and whether the largest come first.
    pub fn sort(&self) -> Option<(usize, bool)> {
        self.sort.map(|sort| (sort.field, sort.descending))
    }

    /// The clients that are listed; none unless each has a row.
    fn clients<'a>(&self, snapshot: &'a Snapshot, marks: &Marks) -> Vec<&'a ClientRow> {
        if self.by != GroupBy::None {
            return Vec::new();
        }
        let around = Around { as_of: snapshot.as_of, marks };
        let left = |row: &&Arc<ClientRow>| {
            self.filter.as_ref().is_none_or(|filter| filter.holds(ClientRow::FIELDS, &***row, &around))
        };
        self.sorted(snapshot.clients.iter().filter(left), &around).into_iter().map(|row| &**row).collect()
    }

    /// The groups that are listed, each with those of its clients that the filter leaves.
    fn groups(&self, snapshot: &Snapshot, marks: &Marks) -> Vec<Arc<GroupRow>> {
        let around = Around { as_of: snapshot.as_of, marks };
        self.sorted(&self.narrowed(snapshot, self.by, marks), &around).into_iter().cloned().collect()
    }

    /// The same of any key, in the order they have.
    pub(super) fn narrowed(&self, snapshot: &Snapshot, by: GroupBy, marks: &Marks) -> Vec<Arc<GroupRow>> {
        let around = Around { as_of: snapshot.as_of, marks };
        match &self.filter {
            Some(filter) => grouped::Groups::of(snapshot, by).narrowed(filter, &snapshot.clients, &around),
            None => snapshot.groups.by(by).to_vec(),
        }
    }

    /// The clients of each group by their server, those that the filter leaves.
    pub(super) fn by_server(
        &self,
        snapshot: &Snapshot,
        by: GroupBy,
        marks: &Marks,
    ) -> Vec<(NodeId, GroupRow)> {
        let around = Around { as_of: snapshot.as_of, marks };
        // With no group each a filter may name what only clients have, and that alone.
        grouped::Groups::of(snapshot, by).by_server(self.filter.as_ref(), &snapshot.clients, &around)
    }

    fn sorted<'a, R: Listed>(
        &self,
        rows: impl IntoIterator<Item = &'a Arc<R>>,
        around: &Around<'_>,
    ) -> Vec<&'a Arc<R>> {
        let first = R::FIELDS.iter().position(|field| field.name == R::FIRST).unwrap_or(0);
        let sort = self.sort.unwrap_or(Sort { field: first, descending: R::FIELDS[first].descends });
        let field = &R::FIELDS[sort.field];
        // Each value is made once, not at every comparison.
        let mut keyed: Vec<_> = rows.into_iter().map(|row| ((field.value)(row, around), row)).collect();
        keyed.sort_by(|(a, left), (b, right)| {
            // What nobody knows comes last, whichever way round.
            let known = (*a == Value::None).cmp(&(*b == Value::None));
            let value = if sort.descending { b.order(a) } else { a.order(b) };
            known.then(value).then_with(|| left.tie().cmp(&right.tie()))
        });
        keyed.into_iter().map(|(_, row)| row).collect()
    }
}

/// A client's library and its version in one.
fn library(client: &Client) -> Option<Cow<'_, str>> {
    match (&client.lib_name, &client.lib_version) {
        (Some(name), Some(version)) => Some(format!("{name} {version}").into()),
        (name, version) => name.as_deref().or(version.as_deref()).map(Cow::Borrowed),
    }
}

/// What is said of a field of the other kind of row.
fn elsewhere(rows: bool) -> &'static str {
    if rows {
        "that is of groups: leave out --group-by none"
    } else {
        "that is of clients, not of their groups: add --group-by none"
    }
}

#[cfg(test)]
mod tests;
