//! A compact report for a person at a terminal or in a log: no colour, no escape, one idea a line.

use std::fmt::Write;
use std::time::Duration;

use super::table::{Table, line};
use super::{UNKNOWN, about_name, causes, names_itself, who};
use crate::event::{Stamp, Totals};
use crate::snapshot::{
    ConnectionRow, Latency, LintRow, Percentiles, PoolRow, RowState, ServerRow, Severity, Snapshot,
};
use crate::text::{duration, escape_str, fit, thousands};

/// The widest a name from elsewhere may make its column.
const NAME_COLUMNS: usize = 40;

/// Connections listed; a pool of thousands is for the JSON report.
const CONNECTIONS: usize = 100;

/// The snapshot as a compact text, with a newline at its end.
pub fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    server(&mut out, snapshot, &snapshot.server);
    for row in &snapshot.pools {
        pool(&mut out, snapshot, row);
    }
    connections(&mut out, snapshot);
    lints(&mut out, snapshot);
    dropped(&mut out, snapshot);
    out
}

pub(super) fn dropped(out: &mut String, snapshot: &Snapshot) {
    if snapshot.dropped > 0 {
        let doubt = if snapshot.out_of_sync { ": rows may be missing or stale" } else { "" };
        line(out, &format!("dropped   {} events{doubt}", thousands(snapshot.dropped)));
    }
}

pub(super) fn count(number: Option<u32>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), |number| thousands(u64::from(number)))
}

pub(super) fn name(text: &str) -> String {
    if text.is_empty() { UNKNOWN.to_owned() } else { fit(&escape_str(text), NAME_COLUMNS) }
}

fn server(out: &mut String, snapshot: &Snapshot, row: &ServerRow) {
    let version = row.version.as_deref().map_or_else(|| UNKNOWN.to_owned(), name);
    let mut said = format!("server    {}  {version}", name(&row.target));
    let fields = [("clients", "connected_clients"), ("blocked", "blocked_clients")];
    for (word, field) in fields {
        if let Some(number) = row.client_field(field) {
            let _ = write!(said, "  {word} {}", thousands(number));
        }
        if word == "clients"
            && let Some(most) = row.client_field("maxclients")
        {
            let _ = write!(said, " of {}", thousands(most));
        }
    }
    line(out, &said);
    if let Some(lost) = &row.lost {
        let (gone, again) = (snapshot.as_of.since(lost.since), lost.retry_at.since(snapshot.as_of));
        let again =
            if again.is_zero() { "retrying now".to_owned() } else { format!("retry in {}", duration(again)) };
        let error = escape_str(&lost.error);
        line(out, &format!("          lost {} ago, {again}: {error}", duration(gone)));
    }
}

fn pool(out: &mut String, snapshot: &Snapshot, row: &PoolRow) {
    let mut kinds = Vec::new();
    if row.single {
        kinds.push("  single connection");
    }
    if row.stopped {
        kinds.push("  closed");
    }
    line(out, "");
    line(out, &format!("pool      {}  {}{}", name(&row.name), name(&row.target), kinds.concat()));
    let waited = row.waiting_since.map(|since| format!(" for {}", duration(snapshot.as_of.since(since))));
    line(
        out,
        &format!(
            "now       in use {}  available {}  opening {}  created {}  max {}  waiting {}{}",
            count(row.in_use),
            count(row.available),
            count(row.opening),
            count(row.created),
            count(row.max),
            count(row.waiting),
            waited.unwrap_or_default()
        ),
    );
    line(out, &format!("total     {}", totals(row)));
    latency(out, &row.latency);
    if let Some(exhaustion) = &row.exhaustion {
        line(out, "");
        for said in causes(exhaustion, snapshot) {
            line(out, &said);
        }
    }
}

