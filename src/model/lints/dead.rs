//! `dead`: somebody holds a connection that the server has closed.
//!
//! Nothing can be sent on it, and it counts against max until it comes back. Whoever waits for a reply hears of the end
//! by itself, and whoever uses it a moment later does: so it is judged once it is known for [`GRACE`]. It clears when
//! its holder lets go.

use std::time::Duration;

use super::{Finding, Lint, View, name};
use crate::snapshot::{LintRow, Severity};
use crate::text::duration;

/// How long a holder may take to notice.
const GRACE: Duration = Duration::from_secs(1);

const ADVICE: &str = "nothing can be sent on it: POOL RELEASE if you hold it, else POOL CLOSE; have its holder give it \
                      back on errors too";

/// See the module.
pub(crate) struct Dead;

impl Lint for Dead {
    fn id(&self) -> &'static str {
        "dead"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let mut dead: Vec<_> = view
            .lingering()
            .filter_map(|(row, _, holder)| Some((row.dead_since?, row.id, holder)))
            .filter(|(since, ..)| view.now.since(*since) >= GRACE)
            .collect();
        dead.sort_by_key(|(since, id, _)| (*since, *id));
        let finding = |(since, id, holder)| {
            let ago = duration(view.now.since(since));
            let evidence = format!("{id} died {ago} ago: it holds a slot until released  {}", name(holder));
            Finding {
                conn: Some(id),
                severity: Severity::Bad,
                evidence: evidence.trim_end().to_owned(),
                advice: ADVICE,
            }
        };
        dead.into_iter().map(finding).collect()
    }

    fn ending(&self, row: &LintRow, view: &View<'_>) -> String {
        let conn = row.conn().map(|conn| format!("{conn} was let go, ")).unwrap_or_default();
        format!("{conn}{} after it was found", duration(view.now.since(row.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    #[test]
    fn a_held_connection_that_the_server_closed_is_told_of_long_before_it_is_a_leak() {
        let mut bench = Bench::new(10);
        bench.lend(3, s(0), "job 3 XREAD");
        bench.lend(4, s(0), "worker-2");
        bench.die(4, s(5));
        assert!(bench.ask(&Dead, s(5), false).is_empty(), "its holder may notice by itself");
        // It stays dead, look after look.
        bench.die(4, s(6));
        let row = bench.raise(&Dead, s(7));
        assert_eq!(row.evidence, "#4 died 2.0 s ago: it holds a slot until released  worker-2");
        assert_eq!(bench.ask(&Dead, s(7), false).len(), 1, "the other one lives");
        bench.give_back(4, s(8));
        bench.close(4);
        assert!(bench.ask(&Dead, s(9), true).is_empty());
        assert_eq!(bench.ending(&Dead, &row, s(9)), "#4 was let go, 2.0 s after it was found");
    }
}
