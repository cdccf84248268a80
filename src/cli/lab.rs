//! `lab`: experiments by name.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use clap::builder::StringValueParser;
use clap::{Args, ValueEnum};

use super::Format;
use super::named::named;
use crate::lab;

/// `lab`: which experiments, and how their outcome is printed.
#[derive(Clone, Args)]
pub struct Lab {
    /// How the outcome is printed; junit, what --fail-on-leak and --fail-on find
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<LabFormat>,

    /// Experiments by name, or all; and a URL
    #[arg(value_name = "EXPERIMENT", value_parser = named(StringValueParser::new(), names()), hide_possible_values = true)]
    pub words: Vec<String>,
}

/// The form of an experiment's outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LabFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML, for what --fail-on-leak and --fail-on find.
    Junit,
}

impl LabFormat {
    /// The form of what is found meanwhile.
    pub(crate) fn of_report(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Junit => Format::Junit,
        }
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    lab::all().iter().map(|experiment| experiment.about().name).chain(["all"])
}
