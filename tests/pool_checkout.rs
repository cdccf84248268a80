//! A checkout, from every side: what it gets, what it waits for, how it ends.

mod pool_support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use pool_support::{Way, fake_pool, plain, told};
use redis_pooltop::event::{CloseReason, PoolEvent, SeenAt, WaitEnd};
use redis_pooltop::pool::{CheckoutError, OnExhausted, PoolConfig};

/// Lets every other task run until all of them wait for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_opened_once_and_lent_again() {
    let (pool, world, mut events) = fake_pool(plain(3));
    for _ in 0..5 {
        let lease = pool.checkout().await.unwrap();
        assert_eq!(pool.status().0.in_use, 1);
        drop(lease);
    }
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.available, gauges.opening), (0, 1, 0));
    assert_eq!((totals.opened, totals.checkouts, totals.released), (1, 5, 5));
    assert_eq!(world.open(), 1);
    let told = told(&mut events);
    assert!(matches!(told[..], [PoolEvent::Started(_), PoolEvent::Opened(_)]), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_in_is_the_first_out() {
    let (pool, ..) = fake_pool(plain(3));
    let (a, b) = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    let (first, second) = (a.id(), b.id());
    drop(b);
    drop(a);
    assert_eq!(pool.checkout().await.unwrap().id(), first);
    let again = pool.checkout().await.unwrap();
    assert_eq!(again.id(), first);
    assert_eq!(pool.checkout().await.unwrap().id(), second);
}

/// A limit that no clock can count to is none.
#[tokio::test(start_paused = true)]
async fn a_wait_may_be_unlimited() {
    let config = PoolConfig { blocking_timeout: Duration::MAX, ..plain(1) };
    let (pool, ..) = fake_pool(config);
    let lease = pool.checkout().await.unwrap();
    let waits = tokio::spawn({
        let pool = pool.clone();
        async move { pool.checkout().await.map(|lease| lease.id()) }
    });
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(pool.status().0.waiting, 1);
    let id = lease.id();
    drop(lease);
    assert_eq!(waits.await.unwrap().unwrap(), id);
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order() {
    let (pool, ..) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    for n in 0..10 {
        let (pool, tell) = (pool.clone(), tell.clone());
        tokio::spawn(async move {
            let _lease = pool.checkout().await.unwrap();
            tell.send(n).unwrap();
        });
        settle().await;
    }
    assert_eq!(pool.status().0.waiting, 10);
    drop((lease, tell));
    let mut order = Vec::new();
    while let Some(n) = heard.recv().await {
        order.push(n);
    }
    assert_eq!(order, (0..10).collect::<Vec<_>>());
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.available, gauges.waiting), (0, 1, 0));
    assert_eq!((totals.checkouts, totals.waited), (11, 10));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_takes_too_long_says_who_is_in_the_way() {
    let config = PoolConfig { blocking_timeout: Duration::from_secs(20), ..plain(2) };
    let (pool, _, mut events) = fake_pool(config);
    let _a = pool.checkout_as("worker-2".into()).await.unwrap();
    let _b = pool.checkout().await.unwrap();
    let error = pool.checkout_as("late".into()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("no connection within 20 s: 2 of 2 in use (longest"), "{said}");
    assert!(said.ends_with("worker-2)"), "{said}");
    assert_eq!(pool.status().1.timeouts, 1);
    let told = told(&mut events);
    let failed = told.iter().find_map(|event| match event {
        PoolEvent::WaitFailed { ended, holder, .. } => Some((*ended, holder.label.clone())),
        _ => None,
    });
    assert_eq!(failed, Some((WaitEnd::TimedOut, Some("late".into()))));
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_does_not_queue_refuses_at_once() {
    let config = PoolConfig { on_exhausted: OnExhausted::Fail, ..plain(1) };
    let (pool, ..) = fake_pool(config);
    let lease = pool.checkout().await.unwrap();
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Exhausted(_))));
    drop(lease);
    drop(pool.checkout().await.unwrap());
    assert_eq!(pool.status().1.refused, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_connect_gives_its_slot_to_the_next() {
    let (pool, world, mut events) = fake_pool(plain(1));
    world.connects.lock().unwrap().extend([Way::Error, Way::Ok]);
    let (first, second) = tokio::join!(pool.checkout(), pool.checkout());
    assert!(matches!(first, Err(CheckoutError::Connect(_))));
    assert!(second.is_ok());
    let totals = pool.status().1;
    assert_eq!((totals.open_failures, totals.failed, totals.opened), (1, 1, 1));
    assert!(told(&mut events).iter().any(|event| matches!(event, PoolEvent::OpenFailed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_read_is_seen_at_release() {
    let (pool, world, mut events) = fake_pool(plain(2));
    let mut lease = pool.checkout_as("careless".into()).await.unwrap();
    lease.send(1);
    drop(lease);
    let mut lease = pool.checkout_as("careless".into()).await.unwrap();
    lease.surprise(7);
    drop(lease);
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.available, totals.unread_replies, totals.discarded), (0, 2, 2));
    assert_eq!(world.open(), 0);
    let unread: Vec<_> = told(&mut events)
        .into_iter()
        .filter_map(|event| match event {
            PoolEvent::UnreadReply { seen, owed, bytes, holder, .. } => {
                Some((seen, owed, bytes, holder.and_then(|holder| holder.label)))
            }
            _ => None,
        })
        .collect();
    let who = Some("careless".into());
    assert_eq!(
        unread,
        [(SeenAt::Release, Some(1), Some(0), who.clone()), (SeenAt::Release, Some(0), Some(8), who)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_on_the_shelf_is_seen_at_the_next_checkout() {
    let (pool, world, mut events) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let (late, first) = (lease.late.clone(), lease.id());
    drop(lease);
    late.store(2, SeqCst);
    let mut lease = pool.checkout().await.unwrap();
    assert_ne!(lease.id(), first);
    assert_eq!(lease.call(1).await, Some(1));
    drop(lease);
    assert_eq!(world.open(), 1);
    let unread = told(&mut events).into_iter().find_map(|event| match event {
        PoolEvent::UnreadReply { conn, seen, owed, bytes, .. } => Some((conn, seen, owed, bytes)),
        _ => None,
    });
    assert_eq!(unread, Some((first, SeenAt::Checkout, Some(0), Some(16))));
    let totals = pool.status().1;
    assert_eq!((totals.unread_replies, totals.checkouts, totals.released, totals.closed), (1, 2, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_on_the_shelf_is_replaced() {
    let (pool, world, mut events) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let (dead, first) = (lease.dead.clone(), lease.id());
    drop(lease);
    dead.store(true, SeqCst);
    let lease = pool.checkout().await.unwrap();
    assert_ne!(lease.id(), first);
    assert_eq!(world.open(), 1);
    let closed = told(&mut events).into_iter().find_map(|event| match event {
        PoolEvent::Closed { conn, reason } => Some((conn, reason)),
        _ => None,
    });
    assert_eq!(closed, Some((first, CloseReason::Broken)));
    let totals = pool.status().1;
    assert_eq!((totals.opened, totals.closed, totals.checkouts), (2, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_changed_connection_is_not_lent_again() {
    let (pool, world, _) = fake_pool(plain(1));
    let mut lease = pool.checkout().await.unwrap();
    lease.taint = Some("subscribed");
    drop(lease);
    assert_eq!(world.open(), 0);
    assert_eq!(pool.status().1.discarded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_on_a_cold_pool_does_not_dial_all_at_once() {
    let (pool, world, _events) = fake_pool(plain(1_000));
    world.connects.lock().unwrap().extend([Way::Slow; 1_000]);
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { drop(pool.checkout().await.unwrap()) })
        })
        .collect();
    settle().await;
    let gauges = pool.status().0;
    assert_eq!((gauges.opening, gauges.waiting), (128, 872));
    for caller in callers {
        caller.await.unwrap();
    }
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.opening, gauges.waiting, totals.checkouts), (0, 0, 0, 1_000));
    assert!(world.dialled.load(SeqCst) <= 256, "those that came back served those who waited");
}
