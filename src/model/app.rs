//! An app that reports from inside: its processes as they come and go.

mod found;
mod left;
pub(super) mod makers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lints::inside;
use super::server::cut;
use crate::event::{
    AppEvent, ConnId, Holder, Left, PoolEvent, PoolId, ProcId, ProcessEvent, ProcessFacts, Reporting, Stamp,
};
use crate::snapshot::{AppRow, ClientRow, ConnectionRow, LintRow, ProcessRow, What};
use makers::Makers;

/// Processes kept: those that are gone make room first.
const PROCESSES: usize = 512;

/// Pools counted that have no row.
const MORE: usize = 65_536;

/// Client libraries kept of one process: there are two.
const LIBRARIES: usize = 4;

/// The most of a name or a sentence that is kept.
const TEXT_BYTES: usize = 256;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct App {
    row: AppRow,
    processes: BTreeMap<ProcId, Arc<ProcessRow>>,
    left: left::Book,
    found: found::Book,
    makers: Makers,
    /// Pools that are there and that the model has no room for.
    more: BTreeSet<PoolId>,
    published: Option<Arc<AppRow>>,
}

impl App {
    /// Takes what is told of the app, and says what of it is worth a line.
    pub(super) fn apply(&mut self, at: Stamp, event: &AppEvent) -> Option<What> {
        self.published = None;
        match event {
            AppEvent::Started { program } => {
                self.row.since = Some(at);
                self.row.program = program.as_deref().map(|program| cut(program, TEXT_BYTES).into());
            }
            AppEvent::Silent { why } => self.row.silent = Some(cut(why, TEXT_BYTES).into()),
            AppEvent::Ended(ending) => self.row.ended = Some((at, *ending)),
            AppEvent::Process(id, event) => return self.process(at, *id, event),
        }
        None
    }

    fn process(&mut self, at: Stamp, id: ProcId, event: &ProcessEvent) -> Option<What> {
        self.row.silent = None;
        match event {
            ProcessEvent::Started(_) => self.makers.goes_on(id),
            ProcessEvent::Ends => self.makers.ends(id),
            _ => {}
        }
        let row = self.entry(at, id)?;
        let mut news = None;
        match event {
            ProcessEvent::Started(facts) => {
                let short = |text: &str| cut(text, TEXT_BYTES).to_owned();
                let (program, runtime) = (short(&facts.program), short(&facts.runtime));
                row.facts = ProcessFacts { program, runtime, ..facts.clone() };
                row.gone = None;
                news = Some(What::Reports(row.facts.pid, row.facts.program.as_str().into()));
            }
            ProcessEvent::Library { name, version } => {
                let library: Arc<str> = cut(&format!("{name} {version}"), TEXT_BYTES).into();
                if row.libraries.len() < LIBRARIES && !row.libraries.contains(&library) {
                    row.libraries.push(library);
                }
            }
            ProcessEvent::Heard(reporting) => {
                let error = reporting.error.as_deref().map(|error| cut(error, TEXT_BYTES).to_owned());
                row.reporting = Reporting { error, ..*reporting };
            }
            ProcessEvent::Ends => {}
            ProcessEvent::Gone { said } => {
                row.gone = Some((at, *said));
                return Some(What::Gone(row.facts.pid, row.facts.program.as_str().into(), *said));
            }
        }
        row.heard = row.heard.max(at);
        news
    }

    /// Hears what happens to pools, whether the model has room for them or not.
    pub(super) fn pool(&mut self, at: Stamp, id: PoolId, event: &PoolEvent) {
        match event {
            PoolEvent::Started(facts) => {
                if let Some(inside) = &facts.inside {
                    self.makers.made(at, id, inside);
                }
            }
            PoolEvent::Left(left) => self.makers.left(at, id, left),
            PoolEvent::Stopped => {
                self.makers.ended(at, id);
                if self.more.remove(&id) {
                    self.published = None;
                }
            }
            _ => {}
        }
    }

    /// There is no room for a pool that begins.
    pub(super) fn no_room(&mut self, id: PoolId) {
        if self.more.len() < MORE && self.more.insert(id) {
            self.published = None;
        }
    }

    /// Whether there was none.
    pub(super) fn had_no_room(&self, id: PoolId) -> bool {
        self.more.contains(&id)
    }

    /// The lines that make pools.
    pub(super) fn makers(&self) -> &Makers {
        &self.makers
    }

    /// Keeps what a lint found in a pool of this name, which is over.
    pub(super) fn found(&mut self, at: Stamp, row: &LintRow, holder: Option<&Holder>, pool: &str) {
        self.published = None;
        self.found.take(at, row, holder, pool);
    }

    /// The same of what was found of the app as a whole.
    pub(super) fn over(&mut self, at: Stamp, over: &inside::Over) {
        // A line's pools may have several names.
        self.found(at, &over.row, over.holder.as_ref(), "");
    }

    /// Keeps a connection that was lost as its pool, of this name, ended.
    pub(super) fn lost(
        &mut self,
        at: Stamp,
        name: &str,
        row: &ConnectionRow,
        client: Option<Arc<ClientRow>>,
    ) {
        self.published = None;
        self.left.lost(at, name, row, client);
    }

    /// A pool has ended, and all of it is told.
    pub(super) fn ended(&mut self, pool: PoolId) {
        self.left.ended(pool);
    }

    /// Takes what a pool of this name had left when it ended.
    /// `client` is what the server says of a connection.
    pub(super) fn left(
        &mut self,
        at: Stamp,
        pool: PoolId,
        name: &str,
        left: &Left,
        client: impl Fn(ConnId) -> Option<Arc<ClientRow>>,
    ) {
        self.published = None;
        self.left.take(at, pool, name, left, client);
    }

    /// A process, made where it is new; nothing where there are too many that still report.
    fn entry(&mut self, at: Stamp, id: ProcId) -> Option<&mut ProcessRow> {
        if !self.processes.contains_key(&id) && self.processes.len() >= PROCESSES {
            let (&gone, _) = self.processes.iter().find(|(_, row)| row.gone.is_some())?;
            self.processes.remove(&gone);
        }
        let row = self.processes.entry(id).or_insert_with(|| {
            Arc::new(ProcessRow {
                id,
                facts: ProcessFacts::default(),
                libraries: Vec::new(),
                since: at,
                heard: at,
                reporting: Reporting::default(),
                gone: None,
            })
        });
        Some(Arc::make_mut(row))
    }

    /// Whether one is.
    pub(super) fn is_observed(&self) -> bool {
        self.row.since.is_some() || !self.processes.is_empty()
    }

    /// What readers see: nothing where no app is observed.
    pub(super) fn row(&mut self) -> Option<Arc<AppRow>> {
        if !self.is_observed() {
            return None;
        }
        if self.published.is_none() {
            let (left, more_left) = self.left.rows();
            let (found, more_found) = self.found.rows();
            let processes = self.processes.values().cloned().collect();
            let more_pools = self.more.len() as u64;
            let row = self.row.clone();
            self.published =
                Some(Arc::new(AppRow { processes, left, more_left, found, more_found, more_pools, ..row }));
        }
        self.published.clone()
    }
}
