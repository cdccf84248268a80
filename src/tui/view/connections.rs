//! One row a connection: what it is, whether it is lent, to whom and for how long.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Span;

use super::list::{Rows, Titles};
use super::{Cx, NONE, age, known, list, outside, pane};
use crate::event::{Holder, How, Stamp};
use crate::snapshot::{ConnectionRow, RowState, Severity};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::listing::{Listing, Narrow};
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::{Theme, mark};

/// Most columns of a pool's name.
const POOL: u16 = 24;

/// The narrowest table that shows these columns of an app's connections.
const INSIDE: [(&str, u16); 8] = [
    ("server", 124),
    ("idle", 50),
    ("uses", 104),
    ("commands", 150),
    ("age", 136),
    ("create", 164),
    ("last", 72),
    ("pool", 88),
];

/// What a cell needs besides its row.
struct With {
    theme: Theme,
    as_of: Stamp,
    /// How bad the worst lint about this connection is.
    flag: Option<Severity>,
    /// What its pool is called, where there are several.
    pool: String,
    /// It is not there any more, and so many were never given back.
    lost: Option<u64>,
    /// Of an app's short leases nobody tells: what such a connection did is not known.
    untold: bool,
}

type Of = Column<ConnectionRow, With>;

/// The columns, in order. Titles, widths and cells are said here and nowhere else.
const COLUMNS: &[Of] = &[
    Of::word("", 1, 0, |_, with| Cell::new(with.flag.map_or("", mark), with.flag_style())),
    Of::number("id", 4, 0, |row, with| Cell::new(row.id.to_string(), with.theme.text)),
    Of::word("server", 8, 0, |row, with| Cell::new(format!("id {}", known(row.client_id())), with.theme.dim)),
    Of::word("state", 9, 0, state),
    Of::number("held", 7, 0, |row, with| match row.held_for(with.as_of) {
        Some(held) => Cell::new(age(held), with.flag_style()),
        None => Cell::new("", with.theme.text),
    }),
    Of::number("idle", 7, 0, |row, with| match row.idle_for(with.as_of) {
        _ if with.untold => Cell::new(NONE, with.theme.dim),
        Some(idle) => Cell::new(age(idle), with.theme.dim),
        None => Cell::new("busy", with.theme.text),
    }),
    Of::number("uses", 6, 66, |row, with| with.count(row.uses)),
    Of::number("commands", 10, 110, |row, with| with.count(row.commands)),
    Of::number("age", 8, 110, |row, with| {
        Cell::new(known(row.opened.map(|opened| age(with.as_of.since(opened)))), with.theme.dim)
    }),
    Of::number("create", 8, 120, |row, with| {
        Cell::new(known(row.steps.map(|steps| text::duration(steps.total()))), with.theme.dim)
    }),
    Of::word("pool", 0, 96, |_, with| Cell::new(text::escape_str(&with.pool), with.theme.dim)),
    Of::word("last", 9, 72, |row, with| {
        let name = row.last_sent().map_or(NONE.into(), text::escape_str);
        Cell::new(name, with.theme.text)
    }),
    Of::word("holder", 0, 0, holder),
];

/// The columns with ids as wide as they are: an id that is cut is an id that cannot be typed.
fn columns(cx: &Cx<'_>) -> Vec<Of> {
    let (marks, pools) = (cx.marks, cx.marks.pools_width().min(POOL));
    let several = pools > 0 && !matches!(cx.narrow, Some(Narrow::Pool(_)));
    let shown = |column: &&Of| several || column.title != "pool";
    let mut columns: Vec<Of> = COLUMNS.iter().filter(shown).copied().collect();
    if cx.scene.is_inside() {
        // The line of code is what a person looks for: the rest waits for room.
        for column in &mut columns {
            column.from = INSIDE
                .iter()
                .find(|(title, _)| *title == column.title)
                .map_or(column.from, |(_, from)| *from);
        }
    }
    if let Some(column) = columns.iter_mut().find(|column| column.title == "pool") {
        column.width = pools.max(5);
    }
    let (ours, servers) = marks.widest;
    columns[1].width = columns[1].width.max(ours).min(9);
    columns[2].width = columns[2].width.max(servers).min(14);
    columns[3].width = columns[3].width.max(marks.state).min(14);
    columns
}

impl With {
    fn count(&self, count: u64) -> Cell {
        if self.untold {
            return Cell::new(NONE, self.theme.dim);
        }
        Cell::new(text::thousands(count), self.theme.text)
    }

    fn flag_style(&self) -> Style {
        self.flag.map_or(self.theme.text, |flag| self.theme.severity(flag))
    }
}

fn state(row: &ConnectionRow, with: &With) -> Cell {
    if let Some(lost) = with.lost {
        return Cell::new(format!("left ×{}", text::short(lost)), with.theme.bad);
    }
    match &row.state {
        RowState::InUse { .. } if row.dead_since.is_some() => Cell::new("dead", with.theme.bad),
        _ if row.is_half_open() => Cell::new("half-open", with.theme.bad),
        // What keeps it on its lease says more than that it is in use, which the held time says already.
        RowState::InUse { pinned: Some(by), .. } => Cell::new(text::escape_str(by), with.theme.in_use),
        RowState::InUse { .. } => Cell::new("in use", with.theme.in_use),
        RowState::Available { .. } => Cell::new("available", with.theme.available),
    }
}

fn holder(row: &ConnectionRow, with: &With) -> Cell {
    match &row.state {
        RowState::InUse { holder, .. } => Cell::new(named(holder), with.theme.text),
        RowState::Available { .. } => Cell::new("", with.theme.text),
    }
}

