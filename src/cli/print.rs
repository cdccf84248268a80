//! What the program prints about itself: no server is asked, and no settings are read.

use clap::Subcommand;
use clap::builder::StringValueParser;
use clap_complete::Shell;

use super::named::named;
use crate::explain;

/// Those with a page of their own.
const SUBCOMMANDS: [&str; 10] =
    ["shell", "watch", "run", "attach", "lab", "replay", "explain", "gen-config", "completions", "man"];

/// A page, an example, or what a shell or `man` takes.
#[derive(Clone, Subcommand)]
pub enum Print {
    /// What a lint means, how it is measured and what to do; without a name, every lint in a line
    #[command(disable_help_flag = true, override_usage = "redis-pooltop explain [LINT]")]
    Explain {
        /// The lint's name, such as leak
        #[arg(value_name = "LINT", value_parser = named(StringValueParser::new(), explain::names()), hide_possible_values = true)]
        lint: Option<String>,
    },

    /// A configuration file with every setting, each with its default, to begin with
    #[command(disable_help_flag = true, override_usage = "redis-pooltop gen-config > config.toml")]
    GenConfig,

    /// Completions for a shell, to be put where it looks for them
    #[command(disable_help_flag = true, override_usage = "redis-pooltop completions SHELL")]
    Completions {
        /// bash, zsh, fish, elvish or powershell
        #[arg(value_name = "SHELL", hide_possible_values = true)]
        shell: Shell,
    },

    /// The manual, in roff: the program's page, or that of a subcommand
    #[command(disable_help_flag = true, override_usage = "redis-pooltop man [SUBCOMMAND] > redis-pooltop.1")]
    Man {
        /// The subcommand, such as shell
        #[arg(value_name = "SUBCOMMAND", value_parser = SUBCOMMANDS, hide_possible_values = true)]
        page: Option<String>,
    },
}
