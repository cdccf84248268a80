//! What an agent writes, a JSON document a line: `assets/agent-protocol.md` in types.
//!
//! Fields and messages that are not known are passed over, so that a newer agent can speak to an older program.

use serde::Deserialize;

/// The version of the protocol that is understood.
pub(crate) const VERSION: u32 = 1;

/// The longest line that is read.
pub(crate) const LINE_BYTES: usize = 1 << 20;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub(crate) enum Message {
    Hello(Hello),
    Lib(Lib),
    Pool(Pool),
    Stack(Stack),
    Snap(Snap),
    Gone(Gone),
    Bye(Bye),
    #[serde(other)]
    Unknown,
}

/// The first line: who speaks.
#[derive(Debug, Deserialize)]
pub(crate) struct Hello {
    pub(crate) v: u32,
    pub(crate) pid: u32,
    #[serde(default)]
    pub(crate) ppid: Option<u32>,
    /// Tells a process from a later one with its pid.
    #[serde(default)]
    pub(crate) born: u64,
    pub(crate) now: u64,
    #[serde(default)]
    pub(crate) program: String,
    #[serde(default)]
    pub(crate) cwd: String,
    #[serde(default)]
    pub(crate) python: String,
    #[serde(default)]
    pub(crate) forked: bool,
}

/// A client library that was imported.
#[derive(Debug, Deserialize)]
pub(crate) struct Lib {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
}

/// A pool that exists.
#[derive(Debug, Deserialize)]
pub(crate) struct Pool {
    pub(crate) id: u64,
    pub(crate) at: u64,
    pub(crate) class: String,
    /// It belongs to an event loop.
    #[serde(default, rename = "async")]
    pub(crate) asynchronous: bool,
    #[serde(default)]
    pub(crate) max: Option<u64>,
    /// How long a caller waits for a connection, where it waits.
    #[serde(default)]
    pub(crate) blocking: Option<u64>,
    #[serde(default)]
    pub(crate) target: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) socket_timeout: Option<u64>,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) inherited: bool,
    #[serde(default)]
    pub(crate) stack: Option<u64>,
}

/// A stack that others speak of by its number: path, line and function of each frame, innermost first.
#[derive(Debug, Deserialize)]
pub(crate) struct Stack {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) frames: Vec<(String, u64, String)>,
    /// Frames left out at its outer end.
    #[serde(default)]
    pub(crate) cut: u64,
}

/// What changed since the last one.
#[derive(Debug, Deserialize)]
pub(crate) struct Snap {
    pub(crate) now: u64,
    #[serde(default)]
    pub(crate) dropped: u64,
    #[serde(default)]
    pub(crate) errors: u64,
    #[serde(default)]
    pub(crate) error: Option<String>,
    #[serde(default)]
    pub(crate) pools: Vec<PoolSnap>,
}

/// The same, of one pool.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PoolSnap {
    pub(crate) id: u64,
    pub(crate) in_use: u32,
    pub(crate) available: u32,
    pub(crate) opening: u32,
    pub(crate) waiting: u32,
    pub(crate) max: Option<u64>,
    pub(crate) totals: Counts,
    pub(crate) wait: Vec<(u64, u64)>,
    pub(crate) held: Vec<(u64, u64)>,
    pub(crate) create: Vec<(u64, u64)>,
    pub(crate) opened: Vec<Open>,
    pub(crate) closed: Vec<(u64, u64, String)>,
    pub(crate) out: Vec<Lease>,
    pub(crate) back: Vec<(u64, u64)>,
    pub(crate) failed: Vec<Failed>,
    pub(crate) unread: Vec<Unread>,
    pub(crate) shared: Vec<Shared>,
}

/// A connection that was opened: its number, when, the server's client id, our end, and how long that took.
pub(crate) type Open = (u64, u64, Option<u64>, Option<String>, u64);

/// Counted since the pool began.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) open_failures: u64,
    pub(crate) checkouts: u64,
    pub(crate) released: u64,
    pub(crate) discarded: u64,
    pub(crate) waited: u64,
    pub(crate) timeouts: u64,
    pub(crate) cancelled: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    pub(crate) commands: u64,
    pub(crate) error_replies: u64,
    pub(crate) unread_replies: u64,
}

/// A lease that is out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lease {
    pub(crate) conn: u64,
    pub(crate) since: u64,
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) how: String,
    pub(crate) cmd: Option<String>,
    pub(crate) cmds: u64,
    pub(crate) uses: u64,
    pub(crate) active: u64,
    pub(crate) busy: Option<u64>,
    pub(crate) pinned: Option<String>,
    /// Its owner was collected then.
    pub(crate) abandoned: Option<u64>,
    /// Who took it still runs, so that it may yet come back.
    pub(crate) alive: bool,
}

/// Who does something.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Who {
    pub(crate) stack: Option<u64>,
    pub(crate) thread: Option<String>,
    pub(crate) task: Option<String>,
}

/// A wait that ended without a connection.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failed {
    pub(crate) at: u64,
    pub(crate) end: String,
    pub(crate) waited: u64,
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// A reply that was left unread.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Unread {
    pub(crate) at: u64,
    pub(crate) conn: u64,
    pub(crate) seen: String,
    pub(crate) owed: Option<u64>,
    pub(crate) bytes: Option<u64>,
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// A connection of the parent process that is used in its fork.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shared {
    pub(crate) at: u64,
    pub(crate) conn: u64,
    #[serde(flatten)]
    pub(crate) who: Who,
}

/// A pool that is no more.
#[derive(Debug, Deserialize)]
pub(crate) struct Gone {
    pub(crate) pool: u64,
    pub(crate) at: u64,
    #[serde(default)]
    pub(crate) how: String,
    #[serde(default)]
    pub(crate) open: u32,
}

/// The last line of a process that ends as it should: the pools that it did not close, and their open connections.
#[derive(Debug, Deserialize)]
pub(crate) struct Bye {
    pub(crate) now: u64,
    #[serde(default)]
    pub(crate) unclosed: Vec<(u64, u32)>,
}
