//! The task that has an app's terminal: it reads all the app writes as soon as that is written, and hands out a picture
//! of it now and then, so that an app that writes without end is held up by nobody and holds up nobody.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use pty_process::{OwnedReadPty, OwnedWritePty, Pty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Console, Picture, Size};

/// Shortest time between two pictures: what comes in between is seen together.
const FRAME: Duration = Duration::from_millis(16);
/// What is read at once. The system's own buffer holds less.
const CHUNK: usize = 8 << 10;
/// How much that was typed or pasted may wait for an app that does not read. Beyond it is lost, as on any terminal.
const WAITING: usize = 1 << 20;
/// Orders that wait. They are taken in at once, so few ever do.
const ORDERS: usize = 256;

/// What the screen wants done.
#[derive(Debug)]
enum Order {
    Type(Vec<u8>),
    Resize(Size),
    Scroll(isize),
}

/// The screen's end: what is to be seen, and what is typed.
#[derive(Clone, Debug)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    pictures: watch::Receiver<Arc<Picture>>,
}

impl Handle {
    /// What is to be seen, from now on: as it is now, and then as it changes.
    pub fn pictures(&self) -> watch::Receiver<Arc<Picture>> {
        let mut pictures = self.pictures.clone();
        pictures.mark_changed();
        pictures
    }

    /// Types this, as soon as the app reads.
    pub fn type_in(&self, bytes: Vec<u8>) {
        // Only one that has no task any more has so many that wait.
        let _ = self.orders.try_send(Order::Type(bytes));
    }

    /// Gives it another size, and has the app told.
    pub fn resize(&self, size: Size) {
        let _ = self.orders.try_send(Order::Resize(size));
    }

    /// Shows lines further up, or further down where `by` is less than 0.
    pub fn scroll(&self, by: isize) {
        let _ = self.orders.try_send(Order::Scroll(by));
    }
}

/// See the module. Dropped, it closes the terminal: who still has it gets SIGHUP.
pub struct Keeper {
    console: Console,
    reader: OwnedReadPty,
    writer: OwnedWritePty,
    waiting: Vec<u8>,
    orders: mpsc::Receiver<Order>,
    pictures: watch::Sender<Arc<Picture>>,
    /// Nobody has the other end any more.
    over: watch::Sender<bool>,
}

impl Keeper {
    /// Of this terminal, of which these bytes have been read before.
    pub fn new(pty: Pty, size: Size, read: &[u8]) -> (Self, Handle) {
        let mut console = Console::new(size);
        console.feed(read);
        let (reader, writer) = pty.into_split();
        let (orders, receiver) = mpsc::channel(ORDERS);
        let (pictures, shown) = watch::channel(Arc::new(console.picture()));
        let (over, _) = watch::channel(false);
        let waiting = console.answers();
        let handle = Handle { orders, pictures: shown };
        (Self { console, reader, writer, waiting, orders: receiver, pictures, over }, handle)
    }

    /// Whether all that was ever written to it has been read.
    pub fn over(&self) -> watch::Receiver<bool> {
        self.over.subscribe()
    }

    /// Serves until it is dropped.
    pub async fn serve(mut self) {
        let mut chunk = vec![0; CHUNK];
        let mut next = Instant::now();
        let mut dirty = false;
        loop {
            let over = *self.over.borrow();
            tokio::select! {
                Some(order) = self.orders.recv() => {
                    dirty = true;
                    self.obey(order);
                }
                read = self.reader.read(&mut chunk), if !over => match read {
                    Ok(0) => self.end(),
                    Ok(read) => {
                        self.console.feed(&chunk[..read]);
                        self.answer();
                        dirty = true;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // What Linux says once nobody has the other end.
                    Err(_) => self.end(),
                },
                written = self.writer.write(&self.waiting), if !self.waiting.is_empty() && !over => {
                    let written = written.unwrap_or(self.waiting.len());
                    self.waiting.drain(..written);
                }
                () = sleep_until(next), if dirty => {
                    self.publish();
                    dirty = false;
                    next = Instant::now() + FRAME;
                }
                // Nobody looks, and nobody writes.
                else => return,
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Type(bytes) => {
                self.console.follow();
                let room = WAITING.saturating_sub(self.waiting.len()).min(bytes.len());
                self.waiting.extend_from_slice(&bytes[..room]);
            }
            Order::Resize(size) if size != self.console.size() => {
                self.console.resize(size);
                let Size { rows, columns } = self.console.size();
                // One that nobody has needs no size.
                let _ = self.writer.resize(pty_process::Size::new(rows, columns));
            }
            Order::Resize(_) => {}
            Order::Scroll(by) => self.console.scroll(by),
        }
    }

    /// Answers go before what is typed later, and are lost where there is no room.
    fn answer(&mut self) {
        let answers = self.console.answers();
        if self.waiting.len() + answers.len() <= WAITING {
            self.waiting.extend(answers);
        }
    }

    fn publish(&self) {
        self.pictures.send_if_modified(|shown| {
            let picture = self.console.picture();
            let news = picture != **shown;
            if news {
                *shown = Arc::new(picture);
            }
            news
        });
    }

    fn end(&mut self) {
        self.waiting.clear();
        self.publish();
        self.over.send_replace(true);
    }
}
