//! The hub's snapshot against the pool it speaks of: after every step they say the same.

mod pool_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pool_support::Fakes;
use proptest::prelude::*;
use redis_pooltop::event::{Clock, CloseReason, Event, PoolEvent};
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::pool::{InstrumentedPool, Lease, OnExhausted, PoolConfig};
use redis_pooltop::snapshot::{ConnectionRow, RowState, Snapshot};

const MAX: u32 = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Checkout,
    Release(usize),
    Discard(usize),
    Resize(u32),
    Close(usize),
    Reset,
    /// More events than the tap holds, so that those of the next steps are dropped.
    Flood,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Checkout),
        5 => any::<usize>().prop_map(Step::Release),
        2 => any::<usize>().prop_map(Step::Discard),
        1 => (1..MAX + 3).prop_map(Step::Resize),
        2 => any::<usize>().prop_map(Step::Close),
        1 => Just(Step::Reset),
        1 => Just(Step::Flood),
    ]
}

struct Bench {
    clock: Clock,
    hub: Hub,
    pool: InstrumentedPool<Fakes>,
    leases: Vec<Lease<Fakes>>,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions::default(), Duration::from_secs(3600));
        let config = PoolConfig { max: MAX, on_exhausted: OnExhausted::Fail, ..PoolConfig::default() };
        let pool = InstrumentedPool::new(Fakes::default(), config, clock, hub.tap());
        hub.attach(pool.pulse_source());
        Self { clock, hub, pool, leases: Vec::new() }
    }

    async fn step(&mut self, step: Step) {
        let taken = |leases: &mut Vec<Lease<Fakes>>, pick: usize| {
            (!leases.is_empty()).then(|| leases.swap_remove(pick % leases.len()))
        };
        match step {
            Step::Checkout => self.leases.extend(self.pool.checkout().await),
            Step::Release(pick) => drop(taken(&mut self.leases, pick)),
            Step::Discard(pick) => {
                if let Some(lease) = taken(&mut self.leases, pick) {
                    lease.discard(CloseReason::Broken);
                }
            }
            Step::Resize(max) => {
                self.pool.resize(max);
            }
            Step::Close(pick) => {
                let rows = self.hub.subscribe().borrow().connections.clone();
                if !rows.is_empty() {
                    self.pool.close_connection(rows[pick % rows.len()].id);
                }
            }
            Step::Reset => {
                self.pool.reset();
            }
            Step::Flood => {
                let id = self.pool.id();
                let dropped = self.hub.tap().dropped();
                while self.hub.tap().dropped() == dropped {
                    let error = String::new();
                    let event = Event::Pool(id, PoolEvent::OpenFailed { error });
                    self.hub.tap().emit(self.clock.now(), event);
                }
            }
        }
    }

    /// Asserts that the snapshot says of the pool what the pool says of itself.
    fn compare(&self, snapshot: &Snapshot) {
        let (gauges, totals) = self.pool.status();
        let row = &snapshot.pools[0];
        let told = [row.in_use, row.available, row.opening, row.waiting, row.max];
        let truth = [gauges.in_use, gauges.available, gauges.opening, gauges.waiting, gauges.max];
        assert_eq!(told, truth.map(Some));
        assert_eq!(row.totals, totals);
        assert_eq!(snapshot.connections.len() as u32, gauges.in_use + gauges.available);
        let lent = |row: &&Arc<ConnectionRow>| matches!(row.state, RowState::InUse { .. });
        let told: BTreeSet<_> = snapshot.connections.iter().filter(lent).map(|row| row.id).collect();
        // A lent connection that was asked to close is over for its holder, and in use until he lets go.
        let held: BTreeSet<_> = self.leases.iter().map(Lease::id).collect();
        let usable = self.leases.iter().filter(|lease| !lease.is_over()).map(Lease::id).collect();
        assert_eq!(told.len() as u32, gauges.in_use);
        assert!(told.is_subset(&held) && told.is_superset(&usable));
        assert!(!snapshot.out_of_sync);
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_snapshot_says_what_the_pool_says(steps in prop::collection::vec(any_step(), 0..60)) {
        run(async {
            let mut bench = Bench::new();
            for step in steps {
                bench.step(step).await;
                let mut snapshot = bench.hub.sync().await;
                if snapshot.out_of_sync {
                    // Something was dropped: the hub asks for everything, and that settles it.
                    assert!(snapshot.dropped > 0);
                    bench.hub.sync().await;
                    snapshot = bench.hub.sync().await;
                }
                bench.compare(&snapshot);
                if snapshot.dropped == 0 {
                    let row = &snapshot.pools[0];
                    assert_eq!(row.closed_by.iter().map(|(_, count)| count).sum::<u64>(), row.totals.closed);
                    assert!(snapshot.connections.iter().all(|row| row.opened.is_some()));
                }
            }
        });
    }
}

#[test]
fn what_happens_while_the_hub_cannot_keep_up_is_settled_afterwards() {
    run(async {
        let mut bench = Bench::new();
        bench.step(Step::Checkout).await;
        bench.step(Step::Checkout).await;
        bench.hub.sync().await;
        // No await in between that lets the hub run: what these steps emit is dropped.
        bench.step(Step::Flood).await;
        bench.step(Step::Discard(0)).await;
        bench.step(Step::Release(0)).await;
        bench.step(Step::Checkout).await;
        let snapshot = bench.hub.sync().await;
        assert!(snapshot.dropped > 0);
        assert_eq!(snapshot.pools[0].closed_by, [(CloseReason::Broken, 1)], "counted by the pool");
        bench.hub.sync().await;
        let snapshot = bench.hub.sync().await;
        bench.compare(&snapshot);
    });
}

#[test]
fn leaks_and_exhaustion_are_judged_from_a_pool_as_it_is() {
    run(async {
        let mut bench = Bench::new();
        let leak_threshold = Duration::ZERO;
        bench.hub.set_options(ModelOptions { leak_threshold, ..ModelOptions::default() });
        for _ in 0..=MAX {
            bench.step(Step::Checkout).await;
        }
        assert_eq!(bench.leases.len() as u32, MAX, "the last one was refused");
        let snapshot = bench.hub.sync().await;
        let ids = |snapshot: &Snapshot| snapshot.lints.iter().map(|lint| lint.id).collect::<BTreeSet<_>>();
        assert_eq!(ids(&snapshot), BTreeSet::from(["leak", "exhausted", "pool-usage"]));
        assert!(snapshot.connections.iter().all(|row| row.flagged));
        let leak = snapshot.lints.iter().find(|lint| lint.id == "leak").expect("a leak");
        assert!(leak.evidence.contains("tests/hub_pool.rs:"), "{}", leak.evidence);
        bench.leases.clear();
        let snapshot = bench.hub.sync().await;
        assert_eq!(ids(&snapshot), BTreeSet::from(["exhausted"]), "the refusal is news for a while");
        assert!(!snapshot.connections.iter().any(|row| row.flagged));
    });
}

#[test]
fn a_closed_pool_leaves_no_connection_behind() {
    run(async {
        let mut bench = Bench::new();
        bench.step(Step::Checkout).await;
        bench.step(Step::Checkout).await;
        bench.hub.sync().await;
        bench.leases.clear();
        bench.pool.close(Duration::ZERO).await;
        let snapshot = bench.hub.sync().await;
        let row = &snapshot.pools[0];
        assert!(row.stopped && snapshot.connections.is_empty());
        assert_eq!((row.in_use, row.available), (Some(0), Some(0)));
        assert_eq!(row.closed_by, [(CloseReason::PoolClosed, 2)]);
    });
}
