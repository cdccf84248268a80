//! The editor on a terminal. It blocks while somebody types, so it lives on a thread of its own; commands run here, and
//! Ctrl-C ends the one that runs.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::editor::{Editor, EditorOptions};
use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, history, tell_news};
use crate::command::jobs::JobNews;
use crate::command::output::{Outcome, Output};
use crate::command::session::Session;
use crate::command::{Context, parse};
use crate::error::{Error, Exit};

/// What is asked of the person at the keyboard.
enum Wanted {
    /// A line, after this prompt.
    Line(String, oneshot::Sender<io::Result<Option<String>>>),
    /// Yes or no.
    Answer(String, oneshot::Sender<io::Result<bool>>),
}

pub(super) async fn run(
    mut session: Session,
    mut news: mpsc::Receiver<JobNews>,
    target: &str,
    mut printer: StdoutSink,
    colour: bool,
) -> Result<Exit, Error> {
    let context = Arc::new(Mutex::new(Context::default()));
    let keyboard = Keyboard::start(EditorOptions {
        registry: session.registry().clone(),
        context: context.clone(),
        history: history::default_path(),
        colour,
    })?;
    loop {
        tell_news(&mut news, &printer).map_err(Error::io(OUTPUT))?;
        refresh(&session, &context);
        let prompt = format!("{target}{}> ", session.state());
        let Some(line) = keyboard.line(prompt).await? else { break };
        let line = match parse(line.as_bytes()) {
            Ok(line) => line,
            Err(error) => {
                printer.write(&Output::error(&error)).map_err(Error::io(OUTPUT))?;
                continue;
            }
        };
        let question = tokio::select! {
            question = session.question(&line) => question,
            _ = tokio::signal::ctrl_c() => {
                printer.write(&Output::text("")).map_err(Error::io(OUTPUT))?;
                continue;
            }
        };
        if let Some(question) = question
            && !keyboard.answer(question.text).await?
        {
            printer.write(&Output::Note("Not run.".to_owned())).map_err(Error::io(OUTPUT))?;
            continue;
        }
        let outcome = tokio::select! {
            outcome = session.run(&line, &mut printer) => outcome.map_err(Error::io(OUTPUT))?,
            _ = tokio::signal::ctrl_c() => {
                // The terminal has shown ^C already.
                printer.write(&Output::text("")).map_err(Error::io(OUTPUT))?;
                continue;
            }
        };
        if outcome == Outcome::Quit {
            break;
        }
    }
    Ok(Exit::Fine)
}

/// Tells the editor what can be completed now.
fn refresh(session: &Session, context: &Mutex<Context>) {
    context.lock().connections = session.held().into_iter().map(|id| (id, "held".to_owned())).collect();
}

/// The thread that owns the editor.
struct Keyboard(mpsc::Sender<Wanted>);

impl Keyboard {
    fn start(options: EditorOptions) -> Result<Self, Error> {
        let mut editor = Editor::new(options).map_err(Error::io(INPUT))?;
        let (sender, mut wanted) = mpsc::channel(1);
        let serve = move || {
            while let Some(wanted) = wanted.blocking_recv() {
                // Whoever asked may be gone: the program ends.
                match wanted {
                    Wanted::Line(prompt, reply) => {
                        for notice in editor.take_notices() {
                            println!("{notice}");
                        }
                        let _ = reply.send(editor.read_line(&prompt));
                    }
                    Wanted::Answer(question, reply) => {
                        editor.drop_pending();
                        let _ = reply.send(ask(&question));
                    }
                }
            }
        };
        std::thread::Builder::new().name("editor".to_owned()).spawn(serve).map_err(Error::io(INPUT))?;
        Ok(Self(sender))
    }

    async fn line(&self, prompt: String) -> Result<Option<String>, Error> {
        self.want(|reply| Wanted::Line(prompt, reply)).await
    }

    async fn answer(&self, question: String) -> Result<bool, Error> {
        self.want(|reply| Wanted::Answer(question, reply)).await
    }

    async fn want<T>(
        &self,
        wanted: impl FnOnce(oneshot::Sender<io::Result<T>>) -> Wanted,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let gone = || io::Error::other("the editor's thread has ended");
        self.0.send(wanted(reply)).await.map_err(|_| gone()).map_err(Error::io(INPUT))?;
        answer.await.unwrap_or_else(|_| Err(gone())).map_err(Error::io(INPUT))
    }
}

fn ask(question: &str) -> io::Result<bool> {
    print!("{question} [y/N] ");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
