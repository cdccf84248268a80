//! `evicted`: the server closed clients in the last minute because all of them together took more memory than
//! `maxmemory-clients` lets them.
//!
//! It clears a minute after the last one.

use super::{Finding, Lint, View, rejected};
use crate::snapshot::About;
use crate::text::thousands;

const ADVICE: &str =
    "find the clients with most memory and read faster or ask for less; or raise maxmemory-clients";

/// See the module.
pub(super) struct Evicted;

impl Lint for Evicted {
    fn id(&self) -> &'static str {
        "evicted"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        rejected::rose(
            view,
            |node| &node.evicted,
            |times, _| {
                let clients = if times == 1 { "client" } else { "clients" };
                format!("{} {clients} closed for their memory in the last minute", thousands(times))
            },
        )
    }
}
