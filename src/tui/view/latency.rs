//! How long things took: percentiles of wait, use, create and round trip, in milliseconds so that columns compare.

mod histogram;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span};

use super::{Cx, NONE, list, outside, pane, put, put_right};
use crate::snapshot::{Latency, Percentiles, PoolRow};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::Theme;

/// From this width on there is room for the window beside all titles.
const ALL: u16 = 64;
/// Columns of a label, without its margin.
const LABEL: u16 = 11;

/// From this width on a column says how many there were.
const COUNTED: u16 = 50;
/// From this height on there is a line for the pool's name.
const NAMED: u16 = 6;

/// One row: what was timed, and whether it is a command among the round trips.
struct Timed {
    label: String,
    command: bool,
    times: Percentiles,
}

const fn times(title: &'static str, cell: fn(&Timed, &Theme) -> Cell) -> Column<Timed, Theme> {
    Column { title, width: 6, align: Alignment::Right, from: 0, cell }
}

const COLUMNS: &[Column<Timed, Theme>] = &[
    Column {
        title: "",
        width: LABEL,
        align: Alignment::Left,
        from: 0,
        cell: |row, theme| {
            let style = if row.command { theme.text } else { theme.dim };
            Cell::new(format!(" {}", row.label), style)
        },
    },
    times("p50", |row, theme| cell(row, row.times.p50, theme)),
    times("p95", |row, theme| cell(row, row.times.p95, theme)),
    times("p99", |row, theme| cell(row, row.times.p99, theme)),
    times("max", |row, theme| cell(row, row.times.max, theme)),
    Column {
        title: "count",
        width: 9,
        align: Alignment::Right,
        from: COUNTED,
        cell: |row, theme| Cell::new(text::thousands(row.times.count), theme.dim),
    },
    Column {
        title: "",
        width: 0,
        align: Alignment::Left,
        from: 0,
        cell: |_, theme| Cell::new("", theme.text),
    },
];

fn cell(row: &Timed, nanos: u64, theme: &Theme) -> Cell {
    match row.times.count {
        0 => Cell::new(NONE, theme.dim),
        _ => Cell::new(text::millis(nanos), theme.text),
    }
}

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let inner = pane(cx, Pane::Latency, [Span::styled("ms ", cx.theme.dim)], area, buf);
    let inner = whose(cx, inner, buf);
    let rule = Rect { height: area.height.min(1), ..area };
    table::titles(COLUMNS, cx.theme.dim, 0, rule, buf);
    let window = cx.pool().map(|pool| pool.latency.window).filter(|window| *window > Duration::ZERO);
    if let (Some(window), true) = (window, area.width >= ALL) {
        let words = Line::styled(format!(" last {} s ", window.as_secs()), cx.theme.dim);
        put_right(&words, Rect { width: area.width - 1, ..area }, 0, buf);
    }
    let rows = rows(cx.pool());
    let bars = cx.pool().map_or(&[][..], |pool| &pool.latency.histogram);
    let height = usize::from(inner.height);
    if cx.focused {
        read(cx, &rows, bars, inner, buf);
    } else if height < WHOLE + 2 {
        lines(cx.theme, &rows[..WHOLE], inner, buf);
        put(commands(cx, usize::from(inner.width)), inner, WHOLE as u16, buf);
    } else {
        // The bars keep their place at the bottom; what is left is for the commands used most.
        let room = height.saturating_sub(usize::from(histogram::ROWS)).max(WHOLE);
        let shown = rows.len().min(if bars.is_empty() { height } else { room });
        lines(cx.theme, &rows[..shown], inner, buf);
        bars_below(cx, bars, shown, inner, buf);
    }
}

/// Says whose times these are, where there are several pools and a line to spare. Gives what is left below.
fn whose(cx: &Cx<'_>, inner: Rect, buf: &mut Buffer) -> Rect {
    let name = cx.pool().and_then(|pool| cx.marks.pool(pool.id)).filter(|_| inner.height >= NAMED);
    let Some(name) = name else { return inner };
    let name = outside(name, usize::from(inner.width.saturating_sub(9)));
    let spans = [Span::styled(" of pool ", cx.theme.dim), Span::styled(name, cx.theme.title)];
    put(Line::from(spans.to_vec()), inner, 0, buf);
    list::below(inner, true)
}

