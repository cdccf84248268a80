//! The key table: one list that gives dispatch, the footer, the help and the names that the configuration file knows.
//!
//! [`TABLE`] has the keys as they come; [`Keys`] has them as they are. A key is looked up from the top in the rows whose
//! [`When`] holds, so a row further up wins. Ctrl-I, Ctrl-M, Ctrl-H and Ctrl-[ are Tab, Enter, Backspace and Esc on many
//! terminals and never stand in the table.

mod chord;
mod keys;
mod name;
mod rebind;
mod table;
mod when;

pub use chord::{Chord, Sequence};
pub use keys::{Keys, Meaning, Row};
pub use rebind::{Rebinding, Refused};
pub use table::TABLE;
pub use when::When;

use super::action::Action;
use super::layout::{Pane, Scene};

/// Where the keys go, and what decides between rows: pure facts of the app's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
pub struct Context {
    /// What has the keys.
    pub mode: Mode,
    /// The typed line is empty.
    pub empty: bool,
    /// Completion candidates are shown.
    pub choosing: bool,
    /// With vi's keys: whether letters are typed, and not commands.
    pub inserting: Option<bool>,
    /// There is something that can be shown in full; in details, it still exists.
    pub row: bool,
    /// The pane's rows are filtered.
    pub filtered: bool,
    /// The end of the output is out of sight.
    pub scrolled: bool,
    /// A recording is shown.
    pub replay: bool,
    /// Which panes there are.
    pub scene: Scene,
    /// The clients are shown as groups.
    pub grouped: bool,
    /// Those of one group are shown.
    pub inside: bool,
    /// Clients may be closed.
    pub kills: bool,
    /// A lint is selected or shown.
    pub points: bool,
}

impl Context {
    /// What has the keys, in its usual state: nothing typed, and a row to act on.
    pub fn of(mode: Mode) -> Self {
        Self {
            mode,
            empty: true,
            choosing: false,
            inserting: None,
            row: true,
            filtered: false,
            scrolled: false,
            replay: false,
            scene: match mode {
                Mode::Pane(Pane::Clients) | Mode::Details(Pane::Clients) => Scene::Watch,
                Mode::App => Scene::Run,
                _ => Scene::Pool,
            },
            grouped: false,
            inside: false,
            kills: true,
            points: true,
        }
    }
}

/// What has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The prompt.
    Prompt,
    /// The prompt's backward search.
    Search,
    /// The words looked for in the output.
    Find,
    /// The output, to be read.
    Read,
    /// A question that wants y or n.
    Ask,
    /// A question that wants a word.
    Confirm,
    /// The app that is run: it gets every key but those that lead away from it.
    App,
    /// A pane other than the shell.
    Pane(Pane),
    /// The filter line of a pane.
    Filter,
    /// The details of a row of this pane.
    Details(Pane),
    /// The help, which takes letters as its own search.
    Help,
}

/// What a row does with its chord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// This.
    Act(Action),
    /// Gives the keys to the pane of this scene whose number the chord is.
    FocusNumbered(Scene),
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Its keys, as [`Sequence`] reads them.
    pub keys: &'static [&'static str],
    /// When it holds.
    pub when: When,
    /// What it does.
    pub run: Do,
    /// What the footer calls it; rows without are in the help only.
    pub footer: Option<&'static str>,
    /// What the help says.
    pub help: &'static str,
    /// What the configuration file calls it, where its action's name, with its place's prefix, is not what it means.
    pub name: Option<&'static str>,
}

impl Binding {
    /// The same under a name of its own.
    const fn named(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }
}

#[cfg(test)]
mod tests;
