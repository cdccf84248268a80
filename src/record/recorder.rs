//! From the hub to the disk. The hub hands over what it has fed the model and never waits: a thread writes, and what
//! that cannot keep up with is counted and told as a gap.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{End, Record};
use crate::event::wire::{Header, write_line};
use crate::event::{Clock, Event, PoolEvent, ServerEvent, Stamp, Timed, WatchEvent};
use crate::model::ModelOptions;
use crate::snapshot::RecordingRow;
use crate::text;

/// How many lines may wait for the disk.
const QUEUE: usize = 16_384;

/// How much memory they may take: a pulse of a large pool is a megabyte.
const QUEUE_BYTES: usize = 32 << 20;

/// What is kept free for the last line, so that a full recording says so.
const LAST_LINE: u64 = 64;

/// How long the end of a run waits for a slow disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hub's end. Dropped, the recording ends.
#[derive(Debug)]
pub struct Recorder {
    queue: Option<SyncSender<Queued>>,
    shared: Arc<Shared>,
    /// Lines lost since the last one that got through.
    gap: u64,
    /// After a gap the sources should tell the whole.
    owes_whole: bool,
}

/// The end of whoever started it.
#[derive(Debug)]
pub struct Recording {
    shared: Arc<Shared>,
    done: oneshot::Receiver<()>,
}

struct Queued {
    /// Lines lost before it.
    gap: u64,
    record: Record,
    weight: usize,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    lost: AtomicU64,
    queued: AtomicUsize,
    ended: Mutex<Option<Arc<str>>>,
}

impl Shared {
    fn end(&self, why: String) {
        *self.ended.lock() = Some(why.into());
    }
}

/// Records to this file from now on, and no more than `limit` bytes. `sees` is what the sources of the run can see.
///
/// # Errors
/// The system's, when it gives no thread.
pub fn record(
    file: File,
    clock: &Clock,
    sees: &[&str],
    options: ModelOptions,
    limit: u64,
) -> io::Result<(Recorder, Recording)> {
    let (queue, lines) = sync_channel(QUEUE);
    let shared = Arc::<Shared>::default();
    let (done, ended) = oneshot::channel();
    let started = clock.wall(Stamp::default()).duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let header = Header::new(crate::event::nanos(started), sees);
    let writer =
        Writer { file: BufWriter::new(file), line: Vec::new(), shared: shared.clone(), limit, told: 0 };
    std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
        writer.run(&header, &lines);
        // Nobody waits for it where the run has ended without it.
        let _ = done.send(());
    })?;
    let mut recorder = Recorder { queue: Some(queue), shared: shared.clone(), gap: 0, owes_whole: false };
    recorder.push(Record::Options(options));
    Ok((recorder, Recording { shared, done: ended }))
}

