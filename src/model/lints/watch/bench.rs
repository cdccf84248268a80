//! A server laid out by hand, for the tests of lints: programs open, use and close connections in it, and it is looked at
//! once a second as a source does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::event::{
    Client, Event, Look, NodeConfig, NodeFacts, NodeId, Owner, Process, Stamp, Timed, WatchEvent, Whose,
};
use crate::model::{Model, ModelOptions};
use crate::snapshot::{LintRow, Snapshot, What};

pub(super) const NODE: NodeId = NodeId(1);

/// A client as the server has it: when it was opened and last used, in seconds.
#[derive(Clone)]
struct Live {
    client: Client,
    opened: u64,
    used: u64,
    pid: Option<u32>,
}

/// The server, and the model that watches it.
pub(super) struct Bench {
    pub(super) model: Model,
    pub(super) now: u64,
    /// What the server tells beside its clients.
    pub(super) max: u64,
    pub(super) rejected: u64,
    pub(super) evicted: u64,
    /// Whether it counts commands, as new ones do.
    pub(super) counts: bool,
    live: BTreeMap<u64, Live>,
    seen: BTreeMap<u64, Client>,
    received: u64,
    opened_unseen: u64,
    next: u64,
    ours: Vec<u64>,
    began: bool,
    /// Seconds between two looks.
    pub(super) apart: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        let mut bench = Self {
            model: Model::new(ModelOptions::default()),
            now: 1_000,
            max: 10_000,
            rejected: 0,
            evicted: 0,
            counts: true,
            live: BTreeMap::new(),
            seen: BTreeMap::new(),
            received: 0,
            opened_unseen: 0,
            next: 0,
            ours: Vec::new(),
            began: false,
            apart: 1,
        };
        bench.tell(WatchEvent::Started(NodeFacts { target: "127.0.0.1:6379".to_owned(), found: None }));
        bench
    }

    pub(super) fn tell(&mut self, event: WatchEvent) {
        self.model.apply(&Timed { at: self.at(), event: Event::Watch(NODE, event) });
    }

    pub(super) fn at(&self) -> Stamp {
        Stamp(self.now * 1_000_000_000)
    }

    /// A connection of a program; from another machine where it has no number.
    pub(super) fn open(&mut self, pid: Option<u32>) -> u64 {
        self.next += 1;
        let id = self.next;
        let host = if pid.is_some() { "127.0.0.1" } else { "10.0.0.5" };
        let addr = format!("{host}:{}", 20_000 + id % 40_000).into();
        let client = Client { id, addr, flags: "N".into(), ..Client::default() };
        self.live.insert(id, Live { client, opened: self.now, used: self.now, pid });
        self.received += 1;
        self.work(id, 2);
        id
    }

    pub(super) fn close(&mut self, id: u64) {
        self.live.remove(&id);
    }

    /// So many that come and go before anybody looks.
    pub(super) fn flash(&mut self, times: u64) {
        self.received += times;
        self.opened_unseen += times;
        self.next += times;
    }

    /// This program's own connection.
    pub(super) fn own(&mut self) -> u64 {
        let id = self.open(None);
        self.ours.push(id);
        id
    }

    /// The same, of which the kernel tells whose it is.
    pub(super) fn own_of(&mut self, pid: u32) -> u64 {
        let id = self.open(Some(pid));
        self.ours.push(id);
        id
    }

    /// A client sends commands.
    pub(super) fn work(&mut self, id: u64, commands: u64) {
        let now = self.now;
        let Some(live) = self.live.get_mut(&id) else { return };
        live.used = now;
        live.client.commands = Some(live.client.commands.unwrap_or(0) + commands);
    }

    /// Changes what CLIENT LIST says of one.
    pub(super) fn set(&mut self, id: u64, change: impl FnOnce(&mut Client)) {
        change(&mut self.live.get_mut(&id).expect("a client").client);
    }

    pub(super) fn ids(&self, pid: u32) -> Vec<u64> {
        self.live.iter().filter(|(_, live)| live.pid == Some(pid)).map(|(id, _)| *id).collect()
    }

    pub(super) fn config(&mut self, timeout: u64, tcp_keepalive: u64) {
        self.tell(WatchEvent::Config(NodeConfig {
            timeout: Some(timeout),
            tcp_keepalive: Some(tcp_keepalive),
        }));
    }

    /// The server is asked, and looked at where it is time for that; time goes on by a second.
    pub(super) fn second(&mut self) {
        let raw = format!(
            "# Clients\r\nconnected_clients:{}\r\nmaxclients:{}\r\nblocked_clients:0\r\n# Stats\r\n\
             total_connections_received:{}\r\nrejected_connections:{}\r\nevicted_clients:{}\r\n",
            self.live.len(),
            self.max,
            self.received,
            self.rejected,
            self.evicted
        );
        self.tell(WatchEvent::Info { raw: raw.into(), took: Duration::from_micros(90) });
        if self.now.is_multiple_of(self.apart) {
            self.look();
        }
        self.model.tick(self.at());
        self.now += 1;
    }

    /// The server does not answer for so long; then it is looked at as for the first time.
    pub(super) fn lost(&mut self, seconds: u64) {
        self.tell(WatchEvent::Lost { error: "it timed out".to_owned(), retry_at: Stamp(0) });
        for _ in 0..seconds {
            self.model.tick(self.at());
            self.now += 1;
        }
        (self.began, self.seen) = (false, BTreeMap::new());
    }

    fn look(&mut self) {
        let list: BTreeMap<u64, Client> = self.live.iter().map(|(id, live)| (*id, self.line(live))).collect();
        let new: Vec<_> = list.values().filter(|c| !self.seen.contains_key(&c.id)).cloned().collect();
        let went_on = |c: &&Client| {
            let same = |old: &Client| Client { age: 0, idle: 0, ..old.clone() };
            self.seen.get(&c.id).is_some_and(|old| same(old) != same(c) || c.idle < old.idle || c.idle == 0)
        };
        let changed: Vec<_> = list.values().filter(went_on).cloned().collect();
        let closed: Vec<_> = self.seen.keys().filter(|id| !list.contains_key(id)).copied().collect();
        let owners: Vec<_> = new.iter().map(|client| self.owner(client.id)).collect();
        self.tell(WatchEvent::Opened(new.into_iter().map(Arc::new).collect()));
        self.tell(WatchEvent::Changed(changed.into_iter().map(Arc::new).collect()));
        self.tell(WatchEvent::Closed(closed));
        let look = Look {
            whole: !self.began,
            clients: list.len() as u64,
            unseen: self.began.then_some(self.opened_unseen),
            interval: Duration::from_secs(self.apart),
            ours: self.ours.clone(),
            ..Look::default()
        };
        self.tell(WatchEvent::Looked(look));
        self.tell(WatchEvent::Owners(owners));
        (self.began, self.opened_unseen, self.seen) = (true, 0, list);
    }

    fn line(&self, live: &Live) -> Client {
        let mut client = live.client.clone();
        (client.age, client.idle) = (self.now - live.opened, self.now - live.used);
        if !self.counts {
            client.commands = None;
        }
        client
    }

    fn owner(&self, client: u64) -> Owner {
        let whose = match self.live.get(&client).and_then(|live| live.pid) {
            Some(pid) => Whose::Process { process: process(pid), fd: 5 },
            None => Whose::Remote,
        };
        Owner { client, whose }
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.model.snapshot(self.at(), 0)
    }

    /// What holds of a lint.
    pub(super) fn rows(&mut self, id: &str) -> Vec<LintRow> {
        let rows = self.snapshot().lints;
        rows.iter().filter(|row| row.id == id).map(|row| LintRow::clone(row)).collect()
    }

    /// The only row of a lint, and of all lints.
    pub(super) fn only(&mut self, id: &str) -> LintRow {
        let said: Vec<_> = self.snapshot().lints.iter().map(|row| (row.id, row.evidence.clone())).collect();
        assert_eq!(said.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id], "{said:?}");
        self.rows(id).remove(0)
    }

    /// Nothing holds.
    pub(super) fn quiet(&mut self) {
        let said: Vec<_> = self.snapshot().lints.iter().map(|row| (row.id, row.evidence.clone())).collect();
        assert!(said.is_empty(), "at {} s: {said:?}", self.now);
    }

    /// How the last finding of a lint ended.
    pub(super) fn ending(&mut self, id: &str) -> String {
        let events = self.snapshot().events;
        let ended = events.iter().rev().find_map(|row| match &row.what {
            What::Cleared(cleared, words) if *cleared == id => Some(words.clone()),
            _ => None,
        });
        ended.expect("it was cleared")
    }
}

fn process(pid: u32) -> Arc<Process> {
    let (name, command) = ("python3".into(), format!("python3 app{pid}.py").into());
    Arc::new(Process { pid, name, command, user: None, started_ms: None, container: None })
}
