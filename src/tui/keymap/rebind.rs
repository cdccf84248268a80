//! Changing the table's keys: what a person may ask for, and why not.

use super::When;
use super::chord::{Chord, Sequence, meant};
use super::keys::{Keys, Row};
use crate::nearest::nearest;
use crate::text;
use crate::tui::action::Action;

/// The keys an action is to have instead of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// The action's name.
    pub action: String,
    /// Its keys, as [`Sequence`] reads them; none leaves it without.
    pub keys: Vec<String>,
}

/// Why keys cannot be as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which of the rebindings it is about.
    pub at: usize,
    /// Which of its keys; nothing when it is about the action.
    pub key: Option<usize>,
    /// One sentence.
    pub why: String,
}

impl Keys {
    /// The same with other keys for some actions, in every place where an action has keys under that name. A key that
    /// would take a letter from what is typed is left out of the places where letters are typed.
    ///
    /// # Errors
    /// The first thing that is wrong: an unknown action or key, one that a terminal cannot send, two actions on one key
    /// in one place, or no way left to cancel and to quit.
    pub fn rebound(mut self, changes: &[Rebinding]) -> Result<Self, Refused> {
        for (at, change) in changes.iter().enumerate() {
            if !self.names().iter().any(|(name, _)| *name == change.action) {
                return Err(Refused { at, key: None, why: self.unknown(&change.action) });
            }
            let keys = parse(change).map_err(|(key, why)| Refused { at, key: Some(key), why })?;
            self.give(&change.action, &keys).map_err(|(key, why)| Refused { at, key, why })?;
        }
        // Only now: two actions may have changed keys with each other.
        for (at, change) in changes.iter().enumerate() {
            if let Some(why) = self.clash(&change.action) {
                return Err(Refused { at, key: None, why });
            }
        }
        Ok(self)
    }

