//! What is on the screen as Markdown, to put into an issue or a chat: tables that a person reads, every foreign text in
//! a code span, so that nothing in it is a link, a mention or a tag.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use super::clients::{self, Listing};
use super::text::count;
use super::{UNKNOWN, about_name, app, causes, severity, who};
use crate::snapshot::{ConnectionRow, Latency, Percentiles, PoolRow, RowState, Snapshot};
use crate::text::{self, duration, thousands};

/// Connections listed; the JSON beside it has them all.
const CONNECTIONS: usize = 1_000;

/// What a screen shows of a snapshot.
#[derive(Clone, Debug)]
pub struct Screenful {
    /// The facts.
    pub snapshot: Arc<Snapshot>,
    /// How long before the newest facts it was frozen.
    pub frozen: Option<Duration>,
    /// The connections as they are listed: places in the snapshot.
    pub connections: Vec<u32>,
    /// What leaves some of them out.
    pub filter: Option<String>,
    /// The clients or groups as they are listed, where servers are watched.
    pub clients: Option<Listing>,
    /// The events as they are listed: how long ago, and what. Not yet escaped.
    pub events: Vec<(Duration, String)>,
    /// The last lines of the shell, safe to show.
    pub output: Vec<String>,
    /// How many lines the shell has.
    pub output_total: usize,
}

/// The same look at the same snapshot.
impl PartialEq for Screenful {
    fn eq(&self, other: &Self) -> bool {
        let Self { snapshot, frozen, connections, filter, clients, events, output, output_total } = self;
        Arc::ptr_eq(snapshot, &other.snapshot)
            && (frozen, connections, filter) == (&other.frozen, &other.connections, &other.filter)
            && *clients == other.clients
            && (events, output, output_total) == (&other.events, &other.output, &other.output_total)
    }
}

impl Eq for Screenful {}

/// A screenful as Markdown.
pub fn markdown(screen: &Screenful) -> String {
    let snapshot = &*screen.snapshot;
    let mut out = "# redis-pooltop report\n\n".to_owned();
    head(&mut out, screen);
    if snapshot.app.is_some() {
        // Its processes and their pools, a line each: there may be hundreds.
        fenced(&mut out, "App", app::text(snapshot).trim_end());
    } else {
        for row in &snapshot.pools {
            pool(&mut out, row);
        }
    }
    for row in &snapshot.pools {
        if let Some(exhaustion) = &row.exhaustion {
            let said = causes(exhaustion, snapshot).join("\n");
            fenced(&mut out, "Why callers wait", &said);
        }
    }
    lints(&mut out, snapshot);
    match &screen.clients {
        Some(listing) => fenced(&mut out, "Clients", clients::text(snapshot, listing, None).trim_end()),
        None => connections(&mut out, screen),
    }
    events(&mut out, screen);
    if !snapshot.server.raw.is_empty() {
        let raw = text::escape_lines(snapshot.server.raw.as_bytes());
        fenced(&mut out, "INFO CLIENTS", raw.trim_end());
    }
    if !screen.output.is_empty() {
        let heading = match screen.output_total {
            all if all > screen.output.len() => {
                format!(
                    "Shell, last {} of {} lines",
                    thousands(screen.output.len() as u64),
                    thousands(all as u64)
                )
            }
            _ => "Shell".to_owned(),
        };
        fenced(&mut out, &heading, &screen.output.join("\n"));
    }
    out
}

/// Writing to a String cannot fail.
fn line(out: &mut String, words: &str) {
    let _ = writeln!(out, "{words}");
}

/// A foreign text as a code span, fit for a cell of a table.
fn code(foreign: &str) -> String {
    if foreign.is_empty() {
        return UNKNOWN.to_owned();
    }
    let safe = text::escape_str(foreign).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&safe) + 1);
    let blank = if safe.starts_with(['`', ' ']) || safe.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{blank}{safe}{blank}{fence}")
}

