//! `unread-reply`: connections were found with a reply that nobody had read.
//!
//! This pool closes them; one that lends them again gives its next caller another's answer. Any one raises it, and it
//! clears a minute after the last.

use super::{Finding, Lint, View, name};
use crate::event::{Holder, SeenAt};
use crate::snapshot::{LintRow, Severity};
use crate::text::thousands;

/// In seconds.
const WINDOW: u64 = 60;

const ADVICE: &str =
    "read every reply before giving back, and discard a connection whose command was cancelled";

const PYTHON: &str = "read every reply before giving back, and `conn.disconnect()` one whose command failed or was cancelled: its \
                      next caller would get the wrong answer";

/// See the module.
pub(crate) struct UnreadReply;

impl Lint for UnreadReply {
    fn id(&self) -> &'static str {
        "unread-reply"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let found = view.recent.last(view.now, WINDOW).unread_replies;
        if found == 0 {
            return Vec::new();
        }
        let mut evidence = format!("{found} in the last {WINDOW} s");
        if let Some(last) = view.recent.unread() {
            let seen = match last.seen {
                SeenAt::Release => "when it came back",
                SeenAt::Checkout => "when it was to be lent",
            };
            let who = last.holder.as_ref().map(name).unwrap_or_default();
            let known = |count: Option<u64>| count.map_or("unknown".to_owned(), thousands);
            let (owed, bytes) = (known(last.owed), known(last.bytes));
            let what = format!("{} owed {owed}, {bytes} bytes unread, {seen}", last.conn);
            evidence = format!("{evidence}: {what}  {who}");
        }
        let evidence = evidence.trim_end().to_owned();
        vec![Finding { conn: None, severity: Severity::Bad, evidence, advice: view.advice(ADVICE, PYTHON) }]
    }

    fn whose(&self, _row: &LintRow, view: &View<'_>) -> Option<Holder> {
        view.recent.unread().and_then(|last| last.holder.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;
    use crate::event::ConnId;
    use crate::model::recent::Unread;

    #[test]
    fn one_raises_it_and_it_clears_a_minute_later() {
        let mut bench = Bench::new(10);
        let holder = Some(Holder { label: Some("worker-2".into()), ..Holder::default() });
        let (conn, seen) = (ConnId(7), SeenAt::Release);
        bench.recent.left_unread(Unread { conn, seen, owed: Some(2), bytes: Some(5), holder });
        assert!(bench.ask(&UnreadReply, s(5), false).is_empty(), "counted by the next pulse");
        bench.tick(s(5), |pulse| pulse.totals.unread_replies += 1);
        let want = "1 in the last 60 s: #7 owed 2, 5 bytes unread, when it came back  worker-2";
        assert_eq!(bench.raise(&UnreadReply, s(5)).evidence, want);
        assert_eq!(bench.raise(&UnreadReply, s(64)).evidence, want);
        assert!(bench.ask(&UnreadReply, s(65), true).is_empty());
    }

    #[test]
    fn what_is_not_known_of_a_reply_is_not_called_none() {
        let mut bench = Bench::new(10);
        let unread =
            Unread { conn: ConnId(7), seen: SeenAt::Checkout, owed: None, bytes: None, holder: None };
        bench.recent.left_unread(unread);
        bench.tick(s(5), |pulse| pulse.totals.unread_replies += 1);
        let want = "1 in the last 60 s: #7 owed unknown, unknown bytes unread, when it was to be lent";
        assert_eq!(bench.raise(&UnreadReply, s(5)).evidence, want);
    }

    #[test]
    fn replies_that_were_read_are_none() {
        let mut bench = Bench::new(10);
        bench.tick(s(5), |pulse| pulse.totals.commands += 1_000);
        assert!(bench.ask(&UnreadReply, s(5), false).is_empty());
    }
}
