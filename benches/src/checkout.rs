//! Checkout and release alone, on connections that are nothing: what the pool itself costs.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::pool::{Connector, Identity, InstrumentedPool, PoolConfig, Pooled, Probe};

use crate::rounds::Rounds;

/// Leases a round.
const LEASES: usize = 200_000;

struct Nothing(u32);

struct Nowhere;

impl Connector for Nowhere {
    type Conn = Nothing;
    type Error = Infallible;

    async fn connect(&self) -> Result<Nothing, Infallible> {
        Ok(Nothing(1))
    }

    fn target(&self) -> String {
        "nowhere".to_owned()
    }
}

impl Pooled for Nothing {
    fn identity(&self) -> Identity {
        Identity::default()
    }

    fn probe(&mut self) -> Probe {
        Probe::Quiet
    }

    fn owed(&self) -> u64 {
        0
    }

    fn taint(&self) -> Option<&'static str> {
        None
    }

    async fn ping(&mut self) -> bool {
        true
    }
}

impl bb8::ManageConnection for Nowhere {
    type Connection = u32;
    type Error = Infallible;

    async fn connect(&self) -> Result<u32, Infallible> {
        Ok(1)
    }

    async fn is_valid(&self, _: &mut u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        false
    }
}

impl deadpool::managed::Manager for Nowhere {
    type Type = u32;
    type Error = Infallible;

    async fn create(&self) -> Result<u32, Infallible> {
        Ok(1)
    }

    async fn recycle(
        &self,
        _: &mut u32,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

/// All settings the target names.
pub(crate) async fn run() {
    let clock = Clock::start();
    let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(250));
    for (tasks, size) in [(1, 50), (50, 50), (200, 50)] {
        let config = PoolConfig { max: size, ..PoolConfig::default() };
        let ours = InstrumentedPool::new(Nowhere, config, clock, hub.tap());
        hub.attach(ours.pulse_source());
        let bb8 = bb8::Pool::builder().max_size(size).test_on_check_out(false).build(Nowhere).await;
        let Ok(bb8) = bb8;
        let deadpool = deadpool::managed::Pool::<Nowhere>::builder(Nowhere).max_size(size as usize).build();
        let Ok(deadpool) = deadpool else { return eprintln!("deadpool does not build") };

        let title =
            format!("checkout and release, {tasks} task(s) on {size} connections, ours with all instruments");
        let mut rounds = Rounds::new(title, LEASES);
        rounds.add("ours", || {
            let pool = ours.clone();
            spread(tasks, move |leases| {
                let pool = pool.clone();
                async move {
                    for _ in 0..leases {
                        if let Ok(lease) = pool.checkout().await {
                            black_box(lease.0);
                        }
                    }
                }
            })
        });
        rounds.add("bb8", || {
            let pool = bb8.clone();
            spread(tasks, move |leases| {
                let pool = pool.clone();
                async move {
                    for _ in 0..leases {
                        if let Ok(connection) = pool.get().await {
                            black_box(*connection);
                        }
                    }
                }
            })
        });
        rounds.add("deadpool", || {
            let pool = deadpool.clone();
            spread(tasks, move |leases| {
                let pool = pool.clone();
                async move {
                    for _ in 0..leases {
                        if let Ok(connection) = pool.get().await {
                            black_box(*connection);
                        }
                    }
                }
            })
        });
        rounds.run().await;
    }
}

/// So many tasks, the leases in equal parts.
async fn spread<F, R>(tasks: usize, work: F) -> Duration
where
    F: Fn(usize) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let begun = Instant::now();
    let all: Vec<_> = (0..tasks).map(|_| tokio::spawn(work(LEASES / tasks))).collect();
    for task in all {
        let _ = task.await;
    }
    begun.elapsed()
}
