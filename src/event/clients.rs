//! What a server says of its clients, as events: its CLIENT LIST compared with the one before, and whose sockets the
//! local ones are.
//!
//! A look is [`Opened`](WatchEvent::Opened), [`Changed`](WatchEvent::Changed) and [`Closed`](WatchEvent::Closed) in
//! pieces of at most [`PIECE`] clients each, then one [`Looked`](WatchEvent::Looked): a line of a recording and a place
//! in the tap stay small, however many clients there are.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Socket, Stamp, wire};

/// Clients in one event, at most.
pub const PIECE: usize = 2048;

/// The most clients of one server that are told of and have a row: a hostile answer of nothing but `id=1` lines must not cost
/// a hundred times its size.
pub const CLIENTS: usize = 100_000;

/// Which watched server an event is about, within one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub u32);

/// What can be learnt about a watched server and its clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WatchEvent {
    /// It is watched from now on.
    Started(NodeFacts),
    /// INFO as it came: the sections that were asked for, one after another.
    Info {
        /// Decoded lossily and capped.
        raw: Arc<str>,
        /// How long the call took.
        #[serde(with = "wire::nanos")]
        took: Duration,
    },
    /// What CONFIG GET says, where that may be asked. Sent once a connection.
    Config(NodeConfig),
    /// Clients that the last look did not have.
    Opened(Vec<Arc<Client>>),
    /// Clients of which anything but age and idle time is another than at the last look, or that did something since.
    Changed(Vec<Arc<Client>>),
    /// Ids of clients that the last look had.
    Closed(Vec<u64>),
    /// The end of a look.
    Looked(Look),
    /// Whose sockets some clients are. It may come long after a client was seen, and again when more is known.
    Owners(Vec<Owner>),
    /// Local processes with connections to the server's unix socket, where rows cannot be told apart: how many each has.
    UnixShares(Vec<(Arc<Process>, u64)>),
    /// What the kernel of this machine believes of connections to it, where that is another than was told.
    Sockets(Vec<Socket>),
    /// The server does not let us ask something, or does not know it. What else there is goes on.
    Refused(Refused),
    /// The server answers that again.
    Allowed {
        /// `CLIENT LIST`.
        command: String,
    },
    /// The server does not answer. When it does, ids may start again, and the first look is a whole one.
    Lost {
        /// One sentence.
        error: String,
        /// When it will be tried again.
        retry_at: Stamp,
    },
    /// It is watched no more: it left its cluster.
    Stopped,
}

/// What does not change while a server is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Where it is, with no secret in it: `127.0.0.1:6379`.
    pub target: String,
    /// How it was found, where it was not named: `replica of 10.0.0.1:6379`, `cluster node`, `sentinel mymaster`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// Settings of a server that lints speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeConfig {
    /// `timeout`: idle clients are closed after so many seconds; 0 for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// `tcp-keepalive`, in seconds; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_keepalive: Option<u64>,
}

/// A line of CLIENT LIST. A field that this server does not have is `None`; texts are decoded lossily and capped, and
/// escaped by whoever shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// `id`: never used twice by a server that keeps running.
    pub id: u64,
    /// `addr`: the client's end, `host:port` or the path of a unix socket with `:0`. No two clients share it: most fit in
    /// here as they are.
    pub addr: CompactString,
    /// `laddr`: the server's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laddr: Option<Arc<str>>,
    /// `fd`: the server's descriptor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fd: Option<i64>,
    /// `name`, when it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// `age`, in seconds, at the moment of the look.
    pub age: u64,
    /// `idle`, in seconds, at the moment of the look.
    pub idle: u64,
    /// `flags`: `N`, or letters.
    pub flags: Arc<str>,
    /// `db`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<u64>,
    /// `sub`, `psub` and `ssub` together: how much it is subscribed to.
    pub subscriptions: u64,
    /// `multi`: commands queued in MULTI; `None` outside of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi: Option<u64>,
    /// `watch`: keys watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<u64>,
    /// `qbuf`: bytes in its query buffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_buffer: Option<u64>,
    /// `omem`: bytes of replies that wait to be read by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_memory: Option<u64>,
    /// `oll`: replies that wait to be read by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_list: Option<u64>,
    /// `tot-mem`: bytes it costs the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// `cmd`: its last command, `client|list`; `None` before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Arc<str>>,
    /// `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Arc<str>>,
    /// `redir`: the client that its tracking messages go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<u64>,
    /// `resp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resp: Option<u64>,
    /// `lib-name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lib_name: Option<Arc<str>>,
    /// `lib-ver`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lib_version: Option<Arc<str>>,
    /// `tot-net-in`: bytes read from it in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_in: Option<u64>,
    /// `tot-net-out`: bytes written to it in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_out: Option<u64>,
    /// `tot-cmds`: commands it has sent in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<u64>,
    /// What this program has no name for, in the server's order: `io-thread=0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more: Option<Arc<str>>,
}

