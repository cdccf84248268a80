//! Judgements that hold now, worst first: a mark, a name, the evidence, and with room what to do about it.

mod groups;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::list::Rows;
use super::{Cx, list, outside, pane, put};
use crate::snapshot::LintRow;
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::theme::{Theme, mark};

/// From this width on the advice stands on the evidence's own line.
const WIDE: u16 = 120;
/// What stands where no lint holds.
const NOTHING: &str = "none: nothing leaks, nothing waits";

/// Draws the pane: while it has the keys every judgement, else one line for all of a kind.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let Some(list) = cx.list else { return };
    let all = &cx.snapshot.lints;
    let style = all.first().map_or(cx.theme.text, |worst| cx.theme.severity(worst.severity));
    let mut title = list::title::<LintRow>(cx, list, |_| false);
    title[0].style = style;
    let inner = pane(cx, Pane::Lints, title, area, buf);
    if !cx.focused {
        return groups::draw(cx, list, area, inner, buf);
    }
    let inner = list::filter_line(cx, list, inner, buf);
    let rows = Rows { area, inner, each: lines_each(cx.focused, inner.width), none: NOTHING };
    rows.draw(cx, list, buf, |at, lines, buf| {
        let Some(row) = all.get(at) else { return };
        put(evidence(cx, row, lines.width), lines, 0, buf);
        if lines.height > 1 {
            let advice = format!("{:1$}{2}", "", column(cx) + 6, row.advice);
            put(Line::styled(advice, cx.theme.dim), lines, 1, buf);
        }
    });
}

/// How many lines a lint takes: its advice has one of its own where it does not fit beside the evidence and the pane is
/// being read.
pub fn lines_each(focused: bool, width: u16) -> u16 {
    if focused && width < WIDE { 2 } else { 1 }
}

/// How wide the names are: as the longest of those that hold.
fn column(cx: &Cx<'_>) -> usize {
    cx.snapshot.lints.iter().map(|lint| lint.id.len()).fold(11, usize::max)
}

fn evidence<'a>(cx: &Cx<'_>, lint: &LintRow, width: u16) -> Line<'a> {
    let theme: &Theme = cx.theme;
    let style = theme.severity(lint.severity);
    let name = format!(" {} {:<2$} ", mark(lint.severity), lint.id, column(cx));
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
