//! The INFO poller against real servers: what it tells, what it says when one is gone, and that it comes back.

mod support;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::{ConnectOptions, Endpoint, OBSERVER, Protocol};
use redis_pooltop::snapshot::{ServerRow, Snapshot, What};
use redis_pooltop::source::info::{InfoWatch, watch_info};
use support::{RedisServer, idle_client, wait_until};

const OFTEN: Duration = Duration::from_millis(100);

/// A hub with a poller on one server.
struct Watched {
    hub: Hub,
    poller: InfoWatch,
}

impl Watched {
    fn start(options: ConnectOptions, interval: Duration) -> Self {
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(100));
        let poller = watch_info(options, interval, hub.tap(), clock);
        Self { hub, poller }
    }

    fn of(server: &RedisServer) -> Self {
        Self::start(options(server.port()), OFTEN)
    }

    /// Waits until the server's row is so, and gives the snapshot.
    async fn until(&self, what: &str, so: impl Fn(&ServerRow) -> bool) -> Arc<Snapshot> {
        wait_until(what, async || so(&self.hub.sync().await.server)).await;
        self.hub.sync().await
    }

    async fn until_lost(&self) -> String {
        let snapshot = self.until("the server to be lost", |row| row.lost.is_some()).await;
        let lost = snapshot.server.lost.as_ref().expect("lost");
        assert!(lost.retry_at > lost.since);
        lost.error.clone()
    }
}

fn options(port: u16) -> ConnectOptions {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
    ConnectOptions { endpoint, ..ConnectOptions::default() }
}

fn observers(server: &RedisServer) -> usize {
    server.cli(&["CLIENT", "LIST"]).matches(&format!("name={OBSERVER} ")).count()
}

async fn tells_version_and_clients(server: RedisServer, protocol: Protocol, version: &str) {
    let watched = Watched::start(ConnectOptions { protocol, ..options(server.port()) }, OFTEN);
    let told = |row: &ServerRow| row.version.is_some() && !row.clients.is_empty();
    let first = watched.until("the version and the clients", told).await;
    let name = first.server.version.as_deref().expect("told");
    assert!(name.starts_with(version), "{name}");
    let before = first.server.client_field("connected_clients").expect("a number");
    let _client = idle_client(server.address());
    let more = |row: &ServerRow| row.client_field("connected_clients") > Some(before);
    let snapshot = watched.until("one client more", more).await;
    assert!(snapshot.server.raw.starts_with("# Clients"), "{}", snapshot.server.raw);
    assert!(snapshot.server.took.is_some_and(|took| took > Duration::ZERO));
    assert_eq!(observers(&server), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_redis_says() {
    tells_version_and_clients(RedisServer::start(&[]), Protocol::Resp2, "redis 7.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_valkey_says_in_resp3() {
    tells_version_and_clients(RedisServer::start_valkey(&[]), Protocol::Resp3, "valkey 9.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_lost_at_once_and_found_again() {
    let mut server = RedisServer::start(&[]);
    let watched = Watched::start(options(server.port()), Duration::from_secs(3600));
    watched.until("the clients", |row| !row.clients.is_empty()).await;
    server.kill();
    // Long before the next question: the closed connection itself says so.
    watched.until_lost().await;
    server.restart();
    let snapshot = watched.until("the server to be back", |row| row.lost.is_none()).await;
    let news: Vec<_> = snapshot.events.iter().map(|row| &row.what).collect();
    assert!(matches!(news.first(), Some(What::Lost(_))), "{news:?}");
    assert_eq!(news.last(), Some(&&What::Back), "{news:?}");
    watched.until("the clients again", |row| row.lost.is_none() && !row.clients.is_empty()).await;
    assert_eq!(observers(&server), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_lost_and_found_again() {
    let server = RedisServer::start(&[]);
    let socket_timeout = Some(Duration::from_millis(200));
    let watched = Watched::start(ConnectOptions { socket_timeout, ..options(server.port()) }, OFTEN);
    watched.until("the clients", |row| !row.clients.is_empty()).await;
    server.cli(&["CLIENT", "PAUSE", "1500", "ALL"]);
    let error = watched.until_lost().await;
    assert!(error.contains("not answer") || error.contains("no answer"), "{error}");
    watched.until("the server to be back", |row| row.lost.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_info_is_told_the_rule_that_is_missing() {
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "default", "-info"]);
    let watched = Watched::of(&server);
    let error = watched.until_lost().await;
    assert!(error.contains("+info") && error.contains("NOPERM"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_one_sentence_and_another_try_each_time() {
    let watched = Watched::start(options(support::free_port()), OFTEN);
    watched.until_lost().await;
    let first = watched.hub.sync().await.server.lost.clone().expect("lost");
    let later = |row: &ServerRow| row.lost.as_ref().is_some_and(|lost| lost.retry_at > first.retry_at);
    let snapshot = watched.until("another try", later).await;
    let told = snapshot.events.iter().filter(|row| matches!(row.what, What::Lost(_))).count();
    assert_eq!(told, 1, "the same sentence is news once");
    assert_eq!(snapshot.server.lost.as_ref().map(|lost| lost.since), Some(first.since));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_accepts_and_says_nothing_is_lost() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let connect_timeout = Duration::from_millis(200);
    let watched = Watched::start(ConnectOptions { connect_timeout, ..options(port) }, OFTEN);
    assert!(!watched.until_lost().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interval_changes_live() {
    let server = RedisServer::start(&[]);
    let watched = Watched::start(options(server.port()), Duration::MAX);
    let first = watched.until("the clients", |row| row.seen_at.is_some()).await.server.seen_at;
    watched.poller.set_interval(OFTEN);
    assert_eq!(watched.poller.interval(), OFTEN);
    watched.until("a newer answer", |row| row.seen_at > first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_connection_ends_with_its_guard() {
    let server = RedisServer::start(&[]);
    let watched = Watched::of(&server);
    watched.until("the clients", |row| !row.clients.is_empty()).await;
    assert_eq!(observers(&server), 1);
    drop(watched.poller);
    wait_until("the connection to close", async || observers(&server) == 0).await;
}
