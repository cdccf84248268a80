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

pub use chord::{Chord, Sequence};
pub use keys::{Keys, Meaning, Row};
pub use rebind::{Rebinding, Refused};
pub use table::TABLE;

use super::action::Action;
use super::layout::Pane;

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
    /// A pane other than the shell.
    Pane(Pane),
    /// The filter line of a pane.
    Filter,
    /// The details of a row of this pane.
    Details(Pane),
    /// The help, which takes letters as its own search.
    Help,
}

/// When a row of the table holds; its title in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always, but for a question.
    Anywhere,
    /// In the prompt.
    Prompt,
    /// In the prompt while nothing is typed.
    EmptyPrompt,
    /// In the prompt while candidates are shown.
    Choosing,
    /// In the prompt with vi's keys, while letters are typed.
    Inserting,
    /// In the prompt while the end of the output is out of sight.
    Scrolled,
    /// In the prompt's backward search.
    Search,
    /// While words to look for in the output are typed.
    Find,
    /// While the output is read.
    Read,
    /// In any pane but the shell.
    Pane,
    /// In a pane whose rows can be sorted and filtered.
    List,
    /// In a pane's filter line.
    Filter,
    /// In a pane whose rows are filtered.
    Filtered,
    /// In a pane with something to show in full.
    Opens,
    /// In what is shown in full.
    Details,
    /// Where something can be shown in full, or is.
    Row,
    /// Where the row is a connection.
    Connection,
    /// In any pane but the shell, and in details.
    View,
    /// The same, of a recording.
    Replay,
    /// While a question waits.
    Ask,
    /// While the word that answers one is typed.
    Confirm,
    /// In the help.
    Help,
}

impl When {
    /// Whether it holds.
    pub fn holds(self, context: &Context) -> bool {
        match self {
            When::Anywhere => !matches!(context.mode, Mode::Ask | Mode::Confirm),
            When::Prompt => context.mode == Mode::Prompt,
            When::EmptyPrompt => context.mode == Mode::Prompt && context.empty,
            When::Choosing => context.mode == Mode::Prompt && context.choosing,
            When::Inserting => context.mode == Mode::Prompt && context.inserting == Some(true),
            When::Scrolled => context.mode == Mode::Prompt && context.scrolled,
            When::Search => context.mode == Mode::Search,
            When::Find => context.mode == Mode::Find,
            When::Read => context.mode == Mode::Read,
            When::Pane => matches!(context.mode, Mode::Pane(_)),
            When::List => {
                matches!(context.mode, Mode::Pane(Pane::Connections | Pane::Lints | Pane::Events))
            }
            When::Filter => context.mode == Mode::Filter,
            When::Filtered => When::List.holds(context) && context.filtered,
            When::Opens => {
                context.row && (When::List.holds(context) || context.mode == Mode::Pane(Pane::Server))
            }
            When::Details => matches!(context.mode, Mode::Details(_)),
            When::Row => When::Opens.holds(context) || When::Details.holds(context),
            When::Connection => {
                let shown =
                    matches!(context.mode, Mode::Pane(Pane::Connections) | Mode::Details(Pane::Connections));
                shown && context.row && !context.replay
            }
            When::View => matches!(context.mode, Mode::Pane(_) | Mode::Details(_)),
            When::Replay => context.replay && When::View.holds(context),
            When::Ask => context.mode == Mode::Ask,
            When::Confirm => context.mode == Mode::Confirm,
            When::Help => context.mode == Mode::Help,
        }
    }

    /// The heading of its rows in the help.
    pub fn title(self) -> &'static str {
        match self {
            When::Anywhere => "anywhere",
            When::Prompt => "in the prompt",
            When::EmptyPrompt => "in the empty prompt",
            When::Choosing => "while candidates are shown",
            When::Inserting => "in the prompt, with vi's keys",
            When::Scrolled => "in the prompt, with the output scrolled back",
            When::Search => "in the history search",
            When::Find => "while looking for words in the output",
            When::Read => "in the output",
            When::Pane => "in a pane",
            When::List => "in connections, lints and events",
            When::Filtered => "in a pane with a filter",
            When::Filter => "in a filter line",
            When::Opens => "in connections, lints, events and server",
            When::Details => "in details",
            When::Row => "on a row, and in details",
            When::Connection => "on a connection",
            When::View => "in a pane, and in details",
            When::Replay => "in a replay: in a pane, and in details",
            When::Ask => "while a question waits",
            When::Confirm => "while a word is typed to confirm",
            When::Help => "in this help",
        }
    }

    /// What stands before the name of an action whose keys here are a matter of their own: not those of the same action
    /// in the prompt and the panes.
    fn prefix(self) -> Option<&'static str> {
        match self {
            When::Ask => Some("answer"),
            When::Confirm => Some("confirm"),
            When::Help => Some("help"),
            When::Search => Some("search"),
            When::Find => Some("find"),
            When::Read => Some("read"),
            When::Choosing => Some("choosing"),
            When::Inserting => Some("inserting"),
            When::Scrolled => Some("scrolled"),
            When::Filter => Some("filter"),
            When::Details => Some("details"),
            _ => None,
        }
    }

    /// Whether rows of both places hold at once, and no row further up is meant to hide one further down.
    fn meets(self, other: When) -> bool {
        let both = |mode| {
            let context = Context { empty: false, filtered: true, ..Context::of(mode) };
            self.holds(&context) && other.holds(&context)
        };
        let hides = [self, other].iter().any(|when| matches!(when, When::Anywhere | When::Replay));
        let panes = || Pane::ALL.into_iter().flat_map(|pane| [Mode::Pane(pane), Mode::Details(pane)]);
        self == other || (!hides && panes().any(both))
    }

    /// Whether a key leaves alone what is typed here: letters, where there is a line to type.
    fn spares(self, key: Sequence) -> bool {
        let Some(letter) = key.first.typed() else { return true };
        match self {
            When::Ask
            | When::Read
            | When::Pane
            | When::List
            | When::Filtered
            | When::Opens
            | When::Details
            | When::Row
            | When::Connection
            | When::View
            | When::Replay => true,
            // No command begins with most signs.
            When::EmptyPrompt => letter.is_ascii_punctuation() && !matches!(letter, '#' | '"' | '\''),
            _ => false,
        }
    }

    /// The name of an action's keys here.
    fn named(self, action: &str) -> String {
        self.prefix().map_or_else(|| action.to_owned(), |prefix| format!("{prefix}-{action}"))
    }
}

/// What a row does with its chord.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// This.
    Act(Action),
    /// Gives the keys to the pane whose number the chord is.
    FocusNumbered,
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
