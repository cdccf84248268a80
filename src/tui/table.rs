//! Columns as data: a table is a list of columns, each saying its title, its width and what it shows of a row.
//!
//! One list gives titles, widths and cells, so that they cannot disagree. A column with a `from` appears on screens
//! that wide only.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::action::Step;
use crate::text;

/// One column of rows of type `R`, drawn with whatever `C` the cells need.
#[derive(Debug)]
pub struct Column<R: 'static, C: 'static> {
    /// Its title, and the name of the field that its rows are sorted by.
    pub title: &'static str,
    /// Its width; the last column takes what is left, or the one before it that has none.
    pub width: u16,
    /// Where its text stands.
    pub align: Alignment,
    /// The narrowest table that shows it.
    pub from: u16,
    /// The cell of a row.
    pub cell: fn(&R, &C) -> Cell,
}

impl<R, C> Column<R, C> {
    /// One of words.
    pub const fn word(title: &'static str, width: u16, from: u16, cell: fn(&R, &C) -> Cell) -> Self {
        Self { title, width, align: Alignment::Left, from, cell }
    }

    /// One of numbers, which end below each other.
    pub const fn number(title: &'static str, width: u16, from: u16, cell: fn(&R, &C) -> Cell) -> Self {
        Self { title, width, align: Alignment::Right, from, cell }
    }
}

// Derived it would ask the same of rows and of what cells need.
impl<R, C> Clone for Column<R, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, C> Copy for Column<R, C> {}

/// A cell's text, already safe to show, and its style.
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How.
    pub style: Style,
}

impl Cell {
    /// A cell.
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Columns between two columns.
const GAP: u16 = 1;

/// The least that is left for a column without a width of its own.
const LEAST: u16 = 8;

/// Where each column of a table this wide stands: its place in `columns`, its left edge and its width.
pub fn places<R, C>(columns: &[Column<R, C>], width: u16) -> Vec<(usize, u16, u16)> {
    let mut x = 0;
    let mut places = Vec::with_capacity(columns.len());
    let shown: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].from <= width).collect();
    let taken =
        shown.iter().map(|at| columns[*at].width).sum::<u16>() + GAP * shown.len().saturating_sub(1) as u16;
    let rest = width.saturating_sub(taken).max(LEAST);
    let fills = shown.iter().any(|at| columns[*at].width == 0);
    for at in &shown {
        let left = width.saturating_sub(x);
        if left == 0 {
            break;
        }
        let wide = match columns[*at].width {
            _ if Some(at) == shown.last() && !fills => left,
            0 => rest.min(left),
            wide => wide.min(left),
        };
        places.push((*at, x, wide));
        x += wide + GAP;
    }
    places
}

/// Where a column's title begins, its column standing there and being that wide.
pub fn title_start<R, C>(column: &Column<R, C>, x: u16, width: u16) -> u16 {
    let slack = width.saturating_sub(text::width(column.title) as u16);
    if column.align == Alignment::Right { x + slack } else { x }
}

/// Which way round rows are.
pub fn arrow(descending: bool) -> &'static str {
    if descending { "▼" } else { "▲" }
}

/// The title that rows are sorted by: its column's name, whether the largest come first, and its style.
pub struct Sorted<'a> {
    /// The column's title.
    pub title: &'a str,
    /// The largest come first.
    pub descending: bool,
    /// What sets it off from the others, beside its arrow.
    pub style: Style,
}

/// Draws the titles in the first row of an area, but for those that would begin before the column `from`.
pub fn titles<R, C>(columns: &[Column<R, C>], style: Style, from: u16, area: Rect, buf: &mut Buffer) {
    sorted_titles(columns, None, style, from, area, buf);
}

/// The same with an arrow at the one that rows are sorted by: downward when the largest come first.
pub fn sorted_titles<R, C>(
    columns: &[Column<R, C>],
    sorted: Option<&Sorted<'_>>,
    style: Style,
    from: u16,
    area: Rect,
    buf: &mut Buffer,
) {
    for (at, x, width) in places(columns, area.width) {
        let column = &columns[at];
        let sorted = sorted.filter(|sorted| sorted.title == column.title);
        let arrow = sorted.map_or("", |sorted| arrow(sorted.descending));
        let style = sorted.map_or(style, |sorted| sorted.style);
        // Blanks around a title set it off from the rule it stands on: those outside the column are the gap's.
        let before = if column.align == Alignment::Right { 0 } else { GAP.min(x) };
        let after = if column.align == Alignment::Right { GAP.min(area.width - x - width) } else { 0 };
        let blank = |columns: u16| " ".repeat(usize::from(columns));
        if column.title.is_empty() {
            continue;
        }
        let words = marked(column, arrow, width);
        // Where there is room a blank sets the words off inside the column too.
        let spare = blank(u16::from(text::width(&words) < usize::from(width)));
        let title = match column.align {
            Alignment::Right => format!("{spare}{words}{}", blank(after)),
            _ => format!("{}{words}{spare}", blank(before)),
        };
        let (left, room) = (x - before, before + width + after);
        let slack = room.saturating_sub(text::width(&title) as u16);
        let start = if column.align == Alignment::Right { x + slack } else { x };
        if start >= from {
            put_aligned(&title, style, column.align, area, left, room, buf);
        }
    }
}

