//! Commands from a pipe: a line each, as redis-cli takes them.

use std::collections::HashSet;
use std::io;

use tokio::io::BufReader;
use tokio::sync::mpsc;

use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, input, tell};
use crate::command::jobs::{JobNews, JobSaid};
use crate::command::output::{Outcome, Output};
use crate::command::session::Session;
use crate::command::{LineError, parse};
use crate::config::ShellSettings;
use crate::error::{Error, Exit};

pub(super) async fn run(
    session: &mut Session,
    mut news: mpsc::Receiver<JobNews>,
    settings: &ShellSettings,
    mut printer: StdoutSink,
) -> Result<Exit, Error> {
    let mut lines = BufReader::new(tokio::io::stdin());
    let mut worst = Outcome::Done;
    let mut line = Vec::new();
    let mut ended = HashSet::new();
    let mut refused = false;
    for number in 1.. {
        input::line(&mut lines, &mut line, input::LONGEST).await.map_err(Error::io(INPUT))?;
        if line.is_empty() {
            break;
        }
        session.at_line(number);
        let outcome = run_line(session, &line, &mut printer, &mut refused).await?;
        while let Ok(said) = news.try_recv() {
            hear(said, &mut ended, &mut printer).await.map_err(Error::io(OUTPUT))?;
        }
        match outcome {
            Outcome::Quit => return Ok(exit(worst, settings.exit_code || refused)),
            outcome => worst = worst.max(outcome),
        }
    }
    wait_for_jobs(session, &mut news, &mut ended, &mut printer).await.map_err(Error::io(OUTPUT))?;
    Ok(exit(worst, settings.exit_code || refused))
}

fn exit(worst: Outcome, tells: bool) -> Exit {
    if tells && worst > Outcome::Done { Exit::Failed } else { Exit::Fine }
}

/// At the end of the input, what runs beside it and ends by itself is still answered. What waits for the server as long
/// as it likes ends with the program.
async fn wait_for_jobs(
    session: &Session,
    news: &mut mpsc::Receiver<JobNews>,
    ended: &mut HashSet<u32>,
    printer: &mut StdoutSink,
) -> io::Result<()> {
    let jobs = session.jobs();
    let endless: HashSet<u32> = jobs.rows().iter().filter(|row| row.endless).map(|row| row.number).collect();
    // One that was killed has left the list, and its end may still be on the way here.
    let waits_for = |ended: &HashSet<u32>| {
        (1..=jobs.begun()).any(|number| !ended.contains(&number) && !endless.contains(&number))
    };
    while waits_for(ended) {
        let Some(said) = news.recv().await else { break };
        hear(said, ended, printer).await?;
    }
    while let Ok(said) = news.try_recv() {
        hear(said, ended, printer).await?;
    }
    Ok(())
}

/// Shows what a job says, and takes note of its end.
async fn hear(news: JobNews, ended: &mut HashSet<u32>, printer: &mut StdoutSink) -> io::Result<()> {
    if let JobSaid::Ended { .. } = news.said {
        ended.insert(news.job);
    }
    tell(news, printer).await
}

/// Runs a line, unless it wants a word that nobody is there to type: that shows in the exit code whatever was asked for.
async fn run_line(
    session: &mut Session,
    line: &[u8],
    printer: &mut StdoutSink,
    refused: &mut bool,
) -> Result<Outcome, Error> {
    let line = parse(line);
    if let Ok(line) = &line
        && let Some(question) = session.typed_question(line).await
    {
        *refused = true;
        printer.write(&Output::error(&question.refusal())).await.map_err(Error::io(OUTPUT))?;
        return Ok(Outcome::Failed);
    }
    match line {
        Ok(line) => session.run(&line, printer).await.map_err(Error::io(OUTPUT)),
        Err(error) => {
            let said = match error {
                // redis-cli's own words, and where it prints them.
                LineError::Token(_) => Output::text("Invalid argument(s)"),
                other => Output::error(&other),
            };
            printer.write(&said).await.map_err(Error::io(OUTPUT))?;
            Ok(Outcome::Failed)
        }
    }
}
