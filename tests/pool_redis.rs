//! The pool on real servers: what it survives, and what it says of it.

mod pool_support;
mod support;

use std::time::Duration;

use pool_support::told;
use redis_pooltop::event::{Clock, CloseReason, Event, PoolEvent, SeenAt, Stamp, Tap, Timed};
use redis_pooltop::net::{ConnectError, ConnectErrorKind, ConnectOptions, IoErrorKind};
use redis_pooltop::pool::{CheckoutError, CommandError, CommandOptions, PoolConfig, RedisPool};
use redis_pooltop::resp::Value;
use support::{PATIENCE, RedisServer, wait_until};
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
    let Some(Event::Pool(_, PoolEvent::Pulse(pulse))) = source.pulse(Stamp(0)) else { panic!("a pulse") };
    let mut names: Vec<_> = pulse.round_trips.iter().map(|(name, s)| (&**name, s.0.len())).collect();
    names.sort_unstable();
    assert_eq!(names, [("GET", 1), ("NOSUCH", 1), ("SET", 1)]);
    assert_eq!(pulse.wait.0.iter().map(|(_, n)| n).sum::<u64>(), 3);
    assert_eq!(pulse.connections.len(), 1);
    assert_eq!(pulse.connections[0].last_command.as_deref(), Some("NOSUCH"));
}

/// Commands one after the other, each with an answer of its own.
async fn assert_in_step(pool: &RedisPool) {
    for n in 0..20 {
        let echo = n.to_string();
        let reply = pool.command(&["ECHO", &echo]).await.unwrap();
        assert_eq!(reply, Value::Bulk(echo.into()), "another command's reply");
    }
}

fn assert_idle(pool: &RedisPool) {
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.opening, gauges.waiting), (0, 0, 0), "{gauges:?}");
    assert_eq!(totals.checkouts, totals.released + totals.discarded + totals.reclaimed, "{totals:?}");
    assert_eq!(totals.opened - totals.closed, u64::from(gauges.available), "{totals:?}");
}

#[tokio::test]
async fn a_killed_server_costs_connections_and_no_capacity() {
    let mut server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(4));
    pool.warmup(4).await;
    let mut lease = pool.checkout().await.unwrap();
    server.kill();
    let error = lease.command(&["SET", "a", "1"]).await.unwrap_err();
    assert!(matches!(error, CommandError::Unknown(_) | CommandError::NotSent(_)), "{error}");
    let again = lease.command(&["PING"]).await.unwrap_err();
    assert!(matches!(again, CommandError::Ended(CloseReason::Broken)), "{again}");
    drop(lease);
    // The idle ones went with it.
    wait_until("dead connections to go", async || {
        let _ = pool.health_check().await;
        pool.status().0.available == 0
    })
    .await;
    assert!(closed(&mut events).iter().all(|reason| *reason == CloseReason::Broken));
    let error = pool.command(&["PING"]).await.unwrap_err();
    assert_eq!(error.connect_error().map(ConnectError::kind), Some(ConnectErrorKind::Refused), "{error}");
    assert_eq!(pool.status().1.retries, 3);
    let totals = pool.status().1;
    assert_eq!((totals.failed, totals.failed_again), (4, 3), "one caller in four attempts");
    server.restart();
    assert_in_step(&pool).await;
    assert_eq!(pool.warmup(4).await.failed, 0);
    assert_eq!(pool.status().0.available, 4);
    assert_idle(&pool);
}

#[tokio::test]
async fn an_idle_connection_that_was_killed_is_replaced_unseen() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(1));
    for _ in 0..3 {
        let lease = pool.checkout().await.unwrap();
        let id = lease.server_id().unwrap().to_string();
        drop(lease);
        assert_eq!(server.cli(&["CLIENT", "KILL", "ID", &id]), "1");
        // A read may be sent twice: whether or not the end of the connection was seen in time, it is answered.
        assert_eq!(pool.command(&["GET", "none"]).await.unwrap(), Value::Nil);
    }
    assert_eq!(closed(&mut events), [CloseReason::Broken; 3]);
    assert_idle(&pool);
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_is_unknown_and_never_sent_again() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(2));
    let mut lease = pool.checkout().await.unwrap();
    let id = lease.server_id().unwrap().to_string();
    let waiting = tokio::spawn(async move { lease.command_within(&["BLPOP", "q", "0"], None).await });
    wait_until("BLPOP to block", async || server.cli(&["INFO", "clients"]).contains("blocked_clients:1"))
        .await;
    server.cli(&["CLIENT", "KILL", "ID", &id]);
    let error = waiting.await.unwrap().unwrap_err();
    assert!(matches!(&error, CommandError::Unknown(io) if *io.kind() != IoErrorKind::Timeout), "{error}");
    assert!(error.to_string().contains("may have been executed"), "{error}");

    // The pool's own command, killed the same way.
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move {
            let options = CommandOptions { limit: Some(None), ..CommandOptions::default() };
            pool.command_as("job".into(), &["BLMOVE", "q", "r", "LEFT", "LEFT", "0"], options).await
        }
    });
    wait_until("BLMOVE to block", async || server.cli(&["INFO", "clients"]).contains("blocked_clients:1"))
        .await;
    server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    let ended = tokio::time::timeout(PATIENCE, waiting).await.expect("it is not sent again").unwrap();
    assert!(matches!(ended, Err(CommandError::Unknown(_))), "{ended:?}");
    assert_eq!(pool.status().1.retries, 0);
    assert!(closed(&mut events).contains(&CloseReason::Broken));
    assert_in_step(&pool).await;
    assert_idle(&pool);
}

