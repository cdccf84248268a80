//! The full screen: live panes and a prompt, drawn from snapshots.
//!
//! Keys become [`action::Action`]s by the key table, [`app::App::update`] turns those into state and
//! [`action::Effect`]s, and [`view`] draws the state. Commands run elsewhere, behind [`run::Runner`]: nothing a server
//! does can hold up the screen.

pub mod action;
pub mod app;
pub mod assist;
pub mod clipboard;
pub mod desk;
pub mod inside;
pub mod keymap;
pub mod layout;
mod lend;
pub mod listing;
pub mod mouse;
pub mod output;
pub mod prompt;
pub mod reel;
pub mod run;
pub mod svg;
pub mod table;
pub mod terminal;
pub mod theme;
pub mod view;
pub mod wait;
pub mod watch;

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use ratatui::layout::Size;
use tokio::sync::{mpsc, watch as latest};
use tokio::time::Instant;

use action::{Action, Effect, Loan};
use app::{App, Facts};
use keymap::Chord;
use mouse::Clicks;
use run::{Assist, Job, Runner, Said};
use terminal::Guard;
use theme::Theme;

use crate::console::{Handle, Picture};
use crate::report::{self, Screenful};
use crate::snapshot::Snapshot;
use crate::terminal::{EndSignals, StopSignal, continued, halt, reclaim};
use crate::text;

/// Shortest time between two frames: what comes in between is drawn together.
const FRAME: Duration = Duration::from_millis(16);
/// How many messages of a running command may wait: beyond it the command waits for the screen.
const MESSAGES: usize = 64;
/// How many messages are taken in before the next look at the keys.
const BATCH: usize = 32;

/// Rows of a snapshot from which on it is freed elsewhere: below, that takes less than handing it over.
const MANY_ROWS: usize = 1_000;

/// What the screen is made of.
pub struct Screen {
    /// What is known at the start.
    pub facts: Facts,
    /// The styles.
    pub theme: Theme,
    /// The snapshots.
    pub snapshots: latest::Receiver<Arc<Snapshot>>,
    /// Who runs lines.
    pub runner: Box<dyn Runner>,
    /// Who helps with typing.
    pub assist: Arc<dyn Assist>,
    /// The terminal, where it is taken already.
    pub guard: Option<Guard>,
    /// The terminal of the app that is run.
    pub console: Option<Handle>,
}

/// Why the screen ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The person quit.
    Quit,
    /// This signal asked for it.
    Signal(u8),
}

