//! Every list there is, each made of a snapshot's rows.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Listing, Sort};
use crate::event::{PoolId, ProcId, Stamp};
use crate::fields::pools::Member;
use crate::fields::{Around, Listed, Marks, Pick, grouped, names};
use crate::report;
use crate::snapshot::{
    ClientRow, ConnectionRow, EventRow, GroupBy, GroupRow, LeftRow, LintRow, RowState, Snapshot,
};
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
    pools: Listing,
    members: Vec<Member>,
    /// What nobody can give back any more, each as a connection: they stand below those that exist.
    left: Vec<Arc<ConnectionRow>>,
    lost: Vec<Arc<LeftRow>>,
    /// Whose connections alone are shown.
    narrow: Option<Narrow>,
    marks: Marks,
}

/// Whose connections are shown, where that is not everybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// A pool's.
    Pool(PoolId),
    /// Those of a process's pools.
    Process(ProcId),
}

/// What the clients are shown as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// What they are grouped by.
    pub by: GroupBy,
    /// The group whose clients are shown.
    pub inside: Option<Arc<str>>,
}

impl Narrow {
    /// The pools that it is about.
    fn pools(self, members: &[Member]) -> HashSet<PoolId> {
        let of = |member: &Member| match self {
            Self::Pool(_) => false,
            Self::Process(id) => member.process().is_some_and(|process| process.id == id),
        };
        let pools = members.iter().filter(|member| of(member)).filter_map(Member::owned);
        let mut pools: HashSet<PoolId> = pools.map(|owned| owned.pool.id).collect();
        if let Self::Pool(id) = self {
            pools.insert(id);
        }
        pools
    }
}

/// What was lost as a connection whose time has stood still since.
fn ended(lost: &LeftRow, as_of: Stamp) -> ConnectionRow {
    let mut row = (*lost.row).clone();
    if let RowState::InUse { since, .. } = &mut row.state {
        let out = u64::try_from(lost.longest.as_nanos()).unwrap_or(u64::MAX);
        let before = std::mem::replace(since, Stamp(as_of.0.saturating_sub(out)));
        row.last_active = Stamp(since.0 + row.last_active.0.saturating_sub(before.0));
    }
    row.busy_since = None;
    row
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
    Pools,
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
            pools: Listing::new::<Member>(),
            members: Vec::new(),
            left: Vec::new(),
            lost: Vec::new(),
            narrow: None,
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
            Which::Pools => &self.pools,
        })
    }

    fn which(&self, pane: Pane) -> Option<Which> {
        match pane {
            Pane::Connections => Some(Which::Connections),
            Pane::Lints => Some(Which::Lints),
            Pane::Events => Some(Which::Events),
            Pane::Clients if self.grouping.grouped() => Some(Which::Groups),
            Pane::Clients => Some(Which::Clients),
            Pane::Pools => Some(Which::Pools),
            Pane::Pool | Pane::Latency | Pane::Server | Pane::Shell | Pane::App => None,
        }
    }

    /// What lints say of rows.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// An app's processes and their pools, which the list of them has places in.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// A connection by its place in the list of them; what nobody can give back any more stands below those that exist.
    pub fn connection<'a>(&'a self, snapshot: &'a Snapshot, at: usize) -> Option<&'a Arc<ConnectionRow>> {
        let exist = &snapshot.connections;
        exist.get(at).or_else(|| self.left.get(at.checked_sub(exist.len())?))
    }

    /// What an app's processes lost, a line of code each, as [`connection`](Self::connection) has it.
    pub fn lost(&self) -> &[Arc<LeftRow>] {
        &self.lost
    }

    /// Whose connections alone are shown.
    pub fn narrow(&self) -> Option<Narrow> {
        self.narrow
    }

    /// Shows the connections of these pools alone, from the first; of nobody, those of all.
    pub fn narrow_to(&mut self, narrow: Option<Narrow>, snapshot: &Snapshot) {
        if narrow != self.narrow {
            self.connections.forget();
        }
        self.narrow = narrow;
        self.refresh(Pane::Connections, snapshot);
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
            Which::Pools => names(Member::FIELDS),
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
        self.members = Member::all(snapshot);
        self.lost = snapshot.app.as_deref().map_or_else(Vec::new, |app| app.left.clone());
        self.left = self.lost.iter().map(|lost| Arc::new(ended(lost, snapshot.as_of))).collect();
        for pane in [Pane::Connections, Pane::Lints, Pane::Events, Pane::Clients, Pane::Pools] {
            self.refresh(pane, snapshot);
        }
    }

    /// Makes one list anew.
    fn refresh(&mut self, pane: Pane, snapshot: &Snapshot) {
        let Some(which) = self.which(pane) else { return };
        let around = Around { as_of: snapshot.as_of, marks: &self.marks };
        match which {
            Which::Connections => {
                let (narrow, members) = (self.narrow, &self.members);
                let only = narrow.map(|narrow| narrow.pools(members));
                let wanted = |row: &ConnectionRow| only.as_ref().is_none_or(|only| only.contains(&row.pool));
                let rows = snapshot.connections.iter().chain(&self.left).enumerate();
                let rows = rows.filter(|(_, row)| wanted(row));
                self.connections.refresh(rows.map(|(at, row)| (at as u32, &**row)), &around);
            }
            Which::Lints => {
                let rows = snapshot.lints.iter().enumerate();
                self.lints.refresh(rows.map(|(at, row)| (at as u32, &**row)), &around);
            }
            Which::Pools => self.pools.refresh_members(&self.members, &around),
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
            Some(Which::Pools) => self.pools.next_sort::<Member>(back, among),
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
            Some(Which::Pools) => self.pools.sort_by::<Member>(field),
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
            Which::Connections => self.connection(snapshot, at).map(|row| row.pick()),
            Which::Lints => snapshot.lints.get(at).map(|row| row.pick()),
            Which::Events => snapshot.events.get(at).map(Listed::pick),
            Which::Groups => self.groups(snapshot).get(at).map(|row| row.pick()),
            Which::Clients => snapshot.clients.get(at).map(|row| row.pick()),
            Which::Pools => self.members.get(at).map(Listed::pick),
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
            Which::Pools => &mut self.pools,
        })
    }
}