impl Recorder {
    /// Hands over a line, or counts it as lost.
    pub fn push(&mut self, record: Record) {
        let Some(queue) = &self.queue else { return };
        let weight = weight(&record);
        if self.shared.queued.fetch_add(weight, Ordering::Relaxed) + weight <= QUEUE_BYTES {
            let gap = std::mem::take(&mut self.gap);
            match queue.try_send(Queued { gap, record, weight }) {
                Ok(()) => return,
                Err(std::sync::mpsc::TrySendError::Disconnected(_)) => {
                    self.queue = None;
                    return;
                }
                Err(std::sync::mpsc::TrySendError::Full(queued)) => self.gap = queued.gap,
            }
        }
        self.shared.queued.fetch_sub(weight, Ordering::Relaxed);
        self.gap += 1;
        self.owes_whole = true;
        self.shared.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether something was lost since the last call: what the sources tell next should be the whole.
    pub fn take_owes_whole(&mut self) -> bool {
        std::mem::take(&mut self.owes_whole)
    }

    /// How it goes.
    pub fn row(&self) -> RecordingRow {
        RecordingRow {
            bytes: self.shared.bytes.load(Ordering::Relaxed),
            lost: self.shared.lost.load(Ordering::Relaxed),
            ended: self.shared.ended.lock().clone(),
        }
    }
}

impl Recording {
    /// Waits until the hub's end is dropped and all is written, for so long at most. Gives what the person should know.
    pub async fn finish(self) -> Vec<String> {
        let written = tokio::time::timeout(PATIENCE, self.done).await.is_ok();
        let mut said = Vec::new();
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost > 0 {
            said.push(format!("it lacks {} lines that the disk was too slow for", text::thousands(lost)));
        }
        match &*self.shared.ended.lock() {
            Some(why) => said.push(why.to_string()),
            None if !written => said.push("the disk is too slow: its end may be missing".to_owned()),
            None => {}
        }
        said
    }
}

/// What a client of a server takes, roughly, and what a socket does.
const CLIENT: usize = 512;
const SOCKET: usize = 64;

/// What a line takes while it waits, roughly.
fn weight(record: &Record) -> usize {
    let large = match record {
        Record::Event(Timed { event: Event::Pool(_, PoolEvent::Pulse(pulse)), .. }) => {
            let samples = [&pulse.wait, &pulse.held, &pulse.create, &pulse.unanswered];
            let samples = samples.map(|samples| samples.0.len());
            let by_command: usize = pulse.round_trips.iter().map(|(_, samples)| samples.0.len() + 4).sum();
            let rows = pulse.connections.len() + pulse.waiters.len();
            rows * 256 + (samples.into_iter().sum::<usize>() + by_command) * 16 + 512
        }
        Record::Event(Timed { event: Event::Pool(_, PoolEvent::Left(left)), .. }) => left.leases.len() * 256,
        Record::Event(Timed { event: Event::Server(event), .. }) => match event {
            ServerEvent::Info { raw, .. } => raw.len(),
            ServerEvent::Lost { error, .. } => error.len(),
            ServerEvent::Slots(slots) => {
                let sockets = slots.sockets.as_ref().map_or(0, Vec::len);
                slots.listed.len() * CLIENT + (slots.asked.len() + sockets) * 32
            }
        },
        Record::Event(Timed { event: Event::Watch(_, event), .. }) => match event {
            WatchEvent::Info { raw, .. } => raw.len(),
            WatchEvent::Opened(clients) | WatchEvent::Changed(clients) => clients.len() * CLIENT,
            WatchEvent::Owners(owners) => owners.len() * CLIENT,
            WatchEvent::UnixShares(shares) => shares.len() * CLIENT,
            WatchEvent::Sockets(sockets) => sockets.len() * SOCKET,
            WatchEvent::Closed(ids) => ids.len() * 8,
            _ => 512,
        },
        _ => 0,
    };
    size_of::<Queued>() + large
}

/// The thread's own.
struct Writer {
    file: BufWriter<File>,
    line: Vec<u8>,
    shared: Arc<Shared>,
    limit: u64,
    /// Lost lines that were told as gaps.
    told: u64,
}

/// Why writing stops.
enum Stop {
    Full,
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Writer {
    fn run(mut self, header: &Header, lines: &Receiver<Queued>) {
        let why = match self.all(header, lines) {
            Ok(()) => return,
            Err(Stop::Failed(error)) => format!("it ends early: {error}"),
            Err(Stop::Full) => {
                let limit = text::bytes(self.limit);
                match self.last(End::Full) {
                    Ok(()) => format!("it is full at {limit} and ends there"),
                    Err(error) => format!("it is full at {limit}, and ends early: {error}"),
                }
            }
        };
        self.shared.end(why);
    }

    fn all(&mut self, header: &Header, lines: &Receiver<Queued>) -> Result<(), Stop> {
        write_line(header, &mut self.line)?;
        self.put()?;
        while let Ok(first) = lines.recv() {
            self.take(&first)?;
            // What waits goes in one go, and is on the disk before the thread waits again.
            while let Ok(next) = lines.try_recv() {
                self.take(&next)?;
            }
            self.file.flush()?;
        }
        // What was lost after the last line that got through.
        let lost = self.shared.lost.load(Ordering::Relaxed).saturating_sub(self.told);
        if lost > 0 {
            write_line(&Record::Gap(lost), &mut self.line)?;
        }
        self.last(End::Finished)?;
        Ok(())
    }

    fn take(&mut self, queued: &Queued) -> Result<(), Stop> {
        self.shared.queued.fetch_sub(queued.weight, Ordering::Relaxed);
        if queued.gap > 0 {
            self.told += queued.gap;
            write_line(&Record::Gap(queued.gap), &mut self.line)?;
        }
        write_line(&queued.record, &mut self.line)?;
        self.put()
    }

    /// Puts the line out, if there is room for it.
    fn put(&mut self) -> Result<(), Stop> {
        let bytes = self.shared.bytes.load(Ordering::Relaxed) + self.line.len() as u64;
        if bytes + LAST_LINE > self.limit {
            self.line.clear();
            return Err(Stop::Full);
        }
        self.file.write_all(&self.line)?;
        self.line.clear();
        self.shared.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    fn last(&mut self, end: End) -> io::Result<()> {
        write_line(&Record::End(end), &mut self.line)?;
        self.file.write_all(&self.line)?;
        self.file.flush()
    }
}
