//! The listing as a table that a spreadsheet opens: RFC 4180, a line of names first.

use std::fmt::Write;
use std::time::Duration;

use super::{Listing, library};
use crate::event::Whose;
use crate::fields::Marks;
use crate::snapshot::{ClientRow, GroupBy, GroupRow, Snapshot, group_words};
use crate::text::escape_str;

/// What one cell holds.
enum Cell {
    Text(String),
    /// Written as it is: no spreadsheet makes anything else of it.
    Number(String),
    /// Nobody knows, or there is none.
    Empty,
}

/// The groups, or a row each client. `(all others)` is the rest of too many groups, as in every form but JSON: a group of
/// clients' own that begins with a bracket has a `\` before it.
pub fn csv(snapshot: &Snapshot, listing: &Listing) -> String {
    let marks = Marks::of_snapshot(snapshot);
    let mut out = String::new();
    if listing.by() == GroupBy::None {
        names(&mut out, &CLIENT);
        for row in listing.clients(snapshot, &marks) {
            write(&mut out, client(row, snapshot, &marks));
        }
    } else {
        names(&mut out, &GROUP);
        for row in listing.groups(snapshot, &marks) {
            write(&mut out, group(&row, &marks));
        }
    }
    out
}

const GROUP: [&str; 16] = [
    "group_by",
    "group",
    "pid",
    "command",
    "user",
    "container",
    "clients",
    "of",
    "waiting",
    "own",
    "change",
    "grown",
    "opened_per_s",
    "oldest_s",
    "longest_idle_s",
    "lints",
];

fn group(row: &GroupRow, marks: &Marks) -> Vec<Cell> {
    let process = row.process.as_deref();
    vec![
        text(Some(row.by.word())),
        text(Some(&group_words(&row.label))),
        number(process.map(|process| process.pid)),
        text(process.map(|process| &*process.command)),
        text(process.and_then(|process| process.user.as_deref())),
        text(process.and_then(|process| process.container.as_deref())),
        number(Some(row.count)),
        number(row.of),
        number(Some(row.waiting)),
        number(Some(row.own)),
        number(row.change),
        number(row.grown),
        number(row.opening_rate.map(rounded)),
        seconds(row.oldest),
        seconds(row.longest_idle),
        text(marks.of_group(row.by, &row.label).map(|mark| mark.names.as_str())),
    ]
}

const CLIENT: [&str; 26] = [
    "server",
    "id",
    "addr",
    "name",
    "pid",
    "process",
    "command_line",
    "container",
    "owner",
    "user",
    "library",
    "state",
    "age_s",
    "idle_s",
    "flags",
    "db",
    "last_command",
    "subscriptions",
    "multi",
    "memory_bytes",
    "output_bytes",
    "net_in_bytes",
    "net_out_bytes",
    "commands",
    "own",
    "lints",
];

fn client(row: &ClientRow, snapshot: &Snapshot, marks: &Marks) -> Vec<Cell> {
    let told = row.client.as_ref();
    let process = row.process();
    vec![
        text(marks.target(row.node)),
        number(Some(told.id)),
        text(Some(&told.addr)),
        text(told.name.as_deref()),
        number(process.map(|process| process.pid)),
        text(process.map(|process| &*process.name)),
        text(process.map(|process| &*process.command)),
        text(process.and_then(|process| process.container.as_deref())),
        text(row.whose.as_ref().map(Whose::word)),
        text(told.user.as_deref()),
        text(library(told).as_deref()),
        text(Some(row.state.word())),
        seconds(row.age(snapshot.as_of)),
        seconds(row.idle(snapshot.as_of)),
        text(Some(&told.flags)),
        number(told.db),
        text(told.command.as_deref()),
        number(Some(told.subscriptions)),
        number(told.multi),
        number(told.memory),
        number(told.output_memory),
        number(told.net_in),
        number(told.net_out),
        number(told.commands),
        text(Some(if row.own { "yes" } else { "no" })),
        text(marks.of_client(row.node, told.id).map(|mark| mark.names.as_str())),
    ]
}

fn text(text: Option<&str>) -> Cell {
    text.filter(|text| !text.is_empty()).map_or(Cell::Empty, |text| Cell::Text(text.to_owned()))
}

fn number(number: Option<impl ToString>) -> Cell {
    number.map_or(Cell::Empty, |number| Cell::Number(number.to_string()))
}

fn seconds(span: Duration) -> Cell {
    Cell::Number(span.as_secs().to_string())
}

/// To a thousandth, so that a rate reads as a person would write it.
fn rounded(rate: f64) -> f64 {
    (rate * 1_000.0).round() / 1_000.0
}

fn names(out: &mut String, names: &[&str]) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}\r\n", names.join(","));
}

fn write(out: &mut String, cells: Vec<Cell>) {
    for (n, cell) in cells.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        match cell {
            Cell::Empty => {}
            Cell::Number(number) => out.push_str(&number),
            Cell::Text(text) => quote(out, &text),
        }
    }
    out.push_str("\r\n");
}

/// A text in quotes. One that a spreadsheet would run as a formula has an apostrophe before it, which says that it is
/// none: names of clients are whatever somebody sent.
fn quote(out: &mut String, text: &str) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    out.push('"');
    if formula {
        out.push('\'');
    }
    out.push_str(&escape_str(text).replace('"', "\"\""));
    out.push('"');
}