impl Client {
    /// Whether it has a flag of CLIENT LIST: `b` blocked, `x` in MULTI, `P` subscriber, `O` MONITOR, `S` replica,
    /// `M` master, `U` over a unix socket.
    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

/// A client so that no other can be meant: ids start again with a server, and an address has many clients in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// Its id.
    pub id: u64,
    /// Its end.
    pub addr: Arc<str>,
}

impl From<&Client> for Exact {
    fn from(client: &Client) -> Self {
        Self { id: client.id, addr: client.addr.as_str().into() }
    }
}

/// One look at CLIENT LIST, as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Every client there is was among the opened: what is not is gone. So is the first look of a connection.
    pub whole: bool,
    /// Clients in the list, our own among them.
    pub clients: u64,
    /// Its size.
    pub bytes: u64,
    /// From asking to the last byte.
    #[serde(with = "wire::nanos")]
    pub took: Duration,
    /// What it cost the server's main thread: by its `commandstats` where it has them, else by `took`.
    #[serde(with = "wire::nanos")]
    pub cost: Duration,
    /// By `commandstats`.
    pub told: bool,
    /// When the next look is due: stretched so that the cost stays under one per cent of the server's time.
    #[serde(with = "wire::nanos")]
    pub interval: Duration,
    /// Clients that came and went since the last look and were in neither, by `total_connections_received`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<u64>,
    /// Lines that could not be understood.
    pub bad: u64,
    /// Lines of more than [`CLIENTS`].
    pub left_out: u64,
    /// Ids of this program's own connections.
    pub ours: Vec<u64>,
}

/// Whose socket a client is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The client's id.
    pub client: u64,
    /// Whose.
    pub whose: Whose,
}

/// Who has the other end of a connection, as far as this machine can tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// A process.
    Process {
        /// Which.
        process: Arc<Process>,
        /// Its file descriptor.
        fd: i32,
    },
    /// It comes from another machine.
    Remote,
    /// It comes from this machine, but no process that can be seen from here has it: that is in another namespace, in a
    /// container as a rule.
    Namespace,
    /// Its process is another user's, and may not be looked at without rights.
    Hidden {
        /// That user's number.
        uid: u32,
    },
    /// The connection was gone before it was found out whose it was: of the process that says nothing.
    Gone,
    /// It cannot be told: of a unix socket without the server's descriptors, or of an address behind a proxy or tunnel.
    Unknown,
    /// This system does not tell: only Linux does.
    Unsupported,
}

/// A process of this machine. Texts are as the kernel gives them, capped, with what looks like a password left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: Arc<str>,
    /// Its command line, words between blanks.
    pub command: Arc<str>,
    /// The user it runs as, by name or else by number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Arc<str>>,
    /// When it started, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// The container or unit it runs in, where its cgroup says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Arc<str>>,
}

/// Something that a server does not let us ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `CLIENT LIST`.
    pub command: String,
    /// What the server said, or one sentence.
    pub error: String,
    /// The ACL rule that would allow it: `+client|list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
