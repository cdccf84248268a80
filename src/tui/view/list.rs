//! What the panes of rows have in common: the count, filter and order in the title, and the filter line.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{Cx, put};
use crate::text;
use crate::tui::app::App;
use crate::tui::fields::Listed;
use crate::tui::layout::Pane;
use crate::tui::listing::{Listing, Sort};
use crate::tui::table;
use crate::tui::theme::Theme;

/// What stands before the typed filter.
const HEAD: &str = " / ";

/// The title's words on a list: `3 of 9`, the filter in force, and the order where no column title shows it.
pub fn title<'a, R: Listed>(cx: &Cx<'_>, list: &Listing, titled: impl Fn(&str) -> bool) -> Vec<Span<'a>> {
    let count = match (list.rows().len(), list.total()) {
        (shown, total) if list.is_filtered() => {
            format!("{} of {} ", text::thousands(shown as u64), text::thousands(total as u64))
        }
        (_, total) => format!("{} ", text::thousands(total as u64)),
    };
    let mut spans = vec![Span::styled(count, cx.theme.text)];
    if list.is_filtered() && !cx.filtering {
        let filter = text::fit(&text::escape_str(list.in_force()), 30);
        spans.push(Span::styled(format!("/{filter} "), cx.theme.warn));
    }
    if let Some(order) = order::<R>(list.sort(), titled) {
        spans.push(Span::styled(order, cx.theme.dim));
    }
    spans
}

fn order<R: Listed>(sort: Sort, titled: impl Fn(&str) -> bool) -> Option<String> {
    match sort.field.map(|field| R::FIELDS[field].name) {
        Some(name) if titled(name) => None,
        Some(name) => Some(format!("by {name} {} ", table::arrow(sort.descending))),
        None => sort.descending.then(|| "turned round ".to_owned()),
    }
}

/// The rows' own area: what the title and an open filter line leave of a pane's.
pub fn area(inner: Rect, filtering: bool) -> Rect {
    let line = u16::from(filtering).min(inner.height);
    Rect { y: inner.y + line, height: inner.height - line, ..inner }
}

/// How many rows of a list a pane of this area shows.
pub fn height(app: &App, pane: Pane, area: Rect) -> usize {
    let (first, each) = row_lines(app, pane, area);
    usize::from(area.bottom().saturating_sub(first) / each)
}

/// Where the first row of a pane's list is drawn, and how many lines each takes.
pub fn row_lines(app: &App, pane: Pane, area: Rect) -> (u16, u16) {
    let first = area.y + 1 + u16::from(app.filtering(pane));
    let each = if pane == Pane::Lints { super::lints::lines_each(app.focus == pane, area.width) } else { 1 };
    (first, each)
}

/// Draws the filter line in the first row of the pane's inside, when it is open, and what is wrong with it.
pub fn filter_line(cx: &Cx<'_>, list: &Listing, inner: Rect, buf: &mut Buffer) {
    if !cx.filtering {
        return;
    }
    let width = usize::from(inner.width);
    let typed = tail(list.typed(), width);
    let mut spans = vec![Span::styled(HEAD, cx.theme.key), Span::styled(typed, cx.theme.text)];
    let used: usize = spans.iter().map(Span::width).sum();
    let room = width.saturating_sub(used + 4);
    match list.error() {
        Some(error) => {
            let error = text::fit(&text::escape_str(error), room);
            spans.push(Span::styled(format!("   {error}"), cx.theme.error));
        }
        None if list.typed().is_empty() => {
            let words = text::fit("word  field:regex  held>5s  !word", room);
            spans.push(Span::styled(format!("   {words}"), cx.theme.dim));
        }
        None => {}
    }
    put(Line::from(spans), inner, 0, buf);
}

/// Where the cursor stands in the filter line of a pane of this area.
pub fn cursor(list: &Listing, area: Rect) -> Position {
    let typed = text::width(&tail(list.typed(), usize::from(area.width)));
    Position { x: area.x + (HEAD.len() + typed) as u16, y: area.y + 1 }
}

/// The end of the typed line that has room beside its head and the cursor.
fn tail(typed: &str, width: usize) -> String {
    let safe = text::escape_str(typed);
    let room = width.saturating_sub(HEAD.len() + 1);
    let mut rest: &str = &safe;
    while text::width(rest) > room {
        let mut letters = rest.chars();
        letters.next();
        rest = letters.as_str();
    }
    rest.to_owned()
}

/// What an empty list says: nothing is there, or the filter leaves nothing.
pub fn none(list: &Listing, words: &str, theme: &Theme, inner: Rect, buf: &mut Buffer) {
    if list.rows().is_empty() {
        let words = if list.is_filtered() { "the filter leaves none" } else { words };
        put(Line::styled(format!(" {words}"), theme.dim), inner, 0, buf);
    }
}
