//! `run` and `attach`.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Format, OUTPUT, duration, forms, pool};

/// `run`: a command, and how what its pools did is told.
#[derive(Clone, Args)]
pub struct Run {
    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub told: Told,

    /// Leave the terminal to the command, and report at its end; without a terminal that is so anyway
    #[arg(long, help_heading = OUTPUT)]
    pub plain: bool,

    /// The command and its arguments, after --
    #[arg(value_name = "CMD", trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub command: Vec<OsString>,
}

/// `attach`: where processes report that were started by somebody else.
#[derive(Clone, Args)]
pub struct Attach {
    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub told: Told,

    /// Report after this long; without it, when it is ended
    #[arg(long, value_name = "D", value_parser = duration, help_heading = OUTPUT)]
    pub duration: Option<Duration>,

    /// The socket to make, which nothing may have made before
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
}

/// How it is told.
#[derive(Clone, Args)]
pub struct Told {
    /// The report's form: text goes to stderr, the others to stdout, and with --fail-on-leak or --fail-on to --report
    #[arg(long, value_name = "FORMAT", value_parser = forms(Format::OF_VERDICTS), help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// How long processes may take to report their end after the command's [default: 2s]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = OUTPUT)]
    pub grace: Option<Duration>,
}

/// Whether an option means nothing here: no pool of ours is set up and nothing is typed, but pools are judged, and a
/// server is asked about its clients.
pub(super) fn is_refused(arg: &clap::Arg) -> bool {
    arg.get_short() == Some('n')
        || arg.get_long().is_some_and(|long| matches!(long, "yes" | "demo") || pool::is_of_our_pools(long))
}
