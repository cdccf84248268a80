//! How full the pool is: bars, counters and the last minute.

mod series;
mod totals;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{Cx, NONE, bar, known, labelled, pane, put, put_right};
use series::Grid;

use crate::snapshot::PoolRow;
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::theme::Theme;

/// Columns of a bar's label, margin included.
const LABEL: u16 = 12;
/// From this width on a bar says its share, and counts stand further apart.
const ROOMY: u16 = 46;
/// Rows that a graph with the lines below it takes at least, and at most, beside the totals.
const GRAPH: u16 = 6;
const GRAPH_MOST: u16 = 14;

/// Rows of every total.
const TOTALS: u16 = 7;
/// From this width on the title has room to say what its window is of.
const NAMED: u16 = 30;
/// From this height on the parts stand apart.
const TALL: u16 = 16;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let inner = pane(cx, Pane::Pool, [], area, buf);
    let pool = cx.pool();
    let gap = u16::from(inner.height >= TALL);
    let [in_use, available] = gauges(cx, pool, inner.width);
    let [created, waiting] = counters(cx.theme, pool, inner.width);
    for (row, line) in [in_use, available, created, waiting].into_iter().enumerate() {
        put(line, inner, row as u16 + if row < 2 { 0 } else { gap }, buf);
    }
    let left = below(inner, 4 + 2 * gap);
    let totals = left.height >= TOTALS + GRAPH;
    let rows = if totals { (left.height - TOTALS - 1).min(GRAPH_MOST) } else { left.height };
    let grid = Grid::new(pool, inner.width, rows);
    series::draw(cx, pool, grid, left, buf);
    if totals {
        put(Line::styled(" since the start", cx.theme.dim), below(left, rows), 0, buf);
        totals::draw(cx.theme, pool, below(left, rows + 1), buf);
    }
    // On the narrowest screens the name of the pane comes first, and there is hardly more than the graph.
    let what = if area.width >= NAMED { "graph: " } else { "" };
    let words = Line::styled(format!(" {what}last {} s ", grid.window()), cx.theme.dim);
    put_right(&words, Rect { width: area.width.saturating_sub(1), ..area }, 0, buf);
}

/// What is left of an area below so many rows.
fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

/// How a pool this full is coloured: from the same 80 % on as the lint.
pub(super) fn fullness(theme: &Theme, in_use: u32, max: u32) -> Style {
    match (in_use, max) {
        (_, 0) => theme.in_use,
        (used, max) if used >= max => theme.bad,
        (used, max) if u64::from(used) * 5 > u64::from(max) * 4 => theme.warn,
        _ => theme.in_use,
    }
}

fn gauges<'a>(cx: &Cx<'_>, pool: Option<&PoolRow>, width: u16) -> [Line<'a>; 2] {
    let theme = cx.theme;
    let max = pool.and_then(|pool| pool.max);
    let in_use = pool.and_then(|pool| pool.in_use);
    let available = pool.and_then(|pool| pool.available);
    let style = match (in_use, max) {
        (Some(used), Some(max)) => fullness(theme, used, max),
        _ => theme.in_use,
    };
    let share = match (in_use, max) {
        (Some(used), Some(max)) if max > 0 && width >= ROOMY => {
            format!("{:>5}%", u64::from(used) * 100 / u64::from(max))
        }
        _ => String::new(),
    };
    let full = if in_use.is_some() && in_use == max { " !" } else { "" };
    let of_max = format!("{} of {}{share}{full}", known(in_use), known(max));
    // Both bars leave room for the longest numbers, so that one never moves the other.
    let digits = known(max).len().max(known(in_use).len());
    let numbers = (2 * digits + 4 + if width >= ROOMY { 6 } else { 0 } + 2) as u16;
    let cells = width.saturating_sub(LABEL + 2 + numbers).min(40);
    // The graph is made of the same two, so that the bars are its legend.
    [
        gauge(theme, ("in use", "█"), in_use, max, style, &of_max, cells),
        gauge(theme, ("available", "▒"), available, max, theme.available, &known(available), cells),
    ]
}

fn gauge<'a>(
    theme: &Theme,
    (label, symbol): (&str, &str),
    value: Option<u32>,
    max: Option<u32>,
    style: Style,
    numbers: &str,
    cells: u16,
) -> Line<'a> {
    let whole = max.or(value).unwrap_or(0);
    let (full, empty) = bar(u64::from(value.unwrap_or(0)), u64::from(whole), usize::from(cells));
    Line::from(vec![
        Span::styled(format!(" {label:<10} "), theme.dim),
        Span::styled(symbol.repeat(full), style),
        Span::styled("░".repeat(empty), theme.rule),
        // The first thing to be read on the screen.
        Span::styled(
            format!("  {numbers}"),
            if value.is_some() { style.add_modifier(Modifier::BOLD) } else { theme.text },
        ),
    ])
}

/// The counts, in two lines whose columns stand under each other.
fn counters<'a>(theme: &Theme, pool: Option<&PoolRow>, width: u16) -> [Line<'a>; 2] {
    let count = |value: Option<u64>| value.map_or_else(|| NONE.to_owned(), text::thousands);
    let totals = pool.map(|pool| pool.totals);
    let (waiting, queued) = match pool.and_then(|pool| pool.waiting).map(u64::from) {
        Some(some) if some > 0 => (format!("{} !", text::thousands(some)), theme.warn),
        other => (count(other), theme.text),
    };
    let opening = pool.and_then(|pool| pool.opening).map(u64::from);
    let created = pool.and_then(|pool| pool.created).map(u64::from);
    let timeouts = totals.map(|totals| totals.timeouts);
    let alarm = if timeouts.unwrap_or(0) > 0 { theme.warn } else { theme.text };
    let row = |cells: [(&'static str, String, Style); 3]| {
        let mut spans = vec![Span::raw(" ")];
        for (label, value, style) in cells {
            // As wide as a third of the pane, or as what it says.
            let wide = usize::from(width / 3).min(18).saturating_sub(label.len() + 1);
            spans.extend(labelled(label, format!("{value:<wide$}"), style, theme));
            spans.push(Span::raw(if value.len() < wide { "" } else { "  " }));
        }
        Line::from(spans)
    };
    [
        row([
            ("created", count(created), theme.text),
            ("opened", count(totals.map(|t| t.opened)), theme.text),
            ("closed", count(totals.map(|t| t.closed)), theme.text),
        ]),
        row([
            ("waiting", waiting, queued),
            ("opening", count(opening), theme.text),
            ("timeouts", count(timeouts), alarm),
        ]),
    ]
}
