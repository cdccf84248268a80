//! What is shown in full on top of the panes: a connection, a lint, an event, a process or a pool of an app, or the raw
//! INFO CLIENTS.

use std::sync::Arc;

use super::App;
use crate::event::ConnId;
use crate::fields::pools::Member;
use crate::snapshot::{
    ClientRow, ConnectionRow, EventRow, GroupRow, LintRow, PoolRow, ProcessRow, ServerRow, Snapshot,
};
use crate::tui::action::Step;
use crate::tui::layout::{Pane, Scene};
use crate::tui::listing::Listing;
use crate::tui::table;
use crate::tui::view;

/// One thing in full, and where a person has scrolled to in it.
#[derive(Clone, Debug)]
pub struct Details {
    /// What.
    pub subject: Subject,
    /// Rows scrolled past.
    pub offset: usize,
}

/// What is shown in full. What is gone since stays as it was last seen.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A connection, and whether it still exists.
    Connection(Arc<ConnectionRow>, bool),
    /// A judgement, and whether it still holds.
    Lint(Arc<LintRow>, bool),
    /// An event.
    Event(EventRow),
    /// INFO CLIENTS, beside what it was when it was last looked at.
    Info(Option<Arc<ServerRow>>),
    /// Why callers wait.
    Causes,
    /// A client of a watched server, and whether it is still connected.
    Client(Arc<ClientRow>, bool),
    /// A group of them: it opens to its clients.
    Group(Arc<GroupRow>),
    /// Watched servers, and what they said.
    Nodes,
    /// A process of an app, and whether it is still known.
    Process(Arc<ProcessRow>, bool),
    /// One of its pools, and whether that is.
    Pool(Arc<PoolRow>, bool),
}

impl Subject {
    /// The pane it belongs to.
    pub fn pane(&self) -> Pane {
        match self {
            Subject::Connection(..) => Pane::Connections,
            Subject::Lint(..) => Pane::Lints,
            Subject::Event(_) => Pane::Events,
            Subject::Info(_) | Subject::Nodes => Pane::Server,
            Subject::Causes => Pane::Pool,
            Subject::Client(..) | Subject::Group(_) => Pane::Clients,
            Subject::Process(..) | Subject::Pool(..) => Pane::Pools,
        }
    }

    /// The connection it is, when it is one.
    pub fn connection(&self) -> Option<ConnId> {
        match self {
            Subject::Connection(row, _) => Some(row.id),
            _ => None,
        }
    }

    /// Whether what it is about is still there.
    pub fn exists(&self) -> bool {
        match self {
            Subject::Connection(_, exists)
            | Subject::Lint(_, exists)
            | Subject::Client(_, exists)
            | Subject::Process(_, exists)
            | Subject::Pool(_, exists) => *exists,
            Subject::Event(_) | Subject::Info(_) | Subject::Causes | Subject::Group(_) | Subject::Nodes => {
                true
            }
        }
    }

    /// Takes what a newer snapshot knows of it.
    fn refresh(&mut self, snapshot: &Snapshot) {
        match self {
            Subject::Connection(row, exists) => {
                renew(row, exists, snapshot.connections.iter(), |newer, row| newer.id == row.id);
            }
            Subject::Lint(row, holds) => {
                let same = |newer: &LintRow, row: &LintRow| (newer.id, &newer.about) == (row.id, &row.about);
                renew(row, holds, snapshot.lints.iter(), same);
            }
            Subject::Client(row, exists) => {
                let same = |newer: &ClientRow, row: &ClientRow| {
                    (newer.node, newer.client.id) == (row.node, row.client.id)
                };
                renew(row, exists, snapshot.clients.iter(), same);
            }
            Subject::Process(row, exists) => {
                let all = snapshot.app.iter().flat_map(|app| &app.processes);
                renew(row, exists, all, |newer, row| newer.id == row.id);
            }
            Subject::Pool(row, exists) => {
                renew(row, exists, snapshot.pools.iter(), |newer, row| newer.id == row.id);
            }
            Subject::Event(_) | Subject::Info(_) | Subject::Causes | Subject::Group(_) | Subject::Nodes => {}
        }
    }
}

