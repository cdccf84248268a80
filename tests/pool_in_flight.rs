//! A command that never got its answer was in flight until it was given up: that time is work, whatever ended it.

mod support;

use std::time::{Duration, Instant};

use redis_pooltop::event::{Clock, CloseReason, Event, PoolEvent, Pulse, Samples, Stamp, Tap};
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use support::{RedisServer, wait_until};

/// How long each is left in flight.
const FLIGHT: Duration = Duration::from_millis(30);

struct Stage {
    server: RedisServer,
    pool: RedisPool,
}

impl Stage {
    fn new() -> Self {
        let server = RedisServer::start(&[]);
        let options = ConnectOptions::from_url(&server.url()).unwrap();
        let config = PoolConfig { max: 2, ..PoolConfig::default() };
        let pool = RedisPool::redis(options, config, Clock::start(), Tap::channel().0);
        Self { server, pool }
    }

    /// Until somebody has been blocked for [`FLIGHT`].
    async fn blocked(&self) {
        let blocks = async || self.server.cli(&["INFO", "clients"]).contains("blocked_clients:1");
        wait_until("BLPOP to block", blocks).await;
        flown().await;
    }

    fn pulse(&self) -> Pulse {
        match self.pool.pulse_source().pulse(Stamp(0)) {
            Some(Event::Pool(_, PoolEvent::Pulse(pulse))) => *pulse,
            other => panic!("no pulse but {other:?}"),
        }
    }

    /// Counted once the lease has ended: how often, and for how long.
    async fn unanswered(&self) -> (u64, Duration) {
        wait_until("the lease to end", async || self.pool.status().0.in_use == 0).await;
        let Samples(samples) = self.pulse().unanswered;
        let nanos = samples.iter().map(|(nanos, count)| nanos * count).sum();
        (samples.iter().map(|(_, count)| count).sum(), Duration::from_nanos(nanos))
    }

    /// One flight, and the next look counts it no more.
    async fn assert_one_flight(&self) {
        let (count, took) = self.unanswered().await;
        assert_eq!(count, 1);
        assert!(took >= FLIGHT, "{took:?}");
        assert_eq!(self.unanswered().await.0, 0);
    }
}

async fn flown() {
    let began = Instant::now();
    wait_until("some time in flight", async || began.elapsed() > FLIGHT).await;
}

#[tokio::test]
async fn a_command_that_is_cancelled_or_killed() {
    let stage = Stage::new();
    let blocking = || {
        let pool = stage.pool.clone();
        tokio::spawn(async move { pool.command(&["BLPOP", "q", "0"]).await })
    };
    let cancelled = blocking();
    stage.blocked().await;
    cancelled.abort();
    stage.assert_one_flight().await;
    let killed = blocking();
    stage.blocked().await;
    stage.server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(killed.await.unwrap().is_err());
    stage.assert_one_flight().await;
    stage.pool.command(&["PING"]).await.unwrap();
    assert_eq!(stage.unanswered().await.0, 0, "what is answered is a round trip");
}

#[tokio::test]
async fn a_command_that_times_out() {
    let stage = Stage::new();
    let mut lease = stage.pool.checkout().await.unwrap();
    assert!(lease.command_within(&["BLPOP", "q", "0"], Some(FLIGHT)).await.is_err());
    drop(lease);
    stage.assert_one_flight().await;
}

#[tokio::test]
async fn a_batch_and_what_many_share_are_one_flight_each() {
    let stage = Stage::new();
    let batch = tokio::spawn({
        let pool = stage.pool.clone();
        async move { pool.pipeline(&[["BLPOP", "q", "0"], ["BLPOP", "q", "0"]]).await }
    });
    stage.blocked().await;
    batch.abort();
    stage.assert_one_flight().await;
    stage.server.cli(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let shared = stage.pool.multiplexed();
    let asked = tokio::spawn(async move { shared.command(&["SET", "a", "1"]).await });
    wait_until("SET to be sent", async || {
        stage.pulse().connections.iter().any(|row| row.busy_since.is_some())
    })
    .await;
    flown().await;
    stage.server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(asked.await.unwrap().is_err());
    stage.assert_one_flight().await;
}

#[tokio::test]
async fn a_stream_until_its_lease_ends() {
    let stage = Stage::new();
    let mut lease = stage.pool.checkout().await.unwrap();
    lease.begin_stream(&["MONITOR"]);
    lease.flush().await.unwrap();
    flown().await;
    lease.discard(CloseReason::Asked);
    stage.assert_one_flight().await;
}
