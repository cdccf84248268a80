//! The hub: one task that owns the [`Model`], and the only way to it.
//!
//! Events come in through bounded [`Tap`]s. Once a tick, and soon after any event, the hub asks every attached source
//! for its pulse, lets the model judge, and publishes a [`Snapshot`]. Everything the model ever gets passes one
//! function, in one order, so that a recording of it replays to the same snapshots.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::event::{Clock, Event, PoolId, PulseSource, Stamp, Tap, Timed};
use crate::model::{Model, ModelOptions};
use crate::record::{Record, Recorder};
use crate::snapshot::Snapshot;

/// An event shows on the screen this soon, however long the tick is.
const SOON: Duration = Duration::from_millis(50);

/// The shortest tick: 20 snapshots a second are more than an eye can follow.
const SHORTEST_TICK: Duration = Duration::from_millis(50);

/// A tick longer than this is never: no clock must overflow for it.
const LONGEST_TICK: Duration = Duration::from_secs(86_400);

/// Requests that may wait for the hub; more callers than that wait for a place.
const REQUESTS: usize = 64;

/// A handle on the running hub. The task ends when the last handle is gone.
#[derive(Clone, Debug)]
pub struct Hub {
    clock: Clock,
    tap: Tap,
    requests: mpsc::Sender<Request>,
    sources: Arc<Sources>,
    settings: Arc<watch::Sender<Settings>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// Asks for a look, and where the answer goes.
struct Request {
    reply: oneshot::Sender<Arc<Snapshot>>,
    /// Nothing is recorded after that look.
    ends_recording: bool,
}

#[derive(Clone, Debug)]
struct Settings {
    options: ModelOptions,
    tick: Duration,
    front: Option<PoolId>,
}

/// The attached sources, and of which pool each has spoken.
#[derive(Default)]
struct Sources(parking_lot::Mutex<Vec<Source>>);

#[derive(Clone)]
struct Source {
    pool: Option<PoolId>,
    source: Arc<dyn PulseSource>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sources").field(&self.0.lock().len()).finish()
    }
}

impl Hub {
    /// Starts the task on the current runtime. It publishes every `tick`, and no oftener than 20 times a second.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as [`tokio::spawn`] does.
    pub fn start(clock: Clock, options: ModelOptions, tick: Duration) -> Hub {
        Self::start_recorded(clock, options, tick, None)
    }

    /// The same, and all that the model gets goes to `recorder`.
    ///
    /// # Panics
    /// As [`Hub::start`] does.
    pub fn start_recorded(
        clock: Clock,
        options: ModelOptions,
        tick: Duration,
        recorder: Option<Recorder>,
    ) -> Hub {
        let (tap, events) = Tap::channel();
        let (requests, inbox) = mpsc::channel(REQUESTS);
        let (settings, changes) = watch::channel(Settings { options: options.clone(), tick, front: None });
        let mut model = Model::new(options);
        let first = Arc::new(model.snapshot(clock.now(), wall_ms(&clock, clock.now())));
        let (publisher, snapshots) = watch::channel(first);
        let sources = Arc::<Sources>::default();
        let task = Task {
            clock,
            model,
            events,
            tap: tap.clone(),
            dropped: 0,
            sources: sources.clone(),
            changes,
            tick,
            publisher,
            last_look: Instant::now(),
            recorder,
        };
        tokio::spawn(task.run(inbox));
        Hub { clock, tap, requests, sources, settings: Arc::new(settings), snapshots }
    }

    /// The clock of everything it hears.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Where sources put their events.
    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Asks this source for its pulse from the next tick on, until its pool has stopped.
    pub fn attach(&self, source: Arc<dyn PulseSource>) {
        self.sources.0.lock().push(Source { pool: None, source });
    }

    /// Every snapshot from now on, and the newest at once.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Takes a tick now: all that was emitted before the call is in the snapshot that comes back.
    pub async fn sync(&self) -> Arc<Snapshot> {
        self.ask(false).await
    }

    /// The same, and that tick is the last that is recorded: the file can be finished.
    pub async fn end_recording(&self) -> Arc<Snapshot> {
        self.ask(true).await
    }

    async fn ask(&self, ends_recording: bool) -> Arc<Snapshot> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send(Request { reply, ends_recording }).await.is_ok()
            && let Ok(snapshot) = answer.await
        {
            return snapshot;
        }
        // The task is gone with its runtime: the last thing it knew is the best there is.
        self.snapshots.borrow().clone()
    }

    /// The thresholds and window in force.
    pub fn options(&self) -> ModelOptions {
        self.settings.borrow().options.clone()
    }

    /// Changes thresholds or window, live.
    pub fn set_options(&self, options: ModelOptions) {
        self.settings.send_modify(|settings| settings.options = options);
    }

    /// The pool that views show where there are several and they have room for one; `None` for the first.
    pub fn bring_forward(&self, pool: Option<PoolId>) {
        self.settings.send_if_modified(|settings| {
            let changed = settings.front != pool;
            settings.front = pool;
            changed
        });
    }

    /// The interval between two snapshots.
    pub fn tick(&self) -> Duration {
        self.settings.borrow().tick
    }

    /// Changes the interval between two snapshots, live.
    pub fn set_tick(&self, tick: Duration) {
        self.settings.send_modify(|settings| settings.tick = tick);
    }
}

