//! The experiments, one file each, and what several of them do.

mod cold_start;
mod forgotten_release;

use std::time::Duration;

use super::Experiment;
use crate::pool::{CommandError, RedisLease, RedisPool};
use crate::resp::Value;

/// All of them, in the order of the field's list.
pub(super) static ALL: &[&dyn Experiment] = &[&cold_start::ColdStart, &forgotten_release::ForgottenRelease];

/// `GET key` on a connection of the pool's; an error reply is a failure as well.
async fn get(pool: &RedisPool, key: &str) -> Result<Value, CommandError> {
    pool.command(&["GET", key]).await
}

/// A program that computes for a while.
async fn compute(time: Duration) {
    tokio::time::sleep(time).await;
}

/// `GET key` on a lease, and whether it was answered.
async fn read(lease: &mut RedisLease, key: &str) -> bool {
    lease.command(&["GET", key]).await.is_ok()
}
