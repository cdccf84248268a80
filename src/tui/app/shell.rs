//! The prompt's side of the state: lines that run, their output, history and questions.

use std::collections::VecDeque;

use super::App;
use crate::command::history::may_keep;
use crate::command::output::Took;
use crate::command::runs_aside;
use crate::command::token::{self, Ending, scan};
use crate::event::Stamp;
use crate::snapshot::Snapshot;
use crate::text;
use crate::tui::action::{Action, Edit, Effect};
use crate::tui::keymap::Mode;
use crate::tui::layout::Pane;
use crate::tui::output::{Kind, LineId};
use crate::tui::prompt::Asked;
use crate::tui::run::Said;

/// The command that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its line in the output.
    pub echo: LineId,
    /// The line as it may be shown.
    pub line: String,
    /// When it began, by the newest snapshot's clock.
    pub since: Stamp,
    /// Ctrl-C was pressed.
    pub cancelled: bool,
    /// Nobody should wait for its end.
    pub slow: bool,
    /// It has no connection yet.
    pub waits: bool,
}

/// A line that waits for the end of the one that runs.
#[derive(Debug)]
pub(super) struct Queued {
    line: String,
    /// It may run beside that one.
    aside: bool,
}

/// The word that answers a question, and what was typed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What is to be typed.
    pub wanted: String,
    /// What was.
    pub typed: String,
}

impl Word {
    /// Longer than any word that is wanted.
    const LONGEST: usize = 128;

    /// This word, of which nothing was typed yet.
    pub(super) fn new(wanted: String) -> Self {
        Self { wanted, typed: String::new() }
    }

    /// Takes a text that was typed or pasted.
    pub(super) fn push(&mut self, text: &str) {
        let letters = text.chars().filter(|c| !c.is_control());
        self.typed.extend(letters.take(Self::LONGEST.saturating_sub(self.typed.len())));
    }
}

