//! Defaults < file < environment < flags, validated once into [`Settings`]. No side effects: file and environment come
//! in as values, and what has to be asked or warned is said in the result.

mod app;
mod connect;
mod document;
mod file;
mod judging;
mod known;
mod lab;
mod pool;
mod profile;
mod watch;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Cli, Command, Common, Connection, Format, Pool, When};
use crate::error::Error;
use crate::model::ModelOptions;
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;
use crate::report::Listing;
use crate::resp::print::Style;
use crate::tui::keymap::Keys;
use crate::tui::layout::Pane;
use crate::tui::theme::Theme;
use crate::values::Editing;

use connect::{Origin, servers};
use document::Document;
use judging::judging;
use known::Said;
use pool::pool;

pub(crate) use crate::model::LEAKS;
pub use app::{AppSettings, Observed};
pub use file::{ConfigFile, default_path};
pub use judging::Judging;
pub use lab::LabSettings;
pub use profile::Profile;
pub use watch::WatchSettings;

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
    /// Further servers to watch.
    pub others: Vec<ConnectOptions>,
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
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// Where to write all that happens.
    pub record: Option<PathBuf>,
    /// The run is judged at its end: `--fail-on-leak` and `--fail-on`.
    pub judging: Option<Judging>,
    /// The profile that was chosen.
    pub profile: Option<Profile>,
    /// Nothing is asked before a command runs.
    pub unasked: bool,
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
    /// What stands before the typed line is red.
    pub red: bool,
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
    /// `watch`
    Watch(WatchSettings),
    /// `run` and `attach`
    App(AppSettings),
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
    /// Which clients of watched servers it lists, and how.
    pub listing: Listing,
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
        let Cli { url, rest: _, once, duration, format, mut metrics, common, command } = cli;
        let Connection { demo, askpass, .. } = common.connection;
        let judged = common.lints.fail_on_leak || !common.lints.fail_on.is_empty();
        let mut form_of_report = format;
        let wanted = common.profile.as_deref();
        let document = file.map(|file| Document::read(file, wanted)).transpose()?;
        if let (Some(wanted), None) = (wanted, file) {
            return Err(profile::unknown(wanted, &[], None));
        }
        let place = |name: &str| document.as_ref().and_then(|document| document.place(name));
        let (said, keys) = document.as_ref().map(|d| (d.said.clone(), d.keys.clone())).unwrap_or_default();
        let before = ReportSettings { once, duration, format, listing: Listing::default() };
        let (form, urls, json) = match command {
            None => {
                // All of them are a report's, and no screen would show anything of them.
                let once = once || duration.is_some() || format.is_some() || judged;
                let report = ReportSettings { once, ..before };
                can_serve(metrics, &report)?;
                (Form::Screen(report), Vec::from_iter(url), false)
            }
            Some(_) if metrics.is_some() => {
                return Err(usage("--metrics goes without a subcommand, or after watch"));
            }
            Some(Command::Replay(replay)) => {
                let listing = watch::listing(&replay.listing, &said)?;
                let before = ReportSettings { once: once || judged, listing, ..before };
                let replay = replay_settings(replay, before);
                form_of_report = replay.report.format;
                (Form::Replay(replay), Vec::new(), false)
            }
            Some(_) if once || duration.is_some() || format.is_some() => {
                return Err(usage("--once, --duration and --format go without a subcommand"));
            }
            Some(Command::Watch(watch)) => {
                form_of_report = watch.format;
                metrics = watch.metrics;
                (Form::Watch(watch::settings(&watch, &common, &said, judged)?), watch.urls, false)
            }
            Some(Command::Run(run)) => {
                form_of_report = run.told.format;
                (Form::App(app::run(run, &common, judged)?), Vec::new(), false)
            }
            Some(Command::Attach(attach)) => {
                form_of_report = attach.told.format;
                (Form::App(app::attach(attach, &common, judged)?), Vec::new(), false)
            }
            Some(Command::Print(_)) => return Err(usage("this prints something, and needs no settings")),
            Some(Command::Lab(lab)) => {
                form_of_report = lab.format;
                let (lab, url) = lab::settings(&lab, &common)?;
                if judged && lab.experiments.is_empty() {
                    return Err(usage("--fail-on-leak and --fail-on judge experiments: name one, or all"));
                }
                (Form::Lab(lab), Vec::from_iter(url), false)
            }
            Some(Command::Shell(shell)) => {
                let (url, json) = (shell.url.clone(), shell.json);
                form_of_report = shell.format;
                (Form::Shell(shell_settings(shell)?), Vec::from_iter(url), json)
            }
        };
        let (mut servers, origin) = servers(&common.connection, &urls, json, environment, &said)?;
        let mut warnings: Vec<String> = servers.iter().flat_map(ConnectOptions::warnings).collect();
        warnings.extend(passwords_seen(&common.connection, &urls));
        warnings.extend(file.and_then(|file| password_readable(file, &said, &place("url")?)));
        let profile = document.as_ref().and_then(|document| document.profile.clone());
        warnings.extend(profile.as_ref().and_then(|profile| elsewhere(profile, origin)));
        let mut pooled = PoolConfig::default();
        for server in &mut servers {
            pooled = pool(&common.pool, &said.pool, server, place)?;
        }
        let (levels, judging) = judging(&common.lints, &said.levels, form_of_report)?;
        if judging.is_none() && form_of_report.is_some() && matches!(form, Form::Shell(_)) {
            return Err(usage(
                "--format goes with --fail-on-leak or --fail-on in the shell: its replies have --json and --csv",
            ));
        }
        let mut servers = servers.into_iter();
        Ok(Self {
            connect: servers.next().unwrap_or_default(),
            others: servers.collect(),
            demo,
            nobody_named_it: origin == Origin::Nobody,
            ask_password: askpass,
            model: ModelOptions { levels, ..model(&common.pool, &said.pool) },
            pool: pooled,
            metrics,
            color: color(common.color, environment, said.screen.color),
            screen: ScreenSettings {
                red: profile.as_ref().is_some_and(|profile| profile.red),
                ..screen(&common, said.screen, keys)
            },
            form,
            record: common.record.record,
            judging,
            profile,
            unasked: common.yes,
            warnings,
        })
    }
}

