//! Outputs on standard output, as redis-cli prints them.

use std::io::{self, Write};
use std::mem;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::outlet::Outlet;
use crate::command::output::{Output, Sink};
use crate::config::ShellSettings;
use crate::resp::print::{Printer, Style};
use crate::text;

/// Replies and text go to stdout; what went wrong on our side to stderr, unless a person reads both in one place.
pub(super) struct StdoutSink {
    out: Outlet,
    printer: Printer,
    terminal: bool,
    /// `-e` with one command: an error reply goes to stderr as its bare text. From a pipe redis-cli leaves it in its
    /// place among the other replies.
    errors_apart: bool,
    /// How long commands took is said where a person has noticed.
    timed: bool,
    /// What the reply that comes next took.
    took: Duration,
}

/// From here on redis-cli says how long it took.
const NOTICED: Duration = Duration::from_millis(500);

impl StdoutSink {
    /// A style that was not asked for is by where stdout goes, as in redis-cli.
    pub(super) fn new(settings: &ShellSettings, terminal: bool) -> io::Result<Self> {
        let style = settings.style.unwrap_or(if terminal { Style::Standard } else { Style::Raw });
        let errors_apart = settings.exit_code && !settings.command.is_empty();
        let out = Outlet::new(terminal)?;
        let printer = Printer { style, escape: terminal };
        Ok(Self { out, printer, terminal, errors_apart, timed: false, took: Duration::ZERO })
    }

    /// From now on a person is told of slow commands, in the form that is made for people.
    pub(super) fn tell_time(&mut self) {
        self.timed = self.printer.style == Style::Standard;
    }

    /// What a job gave. A person is told which job it was, line by line; a program gets the reply as it is.
    pub(super) async fn write_of_job(&mut self, job: u32, output: &Output) -> io::Result<()> {
        match output {
            Output::Reply { value, verbatim } if self.terminal => {
                let printed = self.printer.print(value, *verbatim);
                let mut marked = Vec::with_capacity(printed.len() + printed.len() / 8);
                for line in printed.split_inclusive(|byte| *byte == b'\n') {
                    marked.extend_from_slice(format!("[{job}] ").as_bytes());
                    marked.extend_from_slice(line);
                }
                self.out.write(marked).await
            }
            Output::Streaming => self.write(&Output::Note(format!("[{job}] reading messages"))).await,
            Output::Error(sentence) => self.write(&Output::Error(format!("[{job}] {sentence}"))).await,
            Output::Note(sentence) => self.write(&Output::Note(format!("[{job}] {sentence}"))).await,
            other => self.write(other).await,
        }
    }

    pub(super) async fn write(&mut self, output: &Output) -> io::Result<()> {
        match self.bytes(output) {
            Some(bytes) => self.out.write(bytes).await,
            None => Ok(()),
        }
    }

    /// What goes to standard output. What goes elsewhere has gone there.
    fn bytes(&mut self, output: &Output) -> Option<Vec<u8>> {
        Some(match output {
            Output::Reply { value, .. } if self.errors_apart && value.error().is_some() => {
                let mut line = value.error().unwrap_or_default().to_vec();
                line.push(b'\n');
                let _ = io::stderr().write_all(&line);
                return None;
            }
            Output::Reply { value, verbatim } => {
                let mut printed = self.printer.print(value, *verbatim);
                let took = mem::take(&mut self.took);
                if self.timed && took >= NOTICED {
                    printed.extend(format!("({:.2}s)\n", took.as_secs_f64()).into_bytes());
                }
                printed
            }
            Output::Took(took) => {
                self.took = took.wait.unwrap_or_default() + took.round_trip;
                return None;
            }
            Output::Text(words) if self.terminal => {
                let columns = crossterm::terminal::size().map_or(0, |(columns, _)| columns);
                // A terminal that does not say how wide it is wraps by itself.
                if columns == 0 { words.clone() } else { text::folded(words, usize::from(columns)) }
                    .into_bytes()
            }
            Output::Text(text) => text.clone().into_bytes(),
            Output::Error(sentence) if self.terminal => format!("error: {sentence}\n").into_bytes(),
            Output::Note(sentence) if self.terminal => format!("{sentence}\n").into_bytes(),
            Output::Error(sentence) | Output::Note(sentence) => {
                // stderr is for people: that nobody reads it is no reason to stop.
                let _ = writeln!(io::stderr(), "redis-pooltop: {sentence}");
                return None;
            }
            Output::Streaming if self.terminal => b"Reading messages... (press Ctrl-C to quit)\n".to_vec(),
            Output::Clear if self.terminal => b"\x1b[H\x1b[2J".to_vec(),
            Output::Streaming | Output::Clear => return None,
        })
    }
}

impl Sink for StdoutSink {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move { self.write(&output).await })
    }
}
