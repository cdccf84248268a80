//! Defaults < environment < flags, validated once into [`Settings`]. No side effects: the environment comes in as a
//! value, and what has to be asked or warned is said in the result.

use std::ffi::OsString;
use std::time::Duration;

use crate::cli::{Cli, Command, Connection, Exhausted, Format, Limit, Pool, TWO_ADDRESSES, When};
use crate::error::Error;
use crate::model::ModelOptions;
use crate::net::{ConnectOptions, Endpoint, Protocol, Secret, TlsOptions};
use crate::pool::{OnExhausted, PoolConfig};
use crate::resp::print::Style;

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
    /// Draw the screen with plain ASCII only.
    pub ascii: bool,
    /// What to do.
    pub form: Form,
    /// Sentences for stderr.
    pub warnings: Vec<String>,
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
    pub fn new(cli: Cli, environment: &Environment) -> Result<Self, Error> {
        let Cli { url, rest: _, once, duration, format, common, command } = cli;
        let Connection { demo, askpass, .. } = common.connection;
        let (form, url, json) = match command {
            None => (Form::Screen(ReportSettings { once, duration, format }), url, false),
            Some(_) if once || duration.is_some() || format.is_some() => {
                return Err(usage("--once, --duration and --format go without a subcommand"));
            }
            Some(Command::Shell(shell)) => {
                let (url, json) = (shell.url.clone(), shell.json);
                (Form::Shell(shell_settings(shell)?), url, json)
            }
        };
        let flags = common.connection;
        let (mut connect, origin) = connect(&flags, url.clone(), json, environment)?;
        let mut warnings = connect.warnings();
        let in_url = url.as_deref().or(flags.uri.as_deref()).is_some_and(has_password);
        let on_the_line = flags.password.is_some() || in_url;
        if on_the_line && !flags.no_auth_warning {
            warnings.push(PASSWORD_SEEN.to_owned());
        }
        let pool = pool(&common.pool, &mut connect)?;
        Ok(Self {
            connect,
            demo,
            nobody_named_it: origin == Origin::Nobody,
            ask_password: askpass,
            model: model(&common.pool),
            pool,
            color: color(common.color, environment),
            ascii: common.ascii,
            form,
            warnings,
        })
    }
}

/// redis-cli's words.
const PASSWORD_SEEN: &str =
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.";

/// Whether a URL on the command line carries a password.
fn has_password(url: &str) -> bool {
    ConnectOptions::from_url(url).is_ok_and(|options| options.password.is_some())
}

/// Who said where the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Nobody,
    Environment,
    Given,
}

