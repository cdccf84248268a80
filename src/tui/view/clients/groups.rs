//! One row a group: how many they are, and how that changes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{group_named, per_second, title};
use crate::snapshot::{GroupRow, Severity};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::listing::Listing;
use crate::tui::table::{self, Cell, Column};
use crate::tui::theme::{Theme, mark};
use crate::tui::view::list::{self, Titles};
use crate::tui::view::{Cx, NONE, age, known, sparkline};

/// What a cell needs besides its row.
pub(super) struct With {
    theme: Theme,
    flag: Option<Severity>,
}

type Of = Column<GroupRow, With>;

/// Columns of a count.
const COUNT: u16 = 7;

/// Columns of the trend.
const TREND: u16 = 24;

/// The columns, in order. Titles, widths and cells are said here and nowhere else.
pub(super) const COLUMNS: &[Of] = &[
    Of::word("", 1, 0, |_, with| Cell::new(with.flag.map_or("", mark), with.style())),
    Of::word("group", 0, 0, |row, with| Cell::new(label(row), with.style())),
    Of::number("count", COUNT, 0, |row, with| Cell::new(text::thousands(row.count), with.theme.text)),
    // The same where a filter leaves some of them.
    Of::number("count", 16, 0, |row, with| {
        let all = row.of.map_or(String::new(), |of| format!(" of {}", text::thousands(of)));
        Cell::new(format!("{}{all}", text::thousands(row.count)), with.theme.text)
    }),
    Of::number("change", 6, 44, |row, with| signed(row.change, with)),
    Of::number("grown", 7, 52, |row, with| signed(row.grown, with)),
    Of::number("rate", 7, 60, |row, with| {
        row.opening_rate
            .map_or(Cell::new(NONE, with.theme.dim), |rate| Cell::new(per_second(rate), quiet(rate, with)))
    }),
    Of::number("cmdrate", 8, 96, |row, with| match row.command_rate {
        Some(rate) => Cell::new(per_second(rate), quiet(rate, with)),
        None => Cell::new(NONE, with.theme.dim),
    }),
    Of::number("oldest", 8, 76, |row, with| Cell::new(age(row.oldest), with.theme.dim)),
    Of::number("idle", 7, 68, |row, with| Cell::new(age(row.longest_idle), with.theme.dim)),
    Of::number("waiting", 7, 116, |row, with| Cell::new(text::thousands(row.waiting), with.theme.dim)),
    Of::number("memory", 9, 106, |row, with| Cell::new(known(row.memory.map(text::bytes)), with.theme.dim)),
    Of::word("", TREND, 132, |row, with| {
        let most = row.series.iter().copied().max().unwrap_or(0);
        let values = row.series.iter().map(|count| u64::from(*count));
        let line = sparkline(values, u64::from(most), usize::from(TREND));
        Cell::new(format!("{line:>0$}", usize::from(TREND)), with.theme.available)
    }),
];

impl With {
    fn style(&self) -> Style {
        self.flag.map_or(self.theme.text, |flag| self.theme.severity(flag))
    }
}

/// A rate of nothing is nothing to look at.
fn quiet(rate: f64, with: &With) -> Style {
    if rate < 0.05 { with.theme.dim } else { with.theme.text }
}

fn signed(by: Option<i64>, with: &With) -> Cell {
    let Some(by) = by else { return Cell::new(NONE, with.theme.dim) };
    let short = text::short(by.unsigned_abs());
    match by {
        0 => Cell::new("0", with.theme.dim),
        1.. => Cell::new(format!("+{short}"), with.theme.text),
        _ => Cell::new(format!("−{short}"), with.theme.text),
    }
}

/// A group's name, and that it is ours alone.
fn label(row: &GroupRow) -> String {
    let label = group_named(row);
    if row.own > 0 && row.own == row.count { format!("us: {label}") } else { label }
}

/// The columns that some group has something in.
pub(super) fn columns(cx: &Cx<'_>) -> Vec<Of> {
    let (groups, filtered) = (cx.groups, cx.list.is_some_and(Listing::is_filtered));
    let shown = |column: &&Of| match column.title {
        "count" => filtered == (column.width > COUNT),
        "cmdrate" => groups.iter().any(|group| group.command_rate.is_some()),
        "memory" => groups.iter().any(|group| group.memory.is_some()),
        _ => true,
    };
    COLUMNS.iter().filter(shown).copied().collect()
}

pub(super) fn titles(cx: &Cx<'_>, list: &Listing, area: Rect) -> Titles<GroupRow, With> {
    Titles::new(Pane::Clients, columns(cx), cx, area, |shows| {
        title(cx, list::title::<GroupRow>(cx, list, shows))
    })
}

pub(super) fn draw_row(cx: &Cx<'_>, columns: &[Of], row: &GroupRow, line: Rect, buf: &mut Buffer) {
    let worst = cx.marks.of_group(row.by, &row.label).map(|mark| mark.severity);
    let with = With { theme: *cx.theme, flag: worst.or(row.flagged.then_some(Severity::Warn)) };
    table::row(columns, row, &with, line, buf);
}
