//! The time from borrowing the connection to giving it back: what callers ask goes out, and replies find their callers
//! by their order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{Request, Sending};
use crate::event::{CloseReason, Stamp, nanos};
use crate::net::Timer;
use crate::pool::core::Work;
use crate::pool::failure::CommandError;
use crate::pool::names::NameId;
use crate::pool::redis::{RedisLease, TELL_EVERY};
use crate::resp::Value;

/// With nothing asked for so long the connection goes back: it is no use to anybody here, and the pool can check it,
/// lend it or close it.
const IDLE: Duration = Duration::from_secs(1);

/// Commands under way at once: also those whose callers went away take memory until their replies come.
const UNDER_WAY: usize = 4_096;

/// A command that was sent and has no reply yet.
struct Owed {
    name: NameId,
    sent: Stamp,
    limit: Option<Duration>,
    reply: oneshot::Sender<Result<Value, CommandError>>,
}

pub(super) struct Session<'a> {
    lease: RedisLease,
    queue: &'a mut mpsc::Receiver<Request>,
    /// Oldest first, as their replies will come.
    owed: VecDeque<Owed>,
    idle: Timer,
    idle_since: Instant,
}

impl<'a> Session<'a> {
    pub(super) fn new(lease: RedisLease, queue: &'a mut mpsc::Receiver<Request>, first: Request) -> Self {
        let (owed, idle, idle_since) = (VecDeque::new(), Timer::default(), Instant::now());
        let mut session = Self { lease, queue, owed, idle, idle_since };
        session.accept(first);
        session
    }

    /// Until the connection is idle or broken, or nobody is there any more.
    pub(super) async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closing = self.lease.inner.core.is_closed();
        loop {
            let mut all_taken = closing;
            while !all_taken && self.has_room() {
                match self.queue.poll_recv(cx) {
                    Poll::Ready(Some(request)) => self.accept(request),
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => all_taken = true,
                }
            }
            loop {
                match self.lease.poll_reply(cx) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(value)) => self.answer(value),
                    Poll::Ready(Err(error)) => {
                        let error = self.lease.broke(error);
                        self.fail(&error);
                        return Poll::Ready(());
                    }
                }
            }
            if all_taken || !self.has_room() {
                break;
            }
        }
        if !self.owed.is_empty() {
            return Poll::Pending;
        }
        if closing {
            return Poll::Ready(());
        }
        self.idle.poll(cx, self.idle_since + IDLE)
    }

    fn has_room(&self) -> bool {
        self.owed.len() < UNDER_WAY && self.lease.has_room()
    }

    fn accept(&mut self, request: Request) {
        let Request { bytes, name, limit, sending, reply } = request;
        if !sending.become_one(Sending::SENT) {
            return;
        }
        let sent = self.lease.inner.clock.now();
        if self.owed.is_empty() {
            self.expect(limit);
        }
        self.owed.push_back(Owed { name, sent, limit, reply });
        let oldest = self.owed.front().map_or(sent, |oldest| oldest.sent);
        let member = self.lease.member_mut();
        member.vitals.sent_all(1, name, oldest);
        member.conn.send_encoded(&bytes);
    }

    /// The next reply is that of a command whose caller waits so long for it. The connection is given up after that, or
    /// after the socket timeout where that is longer: an impatient caller is no sign that the server is gone.
    fn expect(&mut self, limit: Option<Duration>) {
        let usual = self.lease.inner.connector.options().socket_timeout;
        let longest = limit.zip(usual).map(|(limit, usual)| limit.max(usual));
        self.lease.expect_within(longest);
    }

    fn answer(&mut self, value: Value) {
        let Some(Owed { name, sent, reply, .. }) = self.owed.pop_front() else { return };
        let now = self.lease.inner.clock.now();
        let oldest = self.owed.front().map(|oldest| (oldest.sent, oldest.limit));
        let member = self.lease.member_mut();
        member.vitals.answered(now, oldest.map(|(sent, _)| sent));
        member.work.answered(name, nanos(now.since(sent)), &value);
        if member.work.trips.len() >= Work::TRIPS || now.since(member.told) > TELL_EVERY {
            self.lease.tell_at(now);
        }
        match oldest {
            Some((_, limit)) => self.expect(limit),
            None => self.idle_since = Instant::now(),
        }
        // A caller that went away needs no reply.
        let _ = reply.send(Ok(value));
    }

    fn fail(&mut self, error: &CommandError) {
        let now = self.lease.inner.clock.now();
        let member = self.lease.member_mut();
        member.given_up(now);
        member.work.failures += u32::try_from(self.owed.len()).unwrap_or(u32::MAX);
        for owed in self.owed.drain(..) {
            let _ = owed.reply.send(Err(error.clone()));
        }
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let now = self.lease.inner.clock.now();
        let member = self.lease.member_mut();
        member.given_up(now);
        if !self.owed.is_empty() {
            // Nobody is there for the replies still owed.
            member.work.failures += u32::try_from(self.owed.len()).unwrap_or(u32::MAX);
            self.lease.spoilt = Some(CloseReason::Cancelled);
        }
    }
}
