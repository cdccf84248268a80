//! The screen's state, and the one function that changes it.
//!
//! [`App::update`] does no I/O, reads no clock and knows no terminal: what must happen in the world comes back as
//! [`Effect`]s. Snapshots and output come in by [`App::take`] and [`App::hear`]; freezing is not taking a snapshot.

mod deeds;
mod details;
mod lists;
mod mouse;
mod panes;
mod read;
mod shell;

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use super::action::{Action, Edit, Effect, Loan, Step};
use super::keymap::{Chord, Context, Keys, Meaning, Mode};
use super::layout::{Pane, Plan, Wish, plan};
use super::listing::Lists;
use super::output::{Kind, Output};
use super::prompt::{History, Prompt};
use super::run::{Assist, Beside};
use crate::snapshot::{ServerRow, Snapshot};
use crate::values::Editing;

pub use deeds::Confirm;
pub use details::{Details, Subject};
pub use read::Reading;
pub use shell::Running;

/// What the screen knows before any snapshot.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where the pool connects to, with no secret in it.
    pub target: String,
    /// How often a snapshot comes.
    pub interval: Duration,
    /// What the shell tells a new user to try: a command, and what it shows.
    pub welcome: Vec<(String, String)>,
    /// What the person should know from the start, a sentence each, safe to show.
    pub notices: Vec<String>,
    /// Lines run before, oldest first.
    pub history: Vec<String>,
    /// What each key does.
    pub keys: Keys,
    /// The panes that are shown, the shell among them.
    pub panes: Vec<Pane>,
    /// Whether the mouse is ours. If not, it is the terminal's own, to select with.
    pub mouse: bool,
    /// Whose keys edit the typed line.
    pub editing: Editing,
    /// Whether output may go to `$PAGER`.
    pub pager: bool,
    /// Whether a line may end in `| command`.
    pub pipe: bool,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            target: String::new(),
            interval: Duration::ZERO,
            welcome: Vec::new(),
            notices: Vec::new(),
            history: Vec::new(),
            keys: Keys::default(),
            panes: Pane::ALL.to_vec(),
            mouse: true,
            editing: Editing::default(),
            pager: true,
            pipe: true,
        }
    }
}

/// The help on top of everything, and what is searched in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Help {
    /// Letters typed to search.
    pub query: String,
    /// Rows scrolled past.
    pub offset: usize,
    /// Where the person was: what works there stands first.
    pub here: Option<Context>,
}

/// The screen's whole state.
pub struct App {
    pub(super) facts: Facts,
    pub(super) assist: Arc<dyn Assist>,
    pub(super) size: Size,
    pub(super) focus: Pane,
    /// The pane that Esc in the prompt goes to.
    last_pane: Pane,
    pub(super) zoomed: bool,
    /// What is on the screen.
    pub(super) shown: Arc<Snapshot>,
    /// What came last; the same unless frozen.
    pub(super) latest: Arc<Snapshot>,
    pub(super) frozen: bool,
    pub(super) prompt: Prompt,
    pub(super) history: History,
    pub(super) output: Output,
    /// The output has the keys.
    pub(super) reading: Option<Reading>,
    /// What stands before the typed line.
    pub(super) prefix: String,
    pub(super) running: Option<Running>,
    queue: std::collections::VecDeque<String>,
    /// The jobs that Ctrl-C can end, oldest first.
    pub(super) jobs: Vec<Beside>,
    pub(super) question: Option<String>,
    /// What is asked by the screen itself.
    pub(super) confirm: Option<Confirm>,
    /// What the last key did, until the next one.
    pub(super) notice: Option<String>,
    pub(super) details: Option<Details>,
    /// INFO CLIENTS as it was when a person last looked at it.
    looked_at: Option<Arc<ServerRow>>,
    pub(super) help: Option<Help>,
    offsets: [usize; Pane::ALL.len()],
    pub(super) lists: Lists,
    /// The pane whose filter line has the keys.
    filtering: Option<Pane>,
    /// The last key was a Ctrl-C that found nothing to do: one more quits.
    pub(super) armed: bool,
    /// The first key of a sequence, until the second comes.
    pub(super) pending: Option<Chord>,
}

