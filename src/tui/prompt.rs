//! The typed line: rustyline's own [`LineBuffer`] under our keys, so that both front ends cut words alike.
//!
//! rustyline keeps its kill ring, undo and history search private, so those are here. A `LineBuffer` refuses to grow
//! when characters are typed into it, so every text goes in by `insert_str`.

mod history;
mod kill;
mod vi;

use std::ops::Range;

use rustyline::line_buffer::{ChangeListener, DeleteListener, Direction, LineBuffer, WordAction};
use rustyline::{At, Word};
use unicode_segmentation::UnicodeSegmentation;

pub use history::History;
use kill::KillRing;
pub use vi::Asked;
use vi::Vi;

use super::action::Edit;
use crate::values::Editing;

/// Longest line kept, in bytes: a paste beyond it is cut.
const LONGEST: usize = 1 << 20;
/// How many changes can be taken back, and how many bytes of older lines are kept for that.
const UNDOS: usize = 100;
const UNDO_BYTES: usize = 1 << 20;

/// A word to complete, and what may stand in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// The part of the line that is replaced.
    pub range: Range<usize>,
    /// What may stand there, best first.
    pub words: Vec<String>,
}

/// Candidates on show, and which of them stands in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The candidates.
    pub words: Vec<String>,
    /// The one in the line, when one was taken.
    pub taken: Option<usize>,
    range: Range<usize>,
    typed: String,
}

/// The typed line with all that editing it needs.
#[derive(Debug)]
pub struct Prompt {
    line: LineBuffer,
    kills: KillRing,
    undo: Vec<(String, usize)>,
    /// The last change was typing, which one undo takes back whole.
    typing: bool,
    choice: Option<Choice>,
    /// Vi's keys, while they are in use.
    vi: Option<Vi>,
}

impl Default for Prompt {
    fn default() -> Self {
        let line = LineBuffer::with_capacity(256);
        Self { line, kills: KillRing::default(), undo: Vec::new(), typing: false, choice: None, vi: None }
    }
}

impl Prompt {
    /// A prompt with these keys.
    pub fn new(editing: Editing) -> Self {
        Self { vi: (editing == Editing::Vi).then(Vi::default), ..Self::default() }
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        self.line.as_str()
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.line.pos()
    }

