//! `watch`: every client of servers that any program uses, on the screen, as a report or for a scraper.

mod acts;
mod crowd;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout, timeout_at};

use self::acts::Hands;
use self::crowd::Crowd;
use super::judge::Judge;
use super::recording::Kept;
use super::{
    SIGNALS, can_show_a_screen, next, once, open, recording, screen, serve_metrics, start_demo, warn,
};
use crate::cli::Format;
use crate::config::{Settings, WatchSettings};
use crate::error::{Error, Exit};
use crate::event::{Clock, Event, NodeFacts, NodeId, WatchEvent};
use crate::hub::Hub;
use crate::net::ConnectOptions;
use crate::report::clients::{Change, line};
use crate::snapshot::{LookRow, NodeRow, Snapshot};
use crate::source::watch::{Nodes, watch_all};
use crate::terminal::{self, EndSignals};
use crate::{demo, metrics, text};

/// How long a report waits until every server has been looked at: a list of ten thousand takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long after that it waits until every client's process is known, or known not to be.
pub(super) const OWNERS: Duration = Duration::from_secs(2);

/// What watches, and whom. Dropped, everything ends.
struct Watching {
    hub: Hub,
    nodes: Arc<Nodes>,
    /// How many servers were named: those that were found are numbered after them.
    named: u32,
    /// Serves metrics.
    metrics: Option<metrics::Server>,
    /// What the person should know from the start, safe to show.
    said: Vec<String>,
    /// Writes down what happens.
    recording: Option<Kept>,
    /// The embedded server's clients and itself, with `--demo`. After all that connects to it, so that it is dropped last.
    _demo: Option<(Crowd, demo::Server)>,
}

pub(super) async fn run(
    settings: &Settings,
    asked: &WatchSettings,
    judge: Option<&mut Judge>,
    caught: Option<EndSignals>,
) -> Result<Exit, Error> {
    if asked.on_screen() {
        return show(settings, asked, caught).await;
    }
    let mut signals = match caught {
        Some(signals) => signals,
        None => EndSignals::new().and_then(EndSignals::and_interrupt).map_err(Error::io(SIGNALS))?,
    };
    let mut watching = tokio::select! {
        biased;
        number = signals.next() => return Ok(Exit::Signal(number)),
        started = Watching::start(settings, asked) => started?,
    };
    watching.warn();
    let exit = watching.face(asked, judge, &mut signals).await;
    watching.finish().await;
    exit
}

/// The screen. Of a server that is not there it says so, and when it is tried again.
async fn show(
    settings: &Settings,
    asked: &WatchSettings,
    mut caught: Option<EndSignals>,
) -> Result<Exit, Error> {
    can_show_a_screen()?;
    let mut watching = Watching::start(settings, asked).await?;
    let hands = Hands { hub: watching.hub.clone(), nodes: watching.nodes.clone() };
    let shown = screen::watch(settings, asked, &watching.hub, Arc::new(hands), watching.said.clone());
    let exit = tokio::select! {
        biased;
        number = next(&mut caught) => Ok(Exit::Signal(number)),
        exit = shown => exit,
    };
    watching.finish().await;
    exit
}

impl Watching {
    /// Starts everything, unless no server can be reached.
    async fn start(settings: &Settings, asked: &WatchSettings) -> Result<Self, Error> {
        let mut servers = settings.servers();
        let demo = match servers.first_mut().filter(|_| settings.demo) {
            Some(first) => {
                let server = start_demo(first).await?;
                Some((Crowd::start(first).await, server))
            }
            None => None,
        };
        if !asked.on_screen() {
            probe(settings, asked, &servers).await?;
        }
        let clock = Clock::start();
        let (recorder, recording) = recording::start(settings, &clock)?.unzip();
        let hub = Hub::start_recorded(clock, settings.model.clone(), asked.interval, recorder);
        let named = servers.len() as u32;
        let nodes = Arc::new(watch_all(servers, asked.interval, hub.tap(), clock));
        hub.attach(nodes.source());
        let (metrics, said) = serve_metrics(settings, &hub, &asked.report.listing).await?.unzip();
        let shown = demo.as_ref().filter(|_| asked.on_screen()).map(|_| crowd::SAID.to_owned());
        let said = shown.into_iter().chain(said).collect();
        Ok(Self { hub, nodes, named, metrics, said, recording, _demo: demo })
    }

