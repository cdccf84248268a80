//! What commands printed: bounded, escaped by whoever made it, wrapped only when drawn.

mod find;

use std::collections::VecDeque;
use std::fmt::Write;
use std::ops::Range;

use self::find::Find;
use super::action::Step;
use crate::text;

/// How many lines are kept, and how much memory they take: the older ones go first. A reply of 50,000 lines stays whole.
const LINES: usize = 1 << 16;
const BYTES: usize = 8 << 20;
/// Longest line kept, in bytes: what is cut from a string of 16 KiB is cut and told of before, escaped or not.
const LONGEST: usize = 72 << 10;

/// What a line is, for its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A command as it was run, after so many bytes of prompt.
    Command(usize),
    /// A reply.
    Reply,
    /// An error reply, or an error of ours.
    Error,
    /// A word from the program itself.
    Note,
    /// Something to try: so many bytes of it are the command.
    Hint(usize),
}

/// One line of output, before wrapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// Its text, safe to show.
    pub text: String,
    /// What is said at its right end: the connection it took and how long that lasted.
    pub note: Option<String>,
}

/// A row on the screen: a piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line it is part of.
    pub line: &'a Line,
    /// Its own part of the text.
    pub text: &'a str,
    /// How far in it begins, below the line's first row.
    pub indent: usize,
    /// Where in the line's text that begins.
    pub start: usize,
    /// It is the line's first row.
    pub first: bool,
    /// It is the line's last row.
    pub last: bool,
}

/// What is in sight: its last line and row of it, or the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(Option<(u64, usize)>);

/// The number of a line since the start, kept when older ones are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId(u64);

/// The lines, and where a person has scrolled to.
#[derive(Debug, Default)]
pub struct Output {
    lines: VecDeque<Line>,
    dropped: u64,
    bytes: usize,
    /// The command run last.
    command: Option<u64>,
    /// The last line and row of it on the screen, when that is not the end.
    held: Option<(u64, usize)>,
    find: Find,
}

impl Line {
    /// What it costs to keep.
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

impl Output {
    /// Adds a line.
    pub fn push(&mut self, kind: Kind, mut text: String) -> LineId {
        if text.len() > LONGEST {
            let over = text.len();
            let mut end = LONGEST;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            let _ = write!(text, "… {} bytes more", text::thousands((over - end) as u64));
        }
        let id = self.dropped + self.lines.len() as u64;
        self.find.look_at(id, &text);
        if matches!(kind, Kind::Command(_)) {
            self.command = Some(id);
        }
        let line = Line { kind, text, note: None };
        self.bytes += line.bytes();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes -= gone.bytes();
            self.dropped += 1;
        }
        self.find.forget_before(self.dropped);
        LineId(id)
    }

    /// Says something at the right end of a line, if it is still kept.
    pub fn annotate(&mut self, id: LineId, note: String) {
        if let Some(line) = self.place(id.0).and_then(|at| self.lines.get_mut(at)) {
            line.note = Some(note);
        }
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.dropped += self.lines.len() as u64;
        self.lines.clear();
        self.bytes = 0;
        self.held = None;
        self.find.forget_before(self.dropped);
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter()
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the end is out of sight below.
    pub fn scrolled(&self) -> bool {
        self.held.is_some()
    }

    /// Back to the end, as anything typed or run wants it.
    pub fn follow(&mut self) {
        self.held = None;
    }

    /// What is in sight now.
    pub fn place_in_sight(&self) -> Place {
        Place(self.held)
    }

    /// Back to what was in sight then.
    pub fn go(&mut self, place: Place) {
        self.held = place.0;
    }

    /// How many lines lie below what is shown.
    pub fn below(&self) -> usize {
        self.held.map_or(0, |(id, _)| {
            let end = self.dropped + self.lines.len() as u64;
            end.saturating_sub(id + 1) as usize
        })
    }

    /// How many lines of the command run last and what it printed lie above an area of this size that shows the end.
    pub fn above(&self, width: usize, height: usize) -> usize {
        let Some(command) = self.command.and_then(|id| self.place(id)) else { return 0 };
        let mut rows = 0;
        let shown = self.lines.range(command..).rev().take_while(|line| {
            rows += pieces(line, width).len();
            rows <= height
        });
        self.lines.len() - command - shown.count()
    }

    /// Moves in an area of this size.
    pub fn scroll(&mut self, step: Step, width: usize, height: usize) {
        let page = height.saturating_sub(1).max(1);
        match step {
            Step::Up => self.back(1, width, height),
            Step::PageUp => self.back(page, width, height),
            Step::Down => self.forth(1, width),
            Step::PageDown => self.forth(page, width),
            Step::Top => self.back(usize::MAX, width, height),
            Step::Bottom => self.held = None,
        }
    }

    /// Shows what begins with a line from there, where it has more rows than the area: it is read from its beginning.
    pub fn read_from(&mut self, line: LineId, width: usize, height: usize) {
        if self.place(line.0).is_some() {
            self.held = Some((line.0, 0));
            self.forth(height, width);
        }
    }

    /// The rows to show in an area of this size, from the top.
    pub fn rows(&self, width: usize, height: usize) -> Vec<Row<'_>> {
        let mut rows = Vec::with_capacity(height);
        let (last, part) = self.end();
        for at in (0..last).rev() {
            let line = &self.lines[at];
            let (pieces, hang) = (pieces(line, width), hang(line, width));
            let shown = if at + 1 == last { part.min(pieces.len()) } else { pieces.len() };
            let mut start = pieces[..shown].iter().map(|piece| piece.len()).sum::<usize>();
            for (place, piece) in pieces[..shown].iter().enumerate().rev() {
                if rows.len() == height {
                    break;
                }
                start -= piece.len();
                let (first, end) = (place == 0, place + 1 == pieces.len());
                let indent = if first { 0 } else { hang };
                rows.push(Row { line, text: piece, indent, start, first, last: end });
            }
            if rows.len() == height {
                break;
            }
        }
        rows.reverse();
        rows
    }

