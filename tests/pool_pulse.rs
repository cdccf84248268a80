//! What a pool tells once a tick: its state, its totals, what was counted since the last time, and who waits.

mod pool_support;

use std::sync::Arc;
use std::time::Duration;

use pool_support::{FakePool, fake_pool, plain};
use redis_pooltop::event::{ConnState, Event, PoolEvent, Pulse, PulseSource, Samples, Stamp};
use redis_pooltop::pool::PoolConfig;

fn pulse(pool: &FakePool, source: &Arc<dyn PulseSource>) -> Pulse {
    let Some(Event::Pool(id, PoolEvent::Pulse(pulse))) = source.pulse(Stamp(0)) else { panic!("no pulse") };
    assert_eq!(id, pool.id());
    *pulse
}

fn count(samples: &Samples) -> u64 {
    samples.0.iter().map(|(_, times)| times).sum()
}

#[tokio::test(start_paused = true)]
async fn a_pulse_has_what_happened_since_the_last_one() {
    let (pool, ..) = fake_pool(plain(2));
    let source = pool.pulse_source();
    for _ in 0..20 {
        drop(pool.checkout().await.unwrap());
    }
    let held = pool.checkout_as("holder".into()).await.unwrap();
    let first = pulse(&pool, &source);
    assert_eq!((first.gauges.in_use, first.gauges.available, first.gauges.max), (1, 0, 2));
    assert_eq!((first.totals.checkouts, first.totals.released, first.totals.opened), (21, 20, 1));
    assert_eq!((count(&first.wait), count(&first.held), count(&first.create)), (21, 20, 1));

    drop(held);
    let second = pulse(&pool, &source);
    assert_eq!((count(&second.wait), count(&second.held), count(&second.create)), (0, 1, 0));
    assert_eq!(second.totals.released, 21);
    let third = pulse(&pool, &source);
    assert_eq!((count(&third.wait), count(&third.held), third.connections.len()), (0, 0, 0));
    assert_eq!(third.totals, second.totals);
}

#[tokio::test(start_paused = true)]
async fn a_pulse_lists_what_is_in_use_and_what_changed() {
    let (pool, ..) = fake_pool(plain(3));
    let source = pool.pulse_source();
    pool.warmup(3).await;
    assert_eq!(pulse(&pool, &source).connections.len(), 3);
    assert_eq!(pulse(&pool, &source).connections.len(), 0, "nothing changed");

    let lease = pool.checkout_as("worker".into()).await.unwrap();
    lease.pin(Some("MULTI".into()));
    for _ in 0..2 {
        let pulse = pulse(&pool, &source);
        let [row] = &pulse.connections[..] else { panic!("{:?}", pulse.connections) };
        assert_eq!(row.conn, lease.id());
        let ConnState::InUse { holder, pinned, .. } = &row.state else { panic!("{row:?}") };
        assert_eq!((holder.label.as_deref(), pinned.as_deref()), (Some("worker"), Some("MULTI")));
        assert!(holder.location.as_deref().is_some_and(|at| at.contains("pool_pulse.rs:")), "{holder:?}");
    }
    let id = lease.id();
    drop(lease);
    let back = pulse(&pool, &source);
    let [row] = &back.connections[..] else { panic!("{:?}", back.connections) };
    assert!(matches!(row.state, ConnState::Available { .. }) && row.conn == id && row.uses == 1);
    let again = pool.checkout().await.unwrap();
    let row = pulse(&pool, &source).connections.remove(0);
    assert!(matches!(row.state, ConnState::InUse { pinned: None, .. }), "a pin ends with its lease");
    drop(again);

    source.resync();
    assert_eq!(pulse(&pool, &source).connections.len(), 3, "the whole truth when asked for");
}

#[tokio::test(start_paused = true)]
async fn a_holder_has_its_task_and_a_waiter_its_place() {
    let (pool, ..) = fake_pool(plain(1));
    let source = pool.pulse_source();
    let lease = pool.checkout().await.unwrap();
    let waiters: Vec<_> = (0..40)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move { drop(pool.checkout_as(format!("job {n}").into()).await.unwrap()) })
        })
        .collect();
    tokio::task::yield_now().await;
    let crowded = pulse(&pool, &source);
    assert_eq!(crowded.gauges.waiting, 40);
    let named: Vec<_> = crowded.waiters.iter().filter_map(|w| w.holder.label.as_deref()).collect();
    assert_eq!(named.len(), Pulse::WAITERS);
    assert_eq!(named[..3], ["job 0", "job 1", "job 2"]);
    assert!(crowded.waiters[0].holder.task.is_some(), "a spawned task has a number");
    drop(lease);
    for waiter in waiters {
        waiter.await.unwrap();
    }
    let calm = pulse(&pool, &source);
    assert_eq!((calm.gauges.waiting, calm.waiters.len(), calm.totals.waited), (0, 0, 40));
    assert_eq!((count(&crowded.wait), count(&calm.wait)), (1, 40));
}

/// The longest waits of all are those that ran into the timeout: without them the times would look best when it is worst.
#[tokio::test]
async fn a_wait_that_times_out_is_counted_with_its_time() {
    let limit = Duration::from_millis(20);
    let (pool, ..) = fake_pool(PoolConfig { blocking_timeout: limit, ..plain(1) });
    let source = pool.pulse_source();
    let lease = pool.checkout().await.unwrap();
    assert_eq!(count(&pulse(&pool, &source).wait), 1, "opening one");
    let (one, other) = tokio::join!(pool.checkout(), pool.checkout());
    assert!(one.is_err() && other.is_err());
    let after = pulse(&pool, &source);
    assert_eq!((after.totals.timeouts, after.totals.waited, after.totals.checkouts), (2, 2, 1));
    assert_eq!(count(&after.wait), 2);
    assert!(after.wait.0.iter().all(|(nanos, _)| *nanos >= 19_000_000), "{:?}", after.wait);
    drop(lease);
}

/// It has queued too, but nobody knows for how long it would have.
#[tokio::test(start_paused = true)]
async fn a_caller_that_went_away_has_waited_and_has_no_time() {
    let (pool, ..) = fake_pool(plain(1));
    let source = pool.pulse_source();
    let lease = pool.checkout().await.unwrap();
    pulse(&pool, &source);
    tokio::select! {
        biased;
        _ = pool.checkout() => panic!("there is none"),
        () = tokio::task::yield_now() => {}
    }
    let after = pulse(&pool, &source);
    assert_eq!((after.totals.cancelled, after.totals.waited, count(&after.wait)), (1, 1, 0));
    drop(lease);
}
