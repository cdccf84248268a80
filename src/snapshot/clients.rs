//! Watched servers, their clients and the groups they are in.

mod label;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::ServerRow;
use crate::event::{Client, ConnId, NodeConfig, NodeId, PoolId, Process, Refused, Stamp, Whose};
use crate::text::thousands;

/// One watched server.
#[derive(Clone, Debug, Default)]
pub struct NodeRow {
    /// Its id in this run.
    pub id: NodeId,
    /// Where it is, with no secret in it.
    pub target: String,
    /// How it was found, where it was not named.
    pub found: Option<String>,
    /// Its version, INFO CLIENTS, and why it does not answer.
    pub server: Arc<ServerRow>,
    /// The last look at its clients.
    pub look: Option<LookRow>,
    /// `connected_clients`.
    pub connected: Option<u64>,
    /// `blocked_clients`.
    pub blocked: Option<u64>,
    /// `maxclients`.
    pub max: Option<u64>,
    /// `rejected_connections` since the watching began.
    pub rejected: Option<u64>,
    /// `evicted_clients` since the watching began.
    pub evicted: Option<u64>,
    /// Connections it accepted a second, over the last ten seconds: those too that no look saw.
    pub opening_rate: Option<f64>,
    /// Clients that came and went between two looks, since the watching began.
    pub unseen: u64,
    /// What CONFIG GET said.
    pub config: NodeConfig,
    /// What it does not let us ask.
    pub refused: Vec<Refused>,
    /// Local processes on its unix socket, where rows cannot be told apart.
    pub unix_shares: Vec<(Arc<Process>, u64)>,
    /// One point a second, oldest first.
    pub series: Arc<[NodePoint]>,
    /// It is watched no more.
    pub stopped: bool,
}

impl NodeRow {
    /// Why its clients may not be looked at, where that is refused.
    pub fn blind(&self) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.command == "CLIENT LIST")
    }

    /// Whether its clients are seen; nothing before that is known.
    pub fn is_seen(&self) -> Option<bool> {
        if self.blind().is_some() { Some(false) } else { self.look.map(|_| true) }
    }

    /// Whether what is known of its clients holds now: it answers, and lets them be seen.
    pub fn is_current(&self) -> bool {
        self.server.lost.is_none() && self.is_seen() == Some(true)
    }
}

/// One look at CLIENT LIST.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LookRow {
    /// When it ended.
    pub at: Stamp,
    /// Clients in it that have a row.
    pub clients: u64,
    /// Clients in it that have none: there are more than [`CLIENTS`](crate::event::CLIENTS).
    pub left_out: u64,
    /// Lines of it that could not be understood.
    pub unread: u64,
    /// Its size.
    pub bytes: u64,
    /// From asking to the last byte.
    pub took: Duration,
    /// What it cost the server's main thread.
    pub cost: Duration,
    /// The server itself told that, by `commandstats`.
    pub told: bool,
    /// Until the next one.
    pub interval: Duration,
}

impl LookRow {
    /// Clients in it.
    pub fn all(&self) -> u64 {
        self.clients.saturating_add(self.left_out)
    }

    /// What it does not show, a sentence each.
    pub fn gaps(&self) -> impl Iterator<Item = String> + use<> {
        let left_out = (self.left_out > 0).then(|| {
            let [listed, all] = [self.clients, self.all()].map(thousands);
            format!("{listed} of {all} listed: of a part no group is judged")
        });
        let unread = (self.unread > 0).then(|| match self.unread {
            1 => "1 line of CLIENT LIST could not be read".to_owned(),
            many => format!("{} lines of CLIENT LIST could not be read", thousands(many)),
        });
        left_out.into_iter().chain(unread)
    }

    /// The share of the server's main thread that looks take: 0.01 is one per cent.
    pub fn share(&self) -> f64 {
        self.cost.as_secs_f64() / self.interval.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// One point of a server's time series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NodePoint {
    /// When.
    pub at: Stamp,
    /// `connected_clients`.
    pub connected: Option<u64>,
    /// `blocked_clients`.
    pub blocked: Option<u64>,
    /// Connections accepted in this second.
    pub accepted: Option<u64>,
}

/// What a client does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClientState {
    /// It did nothing since the last look.
    #[default]
    Idle,
    /// It sent something since the last look.
    Active,
    /// It waits in a blocking command.
    Blocked,
    /// It is subscribed.
    Subscribed,
    /// It is in MULTI, or watches keys.
    Transaction,
    /// It is in MONITOR.
    Monitor,
    /// It is a replica or the master.
    Replica,
    /// The server is about to close it.
    Closing,
}

impl ClientState {
    /// Whether who is so waits on purpose.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Blocked | Self::Subscribed | Self::Monitor | Self::Replica)
    }

    /// The word shown and exported.
    pub fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Subscribed => "subscribed",
            Self::Transaction => "transaction",
            Self::Monitor => "monitor",
            Self::Replica => "replica",
            Self::Closing => "closing",
        }
    }
}

/// One client of a watched server.
#[derive(Clone, Debug, Default)]
pub struct ClientRow {
    /// Its server.
    pub node: NodeId,
    /// What the server said of it when that last changed: `age` and `idle` are of then, see [`age`](Self::age).
    pub client: Arc<Client>,
    /// When the server said that.
    pub at: Stamp,
    /// Its server has not answered since: its ages are of then.
    pub until: Option<Stamp>,
    /// What it does.
    pub state: ClientState,
    /// Since when, where that was seen.
    pub state_since: Option<Stamp>,
    /// Whose socket it is, once known.
    pub whose: Option<Whose>,
    /// It is this program's own.
    pub own: bool,
    /// The connection of an app's pool that it is, where one has it.
    pub conn: Option<(PoolId, ConnId)>,
    /// Bytes a second that it sends, between the last two looks.
    pub in_rate: Option<f64>,
    /// Bytes a second that it is sent.
    pub out_rate: Option<f64>,
    /// Commands a second.
    pub command_rate: Option<f64>,
    /// A lint speaks of it.
    pub flagged: bool,
    /// Its last turns, oldest first, the present state last.
    pub history: Arc<[Turn]>,
}

