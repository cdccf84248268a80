//! The way from sources to the hub: bounded, never blocking, and honest about what it drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::{Event, Stamp, Timed};

/// How many events may wait for the hub. Only rare transitions travel here, so this is minutes of a healthy pool and
/// still some hundred kilobytes at worst.
const CAPACITY: usize = 4096;

/// A source's end: cheap to clone, safe to use anywhere, and never in the way of the observed program.
#[derive(Clone, Debug)]
pub struct Tap {
    sender: Option<mpsc::Sender<Timed>>,
    dropped: Arc<AtomicU64>,
}

impl Tap {
    /// A tap and the hub's end of it.
    pub fn channel() -> (Tap, mpsc::Receiver<Timed>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Tap { sender: Some(sender), dropped: Arc::default() }, receiver)
    }

    /// A tap that nobody listens to, for a pool used without a hub.
    pub fn nowhere() -> Tap {
        Tap { sender: None, dropped: Arc::default() }
    }

    /// Sends an event, or counts it as dropped when the hub is behind.
    pub fn emit(&self, at: Stamp, event: Event) {
        if let Some(sender) = &self.sender
            && sender.try_send(Timed { at, event }).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends an event, and waits for room while the hub is behind: for a source that is in nobody's way.
    pub async fn send(&self, timed: Timed) {
        if let Some(sender) = &self.sender {
            // A hub that is gone needs to hear nothing.
            let _ = sender.send(timed).await;
        }
    }

    /// How many events were dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Something the hub asks, once a tick, what it has counted since the last one.
pub trait PulseSource: Send + Sync {
    /// The counts since the last call, as one event. Called by one task only, and must not block.
    fn pulse(&self, now: Stamp) -> Option<Event>;

    /// Asks that the next pulse list every connection, as after events were dropped. A pulse that lists as many
    /// connections as its gauges count is the whole truth, and the model then forgets every other one.
    fn resync(&self) {}
}
