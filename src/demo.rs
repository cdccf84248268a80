//! The embedded server behind `--demo`: in this process, on a free port of loopback, speaking to any Redis client.
//!
//! One thread of its own owns everything, as in Redis itself: connections are tasks on that thread, commands run one after
//! the other, and DEBUG SLEEP stops them all. What it tells about its connections, in CLIENT LIST and INFO, is true. What it
//! does not know gets Redis's own unknown-command error.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let server = redis_pooltop::demo::Server::start().await?;
//! println!("{}", server.url());
//! # std::io::Result::Ok(()) }).unwrap();
//! ```

mod blocking;
mod client;
mod commands;
mod config;
mod dispatch;
mod fault;
mod info;
mod monitor;
mod number;
mod pubsub;
mod reply;
mod request;
mod serve;
mod spec;
mod state;
mod store;

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use socket2::{Domain, Socket, Type};
use tokio::sync::{Notify, oneshot};

use crate::net::Secret;

/// What a server starts with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on loopback; 0 for any that is free.
    pub port: u16,
    /// The password of the default user; `None` lets everybody in.
    pub password: Option<Secret>,
    /// `maxclients`; `None` is Redis's 10,000.
    pub max_clients: Option<u32>,
}

/// A running server. It and all its connections end when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one without a password. The error is the system's, when it gives no port or thread.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Options::default()).await
    }

    /// Starts one with `options`. The error is the system's, when it gives no port or thread.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let listener = listen(options.port)?;
        let address = listener.local_addr()?;
        let stop = Arc::new(Stop::default());
        let (started, ready) = oneshot::channel();
        let thread = std::thread::Builder::new().name("demo-server".to_owned()).spawn({
            let stop = Arc::clone(&stop);
            move || run(listener, address.port(), options, &stop, started)
        })?;
        let server = Self { address, stop, thread: Some(thread) };
        ready.await.map_err(|_| io::Error::other("the embedded server's thread ended as it began"))??;
        Ok(server)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without the password: `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.now();
        if let Some(thread) = self.thread.take() {
            // It ends at its next await, or at once where it sleeps. A panic there has been printed already.
            let _ = thread.join();
        }
    }
}

/// How a server is told to end, wherever it is.
#[derive(Default)]
pub(crate) struct Stop {
    told: Mutex<bool>,
    bell: Condvar,
    notify: Notify,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stop").field("told", &*self.told.lock()).finish_non_exhaustive()
    }
}

impl Stop {
    fn now(&self) {
        *self.told.lock() = true;
        self.bell.notify_all();
        self.notify.notify_one();
    }

    /// Stops the whole thread for a while, as DEBUG SLEEP does. `false` when the server ended meanwhile.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let Some(until) = Instant::now().checked_add(time) else { return true };
        let mut told = self.told.lock();
        while !*told && !self.bell.wait_until(&mut told, until).timed_out() {}
        !*told
    }
}

/// Listens on loopback, with room for the thousand connections that a cold pool opens at once: those that find none would
/// try again only after a second.
fn listen(port: u16) -> io::Result<std::net::TcpListener> {
    const BACKLOG: i32 = 4096;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    // A port that was asked for may be still in the hands of connections that have ended.
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The server's thread.
fn run(
    listener: std::net::TcpListener,
    port: u16,
    options: Options,
    stop: &Arc<Stop>,
    started: oneshot::Sender<io::Result<()>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => {
                let _ = started.send(Err(error));
                return;
            }
        };
        let mut config = config::Config::new(options.password);
        config.maxclients = options.max_clients.unwrap_or(config.maxclients);
        let shared = Rc::new(RefCell::new(state::State::new(Arc::clone(stop), port, config)));
        let _ = started.send(Ok(()));
        tokio::select! {
            () = serve::accept(listener, Rc::clone(&shared)) => {}
            () = serve::tick(shared) => {}
            () = stop.notify.notified() => {}
        }
    });
}
