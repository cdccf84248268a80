//! Lines run before: walked by what they begin with, and searched backward.

/// How many lines are kept here; the file keeps its own count.
const KEPT: usize = 10_000;
/// Nobody waits for a suggestion in a line longer than this, in bytes.
const LONGEST_TYPED: usize = 4 << 10;

/// The lines, and where in them a walk or a search stands.
#[derive(Debug, Default)]
pub struct History {
    lines: Vec<String>,
    walk: Option<Walk>,
    search: Option<Search>,
}

/// A walk through the lines that begin like the one typed.
#[derive(Debug)]
struct Walk {
    typed: String,
    at: usize,
}

/// A backward search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// What is looked for.
    pub query: String,
    /// What was typed when the search began.
    pub typed: String,
    /// The line it stands on.
    at: Option<usize>,
}

impl History {
    /// A history of these lines, oldest first.
    pub fn new(lines: Vec<String>) -> Self {
        let mut history = Self { lines, ..Self::default() };
        history.trim();
        history
    }

    /// Adds a line that was run, and says whether it is new: blank lines and repeats are not.
    pub fn add(&mut self, line: &str) -> bool {
        self.walk = None;
        if line.trim().is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return false;
        }
        self.lines.push(line.to_owned());
        self.trim();
        true
    }

    fn trim(&mut self) {
        let over = self.lines.len().saturating_sub(KEPT);
        self.lines.drain(..over);
    }

    /// The line was edited: the next walk starts anew.
    pub fn settle(&mut self) {
        self.walk = None;
    }

    /// The line before that begins like the one typed.
    pub fn older(&mut self, typed: &str) -> Option<String> {
        let walk = self.walk.get_or_insert_with(|| Walk { typed: typed.to_owned(), at: self.lines.len() });
        let at = (0..walk.at).rev().find(|at| self.lines[*at].starts_with(&walk.typed))?;
        walk.at = at;
        Some(self.lines[at].clone())
    }

    /// The line after; past the newest, what was typed.
    pub fn newer(&mut self) -> Option<String> {
        let walk = self.walk.as_mut()?;
        let next = (walk.at + 1..self.lines.len()).find(|at| self.lines[*at].starts_with(&walk.typed));
        if let Some(at) = next {
            walk.at = at;
            return Some(self.lines[at].clone());
        }
        self.walk.take().map(|walk| walk.typed)
    }

    /// How the newest line that begins so goes on. A line of several rows is none: it would not fit beside the cursor.
    pub fn suggest(&self, typed: &str) -> Option<&str> {
        if typed.is_empty() || typed.len() > LONGEST_TYPED {
            return None;
        }
        let rests = self.lines.iter().rev().filter_map(|line| line.strip_prefix(typed));
        rests.into_iter().find(|rest| !rest.is_empty() && !rest.contains('\n'))
    }

    /// Begins a backward search, or goes on to an older match.
    pub fn search(&mut self, typed: &str) {
        match &mut self.search {
            Some(search) => {
                let before = search.at.unwrap_or(self.lines.len());
                if let Some(at) = find(&self.lines[..before], &search.query) {
                    search.at = Some(at);
                }
            }
            None => self.search = Some(Search { typed: typed.to_owned(), ..Search::default() }),
        }
    }

    /// Changes what is looked for.
    pub fn refine(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(search) = &mut self.search {
            change(&mut search.query);
            search.at = find(&self.lines, &search.query);
        }
    }

    /// The search that runs.
    pub fn searching(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// The line the search stands on; what was typed before anything matched.
    pub fn found(&self) -> Option<&str> {
        let search = self.search.as_ref()?;
        Some(search.at.and_then(|at| self.lines.get(at)).unwrap_or(&search.typed))
    }

    /// Whether something is looked for and no line has it.
    pub fn missed(&self) -> bool {
        self.search.as_ref().is_some_and(|search| !search.query.is_empty() && search.at.is_none())
    }

    /// Ends the search: the line found, or what was typed if it is given up.
    pub fn end_search(&mut self, keep: bool) -> Option<String> {
        let found = self.found().map(str::to_owned);
        let search = self.search.take()?;
        if keep { found } else { Some(search.typed) }
    }
}

/// The newest line that holds the query, letter case aside.
fn find(lines: &[String], query: &str) -> Option<usize> {
    if query.is_empty() {
        return None;
    }
    let query = query.to_lowercase();
    lines.iter().rposition(|line| line.to_lowercase().contains(&query))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        History::new(["SET a 1", "GET a", "POOL LIST", "GET b"].map(str::to_owned).to_vec())
    }

    #[test]
    fn a_walk_keeps_to_lines_that_begin_like_the_typed_one() {
        let mut history = history();
        assert_eq!(history.older("GET").as_deref(), Some("GET b"));
        assert_eq!(history.older("GET b").as_deref(), Some("GET a"));
        assert_eq!(history.older("GET a"), None);
        assert_eq!(history.newer().as_deref(), Some("GET b"));
        assert_eq!(history.newer().as_deref(), Some("GET"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn repeats_and_blanks_are_not_added() {
        let mut history = history();
        assert!(!history.add("GET b"));
        assert!(!history.add("  "));
        assert!(history.add("PING"));
        assert_eq!(history.older("").as_deref(), Some("PING"));
    }

    #[test]
    fn a_search_finds_older_and_older_and_gives_the_typed_line_back() {
        let mut history = history();
        history.search("half typed");
        history.refine(|query| query.push_str("get"));
        assert_eq!(history.found(), Some("GET b"));
        history.search("");
        assert_eq!(history.found(), Some("GET a"));
        history.search("");
        assert_eq!(history.found(), Some("GET a"));
        history.refine(|query| query.push('x'));
        assert!(history.missed());
        assert_eq!(history.end_search(false).as_deref(), Some("half typed"));
        assert!(history.searching().is_none());
    }
}
