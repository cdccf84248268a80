//! The clients of watched servers: one row a group of them, or one row each.

mod groups;
mod rows;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::list::{self, Rows};
use super::{Cx, outside, pane};
use crate::event::{Process, Refused};
use crate::snapshot::{GroupBy, GroupRow, group_words};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::listing::Listing;
use crate::tui::theme::Theme;

/// The largest part of a title that a group's name takes.
const NAMED: usize = 28;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let Some(list) = cx.list else { return };
    if cx.grouping.grouped() {
        let titles = groups::titles(cx, list, area);
        let inner = pane(cx, Pane::Clients, titles.title.clone(), area, buf);
        titles.draw(cx, list.sort(), buf);
        let all = cx.groups;
        rest(cx, list, area, inner, titles.line.y > area.y, buf, |at, line, buf| {
            if let Some(row) = all.get(at) {
                groups::draw_row(cx, &titles.columns, row, line, buf);
            }
        });
    } else {
        let titles = rows::titles(cx, list, area);
        let inner = pane(cx, Pane::Clients, titles.title.clone(), area, buf);
        titles.draw(cx, list.sort(), buf);
        rest(cx, list, area, inner, titles.line.y > area.y, buf, |at, line, buf| {
            if let Some(row) = cx.snapshot.clients.get(at) {
                rows::draw_row(cx, &titles.columns, row, line, buf);
            }
        });
    }
}

/// Draws what stands below the titles: the filter line while it is typed, and the rows in sight.
fn rest(
    cx: &Cx<'_>,
    list: &Listing,
    area: Rect,
    inner: Rect,
    headed: bool,
    buf: &mut Buffer,
    row: impl Fn(usize, Rect, &mut Buffer),
) {
    let inner = list::filter_line(cx, list, inner, buf);
    let inner = list::below(inner, headed);
    let none = none(cx, usize::from(inner.width) * usize::from(inner.height));
    Rows { area, inner, each: 1, none: &none }.draw(cx, list, buf, row);
}

/// Why there are no rows.
fn none(cx: &Cx<'_>, room: usize) -> String {
    let nodes = &cx.snapshot.nodes;
    let refused = nodes.iter().flat_map(|node| &node.refused).find(|refused| refused.command == CLIENT_LIST);
    if let Some(lost) = nodes.iter().find_map(|node| node.server.lost.as_ref()) {
        // With what to do about it, for which the line above may have no room.
        outside(&lost.error, room)
    } else if let Some(refused) = refused {
        outside(&refusal(refused), room)
    } else if nodes.iter().all(|node| node.look.is_none()) {
        "looking".to_owned()
    } else if cx.grouping.inside.is_some() {
        "none of this group is left".to_owned()
    } else {
        "none".to_owned()
    }
}

/// What clients are known by.
const CLIENT_LIST: &str = "CLIENT LIST";

/// What a server does not let us ask, and which right is missing; not yet escaped.
pub fn refusal(refused: &Refused) -> String {
    match &refused.rule {
        Some(rule) => format!("no right to {}: ACL rule {rule}", refused.command),
        None => format!("{} is refused: {}", refused.command, refused.error),
    }
}

/// What stands after the pane's name: what the rows are grouped by or the group they are of, and what the list says.
fn title(cx: &Cx<'_>, of_list: Vec<Span<'static>>) -> Vec<Span<'static>> {
    let grouping = cx.grouping;
    let dim = |words: String| Span::styled(words, cx.theme.dim);
    let mut title = match &grouping.inside {
        Some(label) => {
            let group = cx.snapshot.groups.by(grouping.by).iter().find(|group| group.label == *label);
            let label = group.map_or_else(
                || text::escape_str(&group_words(label)).into_owned(),
                |group| group_named(group),
            );
            let label = text::fit(&label, NAMED);
            vec![
                dim(format!("of {} ", grouping.by.word())),
                Span::styled(format!("{label} "), cx.theme.title),
            ]
        }
        None if grouping.by == GroupBy::None => Vec::new(),
        None => vec![dim(format!("by {} ", grouping.by.word()))],
    };
    title.extend(of_list);
    if cx.snapshot.out_of_sync {
        title.push(Span::styled("! some may be missing ", cx.theme.warn));
    }
    title
}

