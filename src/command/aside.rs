//! What runs beside a line that still runs: what needs no connection of the pool, and so may be what gives that line its
//! own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;

use super::builtin::{Builtin, PoolCall};
use super::runner::Kept;
use super::session::Session;
use super::{Call, parse};
use crate::event::ConnId;
use crate::pool::RedisLease;

/// Connections that a person holds, by number. While a command runs on one it is not in here, so that nobody else can
/// use it or give it back.
pub(super) type Held = Arc<Mutex<BTreeMap<ConnId, Kept>>>;

/// Connections that `POOL LEAK` took.
pub(super) type Forgotten = Arc<Mutex<Vec<RedisLease>>>;

/// How many connections a session waits for at the moment.
#[derive(Clone, Debug, Default)]
pub struct Waits(pub(super) Arc<AtomicU32>);

impl Waits {
    /// Whether what it runs has no connection yet.
    pub fn any(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

/// Whether a line may run beside another: it needs no connection of the pool, and says what it has to say at once.
pub fn runs_aside(line: &str) -> bool {
    let Ok(line) = parse(line.as_bytes()) else { return false };
    let call = match &line.call {
        Call::Builtin(Builtin::Pool(call)) => matches!(
            call,
            PoolCall::Stats
                | PoolCall::List
                | PoolCall::Leaks
                | PoolCall::Release(_)
                | PoolCall::Resize { .. }
                | PoolCall::Close(_)
                | PoolCall::Reset
                | PoolCall::ConfigGet { .. }
                | PoolCall::ConfigSet { .. }
        ),
        Call::Builtin(builtin) => {
            matches!(builtin, Builtin::Jobs | Builtin::Kill(_) | Builtin::Help(_) | Builtin::Explain(_))
        }
        Call::Nothing | Call::Redis { .. } => false,
    };
    call && !line.job && line.repeat == 1
}

impl Session {
    /// A session for the lines that [run aside](runs_aside): it has the same pool and jobs, and shares what is held. What
    /// MULTI, WATCH and SELECT keep is with the line that runs, and stays out of its reach.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self {
            runner: self.runner.clone(),
            hub: self.hub.clone(),
            own: None,
            database: self.database,
            at_risk: None,
            held: Arc::clone(&self.held),
            lost: Arc::clone(&self.lost),
            jobs: Arc::clone(&self.jobs),
            waits: Waits::default(),
            place: None,
            beside: self.beside,
            pipes: self.pipes,
            confirm: self.confirm.clone(),
            unasked: self.unasked,
        }
    }

    /// How many connections the line that runs waits for.
    pub fn waits(&self) -> Waits {
        self.waits.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_for_a_connection_or_a_server_runs_in_turn() {
        for line in ["POOL RESET", "pool release all", "POOL CONFIG SET max 4", "KILL 1", "JOBS", "? GET"] {
            assert!(runs_aside(line), "{line}");
        }
        for line in
            ["GET a", "POOL HOLD 1", "POOL WARMUP 2", "POOL HEALTH", "LAB", "2 POOL STATS", "QUIT", ""]
        {
            assert!(!runs_aside(line), "{line}");
        }
        assert!(!runs_aside("POOL LIST | less") && !runs_aside("POOL LIST &"));
    }
}
