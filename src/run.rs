//! The program's parts, put together as the settings ask: a server, one instrumented pool on it, the hub that watches
//! both, and whoever faces the person.

mod app;
mod judge;
mod lab;
mod manual;
mod once;
mod password;
mod place;
mod print;
mod recording;
mod replay;
mod screen;
mod typed;
mod watch;

use std::io::{IsTerminal, Write, stderr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::command::Registry;
use crate::command::jobs::JobNews;
use crate::command::session::Session;
use crate::config::{Form, ScreenSettings, Settings};
use crate::error::{Error, Exit};
use crate::event::{Clock, Event, ServerEvent};
use crate::hub::Hub;
use crate::net::{ConnectError, ConnectOptions, Connection, Endpoint, OBSERVER};
use crate::pool::RedisPool;
use crate::report::Listing;
use crate::resp::Caps;
use crate::source::info::{InfoWatch, watch_info, watch_info_and_slots};
use crate::source::slots::Ids;
use crate::terminal::EndSignals;
use crate::tui::terminal::Guard;
use crate::{demo, metrics, report, text};
use judge::Judge;
pub use print::print;
use recording::Kept;

/// How often INFO is asked for: it costs the server some 20 µs.
const INFO_EVERY: Duration = Duration::from_secs(1);

/// How long an experiment may take to clean up after itself when the program ends.
const EXPERIMENT_ENDS: Duration = Duration::from_secs(5);

/// What failed, in words, where signals cannot be caught.
const SIGNALS: &str = "the signals";

/// What to say beside an error where nobody named a server, so that the default address was tried.
const NOBODY_NAMED_IT: &str = "; or use the embedded server: `redis-pooltop --demo`";

/// What every form of the program works with. Dropped, everything ends.
pub struct Parts {
    /// Where connections go.
    pub connect: ConnectOptions,
    /// The pool that commands run through.
    pub pool: RedisPool,
    /// Who knows what it does.
    pub hub: Hub,
    /// What its times are counted on.
    clock: Clock,
    /// What is known of commands.
    pub registry: Arc<Registry>,
    /// What the person should know from the start, safe to show.
    warnings: Vec<String>,
    /// Asks the server how it is.
    info: Option<Arc<InfoWatch>>,
    /// Writes down what happens.
    recording: Option<Kept>,
    /// Serves metrics.
    metrics: Option<metrics::Server>,
    /// The embedded server, with `--demo`. After all that connects to it, so that it is dropped last.
    _demo: Option<demo::Server>,
}

/// Runs what was asked for, to its end.
///
/// # Errors
/// Whatever ends it early, in one sentence.
pub async fn run(mut settings: Settings) -> Result<Exit, Error> {
    for warning in &settings.warnings {
        warn(warning);
    }
    let mut judge = Judge::new(&settings)?;
    if let Form::Replay(replay) = &settings.form {
        return replay::run(&settings, replay, judge.as_mut()).await;
    }
    // Caught for the prompt's sake, signals stay caught: what ends by them from then on is ours to end.
    let mut caught = None;
    if settings.ask_password {
        let signals = EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?;
        match password::ask(caught.insert(signals)).await? {
            Ok(password) => {
                for server in std::iter::once(&mut settings.connect).chain(&mut settings.others) {
                    server.password = Some(password.clone());
                }
            }
            Err(exit) => return Ok(exit),
        }
    }
    if let Form::Lab(asked) = &settings.form {
        return lab::run(&settings, asked, judge.as_mut()).await;
    }
    if let Form::App(asked) = &settings.form {
        return app::run(&settings, asked, judge.as_mut()).await;
    }
    if let Form::Watch(asked) = &settings.form {
        return watch::run(&settings, asked, judge.as_mut(), caught).await;
    }
    typed::refuse(&settings.form)?;
    let started = tokio::select! {
        biased;
        number = next(&mut caught) => return Ok(Exit::Signal(number)),
        started = start(&settings) => started?,
    };
    let (mut parts, guard) = match started {
        Ok(started) => started,
        Err(exit) => return Ok(exit),
    };
    // Whoever writes there may have begun only now.
    typed::refuse(&settings.form)?;
    // The editor takes them itself, and has another meaning for Ctrl-C.
    let editor = matches!(settings.form, Form::Shell(_)) && is_typed(&settings.form);
    let lasts = parts.recording.is_some() || parts.metrics.is_some() || watches(&settings.form);
    if lasts && caught.is_none() && !editor && !is_screen(&settings.form) {
        // A recording is to have its end, and who watches a report, whatever ends the run.
        caught = Some(EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?);
    }
    // What ends the watching early does not end the report.
    let mut early = if is_report(&settings.form) { caught.take() } else { None };
    let exit = tokio::select! {
        biased;
        number = next(&mut caught), if !editor => Ok(Exit::Signal(number)),
        exit = parts.face(&settings, guard, judge.as_mut(), &mut early) => exit,
    };
    // An experiment that was stopped with the rest still has keys and connections to clean up.
    crate::lab::settled(EXPERIMENT_ENDS).await;
    if let Some(recording) = parts.recording.take() {
        recording.finish(&parts.hub).await;
    }
    exit
}

/// Starts the parts, or says how the program ends when somebody would not wait for them. The screen is taken meanwhile,
/// where there is one.
async fn start(settings: &Settings) -> Result<Result<(Parts, Option<Guard>), Exit>, Error> {
    if is_screen(&settings.form) {
        can_show_a_screen()?;
        return screen::start(settings).await;
    }
    let parts = Parts::start(settings).await?;
    parts.warn();
    Ok(Ok((parts, None)))
}

/// The next signal, if signals are caught here.
async fn next(caught: &mut Option<EndSignals>) -> u8 {
    match caught {
        Some(signals) => signals.next().await,
        None => std::future::pending().await,
    }
}

/// Says something to the person. That nobody reads it is no reason to stop.
fn warn(words: &str) {
    let _ = writeln!(stderr(), "{words}");
}

impl Parts {
    /// Starts everything, and says what is wrong with the server before anything is shown. A report finds that out
    /// through the pool it reports on, and starts the rest itself.
    async fn start(settings: &Settings) -> Result<Self, Error> {
        let mut connect = settings.connect.clone();
        let demo = if settings.demo { Some(start_demo(&mut connect).await?) } else { None };
        let reports = is_report(&settings.form);
        let probe = if reports { None } else { Some(open(settings, &connect).await?) };
        let clock = Clock::start();
        let (recorder, recording) = recording::start(settings, &clock)?.unzip();
        let hub = Hub::start_recorded(clock, settings.model.clone(), tick(settings), recorder);
        let pool = RedisPool::redis(connect.clone(), settings.pool.clone(), clock, hub.tap());
        hub.attach(pool.pulse_source());
        let registry = Arc::new(Registry::new());
        if let Some(probe) = probe.filter(|_| is_typed(&settings.form)) {
            learn(probe, registry.clone());
        }
        let (metrics, said) = serve_metrics(settings, &hub, &Listing::default()).await?.unzip();
        let (info, warnings) = (None, Vec::from_iter(said));
        let mut parts =
            Self { connect, pool, hub, clock, registry, warnings, info, recording, metrics, _demo: demo };
        if !reports {
            parts.open_up(settings).await;
        }
        Ok(parts)
    }

    /// Has the server asked how it is, where somebody looks at that, and the pool warmed up.
    async fn open_up(&mut self, settings: &Settings) {
        if wants_info(&settings.form) {
            let every = info_every(tick(settings));
            let (connect, tap) = (self.connect.clone(), self.hub.tap());
            let info = if is_screen(&settings.form) {
                watch_info_and_slots(connect, every, ids(&self.hub), tap, self.clock)
            } else {
                watch_info(connect, every, tap, self.clock)
            };
            self.info = Some(Arc::new(info));
        }
        if settings.pool.warmup > 0 {
            let warmed = self.pool.warmup(settings.pool.warmup).await;
            if let Some(error) = warmed.error {
                let (opened, wanted) = (warmed.opened, settings.pool.warmup);
                let error = text::escape_str(&error.to_string()).into_owned();
                self.warnings.push(format!(
                    "Warning: {opened} of {wanted} connections opened by the warm-up: {error}"
                ));
            }
        }
    }

    /// Faces whoever asked, in the form they asked for, to the end.
    async fn face(
        &mut self,
        settings: &Settings,
        guard: Option<Guard>,
        judge: Option<&mut Judge>,
        early: &mut Option<EndSignals>,
    ) -> Result<Exit, Error> {
        match &settings.form {
            form if is_screen(form) => screen::run(self, settings, guard).await,
            Form::Replay(replay) => replay::run(settings, replay, judge).await,
            Form::Screen(report) => once::run(self, settings, report, judge, early).await,
            Form::Lab(asked) => lab::run(settings, asked, judge).await,
            Form::Watch(asked) => watch::run(settings, asked, judge, early.take()).await,
            Form::App(asked) => app::run(settings, asked, judge).await,
            Form::Shell(shell) => {
                let target = self.address(settings);
                let (mut session, news) = self.session(settings);
                let exit =
                    crate::shell::run(&mut session, news, &target, shell, settings.color, &settings.screen)
                        .await?;
                match judge {
                    Some(judge) => judge.session(self, &mut session, exit).await,
                    None => Ok(exit),
                }
            }
        }
    }

    /// Says what the person should know from the start, where no screen does.
    fn warn(&self) {
        self.warnings.iter().for_each(|warning| warn(warning));
    }

    /// Runs lines on the pool, and what its jobs have to say.
    fn session(&self, settings: &Settings) -> (Session, mpsc::Receiver<JobNews>) {
        let (pool, hub, registry) = (self.pool.clone(), self.hub.clone(), self.registry.clone());
        let (mut session, news) = Session::new(pool, hub, registry, self.connect.database);
        if let Some(profile) = settings.profile.as_ref().filter(|profile| profile.typed) {
            session.confirm_by(&profile.name);
        }
        if let Some(info) = &self.info {
            session.leave_out(info.from());
        }
        if settings.unasked {
            session.ask_nothing();
        }
        (session, news)
    }

    /// What stands in the prompt, safe to show: the profile and the server.
    fn address(&self, settings: &Settings) -> String {
        let target = text::escape_str(&self.connect.target()).into_owned();
        settings.profile.as_ref().map_or(target.clone(), |profile| format!("{} {target}", profile.name))
    }

    /// Changes how often a snapshot is taken and the server is asked.
    fn pace(&self) -> Box<dyn Fn(Duration) + Send> {
        let (hub, info) = (self.hub.clone(), self.info.clone());
        Box::new(move |interval| {
            hub.set_tick(interval);
            if let Some(info) = &info {
                info.set_interval(info_every(interval));
            }
        })
    }

    /// Waits until the server has been asked once, or cannot be; after so long the snapshot says that it did not answer.
    async fn first_answer(&self, patience: Duration) {
        let mut snapshots = self.hub.subscribe();
        let heard = snapshots
            .wait_for(|snapshot| !snapshot.server.clients.is_empty() || snapshot.server.lost.is_some());
        if tokio::time::timeout(patience, heard).await.is_err() {
            // What is not known yet is shown as unknown, and this is why.
            let error = format!("no answer to INFO that says anything within {}", text::duration(patience));
            let now = self.hub.sync().await.as_of;
            self.hub.tap().emit(now, Event::Server(ServerEvent::Lost { error, retry_at: now }));
        }
    }
}

/// The server's ids of the pools' connections, as the last snapshot has them.
fn ids(hub: &Hub) -> Ids {
    let snapshots = hub.subscribe();
    Arc::new(move || {
        let snapshot = snapshots.borrow().clone();
        snapshot.connections.iter().filter_map(|row| row.server_id).collect()
    })
}

/// How often the hub takes a snapshot: a report and a shell ask for theirs.
fn tick(settings: &Settings) -> Duration {
    match settings.form {
        Form::Screen(_) => settings.screen.interval,
        Form::App(_) | Form::Watch(_) | Form::Shell(_) | Form::Lab(_) | Form::Replay(_) => {
            ScreenSettings::INTERVAL
        }
    }
}

/// How often the server is asked: with each snapshot where these are seldom, or wanted more often than usual.
fn info_every(interval: Duration) -> Duration {
    if interval < ScreenSettings::INTERVAL { interval } else { interval.max(INFO_EVERY) }
}

/// Whether somebody looks at the server's numbers: lines alone need none, and MONITOR would show the questions.
fn wants_info(form: &Form) -> bool {
    matches!(form, Form::Screen(_))
}

/// Whether the full screen is what was asked for, and there is a terminal for it.
fn is_screen(form: &Form) -> bool {
    matches!(form, Form::Screen(report) if report.on_screen())
}

/// Whether one report is what was asked for.
fn is_report(form: &Form) -> bool {
    matches!(form, Form::Screen(report) if !report.on_screen())
}

/// Whether it is reported on what happens for a while.
fn watches(form: &Form) -> bool {
    matches!(form, Form::Screen(report) if !report.on_screen() && report.duration.is_some())
}

/// A terminal without a cursor to move would show the screen as a heap of signs.
fn can_show_a_screen() -> Result<(), Error> {
    let term = std::env::var_os("TERM").filter(|term| !term.is_empty());
    if term.as_ref().is_some_and(|term| term != "dumb") {
        return Ok(());
    }
    let is = if term.is_some() { "TERM is dumb" } else { "TERM is not set" };
    Err(Error::Usage(format!(
        "{is}: this terminal cannot show the screen; `redis-pooltop shell` works line by line, and --once reports"
    )))
}

/// Whether a person types, whom the server's own table of commands helps.
fn is_typed(form: &Form) -> bool {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    terminal && !matches!(form, Form::Shell(shell) if !shell.command.is_empty())
}

/// Whether the server is there and lets us in: a connection of our own, not the pool's.
async fn open(settings: &Settings, connect: &ConnectOptions) -> Result<Connection, Error> {
    let observer = ConnectOptions { client_name: Some(OBSERVER.to_owned()), ..connect.clone() };
    Connection::open(&observer).await.map_err(|error| unreachable(settings, error))
}

/// What a server that cannot be reached means, with what else to try.
fn unreachable(settings: &Settings, error: ConnectError) -> Error {
    Error::Connect { error, hint: settings.nobody_named_it.then_some(NOBODY_NAMED_IT) }
}

/// Serves metrics where that was asked for, and says where.
async fn serve_metrics(
    settings: &Settings,
    hub: &Hub,
    listing: &Listing,
) -> Result<Option<(metrics::Server, String)>, Error> {
    let Some(address) = settings.metrics else { return Ok(None) };
    let (snapshots, listing) = (hub.subscribe(), listing.clone());
    let page = move || {
        let snapshot = snapshots.borrow().clone();
        report::open_metrics(&snapshot, &listing)
    };
    let server = metrics::Server::start(address, page).await.map_err(Error::io("--metrics"))?;
    let said = format!("Metrics are at http://{}/metrics", server.address());
    Ok(Some((server, said)))
}

async fn start_demo(connect: &mut ConnectOptions) -> Result<demo::Server, Error> {
    let server = demo::Server::start().await.map_err(Error::io("the embedded server"))?;
    let address = server.addr();
    connect.endpoint = Endpoint::Tcp { host: address.ip().to_string(), port: address.port() };
    Ok(server)
}

/// Takes the server's own word on its commands, in the background: until then, and where it has none, the built-in
/// table serves.
fn learn(mut connection: Connection, registry: Arc<Registry>) {
    // A connection of its own, for nothing else: a table larger than any server's is not worth its memory.
    connection.set_caps(Caps { bulk: 1 << 20, items: 1 << 20, bytes: 16 << 20, ..Caps::default() });
    tokio::spawn(async move {
        let Ok(docs) = connection.call(&["COMMAND", "DOCS"]).await else { return };
        let commands = connection.call(&["COMMAND"]).await.ok();
        registry.learn(&docs, commands.as_ref());
    });
}
