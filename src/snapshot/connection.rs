//! A pool's connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Beliefs, Past};
use crate::event::{ConnId, CreateSteps, Holder, NodeId, PoolId, Stamp};

/// One connection.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// Its pool.
    pub pool: PoolId,
    /// Our number.
    pub id: ConnId,
    /// The server's client id.
    pub server_id: Option<u64>,
    /// Our end of the socket.
    pub local: Option<SocketAddr>,
    /// When it was opened; nothing where that was not seen.
    pub opened: Option<Stamp>,
    /// What opening it cost; nothing where that was not seen.
    pub steps: Option<CreateSteps>,
    /// Lent or not.
    pub state: RowState,
    /// Leases granted, the one that is out included.
    pub uses: u64,
    /// Commands sent.
    pub commands: u64,
    /// Last command's name, whoever sent it: see [`last_sent`](Self::last_sent).
    pub last_command: Option<Arc<str>>,
    /// When bytes last moved.
    pub last_active: Stamp,
    /// The oldest unanswered command was sent then.
    pub busy_since: Option<Stamp>,
    /// Its holder has it and does not know yet that the server closed it: since when that is known.
    pub dead_since: Option<Stamp>,
    /// Which client of which watched server it is, where one has it.
    pub client: Option<(NodeId, u64)>,
    /// What the server and the kernel believe of it, where they were asked.
    pub beliefs: Option<Arc<Beliefs>>,
    /// A lint speaks of this connection.
    pub flagged: bool,
    /// Its last leases that are over.
    pub past: Past,
}

impl ConnectionRow {
    /// The server's client id, from the app or else from the server.
    pub fn client_id(&self) -> Option<u64> {
        self.server_id.or(self.client.map(|(_, id)| id))
    }

    /// Only its pool believes in it: the server or the kernel has lost it.
    pub fn is_half_open(&self) -> bool {
        self.beliefs.as_ref().is_some_and(|beliefs| beliefs.half_open)
    }

    /// What it is now, in a word: `available`, `in use`, `dead` when its holder has what the server closed, or
    /// `half-open` when nobody but its pool believes in it.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            RowState::InUse { .. } if self.dead_since.is_some() => "dead",
            _ if self.is_half_open() => "half-open",
            RowState::InUse { .. } => "in use",
            RowState::Available { .. } => "available",
        }
    }

    /// Who has it, when it is lent.
    pub fn holder(&self) -> Option<&Holder> {
        match &self.state {
            RowState::InUse { holder, .. } => Some(holder),
            RowState::Available { .. } => None,
        }
    }

    /// How long it has been lent, when it is.
    pub fn held_for(&self, as_of: Stamp) -> Option<Duration> {
        match &self.state {
            RowState::InUse { since, .. } => Some(as_of.since(*since)),
            RowState::Available { .. } => None,
        }
    }

    /// The last command that whoever has it now sent on it; of one that nobody has, the last of all. Of a holder that has
    /// sent nothing it is none: the command before is another's.
    pub fn last_sent(&self) -> Option<&str> {
        let theirs = match &self.state {
            RowState::InUse { since, .. } => self.busy_since.is_some() || self.last_active > *since,
            RowState::Available { .. } => true,
        };
        self.last_command.as_deref().filter(|_| theirs)
    }

    /// How long nothing has moved on it and no reply was awaited; of one that is lent, by its holder.
    pub fn idle_for(&self, as_of: Stamp) -> Option<Duration> {
        let since = match &self.state {
            RowState::InUse { since, .. } => self.last_active.max(*since),
            RowState::Available { .. } => self.last_active,
        };
        self.busy_since.is_none().then(|| as_of.since(since))
    }
}

/// Whether a connection is lent, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub enum RowState {
    /// Ready to lend.
    Available {
        /// Since when.
        since: Stamp,
    },
    /// Lent out.
    InUse {
        /// Since when.
        since: Stamp,
        /// To whom.
        holder: Holder,
        /// What pins the lease: MULTI, WATCH, SELECT.
        pinned: Option<Arc<str>>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_before_a_lease_is_not_its_holders() {
        let (since, holder) = (Stamp(100), Holder::default());
        let available = ConnectionRow {
            pool: PoolId(0),
            id: ConnId(1),
            server_id: None,
            local: None,
            opened: None,
            steps: None,
            state: RowState::Available { since },
            uses: 1,
            commands: 1,
            last_command: Some("GET".into()),
            last_active: Stamp(90),
            busy_since: None,
            dead_since: None,
            client: None,
            beliefs: None,
            flagged: false,
            past: Past::default(),
        };
        assert_eq!(available.last_sent(), Some("GET"));
        let lent = ConnectionRow { state: RowState::InUse { since, holder, pinned: None }, ..available };
        assert_eq!(lent.last_sent(), None);
        assert_eq!(ConnectionRow { last_active: Stamp(101), ..lent.clone() }.last_sent(), Some("GET"));
        assert_eq!(ConnectionRow { busy_since: Some(Stamp(101)), ..lent }.last_sent(), Some("GET"));
    }
}
