//! What an app that reports from inside says of itself: its processes, and whose its pools are.

use serde::{Deserialize, Serialize};

use super::{ConnPulse, Holder};

/// A process of the observed app, within one run: never used twice, unlike the system's pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProcId(pub u32);

/// What happens to an app as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AppEvent {
    /// It is observed from now on.
    Started {
        /// Its program's name, without arguments; nothing where it was started by somebody else.
        #[serde(skip_serializing_if = "Option::is_none")]
        program: Option<String>,
    },
    /// It runs and nobody has reported: why that may be.
    Silent {
        /// One sentence.
        why: String,
    },
    /// The process that was started has ended.
    Ended(Ending),
    /// Something about one of its processes.
    Process(ProcId, ProcessEvent),
}

/// How a process ended, as its parent is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What a process tells beside what its pools do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProcessEvent {
    /// It reports.
    Started(ProcessFacts),
    /// It uses this client library.
    Library {
        /// `redis`, `valkey`.
        name: String,
        /// As the library says.
        version: String,
    },
    /// It was heard of; told at most once a second.
    Heard(Reporting),
    /// It ends, or was lost: pools that stop from now on stop with it.
    Ends,
    /// It reports no more.
    Gone {
        /// It said so itself as it ended. Otherwise it was killed, or left without a word.
        said: bool,
    },
}

/// What does not change while a process lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// The system's number for it.
    pub pid: u32,
    /// Its parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The name of its script or module, without arguments.
    pub program: String,
    /// Its language and that one's version: `Python 3.11.7`.
    pub runtime: String,
    /// It is a fork of another process of the app, with what that one had.
    #[serde(default)]
    pub forked: bool,
}

/// How well a process's reports come through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporting {
    /// Reports that it dropped because nobody took them.
    pub dropped: u64,
    /// Faults of the reporting code itself.
    pub errors: u64,
    /// The last of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What only the app itself can tell of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    /// Whose it is.
    pub process: ProcId,
    /// Its class: `redis.asyncio.connection.BlockingConnectionPool`.
    pub class: String,
    /// It came with a fork: its parent process has it as well.
    #[serde(default)]
    pub inherited: bool,
    /// It belongs to an event loop: nothing closes its connections but the app itself.
    #[serde(default, rename = "async")]
    pub asynchronous: bool,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Holder>,
}

/// Through what a lease was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// A command of a client, which gives it back by itself.
    Command,
    /// By hand.
    Raw,
    /// A pipeline or transaction.
    Pipeline,
    /// A subscriber, for its life.
    PubSub,
    /// A lock.
    Lock,
    /// A client of one connection, for its life.
    Single,
    /// MONITOR, for its life.
    Monitor,
}

impl How {
    /// The word shown and exported.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Raw => "raw",
            Self::Pipeline => "pipeline",
            Self::PubSub => "pubsub",
            Self::Lock => "lock",
            Self::Single => "single",
            Self::Monitor => "monitor",
        }
    }

    /// Whether it keeps its connection as long as it lives, which is no leak.
    pub fn holds_for_life(self) -> bool {
        matches!(self, Self::PubSub | Self::Single | Self::Monitor)
    }
}

/// What a pool had left when it was given up or its process ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// Connections still open.
    pub open: u32,
    /// Those still lent that nobody can give back any more.
    pub leases: Vec<ConnPulse>,
    /// The pool itself was collected or forgotten without being closed.
    pub unclosed: bool,
}
