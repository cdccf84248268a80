//! The screen drawn from the app's state: every view is pure and total, at any size, whatever the snapshot holds.
//!
//! A pane's view takes a [`Cx`] and an area, draws its own title on the area's first row and its content below.

pub mod app;
pub mod causes;
pub mod clients;
pub mod connections;
pub mod details;
pub mod events;
pub mod footer;
pub mod header;
pub mod help;
pub mod latency;
pub mod lints;
pub mod list;
pub mod nodes;
pub mod notice;
pub mod pool;
pub mod pools;
pub mod server;
pub mod shell;
mod tape;

use std::fmt::Display;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::app::App;
use super::layout::{Pane, SMALLEST, Scene};
use super::listing::{Grouping, Listing, Lists, Narrow};
use super::output;
use super::theme::Theme;
use crate::fields::Marks;
use crate::fields::pools::Member;
use crate::snapshot::{ConnectionRow, GroupRow, LeftRow, PoolRow, Snapshot};
use crate::text;

pub use crate::text::{NONE, age};
pub use list::height as list_height;

/// What a pane's view draws from.
pub struct Cx<'a> {
    /// The facts.
    pub snapshot: &'a Snapshot,
    /// The styles.
    pub theme: &'a Theme,
    /// The pane has the keys.
    pub focused: bool,
    /// Rows scrolled past.
    pub offset: usize,
    /// Its rows, where it has any.
    pub list: Option<&'a Listing>,
    /// Its filter line is open.
    pub filtering: bool,
    /// What lints say of rows.
    pub marks: &'a Marks,
    /// Which panes there are.
    pub scene: Scene,
    /// What the clients are shown as.
    pub grouping: &'a Grouping,
    /// Their groups, as a filter leaves them.
    pub groups: &'a [Arc<GroupRow>],
    /// An app's processes and pools.
    pub members: &'a [Member],
    /// Whose connections alone are shown.
    pub narrow: Option<Narrow>,
    /// What an app's processes lost.
    pub lost: &'a [Arc<LeftRow>],
    lists: &'a Lists,
    /// The pool that is shown.
    front: Option<&'a PoolRow>,
}

impl<'a> Cx<'a> {
    fn new(app: &'a App, theme: &'a Theme, pane: Pane) -> Self {
        Self {
            snapshot: &app.shown,
            theme,
            focused: app.focus == pane,
            offset: app.offset(pane),
            list: app.list(pane),
            filtering: app.filtering(pane),
            marks: app.lists.marks(),
            scene: app.scene,
            grouping: app.lists.grouping(),
            groups: app.lists.groups(&app.shown),
            members: app.lists.members(),
            narrow: app.lists.narrow(),
            lost: app.lists.lost(),
            lists: &app.lists,
            front: app.front().map(AsRef::as_ref),
        }
    }

    /// A connection by its place in the list of them.
    pub fn connection(&self, at: usize) -> Option<&'a ConnectionRow> {
        self.lists.connection(self.snapshot, at).map(AsRef::as_ref)
    }

    /// The pool that is shown.
    pub fn pool(&self) -> Option<&'a PoolRow> {
        self.front
    }
}

/// Draws the whole screen and puts the cursor where typing goes.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    let cursor = screen(app, theme, area, frame.buffer_mut());
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
}