/// A holder in one line: its label or task, and the place in the code that took the connection.
pub fn named(holder: &Holder) -> String {
    let mut parts = Vec::new();
    if let Some(label) = &holder.label {
        parts.push(text::escape_str(label).into_owned());
    } else if let Some(task) = holder.task {
        parts.push(format!("task {task}"));
    }
    if let Some(location) = &holder.location {
        // The file's own name tells more in a narrow column than its directories.
        let short = text::escape_str(text::file_name(location));
        match &holder.function {
            // It is who a person asks for: what may be cut stands behind it.
            Some(function) => parts.insert(0, format!("{short} in {}", text::escape_str(function))),
            None => parts.push(short.into_owned()),
        }
    }
    parts.extend(holder.how.filter(|how| *how != How::Command).map(|how| how.word().to_owned()));
    if parts.is_empty() { NONE.to_owned() } else { parts.join("  ") }
}

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let Some(list) = cx.list else { return };
    let titles = titles(cx, list, area);
    let inner = pane(cx, Pane::Connections, titles.title.clone(), area, buf);
    titles.draw(cx, list.sort(), buf);
    let inner = list::filter_line(cx, list, inner, buf);
    let inner = list::below(inner, titles.line.y > area.y);
    let none = match &cx.snapshot.server.lost {
        _ if cx.snapshot.pools.is_empty() => NONE.to_owned(),
        // With what to do about it, for which the line above may have no room.
        Some(silent) => outside(&silent.error, usize::from(inner.width) * usize::from(inner.height)),
        None if cx.narrow.is_some() => "none open of this one".to_owned(),
        None if cx.scene.is_inside() => "none open".to_owned(),
        None => "none open: the first command opens one".to_owned(),
    };
    let rows = Rows { area, inner, each: 1, none: &none };
    rows.draw(cx, list, buf, |at, line, buf| {
        let below = at.checked_sub(cx.snapshot.connections.len());
        let count = below.and_then(|at| cx.lost.get(at)).map(|lost| lost.count);
        if let Some(row) = cx.connection(at) {
            draw_row(cx, &titles.columns, row, count, line, buf);
        }
    });
}

fn titles(cx: &Cx<'_>, list: &Listing, area: Rect) -> Titles<ConnectionRow, With> {
    Titles::new(Pane::Connections, columns(cx), cx, area, |shows| title(cx, list, shows))
}

/// What stands after the pane's name.
fn title(cx: &Cx<'_>, list: &Listing, shows: impl Fn(&str) -> bool) -> Vec<Span<'static>> {
    let mut title = whose(cx);
    title.extend(if cx.snapshot.pools.is_empty() {
        vec![Span::styled(format!("{NONE} "), cx.theme.text)]
    } else {
        list::title::<ConnectionRow>(cx, list, shows)
    });
    if cx.snapshot.out_of_sync {
        title.push(Span::styled("! some may be missing ", cx.theme.warn));
    }
    title
}

/// Whose they are, where they are not everybody's.
fn whose(cx: &Cx<'_>) -> Vec<Span<'static>> {
    let (word, name) = match cx.narrow {
        None => return Vec::new(),
        Some(Narrow::Pool(id)) => {
            let name = cx.snapshot.pools.iter().find(|pool| pool.id == id).map(|pool| &*pool.name);
            ("pool", cx.marks.pool(id).or(name).map(|name| outside(name, usize::from(POOL))))
        }
        Some(Narrow::Process(id)) => {
            let process = cx.snapshot.app.as_deref().and_then(|app| app.process(id));
            ("process", process.map(|process| process.facts.pid.to_string()))
        }
    };
    vec![
        Span::styled(format!("of {word} "), cx.theme.dim),
        Span::styled(format!("{} ", known(name)), cx.theme.title),
    ]
}

/// The fields that have a column in a table this wide, from the left.
pub fn titled(app: &App, width: u16) -> Vec<&'static str> {
    let cx = Cx::new(app, &Theme::MONO, Pane::Connections);
    list::in_sight(&columns(&cx), width, 0).collect()
}

/// The field whose column's title stands at this place of the screen, in a pane of this area.
pub fn field_at(app: &App, area: Rect, at: Position) -> Option<&'static str> {
    let cx = Cx::new(app, &Theme::MONO, Pane::Connections);
    titles(&cx, cx.list?, area).field_at(area, at)
}

fn draw_row(
    cx: &Cx<'_>,
    columns: &[Of],
    row: &ConnectionRow,
    lost: Option<u64>,
    line: Rect,
    buf: &mut Buffer,
) {
    let worst = cx.marks.of(row.id).map(|mark| mark.severity);
    let flag = worst.or(row.flagged.then_some(if lost.is_some() { Severity::Bad } else { Severity::Warn }));
    let untold = cx.scene.is_inside() && row.uses == 0 && matches!(row.state, RowState::Available { .. });
    let pool = cx.marks.pool(row.pool).unwrap_or_default().to_owned();
    let with = With { theme: *cx.theme, as_of: cx.snapshot.as_of, flag, pool, lost, untold };
    table::row(columns, row, &with, line, buf);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Listed;

    #[test]
    fn every_title_is_a_field_to_sort_by() {
        for column in COLUMNS.iter().filter(|column| !column.title.is_empty()) {
            let known = ConnectionRow::FIELDS.iter().any(|field| field.name == column.title);
            assert!(known, "{:?}", column.title);
        }
    }
}
