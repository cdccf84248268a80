//! The experiments, one file each, and what several of them do.

mod bounded;
mod client_per_request;
mod cold_start;
mod forgotten_release;
mod health_check;
mod lifecycle;
mod long_hold;
mod lost_object;
mod monitoring;
mod multiplexing;
mod pipeline;
mod reconnect;
mod single_connection;
mod sizing;
mod timeouts;
mod unbounded;
mod warm_up;
mod watch_server;
mod web_case;

use std::time::{Duration, Instant};

use super::{Experiment, Trouble, load};
use crate::pool::{CommandError, RedisLease, RedisPool};
use crate::resp::Value;

/// All of them, in the order of the field's list.
pub(super) static ALL: &[&dyn Experiment] = &[
    &cold_start::ColdStart,
    &warm_up::WarmUp,
    &unbounded::Unbounded,
    &bounded::Bounded,
    &sizing::Sizing,
    &watch_server::WatchServer,
    &client_per_request::ClientPerRequest,
    &lifecycle::Lifecycle,
    &forgotten_release::ForgottenRelease,
    &lost_object::LostObject,
    &long_hold::LongHold,
    &single_connection::SingleConnection,
    &pipeline::Pipeline,
    &multiplexing::Multiplexing,
    &health_check::HealthCheck,
    &reconnect::Reconnect,
    &timeouts::Timeouts,
    &monitoring::Monitoring,
    &web_case::WebCase,
];

/// `GET key` on a connection of the pool's.
async fn get(pool: &RedisPool, key: &str) -> Result<Value, CommandError> {
    pool.command(&["GET", key]).await
}

/// So many callers at once, each with a GET: how long each took from asking to its answer, and all of them.
async fn timed_gets(pool: &RedisPool, key: &str, callers: u32) -> Result<(Vec<Duration>, Duration), Trouble> {
    let (times, took) = load::at_once(callers, |_| {
        let (pool, key) = (pool.clone(), key.to_owned());
        async move {
            let begun = Instant::now();
            get(&pool, &key).await?;
            Ok::<_, Trouble>(begun.elapsed())
        }
    })
    .await;
    Ok((times.into_iter().collect::<Result<_, _>>()?, took))
}

/// A program that computes for a while.
async fn compute(time: Duration) {
    tokio::time::sleep(time).await;
}

/// `GET key` on a lease, and whether it was answered.
async fn read(lease: &mut RedisLease, key: &str) -> bool {
    lease.command(&["GET", key]).await.is_ok()
}
