//! `lab`: experiments by name.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use clap::{Args, ValueEnum};

/// `lab`: which experiments, and how their outcome is printed.
#[derive(Clone, Args)]
pub struct Lab {
    /// How the outcome is printed
    #[arg(long, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<LabFormat>,

    /// Experiments by name, or all; and a URL
    #[arg(value_name = "EXPERIMENT")]
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
}
