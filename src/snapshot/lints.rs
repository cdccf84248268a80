//! Judgements that hold now.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::GroupBy;
use crate::event::{ConnId, NodeId, PoolId, ProcId, Stamp};

/// How bad a judgement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warn,
    /// Something is lost or will be.
    Bad,
}

/// What is made of a lint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing: it is not raised.
    Off,
    /// It is raised and shown.
    #[default]
    Warn,
    /// The same, and a run that is judged fails by it.
    Fail,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Fail];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// What stands before the words of a lint that fails a run.
    pub fn mark(self) -> &'static str {
        if self == Self::Fail { "fail: " } else { "" }
    }
}

/// A judgement that holds now.
#[derive(Clone, Debug, PartialEq)]
pub struct LintRow {
    /// Stable name: `leak`.
    pub id: &'static str,
    /// What is made of it: never [`Level::Off`].
    pub level: Level,
    /// How bad.
    pub severity: Severity,
    /// What it speaks of.
    pub about: About,
    /// Evidence in numbers, one line.
    pub evidence: String,
    /// What to do about it, one line.
    pub advice: &'static str,
    /// It has held since.
    pub since: Stamp,
}

/// What a judgement speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// A pool.
    Pool(PoolId),
    /// A connection of a pool.
    Connection(PoolId, ConnId),
    /// A watched server.
    Node(NodeId),
    /// Clients of watched servers that have this in common.
    Group(GroupBy, Arc<str>),
    /// A client of a watched server, by its id.
    Client(NodeId, u64),
    /// A line of one of an app's processes, as `path/file.py:88 in worker`.
    Place(ProcId, Arc<str>),
}

impl LintRow {
    /// The pool it speaks of, or whose connection that is.
    pub fn pool(&self) -> Option<PoolId> {
        match self.about {
            About::Pool(pool) | About::Connection(pool, _) => Some(pool),
            About::Node(_) | About::Group(..) | About::Client(..) | About::Place(..) => None,
        }
    }

    /// The pool's connection that it speaks of.
    pub fn conn(&self) -> Option<ConnId> {
        match self.about {
            About::Connection(_, conn) => Some(conn),
            _ => None,
        }
    }

    /// The evidence, marked where the lint fails a run that is judged.
    pub fn said(&self) -> Cow<'_, str> {
        match self.level.mark() {
            "" => Cow::Borrowed(&self.evidence),
            mark => Cow::Owned(format!("{mark}{}", self.evidence)),
        }
    }
}
