//! What becomes of a connection under its holder's hands: taken back by the pool, or closed by the server.

mod pool_support;
mod support;

use redis_pooltop::event::{Clock, CloseReason, ConnId, Event, PoolEvent, Pulse, Stamp, Tap};
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{CommandError, PoolConfig, RedisPool};
use redis_pooltop::resp::Value;
use support::{RedisServer, wait_until};

fn pool_on(server: &RedisServer, max: u32) -> RedisPool {
    let options = ConnectOptions::from_url(&server.url()).unwrap();
    let config = PoolConfig { max, ..PoolConfig::default() };
    RedisPool::redis(options, config, Clock::start(), Tap::nowhere())
}

fn pulse(pool: &RedisPool) -> Pulse {
    match pool.pulse_source().pulse(Stamp(0)) {
        Some(Event::Pool(_, PoolEvent::Pulse(pulse))) => *pulse,
        other => panic!("a pulse, not {other:?}"),
    }
}

fn is_dead(pool: &RedisPool, conn: ConnId) -> bool {
    pulse(pool).connections.iter().any(|row| row.conn == conn && row.dead)
}

/// A client's way to wait on a list, until the server says that it does.
async fn blocked(
    pool: &RedisPool,
    server: &RedisServer,
) -> (ConnId, tokio::task::JoinHandle<Result<Value, CommandError>>) {
    let mut lease = pool.checkout().await.unwrap();
    let id = lease.id();
    let waits = tokio::spawn(async move { lease.command_within(&["BLPOP", "q", "0"], None).await });
    wait_until("a client that waits on the list", async || {
        server.cli(&["INFO", "clients"]).contains("blocked_clients:1")
    })
    .await;
    (id, waits)
}

#[tokio::test]
async fn a_command_in_flight_ends_with_its_connection_and_takes_nothing_with_it() {
    let server = RedisServer::start(&[]);
    let pool = pool_on(&server, 1);
    for by_reset in [true, false] {
        let (id, waits) = blocked(&pool, &server).await;
        let before = pool.status().1.reclaimed;
        let why = if by_reset {
            assert_eq!(pool.reset(), 1);
            CloseReason::Reset
        } else {
            assert!(pool.close_connection(id));
            CloseReason::Asked
        };
        let (gauges, totals) = pool.status();
        assert_eq!((gauges.in_use, gauges.available, totals.reclaimed), (0, 0, before + 1));
        let error = waits.await.unwrap().unwrap_err();
        assert!(matches!(error, CommandError::Reclaimed { reason, sent: true } if reason == why), "{error}");
        let word = if by_reset { "POOL RESET" } else { "POOL CLOSE" };
        assert!(error.to_string().contains(&format!("reclaimed by {word}")), "{error}");
        wait_until("the server to see it go", async || {
            !server.cli(&["CLIENT", "LIST"]).contains("cmd=blpop")
        })
        .await;
        assert_eq!(server.cli(&["RPUSH", "q", "x"]).trim(), "1");
        assert_eq!(server.cli(&["LLEN", "q"]).trim(), "1", "nobody took it");
        server.cli(&["DEL", "q"]);
    }
    let totals = pool.status().1;
    assert_eq!((totals.checkouts, totals.reclaimed, totals.discarded, totals.closed), (2, 2, 0, 2));
}

#[tokio::test]
async fn what_is_taken_back_is_closed_while_its_holder_does_nothing() {
    let server = RedisServer::start(&[]);
    let pool = pool_on(&server, 2);
    let (first, second) = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    let ours = [first.server_id().unwrap(), second.server_id().unwrap()];
    let known =
        |id: u64| server.cli(&["CLIENT", "LIST"]).lines().any(|l| l.starts_with(&format!("id={id} ")));
    assert!(known(ours[0]) && known(ours[1]));
    assert!(pool.close_connection(first.id()));
    wait_until("the one to go", async || !known(ours[0])).await;
    assert!(known(ours[1]), "and not the other");
    // Its slot is free, and no more than that.
    let third = pool.checkout().await.unwrap();
    let gauges = pool.status().0;
    assert_eq!((gauges.in_use, gauges.opening, gauges.available), (2, 0, 0));
    assert_eq!(pool.reset(), 2);
    wait_until("the others to go", async || !known(ours[1]) && !known(third.server_id().unwrap())).await;
    drop((first, second, third));
    assert_eq!(pool.status().0.in_use, 0);
}

#[tokio::test]
async fn a_lent_connection_that_the_server_closed_is_dead_before_its_holder_knows() {
    let mut server = RedisServer::start(&[]);
    let pool = pool_on(&server, 3);
    let mut held = pool.checkout().await.unwrap();
    let well = pool.checkout().await.unwrap();
    assert_eq!(held.command(&["PING"]).await.unwrap(), Value::Simple("PONG".into()));
    assert!(!is_dead(&pool, held.id()) && !is_dead(&pool, well.id()));
    server.cli(&["CLIENT", "KILL", "ID", &held.server_id().unwrap().to_string()]);
    wait_until("the look at it", async || is_dead(&pool, held.id())).await;
    assert!(!is_dead(&pool, well.id()));
    assert!(matches!(
        held.command(&["PING"]).await,
        Err(CommandError::Unknown(_) | CommandError::NotSent(_))
    ));
    server.kill();
    wait_until("the look at the other", async || is_dead(&pool, well.id())).await;
    let id = well.id();
    drop(well);
    assert!(!is_dead(&pool, id), "what came back is gone");
}

#[tokio::test]
async fn looking_at_a_lent_connection_takes_nothing_from_its_holder() {
    let server = RedisServer::start(&[]);
    let pool = pool_on(&server, 1);
    let mut lease = pool.checkout().await.unwrap();
    lease.send(&["ECHO", "mine"]);
    lease.flush().await.unwrap();
    wait_until("the reply to arrive", async || {
        assert!(!is_dead(&pool, lease.id()));
        server.cli(&["INFO", "commandstats"]).contains("cmdstat_echo:calls=1")
    })
    .await;
    // What another socket is told of by now, this one was told of before.
    pool_on(&server, 1).command(&["PING"]).await.unwrap();
    assert!(!is_dead(&pool, lease.id()), "bytes that wait are a sign of life");
    assert_eq!(lease.receive().await.unwrap(), Value::Bulk("mine".into()));
}

#[tokio::test]
async fn a_lease_counts_from_its_checkout() {
    let server = RedisServer::start(&[]);
    let pool = pool_on(&server, 1);
    let uses = |pool: &RedisPool| pulse(pool).connections.first().map(|row| row.uses);
    let lease = pool.checkout().await.unwrap();
    assert_eq!(uses(&pool), Some(1));
    drop(lease);
    assert_eq!(uses(&pool), Some(1));
    let lease = pool.checkout().await.unwrap();
    assert_eq!(uses(&pool), Some(2));
    let waits = tokio::spawn(pool.checkout());
    wait_until("a caller that waits", async || pool.status().0.waiting == 1).await;
    drop(lease);
    let _lease = waits.await.unwrap().unwrap();
    assert_eq!(uses(&pool), Some(3));
}
