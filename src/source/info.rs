//! The INFO poller: one named connection of its own, apart from the pool, that asks a server how it is.
//!
//! It says what the server said, or one sentence on why it says nothing and when it is asked again. It ends with its
//! guard, and no failure of the server ends it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::event::{Clock, Event, ServerEvent, Tap};
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::Caps;
use crate::resp::Value;
use crate::text;

/// How often INFO CLIENTS is asked for, unless told otherwise.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// The shortest interval: an INFO CLIENTS costs the server some microseconds, a screen shows no more of them.
const SHORTEST: Duration = Duration::from_millis(100);

/// The longest interval: no clock must overflow for a longer one.
const SELDOM: Duration = Duration::from_secs(86_400);

/// How long a reply may take where the options set no timeout.
const ANSWER: Duration = Duration::from_secs(2);

/// The first wait after a loss, doubled with every failure up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// The wait where trying again soon cannot help and fills the server's log: no right, or a wrong password.
const DENIED: Duration = Duration::from_secs(15);

/// The most of a reply that is passed on.
const RAW_BYTES: usize = 64 * 1024;

/// A running poller. Dropping it ends the poller and closes its connection.
#[derive(Debug)]
pub struct InfoWatch {
    interval: watch::Sender<Duration>,
    from: watch::Receiver<Option<SocketAddr>>,
    task: JoinHandle<()>,
}

impl InfoWatch {
    /// The time between two questions.
    pub fn interval(&self) -> Duration {
        *self.interval.borrow()
    }

    /// Changes the time between two questions, from the next one on.
    pub fn set_interval(&self, interval: Duration) {
        self.interval.send_replace(interval);
    }

    /// Where the poller asks from: its own end of the connection, while it has one that has an address.
    pub fn from(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.from.clone()
    }
}

impl Drop for InfoWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a poller on the current runtime: INFO SERVER once a connection, then INFO CLIENTS every `interval`.
///
/// # Panics
/// Outside of a tokio runtime, as [`tokio::spawn`] does.
pub fn watch_info(options: ConnectOptions, interval: Duration, tap: Tap, clock: Clock) -> InfoWatch {
    let (interval, changes) = watch::channel(interval);
    let (told, from) = watch::channel(None);
    let answer = options.socket_timeout.unwrap_or(ANSWER);
    let options = ConnectOptions { client_name: Some(OBSERVER.to_owned()), database: 0, ..options };
    let poller = Poller { options, answer, changes, told, tap, clock, failures: 0 };
    InfoWatch { interval, from, task: tokio::spawn(poller.run()) }
}

/// Why there is no answer.
struct Silence {
    /// One sentence.
    error: String,
    /// Asking again soon cannot help.
    denied: bool,
}

struct Poller {
    options: ConnectOptions,
    answer: Duration,
    changes: watch::Receiver<Duration>,
    told: watch::Sender<Option<SocketAddr>>,
    tap: Tap,
    clock: Clock,
    /// Failures in a row.
    failures: u32,
}

impl Poller {
    async fn run(mut self) {
        loop {
            let silence = self.observe().await;
            let wait = patience(self.failures, silence.denied);
            self.failures = self.failures.saturating_add(1);
            let now = self.clock.now();
            self.say(ServerEvent::Lost { error: silence.error, retry_at: now + wait });
            tokio::time::sleep(wait).await;
        }
    }

    fn say(&self, event: ServerEvent) {
        self.tap.emit(self.clock.now(), Event::Server(event));
    }

    /// Asks on one connection until that fails.
    async fn observe(&mut self) -> Silence {
        let mut connection = match Connection::open(&self.options).await {
            Ok(connection) => connection,
            Err(error) => return Silence { denied: error.is_auth(), error: error.to_string() },
        };
        connection.set_caps(Caps::SMALL);
        // Left as it is when the connection ends: what was asked last may come by later.
        self.told.send_replace(connection.local_addr());
        let mut section = "SERVER";
        loop {
            let asked = Instant::now();
            match self.ask(&mut connection, section).await {
                Ok(raw) => {
                    self.failures = 0;
                    self.say(ServerEvent::Info { raw: raw.into(), took: asked.elapsed() });
                }
                Err(silence) => return silence,
            }
            // The clients are asked for at once after the server's own section.
            if std::mem::replace(&mut section, "CLIENTS") == "CLIENTS"
                && let Err(silence) = self.rest(&mut connection, asked).await
            {
                return silence;
            }
        }
    }

    /// One INFO, bounded in time.
    async fn ask(&self, connection: &mut Connection, section: &str) -> Result<String, Silence> {
        let reply = tokio::time::timeout(self.answer, connection.call(&["INFO", section])).await;
        let lost =
            |why: String| Silence { error: format!("{}: {why}", self.options.target()), denied: false };
        match reply {
            Err(_elapsed) => Err(lost(format!("no answer to INFO in {}", text::duration(self.answer)))),
            Ok(Err(error)) => Err(lost(error.to_string())),
            Ok(Ok(reply)) => info_text(reply).map_err(|answer| refusal(&answer)),
        }
    }

    /// Waits for the next question, and hears at once when the server goes away meanwhile.
    async fn rest(&mut self, connection: &mut Connection, asked: Instant) -> Result<(), Silence> {
        loop {
            let interval = self.changes.borrow_and_update().clamp(SHORTEST, SELDOM);
            tokio::select! {
                () = tokio::time::sleep_until(asked + interval) => return Ok(()),
                changed = self.changes.changed() => {
                    // The guard is gone, and this task is about to be.
                    if changed.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                frame = connection.receive() => {
                    if let Err(error) = frame {
                        let error = format!("{}: {error}", self.options.target());
                        return Err(Silence { error, denied: false });
                    }
                }
            }
        }
    }
}

/// How long to wait after so many failures in a row before this one.
fn patience(failures: u32, denied: bool) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures));
    if denied { DENIED } else { doubled.min(LONGEST) }
}

/// The text of an INFO reply, capped; or what came in its place.
fn info_text(reply: Value) -> Result<String, Value> {
    let Some(text) = reply.text() else { return Err(reply) };
    let text = String::from_utf8_lossy(&text[..text.len().min(RAW_BYTES)]).into_owned();
    // Lines name a section or a field; a section that the server does not know is empty.
    let is_info = text.is_empty() || text.lines().any(|line| line.starts_with('#') || line.contains(':'));
    if is_info { Ok(text) } else { Err(reply) }
}

/// The sentence for an INFO that was answered with something else.
fn refusal(answer: &Value) -> Silence {
    let Value::Error(error) = answer else {
        return Silence {
            error: "INFO was answered with something that is no INFO".to_owned(),
            denied: true,
        };
    };
    let said = String::from_utf8_lossy(&error[..error.len().min(256)]);
    let denied = said.starts_with("NOPERM") || said.starts_with("NOAUTH");
    let fix = if said.starts_with("NOPERM") { ": give this user the ACL rule +info" } else { "" };
    Silence { error: format!("INFO was refused{fix} ({said})"), denied }
}

#[cfg(test)]
mod tests;
