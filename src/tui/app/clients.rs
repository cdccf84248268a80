//! The clients of watched servers: how they are grouped, which group is open, going to one, and closing some.

use std::collections::HashSet;
use std::sync::Arc;

use super::deeds::Deed;
use super::details::Subject;
use super::{App, Confirm, Word};
use crate::event::{Exact, NodeId};
use crate::fields::{Pick, grouped};
use crate::snapshot::{About, ClientRow, ClientState, GroupBy, GroupRow};
use crate::text;
use crate::tui::layout::Pane;
use crate::tui::listing::{Grouping, Listing};
use crate::tui::view;

/// Columns of a group's or a client's name in a question.
const NAMED: usize = 40;

impl App {
    pub(super) fn group_by(&mut self, by: GroupBy) {
        self.regroup(Grouping { by, inside: None });
    }

    /// Groups by what comes next; by server only where there are several.
    pub(super) fn next_grouping(&mut self) {
        let now = self.lists.grouping().by;
        let several = self.shown.nodes.len() > 1;
        let wanted = |by: &GroupBy| several || *by != GroupBy::Server;
        let next = GroupBy::ALL.into_iter().skip_while(|by| *by != now).skip(1).find(wanted);
        self.group_by(next.unwrap_or(GroupBy::ALL[0]));
    }

    /// Shows the clients of a group.
    pub(super) fn enter_group(&mut self, row: &GroupRow) {
        self.regroup(Grouping { by: row.by, inside: Some(Arc::clone(&row.label)) });
    }

    /// Back to the groups, at the one that was open; or to the connections of all pools.
    pub(super) fn leave_group(&mut self) {
        if self.focus == Pane::Connections {
            return self.show_everybodys();
        }
        let Grouping { by, inside } = self.lists.grouping().clone();
        self.group_by(by);
        if let Some(label) = inside {
            self.lists.select_row(Pane::Clients, &self.shown, Pick::Group(by, label));
            self.scroll_to_selection();
        }
    }

    fn regroup(&mut self, to: Grouping) {
        self.lists.regroup(to, &self.shown);
        self.offsets[Pane::Clients.index()] = 0;
        self.settle_selection();
    }

    /// What the lint that is selected or shown in full speaks of.
    pub(super) fn pointed(&self) -> Option<&About> {
        let lint = if let Some(details) = &self.details {
            let Subject::Lint(row, _) = &details.subject else { return None };
            row
        } else {
            let at = self.list(Pane::Lints).filter(|_| self.focus == Pane::Lints)?.selected()?;
            self.shown.lints.get(at)?
        };
        Some(&lint.about)
    }

    /// Goes to what a lint speaks of: a row, or the pane of what has none.
    pub(super) fn jump(&mut self) {
        if self.scene.is_inside() && self.show_connections() {
            return;
        }
        let Some(about) = self.pointed().cloned() else { return };
        self.lists.narrow_to(None, &self.shown);
        let (pane, pick) = match about {
            About::Connection(_, id) => (Pane::Connections, Pick::Connection(id)),
            About::Group(by, label) => {
                self.lists.regroup(Grouping { by, inside: None }, &self.shown);
                (Pane::Clients, Pick::Group(by, label))
            }
            About::Client(node, id) => {
                self.lists.regroup(self.grouping_around(node, id), &self.shown);
                (Pane::Clients, Pick::Client(node, id))
            }
            About::Pool(id) if self.scene.is_inside() => (Pane::Pools, Pick::Pool(id)),
            About::Place(id, _) if self.scene.is_inside() => (Pane::Pools, Pick::Process(id)),
            About::Pool(_) | About::Place(..) => return self.focus(Pane::Pool),
            About::Node(_) => return self.focus(Pane::Server),
        };
        self.focus(pane);
        self.clear_filter();
        if self.lists.select_row(pane, &self.shown, pick) {
            self.scroll_to_selection();
        } else {
            self.settle_selection();
            self.notice = Some("it is gone".to_owned());
        }
    }

    /// What shows this client: its group, open, as they are grouped now.
    fn grouping_around(&self, node: NodeId, id: u64) -> Grouping {
        let by = self.lists.grouping().by;
        let row = self.shown.clients.iter().find(|row| (row.node, row.client.id) == (node, id));
        let target = self.lists.marks().target(node).unwrap_or_default();
        let inside = row.filter(|_| by != GroupBy::None).map(|row| by.label(row, target).into());
        Grouping { by: if inside.is_some() { by } else { GroupBy::None }, inside }
    }

