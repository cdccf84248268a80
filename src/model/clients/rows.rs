//! The clients of one server: looks open and close rows and bring them up to date.
//!
//! A look may lack pieces that were dropped, and events may come in any order: what is told of a client that is not there
//! makes it, what is told again changes it, and a look that is a whole one decides who there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::groups::{Book, Places, Share};
use super::moment;
use crate::event::{CLIENTS, Client, NodeId, Owner, Stamp, Whose};
use crate::model::seats::Taken;
use crate::model::windows::second;
use crate::snapshot::{ClientRow, ClientState, GroupBy, Turn};

/// Turns that are kept of a client.
const TURNS: usize = 16;

/// From so many bytes on that wait to be read by a client it is slow.
pub(in crate::model) const HEAVY: u64 = 1024 * 1024;

/// A client, and what the table knows of it beside its row.
#[derive(Clone, Debug)]
pub(in crate::model) struct Entry {
    pub(in crate::model) row: Arc<ClientRow>,
    pub(super) places: Places,
    /// The look that last told of it.
    touched: u64,
    /// The look that opened it, where that was seen.
    fresh: Option<u64>,
    /// What it had done by then.
    first_work: u32,
    /// The second it was opened in, or first seen.
    pub(super) since: u64,
    /// Since when more than [`HEAVY`] waits to be read by it.
    pub(in crate::model) heavy: Option<Stamp>,
}

impl Entry {
    /// That its opening was seen, and what it had done by then.
    fn opening(&self) -> Option<u32> {
        self.fresh.map(|_| self.first_work)
    }

    /// It is told anew.
    fn change(&mut self, groups: &mut Book, moment: Moment<'_>, client: &Arc<Client>) {
        let Moment { at, target, before, .. } = moment;
        let since = before.unwrap_or(self.row.at);
        let passed = at.since(since);
        let old = &self.row.client;
        let grew = |from: Option<u64>, to: Option<u64>| Some(to?.saturating_sub(from?));
        let (received, sent, commands) = (
            grew(old.net_in, client.net_in),
            grew(old.net_out, client.net_out),
            grew(old.commands, client.commands),
        );
        let active = match commands.or(received) {
            Some(more) => more > 0,
            None => client.idle == 0 || Duration::from_secs(client.idle) < passed,
        };
        if !same(old, client) {
            let places = places(groups, client, self.row.whose.as_ref(), target, second(at));
            for ((table, from), to) in groups.tables().iter_mut().zip(self.places).zip(places) {
                if from != to {
                    table.moved(from, to, self.since, second(at), self.opening());
                }
            }
            self.places = places;
        }
        for (table, place) in groups.tables().iter_mut().zip(self.places) {
            let work = work(commands, active);
            if work > 0 {
                table.worked(place, second(at), work);
            }
        }
        self.heavy = if is_heavy(client) { self.heavy.or(Some(at)) } else { None };
        let row = Arc::make_mut(&mut self.row);
        if !passed.is_zero() {
            let a_second = |more: Option<u64>| more.map(|more| more as f64 / passed.as_secs_f64());
            (row.in_rate, row.out_rate) = (a_second(received), a_second(sent));
            row.command_rate = a_second(commands);
        }
        (row.at, row.until) = (at, None);
        row.client = client.clone();
        turn(row, at, state(client, active));
    }

    /// The place of its process's group.
    pub(in crate::model) fn place(&self) -> u32 {
        self.places[0]
    }
}

/// A client that was closed.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) row: Arc<ClientRow>,
    pub(super) places: Places,
    /// It was not there at the first look.
    pub(super) seen_opening: bool,
}

/// What telling of a client made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// It is new here, and was opened since the last look.
    pub(super) opened: bool,
    /// The one that had its id before.
    pub(super) gone: Option<Gone>,
}

/// What a look is told against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) at: Stamp,
    pub(super) target: &'a str,
    /// The look before this one.
    pub(super) before: Option<Stamp>,
    pub(super) ours: &'a [u64],
}

/// The table.
#[derive(Clone, Debug)]
pub(in crate::model) struct Rows {
    node: NodeId,
    entries: BTreeMap<u64, Entry>,
    /// The look that is being told, from 1.
    look: u64,
    /// Clients over the cap, and those of the look that is being told.
    over: u64,
    over_told: u64,
    /// Of the clients that were there before, those that the look that is being told has told of.
    kept: u64,
    /// Nobody has answered since.
    until: Option<Stamp>,
    /// Places of the clients that the last look closed, and those of the look that is being told.
    closed: Vec<Places>,
    closing: Vec<Places>,
}

impl Rows {
    pub(super) fn new(node: NodeId) -> Self {
        let (entries, closed, closing) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { node, entries, look: 1, over: 0, over_told: 0, kept: 0, until: None, closed, closing }
    }

