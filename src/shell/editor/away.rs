//! Keys that leave the line for a while. Such a key ends the line, and what stood in it is kept for when it is asked for
//! again.
//!
//! Ctrl-Z is one: rustyline's own stop is for programs of one thread. In others its thread runs on for a moment, takes
//! the terminal again, and is stopped only then. So whoever asked for the line stops the program.

use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::history::History;
use rustyline::{Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, RepeatCount};

/// What stood left and right of the cursor.
pub(super) type Line = (String, String);

/// The key, and the line it was pressed in.
#[derive(Clone, Default)]
pub(super) struct AwayKey(Arc<Mutex<Option<Line>>>);

impl AwayKey {
    /// Makes the key an editor's.
    pub(super) fn bind<H: rustyline::Helper, I: History>(
        &self,
        keys: impl Into<Event>,
        editor: &mut rustyline::Editor<H, I>,
    ) {
        editor.bind_sequence(keys, EventHandler::Conditional(Box::new(self.clone())));
    }

    /// The line the key interrupted, if it was the key.
    pub(super) fn pressed(&self) -> Option<Line> {
        self.0.lock().take()
    }
}

impl ConditionalEventHandler for AwayKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let (left, right) = context.line().split_at(context.pos());
        *self.0.lock() = Some((left.to_owned(), right.to_owned()));
        Some(Cmd::Interrupt)
    }
}
