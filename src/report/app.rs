//! What an app's pools did: its processes, their pools, and the lines that lost connections.

use std::fmt::Write;

use serde_json::{Value, json};

use super::json::printable;
use super::table::{Table, line};
use super::text::{count, dropped, lints, name};
use super::verdict::{self, Verdict};
use super::{UNKNOWN, clients, json as reports, millis};
use crate::event::{Ending, Holder, How};
use crate::snapshot::{AppRow, LeftRow, PoolRow, ProcessRow, RowState, Snapshot};
use crate::text::{duration, escape_str, thousands};

/// Lines listed; JSON has them all.
const LISTED: usize = 50;

/// For people, with a newline at its end.
pub fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let Some(app) = snapshot.app.as_deref() else { return out };
    line(&mut out, &heading(snapshot, app));
    for process in &app.processes {
        line(&mut out, "");
        line(&mut out, &who(snapshot, process));
        pools(&mut out, snapshot, process);
    }
    left(&mut out, app);
    unasked(&mut out, snapshot);
    lints(&mut out, snapshot);
    dropped(&mut out, snapshot);
    out
}

fn heading(snapshot: &Snapshot, app: &AppRow) -> String {
    let program = app.program.as_deref().map_or(UNKNOWN.to_owned(), name);
    let since = app.since.map(|since| duration(app.ended.map_or(snapshot.as_of, |(at, _)| at).since(since)));
    let after = since.map_or_else(String::new, |since| format!(" after {since}"));
    match app.ended {
        Some((_, Ending::Code(code))) => format!("app       {program}  ended with {code}{after}"),
        Some((_, Ending::Signal(number))) => format!("app       {program}  ended by signal {number}{after}"),
        None => format!("app       {program}  running{after}"),
    }
}

fn who(snapshot: &Snapshot, process: &ProcessRow) -> String {
    let mut said = format!("process   {}  {}", process.facts.pid, name(&process.facts.program));
    for word in std::iter::once(&*process.facts.runtime).chain(process.libraries.iter().map(|word| &**word)) {
        let _ = write!(said, "  {}", name(word));
    }
    if process.facts.forked {
        said.push_str("  a fork");
    }
    match process.gone {
        Some((_, true)) => {}
        Some((at, false)) => {
            let _ = write!(
                said,
                "  gone without a word, {} after it was last heard",
                duration(at.since(process.heard))
            );
        }
        None => {
            let _ = write!(said, "  last heard {} ago", duration(snapshot.as_of.since(process.heard)));
        }
    }
    let told = &process.reporting;
    if told.dropped > 0 || told.errors > 0 {
        let error =
            told.error.as_deref().map_or_else(String::new, |error| format!(": {}", escape_str(error)));
        let (dropped, errors) = (thousands(told.dropped), thousands(told.errors));
        let _ = write!(said, "\n          reports dropped {dropped}, faults of the agent {errors}{error}");
    }
    said
}

fn pools(out: &mut String, snapshot: &Snapshot, process: &ProcessRow) {
    let of = |pool: &&PoolRow| pool.inside.as_ref().is_some_and(|inside| inside.process == process.id);
    let rows: Vec<&PoolRow> = snapshot.pools.iter().map(|row| &**row).filter(of).collect();
    if rows.is_empty() {
        return line(out, "          no pool");
    }
    let mut table = Table::new(&["pool", "target", ">max", ">opened", ">checkouts", ">timeouts", "made at"]);
    for row in rows {
        let made = row
            .inside
            .as_ref()
            .and_then(|inside| inside.made.as_ref())
            .and_then(|made| made.location.as_deref());
        let max = if row.max == Some(u32::MAX) { "none".to_owned() } else { count(row.max) };
        table.row(vec![
            name(&row.name),
            name(&row.target),
            max,
            thousands(row.totals.opened),
            thousands(row.totals.checkouts),
            thousands(row.totals.timeouts + row.totals.refused),
            made.map_or(UNKNOWN.to_owned(), name),
        ]);
    }
    table.write(out);
}

fn left(out: &mut String, app: &AppRow) {
    if app.left.is_empty() {
        return;
    }
    line(out, "");
    line(out, "connections that nobody gave back");
    for row in app.left.iter().take(LISTED) {
        line(out, &format!("x {:>5}  {}", thousands(row.count), said(row)));
    }
    let more = app.more_left + app.left.len().saturating_sub(LISTED) as u64;
    if more > 0 {
        line(out, &format!("and {} more lines", thousands(more)));
    }
}

