//! An app's processes, and below each its pools: which is full, who waits, and how long one has been out.

mod process;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::list::{Rows, Titles};
use super::pool::fullness;
use super::{Cx, NONE, age, bar, known, list, outside, pane};
use crate::event::Stamp;
use crate::fields::pools::{Member, Owned, is_unbounded, limit};
use crate::snapshot::{PoolRow, Severity};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::listing::Listing;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::{Theme, mark};

pub(super) use process::said;

/// What a cell needs besides its row.
struct With {
    theme: Theme,
    as_of: Stamp,
    flag: Option<Severity>,
}

type Of = Column<Member, With>;

/// Cells of a gauge.
const GAUGE: u16 = 8;

/// The columns of a pool, in order. Titles, widths and cells are said here and nowhere else.
const COLUMNS: &[Of] = &[
    Of::word("", 1, 0, |row, with| {
        let full = row.owned().is_some_and(|owned| is_full(&owned.pool));
        Cell::new(with.flag.map_or(if full { "!" } else { "" }, mark), with.style(row))
    }),
    Of::word("pool", 0, 0, |row, with| {
        Cell::new(row.owned().map_or_else(String::new, label), with.style(row))
    }),
    Of::word("target", 20, 104, |row, with| {
        Cell::new(
            row.owned().map_or_else(String::new, |owned| outside(&owned.pool.target, 64)),
            with.dim(row),
        )
    }),
    Of::word("", GAUGE, 72, gauge),
    Of::number("in-use", 7, 0, |row, with| count(row, with, |pool| pool.in_use, with.in_use(row))),
    Of::number("max", 5, 0, |row, with| match row.owned() {
        Some(owned) if is_unbounded(&owned.pool) => Cell::new("none", with.dim(row)),
        _ => count(row, with, |pool| pool.max, with.dim(row)),
    }),
    Of::number("available", 10, 50, |row, with| {
        count(row, with, |pool| pool.available, with.or_dim(row, with.theme.available))
    }),
    Of::number("opening", 8, 92, |row, with| {
        count(row, with, |pool| pool.opening, with.or_dim(row, with.theme.text))
    }),
    Of::number("waiting", 8, 0, |row, with| {
        let waits = row.owned().and_then(|owned| owned.pool.waiting).unwrap_or(0) > 0;
        count(
            row,
            with,
            |pool| pool.waiting,
            with.or_dim(row, if waits { with.theme.warn } else { with.theme.dim }),
        )
    }),
    Of::number("held", 7, 40, |row, with| {
        let held = row.owned().and_then(|owned| owned.longest.as_ref()?.held_for(with.as_of));
        Cell::new(held.map(age).unwrap_or_default(), with.style(row))
    }),
    Of::number("checkouts", 10, 128, |row, with| {
        let all = row.owned().map(|owned| text::thousands(owned.pool.totals.checkouts));
        Cell::new(known(all), with.dim(row))
    }),
    Of::word("made", 30, 150, |row, with| {
        let made =
            row.owned().map(|owned| owned.made().map(|made| text::fit_end(&text::escape_str(made), 30)));
        Cell::new(known(made.flatten()), with.dim(row))
    }),
];

impl With {
    /// That of a name, and of what a lint is about.
    fn style(&self, row: &Member) -> Style {
        let flagged = self.flag.map(|flag| self.theme.severity(flag));
        self.or_dim(row, flagged.unwrap_or(self.theme.text))
    }

    fn or_dim(&self, row: &Member, style: Style) -> Style {
        if row.is_over() { self.theme.dim } else { style }
    }

    fn dim(&self, _: &Member) -> Style {
        self.theme.dim
    }

    fn in_use(&self, row: &Member) -> Style {
        let full = row.owned().and_then(|owned| Some((owned.pool.in_use?, limit(&owned.pool)?)));
        let style = full.map_or(self.theme.in_use, |(used, max)| fullness(&self.theme, used, max));
        self.or_dim(row, style)
    }
}

/// Whether nothing more can be lent.
fn is_full(pool: &PoolRow) -> bool {
    let max = limit(pool).filter(|max| *max > 0 && !pool.stopped);
    max.zip(pool.in_use).is_some_and(|(max, used)| used >= max)
}

fn count(row: &Member, with: &With, of: fn(&PoolRow) -> Option<u32>, style: Style) -> Cell {
    match row.owned().map(|owned| of(&owned.pool)) {
        Some(Some(count)) => Cell::new(text::thousands(u64::from(count)), style),
        Some(None) => Cell::new(NONE, with.theme.dim),
        None => Cell::new("", style),
    }
}

fn gauge(row: &Member, with: &With) -> Cell {
    let used = row.owned().and_then(|owned| Some((owned.pool.in_use?, limit(&owned.pool)?)));
    let Some((used, max)) = used.filter(|_| !row.is_over()) else { return Cell::new("", with.theme.dim) };
    let (full, empty) = bar(u64::from(used), u64::from(max), usize::from(GAUGE));
    Cell::new(format!("{}{}", "█".repeat(full), "░".repeat(empty)), with.in_use(row))
}