fn longest_run(words: &str) -> usize {
    words.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Lines as they are, under a heading.
fn fenced(out: &mut String, heading: &str, lines: &str) {
    let fence = "`".repeat(longest_run(lines).max(2) + 1);
    let _ = write!(out, "\n## {heading}\n\n{fence}text\n{lines}\n{fence}\n");
}

fn table(out: &mut String, titles: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    line(out, &format!("| {} |", titles.join(" | ")));
    line(out, &format!("|{}", " --- |".repeat(titles.len())));
    for row in rows {
        line(out, &format!("| {} |", row.join(" | ")));
    }
}

fn head(out: &mut String, screen: &Screenful) {
    let snapshot = &*screen.snapshot;
    line(out, &format!("- taken {} UTC", text::utc(snapshot.wall_ms)));
    if let Some(behind) = screen.frozen {
        line(out, &format!("- the screen was frozen: it was {} behind", duration(behind)));
    }
    for node in &snapshot.nodes {
        let version = node.server.version.as_deref().map_or_else(|| UNKNOWN.to_owned(), code);
        line(out, &format!("- server {} {version}", code(&node.target)));
    }
    let server = &snapshot.server;
    if server.target.is_empty() && !snapshot.nodes.is_empty() {
        return dropped(out, snapshot);
    }
    let version = server.version.as_deref().map_or_else(|| UNKNOWN.to_owned(), code);
    line(out, &format!("- server {} {version}", code(&server.target)));
    if let Some(lost) = &server.lost {
        let since = duration(snapshot.as_of.since(lost.since));
        line(out, &format!("- **lost** {since} ago: {}", code(&lost.error)));
    }
    dropped(out, snapshot);
}

fn dropped(out: &mut String, snapshot: &Snapshot) {
    if snapshot.dropped > 0 {
        let doubt = if snapshot.out_of_sync { ": rows may be missing or stale" } else { "" };
        line(out, &format!("- {} events were dropped{doubt}", thousands(snapshot.dropped)));
    }
}

fn pool(out: &mut String, row: &PoolRow) {
    let kind = match (row.single, row.stopped) {
        (true, _) => ", single connection",
        (_, true) => ", closed",
        _ => "",
    };
    let _ = write!(out, "\n## Pool {}{kind}\n\n", code(&row.name));
    let now = [row.in_use, row.available, row.opening, row.created, row.max, row.waiting].map(count);
    table(out, &["in use", "available", "opening", "created", "max", "waiting"], [now.to_vec()]);
    let totals = &row.totals;
    let reasons: Vec<String> =
        row.closed_by.iter().map(|(reason, n)| format!("{} {}", reason.word(), thousands(*n))).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let words = [
        format!("opened {}", thousands(totals.opened)),
        format!("closed {}{reasons}", thousands(totals.closed)),
        format!("checkouts {}", thousands(totals.checkouts)),
        format!("timeouts {}", thousands(totals.timeouts)),
        format!("commands {}", thousands(totals.commands)),
    ];
    let _ = write!(out, "\n{}\n", words.join(", "));
    latency(out, &row.latency);
}

fn latency(out: &mut String, latency: &Latency) {
    let _ = write!(out, "\n## Latency, last {} s\n\n", latency.window.as_secs());
    let rows = latency.kinds().into_iter().map(|(name, numbers)| percentiles(name.to_owned(), &numbers));
    let commands = latency.by_command.iter().map(|(name, numbers)| percentiles(code(name), numbers));
    table(out, &["", "count", "p50", "p95", "p99", "max"], rows.chain(commands));
}

fn percentiles(name: String, numbers: &Percentiles) -> Vec<String> {
    let shown = |nanos| match numbers.count {
        0 => UNKNOWN.to_owned(),
        _ => duration(Duration::from_nanos(nanos)),
    };
    let mut row = vec![name, thousands(numbers.count)];
    row.extend([numbers.p50, numbers.p95, numbers.p99, numbers.max].map(shown));
    row
}

fn lints(out: &mut String, snapshot: &Snapshot) {
    let _ = write!(out, "\n## Lints {}\n\n", snapshot.lints.len());
    if snapshot.lints.is_empty() {
        return line(out, "none");
    }
    let rows = snapshot.lints.iter().map(|row| {
        vec![
            format!("{} ({})", row.id, severity(row.severity)),
            code(&about_name(snapshot, &row.about)),
            duration(snapshot.as_of.since(row.since)),
            code(&row.said()),
            row.advice.to_owned(),
        ]
    });
    table(out, &["lint", "pool", "for", "evidence", "advice"], rows);
}

fn connections(out: &mut String, screen: &Screenful) {
    let snapshot = &*screen.snapshot;
    let (shown, all) = (screen.connections.len() as u64, snapshot.connections.len() as u64);
    let many = match &screen.filter {
        Some(filter) => format!("{} of {}, filter {}", thousands(shown), thousands(all), code(filter)),
        None => thousands(all),
    };
    let _ = write!(out, "\n## Connections {many}\n\n");
    let rows = screen.connections.iter().filter_map(|at| snapshot.connections.get(*at as usize));
    let titles =
        ["id", "server id", "state", "held", "idle", "uses", "commands", "age", "create", "last", "holder"];
    table(out, &titles, rows.take(CONNECTIONS).map(|row| connection(snapshot, row)));
    let left = screen.connections.len().saturating_sub(CONNECTIONS);
    if left > 0 {
        let _ = write!(out, "\n{} more are in the JSON document\n", thousands(left as u64));
    }
}

fn connection(snapshot: &Snapshot, row: &ConnectionRow) -> Vec<String> {
    let known = |time: Option<Duration>| time.map_or_else(|| UNKNOWN.to_owned(), duration);
    let (state, holder) = match &row.state {
        RowState::Available { .. } => ("available".to_owned(), String::new()),
        RowState::InUse { holder, pinned, .. } => {
            let pinned = pinned.as_ref().map_or_else(String::new, |by| format!(", {}", code(by)));
            (format!("{}{pinned}", row.state_word()), code(&who(holder, str::to_owned).unwrap_or_default()))
        }
    };
    let idle = match row.idle_for(snapshot.as_of) {
        Some(idle) => duration(idle),
        None => "busy".to_owned(),
    };
    vec![
        code(&row.id.to_string()),
        row.client_id().map_or_else(|| UNKNOWN.to_owned(), |id| id.to_string()),
        state,
        row.held_for(snapshot.as_of).map(duration).unwrap_or_default(),
        idle,
        thousands(row.uses),
        thousands(row.commands),
        known(row.opened.map(|opened| snapshot.as_of.since(opened))),
        known(row.steps.map(|steps| steps.total())),
        row.last_sent().map_or_else(|| UNKNOWN.to_owned(), code),
        holder,
    ]
}

fn events(out: &mut String, screen: &Screenful) {
    if !screen.events.is_empty() {
        let _ = write!(out, "\n## Events\n\n");
        let rows = screen.events.iter().map(|(ago, what)| vec![duration(*ago), code(what)]);
        table(out, &["ago", "what"], rows);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::tests::everyday;

    pub(crate) fn screenful(snapshot: Snapshot) -> Screenful {
        let connections = (0..snapshot.connections.len() as u32).rev().collect();
        Screenful {
            snapshot: Arc::new(snapshot),
            frozen: None,
            connections,
            filter: None,
            clients: None,
            events: vec![(Duration::from_secs(9), "! leak: #3 out 60 s".to_owned())],
            output: vec!["127.0.0.1:6379> GET a".to_owned(), "(nil)".to_owned()],
            output_total: 2,
        }
    }

    #[test]
    fn a_report_for_a_colleague() {
        insta::assert_snapshot!(markdown(&screenful(everyday())));
    }

    #[test]
    fn nothing_foreign_gets_out_of_its_span() {
        let evil = "`|``[x](javascript:1)<img src=x> @all #1\u{1b}[2J\u{202e}\n```\n# h";
        let mut snapshot = everyday();
        Arc::make_mut(&mut snapshot.pools[0]).name = evil.to_owned();
        Arc::make_mut(&mut snapshot.lints[0]).evidence = evil.to_owned();
        Arc::make_mut(&mut snapshot.server).raw = format!("# Clients\r\n{evil}\r\n").into();
        if let RowState::InUse { holder, .. } = &mut Arc::make_mut(&mut snapshot.connections[0]).state {
            holder.label = Some(evil.into());
        }
        let mut screen = screenful(snapshot);
        screen.output.push(text::escape_str(evil).into_owned());
        screen.filter = Some(evil.to_owned());
        screen.frozen = Some(Duration::from_secs(3));
        let text = markdown(&screen);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
        for line in text.lines().filter(|line| line.contains("javascript")) {
            let as_it_is = !line.starts_with(['|', '#', '-']);
            assert!(as_it_is || line.matches("````").count() >= 2, "{line}");
        }
        for heading in text.lines().filter(|line| line.starts_with('#')) {
            let ours = ["# redis", "## ", "# Clients", "# h"].iter().any(|start| heading.starts_with(start));
            assert!(ours, "{heading}");
        }
        assert!(text.contains("````text\n# Clients"), "a fence longer than any in the text\n{text}");
    }

    #[test]
    fn ten_thousand_rows_are_cut_and_said() {
        let mut snapshot = everyday();
        let row = snapshot.connections[0].clone();
        snapshot.connections = vec![row; 10_000];
        let text = markdown(&screenful(snapshot));
        assert!(text.contains("## Connections 10,000\n") && text.contains("9,000 more are in the JSON"));
        assert!(text.lines().count() < 1_200);
    }
}
