//! What a pool must know of its connections, so that it can lend any kind, and tests can lend fakes.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use crate::event::{Bound, CreateSteps};

/// Opens connections.
pub trait Connector: Send + Sync + 'static {
    /// What it opens.
    type Conn: Pooled;
    /// Why it could not. Cheap to clone: every caller behind a [pause](Connector::pause_after) gets a copy.
    type Error: fmt::Display + fmt::Debug + Clone + Send + Sync + 'static;

    /// Opens one. The future may be dropped at any await. It must end by itself: the pool puts no limit on it.
    fn connect(&self) -> impl Future<Output = Result<Self::Conn, Self::Error>> + Send;

    /// Where it connects to, with no secret in it.
    fn target(&self) -> String;

    /// How long a holder waits for a reply at most, by its settings.
    fn reply_bound(&self) -> Bound {
        Bound::Unknown
    }

    /// Puts back what a holder may have changed on our side of a connection, as it comes back to the shelf.
    fn tidy(&self, _conn: &mut Self::Conn) {}

    /// How long the server is left alone after this failure: the first one of some in a row, for it doubles with each
    /// up to half a second. Checkouts that would have to open a connection meanwhile fail with the same error, and after
    /// it there is one attempt at a time until one goes well. `None` lets everybody try.
    fn pause_after(&self, _error: &Self::Error) -> Option<Duration> {
        None
    }
}

/// A connection as the pool sees it.
pub trait Pooled: Send + 'static {
    /// What is known of it from its opening.
    fn identity(&self) -> Identity;

    /// A look at the socket that never blocks and consumes nothing. Called at every release and checkout.
    fn probe(&mut self) -> Probe;

    /// Replies owed: commands sent minus replies read.
    fn owed(&self) -> u64;

    /// Why it cannot be lent again as it is (subscribed, an open MULTI, another database), if so.
    fn taint(&self) -> Option<&'static str>;

    /// What the pool can do with it while somebody holds it. Without one, a connection that is taken back stays open until
    /// its holder lets go, and one that the server closed is found when it comes back.
    fn line(&self) -> Option<Weak<dyn Line>> {
        None
    }

    /// Asks the server whether it is there. `false` when the connection is of no more use. The pool waits 5 s for it, and
    /// closes a connection whose check was dropped halfway.
    fn ping(&mut self) -> impl Future<Output = bool> + Send;
}

/// A connection as seen from beside its holder.
pub trait Line: fmt::Debug + Send + Sync {
    /// Closes it for both ends, now: whoever waits for a reply on it hears its end. Never blocks.
    fn cut(&self);

    /// Whether the other end closed it. Never blocks, and takes nothing from the holder.
    fn is_closed(&self) -> bool;
}

/// What the opening of a connection told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The server's client id.
    pub server_id: Option<u64>,
    /// Our end of the socket.
    pub local: Option<SocketAddr>,
    /// Where the create time went.
    pub steps: CreateSteps,
}

/// What a look at an idle socket shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Nothing to read: as it should be. Pushes count as nothing.
    Quiet,
    /// So many bytes that nobody asked for, or that somebody asked for and did not read.
    Unread(u64),
    /// The other end closed it.
    Closed,
}
