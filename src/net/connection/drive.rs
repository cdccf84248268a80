//! The moving parts of a connection: what is polled, with the state in the connection and none in a future, so that a
//! future may be dropped anywhere.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::Connection;
use crate::net::ledger::Arrival;
use crate::net::session::Mode;
use crate::net::stream::Stream;
use crate::net::{IoError, IoErrorKind};
use crate::resp::Value;

/// The least and the most that one read asks for. Most replies fit the least; a reply that fills what was asked for
/// makes the next read ask for more.
pub(super) const READ_LEAST: usize = 4 << 10;
const READ_MOST: usize = 256 << 10;

/// A buffer above this is given back once it is empty, so that one huge value does not stay paid for.
const KEEP: usize = 1 << 20;

/// Pushes kept for [`Connection::take_pushes`]; beyond, the oldest go, so that a talkative server cannot fill memory.
const PUSHES: usize = 1024;

/// The memory of the pushes kept, but for one that is larger on its own.
const PUSH_BYTES: usize = 16 << 20;

/// How much is read ahead while a write waits.
const READ_AHEAD: usize = 64 << 20;

impl Connection {
    /// Starts an operation: none works on a broken connection, and each has its own time.
    pub(super) fn begin(&mut self) -> Result<(), IoError> {
        self.deadline = None;
        self.failed.clone().map_or(Ok(()), |kind| Err(IoError::new(kind, false)))
    }

    fn fail(&mut self, kind: IoErrorKind) -> IoError {
        self.failed = Some(kind.clone());
        IoError::new(kind, self.is_sent())
    }

    fn fail_io(&mut self, error: &io::Error) -> IoError {
        self.fail(error.into())
    }

    /// Whether bytes of commands still unanswered have left.
    fn is_sent(&self) -> bool {
        (self.owed() > 0 || !self.write.is_empty()) && self.bytes_out > self.settled_out
    }

    pub(super) fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, IoError>> {
        ready!(self.poll_flush(cx))?;
        if self.owed() == 0 {
            return Poll::Ready(Err(IoError::new(IoErrorKind::NoReply, true)));
        }
        loop {
            let (value, arrival) = ready!(self.poll_value(cx))?;
            if arrival == Arrival::Reply {
                return Poll::Ready(Ok(value));
            }
            self.keep(value);
        }
    }

    pub(in crate::net) fn poll_value(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Value, Arrival), IoError>> {
        loop {
            if let Some((value, arrival)) = self.decode()? {
                if arrival == Arrival::Unexpected {
                    return Poll::Ready(Err(self.fail(IoErrorKind::Unexpected)));
                }
                return Poll::Ready(Ok((value, arrival)));
            }
            if self.poll_fill(cx)?.is_pending() {
                return if self.owed() > 0 { self.poll_deadline(cx).map(Err) } else { Poll::Pending };
            }
        }
    }

    /// The next whole value in the read buffer.
    fn decode(&mut self) -> Result<Option<(Value, Arrival)>, IoError> {
        if self.read.is_empty() {
            return Ok(None);
        }
        if self.unread() == self.read.len() {
            self.begun = self.read[0];
        }
        match self.decoder.decode(&mut self.read) {
            Ok(None) => Ok(None),
            Ok(Some(value)) => {
                self.whole_in = self.bytes_in - self.read.len() as u64;
                let arrival = self.ledger.arrived(&value);
                Ok(Some((value, arrival)))
            }
            Err(error) => Err(self.fail(IoErrorKind::Protocol(error.to_string()))),
        }
    }

    /// What is left in the read buffer, for saying what an answer that is no RESP looks like.
    pub(in crate::net) fn undecoded(&self) -> &[u8] {
        &self.read
    }