fn lines(theme: &Theme, rows: &[Timed], area: Rect, buf: &mut Buffer) {
    for (y, row) in rows.iter().take(usize::from(area.height)).enumerate() {
        let line = Rect { y: area.y + y as u16, height: 1, ..area };
        table::row(COLUMNS, row, theme, line, buf);
    }
}

/// Every row, and the bars after the last: scrolled together, so that all can be reached on any screen.
fn read(cx: &Cx<'_>, rows: &[Timed], bars: &[(u64, u64)], area: Rect, buf: &mut Buffer) {
    let height = usize::from(area.height);
    let offset = cx.offset.min(length(cx.pool()).saturating_sub(height)).min(rows.len());
    lines(cx.theme, &rows[offset..], area, buf);
    bars_below(cx, bars, rows.len() - offset, area, buf);
}

/// The bars at the bottom of what is left below so many rows, if they fit.
fn bars_below(cx: &Cx<'_>, bars: &[(u64, u64)], rows: usize, area: Rect, buf: &mut Buffer) {
    let left = area.height.saturating_sub(rows.min(usize::from(u16::MAX)) as u16);
    let height = match left {
        0..histogram::ROWS => return,
        histogram::ROWS => left,
        // A blank line sets them off.
        _ => (left - 1).min(histogram::MOST),
    };
    // Read alone they follow the rows, beside other panes they keep to the bottom.
    let y = if cx.focused { area.bottom() - left + u16::from(left > height) } else { area.bottom() - height };
    histogram::draw(bars, cx.theme, Rect { y, height, ..area }, buf);
}

/// The commands in one line, for a pane that has no more room for them.
fn commands<'a>(cx: &Cx<'_>, width: usize) -> Line<'a> {
    let latency = cx.pool().map(|pool| &pool.latency);
    let by_command = latency.map_or(&[][..], |latency| &latency.by_command);
    let mut spans = vec![Span::styled(" p50", cx.theme.dim)];
    let mut used = by_command.iter().filter(|(_, times)| times.count > 0).peekable();
    while let Some((name, times)) = used.next() {
        let name = Span::styled(format!("  {} ", outside(name, 12)), cx.theme.dim);
        let time = Span::styled(text::millis(times.p50), cx.theme.text);
        let rest = if used.peek().is_some() { LEFT_OUT.len() } else { 0 };
        if spans.iter().chain([&name, &time]).map(Span::width).sum::<usize>() + rest > width {
            spans.push(Span::styled(LEFT_OUT, cx.theme.dim));
            break;
        }
        spans.extend([name, time]);
    }
    if spans.len() == 1 {
        let words = match latency {
            Some(Latency { window, round_trip, .. }) if round_trip.total > 0 => {
                format!("  no command in the last {} s", window.as_secs())
            }
            _ => "  no commands yet".to_owned(),
        };
        spans.push(Span::styled(words, cx.theme.dim));
    }
    Line::from(spans)
}

/// What says that there are more commands.
const LEFT_OUT: &str = "  …";

/// Rows that are about the pool as a whole.
const WHOLE: usize = 4;

/// How many rows there are, those of the bars among them.
pub fn length(pool: Option<&PoolRow>) -> usize {
    let bars = |empty: bool| if empty { 0 } else { usize::from(histogram::ROWS) };
    let more = |pool: &PoolRow| pool.latency.by_command.len() + bars(pool.latency.histogram.is_empty());
    WHOLE + pool.map_or(0, more)
}

fn rows(pool: Option<&PoolRow>) -> Vec<Timed> {
    let unknown = Latency::default();
    let latency = pool.map_or(&unknown, |pool| &pool.latency);
    let whole = latency.kinds().into_iter();
    let whole = whole.map(|(name, times)| Timed { label: name.to_owned(), command: false, times });
    let commands = latency.by_command.iter();
    let commands =
        commands.map(|(name, times)| Timed { label: outside(name, 10), command: true, times: *times });
    whole.chain(commands).collect()
}
