//! One exclusive connection: commands out, replies in, and never the wrong one for a command.

mod batch;
mod drive;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;

use self::drive::READ_LEAST;
use super::handshake::Greeting;
use super::ledger::Ledger;
use super::observers::Seat;
use super::session::{Mode, SessionState};
use super::stream::{Stream, Wire};
use super::timer::Timer;
use super::{ConnectError, ConnectOptions, IoError, IoErrorKind, OBSERVER, Protocol, open};
use crate::event::CreateSteps;
use crate::resp::{self, Caps, Decoder, Value};

/// So many bytes that nobody asked for are a stream without an end: whoever looks whether there are any must not wait
/// for its last.
const PROBED: u64 = 64 << 10;

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
    /// Each with its memory in bytes.
    pushes: VecDeque<(Value, usize)>,
    push_bytes: usize,
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
    /// It is an observer's.
    seat: Option<Seat>,
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
            decoder: Decoder::new(Caps::SMALL),
            ledger: Ledger::new(0, 2),
            pushes: VecDeque::new(),
            push_bytes: 0,
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
            seat: None,
        }
    }

    /// Makes a connection just greeted ready for its callers.
    pub(super) fn greeted(
        mut self,
        options: &ConnectOptions,
        greeting: Greeting,
        steps: CreateSteps,
    ) -> Self {
        self.decoder.set_caps(Caps::default());
        self.ledger = Ledger::new(options.database, greeting.protocol.number());
        self.socket_timeout = options.socket_timeout;
        self.greeting = greeting;
        self.steps = steps;
        let observes = options.client_name.as_deref() == Some(OBSERVER);
        self.seat = self.local.filter(|_| observes).map(Seat::take);
        self
    }

    /// Other limits on replies, for a connection that asks for small ones only.
    pub fn set_caps(&mut self, caps: Caps) {
        self.decoder.set_caps(caps);
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

    /// Its socket, for whoever must look at it or cut it off beside its owner, for as long as it is open.
    pub fn wire(&self) -> Weak<Wire> {
        Arc::downgrade(self.stream.wire())
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
        self.push_bytes = 0;
        self.pushes.drain(..).map(|(push, _)| push).collect()
    }

    /// Encodes a command for the next [`flush`](Self::flush). No arguments are no command.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) {
        if args.is_empty() {
            return;
        }
        self.begin_sending();
        resp::encode(args, &mut self.write);
        self.ledger.sent(args);
    }

    /// What is sent from here on is unanswered; what was before it, where nothing is owed, is not.
    fn begin_sending(&mut self) {
        if self.ledger.owed() == 0 && self.write.is_empty() {
            self.settled_out = self.bytes_out;
        }
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
        match self.failed {
            None => {}
            Some(IoErrorKind::Unexpected) => return Probe::Unread(self.unread()),
            Some(_) => return Probe::Closed,
        }
        // Small: clearing it costs more than the look at an idle connection itself.
        let mut chunk = [0; 256];
        let most = self.bytes_in + PROBED;
        loop {
            if self.unread() > 0 && (self.owed() > 0 || self.drain_pushes().is_err()) {
                return Probe::Unread(self.unread());
            }
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return self.closed(IoErrorKind::Closed),
                Ok(read) => {
                    self.bytes_in += read as u64;
                    self.read.extend_from_slice(&chunk[..read]);
                    if self.bytes_in > most {
                        let streams = self.taint().is_some();
                        return if streams { Probe::Quiet } else { Probe::Unread(self.unread()) };
                    }
                }
                // What may be left now is a push of which only the beginning came: no reply either.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Probe::Quiet,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.closed((&error).into()),
            }
        }
    }

    fn closed(&mut self, kind: IoErrorKind) -> Probe {
        self.failed = Some(kind);
        Probe::Closed
    }
}
