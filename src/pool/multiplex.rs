//! Many callers interleaved on one connection: each command goes out when it comes, without waiting for the replies of
//! those before it, and every reply finds the caller it belongs to.
//!
//! The callers' commands are requests on one lease, which a task of its own has for as long as there are any. It gives
//! the connection back when nothing was asked for a second, and borrows one again with the next request.

mod session;

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot};

use super::checkout::checkout;
use super::failure::CommandError;
use super::holder::Tag;
use super::inner::Inner;
use super::names::NameId;
use super::pipeline::{name_of, named};
use super::redis::{RedisConnector, RedisPool};
use crate::event::waiting::blocks;
use crate::net::{self, IoError, IoErrorKind};
use crate::resp::{self, Value};
use session::Session;

/// Requests that wait for the task; more callers wait for a place.
const QUEUE: usize = 1024;

/// A handle for callers that share one connection. Clones are handles on the same; the pool stays open while one is
/// there.
#[derive(Clone)]
pub struct Multiplexed {
    requests: mpsc::Sender<Request>,
    pool: RedisPool,
}

impl fmt::Debug for Multiplexed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multiplexed").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl RedisPool {
    /// A connection for many callers at once, borrowed with the first request; see [`Multiplexed::command`]. The holder
    /// it shows is `multiplexed` and the line of this call.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, which runs its task until the last handle is gone.
    #[track_caller]
    pub fn multiplexed(&self) -> Multiplexed {
        let tag = self.tag(Location::caller()).called("multiplexed".into());
        let (requests, queue) = mpsc::channel(QUEUE);
        tokio::spawn(serve(self.inner().clone(), tag, queue));
        Multiplexed { requests, pool: self.clone() }
    }
}

/// Borrows a connection when there is something to ask, until nobody can ask any more.
async fn serve(inner: Arc<Inner<RedisConnector>>, tag: Tag, mut queue: mpsc::Receiver<Request>) {
    while let Some(first) = queue.recv().await {
        if first.sending.is_withdrawn() {
            continue;
        }
        match checkout(inner.clone(), tag.clone(), false).await {
            Ok(lease) => Session::new(lease, &mut queue, first).run().await,
            Err(error) => {
                let error = CommandError::Checkout(error);
                first.fail(error.clone());
                while let Ok(request) = queue.try_recv() {
                    request.fail(error.clone());
                }
            }
        }
    }
}

impl Multiplexed {
    /// Sends one command beside those of other callers and gives its reply, and counts the round trip by the command's
    /// name. An error reply is a reply.
    ///
    /// The future may be dropped at any time: a command not sent yet never is, and the reply of one already sent is read
    /// and thrown away, so that no other caller gets it. A reply that takes longer than the socket timeout is an error
    /// for its caller in the same way; when by then no reply at all came for so long, the connection is given up. Then,
    /// and when it breaks, every command already sent fails as [`CommandError::Unknown`], and the next one goes to
    /// another connection. Nothing is tried again.
    ///
    /// What changes the session (`SELECT`, `MULTI`, `SUBSCRIBE`) or blocks it (`BLPOP`) is refused: it needs a lease of
    /// its own.
    pub async fn command<A: AsRef<[u8]>>(&self, args: &[A]) -> Result<Value, CommandError> {
        let usual = self.pool.inner().connector.options().socket_timeout;
        self.command_within(args, usual).await
    }

    /// Like [`command`](Self::command), with a time of its own for everything until the reply, where that is not the
    /// socket timeout; `None` waits for ever. A caller that gives up early leaves the connection to the others.
    pub async fn command_within<A: AsRef<[u8]>>(
        &self,
        args: &[A],
        limit: Option<Duration>,
    ) -> Result<Value, CommandError> {
        if !net::leaves_no_trace(args) || keeps_others(args) {
            return Err(CommandError::Misplaced(named(args)));
        }
        let mut bytes = BytesMut::new();
        resp::encode(args, &mut bytes);
        let name = self.pool.inner().names.id(name_of(args));
        let (reply, mut answer) = oneshot::channel();
        let caller = Caller(Arc::new(Sending::default()));
        let request = Request { bytes, name, limit, sending: caller.0.clone(), reply };
        let asking = async {
            if self.requests.send(request).await.is_err() {
                return Err(caller.lost(IoErrorKind::Closed));
            }
            // The task ended without an answer only where its runtime did.
            (&mut answer).await.unwrap_or_else(|_| Err(caller.lost(IoErrorKind::Closed)))
        };
        let Some(limit) = limit else { return asking.await };
        match tokio::time::timeout(limit, asking).await {
            Ok(outcome) => outcome,
            // What came in the same moment as the time ran out is taken all the same.
            Err(_) => answer.try_recv().unwrap_or_else(|_| Err(caller.lost(IoErrorKind::Timeout))),
        }
    }
}

/// Whether a command keeps a connection from answering others until something happens.
fn keeps_others<A: AsRef<[u8]>>(args: &[A]) -> bool {
    blocks(args) || name_of(args).eq_ignore_ascii_case(b"SHUTDOWN")
}

/// One caller's command on its way to the task.
struct Request {
    bytes: BytesMut,
    name: NameId,
    limit: Option<Duration>,
    sending: Arc<Sending>,
    reply: oneshot::Sender<Result<Value, CommandError>>,
}

impl Request {
    fn fail(self, error: CommandError) {
        // Whoever went away needs no answer.
        let _ = self.reply.send(Err(error));
    }
}

/// Whether a command was sent or its caller was gone first: exactly one of both.
#[derive(Debug, Default)]
struct Sending(AtomicU8);

impl Sending {
    const QUEUED: u8 = 0;
    const SENT: u8 = 1;
    const WITHDRAWN: u8 = 2;

    /// `false` when it went the other way before.
    fn become_one(&self, state: u8) -> bool {
        let was = self.0.compare_exchange(Self::QUEUED, state, Ordering::AcqRel, Ordering::Acquire);
        was.is_ok()
    }

    fn is_withdrawn(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::WITHDRAWN
    }
}

/// A caller that waits. Gone before its command was sent, it takes the command with it.
struct Caller(Arc<Sending>);

impl Caller {
    /// There will be no answer.
    fn lost(&self, kind: IoErrorKind) -> CommandError {
        if self.0.become_one(Sending::WITHDRAWN) || self.0.is_withdrawn() {
            CommandError::NotSent(IoError::new(kind, false))
        } else {
            CommandError::Unknown(IoError::new(kind, true))
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.become_one(Sending::WITHDRAWN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_block_are_known() {
        let blocks = |line: &str| keeps_others(&line.split(' ').collect::<Vec<_>>());
        assert!(blocks("blpop q 0") && blocks("XREAD COUNT 1 block 0 STREAMS s $") && blocks("WAIT 1 0"));
        assert!(!blocks("LPOP q") && !blocks("XREAD STREAMS s 0") && !blocks("GET block"));
    }

    #[test]
    fn a_command_is_sent_or_withdrawn_and_never_both() {
        let sending = Arc::new(Sending::default());
        drop(Caller(sending.clone()));
        assert!(sending.is_withdrawn() && !sending.become_one(Sending::SENT));
        let caller = Caller(Arc::new(Sending::default()));
        assert!(caller.0.become_one(Sending::SENT));
        assert!(matches!(caller.lost(IoErrorKind::Timeout), CommandError::Unknown(_)));
        let caller = Caller(Arc::new(Sending::default()));
        assert!(matches!(caller.lost(IoErrorKind::Timeout), CommandError::NotSent(_)));
        assert!(caller.0.is_withdrawn());
    }
}
