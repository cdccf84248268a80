//! The report at the end of `run` and `attach`, and how the program leaves by it.

use super::{AppSettings, Error, Exit, Format, Judge, Snapshot, Write, report, stderr, terminal};

/// Prints what was seen, and judges it: `heard`, whether anybody reported, and `idle`, whether it is known that nobody had
/// anything to. Text goes where the app's own output does not, so that a script reads only that.
pub(super) fn tell(
    asked: &AppSettings,
    snapshot: &Snapshot,
    judge: Option<&mut Judge>,
    exit: Exit,
    [heard, idle]: [bool; 2],
) -> Result<Exit, Error> {
    let mut verdict = judge.as_ref().map(|judge| judge.look(snapshot));
    if let Some(verdict) = verdict.as_mut().filter(|_| idle) {
        verdict.had_nothing();
    }
    // With a file of its own the verdict is there and nowhere else.
    let shown = verdict.as_ref().filter(|_| judge.as_ref().is_some_and(|judge| !judge.has_file()));
    match asked.format {
        Format::Json => print(&report::app::document(snapshot, shown))?,
        Format::Junit if shown.is_some() => {
            print(&shown.map(report::verdict::junit).unwrap_or_default())?;
        }
        _ => {
            let mut said = if heard { report::app::text(snapshot) } else { String::new() };
            if let Some(verdict) = shown {
                said.push('\n');
                said.push_str(&report::verdict::words(verdict));
            }
            stderr().write_all(said.as_bytes()).map_err(Error::io("standard error"))?;
        }
    }
    let (Some(judge), Some(verdict)) = (judge, &verdict) else { return Ok(exit) };
    let judged = judge.end(verdict, Exit::Fine)?;
    // What the command itself says is wrong goes first.
    Ok(if exit == Exit::Child(0) || exit == Exit::Fine { worse(exit, judged) } else { exit })
}

fn worse(exit: Exit, judged: Exit) -> Exit {
    if matches!(judged, Exit::Judged | Exit::NoConnection) { judged } else { exit }
}

fn print(document: &str) -> Result<(), Error> {
    terminal::output()
        .and_then(|mut out| out.write_all(document.as_bytes()))
        .map_err(Error::io("standard output"))
}
