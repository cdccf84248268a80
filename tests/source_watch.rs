//! The watcher of clients against real servers: what it says of them, what it says when something is refused or gone,
//! and that it costs little.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis_pooltop::event::{Client, Clock, Event, Look, NodeConfig, NodeId, Refused, Tap, Timed, WatchEvent};
use redis_pooltop::net::{ConnectOptions, Endpoint, OBSERVER, Protocol};
use redis_pooltop::source::watch::{ClientWatch, watch};
use support::raw::Raw;
use support::{RedisServer, idle_client, wait_until};

const OFTEN: Duration = Duration::from_millis(100);
const NODE: NodeId = NodeId(7);

/// What a watcher has said so far, put together as any reader must.
#[derive(Clone, Debug, Default)]
struct Heard {
    events: Vec<WatchEvent>,
    clients: BTreeMap<u64, Client>,
    looks: Vec<Look>,
    infos: Vec<String>,
    refused: Vec<Refused>,
    lost: Option<String>,
    unseen: u64,
}

impl Heard {
    fn take(&mut self, event: WatchEvent, pending: &mut Vec<u64>) {
        match event.clone() {
            WatchEvent::Opened(opened) => {
                pending.extend(opened.iter().map(|client| client.id));
                self.clients.extend(opened.into_iter().map(|client| (client.id, client)));
            }
            WatchEvent::Changed(changed) => {
                for client in changed {
                    assert!(self.clients.insert(client.id, client).is_some(), "only what was opened changes");
                }
            }
            WatchEvent::Closed(closed) => {
                for id in closed {
                    assert!(self.clients.remove(&id).is_some(), "only what was opened is closed");
                }
            }
            WatchEvent::Looked(look) => {
                let opened = std::mem::take(pending);
                if look.whole {
                    self.clients.retain(|id, _| opened.contains(id));
                }
                assert_eq!(look.clients, self.clients.len() as u64, "every client is told of");
                self.unseen += look.unseen.unwrap_or_default();
                self.lost = None;
                self.looks.push(look);
            }
            WatchEvent::Info { raw, .. } => self.infos.push(raw.to_string()),
            WatchEvent::Refused(refused) => self.refused.push(refused),
            WatchEvent::Lost { error, .. } => self.lost = Some(error),
            _ => {}
        }
        self.events.push(event);
    }

    fn named(&self, name: &str) -> Option<&Client> {
        self.clients.values().find(|client| client.name.as_deref() == Some(name))
    }
}

/// A watcher, and someone who hears it.
struct Watched {
    heard: Arc<Mutex<Heard>>,
    watch: ClientWatch,
}

impl Watched {
    fn start(options: ConnectOptions) -> Self {
        let (tap, mut events) = Tap::channel();
        let heard = Arc::<Mutex<Heard>>::default();
        let watch = watch(options, NODE, OFTEN, tap, Clock::start());
        let hearing = heard.clone();
        tokio::spawn(async move {
            let mut pending = Vec::new();
            while let Some(Timed { event, .. }) = events.recv().await {
                let Event::Watch(NODE, event) = event else { panic!("of another: {event:?}") };
                hearing.lock().expect("nobody panicked").take(event, &mut pending);
            }
        });
        Self { heard, watch }
    }

    fn of(server: &RedisServer) -> Self {
        Self::start(options(server.port()))
    }

    fn heard(&self) -> Heard {
        self.heard.lock().expect("nobody panicked").clone()
    }

    /// Looks until what was heard is so.
    async fn until(&self, what: &str, so: impl Fn(&Heard) -> bool) -> Heard {
        wait_until(what, async || {
            self.watch.look_now();
            so(&self.heard())
        })
        .await;
        self.heard()
    }
}

fn options(port: u16) -> ConnectOptions {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
    ConnectOptions { endpoint, ..ConnectOptions::default() }
}

async fn tells_of_clients_as_they_come_and_go(server: RedisServer, protocol: Protocol) {
    let watched = Watched::start(ConnectOptions { protocol, ..options(server.port()) });
    let first = watched.until("the first look", |heard| !heard.looks.is_empty()).await;
    assert!(
        matches!(&first.events[0], WatchEvent::Started(facts) if facts.target == server.address().to_string())
    );
    assert!(first.infos[0].contains("# Server") && first.infos[0].contains("# Stats"), "{}", first.infos[0]);
    assert!(first.looks[0].whole && first.looks[0].told && first.looks[0].unseen.is_none());
    let ours = first.named(OBSERVER).expect("our own connection");
    assert_eq!(first.looks[0].ours, [ours.id]);
    assert!(first.looks[0].cost > Duration::ZERO && first.looks[0].cost < first.looks[0].interval / 100);

    let mut other = Raw::open(server.address());
    other.ask("CLIENT SETNAME worker-1");
    let seen = watched.until("a client", |heard| heard.named("worker-1").is_some()).await;
    let client = seen.named("worker-1").expect("it").clone();
    assert_eq!(&*client.addr, other.local_addr().to_string());
    assert_eq!((client.db, client.multi, client.user.as_deref()), (Some(0), None, Some("default")));
    other.ask("MULTI");
    let multi = |heard: &Heard| heard.named("worker-1").is_some_and(|client| client.multi == Some(0));
    watched.until("its transaction", multi).await;
    drop(other);
    let seen = watched.until("its end", |heard| heard.named("worker-1").is_none()).await;
    assert!(!seen.looks.last().expect("a look").whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_of_the_clients_of_redis() {
    tells_of_clients_as_they_come_and_go(RedisServer::start(&[]), Protocol::Resp2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_of_the_clients_of_valkey_in_resp3() {
    tells_of_clients_as_they_come_and_go(RedisServer::start_valkey(&[]), Protocol::Resp3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_are_told_once() {
    let server = RedisServer::start(&["--timeout", "90", "--tcp-keepalive", "7"]);
    let watched = Watched::of(&server);
    let heard = watched.until("two looks", |heard| heard.looks.len() >= 2).await;
    let told: Vec<_> = heard
        .events
        .iter()
        .filter_map(|event| match event {
            WatchEvent::Config(config) => Some(*config),
            _ => None,
        })
        .collect();
    assert_eq!(told, [NodeConfig { timeout: Some(90), tcp_keepalive: Some(7) }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_and_went_between_two_looks_is_counted() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    watched.until("the first look", |heard| !heard.looks.is_empty()).await;
    let _stays = idle_client(server.address());
    let seen = {
        let came = server.cli(&["INFO", "STATS"]);
        for _ in 0..20 {
            Raw::open(server.address()).ask("PING");
        }
        came
    };
    assert!(seen.contains("total_connections_received"));
    // The 20, and redis-cli itself, but for those that a look happened to see.
    let all = |heard: &Heard| {
        let opened: u64 = heard
            .events
            .iter()
            .map(|event| if let WatchEvent::Opened(opened) = event { opened.len() as u64 } else { 0 })
            .sum();
        // Ours, the one that stays, redis-cli and the 20.
        opened + heard.unseen == 23
    };
    watched.until("all of them", all).await;
}
