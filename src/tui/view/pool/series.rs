//! The last minutes as sparklines.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::snapshot::PoolRow;
use crate::tui::theme::Theme;
use crate::tui::view::{Cx, NONE, put, sparkline};

/// Rows, with room for all.
pub(super) const ROWS: u16 = 3;

/// The time series: connections in use, and with room the callers that waited.
pub(super) fn draw(cx: &Cx<'_>, pool: Option<&PoolRow>, area: Rect, buf: &mut Buffer) {
    let series = pool.map_or(&[][..], |pool| &pool.series[..]);
    let most = u64::from(series.iter().map(|point| point.max.max(point.in_use)).max().unwrap_or(0));
    let queued = u64::from(series.iter().map(|point| point.waiting).max().unwrap_or(0));
    let in_use = series.iter().map(|point| u64::from(point.in_use));
    graph(cx.theme, "in use", in_use, most, cx.theme.in_use, area, 0, buf);
    if area.height > 1 {
        let waiting = series.iter().map(|point| u64::from(point.waiting));
        graph(cx.theme, "waiting", waiting, queued.max(8), cx.theme.warn, area, 1, buf);
    }
    if area.height > 2 {
        let commands = series.iter().map(|point| point.commands);
        let top = series.iter().map(|point| point.commands).max().unwrap_or(0);
        graph(cx.theme, "commands/s", commands, top.max(8), cx.theme.text, area, 2, buf);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a row of a graph is all of these, and nothing else is passed on"
)]
fn graph(
    theme: &Theme,
    label: &str,
    values: impl DoubleEndedIterator<Item = u64> + ExactSizeIterator,
    most: u64,
    style: Style,
    area: Rect,
    row: u16,
    buf: &mut Buffer,
) {
    let width = usize::from(area.width.saturating_sub(18)).min(120);
    let last = values.len().min(width);
    let drawn = sparkline(values, most, width);
    let line = Line::from(vec![
        Span::styled(format!(" {label:<10} "), theme.dim),
        Span::styled(format!("{drawn:>width$}"), style),
        Span::styled(if last > 0 { format!(" {last} s") } else { format!(" {NONE}") }, theme.dim),
    ]);
    put(line, area, row, buf);
}