    /// One past the last line on the screen, and how many rows of that line show.
    fn end(&self) -> (usize, usize) {
        match self.held.and_then(|(id, part)| self.place(id).map(|at| (at, part))) {
            Some((at, part)) => (at + 1, part),
            None => (self.lines.len(), usize::MAX),
        }
    }

    /// Where a line is now.
    fn place(&self, id: u64) -> Option<usize> {
        let at = id.checked_sub(self.dropped)? as usize;
        (at < self.lines.len()).then_some(at)
    }

    fn back(&mut self, rows: usize, width: usize, height: usize) {
        let (last, part) = self.end();
        let shown = |at: usize| {
            let count = pieces(&self.lines[at], width).len();
            if at + 1 == last { part.min(count) } else { count }
        };
        // Only as far up as this goes is anything measured.
        let mut left = rows;
        for at in (0..last).rev() {
            let count = shown(at);
            if left < count {
                return self.hold(at, count - left, width, height);
            }
            left -= count;
        }
        self.hold(0, 0, width, height);
    }

    /// Ends what is shown with so many rows of a line, or further down where the first screenful would not be full:
    /// there is nothing above it.
    fn hold(&mut self, at: usize, rows: usize, width: usize, height: usize) {
        let mut above = rows;
        for line in self.lines.range(..at).rev() {
            if above >= height {
                break;
            }
            above += pieces(line, width).len();
        }
        self.held = Some((self.dropped + at as u64, rows));
        self.forth(height.saturating_sub(above), width);
    }

    fn forth(&mut self, rows: usize, width: usize) {
        let Some((id, part)) = self.held else { return };
        let Some(start) = self.place(id) else {
            self.held = None;
            return;
        };
        let mut left = rows + part;
        for at in start..self.lines.len() {
            let count = pieces(&self.lines[at], width).len();
            if left <= count {
                let end = at + 1 == self.lines.len() && left == count;
                self.held = (!end).then_some((self.dropped + at as u64, left));
                return;
            }
            left -= count;
        }
        self.held = None;
    }
}

/// Looking for words in what was printed.
impl Output {
    /// Looks for these words from now on, in every line there is and every one that comes; with none, for nothing. The
    /// newest line that has them and is not below what is shown comes into sight.
    pub fn look_for(&mut self, words: &str, width: usize, height: usize) {
        self.find = Find::new(words);
        for (at, line) in self.lines.iter().enumerate() {
            self.find.look_at(self.dropped + at as u64, &line.text);
        }
        let (last, _) = self.end();
        self.find.begin(self.dropped + last as u64);
        self.show_found(width, height);
    }

    /// On to the match above, or below; round at the ends.
    pub fn next_found(&mut self, up: bool, width: usize, height: usize) {
        self.find.step(up);
        self.show_found(width, height);
    }

    /// Which match is in sight, counted from the newest, and how many lines have one; nothing when nothing is looked for.
    pub fn found(&self) -> Option<(usize, usize)> {
        self.find.place()
    }

    /// The parts of a row that are what is looked for.
    pub fn marks(&self, row: &Row<'_>) -> Vec<Range<usize>> {
        let end = row.start + row.text.len();
        let inside = |hit: Range<usize>| hit.start.max(row.start)..hit.end.min(end);
        let hits = self.find.hits(&row.line.text).into_iter().map(inside);
        hits.filter(|hit| hit.start < hit.end).map(|hit| hit.start - row.start..hit.end - row.start).collect()
    }

    /// Brings the match into sight, in the middle when it was not.
    fn show_found(&mut self, width: usize, height: usize) {
        let Some(at) = self.find.current().and_then(|id| self.place(id)) else { return };
        let line = &self.lines[at];
        if self
            .rows(width, height)
            .iter()
            .any(|row| std::ptr::eq(row.line, line) && !self.marks(row).is_empty())
        {
            return;
        }
        // The row that the first hit begins in.
        let hit = self.find.hits(&line.text).first().map_or(0, |hit| hit.start);
        let mut passed = 0;
        let mut row = 0;
        for piece in pieces(line, width) {
            passed += piece.len();
            row += 1;
            if hit < passed {
                break;
            }
        }
        self.hold(at, row, width, height);
        self.forth(height / 2, width);
    }
}

/// Cuts a text in pieces of at most `width` columns, after a blank where one is near the edge; at least one piece, which
/// may be empty.
pub fn wrap(text: &str, width: usize) -> Vec<&str> {
    text::wrap(text, width, 0)
}

/// How far in the rows of a line after its first begin.
fn hang(line: &Line, width: usize) -> usize {
    match line.kind {
        // A command goes on in the second column, what it shows below itself.
        Kind::Hint(head) if (head + 2) * 2 <= width => head + 2,
        Kind::Hint(_) | Kind::Note => 2.min(width / 2),
        Kind::Reply => text::hang(&line.text, width),
        Kind::Command(_) | Kind::Error => 0,
    }
}

fn pieces(line: &Line, width: usize) -> Vec<&str> {
    text::wrap(&line.text, width, hang(line, width))
}

#[cfg(test)]
mod tests;
