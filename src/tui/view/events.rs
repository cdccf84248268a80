//! The last rare events, newest first.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Cx, age, outside, pane, put};
use crate::event::{SeenAt, WaitEnd};
use crate::snapshot::What;
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::theme::Theme;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let events = &cx.snapshot.events;
    let inner = pane(cx, Pane::Events, [Span::styled("newest first ", cx.theme.dim)], area, buf);
    let height = usize::from(inner.height);
    let offset = cx.offset.min(events.len().saturating_sub(height));
    for (row, event) in events.iter().rev().skip(offset).take(height).enumerate() {
        let age = age(cx.snapshot.as_of.since(event.at));
        let (style, words) = words(&event.what, cx.theme);
        let line = Line::from(vec![
            Span::styled(format!(" {age:>8}  "), cx.theme.dim),
            Span::styled(outside(&words, usize::from(inner.width.saturating_sub(12))), style),
        ]);
        put(line, inner, row as u16, buf);
    }
    if events.is_empty() {
        put(Line::styled(" none yet", cx.theme.dim), inner, 0, buf);
    }
}

fn words<'a>(what: &'a What, theme: &Theme) -> (Style, Cow<'a, str>) {
    let say = |style, words: String| (style, Cow::Owned(words));
    match what {
        What::Opened(id, took) => say(theme.text, format!("{id} opened in {}", text::duration(*took))),
        What::Closed(id, reason) => say(theme.text, format!("{id} closed: {}", reason.word())),
        What::OpenFailed(error) => say(theme.bad, format!("x open failed: {error}")),
        What::WaitFailed(ended, waited) => {
            let how = match ended {
                WaitEnd::Granted => "granted",
                WaitEnd::TimedOut => "timed out",
                WaitEnd::Cancelled => "cancelled",
                WaitEnd::Refused => "refused",
                WaitEnd::Failed => "failed",
            };
            say(theme.warn, format!("! wait {how} after {}", text::duration(*waited)))
        }
        What::UnreadReply(id, seen, owed, bytes) => {
            let at = match seen {
                SeenAt::Release => "release",
                SeenAt::Checkout => "checkout",
            };
            say(theme.bad, format!("x {id} had {owed} replies, {bytes} bytes unread at {at}"))
        }
        What::Resized(max) => say(theme.text, format!("max is now {max}")),
        What::Lost(error) => say(theme.bad, format!("x server lost: {error}")),
        What::Back => say(theme.available, "server is back".to_owned()),
        What::Raised(lint, evidence) => say(theme.warn, format!("! {lint}: {evidence}")),
        What::Cleared(lint, evidence) => say(theme.available, format!("{lint} cleared: {evidence}")),
    }
}
