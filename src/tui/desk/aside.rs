//! Lines that need no connection of the pool, run while another line still runs: it may be one that waits for what they
//! free.

use std::io;

use tokio::sync::mpsc;

use super::{ToScreen, beside};
use crate::command::Hidden;
use crate::command::jobs::JobControl;
use crate::command::output::{Output, Sink};
use crate::command::session::Session;
use crate::hub::Hub;
use crate::tui::run::Said;

/// How many such lines may wait for each other: they are typed by hand.
pub(super) const LINES: usize = 32;

/// A line, and who hears of it.
pub(super) type Order = (String, mpsc::Sender<Said>);

/// The task's own state.
pub(super) struct Aside {
    pub(super) session: Session,
    pub(super) hub: Hub,
    pub(super) jobs: JobControl,
}

impl Aside {
    /// Runs lines one after the other until no more can come.
    pub(super) async fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some((line, said)) = orders.recv().await {
            let mut sink = ToScreen { said, last: None };
            // A screen that is gone needs to hear nothing.
            let _ = self.run(&line, &mut sink).await;
            self.hub.sync().await;
            let _ = sink.say(Said::Jobs(beside(&self.jobs))).await;
        }
    }

    async fn run(&mut self, line: &str, sink: &mut ToScreen) -> io::Result<()> {
        let line = match self.session.understand(line) {
            Ok(line) => line,
            Err(error) => return sink.push(Hidden::of(line).cover(Output::error(&error))).await,
        };
        if self.session.question(&line).await.is_some() {
            // The line that runs may ask as well, and an answer must not reach the wrong one.
            let words = "this asks first, and another line runs: Ctrl-C ends that one";
            return sink.push(Output::error(words)).await;
        }
        self.session.run(&line, sink).await.map(|_| ())
    }
}
