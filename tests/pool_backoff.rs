//! A server that is gone, and the crowd that wants connections to it: who dials, who is told, and how all come back.

mod pool_support;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use pool_support::{FakePool, SLOW, Way, World, fake_pool, plain, told};
use redis_pooltop::event::{PoolEvent, Timed};
use redis_pooltop::pool::{CheckoutError, PoolConfig};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// A pool that leaves its server alone after a failure, and the server is gone.
fn gone(config: PoolConfig) -> (FakePool, Arc<World>, Receiver<Timed>) {
    let (pool, world, events) = fake_pool(config);
    world.down.store(true, SeqCst);
    *world.pause.lock().unwrap() = Some(Duration::from_millis(10));
    (pool, world, events)
}

fn dials(world: &World) -> u64 {
    world.dialled.load(SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_keeps_asking_dials_a_few_times_a_second_and_comes_back() {
    let (pool, world, _events) = gone(plain(50));
    let back = Instant::now() + Duration::from_secs(10);
    let mut crowd = JoinSet::new();
    for n in 0..200_u64 {
        let pool = pool.clone();
        crowd.spawn(async move {
            let (mut failed, mut late) = (0, 0);
            loop {
                match pool.checkout().await {
                    Ok(lease) => {
                        drop(lease);
                        return (failed, late);
                    }
                    Err(CheckoutError::Connect(error)) => assert_eq!(error, "no such server"),
                    Err(other) => panic!("{other}"),
                }
                failed += 1;
                late += u64::from(Instant::now() > back + Duration::from_millis(500));
                sleep(Duration::from_millis(7 + n % 13)).await;
            }
        });
    }
    sleep(Duration::from_secs(2)).await;
    let before = dials(&world);
    assert!(
        before <= 50 + 15,
        "{before} in the first seconds: all that fit into the pool, and then one at a time"
    );
    sleep(Duration::from_secs(8)).await;
    let steady = dials(&world) - before;
    assert!((8..=33).contains(&steady), "{steady} in eight seconds");
    let status = pool.status();
    assert_eq!((status.0.opening, status.1.open_failures), (0, dials(&world)));
    world.down.store(false, SeqCst);
    let (mut failed, mut late) = (0, 0);
    while let Some(ended) = crowd.join_next().await {
        let (one, one_late) = ended.unwrap();
        (failed, late) = (failed + one, late + one_late);
    }
    assert_eq!(late, 0, "half a second after it is back everybody has a connection");
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.opening, gauges.waiting), (0, 0, 0));
    assert_eq!((totals.failed, totals.checkouts), (failed, 200));
}

#[tokio::test(start_paused = true)]
async fn a_person_who_asks_is_served_at_once() {
    let (pool, world, _events) = gone(plain(5));
    for _ in 0..9 {
        assert!(pool.checkout_at_once("typed".into()).await.is_err());
    }
    assert_eq!(dials(&world), 9, "each was a try");
    assert!(pool.checkout().await.is_err());
    assert_eq!(dials(&world), 9, "the others are told");
    world.down.store(false, SeqCst);
    assert!(pool.checkout().await.is_err(), "in the pause");
    let lease = pool.checkout_at_once("typed".into()).await.unwrap();
    let other = pool.checkout().await.unwrap();
    drop((lease, other));
}

#[tokio::test(start_paused = true)]
async fn a_warm_up_in_the_pause_begins_with_one() {
    let (pool, world, mut events) = gone(plain(20));
    assert!(pool.checkout().await.is_err());
    assert!(pool.checkout().await.is_err());
    let warmed = pool.warmup(20).await;
    assert_eq!((dials(&world), warmed.opened, warmed.failed), (2, 0, 1));
    assert_eq!(warmed.error.as_deref(), Some("no such server"));
    let failed =
        told(&mut events).iter().filter(|event| matches!(event, PoolEvent::OpenFailed { .. })).count();
    assert_eq!((failed, pool.status().1.open_failures), (2, 2), "what was not tried is no failure to open");
    world.down.store(false, SeqCst);
    assert_eq!((pool.warmup(20).await.opened, dials(&world)), (20, 22));
}

#[tokio::test(start_paused = true)]
async fn nothing_that_runs_by_itself_dials() {
    let config = PoolConfig { health_check_interval: Some(Duration::from_secs(1)), ..plain(3) };
    let (pool, world, _events) = fake_pool(config);
    pool.warmup(3).await;
    world.down.store(true, SeqCst);
    world.pings.lock().unwrap().extend([Way::Error; 3]);
    assert_eq!(pool.health_check().await.failed, 3);
    sleep(Duration::from_secs(120)).await;
    assert_eq!((world.open(), dials(&world)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_the_one_try_leaves_it_to_another() {
    let (pool, world, _events) = gone(plain(3));
    assert!(pool.checkout().await.is_err());
    sleep(Duration::from_millis(10)).await;
    world.down.store(false, SeqCst);
    world.connects.lock().unwrap().extend([Way::Never, Way::Slow]);
    let mut first = Box::pin(pool.checkout());
    assert!(timeout(Duration::ZERO, &mut first).await.is_err());
    let mut second = Box::pin(pool.checkout());
    assert!(timeout(Duration::from_secs(3), &mut second).await.is_err(), "the first one finds out");
    assert_eq!((dials(&world), pool.status().0.opening), (2, 2));
    drop(first);
    let begun = Instant::now();
    let lease = second.await.unwrap();
    assert_eq!((dials(&world), begun.elapsed()), (3, SLOW));
    drop(lease);
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.available, gauges.opening, totals.cancelled, totals.failed), (1, 0, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_takes_too_long_says_what_failed_meanwhile() {
    let (pool, world, _events) = gone(PoolConfig { blocking_timeout: Duration::from_secs(3), ..plain(1) });
    world.down.store(false, SeqCst);
    let lease = pool.checkout().await.unwrap();
    world.connects.lock().unwrap().extend([Way::Error, Way::Never]);
    let first = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    let second = tokio::spawn(pool.checkout_at_once("typed".into()));
    tokio::task::yield_now().await;
    let third = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    lease.discard(redis_pooltop::event::CloseReason::Asked);
    assert!(matches!(first.await.unwrap(), Err(CheckoutError::Connect(_))));
    let error = third.await.unwrap().unwrap_err();
    assert!(matches!(error, CheckoutError::TimedOut(_)));
    assert_eq!(
        error.to_string(),
        "no connection within 3 s: 0 of 1 in use, 1 opening; opening one failed: no such server"
    );
    second.abort();
}
