//! Watched servers: how full each is, what it accepts and turns away, and how that goes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::header::watch::percent;
use super::{Cx, NONE, bar, known, labelled, more, outside_part, pane, put, sparkline};
use crate::snapshot::{NodeRow, Snapshot};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::Theme;

/// Columns of the bar.
const BAR: usize = 10;
/// From this share on a server is said to be nearly full.
const FULL: u64 = 90;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let nodes = &cx.snapshot.nodes;
    match &nodes[..] {
        [] => {
            let inner = pane(cx, Pane::Server, [], area, buf);
            put(Line::styled(format!(" {NONE} no reply yet"), cx.theme.dim), inner, 0, buf);
        }
        [node] => one(cx, node, area, buf),
        nodes => {
            let mut nodes: Vec<&NodeRow> = nodes.iter().map(AsRef::as_ref).collect();
            // Who does not answer is seen without scrolling.
            nodes.sort_by_key(|node| node.server.lost.is_none());
            many(cx, nodes, area, buf);
        }
    }
}

/// How many rows there are to scroll through.
pub fn length(snapshot: &Snapshot) -> usize {
    if snapshot.nodes.len() > 1 { snapshot.nodes.len() + 2 } else { 0 }
}

/// One server: a few lines of numbers, the most telling first.
fn one(cx: &Cx<'_>, node: &NodeRow, area: Rect, buf: &mut Buffer) {
    let inner = pane(cx, Pane::Server, [], area, buf);
    let theme = cx.theme;
    let width = usize::from(inner.width);
    let mut lines = vec![filled(node, theme), turned(node, theme, width), trend(node, theme, width)];
    lines.extend(rest(node, theme));
    for (row, line) in lines.into_iter().take(usize::from(inner.height)).enumerate() {
        put(line, inner, row as u16, buf);
    }
}

fn count(value: Option<u64>) -> String {
    known(value.map(text::thousands))
}

/// How it stands with a number that is better 0.
fn bad(value: Option<u64>, theme: &Theme) -> Style {
    if value.unwrap_or(0) > 0 { theme.warn } else { theme.text }
}

/// ` clients 1,204 of 10,000  ███░░░░░░░  12%  blocked 6`
fn filled<'a>(node: &NodeRow, theme: &Theme) -> Line<'a> {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(labelled("clients", count(node.connected), theme.text, theme));
    spans.extend([
        Span::styled(" of ", theme.dim),
        Span::styled(count(node.max), theme.text),
        Span::raw("  "),
    ]);
    if let (Some(connected), Some(max)) = (node.connected, node.max) {
        let (full, free) = bar(connected, max, BAR);
        let share = share(connected, max);
        let style = if share >= FULL { theme.warn } else { theme.in_use };
        spans.push(Span::styled("█".repeat(full), style));
        spans.push(Span::styled("░".repeat(free), theme.dim));
        let percent = percent(connected as f64 / max.max(1) as f64);
        spans.push(Span::styled(format!(" {percent}  "), style));
    }
    spans.extend(labelled("blocked", count(node.blocked), theme.text, theme));
    Line::from(spans)
}

fn share(part: u64, whole: u64) -> u64 {
    (u128::from(part) * 100).checked_div(u128::from(whole)).map_or(0, |share| share.min(999) as u64)
}

fn accepted(node: &NodeRow) -> String {
    node.opening_rate.filter(|rate| rate.is_finite()).map_or(NONE.to_owned(), |rate| format!("{rate:.1}/s"))
}