#[tokio::test]
async fn a_paused_server_times_out_and_its_late_reply_reaches_nobody() {
    let server = RedisServer::start(&[]);
    let options = ConnectOptions { socket_timeout: Some(Duration::from_millis(50)), ..options(&server) };
    let (pool, mut events) = pool_on(options, few(2));
    assert_in_step(&pool).await;
    server.cli(&["CLIENT", "PAUSE", "60000", "WRITE"]);
    let error = pool.command(&["SET", "a", "late"]).await.unwrap_err();
    assert!(error.is_timeout() && matches!(error, CommandError::Unknown(_)), "{error}");
    assert_eq!(closed(&mut events), [CloseReason::Timeout]);
    assert_eq!(server.cli(&["CLIENT", "UNPAUSE"]), "OK");
    assert_in_step(&pool).await;

    // A reply that comes while the lease is still out does not reach its next command either.
    let mut lease = pool.checkout().await.unwrap();
    assert!(lease.command(&["DEBUG", "SLEEP", "0.2"]).await.unwrap_err().is_timeout());
    wait_until("the sleeper to wake", async || server.cli(&["PING"]) == "PONG").await;
    assert!(matches!(lease.command(&["ECHO", "next"]).await, Err(CommandError::Ended(CloseReason::Timeout))));
    drop(lease);
    assert_in_step(&pool).await;
    assert_idle(&pool);
}

#[tokio::test]
async fn a_command_cut_off_takes_its_connection_along() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(1));
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { pool.command(&["BLPOP", "q", "0"]).await }
    });
    wait_until("BLPOP to block", async || server.cli(&["INFO", "clients"]).contains("blocked_clients:1"))
        .await;
    waiting.abort();
    assert!(waiting.await.is_err());
    server.cli(&["RPUSH", "q", "for nobody"]);
    assert_in_step(&pool).await;
    assert_eq!(closed(&mut events), [CloseReason::Cancelled]);
    assert_eq!(pool.status().1.command_failures, 1);
    assert_idle(&pool);
}

#[tokio::test]
async fn a_reply_left_behind_is_told_with_its_holder() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(1));
    let mut lease = pool.checkout_as("careless".into()).await.unwrap();
    lease.send(&["ECHO", "left behind"]);
    lease.flush().await.unwrap();
    drop(lease);
    let unread = told(&mut events).into_iter().find_map(|event| match event {
        PoolEvent::UnreadReply { seen, owed, holder, .. } => Some((seen, owed, holder.unwrap().label)),
        _ => None,
    });
    assert_eq!(unread, Some((SeenAt::Release, Some(1), Some("careless".into()))));
    assert_in_step(&pool).await;
    assert_eq!(pool.status().1.unread_replies, 1);
    assert_idle(&pool);
}

#[tokio::test]
async fn a_connection_with_a_changed_state_is_not_lent_again() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = pool_on(options(&server), few(1));
    for change in [&["MULTI"][..], &["WATCH", "a"], &["SELECT", "3"], &["SUBSCRIBE", "news"], &["MONITOR"]] {
        let mut lease = pool.checkout().await.unwrap();
        lease.command(change).await.unwrap();
        drop(lease);
        assert_eq!(closed(&mut events), [CloseReason::Tainted], "{change:?}");
        assert_in_step(&pool).await;
    }
    let mut lease = pool.checkout().await.unwrap();
    for command in [&["MULTI"][..], &["INCR", "a"], &["EXEC"], &["SELECT", "3"], &["SELECT", "0"]] {
        lease.command(command).await.unwrap();
    }
    drop(lease);
    assert_eq!(closed(&mut events), [], "what was put back is as it was");
    assert_idle(&pool);
}

#[tokio::test]
async fn a_server_that_is_full_gives_every_slot_back() {
    let server = RedisServer::start(&["--maxclients", "5"]);
    let config = PoolConfig { retries: 0, ..few(10) };
    let (pool, _) = pool_on(options(&server), config);
    let warmed = pool.warmup(10).await;
    assert!(warmed.opened >= 1 && warmed.failed >= 1, "{warmed:?}");
    assert_eq!(warmed.error.as_ref().map(ConnectError::kind), Some(ConnectErrorKind::MaxClients));
    let mut held = Vec::new();
    let error = loop {
        match pool.checkout().await {
            Ok(lease) => held.push(lease),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, CheckoutError::Connect(e) if e.kind() == ConnectErrorKind::MaxClients),
        "{error}"
    );
    held.clear();
    assert_idle(&pool);
    pool.command(&["CONFIG", "SET", "maxclients", "100"]).await.unwrap();
    assert_eq!(pool.warmup(10).await.failed, 0);
    assert_eq!(pool.status().0.available, 10);
}

