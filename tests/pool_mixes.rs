//! Every mix of ok, error, slow and never through each await of a checkout, and the caller going away at any time.

mod pool_support;

use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};
use std::time::Duration;

use pool_support::{FakePool, SLOW, Way, World, fake_pool, plain};
use redis_pooltop::event::Gauges;
use redis_pooltop::pool::{CheckoutError, PoolConfig};

/// When the first caller goes away: before, amid and after each slow step, or not at all.
const CUTS: [Option<Duration>; 6] = [
    Some(Duration::ZERO),
    Some(Duration::from_millis(50)),
    Some(SLOW),
    Some(Duration::from_millis(150)),
    Some(Duration::from_millis(5_050)),
    None,
];

fn ways() -> impl Iterator<Item = [Way; 4]> {
    let all = || Way::ALL.into_iter();
    all()
        .flat_map(move |a| all().flat_map(move |b| all().flat_map(move |c| all().map(move |d| [a, b, c, d]))))
}

/// Whatever happened, the pool of one can lend its one connection, and only that.
async fn assert_whole(pool: &FakePool, world: &World, context: &str) {
    world.connects.lock().unwrap().clear();
    world.pings.lock().unwrap().clear();
    let lease = pool.checkout().await.unwrap_or_else(|error| panic!("{context}: {error}"));
    let gauges = pool.status().0;
    assert_eq!(gauges, Gauges { in_use: 1, max: 1, ..Gauges::default() }, "{context}");
    assert!(matches!(pool.checkout().await, Err(CheckoutError::TimedOut(_))), "{context}");
    drop(lease);
    let (gauges, totals) = pool.status();
    assert_eq!((gauges.in_use, gauges.available, gauges.opening, gauges.waiting), (0, 1, 0, 0), "{context}");
    assert_eq!(totals.checkouts, totals.released + totals.discarded + totals.reclaimed, "{context}");
    assert_eq!(world.open(), 1, "{context}");
    world.assert_right();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_in_any_mix_of_steps() {
    for [ping, first, second, third] in ways() {
        for cut in CUTS {
            let context = format!("ping {ping:?}, connects {first:?} {second:?} {third:?}, cut {cut:?}");
            // Asked before every use, so that the first step of a checkout is a ping.
            let config = PoolConfig {
                health_check_interval: Some(Duration::ZERO),
                blocking_timeout: Duration::from_secs(30),
                ..plain(1)
            };
            let (pool, world, _events) = fake_pool(config);
            drop(pool.checkout().await.unwrap());
            pool.set(|config| config.blocking_timeout = Duration::from_secs(8));
            world.pings.lock().unwrap().push_back(ping);
            world.connects.lock().unwrap().extend([first, second, third]);

            // Three callers: one asks the connection on the shelf, the others wait for it or open one in its place.
            let callers: Vec<_> = (0..3).map(|_| tokio::spawn(pool.checkout())).collect();
            tokio::task::yield_now().await;
            if let Some(after) = cut {
                tokio::time::sleep(after).await;
                callers[0].abort();
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
            for caller in callers {
                caller.abort();
                // What was granted goes straight back.
                let _ = caller.await;
            }
            tokio::time::sleep(Duration::from_secs(6)).await;
            let totals = pool.status().1;
            let ended =
                totals.checkouts + totals.timeouts + totals.cancelled + totals.refused + totals.failed;
            assert_eq!(ended, 4, "{context}: {totals:?}");
            assert_whole(&pool, &world, &context).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_passes_its_grant_on() {
    let (pool, world, _events) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let first = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    let second = tokio::spawn(pool.checkout());
    tokio::task::yield_now().await;
    // Granted to the first, which is gone before it can pick it up.
    drop(lease);
    first.abort();
    assert!(second.await.unwrap().is_ok());
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(pool.status().1.cancelled, 1);
    assert_whole(&pool, &world, "after a grant was passed on").await;
}

#[tokio::test(start_paused = true)]
async fn a_grant_in_the_last_moment_counts() {
    let config = PoolConfig { blocking_timeout: Duration::from_secs(1), ..plain(1) };
    let (pool, world, _events) = fake_pool(config);
    let lease = pool.checkout().await.unwrap();
    let mut waiter = Box::pin(pool.checkout());
    let first_look = std::future::poll_fn(|cx| std::task::Poll::Ready(waiter.as_mut().poll(cx).is_pending()));
    assert!(first_look.await, "it waits");
    // The time is over and the connection is there before the waiter looks again.
    tokio::time::advance(Duration::from_secs(2)).await;
    drop(lease);
    assert!(waiter.await.is_ok());
    assert_eq!(pool.status().1.timeouts, 0);
    assert_whole(&pool, &world, "after a late grant").await;
}

/// A waker that takes a connection when it is dropped, as one may that owns a task.
struct Grabber(Mutex<Option<(FakePool, Arc<Mutex<u32>>)>>);

impl Wake for Grabber {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Grabber {
    fn drop(&mut self) {
        if let Some((pool, looks)) = self.0.lock().unwrap().take() {
            // Takes the lock: it must be free.
            *looks.lock().unwrap() += pool.status().0.max;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wakers_are_dropped_when_the_lock_is_free() {
    let (pool, ..) = fake_pool(plain(1));
    let lease = pool.checkout().await.unwrap();
    let looks = Arc::<Mutex<u32>>::default();
    let mut waiting = Box::pin(pool.checkout());
    for _ in 0..2 {
        // Each look with another waker: the pool keeps the newest alone, and drops the one before.
        let waker = Arc::new(Grabber(Mutex::new(Some((pool.clone(), looks.clone()))))).into();
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(*looks.lock().unwrap(), 1);
    drop(waiting);
    assert_eq!(*looks.lock().unwrap(), 2);
    drop(lease);
}
