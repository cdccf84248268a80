//! What has been counted since the pool started.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::snapshot::PoolRow;
use crate::text;
use crate::tui::theme::Theme;
use crate::tui::view::put;

/// Draws every total, three a row, and why connections were closed.
pub(super) fn draw(theme: &Theme, pool: Option<&PoolRow>, area: Rect, buf: &mut Buffer) {
    let Some(pool) = pool else { return };
    let t = &pool.totals;
    let counts: [(&'static str, u64, bool); 15] = [
        ("checkouts", t.checkouts, false),
        ("released", t.released, false),
        ("discarded", t.discarded, false),
        ("reclaimed", t.reclaimed, false),
        ("waited", t.waited, false),
        ("cancelled", t.cancelled, false),
        ("refused", t.refused, true),
        ("failed", t.failed, true),
        ("open failures", t.open_failures, true),
        ("commands", t.commands, false),
        ("error replies", t.error_replies, true),
        ("unanswered", t.command_failures, true),
        ("retries", t.retries, false),
        ("unread replies", t.unread_replies, true),
        ("health failures", t.health_failures, true),
    ];
    for (row, three) in counts.chunks(3).enumerate() {
        let mut spans = vec![Span::raw(" ")];
        for (label, count, bad) in three {
            let alarm = *bad && *count > 0;
            let mark = if alarm { " !" } else { "" };
            let style = if alarm { theme.warn } else { theme.text };
            spans.push(Span::styled(format!("{label:<15} "), theme.dim));
            spans.push(Span::styled(format!("{:<10}", format!("{}{mark}", text::thousands(*count))), style));
        }
        put(Line::from(spans), area, row as u16, buf);
    }
    let mut closed = vec![Span::styled(" closed by ", theme.dim)];
    for (reason, count) in &pool.closed_by {
        closed.push(Span::styled(format!(" {} ", reason.word()), theme.dim));
        closed.push(Span::styled(text::thousands(*count), theme.text));
    }
    put(Line::from(closed), area, 6, buf);
}
