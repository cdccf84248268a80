//! What the command line may say: clap's types and nothing else. Help comes from them; `config` judges them.
//! None of them has a `Debug` form: passwords and URLs are among them.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::nearest::nearest;
use crate::values;

pub use crate::values::{Limit, duration, looks_like_url};

const CONNECTION: &str = "Connection";
const POOL: &str = "Pool";
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
    override_usage = "redis-pooltop [OPTIONS] [URL]\n       redis-pooltop shell [OPTIONS] [COMMAND...]",
    after_help = "Durations are 5s, 500ms, 2m, 1h or plain seconds.\n\
                  Defaults give way to the configuration file, that to the environment, and that to options.\n\
                  Environment: REDIS_URL, REDISCLI_AUTH, NO_COLOR, CLICOLOR_FORCE."
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
    #[arg(long, value_name = "D", value_parser = duration, help_heading = OUTPUT)]
    pub duration: Option<Duration>,

    /// The report's form; implies --once
    #[arg(long, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: Option<Format>,

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

    /// Colour: auto follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_name = "WHEN", help_heading = OUTPUT)]
    pub color: Option<When>,

    /// Draw the screen with plain ASCII only, as it is where the locale is not UTF-8
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub ascii: bool,

    /// Colours of the screen: default, light, high-contrast or color-blind
    #[arg(long, global = true, value_name = "NAME", value_parser = values::theme, help_heading = OUTPUT)]
    pub theme: Option<String>,

    /// Leave the mouse to the terminal, to select text with
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub no_mouse: bool,

    /// Settings and keys of this file [default: redis-pooltop/config.toml in $XDG_CONFIG_HOME or ~/.config]
    #[arg(long, global = true, value_name = "FILE", help_heading = OUTPUT)]
    pub config: Option<PathBuf>,

    /// Print help
    #[arg(long, global = true, action = ArgAction::HelpShort)]
    pub help: Option<bool>,
}

/// Where to connect and as whom: redis-cli's names.
#[derive(Clone, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Connection {
    /// Server host [default: 127.0.0.1]
    #[arg(short = 'h', value_name = "HOST", global = true, help_heading = CONNECTION)]
    pub host: Option<String>,

    /// Server port [default: 6379]
    #[arg(short = 'p', value_name = "PORT", value_parser = values::port, global = true, help_heading = CONNECTION)]
    pub port: Option<u16>,

    /// Unix socket of the server
    #[arg(short = 's', value_name = "SOCKET", global = true, help_heading = CONNECTION)]
    pub socket: Option<PathBuf>,

    /// Database number
    #[arg(short = 'n', value_name = "DB", global = true, help_heading = CONNECTION)]
    pub database: Option<u32>,

    /// Password; REDISCLI_AUTH is the safer way to pass it
    #[arg(short = 'a', long = "pass", value_name = "PASSWORD", global = true, help_heading = CONNECTION)]
    pub password: Option<String>,

    /// User of the server's access list
    #[arg(long, value_name = "USER", global = true, help_heading = CONNECTION)]
    pub user: Option<String>,

    /// Ask for the password on the terminal
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub askpass: bool,

    /// Say nothing about a password on the command line
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub no_auth_warning: bool,

    /// The server's URL, as the positional one
    #[arg(short = 'u', value_name = "URL", global = true, help_heading = CONNECTION)]
    pub uri: Option<String>,

    /// Use the embedded server: nothing to install
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub demo: bool,

    /// Connect with TLS
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub tls: bool,

    /// Certificates to trust, a PEM file [default: the system's]
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub cacert: Option<PathBuf>,

    /// Directory of certificates to trust, each a PEM file
    #[arg(long, value_name = "DIR", global = true, help_heading = CONNECTION)]
    pub cacertdir: Option<PathBuf>,

    /// Client certificate, a PEM file
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub cert: Option<PathBuf>,

    /// Private key of the client certificate, a PEM file
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub key: Option<PathBuf>,

    /// Server name to ask for and to verify
    #[arg(long, value_name = "NAME", global = true, help_heading = CONNECTION)]
    pub sni: Option<String>,

    /// Do not verify the server's certificate
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub insecure: bool,

    /// Speak RESP2
    #[arg(short = '2', global = true, help_heading = CONNECTION)]
    pub resp2: bool,

    /// Speak RESP3
    #[arg(short = '3', global = true, help_heading = CONNECTION)]
    pub resp3: bool,
}

/// How the pool behaves: redis-py's names where it has one.
#[derive(Clone, Default, Args)]
pub struct Pool {
    /// The pool's limit
    #[arg(long, value_name = "N", value_parser = values::connections, global = true, help_heading = POOL)]
    pub max_connections: Option<u32>,

    /// Connections to open before the first command
    #[arg(long, value_name = "N", value_parser = values::warmup, global = true, help_heading = POOL)]
    pub warmup: Option<u32>,

    /// How long a checkout waits for a connection
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub blocking_timeout: Option<Duration>,

    /// How long a command waits for its reply; none for ever
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub socket_timeout: Option<Limit>,

    /// How long connecting may take, greeting included
    #[arg(long, value_name = "D", value_parser = values::positive, global = true, help_heading = POOL)]
    pub socket_connect_timeout: Option<Duration>,

