//! Objects that keep themselves alive, and their connections with them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Way, load};
use super::get;
use crate::net::ConnectOptions;
use crate::pool::{PoolConfig, RedisLease};

const MAX: u32 = 10;
const CALLERS: u32 = 5;

const HELD: Measure = Measure::count("lent after the last use");
const SERVED: Measure = Measure::count("next callers served of 5");

const CYCLE: usize = 0;
const TREE: usize = 1;

static ABOUT: About = About {
    name: "lost-object",
    practice: "An object that holds a connection and is kept alive by a reference cycle, or by a global, never returns \
               it, though nobody can reach it any more.",
    lesson: "let go of the connection when its work is done, not when its object dies; break cycles with weak references.",
    ways: &[
        Way::wrong(
            "a cycle",
            "10 objects with a connection each; child and parent refer to each other",
            "leak",
        ),
        Way::right("no cycle", "the same objects; the child refers to its parent weakly"),
    ],
    claims: &[
        Claim::at_least(HELD, CYCLE, MAX as f64),
        Claim::at_most(HELD, TREE, 0.0),
        Claim::times(SERVED, TREE, CYCLE, CALLERS as f64),
    ],
    connections: MAX * 2,
    middlebox: false,
};

/// Has a connection, and a child.
struct Report {
    _lease: RedisLease,
    child: Mutex<Option<Arc<Page>>>,
}

/// Refers back to its parent.
struct Page {
    _strong: Option<Arc<Report>>,
    _weak: Weak<Report>,
}

/// A report and its page; what nobody keeps is gone when this returns, unless they keep each other.
fn build(lease: RedisLease, cycle: bool) -> Weak<Report> {
    let report = Arc::new(Report { _lease: lease, child: Mutex::default() });
    let weak = Arc::downgrade(&report);
    let strong = cycle.then(|| report.clone());
    *report.child.lock() = Some(Arc::new(Page { _strong: strong, _weak: weak.clone() }));
    weak
}

pub(super) struct LostObject;

impl Experiment for LostObject {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MAX;
        pool.blocking_timeout = Duration::from_millis(30);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("lost", "value").await?;
            let before = stage.times("leak");
            let mut built = Lost(Vec::new());
            for number in 0..MAX {
                let lease = stage.pool().checkout_as(format!("report {number}").into()).await?;
                built.0.push(build(lease, stage.way() == CYCLE));
            }
            let held = stage.pool().status().0.in_use;
            let (served, _) = load::at_once(CALLERS, |_| {
                let (pool, key) = (stage.pool().clone(), key.clone());
                async move { get(&pool, &key).await.is_ok() }
            })
            .await;
            if stage.way() == CYCLE {
                stage.until_raised("leak", before + u64::from(MAX)).await;
            }
            let served = served.into_iter().filter(|served| *served).count() as f64;
            Ok(Sample::new().with(HELD, held).with(SERVED, served))
        })
    }
}

/// Breaks the cycles in the end, whatever ends it: the program goes on.
struct Lost(Vec<Weak<Report>>);

impl Drop for Lost {
    fn drop(&mut self) {
        for report in self.0.iter().filter_map(Weak::upgrade) {
            let child = report.child.lock().take();
            drop(child);
        }
    }
}
