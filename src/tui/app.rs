//! The screen's state, and what it is on the screen of any size.
//!
//! [`App::update`] does no I/O, reads no clock and knows no terminal: what must happen in the world comes back as
//! [`Effect`]s. Snapshots and output come in by [`App::take`] and [`App::hear`]; freezing is not taking a snapshot.

mod clients;
mod deeds;
mod details;
mod inside;
mod lists;
mod mouse;
mod panes;
mod read;
mod shell;
mod terminal;
mod update;

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use super::action::{Action, Effect};
use super::keymap::{Chord, Context, Keys, Meaning, Mode};
use super::layout::{Pane, Plan, Scene, Wish, plan};
use super::listing::Lists;
use super::output::{Kind, Output};
use super::prompt::{History, Prompt};
use super::run::{Assist, Beside};
use crate::console::Picture;
use crate::report::Listing;
use crate::snapshot::{ServerRow, Snapshot};
use crate::values::Editing;

pub use deeds::Confirm;
pub use details::{Details, Subject};
pub use read::Reading;
pub use shell::{Running, Word};

/// What the screen knows before any snapshot.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
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
    /// A recording is shown, and no command runs.
    pub replay: bool,
    /// Which panes there are. A recording says so itself.
    pub scene: Scene,
    /// Nothing is acted on: there are no keys for it.
    pub read_only: bool,
    /// How clients are listed at first.
    pub listing: Listing,
    /// What stands before the typed line, where that is more than the target; safe to show.
    pub address: Option<String>,
    /// It is red.
    pub red: bool,
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
            panes: Pane::POOL.to_vec(),
            mouse: true,
            editing: Editing::default(),
            pager: true,
            pipe: true,
            replay: false,
            scene: Scene::Pool,
            read_only: false,
            listing: Listing::default(),
            address: None,
            red: false,
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
    pub(super) scene: Scene,
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
    queue: std::collections::VecDeque<shell::Queued>,
    /// The jobs that Ctrl-C can end, oldest first.
    pub(super) jobs: Vec<Beside>,
    pub(super) question: Option<String>,
    /// The word that answers it, where a key is not enough.
    pub(super) word: Option<Word>,
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
    /// What the app that is run prints.
    pub(super) picture: Arc<Picture>,
    /// The pane whose filter line has the keys.
    filtering: Option<Pane>,
    /// The pane that the last click selected a row in: another at the same place opens that row.
    row_clicked: Option<Pane>,
    /// The last key was a Ctrl-C that found nothing to do: one more quits.
    pub(super) armed: bool,
    /// The first key of a sequence, until the second comes.
    pub(super) pending: Option<Chord>,
    /// The last key, when it meant nothing to the pane that has the keys.
    pub(super) stray: Option<Chord>,
}

impl App {
    /// A screen of this size that has seen nothing yet.
    pub fn new(mut facts: Facts, assist: Arc<dyn Assist>, size: Size) -> Self {
        if facts.editing == Editing::Vi {
            facts.keys = facts.keys.for_vi();
        }
        let mut output = Output::default();
        let longest = facts.welcome.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        for (command, words) in &facts.welcome {
            output.push(Kind::Hint(longest), format!("{command:<longest$}  {words}"));
        }
        for notice in &facts.notices {
            output.push(Kind::Note, notice.clone());
        }
        let scene = facts.scene;
        // Without a shell, what there is to say has no other place.
        let notice = Some(facts.notices.join("; ")).filter(|said| scene != Scene::Pool && !said.is_empty());
        Self {
            assist,
            size,
            scene,
            // The keys of a recording act on the panes.
            focus: if facts.replay || scene != Scene::Pool { scene.rows() } else { Pane::Shell },
            last_pane: Pane::Connections,
            zoomed: false,
            shown: Arc::default(),
            latest: Arc::default(),
            frozen: false,
            prompt: Prompt::new(facts.editing),
            history: History::new(facts.history.clone()),
            output,
            reading: None,
            prefix: format!("{}> ", facts.address.as_ref().unwrap_or(&facts.target)),
            running: None,
            queue: std::collections::VecDeque::new(),
            jobs: Vec::new(),
            question: None,
            word: None,
            confirm: None,
            notice,
            details: None,
            looked_at: None,
            help: None,
            offsets: [0; Pane::ALL.len()],
            lists: Lists::beginning(&facts.listing),
            picture: Arc::default(),
            filtering: None,
            row_clicked: None,
            armed: false,
            pending: None,
            stray: None,
            facts,
        }
    }

