//! All that the server is: data, connections, settings, statistics.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::Stop;
use super::client::{Client, ClientId};
use super::config::Config;
use super::dispatch;
use super::spec::REGISTRY;
use super::store::{Clock, Db};

/// How many databases there are.
pub(crate) const DATABASES: usize = 16;

/// Counters since the start, or since CONFIG RESETSTAT.
#[derive(Clone, Default)]
pub(crate) struct Stats {
    pub(crate) connections: u64,
    pub(crate) commands: u64,
    pub(crate) rejected: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) errors: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    /// Connections ended because they did not read what was pushed to them.
    pub(crate) output_limit: u64,
    pub(crate) query_limit: u64,
}

/// What one command did.
#[derive(Clone, Copy, Default)]
pub(crate) struct CommandStat {
    pub(crate) calls: u64,
    pub(crate) micros: u64,
    pub(crate) rejected: u64,
    pub(crate) failed: u64,
}

/// A rate over the last samples, as INFO's instantaneous fields give it.
#[derive(Clone, Default)]
pub(crate) struct Rate {
    samples: [f64; 16],
    next: usize,
    last: u64,
}

impl Rate {
    fn sample(&mut self, total: u64, passed: Duration) {
        let seconds = passed.as_secs_f64().max(0.001);
        self.samples[self.next] = total.saturating_sub(self.last) as f64 / seconds;
        self.next = (self.next + 1) % self.samples.len();
        self.last = total;
    }

    /// The mean, per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.samples.iter().sum::<f64>() / self.samples.len() as f64
    }
}

/// CLIENT PAUSE.
#[derive(Clone, Copy)]
pub(crate) struct Pause {
    pub(crate) until: Instant,
    /// Every command waits, not only those that write.
    pub(crate) all: bool,
}

/// The server.
pub(crate) struct State {
    pub(crate) stop: Arc<Stop>,
    pub(crate) started: Instant,
    pub(crate) port: u16,
    /// 40 hexadecimal digits, new with each start.
    pub(crate) run_id: String,
    pub(crate) replication_id: String,
    pub(crate) clock: Clock,
    pub(crate) dbs: Vec<Db>,
    pub(crate) clients: BTreeMap<ClientId, Client>,
    next_id: ClientId,
    pub(crate) config: Config,
    pub(crate) stats: Stats,
    pub(crate) command_stats: Vec<CommandStat>,
    /// Error replies by their first word.
    pub(crate) error_stats: BTreeMap<String, u64>,
    pub(crate) channels: HashMap<Bytes, BTreeSet<ClientId>>,
    pub(crate) patterns: BTreeMap<Bytes, BTreeSet<ClientId>>,
    pub(crate) monitors: BTreeSet<ClientId>,
    pub(crate) pause: Option<Pause>,
    pub(crate) operations: Rate,
    pub(crate) input: Rate,
    pub(crate) output: Rate,
    /// The largest query and reply buffers of each of the last 8 seconds.
    buffers: [(usize, usize); 8],
    sampled: Instant,
}

impl State {
    pub(crate) fn new(stop: Arc<Stop>, port: u16, config: Config) -> Self {
        let clock = Clock::default();
        let hex = || (0..40).map(|_| fastrand::digit(16)).collect();
        let now = Instant::now();
        Self {
            stop,
            started: now,
            port,
            run_id: hex(),
            replication_id: hex(),
            dbs: (0..DATABASES).map(|_| Db::new(clock.clone())).collect(),
            clock,
            clients: BTreeMap::new(),
            next_id: 1,
            config,
            stats: Stats::default(),
            command_stats: vec![CommandStat::default(); REGISTRY.specs.len()],
            error_stats: BTreeMap::new(),
            channels: HashMap::new(),
            patterns: BTreeMap::new(),
            monitors: BTreeSet::new(),
            pause: None,
            operations: Rate::default(),
            input: Rate::default(),
            output: Rate::default(),
            buffers: [(0, 0); 8],
            sampled: now,
        }
    }

    pub(crate) fn fresh_id(&mut self) -> ClientId {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Takes the wall clock's time for the commands that follow.
    pub(crate) fn tell_time(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.clock.set(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        now
    }

    /// Forgets a connection that has ended, and everything it waited for or listened to.
    pub(crate) fn forget(&mut self, id: ClientId) {
        self.unsubscribe_all(id);
        self.unwatch(id);
        self.unblock(id);
        self.monitors.remove(&id);
        self.clients.remove(&id);
    }

    /// The largest query and reply buffers of the last seconds.
    pub(crate) fn largest_buffers(&self) -> (usize, usize) {
        self.buffers.iter().fold(self.buffers_now(), |most, one| (most.0.max(one.0), most.1.max(one.1)))
    }

    /// The largest query and reply buffers of this moment.
    fn buffers_now(&self) -> (usize, usize) {
        let clients = self.clients.values();
        let sizes = clients.map(|client| (client.query + client.query_room, client.reply.out.len()));
        sizes.fold((0, 0), |most, one| (most.0.max(one.0), most.1.max(one.1)))
    }

    /// What is done ten times a second: deadlines, idle connections, the end of a pause, rates.
    pub(crate) fn tick(&mut self) {
        let now = Instant::now();
        self.tell_time();
        for db in &mut self.dbs {
            db.sweep(1000);
        }
        dispatch::settle(self);
        let passed = now.saturating_duration_since(self.sampled);
        self.sampled = now;
        self.operations.sample(self.stats.commands, passed);
        self.input.sample(self.stats.bytes_in, passed);
        self.output.sample(self.stats.bytes_out, passed);
        if self.pause.is_some_and(|pause| pause.until <= now) {
            self.unpause();
        }
        self.close_idle(now);
        self.sample_buffers(now);
    }

    fn sample_buffers(&mut self, now: Instant) {
        let second = now.saturating_duration_since(self.started).as_secs() as usize;
        let slot = second % self.buffers.len();
        // The slot after this one is the oldest: emptied now, so that it begins new with its second.
        self.buffers[(slot + 1) % 8] = (0, 0);
        let (input, output) = self.buffers_now();
        self.buffers[slot] = (self.buffers[slot].0.max(input), self.buffers[slot].1.max(output));
    }

    fn close_idle(&mut self, now: Instant) {
        let Some(limit) = self.config.timeout() else { return };
        for client in self.clients.values_mut() {
            let exempt = client.waits() || client.subscriptions() > 0 || client.monitor;
            if !exempt && now.saturating_duration_since(client.active) > limit {
                client.close(super::client::Closing::Now);
            }
        }
    }

    /// Ends CLIENT PAUSE; who waited goes on.
    pub(crate) fn unpause(&mut self) {
        self.pause = None;
        for client in self.clients.values().filter(|client| client.postponed.is_some()) {
            client.wake.notify_one();
        }
    }
}
