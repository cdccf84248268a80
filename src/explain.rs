//! A page for each lint: what it means, what is measured, what to do. They stand in `assets/lints/`.

use std::fmt::Write;

use crate::nearest::nearest;

macro_rules! pages {
    ($($id:literal),* $(,)?) => {
        &[$(($id, include_str!(concat!("../assets/lints/", $id, ".md")))),*]
    };
}

/// Each lint and its page, in the order the lints are asked.
const PAGES: &[(&str, &str)] = pages![
    "abandoned",
    "leak",
    "dead",
    "unread-reply",
    "exhausted",
    "failing-connects",
    "long-hold",
    "stuck-transaction",
    "watch-held",
    "pubsub-held",
    "shared-after-fork",
    "pool-usage",
    "undersized",
    "oversized",
    "unbounded",
    "cold-start",
    "churn",
    "growth",
    "sequential",
    "stale",
    "maxclients",
    "no-timeout",
    "unclosed",
    "idle-crowd",
    "unnamed",
    "blocked-long",
    "output-buffer",
    "subscriber-only-grows",
    "rejected",
    "evicted",
];

/// The page of a lint, as it is written: Markdown.
pub fn page(id: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == id).map(|(_, page)| *page)
}

/// The name of the lint that a word names; or one sentence, with the nearest.
pub(crate) fn named(word: &str) -> Result<&'static str, String> {
    names().find(|id| id.eq_ignore_ascii_case(word)).ok_or_else(|| {
        let shown = word.escape_debug();
        match nearest(word, names()) {
            Some(near) => format!("unknown lint \"{shown}\"; did you mean \"{near}\"?"),
            None => format!("unknown lint \"{shown}\": `redis-pooltop explain` lists them"),
        }
    })
}

/// What a line of a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The title, and what stands over a part.
    Heading,
    /// Words.
    Text,
    /// An example.
    Code,
}

/// The lines of a page without its marks.
pub fn lines(page: &str) -> impl Iterator<Item = (Part, &str)> {
    let mut code = false;
    page.lines().filter_map(move |line| {
        if line.starts_with("```") {
            code = !code;
            return None;
        }
        let heading = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'));
        match heading {
            _ if code => Some((Part::Code, line)),
            Some(heading) => Some((Part::Heading, heading)),
            None => Some((Part::Text, line)),
        }
    })
}

/// A page to be read on a terminal: headings at the margin, the rest under them.
pub fn plain(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + 256);
    for (part, line) in lines(page) {
        let indent = match part {
            _ if line.is_empty() => "",
            Part::Heading => "",
            Part::Text => "  ",
            Part::Code => "      ",
        };
        out.extend([indent, line, "\n"]);
    }
    out
}

/// Every lint, each in a line.
pub fn list() -> String {
    let widest = PAGES.iter().map(|(id, _)| id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for (id, summary) in all() {
        let _ = writeln!(out, "{id:<widest$}  {summary}");
    }
    out
}

/// Each lint and what it finds, in a sentence.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGES.iter().map(|(id, page)| (*id, summary(page)))
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(id, _)| *id)
}

/// The first sentence of a page.
fn summary(page: &'static str) -> &'static str {
    page.lines().nth(2).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lint_ids;
    use crate::text::width;

    #[test]
    fn every_lint_has_a_page_and_every_page_a_lint() {
        let pages: Vec<_> = names().collect();
        assert_eq!(pages, lint_ids(), "each lint needs assets/lints/ID.md, and its name in PAGES");
    }

    #[test]
    fn pages_have_the_same_parts_and_fit_a_terminal() {
        const PARTS: [&str; 5] =
            ["What it means", "What is measured", "What to do", "In redis-py", "In Rust"];
        for (id, page) in PAGES {
            assert_eq!(page.lines().next(), Some(&*format!("# {id}")));
            let headings: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(headings[..5], PARTS, "{id}");
            assert!(headings.len() == 5 || headings[5..] == ["Sources"], "{id}: {headings:?}");
            assert!(summary(page).ends_with('.') && width(summary(page)) <= 80 - 19, "{id}");
            assert!(page.matches("```").count() % 2 == 0 && page.contains("```python\n"), "{id}");
            assert!(page.contains("```rust\n") && page.is_ascii(), "{id}");
            for line in page.lines().filter(|line| !line.contains("https://")) {
                assert!(width(line) <= 78, "{id}: {line}");
            }
        }
    }

    #[test]
    fn a_plain_page_has_nothing_of_its_form_left_and_all_of_its_words() {
        let plain = plain(page("leak").expect("a page"));
        assert!(plain.starts_with("leak\n\n  A connection is out too long"), "{plain}");
        assert!(!plain.contains("```") && !plain.contains("## "), "{plain}");
        assert!(plain.contains("\n      conn = pool.get_connection()\n"), "{plain}");
        assert!(plain.contains("\nWhat is measured\n\n      out >= leak-threshold"), "{plain}");
    }
}
