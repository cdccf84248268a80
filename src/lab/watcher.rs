//! Which lints the model raised while an experiment ran, and in which of its ways.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::event::{PoolId, Stamp};
use crate::hub::Hub;
use crate::snapshot::{About, Snapshot};

/// How often the pools are looked at.
const EVERY: Duration = Duration::from_millis(50);

/// A lint that was raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// How often.
    pub times: u64,
    /// What it said last.
    pub evidence: String,
}

/// Somebody else who sees what the watcher sees: a lint that is over when the experiment ends is not lost on them.
#[derive(Clone)]
pub struct Witness(Arc<dyn Fn(&Snapshot) + Send + Sync>);

impl Witness {
    /// Told of each snapshot, in order.
    pub fn new(saw: impl Fn(&Snapshot) + Send + Sync + 'static) -> Self {
        Self(Arc::new(saw))
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Witness").finish_non_exhaustive()
    }
}

/// Looks at an experiment's pools while it lives.
pub(crate) struct Watcher {
    hub: Hub,
    noted: Arc<Mutex<Noted>>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Noted {
    /// Whose pools they are.
    pools: HashMap<PoolId, usize>,
    /// The way that runs.
    now: usize,
    known: HashSet<(About, &'static str, Stamp)>,
    raised: Vec<BTreeMap<&'static str, Raised>>,
    witness: Option<Witness>,
}

impl Watcher {
    /// Of so many ways.
    pub(crate) fn start(hub: Hub, ways: usize, witness: Option<Witness>) -> Self {
        let raised = vec![BTreeMap::new(); ways];
        let noted = Arc::new(Mutex::new(Noted { raised, witness, ..Noted::default() }));
        let task = tokio::spawn({
            let (hub, noted) = (hub.clone(), noted.clone());
            async move {
                loop {
                    let snapshot = hub.sync().await;
                    noted.lock().note(&snapshot);
                    tokio::time::sleep(EVERY).await;
                }
            }
        });
        Self { hub, noted, task }
    }

    /// A pool belongs to a way.
    pub(crate) fn add(&self, pool: PoolId, way: usize) {
        self.noted.lock().pools.insert(pool, way);
    }

    /// From now on this way runs.
    pub(crate) fn turn_to(&self, way: usize) {
        self.noted.lock().now = way;
    }

    /// Looks now.
    pub(crate) async fn look(&self) -> Arc<Snapshot> {
        let snapshot = self.hub.sync().await;
        self.noted.lock().note(&snapshot);
        snapshot
    }

    /// How often a lint was raised in a way so far.
    pub(crate) fn times(&self, way: usize, lint: &str) -> u64 {
        self.noted.lock().raised.get(way).and_then(|raised| raised.get(lint)).map_or(0, |raised| raised.times)
    }

    /// What was raised, by way.
    pub(crate) fn raised(&self) -> Vec<BTreeMap<&'static str, Raised>> {
        self.noted.lock().raised.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Noted {
    fn note(&mut self, snapshot: &Snapshot) {
        if let Some(Witness(saw)) = &self.witness {
            saw(snapshot);
        }
        for row in &snapshot.lints {
            // What is said of the server is said with whichever pool is first: it is about who runs.
            let server = (row.id == "maxclients").then_some(self.now);
            let Some(way) = server.or_else(|| row.pool().and_then(|pool| self.pools.get(&pool)).copied())
            else {
                continue;
            };
            let Some(raised) = self.raised.get_mut(way) else { continue };
            let raised = raised.entry(row.id).or_insert_with(|| Raised { times: 0, evidence: String::new() });
            raised.times += u64::from(self.known.insert((row.about.clone(), row.id, row.since)));
            raised.evidence.clone_from(&row.evidence);
        }
    }
}
