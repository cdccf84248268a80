//! `watch`.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::named::named;
use super::{Format, OUTPUT, pool};
use crate::snapshot::GroupBy;
use crate::values::{self, duration};

const CLIENTS: &str = "Clients";

/// `watch`: which servers, and how their clients are shown.
#[derive(Clone, Args)]
pub struct Watch {
    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub listing: Listing,

    /// How often it looks and INFO is asked for; CLIENT LIST at most once a second, and stretched so that it costs the server less than 1% [default: 1s]
    #[arg(long, value_name = "D", value_parser = values::interval, help_heading = CLIENTS)]
    pub interval: Option<Duration>,

    /// Offer no key that closes a client
    #[arg(long, help_heading = CLIENTS)]
    pub read_only: bool,

    /// Print one report and leave, without a screen
    #[arg(long, help_heading = OUTPUT)]
    pub once: bool,

    /// Watch for this long before the report, which says what changed; implies --once
    #[arg(long, value_name = "D", value_parser = duration, allow_negative_numbers = true, help_heading = OUTPUT)]
    pub duration: Option<Duration>,

    /// The report's form; implies --once, but for ndjson: a line each refresh, for --duration or until it is ended
    #[arg(long, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Serve OpenMetrics at http://ADDR/metrics, with the screen or without; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = values::listen, help_heading = OUTPUT)]
    pub metrics: Option<SocketAddr>,

    /// redis://, rediss:// or unix:// addresses; the other nodes of a cluster are found from any
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
}

/// Which clients of watched servers are listed, and how.
#[derive(Clone, Default, Args)]
pub struct Listing {
    /// What clients are grouped by: process, name, prefix, library, user, address, server; or none, for a row each [default: process]
    #[arg(long, value_name = "KEY", value_parser = named(values::group_by, GroupBy::ALL.map(GroupBy::word)), hide_possible_values = true, help_heading = CLIENTS)]
    pub group_by: Option<GroupBy>,

    /// List the clients that this holds of, in their groups: words, field:regex, field>number, ! before one for the opposite
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true, help_heading = CLIENTS)]
    pub filter: Option<String>,

    /// Sort by this field; with - before it, the other way round
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true, help_heading = CLIENTS)]
    pub sort: Option<String>,
}

/// Whether an option of this name means nothing here: no pool is set up, and what a server sees is never called a leak.
pub(super) fn is_refused(name: &str) -> bool {
    name == "fail-on-leak" || pool::is_only_for_pools(name)
}