impl App {
    /// A screen of this size that has seen nothing yet.
    pub fn new(facts: Facts, assist: Arc<dyn Assist>, size: Size) -> Self {
        let mut output = Output::default();
        let longest = facts.welcome.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        for (command, words) in &facts.welcome {
            output.push(Kind::Hint(longest), format!("{command:<longest$}  {words}"));
        }
        for notice in &facts.notices {
            output.push(Kind::Note, notice.clone());
        }
        Self {
            assist,
            size,
            focus: Pane::Shell,
            last_pane: Pane::Connections,
            zoomed: false,
            shown: Arc::default(),
            latest: Arc::default(),
            frozen: false,
            prompt: Prompt::new(facts.editing),
            history: History::new(facts.history.clone()),
            output,
            reading: None,
            prefix: format!("{}> ", facts.target),
            running: None,
            queue: std::collections::VecDeque::new(),
            jobs: Vec::new(),
            question: None,
            confirm: None,
            notice: None,
            details: None,
            looked_at: None,
            help: None,
            offsets: [0; Pane::ALL.len()],
            lists: Lists::default(),
            filtering: None,
            armed: false,
            pending: None,
            facts,
        }
    }

    /// What has the keys, for the key table.
    pub fn context(&self) -> Context {
        let mode = if self.question.is_some() || self.confirm.is_some() {
            Mode::Ask
        } else if self.help.is_some() {
            Mode::Help
        } else if let Some(details) = &self.details {
            Mode::Details(details.subject.pane())
        } else if self.filtering.is_some() {
            Mode::Filter
        } else if self.focus != Pane::Shell {
            Mode::Pane(self.focus)
        } else if let Some(reading) = &self.reading {
            if reading.typing { Mode::Find } else { Mode::Read }
        } else if self.history.searching().is_some() {
            Mode::Search
        } else {
            Mode::Prompt
        };
        Context {
            mode,
            empty: self.prompt.is_empty(),
            choosing: self.prompt.choice().is_some(),
            inserting: self.prompt.vi_inserts(),
        }
    }

    /// Where everything goes now.
    pub fn plan(&self) -> Plan {
        self.plan_for(self.size)
    }

    /// Where everything goes on a screen of this size.
    pub fn plan_for(&self, size: Size) -> Plan {
        plan(
            size,
            &Wish {
                panes: &self.facts.panes,
                focus: self.focus,
                zoomed: self.zoomed,
                banner: self.latest.server.lost.is_some(),
            },
        )
    }

    /// Takes a new snapshot, and says whether the screen changes by it.
    pub fn take(&mut self, snapshot: Arc<Snapshot>) -> bool {
        let changed = !self.frozen || snapshot.as_of != self.latest.as_of;
        self.latest = snapshot;
        if !self.frozen {
            self.show_latest();
        }
        changed
    }

    /// The terminal has another size now.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Does what a key means here, and says what the world must do; nothing when the key means nothing.
    pub fn press(&mut self, chord: Chord) -> Option<Vec<Effect>> {
        let pending = self.pending.take();
        if let Some(key) = chord.typed_with_alt().filter(|_| self.typing_in_vi()) {
            // Esc and the key after it come as one over a slow line, and in rustyline too.
            self.update(Action::Command);
            return Some(self.update(Action::Insert(key)));
        }
        match self.facts.keys.resolve(pending, chord, &self.context()) {
            Meaning::Do(action) => return Some(self.update(action)),
            Meaning::Begins => {
                self.armed = false;
                self.pending = Some(chord);
            }
            // The footer goes back to what it lists.
            Meaning::Nothing if pending.is_some() => {}
            Meaning::Nothing => return None,
        }
        Some(Vec::new())
    }

