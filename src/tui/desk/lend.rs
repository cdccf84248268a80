//! A line whose shell command wants the terminal, as a pager does: it gets what the line gave once that has ended.

use std::io;

use futures_util::future::BoxFuture;

use super::ToScreen;
use crate::command::Line;
use crate::command::output::{Outcome, Output, Sink};
use crate::command::pipe;
use crate::command::session::Session;
use crate::tui::action::Loan;
use crate::tui::run::Said;

/// Runs a line whose shell command wants the terminal: that comes when the line has ended.
pub(super) async fn lend(
    session: &mut Session,
    line: &Line,
    command: String,
    sink: &mut ToScreen,
) -> io::Result<Outcome> {
    if session.keeps_on(line) {
        let words = format!("{command} would wait for the end of this one: run it alone, as a job");
        sink.push(line.hidden.cover(Output::error(&words))).await?;
        return Ok(Outcome::Failed);
    }
    let mut plate = Plate::default();
    let outcome = session.run(line, &mut plate).await?;
    for past in plate.past {
        sink.push(past).await?;
    }
    sink.say(Said::Lend(Loan::Page { command: Some(command), input: plate.served.into() })).await?;
    Ok(outcome)
}

/// What a line gives, for a shell command that starts when it has ended.
#[derive(Default)]
struct Plate {
    served: Vec<u8>,
    past: Vec<Output>,
}

impl Sink for Plate {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        match pipe::fed(output) {
            Ok(bytes) => self.served.extend_from_slice(&bytes),
            Err(past) => self.past.push(past),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
