//! What the server knows of one connection.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use super::blocking::Blocked;
use super::reply::{RESP2, Reply};
use super::request::Parser;
use super::spec::{Found, Spec};

/// A connection's number: CLIENT ID. Never used twice.
pub(crate) type ClientId = u64;

/// What CLIENT REPLY asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    On,
    Off,
    /// The command after this one is not answered.
    SkipNext,
    /// This one is not.
    Skip,
}

/// Whether the connection goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closing {
    No,
    /// When the replies it has are written.
    AfterReply,
    Now,
}

/// Commands between MULTI and EXEC.
#[derive(Default)]
pub(crate) struct Transaction {
    pub(crate) queue: Vec<(Found, Vec<Bytes>)>,
    /// A command was refused on its way into the queue.
    pub(crate) aborted: bool,
    /// Bytes of the queued arguments.
    pub(crate) held: usize,
}

/// One connection.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own that a client turned")]
pub(crate) struct Client {
    pub(crate) id: ClientId,
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) descriptor: i32,
    pub(crate) created: Instant,
    /// When it last sent something.
    pub(crate) active: Instant,
    pub(crate) name: Bytes,
    pub(crate) library: Bytes,
    pub(crate) library_version: Bytes,
    pub(crate) db: usize,
    pub(crate) authenticated: bool,
    pub(crate) reply: Reply,
    pub(crate) replies: Replies,
    pub(crate) parser: Parser,
    /// Bytes read and not yet parsed, and room kept for more: the buffer itself is the connection task's.
    pub(crate) query: usize,
    pub(crate) query_room: usize,
    /// The room of its reply buffer while that is lent to the command that runs; 0 when it is not.
    pub(crate) reply_room: usize,
    /// The most reply bytes it ever had waiting.
    pub(crate) reply_peak: usize,
    pub(crate) arguments_held: usize,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) watched: Vec<(usize, Bytes)>,
    /// A watched key changed: EXEC will do nothing.
    pub(crate) disturbed: bool,
    pub(crate) channels: BTreeSet<Bytes>,
    pub(crate) patterns: BTreeSet<Bytes>,
    pub(crate) monitor: bool,
    pub(crate) no_evict: bool,
    pub(crate) no_touch: bool,
    pub(crate) blocked: Option<Blocked>,
    /// A command that waits for CLIENT PAUSE to end.
    pub(crate) postponed: Option<(Found, Vec<Bytes>)>,
    pub(crate) last: Option<&'static Spec>,
    pub(crate) closing: Closing,
    /// Tells the connection's task that there is something to write, to go on with, or to end.
    pub(crate) wake: Rc<Notify>,
}

impl Client {
    pub(crate) fn new(id: ClientId, peer: SocketAddr, local: SocketAddr, descriptor: i32) -> Self {
        let now = Instant::now();
        Self {
            id,
            peer,
            local,
            descriptor,
            created: now,
            active: now,
            name: Bytes::new(),
            library: Bytes::new(),
            library_version: Bytes::new(),
            db: 0,
            authenticated: false,
            reply: Reply::new(RESP2),
            replies: Replies::On,
            parser: Parser::default(),
            query: 0,
            query_room: 0,
            reply_room: 0,
            reply_peak: 0,
            arguments_held: 0,
            transaction: None,
            watched: Vec::new(),
            disturbed: false,
            channels: BTreeSet::new(),
            patterns: BTreeSet::new(),
            monitor: false,
            no_evict: false,
            no_touch: false,
            blocked: None,
            postponed: None,
            last: None,
            closing: Closing::No,
            wake: Rc::new(Notify::new()),
        }
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// In RESP2 a subscriber may send little else.
    pub(crate) fn only_subscribes(&self) -> bool {
        self.reply.protocol == RESP2 && self.subscriptions() > 0
    }

    pub(crate) fn waits(&self) -> bool {
        self.blocked.is_some() || self.postponed.is_some()
    }

    /// The type CLIENT LIST TYPE knows it by. Nobody is a master or replica here.
    pub(crate) fn kind(&self) -> &'static str {
        if self.subscriptions() > 0 { "pubsub" } else { "normal" }
    }

    /// Ends the connection; the task does it when it wakes.
    pub(crate) fn close(&mut self, how: Closing) {
        self.closing = self.closing.max(how);
        self.wake.notify_one();
    }

    /// Memory it holds, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let queued = self.transaction.as_ref().map_or(0, |transaction| transaction.held);
        size_of::<Self>()
            + self.query
            + self.query_room
            + self.reply_room.max(self.reply.out.capacity())
            + self.arguments_held
            + queued
    }

    fn flags(&self) -> String {
        let mut flags = String::new();
        for (flag, yes) in [
            ('O', self.monitor),
            ('P', self.subscriptions() > 0),
            ('x', self.transaction.is_some()),
            ('b', self.waits()),
            ('d', self.disturbed),
            ('c', self.closing == Closing::AfterReply),
            ('A', self.closing == Closing::Now),
            ('e', self.no_evict),
            ('T', self.no_touch),
        ] {
            if yes {
                flags.push(flag);
            }
        }
        if flags.is_empty() {
            flags.push('N');
        }
        flags
    }

    /// Its line in CLIENT LIST.
    pub(crate) fn line(&self, now: Instant) -> Vec<u8> {
        // Redis keeps 16 KiB of replies in place and the rest in a list; here it is one buffer, told in those terms.
        const IN_PLACE: usize = 16 * 1024;
        let waiting = self.reply.out.len();
        let rest = waiting.saturating_sub(IN_PLACE);
        let mut line = Vec::with_capacity(400);
        let mut text = String::new();
        let _ = write!(
            text,
            "id={} addr={} laddr={} fd={} name=",
            self.id, self.peer, self.local, self.descriptor
        );
        line.extend_from_slice(text.as_bytes());
        line.extend_from_slice(&self.name);
        text.clear();
        let multi = self.transaction.as_ref();
        let _ = write!(
            text,
            " age={} idle={} flags={} db={} sub={} psub={} ssub=0 multi={} qbuf={} qbuf-free={} argv-mem={} \
             multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} cmd={} user=default redir=-1 \
             resp={} lib-name=",
            now.saturating_duration_since(self.created).as_secs(),
            now.saturating_duration_since(self.active).as_secs(),
            self.flags(),
            self.db,
            self.channels.len(),
            self.patterns.len(),
            multi.map_or(-1, |multi| i64::try_from(multi.queue.len()).unwrap_or(i64::MAX)),
            self.query,
            self.query_room,
            self.arguments_held,
            multi.map_or(0, |multi| multi.held),
            self.reply_room.max(self.reply.out.capacity()),
            self.reply_peak,
            waiting.min(IN_PLACE),
            rest.div_ceil(IN_PLACE),
            rest,
            self.memory(),
            if waiting > 0 { "rw" } else { "r" },
            self.last.map_or("NULL", |spec| spec.name),
            self.reply.protocol,
        );
        line.extend_from_slice(text.as_bytes());
        line.extend_from_slice(&self.library);
        line.extend_from_slice(b" lib-ver=");
        line.extend_from_slice(&self.library_version);
        line.push(b'\n');
        line
    }
}
