//! The terminal in another program's hands for a while: the person's editor, pager or shell command.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::action::Loan;
use super::app::App;
use super::output::Kind;
use super::run::Said;
use super::terminal::Guard;
use crate::children::{self, Held};
use crate::command::external;
use crate::command::pipe::pager;

/// Lends the terminal, and takes it and what came of it back once the other program has ended. Nobody may read keys
/// meanwhile: they are the other's.
pub(super) async fn lend(loan: Loan, app: &mut App, guard: &mut Guard) -> io::Result<()> {
    guard.give();
    let failed = match loan {
        Loan::Edit(line) => {
            let edited =
                tokio::task::spawn_blocking(move || external::edit(&line, &external::editor())).await;
            match edited {
                Ok(Ok(line)) => {
                    app.edited(&line);
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            }
        }
        Loan::Page { command, input } => page(command, input).await,
    };
    // One that was killed has left the terminal as it liked it.
    crate::terminal::give_back();
    guard.retake()?;
    let Some(failed) = failed else { return Ok(()) };
    app.hear(Said::Lines(vec![(Kind::Note, crate::text::escape_str(&failed).into_owned())]));
    Ok(())
}

/// Gives a shell command the terminal and this to read, until it ends; what went wrong, if anything did.
async fn page(command: Option<String>, input: Bytes) -> Option<String> {
    let command = command.map_or_else(pager, OsString::from);
    let name = command.to_string_lossy().into_owned();
    let mut shell = Command::from(external::shell_command(&command, &[]));
    shell.stdin(Stdio::piped());
    let (mut child, held) = match Held::start(children::Kind::Borrower, || shell.spawn()) {
        Ok(started) => started,
        Err(error) => return Some(format!("{name}: {error}")),
    };
    let stdin = child.stdin.take();
    let feeding = async {
        if let Some(mut stdin) = stdin {
            // One that ends before it has read all has read enough.
            let _ = stdin.write_all(&input).await;
        }
    };
    let ((), ended) = tokio::join!(feeding, child.wait());
    held.iter().for_each(Held::ended);
    match ended {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("{name}: {status}")),
        Err(error) => Some(format!("{name}: {error}")),
    }
}
