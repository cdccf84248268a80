//! The watcher of clients against real servers: what it says of them, what it says when something is refused or gone,
//! and that it costs little.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis_pooltop::event::{
    CLIENTS, Client, Clock, Event, Exact, Look, NodeConfig, NodeId, Refused, Stamp, Tap, Timed, WatchEvent,
    Whose,
};
use redis_pooltop::model::{Model, ModelOptions};
use redis_pooltop::net::{ConnectOptions, Endpoint, OBSERVER, Protocol, Secret};
use redis_pooltop::source::client_list::ClientList;
use redis_pooltop::source::watch::{ClientWatch, Killed, watch};
use support::raw::Raw;
use support::{RedisServer, idle_client, wait_until};

const OFTEN: Duration = Duration::from_millis(100);
const NODE: NodeId = NodeId(7);

/// What a watcher has said so far, put together as any reader must.
#[derive(Clone, Debug, Default)]
struct Heard {
    events: Vec<WatchEvent>,
    clients: BTreeMap<u64, Arc<Client>>,
    looks: Vec<Look>,
    infos: Vec<String>,
    refused: Vec<Refused>,
    lost: Option<String>,
    unseen: u64,
    owners: BTreeMap<u64, Whose>,
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
            WatchEvent::Owners(owners) => {
                self.owners.extend(owners.into_iter().map(|owner| (owner.client, owner.whose)));
            }
            WatchEvent::Info { raw, .. } => self.infos.push(raw.to_string()),
            WatchEvent::Refused(refused) => self.refused.push(refused),
            WatchEvent::Lost { error, .. } => self.lost = Some(error),
            _ => {}
        }
        self.events.push(event);
    }

    fn named(&self, name: &str) -> Option<&Client> {
        self.clients.values().map(|client| &**client).find(|client| client.name.as_deref() == Some(name))
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

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn it_tells_whose_the_clients_are() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    let _client = idle_client(server.address());
    let pid = std::process::id();
    let is_ours = |whose: &Whose| matches!(whose, Whose::Process { process, .. } if process.pid == pid);
    let known = |heard: &Heard| heard.owners.values().filter(|whose| is_ours(whose)).count() == 2;
    watched.until("both connections of this process", known).await;
}

const ALL_BUT: &str = "~* &* +@all";

