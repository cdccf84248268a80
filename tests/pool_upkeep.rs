//! What a pool does by itself or is told to: warm-up, limits, checks, expiry, reset and close.

mod pool_support;
mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use pool_support::{Way, fake_pool, plain, told};
use redis_pooltop::event::{CloseReason, PoolEvent};
use redis_pooltop::pool::{CheckoutError, Health, PoolConfig};
use support::wait_until;

fn reasons(told: &[PoolEvent]) -> Vec<CloseReason> {
    let closed = told.iter().filter_map(|event| match event {
        PoolEvent::Closed { reason, .. } => Some(*reason),
        _ => None,
    });
    closed.collect()
}

#[tokio::test(start_paused = true)]
async fn warm_up_fills_to_the_number_and_not_over_the_limit() {
    let (pool, world, _events) = fake_pool(plain(5));
    let warmed = pool.warmup(3).await;
    assert_eq!((warmed.opened, warmed.failed), (3, 0));
    assert_eq!(pool.warmup(3).await.opened, 0, "three exist");
    assert_eq!(pool.warmup(50).await.opened, 2);
    let gauges = pool.status().0;
    assert_eq!((gauges.available, gauges.in_use), (5, 0));
    assert_eq!((world.open(), pool.status().1.checkouts), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn warm_up_is_side_by_side_and_stops_at_the_first_failure() {
    let (pool, world, _events) = fake_pool(plain(200));
    world.connects.lock().unwrap().extend([Way::Slow; 100]);
    let begun = tokio::time::Instant::now();
    assert_eq!(pool.warmup(100).await.opened, 100);
    assert_eq!(begun.elapsed(), pool_support::SLOW, "all at a time");
    pool.reset();
    world.connects.lock().unwrap().extend([Way::Error; 200]);
    let before = world.dialled.load(SeqCst);
    let warmed = pool.warmup(200).await;
    assert_eq!(warmed.error.as_deref(), Some("no such server"));
    assert!(world.dialled.load(SeqCst) - before < 200, "no attempt begins after the first failure");
    assert_eq!(pool.status().0.opening, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lower_limit_closes_what_is_idle_now_and_what_is_lent_later() {
    let (pool, world, mut events) = fake_pool(plain(4));
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pool.checkout().await.unwrap());
    }
    drop(leases.pop());
    assert_eq!(pool.resize(2), 2);
    assert_eq!((pool.status().0.in_use, world.open()), (3, 3));
    let late = tokio::spawn(pool.checkout());
    drop(leases.pop());
    tokio::task::yield_now().await;
    assert!(!late.is_finished(), "two are lent, as many as allowed");
    assert_eq!(world.open(), 2);
    drop(leases.pop());
    assert!(late.await.unwrap().is_ok());
    let told = told(&mut events);
    assert_eq!(reasons(&told), [CloseReason::Resized, CloseReason::Resized]);
    assert!(told.contains(&PoolEvent::Resized { max: 2 }));
}

#[tokio::test(start_paused = true)]
async fn a_higher_limit_serves_those_who_wait() {
    let (pool, ..) = fake_pool(plain(1));
    let _first = pool.checkout().await.unwrap();
    let (second, third) = (tokio::spawn(pool.checkout()), tokio::spawn(pool.checkout()));
    tokio::task::yield_now().await;
    assert_eq!(pool.status().0.waiting, 2);
    pool.resize(3);
    let _both = (second.await.unwrap().unwrap(), third.await.unwrap().unwrap());
    assert_eq!(pool.status().0.in_use, 3);
}

#[tokio::test(start_paused = true)]
async fn single_mode_has_one_connection_whatever_is_asked() {
    let (pool, world, _events) = fake_pool(PoolConfig { single: true, ..plain(10) });
    assert_eq!((pool.config().max, pool.resize(5)), (1, 1));
    let all = (0..20).map(|_| tokio::spawn(pool.checkout())).collect::<Vec<_>>();
    for one in all {
        drop(one.await.unwrap().unwrap());
    }
    assert_eq!((world.open(), pool.status().1.opened), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn reset_takes_everything_back_and_counts_each_lease_once() {
    let (pool, world, mut events) = fake_pool(plain(2));
    let (kept, idle) = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    drop(idle);
    assert_eq!(pool.reset(), 2);
    assert!(kept.is_over());
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.available), (0, 0));
    assert_eq!((totals.reclaimed, totals.released, totals.closed), (1, 1, 2));
    // Its slot is free although its holder still has it.
    let both = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    assert_eq!(world.open(), 3);
    drop(kept);
    assert_eq!(world.open(), 2);
    drop(both);
    let totals = pool.status().1;
    assert_eq!((totals.checkouts, totals.released, totals.discarded, totals.reclaimed), (4, 3, 0, 1));
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Reset, CloseReason::Reset]);
}

#[tokio::test(start_paused = true)]
async fn what_is_opening_during_a_reset_is_opened_again() {
    let (pool, world, mut events) = fake_pool(plain(1));
    world.connects.lock().unwrap().push_back(Way::Slow);
    let caller = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    assert_eq!(pool.status().0.opening, 1);
    pool.reset();
    let lease = caller.await.unwrap().unwrap();
    assert_eq!((lease.token, world.open(), pool.status().0.opening), (1, 1, 0));
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Reset]);
}