/// The fields that have a column in a table this wide, from the left.
pub fn titled(app: &App, width: u16) -> Vec<&'static str> {
    let cx = Cx::new(app, &Theme::MONO, Pane::Clients);
    if cx.grouping.grouped() {
        list::in_sight(&groups::columns(&cx), width, 0).collect()
    } else {
        list::in_sight(&rows::columns(&cx), width, 0).collect()
    }
}

/// The field whose column's title stands at this place of the screen, in a pane of this area.
pub fn field_at(app: &App, area: Rect, at: Position) -> Option<&'static str> {
    let cx = Cx::new(app, &Theme::MONO, Pane::Clients);
    let list = cx.list?;
    if cx.grouping.grouped() {
        groups::titles(&cx, list, area).field_at(area, at)
    } else {
        rows::titles(&cx, list, area).field_at(area, at)
    }
}

/// A process as a person knows it, its number where it is not cut: what tells one python3 from another is its command
/// line.
fn named(process: &Process) -> String {
    let name = &*process.name;
    let (first, rest) = process.command.split_once(' ').unwrap_or((&process.command, ""));
    let program = first.rsplit('/').next().unwrap_or(first);
    // The kernel keeps fifteen letters of a name.
    let same = !name.is_empty() && program.starts_with(name);
    let (name, rest) = if same { (program, rest) } else { (name, &*process.command) };
    let number = format!("{} {}", text::escape_str(name), process.pid);
    match rest.trim() {
        "" => number,
        rest => format!("{number}  {}", text::escape_str(rest)),
    }
}

/// A group's name, safe to show.
pub fn group_named(row: &GroupRow) -> String {
    row.process
        .as_ref()
        .map_or_else(|| text::escape_str(&group_words(&row.label)).into_owned(), |process| named(process))
}

/// A rate by the second, as short as a column needs it: `0.4/s`, `1.2k/s`.
pub fn per_second(rate: f64) -> String {
    match rate {
        rate if !rate.is_finite() => super::NONE.to_owned(),
        rate if rate < 0.05 => "0/s".to_owned(),
        rate if rate < 99.95 => format!("{rate:.1}/s"),
        rate => format!("{}/s", text::short(whole(rate))),
    }
}

/// Bytes a second.
pub fn bytes_per_second(rate: Option<f64>) -> String {
    let rate = rate.filter(|rate| rate.is_finite());
    rate.map_or(super::NONE.to_owned(), |rate| format!("{}/s", text::bytes(whole(rate))))
}

#[expect(clippy::cast_sign_loss, reason = "it has none")]
fn whole(rate: f64) -> u64 {
    rate.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{Listed, names};
    use crate::snapshot::ClientRow;

    #[test]
    fn every_title_is_a_field_to_sort_by() {
        for title in groups::COLUMNS.iter().map(|column| column.title).filter(|title| !title.is_empty()) {
            assert!(names(GroupRow::FIELDS).contains(&title), "{title:?}");
        }
        for title in rows::COLUMNS.iter().map(|column| column.title).filter(|title| !title.is_empty()) {
            assert!(names(ClientRow::FIELDS).contains(&title), "{title:?}");
        }
    }

    #[test]
    fn a_process_is_named_once_and_its_number_comes_before_what_may_be_cut() {
        let process = |name: &str, command: &str| {
            named(&Process {
                pid: 7,
                name: name.into(),
                command: command.into(),
                user: None,
                started_ms: None,
                container: None,
            })
        };
        assert_eq!(process("python3", "/usr/bin/python3 /srv/worker.py"), "python3 7  /srv/worker.py");
        assert_eq!(process("redis-benchmar", "redis-benchmark -c 50"), "redis-benchmark 7  -c 50");
        assert_eq!(process("gunicorn", "app: worker 3"), "gunicorn 7  app: worker 3");
        assert_eq!(process("redis-cli", "redis-cli"), "redis-cli 7");
        assert_eq!(process("kworker", ""), "kworker 7");
        assert_eq!(process("", "x\u{1b}y"), " 7  x\\x1by");
    }

    #[test]
    fn a_rate_is_short_whatever_it_is() {
        let shown = [0.0, 0.4, 50.24, 99.96, 12_345.0, f64::NAN, f64::MAX].map(per_second);
        assert_eq!(shown[..4], ["0/s", "0.4/s", "50.2/s", "99/s"]);
        assert!(shown.iter().all(|shown| text::width(shown) <= 8), "{shown:?}");
    }
}