/// A pool as a person knows it: its name, where it was made, and what is to be known of its kind.
fn label(owned: &Owned) -> String {
    let made = owned.made().map(|made| text::escape_str(text::file_name(made)).into_owned());
    let mut parts: Vec<String> = std::iter::once(named(&owned.pool)).chain(made).collect();
    let class = owned.pool.inside.as_ref().and_then(|inside| inside.class.rsplit('.').next());
    if class == Some(&*owned.pool.name) {
        // One without a name is known by its line.
        parts.reverse();
    }
    let mut label = format!("  {}", parts.join("  "));
    for word in owned.kind() {
        label.push_str("  ");
        label.push_str(word);
    }
    label
}

/// A pool's name, safe to show.
pub(super) fn named(pool: &PoolRow) -> String {
    if pool.name.is_empty() { NONE.to_owned() } else { text::escape_str(&pool.name).into_owned() }
}

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let Some(list) = cx.list else { return };
    let titles = titles(cx, list, area);
    let inner = pane(cx, Pane::Pools, titles.title.clone(), area, buf);
    titles.draw(cx, list.sort(), buf);
    let inner = list::filter_line(cx, list, inner, buf);
    let inner = list::below(inner, titles.line.y > area.y);
    let silent = cx.snapshot.app.as_deref().and_then(|app| app.silent.as_deref());
    let none = silent.map_or_else(
        || "no process has reported yet".to_owned(),
        |why| outside(why, usize::from(inner.width) * usize::from(inner.height)),
    );
    Rows { area, inner, each: 1, none: &none }.draw(cx, list, buf, |at, line, buf| {
        match cx.members.get(at) {
            Some(Member::Process(row)) => process::draw(cx, row, line, buf),
            Some(member @ Member::Pool(owned)) => {
                let flag = cx.marks.of_pool(owned.pool.id).map(|mark| mark.severity);
                let with = With { theme: *cx.theme, as_of: cx.snapshot.as_of, flag };
                table::row(&titles.columns, member, &with, line, buf);
            }
            None => {}
        }
    });
}

fn titles(cx: &Cx<'_>, list: &Listing, area: Rect) -> Titles<Member, With> {
    Titles::new(Pane::Pools, COLUMNS.to_vec(), cx, area, |shows| title(cx, list, shows))
}

/// How many pools there are, and of how many processes.
fn title(cx: &Cx<'_>, list: &Listing, shows: impl Fn(&str) -> bool) -> Vec<Span<'static>> {
    let is_pool = |at: &&u32| cx.members.get(**at as usize).is_some_and(|member| member.owned().is_some());
    let left = list.rows().iter().filter(is_pool).count();
    let all = cx.members.iter().filter(|member| member.owned().is_some()).count();
    let mut title = list::counted::<Member>(cx, list, (left, all), shows);
    let processes = cx.snapshot.app.iter().flat_map(|app| &app.processes);
    let (gone, live): (Vec<_>, Vec<_>) = processes.partition(|process| process.gone.is_some());
    let words = match (live.len(), gone.len()) {
        (0, 0) => return title,
        (0, 1) => "of 1 process that is gone".to_owned(),
        (0, gone) => format!("of {gone} processes that are gone"),
        (1, 0) => "of 1 process".to_owned(),
        (live, 0) => format!("of {live} processes"),
        (live, gone) => format!("of {} processes, {gone} gone", live + gone),
    };
    let more = cx.snapshot.app.as_deref().map_or(0, |app| app.more_pools);
    if more > 0 {
        let words = format!("and {} more ", text::thousands(more));
        title.insert(2, Span::styled(words, cx.theme.warn));
    }
    // The order, where it is told, stands apart from it.
    let apart = if title.len() > 2 + usize::from(more > 0) { " · " } else { " " };
    title.insert(2 + usize::from(more > 0), Span::styled(format!("{words}{apart}"), cx.theme.dim));
    title
}

/// The fields that have a column in a table this wide, from the left.
pub fn titled(_: &App, width: u16) -> Vec<&'static str> {
    list::in_sight(COLUMNS, width, 0).collect()
}

/// The field whose column's title stands at this place of the screen, in a pane of this area.
pub fn field_at(app: &App, area: Rect, at: Position) -> Option<&'static str> {
    let cx = Cx::new(app, &Theme::MONO, Pane::Pools);
    titles(&cx, cx.list?, area).field_at(area, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{Listed, names};

    #[test]
    fn every_title_is_a_field_to_sort_by() {
        for title in COLUMNS.iter().map(|column| column.title).filter(|title| !title.is_empty()) {
            assert!(names(Member::FIELDS).contains(&title), "{title:?}");
        }
    }
}