/// Draws the whole screen into a buffer, and says where the cursor goes.
pub fn screen(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = area.intersection(buf.area);
    // The area decides, not what the app last heard: nothing is ever drawn outside it.
    let plan = app.plan_for(area.as_size());
    if !plan.fits() {
        too_small(theme, area, buf);
        theme.finish(buf);
        return None;
    }
    header::draw(app, theme, plan.header, buf);
    if let Some(banner) = plan.banner {
        header::banner(app, theme, banner, buf);
    }
    if let Some(summary) = plan.summary {
        header::summary(app, theme, summary, buf);
    }
    let mut cursor = None;
    for (pane, area) in &plan.panes {
        let cx = Cx::new(app, theme, *pane);
        match pane {
            Pane::Pool => pool::draw(&cx, *area, buf),
            Pane::Latency => latency::draw(&cx, *area, buf),
            Pane::Server if app.scene == Scene::Watch => nodes::draw(&cx, *area, buf),
            Pane::Server => server::draw(&cx, *area, buf),
            Pane::Clients => clients::draw(&cx, *area, buf),
            Pane::Connections => connections::draw(&cx, *area, buf),
            Pane::Pools => pools::draw(&cx, *area, buf),
            Pane::App => cursor = app::draw(app, &cx, *area, buf),
            Pane::Lints => lints::draw(&cx, *area, buf),
            Pane::Events => events::draw(&cx, *area, buf),
            Pane::Shell => {
                let clients = plan.area(Pane::Server).is_none() && !plan.small();
                cursor = shell::draw(app, &cx, clients, *area, buf);
            }
        }
        if plan.small() {
            header::small(app, theme, *pane, Rect { height: 1, ..*area }, buf);
        }
        if let Some(list) = cx.list.filter(|_| cx.filtering) {
            cursor = Some(list::cursor(list, *area));
        }
    }
    if app.details.is_some() {
        details::draw(app, theme, area, buf);
        cursor = None;
    }
    cursor = notice::draw(app, theme, &plan, buf).or(cursor);
    footer::draw(app, theme, plan.footer, buf);
    if let Some(help) = &app.help {
        help::draw(&app.facts.keys, help, theme, area, buf);
        cursor = None;
    }
    theme.finish(buf);
    cursor
}

/// How many rows a pane's content has that is no list, for scrolling.
pub fn length(pane: Pane, app: &App) -> usize {
    match pane {
        Pane::Server if app.scene == Scene::Watch => nodes::length(&app.shown),
        Pane::Server => server::length(&app.shown),
        // Its first line may be the pool's name.
        Pane::Latency => latency::length(app.front().map(AsRef::as_ref)) + usize::from(app.scene.is_inside()),
        _ => 0,
    }
}

fn too_small(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let message =
        format!("redis-pooltop needs {}×{} at least. Ctrl-D quits.", SMALLEST.width, SMALLEST.height);
    for (row, piece) in output::wrap(&message, usize::from(area.width)).into_iter().enumerate() {
        put(Line::styled(piece, theme.text), area, row as u16, buf);
    }
}

/// Writes a line in a row of an area; outside the area, nothing. What is cut ends in `…`.
pub fn put<'a>(line: impl Into<Line<'a>>, area: Rect, row: u16, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if row < area.height {
        let line = line.into();
        let width = (line.width() as u16).min(area.width);
        let under = Rect { y: area.y + row, width, height: 1, ..area };
        // Else words on a rule would be as faint as it is.
        buf.set_style(under, Style::reset());
        buf.set_line(area.x, under.y, &line, area.width);
        // Blanks that are cut are no loss.
        let whole: String = line.iter().map(|span| span.content.as_ref()).collect();
        if area.width > 0 && text::width(whole.trim_end()) > usize::from(area.width) {
            cut(Position { x: area.right() - 1, y: under.y }, area.x, buf);
        }
    }
}

/// Says at the end of a row that it is cut there.
fn cut(end: Position, left: u16, buf: &mut Buffer) {
    // A wide character takes two cells: none of them may be left alone.
    if end.x > left && text::width(buf[(end.x - 1, end.y)].symbol()) > 1 {
        buf[(end.x - 1, end.y)].set_symbol(" ");
    }
    buf[end].set_symbol("…");
}

/// Writes a line at the right end of a row, leaving what is left of it.
pub fn put_right(line: &Line<'_>, area: Rect, row: u16, buf: &mut Buffer) {
    let width = (line.width() as u16).min(area.width);
    let right = Rect { x: area.right() - width, width, ..area };
    put(line.clone(), right, row, buf);
}

/// Says at the right end of a pane's rule how many rows lie above and below what is shown.
pub fn more(outside: (usize, usize), theme: &Theme, area: Rect, buf: &mut Buffer) {
    let words = Line::styled(more_words(outside), theme.text);
    put_right(&words, Rect { width: area.width.saturating_sub(1), ..area }, 0, buf);
}

