//! Judgements that hold now, worst first: a mark, a name, the evidence, and with room what to do about it.

mod groups;

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::Rows;
use super::{Cx, list, outside, pane, put};
use crate::snapshot::{AppRow, FoundRow, LintRow, Snapshot};
use crate::text;
use crate::tui::layout::{Pane, Scene};
use crate::tui::listing::Listing;
use crate::tui::theme::{Theme, mark};

/// From this width on the advice stands on the evidence's own line.
const WIDE: u16 = 120;
/// What is over and told where nothing holds; the report has them all.
const LISTED: usize = 8;
/// What stands where no lint holds.
fn nothing(cx: &Cx<'_>) -> Cow<'static, str> {
    let app = cx.snapshot.app.as_deref();
    if let Some(app) = app.filter(|app| app.left.is_empty() && !app.found.is_empty()) {
        return was(app).into();
    }
    let none = match cx.scene {
        _ if cx.snapshot.app.as_deref().is_some_and(|app| !app.left.is_empty()) => {
            "none now, but not all was given back: connections tells what is left"
        }
        Scene::Run | Scene::Attach if cx.snapshot.pools.is_empty() => "none: no pool has reported",
        Scene::Pool | Scene::Run | Scene::Attach => "none: nothing leaks, nothing waits",
        Scene::Watch if cx.snapshot.nodes.iter().any(|node| node.look.is_some()) => {
            "none: no client is a suspect"
        }
        Scene::Watch => "none: no client has been looked at",
    };
    none.into()
}

/// What held in an app and is over, worst first: `none now; exhausted was, for 3.6 s: 50 timed out`.
fn was(app: &AppRow) -> String {
    let one = |row: &Arc<FoundRow>| {
        let times =
            if row.count > 1 { format!(" {} times", text::thousands(row.count)) } else { String::new() };
        let longest = text::duration(row.longest);
        format!("{} was{times}, for {longest}: {}", row.id, text::escape_str(&row.evidence))
    };
    let mut said = String::from("none now");
    for row in app.found.iter().take(LISTED) {
        said.push_str("; ");
        said.push_str(&one(row));
    }
    let more = app.more_found + app.found.len().saturating_sub(LISTED) as u64;
    if more > 0 {
        let _ = write!(said, "; and {} more", text::thousands(more));
    }
    said
}

/// Draws the pane: while it has the keys every judgement, else one line for all of a kind.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let Some(list) = cx.list else { return };
    let all = &cx.snapshot.lints;
    let style = all.first().map_or(cx.theme.text, |worst| cx.theme.severity(worst.severity));
    let mut title = list::title::<LintRow>(cx, list, |_| false);
    title[1].style = style;
    let inner = pane(cx, Pane::Lints, title, area, buf);
    if !cx.focused {
        return groups::draw(cx, list, area, inner, buf);
    }
    let inner = list::filter_line(cx, list, inner, buf);
    let none = nothing(cx);
    let rows = Rows { area, inner, each: lines_each(cx.snapshot, list, inner), none: &none };
    rows.draw(cx, list, buf, |at, lines, buf| {
        let Some(row) = all.get(at) else { return };
        if lines.height == 1 {
            return put(evidence(cx, row, lines.width), lines, 0, buf);
        }
        let (evidence, advice) = pieces(row, column(cx.snapshot), lines.width);
        // What is cut is cut in the evidence: the details have all of it.
        let spare = usize::from(lines.height).saturating_sub(advice.len()).max(1);
        let name = format!(" {} {:<2$} ", mark(row.severity), row.id, column(cx.snapshot));
        let indent = " ".repeat(text::width(&name));
        let left_out = evidence.len() > spare;
        for (at, words) in evidence.iter().take(spare).enumerate() {
            let head =
                Span::styled(if at == 0 { &name } else { &indent }.clone(), cx.theme.severity(row.severity));
            let cut = if left_out && at + 1 == spare { "…" } else { "" };
            let words = format!("{}{cut}", words.trim_end());
            put(Line::from(vec![head, Span::styled(words, cx.theme.text)]), lines, at as u16, buf);
        }
        let below = list::past(lines, evidence.len().min(spare));
        for (at, words) in advice.iter().enumerate() {
            let words = format!("{indent}  {}", words.trim_end());
            put(Line::styled(words, cx.theme.dim), below, at as u16, buf);
        }
    });
}

