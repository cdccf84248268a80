//! Runs the screen's lines on a session. One task owns the session, so that the screen never waits for a server, and
//! cancelling a line is dropping its future there.

mod aside;
mod clip;
mod last;
mod lend;
mod paper;
mod sink;
mod welcome;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustyline::history::FileHistory;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use self::aside::Aside;
use self::last::Last;
use self::lend::lend;
use self::sink::{CHUNK, ToScreen};
use super::action::Loan;
use super::app::Facts;
use super::assist::Typist;
use super::output::Kind;
use super::run::{Beside, Job, Runner, Said};
use super::terminal::Guard;
use super::theme::Theme;
use super::{End, Screen};
use crate::command::Hidden;
use crate::command::history::{HistoryFile, configured, default_path};
use crate::command::jobs::{JobControl, JobNews, JobSaid};
use crate::command::output::{Outcome, Output, Sink};
use crate::command::pipe::{self, Pipes};
use crate::command::session::Session;
use crate::hub::Hub;
use crate::text;

/// Changes how often something looks.
pub type Pace = Box<dyn Fn(Duration) + Send>;

/// How the screen shows itself.
pub struct Looks {
    /// What stands in the prompt, with no secret in it and safe to show.
    pub address: String,
    /// The styles.
    pub theme: Theme,
    /// What the person chose: keys, panes, mouse. The rest of the facts is found here.
    pub chosen: Facts,
    /// Changes how often snapshots are taken and the server is asked.
    pub pace: Pace,
    /// The settings that can be named, with what they are, for completion.
    pub settings: Vec<(String, String)>,
    /// The terminal, where it is taken already.
    pub guard: Option<Guard>,
}

/// Shows the screen on a session until it ends. `news` is what the session's jobs say.
pub async fn show(
    mut session: Session,
    news: mpsc::Receiver<JobNews>,
    hub: &Hub,
    looks: Looks,
) -> io::Result<End> {
    let Looks { address, theme, chosen, pace, settings, guard } = looks;
    let mut history = configured();
    let (file, opened) = HistoryFile::open(default_path(), &mut history);
    let mut notices = chosen.notices;
    notices.extend(opened.err().map(|error| text::escape_str(&error.to_string()).into_owned()));
    let before = chosen.address.clone().unwrap_or_else(|| address.clone());
    let facts = Facts {
        target: address,
        interval: hub.tick(),
        welcome: welcome::welcome(&chosen.keys),
        notices,
        history: history.iter().cloned().collect(),
        ..chosen
    };
    if facts.pipe {
        session.take_pipes(Pipes::Shown);
    }
    let assist = Arc::new(Typist::new(Arc::clone(session.registry()), settings));
    let snapshots = hub.subscribe();
    let desk = Desk::start(session, news, hub.clone(), before, (file, history));
    let runner = Box::new(Desk { pace, ..desk });
    super::run(Screen { facts, theme, snapshots, runner, assist, guard, console: None }).await
}

/// How often the kept connections are looked at: that costs a system call each.
const LOOK: Duration = Duration::from_millis(250);

/// When a line is said to run still, and how often it is looked at. What is typed ahead of a quick one stays in order.
const STILL: Duration = Duration::from_millis(200);

/// The screen's end of the task, and the history file both front ends share.
pub struct Desk {
    orders: mpsc::Sender<Order>,
    aside: mpsc::Sender<aside::Order>,
    jobs: JobControl,
    last: Last,
    pace: Pace,
    file: HistoryFile,
    history: FileHistory,
}

/// A line to run.
struct Order {
    line: String,
    said: mpsc::Sender<Said>,
    cancel: oneshot::Receiver<()>,
    answers: mpsc::Receiver<String>,
}

impl Desk {
    /// Starts the task that runs lines on `session`; `news` is what its jobs say, `address` what stands in the prompt.
    pub fn start(
        mut session: Session,
        news: mpsc::Receiver<JobNews>,
        hub: Hub,
        address: String,
        (file, history): (HistoryFile, FileHistory),
    ) -> Self {
        // One line runs at a time, so there is always room.
        let (orders, receiver) = mpsc::channel(1);
        session.run_waiting_beside();
        let (jobs, last) = (session.jobs().clone(), Last::default());
        let (aside, lines) = mpsc::channel(aside::LINES);
        let beside = Aside { session: session.aside(), hub: hub.clone(), jobs: jobs.clone() };
        tokio::spawn(beside.serve(lines));
        let clerk = Clerk { session, news, hub, address, jobs: jobs.clone(), last: last.clone() };
        tokio::spawn(clerk.serve(receiver));
        Self { orders, aside, jobs, last, pace: Box::new(|_| {}), file, history }
    }
}

