//! The pools of an app: whose connections are shown, and which pool is spoken of where there is room for one.

use std::sync::Arc;

use super::App;
use super::details::Subject;
use crate::fields::Pick;
use crate::snapshot::PoolRow;
use crate::tui::layout::Pane;
use crate::tui::listing::{Listing, Narrow};

impl App {
    /// Shows the connections of the pool or the process that is selected or shown in full, and says whether one is.
    pub(super) fn show_connections(&mut self) -> bool {
        let subject = match &self.details {
            Some(details) => Some(details.subject.clone()),
            None => self.subject(),
        };
        let narrow = match subject {
            Some(Subject::Pool(row, _)) => Narrow::Pool(row.id),
            Some(Subject::Process(row, _)) => Narrow::Process(row.id),
            _ => return false,
        };
        self.lists.choose(Pane::Pools);
        self.lists.narrow_to(Some(narrow), &self.shown);
        self.offsets[Pane::Connections.index()] = 0;
        self.focus(Pane::Connections);
        true
    }

    /// Shows the connections of all pools.
    pub(super) fn show_everybodys(&mut self) {
        self.lists.narrow_to(None, &self.shown);
        self.offsets[Pane::Connections.index()] = 0;
        self.settle_selection();
    }

    /// The pool that is shown where there is room for one. Of an app it is the one whose connections are shown or that a
    /// person has selected, else the one that was asked for most.
    pub(in crate::tui) fn front(&self) -> Option<&Arc<PoolRow>> {
        if !self.scene.is_inside() {
            return self.shown.pool_in_front();
        }
        let chosen = self.list(Pane::Pools).filter(|list| list.is_chosen()).and_then(Listing::pick);
        let wanted = match (self.lists.narrow(), chosen) {
            (Some(Narrow::Pool(id)), _) => Some(id),
            (_, Some(Pick::Pool(id))) => Some(*id),
            _ => None,
        };
        let pools = &self.shown.pools;
        let wanted = pools.iter().find(|pool| Some(pool.id) == wanted);
        // Of those asked for as often the first.
        wanted.or_else(|| pools.iter().rev().max_by_key(|pool| pool.totals.checkouts))
    }
}
