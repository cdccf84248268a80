//! The keys as they are while the program runs: the table, and what the configuration file changed of it.

use super::chord::{Chord, Sequence};
use super::{Binding, Context, Do, Mode, TABLE, When, name};
use crate::tui::action::Action;

/// What one more key means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// This.
    Do(Action),
    /// The start of a sequence: the next key decides.
    Begins,
    /// Nothing here.
    Nothing,
}

/// Every key there is.
#[derive(Clone, Debug)]
pub struct Keys {
    pub(super) rows: Vec<Row>,
}

/// A row of the table with its keys as they are now.
#[derive(Clone, Debug)]
pub struct Row {
    /// When it holds.
    pub when: When,
    /// What the footer calls it; rows without are in the help only.
    pub footer: Option<&'static str>,
    /// What the help says.
    pub help: &'static str,
    /// What it does: one thing, but for the numbers of the panes.
    pub(super) bound: Vec<Bound>,
}

/// An action, its name, and its keys in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) keys: Vec<Sequence>,
}

impl Row {
    fn new(binding: &Binding) -> Self {
        let keys = || binding.keys.iter().filter_map(|key| key.parse().ok());
        let bound = match &binding.run {
            Do::Act(action) => vec![Bound::new(binding, action.clone(), keys().collect())],
            Do::FocusNumbered(scene) => keys()
                .zip(scene.panes())
                .map(|(key, pane)| Bound::new(binding, Action::Focus(*pane), vec![key]))
                .collect(),
        };
        Self { when: binding.when, footer: binding.footer, help: binding.help, bound }
    }

    /// Its keys, each with what it does.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Sequence, &Action)> {
        self.bound.iter().flat_map(|bound| bound.keys.iter().map(|key| (key, &bound.action)))
    }

    /// How its keys are written for people: `Alt-1…7`, `Ctrl-A Home`. Empty when it has none.
    pub fn label(&self) -> String {
        let keys: Vec<&Sequence> = self.keys().map(|(key, _)| key).collect();
        match self.run_of_digits() {
            Some(label) => label,
            // A blank also stands inside a sequence.
            None if keys.iter().any(|key| key.second.is_some()) => {
                keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }
            None => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        }
    }

    /// `Alt-1…7` for keys that differ by their digit alone, in order.
    fn run_of_digits(&self) -> Option<String> {
        if self.bound.len() < 2 {
            return None;
        }
        for (place, (key, _)) in self.keys().enumerate() {
            let plain = key.second.is_none() && key.first.digit() == Some(place + 1);
            if !plain || key.first.with_digit(1) != self.keys().next()?.0.first {
                return None;
            }
        }
        Some(format!("{}…{}", self.keys().next()?.0, self.keys().count()))
    }
}

impl Bound {
    fn new(binding: &Binding, action: Action, keys: Vec<Sequence>) -> Self {
        let name = match binding.name {
            Some(name) => name.to_owned(),
            None => name::of(&action).map_or_else(String::new, |name| binding.when.named(name)),
        };
        Self { name, action, keys }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self { rows: TABLE.iter().map(Row::new).collect() }
    }
}

