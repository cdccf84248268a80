//! Defaults < file < environment < flags, validated once into [`Settings`]. No side effects: file and environment come
//! in as values, and what has to be asked or warned is said in the result.

mod connect;
mod document;
mod file;
mod known;
mod lab;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Cli, Command, Common, Connection, Exhausted, Format, Limit, Pool, When};
use crate::error::Error;
use crate::model::ModelOptions;
use crate::net::ConnectOptions;
use crate::pool::{OnExhausted, PoolConfig};
use crate::resp::print::Style;
use crate::tui::keymap::Keys;
use crate::tui::layout::Pane;
use crate::tui::theme::Theme;
use crate::values::Editing;

use connect::{Origin, connect};
use document::Document;
use known::Said;

pub use file::{ConfigFile, default_path};
pub use lab::LabSettings;

/// What the environment says.
#[derive(Clone, Default)]
pub struct Environment {
    /// `REDIS_URL`
    pub redis_url: Option<String>,
    /// `REDISCLI_AUTH`
    pub password: Option<String>,
    /// `NO_COLOR`, when it is not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE`, when it is neither empty nor 0.
    pub force_color: bool,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            redis_url: text("REDIS_URL"),
            password: text("REDISCLI_AUTH"),
            no_color: text("NO_COLOR").is_some(),
            force_color: text("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        }
    }
}

/// Everything that was asked for, checked.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a yes or no of the command line")]
pub struct Settings {
    /// Where to connect and how. With `demo` the endpoint is the embedded server's, once it runs.
    pub connect: ConnectOptions,
    /// Use the embedded server.
    pub demo: bool,
    /// Nobody named a server: the default address.
    pub nobody_named_it: bool,
    /// The password is to be asked for on the terminal.
    pub ask_password: bool,
    /// How the pool behaves.
    pub pool: PoolConfig,
    /// What the model judges by.
    pub model: ModelOptions,
    /// When to use colour.
    pub color: Color,
    /// How the screen looks and answers.
    pub screen: ScreenSettings,
    /// What to do.
    pub form: Form,
    /// Where to write all that happens.
    pub record: Option<PathBuf>,
    /// Sentences for stderr.
    pub warnings: Vec<String>,
}

/// How the screen looks and answers.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a yes or no of the file")]
pub struct ScreenSettings {
    /// Its colours: one of [`Theme::NAMES`].
    pub theme: String,
    /// Draw it with plain ASCII only.
    pub ascii: bool,
    /// Take the mouse.
    pub mouse: bool,
    /// How often it takes a snapshot.
    pub interval: Duration,
    /// The panes that are shown, in their order; the shell is one of them.
    pub panes: Vec<Pane>,
    /// Whose keys edit the typed line, in `shell` too.
    pub editing: Editing,
    /// Output may go to `$PAGER`.
    pub pager: bool,
    /// A line may end in `| command`.
    pub pipe: bool,
    /// What each key does.
    pub keys: Keys,
}

impl ScreenSettings {
    /// How often a snapshot comes: often enough that a person sees a command's effect as it happens.
    pub const INTERVAL: Duration = Duration::from_millis(250);
}

/// Colour or not, but for the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// As the terminal can.
    Auto,
    /// Even where there is no terminal.
    Always,
    /// None.
    Never,
}

