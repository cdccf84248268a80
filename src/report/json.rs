//! One JSON document. Durations say their unit in the key; ages are at the snapshot's moment.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::verdict::{self, Verdict};
use super::{Screenful, app, clients, millis, pool_name, severity};
use crate::event::{CreateSteps, Holder, TcpState, nanos};
use crate::snapshot::{
    Cause, ConnectionRow, Exhaustion, Latency, Lease, LintRow, Percentiles, PoolRow, RowState, ServerRow,
    Snapshot, Told,
};

/// The snapshot as one JSON document, indented, with a newline at its end.
///
/// ```text
/// {"as_of_ms", "time_ms",
///  "pools": [{"name", "target", "max", "created", "in_use", "available", "opening", "waiting", …, "latency",
///             "exhaustion": null or {"over", "past", "ago_ms", "waiting", "causes": [{"cause", "slots", "likely", …}], …}}],
///  "connections": [{"pool", "id", "server_id", "client": null or what the server says of it, "socket": null or the
///             kernel's state of it, "state", "held_ms", "holder", "dead", …}],
///  "server": {"target", "version", "clients": {"connected_clients", …}, "lost"},
///  "lints": [{"id", "level", "severity", "pool", "connection", "evidence", "advice", "since_ms"}],
///  "dropped_events", "out_of_sync"}
/// ```
/// `as_of_ms` and `since_ms` count from the start of the run, `time_ms` from 1970.
pub fn json(snapshot: &Snapshot) -> String {
    printable(&format!("{:#}\n", value(snapshot)))
}

/// The same with a `"verdict"`: what a judged run comes to.
pub fn json_judged(snapshot: &Snapshot, verdict: &Verdict) -> String {
    verdict::beside(value(snapshot), verdict)
}

/// A screenful as one JSON document: that of its snapshot, and what [`markdown`] tells beside it.
///
/// ```text
/// {…, "screen": {"frozen_ms", "filter", "connections": [ids as they are listed]},
///  "events": [{"ago_ms", "what"}],
///  "shell": {"lines": [the last ones], "total"}}
/// ```
///
/// [`markdown`]: super::markdown()
pub fn screen_json(screen: &Screenful) -> String {
    let snapshot = &*screen.snapshot;
    let listed = screen.connections.iter().filter_map(|at| snapshot.connections.get(*at as usize));
    let events = screen.events.iter().map(|(ago, what)| json!({ "ago_ms": millis(*ago), "what": what }));
    let mut document = match &screen.clients {
        Some(listing) => clients::value(snapshot, listing, None),
        None => value(snapshot),
    };
    if let Some(app) = snapshot.app.as_deref() {
        document["app"] = app::value(snapshot, app);
    }
    document["screen"] = json!({
        "frozen_ms": screen.frozen.map(millis),
        "filter": screen.filter,
        "connections": listed.map(|row| row.id.0).collect::<Vec<_>>(),
    });
    document["events"] = events.collect();
    document["shell"] = json!({ "lines": screen.output, "total": screen.output_total });
    printable(&format!("{document:#}\n"))
}

pub(super) fn value(snapshot: &Snapshot) -> Value {
    json!({
        "as_of_ms": snapshot.as_of.0 / 1_000_000,
        "time_ms": snapshot.wall_ms,
        "pools": snapshot.pools.iter().map(|row| pool(snapshot, row)).collect::<Vec<_>>(),
        "connections": snapshot.connections.iter().map(|row| connection(snapshot, row)).collect::<Vec<_>>(),
        "server": server(snapshot, &snapshot.server),
        "lints": snapshot.lints.iter().map(|row| lint(snapshot, row)).collect::<Vec<_>>(),
        "dropped_events": snapshot.dropped,
        "out_of_sync": snapshot.out_of_sync,
    })
}