/// A title with its arrow beside it, apart from it where the column is wide enough.
fn marked<R, C>(column: &Column<R, C>, arrow: &str, width: u16) -> String {
    let title = column.title;
    let gap = if arrow.is_empty() || text::width(title) + 2 > usize::from(width) { "" } else { " " };
    match column.align {
        Alignment::Right => format!("{arrow}{gap}{title}"),
        _ => format!("{title}{gap}{arrow}"),
    }
}

/// Draws one row in the first row of an area.
pub fn row<R, C>(columns: &[Column<R, C>], of: &R, with: &C, area: Rect, buf: &mut Buffer) {
    for (at, x, width) in places(columns, area.width) {
        let column = &columns[at];
        let cell = (column.cell)(of, with);
        put_aligned(&cell.text, cell.style, column.align, area, x, width, buf);
    }
}

fn put_aligned(
    content: &str,
    style: Style,
    align: Alignment,
    area: Rect,
    x: u16,
    width: u16,
    buf: &mut Buffer,
) {
    if area.height == 0 || content.is_empty() {
        return;
    }
    let fitted = text::fit(content, usize::from(width));
    let slack = usize::from(width).saturating_sub(text::width(&fitted)) as u16;
    let shift = match align {
        Alignment::Left => 0,
        Alignment::Center => slack / 2,
        Alignment::Right => slack,
    };
    buf.set_span(area.x + x + shift, area.y, &Span::styled(fitted, style), width - shift);
}

/// A place after one step, not yet held inside a list's end.
pub fn step(at: usize, step: Step, page: usize) -> usize {
    let page = page.saturating_sub(1).max(1);
    match step {
        Step::Up => at.saturating_sub(1),
        Step::Down => at.saturating_add(1),
        Step::PageUp => at.saturating_sub(page),
        Step::PageDown => at.saturating_add(page),
        Step::Top => 0,
        Step::Bottom => usize::MAX,
    }
}

/// The first row to show so that the selected one is in sight, as near as can be to where it was.
pub fn window(offset: usize, selected: Option<usize>, len: usize, height: usize) -> usize {
    let mut offset = offset.min(len.saturating_sub(height));
    if let Some(at) = selected {
        offset = offset.min(at).max((at + 1).saturating_sub(height));
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(width: u16, from: u16) -> Column<(), ()> {
        Column { title: "t", width, align: Alignment::Left, from, cell: |(), ()| Cell::new("", Style::new()) }
    }

    #[test]
    fn the_last_column_takes_what_is_left_and_late_ones_wait_for_room() {
        let columns = [column(4, 0), column(6, 100), column(5, 0)];
        assert_eq!(places(&columns, 20), [(0, 0, 4), (2, 5, 15)]);
        assert_eq!(places(&columns, 100), [(0, 0, 4), (1, 5, 6), (2, 12, 88)]);
        assert_eq!(places(&columns, 3), [(0, 0, 3)]);
        assert_eq!(places(&columns, 0), []);
    }

    #[test]
    fn a_column_without_a_width_takes_what_the_others_leave_wherever_it_stands() {
        let columns = [column(4, 0), column(0, 0), column(5, 0), column(6, 100)];
        assert_eq!(places(&columns, 30), [(0, 0, 4), (1, 5, 19), (2, 25, 5)]);
        assert_eq!(places(&columns, 100), [(0, 0, 4), (1, 5, 82), (2, 88, 5), (3, 94, 6)]);
        assert_eq!(places(&columns, 12), [(0, 0, 4), (1, 5, 7)]);
    }

    #[test]
    fn the_selected_row_stays_in_sight() {
        assert_eq!(window(0, Some(7), 10, 5), 3);
        assert_eq!(window(3, Some(5), 10, 5), 3);
        assert_eq!(window(9, None, 10, 5), 5);
        assert_eq!(window(4, Some(0), 10, 5), 0);
        assert_eq!(window(4, Some(2), 10, 0), 3);
    }
}
