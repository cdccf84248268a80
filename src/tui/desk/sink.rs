//! The way from a line to the screen.

use std::io;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::last::Last;
use super::paper;
use crate::command::output::{Output, Sink};
use crate::tui::output::Kind;
use crate::tui::run::Said;

/// Lines of output that travel together, and bytes of them: what waits for the screen is bounded in both.
pub(super) const CHUNK: usize = 256;
const CHUNK_BYTES: usize = 64 << 10;

/// The way to the screen.
pub(super) struct ToScreen {
    pub(super) said: mpsc::Sender<Said>,
    /// What a line gives is kept for the pager; what a job gives is not.
    pub(super) last: Option<Last>,
}

impl ToScreen {
    pub(super) async fn say(&mut self, said: Said) -> io::Result<()> {
        self.said.send(said).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Sends lines in chunks, so that a long reply never stands whole in the channel.
    pub(super) async fn lines(&mut self, lines: Vec<(Kind, String)>) -> io::Result<()> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        for line in lines {
            bytes += line.1.len();
            chunk.push(line);
            if chunk.len() == CHUNK || bytes > CHUNK_BYTES {
                self.say(Said::Lines(std::mem::take(&mut chunk))).await?;
                bytes = 0;
            }
        }
        if chunk.is_empty() { Ok(()) } else { self.say(Said::Lines(chunk)).await }
    }
}

impl Sink for ToScreen {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        let said = paper::said(&output);
        if let Some(last) = &self.last {
            last.keep(output);
        }
        Box::pin(async move {
            match said {
                Said::Lines(lines) => self.lines(lines).await,
                other => self.say(other).await,
            }
        })
    }
}
