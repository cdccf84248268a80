//! Groups of clients, by every key at once.
//!
//! Each client keeps the places of its groups, so that adding ten thousand of them up is a pass over numbers. What a group
//! was is kept from the second client on that it ever had: of one client alone the row tells all.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::history::{History, Point};
use super::moment;
use crate::event::{Process, Stamp};
use crate::model::windows::second;
use crate::snapshot::{About, ClientState, GroupBy, GroupRow, REST};

/// Groups of one key; the rest are one.
pub(super) const GROUPS: usize = 4_096;

/// How long a group without clients is remembered, in seconds: longer than any lint looks back for one that is empty.
const EMPTY: u64 = 60;

/// Seconds over which rates are told.
pub(in crate::model) const RATE: usize = 10;

/// The places of a client's groups, in the order of [`GroupBy::KEYS`].
pub(super) type Places = [u32; GroupBy::KEYS.len()];

/// What a client is called by every key, in that order.
pub(in crate::model) type Labels = [Arc<str>; GroupBy::KEYS.len()];

/// What a client adds to its groups.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is counted by itself")]
pub(super) struct Share {
    pub(super) state: ClientState,
    pub(super) own: bool,
    /// Opened at the last look.
    pub(super) fresh: bool,
    pub(super) born: i64,
    pub(super) active: i64,
    pub(super) memory: Option<u64>,
    pub(super) counts_commands: bool,
    /// How long it has been idle, in seconds.
    pub(super) idle: u64,
    /// Its server does not answer.
    pub(super) away: bool,
    /// Its server was looked at twice at least.
    pub(super) compared: bool,
}

/// A group's clients added up.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::model) struct Sums {
    pub(in crate::model) count: u32,
    pub(in crate::model) waiting: u32,
    pub(in crate::model) subscribed: u32,
    pub(in crate::model) own: u32,
    /// Neither waiting on purpose nor our own.
    pub(in crate::model) plain: u32,
    /// Of the plain ones, those idle for so long: see [`QUIET`] and [`UNUSED`].
    pub(in crate::model) quiet: u32,
    pub(in crate::model) unused: u32,
    /// Of all of them, those whose server does not answer.
    pub(in crate::model) away: u32,
    compared: bool,
    change: i32,
    born: i64,
    active: i64,
    memory: Option<u64>,
    /// The server counts the commands of one at least.
    pub(in crate::model) counts_commands: bool,
}

/// Idle for so long, in seconds, a client of a group that grows is not one that was needed.
pub(in crate::model) const QUIET: u64 = 5;

/// Idle for so long, in seconds, a client is not in use.
pub(in crate::model) const UNUSED: u64 = 60;

/// Some clients with a thing in common.
#[derive(Clone, Debug)]
pub(in crate::model) struct Group {
    pub(in crate::model) label: Arc<str>,
    pub(in crate::model) process: Option<Arc<Process>>,
    pub(in crate::model) history: Option<Box<History>>,
    /// Clients that were ever in it.
    seen: u64,
    /// The second it was first seen in.
    first: u64,
    /// That was not because somebody began to look: there was nobody in it before.
    new: bool,
    /// The second in which a server of its clients began anew.
    anew: Option<u64>,
    /// The second it was last seen in with a client.
    last: u64,
}

/// The groups of one key.
#[derive(Clone, Debug)]
pub(in crate::model) struct Table {
    pub(in crate::model) by: GroupBy,
    groups: Vec<Option<Group>>,
    sums: Vec<Sums>,
    /// What each did in one second, until that is over: adding to a history for each client costs more than all else.
    work: Vec<u32>,
    work_second: u64,
    free: Vec<u32>,
    index: HashMap<Arc<str>, u32>,
}

impl Table {
    fn new(by: GroupBy) -> Self {
        let mut table = Self {
            by,
            groups: Vec::new(),
            sums: Vec::new(),
            work: Vec::new(),
            work_second: 0,
            free: Vec::new(),
            index: HashMap::new(),
        };
        table.add(REST, None, 0);
        table
    }

