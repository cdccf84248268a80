//! What the screen needs from whoever runs lines, and nothing of how that is done.

use std::ops::Range;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::action::Loan;
use super::output::Kind;
use super::prompt::Candidates;
use crate::command;
use crate::command::output::Took;
use crate::event::{Exact, NodeId};
use crate::record::Control;
use crate::snapshot::Snapshot;

/// Lines longer than this, in bytes, are pastes: nobody reads a hint or a colour in one, so neither is asked for.
pub const TYPED: usize = 4 << 10;

/// What a running command says.
#[derive(Debug)]
pub enum Said {
    /// Lines of output, safe to show.
    Lines(Vec<(Kind, String)>),
    /// Which connection it took, and how long that lasted.
    Took(Took),
    /// It still runs, and nobody should wait for its end: whether it has no connection yet.
    Still {
        /// It has none.
        waits: bool,
    },
    /// What a key has done, now that it is done; safe to show.
    Noted(Kind, String),
    /// The output is to be emptied.
    Clear,
    /// What stands before the typed line from now on.
    Prefix(String),
    /// The jobs that Ctrl-C can end, oldest first, instead of those told of before.
    Jobs(Vec<Beside>),
    /// It asks before it goes on; the answer comes by [`Job::answer`].
    Ask(String),
    /// The same; the answer is this word, typed.
    AskWord(String, String),
    /// The terminal is to be lent.
    Lend(Loan),
    /// It asked to end the program.
    Quit,
    /// It has ended, cancelled or not: the next line may run.
    Ended,
}

/// A job beside the prompt that Ctrl-C can end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Its number.
    pub number: u32,
    /// Its command, safe to show.
    pub command: String,
}

/// A line that runs.
#[derive(Debug)]
pub struct Job {
    cancel: Option<oneshot::Sender<()>>,
    answers: mpsc::Sender<String>,
}

impl Job {
    /// A job that ends when `cancel` is told to, and reads what it asked from the other end of `answers`.
    pub fn new(cancel: oneshot::Sender<()>, answers: mpsc::Sender<String>) -> Self {
        Self { cancel: Some(cancel), answers }
    }

    /// Ends it: what it holds is given back. A job that has just ended is left alone.
    pub fn cancel(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            let _ = cancel.send(());
        }
    }

    /// Answers what it asked: `y`, or the word it wants; anything else is a no.
    pub fn answer(&self, answer: String) {
        let _ = self.answers.try_send(answer);
    }
}

/// Runs lines for the screen, one at a time.
pub trait Runner: Send {
    /// Starts a line. All it says goes to `said`, [`Said::Ended`] last, whatever happens.
    fn start(&mut self, line: String, said: mpsc::Sender<Said>) -> Job;

    /// Runs a line that needs no connection of the pool beside the one that runs. What it prints goes to `said`.
    fn start_aside(&mut self, _line: String, _said: mpsc::Sender<Said>) {}

    /// Ends a job by its number. One that has just ended is left alone.
    fn end_job(&mut self, number: u32);

    /// Fetches what the last line gave: [`Said::Lend`] comes with it, when there is any.
    fn page(&mut self, said: mpsc::Sender<Said>);

    /// Takes a snapshot so often from now on, and asks the server with it.
    fn set_interval(&mut self, interval: Duration);

    /// Moves in the recording that is shown, where that is what is shown.
    fn tape(&mut self, _: Control) {}

    /// Closes clients of watched servers, where such are shown. What came of it goes to `said`.
    fn kill(&mut self, _clients: Vec<(NodeId, Exact)>, _said: mpsc::Sender<Said>) {}

    /// Has a line kept in the history file, and does not wait for it. Why that cannot be comes to `said`, once.
    fn remember(&mut self, line: &str, said: mpsc::Sender<Said>);
}

/// What the prompt asks while a person types. Called between two frames, so it must not wait for anything.
pub trait Assist: Send + Sync {
    /// What may stand in place of the word at `pos`.
    fn complete(&self, _line: &str, pos: usize, _snapshot: &Snapshot) -> Candidates {
        Candidates { range: pos..pos, words: Vec::new() }
    }

    /// What may follow the line: the syntax of the rest.
    fn hint(&self, _line: &str) -> Option<String> {
        None
    }

    /// What there is to know of the line's command: since which version, and what it costs.
    fn note(&self, _line: &str) -> Option<String> {
        None
    }

    /// What each part of a line is, in order, for colouring it; what is in no part is plain.
    fn highlight(&self, _line: &str) -> Vec<(Range<usize>, command::Kind)> {
        Vec::new()
    }

    /// The parts of a line that are passwords, in order.
    fn secrets(&self, _line: &str) -> Vec<Range<usize>> {
        Vec::new()
    }

    /// Takes note of a line that was run, for later completions.
    fn ran(&self, _line: &str) {}
}

/// There is nothing to help with: every answer is that of [`Assist`] itself.
pub struct Unassisted;

impl Assist for Unassisted {}
