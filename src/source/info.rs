//! The INFO poller: one named connection of its own, apart from the pool, that asks a server how it is.
//!
//! It says what the server said, or one sentence on why it says nothing and when it is asked again. It ends with its
//! guard, and no failure of the server ends it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::asking::{ANSWER, RAW_BYTES, SELDOM, SHORTEST, Silence, gone, info_text, patience, said};
use super::slots::{Asking, Ids};
use crate::event::{Clock, Event, ServerEvent, Tap};
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::{Caps, Value};

/// How often INFO CLIENTS is asked for, unless told otherwise.
pub const INTERVAL: Duration = Duration::from_secs(1);

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
    start(options, interval, None, tap, clock)
}

/// The same, and it asks server and kernel what they believe of the connections with these client ids.
///
/// # Panics
/// As [`watch_info`] does.
pub fn watch_info_and_slots(
    options: ConnectOptions,
    interval: Duration,
    ids: Ids,
    tap: Tap,
    clock: Clock,
) -> InfoWatch {
    start(options, interval, Some(Asking::new(ids)), tap, clock)
}

fn start(
    options: ConnectOptions,
    interval: Duration,
    slots: Option<Asking>,
    tap: Tap,
    clock: Clock,
) -> InfoWatch {
    let (interval, changes) = watch::channel(interval);
    let (told, from) = watch::channel(None);
    let answer = options.socket_timeout.unwrap_or(ANSWER);
    let options = ConnectOptions { client_name: Some(OBSERVER.to_owned()), database: 0, ..options };
    let poller = Poller { options, answer, changes, told, tap, clock, slots, failures: 0 };
    InfoWatch { interval, from, task: tokio::spawn(poller.run()) }
}

struct Poller {
    options: ConnectOptions,
    answer: Duration,
    changes: watch::Receiver<Duration>,
    told: watch::Sender<Option<SocketAddr>>,
    tap: Tap,
    clock: Clock,
    slots: Option<Asking>,
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
            Err(error) => return error.into(),
        };
        connection.set_caps(Caps::SMALL);
        if let Some(asking) = &mut self.slots {
            asking.begin_anew();
        }
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
            if let Err(silence) = self.ask_slots(&mut connection).await {
                return silence;
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
        connection.set_socket_timeout(Some(self.answer));
        match connection.call(&["INFO", section]).await {
            Err(error) => Err(Silence::unanswered(&self.options, &error, "INFO", self.answer)),
            Ok(reply) => info_text(reply, RAW_BYTES).map_err(|answer| refusal(&answer)),
        }
    }

    /// What server and kernel believe of the pools' connections, when it is time for that.
    async fn ask_slots(&mut self, connection: &mut Connection) -> Result<(), Silence> {
        let Some(asking) = &mut self.slots else { return Ok(()) };
        match asking.ask(connection).await {
            Err(error) => Err(Silence::unanswered(&self.options, &error, "CLIENT LIST", self.answer)),
            Ok(slots) => {
                if let Some(slots) = slots {
                    self.say(ServerEvent::Slots(Box::new(slots)));
                }
                Ok(())
            }
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
                silence = gone(connection, &self.options) => return Err(silence),
            }
        }
    }
}

/// The sentence for an INFO that was answered with something else.
fn refusal(answer: &Value) -> Silence {
    let Value::Error(error) = answer else {
        return Silence {
            error: "INFO was answered with something that is no INFO".to_owned(),
            denied: true,
        };
    };
    let said = said(error);
    let denied = said.starts_with("NOPERM") || said.starts_with("NOAUTH");
    let fix = if said.starts_with("NOPERM") { ": give this user the ACL rule +info" } else { "" };
    Silence { error: format!("INFO was refused{fix} ({said})"), denied }
}

#[cfg(test)]
mod tests;