fn wall_ms(clock: &Clock, at: Stamp) -> u64 {
    let since_epoch = clock.wall(at).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

struct Task {
    clock: Clock,
    model: Model,
    events: mpsc::Receiver<Timed>,
    /// Only to read how many were dropped: this end never emits.
    tap: Tap,
    dropped: u64,
    sources: Arc<Sources>,
    changes: watch::Receiver<Settings>,
    tick: Duration,
    publisher: watch::Sender<Arc<Snapshot>>,
    last_look: Instant,
    recorder: Option<Recorder>,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut next = Instant::now();
        loop {
            tokio::select! {
                request = inbox.recv() => {
                    let Some(request) = request else { return };
                    // Who asked before the look shares it; who asks during it may have done something since.
                    let mut asked = vec![request];
                    asked.extend(std::iter::from_fn(|| inbox.try_recv().ok()));
                    let snapshot = self.look();
                    for request in asked {
                        if request.ends_recording {
                            self.recorder = None;
                        }
                        // One who no longer waits for the answer needs none.
                        let _ = request.reply.send(snapshot.clone());
                    }
                    next = self.next();
                }
                Ok(()) = self.changes.changed() => {
                    self.settings();
                    next = next.min(self.next());
                }
                Some(event) = self.events.recv() => {
                    self.feed(Record::Event(event));
                    // The rest of a storm goes in one go, not with a timer for each.
                    self.drain();
                    next = next.min(self.last_look + SOON);
                }
                () = tokio::time::sleep_until(next) => {
                    self.look();
                    next = self.next();
                }
            }
        }
    }

    /// When the next look is due.
    fn next(&self) -> Instant {
        self.last_look + self.tick.clamp(SHORTEST_TICK, LONGEST_TICK)
    }

    /// Takes over the settings in force.
    fn settings(&mut self) {
        let settings = self.changes.borrow_and_update().clone();
        self.tick = settings.tick;
        self.feed(Record::Options(settings.options));
    }

    /// The one way into the model, and into the recording.
    fn feed(&mut self, record: Record) {
        record.feed(&mut self.model);
        if let Some(recorder) = &mut self.recorder {
            recorder.push(record);
        }
    }

    /// Feeds what is queued, and no more than that: a source that never pauses must not keep readers waiting.
    fn drain(&mut self) {
        for _ in 0..self.events.len() {
            let Ok(event) = self.events.try_recv() else { return };
            self.feed(Record::Event(event));
        }
    }

    /// A tick: what is queued, every pulse, what came meanwhile; then judge and publish.
    fn look(&mut self) -> Arc<Snapshot> {
        // A setting changed before a sync is seen by it. (An error is a hub about to end.)
        if self.changes.has_changed().unwrap_or(false) {
            self.settings();
        }
        self.drain();
        let dropped = self.tap.dropped();
        if dropped != self.dropped {
            self.dropped = dropped;
            self.feed(Record::Dropped(dropped));
        }
        self.pulse();
        self.drain();
        let now = self.clock.now();
        self.feed(Record::Tick(now));
        let mut snapshot = self.model.snapshot(now, wall_ms(&self.clock, now));
        snapshot.front = self.changes.borrow().front;
        snapshot.recording = self.recorder.as_ref().map(Recorder::row);
        let snapshot = Arc::new(snapshot);
        self.publisher.send_replace(snapshot.clone());
        self.last_look = Instant::now();
        snapshot
    }

    /// Asks every source. The list is copied, so that a source may attach another one while it is asked.
    fn pulse(&mut self) {
        let asked = self.sources.0.lock().clone();
        // A recording with a gap needs the whole as much as a model that lacks events.
        let gap = self.recorder.as_mut().is_some_and(Recorder::take_owes_whole);
        let resync = self.model.is_out_of_sync() || gap;
        for Source { source, .. } in &asked {
            if resync {
                source.resync();
            }
            let at = self.clock.now();
            let Some(event) = source.pulse(at) else { continue };
            if let Event::Pool(pool, _) = event {
                self.remember(source, pool);
            }
            self.feed(Record::Event(Timed { at, event }));
        }
        // A pool that has stopped has been heard for the last time.
        let model = &self.model;
        self.sources.0.lock().retain(|source| source.pool.is_none_or(|pool| !model.is_stopped(pool)));
    }

    fn remember(&self, source: &Arc<dyn PulseSource>, pool: PoolId) {
        let mut sources = self.sources.0.lock();
        if let Some(known) = sources.iter_mut().find(|known| Arc::ptr_eq(&known.source, source)) {
            known.pool = Some(pool);
        }
    }
}

#[cfg(test)]
mod tests;
