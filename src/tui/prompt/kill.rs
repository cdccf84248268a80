//! What was killed, newest last, as emacs keeps it: kills in a row join.

use rustyline::line_buffer::{DeleteListener, Direction};

/// How many kills are kept.
const DEPTH: usize = 32;

/// The ring. It listens to a line's deletions while a kill runs.
#[derive(Debug, Default)]
pub(super) struct KillRing {
    kills: Vec<String>,
    /// The last change was a kill, so that the next one joins it.
    joining: bool,
    /// Size of the last yank, while nothing else has happened since.
    yanked: Option<usize>,
}

impl KillRing {
    /// Ends a row of kills or yanks.
    pub(super) fn settle(&mut self) {
        self.joining = false;
        self.yanked = None;
    }

    /// Keeps a text that was copied, or taken out by others.
    pub(super) fn keep(&mut self, text: String) {
        self.settle();
        self.kills.push(text);
        self.trim();
    }

    fn trim(&mut self) {
        if self.kills.len() > DEPTH {
            self.kills.remove(0);
        }
    }

    /// Size of the text just yanked, while an older one may take its place.
    pub(super) fn yanked(&self) -> Option<usize> {
        self.yanked
    }

    /// Makes the kill before the newest the newest.
    pub(super) fn rotate(&mut self) {
        if let Some(last) = self.kills.pop() {
            self.kills.insert(0, last);
        }
    }

    /// The newest kill, now yanked.
    pub(super) fn yank(&mut self) -> Option<String> {
        let text = self.kills.last()?.clone();
        self.joining = false;
        self.yanked = Some(text.len());
        Some(text)
    }
}

impl DeleteListener for KillRing {
    fn delete(&mut self, _at: usize, text: &str, direction: Direction) {
        if text.is_empty() {
            return;
        }
        self.yanked = None;
        match (self.joining, self.kills.last_mut(), direction) {
            (true, Some(last), Direction::Forward) => last.push_str(text),
            (true, Some(last), Direction::Backward) => last.insert_str(0, text),
            _ => self.kills.push(text.to_owned()),
        }
        self.joining = true;
        self.trim();
    }
}