/// The servers that would not say what they know of the app's connections.
fn unasked(out: &mut String, snapshot: &Snapshot) {
    for node in snapshot.nodes.iter().filter(|node| !node.stopped && !node.is_current()) {
        let lost = node.server.lost.as_ref().map(|lost| &lost.error);
        let Some(why) = lost.or(node.blind().map(|refused| &refused.error)) else { continue };
        let target = if why.starts_with(&node.target) { String::new() } else { name(&node.target) + ": " };
        line(out, &format!("server    {target}{}", escape_str(why)));
    }
}

/// The same in a sentence.
pub(super) fn left_words(row: &LeftRow) -> String {
    let count = if row.count == 1 {
        "1 connection".to_owned()
    } else {
        format!("{} connections", thousands(row.count))
    };
    format!("{count} never given back: {}", said(row))
}

/// One line that lost connections, as a person finds it in an editor.
fn said(row: &LeftRow) -> String {
    let out = if row.count == 1 {
        duration(row.longest)
    } else {
        format!("{} to {}", duration(row.shortest), duration(row.longest))
    };
    let holder = holder(row);
    let place = holder.and_then(|holder| holder.location.as_deref()).map_or(UNKNOWN.into(), escape_str);
    let function = holder.and_then(|holder| holder.function.as_deref());
    let function = function.map_or_else(String::new, |function| format!(" in {}", escape_str(function)));
    let how =
        holder.and_then(|holder| holder.how).map_or_else(String::new, |how| format!("  {}", how.word()));
    format!("{place}{function}{how}  out {out}  pool {}", name(&row.pool))
}

fn holder(row: &LeftRow) -> Option<&Holder> {
    match &row.row.state {
        RowState::InUse { holder, .. } => Some(holder),
        RowState::Available { .. } => None,
    }
}

/// One JSON document: that of any pools, with `"app"` beside them.
///
/// ```text
/// {…, "app": {"program", "ended": {"code", "signal"},
///   "processes": [{"pid", "parent", "program", "runtime", "libraries", "forked", "gone", "dropped", "errors", "error"}],
///   "left": [{"file", "line", "function", "how", "pool", "count", "longest_ms", "shortest_ms", "stack", "client"}],
///   "servers": [those that were asked, as `watch` has them]}}
/// ```
/// A `client` is what the server said last of the connection, or null.
pub fn document(snapshot: &Snapshot, judged: Option<&Verdict>) -> String {
    let mut document = reports::value(snapshot);
    if let Some(app) = snapshot.app.as_deref() {
        document["app"] = value(snapshot, app);
    }
    match judged {
        Some(verdict) => verdict::beside(document, verdict),
        None => printable(&format!("{document:#}\n")),
    }
}

pub(super) fn value(snapshot: &Snapshot, app: &AppRow) -> Value {
    let processes = app.processes.iter().map(|process| {
        json!({
            "pid": process.facts.pid,
            "parent": process.facts.parent,
            "program": process.facts.program,
            "runtime": process.facts.runtime,
            "libraries": process.libraries.iter().map(|word| &**word).collect::<Vec<_>>(),
            "forked": process.facts.forked,
            "gone": process.gone.map(|(_, said)| if said { "ended" } else { "lost" }),
            "dropped": process.reporting.dropped,
            "errors": process.reporting.errors,
            "error": process.reporting.error,
        })
    });
    let left = app.left.iter().map(|row| {
        let holder = holder(row);
        let (file, line) = place(holder);
        json!({
            "file": file,
            "line": line,
            "function": holder.and_then(|holder| holder.function.as_deref()),
            "how": holder.and_then(|holder| holder.how).map(How::word),
            "pool": row.pool,
            "count": row.count,
            "longest_ms": millis(row.longest),
            "shortest_ms": millis(row.shortest),
            "stack": holder.and_then(|holder| holder.stack.as_deref()),
            "client": row.client.as_deref().map(|row| clients::seen(snapshot, row)),
        })
    });
    let (code, signal) = match app.ended {
        Some((_, Ending::Code(code))) => (Some(code), None),
        Some((_, Ending::Signal(number))) => (None, Some(number)),
        None => (None, None),
    };
    json!({
        "program": app.program.as_deref(),
        "ended": app.ended.map(|_| json!({ "code": code, "signal": signal })),
        "processes": processes.collect::<Vec<_>>(),
        "left": left.collect::<Vec<_>>(),
        "servers": snapshot.nodes.iter().map(|row| clients::server(snapshot, row)).collect::<Vec<_>>(),
    })
}

/// A holder's file and line.
fn place(holder: Option<&Holder>) -> (Option<&str>, Option<u64>) {
    let place = holder.and_then(|holder| holder.location.as_deref());
    match place.and_then(|place| place.rsplit_once(':')) {
        Some((file, line)) => (Some(file), line.parse().ok()),
        None => (place, None),
    }
}