    /// Says what the person should know from the start, where no screen does.
    fn warn(&self) {
        self.said.iter().for_each(|said| warn(said));
    }

    /// Ends the recording, if there is one.
    async fn finish(&mut self) {
        if let Some(recording) = self.recording.take() {
            recording.finish(&self.hub).await;
        }
    }

    /// Answers in the form asked for.
    async fn face(
        &self,
        asked: &WatchSettings,
        judge: Option<&mut Judge>,
        signals: &mut EndSignals,
    ) -> Result<Exit, Error> {
        if self.metrics.is_some() && !asked.report.once && !asked.streams() {
            return Ok(Exit::Signal(signals.next().await));
        }
        tokio::select! {
            biased;
            number = signals.next() => return Ok(Exit::Signal(number)),
            () = self.first_looks() => {}
        }
        let begin = self.hub.sync().await;
        let mut change = asked.report.duration.map(|_| Change::since(&begin, &asked.report.listing));
        let end = asked.report.duration.map(|duration| Instant::now() + duration);
        let told = async {
            if asked.streams() {
                self.stream(asked, end, change.as_mut()).await
            } else {
                self.see(end, change.as_mut()).await;
                Ok(())
            }
        };
        let cut_short = tokio::select! {
            biased;
            number = signals.next() => Some(number),
            told = told => told.map(|()| None)?,
        };
        // What is reported is the last that is recorded, so that a replay reports the same.
        let last = self.hub.end_recording().await;
        let reported = (&*last, change.as_ref());
        match cut_short {
            // What was streamed has been told.
            Some(number) if asked.streams() => Ok(Exit::Signal(number)),
            // What was seen so far is worth a look, and no verdict.
            Some(number) => once::print(&asked.report, reported, None, |_| ()).map(|_| Exit::Signal(number)),
            None => {
                let judged = judge.is_some();
                let exit = once::print(&asked.report, reported, judge, |_| ())?;
                // A table has no place for what it does not show.
                if asked.report.format == Some(Format::Csv) {
                    last.nodes.iter().for_each(|row| warn_of_gaps(row));
                }
                // Where no client could be seen, that there is none is no finding.
                let unseen: Vec<_> = self.named(&last).filter(|row| !row.is_current()).collect();
                // Of one that does not answer the report says so.
                for row in unseen.iter().filter(|row| row.server.lost.is_none()) {
                    warn_of_blindness(row, judged);
                }
                Ok(if !unseen.is_empty() && exit == Exit::Fine { Exit::NoConnection } else { exit })
            }
        }
    }