/// How many lines each lint of a list that is read takes in this area: as many as the longest needs, evidence and
/// advice, while there is room for all of them; else one for each of the two, or one for both where it is wide.
pub fn lines_each(snapshot: &Snapshot, list: &Listing, inner: Rect) -> u16 {
    let least = if inner.width < WIDE { 2 } else { 1 };
    let listed = list.rows().iter().filter_map(|at| snapshot.lints.get(*at as usize));
    let count = list.rows().len().max(1);
    let room = usize::from(inner.height) / count;
    if room <= least {
        return least as u16;
    }
    let column = column(snapshot);
    let beside = |lint: &LintRow| column + 4 + text::width(&lint.said()) + 3 + text::width(lint.advice);
    let needed = |lint: &LintRow| {
        if least == 1 && beside(lint) <= usize::from(inner.width) {
            return 1;
        }
        let (evidence, advice) = pieces(lint, column, inner.width);
        evidence.len() + advice.len()
    };
    listed.map(|lint| needed(lint)).max().unwrap_or(least).clamp(least, room) as u16
}

/// Evidence and advice of a lint as lines of a pane this wide, beside its name and below.
fn pieces(lint: &LintRow, column: usize, width: u16) -> (Vec<String>, Vec<String>) {
    let room = usize::from(width).saturating_sub(column + 5).max(1);
    let said = text::escape_str(&lint.said()).into_owned();
    let owned = |pieces: Vec<&str>| pieces.into_iter().map(str::to_owned).collect();
    // One too long to read in a pane is cut there: no pane is so high.
    let said = outside(&said, room * usize::from(u8::MAX));
    (owned(text::wrap(&said, room, 0)), owned(text::wrap(lint.advice, room.saturating_sub(2).max(1), 0)))
}

/// How wide the names are: as the longest of those that hold.
fn column(snapshot: &Snapshot) -> usize {
    snapshot.lints.iter().map(|lint| lint.id.len()).fold(11, usize::max)
}

fn evidence<'a>(cx: &Cx<'_>, lint: &LintRow, width: u16) -> Line<'a> {
    let theme: &Theme = cx.theme;
    let style = theme.severity(lint.severity);
    let name = format!(" {} {:<2$} ", mark(lint.severity), lint.id, column(cx.snapshot));
    let room = usize::from(width).saturating_sub(text::width(&name));
    let evidence = outside(&lint.said(), room);
    let mut spans = vec![Span::styled(name, style), Span::styled(evidence, theme.text)];
    advise(&mut spans, lint.advice, width, theme);
    Line::from(spans)
}

/// Adds the advice at the end of a wide line.
fn advise(spans: &mut Vec<Span<'_>>, advice: &'static str, width: u16, theme: &Theme) {
    let used: usize = spans.iter().map(Span::width).sum();
    let left = usize::from(width).saturating_sub(used);
    if width >= WIDE && left > 20 {
        spans.push(Span::styled(text::fit(&format!("   {advice}"), left), theme.dim));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::snapshot::Severity;

    #[test]
    fn what_is_over_is_told_as_what_was() {
        let row = |count| FoundRow {
            id: "exhausted",
            severity: Severity::Bad,
            holder: None,
            pool: String::new(),
            count,
            longest: Duration::from_millis(3_600),
            shortest: Duration::ZERO,
            evidence: "50 timed out\u{1b}".to_owned(),
            advice: "",
        };
        let app =
            AppRow { found: vec![Arc::new(row(1)), Arc::new(row(2))], more_found: 3, ..AppRow::default() };
        let want = "none now; exhausted was, for 3.6 s: 50 timed out\\x1b; \
                    exhausted was 2 times, for 3.6 s: 50 timed out\\x1b; and 3 more";
        assert_eq!(was(&app), want);
    }
}
