//! The pool options: redis-py's names, and ours.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::values::{self, Limit, duration};

const POOL: &str = "Pool";

/// How the pool behaves: redis-py's names where it has one.
#[derive(Clone, Default, Args)]
pub struct Pool {
    /// The pool's limit
    #[arg(long, value_name = "N", value_parser = values::connections, global = true, help_heading = POOL)]
    pub max_connections: Option<u32>,

    /// Connections to open before the first command
    #[arg(long, value_name = "N", value_parser = values::warmup, global = true, help_heading = POOL)]
    pub warmup: Option<u32>,

    /// How long a checkout waits for a connection
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub blocking_timeout: Option<Duration>,

    /// How long a command waits for its reply; none for ever
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub socket_timeout: Option<Limit>,

    /// How long connecting may take, greeting included
    #[arg(long, value_name = "D", value_parser = values::positive, global = true, help_heading = POOL)]
    pub socket_connect_timeout: Option<Duration>,

    /// Retry what is safe to retry after a timeout too
    #[arg(long, global = true, help_heading = POOL)]
    pub retry_on_timeout: bool,

    /// How often to retry what is safe to retry
    #[arg(long, value_name = "N", value_parser = values::retries, global = true, help_heading = POOL)]
    pub retries: Option<u32>,

    /// The first pause before a retry; it doubles, with jitter
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub retry_delay: Option<Duration>,

    /// PING a connection idle longer than this before lending it; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub health_check_interval: Option<Limit>,

    /// One connection for everything: commands queue on it
    #[arg(long, global = true, help_heading = POOL)]
    pub single_connection: bool,

    /// Name of the pool's connections in CLIENT LIST
    #[arg(long, value_name = "NAME", value_parser = values::client_name, global = true, help_heading = POOL)]
    pub client_name: Option<String>,

    /// At the limit: wait for a connection, or fail at once
    #[arg(long, value_name = "wait|fail", global = true, help_heading = POOL)]
    pub on_exhausted: Option<Exhausted>,

    /// Close a connection idle for longer than this; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub max_idle: Option<Limit>,

    /// Close a connection older than this; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub max_lifetime: Option<Limit>,

    /// A lease out and idle for longer than this is called a leak
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub leak_threshold: Option<Duration>,

    /// Warn when more of the pool than this is in use, in percent
    #[arg(long, value_name = "PERCENT", value_parser = values::percent, global = true, help_heading = POOL)]
    pub usage_alert: Option<u8>,
}

/// What a checkout does at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exhausted {
    /// Wait in order, up to the blocking timeout.
    Wait,
    /// Fail at once.
    Fail,
}

/// An option by its name, and whether it was given.
type Given = (&'static str, fn(&Pool) -> bool);

/// The options that mean nothing where no pool is set up by them: how long connecting and a reply may take is all that is
/// left to say.
const ONLY_FOR_POOLS: [Given; 14] = [
    ("max-connections", |pool| pool.max_connections.is_some()),
    ("warmup", |pool| pool.warmup.is_some()),
    ("blocking-timeout", |pool| pool.blocking_timeout.is_some()),
    ("retry-on-timeout", |pool| pool.retry_on_timeout),
    ("retries", |pool| pool.retries.is_some()),
    ("retry-delay", |pool| pool.retry_delay.is_some()),
    ("health-check-interval", |pool| pool.health_check_interval.is_some()),
    ("single-connection", |pool| pool.single_connection),
    ("client-name", |pool| pool.client_name.is_some()),
    ("on-exhausted", |pool| pool.on_exhausted.is_some()),
    ("max-idle", |pool| pool.max_idle.is_some()),
    ("max-lifetime", |pool| pool.max_lifetime.is_some()),
    ("leak-threshold", |pool| pool.leak_threshold.is_some()),
    ("usage-alert", |pool| pool.usage_alert.is_some()),
];

/// Whether an option of this name is one of them.
pub(super) fn is_only_for_pools(name: &str) -> bool {
    ONLY_FOR_POOLS.iter().any(|(only, _)| *only == name)
}

/// Whether an option of this name is about pools, but not about how they are judged.
pub(super) fn is_of_our_pools(name: &str) -> bool {
    let ours = is_only_for_pools(name) || ["socket-timeout", "socket-connect-timeout"].contains(&name);
    ours && !JUDGING.contains(&name)
}

/// The first that was given of those that say what a pool of ours is.
pub(crate) fn of_our_pools(pool: &Pool) -> Option<&'static str> {
    let only = ONLY_FOR_POOLS.iter().find(|(name, given)| !JUDGING.contains(name) && given(pool));
    let socket = pool.socket_timeout.is_some().then_some("socket-timeout");
    let connect = pool.socket_connect_timeout.is_some().then_some("socket-connect-timeout");
    only.map(|(name, _)| *name).or(socket).or(connect)
}

/// The options that any pool is judged by.
const JUDGING: [&str; 2] = ["leak-threshold", "usage-alert"];

/// The first of them that was given.
pub(crate) fn only_for_pools(pool: &Pool) -> Option<&'static str> {
    ONLY_FOR_POOLS.iter().find(|(_, given)| given(pool)).map(|(name, _)| *name)
}
