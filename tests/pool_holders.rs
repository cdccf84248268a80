//! Who has a lease: the line, the task, the scope and its end, and the stack where that is asked for.

mod pool_support;

use std::sync::Arc;
use std::time::Duration;

use pool_support::{FakePool, fake_pool, plain};
use redis_pooltop::event::{Clock, ConnId, ConnState, Event, Holder, PoolEvent, Stamp};
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::pool::{InstrumentedPool, PoolConfig};
use redis_pooltop::snapshot::Snapshot;

/// The holders of what is lent, in the connections' order.
fn holders(pool: &FakePool) -> Vec<Holder> {
    let Some(Event::Pool(_, PoolEvent::Pulse(pulse))) = pool.pulse_source().pulse(Stamp(0)) else {
        panic!("no pulse")
    };
    let mut rows = pulse.connections;
    rows.sort_by_key(|row| row.conn);
    let holders = rows.into_iter().filter_map(|row| match row.state {
        ConnState::InUse { holder, .. } => Some(holder),
        ConnState::Available { .. } => None,
    });
    holders.collect()
}

fn holder(pool: &FakePool) -> Holder {
    let mut holders = holders(pool);
    assert_eq!(holders.len(), 1);
    holders.remove(0)
}

#[tokio::test]
async fn a_lease_knows_the_line_and_the_task_that_took_it() {
    let (pool, ..) = fake_pool(plain(4));
    let (line, asked) = (line!(), pool.checkout());
    // The line is that of the call, wherever the future runs.
    let (lease, task) = tokio::spawn(async move { (asked.await.unwrap(), tokio::task::id()) }).await.unwrap();
    let holder = holder(&pool);
    assert_eq!(holder.location.as_deref(), Some(&*format!("{}:{line}", file!())));
    assert_eq!(holder.task.map(|task| task.to_string()), Some(task.to_string()));
    assert_eq!((holder.label, holder.stack, holder.ended), (None, None, None));
    drop(lease);
    assert!(holders(&pool).is_empty());
}

#[tokio::test]
async fn a_scope_names_its_leases_and_its_end_is_told_of_those_left_behind() {
    let (pool, ..) = fake_pool(plain(4));
    let work = async {
        drop(pool.checkout().await.unwrap());
        let own = pool.checkout().await.unwrap();
        let named = pool.checkout_as("report".into()).await.unwrap();
        let kept = pool.checkout().await.unwrap();
        kept.stays();
        assert!(holders(&pool).iter().all(|holder| holder.ended.is_none()), "the work goes on");
        [own, named, kept]
    };
    let left = pool.scope("import".into(), work).await;
    let labels: Vec<_> =
        holders(&pool).into_iter().map(|holder| (holder.label.unwrap(), holder.ended.is_some())).collect();
    let label = |text: &str| Arc::<str>::from(text);
    assert_eq!(labels, [(label("import"), true), (label("report"), true), (label("import"), false)]);
    drop(left);
    let lease = pool.checkout().await.unwrap();
    assert_eq!(holder(&pool).label, None, "outside of it nobody is named so");
    drop(lease);
}

#[tokio::test]
async fn scopes_end_when_they_are_dropped_and_the_innermost_owns() {
    let (pool, ..) = fake_pool(plain(4));
    let (give, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let outer = tokio::spawn({
        let (pool, give) = (pool.clone(), give.clone());
        let work = async move {
            let inner = pool.scope("inner".into(), async { give.send(pool.checkout().await.unwrap()) });
            inner.await.unwrap();
            give.send(pool.checkout().await.unwrap()).unwrap();
            std::future::pending::<()>().await;
        };
        fake_scope(work)
    });
    let leases = [taken.recv().await.unwrap(), taken.recv().await.unwrap()];
    let seen = |pool: &FakePool| {
        let named = |holder: Holder| (holder.label.unwrap().to_string(), holder.ended.is_some());
        holders(pool).into_iter().map(named).collect::<Vec<_>>()
    };
    assert_eq!(seen(&pool), [("inner".to_owned(), true), ("outer".to_owned(), false)]);
    outer.abort();
    assert!(outer.await.unwrap_err().is_cancelled());
    assert_eq!(seen(&pool), [("inner".to_owned(), true), ("outer".to_owned(), true)]);
    drop(leases);
}

/// A scope of another pool than the leases': an owner is a task's, not a pool's.
fn fake_scope<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let (other, ..) = fake_pool(plain(1));
    async move { other.scope("outer".into(), work).await }
}

