//! Commands from a pipe: a line each, as redis-cli takes them.

use std::collections::HashSet;
use std::io;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, tell, tell_news};
use crate::command::jobs::{JobNews, JobSaid};
use crate::command::output::{Outcome, Output};
use crate::command::session::Session;
use crate::command::{LineError, parse};
use crate::config::ShellSettings;
use crate::error::{Error, Exit};

pub(super) async fn run(
    mut session: Session,
    mut news: mpsc::Receiver<JobNews>,
    settings: &ShellSettings,
    mut printer: StdoutSink,
) -> Result<Exit, Error> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut worst = Outcome::Done;
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).await.map_err(Error::io(INPUT))? == 0 {
            break;
        }
        let outcome = run_line(&mut session, &line, &mut printer).await?;
        tell_news(&mut news, &printer).map_err(Error::io(OUTPUT))?;
        match outcome {
            Outcome::Quit => return Ok(exit(worst, settings)),
            outcome => worst = worst.max(outcome),
        }
    }
    wait_for_jobs(&session, &mut news, &printer).await.map_err(Error::io(OUTPUT))?;
    Ok(exit(worst, settings))
}

fn exit(worst: Outcome, settings: &ShellSettings) -> Exit {
    if settings.exit_code && worst > Outcome::Done { Exit::Failed } else { Exit::Fine }
}

/// At the end of the input, what runs beside it and ends by itself is still answered. What waits for the server as long
/// as it likes ends with the program.
async fn wait_for_jobs(
    session: &Session,
    news: &mut mpsc::Receiver<JobNews>,
    printer: &StdoutSink,
) -> io::Result<()> {
    let rows = session.jobs().rows();
    let mut running: HashSet<u32> = rows.iter().filter(|row| !row.endless).map(|row| row.number).collect();
    while !running.is_empty() {
        let Some(said) = news.recv().await else { break };
        if let JobSaid::Ended { .. } = said.said {
            running.remove(&said.job);
        }
        tell(said, printer)?;
    }
    tell_news(news, printer)
}

async fn run_line(session: &mut Session, line: &[u8], printer: &mut StdoutSink) -> Result<Outcome, Error> {
    match parse(line) {
        Ok(line) => session.run(&line, printer).await.map_err(Error::io(OUTPUT)),
        Err(error) => {
            let said = match error {
                // redis-cli's own words, and where it prints them.
                LineError::Token(_) => Output::text("Invalid argument(s)"),
                other => Output::error(&other),
            };
            printer.write(&said).map_err(Error::io(OUTPUT))?;
            Ok(Outcome::Failed)
        }
    }
}
