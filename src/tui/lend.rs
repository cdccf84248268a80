//! The terminal in another program's hands for a while: the person's editor.

use std::io;

use super::action::Loan;
use super::app::App;
use super::output::Kind;
use super::run::Said;
use super::terminal::Guard;
use crate::command::external;

/// Lends the terminal, and takes it and what came of it back once the other program has ended. Nobody may read keys
/// meanwhile: they are the other's.
pub(super) async fn lend(loan: Loan, app: &mut App, guard: &mut Guard) -> io::Result<()> {
    guard.give();
    let ended = match loan {
        Loan::Edit(line) => {
            tokio::task::spawn_blocking(move || external::edit(&line, &external::editor())).await
        }
    };
    guard.retake()?;
    let failed = match ended {
        Ok(Ok(line)) => {
            app.edited(&line);
            return Ok(());
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    app.hear(Said::Lines(vec![(Kind::Note, crate::text::escape_str(&failed).into_owned())]));
    Ok(())
}