    /// Takes the pushes out of the read buffer while no reply is owed. A reply there belongs to nobody.
    pub(super) fn drain_pushes(&mut self) -> Result<(), IoError> {
        loop {
            let streams =
                self.begun_with() == b'>' || matches!(self.mode(), Mode::Subscribed | Mode::Monitor);
            if !streams {
                return Err(self.fail(IoErrorKind::Unexpected));
            }
            match self.decode()? {
                None => return Ok(()),
                Some((value, Arrival::Stream)) => self.keep(value),
                Some(_) => return Err(self.fail(IoErrorKind::Unexpected)),
            }
            if self.unread() == 0 {
                return Ok(());
            }
        }
    }

    /// The first byte of the value that is next or half read.
    fn begun_with(&self) -> u8 {
        match self.read.first() {
            Some(first) if self.unread() == self.read.len() => *first,
            _ => self.begun,
        }
    }

    pub(super) fn keep(&mut self, push: Value) {
        let bytes = self.decoder.last_bytes();
        while self.pushes.len() == PUSHES || self.push_bytes.saturating_add(bytes) > PUSH_BYTES {
            let Some((_, gone)) = self.pushes.pop_front() else { break };
            self.push_bytes -= gone;
        }
        self.push_bytes += bytes;
        self.pushes.push_back((push, bytes));
    }

    /// Writes what is left to write. While the socket takes no more, reads what comes: a server may stop reading until
    /// its own replies are taken.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), IoError>> {
        while self.written < self.write.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &self.write[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.fail(IoErrorKind::Closed))),
                Poll::Ready(Ok(written)) => {
                    self.written += written;
                    self.bytes_out += written as u64;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail_io(&error))),
                Poll::Pending => {
                    while self.read.len() < READ_AHEAD && self.poll_fill(cx)?.is_ready() {}
                    return self.poll_deadline(cx).map(Err);
                }
            }
        }
        if self.written > 0 {
            self.written = 0;
            self.write.clear();
            if self.write.capacity() > KEEP {
                self.write = BytesMut::new();
            }
            self.flushing = matches!(self.stream, Stream::Tls(_));
        }
        if self.flushing {
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.flushing = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.fail_io(&error))),
                Poll::Pending => return self.poll_deadline(cx).map(Err),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// One read into the buffer.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, IoError> {
        if self.read.is_empty() && self.read.capacity() > KEEP {
            self.read = BytesMut::new();
        }
        if self.read.capacity() - self.read.len() < self.read_size / 4 {
            self.read.reserve(self.read_size);
        }
        let room = self.read.capacity() - self.read.len();
        match pin!(self.stream.read_buf(&mut self.read)).poll(cx) {
            Poll::Pending => Ok(Poll::Pending),
            Poll::Ready(Ok(0)) => Err(self.fail(IoErrorKind::Closed)),
            Poll::Ready(Ok(read)) => {
                self.bytes_in += read as u64;
                if read == room {
                    self.read_size = (self.read_size * 2).min(READ_MOST);
                } else if read < self.read_size / 4 {
                    self.read_size = (self.read_size / 2).max(READ_LEAST);
                }
                Ok(Poll::Ready(()))
            }
            Poll::Ready(Err(error)) => Err(self.fail_io(&error)),
        }
    }

    /// Ready with the error once the operation under way has had its time.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<IoError> {
        let Some(timeout) = self.socket_timeout else { return Poll::Pending };
        let deadline = match self.deadline {
            // Behind a server that talks without an end the runtime lets no timer of this task come to its turn.
            Some(deadline) if deadline <= Instant::now() => return self.timed_out(),
            Some(deadline) => deadline,
            None => match Instant::now().checked_add(timeout) {
                Some(deadline) => *self.deadline.insert(deadline),
                None => return Poll::Pending,
            },
        };
        ready!(self.timer.poll(cx, deadline));
        self.timed_out()
    }

    fn timed_out(&self) -> Poll<IoError> {
        Poll::Ready(IoError::new(IoErrorKind::Timeout, self.is_sent()))
    }
}