/// ` accepted 50.2/s  rejected 0  evicted 0  unseen 12`
fn turned<'a>(node: &NodeRow, theme: &Theme, width: usize) -> Line<'a> {
    let mut spans = vec![Span::raw(" ")];
    // Without a look nobody knows what the looks missed.
    let unseen = node.look.is_some().then_some(node.unseen);
    let parts = [
        ("accepted", accepted(node), theme.text),
        ("rejected", count(node.rejected), bad(node.rejected, theme)),
        ("evicted", count(node.evicted), bad(node.evicted, theme)),
        ("unseen", count(unseen), theme.text),
    ];
    for (label, value, style) in parts {
        // What has no room goes whole.
        let used: usize = spans.iter().map(Span::width).sum();
        if used + label.len() + 1 + text::width(&value) > width {
            break;
        }
        spans.extend(labelled(label, value, style, theme));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

/// The clients of the last minute, and how many more they are.
fn trend<'a>(node: &NodeRow, theme: &Theme, width: usize) -> Line<'a> {
    let room = width.saturating_sub(19).min(60);
    let shown = &node.series[node.series.len().saturating_sub(room)..];
    let line = line(node, room);
    let mut seen = shown.iter().filter_map(|point| point.connected);
    let first = seen.next();
    let change = match (first, seen.next_back().or(first)) {
        (Some(first), Some(last)) if last >= first => format!("+{}", text::short(last - first)),
        (Some(first), Some(last)) => format!("−{}", text::short(first - last)),
        _ => NONE.to_owned(),
    };
    Line::from(vec![
        Span::styled(format!(" {line:>room$} "), theme.available),
        Span::styled(change, theme.text),
        Span::styled(format!(" in {} s", shown.len()), theme.dim),
    ])
}

fn line(node: &NodeRow, room: usize) -> String {
    let shown = &node.series[node.series.len().saturating_sub(room)..];
    let most = shown.iter().filter_map(|point| point.connected).max().unwrap_or(0);
    sparkline(shown.iter().map(|point| point.connected.unwrap_or(0)), most, room)
}

/// What a high pane has room for: the last look, and what bears on idle clients.
fn rest<'a>(node: &NodeRow, theme: &Theme) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    if let Some(look) = &node.look {
        let told = if look.told { "as the server counts" } else { "by the call's time" };
        let size = format!("{} in {}", text::bytes(look.bytes), text::duration(look.took));
        let mut spans = vec![Span::raw(" ")];
        spans.extend(labelled("look", size, theme.text, theme));
        spans.push(Span::styled(format!("  cost {}, {told}", text::duration(look.cost)), theme.dim));
        lines.push(Line::from(spans));
    }
    let seconds = |value: Option<u64>| match value {
        Some(0) => "none".to_owned(),
        value => known(value.map(|seconds| format!("{} s", text::thousands(seconds)))),
    };
    let mut spans = vec![Span::raw(" ")];
    spans.extend(labelled("timeout", seconds(node.config.timeout), theme.text, theme));
    spans.push(Span::raw("  "));
    spans.extend(labelled("tcp-keepalive", seconds(node.config.tcp_keepalive), theme.text, theme));
    lines.push(Line::from(spans));
    if !node.unix_shares.is_empty() {
        let shares = node.unix_shares.iter().map(|(process, clients)| {
            format!("{} {} ×{clients}", text::escape_str(&process.name), process.pid)
        });
        let mut spans = vec![Span::raw(" ")];
        spans.extend(labelled("unix socket", shares.collect::<Vec<_>>().join(", "), theme.text, theme));
        lines.push(Line::from(spans));
    }
    lines
}

type Of = Column<NodeRow, Theme>;

/// Columns of the trend beside the others.
const TREND: u16 = 16;