/// Someone who may do everything but what `rule` says.
fn restricted(server: &RedisServer, rule: &str) -> ConnectOptions {
    let mut words = vec!["ACL", "SETUSER", "bob", "on", ">pw"];
    words.extend(ALL_BUT.split(' ').chain(rule.split(' ')));
    assert_eq!(server.cli(&words), "OK");
    ConnectOptions {
        user: Some("bob".to_owned()),
        password: Some(Secret::new("pw")),
        ..options(server.port())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_list_clients_the_rest_goes_on_until_it_is_given() {
    let server = RedisServer::start(&[]);
    let watched = Watched::start(restricted(&server, "-client|list"));
    let heard = watched.until("four answers", |heard| heard.infos.len() >= 4).await;
    assert_eq!(heard.refused.len(), 1, "{:?}", heard.refused);
    let Refused { command, error, rule } = &heard.refused[0];
    assert_eq!((command.as_str(), rule.as_deref()), ("CLIENT LIST", Some("+client|list")));
    assert!(error.contains("NOPERM") && error.contains("+client|list"), "{error}");
    assert!(heard.looks.is_empty() && heard.lost.is_none());
    server.cli(&["ACL", "SETUSER", "bob", "+client|list"]);
    let heard = watched.until("a look", |heard| !heard.looks.is_empty()).await;
    let allowed =
        |event: &WatchEvent| matches!(event, WatchEvent::Allowed { command } if command == "CLIENT LIST");
    assert_eq!(heard.events.iter().filter(|event| allowed(event)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_info_and_settings_clients_are_listed_all_the_same() {
    let server = RedisServer::start(&[]);
    let watched = Watched::start(restricted(&server, "-info -config|get"));
    watched.until("the first look", |heard| !heard.looks.is_empty()).await;
    for _ in 0..5 {
        Raw::open(server.address()).ask("PING");
    }
    let _stays = idle_client(server.address());
    let heard = watched.until("who came", |heard| heard.clients.len() == 2).await;
    let rules: Vec<_> = heard.refused.iter().filter_map(|refused| refused.rule.as_deref()).collect();
    assert_eq!(rules, ["+info", "+config|get"]);
    assert!(heard.infos.is_empty() && heard.looks.iter().all(|look| !look.told));
    // By the gaps in ids, since nothing else tells.
    assert_eq!(heard.unseen, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_renamed_is_called_so() {
    let server = RedisServer::start(&["--rename-command", "CLIENT", "xxx", "--rename-command", "CONFIG", ""]);
    let watched = Watched::of(&server);
    let heard = watched.until("four answers", |heard| heard.infos.len() >= 4).await;
    let said: Vec<_> = heard.refused.iter().map(|refused| refused.command.as_str()).collect();
    assert_eq!(said, ["CONFIG GET", "CLIENT LIST"]);
    assert!(heard.refused.iter().all(|refused| refused.rule.is_none() && refused.error.contains("renamed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_with_ids_that_start_again_is_looked_at_as_a_whole() {
    let mut server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    let crowd: Vec<_> = (0..20).map(|_| idle_client(server.address())).collect();
    watched.until("the crowd", |heard| heard.clients.len() == 21).await;
    server.kill();
    drop(crowd);
    wait_until("it to be lost", async || watched.heard().lost.is_some()).await;
    server.restart();
    let one = Raw::open(server.address()).ask("CLIENT ID");
    let heard = watched.until("a look", |heard| heard.lost.is_none() && heard.clients.len() == 1).await;
    let ours = heard.named(OBSERVER).expect("our own connection");
    assert!(ours.id < 20, "ids start again: {} {}", ours.id, String::from_utf8_lossy(&one));
    let wholes = heard.looks.iter().filter(|look| look.whole).count();
    assert_eq!((wholes, heard.unseen), (2, 0), "nobody is missed across a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_come_in_is_told_why_in_one_sentence() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let wrong = ConnectOptions { password: Some(Secret::new("wrong")), ..options(server.port()) };
    let nobody = options(support::free_port());
    let full = RedisServer::start(&["--maxclients", "1"]);
    let _first = Raw::open(full.address()).ask("PING");
    let only = Raw::open(full.address());
    for (options, part) in
        [(wrong, "password"), (nobody, "nothing listens"), (options(full.port()), "maxclients")]
    {
        let watched = Watched::start(options);
        let heard = watched.until("why", |heard| heard.lost.is_some()).await;
        let error = heard.lost.expect("lost");
        assert!(error.contains(part) && !error.contains("wrong"), "{error}");
    }
    drop(only);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_look_is_there_for_the_asking() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    let _client = idle_client(server.address());
    watched.until("both", |heard| heard.clients.len() == 2).await;
    let wholes = |heard: &Heard| heard.looks.iter().filter(|look| look.whole).count();
    watched.watch.source().resync();
    let heard = watched.until("another whole look", |heard| wholes(heard) == 2).await;
    assert_eq!((heard.clients.len(), heard.unseen), (2, 0));
    let more = |heard: &Heard| heard.looks.last().is_some_and(|look| !look.whole);
    watched.until("one that is not", more).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_killed_and_never_our_own() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    let mut victims: Vec<Raw> = (0..70).map(|_| Raw::open(server.address())).collect();
    let mut ids: Vec<u64> = Vec::new();
    for victim in &mut victims {
        ids.push(victim.text("CLIENT ID")[1..].parse().expect("an id"));
    }
    let heard = watched.until("all", |heard| heard.clients.len() == 71).await;
    ids.extend(&heard.looks.last().expect("a look").ours);
    let exact = |id: u64| Exact::from(&*heard.clients[&id]);
    // An id that another has by now is not enough.
    let another = Exact { id: ids[0], addr: "127.0.0.1:1".into() };
    let gone = Exact { id: 1 << 40, addr: "127.0.0.1:1".into() };
    let killed = watched.watch.kill(vec![another]).await;
    assert_eq!(killed, Killed { gone: 1, ..Killed::default() });
    let killed = watched.watch.kill(ids.into_iter().map(exact).chain([gone.clone()]).collect()).await;
    assert_eq!(killed, Killed { killed: 70, gone: 1, ours: 1, error: None });
    assert!(victims.iter_mut().all(|victim| victim.rest().is_empty()), "they are closed");
    let heard = watched.until("only us", |heard| heard.clients.len() == 1).await;
    assert!(heard.lost.is_none());
    let looks = heard.looks.len();
    let heard = watched.until("another look", |heard| heard.looks.len() > looks).await;
    assert_eq!(heard.unseen, 0, "the connection that killed is nobody who came and went");
    assert_eq!(watched.watch.kill(vec![]).await, Killed::default());

    let watched = Watched::start(restricted(&server, "-client|kill"));
    let killed = watched.watch.kill(vec![gone]).await;
    let error = killed.error.expect("refused");
    assert!(error.contains("+client|kill"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_connection_ends_with_its_guard() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    watched.until("the first look", |heard| !heard.looks.is_empty()).await;
    let source = watched.watch.source();
    drop(watched.watch);
    wait_until("the connection to close", async || !server.cli(&["CLIENT", "LIST"]).contains(OBSERVER)).await;
    source.resync();
}

#[test]
fn every_client_that_a_look_counts_has_a_row() {
    let mut list = String::new();
    for id in 0..CLIENTS + 10 {
        let _ = writeln!(list, "id={id}");
    }
    let said = ClientList::default().compare(list.into());
    assert_eq!(said.left_out, 10);
    let look = Look { whole: true, clients: said.clients, left_out: said.left_out, ..Look::default() };
    let mut model = Model::new(ModelOptions::default());
    for event in [WatchEvent::Opened(said.opened), WatchEvent::Looked(look)] {
        model.apply(&Timed { at: Stamp(0), event: Event::Watch(NodeId(0), event) });
    }
    let snapshot = model.snapshot(Stamp(0), 0);
    assert_eq!(snapshot.clients.len() as u64, said.clients);
    assert!(!snapshot.out_of_sync);
}