/// ` ↑ 3  ↓ 9 more `; empty when all is in sight.
fn more_words((above, below): (usize, usize)) -> String {
    let sides = [("↑", above), ("↓", below)].into_iter().filter(|(_, rows)| *rows > 0);
    let sides: Vec<String> =
        sides.map(|(arrow, rows)| format!("{arrow} {}", text::thousands(rows as u64))).collect();
    if sides.is_empty() { String::new() } else { format!(" {} more ", sides.join("  ")) }
}

/// How many of `len` rows lie above and below a part of that height.
pub fn outside_part(offset: usize, height: usize, len: usize) -> (usize, usize) {
    (offset.min(len), len.saturating_sub(offset + height))
}

/// Draws a pane's title on a rule across its first row, and gives the rows below it.
pub fn pane<'a>(
    cx: &Cx<'_>,
    pane: Pane,
    title: impl IntoIterator<Item = Span<'a>>,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let area = area.intersection(buf.area);
    let (glyph, style) = if cx.focused { ("━", cx.theme.focus) } else { ("─", cx.theme.rule) };
    put(Line::styled(glyph.repeat(usize::from(area.width)), style), area, 0, buf);
    let name = if cx.focused { cx.theme.focus } else { cx.theme.title };
    let mut spans = vec![
        Span::styled(format!(" {} ", cx.scene.number(pane)), cx.theme.dim),
        Span::styled(format!("{} ", pane.name()), name),
    ];
    spans.extend(title);
    let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    put(Line::from(spans), inside, 0, buf);
    Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area }
}

/// A number, or the mark of one that is not known.
pub fn known(value: Option<impl Display>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// A text from outside, safe and cut to so many columns.
pub fn outside(content: &str, columns: usize) -> String {
    text::fit(&text::escape_str(content), columns)
}

/// A label and its value, the value in its own style.
pub fn labelled<'a>(label: &'static str, value: String, style: Style, theme: &Theme) -> [Span<'a>; 3] {
    [Span::styled(label, theme.dim), Span::raw(" "), Span::styled(value, style)]
}

/// A bar of `width` cells, `part` of `whole` of them full: any part shows, and only all fills it.
pub fn bar(part: u64, whole: u64, width: usize) -> (usize, usize) {
    if whole == 0 || width == 0 {
        return (0, width);
    }
    let part = part.min(whole);
    let exact =
        ((u128::from(part) * width as u128 * 2 + u128::from(whole)) / (u128::from(whole) * 2)) as usize;
    let full = match part {
        0 => 0,
        part if part == whole => width,
        _ => exact.clamp(1, width.saturating_sub(1).max(1)),
    };
    (full, width - full)
}

/// Blocks by how many eighths of them are full.
pub const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A line of eighth blocks, one a value, the newest at the right; values beyond `width` are left out.
pub fn sparkline(values: impl DoubleEndedIterator<Item = u64>, most: u64, width: usize) -> String {
    let mut line: Vec<&str> = values
        .rev()
        .take(width)
        .map(|value| {
            let eighths =
                (u128::from(value.min(most)) * 8).checked_div(u128::from(most)).unwrap_or(0) as usize;
            EIGHTHS[if value > 0 { eighths.max(1) } else { 0 }]
        })
        .collect();
    line.reverse();
    line.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_any_part_and_is_full_only_when_all_is() {
        assert_eq!(bar(0, 10, 10), (0, 10));
        assert_eq!(bar(1, 1000, 10), (1, 9));
        assert_eq!(bar(999, 1000, 10), (9, 1));
        assert_eq!(bar(10, 10, 10), (10, 0));
        assert_eq!(bar(12, 10, 10), (10, 0));
        assert_eq!(bar(1, 2, 1), (1, 0));
        assert_eq!(bar(1, 0, 4), (0, 4));
    }

    #[test]
    fn a_sparkline_keeps_the_newest_and_lets_one_show() {
        assert_eq!(sparkline([0, 1, 5, 10].into_iter(), 10, 3), "▁▄█");
        assert_eq!(sparkline([0, 1].into_iter(), 100, 9), " ▁");
        assert_eq!(sparkline([3].into_iter(), 0, 9), "▁");
        assert_eq!(sparkline([u64::MAX].into_iter(), 7, 1), "█");
    }
}
