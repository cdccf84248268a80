//! This program's own connections to a server, so that they are told apart and blamed for nothing.

use std::sync::Arc;

use parking_lot::Mutex;

#[derive(Debug, Default)]
pub(super) struct Own(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    open: Vec<u64>,
    /// Since the last look.
    ended: Vec<u64>,
}

/// A connection of ours while it is open.
#[derive(Debug)]
pub(super) struct Ours {
    own: Arc<Own>,
    id: u64,
}

impl Own {
    /// A connection that the server calls so was opened.
    pub(super) fn opened(self: &Arc<Self>, id: u64) -> Ours {
        self.0.lock().open.push(id);
        Ours { own: self.clone(), id }
    }

    /// The ids of those that are open.
    pub(super) fn ids(&self) -> Vec<u64> {
        self.0.lock().open.clone()
    }

    /// The ids of those that ended since this was last asked.
    pub(super) fn take_ended(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().ended)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let mut ids = self.own.0.lock();
        ids.open.retain(|id| *id != self.id);
        ids.ended.push(self.id);
    }
}
