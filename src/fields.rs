//! What can be sorted by and filtered on: the fields of each kind of row, by name.
//!
//! A field is a value, not a cell: no width, no colour. Columns name the field they show, so that a click on a title, a
//! sort and a filter mean the same thing, on the screen and on the command line.

mod clients;
pub mod filter;
pub mod grouped;
mod joined;
mod marks;
pub mod pools;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{ConnId, Holder, How, NodeId, PoolId, ProcId, Stamp};
use crate::snapshot::{About, ConnectionRow, EventRow, GroupBy, LintRow, RowState, Severity};
use crate::text;

pub use joined::Joined;
pub use marks::{Mark, Marks};

/// A field of rows of type `R`.
pub struct Field<R> {
    /// Its name, as a filter is typed.
    pub name: &'static str,
    /// Sorted by it, the largest come first: what a person looks for among numbers.
    pub descends: bool,
    /// Its two orders in words, the ascending one first, where it has better ones than its name and an arrow.
    pub said: Option<[&'static str; 2]>,
    /// Its value in a row.
    pub value: for<'a> fn(&'a R, &Around<'a>) -> Value<'a>,
}

type Get<R> = for<'a> fn(&'a R, &Around<'a>) -> Value<'a>;

/// Sorted by it, the smallest or the first of the alphabet come first.
pub(crate) const fn up<R>(name: &'static str, value: Get<R>) -> Field<R> {
    Field { name, descends: false, said: None, value }
}

/// Sorted by it, the largest come first.
pub(crate) const fn down<R>(name: &'static str, value: Get<R>) -> Field<R> {
    Field { name, descends: true, said: None, value }
}

/// The smallest come first, and its two orders are said in words.
pub(crate) const fn said<R>(name: &'static str, words: [&'static str; 2], value: Get<R>) -> Field<R> {
    Field { name, descends: false, said: Some(words), value }
}

/// What a value depends on besides its row.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Ages are counted to here.
    pub as_of: Stamp,
    /// What lints speak of, and the servers' addresses.
    pub marks: &'a Marks,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nobody knows, or there is none.
    None,
    /// A count or an id.
    Number(u64),
    /// A rate, or a count that may be below 0.
    Real(f64),
    /// How long.
    Time(Duration),
    /// Words, as they came: whoever shows them escapes them.
    Text(Cow<'a, str>),
    /// The same, of parts.
    Joined(Joined<'a>),
}

impl Value<'_> {
    /// The value as a filter's number: durations in seconds.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number as f64),
            Value::Real(number) => Some(*number),
            Value::Time(time) => Some(time.as_secs_f64()),
            Value::None | Value::Text(_) | Value::Joined(_) => None,
        }
    }

    /// The value as a filter's words see it.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Value::None => Cow::Borrowed(""),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Real(number) if number.fract() == 0.0 => Cow::Owned(format!("{number:.0}")),
            Value::Real(number) => Cow::Owned(format!("{number:.1}")),
            Value::Time(time) => Cow::Owned(text::age(*time)),
            Value::Text(text) => Cow::Borrowed(text),
            Value::Joined(joined) => joined.text(),
        }
    }

    /// Smallest first; what nobody knows is smaller than all.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Text(left), Value::Text(right)) => left.cmp(right),
            (Value::Joined(left), Value::Joined(right)) => left.order(right),
            (Value::Text(_) | Value::Joined(_), Value::Text(_) | Value::Joined(_)) => {
                self.text().cmp(&other.text())
            }
            (Value::Number(left), Value::Number(right)) => left.cmp(right),
            (Value::Real(left), Value::Real(right)) => left.total_cmp(right),
            (Value::Time(left), Value::Time(right)) => left.cmp(right),
            // A field holds one kind of value, or none.
            _ => (*self != Value::None).cmp(&(*other != Value::None)),
        }
    }
}

/// A row of a list that can be sorted, filtered and selected in.
pub trait Listed: Sized + 'static {
    /// Its fields, in the order sorting goes through them.
    const FIELDS: &'static [Field<Self>];

    /// The field that rows are sorted by until a person asks for another.
    const FIRST: &'static str;

    /// What tells it from other rows, in this snapshot and the next.
    fn pick(&self) -> Pick;

    /// Whether this is the row picked.
    fn is(&self, pick: &Pick) -> bool;

    /// What decides between rows that are equal by the field sorted by.
    fn tie(&self) -> (u32, u64);
}

/// Which row of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// This connection.
    Connection(ConnId),
    /// This judgement.
    Lint(&'static str, About),
    /// This event: it has no number, and nothing in it ever changes.
    Event(Box<EventRow>),
    /// This client of this server.
    Client(NodeId, u64),
    /// This group.
    Group(GroupBy, Arc<str>),
    /// This process of an app.
    Process(ProcId),
    /// This pool.
    Pool(PoolId),
}