    fn add(&mut self, label: &str, process: Option<&Arc<Process>>, second: u64) -> u32 {
        let label: Arc<str> = label.into();
        let group = Group {
            label: label.clone(),
            process: process.cloned(),
            history: None,
            seen: 0,
            first: second,
            new: false,
            anew: None,
            last: second,
        };
        let place = self.free.pop().unwrap_or_else(|| {
            self.groups.push(None);
            self.sums.push(Sums::default());
            self.work.push(0);
            u32::try_from(self.groups.len() - 1).unwrap_or_default()
        });
        self.groups[place as usize] = Some(group);
        self.index.insert(label, place);
        place
    }

    /// The place of the group of this name, made where there is none.
    pub(super) fn place(&mut self, label: &str, process: Option<&Arc<Process>>, second: u64) -> u32 {
        match self.index.get(label) {
            Some(&place) => place,
            None if self.index.len() > GROUPS => 0,
            None => self.add(label, process, second),
        }
    }

    fn group(&mut self, place: u32) -> Option<&mut Group> {
        self.groups.get_mut(place as usize)?.as_mut()
    }

    /// A server of its clients has begun anew: who comes now has not come in addition.
    pub(super) fn begin_anew(&mut self, place: u32, second: u64) {
        if let Some(group) = self.group(place) {
            group.anew = Some(second);
        }
    }

    /// A client is in it from now on; `opened` says that it was opened in this second, and `new` that its opening was seen.
    pub(super) fn enter(&mut self, place: u32, second: u64, opened: bool, new: bool) {
        let Some(group) = self.group(place) else { return };
        if group.seen == 0 {
            group.new = new;
        }
        group.seen = group.seen.saturating_add(1);
        if group.seen >= 2 && group.history.is_none() {
            let mut history = History::default();
            let kept = second.saturating_sub(super::history::POINTS as u64 - 1);
            if group.new && group.first > kept {
                history.roll_to(group.first - 1);
            }
            // Until now it was the one client.
            history.roll_to(group.first.max(kept));
            if let Some(point) = history.now() {
                *point = Point { count: 1, plain: 1, ..Point::default() };
            }
            group.history = Some(Box::new(history));
        }
        if opened && let Some(history) = &mut group.history {
            history.roll_to(second);
            history.change(second..=second, |point| point.opened = point.opened.saturating_add(1));
        }
    }

    /// A client of it was closed.
    pub(super) fn closed(&mut self, place: u32, second: u64) {
        let Some(group) = self.group(place) else { return };
        group.last = group.last.max(second);
        if let Some(history) = &mut group.history {
            history.roll_to(second);
            history.change(second..=second, |point| point.closed = point.closed.saturating_add(1));
        }
    }

    /// A client of it did so much in this second.
    #[inline]
    pub(super) fn worked(&mut self, place: u32, second: u64, work: u32) {
        if second != self.work_second {
            self.write_work();
            self.work_second = second;
        }
        if let Some(sum) = self.work.get_mut(place as usize) {
            *sum = sum.saturating_add(work);
        }
    }

    /// Adds to the histories what was done.
    fn write_work(&mut self) {
        (0..self.work.len()).for_each(|place| self.write_work_of(place));
    }

    fn write_work_of(&mut self, place: usize) {
        let second = self.work_second;
        let work = self.work.get_mut(place).map_or(0, std::mem::take);
        if work > 0
            && let Some(Some(Group { history: Some(history), .. })) = self.groups.get_mut(place)
        {
            history.roll_to(second);
            history.change(second..=second, |point| point.work = point.work.saturating_add(work));
        }
    }

    /// A client that was taken for one of another group, as long as it has been there. `opened` says that it was opened then,
    /// and what it had done when it was first seen.
    pub(super) fn moved(&mut self, from: u32, to: u32, since: u64, now: u64, opened: Option<u32>) {
        self.enter(to, now, false, opened.is_some());
        for place in [from, to] {
            self.write_work_of(place as usize);
        }
        let (opened, work) = (u32::from(opened.is_some()), opened.unwrap_or(0));
        for (place, comes) in [(from, false), (to, true)] {
            let Some(group) = self.group(place) else { continue };
            if !comes {
                group.seen = group.seen.saturating_sub(1);
            }
            group.last = group.last.max(now);
            let Some(history) = &mut group.history else { continue };
            history.roll_to(now);
            let by = |number: &mut u32, by: u32| {
                *number = if comes { number.saturating_add(by) } else { number.saturating_sub(by) };
            };
            history.change(since..=now, |point| {
                by(&mut point.count, 1);
                by(&mut point.plain, 1);
            });
            history.change(since..=since, |point| {
                by(&mut point.opened, opened);
                by(&mut point.work, work);
            });
        }
    }

