//! Vi's keys in the typed line, done by rustyline's own movements, so that both front ends agree on what a word is.

mod keys;

use std::ops::Range;

use rustyline::line_buffer::LineBuffer;
use rustyline::{At, CharSearch, Movement, RepeatCount, Word};
use unicode_segmentation::UnicodeSegmentation;

use super::{Prompt, Quiet};
use crate::tui::action::Edit;
use keys::{Parsed, Step, parse};

/// What vi's keys ask of others than the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The line before in the history.
    Older,
    /// The line after.
    Newer,
    /// A search of the history.
    Search,
    /// The person's own editor.
    Editor,
}

/// Where vi's keys stand.
#[derive(Debug, Default)]
pub(super) struct Vi {
    /// Letters are commands.
    normal: bool,
    /// The keys of a command that is not whole yet.
    keys: String,
    /// The last search for a character in the line.
    find: Option<CharSearch>,
    /// The last change, and what was typed with it.
    last: Option<(Step, String)>,
    /// What is typed belongs to the last change.
    recording: bool,
}

fn go(line: &mut LineBuffer, movement: &Movement) {
    match *movement {
        Movement::BackwardChar(n) => line.move_backward(n),
        Movement::ForwardChar(n) => line.move_forward(n),
        Movement::BackwardWord(n, word) => line.move_to_prev_word(word, n),
        Movement::ForwardWord(n, at, word) => line.move_to_next_word(at, word, n),
        Movement::ViCharSearch(n, find) => line.move_to(find, n),
        Movement::BeginningOfLine => line.move_home(),
        Movement::EndOfLine => line.move_end(),
        Movement::ViFirstPrint => {
            line.move_home();
            let blank = line.as_str()[line.pos()..].starts_with([' ', '\t']);
            blank && line.move_to_next_word(At::Start, Word::Big, 1)
        }
        // The others are ranges, and end where they began.
        _ => false,
    };
}

/// The range from the cursor to where a movement ends, or the whole line. With the character that `f` and `t` come to.
fn range(line: &LineBuffer, movement: &Movement) -> Range<usize> {
    let mut end = LineBuffer::with_capacity(line.len());
    end.insert_str(0, line.as_str(), &mut Quiet);
    end.set_pos(line.pos());
    if *movement == Movement::WholeLine {
        end.move_home();
        let start = end.pos();
        end.move_end();
        return start..end.pos();
    }
    go(&mut end, movement);
    let takes_in =
        matches!(movement, Movement::ViCharSearch(_, CharSearch::Forward(_) | CharSearch::ForwardBefore(_)));
    let (from, mut to) = (line.pos(), end.pos());
    if takes_in && to > from {
        to = end.next_pos(1).unwrap_or(to);
    }
    from.min(to)..from.max(to)
}

impl Prompt {
    /// Whether letters are typed, while vi's keys are in use at all.
    pub fn vi_inserts(&self) -> Option<bool> {
        self.vi.as_ref().map(|vi| !vi.normal)
    }

    /// The keys of a command of vi's that is not whole yet.
    pub fn vi_keys(&self) -> &str {
        self.vi.as_ref().map_or("", |vi| &vi.keys)
    }

    /// Esc: letters are commands now; half a command is forgotten.
    pub fn vi_normal(&mut self) {
        self.choice = None;
        self.typing = false;
        let Some(vi) = &mut self.vi else { return };
        vi.keys.clear();
        vi.recording = false;
        if !vi.normal {
            vi.normal = true;
            self.line.move_backward(1);
        }
        self.onto_a_character();
    }

    /// One more key of a command; says what it asks of others.
    pub fn vi_press(&mut self, key: char) -> Option<Asked> {
        let vi = self.vi.as_mut()?;
        vi.keys.push(key);
        let parsed = parse(&vi.keys, vi.find);
        if parsed != Parsed::More {
            vi.keys.clear();
        }
        let Parsed::Whole(step) = parsed else { return None };
        self.choice = None;
        if let Step::Ask(asked) = step {
            return Some(asked);
        }
        if step == Step::Again {
            if let Some((step, typed)) = self.vi.as_ref()?.last.clone() {
                self.vi_step(&step);
                self.put(&typed);
                self.vi_normal();
            }
            return None;
        }
        if let Step::Kill(_) | Step::Change(_) | Step::Put { .. } | Step::Replace(..) | Step::Insert(_) = step
        {
            self.vi.as_mut()?.last = Some((step.clone(), String::new()));
        }
        self.vi_step(&step);
        None
    }