/// Writes the characters that steer a terminal, but that JSON lets through, as JSON's own escapes. Outside of its
/// strings a document has none, so what it means stays the same.
pub(super) fn printable(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if steers(c) {
            // Every such character is in the basic plane: one escape each.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// DEL, C1, the bidi controls and the invisible separators. (C0 is escaped by JSON itself.)
fn steers(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn pool(snapshot: &Snapshot, row: &PoolRow) -> Value {
    let totals = &row.totals;
    let closed_by: Map<String, Value> =
        row.closed_by.iter().map(|(reason, count)| (reason.word().to_owned(), json!(count))).collect();
    json!({
        "name": row.name,
        "target": known(&row.target),
        "single": row.single,
        "stopped": row.stopped,
        "max": row.max,
        "created": row.created,
        "in_use": row.in_use,
        "available": row.available,
        "opening": row.opening,
        "waiting": row.waiting,
        "longest_wait_ms": row.waiting_since.map(|since| millis(snapshot.as_of.since(since))),
        "opened": totals.opened,
        "open_failures": totals.open_failures,
        "closed": totals.closed,
        "closed_by": closed_by,
        "checkouts": totals.checkouts,
        "released": totals.released,
        "discarded": totals.discarded,
        "reclaimed": totals.reclaimed,
        "waited": totals.waited,
        "timeouts": totals.timeouts,
        "cancelled": totals.cancelled,
        "refused": totals.refused,
        "failed": totals.failed,
        "commands": totals.commands,
        "error_replies": totals.error_replies,
        "command_failures": totals.command_failures,
        "retries": totals.retries,
        "unread_replies": totals.unread_replies,
        "health_checks": totals.health_checks,
        "health_failures": totals.health_failures,
        "latency": latency(&row.latency),
        "exhaustion": row.exhaustion.as_deref().map(|found| exhaustion(snapshot, found)),
    })
}

fn exhaustion(snapshot: &Snapshot, found: &Exhaustion) -> Value {
    let cause = |cause: &Cause| {
        json!({
            "cause": cause.kind.words(),
            "slots": cause.slots,
            "likely": cause.likely,
            "evidence": cause.evidence,
            "connections": cause.suspects.iter().map(|suspect| suspect.conn.0).collect::<Vec<_>>(),
            "still_out": cause.suspects.iter().filter(|suspect| suspect.lease == Lease::Out).map(|suspect| suspect.conn.0).collect::<Vec<_>>(),
            "advice": cause.advice_now(),
        })
    };
    json!({
        "over": found.over,
        "past": found.is_past(),
        "ago_ms": millis(snapshot.as_of.since(found.at)),
        "waiting": found.waiting,
        "longest_wait_ms": millis(found.longest),
        "timeouts": found.lost.timeouts,
        "refused": found.lost.refused,
        "failed": found.lost.failed,
        "failed_again": found.lost.again,
        "max": found.max,
        "at_work": found.at_work,
        "unclear": found.unclear,
        "causes": found.causes.iter().map(cause).collect::<Vec<_>>(),
    })
}

/// A text that is empty until it is known.
pub(super) fn known(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn latency(latency: &Latency) -> Value {
    let by_command: Vec<_> = latency
        .by_command
        .iter()
        .map(|(name, numbers)| json!({ "command": &**name, "round_trip": percentiles(numbers) }))
        .collect();
    json!({
        "window_s": latency.window.as_secs(),
        "wait": percentiles(&latency.wait),
        "use": percentiles(&latency.held),
        "create": percentiles(&latency.create),
        "round_trip": percentiles(&latency.round_trip),
        "by_command": by_command,
    })
}

fn percentiles(numbers: &Percentiles) -> Value {
    let seen = |nanos: u64| (numbers.count > 0).then_some(nanos);
    json!({
        "count": numbers.count,
        "p50_ns": seen(numbers.p50),
        "p95_ns": seen(numbers.p95),
        "p99_ns": seen(numbers.p99),
        "max_ns": seen(numbers.max),
    })
}

fn connection(snapshot: &Snapshot, row: &ConnectionRow) -> Value {
    let as_of = snapshot.as_of;
    let (state, holder, pinned) = match &row.state {
        RowState::Available { .. } => ("available", None, None),
        RowState::InUse { holder, pinned, .. } => ("in_use", Some(holder), pinned.as_deref()),
    };
    let socket = row.beliefs.as_ref().and_then(|beliefs| match beliefs.kernel {
        Told::Some(socket) => Some(socket.state.word()),
        Told::None => Some(TcpState::Gone.word()),
        Told::Unknown => None,
    });
    let client = row.client.and_then(|(node, id)| snapshot.client(node, id));
    json!({
        "pool": pool_name(snapshot, row.pool),
        "id": row.id.0,
        "server_id": row.client_id(),
        "client": client.map(|client| clients::seen(snapshot, client)),
        "socket": socket,
        "local": row.local.map(|local| local.to_string()),
        "state": state,
        "held_ms": row.held_for(as_of).map(millis),
        "holder": holder.map(who),
        "pinned": pinned,
        "age_ms": row.opened.map(|opened| millis(as_of.since(opened))),
        "idle_ms": row.idle_for(as_of).map(millis),
        "busy_ms": row.busy_since.map(|since| millis(as_of.since(since))),
        "uses": row.uses,
        "commands": row.commands,
        "last_command": row.last_sent(),
        "create": row.steps.as_ref().map(steps),
        "dead": row.dead_since.is_some(),
        "half_open": row.beliefs.as_ref().map(|beliefs| beliefs.half_open),
        "flagged": row.flagged,
    })
}

pub(super) fn who(holder: &Holder) -> Value {
    let mut who = json!({
        "label": holder.label.as_deref(),
        "location": holder.location.as_deref(),
        "task": holder.task,
    });
    // Only an app tells them.
    if let Some(function) = holder.function.as_deref() {
        who["function"] = json!(function);
    }
    if let Some(how) = holder.how {
        who["how"] = json!(how.word());
    }
    who
}

fn steps(steps: &CreateSteps) -> Value {
    json!({
        "dial_ns": nanos(steps.dial),
        "tls_ns": steps.tls.map(nanos),
        "handshake_ns": nanos(steps.handshake),
        "total_ns": nanos(steps.total()),
    })
}

fn server(snapshot: &Snapshot, row: &ServerRow) -> Value {
    let as_of = snapshot.as_of;
    let clients: Map<String, Value> =
        row.clients.iter().map(|(name, value)| (name.clone(), number_or_text(value))).collect();
    json!({
        "target": known(&row.target),
        "version": row.version,
        "clients": clients,
        "clients_age_ms": row.seen_at.map(|at| millis(as_of.since(at))),
        "clients_took_ns": row.took.map(nanos),
        "lost": lost(snapshot, row),
    })
}

/// Why a server does not answer.
pub(super) fn lost(snapshot: &Snapshot, row: &ServerRow) -> Option<Value> {
    let as_of = snapshot.as_of;
    let lost = row.lost.as_ref()?;
    Some(json!({
        "error": lost.error,
        "for_ms": millis(as_of.since(lost.since)),
        "retry_in_ms": millis(lost.retry_at.since(as_of)),
    }))
}

/// A field of INFO: a number where it is written as JSON would write it, else the text.
fn number_or_text(value: &str) -> Value {
    match value.parse::<i64>() {
        Ok(number) if number.to_string() == value => json!(number),
        _ => json!(value),
    }
}

fn lint(snapshot: &Snapshot, row: &LintRow) -> Value {
    json!({
        "id": row.id,
        "level": row.level.word(),
        "severity": severity(row.severity),
        "pool": row.pool().map(|pool| pool_name(snapshot, pool)),
        "connection": row.conn().map(|conn| conn.0),
        "evidence": row.evidence,
        "advice": row.advice,
        "since_ms": row.since.0 / 1_000_000,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::markdown;
    use crate::report::markdown::tests::screenful;
    use crate::report::tests::everyday;

    #[test]
    fn a_screenful_is_the_same_in_both_documents() {
        let mut screen = screenful(everyday());
        screen.filter = Some("held>1s".to_owned());
        screen.connections.truncate(2);
        screen.output_total = 7_000;
        screen.output.push("\u{202e}evil".to_owned());
        let text = screen_json(&screen);
        assert!(!text.contains('\u{202e}'));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        let ids = document["screen"]["connections"].as_array().expect("ids");
        let markdown = markdown(&screen);
        assert!(markdown.contains("## Connections 2 of 3, filter `held>1s`") && ids.len() == 2, "{markdown}");
        assert!(ids.iter().all(|id| markdown.contains(&format!("| `#{id}` |"))), "{ids:?}");
        assert_eq!(document["screen"]["filter"], "held>1s");
        assert_eq!(document["events"][0]["what"], "! leak: #3 out 60 s");
        assert_eq!(document["events"][0]["ago_ms"], 9_000);
        assert!(markdown.contains("## Shell, last 3 of 7,000 lines\n"), "{markdown}");
        assert_eq!(document["shell"]["total"], 7_000);
        assert_eq!(document["shell"]["lines"][0], screen.output[0]);
        assert_eq!(document["pools"][0]["name"], "app", "all that a snapshot's document has");
    }
}
