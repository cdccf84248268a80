//! The report of an app for programs.

use serde_json::{Value, json};

use super::file_and_line;
use crate::event::{Ending, Holder, How};
use crate::report::json::{self as reports, printable};
use crate::report::verdict::{self, Verdict};
use crate::report::{clients, millis, severity};
use crate::snapshot::{AppRow, Snapshot};

/// One JSON document: that of any pools, with `"app"` beside them.
///
/// ```text
/// {…, "app": {"program", "ended": {"code", "signal"},
///   "processes": [{"pid", "parent", "program", "runtime", "libraries", "forked", "gone", "dropped", "errors", "error"}],
///   "left": [{"file", "line", "function", "how", "pool", "count", "longest_ms", "shortest_ms", "abandoned", "stack", "client"}],
///   "more_left": lines that there was no room for,
///   "found": [{"lint", "severity", "file", "line", "function", "how", "stack", "pool", "count", "longest_ms", "shortest_ms",
///     "evidence", "advice"}], "more_found", "more_pools",
///   "servers": [those that were asked, as `watch` has them]}}
/// ```
/// What is `left` nobody gave back, `abandoned` of them since its owner was collected. What was `found` held until its pool
/// ended, or for a while. A `client` is what the server said last of the connection, or null.
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

pub(in crate::report) fn value(snapshot: &Snapshot, app: &AppRow) -> Value {
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
        let mut left = place(row.row.holder());
        left["pool"] = json!(row.pool);
        left["count"] = json!(row.count);
        left["longest_ms"] = json!(millis(row.longest));
        left["shortest_ms"] = json!(millis(row.shortest));
        left["abandoned"] = json!(row.abandoned);
        left["client"] = json!(row.client.as_deref().map(|row| clients::seen(snapshot, row)));
        left
    });
    let found = app.found.iter().map(|row| {
        let mut found = place(row.holder.as_ref());
        found["lint"] = json!(row.id);
        found["severity"] = json!(severity(row.severity));
        found["pool"] = json!(reports::known(&row.pool));
        found["count"] = json!(row.count);
        found["longest_ms"] = json!(millis(row.longest));
        found["shortest_ms"] = json!(millis(row.shortest));
        found["evidence"] = json!(row.evidence);
        found["advice"] = json!(row.advice);
        found
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
        "more_left": app.more_left,
        "found": found.collect::<Vec<_>>(),
        "more_found": app.more_found,
        "more_pools": app.more_pools,
        "servers": snapshot.nodes.iter().map(|row| clients::server(snapshot, row)).collect::<Vec<_>>(),
    })
}

/// Somebody's place in the code.
fn place(holder: Option<&Holder>) -> Value {
    let (file, line) = file_and_line(holder);
    json!({
        "file": file,
        "line": line,
        "function": holder.and_then(|holder| holder.function.as_deref()),
        "how": holder.and_then(|holder| holder.how).map(How::word),
        "stack": holder.and_then(|holder| holder.stack.as_deref()),
    })
}