impl Color {
    /// The decision for an output that is a terminal, or is not.
    pub fn on(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// What to do.
#[derive(Clone, Debug)]
pub enum Form {
    /// The full screen; or one report, with `--once` or without a terminal.
    Screen(ReportSettings),
    /// `shell`
    Shell(ShellSettings),
    /// `replay`
    Replay(ReplaySettings),
    /// `lab`
    Lab(LabSettings),
}

/// `--once` and what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct ReportSettings {
    /// A report even on a terminal.
    pub once: bool,
    /// How long to watch first.
    pub duration: Option<Duration>,
    /// The report's form; text unless told.
    pub format: Option<Format>,
}

impl ReportSettings {
    /// Whether the full screen is meant, and there is a terminal for it.
    pub fn on_screen(&self) -> bool {
        !self.once && std::io::stdout().is_terminal()
    }
}

/// `replay` and its options.
#[derive(Clone, Debug)]
pub struct ReplaySettings {
    /// The recording.
    pub file: PathBuf,
    /// A report instead of the screen.
    pub report: ReportSettings,
}

/// `shell` and its options.
#[derive(Clone, Debug)]
pub struct ShellSettings {
    /// One command; without it lines are read.
    pub command: Vec<OsString>,
    /// `-r`: how often.
    pub repeat: u64,
    /// `-i`: pause between two.
    pub interval: Duration,
    /// `-x`: the last argument comes from stdin.
    pub last_from_stdin: bool,
    /// `-e`: from a pipe, a failed command shows in the exit code.
    pub exit_code: bool,
    /// How replies are printed; `None` is by what stdout is.
    pub style: Option<Style>,
}

impl Settings {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// [`Error::Usage`], one sentence.
    pub fn new(cli: Cli, environment: &Environment, file: Option<&ConfigFile>) -> Result<Self, Error> {
        let Cli { url, rest: _, once, duration, format, common, command } = cli;
        let Connection { demo, askpass, .. } = common.connection;
        let (form, url, json) = match command {
            None => {
                // Both are a report's, and no screen would show anything of them.
                let once = once || duration.is_some() || format.is_some();
                (Form::Screen(ReportSettings { once, duration, format }), url, false)
            }
            Some(Command::Replay(replay)) => (
                Form::Replay(replay_settings(replay, &ReportSettings { once, duration, format })),
                None,
                false,
            ),
            Some(_) if once || duration.is_some() || format.is_some() => {
                return Err(usage("--once, --duration and --format go without a subcommand"));
            }
            Some(Command::Lab(_)) if common.record.record.is_some() => {
                return Err(usage(
                    "--record goes with what a person runs: an experiment has a pool for each of its ways",
                ));
            }
            Some(Command::Lab(lab)) => {
                let (lab, url) = lab::settings(&lab)?;
                (Form::Lab(lab), url, false)
            }
            Some(Command::Shell(shell)) => {
                let (url, json) = (shell.url.clone(), shell.json);
                (Form::Shell(shell_settings(shell)?), url, json)
            }
        };
        let document = file.map(Document::read).transpose()?;
        let place = |name: &str| document.as_ref().and_then(|document| document.place(name));
        let (said, keys) = document.as_ref().map(|d| (d.said.clone(), d.keys.clone())).unwrap_or_default();
        let (mut connect, origin) = connect(&common.connection, url.clone(), json, environment, &said)?;
        let mut warnings = connect.warnings();
        warnings.extend(passwords_seen(&common.connection, url.as_deref()));
        warnings.extend(file.and_then(|file| password_readable(file, &said, &place("url")?)));
        let pool = pool(&common.pool, &said.pool, &mut connect, place)?;
        Ok(Self {
            connect,
            demo,
            nobody_named_it: origin == Origin::Nobody,
            ask_password: askpass,
            model: model(&common.pool, &said.pool),
            pool,
            color: color(common.color, environment, said.screen.color),
            screen: screen(&common, said.screen, keys),
            form,
            record: common.record.record,
            warnings,
        })
    }
}

/// The names of the file's settings, without the keys'.
pub fn names() -> impl Iterator<Item = &'static str> {
    known::SETTINGS.iter().map(|known| known.name)
}

/// redis-cli's words, for its flags.
const PASSWORD_SEEN: &str =
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.";

/// The same for an address that is no flag's.
const URL_SEEN: &str = "Warning: Using a password in a URL on the command line interface may not be safe.";

/// Whether a URL on the command line carries a password.
fn has_password(url: &str) -> bool {
    ConnectOptions::from_url(url).is_ok_and(|options| options.password.is_some())
}

/// The warning that a password stands on the command line.
fn passwords_seen(flags: &Connection, url: Option<&str>) -> Option<String> {
    if flags.no_auth_warning {
        return None;
    }
    let flagged = flags.password.is_some() || url.is_none() && flags.uri.as_deref().is_some_and(has_password);
    let seen = flagged.then_some(PASSWORD_SEEN).or(url.is_some_and(has_password).then_some(URL_SEEN));
    seen.map(str::to_owned)
}

/// The warning that a password stands in a file that others can read. `place` is where.
fn password_readable(file: &ConfigFile, said: &Said, place: &str) -> Option<String> {
    let readable = file.open_to_others && said.url.as_deref().is_some_and(has_password);
    readable.then(|| format!("Warning: {place}: the url has a password, and others can read this file."))
}

fn usage(sentence: impl Into<String>) -> Error {
    Error::Usage(sentence.into())
}

/// A report may be asked for before the subcommand and after it.
fn replay_settings(replay: crate::cli::Replay, before: &ReportSettings) -> ReplaySettings {
    let duration = replay.duration.or(before.duration);
    let format = replay.format.or(before.format);
    let once = replay.once || before.once || duration.is_some() || format.is_some();
    ReplaySettings { file: replay.file, report: ReportSettings { once, duration, format } }
}

fn shell_settings(shell: crate::cli::Shell) -> Result<ShellSettings, Error> {
    if shell.command.is_empty() && (shell.repeat.is_some() || shell.last_from_stdin) {
        return Err(usage("-r and -x need a COMMAND: redis-pooltop shell -r 3 PING"));
    }
    let style = match shell {
        _ if shell.raw => Some(Style::Raw),
        _ if shell.no_raw => Some(Style::Standard),
        _ if shell.csv => Some(Style::Csv),
        _ if shell.json => Some(Style::Json),
        _ => None,
    };
    Ok(ShellSettings {
        command: shell.command,
        repeat: shell.repeat.unwrap_or(1),
        interval: shell.interval.unwrap_or_default(),
        last_from_stdin: shell.last_from_stdin,
        exit_code: shell.exit_code,
        style,
    })
}

