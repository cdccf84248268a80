//! Rows that stand below others: an app's processes with their pools. Sorting leaves each pool with its process.

use super::{Listing, order};
use crate::fields::filter::Filter;
use crate::fields::pools::Member;
use crate::fields::{Around, Listed, Value};

/// A process and its pools, or a pool whose process nobody knows: places of those that are shown.
struct Branch<'a> {
    head: Option<u32>,
    pools: Vec<(Value<'a>, u32)>,
    /// How it is sorted among others.
    key: Value<'a>,
    gone: bool,
}

impl Listing {
    /// Makes the rows anew. A process is shown with what the filter leaves of its pools, and one without pools where it is
    /// left itself. Those that are gone come last.
    pub(super) fn refresh_members(&mut self, members: &[Member], around: &Around<'_>) {
        if !self.chosen {
            (self.pick, self.anchor, self.at) = (None, None, 0);
        }
        let mut branches = branches(members, self.filter.as_ref(), self.sort.field, around);
        let descending = self.sort.descending;
        for branch in &mut branches {
            branch.pools.sort_by(|left, right| order(&left.0, &right.0, descending));
            if let Some((value, _)) = branch.pools.first() {
                branch.key = value.clone();
            }
        }
        branches.sort_by(|left, right| {
            left.gone.cmp(&right.gone).then_with(|| order(&left.key, &right.key, descending))
        });
        let rows = branches
            .into_iter()
            .flat_map(|branch| branch.head.into_iter().chain(branch.pools.into_iter().map(|(_, at)| at)));
        let rows: Vec<u32> = rows.collect();
        let pick = self.anchor.as_ref().or(self.pick.as_ref());
        let found = pick.and_then(|pick| rows.iter().position(|at| members[*at as usize].is(pick)));
        self.total = members.len();
        self.settle(rows, found);
    }
}

fn branches<'a>(
    members: &'a [Member],
    filter: Option<&Filter>,
    field: usize,
    around: &Around<'a>,
) -> Vec<Branch<'a>> {
    let holds = |member: &Member| filter.is_none_or(|filter| filter.holds(Member::FIELDS, member, around));
    let value = |member: &'a Member| (Member::FIELDS[field].value)(member, around);
    let mut branches: Vec<Branch<'a>> = Vec::new();
    // Who its pools are of, whether it is shown by itself, and whether it has any.
    let mut head: Option<(u32, &'a Member, bool)> = None;
    let mut close = |head: Option<(u32, &'a Member, bool)>, pools: Vec<(Value<'a>, u32)>| {
        let Some((at, member, alone)) = head else {
            return branches.extend(pools.into_iter().map(|pool| Branch {
                head: None,
                key: Value::None,
                gone: members[pool.1 as usize].is_over(),
                pools: vec![pool],
            }));
        };
        if !pools.is_empty() || (alone && holds(member)) {
            branches.push(Branch { head: Some(at), pools, key: value(member), gone: member.is_over() });
        }
    };
    let mut pools = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let ours = head.is_some_and(|(_, head, _)| {
            head.process().map(|row| row.id) == member.process().map(|row| row.id)
        });
        if member.owned().is_none() || (!ours && head.is_some()) {
            close(head.take(), std::mem::take(&mut pools));
        }
        match (member.owned(), &mut head) {
            (None, _) => head = Some((at as u32, member, true)),
            (Some(_), head) => {
                if let Some((_, _, alone)) = head {
                    *alone = false;
                }
                if holds(member) {
                    pools.push((value(member), at as u32));
                }
            }
        }
    }
    close(head, pools);
    branches
}
