//! What the command line may say: clap's types and nothing else. Help comes from them; `config` judges them.
//! None of them has a `Debug` form: passwords and URLs are among them.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

mod after;
mod app;
mod connect;
mod lab;
mod lints;
mod named;
mod pool;
mod print;
mod read;
mod replay;
mod shell;
mod watch;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::values;

pub use crate::values::{Limit, duration, looks_like_url};
pub(crate) use after::{ENVIRONMENT, EXIT_CODES};
pub use app::{Attach, Run, Told};
pub use connect::Connection;
pub use lab::Lab;
pub(crate) use lab::refused;
pub(crate) use lints::level;
pub use lints::{LintLevel, Lints};
use named::named;
pub use pool::{Exhausted, Pool};
pub(crate) use pool::{of_our_pools, only_for_pools};
pub use print::Print;
pub(crate) use read::TWO_ADDRESSES;
pub use replay::{Record, Replay};
pub use shell::Shell;
pub use watch::{Listing, Watch};

const OUTPUT: &str = "Output";

/// See every connection a Redis pool opens, lends and loses, while you type commands.
///
/// Without a subcommand: a full screen with a shell and live panes on one instrumented pool. Without a terminal on
/// stdout it answers as --once does.
#[derive(Clone, Parser)]
#[command(
    name = "redis-pooltop",
    version,
    disable_help_flag = true,
    disable_help_subcommand = true,
    override_usage = "redis-pooltop [OPTIONS] [URL]\n       redis-pooltop shell [OPTIONS] [COMMAND...]\n       redis-pooltop watch [OPTIONS] [URL...]\n       redis-pooltop run [OPTIONS] -- CMD...\n       redis-pooltop attach [OPTIONS] PATH\n       redis-pooltop lab [OPTIONS] [EXPERIMENT...|all] [URL]\n       redis-pooltop replay [OPTIONS] FILE",
    after_help = after::help()
)]
pub struct Cli {
    /// redis://, rediss:// or unix:// address, as redis://user:password@host:port/db or unix:///path?db=1
    #[arg(value_name = "URL")]
    pub url: Option<String>,

    /// What came after the URL: nothing may, and the error says what was meant
    #[arg(hide = true)]
    pub rest: Vec<OsString>,

    /// Print one report and leave, without a screen
    #[arg(long, help_heading = OUTPUT)]
    pub once: bool,

    /// Watch for this long before the report; implies --once
    #[arg(long, value_name = "D", value_parser = duration, allow_negative_numbers = true, help_heading = OUTPUT)]
    pub duration: Option<Duration>,

    /// The report's form; implies --once
    #[arg(long, value_name = "FORMAT", value_parser = forms(Format::OF_POOLS), help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Serve OpenMetrics at http://ADDR/metrics, with the screen or without; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = values::listen, help_heading = OUTPUT)]
    pub metrics: Option<SocketAddr>,

    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub common: Common,

    #[allow(missing_docs, reason = "its variants are the documentation")]
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The options every form of the command takes, before or after the subcommand.
#[derive(Clone, Args)]
pub struct Common {
    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub connection: Connection,

    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub pool: Pool,

    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub record: Record,

    #[allow(missing_docs, reason = "its type's fields are the documentation")]
    #[command(flatten)]
    pub lints: Lints,

    /// Colour: auto follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", help_heading = OUTPUT)]
    pub color: Option<When>,

    /// Draw the screen with plain ASCII only, as it is where the locale is not UTF-8
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub ascii: bool,

    /// Colours of the screen: default, light, high-contrast or color-blind
    #[arg(long, global = true, value_name = "NAME", value_parser = named(values::theme, values::THEMES), hide_possible_values = true, help_heading = OUTPUT)]
    pub theme: Option<String>,

    /// Leave the mouse to the terminal, to select text with
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub no_mouse: bool,

    /// Settings and keys of this file [default: redis-pooltop/config.toml in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, value_name = "FILE", help_heading = OUTPUT)]
    pub config: Option<PathBuf>,

    /// Take the settings of [profile.NAME] in that file
    #[arg(long, global = true, value_name = "NAME", help_heading = OUTPUT)]
    pub profile: Option<String>,

    /// Run what a profile would ask about, and ask nothing
    #[arg(short = 'y', long, global = true, help_heading = OUTPUT)]
    pub yes: bool,

    /// Print help
    #[arg(long, global = true, action = ArgAction::HelpShort)]
    pub help: Option<bool>,
}

/// The subcommands.
#[derive(Clone, Subcommand)]
pub enum Command {
    /// Line by line: an editor on a terminal, commands from a pipe, or one command
    #[command(disable_help_flag = true, override_usage = "redis-pooltop shell [OPTIONS] [URL] [COMMAND...]", after_help = after::exits())]
    Shell(Shell),
    /// Every client of a server that any program uses: from which process, how that changes, what looks wrong
    #[command(disable_help_flag = true, override_usage = "redis-pooltop watch [OPTIONS] [URL...]", after_help = after::exits())]
    Watch(Watch),
    /// A Python app's own redis-py pools, from inside: who holds each connection, and which line took it
    #[command(disable_help_flag = true, override_usage = "redis-pooltop run [OPTIONS] -- CMD...", after_help = after::exits())]
    Run(Run),
    /// Pools of processes that were started by somebody else and report to a socket
    #[command(disable_help_flag = true, override_usage = "redis-pooltop attach [OPTIONS] PATH", after_help = after::exits())]
    Attach(Attach),
    /// Measured experiments on pooling; no name lists them
    #[command(
        disable_help_flag = true,
        override_usage = "redis-pooltop lab [OPTIONS] [EXPERIMENT...|all] [URL]",
        after_help = after::exits()
    )]
    Lab(Lab),

    /// Show a recording of --record on the same screen, at any speed
    #[command(disable_help_flag = true, override_usage = "redis-pooltop replay [OPTIONS] FILE", after_help = after::exits())]
    Replay(Replay),

    #[allow(missing_docs, reason = "its variants are the documentation")]
    #[command(flatten)]
    Print(Print),
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// A table of clients or their groups, as RFC 4180 has it.
    Csv,
    /// A JSON document a line, one each refresh.
    Ndjson,
    /// Prometheus' text form, with OpenTelemetry's names.
    Prometheus,
    /// JUnit's XML, for what --fail-on-leak and --fail-on find.
    Junit,
}

impl Format {
    /// Those that a report on pools has.
    const OF_POOLS: &[Self] = &[Self::Text, Self::Json, Self::Prometheus, Self::Junit];
    /// Those that a verdict has: metrics are none.
    const OF_VERDICTS: &[Self] = &[Self::Text, Self::Json, Self::Junit];
    /// Those that the end of a recording has.
    const OF_ENDS: &[Self] = &[Self::Text, Self::Json, Self::Csv, Self::Prometheus, Self::Junit];
}

/// Some of the forms, by their names.
fn forms(some: &'static [Format]) -> impl TypedValueParser<Value = Format> {
    let names = some.iter().filter_map(ValueEnum::to_possible_value);
    // Only these names come through.
    PossibleValuesParser::new(names).map(|name| Format::from_str(&name, false).unwrap_or_default())
}