impl Keys {
    /// Every row, in the table's order. Rows that lost all their keys are left out.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.keys().next().is_some())
    }

    /// The names of all actions that can have a key, in the table's order, with the keys they have.
    pub fn names(&self) -> Vec<(&str, Vec<Sequence>)> {
        let mut names: Vec<(&str, Vec<Sequence>)> = Vec::new();
        for bound in self.rows.iter().flat_map(|row| &row.bound) {
            let at = names.iter().position(|(name, _)| *name == bound.name).unwrap_or_else(|| {
                names.push((&bound.name, Vec::new()));
                names.len() - 1
            });
            for key in &bound.keys {
                if !names[at].1.contains(key) {
                    names[at].1.push(*key);
                }
            }
        }
        names
    }

    /// What a chord means here, after `pending` if that began a sequence. A row further up wins; a plain character that
    /// no row claims is typed where letters are taken.
    pub fn resolve(&self, pending: Option<Chord>, chord: Chord, context: &Context) -> Meaning {
        let here = self.rows.iter().filter(|row| row.when.holds(context)).flat_map(Row::keys);
        for (key, action) in here {
            match pending {
                Some(first) if *key == (Sequence { first, second: Some(chord) }) => {
                    return Meaning::Do(action.clone());
                }
                None if key.first == chord && key.second.is_some() => return Meaning::Begins,
                None if key.first == chord => return Meaning::Do(action.clone()),
                _ => {}
            }
        }
        let letters =
            !matches!(context.mode, Mode::Read | Mode::Ask | Mode::App | Mode::Pane(_) | Mode::Details(_));
        match chord.typed() {
            Some(c) if letters && pending.is_none() => Meaning::Do(Action::Insert(c)),
            _ => Meaning::Nothing,
        }
    }

    /// The first key that does this here, as people see it.
    pub fn key_of(&self, action: &Action, context: &Context) -> Option<String> {
        let here = self.rows.iter().filter(|row| row.when.holds(context)).flat_map(Row::keys);
        let mut keys = here.filter(|(key, does)| *does == action && self.reaches(key, does, *context));
        keys.next().map(|(key, _)| key.to_string())
    }

    /// What the footer lists here: key and word, each word once. After the start of a sequence: what may follow.
    pub fn footer(&self, pending: Option<Chord>, context: &Context) -> Vec<(String, &'static str)> {
        let here = self.rows.iter().filter(|row| row.when.holds(context));
        let Some(first) = pending else { return self.words(here, *context) };
        let mut entries = vec![(format!("{first} …"), "")];
        for row in here {
            for (second, action) in row.keys().filter(|(key, _)| key.first == first) {
                let Some(second) = second.second.map(|second| second.to_string()) else { continue };
                let word = match action {
                    Action::Focus(pane) if row.bound.len() > 1 => pane.name(),
                    Action::Group(by) => by.word(),
                    Action::NextGrouping => "next",
                    _ => row.footer.unwrap_or(row.help),
                };
                // The same key in a row further down is hidden.
                if !entries.iter().any(|(known, _)| *known == second) {
                    entries.push((second, word));
                }
            }
        }
        entries
    }

    /// Each row's first key that no row further up hides, and its word in the footer, each word once.
    fn words<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        context: Context,
    ) -> Vec<(String, &'static str)> {
        let mut entries: Vec<(String, &'static str)> = Vec::new();
        for row in rows {
            let mut keys = row.keys().filter(|(key, action)| self.reaches(key, action, context));
            if let (Some(word), Some((key, _))) = (row.footer, keys.next())
                && !entries.iter().any(|(_, known)| *known == word)
            {
                // A key that follows itself stands for all that may follow it: they are listed once it has begun.
                let head = key.second == Some(key.first);
                let shown = || if head { key.first.to_string() } else { key.to_string() };
                entries.push((row.run_of_digits().unwrap_or_else(shown), word));
            }
        }
        entries
    }

    /// Whether a key does this here: a row further up may have it for something else.
    fn reaches(&self, key: &Sequence, action: &Action, context: Context) -> bool {
        match self.resolve(None, key.first, &context) {
            Meaning::Do(does) => does == *action,
            Meaning::Begins => key.second.is_some(),
            Meaning::Nothing => false,
        }
    }

    /// The same for vi's keys: Alt and a letter is Esc and that letter there, unless it is bound to something that is
    /// none of emacs' own editing, or somebody bound it.
    #[must_use]
    pub fn for_vi(mut self) -> Self {
        let ours = Self::default();
        let default = |name: &str, when| {
            let same = ours.rows.iter().filter(|row| row.when == when).flat_map(|row| &row.bound);
            same.clone().find(|bound| bound.name == name)
        };
        for row in &mut self.rows {
            for bound in &mut row.bound {
                let emacs = matches!(bound.action, Action::Edit(_));
                if emacs && default(&bound.name, row.when) == Some(bound) {
                    bound.keys.retain(|key| key.first.typed_with_alt().is_none());
                }
            }
        }
        self
    }
}
