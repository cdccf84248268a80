//! The fields of an app's processes and of their pools, which are one list: a process, and its pools below it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Field, Listed, Pick, Value, down, said, time, up, words};
use crate::event::{PoolId, ProcId};
use crate::snapshot::{ConnectionRow, PoolRow, ProcessRow, RowState, Snapshot};

/// A row of that list.
#[derive(Clone, Debug)]
pub enum Member {
    /// A process.
    Process(Arc<ProcessRow>),
    /// A pool.
    Pool(Box<Owned>),
}

/// A pool, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Owned {
    /// The pool.
    pub pool: Arc<PoolRow>,
    /// Whose it is; nothing where that is not known.
    pub process: Option<Arc<ProcessRow>>,
    /// Its connection that has been lent longest.
    pub longest: Option<Arc<ConnectionRow>>,
}

/// The limit of pools that have none: redis-py's own word for that, and beyond it.
const UNBOUNDED: u32 = 1 << 31;

/// A pool's limit, where it has one.
pub fn limit(pool: &PoolRow) -> Option<u32> {
    pool.max.filter(|max| *max < UNBOUNDED)
}

/// Whether a pool is known to have no limit.
pub fn is_unbounded(pool: &PoolRow) -> bool {
    pool.max.is_some_and(|max| max >= UNBOUNDED)
}

impl Member {
    /// The list of a snapshot, as it is unsorted: each process, those that are gone last, and below it its pools.
    pub fn all(snapshot: &Snapshot) -> Vec<Self> {
        let Some(app) = snapshot.app.as_deref() else { return Vec::new() };
        let longest = longest(snapshot);
        let mut of: HashMap<Option<ProcId>, Vec<&Arc<PoolRow>>> = HashMap::new();
        for pool in &snapshot.pools {
            let process = pool.inside.as_ref().map(|inside| inside.process);
            of.entry(process.filter(|id| app.process(*id).is_some())).or_default().push(pool);
        }
        let mut members = Vec::with_capacity(app.processes.len() + snapshot.pools.len());
        let mut add = |process: Option<&Arc<ProcessRow>>, pools: Option<Vec<&Arc<PoolRow>>>| {
            members.extend(process.cloned().map(Self::Process));
            members.extend(pools.into_iter().flatten().map(|pool| {
                let longest = longest.get(&pool.id).map(|row| Arc::clone(row));
                Self::Pool(Box::new(Owned { pool: Arc::clone(pool), process: process.cloned(), longest }))
            }));
        };
        for gone in [false, true] {
            for process in app.processes.iter().filter(|process| process.gone.is_some() == gone) {
                add(Some(process), of.remove(&Some(process.id)));
            }
        }
        add(None, of.remove(&None));
        members
    }

    /// The process that it is or is of.
    pub fn process(&self) -> Option<&Arc<ProcessRow>> {
        match self {
            Self::Process(process) => Some(process),
            Self::Pool(owned) => owned.process.as_ref(),
        }
    }

    /// The pool, where it is one.
    pub fn owned(&self) -> Option<&Owned> {
        match self {
            Self::Process(_) => None,
            Self::Pool(owned) => Some(owned),
        }
    }

    fn pool(&self) -> Option<&PoolRow> {
        self.owned().map(|owned| &*owned.pool)
    }

    /// Nothing more happens to it.
    pub fn is_over(&self) -> bool {
        self.pool().is_some_and(|pool| pool.stopped)
            || self.process().is_some_and(|process| process.gone.is_some())
    }
}

