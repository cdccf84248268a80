//! One row a client: who it is, what it does, and since when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{bytes_per_second, named, per_second, title};
use crate::event::{Stamp, Whose};
use crate::snapshot::{ClientRow, ClientState, GroupBy, Severity};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::listing::Listing;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::{Theme, mark};
use crate::tui::view::list::{self, Titles};
use crate::tui::view::{Cx, NONE, age, known};

/// What a cell needs besides its row.
pub(super) struct With {
    theme: Theme,
    as_of: Stamp,
    flag: Option<Severity>,
    /// Where its server is, where there are several.
    server: String,
}

type Of = Column<ClientRow, With>;

/// The columns, in order; what is narrow shows those first whose `from` is least. Titles, widths and cells are said here
/// and nowhere else.
pub(super) const COLUMNS: &[Of] = &[
    Of::word("", 2, 0, |row, with| match with.flag {
        Some(flag) => Cell::new(mark(flag), with.style()),
        None if row.own => Cell::new("us", with.theme.dim),
        None => Cell::new("", with.theme.text),
    }),
    Of::number("id", 7, 0, |row, with| Cell::new(row.client.id.to_string(), with.style())),
    Of::word("server", 18, 0, |_, with| Cell::new(text::escape_str(&with.server), with.theme.text)),
    Of::word("state", 11, 0, state),
    Of::number("idle", 7, 36, |row, with| Cell::new(age(row.idle(with.as_of)), with.theme.text)),
    Of::number("age", 7, 46, |row, with| Cell::new(age(row.age(with.as_of)), with.theme.dim)),
    Of::word("cmd", 12, 58, |row, with| words(row.client.command.as_deref(), with.theme.text, with)),
    Of::number("cmdrate", 8, 112, |row, with| rate(row.command_rate, with)),
    Of::number("inrate", 9, 176, |row, with| bytes_rate(row.in_rate, with)),
    Of::number("outrate", 9, 176, |row, with| bytes_rate(row.out_rate, with)),
    Of::number("memory", 9, 122, |row, with| {
        Cell::new(known(row.client.memory.map(text::bytes)), with.theme.dim)
    }),
    Of::number("db", 3, 104, |row, with| Cell::new(known(row.client.db), with.theme.dim)),
    Of::word("user", 10, 132, |row, with| words(row.client.user.as_deref(), with.theme.dim, with)),
    Of::word("lib", 18, 158, |row, with| {
        let library = GroupBy::Library.label(row, "");
        Cell::new(text::escape_str(&library), with.theme.dim)
    }),
    Of::word("name", 14, 76, |row, with| words(row.client.name.as_deref(), with.theme.text, with)),
    Of::word("addr", 21, 96, |row, with| words(Some(&row.client.addr), with.theme.dim, with)),
    Of::word("process", 0, 0, process),
];

impl With {
    fn style(&self) -> Style {
        self.flag.map_or(self.theme.text, |flag| self.theme.severity(flag))
    }
}

fn words(words: Option<&str>, style: Style, with: &With) -> Cell {
    match words.filter(|words| !words.is_empty()) {
        Some(words) => Cell::new(text::escape_str(words), style),
        None => Cell::new(NONE, with.theme.dim),
    }
}

fn rate(rate: Option<f64>, with: &With) -> Cell {
    Cell::new(rate.map_or(NONE.to_owned(), per_second), with.theme.dim)
}

fn bytes_rate(rate: Option<f64>, with: &With) -> Cell {
    Cell::new(bytes_per_second(rate), with.theme.dim)
}

fn state(row: &ClientRow, with: &With) -> Cell {
    let style = match row.state {
        ClientState::Idle => with.theme.dim,
        ClientState::Active => with.theme.available,
        ClientState::Closing => with.theme.warn,
        ClientState::Blocked | ClientState::Subscribed | ClientState::Monitor | ClientState::Replica => {
            with.theme.in_use
        }
        ClientState::Transaction => with.theme.text,
    };
    Cell::new(row.state.word(), style)
}

/// The process with its command line; or why it is not known, and where the client comes from.
fn process(row: &ClientRow, with: &With) -> Cell {
    match (row.process(), &row.whose) {
        (Some(process), _) => Cell::new(named(process), with.theme.text),
        (None, Some(Whose::Unsupported) | None) => Cell::new(NONE, with.theme.dim),
        (None, Some(other)) => Cell::new(other.word(), with.theme.dim),
    }
}

/// The columns that say something here: not the one that all rows of an open group have in common, nor those that no
/// row has; the server where there are several.
pub(super) fn columns(cx: &Cx<'_>) -> Vec<Of> {
    let grouping = cx.grouping;
    let of = |by| grouping.inside.is_some() && grouping.by == by;
    let clients = &cx.snapshot.clients;
    let named = clients.iter().any(|row| row.client.name.as_ref().is_some_and(|name| !name.is_empty()));
    let owned = clients.iter().any(|row| row.process().is_some());
    let some = |known: fn(&ClientRow) -> bool| clients.iter().any(|row| known(row));
    let shown = |title: &str| match title {
        "server" => cx.snapshot.nodes.len() > 1 && !of(GroupBy::Server),
        "name" => named && !of(GroupBy::Name),
        "user" => !of(GroupBy::User),
        "lib" => some(|row| row.client.lib_name.is_some()) && !of(GroupBy::Library),
        "memory" => some(|row| row.client.memory.is_some()),
        "cmdrate" => some(|row| row.command_rate.is_some()),
        "inrate" => some(|row| row.in_rate.is_some()),
        "outrate" => some(|row| row.out_rate.is_some()),
        "process" => owned && !of(GroupBy::Process),
        _ => true,
    };
    let mut columns: Vec<Of> = COLUMNS.iter().filter(|column| shown(column.title)).copied().collect();
    let digits =
        clients.iter().map(|row| row.client.id).max().unwrap_or(0).checked_ilog10().unwrap_or(0) as u16 + 1;
    columns[1].width = digits.clamp(4, 12);
    // Without a process the address is what is left to know a client by.
    if let Some(last) = columns.last_mut().filter(|last| last.title == "addr") {
        (last.width, last.from) = (0, 0);
    }
    columns
}

pub(super) fn titles(cx: &Cx<'_>, list: &Listing, area: Rect) -> Titles<ClientRow, With> {
    Titles::new(Pane::Clients, columns(cx), cx, area, |shows| {
        title(cx, list::title::<ClientRow>(cx, list, shows))
    })
}

pub(super) fn draw_row(cx: &Cx<'_>, columns: &[Of], row: &ClientRow, line: Rect, buf: &mut Buffer) {
    let worst = cx.marks.of_client(row.node, row.client.id).map(|mark| mark.severity);
    let server = match cx.marks.target(row.node) {
        Some(target) if cx.snapshot.nodes.len() > 1 => target.to_owned(),
        _ => String::new(),
    };
    let flag = worst.or(row.flagged.then_some(Severity::Warn));
    let with = With { theme: *cx.theme, as_of: cx.snapshot.as_of, flag, server };
    table::row(columns, row, &with, line, buf);
}
