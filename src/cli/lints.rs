//! What is made of lints, and when a run fails by them.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::path::PathBuf;

use clap::Args;

use super::named::named;
use crate::explain;
use crate::model::Levels;
use crate::snapshot::Level;
use crate::values;

const LINTS: &str = "Lints";

/// What is made of lints.
#[derive(Clone, Default, Args)]
pub struct Lints {
    /// Level of a lint, as leak=fail: off does not raise it, fail marks it, and fails a run that is judged; for each lint again
    #[arg(long = "lint", value_name = "ID=off|warn|fail", value_parser = lint_level, global = true, help_heading = LINTS)]
    pub levels: Vec<LintLevel>,

    /// Leave with 4 when connections have leaked at the end, and say who has them; without a subcommand it implies --once. In lab: when any leaked meanwhile, as wrong ways do on purpose
    #[arg(long, global = true, help_heading = LINTS)]
    pub fail_on_leak: bool,

    /// The same when one of these lints holds at the end, or in lab was raised
    #[arg(long, value_name = "ID,ID", value_delimiter = ',', value_parser = named(explain::named, explain::names()), hide_possible_values = true, global = true, help_heading = LINTS)]
    pub fail_on: Vec<&'static str>,

    /// Where to write what was found [default: stdout; in shell, stderr]
    #[arg(long, value_name = "FILE", global = true, help_heading = LINTS)]
    pub report: Option<PathBuf>,
}

/// A lint and its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LintLevel {
    /// The lint's name.
    pub id: &'static str,
    /// What is made of it.
    pub level: Level,
}

/// The word for a level.
pub(crate) fn level(text: &str) -> Result<Level, String> {
    let known = Level::ALL.map(Level::word);
    let level = Level::ALL.into_iter().find(|level| level.word() == text);
    level.ok_or_else(|| values::unknown("level", text, &known))
}

fn lint_level(text: &str) -> Result<LintLevel, String> {
    let Some((id, word)) = text.split_once('=') else {
        return Err("write the lint and its level, as leak=fail".to_owned());
    };
    Ok(LintLevel { id: explain::named(id.trim())?, level: level(word.trim())? })
}

impl Lints {
    /// The levels that were given; of one lint the last.
    pub(crate) fn levels(&self) -> Levels {
        let mut levels = Levels::default();
        for given in &self.levels {
            levels.set(given.id, given.level);
        }
        levels
    }
}