#[tokio::test]
async fn a_wrong_password_is_no_storm() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let url = format!("redis://:wrong@127.0.0.1:{}", server.port());
    let (pool, mut events) = pool_on(ConnectOptions::from_url(&url).unwrap(), few(50));
    for _ in 0..100 {
        let error = pool.command(&["PING"]).await.unwrap_err();
        assert_eq!(
            error.connect_error().map(ConnectError::kind),
            Some(ConnectErrorKind::WrongPass),
            "{error}"
        );
        assert!(!error.to_string().contains("wrong@") && !error.to_string().contains(":wrong"), "{error}");
    }
    let dials = told(&mut events).iter().filter(|e| matches!(e, PoolEvent::OpenFailed { .. })).count();
    assert!(dials < 20, "{dials} dials for 100 commands");
    assert_eq!(pool.status().1.retries, 0);
    let (pool, _) = pool_on(options(&server), few(2));
    let error = pool.command(&["PING"]).await.unwrap_err();
    assert_eq!(error.connect_error().map(ConnectError::kind), Some(ConnectErrorKind::NoAuth), "{error}");
}

#[tokio::test]
async fn a_lease_that_was_taken_back_sends_nothing_more() {
    let server = RedisServer::start(&[]);
    let (pool, _) = pool_on(options(&server), few(2));
    let mut lease = pool.checkout().await.unwrap();
    pool.reset();
    assert!(matches!(lease.command(&["SET", "a", "1"]).await, Err(CommandError::Ended(CloseReason::Reset))));
    drop(lease);
    let mut lease = pool.checkout().await.unwrap();
    pool.close_connection(lease.id());
    assert!(matches!(lease.command(&["SET", "a", "1"]).await, Err(CommandError::Ended(CloseReason::Asked))));
    drop(lease);
    assert_eq!(pool.command(&["GET", "a"]).await.unwrap(), Value::Nil);
    assert_idle(&pool);
}

#[tokio::test]
async fn commands_on_a_single_connection_queue_in_order() {
    let server = RedisServer::start(&[]);
    let config = PoolConfig { single: true, ..few(1) };
    let (pool, _) = pool_on(options(&server), config);
    let commands: Vec<_> = (1..=200)
        .map(|n| {
            let pool = pool.clone();
            (n, tokio::spawn(async move { pool.command(&["INCR", "n"]).await }))
        })
        .collect();
    for (n, command) in commands {
        assert_eq!(command.await.unwrap().unwrap(), Value::Integer(n));
    }
    assert_eq!(pool.status().1.opened, 1);
}

#[tokio::test]
async fn hundreds_of_callers_get_each_their_own_reply() {
    let server = RedisServer::start(&[]);
    for protocol in ["2", "3"] {
        let url = format!("{}?protocol={protocol}", server.url());
        let (pool, _) = pool_on(ConnectOptions::from_url(&url).unwrap(), few(20));
        let callers: Vec<_> = (0..300)
            .map(|caller| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for n in 0..20 {
                        let text = format!("{caller}-{n}");
                        let reply = pool.command(&["ECHO", &text]).await.unwrap();
                        assert_eq!(reply, Value::Bulk(text.into()));
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let totals = pool.status().1;
        assert_eq!((totals.commands, totals.checkouts), (6_000, 6_000));
        assert!(totals.opened <= 20);
        assert_idle(&pool);
    }
}

#[tokio::test]
async fn valkey_is_served_as_well() {
    let server = RedisServer::start_valkey(&[]);
    let (pool, _) = pool_on(options(&server), few(3));
    pool.command(&["SET", "a", "1"]).await.unwrap();
    assert_eq!(pool.command(&["GET", "a"]).await.unwrap(), bulk("1"));
    assert_in_step(&pool).await;
    assert_eq!(pool.health_check().await.failed, 0);
    assert_idle(&pool);
}

/// Nobody listens there, and a crowd wants a connection: most are told so at once, without another attempt each.
#[tokio::test]
async fn a_server_that_is_gone_is_not_dialled_by_every_caller() {
    let address = format!("redis://127.0.0.1:{}", support::free_port());
    let (pool, _) = pool_on(ConnectOptions::from_url(&address).unwrap(), few(50));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..5_000 {
        let pool = pool.clone();
        callers.spawn(async move { pool.command(&["GET", "a"]).await });
    }
    while let Some(outcome) = callers.join_next().await {
        let error = outcome.unwrap().unwrap_err();
        assert!(error.to_string().contains("nothing listens at"), "{error}");
    }
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.opening, gauges.available, totals.opened), (0, 0, 0));
    assert_eq!(totals.failed, 5_000 * 4, "each caller and each of its retries is told");
    // Those that were under way before the first had failed, and then one at a time.
    assert!(totals.open_failures <= 50 + 20, "{} attempts", totals.open_failures);
}
