//! The pool on real servers: what it survives, and what it says of it.

mod pool_support;
mod support;

use std::time::Duration;

use pool_support::told;
use redis_pooltop::event::{Clock, CloseReason, PoolEvent, PulseSource, Stamp, Tap, Timed};
use redis_pooltop::net::{ConnectErrorKind, ConnectOptions, IoErrorKind};
use redis_pooltop::pool::{CheckoutError, CommandError, CommandOptions, OnExhausted, PoolConfig, RedisPool};
use redis_pooltop::resp::Value;
use support::{RedisServer, wait_until};
use tokio::sync::mpsc::Receiver;

fn options(server: &RedisServer) -> ConnectOptions {
    ConnectOptions::from_url(&server.url()).unwrap()
}

fn pool_on(options: ConnectOptions, config: PoolConfig) -> (RedisPool, Receiver<Timed>) {
    let (tap, events) = Tap::channel();
    (RedisPool::redis(options, config, Clock::start(), tap), events)
}

fn few(max: u32) -> PoolConfig {
    PoolConfig { max, retry_delay: Duration::from_millis(5), ..PoolConfig::default() }
}

fn bulk(text: &'static str) -> Value {
    Value::Bulk(text.into())
}

fn closed(events: &mut Receiver<Timed>) -> Vec<CloseReason> {
    let reasons = told(events).into_iter().filter_map(|event| match event {
        PoolEvent::Closed { reason, .. } => Some(reason),
        _ => None,
    });
    reasons.collect()
}

#[tokio::test]
async fn commands_are_answered_and_counted() {
    let server = RedisServer::start(&[]);
    let (pool, _) = pool_on(options(&server), few(5));
    assert_eq!(pool.command(&["SET", "a", "1"]).await.unwrap(), Value::Simple("OK".into()));
    assert_eq!(pool.command(&["get", "a"]).await.unwrap(), bulk("1"));
    assert!(matches!(pool.command(&["NOSUCH"]).await.unwrap(), Value::Error(_)));
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.available, gauges.max), (0, 1, 5));
    assert_eq!((totals.commands, totals.error_replies, totals.command_failures), (3, 1, 0));
    let source = pool.pulse_source();
    let Some(redis_pooltop::event::Event::Pool(_, PoolEvent::Pulse(pulse))) = source.pulse(Stamp(0)) else {
        panic!("a pulse")
    };
    let mut names: Vec<_> = pulse.round_trips.iter().map(|(name, s)| (&**name, s.0.len())).collect();
    names.sort_unstable();
    assert_eq!(names, [("GET", 1), ("NOSUCH", 1), ("SET", 1)]);
    assert_eq!(pulse.wait.0.iter().map(|(_, n)| n).sum::<u64>(), 3);
    assert_eq!(pulse.connections.len(), 1);
    assert_eq!(pulse.connections[0].last_command.as_deref(), Some("NOSUCH"));
}
