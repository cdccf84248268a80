//! The last minutes: a graph of connections in use and available under the limit, or with little room one line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::LABEL;
use crate::snapshot::{PoolRow, SeriesPoint};
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{Cx, EIGHTHS, NONE, put, sparkline};

/// Rows from which on there is a graph, and not only lines.
const GRAPH: u16 = 5;
/// Columns at the right for what the highest value is.
const SCALE: u16 = 12;
/// What a graph shows at least, in seconds: columns stand for more than one where there are fewer.
const SECONDS: usize = 60;

/// Some seconds that share a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Column {
    in_use: u64,
    /// In use and available.
    created: u64,
    waiting: u64,
    max: u64,
    commands: u64,
    seconds: u64,
}

impl Column {
    fn add(&mut self, point: &SeriesPoint) {
        let in_use = u64::from(point.in_use);
        let max = u64::from(point.max).max(in_use);
        self.in_use = self.in_use.max(in_use);
        // The two are not of one moment: in use is the second's highest, and together they exceed no limit.
        self.created = self.created.max((in_use + u64::from(point.available)).min(max));
        self.waiting = self.waiting.max(u64::from(point.waiting));
        self.max = u64::from(point.max);
        self.commands = self.commands.saturating_add(point.commands);
        self.seconds += 1;
    }

    fn rate(&self) -> u64 {
        self.commands / self.seconds.max(1)
    }
}

/// How the seconds are put into columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    columns: usize,
    /// Seconds a column stands for.
    step: usize,
    /// Rows of the graph with the lines below it, or of lines alone.
    rows: u16,
}

impl Grid {
    /// In a pane of this width, with so many rows for it.
    pub(super) fn new(pool: Option<&PoolRow>, width: u16, rows: u16) -> Self {
        // A single line names the limit, which keeps its length; peaks come and go.
        let scale = if rows >= GRAPH {
            SCALE
        } else {
            text::width(&scale(pool.and_then(|pool| pool.max).unwrap_or(0).into())) as u16 + 1
        };
        let room = usize::from(width.saturating_sub(LABEL + scale)).min(120);
        // Whole fives, so that the window has a length that can be said.
        let columns = if room < 5 { room } else { room / 5 * 5 };
        Self { columns, step: SECONDS.div_ceil(columns.max(1)), rows }
    }

    /// How many seconds it shows.
    pub(super) fn window(self) -> usize {
        self.columns * self.step
    }
}

/// What a line goes from and to.
fn scale(top: u64) -> String {
    format!("0–{}", text::short(top))
}

/// Columns of so many seconds, oldest first. They begin at whole multiples of that, so that none changes as time goes on
/// but the newest.
fn columns(series: &[SeriesPoint], count: usize, step: usize) -> Vec<Column> {
    let place = |point: &SeriesPoint| point.at.0 / 1_000_000_000 / step.max(1) as u64;
    let Some(newest) = series.last().map(place) else { return Vec::new() };
    let oldest = newest.saturating_sub(count.saturating_sub(1) as u64);
    let mut columns: Vec<(u64, Column)> = Vec::new();
    for point in series.iter().filter(|point| count > 0 && place(point) >= oldest) {
        match columns.last_mut() {
            Some((at, column)) if *at == place(point) => column.add(point),
            _ => {
                let mut column = Column::default();
                column.add(point);
                columns.push((place(point), column));
            }
        }
    }
    columns.into_iter().map(|(_, column)| column).collect()
}

/// The top of the graph: the limit, or where that is far above all there was, the next round number.
fn top(columns: &[Column]) -> u64 {
    let max = columns.last().map_or(0, |column| column.max);
    let peak = columns.iter().map(|column| column.created).max().unwrap_or(0);
    if peak.saturating_mul(8) >= max {
        return max.max(peak).max(1);
    }
    let rounds = (0..19).flat_map(|power| [1, 2, 5].map(|step| step * 10_u64.pow(power)));
    rounds.into_iter().find(|round| *round > peak).unwrap_or(max).max(10).min(max)
}

/// Draws what there is room for.
pub(super) fn draw(cx: &Cx<'_>, pool: Option<&PoolRow>, grid: Grid, area: Rect, buf: &mut Buffer) {
    let series = pool.map_or(&[][..], |pool| &pool.series[..]);
    let columns = columns(series, grid.columns, grid.step);
    let lines = Lines { theme: cx.theme, columns: &columns, count: grid.columns, area };
    let mut row = 0;
    if grid.rows >= GRAPH {
        row = grid.rows - 2;
        graph(&lines, row, buf);
    } else {
        let top = top(&columns);
        lines.line("in use", |column| column.in_use, Some((top, scale(top))), cx.theme.in_use, 0, buf);
        row += 1;
    }
    if row < grid.rows {
        lines.line("waiting", |column| column.waiting, None, cx.theme.warn, row, buf);
    }
    if row + 1 < grid.rows {
        lines.line("commands/s", Column::rate, None, cx.theme.text, row + 1, buf);
    }
}

/// Rows that share their columns.
struct Lines<'a> {
    theme: &'a Theme,
    columns: &'a [Column],
    count: usize,
    area: Rect,
}

