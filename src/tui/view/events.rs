//! The last rare events, newest first.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::list::Rows;
use super::{Cx, age, list, outside, pane, put};
use crate::event::{SeenAt, WaitEnd};
use crate::fields::{Field, Listed, Pick, Value, said, up};
use crate::snapshot::{EventRow, What};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::theme::{Theme, mark};

impl Listed for EventRow {
    const FIELDS: &'static [Field<Self>] = &[
        said("age", ["newest first", "oldest first"], |row, around| Value::Time(around.as_of.since(row.at))),
        up("what", |row, _| Value::Text(sentence(&row.what))),
        up("id", |row, _| row.what.conn().map_or(Value::None, |id| Value::Number(id.0))),
    ];
    const FIRST: &'static str = "age";

    fn pick(&self) -> Pick {
        Pick::Event(Box::new(self.clone()))
    }

    fn is(&self, pick: &Pick) -> bool {
        matches!(pick, Pick::Event(event) if **event == *self)
    }

    fn tie(&self) -> (u32, u64) {
        (0, 0)
    }
}

/// Columns of a server's address.
const SERVER: usize = 21;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let (Some(list), events) = (cx.list, &cx.snapshot.events) else { return };
    let title = list::title::<EventRow>(cx, list, |_| false);
    let inner = pane(cx, Pane::Events, title, area, buf);
    let inner = list::filter_line(cx, list, inner, buf);
    let rows = Rows { area, inner, each: 1, none: "none yet" };
    rows.draw(cx, list, buf, |at, line, buf| {
        let Some(event) = events.get(at) else { return };
        let age = age(cx.snapshot.as_of.since(event.at));
        // Of several servers, which one.
        let several = cx.snapshot.nodes.len() > 1;
        let server = event.node.filter(|_| several).and_then(|node| cx.marks.target(node));
        let server = server.map(|target| format!("{}  ", outside(target, SERVER))).unwrap_or_default();
        let room = usize::from(line.width).saturating_sub(12 + text::width(&server));
        let (style, words) = told(&event.what, room, cx.theme);
        let told = Line::from(vec![
            Span::styled(format!(" {age:>8}  {server}"), cx.theme.dim),
            Span::styled(outside(&words, room), style),
        ]);
        put(told, line, 0, buf);
    });
}

/// An event in one sentence, not yet escaped.
pub fn sentence(what: &What) -> Cow<'_, str> {
    words(what, &Theme::MONO).1
}

/// The same in so many columns. Where that is too few, whose connection it is comes before for how long.
fn told<'a>(what: &'a What, room: usize, theme: &Theme) -> (Style, Cow<'a, str>) {
    let (style, words) = words(what, theme);
    if let What::Raised(lint, severity, evidence) = what
        && text::width(&text::escape_str(&words)) > room
        && let Some((facts, holder)) = evidence.split_once("  ")
        && let Some((conn, facts)) = facts.split_once(' ').filter(|(conn, _)| conn.starts_with('#'))
    {
        return (style, Cow::Owned(format!("{} {lint}: {conn} {holder}  {facts}", mark(*severity))));
    }
    (style, words)
}

fn words<'a>(what: &'a What, theme: &Theme) -> (Style, Cow<'a, str>) {
    let say = |style, words: String| (style, Cow::Owned(words));
    match what {
        What::Opened(id, took) => say(theme.text, format!("{id} opened in {}", text::duration(*took))),
        What::Closed(id, reason) => say(theme.text, format!("{id} closed: {}", reason.word())),
        What::OpenFailed(error, 1) => say(theme.bad, format!("x open failed: {error}")),
        What::OpenFailed(error, times) => say(theme.bad, format!("x open failed {times} times: {error}")),
        What::WaitFailed { ended, waited, who, times } => {
            let how = match ended {
                WaitEnd::Granted => "granted",
                WaitEnd::TimedOut => "timed out",
                WaitEnd::Cancelled => "cancelled",
                WaitEnd::Refused => "refused",
                WaitEnd::Failed => "failed",
            };
            // A command that tries again has one caller, and several of these.
            let wait = if *ended == WaitEnd::Failed { "attempt" } else { "wait" };
            let waits = if *times == 1 { wait.to_owned() } else { format!("{times} {wait}s") };
            // First, as the end is what a narrow pane has no room for.
            let who = if who.is_empty() { String::new() } else { format!("{who}: ") };
            say(theme.warn, format!("! {who}{waits} {how} after {}", text::duration(*waited)))
        }
        What::UnreadReply(id, seen, owed, bytes) => {
            let at = match seen {
                SeenAt::Release => "release",
                SeenAt::Checkout => "checkout",
            };
            let owed = match owed {
                Some(1) => "1 reply".to_owned(),
                Some(owed) => format!("{owed} replies"),
                None => "replies unknown".to_owned(),
            };
            let bytes = bytes.map_or("bytes".to_owned(), |bytes| format!("{bytes} bytes"));
            say(theme.bad, format!("x {id} had {owed}, {bytes} unread at {at}"))
        }
        What::Resized(max) => say(theme.text, format!("max is now {max}")),
        What::Shared(id, who) => {
            say(theme.bad, format!("x {id} was opened before a fork and is used after it by {who}"))
        }
        What::Left(open, lent) => say(theme.warn, format!("ended with {open} open, {lent} lent")),
        What::Reports(pid, program) => say(theme.text, format!("process {pid} {program} reports")),
        What::Gone(pid, program, said) => {
            let how = if *said { "ended" } else { "is gone without a word" };
            say(theme.text, format!("process {pid} {program} {how}"))
        }
        What::Clients { who, opened, closed, .. } => {
            let counts =
                [(*opened, "opened"), (*closed, "closed")].into_iter().filter(|(count, _)| *count > 0);
            let counts: Vec<_> =
                counts.map(|(count, how)| format!("{} {how}", text::thousands(count))).collect();
            say(theme.text, format!("{who}: {}", counts.join(", ")))
        }
        What::Refused(command, error) => say(theme.bad, format!("x {command} is refused: {error}")),
        What::Unasked(error) => say(theme.text, format!("its view of connections is not known: {error}")),
        What::Lost(error) => say(theme.bad, format!("x server lost: {error}")),
        What::Back => say(theme.available, "server is back".to_owned()),
        What::Raised(lint, severity, evidence) => {
            say(theme.severity(*severity), format!("{} {lint}: {evidence}", mark(*severity)))
        }
        What::Cleared(lint, evidence) => say(theme.available, format!("{lint} cleared: {evidence}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::snapshot::Severity;

    #[test]
    fn what_failed_says_how_often_why_and_for_whom() {
        let refused = "nothing listens on 127.0.0.1:1".to_owned();
        assert_eq!(
            sentence(&What::OpenFailed(refused.clone(), 3)),
            format!("x open failed 3 times: {refused}")
        );
        assert_eq!(sentence(&What::OpenFailed(refused.clone(), 1)), format!("x open failed: {refused}"));
        let waits = |times, who: &str| What::WaitFailed {
            ended: WaitEnd::Failed,
            waited: Duration::from_millis(61),
            who: who.into(),
            times,
        };
        let raised = |severity| sentence(&What::Raised("leak", severity, "#3 out".to_owned())).into_owned();
        assert_eq!([raised(Severity::Bad), raised(Severity::Warn)], ["x leak: #3 out", "! leak: #3 out"]);
        assert_eq!(sentence(&waits(3, "GET a")), "! GET a: 3 attempts failed after 61.0 ms");
        assert_eq!(sentence(&waits(1, "")), "! attempt failed after 61.0 ms");
    }
}
