//! All judgements of a kind in one line: the connections' own rows say the rest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{advise, column, evidence};
use crate::snapshot::{About, ConnectionRow, LintRow, RowState, Snapshot, group_words};
use crate::text;
use crate::tui::layout::Scene;
use crate::tui::listing::Listing;
use crate::tui::theme::mark;
use crate::tui::view::connections::named;
use crate::tui::view::{Cx, age, list, more, outside, put};

/// How many connections a line names.
const NAMED: usize = 6;
/// How many holders.
const HOLDERS: usize = 3;

/// Draws the rows of the pane `area`, whose title is drawn.
pub(super) fn draw(cx: &Cx<'_>, list: &Listing, area: Rect, inner: Rect, buf: &mut Buffer) {
    let shown = list.rows().iter().filter_map(|at| cx.snapshot.lints.get(*at as usize));
    let groups = groups(shown.map(AsRef::as_ref));
    list::none(list, &super::nothing(cx), cx.theme, inner, buf);
    let height = usize::from(inner.height);
    for (row, group) in groups.iter().take(height).enumerate() {
        let line = match &group[..] {
            [one] => evidence(cx, one, inner.width),
            many => together(cx, many, inner.width),
        };
        put(line, inner, row as u16, buf);
    }
    // The title counts judgements, and so does this.
    let below = groups.iter().skip(height).map(Vec::len).sum();
    more((0, below), cx.theme, area, buf);
}

/// Judgements of a kind, kinds in the order of their worst.
fn groups<'a>(lints: impl Iterator<Item = &'a LintRow>) -> Vec<Vec<&'a LintRow>> {
    let mut groups: Vec<Vec<&LintRow>> = Vec::new();
    for lint in lints {
        let same = |group: &&mut Vec<&LintRow>| {
            group.first().is_some_and(|one| (one.id, one.severity) == (lint.id, lint.severity))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(lint),
            None => groups.push(vec![lint]),
        }
    }
    groups
}

/// `x leak  4: #1 #2 #3 #4  out up to 4.2 s  POOL HOLD 3 ×3, POOL LEAK 1`
fn together<'a>(cx: &Cx<'_>, lints: &[&LintRow], width: u16) -> Line<'a> {
    let (theme, snapshot) = (cx.theme, cx.snapshot);
    let Some(one) = lints.first() else { return Line::default() };
    let ids: Vec<String> =
        lints.iter().filter_map(|lint| lint.conn()).take(NAMED).map(|id| id.to_string()).collect();
    let rest = if lints.len() > NAMED { " …" } else { "" };
    let rows: Vec<&ConnectionRow> = lints.iter().filter_map(|lint| row(snapshot, lint)).collect();
    let longest = rows.iter().filter_map(|row| row.held_for(snapshot.as_of)).max();
    let out = longest.map(|longest| format!("  up to {}", age(longest))).unwrap_or_default();
    let mark_of_level = one.level.mark();
    let (many, who) = (lints.len(), holders(&rows));
    let words = if cx.scene == Scene::Watch || matches!(one.about, About::Place(..)) {
        format!("{mark_of_level}{many}: {}", abouts(cx, lints))
    } else if ids.is_empty() {
        // Each is a whole pool's: the first speaks for them.
        let pool = snapshot.pools.iter().find(|pool| Some(pool.id) == one.pool());
        let pool = pool.map_or_else(String::new, |pool| format!(", {}", pool.name));
        format!("{mark_of_level}{many} pools{pool}: {}", one.evidence)
    } else {
        format!("{mark_of_level}{many}: {}{rest}{out}{who}", ids.join(" "))
    };
    let name = format!(" {} {:<2$} ", mark(one.severity), one.id, column(cx.snapshot));
    let room = usize::from(width).saturating_sub(text::width(&name));
    let mut spans = vec![
        Span::styled(name, theme.severity(one.severity)),
        Span::styled(outside(&words, room), theme.text),
    ];
    advise(&mut spans, one.advice, width, theme);
    Line::from(spans)
}

/// What judgements of clients speak of, and the evidence of the first where each is of another kind of thing.
fn abouts(cx: &Cx<'_>, lints: &[&LintRow]) -> String {
    let about = |lint: &&LintRow| match &lint.about {
        About::Group(_, label) => Some(group_words(label).into_owned()),
        About::Client(_, id) => Some(format!("id {id}")),
        About::Node(node) => cx.marks.target(*node).map(str::to_owned),
        About::Place(_, place) => Some(place.to_string()),
        About::Pool(_) | About::Connection(..) => None,
    };
    let named: Vec<String> = lints.iter().filter_map(about).take(NAMED).collect();
    let rest = if lints.len() > named.len() { ", …" } else { "" };
    format!("{}{rest}", named.join(", "))
}

fn row<'a>(snapshot: &'a Snapshot, lint: &LintRow) -> Option<&'a ConnectionRow> {
    snapshot.connections.iter().find(|row| Some(row.id) == lint.conn()).map(AsRef::as_ref)
}

/// Who has them, most first.
fn holders(rows: &[&ConnectionRow]) -> String {
    let mut holders: Vec<(String, usize)> = Vec::new();
    for row in rows {
        let RowState::InUse { holder, .. } = &row.state else { continue };
        let name = named(holder);
        match holders.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => holders.push((name, 1)),
        }
    }
    holders.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest = holders.len().saturating_sub(HOLDERS);
    let mut words: Vec<String> = holders
        .into_iter()
        .take(HOLDERS)
        .map(|(name, count)| if count > 1 { format!("{name} ×{count}") } else { name })
        .collect();
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    if words.is_empty() { String::new() } else { format!("  {}", words.join(", ")) }
}