/// The totals that always count, then those that are not 0.
fn totals(row: &PoolRow) -> String {
    let Totals { opened, closed, checkouts, timeouts, commands, .. } = row.totals;
    let mut said = format!("opened {}  closed {}", thousands(opened), thousands(closed));
    if !row.closed_by.is_empty() {
        let reasons: Vec<_> =
            row.closed_by.iter().map(|(reason, n)| format!("{} {}", reason.word(), thousands(*n))).collect();
        let _ = write!(said, " ({})", reasons.join(", "));
    }
    let _ = write!(
        said,
        "  checkouts {}  timeouts {}  commands {}",
        thousands(checkouts),
        thousands(timeouts),
        thousands(commands)
    );
    let rare = [
        ("refused", row.totals.refused),
        ("failed", row.totals.failed),
        ("cancelled", row.totals.cancelled),
        ("open failures", row.totals.open_failures),
        ("error replies", row.totals.error_replies),
        ("command failures", row.totals.command_failures),
        ("retries", row.totals.retries),
        ("unread replies", row.totals.unread_replies),
        ("reclaimed", row.totals.reclaimed),
        ("health failures", row.totals.health_failures),
    ];
    for (word, number) in rare.into_iter().filter(|(_, number)| *number > 0) {
        let _ = write!(said, "  {word} {}", thousands(number));
    }
    said
}

fn latency(out: &mut String, latency: &Latency) {
    let window = format!("last {} s", latency.window.as_secs());
    let mut table = Table::new(&[&window, ">count", ">p50", ">p95", ">p99", ">max"]);
    for (word, numbers) in latency.kinds() {
        table.row(percentiles(word.to_owned(), &numbers));
    }
    for (command, numbers) in &latency.by_command {
        table.row(percentiles(format!("  {}", name(command)), numbers));
    }
    table.write(out);
}

fn percentiles(what: String, numbers: &Percentiles) -> Vec<String> {
    let time = |nanos: u64| {
        if numbers.count > 0 { duration(Duration::from_nanos(nanos)) } else { UNKNOWN.to_owned() }
    };
    let times = [numbers.p50, numbers.p95, numbers.p99, numbers.max].map(time);
    [what, thousands(numbers.count)].into_iter().chain(times).collect()
}

fn connections(out: &mut String, snapshot: &Snapshot) {
    if snapshot.connections.is_empty() {
        return;
    }
    line(out, "");
    let mut table = Table::new(&[
        "connections",
        ">server id",
        "state",
        ">held",
        ">idle",
        ">age",
        ">uses",
        "last",
        "holder",
    ]);
    for row in snapshot.connections.iter().take(CONNECTIONS) {
        table.row(connection(row, snapshot.as_of));
    }
    table.write(out);
    if let Some(more) = snapshot.connections.len().checked_sub(CONNECTIONS).filter(|more| *more > 0) {
        line(out, &format!("and {} more", thousands(more as u64)));
    }
}

fn connection(row: &ConnectionRow, as_of: Stamp) -> Vec<String> {
    let holder = match &row.state {
        RowState::Available { .. } => String::new(),
        RowState::InUse { holder, .. } => who(holder, name).unwrap_or_else(|| UNKNOWN.to_owned()),
    };
    let mark = if row.flagged { " !" } else { "" };
    let time = |span: Option<Duration>| span.map_or_else(|| UNKNOWN.to_owned(), duration);
    let held = match row.state {
        RowState::Available { .. } => String::new(),
        RowState::InUse { .. } => time(row.held_for(as_of)),
    };
    vec![
        row.id.to_string(),
        row.client_id().map_or_else(|| UNKNOWN.to_owned(), |id| id.to_string()),
        format!("{}{mark}", row.state_word()),
        held,
        row.idle_for(as_of).map_or_else(|| "busy".to_owned(), duration),
        time(row.opened.map(|opened| as_of.since(opened))),
        thousands(row.uses),
        row.last_sent().map_or_else(|| UNKNOWN.to_owned(), name),
        holder,
    ]
}

pub(super) fn lints(out: &mut String, snapshot: &Snapshot) {
    if snapshot.lints.is_empty() {
        return;
    }
    line(out, "");
    for row in &snapshot.lints {
        lint(out, snapshot, row);
    }
}

pub(super) fn lint(out: &mut String, snapshot: &Snapshot, row: &LintRow) {
    let mark = match row.severity {
        Severity::Warn => '!',
        Severity::Bad => 'x',
    };
    let which = if !names_itself(&row.about) && (snapshot.pools.len() > 1 || row.pool().is_none()) {
        format!("{}: ", name(&about_name(snapshot, &row.about)))
    } else {
        String::new()
    };
    line(out, &format!("{mark} {:<12} {which}{}", row.id, escape_str(&row.said())));
    line(out, &format!("  {:<12} {}", "", row.advice));
}