#[tokio::test(start_paused = true)]
async fn one_connection_can_be_closed_idle_or_lent() {
    let (pool, world, mut events) = fake_pool(plain(2));
    let (lent, idle) = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    let idle_id = idle.id();
    drop(idle);
    assert!(pool.close_connection(idle_id));
    assert_eq!(world.open(), 1);
    assert!(!pool.close_connection(idle_id));
    assert!(pool.close_connection(lent.id()));
    assert!(lent.is_over());
    // Its slot is free although its holder still has it.
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, totals.reclaimed, totals.discarded), (0, 1, 0));
    drop(lent);
    assert_eq!((world.open(), pool.status().1.discarded), (0, 0));
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Asked, CloseReason::Asked]);
}

#[tokio::test(start_paused = true)]
async fn closing_refuses_waits_and_then_takes_back() {
    let (pool, world, mut events) = fake_pool(plain(2));
    let (quick, slow) = (pool.checkout().await.unwrap(), pool.checkout().await.unwrap());
    let waiter = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close(Duration::from_secs(5)).await }
    });
    tokio::task::yield_now().await;
    assert!(matches!(waiter.await.unwrap(), Err(CheckoutError::Closed)));
    assert!(matches!(pool.checkout().await, Err(CheckoutError::Closed)));
    assert_eq!(pool.warmup(2).await.opened, 0);
    drop(quick);
    assert!(!slow.is_over(), "it has its grace");
    assert_eq!(closing.await.unwrap(), 1);
    assert!(slow.is_over());
    drop(slow);
    assert_eq!(world.open(), 0);
    let totals = pool.status().1;
    assert_eq!((totals.discarded, totals.reclaimed, totals.refused), (1, 1, 2));
    assert_eq!(told(&mut events).last(), Some(&PoolEvent::Stopped));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_as_soon_as_all_is_back() {
    let (pool, ..) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let begun = tokio::time::Instant::now();
    let back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(lease);
    };
    let (reclaimed, ()) = tokio::join!(pool.close(Duration::from_secs(60)), back);
    assert_eq!((reclaimed, begun.elapsed()), (0, Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_closes_the_pool() {
    let (pool, world, mut events) = fake_pool(plain(2));
    let (source, lease) = (pool.pulse_source(), pool.checkout().await.unwrap());
    drop(pool.checkout().await.unwrap());
    let other = pool.clone();
    drop(pool);
    assert_eq!(world.open(), 2);
    drop(other);
    assert_eq!(world.open(), 1);
    drop(lease);
    assert_eq!(world.open(), 0);
    assert!(source.pulse(redis_pooltop::event::Stamp(0)).is_none(), "nothing keeps it alive");
    assert!(told(&mut events).contains(&PoolEvent::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_check_closes_those_that_do_not_answer() {
    let (pool, world, mut events) = fake_pool(plain(3));
    pool.warmup(3).await;
    world.pings.lock().unwrap().extend([Way::Ok, Way::Error, Way::Never]);
    assert_eq!(pool.health_check().await, Health { checked: 3, failed: 2 });
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.available, gauges.in_use), (1, 0));
    assert_eq!((totals.health_checks, totals.health_failures, totals.checkouts), (3, 2, 0));
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Unhealthy, CloseReason::Unhealthy]);
}

#[tokio::test(start_paused = true)]
async fn the_sweep_asks_by_itself() {
    let config = PoolConfig { health_check_interval: Some(Duration::ZERO), ..plain(1) };
    let (pool, world, _events) = fake_pool(config);
    pool.warmup(1).await;
    world.pings.lock().unwrap().push_back(Way::Error);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.open(), 0);
    assert!(pool.status().1.health_failures >= 1);
}

#[tokio::test(start_paused = true)]
async fn the_sweep_closes_what_the_server_closed() {
    let (pool, world, mut events) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let dead = lease.dead.clone();
    drop(lease);
    dead.store(true, SeqCst);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.open(), 0);
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Broken]);
}

/// Ages are told by the run's clock, which no test can pause: short limits and a deadline.
#[tokio::test]
async fn idle_and_old_connections_are_closed() {
    let config = PoolConfig { max_idle: Some(Duration::from_millis(20)), ..plain(2) };
    let (pool, world, mut events) = fake_pool(config);
    pool.warmup(2).await;
    wait_until("idle connections to go", async || world.open() == 0).await;
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Idle, CloseReason::Idle]);

    pool.set(|config| {
        config.max_idle = None;
        config.max_lifetime = Some(Duration::from_millis(1));
    });
    let lease = pool.checkout().await.unwrap();
    let begun = std::time::Instant::now();
    wait_until("a lifetime to pass", async || begun.elapsed() > Duration::from_millis(5)).await;
    assert_eq!(world.open(), 1, "a lent one lives until it comes back");
    drop(lease);
    assert_eq!(world.open(), 0);
    assert_eq!(reasons(&told(&mut events)), [CloseReason::Expired]);
}