    /// Retry what is safe to retry after a timeout too
    #[arg(long, global = true, help_heading = POOL)]
    pub retry_on_timeout: bool,

    /// How often to retry what is safe to retry
    #[arg(long, value_name = "N", value_parser = values::retries, global = true, help_heading = POOL)]
    pub retries: Option<u32>,

    /// The first pause before a retry; it doubles, with jitter
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub retry_delay: Option<Duration>,

    /// PING a connection idle longer than this before lending it; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub health_check_interval: Option<Limit>,

    /// One connection for everything: commands queue on it
    #[arg(long, global = true, help_heading = POOL)]
    pub single_connection: bool,

    /// Name of the pool's connections in CLIENT LIST
    #[arg(long, value_name = "NAME", value_parser = values::client_name, global = true, help_heading = POOL)]
    pub client_name: Option<String>,

    /// At the limit: wait for a connection, or fail at once
    #[arg(long, value_name = "wait|fail", global = true, help_heading = POOL)]
    pub on_exhausted: Option<Exhausted>,

    /// Close a connection idle for longer than this; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub max_idle: Option<Limit>,

    /// Close a connection older than this; none never
    #[arg(long, value_name = "D", value_parser = values::limit, global = true, help_heading = POOL)]
    pub max_lifetime: Option<Limit>,

    /// A lease out and idle for longer than this is called a leak
    #[arg(long, value_name = "D", value_parser = duration, global = true, help_heading = POOL)]
    pub leak_threshold: Option<Duration>,

    /// Warn when more of the pool than this is in use, in percent
    #[arg(long, value_name = "PERCENT", value_parser = values::percent, global = true, help_heading = POOL)]
    pub usage_alert: Option<u8>,
}

/// The subcommands.
#[derive(Clone, Subcommand)]
pub enum Command {
    /// Line by line: an editor on a terminal, commands from a pipe, or one command
    #[command(disable_help_flag = true, override_usage = "redis-pooltop shell [OPTIONS] [URL] [COMMAND...]")]
    Shell(Shell),
}

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

    /// `shell URL`: what [`Cli::read`] found before the command.
    #[arg(skip)]
    pub url: Option<String>,

    /// The command; from its first word on, nothing is an option
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
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
    /// Prometheus' text form, with OpenTelemetry's names.
    Prometheus,
}

/// What a checkout does at the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Exhausted {
    /// Wait in order, up to the blocking timeout.
    Wait,
    /// Fail at once.
    Fail,
}

impl Cli {
    /// Parses a command line, program name first, and rejects what has the wrong shape: two URLs, a URL before the
    /// subcommand, a word that is neither.
    ///
    /// # Errors
    /// What clap says of a bad command line, `--help` and `--version`.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let cli = Self::shell_url(args)?;
        cli.check_positionals()?;
        Ok(cli)
    }

    /// `shell [OPTIONS] URL [OPTIONS] COMMAND...`: the URL goes to [`Shell::url`]. The command is the end of the line,
    /// so its first word stands that far from the end. Taken out, the line is read again, which makes options between
    /// the URL and the command options still.
    fn shell_url(mut args: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut cli = Self::try_parse_from(&args)?;
        let mut url = None;
        while let Some(Command::Shell(shell)) = &mut cli.command {
            let first = shell.command.first().and_then(|first| first.to_str()).filter(|a| looks_like_url(a));
            let Some(first) = first else {
                shell.url = url;
                break;
            };
            if url.is_some() {
                return Err(wrong(ErrorKind::ArgumentConflict, TWO_ADDRESSES));
            }
            url = Some(first.to_owned());
            args.remove(args.len() - shell.command.len());
            cli = Self::try_parse_from(&args)?;
        }
        Ok(cli)
    }

    fn check_positionals(&self) -> Result<(), clap::Error> {
        let Some(word) = &self.url else { return Ok(()) };
        let kind = ErrorKind::InvalidValue;
        if !looks_like_url(word) {
            return Err(wrong(kind, &not_a_url(word)));
        }
        if self.command.is_some() {
            return Err(wrong(kind, "the URL goes after the subcommand: redis-pooltop shell URL"));
        }
        match self.rest.first() {
            None => Ok(()),
            Some(next) if next.to_str().is_some_and(looks_like_url) => Err(wrong(kind, TWO_ADDRESSES)),
            Some(_) => Err(wrong(kind, "commands go to the shell: redis-pooltop shell URL COMMAND...")),
        }
    }
}

/// What is said when the command line names two servers.
pub(crate) const TWO_ADDRESSES: &str = "two addresses: give one of a URL, -u, -h and -p, -s or --demo";

fn wrong(kind: ErrorKind, message: &str) -> clap::Error {
    Cli::command().error(kind, message)
}

fn not_a_url(word: &str) -> String {
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    // What looks like user:password@host is not repeated.
    let shown =
        if word.contains('@') { "the address given".to_owned() } else { word.escape_debug().to_string() };
    if let Some(meant) = nearest(word, names) {
        return format!("'{shown}' is no URL and no subcommand: did you mean '{meant}'?");
    }
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    format!(
        "'{shown}' is no URL, which begins with redis://, rediss:// or unix://, and no subcommand: there is {}",
        names.join(", ")
    )
}