impl Lines<'_> {
    /// One value in one row. Without a scale of its own it is drawn up to its peak, which is named.
    fn line(
        &self,
        label: &str,
        value: impl Fn(&Column) -> u64,
        scale: Option<(u64, String)>,
        style: Style,
        row: u16,
        buf: &mut Buffer,
    ) {
        let peak = self.columns.iter().map(&value).max();
        let (top, words) = scale.unwrap_or_else(|| {
            (
                peak.unwrap_or(0).max(8),
                peak.map_or(NONE.to_owned(), |peak| format!("peak {}", text::short(peak))),
            )
        });
        let words = if self.columns.is_empty() { NONE.to_owned() } else { words };
        let drawn = sparkline(self.columns.iter().map(value), top, self.count);
        let line = Line::from(vec![
            Span::styled(format!(" {label:<10} "), self.theme.dim),
            Span::styled(format!("{drawn:>0$}", self.count), style),
            Span::styled(format!(" {words}"), self.theme.dim),
        ]);
        put(line, self.area, row, buf);
    }
}

/// In use as solid columns, available on top of them as shaded ones, the limit as a line over both.
fn graph(lines: &Lines<'_>, rows: u16, buf: &mut Buffer) {
    let Lines { theme, columns, count, area } = *lines;
    let top = top(columns);
    let limit = columns.last().is_some_and(|column| column.max == top);
    let word = match (columns.is_empty(), limit) {
        (true, _) => NONE.to_owned(),
        (false, true) => format!("max {}", text::short(top)),
        (false, false) => text::short(top),
    };
    for row in 0..rows {
        let label = if row == 0 {
            &*word
        } else if row + 1 == rows && !columns.is_empty() {
            "0"
        } else {
            ""
        };
        let floor = u64::from(rows - 1 - row) * 8;
        let mut spans = vec![
            Span::styled(format!(" {label:>10} "), theme.dim),
            Span::raw(" ".repeat(count.saturating_sub(columns.len()))),
        ];
        spans.extend(columns.iter().map(|column| {
            let eighths = |value: u64| share(value, top, u64::from(rows) * 8).saturating_sub(floor).min(8);
            let full = column.in_use >= column.max;
            match (eighths(column.in_use) as usize, eighths(column.created)) {
                (some @ 1.., _) => Span::styled(EIGHTHS[some], if full { theme.bad } else { theme.in_use }),
                (0, 5..) => Span::styled("▒", theme.available),
                (0, _) if row == 0 && column.max == top => Span::styled("▔", theme.rule),
                (0, _) => Span::raw(" "),
            }
        }));
        put(Line::from(spans), area, row, buf);
    }
}

/// A value in so many parts of the top: any value shows, and only the top is all.
fn share(value: u64, top: u64, parts: u64) -> u64 {
    if value == 0 || top == 0 {
        return 0;
    }
    if value >= top {
        return parts;
    }
    let exact = (u128::from(value) * u128::from(parts) + u128::from(top) / 2) / u128::from(top);
    (exact as u64).clamp(1, parts.saturating_sub(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stamp;

    fn point(second: u64, in_use: u32) -> SeriesPoint {
        let at = Stamp(second * 1_000_000_000);
        SeriesPoint { at, in_use, available: 2, waiting: 0, max: 10, commands: 6, clients: None }
    }

    #[test]
    fn columns_keep_the_highest_and_do_not_move_as_time_goes_on() {
        let series: Vec<_> = (100..109).map(|second| point(second, second as u32 % 4)).collect();
        let before = columns(&series, 20, 3);
        assert_eq!(before.iter().map(|column| column.in_use).collect::<Vec<_>>(), [1, 3, 3, 0]);
        let later: Vec<_> = series.iter().copied().chain([point(109, 9)]).collect();
        let after = columns(&later, 20, 3);
        assert_eq!(before[..3], after[..3]);
        assert_eq!((after[3].in_use, after[3].created, after[3].rate()), (9, 10, 6));
        assert_eq!(columns(&later, 2, 3), after[2..]);
        assert_eq!(columns(&later, 0, 3), []);
    }

    #[test]
    fn the_window_is_at_least_a_minute_on_any_screen() {
        let windows = |rows| [36, 38, 44, 56, 140, 400].map(|width| Grid::new(None, width, rows).window());
        assert_eq!(windows(1), [60, 60, 75, 80, 120, 120]);
        assert_eq!(windows(9), [60, 60, 60, 60, 115, 120]);
        for width in 24..400 {
            assert!(Grid::new(None, width, 9).window() >= SECONDS || width < 26, "{width}");
        }
    }

    #[test]
    fn the_top_is_the_limit_unless_that_is_out_of_sight() {
        let columns = |created, max| [Column { created, max, ..Column::default() }];
        assert_eq!(top(&columns(9, 10)), 10);
        assert_eq!(top(&columns(12, 10)), 12);
        assert_eq!(top(&columns(3, 10_000)), 10);
        assert_eq!(top(&columns(60, 10_000)), 100);
        assert_eq!(top(&columns(0, 0)), 1);
        assert_eq!(top(&[]), 1);
    }

    #[test]
    fn any_value_shows_and_only_the_top_is_full() {
        assert_eq!([0, 1, 500, 999, 1000, 2000].map(|value| share(value, 1000, 40)), [0, 1, 20, 39, 40, 40]);
        assert_eq!(share(u64::MAX - 1, u64::MAX, 40), 39);
    }
}
