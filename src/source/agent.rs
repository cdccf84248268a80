//! What an app's own processes report from inside: the agent in each of them writes to a unix socket, and what it writes
//! becomes events.
//!
//! Whoever can write to the socket is of the same user and may still be hostile or confused: lines, names and tables are
//! capped, what makes no sense is passed over, and reading waits for the hub, so that a flood fills the sender's buffer
//! and not our memory.

mod numbers;
mod place;
mod pool;
mod speaker;
mod stacks;
mod wire;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use self::numbers::Numbers;
pub use self::place::{Place, SOCKET, STARTED};
use self::speaker::{Fault, Speaker};
use self::wire::LINE_BYTES;
use crate::event::{AppEvent, Clock, Event, Tap, Timed};

/// Processes that may report at one time.
const PROCESSES: usize = 512;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// The pause after a connection could not be accepted: with no descriptor left the next try fails as well.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// Takes the reports that come to a socket. Dropping it ends that, and takes the socket away.
#[derive(Debug)]
pub struct Agents {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Agents {
    /// Listens at this path, which must be free, for processes of the same user.
    ///
    /// # Errors
    /// Whatever the system says against listening there.
    pub fn listen(path: &Path, tap: Tap, clock: Clock) -> io::Result<Self> {
        let listener = place::bind(path)?;
        let told = Told { tap, clock, numbers: Arc::default() };
        Ok(Self { path: path.to_owned(), task: tokio::spawn(serve(listener, told)) })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.task.abort();
        // One that somebody took away is gone already.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Where what is told goes.
#[derive(Clone, Debug)]
struct Told {
    tap: Tap,
    clock: Clock,
    numbers: Arc<Numbers>,
}

async fn serve(listener: UnixListener, told: Told) {
    let places = Arc::new(Semaphore::new(PROCESSES));
    // Ended with this task: aborting it ends the readers.
    let mut readers = tokio::task::JoinSet::new();
    loop {
        while readers.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw());
        if !ours {
            let why = "a process of another user tried to report, and was not listened to".to_owned();
            told.say(AppEvent::Silent { why }).await;
            continue;
        }
        // One too many is closed at once; it tries again later.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let told = told.clone();
        readers.spawn(async move {
            told.read(stream).await;
            drop(place);
        });
    }
}

impl Told {
    async fn say(&self, event: AppEvent) {
        self.tap.send(Timed { at: self.clock.now(), event: Event::App(event) }).await;
    }

    /// Takes all that one process reports, until it ends or makes no sense.
    async fn read(&self, stream: UnixStream) {
        let mut lines = Lines::new(stream);
        let Ok(Some(first)) = lines.next().await else { return };
        let greeted = Speaker::greet(self.clock.now(), first, self.numbers.clone());
        let (mut speaker, events) = match greeted {
            Ok(greeted) => greeted,
            Err(fault) => return self.say(AppEvent::Silent { why: reason(&fault) }).await,
        };
        self.tell(events).await;
        while let Ok(Some(line)) = lines.next().await {
            let Ok(events) = speaker.hear(self.clock.now(), line) else { break };
            self.tell(events).await;
        }
        self.tell(speaker.gone(self.clock.now())).await;
    }

    async fn tell(&self, events: Vec<Timed>) {
        for timed in events {
            self.tap.send(timed).await;
        }
    }
}

fn reason(fault: &Fault) -> String {
    match fault {
        Fault::Version(version) => format!(
            "a process reports in version {version} of the protocol, and this program knows version {}",
            wire::VERSION
        ),
        Fault::Stranger | Fault::Garbage => {
            "something connected that does not report as an agent does".to_owned()
        }
    }
}

/// The lines of a stream, none longer than [`LINE_BYTES`].
struct Lines<R> {
    stream: R,
    taken: Vec<u8>,
    /// Of what is taken, so much was given out.
    given: usize,
    /// Of what is taken, so much has no end of a line.
    looked: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(stream: R) -> Self {
        Self { stream, taken: Vec::new(), given: 0, looked: 0 }
    }

    /// The next line, without its end; nothing at the end of the stream, and after a line that is too long.
    async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.taken.drain(..self.given);
        self.looked = self.looked.saturating_sub(self.given);
        self.given = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.taken[self.looked..]) {
                let end = self.looked + at;
                self.given = end + 1;
                self.looked = self.given;
                return Ok(Some(&self.taken[..end]));
            }
            self.looked = self.taken.len();
            if self.taken.len() > LINE_BYTES {
                return Ok(None);
            }
            self.taken.reserve(CHUNK);
            let mut room = (&mut self.stream).take(CHUNK as u64);
            if room.read_buf(&mut self.taken).await? == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests;