/// Whether what a line prints is a text to read, which has its beginning at its top and no news at its end.
fn is_read(line: &str) -> bool {
    let name = line.split_whitespace().next().unwrap_or_default();
    ["HELP", "EXPLAIN"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

impl App {
    /// Runs the typed line, or each line of a paste in turn; what runs already goes first. While a quote is open the
    /// line goes on instead.
    pub(super) fn accept(&mut self) -> Vec<Effect> {
        self.end_search(true);
        self.output.follow();
        if let Ending::Open { .. } = scan(self.prompt.text().as_bytes()).ending {
            self.prompt.edit(Edit::End);
            self.prompt.insert("\n");
            return Vec::new();
        }
        let typed = self.prompt.take();
        let mut effects = Vec::new();
        let lines = token::lines(&typed);
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines {
            let line = *line;
            self.assist.ran(line);
            if may_keep(line) && self.history.add(line) {
                effects.push(Effect::Remember(line.to_owned()));
            }
            // The lines of a paste stay in order.
            let aside = lines.len() == 1 && runs_aside(line);
            self.queue.push_back(Queued { line: line.to_owned(), aside });
        }
        self.history.settle();
        effects.extend(self.next());
        effects.extend(self.pass_by());
        effects
    }

    /// Runs a line that a key stands for: it is shown as typed ones are, and no part of the history.
    pub(super) fn run_line(&mut self, line: String) -> Vec<Effect> {
        self.output.follow();
        let aside = runs_aside(&line);
        self.queue.push_back(Queued { line, aside });
        self.next().into_iter().chain(self.pass_by()).collect()
    }

    /// Starts the next line when nothing runs.
    fn next(&mut self) -> Option<Effect> {
        if self.running.is_some() {
            return None;
        }
        let Queued { line, .. } = self.queue.pop_front()?;
        let (echo, shown) = self.echo(&line);
        let since = self.latest.as_of;
        self.running =
            Some(Running { echo, line: shown, since, cancelled: false, slow: false, waits: false });
        Some(Effect::Run(line))
    }

    /// Runs what waits for a line that still runs and needs no connection: it may be what that line waits for.
    fn pass_by(&mut self) -> Vec<Effect> {
        let slow = self.running.as_ref().is_some_and(|running| running.slow);
        if !slow || self.question.is_some() {
            return Vec::new();
        }
        let (aside, queue): (VecDeque<_>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|queued| queued.aside);
        self.queue = queue;
        let run = |Queued { line, .. }| {
            self.echo(&line);
            Effect::RunAside(line)
        };
        aside.into_iter().map(run).collect()
    }

    /// Shows a line that begins, and gives it as it is shown.
    fn echo(&mut self, line: &str) -> (LineId, String) {
        let shown = self.presentable(line);
        let prefix = text::escape_str(&self.prefix).into_owned();
        (self.output.push(Kind::Command(prefix.len()), format!("{prefix}{shown}")), shown)
    }

    /// How many lines wait for the one that runs.
    pub(in crate::tui) fn waiting_lines(&self) -> usize {
        self.queue.len()
    }

    /// Gives up the lines that wait, and says which.
    pub(super) fn drop_waiting(&mut self) {
        for Queued { line, .. } in std::mem::take(&mut self.queue) {
            let words = format!("not run: {}", self.presentable(&line));
            self.output.push(Kind::Note, words);
        }
    }

    /// A line as it may be shown: secrets masked, nothing a terminal would obey.
    pub(in crate::tui) fn presentable(&self, line: &str) -> String {
        let mut shown = String::with_capacity(line.len());
        let mut at = 0;
        for secret in self.assist.secrets(line) {
            if let Some(before) = line.get(at..secret.start) {
                shown.push_str(&text::escape_str(before));
            }
            shown.push_str("***");
            at = secret.end;
        }
        shown.push_str(&text::escape_str(line.get(at..).unwrap_or_default()));
        shown
    }

    /// Takes in what a running command says.
    pub fn hear(&mut self, said: Said) -> Vec<Effect> {
        match said {
            Said::Lines(lines) => {
                for (kind, line) in lines {
                    self.output.push(kind, line);
                }
            }
            Said::Took(took) => self.annotate(&took),
            Said::Still { waits } => {
                if let Some(running) = &mut self.running {
                    (running.slow, running.waits) = (true, waits);
                }
                return self.pass_by();
            }
            Said::Noted(kind, words) => {
                // In the output it stays; beside that it would be there twice.
                let in_sight = self.details.is_none() && self.plan().area(Pane::Shell).is_some();
                self.notice = (!in_sight).then(|| words.clone());
                self.output.push(kind, words);
            }
            Said::Clear => self.output.clear(),
            Said::Prefix(prefix) => self.prefix = prefix,
            Said::Jobs(jobs) => self.jobs = jobs,
            Said::Ask(question) => self.question = Some(question),
            Said::AskWord(question, word) => {
                self.question = Some(question);
                self.word = Some(Word::new(word));
            }
            Said::Lend(loan) => return vec![Effect::Lend(loan)],
            Said::Quit => return vec![Effect::Quit],
            Said::Ended => {
                if let Some(ran) =
                    self.running.take().filter(|ran| self.queue.is_empty() && is_read(&ran.line))
                {
                    let (width, height) = self.output_size();
                    self.output.read_from(ran.echo, width, height);
                }
                self.question = None;
                self.word = None;
                return self.next().into_iter().collect();
            }
        }
        Vec::new()
    }

    /// Writes at the right end of the command which connection it took and how long that lasted.
    fn annotate(&mut self, took: &Took) {
        let Some(running) = &self.running else { return };
        let wait = took.wait.map_or_else(String::new, |wait| format!("  wait {}", text::duration(wait)));
        let reply = text::duration(took.round_trip);
        self.output.annotate(running.echo, format!("{}{wait}  reply {reply}", took.conn));
    }

    pub(super) fn answer(&mut self, yes: bool) -> Vec<Effect> {
        if let Some(confirm) = self.confirm.take() {
            return self.confirmed(confirm, yes);
        }
        match self.question.take() {
            // Of a word that is to be typed the key only says that it is done.
            Some(_) => {
                let said = self.word.take().map_or_else(|| "y".to_owned(), |word| word.typed);
                vec![Effect::Answer(if yes { said } else { String::new() })]
            }
            None => Vec::new(),
        }
    }

    /// Marks what runs as cancelled, until it has ended.
    pub fn cancelling(&mut self) {
        self.question = None;
        self.word = None;
        if let Some(running) = &mut self.running {
            running.cancelled = true;
        }
    }

    /// Takes the line back from an editor.
    pub fn edited(&mut self, line: &str) {
        self.prompt.change_to(line);
        self.history.settle();
    }

    /// How the typed line went on when it was run before, if nothing else is offered.
    pub(in crate::tui) fn suggestion(&self) -> Option<&str> {
        let typed = self.prompt.text();
        let offered = self.context().mode == Mode::Prompt && self.prompt.choice().is_none();
        if !offered || !self.prompt.at_end() {
            return None;
        }
        let rest = self.history.suggest(typed)?;
        // A command's whole name is not the beginning of another's: its arguments come next.
        let whole = !typed.contains(' ') && !rest.starts_with(' ') && self.assist.hint(typed).is_some();
        (!whole).then_some(rest)
    }

    /// Takes the suggestion into the line, where there is one and the key goes on past the end.
    pub(super) fn take_suggestion(&mut self, edit: Edit) -> bool {
        let rest = self.suggestion().filter(|_| matches!(edit, Edit::Right | Edit::End)).map(str::to_owned);
        if let Some(rest) = &rest {
            self.prompt.insert(rest);
        }
        rest.is_some()
    }

    /// Whether a letter is a command of vi's.
    pub(super) fn commanding(&self) -> bool {
        let context = self.context();
        context.mode == Mode::Prompt && context.inserting == Some(false)
    }

    /// One more key of a command of vi's.
    pub(super) fn vi_press(&mut self, key: char) -> Vec<Effect> {
        match self.prompt.vi_press(key) {
            None => self.history.settle(),
            Some(Asked::Older) => self.older(),
            Some(Asked::Newer) => self.newer(),
            Some(Asked::Search) => self.history.search(self.prompt.text()),
            Some(Asked::Editor) => return self.update(Action::EditInEditor),
        }
        Vec::new()
    }

    pub(super) fn complete(&mut self, back: bool) {
        let (assist, snapshot): (_, &Snapshot) = (&self.assist, &self.latest);
        self.prompt.complete(|line, pos| assist.complete(line, pos, snapshot), back);
        self.history.settle();
    }

    /// The last line's output in the pager, unless that was switched off.
    pub(super) fn page(&mut self) -> Vec<Effect> {
        if self.facts.pager {
            return vec![Effect::Page];
        }
        self.output.push(Kind::Note, "the pager is switched off in the configuration".to_owned());
        Vec::new()
    }

    pub(super) fn older(&mut self) {
        if self.prompt.line_up() {
            return;
        }
        if let Some(line) = self.history.older(self.prompt.text()) {
            self.prompt.replace(&line);
        }
    }

    pub(super) fn newer(&mut self) {
        if self.prompt.line_down() {
            return;
        }
        if let Some(line) = self.history.newer() {
            self.prompt.replace(&line);
        }
    }

    pub(super) fn end_search(&mut self, keep: bool) {
        if let Some(line) = self.history.end_search(keep) {
            self.prompt.replace(&line);
        }
    }
}