    /// Forgets what was added up.
    fn clear(&mut self) {
        self.sums.fill(Sums { born: i64::MAX, active: i64::MAX, ..Sums::default() });
    }

    #[inline]
    fn add_up(&mut self, place: u32, share: &Share) {
        let Some(sums) = self.sums.get_mut(place as usize) else { return };
        let waiting = share.state.is_waiting();
        sums.count += 1;
        sums.waiting += u32::from(waiting);
        sums.subscribed += u32::from(share.state == ClientState::Subscribed && !share.own);
        sums.own += u32::from(share.own);
        sums.away += u32::from(share.away);
        sums.compared |= share.compared;
        if !waiting && !share.own {
            sums.plain += 1;
            sums.quiet += u32::from(share.idle >= QUIET);
            sums.unused += u32::from(share.idle >= UNUSED);
        }
        sums.change = sums.change.saturating_add(i32::from(share.fresh));
        sums.born = sums.born.min(share.born);
        sums.active = sums.active.min(share.active);
        if let Some(memory) = share.memory {
            sums.memory = Some(sums.memory.unwrap_or(0).saturating_add(memory));
        }
        sums.counts_commands |= share.counts_commands;
    }

    /// Brings the histories up to `second`, and forgets groups that are long empty.
    fn settle(&mut self, second: u64) {
        self.write_work();
        for place in 0..self.groups.len() {
            let (sums, Some(group)) = (self.sums[place], &mut self.groups[place]) else { continue };
            if sums.count > 0 {
                group.last = group.last.max(second);
            }
            let others = place == 0;
            if sums.count == 0 && sums.change == 0 && !others && second.saturating_sub(group.last) > EMPTY {
                self.index.remove(&group.label);
                self.groups[place] = None;
                self.free.extend(u32::try_from(place));
                continue;
            }
            if let Some(history) = &mut group.history {
                history.roll_to(second);
                if let Some(point) = history.now() {
                    (point.count, point.plain, point.subscribed) = (sums.count, sums.plain, sums.subscribed);
                }
            }
        }
    }

    /// Every group and its clients added up, those of none among them.
    pub(in crate::model) fn groups(&self) -> impl Iterator<Item = (&Group, &Sums)> {
        self.groups.iter().zip(&self.sums).filter_map(|(group, sums)| Some((group.as_ref()?, sums)))
    }

    /// What the clients of the group of this name add up to.
    pub(in crate::model) fn sums(&self, label: &str) -> Option<&Sums> {
        self.sums.get(*self.index.get(label)? as usize)
    }

    /// What a place's group is called.
    pub(super) fn label(&self, place: u32) -> Option<&Arc<str>> {
        self.groups.get(place as usize)?.as_ref().map(|group| &group.label)
    }

    fn rows(&self, now: Stamp, window: usize, flagged: &BTreeSet<About>) -> Arc<[Arc<GroupRow>]> {
        let with_clients = self.groups().filter(|(_, sums)| sums.count > 0);
        let mut rows: Vec<_> = with_clients
            .map(|(group, sums)| {
                let about = About::Group(self.by, group.label.clone());
                Arc::new(row(self.by, group, sums, now, window, flagged.contains(&about)))
            })
            .collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.label.cmp(&b.label)));
        rows.into()
    }
}

