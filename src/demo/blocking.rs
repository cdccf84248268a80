//! Commands that wait for a key: BLPOP and its kin. A client waits in line at each of its keys; when one has something, its
//! command runs again.

use std::time::Instant;

use bytes::Bytes;

use super::client::{ClientId, Replies};
use super::dispatch::{self, Call, Patience};
use super::fault::Fault;
use super::spec::Found;
use super::state::State;

/// What a blocked client waits for.
pub(crate) struct Blocked {
    pub(crate) found: Found,
    pub(crate) args: Vec<Bytes>,
    keys: Vec<Bytes>,
    db: usize,
    /// When it stops waiting.
    pub(crate) deadline: Option<Instant>,
}

impl Call<'_> {
    /// Nothing is there yet: the client waits in line at `keys`. In a transaction, or without patience, it is answered at
    /// once, as if it had waited in vain; one that waits already keeps its place.
    pub(crate) fn wait_for(&mut self, keys: &[Bytes], patience: Patience) {
        if self.served.is_some() {
            return;
        }
        if self.in_exec || patience == Patience::None {
            self.reply.null_array();
            return;
        }
        let mut mine: Vec<Bytes> = Vec::with_capacity(keys.len());
        for key in keys {
            if !mine.contains(key) {
                self.state.dbs[self.db].waiting.entry(key.clone()).or_default().push_back(self.client);
                mine.push(key.clone());
            }
        }
        let deadline = match patience {
            Patience::For(time) => Instant::now().checked_add(time),
            Patience::None | Patience::Forever => None,
        };
        let blocked =
            Blocked { found: self.found, args: self.args.to_vec(), keys: mine, db: self.db, deadline };
        self.me().blocked = Some(blocked);
    }
}

impl State {
    /// Takes a client out of the lines it waits in; `false` when it waited in none.
    pub(crate) fn unblock(&mut self, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let Some(blocked) = client.blocked.take() else { return false };
        client.wake.notify_one();
        for key in &blocked.keys {
            let waiting = &mut self.dbs[blocked.db].waiting;
            if let Some(line) = waiting.get_mut(key) {
                line.retain(|other| *other != id);
                if line.is_empty() {
                    waiting.remove(key);
                }
            }
        }
        true
    }

    /// Ends a client's wait without anything for it: as its timeout does, or with CLIENT UNBLOCK's error.
    pub(crate) fn give_up(&mut self, id: ClientId, error: bool) -> bool {
        if !self.unblock(id) {
            return false;
        }
        let fault = Fault::of("UNBLOCKED client unblocked via CLIENT UNBLOCK");
        if error {
            dispatch::count_error(self, &fault);
        }
        // This is the command's reply, unlike what else is pushed: CLIENT REPLY OFF keeps it back.
        if self.clients.get(&id).is_some_and(|client| client.replies != Replies::Off) {
            self.push_to(id, |reply| if error { reply.fault(&fault) } else { reply.null_array() });
        }
        true
    }

    /// How many clients wait, and how many of them not for ever.
    pub(crate) fn blocked(&self) -> (usize, usize) {
        let waiting = self.clients.values().filter(|client| client.waits());
        let timed = |client: &&super::client::Client| {
            client.blocked.as_ref().is_some_and(|blocked| blocked.deadline.is_some())
        };
        (waiting.count(), self.clients.values().filter(timed).count())
    }
}