    /// Does what a person asked for, and says what the world must do.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        let armed = std::mem::take(&mut self.armed);
        self.pending = None;
        self.notice = None;
        match action {
            Action::Interrupt => return self.interrupt(armed),
            Action::EndOfInput if self.prompt.is_empty() => return vec![Effect::Quit],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Accept => return self.accept(),
            Action::Answer(yes) => return self.answer(yes),
            Action::EditInEditor => {
                return vec![Effect::Lend(Loan::Edit(self.prompt.text().to_owned()))];
            }
            Action::Page => return self.page(),
            Action::Command => self.prompt.vi_normal(),
            Action::ClearOutput => {
                self.output.clear();
                return vec![Effect::Repaint];
            }
            Action::Insert(c) if self.commanding() => return self.vi_press(c),
            Action::Insert(c) => self.typed(c.encode_utf8(&mut [0; 4])),
            Action::Paste(text) => self.typed(&text),
            Action::Edit(edit) => self.edit(edit),
            Action::Complete => self.complete(false),
            Action::CompleteBack => self.complete(true),
            Action::Older => self.older(),
            Action::Newer => self.newer(),
            Action::Search => self.history.search(self.prompt.text()),
            Action::Dismiss => self.dismiss(),
            Action::Find => self.find(),
            Action::Read => self.read(),
            Action::FindOlder => self.next_found(true),
            Action::FindNewer => self.next_found(false),
            Action::ScrollOutput(step) => self.scroll_output(step),
            Action::Scroll(step) => self.scroll(step),
            Action::Focus(pane) => self.focus(pane),
            Action::LeavePrompt => self.focus(self.last_pane),
            Action::NextPane => self.focus(self.neighbour(1)),
            Action::PreviousPane => self.focus(self.neighbour(-1)),
            Action::Copy => return self.copy(),
            Action::Slower => return self.change_interval(true),
            Action::Faster => return self.change_interval(false),
            Action::Report => return vec![Effect::Report(Box::new(self.screenful()))],
            Action::Click(at) => return self.click(at, false),
            Action::DoubleClick(at) => return self.click(at, true),
            Action::Wheel { at, up } => self.wheel(at, up),
            Action::Open => self.open(),
            Action::NextRow => self.walk(1),
            Action::PreviousRow => self.walk(-1),
            Action::Close => self.ask_to_close(),
            Action::LeavePane => self.leave_pane(),
            Action::Filter => self.open_filter(),
            Action::KeepFilter => self.keep_filter(),
            Action::ClearFilter => self.clear_filter(),
            Action::SortNext => self.sort(1),
            Action::SortPrevious => self.sort(-1),
            Action::Invert => self.invert(),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Freeze => self.freeze(),
            Action::Help => {
                self.help = match self.help {
                    Some(_) => None,
                    None => Some(Help { here: Some(self.context()), ..Help::default() }),
                };
            }
            Action::EndOfInput => {}
        }
        Vec::new()
    }

    fn interrupt(&mut self, armed: bool) -> Vec<Effect> {
        self.help = None;
        if self.running.is_some() {
            self.queue.clear();
            return vec![Effect::Cancel];
        }
        if !self.prompt.is_empty() {
            self.prompt.take();
            self.history.settle();
            return Vec::new();
        }
        // Its end is told later; one more Ctrl-C is meant for the job before.
        if let Some(job) = self.jobs.pop() {
            return vec![Effect::EndJob(job.number)];
        }
        if armed {
            return vec![Effect::Quit];
        }
        self.armed = true;
        Vec::new()
    }

    /// A text for whatever takes letters now.
    fn typed(&mut self, text: &str) {
        match self.context().mode {
            Mode::Help => self.search_help(|query| query.push_str(text)),
            Mode::Search => self.history.refine(|query| query.push_str(text)),
            Mode::Find => self.refine_find(|words| words.push_str(text)),
            Mode::Filter => self.type_filter(text),
            Mode::Prompt => {
                self.prompt.insert(text);
                self.history.settle();
                self.output.follow();
            }
            // A paste while a pane has the keys is meant for the prompt; a question takes no text.
            Mode::Pane(_) | Mode::Details(_) | Mode::Read => {
                self.end_reading();
                self.focus(Pane::Shell);
                self.prompt.insert(text);
                self.history.settle();
            }
            Mode::Ask => {}
        }
    }

    fn edit(&mut self, edit: Edit) {
        match self.context().mode {
            Mode::Help => self.search_help(|query| {
                query.pop();
            }),
            Mode::Find => self.refine_find(|words| {
                words.pop();
            }),
            Mode::Filter => self.edit_filter(edit),
            Mode::Search if edit == Edit::Backspace => self.history.refine(|query| {
                query.pop();
            }),
            Mode::Search => self.end_search(true),
            _ => {
                if !self.take_suggestion(edit) {
                    self.prompt.edit(edit);
                }
                self.history.settle();
            }
        }
    }

    fn search_help(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(help) = &mut self.help {
            change(&mut help.query);
            help.offset = 0;
        }
    }

    fn dismiss(&mut self) {
        if self.help.take().is_none() && !self.close_details() {
            self.end_reading();
            self.prompt.dismiss();
            self.end_search(false);
        }
    }

    fn freeze(&mut self) {
        self.frozen = !self.frozen;
        if !self.frozen {
            self.show_latest();
        }
    }

    fn show_latest(&mut self) {
        self.shown = Arc::clone(&self.latest);
        self.refresh_lists();
        self.refresh_details();
    }

    fn scroll(&mut self, step: Step) {
        if self.help.is_some() {
            self.scroll_help(step);
        } else if self.details.is_some() {
            self.scroll_details(step);
        } else {
            self.scroll_pane(step);
        }
    }
}
