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
