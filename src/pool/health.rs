//! What runs in the background: idle connections that live too long, are dead or do not answer, are closed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::config::PoolConfig;
use super::connector::{Connector, Pooled, Probe};
use super::core::Held;
use super::guards::Candidate;
use super::holder::Tag;
use super::inner::{Inner, Slot};
use crate::event::{SeenAt, Stamp};

/// How many connections are asked at a time: a sweep must not take the whole pool from its callers.
const AT_A_TIME: usize = 4;

/// How often dead sockets are looked for at least. It asks the system nothing about those that are quiet, and a server
/// that went away should not look as if its connections were there still.
const LONGEST: Duration = Duration::from_secs(1);

/// The shortest pause between two sweeps.
const SHORTEST: Duration = Duration::from_millis(100);

/// What a health check found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Connections asked.
    pub checked: u32,
    /// Of them, those that did not answer, and are closed.
    pub failed: u32,
}

impl<C: Connector> Inner<C> {
    /// Asks every idle connection that was silent for `stale_after`, a few at a time, and closes those that fail.
    #[track_caller]
    pub(super) fn check(self: Arc<Self>, stale_after: Duration) -> impl Future<Output = Health> + Send {
        let tag = Tag::labelled("health check".into());
        async move {
            let begun = self.clock.now();
            let mut health = Health::default();
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < AT_A_TIME
                    && let Some(held) = self.core.take_stale(self.clock.now(), stale_after, begun, &tag)
                {
                    running.push(self.check_one(held));
                }
                let Some(well) = running.next().await else { return health };
                health.checked += 1;
                health.failed += u32::from(!well);
            }
        }
    }

    async fn check_one(&self, held: Held<Slot<C::Conn>>) -> bool {
        let mut candidate = Candidate::new(self, held);
        let verdict = candidate.examine(true).await;
        let Some(mut held) = candidate.into_held() else { return false };
        let now = self.clock.now();
        let Some(reason) = verdict else {
            let returned = self.core.put_back(held, now, true);
            self.returned(returned, now);
            return true;
        };
        if reason == crate::event::CloseReason::UnreadReply {
            self.unread(&mut held.item, SeenAt::Checkout, None, now);
        }
        self.discard(held.key, held.item, reason, now);
        false
    }

    /// Closes what is idle or alive for too long, and what the server has closed.
    fn expire(&self, now: Stamp, config: &PoolConfig) {
        self.finish(self.core.expire(now, config.max_idle), now);
        self.finish(self.core.prune(now, |member| member.conn.probe() == Probe::Closed), now);
    }
}

/// Sweeps until the pool is gone or closed. It holds no more than a weak reference while it sleeps.
pub(super) async fn sweep<C: Connector>(pool: Weak<Inner<C>>) {
    loop {
        let Some(inner) = pool.upgrade() else { return };
        if inner.core.is_closed() {
            return;
        }
        let config = inner.config();
        inner.expire(inner.clock.now(), &config);
        if let Some(interval) = config.health_check_interval {
            inner.clone().check(interval).await;
        }
        let pause = period(&config);
        drop(inner);
        tokio::time::sleep(pause).await;
    }
}

/// Often enough that no limit is exceeded by more than half of it.
fn period(config: &PoolConfig) -> Duration {
    let limits = [config.max_idle, config.max_lifetime, config.health_check_interval];
    let shortest = limits.into_iter().flatten().min().map_or(LONGEST, |limit| limit / 2);
    shortest.clamp(SHORTEST, LONGEST)
}
