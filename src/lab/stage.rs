//! What one way of an experiment works with: a watched pool of its own that lasts through all repetitions, the server,
//! and keys.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::middlebox::Middlebox;
use super::place::Place;
use super::watcher::Watcher;
use super::{Trouble, Way};
use crate::event::Totals;
use crate::net::ConnectOptions;
use crate::pool::{PoolConfig, RedisPool};
use crate::snapshot::{Level, Snapshot};

/// How long something that must happen may take before the experiment gives up on it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one way works with.
pub struct Stage {
    way: usize,
    place: Arc<Place>,
    watcher: Arc<Watcher>,
    connect: ConnectOptions,
    config: PoolConfig,
    pool: RedisPool,
    /// Pools beside the way's own.
    others: Mutex<Vec<RedisPool>>,
    middlebox: Option<Middlebox>,
}

impl Stage {
    /// A way's own, on a server that may be behind a middlebox.
    pub(crate) fn new(
        way: usize,
        (place, watcher): (Arc<Place>, Arc<Watcher>),
        (connect, config): (ConnectOptions, PoolConfig),
        middlebox: Option<Middlebox>,
    ) -> Self {
        let pool = open(&place, &watcher, way, (connect.clone(), config.clone()));
        Self { way, place, watcher, connect, config, pool, others: Mutex::default(), middlebox }
    }

    /// Its number among the experiment's ways.
    pub(crate) fn way(&self) -> usize {
        self.way
    }

    /// Its pool.
    pub(crate) fn pool(&self) -> &RedisPool {
        &self.pool
    }

    /// Where it runs.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// What stands between it and the server.
    pub(crate) fn middlebox(&self) -> Result<&Middlebox, Trouble> {
        self.middlebox.as_ref().ok_or_else(|| Trouble::Failed("no middlebox was started".to_owned()))
    }

    /// Another pool with the same settings.
    pub(crate) fn another_pool(&self) -> RedisPool {
        let pool = open(&self.place, &self.watcher, self.way, (self.connect.clone(), self.config.clone()));
        self.others.lock().push(pool.clone());
        pool
    }

    /// Forgets a pool of [`another_pool`](Self::another_pool) that was closed.
    pub(crate) fn drop_closed(&self) {
        self.others.lock().retain(|pool| !pool.is_closed());
    }

    /// What its pool counted so far.
    pub(crate) fn totals(&self) -> Totals {
        self.pool.status().1
    }

    /// The model looks now.
    pub(crate) async fn look(&self) -> Arc<Snapshot> {
        self.watcher.look().await
    }

    /// How often a lint was raised in this way so far.
    pub(crate) fn times(&self, lint: &str) -> u64 {
        self.watcher.times(self.way, lint)
    }

    /// Whether a lint is switched off, and will never be raised.
    pub(crate) fn is_off(&self, lint: &str) -> bool {
        self.place.hub.options().levels.get(lint) == Level::Off
    }

    /// Waits until the model has raised a lint so often.
    pub(crate) async fn until_raised(&self, lint: &str, times: u64) {
        if self.is_off(lint) {
            return;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.times(lint) < times && Instant::now() < deadline {
            self.look().await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Drops every connection of its pools, lent or not.
    pub(crate) fn reset(&self) {
        self.pool.reset();
        self.others.lock().drain(..).for_each(|pool| {
            pool.reset();
        });
    }

    /// Ends everything it opened.
    pub(crate) async fn close(&self) {
        self.pool.close(Duration::ZERO).await;
        let others = std::mem::take(&mut *self.others.lock());
        for pool in others {
            pool.close(Duration::ZERO).await;
        }
    }
}

fn open(
    place: &Place,
    watcher: &Watcher,
    way: usize,
    (connect, config): (ConnectOptions, PoolConfig),
) -> RedisPool {
    let pool = RedisPool::redis(connect, config, place.hub.clock(), place.hub.tap());
    watcher.add(pool.id(), way);
    place.hub.attach(pool.pulse_source());
    pool
}

/// How a way's pool is called on the screen.
pub(crate) fn pool_name(experiment: &str, way: &Way) -> String {
    format!("lab {experiment}: {}", way.name)
}