    fn unknown(&self, action: &str) -> String {
        let names = self.names();
        let near = nearest(action, names.iter().map(|(name, _)| *name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        format!("unknown action \"{}\"{hint}", shown(action))
    }

    /// Gives an action its keys, wherever it has some.
    fn give(&mut self, action: &str, keys: &[Sequence]) -> Result<(), (Option<usize>, String)> {
        let held = self.names().into_iter().find(|(name, _)| *name == action).map(|(_, keys)| keys);
        let held = held.unwrap_or_default();
        // What it has anyway stays divided among its places as the table has it.
        if held.len() == keys.len() && keys.iter().all(|key| held.contains(key)) {
            return Ok(());
        }
        if held.contains(&CTRL_C) && !keys.contains(&CTRL_C) {
            return Err((None, format!("{action} keeps Ctrl-C, or nothing could cancel or quit any more")));
        }
        let mut used = vec![false; keys.len()];
        for row in &mut self.rows {
            let when = row.when;
            for bound in row.bound.iter_mut().filter(|bound| bound.name == action) {
                let had_it = bound.keys.contains(&CTRL_C);
                bound.keys.clear();
                for (key, used) in keys.iter().zip(&mut used) {
                    if *key == CTRL_C && !had_it {
                        continue;
                    }
                    if when.spares(*key) {
                        bound.keys.push(*key);
                        *used = true;
                    }
                }
            }
        }
        match used.iter().position(|used| !used) {
            None => Ok(()),
            Some(at) if keys[at] == CTRL_C => Err((Some(at), "Ctrl-C stays with interrupt".to_owned())),
            Some(at) => Err((Some(at), format!("{} is typed where {action} works", keys[at]))),
        }
    }

    /// Two actions on one key in one place, of which one has this name.
    fn clash(&self, name: &str) -> Option<String> {
        for row in &self.rows {
            for bound in row.bound.iter().filter(|bound| bound.name == name) {
                for key in &bound.keys {
                    if let Some((other, taken)) = self.taken(row.when, *key, &bound.action) {
                        let place = row.when.title();
                        let also = if taken == *key { String::new() } else { format!(" as {taken}") };
                        return Some(format!(
                            "{key} is {name} and, {place}, also {other}{also}: give one of them another key"
                        ));
                    }
                }
            }
        }
        None
    }

    /// Who else has this key in this place, whole or as the start of a sequence.
    fn taken(&self, when: When, key: Sequence, action: &Action) -> Option<(&str, Sequence)> {
        let bound = self.rows.iter().filter(|row| row.when.meets(when)).flat_map(|row: &Row| &row.bound);
        for other in bound.filter(|other| other.action != *action) {
            let one_hides_other = |held: &Sequence| {
                held.first == key.first
                    && (held.second == key.second || held.second.is_none() || key.second.is_none())
            };
            if let Some(held) = other.keys.iter().find(|held| one_hides_other(held)) {
                return Some((&other.name, *held));
            }
        }
        None
    }
}

/// What is repeated of words that mean nothing.
fn shown(words: &str) -> String {
    /// Room for any name, and no more.
    const COLUMNS: usize = 40;
    // What does not fit is not worth escaping.
    let some: String = words.chars().take(2 * COLUMNS).collect();
    text::fit(&some.escape_debug().to_string(), COLUMNS)
}

/// What cancels and, twice, quits.
const CTRL_C: Sequence = Sequence { first: Chord::CTRL_C, second: None };

/// A rebinding's keys; or which is wrong, and why.
fn parse(change: &Rebinding) -> Result<Vec<Sequence>, (usize, String)> {
    let mut keys = Vec::new();
    for (at, text) in change.keys.iter().enumerate() {
        let Ok(key) = text.parse::<Sequence>() else {
            let hint = meant(text).map_or_else(
                || ": write ctrl-x, alt-x, f2, enter, x, or two of them as in \"ctrl-x e\"".to_owned(),
                |near| format!("; did you mean \"{near}\"?"),
            );
            return Err((at, format!("unknown chord \"{}\"{hint}", shown(text))));
        };
        let chords = std::iter::once(key.first).chain(key.second);
        if let Some(why) = chords.clone().find_map(Chord::unsendable) {
            return Err((at, why));
        }
        if chords.skip(1).any(|second| second == Chord::CTRL_C)
            || (key.first == Chord::CTRL_C && key != CTRL_C)
        {
            return Err((at, "Ctrl-C has no part in a sequence: it cancels one".to_owned()));
        }
        keys.push(key);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::{Context, Meaning, Mode};
    use crate::tui::layout::Pane;

    fn rebound(changes: &[(&str, &[&str])]) -> Result<Keys, Refused> {
        let owned = |(action, keys): &(&str, &[&str])| Rebinding {
            action: (*action).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        Keys::default().rebound(&changes.iter().map(owned).collect::<Vec<_>>())
    }

    fn refused(changes: &[(&str, &[&str])]) -> String {
        match rebound(changes) {
            Err(refused) => format!("{} {:?}: {}", refused.at, refused.key, refused.why),
            Ok(_) => panic!("{changes:?} is taken"),
        }
    }

    fn does(keys: &Keys, key: &str, mode: Mode, empty: bool) -> Meaning {
        keys.resolve(None, key.parse().unwrap(), &Context { empty, ..Context::of(mode) })
    }

    const PANE: Mode = Mode::Pane(Pane::Pool);

    #[test]
    fn what_means_nothing_is_repeated_in_part() {
        let long = "x\u{1b}".repeat(50_000);
        for (action, key) in [("cancel", &*long), (&*long, "f2")] {
            let change = Rebinding { action: action.to_owned(), keys: vec![key.to_owned()] };
            let refused = Keys::default().rebound(&[change]).expect_err("no such thing");
            assert!(refused.why.len() < 200 && !refused.why.contains('\u{1b}'), "{}", refused.why.len());
        }
    }

    #[test]
    fn an_action_answers_to_its_new_keys_and_no_more_to_the_old() {
        let keys = rebound(&[("zoom", &["f2", "Z"]), ("freeze", &[]), ("word-left", &["ctrl-x b"])]).unwrap();
        assert_eq!(does(&keys, "f2", PANE, true), Meaning::Do(Action::Zoom));
        assert_eq!(does(&keys, "Z", PANE, true), Meaning::Do(Action::Zoom));
        assert_eq!(does(&keys, "z", PANE, true), Meaning::Nothing);
        assert_eq!(does(&keys, "p", PANE, true), Meaning::Nothing);
        assert!(keys.footer(None, &Context::of(PANE)).contains(&("F2".to_owned(), "zoom")));
        assert!(!keys.rows().any(|row| row.help.starts_with("Freeze")));
        assert_eq!(does(&keys, "ctrl-x", Mode::Prompt, false), Meaning::Begins);
    }

    #[test]
    fn a_letter_is_no_key_where_it_is_typed() {
        let keys = rebound(&[("help", &["?", "f1"]), ("focus-events", &["e", "alt-e"])]).unwrap();
        assert_eq!(does(&keys, "?", PANE, true), Meaning::Do(Action::Help));
        assert_eq!(does(&keys, "?", Mode::Prompt, true), Meaning::Do(Action::Help));
        assert_eq!(does(&keys, "?", Mode::Prompt, false), Meaning::Do(Action::Insert('?')));
        assert_eq!(does(&keys, "e", PANE, true), Meaning::Do(Action::Focus(Pane::Events)));
        assert_eq!(does(&keys, "e", Mode::Prompt, true), Meaning::Do(Action::Insert('e')));
        assert_eq!(does(&keys, "alt-e", Mode::Prompt, true), Meaning::Do(Action::Focus(Pane::Events)));
        let keys = rebound(&[("help", &["h"])]).unwrap();
        assert_eq!(does(&keys, "h", Mode::Prompt, true), Meaning::Do(Action::Insert('h')));
    }

    #[test]
    fn two_actions_may_change_keys_with_each_other() {
        let keys = rebound(&[("zoom", &["p"]), ("freeze", &["z"])]).unwrap();
        assert_eq!(does(&keys, "p", PANE, true), Meaning::Do(Action::Zoom));
        assert_eq!(does(&keys, "z", PANE, true), Meaning::Do(Action::Freeze));
    }

    #[test]
    fn giving_every_action_the_keys_it_has_changes_nothing() {
        let keys = Keys::default();
        let same: Vec<Rebinding> = keys
            .names()
            .into_iter()
            .map(|(name, keys)| Rebinding {
                action: name.to_owned(),
                keys: keys.iter().map(ToString::to_string).collect(),
            })
            .collect();
        let again = keys.clone().rebound(&same).unwrap_or_else(|refused| panic!("{refused:?} {same:?}"));
        assert_eq!(format!("{again:?}"), format!("{keys:?}"));
    }

    #[test]
    fn what_cannot_be_says_why() {
        for (changes, why) in [
            (&[("zom", &["x"][..])][..], "0 None: unknown action \"zom\"; did you mean \"zoom\"?"),
            (&[("q\u{1b}", &["x"])], "0 None: unknown action \"q\\u{1b}\""),
            (&[("zoom", &["x", "crtl-x"])], "0 Some(1): unknown chord \"crtl-x\"; did you mean \"ctrl-x\"?"),
            (&[("zoom", &["C-x"])], "0 Some(0): unknown chord \"C-x\"; did you mean \"ctrl-x\"?"),
            (&[("zoom", &["^X ^E"])], "0 Some(0): unknown chord \"^X ^E\"; did you mean \"ctrl-x ctrl-e\"?"),
            (&[("zoom", &["pagedwn"])], "0 Some(0): unknown chord \"pagedwn\"; did you mean \"pgdn\"?"),
            (
                &[("zoom", &["hyper-x"])],
                "0 Some(0): unknown chord \"hyper-x\": write ctrl-x, alt-x, f2, enter, x, or two of them as in \
                 \"ctrl-x e\"",
            ),
            (&[("zoom", &["ctrl-i"])], "0 Some(0): Ctrl-I cannot be bound: many terminals send it as Tab"),
            (&[("zoom", &["Ctrl-M"])], "0 Some(0): Ctrl-M cannot be bound: many terminals send it as Enter"),
            (
                &[("zoom", &["ctrl-x ctrl-h"])],
                "0 Some(0): Ctrl-H cannot be bound: many terminals send it as Backspace",
            ),
            (&[("zoom", &["ctrl-["])], "0 Some(0): Ctrl-[ cannot be bound: many terminals send it as Esc"),
            (&[("zoom", &["ctrl-1"])], "0 Some(0): terminals do not send Ctrl-1"),
            (&[("yank", &["y"])], "0 Some(0): y is typed where yank works"),
            (
                &[("zoom", &["p"])],
                "0 None: p is zoom and, in a pane, also freeze: give one of them another key",
            ),
            (
                &[("zoom", &["x"]), ("freeze", &["x y"])],
                "0 None: x is zoom and, in a pane, also freeze as x y: give one of them another key",
            ),
            (
                &[("interrupt", &[])],
                "0 None: interrupt keeps Ctrl-C, or nothing could cancel or quit any more",
            ),
            (
                &[("answer-no", &["n"])],
                "0 None: answer-no keeps Ctrl-C, or nothing could cancel or quit any more",
            ),
            (&[("zoom", &["ctrl-c"])], "0 Some(0): Ctrl-C stays with interrupt"),
            (&[("zoom", &["ctrl-x ctrl-c"])], "0 Some(0): Ctrl-C has no part in a sequence: it cancels one"),
        ] {
            assert_eq!(refused(changes), why);
        }
    }
}
