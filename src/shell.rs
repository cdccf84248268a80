//! The line shell: an editor on a terminal, commands from a pipe, or one command.

pub mod editor;
mod input;
mod interactive;
mod one;
mod outlet;
mod pipe;
mod printer;

use std::io::IsTerminal;

use tokio::sync::mpsc;

use interactive::Manner;

use crate::command::jobs::{JobNews, JobSaid};
use crate::command::output::Output;
use crate::command::session::Session;
use crate::config::{Color, ScreenSettings, ShellSettings};
use crate::error::{Error, Exit};

/// Runs the shell to its end: one command when there is one, else the editor where both ends are a terminal, else the
/// lines of standard input.
///
/// # Errors
/// When input or output fails; [`Error::exit`] tells a reader that went away from the rest.
pub async fn run(
    session: &mut Session,
    news: mpsc::Receiver<JobNews>,
    target: &str,
    settings: &ShellSettings,
    color: Color,
    screen: &ScreenSettings,
) -> Result<Exit, Error> {
    let terminal = std::io::stdout().is_terminal();
    let printer = printer::StdoutSink::new(settings, terminal).map_err(Error::io(OUTPUT))?;
    if !settings.command.is_empty() {
        one::run(session, settings, printer).await
    } else if terminal && std::io::stdin().is_terminal() {
        let manner =
            Manner { colour: color.on(true), editing: screen.editing, pipe: screen.pipe, red: screen.red };
        interactive::run(session, news, target, printer, manner).await
    } else {
        pipe::run(session, news, settings, printer).await
    }
}

/// What a failed write to standard output is called.
const OUTPUT: &str = "standard output";
/// What a failed read of standard input is called.
const INPUT: &str = "standard input";

/// Shows what jobs have said so far.
async fn tell_news(
    news: &mut mpsc::Receiver<JobNews>,
    printer: &mut printer::StdoutSink,
) -> std::io::Result<()> {
    while let Ok(said) = news.try_recv() {
        tell(said, printer).await?;
    }
    Ok(())
}

async fn tell(news: JobNews, printer: &mut printer::StdoutSink) -> std::io::Result<()> {
    let job = news.job;
    match news.said {
        JobSaid::Output(output) => printer.write_of_job(job, &output).await,
        JobSaid::Ended { end, after } => {
            let words = format!("[{job}] ended ({}) after {}", end.word(), crate::text::duration(after));
            printer.write(&Output::Note(words)).await
        }
    }
}
