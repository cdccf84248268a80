//! Rare events.

use std::sync::Arc;
use std::time::Duration;

use super::Severity;
use crate::event::{CloseReason, ConnId, Exact, NodeId, PoolId, SeenAt, Stamp, WaitEnd};

/// A rare event, for the list of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// When.
    pub at: Stamp,
    /// Which pool, unless it is about a server.
    pub pool: Option<PoolId>,
    /// Which watched server, when it is about one.
    pub node: Option<NodeId>,
    /// What.
    pub what: What,
}

/// What an event row says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A connection was opened, in this time.
    Opened(ConnId, Duration),
    /// A connection was closed.
    Closed(ConnId, CloseReason),
    /// Opening one failed, so often in a row.
    OpenFailed(String, u64),
    /// Waits ended without a connection.
    WaitFailed {
        /// How.
        ended: WaitEnd,
        /// How long all of them were.
        waited: Duration,
        /// Who waited; empty where that is not known.
        who: Arc<str>,
        /// How many in a row.
        times: u64,
    },
    /// A reply was left unread: replies owed and bytes unread, as far as they are known.
    UnreadReply(ConnId, SeenAt, Option<u64>, Option<u64>),
    /// The limit changed.
    Resized(u32),
    /// A parent process's connection is used in a fork, by whom.
    Shared(ConnId, Arc<str>),
    /// A pool or its process ended with so many connections open, and so many lent that nobody can give back.
    Left(u32, u32),
    /// A process of an app reports: its pid and program.
    Reports(u32, Arc<str>),
    /// It is gone; whether it had said so.
    Gone(u32, Arc<str>, bool),
    /// The server stopped answering, and says why.
    Lost(String),
    /// It answers again.
    Back,
    /// Clients of a watched server came and went, of those with this in common.
    Clients {
        /// What they have in common: a process or a name, as it came.
        who: Arc<str>,
        /// How many were opened.
        opened: u64,
        /// How many were closed.
        closed: u64,
        /// Some of both.
        some: Arc<[Exact]>,
    },
    /// A server does not let us ask something, in its own words.
    Refused(String, String),
    /// A server of an app does not say what it knows of its connections, and why.
    Unasked(String),
    /// A lint began to hold.
    Raised(&'static str, Severity, String),
    /// A lint holds no longer.
    Cleared(&'static str, String),
}

impl What {
    /// The connection it is about, when it is about one.
    pub fn conn(&self) -> Option<ConnId> {
        match self {
            Self::Opened(id, _) | Self::Closed(id, _) | Self::UnreadReply(id, ..) | Self::Shared(id, _) => {
                Some(*id)
            }
            _ => None,
        }
    }
}