/// `place` is where the file has a setting, if it has it.
fn pool(
    flags: &Pool,
    said: &Pool,
    connect: &mut ConnectOptions,
    place: impl Fn(&str) -> Option<String>,
) -> Result<PoolConfig, Error> {
    let mut pool = PoolConfig::default();
    for given in [said, flags] {
        set(&mut pool.max, given.max_connections);
        set(&mut pool.warmup, given.warmup);
        set(&mut pool.blocking_timeout, given.blocking_timeout);
        set(&mut pool.retries, given.retries);
        set(&mut pool.retry_delay, given.retry_delay);
        set(&mut pool.health_check_interval, given.health_check_interval.map(Limit::get));
        set(&mut pool.max_idle, given.max_idle.map(Limit::get));
        set(&mut pool.max_lifetime, given.max_lifetime.map(Limit::get));
        set(&mut pool.on_exhausted, given.on_exhausted.map(Into::into));
        set(&mut connect.socket_timeout, given.socket_timeout.map(Limit::get));
        set(&mut connect.connect_timeout, given.socket_connect_timeout);
        pool.retry_on_timeout |= given.retry_on_timeout;
    }
    if let Some(name) = &flags.client_name {
        connect.client_name = Some(name.clone());
    }
    pool.single = single(flags, said, &place)?;
    if pool.warmup > pool.max {
        let (warmup, warmup_there) = whose("warmup", flags.warmup, &place);
        let (max, max_there) = whose("max-connections", flags.max_connections, &place);
        let there = warmup_there.or(max_there).map_or_else(String::new, |there| format!("{there}: "));
        return Err(usage(format!("{there}{warmup} {} is more than {max} {}", pool.warmup, pool.max)));
    }
    Ok(pool)
}

/// How a setting is called where its value comes from, and where that is, if in the file.
fn whose(name: &str, flag: Option<u32>, place: impl Fn(&str) -> Option<String>) -> (String, Option<String>) {
    match flag {
        Some(_) => (format!("--{name}"), None),
        None => (name.to_owned(), place(name)),
    }
}

/// Whether the pool has one connection. A limit from the command line beats the file's word.
fn single(flags: &Pool, said: &Pool, place: impl Fn(&str) -> Option<String>) -> Result<bool, Error> {
    let many = |max: Option<u32>| max.is_some_and(|max| max > 1);
    if flags.single_connection && many(flags.max_connections) {
        return Err(usage("--single-connection is a pool of one: leave out --max-connections"));
    }
    if flags.single_connection || !said.single_connection {
        return Ok(flags.single_connection);
    }
    if flags.max_connections.is_none() && many(said.max_connections) {
        let there = place("single-connection").unwrap_or_default();
        return Err(usage(format!("{there}: single-connection is a pool of one: leave out max-connections")));
    }
    Ok(!many(flags.max_connections))
}

fn model(flags: &Pool, said: &Pool) -> ModelOptions {
    let mut model = ModelOptions::default();
    for given in [said, flags] {
        set(&mut model.leak_threshold, given.leak_threshold);
        set(&mut model.usage_alert, given.usage_alert);
    }
    model
}

fn screen(flags: &Common, said: known::Screen, keys: Keys) -> ScreenSettings {
    ScreenSettings {
        theme: flags.theme.clone().or(said.theme).unwrap_or_else(|| Theme::NAMES[0].to_owned()),
        ascii: flags.ascii || said.ascii.unwrap_or(false),
        mouse: !flags.no_mouse && said.mouse.unwrap_or(true),
        interval: said.interval.unwrap_or(ScreenSettings::INTERVAL),
        panes: said.panes.unwrap_or_else(|| Pane::ALL.to_vec()),
        editing: said.editing.unwrap_or_default(),
        pager: said.pager.unwrap_or(true),
        pipe: said.pipe.unwrap_or(true),
        keys,
    }
}

fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *setting = flag;
    }
}

impl From<Exhausted> for OnExhausted {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Wait => Self::Wait,
            Exhausted::Fail => Self::Fail,
        }
    }
}

/// A flag beats the environment, which beats the file; and a wish for none beats one for colour.
fn color(flag: Option<When>, environment: &Environment, said: Option<When>) -> Color {
    match (flag, said) {
        (Some(When::Always), _) => Color::Always,
        (Some(When::Never), _) => Color::Never,
        _ if environment.no_color => Color::Never,
        _ if environment.force_color => Color::Always,
        (None, Some(When::Always)) => Color::Always,
        (None, Some(When::Never)) => Color::Never,
        _ => Color::Auto,
    }
}