/// Takes the newer of a row, where there is one, and says whether there is.
fn renew<'a, R: 'a>(
    row: &mut Arc<R>,
    exists: &mut bool,
    mut all: impl Iterator<Item = &'a Arc<R>>,
    same: impl Fn(&R, &R) -> bool,
) {
    let newer = all.find(|newer| same(newer, row));
    *exists = newer.is_some();
    if let Some(newer) = newer {
        *row = Arc::clone(newer);
    }
}

impl App {
    /// Shows the selected row in full, or the server's raw reply; a group's clients.
    pub(super) fn open(&mut self) {
        self.lists.choose(self.focus);
        match self.subject() {
            Some(Subject::Group(row)) => self.enter_group(&row),
            subject => self.details = subject.map(|subject| Details { subject, offset: 0 }),
        }
    }

    /// Shows why callers wait, or closes that.
    pub(super) fn toggle_causes(&mut self) {
        let shown = self.shows_causes();
        self.help = None;
        self.close_details();
        if !shown {
            self.details = Some(Details { subject: Subject::Causes, offset: 0 });
        }
    }

    /// Whether why callers wait is shown.
    pub fn shows_causes(&self) -> bool {
        matches!(&self.details, Some(Details { subject: Subject::Causes, .. }))
    }

    /// Whether the focused pane has something to show in full.
    pub(super) fn has_subject(&self) -> bool {
        self.focus == Pane::Server || self.list(self.focus).is_some_and(|list| list.selected().is_some())
    }

    /// What the focused pane would show in full.
    pub(super) fn subject(&self) -> Option<Subject> {
        let at = self.list(self.focus).and_then(Listing::selected);
        match self.focus {
            Pane::Connections => {
                let exists = at? < self.shown.connections.len();
                Some(Subject::Connection(Arc::clone(self.lists.connection(&self.shown, at?)?), exists))
            }
            Pane::Lints => Some(Subject::Lint(Arc::clone(self.shown.lints.get(at?)?), true)),
            Pane::Events => Some(Subject::Event(self.shown.events.get(at?)?.clone())),
            Pane::Server if self.scene == Scene::Watch => Some(Subject::Nodes),
            Pane::Server => Some(Subject::Info(self.looked_at.clone())),
            Pane::Clients if self.lists.grouping().grouped() => {
                let groups = self.lists.groups(&self.shown);
                Some(Subject::Group(Arc::clone(groups.get(at?)?)))
            }
            Pane::Clients => Some(Subject::Client(Arc::clone(self.shown.clients.get(at?)?), true)),
            Pane::Pools => Some(match self.lists.members().get(at?)? {
                Member::Process(row) => Subject::Process(Arc::clone(row), true),
                Member::Pool(owned) => Subject::Pool(Arc::clone(&owned.pool), true),
            }),
            Pane::Pool | Pane::Latency | Pane::Shell | Pane::App => None,
        }
    }

    /// Closes what is shown in full, if anything is. What INFO said until now has been seen.
    pub(super) fn close_details(&mut self) -> bool {
        let Some(details) = self.details.take() else { return false };
        if let Subject::Info(_) = details.subject {
            self.looked_at = Some(Arc::clone(&self.shown.server));
        }
        true
    }

    /// Goes on to the next row of the pane, or back; INFO and the causes, which are one, are scrolled.
    pub(super) fn walk(&mut self, by: isize) {
        if self.list(self.focus).is_none() || self.shows_causes() {
            return self.scroll_details(if by < 0 { Step::Up } else { Step::Down });
        }
        let at = self.list(self.focus).map_or(0, Listing::at);
        // A row that is gone has given its place to the next one already.
        let gone = self.details.as_ref().is_some_and(|details| !details.subject.exists());
        let step = if gone && by > 0 { 0 } else { by };
        self.select(at.saturating_add_signed(step));
        if self.subject().is_some() {
            self.open();
        }
    }

    pub(super) fn scroll_details(&mut self, step: Step) {
        let (len, height) = view::details::size(self, self.size);
        if let Some(details) = &mut self.details {
            details.offset = table::step(details.offset, step, height).min(len.saturating_sub(height));
        }
    }

    /// The snapshot that is shown is another one.
    pub(super) fn refresh_details(&mut self) {
        if let Some(details) = &mut self.details {
            details.subject.refresh(&self.shown);
        }
        if self.looked_at.is_none() && !self.shown.server.raw.is_empty() {
            self.looked_at = Some(Arc::clone(&self.shown.server));
        }
    }
}
