//! One row a connection: what it is, whether it is lent, to whom and for how long.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Cx, NONE, age, known, more, pane, put};
use crate::event::{Holder, Stamp};
use crate::snapshot::{ConnectionRow, RowState, Severity};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::{Theme, mark};

/// What a cell needs besides its row.
struct With {
    theme: Theme,
    as_of: Stamp,
    /// How bad the worst lint about this connection is.
    flag: Option<Severity>,
}

type Of = Column<ConnectionRow, With>;

const fn number(title: &'static str, width: u16, from: u16, cell: fn(&ConnectionRow, &With) -> Cell) -> Of {
    Column { title, width, align: Alignment::Right, from, cell }
}

const fn word(title: &'static str, width: u16, from: u16, cell: fn(&ConnectionRow, &With) -> Cell) -> Of {
    Column { title, width, align: Alignment::Left, from, cell }
}

/// The columns, in order. Titles, widths and cells are said here and nowhere else.
const COLUMNS: &[Of] = &[
    word("", 1, 0, |_, with| Cell::new(with.flag.map_or("", mark), with.flag_style())),
    number("", 4, 0, |row, with| Cell::new(row.id.to_string(), with.theme.text)),
    word("", 8, 0, |row, with| Cell::new(format!("id {}", known(row.server_id)), with.theme.dim)),
    word("state", 10, 0, state),
    number("held", 8, 0, |row, with| match row.held_for(with.as_of) {
        Some(held) => Cell::new(age(held), with.flag_style()),
        None => Cell::new("", with.theme.text),
    }),
    number("idle", 8, 0, |row, with| match row.idle_for(with.as_of) {
        Some(idle) => Cell::new(age(idle), with.theme.dim),
        None => Cell::new("busy", with.theme.text),
    }),
    number("uses", 6, 66, |row, with| Cell::new(text::thousands(row.uses), with.theme.text)),
    number("commands", 9, 110, |row, with| Cell::new(text::thousands(row.commands), with.theme.text)),
    number("age", 8, 110, |row, with| {
        Cell::new(known(row.opened.map(|opened| age(with.as_of.since(opened)))), with.theme.dim)
    }),
    number("create", 8, 120, |row, with| {
        Cell::new(known(row.steps.map(|steps| text::duration(steps.total()))), with.theme.dim)
    }),
    word("last", 9, 72, |row, with| {
        let name = row.last_command.as_deref().map_or(NONE.into(), text::escape_str);
        Cell::new(name, with.theme.text)
    }),
    word("holder", 0, 0, holder),
];

impl With {
    fn flag_style(&self) -> Style {
        self.flag.map_or(self.theme.text, |flag| self.theme.severity(flag))
    }
}

fn state(row: &ConnectionRow, with: &With) -> Cell {
    match &row.state {
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
fn named(holder: &Holder) -> String {
    let mut parts = Vec::new();
    if let Some(label) = &holder.label {
        parts.push(text::escape_str(label).into_owned());
    } else if let Some(task) = holder.task {
        parts.push(format!("task {task}"));
    }
    if let Some(location) = &holder.location {
        // The file's own name tells more in a narrow column than its directories.
        let short = location.rsplit(['/', '\\']).next().unwrap_or(location);
        parts.push(text::escape_str(short).into_owned());
    }
    if parts.is_empty() { NONE.to_owned() } else { parts.join("  ") }
}

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let rows = &cx.snapshot.connections;
    let count = if cx.snapshot.pools.is_empty() { NONE.to_owned() } else { rows.len().to_string() };
    let mut title = vec![Span::styled(format!("{count} "), cx.theme.text)];
    if cx.snapshot.out_of_sync {
        title.push(Span::styled("! some may be missing ", cx.theme.warn));
    }
    let title_width: usize = title.iter().map(Span::width).sum::<usize>() + " 4 connections ".len();
    let inner = pane(cx, Pane::Connections, title, area, buf);
    let height = usize::from(inner.height);
    let selected = cx.selected.and_then(|id| rows.iter().position(|row| row.id == id));
    let offset = table::window(cx.offset, selected.filter(|_| cx.focused), rows.len(), height);
    titles(cx, title_width as u16, area, buf);
    for (y, row) in rows.iter().skip(offset).take(height).enumerate() {
        let line = Rect { y: inner.y + y as u16, height: 1, ..inner };
        draw_row(cx, row, line, buf);
    }
    if rows.is_empty() {
        let words =
            if cx.snapshot.pools.is_empty() { NONE } else { "none open: the first command opens one" };
        put(Line::styled(format!(" {words}"), cx.theme.dim), inner, 0, buf);
    }
    more(rows.len().saturating_sub(offset + height), cx.theme, area, buf);
}

/// Titles on the pane's rule, but for those that its own title covers.
fn titles(cx: &Cx<'_>, from: u16, area: Rect, buf: &mut Buffer) {
    let rule = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
    table::titles(COLUMNS, cx.theme.dim, from, rule, buf);
}

fn draw_row(cx: &Cx<'_>, row: &ConnectionRow, line: Rect, buf: &mut Buffer) {
    let worst =
        cx.snapshot.lints.iter().filter(|lint| lint.conn == Some(row.id)).map(|lint| lint.severity).max();
    let flag = worst.or(row.flagged.then_some(Severity::Warn));
    let with = With { theme: *cx.theme, as_of: cx.snapshot.as_of, flag };
    table::row(COLUMNS, row, &with, line, buf);
    if cx.focused && cx.selected == Some(row.id) {
        buf.set_style(line, cx.theme.selected);
    }
}
