//! One exclusive connection: commands out, replies in, and never the wrong one for a command.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::time::Instant;

use super::handshake::Greeting;
use super::ledger::{Arrival, Ledger, Mode, SessionState};
use super::stream::Stream;
use super::timer::Timer;
use super::{ConnectError, ConnectOptions, IoError, IoErrorKind, Protocol, open};
use crate::event::CreateSteps;
use crate::resp::{self, Caps, Decoder, Value};

/// The least and the most that one read asks for. Most replies fit the least; a reply that fills what was asked for
/// makes the next read ask for more.
const READ_LEAST: usize = 4 << 10;
const READ_MOST: usize = 256 << 10;

/// A buffer above this is given back once it is empty, so that one huge value does not stay paid for.
const KEEP: usize = 1 << 20;

/// Pushes kept for [`Connection::take_pushes`]; beyond, the oldest go, so that a talkative server cannot fill memory.
const PUSHES: usize = 1024;

/// How much is read ahead while a write waits.
const READ_AHEAD: usize = 64 << 20;

/// What a look at an idle connection found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Nothing to read, or only pushes.
    Quiet,
    /// That many bytes of replies that nobody read.
    Unread(usize),
    /// The server closed it, or it broke.
    Closed,
}

/// An open, greeted connection. It belongs to one caller at a time: every method takes `&mut self`.
///
/// Futures of [`call`](Self::call), [`flush`](Self::flush) and [`receive`](Self::receive) may be dropped at any await.
/// Nothing is lost by that, and the reply of a command so abandoned stays [`owed`](Self::owed).
#[derive(Debug)]
pub struct Connection {
    stream: Stream,
    read: BytesMut,
    write: BytesMut,
    /// How much of `write` the socket has taken.
    written: usize,
    decoder: Decoder,
    ledger: Ledger,
    pushes: VecDeque<Value>,
    timer: Timer,
    /// When the operation under way must be done; set by its first wait, so that one that never waits reads no clock.
    deadline: Option<Instant>,
    socket_timeout: Option<Duration>,
    read_size: usize,
    /// The first byte of the value last begun to decode.
    begun: u8,
    /// TLS still holds records that the socket has not taken.
    flushing: bool,
    bytes_in: u64,
    bytes_out: u64,
    /// `bytes_in` at the end of the last whole value, and `bytes_out` when last nothing was owed.
    whole_in: u64,
    settled_out: u64,
    failed: Option<IoErrorKind>,
    steps: CreateSteps,
    local: Option<SocketAddr>,
    greeting: Greeting,
}

impl Connection {
    /// Dials, secures and greets, all within the connect timeout.
    pub async fn open(options: &ConnectOptions) -> Result<Connection, ConnectError> {
        open::open(options).await
    }

    /// A connection over an open socket, not greeted yet.
    pub(super) fn over(stream: Stream) -> Self {
        Self {
            local: stream.local_addr(),
            stream,
            read: BytesMut::new(),
            write: BytesMut::new(),
            written: 0,
            decoder: Decoder::new(Caps::default()),
            ledger: Ledger::new(0, 2),
            pushes: VecDeque::new(),
            timer: Timer::default(),
            deadline: None,
            socket_timeout: None,
            read_size: READ_LEAST,
            begun: 0,
            flushing: false,
            bytes_in: 0,
            bytes_out: 0,
            whole_in: 0,
            settled_out: 0,
            failed: None,
            steps: CreateSteps::default(),
            greeting: Greeting::default(),
        }
    }

    /// Makes a connection just greeted ready for its callers.
    pub(super) fn greeted(
        mut self,
        options: &ConnectOptions,
        greeting: Greeting,
        steps: CreateSteps,
    ) -> Self {
        self.ledger = Ledger::new(options.database, greeting.protocol.number());
        self.socket_timeout = options.socket_timeout;
        self.greeting = greeting;
        self.steps = steps;
        self
    }

    /// Where its create time went.
    pub fn steps(&self) -> CreateSteps {
        self.steps
    }

    /// The server's client id, where the server told it.
    pub fn server_id(&self) -> Option<u64> {
        self.greeting.id
    }

    /// Our end of a TCP connection.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The protocol agreed on: RESP2 where the server knows no other.
    pub fn protocol(&self) -> Protocol {
        self.greeting.protocol
    }

    /// What the server said of itself.
    pub fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Replies owed: expected minus read.
    pub fn owed(&self) -> u64 {
        self.ledger.owed()
    }

    /// Bytes received that are not part of a value already given out.
    pub fn unread(&self) -> usize {
        (self.bytes_in - self.whole_in) as usize
    }