    fn vi_step(&mut self, step: &Step) {
        if let Step::Move(movement) | Step::Kill(movement) | Step::Change(movement) | Step::Yank(movement) =
            step
            && let (Movement::ViCharSearch(_, find), Some(vi)) = (movement, &mut self.vi)
        {
            vi.find = Some(*find);
        }
        match step {
            Step::Move(movement) => go(&mut self.line, movement),
            Step::Kill(movement) => self.vi_kill(movement),
            Step::Change(movement) => {
                self.vi_kill(movement);
                self.vi_insert();
            }
            Step::Yank(movement) => {
                let text = self.text()[range(&self.line, movement)].to_owned();
                if !text.is_empty() {
                    self.kills.keep(text);
                }
            }
            Step::Insert(movement) => {
                self.remember();
                if let Some(movement) = movement {
                    go(&mut self.line, movement);
                }
                self.vi_insert();
            }
            Step::Put { count, after } => self.vi_put(*count, *after),
            Step::Replace(count, with) => self.vi_replace(*count, *with),
            Step::Undo(count) => (0..*count).for_each(|_| self.edit(Edit::Undo)),
            Step::Again | Step::Ask(_) => {}
        }
        self.onto_a_character();
    }

    fn vi_insert(&mut self) {
        if let Some(vi) = &mut self.vi {
            vi.normal = false;
            vi.recording = true;
        }
        // One undo takes back what is typed together with what made room for it.
        self.typing = true;
    }

    fn vi_kill(&mut self, movement: &Movement) {
        let range = range(&self.line, movement);
        self.remember();
        self.kills.settle();
        self.line.set_pos(range.start);
        self.line.delete_range(range, &mut self.kills);
    }

    fn vi_put(&mut self, count: RepeatCount, after: bool) {
        let Some(text) = self.kills.yank().filter(|text| !text.is_empty()) else { return };
        let room = super::LONGEST.saturating_sub(self.line.len()) / text.len();
        self.remember();
        if after {
            self.line.move_forward(1);
        }
        self.put(&text.repeat(usize::from(count).min(room)));
        self.line.move_backward(1);
    }

    fn vi_replace(&mut self, count: RepeatCount, with: char) {
        let range = range(&self.line, &Movement::ForwardChar(count));
        let new = with.to_string().repeat(self.text()[range.clone()].graphemes(true).count());
        self.remember();
        let end = range.start + new.len();
        self.line.replace(range, &new, &mut Quiet);
        self.line.set_pos(end);
        self.line.move_backward(1);
    }

    /// In vi's normal mode the cursor is on a character, never behind the last of its line.
    fn onto_a_character(&mut self) {
        let normal = self.vi_inserts() == Some(false);
        let pos = self.line.pos();
        let (before, after) = self.line.as_str().split_at(pos);
        let behind = after.is_empty() || after.starts_with('\n');
        if normal && behind && !before.is_empty() && !before.ends_with('\n') {
            self.line.move_backward(1);
        }
    }

    /// Takes note of what is typed in insert mode, for `.`.
    pub(super) fn vi_typed(&mut self, text: &str) {
        if let Some(Vi { recording: true, last: Some((_, typed)), .. }) = &mut self.vi
            && typed.len() + text.len() <= super::LONGEST
        {
            typed.push_str(text);
        }
    }

    /// Takes note of another edit in insert mode: a letter taken back is so for `.`; after others `.` knows no more.
    pub(super) fn vi_edited(&mut self, edit: Edit) {
        let Some(Vi { recording, last: Some((_, typed)), .. }) = &mut self.vi else { return };
        if *recording && (edit != Edit::Backspace || typed.pop().is_none()) {
            *recording = false;
        }
    }

