//! `lab`: experiments by name.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use clap::Args;
use clap::builder::StringValueParser;

use super::named::named;
use super::{Common, Format, OUTPUT, forms, pool};
use crate::lab;

/// `lab`: which experiments, and how their outcome is printed.
#[derive(Clone, Args)]
pub struct Lab {
    /// How the outcome is printed; junit, what --fail-on-leak and --fail-on find
    #[arg(long, value_name = "FORMAT", value_parser = forms(Format::OF_VERDICTS), help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Experiments by name, or all; and a URL
    #[arg(value_name = "EXPERIMENT", value_parser = named(StringValueParser::new(), names()), hide_possible_values = true)]
    pub words: Vec<String>,
}

/// Whether an option of this name means nothing to an experiment: it sets up a pool for each of its ways, and how long
/// connecting and a reply may take is all that is left to say.
pub(super) fn is_refused(name: &str) -> bool {
    name == RECORD || pool::is_only_for_pools(name)
}

/// The first of them that was given.
pub(crate) fn refused(common: &Common) -> Option<&'static str> {
    pool::only_for_pools(&common.pool).or(common.record.record.is_some().then_some(RECORD))
}

const RECORD: &str = "record";

fn names() -> impl Iterator<Item = &'static str> {
    lab::all().iter().map(|experiment| experiment.about().name).chain(["all"])
}
