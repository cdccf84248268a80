//! The prompt on a terminal: rustyline's editor with our completion, hints and colours.

mod away;
mod helper;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::termios::{QueueSelector, tcflush};
use rustyline::config::{BellStyle, Configurer};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, EditMode, Event, ExternalPrinter, KeyEvent};

use crate::children;
use crate::command::{Call, Context, Registry, external, parse, token};
use crate::text;
use crate::values::Editing;

use self::away::AwayKey;
use self::helper::{Helper, TakeGrey};
use crate::command::history::{self, HistoryFile};

/// What an editor is made of.
#[derive(Debug)]
pub struct EditorOptions {
    /// What is known of commands.
    pub registry: Arc<Registry>,
    /// Names that are only known while the program runs. The editor adds the keys of the lines it reads; a session keeps
    /// the connections and settings true.
    pub context: Arc<Mutex<Context>>,
    /// Where lines are kept: [`history::default_path`]; `None` keeps none.
    pub history: Option<PathBuf>,
    /// Colours in the line and a grey hint. Without it there are no hints: they could not be told from what was typed.
    pub colour: bool,
    /// Whose keys edit the line.
    pub editing: Editing,
    /// The prompt is red, where there are colours.
    pub red: bool,
}

type Lines = rustyline::Editor<Helper, FileHistory>;

/// A line editor on the terminal. It blocks while somebody types: give it a thread of its own.
pub struct Editor {
    /// What was typed ahead comes in its order, and it is here that it waits.
    lines: Lines,
    config: Config,
    colour: bool,
    red: bool,
    file: HistoryFile,
    registry: Arc<Registry>,
    context: Arc<Mutex<Context>>,
    /// The rest of a paste of several lines.
    pending: VecDeque<String>,
    /// What was typed of a line when the program was stopped: left and right of the cursor.
    unfinished: (String, String),
    stop: AwayKey,
    /// Ctrl-X Ctrl-E.
    elsewhere: AwayKey,
    /// While somebody may print beside it, rustyline waits for more than keys, and hears a signal that another thread got.
    /// A terminal without a cursor to move has none: rustyline takes its lines as they come.
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    notices: Arc<Mutex<Vec<String>>>,
}

/// What a person did at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// They typed this.
    Line(String),
    /// Ctrl-Z: the program is to be stopped, and to ask once more.
    Stop,
    /// There is nothing more to come.
    End,
}

impl Editor {
    /// An editor on stdin and stdout.
    pub fn new(options: EditorOptions) -> io::Result<Self> {
        let EditorOptions { registry, context, history, colour, editing, red } = options;
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(BellStyle::None)
            .edit_mode(match editing {
                Editing::Emacs => EditMode::Emacs,
                Editing::Vi => EditMode::Vi,
            })
            // Whether there are colours is the helper's affair, which makes what is shown safe in either case.
            .color_mode(ColorMode::Forced)
            .build();
        let mut kept = history::configured();
        let (file, opened) = HistoryFile::open(history, &mut kept);
        let mut lines = Lines::with_history(config.clone(), kept).map_err(to_io)?;
        lines.set_max_history_size(history::MAX_LINES).map_err(to_io)?;
        let (stop, elsewhere) = (AwayKey::default(), AwayKey::default());
        lines.set_helper(Some(Helper::new(registry.clone(), context.clone(), colour, red)));
        let printer = equip(&mut lines, &stop, &elsewhere);
        let notices = Arc::new(Mutex::new(opened.err().map(|error| error.to_string()).into_iter().collect()));
        Ok(Self {
            lines,
            config,
            colour,
            red,
            file,
            registry,
            context,
            pending: VecDeque::new(),
            unfinished: Default::default(),
            stop,
            elsewhere,
            printer,
            notices,
        })
    }

    /// What the person should know, each sentence once: that lines are not kept, and why. Safe to show.
    pub fn take_notices(&mut self) -> Vec<String> {
        self.notices.lock().drain(..).map(|notice| text::escape_str(&notice).into_owned()).collect()
    }