#[tokio::test]
async fn the_stack_is_kept_where_that_is_asked_for() {
    let (pool, ..) = fake_pool(PoolConfig { backtraces: true, ..plain(4) });
    let (line, lease) = (line!(), taken_deep_inside(&pool).await);
    let stack = holder(&pool).stack.expect("a stack");
    let frames: Vec<_> = stack.lines().collect();
    assert!(frames[0].contains("tests/pool_holders.rs:"), "{stack}");
    assert!(frames[1].contains(&format!("tests/pool_holders.rs:{line}:")), "its caller: {stack}");
    assert!(
        !stack.contains("src/pool.rs") && !stack.contains("/src/runtime/"),
        "only the caller's own: {stack}"
    );
    drop(lease);
    pool.set(|config| config.backtraces = false);
    let lease = taken_deep_inside(&pool).await;
    assert_eq!(holder(&pool).stack, None);
    drop(lease);
}

#[inline(never)]
async fn taken_deep_inside(pool: &FakePool) -> redis_pooltop::pool::Lease<pool_support::Fakes> {
    pool.checkout().await.unwrap()
}

/// From a scope that leaves a lease behind to the judgement, and to its end.
#[tokio::test]
async fn what_a_scope_leaves_behind_is_called_abandoned_until_it_is_back() {
    let clock = Clock::start();
    let hub = Hub::start(clock, ModelOptions::default(), Duration::from_secs(3600));
    let pool = InstrumentedPool::new(pool_support::Fakes::default(), plain(4), clock, hub.tap());
    hub.attach(pool.pulse_source());
    let abandoned = |snapshot: &Arc<Snapshot>| {
        let found = snapshot.lints.iter().filter(|lint| lint.id == "abandoned");
        found.map(|lint| lint.conn().expect("a connection")).collect::<Vec<ConnId>>()
    };
    let (lease, during) = pool
        .scope("import".into(), async { (pool.checkout().await.unwrap(), abandoned(&hub.sync().await)) })
        .await;
    assert!(during.is_empty());
    let snapshot = hub.sync().await;
    assert_eq!(abandoned(&snapshot), [lease.id()]);
    let found = snapshot.lints.iter().find(|lint| lint.id == "abandoned").expect("found above");
    assert!(found.evidence.contains("import") && found.evidence.contains("pool_holders.rs:"), "{found:?}");
    drop(lease);
    assert!(abandoned(&hub.sync().await).is_empty());
}

fn pulse_of<C: redis_pooltop::pool::Connector>(pool: &InstrumentedPool<C>) -> redis_pooltop::event::Pulse {
    match pool.pulse_source().pulse(Stamp(0)) {
        Some(Event::Pool(_, PoolEvent::Pulse(pulse))) => *pulse,
        other => panic!("no pulse but {other:?}"),
    }
}

/// The released lease that the next pulse tells: whose it was, and whether its times make sense.
fn told_past(pool: &FakePool) -> Option<String> {
    let pulse = pulse_of(pool);
    let last = pulse.connections.first()?.last.clone()?;
    assert!(last.since < last.until, "{last:?}");
    Some(last.holder.label.expect("a label").to_string())
}

#[tokio::test]
async fn the_lease_that_ended_last_is_told_once_with_its_holder() {
    let (pool, ..) = fake_pool(plain(1));
    let take = async |label: &str| pool.checkout_as(label.into()).await.unwrap();
    let lease = take("a").await;
    assert_eq!(told_past(&pool), None);
    drop(lease);
    assert_eq!(told_past(&pool).as_deref(), Some("a"));
    assert_eq!(told_past(&pool), None, "once");
    drop(take("b").await);
    let lease = take("c").await;
    assert_eq!(told_past(&pool).as_deref(), Some("b"), "while another is out");
    drop(lease);
    // The pool's own look at an idle connection is no holder of it.
    pool.health_check().await;
    assert_eq!(told_past(&pool).as_deref(), Some("c"));
}
