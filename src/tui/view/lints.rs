//! Judgements that hold now, worst first: a mark, a name, the evidence, and with room what to do about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, more, outside, pane, put};
use crate::snapshot::{LintRow, Snapshot};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::theme::{Theme, mark};

/// From this width on the advice stands on the evidence's own line.
const WIDE: u16 = 120;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let lints = &cx.snapshot.lints;
    let style = lints.first().map_or(cx.theme.text, |worst| cx.theme.severity(worst.severity));
    let title = [Span::styled(format!("{} ", lints.len()), style)];
    let inner = pane(cx, Pane::Lints, title, area, buf);
    let height = usize::from(inner.height);
    if lints.is_empty() {
        put(Line::styled(" none: nothing leaks, nothing waits", cx.theme.dim), inner, 0, buf);
        return;
    }
    let spread = cx.focused && inner.width < WIDE;
    let rows: Vec<Line<'_>> = lints
        .iter()
        .flat_map(|lint| {
            let line = evidence(cx, lint, inner.width);
            let advice = spread.then(|| Line::styled(format!("{:17}{}", "", lint.advice), cx.theme.dim));
            std::iter::once(line).chain(advice)
        })
        .collect();
    let offset = cx.offset.min(rows.len().saturating_sub(height));
    for (row, line) in rows.into_iter().skip(offset).take(height).enumerate() {
        put(line, inner, row as u16, buf);
    }
    let all = length(cx.snapshot, if spread { 0 } else { WIDE });
    more(all.saturating_sub(offset + height), cx.theme, area, buf);
}

/// How many rows the pane has when it has the keys.
pub fn length(snapshot: &Snapshot, width: u16) -> usize {
    snapshot.lints.len() * if width < WIDE { 2 } else { 1 }
}

fn evidence<'a>(cx: &Cx<'_>, lint: &LintRow, width: u16) -> Line<'a> {
    let theme: &Theme = cx.theme;
    let style = theme.severity(lint.severity);
    let name = format!(" {} {:<11} ", mark(lint.severity), lint.id);
    let room = usize::from(width).saturating_sub(text::width(&name));
    let evidence = outside(&lint.evidence, room);
    let left = room.saturating_sub(text::width(&evidence));
    let mut spans = vec![Span::styled(name, style), Span::styled(evidence, theme.text)];
    if width >= WIDE && left > 20 {
        spans.push(Span::styled(text::fit(&format!("   {}", lint.advice), left), theme.dim));
    }
    Line::from(spans)
}
