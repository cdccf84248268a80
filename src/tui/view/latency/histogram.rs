//! Round trips as bars, one a range of times.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::LABEL;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::{EIGHTHS, put};

/// Rows with the axis, where it has to fit among others.
pub(super) const ROWS: u16 = 4;
/// Rows at most: taller bars say no more.
pub(super) const MOST: u16 = 10;
/// Columns of a bar at most.
const WIDEST: usize = 6;

/// Draws the bars in as many rows as the area has, the last one for what their edges are in milliseconds.
pub(super) fn draw(bars: &[(u64, u64)], theme: &Theme, area: Rect, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(LABEL + 2));
    let bars = joined(bars, room);
    if bars.is_empty() || area.height < 2 {
        return;
    }
    let wide = (room / bars.len()).clamp(1, WIDEST);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let rows = area.height - 1;
    for row in 0..rows {
        let label = match row {
            0 => text::fit(&text::thousands(most), usize::from(LABEL) - 1),
            row if row + 1 == rows => "round trips".to_owned(),
            _ => String::new(),
        };
        let floor = u64::from(rows - 1 - row) * 8;
        let bar = |count: u64| {
            let exact = u128::from(count) * u128::from(rows) * 8;
            let eighths = exact.div_ceil(u128::from(most.max(1))) as u64;
            EIGHTHS[eighths.saturating_sub(floor).min(8) as usize].repeat(wide)
        };
        let line = Line::from(vec![
            Span::styled(format!(" {label:<0$} ", usize::from(LABEL)), theme.dim),
            Span::styled(bars.iter().map(|(_, count)| bar(*count)).collect::<String>(), theme.in_use),
        ]);
        put(line, area, row, buf);
    }
    let line = format!(" {:<1$} {2}", "up to, ms", usize::from(LABEL), axis(&bars, wide, room));
    put(Line::styled(line, theme.dim), area, rows, buf);
}

/// The bars, neighbours put together until they fit.
fn joined(bars: &[(u64, u64)], room: usize) -> Vec<(u64, u64)> {
    let each = bars.len().div_ceil(room.max(1)).max(1);
    let sum = |bars: &[(u64, u64)]| bars.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    bars.chunks(each).filter_map(|some| Some((some.last()?.0, sum(some)))).take(room).collect()
}

/// The upper edges under their bars: all of them, or where that is too much the powers of ten.
fn axis(bars: &[(u64, u64)], wide: usize, room: usize) -> String {
    let round = |edge: u64| edge.checked_ilog10().is_some_and(|power| edge == 10_u64.pow(power));
    let labels = || bars.iter().enumerate().map(|(at, (edge, _))| (at * wide, *edge, millis(*edge)));
    let all = labels().all(|(.., label)| label.len() < wide);
    let mut line = String::new();
    for (x, _, label) in labels().filter(|(_, edge, _)| all || round(*edge)) {
        // A blank between two labels, so that they are never read as one.
        if (line.is_empty() || line.len() < x) && x + label.len() <= room {
            line.push_str(&" ".repeat(x - line.len()));
            line.push_str(&label);
        }
    }
    line
}

/// An edge in milliseconds, without decimals that say nothing.
fn millis(nanos: u64) -> String {
    match nanos / 1_000_000 {
        0 => format!("{}", nanos as f64 / 1e6),
        ms => text::short(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_stand_under_their_bars_powers_of_ten_first() {
        let edges = [10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000];
        let bars = edges.map(|edge| (edge, 1));
        assert_eq!(axis(&bars, 2, 16), "0.01  0.1   1");
        assert_eq!(axis(&bars, 6, 48), "0.01  0.02  0.05  0.1   0.2   0.5   1     2");
        assert_eq!(axis(&bars, 1, 8), "0.01  1");
        assert_eq!(axis(&bars, 1, 3), "");
        assert_eq!(axis(&[(u64::MAX, 1)], 6, 6), "18T");
    }

    #[test]
    fn bars_that_do_not_fit_are_put_together() {
        assert_eq!(joined(&[(1, 2), (2, 3), (5, 4)], 2), [(2, 5), (5, 4)]);
        assert_eq!(joined(&[(1, u64::MAX), (2, 3)], 1), [(2, u64::MAX)]);
        assert_eq!(joined(&[(1, 2)], 0), []);
    }
}