    /// Whether the cursor is at the end of the line.
    pub fn at_end(&self) -> bool {
        self.line.is_cursor_at_end()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// The candidates on show.
    pub fn choice(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    /// Hides the candidates.
    pub fn dismiss(&mut self) {
        self.choice = None;
    }

    /// Empties the line and gives what was typed.
    pub fn take(&mut self) -> String {
        let text = self.text().to_owned();
        self.replace("");
        self.undo.clear();
        self.typing = false;
        self.vi_begin();
        text
    }

    /// Puts another line here, the cursor at its end.
    pub fn replace(&mut self, text: &str) {
        let pos = text.len();
        self.line = LineBuffer::with_capacity(text.len().max(256));
        self.line.insert_str(0, text, &mut Quiet);
        self.line.set_pos(pos);
        self.choice = None;
        self.kills.settle();
    }

    /// The line changed as a whole, which one undo takes back.
    pub fn change_to(&mut self, text: &str) {
        if text != self.text() {
            self.remember();
            self.typing = false;
            self.replace(cut(text, LONGEST));
        }
    }

    /// Goes a row up in a line of several, to the same column; false in the first one.
    pub fn line_up(&mut self) -> bool {
        let (text, pos) = (self.text(), self.line.pos());
        let Some(end) = text[..pos].rfind('\n') else { return false };
        let column = text[end + 1..pos].graphemes(true).count();
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
        self.go_to_column(start..end, column);
        true
    }

    /// Goes a row down, to the same column; false in the last one.
    pub fn line_down(&mut self) -> bool {
        let (text, pos) = (self.text(), self.line.pos());
        let Some(start) = text[pos..].find('\n').map(|at| pos + at + 1) else { return false };
        let begin = text[..pos].rfind('\n').map_or(0, |at| at + 1);
        let column = text[begin..pos].graphemes(true).count();
        let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        self.go_to_column(start..end, column);
        true
    }

    fn go_to_column(&mut self, row: Range<usize>, column: usize) {
        let at = self.text()[row.clone()]
            .grapheme_indices(true)
            .nth(column)
            .map_or(row.end, |(at, _)| row.start + at);
        self.line.set_pos(at);
        self.typing = false;
        self.kills.settle();
    }

    /// Types or pastes a text.
    pub fn insert(&mut self, text: &str) {
        let text = cut(text, LONGEST.saturating_sub(self.line.len()));
        let letter = text.chars().nth(1).is_none();
        if !(letter && self.typing) {
            self.remember();
        }
        self.typing = letter;
        self.vi_typed(text);
        self.choice = None;
        self.kills.settle();
        self.put(text);
    }

    fn put(&mut self, text: &str) {
        let pos = self.line.pos();
        self.line.insert_str(pos, text, &mut Quiet);
        self.line.set_pos(pos + text.len());
    }

    /// Changes the line or moves in it.
    pub fn edit(&mut self, edit: Edit) {
        self.choice = None;
        self.vi_edited(edit);
        let moved = self.motion(edit);
        if moved {
            self.typing = false;
            self.kills.settle();
            return;
        }
        if edit == Edit::Undo {
            if let Some((text, pos)) = self.undo.pop() {
                self.replace(&text);
                self.line.set_pos(pos);
            }
            self.typing = false;
            return;
        }
        self.remember();
        self.typing = false;
        self.change(edit);
    }

    /// Moves, and says whether `edit` is a motion at all.
    fn motion(&mut self, edit: Edit) -> bool {
        let line = &mut self.line;
        match edit {
            Edit::Left => line.move_backward(1),
            Edit::Right => line.move_forward(1),
            Edit::WordLeft => line.move_to_prev_word(Word::Emacs, 1),
            Edit::WordRight => line.move_to_next_word(At::AfterEnd, Word::Emacs, 1),
            Edit::Home => line.move_home(),
            Edit::End => line.move_end(),
            _ => return false,
        };
        true
    }

    fn change(&mut self, edit: Edit) {
        let (line, kills) = (&mut self.line, &mut self.kills);
        if let Edit::Yank | Edit::YankOlder = edit {
            self.yank(edit == Edit::YankOlder);
            return;
        }
        let kills_text = matches!(
            edit,
            Edit::KillBlankWordLeft
                | Edit::KillWordLeft
                | Edit::KillWordRight
                | Edit::KillToEnd
                | Edit::KillToStart
        );
        if !kills_text {
            kills.settle();
        }
        match edit {
            Edit::Backspace => line.backspace(1, &mut Quiet),
            Edit::Delete => line.delete(1, &mut Quiet).is_some(),
            Edit::KillBlankWordLeft => line.delete_prev_word(Word::Big, 1, kills),
            Edit::KillWordLeft => line.delete_prev_word(Word::Emacs, 1, kills),
            Edit::KillWordRight => line.delete_word(At::AfterEnd, Word::Emacs, 1, kills),
            Edit::KillToEnd => line.kill_line(kills),
            Edit::KillToStart => line.discard_line(kills),
            Edit::Transpose => line.transpose_chars(&mut Quiet),
            Edit::TransposeWords => line.transpose_words(1, &mut Quiet),
            Edit::Uppercase => line.edit_word(WordAction::Uppercase, &mut Quiet),
            Edit::Lowercase => line.edit_word(WordAction::Lowercase, &mut Quiet),
            Edit::Capitalize => line.edit_word(WordAction::Capitalize, &mut Quiet),
            _ => false,
        };
    }

    fn yank(&mut self, older: bool) {
        let pos = self.line.pos();
        if older {
            let Some(size) = self.kills.yanked() else { return };
            self.line.delete_range(pos - size..pos, &mut Quiet);
            self.kills.rotate();
        }
        if let Some(text) = self.kills.yank() {
            self.put(&text);
        }
    }

    /// Keeps the line as it is now, for undo.
    fn remember(&mut self) {
        self.undo.push((self.text().to_owned(), self.line.pos()));
        let mut bytes: usize = self.undo.iter().map(|(text, _)| text.len()).sum();
        let mut drop = self.undo.len().saturating_sub(UNDOS);
        for (text, _) in &self.undo[drop..] {
            if bytes <= UNDO_BYTES {
                break;
            }
            bytes -= text.len();
            drop += 1;
        }
        self.undo.drain(..drop);
    }

    /// Completes: a single candidate or what all have in common goes in at once; then each Tab takes the next.
    pub fn complete(&mut self, found: impl FnOnce(&str, usize) -> Candidates, back: bool) {
        if self.choice.is_some() {
            self.cycle(back);
            return;
        }
        let found = found(self.text(), self.line.pos());
        let Some(typed) = self.text().get(found.range.clone()).map(str::to_owned) else { return };
        let Some(first) = found.words.first() else { return };
        self.remember();
        self.typing = false;
        self.kills.settle();
        if found.words.len() == 1 {
            let whole = format!("{first} ");
            self.line.replace(found.range, &whole, &mut Quiet);
            return;
        }
        let common = common_prefix(&found.words);
        let mut range = found.range;
        if common.len() > typed.len() {
            self.line.replace(range.clone(), &common, &mut Quiet);
            range.end = range.start + common.len();
        }
        let typed = self.text().get(range.clone()).unwrap_or_default().to_owned();
        self.choice = Some(Choice { words: found.words, taken: None, range, typed });
    }

    fn cycle(&mut self, back: bool) {
        let Some(choice) = &mut self.choice else { return };
        // One place past the last candidate is what was typed.
        let places = choice.words.len() + 1;
        let now = choice.taken.unwrap_or(places - 1);
        let next = if back { (now + places - 1) % places } else { (now + 1) % places };
        choice.taken = (next < choice.words.len()).then_some(next);
        let word = choice.taken.and_then(|at| choice.words.get(at)).unwrap_or(&choice.typed).clone();
        let range = choice.range.clone();
        choice.range.end = choice.range.start + word.len();
        self.line.replace(range, &word, &mut Quiet);
    }
}

/// At most `most` bytes of a text, cut between characters.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What all words begin with; letter case as in the first.
fn common_prefix(words: &[String]) -> String {
    let Some((first, rest)) = words.split_first() else { return String::new() };
    let mut end = first.len();
    for word in rest {
        let same = first.chars().zip(word.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b));
        end = end.min(same.map(|(a, _)| a.len_utf8()).sum());
    }
    first[..end].to_owned()
}

/// A listener for changes that nobody needs to hear of.
struct Quiet;

impl DeleteListener for Quiet {
    fn delete(&mut self, _at: usize, _text: &str, _direction: Direction) {}
}

impl ChangeListener for Quiet {
    fn insert_char(&mut self, _at: usize, _c: char) {}
    fn insert_str(&mut self, _at: usize, _text: &str) {}
    fn replace(&mut self, _at: usize, _old: &str, _new: &str) {}
}

#[cfg(test)]
mod tests;
