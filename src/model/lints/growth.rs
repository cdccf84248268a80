//! `growth`: there are ever more connections while there is no more to do.
//!
//! Over five whole minutes: in none of them fewer than in the one before, at the end at least [`MORE`] more and half
//! as many again, and no more than a tenth more commands in the last minute than in the first. It clears when that
//! is no longer so.

use super::{Finding, Lint, View};
use crate::model::recent::{SECONDS, Span};
use crate::snapshot::Severity;

/// In seconds.
const MINUTE: u64 = 60;

/// By so many they must have grown.
const MORE: u64 = 10;

const ADVICE: &str = "look for leaks and for a client made per request; set max where the growth must end";

/// See the module.
pub(crate) struct Growth;

impl Lint for Growth {
    fn id(&self) -> &'static str {
        "growth"
    }

    fn evaluate(&self, view: &View<'_>, _holds: bool) -> Vec<Finding> {
        if view.recent.age(view.now) < SECONDS {
            return Vec::new();
        }
        // The bigger part of the looks: cheap, and decides nearly always.
        let last = view.recent.last(view.now, MINUTE);
        let first = view.recent.between(view.now, SECONDS, SECONDS - MINUTE);
        let grew = |of: fn(&Span) -> Option<u64>| {
            let (from, to) = (of(&first)?, of(&last)?);
            (to >= from.saturating_add(MORE) && to.saturating_mul(2) >= from.saturating_mul(3))
                .then_some((from, to))
        };
        if last.commands.saturating_mul(10) > first.commands.saturating_mul(11) {
            return Vec::new();
        }
        let mine: fn(&Span) -> Option<u64> = |span| Some(span.created());
        let all: fn(&Span) -> Option<u64> = |span| span.clients;
        let kinds = [(mine, "the pool's connections"), (all, "the server's clients")];
        let found = kinds.into_iter().find_map(|(of, what)| {
            let (from, to) = grew(of)?;
            rises(view, of).then(|| format!("{what} rose from {from} to {to} in {} min", SECONDS / MINUTE))
        });
        let Some(rose) = found else { return Vec::new() };
        let evidence = format!("{rose}, commands a minute from {} to {}", first.commands, last.commands);
        vec![Finding { conn: None, severity: Severity::Warn, evidence, advice: ADVICE }]
    }
}

/// Whether no minute had fewer than the one before it.
fn rises(view: &View<'_>, of: fn(&Span) -> Option<u64>) -> bool {
    let minutes = (0..SECONDS / MINUTE).rev();
    let counts: Vec<_> =
        minutes.map(|ago| of(&view.recent.between(view.now, (ago + 1) * MINUTE, ago * MINUTE))).collect();
    counts.iter().all(Option::is_some) && counts.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    /// Five minutes in which `created` are there in each, and so many commands a second.
    fn minutes(created: [u32; 5], clients: [u64; 5], commands: [u64; 5]) -> Bench {
        let mut bench = Bench::new(100);
        for second in 0..300 {
            let minute = second as usize / 60;
            bench.says("connected_clients", clients[minute]);
            bench.tick(s(second), |pulse| {
                pulse.gauges.available = created[minute];
                pulse.totals.commands += commands[minute];
            });
        }
        bench
    }

    #[test]
    fn more_connections_for_the_same_traffic_raise_it() {
        let bench = minutes([10, 12, 15, 19, 24], [30; 5], [100; 5]);
        let want = "the pool's connections rose from 10 to 24 in 5 min, commands a minute from 6000 to 6000";
        assert_eq!(bench.raise(&Growth, s(299)).evidence, want);
        let bench = minutes([10; 5], [30, 40, 40, 50, 60], [100; 5]);
        assert!(bench.raise(&Growth, s(299)).evidence.starts_with("the server's clients rose from 30 to 60"));
    }

    #[test]
    fn growth_with_the_traffic_up_and_down_or_of_a_few_is_none() {
        for bench in [
            minutes([10, 12, 15, 19, 24], [30; 5], [100, 110, 120, 140, 200]),
            minutes([10, 30, 15, 19, 24], [30; 5], [100; 5]),
            minutes([10, 12, 15, 19, 19], [30; 5], [100; 5]),
            minutes([30, 32, 35, 39, 44], [30; 5], [100; 5]),
        ] {
            assert!(bench.ask(&Growth, s(299), false).is_empty());
        }
    }

    #[test]
    fn it_clears_when_the_growth_is_over() {
        let mut bench = minutes([10, 12, 15, 19, 24], [30; 5], [100; 5]);
        assert_eq!(bench.ask(&Growth, s(299), true).len(), 1);
        for second in 300..480 {
            bench.tick(s(second), |pulse| pulse.totals.commands += 100);
        }
        assert!(bench.ask(&Growth, s(479), true).is_empty());
    }
}
