//! Every list there is, each made of a snapshot's rows.

use std::sync::Arc;

use super::{Listing, Sort};
use crate::fields::{Around, Listed, Marks, Pick, grouped, names};
use crate::report;
use crate::snapshot::{ClientRow, ConnectionRow, EventRow, GroupBy, GroupRow, LintRow, Snapshot};
use crate::tui::layout::Pane;

/// Every list there is, and what lints say of the rows in them.
#[derive(Debug)]
pub struct Lists {
    connections: Listing,
    lints: Listing,
    events: Listing,
    groups: Listing,
    /// Each with those of its clients that the filter leaves, where there is one.
    narrowed: Option<Vec<Arc<GroupRow>>>,
    clients: Listing,
    grouping: Grouping,
    marks: Marks,
}

/// What the clients are shown as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// What they are grouped by.
    pub by: GroupBy,
    /// The group whose clients are shown.
    pub inside: Option<Arc<str>>,
}

impl Grouping {
    /// Whether each row is a group.
    pub fn grouped(&self) -> bool {
        self.by != GroupBy::None && self.inside.is_none()
    }
}

/// The lists there are.
#[derive(Clone, Copy)]
enum Which {
    Connections,
    Lints,
    Events,
    Groups,
    Clients,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            connections: Listing::new::<ConnectionRow>(),
            lints: Listing::new::<LintRow>(),
            events: Listing::new::<EventRow>(),
            groups: Listing::new::<GroupRow>(),
            narrowed: None,
            clients: Listing::new::<ClientRow>(),
            grouping: Grouping::default(),
            marks: Marks::default(),
        }
    }
}

impl Lists {
    /// The list of a pane, where it has one.
    pub fn of(&self, pane: Pane) -> Option<&Listing> {
        Some(match self.which(pane)? {
            Which::Connections => &self.connections,
            Which::Lints => &self.lints,
            Which::Events => &self.events,
            Which::Groups => &self.groups,
            Which::Clients => &self.clients,
        })
    }

    fn which(&self, pane: Pane) -> Option<Which> {
        match pane {
            Pane::Connections => Some(Which::Connections),
            Pane::Lints => Some(Which::Lints),
            Pane::Events => Some(Which::Events),
            Pane::Clients if self.grouping.grouped() => Some(Which::Groups),
            Pane::Clients => Some(Which::Clients),
            Pane::Pool | Pane::Latency | Pane::Server | Pane::Shell | Pane::Pools | Pane::App => None,
        }
    }

    /// What lints say of rows.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What the clients are shown as.
    pub fn grouping(&self) -> &Grouping {
        &self.grouping
    }

    /// Lists with nothing in them yet. The clients are shown, filtered and sorted as it was asked for.
    pub fn beginning(listing: &report::Listing) -> Self {
        let mut lists = Self::default();
        lists.grouping.by = listing.by();
        lists.filter(Pane::Clients, &Snapshot::default(), |line| listing.filter().clone_into(line));
        if let (Some((field, descending)), Some(list)) = (listing.sort(), lists.of_mut(Pane::Clients)) {
            list.sort = Sort { field, descending };
        }
        lists
    }

    /// The groups that the list of them has places in.
    pub fn groups<'a>(&'a self, snapshot: &'a Snapshot) -> &'a [Arc<GroupRow>] {
        self.narrowed.as_deref().unwrap_or_else(|| snapshot.groups.by(self.grouping.by))
    }