    /// The clients, by id.
    pub(in crate::model) fn iter(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    pub(in crate::model) fn get(&self, id: u64) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Clients over the cap.
    pub(super) fn over(&self) -> u64 {
        self.over
    }

    /// Clients that there are, those over the cap among them.
    pub(super) fn count(&self) -> u64 {
        (self.entries.len() as u64).saturating_add(self.over)
    }

    /// Takes a client that is new, or told anew.
    pub(super) fn tell(
        &mut self,
        groups: &mut Book,
        moment: Moment<'_>,
        client: &Arc<Client>,
        new: bool,
    ) -> Told {
        let mut told = Told::default();
        if let Some(known) = self.entries.get_mut(&client.id) {
            if is_same(known, moment.at, client) {
                self.kept += u64::from(known.touched != self.look);
                known.touched = self.look;
                known.change(groups, moment, client);
                return told;
            }
            // The server began anew, and so did its ids.
            told.gone = self.close(groups, moment.at, client.id);
        }
        if self.entries.len() >= CLIENTS {
            self.over_told = self.over_told.saturating_add(u64::from(new));
        } else {
            told.opened = self.open(groups, moment, client);
        }
        told
    }

    fn open(&mut self, groups: &mut Book, moment: Moment<'_>, client: &Arc<Client>) -> bool {
        let Moment { at, target, before, ours } = moment;
        let age = Duration::from_secs(client.age);
        // After a lost server, or lost events, what is new here may be old there.
        let opened = before.is_some_and(|before| age <= at.since(before) + Duration::from_secs(1));
        let active = if before.is_some() { opened } else { client.idle == 0 };
        let first_work = work(client.commands, active);
        let state = state(client, active);
        let command = client.command.clone();
        let places = places(groups, client, None, target, second(at));
        for (table, place) in groups.tables().iter_mut().zip(places) {
            table.enter(place, second(at), opened, opened);
            if opened {
                table.worked(place, second(at), first_work);
            }
        }
        let row = ClientRow {
            node: self.node,
            client: client.clone(),
            at,
            state,
            state_since: opened.then_some(at),
            own: ours.contains(&client.id),
            history: [Turn { at, state, command }].into(),
            ..ClientRow::default()
        };
        let heavy = is_heavy(client).then_some(at);
        let fresh = opened.then_some(self.look);
        let entry = Entry {
            row: Arc::new(row),
            places,
            touched: self.look,
            fresh,
            first_work,
            since: second(at),
            heavy,
        };
        self.entries.insert(client.id, entry);
        opened
    }

    /// A client is gone.
    pub(super) fn close(&mut self, groups: &mut Book, at: Stamp, id: u64) -> Option<Gone> {
        let Some(entry) = self.entries.remove(&id) else {
            self.over = self.over.saturating_sub(1);
            return None;
        };
        for (table, place) in groups.tables().iter_mut().zip(entry.places) {
            table.closed(place, second(at));
        }
        self.closing.push(entry.places);
        Some(Gone { row: entry.row, places: entry.places, seen_opening: entry.fresh.is_some() })
    }

    /// The server answers no more since its last look: until the next one ages stay as they were then.
    pub(super) fn stop(&mut self, at: Stamp) {
        self.until = Some(at);
        self.entries.values_mut().for_each(|entry| Arc::make_mut(&mut entry.row).until = Some(at));
    }

    /// The look is over: who was not in it did nothing, or is gone where it was a whole one.
    pub(super) fn end_look(&mut self, groups: &mut Book, at: Stamp, whole: bool) -> Vec<Gone> {
        let look = self.look;
        let mut gone = Vec::new();
        if whole {
            self.over = 0;
            let missing: Vec<_> =
                self.entries.iter().filter(|(_, e)| e.touched != look).map(|(id, _)| *id).collect();
            gone.extend(missing.into_iter().filter_map(|id| self.close(groups, at, id)));
            // None that was there is: the server is a new one.
            if self.kept == 0 && !self.closing.is_empty() {
                for places in self.closing.iter().chain(self.entries.values().map(|entry| &entry.places)) {
                    for (table, place) in groups.tables().iter_mut().zip(places) {
                        table.begin_anew(*place, second(at));
                    }
                }
            }
        }
        if self.until.take().is_some() {
            self.entries.values_mut().for_each(|entry| Arc::make_mut(&mut entry.row).until = None);
        }
        for entry in self.entries.values_mut() {
            if entry.touched != look && entry.touched + 1 == look {
                rest(Arc::make_mut(&mut entry.row), at);
            }
        }
        self.over = self.over.saturating_add(std::mem::take(&mut self.over_told));
        self.closed = std::mem::take(&mut self.closing);
        self.kept = 0;
        self.look += 1;
        gone
    }

    /// Marks this program's own.
    pub(super) fn mark_own(&mut self, before: &[u64], ours: &[u64]) {
        for id in before.iter().chain(ours) {
            let own = ours.contains(id);
            if let Some(entry) = self.entries.get_mut(id)
                && entry.row.own != own
            {
                Arc::make_mut(&mut entry.row).own = own;
            }
        }
    }

    /// It is known whose a client is. Gives what its process is called now.
    pub(super) fn owned(&mut self, groups: &mut Book, at: Stamp, owner: &Owner) -> Option<u32> {
        let entry = self.entries.get_mut(&owner.client)?;
        if entry.row.whose.as_ref() == Some(&owner.whose) {
            return None;
        }
        let table = &mut groups.tables()[0];
        let words = GroupBy::Process.of(&entry.row.client, Some(&owner.whose), "");
        let process = match &owner.whose {
            Whose::Process { process, .. } => Some(process),
            _ => None,
        };
        let place = table.place(&words, process, entry.since);
        if place != entry.places[0] {
            table.moved(entry.places[0], place, entry.since, second(at), entry.opening());
            entry.places[0] = place;
        }
        Arc::make_mut(&mut entry.row).whose = Some(owner.whose.clone());
        Some(place)
    }

    /// Marks what lints speak of. True when it was not so.
    pub(super) fn flag(&mut self, id: u64, flagged: bool) -> bool {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.row.flagged != flagged) else {
            return false;
        };
        Arc::make_mut(&mut entry.row).flagged = flagged;
        true
    }

