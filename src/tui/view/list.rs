//! What the panes of rows have in common: the count, filter and order in the title, the columns' titles, and the filter
//! line.

mod titles;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{Cx, more, outside_part, put};
use crate::fields::{self, Around, Listed, Value};
use crate::snapshot::{EventRow, LintRow};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::listing::{Listing, Sort};
use crate::tui::table;
use crate::tui::theme::Theme;

pub use titles::{Titles, in_sight};

/// What stands before the typed filter.
const HEAD: &str = " / ";

/// The title's words on a list: `3 of 9`, the filter in force, and the order where no column title shows it.
pub fn title<'a, R: Listed>(cx: &Cx<'_>, list: &Listing, titled: impl Fn(&str) -> bool) -> Vec<Span<'a>> {
    counted::<R>(cx, list, (list.rows().len(), list.total()), titled)
}

/// The same with numbers of one's own: those that are shown, and all.
pub fn counted<'a, R: Listed>(
    cx: &Cx<'_>,
    list: &Listing,
    count: (usize, usize),
    titled: impl Fn(&str) -> bool,
) -> Vec<Span<'a>> {
    let count = match count {
        (shown, total) if list.is_filtered() => {
            format!("{} of {} ", text::thousands(shown as u64), text::thousands(total as u64))
        }
        (_, total) => format!("{} ", text::thousands(total as u64)),
    };
    let mut spans = vec![Span::styled("· ", cx.theme.dim), Span::styled(count, cx.theme.text)];
    if list.is_filtered() && !cx.filtering {
        let filter = text::fit(&text::escape_str(list.in_force()), 30);
        spans.push(Span::styled(format!("/{filter} "), cx.theme.warn));
    }
    if let Some(order) = order::<R>(cx, list, titled) {
        spans.push(Span::styled(order, cx.theme.dim));
    }
    spans
}

fn order<R: Listed>(cx: &Cx<'_>, list: &Listing, titled: impl Fn(&str) -> bool) -> Option<String> {
    let sort = list.sort();
    let field = &R::FIELDS[sort.field];
    match field.said {
        // Beside other panes the order that every list begins with goes without saying.
        Some(_) if !cx.focused && sort == Sort::first::<R>() => None,
        Some(said) => Some(format!("{} ", said[usize::from(sort.descending)])),
        None if titled(field.name) => None,
        None => Some(format!("by {} {} ", field.name, table::arrow(sort.descending))),
    }
}

/// The fields that a pane this wide can be sorted by, one key press each: those of columns in sight.
pub fn sortable(app: &App, pane: Pane, width: u16) -> Vec<&'static str> {
    match pane {
        Pane::Connections => super::connections::titled(app, width),
        Pane::Clients => super::clients::titled(app, width),
        Pane::Lints => fields::names(LintRow::FIELDS),
        Pane::Events => fields::names(EventRow::FIELDS),
        Pane::Pools => super::pools::titled(app, width),
        Pane::Pool | Pane::Latency | Pane::Server | Pane::Shell | Pane::App => Vec::new(),
    }
}

/// The field whose column's title stands at this place of the screen, in a pane of this area.
pub fn field_at(app: &App, pane: Pane, area: Rect, at: Position) -> Option<&'static str> {
    match pane {
        Pane::Connections => super::connections::field_at(app, area, at),
        Pane::Clients => super::clients::field_at(app, area, at),
        Pane::Pools => super::pools::field_at(app, area, at),
        _ => None,
    }
}

/// Whether titles have a line of their own above the rows: where some rows are left below. The filter line takes its
/// place, so that no row moves when somebody comes to read and to filter.
pub fn headed(pane: Pane, filtering: bool, area: Rect) -> bool {
    matches!(pane, Pane::Connections | Pane::Clients | Pane::Pools) && !filtering && area.height >= 5
}

