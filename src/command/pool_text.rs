//! The pool in words: what `POOL STATS`, `LIST` and `LEAKS` print, made from a snapshot.

use std::fmt::Write as _;
use std::time::Duration;

use crate::event::{Holder, Stamp};
use crate::snapshot::{ConnectionRow, LintRow, Percentiles, PoolRow, RowState, Snapshot};
use crate::text;

/// `POOL STATS`: INFO's form, one field a line. What is not known has no line.
pub(super) fn stats(pool: &PoolRow) -> String {
    let mut out = String::from("# Pool\n");
    let mut field = |name: &str, value: &dyn std::fmt::Display| {
        let _ = writeln!(out, "{name}:{value}");
    };
    field("name", &text::escape_str(&pool.name));
    field("target", &text::escape_str(&pool.target));
    field("single_connection", &u8::from(pool.single));
    let gauges = [
        ("max", pool.max),
        ("created", pool.created),
        ("in_use", pool.in_use),
        ("available", pool.available),
        ("opening", pool.opening),
        ("waiting", pool.waiting),
    ];
    for (name, value) in gauges {
        if let Some(value) = value {
            field(name, &value);
        }
    }
    for (name, value) in totals(pool) {
        field(name, &value);
    }
    for (reason, count) in &pool.closed_by {
        field(&format!("closed_{}", reason.word().replace('-', "_")), count);
    }
    let latency = &pool.latency;
    field("window_seconds", &latency.window.as_secs());
    for (name, numbers) in [
        ("wait", &latency.wait),
        ("use", &latency.held),
        ("create", &latency.create),
        ("round_trip", &latency.round_trip),
    ] {
        for (name, value) in percentiles(name, numbers) {
            field(&name, &value);
        }
    }
    out
}

fn totals(pool: &PoolRow) -> [(&'static str, u64); 20] {
    let t = &pool.totals;
    [
        ("opened", t.opened),
        ("closed", t.closed),
        ("open_failures", t.open_failures),
        ("checkouts", t.checkouts),
        ("released", t.released),
        ("discarded", t.discarded),
        ("reclaimed", t.reclaimed),
        ("waited", t.waited),
        ("timeouts", t.timeouts),
        ("cancelled", t.cancelled),
        ("refused", t.refused),
        ("failed", t.failed),
        ("commands", t.commands),
        ("error_replies", t.error_replies),
        ("command_failures", t.command_failures),
        ("retries", t.retries),
        ("unread_replies", t.unread_replies),
        ("health_checks", t.health_checks),
        ("health_failures", t.health_failures),
        ("stopped", u64::from(pool.stopped)),
    ]
}

fn percentiles(name: &str, numbers: &Percentiles) -> Vec<(String, String)> {
    let mut fields = vec![(format!("{name}_count"), numbers.count.to_string())];
    if numbers.count > 0 {
        let of = [("p50", numbers.p50), ("p95", numbers.p95), ("p99", numbers.p99), ("max", numbers.max)];
        fields.extend(of.map(|(which, nanos)| (format!("{name}_{which}_ms"), millis(nanos))));
    }
    fields
}

/// Nanoseconds as milliseconds with microseconds behind the point.
pub(super) fn millis(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000)
}

/// `POOL LIST`: a row a connection.
pub(super) fn list(snapshot: &Snapshot, pool: &PoolRow) -> String {
    let rows: Vec<[String; 8]> = snapshot
        .connections
        .iter()
        .filter(|row| row.pool == pool.id)
        .map(|row| list_row(row, snapshot.as_of))
        .collect();
    if rows.is_empty() {
        return "no connections\n".to_owned();
    }
    table(["id", "server id", "state", "held", "idle", "uses", "last", "holder"], &rows)
}

fn list_row(row: &ConnectionRow, as_of: Stamp) -> [String; 8] {
    let (state, holder) = match &row.state {
        RowState::Available { .. } => ("available".to_owned(), String::new()),
        RowState::InUse { holder, pinned, .. } => {
            let pinned = pinned.as_ref().map(|pin| format!(" ({pin})")).unwrap_or_default();
            (format!("{}{pinned}", row.state_word()), holder_text(holder))
        }
    };
    let unknown = || "–".to_owned();
    let duration = |d: Option<Duration>| d.map_or_else(unknown, text::duration);
    [
        row.id.to_string(),
        row.server_id.map_or_else(unknown, |id| id.to_string()),
        state,
        duration(row.held_for(as_of)),
        duration(row.idle_for(as_of)),
        row.uses.to_string(),
        row.last_sent().map_or_else(unknown, |last| text::escape_str(last).into_owned()),
        holder,
    ]
}

/// Who has a lease and where it was taken, in a few words with nothing a terminal would obey.
pub(super) fn holder_text(holder: &Holder) -> String {
    match (&holder.label, &holder.location, holder.task) {
        (Some(who), Some(place), _) => text::escape_str(&format!("{who} {place}")).into_owned(),
        (Some(who), None, _) | (None, Some(who), _) => text::escape_str(who).into_owned(),
        (None, None, Some(task)) => format!("task {task}"),
        (None, None, None) => "–".to_owned(),
    }
}

/// `POOL LEAKS`: leases called abandoned or a leak, each once: that its taker is gone says more than its age.
pub(super) fn leaks(snapshot: &Snapshot, pool: &PoolRow) -> String {
    let of = |id: &'static str| {
        let lints = snapshot.lints.iter();
        lints.filter(move |lint| lint.id == id && lint.pool() == Some(pool.id))
    };
    let abandoned = |leak: &LintRow| of("abandoned").any(|lint| lint.about == leak.about);
    let mut out = String::new();
    for lint in of("abandoned").chain(of("leak").filter(|leak| !abandoned(leak))) {
        let _ = writeln!(out, "{}", text::escape_str(&lint.evidence));
        let _ = writeln!(out, "  {}", lint.advice);
    }
    if out.is_empty() { "no leaks\n".to_owned() } else { out }
}

/// Columns as wide as their widest cell, two blanks between them, nothing behind the last.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(text::width);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(text::width(cell));
        }
    }
    let mut out = String::new();
    let mut line = |cells: [&str; N]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let _ = write!(text, "{cell}{:pad$}", "", pad = width - text::width(cell) + 2);
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(head);
    for row in rows {
        line(std::array::from_fn(|at| row[at].as_str()));
    }
    out
}
