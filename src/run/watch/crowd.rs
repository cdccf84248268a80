//! The clients of `watch --demo`: real connections of this program to the embedded server, some of which do on purpose what
//! a watch is for.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::net::{ConnectOptions, Connection};

/// What there is to say of them on the screen.
pub(super) const SAID: &str =
    "this demo: every client is of this program; report keeps what it opens, hasty opens for a moment";

/// A steady pool, and how often each of its connections asks for something.
const WEB: u32 = 4;
const WEB_EVERY: Duration = Duration::from_millis(250);

/// Workers that wait for jobs.
const WORKERS: u32 = 2;

/// How often one is opened that nobody gives back; and how many there are before that program is started again.
const LEAKS_EVERY: Duration = Duration::from_millis(800);
const LEAKED: usize = 200;

/// How long one is open that is opened for one command, and after what time the next one is.
const HASTY: Duration = Duration::from_millis(120);

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// They end when this is dropped.
#[derive(Debug)]
pub(super) struct Crowd {
    _tasks: JoinSet<()>,
}

impl Crowd {
    /// Lets them in. The steady ones are there when this returns.
    pub(super) async fn start(server: &ConnectOptions) -> Self {
        let mut tasks = JoinSet::new();
        for n in 1..=WEB {
            let who = Client::new(server, format!("web-{n}"));
            let first = who.open().await;
            tasks.spawn(async move { who.again_and_again(first, &["GET", "demo:page"], WEB_EVERY).await });
        }
        for n in 1..=WORKERS {
            let who = Client::new(server, format!("worker-{n}"));
            let first = who.open().await;
            let blpop = ["BLPOP", "demo:jobs", "0"];
            tasks.spawn(async move { who.again_and_again(first, &blpop, Duration::ZERO).await });
        }
        tasks.spawn(leak(server.clone()));
        tasks.spawn(hurry(server.clone()));
        Self { _tasks: tasks }
    }
}

/// One client, and how it gets its connections.
struct Client(ConnectOptions);

impl Client {
    fn new(server: &ConnectOptions, name: String) -> Self {
        Self(ConnectOptions { client_name: Some(name), socket_timeout: None, ..server.clone() })
    }

    /// A connection; none while the server takes none, which somebody may have told it.
    async fn open(&self) -> Option<Connection> {
        Connection::open(&self.0).await.ok()
    }

    /// The same command for ever, on another connection where one was closed.
    async fn again_and_again(&self, mut connection: Option<Connection>, command: &[&str], every: Duration) {
        loop {
            if let Some(open) = &mut connection {
                while open.call(command).await.is_ok() {
                    sleep(every).await;
                }
            }
            sleep(AGAIN).await;
            connection = self.open().await;
        }
    }
}

/// Opens connections and keeps them all, as a client made for each request does.
async fn leak(server: ConnectOptions) {
    let mut kept = Vec::new();
    for n in 1_u64.. {
        if kept.len() == LEAKED {
            kept.clear();
        }
        if let Some(mut open) = Client::new(&server, format!("report-{n}")).open().await {
            let _ = open.call(&["INCR", "demo:reports"]).await;
            kept.push(open);
        }
        sleep(LEAKS_EVERY).await;
    }
}

/// Opens a connection for each command and closes it at once.
async fn hurry(server: ConnectOptions) {
    for n in 1_u64.. {
        if let Some(mut open) = Client::new(&server, format!("hasty-{n}")).open().await {
            let _ = open.call(&["INCR", "demo:pages"]).await;
            sleep(HASTY).await;
        }
        sleep(HASTY).await;
    }
}