    /// The next command. The end is Ctrl-D on an empty line, or Ctrl-C twice with nothing typed in between. A first Ctrl-C
    /// drops the line. An open quote goes on in the next line; a paste of several commands comes as several lines. Blank
    /// lines are not answered. After a stop the line is there again.
    pub fn read_line(&mut self, prompt: &str) -> io::Result<Typed> {
        if let Some(line) = self.pending.pop_front() {
            return Ok(Typed::Line(line));
        }
        let mut interrupted = false;
        loop {
            if let Some(helper) = self.lines.helper_mut() {
                helper.begin(text::width(prompt));
            }
            let (left, right) = mem::take(&mut self.unfinished);
            match self.lines.readline_with_initial(prompt, (&left, &right)) {
                Ok(typed) => {
                    interrupted = false;
                    self.pending.extend(token::lines(&typed).into_iter().map(str::to_owned));
                    for line in token::lines(&typed) {
                        self.remember(line);
                    }
                    if let Some(line) = self.pending.pop_front() {
                        return Ok(Typed::Line(line));
                    }
                }
                Err(ReadlineError::Interrupted) => {
                    if let Some(unfinished) = self.stop.pressed() {
                        self.unfinished = unfinished;
                        return Ok(Typed::Stop);
                    }
                    if let Some((left, right)) = self.elsewhere.pressed() {
                        self.unfinished = edited(left, right);
                        if children::ending() {
                            return Ok(Typed::End);
                        }
                        continue;
                    }
                    let empty = self.lines.helper().is_none_or(Helper::was_empty);
                    if interrupted && empty {
                        return Ok(Typed::End);
                    }
                    interrupted = empty;
                    if empty {
                        writeln!(io::stdout(), "Ctrl-C again or Ctrl-D leaves.")?;
                    }
                }
                Err(ReadlineError::Eof) => return Ok(Typed::End),
                // The window changed while it was drawn: begin anew.
                Err(ReadlineError::Signal(_)) => {}
                Err(error) if is_no_text(&error) => {
                    self.unfinished.0 = self.lines.helper().map(Helper::shown).unwrap_or_default();
                    drop_typed_ahead();
                    writeln!(io::stdout(), "{NO_TEXT}")?;
                }
                Err(error) => return Err(to_io(error)),
            }
        }
    }

    /// The answer to a question; what was typed before it stood there is no answer, and dropped. The end is Ctrl-C or
    /// Ctrl-D.
    pub fn ask(&mut self, question: &str) -> io::Result<Typed> {
        self.forget_typed_ahead()?;
        loop {
            if let Some(helper) = self.lines.helper_mut() {
                helper.begin_answer();
            }
            match self.lines.readline(question) {
                Ok(answer) => return Ok(Typed::Line(answer)),
                Err(ReadlineError::Interrupted) if self.stop.pressed().is_some() => return Ok(Typed::Stop),
                Err(ReadlineError::Interrupted) if self.elsewhere.pressed().is_some() => {}
                Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(Typed::End),
                Err(ReadlineError::Signal(_)) => {}
                // It may have been a yes with something else in it.
                Err(error) if is_no_text(&error) => {
                    drop_typed_ahead();
                    return Ok(Typed::End);
                }
                Err(error) => return Err(to_io(error)),
            }
        }
    }

    /// Drops what was typed and not read yet: here, in the terminal, and in rustyline, whose own goes with its editor only.
    fn forget_typed_ahead(&mut self) -> io::Result<()> {
        self.pending.clear();
        let history = mem::replace(self.lines.history_mut(), history::configured());
        let helper = Helper::new(self.registry.clone(), self.context.clone(), self.colour, self.red);
        self.lines = Lines::with_history(self.config.clone(), history).map_err(to_io)?;
        self.lines.set_helper(Some(helper));
        self.printer = equip(&mut self.lines, &self.stop, &self.elsewhere);
        drop_typed_ahead();
        Ok(())
    }

    fn remember(&mut self, line: &str) {
        if !history::may_keep(line) {
            return;
        }
        let notices = Arc::clone(&self.notices);
        self.file.add(line, self.lines.history_mut(), move |error| notices.lock().push(error.to_string()));
        // This thread may never see the end of the program.
        self.file.settle(history::PATIENCE);
        if let Ok(Call::Redis { args, .. }) = parse(line.as_bytes()).map(|line| line.call) {
            self.context.lock().keys.remember_from(&self.registry, &args);
        }
    }
}

/// Gives an editor its keys, and whoever may print beside it.
fn equip(lines: &mut Lines, stop: &AwayKey, elsewhere: &AwayKey) -> Option<Box<dyn ExternalPrinter + Send>> {
    TakeGrey::bind(lines);
    stop.bind(KeyEvent::ctrl('Z'), lines);
    elsewhere.bind(Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]), lines);
    let printer = lines.create_external_printer().ok()?;
    Some(Box::new(printer))
}

/// The line as the person's own editor saved it, the cursor at its end; as it was, if that came to nothing.
fn edited(left: String, right: String) -> (String, String) {
    match external::edit(&format!("{left}{right}"), &external::editor()) {
        Ok(line) => (line, String::new()),
        Err(_) if children::ending() => (left, right),
        Err(error) => {
            let _ = writeln!(io::stdout(), "{}", text::escape_str(&error.to_string()));
            (left, right)
        }
    }
}

/// What is said when keys sent what is no character here, as a terminal with another encoding does.
const NO_TEXT: &str = "That was not UTF-8: it is left out, and what was typed right after it too.";

/// Whether keys came that are no text.
fn is_no_text(error: &ReadlineError) -> bool {
    matches!(error, ReadlineError::Io(error) if error.kind() == io::ErrorKind::InvalidData)
}

/// What came together with such a key, the rest of a paste above all, is part of a line that nobody wanted. rustyline has
/// dropped what it had read of it.
fn drop_typed_ahead() {
    // A terminal that is gone has nothing to drop; the next read says so.
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}

fn to_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_editor_can_go_to_a_thread_of_its_own() {
        fn sends<T: Send>() {}
        sends::<Editor>();
    }
}
