//! This process's observing connections, by their own end: they are in no pool, and nobody should wonder why.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use parking_lot::Mutex;

static SEATS: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());

/// An observer's end, for as long as it is open.
#[derive(Debug)]
pub(super) struct Seat(SocketAddr);

impl Seat {
    /// Takes note of one.
    pub(super) fn take(local: SocketAddr) -> Self {
        SEATS.lock().insert(local);
        Self(local)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        SEATS.lock().remove(&self.0);
    }
}

/// Whether an observer of this process has this end.
pub fn is_observer(local: SocketAddr) -> bool {
    SEATS.lock().contains(&local)
}
