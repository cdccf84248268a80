//! Commands from a pipe: a line each, as redis-cli takes them.

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;

use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, tell_news};
use crate::command::jobs::JobNews;
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
            Outcome::Quit => break,
            outcome => worst = worst.max(outcome),
        }
    }
    Ok(if settings.exit_code && worst > Outcome::Done { Exit::Failed } else { Exit::Fine })
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
