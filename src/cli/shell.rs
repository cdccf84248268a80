//! `shell`.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use super::{Format, OUTPUT, forms};
use crate::values::{self, duration};

/// `shell`: redis-cli's options for what is run and how it is printed.
#[derive(Clone, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Shell {
    /// Run the command this many times; -1 for ever
    #[arg(short = 'r', value_name = "N", value_parser = values::repeat, allow_negative_numbers = true)]
    pub repeat: Option<u64>,

    /// Pause between two runs of -r, in seconds or as a duration
    #[arg(short = 'i', value_name = "D", value_parser = duration)]
    pub interval: Option<Duration>,

    /// Read the command's last argument from stdin
    #[arg(short = 'x')]
    pub last_from_stdin: bool,

    /// From a pipe: leave with 1 when a command failed
    #[arg(short = 'e')]
    pub exit_code: bool,

    /// Print replies raw [default when stdout is no terminal]
    #[arg(long, help_heading = OUTPUT)]
    pub raw: bool,

    /// Print replies with their types, whatever stdout is
    #[arg(long, help_heading = OUTPUT, conflicts_with = "raw")]
    pub no_raw: bool,

    /// Print replies as CSV
    #[arg(long, help_heading = OUTPUT, conflicts_with_all = ["raw", "no_raw"])]
    pub csv: bool,

    /// Print replies as JSON, and speak RESP3 unless -2 is given
    #[arg(long, help_heading = OUTPUT, conflicts_with_all = ["raw", "no_raw", "csv"])]
    pub json: bool,

    /// The form of what --fail-on-leak and --fail-on find
    #[arg(long, value_name = "FORMAT", value_parser = forms(Format::OF_VERDICTS), help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// `shell URL`: what [`Cli::read`] found before the command.
    #[arg(skip)]
    pub url: Option<String>,

    /// The command; from its first word on, nothing is an option
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}