fn usage(sentence: impl Into<String>) -> Error {
    Error::Usage(sentence.into())
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

/// The address, and what the other flags change of it.
fn connect(
    flags: &Connection,
    url: Option<String>,
    json: bool,
    environment: &Environment,
) -> Result<(ConnectOptions, Origin), Error> {
    let (mut connect, origin) = address(flags, url, environment)?;
    identity(flags, environment, &mut connect);
    tls(flags, &mut connect)?;
    connect.protocol = match (flags.resp2, flags.resp3) {
        (true, true) => return Err(usage("-2 and -3 exclude each other")),
        (true, _) => Protocol::Resp2,
        (_, true) => Protocol::Resp3,
        _ if json => Protocol::Resp3,
        _ => connect.protocol,
    };
    Ok((connect, origin))
}

/// One address at most; `REDIS_URL` only where no flag gives one.
fn address(
    flags: &Connection,
    url: Option<String>,
    environment: &Environment,
) -> Result<(ConnectOptions, Origin), Error> {
    let tcp = flags.host.is_some() || flags.port.is_some();
    let named = [url.is_some(), flags.uri.is_some(), tcp, flags.socket.is_some(), flags.demo];
    if named.iter().filter(|&&named| named).count() > 1 {
        return Err(usage(TWO_ADDRESSES));
    }
    let read = |url: &str, whose: &str| {
        ConnectOptions::from_url(url).map_err(|error| usage(format!("{whose}{error}")))
    };
    if let Some(url) = url.or_else(|| flags.uri.clone()) {
        return Ok((read(&url, "")?, Origin::Given));
    }
    let mut connect = ConnectOptions::default();
    if let Some(socket) = &flags.socket {
        connect.endpoint = Endpoint::Unix(socket.clone());
    } else if tcp {
        let host = flags.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
        connect.endpoint = Endpoint::Tcp { host, port: flags.port.unwrap_or(ConnectOptions::PORT) };
    } else if let Some(url) = environment.redis_url.as_deref().filter(|_| !flags.demo) {
        return Ok((read(url, "REDIS_URL: ")?, Origin::Environment));
    }
    Ok((connect, if named.contains(&true) { Origin::Given } else { Origin::Nobody }))
}

fn identity(flags: &Connection, environment: &Environment, connect: &mut ConnectOptions) {
    if let Some(database) = flags.database {
        connect.database = database;
    }
    if let Some(user) = &flags.user {
        connect.user = Some(user.clone());
    }
    let inherited = environment.password.as_ref().filter(|_| connect.password.is_none() && !flags.demo);
    if let Some(password) = flags.password.as_ref().or(inherited) {
        connect.password = Some(Secret::new(password.clone()));
    }
}

fn tls(flags: &Connection, connect: &mut ConnectOptions) -> Result<(), Error> {
    let files = [&flags.cacert, &flags.cacertdir, &flags.cert, &flags.key];
    let details = files.into_iter().any(Option::is_some) || flags.sni.is_some() || flags.insecure;
    if flags.tls && connect.tls.is_none() {
        connect.tls = Some(TlsOptions::default());
    }
    let Some(tls) = &mut connect.tls else {
        if details {
            return Err(usage(
                "--cacert, --cacertdir, --cert, --key, --sni and --insecure need --tls or a rediss:// URL",
            ));
        }
        return Ok(());
    };
    if flags.cert.is_some() != flags.key.is_some() {
        return Err(usage("--cert and --key go together"));
    }
    tls.cacert.clone_from(&flags.cacert);
    tls.cacertdir.clone_from(&flags.cacertdir);
    tls.cert.clone_from(&flags.cert);
    tls.key.clone_from(&flags.key);
    tls.sni.clone_from(&flags.sni);
    tls.insecure |= flags.insecure;
    Ok(())
}

fn pool(flags: &Pool, connect: &mut ConnectOptions) -> Result<PoolConfig, Error> {
    let mut pool = PoolConfig::default();
    set(&mut pool.max, flags.max_connections);
    set(&mut pool.warmup, flags.warmup);
    set(&mut pool.blocking_timeout, flags.blocking_timeout);
    set(&mut pool.retries, flags.retries);
    set(&mut pool.retry_delay, flags.retry_delay);
    set(&mut pool.health_check_interval, flags.health_check_interval.map(Limit::get));
    set(&mut pool.max_idle, flags.max_idle.map(Limit::get));
    set(&mut pool.max_lifetime, flags.max_lifetime.map(Limit::get));
    set(&mut pool.on_exhausted, flags.on_exhausted.map(Into::into));
    pool.retry_on_timeout |= flags.retry_on_timeout;
    pool.single |= flags.single_connection;
    if pool.single && flags.max_connections.is_some_and(|max| max > 1) {
        return Err(usage("--single-connection is a pool of one: leave out --max-connections"));
    }
    if pool.warmup > pool.max {
        return Err(usage(format!("--warmup {} is more than --max-connections {}", pool.warmup, pool.max)));
    }
    set(&mut connect.socket_timeout, flags.socket_timeout.map(Limit::get));
    set(&mut connect.connect_timeout, flags.socket_connect_timeout);
    if connect.connect_timeout.is_zero() {
        return Err(usage("--socket-connect-timeout must be longer than 0"));
    }
    if let Some(name) = &flags.client_name {
        connect.client_name = Some(name.clone());
    }
    Ok(pool)
}

fn model(flags: &Pool) -> ModelOptions {
    let mut model = ModelOptions::default();
    set(&mut model.leak_threshold, flags.leak_threshold);
    set(&mut model.usage_alert, flags.usage_alert);
    model
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

/// A flag beats the environment, and a wish for none beats one for colour.
fn color(flag: Option<When>, environment: &Environment) -> Color {
    match flag {
        Some(When::Always) => Color::Always,
        Some(When::Never) => Color::Never,
        None | Some(When::Auto) if environment.no_color => Color::Never,
        None | Some(When::Auto) if environment.force_color => Color::Always,
        None | Some(When::Auto) => Color::Auto,
    }
}