impl Runner for Desk {
    fn start(&mut self, line: String, said: mpsc::Sender<Said>) -> Job {
        let (stop, cancel) = oneshot::channel();
        let (answer, answers) = mpsc::channel(1);
        let order = Order { line, said: said.clone(), cancel, answers };
        if self.orders.try_send(order).is_err() {
            // The task is gone, as after a panic in it. This is the screen's own thread: it must not wait here.
            tokio::spawn(async move {
                let _ = said.send(nothing_runs()).await;
                let _ = said.send(Said::Ended).await;
            });
        }
        Job::new(stop, answer)
    }

    fn start_aside(&mut self, line: String, said: mpsc::Sender<Said>) {
        if self.aside.try_send((line, said.clone())).is_err() {
            tokio::spawn(async move { said.send(nothing_runs()).await });
        }
    }

    fn end_job(&mut self, number: u32) {
        self.jobs.end(number);
    }

    fn page(&mut self, said: mpsc::Sender<Said>) {
        let last = self.last.clone();
        // A long reply takes a while to print, and this is the screen's own thread.
        tokio::spawn(async move {
            // A terminal whose size is not known is as wide as most.
            let columns = || crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
            let page = tokio::task::spawn_blocking(move || last.page(columns())).await.ok().flatten();
            let _ = said
                .send(page.map_or_else(
                    || Said::Lines(vec![(Kind::Note, "the last line gave nothing to page".to_owned())]),
                    |input| Said::Lend(Loan::Page { command: None, input }),
                ))
                .await;
        });
    }

    fn set_interval(&mut self, interval: Duration) {
        (self.pace)(interval);
    }

    fn remember(&mut self, line: &str, said: mpsc::Sender<Said>) {
        let runtime = Handle::current();
        self.file.add(line, &mut self.history, move |failed| {
            let words = text::escape_str(&failed.to_string()).into_owned();
            // A screen that is gone needs to hear nothing.
            runtime.spawn(async move { said.send(Said::Lines(vec![(Kind::Note, words)])).await });
        });
    }
}

fn nothing_runs() -> Said {
    let words = "error: nothing runs commands any more; quit and start again".to_owned();
    Said::Lines(vec![(Kind::Error, words)])
}

/// The task's own state.
struct Clerk {
    session: Session,
    news: mpsc::Receiver<JobNews>,
    hub: Hub,
    address: String,
    jobs: JobControl,
    last: Last,
}

impl Clerk {
    async fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut screen: Option<mpsc::Sender<Said>> = None;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { break };
                    screen = Some(order.said.clone());
                    self.run(order).await;
                }
                Some(news) = self.news.recv() => {
                    if let Some(screen) = &screen {
                        tell(screen, news, &mut self.news, &self.jobs, &self.hub).await;
                    }
                }
                _ = look.tick(), if self.session.keeps_any() => {
                    if let Some(screen) = &screen {
                        self.tell_deaths(screen).await;
                    }
                }
            }
        }
        self.session.let_go();
    }

    /// Says which kept connections the server closed, and takes what went with them out of the prompt.
    async fn tell_deaths(&mut self, screen: &mpsc::Sender<Said>) {
        let deaths = self.session.take_deaths();
        if deaths.is_empty() {
            return;
        }
        self.hub.sync().await;
        // A screen that is gone needs to hear nothing.
        let notes = deaths.into_iter().map(|death| (Kind::Note, death)).collect();
        let _ = screen.send(Said::Lines(notes)).await;
        let _ = screen.send(self.prefix()).await;
    }

    /// The prompt as it is now.
    fn prefix(&self) -> Said {
        Said::Prefix(format!("{}{}> ", self.address, self.session.state()))
    }

    /// Runs a line to its end, and says so whatever happens.
    async fn run(&mut self, order: Order) {
        let Order { line, said, cancel, mut answers } = order;
        let waits = self.session.waits();
        let mut told = None;
        let mut still = tokio::time::interval_at(Instant::now() + STILL, STILL);
        still.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = {
            let cancelled = asked_to_stop(cancel);
            self.last.begin();
            let mut sink = ToScreen { said: said.clone(), last: Some(self.last.clone()) };
            let running = answer(&mut self.session, &line, &mut sink, &mut answers);
            tokio::pin!(cancelled, running);
            loop {
                tokio::select! {
                    biased;
                    () = &mut cancelled => break None,
                    outcome = &mut running => break Some(outcome),
                    Some(news) = self.news.recv() => {
                        tell(&said, news, &mut self.news, &self.jobs, &self.hub).await;
                    }
                    _ = still.tick() => {
                        let waits = waits.any();
                        if told.replace(waits) != Some(waits) {
                            // A screen that is gone needs to hear nothing.
                            let _ = said.send(Said::Still { waits }).await;
                        }
                    }
                }
            }
        };
        // What ran beside it may have had the pool take back what is kept here.
        if let Some(loss) = told.and_then(|_| self.session.let_go_of_taken_back()) {
            let _ = said.send(Said::Lines(vec![(Kind::Note, loss)])).await;
        }
        // A screen that is gone needs to hear nothing.
        if outcome.is_none() {
            let _ = said.send(Said::Lines(vec![(Kind::Note, "cancelled".to_owned())])).await;
        }
        self.hub.sync().await;
        let _ = said.send(self.prefix()).await;
        let _ = said.send(Said::Jobs(beside(&self.jobs))).await;
        if let Some(Ok(Outcome::Quit)) = outcome {
            let _ = said.send(Said::Quit).await;
        }
        let _ = said.send(Said::Ended).await;
    }
}

