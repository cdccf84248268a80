//! The stacks of one process: told once, spoken of by number.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use super::wire;
use crate::text;

/// Stacks kept of one process.
const STACKS: usize = 65_536;

/// Bytes kept of all of them. An app has some hundred of some kilobytes.
const BYTES: usize = 8 << 20;

/// Frames kept of one stack.
const FRAMES: usize = 64;

/// The most of a path or a name that is kept, in bytes.
const NAME: usize = 256;

/// One of them, as holders show it.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    /// `path/file.py:LINE` of the innermost frame.
    pub(super) location: Option<Arc<str>>,
    /// That frame's function.
    pub(super) function: Option<Arc<str>>,
    /// A frame a line, innermost first.
    pub(super) text: Option<Arc<str>>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Stacks {
    cwd: String,
    known: HashMap<u64, Stack>,
    bytes: usize,
}

impl Stacks {
    /// Those of a process that runs there.
    pub(super) fn of(cwd: &str) -> Self {
        Self { cwd: cut(cwd).to_owned(), known: HashMap::new(), bytes: 0 }
    }

    /// Takes one. Says whether there was room for it.
    pub(super) fn learn(&mut self, told: &wire::Stack) -> bool {
        if self.bytes >= BYTES || (self.known.len() >= STACKS && !self.known.contains_key(&told.id)) {
            return false;
        }
        let mut frames = told.frames.iter().take(FRAMES).map(|(path, line, function)| {
            (format!("{}:{line}", self.short(cut(path))), cut(function).to_owned())
        });
        let first = frames.next();
        let mut text = String::new();
        for (place, function) in first.iter().cloned().chain(frames) {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{place} in {function}");
        }
        let left_out = told.cut.saturating_add(told.frames.len().saturating_sub(FRAMES) as u64);
        if left_out > 0 {
            let _ = writeln!(text, "and {left_out} more");
        }
        let (location, function) = first.unzip();
        let filled = |text: String| Some(text).filter(|text| !text.is_empty()).map(Arc::from);
        let stack = Stack {
            location: location.and_then(filled),
            function: function.and_then(filled),
            text: filled(text.trim_end().to_owned()),
        };
        self.bytes += stack.text.as_ref().map_or(0, |text| text.len());
        self.known.insert(told.id, stack);
        true
    }

    /// The one of this number.
    pub(super) fn get(&self, id: Option<u64>) -> Option<&Stack> {
        self.known.get(&id?)
    }

    /// A path as people of that project write it: from its directory on.
    fn short<'a>(&self, path: &'a str) -> &'a str {
        let inside = Path::new(path).strip_prefix(&self.cwd).ok().and_then(Path::to_str);
        inside.filter(|inside| !inside.is_empty() && !self.cwd.is_empty()).unwrap_or(path)
    }
}

/// The beginning of what is too long.
pub(super) fn cut(text: &str) -> &str {
    text::cut(text, NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(frames: &[(&str, u64, &str)], cut: u64) -> wire::Stack {
        let frames =
            frames.iter().map(|(path, line, name)| ((*path).into(), *line, (*name).into())).collect();
        wire::Stack { id: 7, frames, cut }
    }

    #[test]
    fn the_innermost_frame_is_the_place_and_paths_begin_in_the_project() {
        let mut stacks = Stacks::of("/srv/app");
        let frames = [("/srv/app/jobs.py", 88, "worker"), ("/usr/lib/python3/threading.py", 12, "run")];
        assert!(stacks.learn(&stack(&frames, 3)));
        let known = stacks.get(Some(7)).expect("it was learnt");
        assert_eq!(known.location.as_deref(), Some("jobs.py:88"));
        assert_eq!(known.function.as_deref(), Some("worker"));
        let text = "jobs.py:88 in worker\n/usr/lib/python3/threading.py:12 in run\nand 3 more";
        assert_eq!(known.text.as_deref(), Some(text));
        assert!(stacks.get(Some(8)).is_none() && stacks.get(None).is_none());
    }

    #[test]
    fn a_long_stack_of_long_names_in_any_script_is_cut() {
        let mut stacks = Stacks::of("");
        let name = "関数".repeat(500);
        let frames: Vec<_> = (0..500).map(|line| (name.as_str(), line, name.as_str())).collect();
        assert!(stacks.learn(&stack(&frames, 0)));
        let text = stacks.get(Some(7)).and_then(|known| known.text.clone()).expect("text");
        assert_eq!(text.lines().count(), FRAMES + 1);
        assert!(text.len() < FRAMES * (2 * NAME + 32) && text.ends_with("and 436 more"), "{}", text.len());
    }

    #[test]
    fn stacks_without_end_take_so_much_memory_and_no_more() {
        let mut stacks = Stacks::of("");
        let name = "x".repeat(NAME);
        let frames: Vec<_> = (0..FRAMES as u64).map(|line| (name.as_str(), line, name.as_str())).collect();
        let learnt = (0..10_000).filter(|&id| stacks.learn(&wire::Stack { id, ..stack(&frames, 0) })).count();
        assert!((200..400).contains(&learnt), "{learnt}");
    }

    #[test]
    fn a_stack_of_no_frames_says_nothing() {
        let mut stacks = Stacks::of("/");
        assert!(stacks.learn(&stack(&[], 0)));
        let known = stacks.get(Some(7)).expect("it was learnt");
        assert!(known.location.is_none() && known.function.is_none() && known.text.is_none());
    }
}