    /// How replies come at the moment.
    pub fn mode(&self) -> Mode {
        self.ledger.mode()
    }

    /// What its commands left behind on the server.
    pub fn session_state(&self) -> SessionState {
        self.ledger.state()
    }

    /// Why the next caller must not get it as it is, if so, in a few words: "subscribed", "MULTI is open".
    pub fn taint(&self) -> Option<&'static str> {
        self.ledger.taint()
    }

    /// Bytes received since it was opened.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in
    }

    /// Bytes sent since it was opened.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// How long a call may take from now on; `None` waits for ever, as for a blocking command.
    pub fn set_socket_timeout(&mut self, timeout: Option<Duration>) {
        self.socket_timeout = timeout;
    }

    /// How long a call may take.
    pub fn socket_timeout(&self) -> Option<Duration> {
        self.socket_timeout
    }

    /// Pushes and messages that came while a reply was waited for, oldest first.
    pub fn take_pushes(&mut self) -> Vec<Value> {
        self.pushes.drain(..).collect()
    }

    /// Encodes a command for the next [`flush`](Self::flush). No arguments are no command.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        if args.is_empty() {
            return;
        }
        if self.ledger.owed() == 0 && self.write.is_empty() {
            self.settled_out = self.bytes_out;
        }
        resp::encode(args, &mut self.write);
        self.ledger.sent(args);
    }

    /// Writes what [`send`](Self::send) encoded, within the socket timeout.
    pub async fn flush(&mut self) -> Result<(), IoError> {
        self.begin()?;
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// The next value, replies and pushes alike. Where a reply is owed it is waited for no longer than the socket
    /// timeout; messages and MONITOR lines may take for ever.
    pub async fn receive(&mut self) -> Result<Value, IoError> {
        self.begin()?;
        poll_fn(|cx| self.poll_value(cx)).await.map(|(value, _)| value)
    }

    /// Sends a command and gives its reply, within the socket timeout. Refuses with [`IoErrorKind::Busy`] while an
    /// earlier command's reply is owed. Pushes that come first are kept for [`take_pushes`](Self::take_pushes). Of the
    /// confirmations of SUBSCRIBE and its kin it gives the first; the others stay owed.
    pub async fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Value, IoError> {
        self.begin()?;
        if self.ledger.owed() != 0 || !self.write.is_empty() {
            return Err(IoError::new(IoErrorKind::Busy, false));
        }
        if self.unread() != 0 {
            self.drain_pushes()?;
        }
        self.send(args);
        poll_fn(|cx| self.poll_call(cx)).await
    }

    /// Looks, without waiting, whether anything came that nobody asked for. Costs no system call while the runtime has
    /// seen nothing arrive.
    pub fn probe(&mut self) -> Probe {
        if self.failed.is_some() {
            return Probe::Closed;
        }
        // Small: clearing it costs more than the look at an idle connection itself.
        let mut chunk = [0; 256];
        loop {
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return self.closed(IoErrorKind::Closed),
                Ok(read) => {
                    self.bytes_in += read as u64;
                    self.read.extend_from_slice(&chunk[..read]);
                    if self.owed() > 0 || self.drain_pushes().is_err() {
                        return Probe::Unread(self.unread());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.closed((&error).into()),
            }
        }
        // A push of which only the beginning came is no reply either.
        if self.unread() == 0 || self.begun == b'>' { Probe::Quiet } else { Probe::Unread(self.unread()) }
    }

    fn closed(&mut self, kind: IoErrorKind) -> Probe {
        self.failed = Some(kind);
        Probe::Closed
    }

    /// Starts an operation: none works on a broken connection, and each has its own time.
    fn begin(&mut self) -> Result<(), IoError> {
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

    fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, IoError>> {
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

    pub(super) fn poll_value(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Value, Arrival), IoError>> {
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
    pub(super) fn undecoded(&self) -> &[u8] {
        &self.read
    }

    /// Takes the pushes out of the read buffer while no reply is owed. A reply there belongs to nobody.
    fn drain_pushes(&mut self) -> Result<(), IoError> {
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

    fn keep(&mut self, push: Value) {
        if self.pushes.len() == PUSHES {
            self.pushes.pop_front();
        }
        self.pushes.push_back(push);
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
            Some(deadline) => deadline,
            None => match Instant::now().checked_add(timeout) {
                Some(deadline) => *self.deadline.insert(deadline),
                None => return Poll::Pending,
            },
        };
        ready!(self.timer.poll(cx, deadline));
        Poll::Ready(IoError::new(IoErrorKind::Timeout, self.is_sent()))
    }
}
