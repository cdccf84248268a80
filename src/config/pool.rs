//! How the pool behaves, from flags and file.

use super::{set, usage};
use crate::cli::{Exhausted, Limit, Pool};
use crate::error::Error;
use crate::net::ConnectOptions;
use crate::pool::{OnExhausted, PoolConfig};

/// `place` is where the file has a setting, if it has it.
pub(super) fn pool(
    flags: &Pool,
    said: &Pool,
    connect: &mut ConnectOptions,
    place: impl Fn(&str) -> Option<String>,
) -> Result<PoolConfig, Error> {
    let mut pool = PoolConfig::default();
    for given in [said, flags] {
        set(&mut pool.max, given.max_connections);
        set(&mut pool.warmup, given.warmup);
        set(&mut pool.blocking_timeout, given.blocking_timeout);
        set(&mut pool.retries, given.retries);
        set(&mut pool.retry_delay, given.retry_delay);
        set(&mut pool.health_check_interval, given.health_check_interval.map(Limit::get));
        set(&mut pool.max_idle, given.max_idle.map(Limit::get));
        set(&mut pool.max_lifetime, given.max_lifetime.map(Limit::get));
        set(&mut pool.on_exhausted, given.on_exhausted.map(Into::into));
        set(&mut connect.socket_timeout, given.socket_timeout.map(Limit::get));
        set(&mut connect.connect_timeout, given.socket_connect_timeout);
        pool.retry_on_timeout |= given.retry_on_timeout;
    }
    if let Some(name) = &flags.client_name {
        connect.client_name = Some(name.clone());
    }
    pool.single = single(flags, said, &place)?;
    if pool.warmup > pool.max {
        let (warmup, warmup_there) = whose("warmup", flags.warmup, &place);
        let (max, max_there) = whose("max-connections", flags.max_connections, &place);
        let there = warmup_there.or(max_there).map_or_else(String::new, |there| format!("{there}: "));
        return Err(usage(format!("{there}{warmup} {} is more than {max} {}", pool.warmup, pool.max)));
    }
    Ok(pool)
}

/// How a setting is called where its value comes from, and where that is, if in the file.
fn whose(name: &str, flag: Option<u32>, place: impl Fn(&str) -> Option<String>) -> (String, Option<String>) {
    match flag {
        Some(_) => (format!("--{name}"), None),
        None => (name.to_owned(), place(name)),
    }
}

/// Whether the pool has one connection. A limit from the command line beats the file's word.
fn single(flags: &Pool, said: &Pool, place: impl Fn(&str) -> Option<String>) -> Result<bool, Error> {
    let many = |max: Option<u32>| max.is_some_and(|max| max > 1);
    if flags.single_connection && many(flags.max_connections) {
        return Err(usage("--single-connection is a pool of one: leave out --max-connections"));
    }
    if flags.single_connection || !said.single_connection {
        return Ok(flags.single_connection);
    }
    if flags.max_connections.is_none() && many(said.max_connections) {
        let there = place("single-connection").unwrap_or_default();
        return Err(usage(format!("{there}: single-connection is a pool of one: leave out max-connections")));
    }
    Ok(!many(flags.max_connections))
}

impl From<Exhausted> for OnExhausted {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Wait => Self::Wait,
            Exhausted::Fail => Self::Fail,
        }
    }
}
