//! A line whose shell command wants the terminal, as a pager does: it gets what the line gave once that has ended.

use std::io;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::ToScreen;
use crate::command::Line;
use crate::command::output::{Outcome, Output, Sink};
use crate::command::pipe;
use crate::command::session::Session;
use crate::resp::print::Printer;
use crate::text;
use crate::tui::action::Loan;
use crate::tui::run::Said;

/// How much is kept for the shell command, in bytes: a line that gives more is ended there.
const KEPT: usize = 64 << 20;
/// How many outputs are kept that go past it.
const PAST: usize = 1_000;

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
    let mut plate = Plate::new(pipe::form(&command));
    let outcome = match session.run(line, &mut plate).await {
        // There was no more room for what it gives.
        Err(_) if plate.is_full() => Outcome::Done,
        outcome => outcome?,
    };
    for past in std::mem::take(&mut plate.past) {
        sink.push(past).await?;
    }
    if plate.passed_by > 0 {
        let more = text::thousands(plate.passed_by);
        sink.push(Output::Note(format!("… and {more} more like these"))).await?;
    }
    sink.say(Said::Lend(Loan::Page { command: Some(command), input: plate.serve() })).await?;
    Ok(outcome)
}

/// What a line gives, for a shell command that starts when it has ended.
struct Plate {
    form: Printer,
    served: Vec<u8>,
    /// There was more.
    cut: bool,
    past: Vec<Output>,
    /// How many more of those there were.
    passed_by: u64,
}

impl Plate {
    fn new(form: Printer) -> Self {
        Self { form, served: Vec::new(), cut: false, past: Vec::new(), passed_by: 0 }
    }

    fn is_full(&self) -> bool {
        self.cut
    }

    /// Keeps an output while there is room, and says when there is no more.
    fn keep(&mut self, output: Output) -> io::Result<()> {
        let bytes: Bytes = match output {
            Output::Took(_) => {
                // One that is repeated tells of the last time.
                self.past.retain(|past| !matches!(past, Output::Took(_)));
                self.past.push(output);
                return Ok(());
            }
            output => match pipe::fed(output, self.form) {
                Ok(bytes) => bytes,
                Err(past) if self.past.len() < PAST => {
                    self.past.push(past);
                    return Ok(());
                }
                Err(_) => {
                    self.passed_by += 1;
                    return Ok(());
                }
            },
        };
        let room = KEPT - self.served.len();
        self.served.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.cut = bytes.len() > room;
        if self.cut { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
    }

    /// All that was kept.
    fn serve(mut self) -> Bytes {
        if self.cut {
            // It may have been cut within a character.
            let end = self.served.rchunks(8).next().unwrap_or_default();
            let part = end.utf8_chunks().last().map_or(0, |last| last.invalid().len());
            self.served.truncate(self.served.len() - part);
            let most = text::thousands(KEPT as u64);
            self.served.extend(format!("\n… and more than the {most} bytes that are kept\n").bytes());
        }
        self.served.into()
    }
}

impl Sink for Plate {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(std::future::ready(self.keep(output)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::pipe::form;
    use crate::event::ConnId;
    use crate::resp::Value;

    fn reply(bytes: impl Into<Bytes>) -> Output {
        Output::Reply { value: Value::Bulk(bytes.into()), verbatim: false }
    }

    #[test]
    fn a_line_that_gives_without_end_is_ended_when_there_is_no_more_room() {
        let mut plate = Plate::new(form("less"));
        let given = (0..1_000).take_while(|_| plate.keep(reply(vec![b'x'; 1 << 20])).is_ok()).count();
        assert!(plate.is_full() && given == 63, "{given}");
        let served = plate.serve();
        assert!(served.ends_with(b"x\n\xe2\x80\xa6 and more than the 67,108,864 bytes that are kept\n"));
        assert!(served.len() < KEPT + 100);
    }

    #[test]
    fn of_errors_without_end_some_are_kept_and_the_rest_counted() {
        let mut plate = Plate::new(form("less"));
        for _ in 0..PAST + 5 {
            let error = Output::Reply { value: Value::Error("ERR no".into()), verbatim: false };
            plate.keep(error).expect("there is room");
            let took = crate::command::output::Took {
                conn: ConnId(1),
                wait: None,
                round_trip: std::time::Duration::ZERO,
            };
            plate.keep(Output::Took(took)).expect("there is room");
        }
        let tooks = plate.past.iter().filter(|past| matches!(past, Output::Took(_))).count();
        assert_eq!((plate.past.len(), plate.passed_by, tooks), (PAST, 6, 1));
    }

    #[test]
    fn a_program_that_may_write_all_it_reads_on_the_terminal_gets_nothing_to_obey() {
        let evil = "\u{1b}]0;x\u{7}\tzwölf\n\u{202e}";
        let served = |command| {
            let mut plate = Plate::new(form(command));
            plate.keep(reply(evil)).expect("there is room");
            String::from_utf8(plate.serve().into()).expect("text")
        };
        for command in ["more", "less -R", "/bin/more -d", "sort | more", "cat"] {
            let safe = served(command);
            assert!(
                !safe.contains(['\u{1b}', '\u{7}', '\u{202e}']) && safe.contains("zwölf"),
                "{command}: {safe:?}"
            );
        }
        assert_eq!(served("xxd | less"), format!("{evil}\n"), "what stands before a pager may decode it");
    }
}
