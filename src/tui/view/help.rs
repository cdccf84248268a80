//! The help on top of everything: the key table by place, searchable, and the words of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::put;
use crate::text;
use crate::tui::app::Help;
use crate::tui::keymap::Keys;
use crate::tui::theme::Theme;

/// Words on the screen that need one.
const GLOSSARY: [(&str, &str); 12] = [
    ("in use", "lent out now"),
    ("available", "open and idle in the pool, ready to lend"),
    ("created", "in use + available: connections that exist now"),
    ("opened", "every connection ever opened; closed counts those that are gone"),
    ("opening", "being dialled or greeted: counts against max"),
    ("waiting", "callers queued for a connection"),
    ("held", "how long this lease has had the connection"),
    ("idle", "how long nothing has moved on it; busy: a reply is awaited"),
    ("holder", "who has the lease: the command or task that took it"),
    ("wait", "time queued for a connection; use: time it was held; create: time to open one"),
    ("leak", "a lease that is out longer than the threshold; it clears when it comes back"),
    (super::NONE, "not known: the source cannot see it"),
];

/// One row of the help.
enum Row {
    Heading(&'static str),
    Entry(String, &'static str),
}

/// The rows that match what is searched.
fn rows(keys: &Keys, query: &str) -> Vec<Row> {
    let query = query.to_lowercase();
    let wanted = |key: &str, words: &str| {
        query.is_empty() || key.to_lowercase().contains(&query) || words.to_lowercase().contains(&query)
    };
    let mut rows = Vec::new();
    let mut headings: Vec<&'static str> = Vec::new();
    // Prompt and panes first: what a person looks for. Each place once, in the table's order.
    for row in keys.rows() {
        if !headings.contains(&row.when.title()) {
            headings.push(row.when.title());
        }
    }
    headings
        .sort_by_key(|title| !(title.ends_with("prompt") || title.ends_with("pane") || *title == "anywhere"));
    for heading in headings {
        let entries: Vec<Row> = keys
            .rows()
            .filter(|row| row.when.title() == heading && wanted(&row.label(), row.help))
            .map(|row| Row::Entry(row.label(), row.help))
            .collect();
        section(&mut rows, heading, entries);
    }
    let words = GLOSSARY.iter().filter(|(word, help)| wanted(word, help));
    let words = words.map(|(word, help)| Row::Entry((*word).to_owned(), help)).collect();
    section(&mut rows, "words", words);
    rows
}

fn section(rows: &mut Vec<Row>, heading: &'static str, entries: Vec<Row>) {
    if !entries.is_empty() {
        rows.push(Row::Heading(heading));
        rows.extend(entries);
    }
}

/// How many rows there are for a search.
pub fn length(keys: &Keys, query: &str) -> usize {
    rows(keys, query).len()
}

/// How many rows show on a screen of this size.
pub fn height(screen: Rect) -> usize {
    usize::from(screen.height.saturating_sub(2))
}

/// Draws the help over the whole screen but for its last line, which is the footer's.
pub fn draw(keys: &Keys, help: &Help, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let area = Rect { height: screen.height.saturating_sub(1), ..screen };
    Clear.render(area, buf);
    put(Line::styled("━".repeat(usize::from(area.width)), theme.focus), area, 0, buf);
    let searched = match help.query.as_str() {
        "" => "type to search ".to_owned(),
        query => format!("search: {} ", text::escape_str(query)),
    };
    let title = Line::from(vec![Span::styled(" help ", theme.focus), Span::styled(searched, theme.dim)]);
    put(title, Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(1), ..area }, 0, buf);
    let rows = rows(keys, &help.query);
    let shown = height(screen);
    let offset = help.offset.min(rows.len().saturating_sub(shown));
    for (y, row) in rows.iter().skip(offset).take(shown).enumerate() {
        let line = match row {
            Row::Heading(words) => Line::styled(format!(" {words}"), theme.title),
            Row::Entry(keys, words) => Line::from(vec![
                Span::styled(format!("   {:<24} ", text::fit(keys, 24)), theme.key),
                Span::styled(*words, theme.text),
            ]),
        };
        put(line, area, y as u16 + 1, buf);
    }
    if rows.is_empty() {
        put(Line::styled(" nothing has that word", theme.dim), area, 1, buf);
    }
}
