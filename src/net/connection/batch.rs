//! Many commands under way at once on one connection: replies come in the order of the commands, and each belongs to
//! the oldest one unanswered.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::Connection;
use crate::net::ledger::Arrival;
use crate::net::{IoError, IoErrorKind};
use crate::resp::Value;

/// How much is encoded ahead of what the socket takes: a batch of any size needs no more memory than this.
const AHEAD: usize = 64 << 10;

impl Connection {
    /// Sends commands one after the other without waiting for replies in between, and gives each reply to `each` as it
    /// comes, in the commands' order. Every reply has the socket timeout for itself. Refuses with
    /// [`IoErrorKind::Busy`] while an earlier command's reply is owed. Only for commands that get one reply each.
    pub(crate) async fn call_all<C, A>(
        &mut self,
        commands: &[C],
        mut each: impl FnMut(Value),
    ) -> Result<(), IoError>
    where
        C: AsRef<[A]>,
        A: AsRef<[u8]>,
    {
        self.begin_many()?;
        let mut unsent = commands.iter();
        let mut left = commands.len();
        poll_fn(|cx| {
            while left > 0 {
                while self.has_room() {
                    let Some(command) = unsent.next() else { break };
                    self.send(command.as_ref());
                }
                match self.poll_reply(cx)? {
                    Poll::Ready(value) => {
                        each(value);
                        left -= 1;
                    }
                    Poll::Pending if unsent.len() > 0 && self.has_room() => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Adds a command already encoded, one that gets one reply and changes nothing of the session.
    pub(crate) fn send_encoded(&mut self, command: &[u8]) {
        self.begin_sending();
        self.write.extend_from_slice(command);
        self.ledger.sent_plain();
    }

    /// Starts many commands at once: on a connection that works and owes nothing.
    fn begin_many(&mut self) -> Result<(), IoError> {
        self.begin()?;
        if self.owed() != 0 || !self.write.is_empty() {
            return Err(IoError::new(IoErrorKind::Busy, false));
        }
        if self.unread() != 0 {
            self.drain_pushes()?;
        }
        Ok(())
    }

    /// Whether another command may be encoded now.
    pub(crate) fn has_room(&self) -> bool {
        self.write.len() < AHEAD
    }

    /// Writes what was sent, and gives the next reply when there is one. The time for the next one begins anew with
    /// each: it runs out when for so long no reply came while one was owed. With none owed it ends only when the
    /// connection does.
    pub(crate) fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, IoError>> {
        // Where the socket takes no more, the replies are what must go on.
        let _ = self.poll_flush(cx)?;
        loop {
            let (value, arrival) = ready!(self.poll_value(cx))?;
            if arrival == Arrival::Reply {
                self.deadline = None;
                return Poll::Ready(Ok(value));
            }
            self.keep(value);
        }
    }

    /// Begins the time for the next reply anew, and makes it another one.
    pub(crate) fn expect_within(&mut self, limit: Option<Duration>) {
        self.deadline = None;
        self.socket_timeout = limit;
    }
}