    /// The servers that were named, and not found.
    fn named<'a>(&self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a NodeRow> {
        let named = self.named;
        snapshot.nodes.iter().map(|row| &**row).filter(move |row| row.id.0 < named)
    }

    /// Waits until every server has been looked at or cannot be, and it is known whose its clients are. What takes longer
    /// is reported as unknown.
    async fn first_looks(&self) {
        let mut snapshots = self.hub.subscribe();
        let looked = |snapshot: &Snapshot| {
            self.named(snapshot).count() == self.named as usize
                && snapshot.nodes.iter().all(|row| is_told(row))
        };
        if timeout(PATIENCE, snapshots.wait_for(|snapshot| looked(snapshot))).await.is_err() {
            let now = self.hub.sync().await;
            let silent = |row: &&NodeRow| !is_told(row) && row.server.lost.is_none();
            for row in now.nodes.iter().map(|row| &**row).filter(silent) {
                // What is not known yet is shown as unknown, and this is why.
                let error = format!("no answer within {}", text::duration(PATIENCE));
                let lost = WatchEvent::Lost { error, retry_at: now.as_of };
                self.hub.tap().emit(now.as_of, Event::Watch(row.id, lost));
            }
        }
        let known = |snapshot: &Snapshot| snapshot.clients.iter().all(|row| row.whose.is_some());
        // Those of whom it is not known by then have no process in the report.
        let _ = timeout(OWNERS, snapshots.wait_for(|snapshot| known(snapshot))).await;
    }

    /// Watches until then, and takes note of what holds meanwhile.
    async fn see(&self, end: Option<Instant>, change: Option<&mut Change>) {
        let (Some(end), Some(change)) = (end, change) else { return };
        let mut snapshots = self.hub.subscribe();
        let seeing = async {
            while snapshots.changed().await.is_ok() {
                let snapshot = snapshots.borrow_and_update().clone();
                change.see(&snapshot);
            }
        };
        let _ = timeout_at(end, seeing).await;
    }

    /// Prints a line at each refresh, until then or for ever.
    async fn stream(
        &self,
        asked: &WatchSettings,
        end: Option<Instant>,
        mut change: Option<&mut Change>,
    ) -> Result<(), Error> {
        let mut refresh = interval(asked.interval);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = until(end) => return Ok(()),
                _ = refresh.tick() => {}
            }
            let snapshot = self.hub.sync().await;
            if let Some(change) = &mut change {
                change.see(&snapshot);
            }
            let line = line(&snapshot, &asked.report.listing, None, None);
            // Whoever reads may stop to, and a signal is to end this all the same.
            let written = tokio::task::spawn_blocking(move || {
                terminal::output().and_then(|mut out| out.write_all(line.as_bytes()))
            });
            written.await.unwrap_or_else(|ended| Err(ended.into())).map_err(Error::io("standard output"))?;
        }
    }
}

/// Says that nothing is known of a server's clients.
fn warn_of_blindness(row: &NodeRow, judged: bool) {
    let why = row.blind().map_or_else(String::new, |refused| format!(": {}", refused.error));
    let judged = if judged { ", and were not judged" } else { "" };
    let said = format!("redis-pooltop: {}: its clients could not be seen{judged}{why}", row.target);
    warn(&text::escape_str(&said));
}

/// Says which of a server's clients are not in the report.
fn warn_of_gaps(row: &NodeRow) {
    for gap in row.look.iter().flat_map(LookRow::gaps) {
        warn(&format!("redis-pooltop: {}: {gap}", text::escape_str(&row.target)));
    }
}

/// Until then, or for ever.
async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// Whether all that a server tells is known, or why it is not.
pub(super) fn is_told(row: &NodeRow) -> bool {
    let refused = |command: &str| row.refused.iter().any(|refused| refused.command.starts_with(command));
    let (looked, told) = (row.look.is_some(), row.connected.is_some());
    row.stopped || row.server.lost.is_some() || (looked || refused("CLIENT")) && (told || refused("INFO"))
}

/// Whether the servers are there and let us in: with none of them there is nothing to report. Of some, the report says
/// which.
async fn probe(settings: &Settings, asked: &WatchSettings, servers: &[ConnectOptions]) -> Result<(), Error> {
    let mut errors = Vec::new();
    for server in servers {
        match open(settings, server).await {
            Ok(_) => return Ok(()),
            Err(error) => errors.push(error),
        }
    }
    if matches!(asked.report.format, Some(Format::Json | Format::Ndjson | Format::Prometheus)) {
        // What a program reads says so too; a person has the sentence.
        let hub = Hub::start(Clock::start(), settings.model.clone(), asked.interval);
        let (tap, now) = (hub.tap(), hub.sync().await.as_of);
        for ((server, error), node) in servers.iter().zip(&errors).zip((0..).map(NodeId)) {
            let facts = NodeFacts { target: server.target(), found: None };
            let lost = WatchEvent::Lost { error: error.to_string(), retry_at: now };
            for event in [WatchEvent::Started(facts), lost] {
                tap.emit(now, Event::Watch(node, event));
            }
        }
        once::print(&asked.report, (&*hub.sync().await, None), None, |_| ())?;
    }
    let mut errors = errors.into_iter();
    let first = errors.next();
    errors.for_each(|error| warn(&format!("redis-pooltop: {error}")));
    first.map_or(Ok(()), Err)
}
