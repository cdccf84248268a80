//! `maxclients`: the server is about to refuse connections.
//!
//! Over 80% of its limit in use, from INFO CLIENTS; a server that does not tell its limit there is not judged. It
//! clears at 75%.

use super::{Finding, Lint, View};
use crate::snapshot::Severity;
use crate::text::thousands;

/// In percent.
const ALERT: u64 = 80;

/// How far under it clears, in points of a hundred.
const SLACK: u64 = 5;

/// From here on it is as good as reached, in percent.
const NEARLY: u64 = 95;

const ADVICE: &str =
    "find who connects (CLIENT LIST), lower the pools' max, or raise the server's maxclients";

/// See the module.
pub(crate) struct MaxClients;

impl Lint for MaxClients {
    fn id(&self) -> &'static str {
        "maxclients"
    }

    fn evaluate(&self, view: &View<'_>, holds: bool) -> Vec<Finding> {
        let told = view.server.as_ref().and_then(|server| {
            Some((server.client_field("connected_clients")?, server.client_field("maxclients")?))
        });
        let Some((clients, most)) = told else { return Vec::new() };
        let Some(Fill { percent, severity }) = fill(clients, most, holds) else { return Vec::new() };
        let [clients, most, ours] = [clients, most, view.ours].map(thousands);
        let evidence =
            format!("{clients} clients of the server's {most} ({percent}%), {ours} of them from here");
        vec![Finding { conn: None, severity, evidence, advice: ADVICE }]
    }
}

/// How near a server is to its limit.
pub(super) struct Fill {
    pub(super) percent: u64,
    pub(super) severity: Severity,
}

/// The same, where that is too near.
pub(super) fn fill(clients: u64, most: u64, holds: bool) -> Option<Fill> {
    let percent = (u128::from(clients) * 100).checked_div(u128::from(most))?;
    let percent = u64::try_from(percent).unwrap_or(u64::MAX);
    let severity = if percent >= NEARLY { Severity::Bad } else { Severity::Warn };
    (percent >= if holds { ALERT - SLACK } else { ALERT }).then_some(Fill { percent, severity })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, s};
    use super::*;

    fn at(clients: u64, holds: bool) -> Option<Finding> {
        let mut bench = Bench::new(10);
        bench.gauges.in_use = 3;
        bench.says("connected_clients", clients);
        bench.says("maxclients", 1_000);
        bench.ask(&MaxClients, s(1), holds).pop()
    }

    #[test]
    fn it_raises_near_the_limit_and_clears_five_points_lower() {
        assert_eq!(at(799, false), None);
        let near = at(800, false).expect("a finding");
        assert_eq!(near.evidence, "800 clients of the server's 1,000 (80%), 3 of them from here");
        assert_eq!(near.severity, Severity::Warn);
        assert_eq!(at(950, false).map(|finding| finding.severity), Some(Severity::Bad));
        assert!(at(750, true).is_some());
        assert_eq!(at(749, true), None);
    }

    #[test]
    fn a_server_that_does_not_tell_is_not_judged() {
        let mut bench = Bench::new(10);
        bench.says("connected_clients", 9_999);
        assert!(bench.ask(&MaxClients, s(1), false).is_empty());
        bench.says("maxclients", 0);
        assert!(bench.ask(&MaxClients, s(1), false).is_empty());
    }
}
