//! One command from the command line, once or several times.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use bytes::Bytes;

use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, input};
use crate::command::output::{Outcome, Output};
use crate::command::session::Session;
use crate::command::{Question, parse_args};
use crate::config::ShellSettings;
use crate::error::{Error, Exit};
use crate::text;

pub(super) async fn run(
    session: &mut Session,
    settings: &ShellSettings,
    printer: StdoutSink,
) -> Result<Exit, Error> {
    tokio::select! {
        exit = run_command(session, settings, printer) => exit,
        _ = tokio::signal::ctrl_c() => Ok(Exit::INTERRUPTED),
    }
}

async fn run_command(
    session: &mut Session,
    settings: &ShellSettings,
    mut printer: StdoutSink,
) -> Result<Exit, Error> {
    let mut args: Vec<Bytes> =
        settings.command.iter().cloned().map(OsString::into_vec).map(Bytes::from).collect();
    if settings.last_from_stdin {
        let last = input::all(tokio::io::stdin(), input::LONGEST).await.map_err(Error::io(INPUT))?;
        args.push(last.into());
    }
    let line =
        parse_args(args).map_err(|error| Error::Usage(text::escape_str(&error.to_string()).into_owned()))?;
    if let Some(question) = session.typed_question(&line).await
        && let Some(declined) = asked(&question, !settings.last_from_stdin).await?
    {
        printer.write(&Output::error(&declined)).await.map_err(Error::io(OUTPUT))?;
        return Ok(Exit::Failed);
    }
    let mut worst = Outcome::Done;
    for round in 0..settings.repeat {
        if round > 0 {
            tokio::time::sleep(settings.interval).await;
        }
        worst = worst.max(session.run(&line, &mut printer).await.map_err(Error::io(OUTPUT))?);
        if worst == Outcome::Quit {
            break;
        }
    }
    Ok(match worst {
        Outcome::Done | Outcome::Quit => Exit::Fine,
        Outcome::Failed => Exit::Failed,
        Outcome::NoConnection => Exit::NoConnection,
    })
}

/// Asks on the terminal, unless standard input has something else on it; why the command does not run, if so.
async fn asked(question: &Question, free: bool) -> Result<Option<String>, Error> {
    if free { question.put().await.map_err(Error::io(INPUT)) } else { Ok(Some(question.refusal())) }
}
