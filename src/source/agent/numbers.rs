//! Our numbers for processes, pools and connections: each is given once in a run, and a process that lost its way to us
//! and comes back has the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::event::{ConnId, PoolId, ProcId};

/// Entries kept of each kind; the run of an app that starts more processes or pools gives new numbers to those that come
/// back.
const MOST: usize = 65_536;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    given: Mutex<Given>,
    connections: AtomicU64,
}

#[derive(Debug, Default)]
struct Given {
    processes: HashMap<(u32, u64), ProcId>,
    pools: HashMap<(ProcId, u64), PoolId>,
    next_process: u32,
    next_pool: u32,
}

impl Numbers {
    /// That of the process with this pid that was born then.
    pub(super) fn process(&self, pid: u32, born: u64) -> ProcId {
        let Given { processes, next_process, .. } = &mut *self.given.lock();
        if processes.len() >= MOST {
            processes.clear();
        }
        *processes.entry((pid, born)).or_insert_with(|| ProcId(next(next_process)))
    }

    /// That of a process's pool.
    pub(super) fn pool(&self, process: ProcId, pool: u64) -> PoolId {
        let Given { pools, next_pool, .. } = &mut *self.given.lock();
        if pools.len() >= MOST {
            pools.clear();
        }
        *pools.entry((process, pool)).or_insert_with(|| PoolId(next(next_pool)))
    }

    /// A new one for a connection.
    pub(super) fn connection(&self) -> ConnId {
        ConnId(self.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn next(number: &mut u32) -> u32 {
    let given = *number;
    *number = number.wrapping_add(1);
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_has_the_same_numbers_and_nobody_else_has() {
        let numbers = Numbers::default();
        let first = numbers.process(4711, 1);
        let pool = numbers.pool(first, 1);
        assert_eq!(numbers.process(4711, 1), first);
        assert_eq!(numbers.pool(first, 1), pool);
        let reused = numbers.process(4711, 2);
        assert_ne!(reused, first);
        assert_ne!(numbers.pool(reused, 1), pool);
        assert_ne!(numbers.connection(), numbers.connection());
    }
}