impl Listed for ConnectionRow {
    const FIELDS: &'static [Field<Self>] = &[
        up("id", |row, _| Value::Number(row.id.0)),
        up("server", |row, _| row.client_id().map_or(Value::None, Value::Number)),
        up("state", |row, _| Value::Text(Cow::Borrowed(row.state_word()))),
        down("held", |row, around| time(row.held_for(around.as_of))),
        down("idle", |row, around| time(row.idle_for(around.as_of))),
        down("uses", |row, _| Value::Number(row.uses)),
        down("commands", |row, _| Value::Number(row.commands)),
        down("age", |row, around| time(row.opened.map(|opened| around.as_of.since(opened)))),
        down("create", |row, _| time(row.steps.map(|steps| steps.total()))),
        up("last", |row, _| words(row.last_sent())),
        up("holder", |row, _| match &row.state {
            RowState::InUse { holder, .. } => named(holder),
            RowState::Available { .. } => Value::None,
        }),
        up("pinned", |row, _| match &row.state {
            RowState::InUse { pinned, .. } => words(pinned.as_deref()),
            RowState::Available { .. } => Value::None,
        }),
        up("lint", |row, around| match around.marks.of(row.id) {
            Some(mark) => Value::Text(Cow::Borrowed(mark.names.as_str())),
            None => Value::None,
        }),
        up("pool", |row, around| words(around.marks.pool(row.pool))),
        up("local", |row, _| row.local.map_or(Value::None, |local| Value::Text(local.to_string().into()))),
    ];
    const FIRST: &'static str = "held";

    fn pick(&self) -> Pick {
        Pick::Connection(self.id)
    }

    fn is(&self, pick: &Pick) -> bool {
        *pick == Pick::Connection(self.id)
    }

    fn tie(&self) -> (u32, u64) {
        (self.pool.0, self.id.0)
    }
}

impl Listed for LintRow {
    const FIELDS: &'static [Field<Self>] = &[
        up("lint", |row, _| Value::Text(Cow::Borrowed(row.id))),
        said("severity", ["worst first", "worst last"], |row, _| {
            Value::Text(Cow::Borrowed(match row.severity {
                Severity::Warn => "warn",
                Severity::Bad => "bad",
            }))
        }),
        up("id", |row, _| row.conn().map_or(Value::None, |id| Value::Number(id.0))),
        up("level", |row, _| Value::Text(Cow::Borrowed(row.level.word()))),
        down("age", |row, around| Value::Time(around.as_of.since(row.since))),
        up("evidence", |row, _| Value::Text(Cow::Borrowed(&row.evidence))),
        up("advice", |row, _| Value::Text(Cow::Borrowed(row.advice))),
    ];
    const FIRST: &'static str = "severity";

    fn pick(&self) -> Pick {
        Pick::Lint(self.id, self.about.clone())
    }

    fn is(&self, pick: &Pick) -> bool {
        *pick == self.pick()
    }

    fn tie(&self) -> (u32, u64) {
        (0, 0)
    }
}

fn time<'a>(time: Option<Duration>) -> Value<'a> {
    time.map_or(Value::None, Value::Time)
}

fn words(words: Option<&str>) -> Value<'_> {
    words.map_or(Value::None, |words| Value::Text(Cow::Borrowed(words)))
}

/// Everything a holder goes by, so that a filter finds it by any of it.
fn named(holder: &Holder) -> Value<'_> {
    match (&holder.label, &holder.location, holder.task) {
        (Some(label), None, None) if holder.how.is_none() => Value::Text(Cow::Borrowed(label)),
        (label, location, task) => {
            let task = task.map(|task| format!("task {task}"));
            let (function, how) = (holder.function.as_deref(), holder.how.map(How::word));
            let parts = [label.as_deref(), location.as_deref(), function, how, task.as_deref()];
            Value::Text(parts.into_iter().flatten().collect::<Vec<_>>().join("  ").into())
        }
    }
}

/// What a report's columns are called where a field has another name: what is read there may be typed.
const COLUMNS: [(&str, &str); 4] =
    [("clients", "count"), ("opened/s", "rate"), ("last", "cmd"), ("commands/s", "cmdrate")];

/// The place of a field by its name, or by the title of the column that shows it.
pub(crate) fn place(name: &str, fields: &[&'static str]) -> Option<usize> {
    let by = |name: &str| fields.iter().position(|field| *field == name);
    by(name).or_else(|| by(COLUMNS.iter().find(|(title, _)| *title == name)?.1))
}

/// The names of fields, for a sentence that lists them.
pub fn names<R>(fields: &[Field<R>]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

/// A value from outside as one line that can be shown.
pub fn shown(value: &Value<'_>) -> String {
    match value {
        Value::None => text::NONE.to_owned(),
        // To the millisecond, unlike the text that words are looked for in.
        Value::Time(time) => text::duration(*time),
        value => text::escape_str(&value.text()).into_owned(),
    }
}
