//! What the pool, the server and the kernel believe of the same connections, on a real server.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::{ConnectOptions, Endpoint};
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::snapshot::{Snapshot, StrayKind, Told};
use redis_pooltop::source::info::{InfoWatch, watch_info_and_slots};
use support::{RedisServer, wait_until};

/// A pool, and who asks about its connections.
struct Joined {
    pool: RedisPool,
    hub: Hub,
    _watch: InfoWatch,
}

impl Joined {
    fn start(port: u16) -> Self {
        let (clock, often) = (Clock::start(), Duration::from_millis(100));
        let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
        let connect = ConnectOptions { endpoint, ..ConnectOptions::default() };
        let hub = Hub::start(clock, ModelOptions::default(), often);
        let pool = RedisPool::redis(connect.clone(), PoolConfig::default(), clock, hub.tap());
        hub.attach(pool.pulse_source());
        let snapshots = hub.subscribe();
        let ids = move || {
            let snapshot = snapshots.borrow().clone();
            snapshot.connections.iter().filter_map(|row| row.server_id).collect()
        };
        let watch = watch_info_and_slots(connect, often, Arc::new(ids), hub.tap(), clock);
        Self { pool, hub, _watch: watch }
    }

    async fn until(&self, what: &str, so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut last = Arc::default();
        wait_until(what, async || {
            last = self.hub.sync().await;
            so(&last)
        })
        .await;
        last
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_pool_is_believed_in_by_all_three_and_has_no_strays() {
    let server = RedisServer::start(&[]);
    let joined = Joined::start(server.port());
    joined.pool.warmup(2).await;
    let known = |snapshot: &Snapshot| {
        snapshot.connections.len() == 2
            && snapshot.connections.iter().all(|row| {
                row.beliefs.as_ref().is_some_and(|beliefs| {
                    matches!(beliefs.server, Told::Some(_)) && matches!(beliefs.kernel, Told::Some(_))
                })
            })
    };
    let snapshot = joined.until("all three to be asked", known).await;
    assert!(snapshot.connections.iter().all(|row| !row.is_half_open()));
    assert!(snapshot.strays.is_empty(), "the observer itself is none: {:?}", snapshot.strays);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_has_closed_and_nobody_has_heard_of_is_half_open() {
    let server = RedisServer::start(&[]);
    let joined = Joined::start(keeper(server.port()).port());
    joined.pool.warmup(1).await;
    let snapshot = joined.until("the connection", |snapshot| snapshot.connections.len() == 1).await;
    let id = snapshot.connections[0].server_id.expect("a client id").to_string();
    assert_eq!(server.cli(&["CLIENT", "KILL", "ID", &id]).trim(), "1");
    let half_open = |snapshot: &Snapshot| snapshot.connections.iter().any(|row| row.is_half_open());
    let snapshot = joined.until("it to be half-open", half_open).await;
    assert_eq!(snapshot.connections[0].state_word(), "half-open");
    joined.pool.reset();
    joined.until("it to be gone", |snapshot| !half_open(snapshot)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_this_process_that_is_in_no_pool_is_an_orphan() {
    let server = RedisServer::start(&[]);
    let joined = Joined::start(server.port());
    joined.pool.warmup(1).await;
    let orphan = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    let end = orphan.local_addr().expect("an end");
    let is_orphan = |snapshot: &Snapshot| {
        snapshot.strays.iter().any(|one| (one.kind, one.local) == (StrayKind::Orphan, Some(end)))
    };
    joined.until("the orphan", is_orphan).await;
    drop(orphan);
    joined.until("no orphan", |snapshot| snapshot.strays.is_empty()).await;
}

/// A way to a server that keeps its own ends of a connection, whichever side has closed another.
fn keeper(server: u16) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let end = listener.local_addr().expect("an end");
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut to)) = (client, TcpStream::connect(("127.0.0.1", server))) else {
                return;
            };
            let (Ok(mut back), Ok(mut from)) = (client.try_clone(), to.try_clone()) else { return };
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut back);
                std::mem::forget((from, back));
            });
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    if to.write_all(&bytes[..read]).is_err() {
                        return;
                    }
                }
                // Neither end is closed: whoever has gone is not missed.
                std::mem::forget((client, to));
            });
        }
    });
    end
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_pool_has_closed_and_the_server_lists_is_a_ghost() {
    let server = RedisServer::start(&[]);
    let joined = Joined::start(keeper(server.port()).port());
    joined.pool.warmup(1).await;
    let snapshot = joined.until("the connection", |snapshot| snapshot.connections.len() == 1).await;
    let id = snapshot.connections[0].server_id;
    let asked = |snapshot: &Snapshot| snapshot.connections.iter().all(|row| row.beliefs.is_some());
    joined.until("it to be asked about", asked).await;
    joined.pool.reset();
    let ghost = |snapshot: &Snapshot| {
        snapshot.strays.iter().any(|one| (one.kind, one.server_id) == (StrayKind::Ghost, id))
    };
    joined.until("the ghost", ghost).await;
}
