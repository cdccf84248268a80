//! What makes a run fail, from flags and file.

use std::path::PathBuf;

use super::usage;
use crate::cli::{Format, Lints};
use crate::error::Error;
use crate::model::{LEAKS, Levels};
use crate::snapshot::Level;

/// A run that is judged at its end.
#[derive(Clone, Debug, Default)]
pub struct Judging {
    /// `--report`: where what was found goes.
    pub report: Option<PathBuf>,
    /// Its form.
    pub format: Format,
}

/// The level of each lint, and whether the run is judged by them.
pub(super) fn judging(
    flags: &Lints,
    said: &Levels,
    format: Option<Format>,
) -> Result<(Levels, Option<Judging>), Error> {
    let mut levels = Levels::default();
    levels.extend(said);
    levels.extend(&flags.levels());
    let judged = flags.fail_on_leak || !flags.fail_on.is_empty();
    if !judged {
        if flags.report.is_some() {
            return Err(usage("--report goes with --fail-on-leak or --fail-on"));
        }
        if format == Some(Format::Junit) {
            return Err(usage(
                "--format junit goes with --fail-on-leak or --fail-on: it says what they find",
            ));
        }
        return Ok((levels, None));
    }
    let leaks = LEAKS.into_iter().filter(|_| flags.fail_on_leak).map(|id| ("--fail-on-leak", id));
    for (flag, id) in leaks.chain(flags.fail_on.iter().map(|id| ("--fail-on", *id))) {
        // What the file says gives way. On one line it is a mistake, and a check that can never fail is no check.
        if let Some(given) = flags.levels.iter().find(|given| given.id == id && given.level != Level::Fail) {
            let word = given.level.word();
            return Err(usage(format!("{flag} and --lint {id}={word} exclude each other")));
        }
        levels.set(id, Level::Fail);
    }
    let format = format.unwrap_or_default();
    Ok((levels, Some(Judging { report: flags.report.clone(), format })))
}