impl Settings {
    /// Every server that was named, or the default one.
    pub fn servers(&self) -> Vec<ConnectOptions> {
        std::iter::once(&self.connect).chain(&self.others).cloned().collect()
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
fn passwords_seen(flags: &Connection, urls: &[String]) -> Option<String> {
    if flags.no_auth_warning {
        return None;
    }
    let flagged =
        flags.password.is_some() || urls.is_empty() && flags.uri.as_deref().is_some_and(has_password);
    let seen = flagged.then_some(PASSWORD_SEEN);
    let seen = seen.or(urls.iter().any(|url| has_password(url)).then_some(URL_SEEN));
    seen.map(str::to_owned)
}

/// The warning that a password stands in a file that others can read. `place` is where.
fn password_readable(file: &ConfigFile, said: &Said, place: &str) -> Option<String> {
    let readable = file.open_to_others && said.url.as_deref().is_some_and(has_password);
    readable.then(|| format!("Warning: {place}: the url has a password, and others can read this file."))
}

/// The warning that a profile's name stands for a server that is not the one connected to. Flags say so themselves.
fn elsewhere(profile: &Profile, origin: Origin) -> Option<String> {
    let elsewhere = profile.has_url && origin == Origin::Environment;
    elsewhere.then(|| format!("Warning: REDIS_URL beats the url of profile {}.", profile.name))
}

fn usage(sentence: impl Into<String>) -> Error {
    Error::Usage(sentence.into())
}

/// A report may be asked for before the subcommand and after it.
fn replay_settings(replay: crate::cli::Replay, before: ReportSettings) -> ReplaySettings {
    let duration = replay.duration.or(before.duration);
    let format = replay.format.or(before.format);
    let once = replay.once || before.once || duration.is_some() || format.is_some();
    ReplaySettings { file: replay.file, report: ReportSettings { once, duration, format, ..before } }
}

/// A report is made once, and a server of metrics has its time.
fn can_serve(metrics: Option<SocketAddr>, report: &ReportSettings) -> Result<(), Error> {
    if metrics.is_some() && report.once && report.duration.is_none() {
        return Err(usage(
            "--metrics serves until it is ended: leave out what asks for one report, or add --duration",
        ));
    }
    Ok(())
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
        panes: said.panes.unwrap_or_else(|| Pane::POOL.to_vec()),
        editing: said.editing.unwrap_or_default(),
        pager: said.pager.unwrap_or(true),
        pipe: said.pipe.unwrap_or(true),
        keys,
        red: false,
    }
}

fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *setting = flag;
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