/// Takes the terminal, shows the screen until it ends, and gives the terminal back.
pub async fn run(screen: Screen) -> io::Result<End> {
    // On the screen Ctrl-C is a key.
    let mut signals = EndSignals::new()?.and_interrupt()?;
    let mut stops = StopSignal::new()?;
    // After a stop from outside, which nothing can catch, the terminal is not as we left it.
    let mut continued = continued()?;
    let mut guard = match screen.guard {
        Some(guard) => guard,
        None => Guard::enter(screen.facts.mouse)?,
    };
    let (say, mut said) = mpsc::channel(MESSAGES);
    let Screen { facts, theme, mut snapshots, runner, assist, console, .. } = screen;
    let mut app = App::new(facts, assist, Size::default());
    app.take(snapshots.borrow_and_update().clone());
    let mut pictures = console.as_ref().map(Handle::pictures);
    guard.draw(&mut app, &theme)?;
    let mut world = World { runner, say, job: None, loan: None, stopping: false, console };
    world.fit(&app);
    let mut keys = EventStream::new();
    let mut clicks = Clicks::default();
    let mut drawn = Instant::now();
    let mut dirty = false;
    loop {
        if let Some(loan) = world.loan.take() {
            // Our reader would take the other program's keys.
            drop(keys);
            let lending = lend::lend(loan, &mut app, &mut guard);
            tokio::pin!(lending);
            loop {
                tokio::select! {
                    biased;
                    number = signals.next() => {
                        reclaim();
                        return Ok(End::Signal(number));
                    }
                    // It has the terminal, and stops with us.
                    () = stops.asked() => halt()?,
                    lent = &mut lending => break lent?,
                }
            }
            signals.forget_keys().await;
            keys = EventStream::new();
            dirty = true;
        }
        if mem::take(&mut world.stopping) {
            // In the background our reader would have us stopped once more.
            drop(keys);
            guard.give();
            tokio::select! {
                biased;
                number = signals.next() => return Ok(End::Signal(number)),
                stopped = stops.stop() => stopped?,
            }
            guard.retake()?;
            keys = EventStream::new();
            dirty = true;
        }
        tokio::select! {
            biased;
            number = signals.next() => return Ok(End::Signal(number)),
            () = stops.asked() => world.stopping = true,
            _ = continued.recv() => {
                guard.retake()?;
                dirty = true;
            }
            event = keys.next() => {
                // No more keys: the terminal is gone, as after a hang-up.
                let Some(event) = event else { return Ok(End::Quit) };
                let event = event?;
                if matches!(event, Event::Resize(..)) {
                    // One that is small for a moment forgets what was on it, whatever its size is when we ask.
                    guard.repaint()?;
                }
                let Some(effects) = heard(&mut app, &mut clicks, &event) else { continue };
                dirty = true;
                if let Some(end) = world.act(&mut app, &mut guard, effects)? {
                    return Ok(end);
                }
            }
            // While the terminal is at the last frame, what changes is for the next.
            () = guard.free_at(drawn + FRAME), if dirty => {
                guard.draw(&mut app, &theme)?;
                drawn = Instant::now();
                dirty = false;
                world.fit(&app);
            }
            // Before the output, which may be endless.
            changed = snapshots.changed(), if snapshots.has_changed().is_ok() => {
                if changed.is_ok() {
                    let before = app.held();
                    dirty |= app.take(snapshots.borrow_and_update().clone());
                    let_go(before);
                }
            }
            Some(picture) = next_picture(&mut pictures) => {
                app.show(picture);
                dirty = true;
            }
            Some(message) = said.recv() => {
                dirty = true;
                if let Some(end) = world.hear(&mut app, &mut guard, message, &mut said)? {
                    return Ok(end);
                }
            }
        }
    }
}

/// The next picture of what the app that is run prints; nothing once there will be no more.
async fn next_picture(pictures: &mut Option<latest::Receiver<Arc<Picture>>>) -> Option<Arc<Picture>> {
    let Some(shown) = pictures else { return std::future::pending().await };
    if shown.changed().await.is_err() {
        *pictures = None;
        return None;
    }
    Some(Arc::clone(&shown.borrow_and_update()))
}

/// Lets snapshots go. Freeing thousands of rows takes longer than drawing those in sight.
fn let_go(snapshots: [Arc<Snapshot>; 2]) {
    if snapshots.iter().any(|held| held.clients.len() + held.connections.len() > MANY_ROWS) {
        tokio::task::spawn_blocking(move || drop(snapshots));
    }
}

/// What a terminal event makes the app do; nothing when it means nothing.
fn heard(app: &mut App, clicks: &mut Clicks, event: &Event) -> Option<Vec<Effect>> {
    if let Some(effects) = app.pass_on(event) {
        return Some(effects);
    }
    match event {
        Event::Key(key) => app.press(Chord::from_event(key)?),
        Event::Paste(text) => Some(app.update(Action::Paste(text.replace("\r\n", "\n").replace('\r', "\n")))),
        Event::Resize(width, height) => {
            app.resize(Size { width: *width, height: *height });
            Some(Vec::new())
        }
        Event::Mouse(event) => {
            clicks.action(*event, std::time::Instant::now()).map(|action| app.update(action))
        }
        _ => None,
    }
}

/// Writes a report into the directory the program was started in, and says where it is.
fn write_report(screen: &Screenful) -> io::Result<String> {
    let named = |dir: &str, error: &io::Error| io::Error::new(error.kind(), format!("in {dir}: {error}"));
    let dir = std::env::current_dir().map_err(|error| named("the directory this was started in", &error))?;
    let taken = text::utc(screen.snapshot.wall_ms).replace(['-', ':'], "").replace(' ', "-");
    let (markdown, json) = (report::markdown(screen), report::screen_json(screen));
    let documents = [("md", &*markdown), ("json", &*json)];
    let paths = report::save(&dir, &format!("redis-pooltop-{taken}"), &documents)
        .map_err(|error| named(&dir.display().to_string(), &error))?;
    let first = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    Ok(format!("report: {first} and .json"))
}