    /// What has the keys, for the key table.
    pub fn context(&self) -> Context {
        let mode = if self.question.is_some() || self.confirm.is_some() {
            let typed = match &self.confirm {
                Some(confirm) => confirm.word.is_some(),
                None => self.word.is_some(),
            };
            if typed { Mode::Confirm } else { Mode::Ask }
        } else if self.help.is_some() {
            Mode::Help
        } else if let Some(details) = &self.details {
            Mode::Details(details.subject.pane())
        } else if self.filtering.is_some() {
            Mode::Filter
        } else if self.focus == Pane::App && self.runs() {
            Mode::App
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
            row: match &self.details {
                Some(details) => details.subject.exists(),
                None => self.has_subject(),
            },
            filtered: self.list(self.focus).is_some_and(|list| !list.typed().is_empty()),
            scrolled: self.output.scrolled(),
            replay: self.facts.replay,
            scene: self.scene,
            grouped: self.lists.grouping().grouped(),
            inside: match self.focus {
                Pane::Connections => self.lists.narrow().is_some(),
                _ => self.lists.grouping().inside.is_some(),
            },
            kills: !self.facts.read_only && !self.facts.replay,
            points: self.pointed().is_some(),
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
                scene: self.scene,
                panes: &self.facts.panes,
                focus: self.focus,
                zoomed: self.zoomed,
                banner: super::view::header::has_banner(&self.latest),
                servers: self.shown.nodes.len(),
            },
        )
    }

    /// The snapshots it has: the one that is shown, and the newest. Who keeps them while it takes another frees them where
    /// that holds up no key.
    pub fn held(&self) -> [Arc<Snapshot>; 2] {
        [Arc::clone(&self.shown), Arc::clone(&self.latest)]
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

    /// The terminal has another size now. Who has the keys keeps them, and stays in sight.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// Whether nothing that is typed can be seen.
    pub(super) fn unseen(&self) -> bool {
        !self.plan().fits()
    }

    /// Does what a key means here, and says what the world must do; nothing when the key means nothing.
    pub fn press(&mut self, chord: Chord) -> Option<Vec<Effect>> {
        if self.unseen() {
            return self.press_unseen(chord);
        }
        let pending = self.pending.take();
        self.stray = None;
        let context = self.context();
        match self.facts.keys.resolve(pending, chord, &context) {
            Meaning::Do(action) => return Some(self.update(action)),
            Meaning::Begins => {
                self.armed = false;
                self.pending = Some(chord);
            }
            // The footer goes back to what it lists.
            Meaning::Nothing if pending.is_some() => {}
            Meaning::Nothing => return self.press_unbound(chord, context),
        }
        Some(Vec::new())
    }

    /// A key that the table has nothing for.
    fn press_unbound(&mut self, chord: Chord, context: Context) -> Option<Vec<Effect>> {
        match context.mode {
            Mode::Prompt => {
                // Esc and the key after it come as one over a slow line, and in rustyline too.
                let key = chord.typed_with_alt().filter(|_| context.inserting.is_some())?;
                self.update(Action::Command);
                Some(self.update(Action::Insert(key)))
            }
            // Who types a command where letters are keys may have come to the question by its first letter.
            Mode::Ask if self.confirm.is_some() && chord.typed().is_some() => {
                Some(self.update(Action::Answer(false)))
            }
            Mode::Pane(_) | Mode::Details(_) | Mode::Read => {
                self.stray = Some(chord);
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn show_latest(&mut self) {
        self.shown = Arc::clone(&self.latest);
        self.settle_scene();
        self.refresh_lists();
        self.refresh_details();
    }

    /// A recording may be of a pool, of a watch or of an app, and says so once there is something in it.
    fn settle_scene(&mut self) {
        if !self.facts.replay {
            return;
        }
        let scene = match &*self.shown {
            shown if shown.app.is_some() => Scene::Attach,
            shown if !shown.pools.is_empty() => Scene::Pool,
            shown if !shown.nodes.is_empty() => Scene::Watch,
            _ => return,
        };
        if scene != self.scene {
            self.scene = scene;
            self.focus(scene.rows());
        }
    }
}
