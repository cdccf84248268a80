//! This program's own connections to a server, so that they are told apart and blamed for nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::event::Client;
use crate::net::is_observer;
use crate::source::client_list::Compared;

#[derive(Debug, Default)]
pub(super) struct Own(Mutex<Ids>);

#[derive(Debug, Default)]
struct Ids {
    open: Vec<u64>,
    /// Those of this program's other observers: the same server may be watched by another name as well.
    others: BTreeSet<u64>,
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
        let ids = self.0.lock();
        ids.open.iter().chain(&ids.others).copied().collect()
    }

    /// Takes note of those that a list has of this program's other observers, by their ends.
    pub(super) fn know(&self, compared: &Compared, whole: bool) {
        let ours = |client: &&Arc<Client>| client.addr.parse().is_ok_and(is_observer);
        let new: Vec<u64> = compared.opened.iter().filter(ours).map(|client| client.id).collect();
        let mut ids = self.0.lock();
        if whole {
            ids.others.clear();
        }
        compared.closed.iter().for_each(|id| _ = ids.others.remove(id));
        let new = new.into_iter().filter(|id| !ids.open.contains(id)).collect::<Vec<_>>();
        ids.others.extend(new);
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