/// A client's becoming something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When that was seen.
    pub at: Stamp,
    /// What it became.
    pub state: ClientState,
    /// The last command it had sent then.
    pub command: Option<Arc<str>>,
}

impl ClientRow {
    /// How long it has been connected.
    pub fn age(&self, as_of: Stamp) -> Duration {
        Duration::from_secs(self.client.age).saturating_add(self.known(as_of).since(self.at))
    }

    /// How long it has sent nothing.
    pub fn idle(&self, as_of: Stamp) -> Duration {
        Duration::from_secs(self.client.idle).saturating_add(self.known(as_of).since(self.at))
    }

    /// The last moment that is known of it.
    fn known(&self, as_of: Stamp) -> Stamp {
        self.until.map_or(as_of, |until| until.min(as_of))
    }

    /// The process that has its other end, where that is known.
    pub fn process(&self) -> Option<&Arc<Process>> {
        match &self.whose {
            Some(Whose::Process { process, .. }) => Some(process),
            _ => None,
        }
    }
}

/// What clients are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GroupBy {
    /// The local process, or why it is not known.
    #[default]
    Process,
    /// The name of CLIENT SETNAME.
    Name,
    /// That name without what tells one of many from the others at its end, numbers, hashes and addresses: `worker-17` is
    /// of `worker`.
    Prefix,
    /// Client library and version.
    Library,
    /// The ACL user.
    User,
    /// The address, without the port.
    Address,
    /// The server.
    Server,
    /// Nothing: one row a client.
    None,
}

impl GroupBy {
    /// All of them, in the order a key goes through them.
    pub const ALL: [Self; 8] = [
        Self::Process,
        Self::Name,
        Self::Prefix,
        Self::Library,
        Self::User,
        Self::Address,
        Self::Server,
        Self::None,
    ];

    /// Those that make groups, in that order.
    pub const KEYS: [Self; 7] =
        [Self::Process, Self::Name, Self::Prefix, Self::Library, Self::User, Self::Address, Self::Server];

    /// Its word, on the command line too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Name => "name",
            Self::Prefix => "prefix",
            Self::Library => "library",
            Self::User => "user",
            Self::Address => "address",
            Self::Server => "server",
            Self::None => "none",
        }
    }

    /// The one of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }
}

/// The label of the rest, where there are too many groups for each to have a row: no client's own is empty, so that nobody
/// takes a group of that name for it.
pub const REST: &str = "";

/// A group's label as it is shown and exported: the rest as `(all others)`, and a label of clients' own that begins with
/// a bracket with a `\` before it, so that no client can be taken for the rest.
pub fn group_words(label: &str) -> Cow<'_, str> {
    if label == REST {
        return "(all others)".into();
    }
    // What only looks like that begins so as well. One `\` more keeps those apart that have some of their own.
    let first = label.trim_start_matches(|c: char| c == '\\' || c.is_whitespace());
    if first.starts_with(['(', '（']) { format!("\\{label}").into() } else { label.into() }
}

/// Clients that have something in common.
#[derive(Clone, Debug, Default)]
pub struct GroupRow {
    /// What they have in common.
    pub by: GroupBy,
    /// Which: as it came, escaped by whoever shows it. `–` where a client has none, [`REST`] for the rest.
    pub label: Arc<str>,
    /// The process, where they are grouped by it and it is known.
    pub process: Option<Arc<Process>>,
    /// How many they are.
    pub count: u64,
    /// With those that a filter leaves out, where there is one: then the other numbers are of those that it leaves, but for
    /// how they change, which is the whole group's.
    pub of: Option<u64>,
    /// Of these, blocked, subscribed or in MONITOR: they wait on purpose.
    pub waiting: u64,
    /// Of these, this program's own.
    pub own: u64,
    /// How many more they are than at the look before; not known until there was one.
    pub change: Option<i64>,
    /// How many more they are than at the window's begin, or when the watching began, or when their server began anew, where
    /// that is later. Not known after one look.
    pub grown: Option<i64>,
    /// Opened a second, over the last ten seconds; not known after one look.
    pub opening_rate: Option<f64>,
    /// Commands a second, over the last ten seconds, where the server counts them.
    pub command_rate: Option<f64>,
    /// The age of the oldest.
    pub oldest: Duration,
    /// The longest that one has been idle.
    pub longest_idle: Duration,
    /// Bytes they cost the server, where it tells.
    pub memory: Option<u64>,
    /// A lint speaks of it.
    pub flagged: bool,
    /// How many they were, one point a second, oldest first.
    pub series: Arc<[u32]>,
}

/// Every grouping of the clients.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    by: [Arc<[Arc<GroupRow>]>; GroupBy::KEYS.len()],
}

impl Groups {
    /// Groups of each key, in the order of [`GroupBy::KEYS`].
    pub fn new(by: [Arc<[Arc<GroupRow>]>; GroupBy::KEYS.len()]) -> Self {
        Self { by }
    }

    /// The groups of a key, largest first; none for [`GroupBy::None`].
    pub fn by(&self, key: GroupBy) -> &[Arc<GroupRow>] {
        let at = GroupBy::KEYS.iter().position(|known| *known == key);
        at.map_or(&[], |at| &self.by[at])
    }
}