    /// Asks for the number of the clients that are to be closed: the one that is selected or shown in full, those of
    /// the selected group, or all that are shown. Never our own.
    pub(super) fn ask_to_kill(&mut self, shown: bool) {
        if shown && let Some(why) = self.list(Pane::Clients).and_then(Listing::error) {
            // What is listed is not what was typed.
            self.notice = Some(format!("nothing is closed by a filter that makes no sense: {why}"));
            return;
        }
        let subject = match &self.details {
            Some(details) => Some(details.subject.clone()),
            None => self.subject(),
        };
        if let Some(Subject::Group(row)) = &subject
            && row.label.is_empty()
            && !shown
        {
            // No name stands for them.
            self.notice = Some("these have no name in common: filter or open others".to_owned());
            return;
        }
        let (rows, whose) = match subject {
            Some(Subject::Client(row, true)) if !shown => (vec![row], None),
            Some(Subject::Group(row)) if !shown => {
                let of = text::fit(&view::clients::group_named(&row), NAMED);
                let of = match row.of {
                    // A filter that leaves all of them is not worth a word.
                    Some(all) if all != row.count => {
                        format!("the {} of {of}, those that the filter leaves", text::thousands(all))
                    }
                    _ => of,
                };
                (self.clients_of(&[row]), Some(of))
            }
            Some(Subject::Client(..) | Subject::Group(_)) => (self.clients_shown(), None),
            _ => return,
        };
        let all = rows.len();
        let rows: Vec<_> = rows.into_iter().filter(|row| !row.own).collect();
        let ours = match all - rows.len() {
            0 => String::new(),
            1 => ", but not our own".to_owned(),
            own => format!(", but not our own {own}"),
        };
        let (word, what) = match (&rows[..], whose) {
            ([], _) => {
                self.notice = Some("this is our own connection: it is not closed from here".to_owned());
                return;
            }
            ([row], None) if !shown => (row.client.id.to_string(), format!("client {}", self.said(row))),
            ([_], Some(whose)) => ("1".to_owned(), format!("1 client of {whose}")),
            (rows, Some(whose)) => {
                (rows.len().to_string(), format!("{} clients of {whose}", count(rows.len())))
            }
            (rows, None) => {
                let left = if self.list(Pane::Clients).is_some_and(Listing::is_filtered) {
                    " that the filter leaves"
                } else {
                    " that are listed"
                };
                (rows.len().to_string(), format!("the {} clients{left}", count(rows.len())))
            }
        };
        let replicas = rows.iter().filter(|row| row.state == ClientState::Replica).count();
        let warned = match replicas {
            0 => String::new(),
            1 => " (one is of replication)".to_owned(),
            some => format!(" ({some} are of replication)"),
        };
        self.confirm = Some(Confirm {
            text: format!("Type {word} to close {what}{ours}{warned}"),
            word: Some(Word::new(word)),
            deed: Deed::Kill(rows.iter().map(|row| (row.node, Exact::from(&*row.client))).collect()),
        });
    }

    /// Who a client is, in a question.
    fn said(&self, row: &ClientRow) -> String {
        let process = row.process().map(|process| format!("{} {}", process.name, process.pid));
        let name = row.client.name.as_deref().filter(|name| !name.is_empty()).map(str::to_owned);
        let who = process.or(name).unwrap_or_else(|| row.client.addr.to_string());
        let at = match self.lists.marks().target(row.node) {
            Some(target) if self.shown.nodes.len() > 1 => format!(" at {target}"),
            _ => String::new(),
        };
        let words = format!("{} of {who}{at}", row.client.id);
        text::fit(&text::escape_str(&words), NAMED + 20)
    }

    /// The clients of these groups, which are all by one key; of a filter's those that it leaves.
    fn clients_of(&self, groups: &[Arc<GroupRow>]) -> Vec<Arc<ClientRow>> {
        let Some(by) = groups.first().map(|group| group.by) else { return Vec::new() };
        let labels: HashSet<&str> = groups.iter().map(|group| &*group.label).collect();
        let around = self.around();
        let all = grouped::Groups::of(&self.shown, by);
        let filter = self.list(Pane::Clients).and_then(Listing::filter_in_force);
        let of = |row: &&Arc<ClientRow>| {
            let group = all.place(row, around.marks).and_then(|at| self.shown.groups.by(by).get(at));
            group.is_some_and(|group| labels.contains(&*group.label))
                && filter.is_none_or(|filter| all.holds(filter, row, &around))
        };
        self.shown.clients.iter().filter(of).cloned().collect()
    }

    /// The clients that are listed, each or in groups.
    fn clients_shown(&self) -> Vec<Arc<ClientRow>> {
        let Some(list) = self.list(Pane::Clients) else { return Vec::new() };
        let at = list.rows().iter().map(|at| *at as usize);
        let grouping = self.lists.grouping();
        if grouping.grouped() {
            let groups = self.lists.groups(&self.shown);
            let groups: Vec<_> = at.filter_map(|at| groups.get(at).cloned()).collect();
            return self.clients_of(&groups);
        }
        at.filter_map(|at| self.shown.clients.get(at).cloned()).collect()
    }
}

fn count(number: usize) -> String {
    text::thousands(number as u64)
}
