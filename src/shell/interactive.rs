//! The editor on a terminal. It blocks while somebody types, so it lives on a thread of its own; commands run here, and
//! Ctrl-C ends the one that runs. While the editor reads, Ctrl-C is a key of its own.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::editor::{Editor, EditorOptions, Typed};
use super::printer::StdoutSink;
use super::{INPUT, OUTPUT, tell_news};
use crate::command::history;
use crate::command::jobs::JobNews;
use crate::command::output::{Outcome, Output};
use crate::command::pipe::Pipes;
use crate::command::session::Session;
use crate::command::{Context, Hidden, Question};
use crate::error::{Error, Exit};
use crate::terminal::{self, EndSignals};
use crate::values::Editing;

/// How a person types here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Colours in the line.
    pub colour: bool,
    /// Whose keys edit it.
    pub editing: Editing,
    /// It may end in `| shell command`.
    pub pipe: bool,
    /// What stands before it is red.
    pub red: bool,
}

/// What is asked of the person at the keyboard.
enum Wanted {
    /// A line, after this prompt.
    Line(String, Reply),
    /// An answer to this question.
    Answer(String, Reply),
}

type Reply = oneshot::Sender<io::Result<Typed>>;

pub(super) async fn run(
    session: &mut Session,
    news: mpsc::Receiver<JobNews>,
    target: &str,
    printer: StdoutSink,
    manner: Manner,
) -> Result<Exit, Error> {
    let mut signals = EndSignals::new().map_err(Error::io(INPUT))?;
    // Caught from now on: between two prompts a Ctrl-C finds nothing to end, which is no reason to end the program.
    let _interrupts = signal(SignalKind::interrupt()).map_err(Error::io(INPUT))?;
    let _kept = terminal::keep().map_err(Error::io(INPUT))?;
    tokio::select! {
        biased;
        number = signals.next() => {
            terminal::reclaim();
            // What comes after us on the terminal begins a line of its own.
            terminal::end_line();
            Ok(Exit::Signal(number))
        }
        exit = serve(session, news, target, printer, manner) => exit,
    }
}

/// Reads lines and runs them, to the end.
async fn serve(
    session: &mut Session,
    mut news: mpsc::Receiver<JobNews>,
    target: &str,
    mut printer: StdoutSink,
    manner: Manner,
) -> Result<Exit, Error> {
    printer.tell_time();
    if manner.pipe {
        session.take_pipes(Pipes::Terminal);
    }
    let context = Arc::new(Mutex::new(Context::default()));
    let keyboard = Keyboard::start(EditorOptions {
        registry: session.registry().clone(),
        context: context.clone(),
        history: history::default_path(),
        colour: manner.colour,
        editing: manner.editing,
        red: manner.red,
    })?;
    loop {
        tell_news(&mut news, &mut printer).await.map_err(Error::io(OUTPUT))?;
        for death in session.take_deaths() {
            printer.write(&Output::Note(death)).await.map_err(Error::io(OUTPUT))?;
        }
        refresh(session, &context);
        let prompt = format!("{target}{}> ", session.state());
        let Some(line) = keyboard.line(prompt).await? else { break };
        let hidden = Hidden::of(&line);
        let line = match session.understand(&line) {
            Ok(line) => line,
            Err(error) => {
                printer.write(&hidden.cover(Output::error(&error))).await.map_err(Error::io(OUTPUT))?;
                continue;
            }
        };
        let question = tokio::select! {
            question = session.question(&line) => question,
            _ = ctrl_c() => {
                printer.write(&Output::text("")).await.map_err(Error::io(OUTPUT))?;
                continue;
            }
        };
        if let Some(question) = question
            && let Some(declined) = keyboard.declined(&question).await?
        {
            printer.write(&Output::Note(declined)).await.map_err(Error::io(OUTPUT))?;
            continue;
        }
        let outcome = tokio::select! {
            outcome = session.run(&line, &mut printer) => outcome.map_err(Error::io(OUTPUT))?,
            // What a shell command does with Ctrl-C is its own affair.
            _ = ctrl_c(), if line.pipe.is_none() => {
                // The terminal has shown ^C already.
                printer.write(&Output::text("")).await.map_err(Error::io(OUTPUT))?;
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
                        let _ = reply.send(read_line(&mut editor, &prompt));
                    }
                    Wanted::Answer(question, reply) => {
                        let _ = reply.send(editor.ask(&question));
                    }
                }
            }
        };
        std::thread::Builder::new().name("editor".to_owned()).spawn(serve).map_err(Error::io(INPUT))?;
        Ok(Self(sender))
    }

    /// The next line; none at the end.
    async fn line(&self, prompt: String) -> Result<Option<String>, Error> {
        self.want(|reply| Wanted::Line(prompt.clone(), reply)).await
    }

    /// What to say when the answer is no yes: anything else, Ctrl-C and Ctrl-D too, is a no.
    async fn declined(&self, question: &Question) -> Result<Option<String>, Error> {
        let words = question.words();
        let answer = self.want(|reply| Wanted::Answer(words.clone(), reply)).await?.unwrap_or_default();
        Ok((!question.is_yes(&answer)).then(|| question.declined(&answer)))
    }

    /// Asks until there is an answer: a stop on the way is no answer.
    async fn want(&self, wanted: impl Fn(Reply) -> Wanted) -> Result<Option<String>, Error> {
        let gone = || io::Error::other("the editor's thread has ended");
        loop {
            let (reply, answer) = oneshot::channel();
            self.0.send(wanted(reply)).await.map_err(|_| gone()).map_err(Error::io(INPUT))?;
            match answer.await.unwrap_or_else(|_| Err(gone())).map_err(Error::io(INPUT))? {
                Typed::Line(line) => return Ok(Some(line)),
                Typed::Stop => terminal::stop().await.map_err(Error::io("stopping"))?,
                Typed::End => return Ok(None),
            }
        }
    }
}

fn read_line(editor: &mut Editor, prompt: &str) -> io::Result<Typed> {
    for notice in editor.take_notices() {
        writeln!(io::stdout(), "{notice}")?;
    }
    editor.read_line(prompt)
}