/// The columns of several servers.
const COLUMNS: &[Of] = &[
    Of::word("", 1, 0, |node, theme| Cell::new(if node.server.lost.is_some() { "x" } else { "" }, theme.bad)),
    Of::word("server", 0, 0, |node, theme| {
        let style = if node.server.lost.is_some() { theme.bad } else { theme.text };
        Cell::new(text::escape_str(&node.target), style)
    }),
    Of::word("found", 24, 120, |node, theme| {
        Cell::new(node.found.as_deref().map_or("".into(), text::escape_str), theme.dim)
    }),
    Of::number("clients", 7, 0, |node, theme| Cell::new(count(node.connected), theme.text)),
    Of::number("of", 7, 44, |node, theme| Cell::new(count(node.max), theme.dim)),
    Of::number("full", 6, 50, |node, theme| match (node.connected, node.max) {
        (Some(connected), Some(max)) => {
            let percent = percent(connected as f64 / max.max(1) as f64);
            Cell::new(percent, if share(connected, max) >= FULL { theme.warn } else { theme.text })
        }
        _ => Cell::new(NONE, theme.dim),
    }),
    Of::number("blocked", 7, 56, |node, theme| Cell::new(count(node.blocked), theme.text)),
    Of::number("accepted", 8, 64, |node, theme| Cell::new(accepted(node), theme.text)),
    Of::number("rejected", 8, 72, |node, theme| Cell::new(count(node.rejected), bad(node.rejected, theme))),
    Of::number("evicted", 7, 90, |node, theme| Cell::new(count(node.evicted), bad(node.evicted, theme))),
    Of::number("unseen", 7, 98, |node, theme| Cell::new(text::thousands(node.unseen), theme.dim)),
    Of::word("", TREND, 104, |node, theme| {
        Cell::new(format!("{:>1$}", line(node, usize::from(TREND)), usize::from(TREND)), theme.available)
    }),
];

/// Several servers: the totals, and a line each.
fn many(cx: &Cx<'_>, nodes: Vec<&NodeRow>, area: Rect, buf: &mut Buffer) {
    let lost = nodes.iter().filter(|node| node.server.lost.is_some()).count();
    let mut title = vec![Span::styled(format!("· {} ", nodes.len()), cx.theme.text)];
    if lost > 0 {
        title.push(Span::styled(format!("x {lost} lost "), cx.theme.bad));
    }
    let inner = pane(cx, Pane::Server, title, area, buf);
    let total = total(&nodes);
    let rows: Vec<&NodeRow> = std::iter::once(&total).chain(nodes).collect();
    let height = usize::from(inner.height.saturating_sub(1));
    let offset = cx.offset.min(rows.len().saturating_sub(height));
    let line = Rect { height: inner.height.min(1), ..inner };
    table::titles(COLUMNS, cx.theme.dim, 0, line.intersection(buf.area), buf);
    for (y, node) in rows.iter().skip(offset).take(height).enumerate() {
        let line = Rect { y: inner.y + 1 + y as u16, height: 1, ..inner };
        table::row(COLUMNS, *node, cx.theme, line, buf);
    }
    more(outside_part(offset, height, rows.len()), cx.theme, area, buf);
}

/// All servers as one: what is known of each, added up.
fn total(nodes: &[&NodeRow]) -> NodeRow {
    let sum = |of: fn(&NodeRow) -> Option<u64>| {
        nodes.iter().filter_map(|node| of(node)).reduce(u64::saturating_add)
    };
    NodeRow {
        target: "all".to_owned(),
        connected: sum(|node| node.connected),
        blocked: sum(|node| node.blocked),
        max: sum(|node| node.max),
        rejected: sum(|node| node.rejected),
        evicted: sum(|node| node.evicted),
        opening_rate: nodes.iter().filter_map(|node| node.opening_rate).reduce(|all, one| all + one),
        unseen: nodes.iter().map(|node| node.unseen).fold(0, u64::saturating_add),
        series: added(nodes),
        ..NodeRow::default()
    }
}

/// The series of all, added up from their newest points back.
fn added(nodes: &[&NodeRow]) -> std::sync::Arc<[crate::snapshot::NodePoint]> {
    let shortest = nodes.iter().map(|node| node.series.len()).min().unwrap_or(0).min(usize::from(TREND));
    let back = |node: &NodeRow, at: usize| node.series[node.series.len() - shortest + at];
    let point = |at| {
        let all = nodes.iter().map(|node| back(node, at));
        let connected = all.filter_map(|point| point.connected).reduce(u64::saturating_add);
        crate::snapshot::NodePoint { connected, ..Default::default() }
    };
    (0..shortest).map(point).collect()
}