    /// The line is another: its first letters are typed.
    pub(super) fn vi_begin(&mut self) {
        if let Some(vi) = &mut self.vi {
            vi.normal = false;
            vi.recording = false;
            vi.keys.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::values::Editing;

    /// What a line becomes by these keys: ␛ is Esc.
    fn pressed(line: &str, keys: &str) -> Prompt {
        let mut prompt = Prompt::new(Editing::Vi);
        prompt.insert(line);
        press(&mut prompt, "␛");
        press(&mut prompt, keys);
        prompt
    }

    fn press(prompt: &mut Prompt, keys: &str) {
        for key in keys.chars() {
            match key {
                '␛' => prompt.vi_normal(),
                '⌫' => prompt.edit(Edit::Backspace),
                key if prompt.vi_inserts() == Some(true) => prompt.insert(key.encode_utf8(&mut [0; 4])),
                key => {
                    prompt.vi_press(key);
                }
            }
        }
    }

    #[test]
    fn what_vi_users_have_in_their_fingers() {
        let line = "SET user:1 'ada b'";
        let table = [
            ("x", "SET user:1 'ada b"),
            ("0x", "ET user:1 'ada b'"),
            ("03x", " user:1 'ada b'"),
            ("0dw", "user:1 'ada b'"),
            ("0d2w", ":1 'ada b'"),
            ("02dW", "'ada b'"),
            ("0de", " user:1 'ada b'"),
            ("0cwGET␛", "GET user:1 'ada b'"),
            ("0wcfrx␛", "SET x:1 'ada b'"),
            ("0f:D", "SET user"),
            ("0t:i2␛", "SET use2r:1 'ada b'"),
            ("$F'i+␛", "SET user:1 +'ada b'"),
            ("bdb", "SET user:1 'b'"),
            ("A!␛", "SET user:1 'ada b'!"),
            ("I> ␛", "> SET user:1 'ada b'"),
            ("0rPla.␛", "PE.T user:1 'ada b'"),
            ("03rX", "XXX user:1 'ada b'"),
            ("dd", ""),
            ("ccPING␛", "PING"),
            ("SPING␛", "PING"),
            ("0C␛", ""),
            ("0wd0", "user:1 'ada b'"),
            ("0dwWP", "user:1 SET 'ada b'"),
            ("0xp", "EST user:1 'ada b'"),
            ("0ywP", "SET SET user:1 'ada b'"),
            ("yyp", "SET user:1 'ada b'SET user:1 'ada b'"),
            ("0dwu", line),
            ("0dw.", ":1 'ada b'"),
            ("0x..", " user:1 'ada b'"),
            ("0wiab⌫␛.", "SET aauser:1 'ada b'"),
            ("0f1;;,D", "SET user:"),
            ("0dq", line),
            ("0d␛x", "ET user:1 'ada b'"),
            ("0999999999x", ""),
            ("^i-␛", "-SET user:1 'ada b'"),
            ("0sZ␛", "ZET user:1 'ada b'"),
            ("$X", "SET user:1 'ada '"),
        ];
        for (keys, wanted) in table {
            assert_eq!(pressed(line, keys).text(), wanted, "{keys}");
        }
    }

    #[test]
    fn what_is_not_for_the_line_is_asked_for() {
        for (key, asked) in
            [('k', Asked::Older), ('j', Asked::Newer), ('/', Asked::Search), ('v', Asked::Editor)]
        {
            assert_eq!(pressed("GET", "").vi_press(key), Some(asked));
        }
    }

    #[test]
    fn a_new_line_begins_with_typing() {
        let mut prompt = pressed("PING", "0d");
        assert_eq!(prompt.take(), "PING");
        press(&mut prompt, "wx");
        assert_eq!(prompt.text(), "wx");
    }

    proptest! {
        #[test]
        fn no_keys_are_too_much(line in "[a-z é漢\"\n]{0,12}", keys in "[a-zA-Z0-9$^;,.␛é漢 ]{0,40}") {
            let prompt = pressed(&line, &keys);
            prop_assert!(prompt.text().is_char_boundary(prompt.cursor()));
            prop_assert!(prompt.text().len() <= super::super::LONGEST);
        }
    }
}