/// Where effects land.
struct World {
    runner: Box<dyn Runner>,
    say: mpsc::Sender<Said>,
    job: Option<Job>,
    /// What the terminal is to be lent for, before anything else.
    loan: Option<Loan>,
    /// The program is to be stopped, as Ctrl-Z does.
    stopping: bool,
    /// The terminal of the app that is run.
    console: Option<Handle>,
}

impl World {
    /// Makes the app's terminal as large as its pane.
    fn fit(&self, app: &App) {
        if let (Some(console), Some(size)) = (&self.console, app.terminal_size()) {
            console.resize(size);
        }
    }

    /// Carries effects out, and says when one ends the screen.
    fn act(&mut self, app: &mut App, guard: &mut Guard, effects: Vec<Effect>) -> io::Result<Option<End>> {
        for effect in effects {
            match effect {
                Effect::Run(line) => self.job = Some(self.runner.start(line, self.say.clone())),
                Effect::RunAside(line) => self.runner.start_aside(line, self.say.clone()),
                Effect::Remember(line) => self.runner.remember(&line, self.say.clone()),
                Effect::Cancel => {
                    if let Some(job) = &mut self.job {
                        job.cancel();
                    }
                    app.cancelling();
                }
                Effect::EndJob(number) => self.runner.end_job(number),
                Effect::Answer(answer) => {
                    if let Some(job) = &self.job {
                        job.answer(answer);
                    }
                }
                Effect::Tape(control) => self.runner.tape(control),
                Effect::Page => self.runner.page(self.say.clone()),
                Effect::Lend(loan) => self.loan = Some(loan),
                Effect::Kill(clients) => self.runner.kill(clients, self.say.clone()),
                Effect::Interval(interval) => self.runner.set_interval(interval),
                Effect::Report(screen) => self.write_report(*screen),
                Effect::Type(bytes) => {
                    if let Some(console) = &self.console {
                        console.type_in(bytes);
                    }
                }
                Effect::ScrollApp(by) => {
                    if let Some(console) = &self.console {
                        console.scroll(by);
                    }
                }
                Effect::Copy(text) => guard.copy(&text)?,
                Effect::Repaint => guard.repaint()?,
                Effect::Suspend => self.stopping = true,
                Effect::Quit => return Ok(Some(End::Quit)),
            }
        }
        Ok(None)
    }

    /// Writes a report where no slow disk holds up the screen.
    fn write_report(&self, screen: Screenful) {
        let say = self.say.clone();
        tokio::spawn(async move {
            let written = tokio::task::spawn_blocking(move || write_report(&screen)).await;
            let (kind, words) = match written {
                Ok(Ok(words)) => (output::Kind::Note, words),
                Ok(Err(error)) => (output::Kind::Error, format!("error: no report {error}")),
                Err(_) => (output::Kind::Error, "error: no report: writing it panicked".to_owned()),
            };
            // A screen that is gone needs to hear nothing.
            let _ = say.send(Said::Noted(kind, text::escape_str(&words).into_owned())).await;
        });
    }

    /// Takes in what commands say: all that waits, up to a batch, so that one frame shows it.
    fn hear(
        &mut self,
        app: &mut App,
        guard: &mut Guard,
        first: Said,
        more: &mut mpsc::Receiver<Said>,
    ) -> io::Result<Option<End>> {
        for message in batch(first, more) {
            let effects = app.hear(message);
            if let Some(end) = self.act(app, guard, effects)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }
}

/// What waits, up to a batch. A message is taken off only when it is asked for: one taken and not heard would be lost.
fn batch<T>(first: T, more: &mut mpsc::Receiver<T>) -> impl Iterator<Item = T> {
    std::iter::once(first).chain(std::iter::from_fn(|| more.try_recv().ok())).take(BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_is_lost_between_two_batches() {
        let sent: Vec<_> = (0..=BATCH * 3).collect();
        let (say, mut said) = mpsc::channel(sent.len());
        for message in &sent {
            say.try_send(*message).expect("there is room for all");
        }
        let mut heard = Vec::new();
        while let Ok(first) = said.try_recv() {
            heard.extend(batch(first, &mut said));
        }
        assert_eq!(heard, sent);
    }
}
