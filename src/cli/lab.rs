//! `lab`: experiments by name.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use clap::Args;
use clap::builder::StringValueParser;

use super::named::named;
use super::shell::judged;
use super::{Common, Format, OUTPUT};
use crate::lab;

/// `lab`: which experiments, and how their outcome is printed.
#[derive(Clone, Args)]
pub struct Lab {
    /// How the outcome is printed; junit, what --fail-on-leak and --fail-on find
    #[arg(long, value_name = "FORMAT", value_parser = judged(), help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Experiments by name, or all; and a URL
    #[arg(value_name = "EXPERIMENT", value_parser = named(StringValueParser::new(), names()), hide_possible_values = true)]
    pub words: Vec<String>,
}

/// An option by its name, and whether it was given.
type Refused = (&'static str, fn(&Common) -> bool);

/// The options that mean nothing to an experiment: it sets up a pool for each of its ways, and how long connecting and a
/// reply may take is all that is left to say.
const REFUSED: [Refused; 15] = [
    ("max-connections", |common| common.pool.max_connections.is_some()),
    ("warmup", |common| common.pool.warmup.is_some()),
    ("blocking-timeout", |common| common.pool.blocking_timeout.is_some()),
    ("retry-on-timeout", |common| common.pool.retry_on_timeout),
    ("retries", |common| common.pool.retries.is_some()),
    ("retry-delay", |common| common.pool.retry_delay.is_some()),
    ("health-check-interval", |common| common.pool.health_check_interval.is_some()),
    ("single-connection", |common| common.pool.single_connection),
    ("client-name", |common| common.pool.client_name.is_some()),
    ("on-exhausted", |common| common.pool.on_exhausted.is_some()),
    ("max-idle", |common| common.pool.max_idle.is_some()),
    ("max-lifetime", |common| common.pool.max_lifetime.is_some()),
    ("leak-threshold", |common| common.pool.leak_threshold.is_some()),
    ("usage-alert", |common| common.pool.usage_alert.is_some()),
    ("record", |common| common.record.record.is_some()),
];

/// Whether an option of this name is one of them.
pub(super) fn is_refused(name: &str) -> bool {
    REFUSED.iter().any(|(refused, _)| *refused == name)
}

/// The first of them that was given.
pub(crate) fn refused(common: &Common) -> Option<&'static str> {
    REFUSED.iter().find(|(_, given)| given(common)).map(|(name, _)| *name)
}

fn names() -> impl Iterator<Item = &'static str> {
    lab::all().iter().map(|experiment| experiment.about().name).chain(["all"])
}
