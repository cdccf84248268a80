//! The way to the terminal: a thread writes what is drawn, so that a terminal that takes nothing, for want of a reader,
//! keeps nobody from hearing keys and signals. It has one frame at a time; what changes meanwhile is in the next.

use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use crate::terminal::{output, takes_more};

/// What may wait beside a frame: sequences that give the terminal back, and texts for its clipboard.
const WAITING: usize = 1 << 20;
/// A frame's memory is kept for the next, up to this.
const KEPT: usize = 64 << 10;
/// Between two looks at a terminal that does not block and takes nothing.
const MOMENT: Duration = Duration::from_millis(100);
/// The thread only writes.
const STACK: usize = 64 << 10;

/// There is one terminal, and the panic hook reaches it from any thread.
static OUTLET: OnceLock<Outlet> = OnceLock::new();

/// See the module.
#[derive(Clone)]
pub(super) struct Outlet(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// All is written.
    emptied: Condvar,
    /// The same, for the one who must not block.
    free: Notify,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    writing: bool,
    /// There is a frame in it.
    frame: bool,
    failed: Option<io::Error>,
}

impl State {
    fn is_busy(&self) -> bool {
        self.writing || !self.waiting.is_empty()
    }
}

impl Outlet {
    /// The terminal's. Its thread starts with the first that asks.
    pub(super) fn get() -> io::Result<Self> {
        if let Some(outlet) = OUTLET.get() {
            return Ok(outlet.clone());
        }
        let outlet = Self::new(output()?)?;
        Ok(OUTLET.get_or_init(|| outlet).clone())
    }

    /// The terminal's, where anybody had it.
    pub(super) fn open() -> Option<Self> {
        OUTLET.get().cloned()
    }

    fn new(file: File) -> io::Result<Self> {
        let shared = Shared {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            free: Notify::new(),
        };
        let outlet = Self(Arc::new(shared));
        let writer = outlet.clone();
        thread::Builder::new()
            .name("redis-pooltop terminal".to_owned())
            .stack_size(STACK)
            .spawn(move || writer.serve(&file))?;
        Ok(outlet)
    }

    /// Whether it is still at a frame.
    pub(super) fn has_frame(&self) -> bool {
        self.0.state.lock().frame
    }

    /// Has a frame written, and leaves an empty vector. Ask for [`Outlet::has_frame`] before.
    pub(super) fn frame(&self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.add(bytes, usize::MAX, true)
    }

    /// Has this written after what waits. Where too much does it is dropped.
    pub(super) fn write(&self, mut bytes: Vec<u8>) -> io::Result<()> {
        self.add(&mut bytes, WAITING, false)
    }

    /// Says as well what went wrong with what was written before.
    fn add(&self, bytes: &mut Vec<u8>, most: usize, frame: bool) -> io::Result<()> {
        let mut state = self.0.state.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if state.waiting.is_empty() {
            mem::swap(&mut state.waiting, bytes);
        } else if state.waiting.len().saturating_add(bytes.len()) <= most {
            state.waiting.extend_from_slice(bytes);
        }
        state.frame |= frame;
        bytes.clear();
        drop(state);
        self.0.filled.notify_one();
        Ok(())
    }

    /// Blocks until all is written, or that takes too long.
    pub(super) fn settle(&self, patience: Duration) {
        let until = Instant::now() + patience;
        let mut state = self.0.state.lock();
        while state.is_busy() && !self.0.emptied.wait_until(&mut state, until).timed_out() {}
    }

    /// Waits until no frame is left to be written.
    pub(super) async fn free(&self) {
        loop {
            let free = self.0.free.notified();
            if !self.has_frame() {
                return;
            }
            free.await;
        }
    }

    fn serve(&self, file: &File) {
        let mut bytes = Vec::new();
        loop {
            {
                let mut state = self.0.state.lock();
                while state.waiting.is_empty() {
                    self.0.filled.wait(&mut state);
                }
                mem::swap(&mut state.waiting, &mut bytes);
                state.writing = true;
            }
            let written = write_all(file, &bytes);
            bytes.clear();
            bytes.shrink_to(KEPT);
            let mut state = self.0.state.lock();
            state.writing = false;
            if let Err(error) = written {
                state.failed = Some(error);
            }
            if !state.is_busy() {
                state.frame = false;
                drop(state);
                self.0.emptied.notify_all();
                self.0.free.notify_one();
            }
        }
    }
}

/// Writes all of it, on a terminal too that somebody has told not to block.
fn write_all(mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                takes_more(file, MOMENT);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;

    use super::*;

    /// More than a pipe takes while nobody reads.
    const MUCH: usize = 1 << 20;

    #[test]
    fn one_that_takes_nothing_holds_up_nobody_and_little_waits_for_it() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let outlet = Outlet::new(File::from(OwnedFd::from(writer))).expect("a thread");
        outlet.frame(&mut vec![b'a'; MUCH]).expect("it is taken");
        let mut first = vec![0; MUCH];
        // From here on the thread is at it: what is written now waits behind it.
        reader.read_exact(&mut first[..1]).expect("its beginning");
        outlet.settle(Duration::from_millis(1));
        assert!(outlet.has_frame());
        for _ in 0..100 {
            outlet.write(vec![b'b'; MUCH / 4]).expect("it is taken, or dropped");
        }
        assert!(outlet.0.state.lock().waiting.len() <= WAITING);
        reader.read_exact(&mut first[1..]).expect("what was written first");
        assert!(first.iter().all(|byte| *byte == b'a'));
        let mut next = vec![0; MUCH / 4];
        reader.read_exact(&mut next).expect("what waited");
        assert!(next.iter().all(|byte| *byte == b'b'));
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_told_the_next_time() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let outlet = Outlet::new(File::from(OwnedFd::from(writer))).expect("a thread");
        drop(reader);
        outlet.frame(&mut b"lost".to_vec()).expect("it is taken");
        outlet.free().await;
        let error = outlet.write(b"more".to_vec()).expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
