//! What a pool may be told.

use std::time::Duration;

/// What a checkout does when every connection is lent and the limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExhausted {
    /// Queues, first come first served, up to the blocking timeout.
    #[default]
    Wait,
    /// Fails at once.
    Fail,
}

/// The settings of a pool. All but the name, `single` and the leak threshold can be changed while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// The name shown and exported.
    pub name: String,
    /// The most connections at a time; at least 1.
    pub max: u32,
    /// What a checkout does when the limit is reached.
    pub on_exhausted: OnExhausted,
    /// How long a checkout may queue. Opening a connection has a limit of its own.
    pub blocking_timeout: Duration,
    /// How many connections [`warmup`](crate::pool::InstrumentedPool::warmup) is meant to open at the start. The pool
    /// itself opens none: whoever makes it calls `warmup`, and learns what failed.
    pub warmup: u32,
    /// Connections idle for longer are closed; `None` keeps them.
    pub max_idle: Option<Duration>,
    /// Connections older than this are closed when they come back or are idle; `None` keeps them.
    pub max_lifetime: Option<Duration>,
    /// A connection idle for longer is asked with PING before it is lent, and in the background; `None` trusts it.
    pub health_check_interval: Option<Duration>,
    /// How often a command is tried again when that is safe.
    pub retries: u32,
    /// The longest pause before the first retry. It doubles with each one, up to 20 times, and the pause is a random
    /// part of it, so that many callers do not come back at once.
    pub retry_delay: Duration,
    /// Also tries again what timed out, where that is safe.
    pub retry_on_timeout: bool,
    /// A lease out and idle for longer is called a leak, where that differs from what the other pools of its hub are
    /// judged by. Told once, when the pool starts.
    pub leak_threshold: Option<Duration>,
    /// One connection for everybody: `max` is 1 and stays so, and commands queue on it in order.
    pub single: bool,
    /// Keeps the stack of every checkout's caller, shown with the holder. Some microseconds a checkout, so that it is off
    /// by default.
    pub backtraces: bool,
}

impl Default for PoolConfig {
    /// redis-py's blocking pool: 50 connections, 20 s of waiting.
    fn default() -> Self {
        Self {
            name: "app".to_owned(),
            max: 50,
            on_exhausted: OnExhausted::Wait,
            blocking_timeout: Duration::from_secs(20),
            warmup: 0,
            max_idle: None,
            max_lifetime: None,
            health_check_interval: Some(Duration::from_secs(30)),
            retries: 3,
            retry_delay: Duration::from_millis(50),
            retry_on_timeout: false,
            leak_threshold: None,
            single: false,
            backtraces: false,
        }
    }
}

impl PoolConfig {
    /// The same settings with what contradicts itself put right: a limit of at least 1, and of 1 in single mode.
    pub(super) fn settled(mut self) -> Self {
        self.max = if self.single { 1 } else { self.max.max(1) };
        self
    }
}