impl Owned {
    /// What is to be known of its kind, a word each: `async`, `blocking`, `inherited`, `closed`.
    pub fn kind(&self) -> Vec<&'static str> {
        let inside = self.pool.inside.as_deref();
        let class = inside.map_or("", |inside| &*inside.class);
        let is = [
            (inside.is_some_and(|inside| inside.asynchronous), "async"),
            (class.rsplit('.').next().is_some_and(|name| name.contains("Blocking")), "blocking"),
            (self.pool.single, "single"),
            (inside.is_some_and(|inside| inside.inherited), "inherited"),
            (self.pool.stopped, "closed"),
        ];
        is.into_iter().filter_map(|(is, word)| is.then_some(word)).collect()
    }

    /// Where the code made it.
    pub fn made(&self) -> Option<&str> {
        self.pool.inside.as_deref()?.made.as_ref()?.location.as_deref()
    }
}

/// Each pool's connection that has been lent longest: they come in that order.
fn longest(snapshot: &Snapshot) -> HashMap<PoolId, &Arc<ConnectionRow>> {
    let lent = snapshot.connections.iter().filter(|row| matches!(row.state, RowState::InUse { .. }));
    let mut longest: HashMap<PoolId, &Arc<ConnectionRow>> = HashMap::new();
    for row in lent {
        let held = row.held_for(snapshot.as_of);
        let known = longest.entry(row.pool).or_insert(row);
        if held > known.held_for(snapshot.as_of) {
            *known = row;
        }
    }
    longest
}

fn count(member: &Member, of: fn(&PoolRow) -> Option<u32>) -> Value<'_> {
    member.pool().and_then(of).map_or(Value::None, |count| Value::Number(u64::from(count)))
}

fn total(member: &Member, of: fn(&PoolRow) -> u64) -> Value<'_> {
    member.pool().map_or(Value::None, |pool| Value::Number(of(pool)))
}

impl Listed for Member {
    const FIELDS: &'static [Field<Self>] = &[
        Field {
            descends: true,
            ..said("age", ["newest first", "by start"], |row, around| {
                time(row.process().map(|process| around.as_of.since(process.since)))
            })
        },
        up("pid", |row, _| {
            row.process().map_or(Value::None, |process| Value::Number(u64::from(process.facts.pid)))
        }),
        up("process", |row, _| words(row.process().map(|process| &*process.facts.program))),
        up("pool", |row, _| words(row.pool().map(|pool| &*pool.name))),
        up("target", |row, _| words(row.pool().map(|pool| &*pool.target))),
        down("in-use", |row, _| count(row, |pool| pool.in_use)),
        down("max", |row, _| count(row, |pool| pool.max)),
        down("available", |row, _| count(row, |pool| pool.available)),
        down("created", |row, _| count(row, |pool| pool.created)),
        down("opening", |row, _| count(row, |pool| pool.opening)),
        down("waiting", |row, _| count(row, |pool| pool.waiting)),
        down("held", |row, around| {
            time(row.owned().and_then(|owned| owned.longest.as_ref()?.held_for(around.as_of)))
        }),
        down("opened", |row, _| total(row, |pool| pool.totals.opened)),
        down("checkouts", |row, _| total(row, |pool| pool.totals.checkouts)),
        up("made", |row, _| words(row.owned().and_then(Owned::made))),
        up("kind", |row, _| match row.owned().map(Owned::kind) {
            Some(kind) if !kind.is_empty() => Value::Text(Cow::Owned(kind.join(" "))),
            _ => Value::None,
        }),
        up("state", |row, _| {
            let over = if row.is_over() { "gone" } else { "runs" };
            Value::Text(Cow::Borrowed(over))
        }),
        up("lint", |row, around| match row.pool().and_then(|pool| around.marks.of_pool(pool.id)) {
            Some(mark) => Value::Text(Cow::Borrowed(mark.names.as_str())),
            None => Value::None,
        }),
    ];
    const FIRST: &'static str = "age";

    fn pick(&self) -> Pick {
        match self {
            Self::Process(process) => Pick::Process(process.id),
            Self::Pool(owned) => Pick::Pool(owned.pool.id),
        }
    }

    fn is(&self, pick: &Pick) -> bool {
        *pick == self.pick()
    }

    fn tie(&self) -> (u32, u64) {
        (0, 0)
    }
}
