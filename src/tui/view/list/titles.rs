//! Where the titles of a pane's columns stand: in a line of their own, or where there is no room for one on the pane's
//! rule, but for those that its own title covers.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::headed;
use crate::fields::Listed;
use crate::tui::layout::Pane;
use crate::tui::listing::Sort;
use crate::tui::table::{self, Column, Sorted};
use crate::tui::view::Cx;

/// A pane's title and its columns' titles.
pub struct Titles<R: 'static, C: 'static> {
    /// The columns.
    pub columns: Vec<Column<R, C>>,
    /// The pane's title.
    pub title: Vec<Span<'static>>,
    /// The line they are drawn in.
    pub line: Rect,
    /// The first column that is free for them.
    from: u16,
}

impl<R: Listed, C> Titles<R, C> {
    /// Those of a pane of this area. `title` makes the pane's own, knowing which columns show theirs.
    pub fn new(
        pane: Pane,
        columns: Vec<Column<R, C>>,
        cx: &Cx<'_>,
        area: Rect,
        title: impl Fn(&dyn Fn(&str) -> bool) -> Vec<Span<'static>>,
    ) -> Self {
        if headed(pane, cx.filtering, area) {
            let shown = title(&|field| in_sight(&columns, area.width, 0).any(|title| title == field));
            let line = Rect { y: area.y + 1, height: 1, ..area };
            return Self { columns, title: shown, line, from: 0 };
        }
        let from = width(pane, cx, &title(&|_| true));
        let shown = title(&|field| in_sight(&columns, area.width, from).any(|title| title == field));
        let from = width(pane, cx, &shown);
        Self { columns, title: shown, line: Rect { height: area.height.min(1), ..area }, from }
    }

    /// Draws the columns' titles.
    pub fn draw(&self, cx: &Cx<'_>, sort: Sort, buf: &mut Buffer) {
        let sorted =
            Sorted { title: R::FIELDS[sort.field].name, descending: sort.descending, style: cx.theme.title };
        let line = self.line.intersection(buf.area);
        table::sorted_titles(&self.columns, Some(&sorted), cx.theme.dim, self.from, line, buf);
    }

    /// The field whose title stands at this place of the screen, in a pane of this area.
    pub fn field_at(&self, area: Rect, at: Position) -> Option<&'static str> {
        let x = at.x.checked_sub(area.x).filter(|x| at.y == self.line.y && *x >= self.from)?;
        let places = table::places(&self.columns, area.width);
        let (at, ..) = places.into_iter().find(|(_, left, wide)| (*left..*left + *wide).contains(&x))?;
        Some(self.columns[at].title).filter(|field| !field.is_empty())
    }
}

/// How much of the rule the pane's number, its name and its title take.
fn width(pane: Pane, cx: &Cx<'_>, title: &[Span<'_>]) -> u16 {
    let name = format!(" {} {} ", cx.scene.number(pane), pane.name());
    (title.iter().map(Span::width).sum::<usize>() + name.len()) as u16
}

/// The titles of a table this wide that begin at the column `from` or after it.
pub fn in_sight<R, C>(
    columns: &[Column<R, C>],
    width: u16,
    from: u16,
) -> impl Iterator<Item = &'static str> + use<'_, R, C> {
    let places = table::places(columns, width).into_iter();
    let seen = places.filter(move |(at, x, wide)| table::title_start(&columns[*at], *x, *wide) >= from);
    seen.map(|(at, ..)| columns[at].title).filter(|title| !title.is_empty())
}