    /// What a filter of a pane may name.
    fn fields(&self, which: Which) -> Vec<&'static str> {
        match which {
            Which::Connections => names(ConnectionRow::FIELDS),
            Which::Lints => names(LintRow::FIELDS),
            Which::Events => names(EventRow::FIELDS),
            Which::Clients if self.grouping.by == GroupBy::None => names(ClientRow::FIELDS),
            Which::Groups | Which::Clients => grouped::fields(),
        }
    }

    /// Shows the clients as something else, from the first row. What is opened keeps the filter, and so do other groups: it
    /// is about the clients in them.
    pub fn regroup(&mut self, to: Grouping, snapshot: &Snapshot) {
        let line = if self.grouping.grouped() && to != self.grouping {
            self.groups.good.clone()
        } else {
            String::new()
        };
        // Another key makes other groups; another group has other rows.
        if to.by != self.grouping.by {
            self.groups.forget();
        }
        if to != self.grouping {
            self.clients.forget();
        }
        self.grouping = to;
        if let Some(which) = self.which(Pane::Clients).filter(|_| !line.is_empty()) {
            let fields = self.fields(which);
            if let Some(list) = self.of_mut(Pane::Clients)
                && !list.filter(&fields, |typed| *typed = line)
            {
                // What groups alone have says nothing of clients without any.
                list.forget();
            }
        }
        self.refresh(Pane::Clients, snapshot);
    }

    /// There is a new snapshot: everything is made anew.
    pub fn take(&mut self, snapshot: &Snapshot) {
        self.marks = Marks::of_snapshot(snapshot);
        for pane in [Pane::Connections, Pane::Lints, Pane::Events, Pane::Clients] {
            self.refresh(pane, snapshot);
        }
    }

    /// Makes one list anew.
    fn refresh(&mut self, pane: Pane, snapshot: &Snapshot) {
        let Some(which) = self.which(pane) else { return };
        let around = Around { as_of: snapshot.as_of, marks: &self.marks };
        match which {
            Which::Connections => {
                let rows = snapshot.connections.iter().enumerate();
                self.connections.refresh(rows.map(|(at, row)| (at as u32, &**row)), &around);
            }
            Which::Lints => {
                let rows = snapshot.lints.iter().enumerate();
                self.lints.refresh(rows.map(|(at, row)| (at as u32, &**row)), &around);
            }
            // The newest come before those of the same moment.
            Which::Events => {
                let rows = snapshot.events.iter().enumerate().rev();
                self.events.refresh(rows.map(|(at, row)| (at as u32, row)), &around);
            }
            Which::Groups => {
                let all = snapshot.groups.by(self.grouping.by);
                self.narrowed = self.groups.filter.as_ref().map(|filter| {
                    grouped::Groups::of(snapshot, self.grouping.by).narrowed(
                        filter,
                        &snapshot.clients,
                        &around,
                    )
                });
                let rows = self.narrowed.as_deref().unwrap_or(all).iter().enumerate();
                self.groups.arrange(rows.map(|(at, row)| (at as u32, &**row)), &around);
                self.groups.total = all.len();
            }
            Which::Clients => {
                let rows = snapshot.clients.iter().enumerate();
                let rows = rows.map(|(at, row)| (at as u32, &**row));
                let Some(label) = &self.grouping.inside else {
                    return self.clients.refresh(rows, &around);
                };
                let groups = grouped::Groups::of(snapshot, self.grouping.by);
                let rows = rows.filter(|(_, row)| groups.is_in(row, label, &self.marks));
                self.clients.refresh_by(rows, &around, |filter, row| groups.holds(filter, row, &around));
            }
        }
    }

    /// Changes a pane's filter line.
    pub fn filter(&mut self, pane: Pane, snapshot: &Snapshot, change: impl FnOnce(&mut String)) {
        let Some(which) = self.which(pane) else { return };
        let fields = self.fields(which);
        if self.of_mut(pane).is_some_and(|list| list.filter(&fields, change)) {
            self.refresh(pane, snapshot);
        }
    }

    /// While a filter is typed the selection keeps to its row, even if a line in between leaves it out.
    pub fn anchor(&mut self, pane: Pane, hold: bool) {
        if let Some(list) = self.of_mut(pane) {
            list.anchor = if hold { list.pick.clone() } else { None };
        }
    }

    /// Sorts a pane's rows by the next of these fields, or by the one before.
    pub fn next_sort(&mut self, pane: Pane, snapshot: &Snapshot, back: bool, among: &[&str]) {
        match self.which(pane) {
            Some(Which::Connections) => self.connections.next_sort::<ConnectionRow>(back, among),
            Some(Which::Lints) => self.lints.next_sort::<LintRow>(back, among),
            Some(Which::Events) => self.events.next_sort::<EventRow>(back, among),
            Some(Which::Groups) => self.groups.next_sort::<GroupRow>(back, among),
            Some(Which::Clients) => self.clients.next_sort::<ClientRow>(back, among),
            None => {}
        }
        self.refresh(pane, snapshot);
    }

    /// Sorts a pane's rows by a field, by name; the other way round when that is so already.
    pub fn sort_by(&mut self, pane: Pane, snapshot: &Snapshot, field: &str) {
        match self.which(pane) {
            Some(Which::Connections) => self.connections.sort_by::<ConnectionRow>(field),
            Some(Which::Lints) => self.lints.sort_by::<LintRow>(field),
            Some(Which::Events) => self.events.sort_by::<EventRow>(field),
            Some(Which::Groups) => self.groups.sort_by::<GroupRow>(field),
            Some(Which::Clients) => self.clients.sort_by::<ClientRow>(field),
            None => {}
        }
        self.refresh(pane, snapshot);
    }

    /// Inverts the order of a pane's rows.
    pub fn invert(&mut self, pane: Pane, snapshot: &Snapshot) {
        if let Some(list) = self.of_mut(pane) {
            list.sort.descending = !list.sort.descending;
        }
        self.refresh(pane, snapshot);
    }

    /// Selects the row at a place of a pane's list; the last one when there are fewer.
    pub fn select(&mut self, pane: Pane, snapshot: &Snapshot, at: usize) {
        let Some(which) = self.which(pane) else { return };
        let Some(list) = self.of_mut(pane) else { return };
        list.at = at.min(list.rows.len().saturating_sub(1));
        let selected = list.selected();
        let pick = selected.and_then(|at| match which {
            Which::Connections => snapshot.connections.get(at).map(|row| row.pick()),
            Which::Lints => snapshot.lints.get(at).map(|row| row.pick()),
            Which::Events => snapshot.events.get(at).map(Listed::pick),
            Which::Groups => self.groups(snapshot).get(at).map(|row| row.pick()),
            Which::Clients => snapshot.clients.get(at).map(|row| row.pick()),
        });
        if let Some(list) = self.of_mut(pane) {
            list.pick = pick;
        }
    }

    /// A person has chosen the row that is selected: the selection keeps to it from now on.
    pub fn choose(&mut self, pane: Pane) {
        if let Some(list) = self.of_mut(pane) {
            list.chosen = true;
        }
    }

    /// Selects this row of a pane's list, and says whether it is among those shown.
    pub fn select_row(&mut self, pane: Pane, snapshot: &Snapshot, row: Pick) -> bool {
        if let Some(list) = self.of_mut(pane) {
            (list.pick, list.chosen) = (Some(row), true);
        }
        self.refresh(pane, snapshot);
        self.of(pane).is_some_and(|list| list.pick.is_some())
    }

    fn of_mut(&mut self, pane: Pane) -> Option<&mut Listing> {
        Some(match self.which(pane)? {
            Which::Connections => &mut self.connections,
            Which::Lints => &mut self.lints,
            Which::Events => &mut self.events,
            Which::Groups => &mut self.groups,
            Which::Clients => &mut self.clients,
        })
    }
}
