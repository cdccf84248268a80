//! Words looked for in the output: which lines have them, kept up as lines come and go.

use std::collections::VecDeque;
use std::ops::Range;

use memchr::memmem::Finder;

/// What is looked for, and where it was found. Case counts only when a capital was typed.
#[derive(Debug, Default)]
pub(super) struct Find {
    finder: Option<Finder<'static>>,
    any_case: bool,
    /// The numbers of the lines that have it, ascending.
    lines: VecDeque<u64>,
    /// The one in sight.
    current: Option<u64>,
}

impl Find {
    pub(super) fn new(words: &str) -> Self {
        if words.is_empty() {
            return Self::default();
        }
        let any_case = !words.chars().any(char::is_uppercase);
        Self { finder: Some(Finder::new(words).into_owned()), any_case, ..Self::default() }
    }

    /// Takes a new line into account.
    pub(super) fn look_at(&mut self, id: u64, text: &str) {
        if self.finder.is_some() && !self.hits(text).is_empty() {
            self.lines.push_back(id);
        }
    }

    /// The lines before this one are gone.
    pub(super) fn forget_before(&mut self, first: u64) {
        while self.lines.front().is_some_and(|id| *id < first) {
            self.lines.pop_front();
        }
        self.current = self.current.filter(|id| *id >= first);
    }

    /// Where a text has it.
    pub(super) fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let Some(finder) = &self.finder else { return Vec::new() };
        let length = finder.needle().len();
        // In ASCII alone, so that what is found stands where it stood.
        let lower = self.any_case.then(|| text.to_ascii_lowercase());
        let text = lower.as_deref().unwrap_or(text);
        finder.find_iter(text.as_bytes()).map(|at| at..at + length).collect()
    }

    /// Begins at the newest match before a line, or the oldest after it.
    pub(super) fn begin(&mut self, end: u64) {
        let after = self.lines.partition_point(|id| *id < end);
        self.current = self.lines.get(after.saturating_sub(1)).copied();
    }

    /// On to the match above or below, round at the ends.
    pub(super) fn step(&mut self, up: bool) {
        let count = self.lines.len();
        if count == 0 {
            self.current = None;
            return;
        }
        let next = match self.current.map(|current| self.lines.partition_point(|id| *id < current)) {
            Some(at) if up => (at + count - 1) % count,
            Some(at) => (at + 1) % count,
            None if up => count - 1,
            None => 0,
        };
        self.current = self.lines.get(next).copied();
    }

    pub(super) fn current(&self) -> Option<u64> {
        self.current
    }

    /// Which match is in sight, counted from the newest (0 for none), and how many there are.
    pub(super) fn place(&self) -> Option<(usize, usize)> {
        self.finder.as_ref()?;
        let count = self.lines.len();
        let place = self.current.map_or(0, |current| count - self.lines.partition_point(|id| *id < current));
        Some((place, count))
    }
}
