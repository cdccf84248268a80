//! `shared-after-fork`: a process uses a connection that its parent opened, so that each may read the other's replies.
//!
//! Told by the agent of the child, once a connection. It clears when that connection is closed, and with the pool.

use super::{Finding, Lint, View, name};
use crate::event::Holder;
use crate::snapshot::{LintRow, Severity};
use crate::text::thousands;

const ADVICE: &str = "make clients after the fork, one in each process: in gunicorn's post_fork, in Celery's \
                      worker_process_init, or on first use; or close them before it";

/// See the module.
pub(crate) struct SharedAfterFork;

impl Lint for SharedAfterFork {
    fn id(&self) -> &'static str {
        "shared-after-fork"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let shared = view.recent.shared();
        let Some((conn, holder)) = shared.last() else { return Vec::new() };
        let (what, last) = match shared.len() {
            1 => ("1 connection".to_owned(), String::new()),
            many => (format!("{} connections", thousands(many as u64)), ", the last".to_owned()),
        };
        let evidence =
            format!("{what} of the parent process used in its fork{last}: {conn}  {}", name(holder));
        let evidence = evidence.trim_end().to_owned();
        vec![Finding { conn: None, severity: Severity::Bad, evidence, advice: ADVICE }]
    }

    fn whose(&self, _row: &LintRow, view: &View<'_>) -> Option<Holder> {
        view.recent.shared().last().map(|(_, holder)| holder.clone())
    }

    fn ending(&self, row: &LintRow, _view: &View<'_>) -> String {
        format!("closed; before: {}", row.evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, at_line, s};
    use super::*;
    use crate::event::{CloseReason, ConnId, How};

    #[test]
    fn each_connection_of_the_parent_counts_until_it_is_closed() {
        let mut bench = Bench::of_app(10);
        assert!(bench.ask(&SharedAfterFork, s(1), false).is_empty());
        bench.recent.shared_by(ConnId(7), &at_line("worker.py:9", "child", Some(How::Single)));
        let row = bench.raise(&SharedAfterFork, s(1));
        assert_eq!(
            row.evidence,
            "1 connection of the parent process used in its fork: #7  worker.py:9 in child"
        );
        let whose = SharedAfterFork.whose(&row, &bench.view(s(1))).expect("who uses it");
        assert_eq!(whose.function.as_deref(), Some("child"));
        bench.recent.shared_by(ConnId(8), &at_line("worker.py:20", "other", None));
        let row = bench.raise(&SharedAfterFork, s(600));
        let want =
            "2 connections of the parent process used in its fork, the last: #8  worker.py:20 in other";
        assert_eq!(row.evidence, want);
        bench.recent.shared_no_more(ConnId(8));
        assert_eq!(bench.ask(&SharedAfterFork, s(601), true).len(), 1);
        bench.recent.shared_no_more(ConnId(7));
        assert!(bench.ask(&SharedAfterFork, s(601), true).is_empty());
        assert!(SharedAfterFork.ending(&row, &bench.view(s(601))).starts_with("closed; before: 2 "));
    }

    #[test]
    fn a_fork_that_opens_its_own_is_none() {
        let mut bench = Bench::of_app(10);
        if let Some(inside) = &mut bench.inside {
            inside.inherited = true;
        }
        bench.lend_at(3, s(0), "worker.py:9", "child", How::Command);
        bench.recent.closed(s(1), std::time::Duration::ZERO, CloseReason::Asked);
        assert!(bench.ask(&SharedAfterFork, s(2), false).is_empty());
    }
}