    /// Marks whose connections of an app they are, and no others. True when it was not so.
    pub(super) fn taken(&mut self, taken: &Taken) -> bool {
        let mut changed = false;
        for (id, entry) in &mut self.entries {
            let conn = taken.get(&(self.node, *id)).copied();
            if entry.row.conn != conn {
                Arc::make_mut(&mut entry.row).conn = conn;
                changed = true;
            }
        }
        changed
    }

    /// What each client adds to its groups.
    pub(super) fn shares(&self, now: Stamp) -> impl Iterator<Item = (Places, Share)> {
        let last = self.look - 1;
        let compared = last >= 2;
        self.entries.values().map(move |entry| {
            let (row, client) = (&*entry.row, &*entry.row.client);
            // As far as ages went on.
            let known = row.until.map_or(row.at, |until| row.at + now.since(until));
            let share = Share {
                state: row.state,
                own: row.own,
                fresh: entry.fresh == Some(last),
                born: ago(known, client.age),
                active: ago(known, client.idle),
                memory: client.memory,
                counts_commands: client.commands.is_some(),
                idle: row.idle(now).as_secs(),
                away: row.until.is_some(),
                compared,
            };
            (entry.places, share)
        })
    }

    /// The places of those that the last look closed.
    pub(super) fn closed(&self) -> impl Iterator<Item = Places> {
        self.closed.iter().copied()
    }
}

/// Whether a client that is told under a known id is the known one: ids start again with the server.
fn is_same(known: &Entry, at: Stamp, client: &Client) -> bool {
    let old = &known.row.client;
    let younger = ago(at, client.age).saturating_sub(ago(known.row.at, old.age));
    old.addr == client.addr && younger < 3_000_000_000
}

/// Whether two states of one client have the same labels, but for the process.
fn same(a: &Client, b: &Client) -> bool {
    (&a.name, &a.lib_name, &a.lib_version, &a.user, &a.addr)
        == (&b.name, &b.lib_name, &b.lib_version, &b.user, &b.addr)
}

/// The moment so many seconds before another.
fn ago(at: Stamp, seconds: u64) -> i64 {
    let nanos = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    moment(at).saturating_sub(nanos)
}

/// What a client did since the last look: commands, where they are counted, or else that it did something.
fn work(commands: Option<u64>, active: bool) -> u32 {
    commands.map_or(u32::from(active), |commands| u32::try_from(commands).unwrap_or(u32::MAX))
}

fn is_heavy(client: &Client) -> bool {
    client.output_memory.is_some_and(|bytes| bytes >= HEAVY)
}

fn places(groups: &mut Book, client: &Client, whose: Option<&Whose>, target: &str, second: u64) -> Places {
    let mut places = Places::default();
    for (table, place) in groups.tables().iter_mut().zip(&mut places) {
        *place = table.place(&table.by.of(client, whose, target), None, second);
    }
    places
}

/// What it does, by its flags and numbers.
fn state(client: &Client, active: bool) -> ClientState {
    if client.has('S') || client.has('M') {
        ClientState::Replica
    } else if client.has('O') {
        ClientState::Monitor
    } else if client.has('c') || client.has('A') {
        ClientState::Closing
    } else if client.has('b') {
        ClientState::Blocked
    } else if client.has('x') || client.multi.is_some() || client.watch.is_some_and(|keys| keys > 0) {
        ClientState::Transaction
    } else if client.has('P') || client.subscriptions > 0 {
        ClientState::Subscribed
    } else if active {
        ClientState::Active
    } else {
        ClientState::Idle
    }
}

/// It was not told of: nothing happened on it.
fn rest(row: &mut ClientRow, at: Stamp) {
    for rate in [&mut row.in_rate, &mut row.out_rate, &mut row.command_rate] {
        *rate = rate.map(|_| 0.0);
    }
    if row.state == ClientState::Active {
        turn(row, at, ClientState::Idle);
    }
}

/// It becomes something else, if it does.
fn turn(row: &mut ClientRow, at: Stamp, state: ClientState) {
    if row.state == state {
        return;
    }
    (row.state, row.state_since) = (state, Some(at));
    let turn = Turn { at, state, command: row.client.command.clone() };
    let first = (row.history.len() + 1).saturating_sub(TURNS);
    row.history = row.history[first..].iter().cloned().chain([turn]).collect();
}
