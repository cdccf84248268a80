//! The full screen on a session: its lines run here, in tasks, so that nothing a server does holds up the screen.

use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rustyline::history::FileHistory;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{Parts, TICK};
use crate::command::jobs::{JobNews, JobSaid};
use crate::command::output::{Outcome, Output, Sink};
use crate::command::parse;
use crate::command::session::Session;
use crate::command::settings;
use crate::config::Settings;
use crate::error::{Error, Exit};
use crate::hub::Hub;
use crate::resp::Value;
use crate::resp::print::{Printer, Style};
use crate::shell::history::{self, HistoryFile};
use crate::text;
use crate::tui::app::Facts;
use crate::tui::assist::Typist;
use crate::tui::output::Kind;
use crate::tui::run::{Job, Runner, Said, Took};
use crate::tui::theme::Theme;
use crate::tui::{End, Screen};

/// Shows the screen until it ends.
pub(super) async fn run(parts: &Parts, settings: &Settings) -> Result<Exit, Error> {
    let target = text::escape_str(&parts.connect.target()).into_owned();
    let mut lines = history::configured();
    let (file, opened) = HistoryFile::open(history::default_path(), &mut lines);
    let facts = Facts {
        target: target.clone(),
        interval: TICK,
        welcome: welcome(),
        history: lines.iter().cloned().collect(),
        notices: opened
            .err()
            .map(|error| text::escape_str(&error.to_string()).into_owned())
            .into_iter()
            .collect(),
    };
    let (session, news) = parts.session();
    let session = Arc::new(Mutex::new(session));
    let runner = Lines { session, hub: parts.hub.clone(), target, file, history: lines, news: Some(news) };
    let screen = Screen {
        facts,
        theme: Theme::new(settings.color.on(true), false),
        snapshots: parts.hub.subscribe(),
        runner: Box::new(runner),
        assist: Arc::new(Typist::new(parts.registry.clone(), settings::all(&parts.pool, &parts.hub))),
    };
    match crate::tui::run(screen).await.map_err(Error::io("the terminal"))? {
        End::Quit => Ok(Exit::Fine),
        End::Signal(number) => Ok(Exit::Signal(u8::try_from(number).unwrap_or_default())),
    }
}

/// What a new user is told to try: each a command and what it shows.
fn welcome() -> Vec<(String, String)> {
    [
        ("SET user:1 ada", "a command: which connection it took, and how long it waited"),
        ("POOL HOLD 3", "borrow three connections and see who holds them"),
        ("POOL LEAK 1", "lose one, and watch it being found"),
    ]
    .map(|(command, what)| (command.to_owned(), what.to_owned()))
    .into()
}

/// Runs the screen's lines on its session, one at a time.
struct Lines {
    session: Arc<Mutex<Session>>,
    hub: Hub,
    target: String,
    file: HistoryFile,
    history: FileHistory,
    /// What jobs say, until somebody listens.
    news: Option<mpsc::Receiver<JobNews>>,
}

impl Runner for Lines {
    fn start(&mut self, line: String, said: mpsc::Sender<Said>) -> Job {
        let (cancel, cancelled) = oneshot::channel();
        let (answers, answered) = mpsc::channel(1);
        if let Some(news) = self.news.take() {
            tokio::spawn(tell_news(news, said.clone()));
        }
        let run = Run { hub: self.hub.clone(), target: self.target.clone(), said, answered };
        tokio::spawn(run.line(self.session.clone(), line, cancelled));
        Job::new(cancel, answers)
    }

    fn remember(&mut self, line: &str) -> Option<String> {
        let kept = self.file.add(line, &mut self.history);
        kept.err().map(|error| text::escape_str(&error.to_string()).into_owned())
    }
}

/// One line on its way.
struct Run {
    hub: Hub,
    target: String,
    said: mpsc::Sender<Said>,
    answered: mpsc::Receiver<bool>,
}

impl Run {
    async fn line(mut self, session: Arc<Mutex<Session>>, line: String, cancelled: oneshot::Receiver<()>) {
        let mut session = session.lock().await;
        let ended = tokio::select! {
            ended = self.attempt(&mut session, &line) => ended,
            Ok(()) = cancelled => Ok(Outcome::Done),
        };
        // The panes count what the line did before its end is told.
        self.hub.sync().await;
        // The screen may be gone already; then nobody needs to hear of it.
        let _ = self.said.send(Said::Prefix(prefix(&self.target, &session))).await;
        if matches!(ended, Ok(Outcome::Quit)) {
            let _ = self.said.send(Said::Quit).await;
        }
        let _ = self.said.send(Said::Ended).await;
    }

    async fn attempt(&mut self, session: &mut Session, line: &str) -> io::Result<Outcome> {
        let mut sink = ScreenSink { said: self.said.clone() };
        let line = match parse(line.as_bytes()) {
            Ok(line) => line,
            Err(error) => {
                sink.push(Output::error(&error)).await?;
                return Ok(Outcome::Failed);
            }
        };
        if let Some(question) = session.question(&line).await {
            sink.say(Said::Ask(question.text)).await?;
            if self.answered.recv().await != Some(true) {
                sink.push(Output::Note("Not run.".to_owned())).await?;
                return Ok(Outcome::Done);
            }
        }
        session.run(&line, &mut sink).await
    }
}

/// Shows what jobs say, each line marked with its job, until the session or the screen ends.
async fn tell_news(mut news: mpsc::Receiver<JobNews>, said: mpsc::Sender<Said>) {
    while let Some(JobNews { job, said: what }) = news.recv().await {
        let mut shown = match what {
            JobSaid::Output(output) => match to_said(output) {
                Said::Lines(lines) => lines,
                _ => continue,
            },
            JobSaid::Ended(_) => lines(Kind::Note, "has ended"),
        };
        for (_, line) in &mut shown {
            line.insert_str(0, &format!("[job {job}] "));
        }
        if said.send(Said::Lines(shown)).await.is_err() {
            return;
        }
    }
}

/// What stands before the typed line.
fn prefix(target: &str, session: &Session) -> String {
    format!("{target}{}> ", session.state())
}

/// Outputs as lines for the screen.
struct ScreenSink {
    said: mpsc::Sender<Said>,
}

impl ScreenSink {
    async fn say(&self, said: Said) -> io::Result<()> {
        self.said.send(said).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Sink for ScreenSink {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        let said = to_said(output);
        Box::pin(async move { self.say(said).await })
    }
}

fn to_said(output: Output) -> Said {
    match output {
        Output::Reply { value, verbatim } => {
            let kind = if matches!(value, Value::Error(_)) { Kind::Error } else { Kind::Reply };
            let printed = Printer { style: Style::Standard, escape: true }.print(&value, verbatim);
            Said::Lines(lines(kind, &String::from_utf8_lossy(&printed)))
        }
        Output::Text(text) => Said::Lines(lines(Kind::Reply, &text)),
        Output::Error(sentence) => Said::Lines(lines(Kind::Error, &format!("(error) {sentence}"))),
        Output::Note(sentence) => Said::Lines(lines(Kind::Note, &sentence)),
        Output::Streaming => Said::Lines(lines(Kind::Note, "Reading messages: Ctrl-C ends it.")),
        Output::Took(took) => {
            Said::Took(Took { conn: took.conn, wait: took.wait, round_trip: took.round_trip })
        }
        Output::Clear => Said::Clear,
    }
}

fn lines(kind: Kind, text: &str) -> Vec<(Kind, String)> {
    text.lines().map(|line| (kind, line.to_owned())).collect()
}
