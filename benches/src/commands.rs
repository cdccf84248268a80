//! GETs through each pool, and raw sockets as the limit of what any can reach.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::rounds::Rounds;

/// Callers, and connections.
const CALLERS: u32 = 50;

/// GETs a round.
const GETS: usize = 40_000;

/// Callers at once on an empty pool.
const COLD: u32 = 1_000;

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$4\r\ndata\r\n";

fn url(address: SocketAddr) -> String {
    format!("redis://{address}")
}

fn ours(address: SocketAddr, max: u32, hub: &Hub, clock: Clock) -> Option<RedisPool> {
    let options = ConnectOptions::from_url(&url(address)).ok()?;
    let pool = RedisPool::redis(options, PoolConfig { max, ..PoolConfig::default() }, clock, hub.tap());
    hub.attach(pool.pulse_source());
    Some(pool)
}

/// All tasks together; those that failed are told in one line.
async fn all(who: &str, mut tasks: JoinSet<Result<(), String>>, begun: Instant) -> Duration {
    let mut failed = 0;
    let mut why = String::new();
    let count = tasks.len();
    while let Some(task) = tasks.join_next().await {
        if let Err(error) = task.map_err(|error| error.to_string()).flatten() {
            failed += 1;
            why = error;
        }
    }
    let took = begun.elapsed();
    if failed > 0 {
        eprintln!("  {who}: {failed} of {count} failed, the last with: {why}");
    }
    took
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

async fn set_data(address: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"SET data 0123456789012345678901234567890123456789\r\n").await.ok()?;
    stream.read_exact(&mut [0; 5]).await.ok()?;
    Some(())
}

/// Until the server has seen the connections of a round go: they are no burden on the next one.
async fn gone(address: SocketAddr) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let mut reply = [0; 1024];
    for _ in 0..1_000 {
        let asked = stream.write_all(b"INFO clients\r\n").await;
        let Ok(read) = stream.read(&mut reply).await else { return };
        let text = String::from_utf8_lossy(&reply[..read]);
        let clients =
            text.split("connected_clients:").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if asked.is_err() || clients.is_none_or(|clients: u32| clients <= 1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// 50 callers on 50 connections.
pub(crate) async fn gets(address: SocketAddr) {
    let clock = Clock::start();
    let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(250));
    let (Some(pool), Some(())) = (ours(address, CALLERS, &hub, clock), set_data(address).await) else {
        return eprintln!("no server on {address}");
    };
    pool.warmup(CALLERS).await;
    let Ok(manager) = bb8_redis::RedisConnectionManager::new(url(address)) else { return };
    let bb8 = bb8::Pool::builder().max_size(CALLERS).min_idle(CALLERS).test_on_check_out(false);
    let Ok(bb8) = bb8.build(manager).await else { return eprintln!("bb8-redis does not connect") };
    let sockets = raw_sockets(address).await;
    let sockets: Vec<_> =
        sockets.into_iter().map(|socket| std::sync::Arc::new(tokio::sync::Mutex::new(socket))).collect();

    let title =
        format!("GET, {CALLERS} callers on {CALLERS} connections, ours with instruments and timeouts");
    let mut rounds = Rounds::new(title, GETS);
    rounds.add("ours", || {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..CALLERS {
            let pool = pool.clone();
            tasks.spawn(async move {
                for _ in 0..GETS / CALLERS as usize {
                    pool.command(&["GET", "data"]).await.map_err(told)?;
                }
                Ok(())
            });
        }
        all("ours", tasks, begun)
    });
    rounds.add("raw sockets", || {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for socket in sockets.clone() {
            tasks.spawn(async move {
                let mut socket = socket.lock().await;
                let mut reply = [0; 512];
                for _ in 0..GETS / CALLERS as usize {
                    socket.write_all(GET).await.map_err(told)?;
                    socket.read(&mut reply).await.map_err(told)?;
                }
                Ok(())
            });
        }
        all("raw sockets", tasks, begun)
    });
    rounds.add("bb8-redis", || {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..CALLERS {
            let pool = bb8.clone();
            tasks.spawn(async move {
                for _ in 0..GETS / CALLERS as usize {
                    let mut connection = pool.get().await.map_err(told)?;
                    let mut get = bb8_redis::redis::cmd("GET");
                    let reply: Option<String> =
                        get.arg("data").query_async(&mut *connection).await.map_err(told)?;
                    black_box(reply);
                }
                Ok(())
            });
        }
        all("bb8-redis", tasks, begun)
    });
    rounds.run().await;
}

async fn raw_sockets(address: SocketAddr) -> Vec<TcpStream> {
    let mut sockets = Vec::new();
    for _ in 0..CALLERS {
        if let Ok(socket) = TcpStream::connect(address).await {
            let _ = socket.set_nodelay(true);
            sockets.push(socket);
        }
    }
    sockets
}

/// 1,000 GETs at once on a pool of 1,000 that has opened nothing yet.
pub(crate) async fn cold(address: SocketAddr) {
    let clock = Clock::start();
    let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(250));
    if set_data(address).await.is_none() {
        return eprintln!("no server on {address}");
    }
    let title = format!("{COLD} GETs at once on a cold pool of {COLD}");
    let mut rounds = Rounds::new(title, COLD as usize);
    rounds.add("ours", || {
        let pool = ours(address, COLD, &hub, clock);
        async move {
            let Some(pool) = pool else { return Duration::ZERO };
            let mut tasks = JoinSet::new();
            let begun = Instant::now();
            for _ in 0..COLD {
                let pool = pool.clone();
                tasks.spawn(async move { pool.command(&["GET", "data"]).await.map(drop).map_err(told) });
            }
            let took = all("ours", tasks, begun).await;
            pool.close(Duration::from_secs(1)).await;
            gone(address).await;
            took
        }
    });
    rounds.add("deadpool-redis", || async move {
        let config = deadpool_redis::Config::from_url(url(address));
        let Ok(builder) = config.builder() else { return Duration::ZERO };
        let built = builder.max_size(COLD as usize).runtime(deadpool_redis::Runtime::Tokio1).build();
        let Ok(pool) = built else { return Duration::ZERO };
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..COLD {
            let pool = pool.clone();
            tasks.spawn(async move {
                let mut connection = pool.get().await.map_err(told)?;
                let mut get = deadpool_redis::redis::cmd("GET");
                let reply: Option<String> =
                    get.arg("data").query_async(&mut connection).await.map_err(told)?;
                black_box(reply);
                Ok(())
            });
        }
        let took = all("deadpool-redis", tasks, begun).await;
        pool.close();
        gone(address).await;
        took
    });
    rounds.run().await;
}
