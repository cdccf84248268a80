//! The key table: one list that gives dispatch, the footer and the help.
//!
//! A chord is looked up from the top in the rows whose [`When`] holds, so a row further up wins. Ctrl-I, Ctrl-M, Ctrl-H
//! and Ctrl-[ are Tab, Enter, Backspace and Esc on many terminals and never stand in the table.

mod chord;
mod table;

pub use chord::Chord;
pub use table::TABLE;

use super::action::Action;
use super::layout::Pane;

/// Where the keys go, and what decides between rows: pure facts of the app's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// What has the keys.
    pub mode: Mode,
    /// The typed line is empty.
    pub empty: bool,
    /// Completion candidates are shown.
    pub choosing: bool,
}

/// What has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The prompt.
    Prompt,
    /// The prompt's backward search.
    Search,
    /// A question that wants y or n.
    Ask,
    /// A pane other than the shell.
    Pane(Pane),
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
    /// In the prompt's backward search.
    Search,
    /// In any pane but the shell.
    Pane,
    /// While a question waits.
    Ask,
    /// In the help.
    Help,
}

impl When {
    /// Whether it holds.
    pub fn holds(self, context: &Context) -> bool {
        match self {
            When::Anywhere => context.mode != Mode::Ask,
            When::Prompt => context.mode == Mode::Prompt,
            When::EmptyPrompt => context.mode == Mode::Prompt && context.empty,
            When::Choosing => context.mode == Mode::Prompt && context.choosing,
            When::Search => context.mode == Mode::Search,
            When::Pane => matches!(context.mode, Mode::Pane(_)),
            When::Ask => context.mode == Mode::Ask,
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
            When::Search => "in the history search",
            When::Pane => "in a pane",
            When::Ask => "while a question waits",
            When::Help => "in this help",
        }
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
    /// Its chords, as [`Chord`] reads them.
    pub keys: &'static [&'static str],
    /// When it holds.
    pub when: When,
    /// What it does.
    pub run: Do,
    /// What the footer calls it; rows without are in the help only.
    pub footer: Option<&'static str>,
    /// What the help says.
    pub help: &'static str,
}

impl Binding {
    /// How its keys are written for people: `Alt-1…7`, `Ctrl-A Home`.
    pub fn label(&self) -> String {
        let chords: Vec<Chord> = self.keys.iter().filter_map(|key| key.parse().ok()).collect();
        match (&self.run, chords.first(), chords.last()) {
            (Do::FocusNumbered, Some(first), Some(last)) => {
                format!("{first}…{}", last.digit().unwrap_or_default())
            }
            _ => chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    fn answers(&self, chord: Chord) -> bool {
        self.keys.iter().any(|key| key.parse() == Ok(chord))
    }

    fn action(&self, chord: Chord) -> Option<Action> {
        match &self.run {
            Do::Act(action) => Some(action.clone()),
            Do::FocusNumbered => {
                let place = chord.digit()?.checked_sub(1)?;
                Pane::ALL.get(place).copied().map(Action::Focus)
            }
        }
    }
}

/// What a chord means here, if anything. A plain character that no row claims is typed where letters are taken.
pub fn resolve(chord: Chord, context: &Context) -> Option<Action> {
    let bound = TABLE.iter().find(|row| row.when.holds(context) && row.answers(chord));
    if let Some(row) = bound {
        return row.action(chord);
    }
    let letters = matches!(context.mode, Mode::Prompt | Mode::Search | Mode::Help);
    chord.typed().filter(|_| letters).map(Action::Insert)
}

/// What the footer lists here: key and word, each word once.
pub fn footer(context: &Context) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for row in TABLE.iter().filter(|row| row.when.holds(context)) {
        if let Some(word) = row.footer
            && !entries.iter().any(|(_, known)| *known == word)
        {
            let label = row.label();
            let first = label.split(' ').next().unwrap_or_default().to_owned();
            entries.push((first, word));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts() -> Vec<Context> {
        let modes = [Mode::Prompt, Mode::Search, Mode::Ask, Mode::Pane(Pane::Connections), Mode::Help];
        let mut all = Vec::new();
        for mode in modes {
            for empty in [true, false] {
                for choosing in [true, false] {
                    all.push(Context { mode, empty, choosing });
                }
            }
        }
        all
    }

    fn chord(text: &str) -> Chord {
        text.parse().unwrap_or_else(|()| panic!("{text} is no chord"))
    }

    #[test]
    fn every_key_of_every_row_reaches_its_action_somewhere() {
        for row in TABLE {
            for key in row.keys {
                let chord = chord(key);
                let wanted = row.action(chord);
                assert!(wanted.is_some(), "{key} of {:?} does nothing", row.run);
                let reached = contexts().iter().any(|c| row.when.holds(c) && resolve(chord, c) == wanted);
                assert!(reached, "{key} {:?} is hidden by a row above it", row.when);
            }
        }
    }

    #[test]
    fn keys_that_terminals_cannot_tell_apart_are_not_bound() {
        for row in TABLE {
            for key in row.keys {
                assert!(!["ctrl-i", "ctrl-m", "ctrl-h", "ctrl-["].contains(key), "{key}");
            }
        }
    }

    #[test]
    fn every_row_says_what_it_does() {
        for row in TABLE {
            assert!(!row.help.is_empty() && !row.label().is_empty(), "{:?}", row.keys);
        }
    }

    #[test]
    fn letters_are_typed_in_the_prompt_and_are_keys_in_a_pane() {
        let prompt = Context { mode: Mode::Prompt, empty: false, choosing: false };
        assert_eq!(resolve(chord("z"), &prompt), Some(Action::Insert('z')));
        let pane = Context { mode: Mode::Pane(Pane::Pool), ..prompt };
        assert_eq!(resolve(chord("z"), &pane), Some(Action::Zoom));
        assert_eq!(resolve(chord("x"), &pane), None);
        assert_eq!(resolve(chord("3"), &pane), Some(Action::Focus(Pane::Server)));
        assert_eq!(resolve(chord("alt-4"), &prompt), Some(Action::Focus(Pane::Connections)));
    }

    #[test]
    fn a_question_takes_only_its_answer() {
        let ask = Context { mode: Mode::Ask, empty: true, choosing: false };
        assert_eq!(resolve(chord("y"), &ask), Some(Action::Answer(true)));
        assert_eq!(resolve(chord("enter"), &ask), Some(Action::Answer(false)));
        assert_eq!(resolve(chord("a"), &ask), None);
    }

    #[test]
    fn the_footer_names_a_word_once_and_only_keys_that_work() {
        for context in contexts() {
            let entries = footer(&context);
            assert!(!entries.is_empty(), "{context:?}");
            for (key, word) in &entries {
                let first = key.split('…').next().unwrap_or_default().to_lowercase();
                assert!(resolve(chord(&first), &context).is_some(), "{key} {word} in {context:?}");
            }
        }
    }
}
