//! INFO CLIENTS: the fields as the server names them, with the trend of its clients.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, NONE, age, outside, pane, put, sparkline};
use crate::snapshot::{SeriesPoint, Snapshot, StrayKind};
use crate::text;
use crate::tui::layout::Pane;

/// What the trend shows at least, in seconds: columns stand for more than one where there are fewer.
const SECONDS: usize = 60;
/// Rows below the fields: the trend, and how old it all is.
const BELOW: usize = 2;
/// Columns for what changed: `+12,345 in 60 s`.
const CHANGE: usize = 16;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let server = &cx.snapshot.server;
    let title = [Span::styled("INFO CLIENTS ", cx.theme.dim)];
    let inner = pane(cx, Pane::Server, title, area, buf);
    let width = usize::from(inner.width);
    let mut lines = lines(cx, width);
    let height = usize::from(inner.height);
    // The fields scroll; beside other panes the trend keeps its place, which says more than the last of them.
    let fields = lines.len().saturating_sub(BELOW);
    if !cx.focused && fields + BELOW > height && height > BELOW {
        lines.drain(height - BELOW..fields);
    }
    let offset = cx.offset.min(lines.len().saturating_sub(height));
    for (row, line) in lines.into_iter().skip(offset).take(height).enumerate() {
        put(line, inner, row as u16, buf);
    }
    if server.clients.is_empty() {
        put(Line::styled(format!(" {NONE} no reply yet"), cx.theme.dim), inner, 0, buf);
    }
}

/// How many rows there are.
pub fn length(snapshot: &Snapshot) -> usize {
    if snapshot.server.clients.is_empty() { 0 } else { snapshot.server.clients.len() + BELOW }
}

fn lines<'a>(cx: &Cx<'_>, width: usize) -> Vec<Line<'a>> {
    let server = &cx.snapshot.server;
    if server.clients.is_empty() {
        return Vec::new();
    }
    let longest = server.clients.iter().map(|(name, _)| text::width(name)).max().unwrap_or(0);
    let label = longest.min(width.saturating_sub(10).min(40));
    let mut lines: Vec<Line<'a>> = server
        .clients
        .iter()
        .map(|(name, value)| {
            let name = outside(name, label);
            let pad = " ".repeat((label + 1).saturating_sub(text::width(&name)));
            let value = match value.parse::<u64>() {
                Ok(number) => text::thousands(number),
                Err(_) => outside(value, 40),
            };
            Line::from(vec![
                Span::styled(format!(" {name}{pad}"), cx.theme.dim),
                Span::styled(format!("{value:>8}"), cx.theme.text),
            ])
        })
        .collect();
    lines.push(trend(cx, width));
    let strays = strays(cx.snapshot);
    let mark = if strays.is_empty() { String::new() } else { format!("  {strays}") };
    let freshness = Span::styled(format!(" {}", freshness(cx.snapshot)), cx.theme.dim);
    lines.push(Line::from(vec![freshness, Span::styled(mark, cx.theme.warn)]));
    lines
}

/// The clients over time, from none to the most seen, and by how many they are more or fewer than at its beginning.
fn trend<'a>(cx: &Cx<'_>, width: usize) -> Line<'a> {
    let series = cx.pool().map_or(&[][..], |pool| &pool.series[..]);
    let room = width.saturating_sub(CHANGE + 2).min(SECONDS);
    let step = SECONDS.div_ceil(room.max(1));
    let shown = &series[series.len().saturating_sub(room * step)..];
    let most = shown.iter().filter_map(|point| point.clients).max().unwrap_or(0);
    // Columns begin at whole multiples of their seconds, so that none changes as time goes on but the newest.
    let place = |point: &SeriesPoint| point.at.0 / 1_000_000_000 / step as u64;
    let columns = shown.chunk_by(|one, next| place(one) == place(next));
    let values: Vec<u64> =
        columns.map(|some| some.iter().filter_map(|point| point.clients).max().unwrap_or(0)).collect();
    let drawn = sparkline(values.into_iter(), most, room);
    let mut known = shown.iter().filter_map(|point| point.clients);
    let change = match (known.next(), known.next_back()) {
        (Some(first), Some(last)) if last >= first => format!("+{}", text::short(last - first)),
        (Some(first), Some(last)) => format!("-{}", text::short(first - last)),
        _ => NONE.to_owned(),
    };
    Line::from(vec![
        Span::styled(format!(" {drawn:>room$} "), cx.theme.available),
        Span::styled(change, cx.theme.text),
        Span::styled(format!(" in {} s", shown.len()), cx.theme.dim),
    ])
}

/// How old the reply is and how long it took.
fn freshness(snapshot: &Snapshot) -> String {
    let age = snapshot.server.seen_at.map(|at| age(snapshot.as_of.since(at)));
    let took = snapshot.server.took.map(text::duration);
    format!("{} ago, took {}", super::known(age), super::known(took))
}

/// `1 ghost, 2 orphans`: the connections that no pool has.
fn strays(snapshot: &Snapshot) -> String {
    let count = |kind| snapshot.strays.iter().filter(|stray| stray.kind == kind).count();
    let counts = [StrayKind::Ghost, StrayKind::Orphan].map(|kind| (count(kind), kind.word()));
    let words = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }));
    words.collect::<Vec<_>>().join(", ")
}

/// The same in one line, for screens without the pane: `clients 14 of 10,000 · blocked 6`.
pub fn line<'a>(cx: &Cx<'_>) -> Line<'a> {
    let theme = cx.theme;
    let field = |name| cx.snapshot.server.client_field(name).map_or_else(|| NONE.to_owned(), text::thousands);
    let blocked = cx.snapshot.server.client_field("blocked_clients");
    let style = if blocked.unwrap_or(0) > 0 { theme.warn } else { theme.text };
    let mut spans =
        vec![Span::styled(" clients ", theme.dim), Span::styled(field("connected_clients"), theme.text)];
    if cx.snapshot.server.client_field("maxclients").is_some() {
        spans.push(Span::styled(" of ", theme.dim));
        spans.push(Span::styled(field("maxclients"), theme.text));
    }
    spans.push(Span::styled(" · blocked ", theme.dim));
    spans.push(Span::styled(field("blocked_clients"), style));
    let strays = strays(cx.snapshot);
    if !strays.is_empty() {
        spans.push(Span::styled(format!(" · {strays}"), theme.warn));
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}
