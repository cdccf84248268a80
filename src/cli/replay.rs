//! `--record` and `replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Format, Listing, OUTPUT, duration, forms};

/// Where a run is written to.
#[derive(Clone, Default, Args)]
pub struct Record {
    /// Write all that happens to this file, for `replay`: private, without values or passwords, at most 1 GiB
    #[arg(long, value_name = "FILE", global = true, help_heading = OUTPUT)]
    pub record: Option<PathBuf>,
}

/// `replay`: a recording, and how much of it is told.
#[derive(Clone, Args)]
pub struct Replay {
    /// What --record wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub listing: Listing,

    /// Print one report on the end of the recording and leave, without a screen
    #[arg(long, help_heading = OUTPUT)]
    pub once: bool,

    /// Report on the moment this long after the recording's start; implies --once
    #[arg(long, value_name = "D", value_parser = duration, help_heading = OUTPUT)]
    pub duration: Option<Duration>,

    /// The report's form; implies --once
    #[arg(long, value_name = "FORMAT", value_parser = forms(Format::OF_ENDS), help_heading = OUTPUT)]
    pub format: Option<Format>,
}
