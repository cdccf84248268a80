//! Standard output, written where nobody waits for it but who asked: a reader that takes nothing must not keep the program
//! from hearing a signal.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::terminal;

/// A pipe that takes anything takes so much at once. A longer text goes through a thread.
const AT_ONCE: usize = 512;

/// How much of a long text is under way when it is given up.
const CHUNK: usize = 64 << 10;

/// See the module.
pub(super) struct Outlet {
    file: Arc<File>,
    terminal: bool,
    /// What a write that was given up left behind: the next one comes after it.
    under_way: Option<JoinHandle<io::Result<()>>>,
}

impl Outlet {
    pub(super) fn new(terminal: bool) -> io::Result<Self> {
        Ok(Self { file: Arc::new(terminal::output()?), terminal, under_way: None })
    }

    /// Writes all of it. Dropped before its end it stops soon.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.settle().await?;
        // A terminal may say that it takes something and take less.
        if !self.terminal && bytes.len() <= AT_ONCE && terminal::takes_more(&*self.file, Duration::ZERO) {
            return (&*self.file).write_all(&bytes);
        }
        let mut bytes = Bytes::from(bytes);
        while !bytes.is_empty() {
            let (file, part) = (Arc::clone(&self.file), bytes.split_to(bytes.len().min(CHUNK)));
            self.under_way = Some(spawn_blocking(move || (&*file).write_all(&part)));
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> io::Result<()> {
        let Some(writing) = &mut self.under_way else { return Ok(()) };
        let written = writing.await;
        self.under_way = None;
        written.map_err(io::Error::other)?
    }
}