/// The jobs that Ctrl-C ends: those that nobody sent away with `&`.
fn beside(jobs: &JobControl) -> Vec<Beside> {
    let rows = jobs.rows().into_iter().filter(|row| !row.background);
    rows.map(|row| Beside { number: row.number, command: row.command }).collect()
}

/// Ends when the screen cancels; never, when it only forgets the job.
async fn asked_to_stop(cancel: oneshot::Receiver<()>) {
    if cancel.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Understands a line, asks where that is due, and runs it.
async fn answer(
    session: &mut Session,
    line: &str,
    sink: &mut ToScreen,
    answers: &mut mpsc::Receiver<String>,
) -> io::Result<Outcome> {
    let hidden = Hidden::of(line);
    let mut line = match session.understand(line) {
        Ok(line) => line,
        Err(error) => {
            sink.push(hidden.cover(Output::error(&error))).await?;
            return Ok(Outcome::Failed);
        }
    };
    if let Some(question) = session.question(&line).await {
        sink.say(match question.word.clone() {
            Some(word) => Said::AskWord(question.text(), word),
            None => Said::Ask(question.text()),
        })
        .await?;
        let answer = answers.recv().await.unwrap_or_default();
        if !question.is_yes(&answer) {
            sink.push(Output::Note(question.declined(&answer))).await?;
            return Ok(Outcome::Done);
        }
    }
    match line.pipe.take_if(|command| pipe::wants_terminal(command)) {
        Some(command) => lend(session, &line, command, sink).await,
        None => session.run(&line, sink).await,
    }
}

/// Passes on what jobs say, marked as theirs: all that waits, up to a chunk, so that a flood costs few messages.
async fn tell(
    screen: &mpsc::Sender<Said>,
    first: JobNews,
    more: &mut mpsc::Receiver<JobNews>,
    jobs: &JobControl,
    hub: &Hub,
) {
    let mut sink = ToScreen { said: screen.clone(), last: None };
    let mut marked = Vec::new();
    let mut ended = false;
    let mut next = Some(first);
    while let Some(news) = next {
        ended |= matches!(news.said, JobSaid::Ended { .. });
        let job = news.job;
        let mark = |(kind, line)| (kind, format!("[{job}] {line}"));
        marked.extend(job_lines(news.said).into_iter().map(mark));
        next = if marked.len() < CHUNK { more.try_recv().ok() } else { None };
    }
    // A screen that is gone needs to hear nothing.
    let _ = sink.lines(marked).await;
    if ended {
        // What the job did shows at once, not with the next tick.
        hub.sync().await;
        let _ = sink.say(Said::Jobs(beside(jobs))).await;
    }
}

fn job_lines(said: JobSaid) -> Vec<(Kind, String)> {
    match said {
        JobSaid::Output(output) => match paper::said(&output) {
            Said::Lines(lines) => lines,
            _ => Vec::new(),
        },
        JobSaid::Ended { end, after } => {
            vec![(Kind::Note, format!("ended ({}) after {}", end.word(), text::duration(after)))]
        }
    }
}