fn row(by: GroupBy, group: &Group, sums: &Sums, now: Stamp, window: usize, flagged: bool) -> GroupRow {
    let since = |earlier: i64| {
        Duration::from_nanos(u64::try_from(moment(now).saturating_sub(earlier)).unwrap_or_default())
    };
    let history = group.history.as_deref();
    GroupRow {
        by,
        label: group.label.clone(),
        process: group.process.clone(),
        count: u64::from(sums.count),
        of: None,
        waiting: u64::from(sums.waiting),
        own: u64::from(sums.own),
        change: sums.compared.then(|| i64::from(sums.change)),
        grown: sums.compared.then(|| grown(group, sums, second(now), window)),
        opening_rate: sums
            .compared
            .then(|| history.map_or(0.0, |history| rate(history, |point| point.opened))),
        command_rate: (sums.counts_commands && sums.compared)
            .then(|| history.map_or(0.0, |history| rate(history, |point| point.work))),
        oldest: since(sums.born),
        longest_idle: since(sums.active),
        memory: sums.memory,
        flagged,
        series: history.map_or_else(|| [sums.count].into(), History::series),
    }
}

/// How many more they are than the window ago.
fn grown(group: &Group, sums: &Sums, now: u64, window: usize) -> i64 {
    let Some(history) = group.history.as_deref() else {
        let came = group.new && group.anew.is_none() && now.saturating_sub(group.first) < window as u64;
        return i64::from(came && sums.count > 0);
    };
    let anew = group
        .anew
        .map_or(window, |anew| usize::try_from(history.newest().saturating_sub(anew)).unwrap_or(window));
    let back = window.min(anew).min(history.len().saturating_sub(1));
    history.ago(back).map_or(0, |before| i64::from(sums.count) - i64::from(before.count))
}

/// So much a second, over the last whole ten, or as many as there are.
pub(in crate::model) fn rate(history: &History, of: fn(&Point) -> u32) -> f64 {
    let whole = history.len().saturating_sub(1).clamp(1, RATE);
    let sum: u64 =
        history.last(whole + 1).skip(usize::from(history.len() > 1)).map(|p| u64::from(of(p))).sum();
    sum as f64 / whole as f64
}

/// The groups of every key.
#[derive(Clone, Debug)]
pub(in crate::model) struct Book {
    tables: [Table; GroupBy::KEYS.len()],
}

impl Default for Book {
    fn default() -> Self {
        Self { tables: GroupBy::KEYS.map(Table::new) }
    }
}

impl Book {
    /// The tables, in the order of [`GroupBy::KEYS`].
    pub(super) fn tables(&mut self) -> &mut [Table; GroupBy::KEYS.len()] {
        &mut self.tables
    }

    /// The groups of a key.
    pub(in crate::model) fn by(&self, by: GroupBy) -> Option<&Table> {
        self.tables.iter().find(|table| table.by == by)
    }

    /// What the process at a place is called.
    pub(in crate::model) fn process(&self, place: u32) -> Option<&Arc<str>> {
        self.tables[0].label(place)
    }

    /// What all of a client's groups are called.
    pub(super) fn labels(&self, places: Places) -> Labels {
        std::array::from_fn(|at| self.tables[at].label(places[at]).cloned().unwrap_or_else(|| REST.into()))
    }

    /// Adds every client up anew. `closed` are the places of those that were closed at the last look.
    pub(super) fn add_up(
        &mut self,
        second: u64,
        clients: impl Iterator<Item = (Places, Share)>,
        closed: impl Iterator<Item = Places>,
    ) {
        self.tables.iter_mut().for_each(Table::clear);
        for (places, share) in clients {
            for (table, place) in self.tables.iter_mut().zip(places) {
                table.add_up(place, &share);
            }
        }
        for places in closed {
            for (table, place) in self.tables.iter_mut().zip(places) {
                if let Some(sums) = table.sums.get_mut(place as usize) {
                    sums.change = sums.change.saturating_sub(1);
                }
            }
        }
        self.tables.iter_mut().for_each(|table| table.settle(second));
    }

    /// The rows of every key.
    pub(super) fn rows(
        &self,
        now: Stamp,
        window: usize,
        flagged: &BTreeSet<About>,
    ) -> [Arc<[Arc<GroupRow>]>; GroupBy::KEYS.len()] {
        std::array::from_fn(|at| self.tables[at].rows(now, window, flagged))
    }
}
