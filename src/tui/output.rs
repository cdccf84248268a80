//! What commands printed: bounded, escaped by whoever made it, wrapped only when drawn.

use std::collections::VecDeque;
use std::fmt::Write;

use unicode_segmentation::UnicodeSegmentation;

use super::action::Step;
use crate::text;

/// How many lines are kept, and how many bytes of them: the older ones go first.
const LINES: usize = 20_000;
const BYTES: usize = 4 << 20;
/// Longest line kept, in bytes.
const LONGEST: usize = 16 << 10;

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
    /// It is the line's first row.
    pub first: bool,
    /// It is the line's last row.
    pub last: bool,
}

/// The number of a line since the start, kept when older ones are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineId(u64);

/// The lines, and where a person has scrolled to.
#[derive(Debug, Default)]
pub struct Output {
    lines: VecDeque<Line>,
    dropped: u64,
    bytes: usize,
    /// The last line and row of it on the screen, when that is not the end.
    held: Option<(u64, usize)>,
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
        self.bytes += text.len();
        self.lines.push_back(Line { kind, text, note: None });
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(gone) = self.lines.pop_front() else { break };
            self.bytes -= gone.text.len();
            self.dropped += 1;
        }
        LineId(self.dropped + self.lines.len() as u64 - 1)
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

    /// How many lines lie below what is shown.
    pub fn below(&self) -> usize {
        self.held.map_or(0, |(id, _)| {
            let end = self.dropped + self.lines.len() as u64;
            end.saturating_sub(id + 1) as usize
        })
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

    /// The rows to show in an area of this size, from the top.
    pub fn rows(&self, width: usize, height: usize) -> Vec<Row<'_>> {
        let mut rows = Vec::with_capacity(height);
        let (last, part) = self.end();
        for at in (0..last).rev() {
            let line = &self.lines[at];
            let pieces = wrap(&line.text, width);
            let shown = if at + 1 == last { part.min(pieces.len()) } else { pieces.len() };
            for (place, piece) in pieces[..shown].iter().enumerate().rev() {
                if rows.len() == height {
                    break;
                }
                let (first, end) = (place == 0, place + 1 == pieces.len());
                rows.push(Row { line, text: piece, first, last: end });
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
        // The first screenful stays full: there is nothing above it.
        let (last, part) = self.end();
        let mut above = 0usize;
        for at in 0..last {
            let count = wrap(&self.lines[at].text, width).len();
            above += if at + 1 == last { part.min(count) } else { count };
        }
        let most = above.saturating_sub(height);
        let mut left = rows.min(most);
        if left == 0 {
            return;
        }
        for at in (0..last).rev() {
            let count = wrap(&self.lines[at].text, width).len();
            let shown = if at + 1 == last { part.min(count) } else { count };
            if left < shown {
                self.held = Some((self.dropped + at as u64, shown - left));
                return;
            }
            left -= shown;
        }
    }

    fn forth(&mut self, rows: usize, width: usize) {
        let Some((id, part)) = self.held else { return };
        let Some(start) = self.place(id) else {
            self.held = None;
            return;
        };
        let mut left = rows + part;
        for at in start..self.lines.len() {
            let count = wrap(&self.lines[at].text, width).len();
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

/// Cuts a text in pieces of at most `width` columns, after a blank where one is near the edge; at least one piece, which
/// may be empty.
pub fn wrap(text: &str, width: usize) -> Vec<&str> {
    let width = width.max(1);
    if text.len() <= width {
        return vec![text];
    }
    let mut pieces = Vec::new();
    let (mut start, mut columns) = (0, 0);
    // Past the last blank: where, and how many columns stand before it.
    let mut blank = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = text::width(grapheme);
        if columns + wide > width && at > start {
            let (cut, before) = if blank.1 * 3 > width * 2 { blank } else { (at, columns) };
            pieces.push(&text[start..cut]);
            (start, columns, blank) = (cut, columns - before, (cut, 0));
        }
        columns += wide;
        if grapheme == " " {
            blank = (at + 1, columns);
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(lines: usize) -> Output {
        let mut output = Output::default();
        for at in 0..lines {
            output.push(Kind::Reply, format!("line {at}"));
        }
        output
    }

    fn shown(output: &Output, width: usize, height: usize) -> Vec<String> {
        output.rows(width, height).iter().map(|row| row.text.to_owned()).collect()
    }

    #[test]
    fn a_page_up_and_a_page_down_come_back_to_the_end() {
        let mut output = filled(100);
        output.scroll(Step::PageUp, 20, 10);
        assert_eq!(shown(&output, 20, 10).last().map(String::as_str), Some("line 90"));
        assert_eq!(output.below(), 9);
        output.scroll(Step::PageDown, 20, 10);
        assert!(!output.scrolled());
        assert_eq!(shown(&output, 20, 2), ["line 98", "line 99"]);
    }

    #[test]
    fn the_first_screenful_stays_full() {
        let mut output = filled(30);
        output.scroll(Step::Top, 20, 10);
        assert_eq!(shown(&output, 20, 10).first().map(String::as_str), Some("line 0"));
        output.scroll(Step::PageUp, 20, 10);
        assert_eq!(shown(&output, 20, 10).len(), 10);
        let mut short = filled(3);
        short.scroll(Step::PageUp, 20, 10);
        assert!(!short.scrolled());
    }

    #[test]
    fn what_is_read_stays_put_while_more_arrives() {
        let mut output = filled(30);
        output.scroll(Step::PageUp, 20, 10);
        let before = shown(&output, 20, 10);
        output.push(Kind::Reply, "more".to_owned());
        assert_eq!(shown(&output, 20, 10), before);
    }

    #[test]
    fn long_lines_wrap_by_column_and_scroll_by_row() {
        let mut output = Output::default();
        output.push(Kind::Reply, "漢字漢字漢".to_owned());
        assert_eq!(shown(&output, 5, 9), ["漢字", "漢字", "漢"]);
        output.scroll(Step::Up, 5, 2);
        assert_eq!(shown(&output, 5, 2), ["漢字", "漢字"]);
        output.scroll(Step::Down, 5, 2);
        assert_eq!(shown(&output, 5, 2), ["漢字", "漢"]);
        assert!(!output.scrolled());
    }

    #[test]
    fn a_line_breaks_after_a_blank_near_the_edge_and_nothing_is_lost() {
        assert_eq!(wrap("the key is created if need be", 10), ["the key ", "is created", " if need ", "be"]);
        assert_eq!(wrap("a verylongwordthatgoeson", 10), ["a verylong", "wordthatgo", "eson"]);
        for width in 1..30 {
            let text = "some words 漢字 and  blanks ";
            let pieces = wrap(text, width);
            assert_eq!(pieces.concat(), text);
            assert!(pieces.iter().all(|piece| text::width(piece) <= width.max(2)), "{pieces:?}");
        }
    }

    #[test]
    fn memory_is_bounded_by_lines_and_by_bytes_and_a_long_line_says_what_it_lost() {
        let mut output = filled(LINES + 5);
        assert_eq!(output.len(), LINES);
        let id = output.push(Kind::Reply, "x".repeat(LONGEST + 7));
        assert!(output.rows(LONGEST * 2, 1)[0].text.ends_with("… 7 bytes more"));
        for _ in 0..BYTES / LONGEST + 2 {
            output.push(Kind::Reply, "y".repeat(LONGEST));
        }
        assert!(output.bytes <= BYTES);
        output.annotate(id, "too late".to_owned());
        assert!(output.lines.iter().all(|line| line.note.is_none()));
    }

    #[test]
    fn scrolling_over_lines_that_are_gone_goes_to_the_end() {
        let mut output = filled(30);
        output.scroll(Step::Top, 20, 10);
        for _ in 0..LINES {
            output.push(Kind::Reply, "new".to_owned());
        }
        assert_eq!(shown(&output, 20, 1), ["new"]);
        output.scroll(Step::Down, 20, 10);
        assert!(!output.scrolled());
    }
}