/// A row as a person would paste it: every field that is known, by name.
pub fn copied<R: Listed>(row: &R, around: &Around<'_>) -> String {
    let known = R::FIELDS.iter().filter_map(|field| match (field.value)(row, around) {
        Value::None => None,
        value => Some(format!("{} {}", field.name, fields::shown(&value))),
    });
    known.collect::<Vec<_>>().join("  ")
}

/// What a line at the top of an area, where there is one, leaves of it.
pub fn below(inner: Rect, lined: bool) -> Rect {
    let line = u16::from(lined).min(inner.height);
    Rect { y: inner.y + line, height: inner.height - line, ..inner }
}

/// What so many lines at the top of an area leave of it.
pub fn past(area: Rect, lines: usize) -> Rect {
    let lines = (lines as u16).min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// Where a pane's rows are drawn, and how.
pub struct Rows<'a> {
    /// The pane's whole area, whose rule says how many rows are out of sight.
    pub area: Rect,
    /// The rows' own.
    pub inner: Rect,
    /// How many lines each takes.
    pub each: u16,
    /// What is said where there are none.
    pub none: &'a str,
}

impl Rows<'_> {
    /// Draws the rows in sight, each by its place in the snapshot, and marks the selected one.
    pub fn draw(
        &self,
        cx: &Cx<'_>,
        list: &Listing,
        buf: &mut Buffer,
        row: impl Fn(usize, Rect, &mut Buffer),
    ) {
        let Self { area, inner, each, .. } = *self;
        let height = usize::from(inner.height / each);
        let rows = list.rows();
        let offset = table::window(cx.offset, cx.focused.then(|| list.at()), rows.len(), height);
        for (place, at) in rows.iter().enumerate().skip(offset).take(height) {
            let lines = Rect { y: inner.y + (place - offset) as u16 * each, height: each, ..inner };
            row(*at as usize, lines, buf);
            if cx.focused && place == list.at() {
                let first = Rect { height: 1, ..lines };
                buf.set_style(first.intersection(buf.area), cx.theme.selected);
            }
        }
        none(list, self.none, cx.theme, inner, buf);
        more(outside_part(offset, height, rows.len()), cx.theme, area, buf);
    }
}

/// How many rows of a list a pane of this area shows.
pub fn height(app: &App, pane: Pane, area: Rect) -> usize {
    let (first, each) = row_lines(app, pane, area);
    usize::from(area.bottom().saturating_sub(first) / each)
}

/// Where the first row of a pane's list is drawn, and how many lines each takes.
pub fn row_lines(app: &App, pane: Pane, area: Rect) -> (u16, u16) {
    let (focused, filtering) = (app.focus == pane, app.filtering(pane));
    let first = area.y + 1 + u16::from(filtering) + u16::from(headed(pane, filtering, area));
    let inner = Rect { y: first, height: area.bottom().saturating_sub(first), ..area };
    let each = match app.list(pane) {
        Some(list) if pane == Pane::Lints && focused => super::lints::lines_each(&app.shown, list, inner),
        _ => 1,
    };
    (first, each)
}

/// Draws the filter line in the first row of the pane's inside, when it is open, and what is wrong with it. Gives what
/// is left below.
pub fn filter_line(cx: &Cx<'_>, list: &Listing, inner: Rect, buf: &mut Buffer) -> Rect {
    if !cx.filtering {
        return inner;
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
            // Of every list: what connections alone have would be an error where clients are.
            let words = text::fit("word  field:regex  age>5s  !word", room);
            spans.push(Span::styled(format!("   {words}"), cx.theme.dim));
        }
        None => {}
    }
    put(Line::from(spans), inner, 0, buf);
    below(inner, true)
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
        let room = usize::from(inner.width.saturating_sub(1)).max(1);
        for (row, piece) in text::wrap(words, room, 0).into_iter().take(usize::from(inner.height)).enumerate()
        {
            put(Line::styled(format!(" {}", piece.trim_end()), theme.dim), inner, row as u16, buf);
        }
    }
}
