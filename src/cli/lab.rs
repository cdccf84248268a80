//! `lab`: experiments by name.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use clap::builder::StringValueParser;
use clap::{Args, ValueEnum};

use super::named::named;
use super::{Common, Format};
use crate::lab;

/// `lab`: which experiments, and how their outcome is printed.
#[derive(Clone, Args)]
pub struct Lab {
    /// How the outcome is printed; junit, what --fail-on-leak and --fail-on find
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<LabFormat>,

    /// Experiments by name, or all; and a URL
    #[arg(value_name = "EXPERIMENT", value_parser = named(StringValueParser::new(), names()), hide_possible_values = true)]
    pub words: Vec<String>,
}

/// The options that mean nothing to an experiment, by name: it sets up a pool for each of its ways, and how long
/// connecting and a reply may take is all that is left to say.
pub(crate) const REFUSED: [&str; 15] = [
    "max-connections",
    "warmup",
    "blocking-timeout",
    "retry-on-timeout",
    "retries",
    "retry-delay",
    "health-check-interval",
    "single-connection",
    "client-name",
    "on-exhausted",
    "max-idle",
    "max-lifetime",
    "leak-threshold",
    "usage-alert",
    "record",
];

/// Those of them that were given.
pub(crate) fn refused(common: &Common) -> impl Iterator<Item = &'static str> {
    let pool = &common.pool;
    let given = [
        pool.max_connections.is_some(),
        pool.warmup.is_some(),
        pool.blocking_timeout.is_some(),
        pool.retry_on_timeout,
        pool.retries.is_some(),
        pool.retry_delay.is_some(),
        pool.health_check_interval.is_some(),
        pool.single_connection,
        pool.client_name.is_some(),
        pool.on_exhausted.is_some(),
        pool.max_idle.is_some(),
        pool.max_lifetime.is_some(),
        pool.leak_threshold.is_some(),
        pool.usage_alert.is_some(),
        common.record.record.is_some(),
    ];
    REFUSED.into_iter().zip(given).filter(|(_, given)| *given).map(|(name, _)| name)
}

/// The form of an experiment's outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LabFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML, for what --fail-on-leak and --fail-on find.
    Junit,
}

impl LabFormat {
    /// The form of what is found meanwhile.
    pub(crate) fn of_report(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Junit => Format::Junit,
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    lab::all().iter().map(|experiment| experiment.about().name).chain(["all"])
}
