//! The help on top of everything: the key table by place, commands, lints, how to filter, and the words of the screen.
//! What is searched brings the best matches first.

mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::{more, outside_part, put};
use crate::text;
use crate::tui::app::Help;
use crate::tui::keymap::{Keys, Row, When};
use crate::tui::layout::Scene;
use crate::tui::output;
use crate::tui::theme::Theme;

/// Columns of the keys and words that are explained, on a screen of this width.
fn names_width(width: u16) -> usize {
    (usize::from(width) / 3).clamp(6, 24)
}

/// One line of the help.
enum Shown {
    Heading(&'static str),
    Entry(String, String),
}

/// What is in the help, in its order: a heading, and what is explained under it.
fn sections(keys: &Keys, help: &Help) -> Vec<(&'static str, Vec<(String, String)>)> {
    let mut headings: Vec<(&'static str, bool)> = Vec::new();
    let vi = help.here.is_some_and(|here| here.inserting.is_some());
    // What is never so on this screen is no help.
    let exists = |row: &&Row| help.here.is_none_or(|here| row.when.exists(&here));
    for row in keys.rows().filter(|row| vi || row.when != When::Inserting).filter(exists) {
        let title = row.when.title();
        let here = help.here.is_some_and(|here| row.when.holds(&here));
        match headings.iter_mut().find(|(known, _)| *known == title) {
            Some((_, known)) => *known |= here,
            None => headings.push((title, here)),
        }
    }
    // What works where the person comes from stands first; each place once, in the table's order.
    headings.sort_by_key(|(_, here)| !here);
    let entries = |title: &str| {
        let rows = keys.rows().filter(|row| row.when.title() == title).filter(exists);
        rows.map(|row| (row.label(), row.help.to_owned())).collect()
    };
    let mut sections: Vec<_> = headings.into_iter().map(|(title, _)| (title, entries(title))).collect();
    if vi {
        sections.push(words::vi());
    }
    sections.extend(words::sections(help.here.map_or(Scene::Pool, |here| here.scene)));
    sections
}

/// The lines that match what is searched, in lines of this width.
fn rows(keys: &Keys, help: &Help, width: u16) -> Vec<Shown> {
    let query = help.query.to_lowercase();
    let names_width = names_width(width);
    let room = usize::from(width).saturating_sub(names_width + 5).max(8);
    let mut rows = Vec::new();
    let mut under = None;
    for (heading, (name, words)) in matches(sections(keys, help), &query) {
        if under.replace(heading) != Some(heading) {
            rows.push(Shown::Heading(heading));
        }
        let (names, words) = (output::wrap(&name, names_width), output::wrap(&words, room));
        for at in 0..names.len().max(words.len()) {
            let piece = |pieces: &[&str]| pieces.get(at).copied().unwrap_or_default().to_owned();
            rows.push(Shown::Entry(piece(&names), piece(&words)));
        }
    }
    rows
}

/// An entry with its heading.
type Found = (&'static str, (String, String));

/// What matches, best first: what is called so, what has a word of that in its name, what speaks of it.
fn matches(sections: Vec<(&'static str, Vec<(String, String)>)>, query: &str) -> Vec<Found> {
    let all = sections
        .into_iter()
        .flat_map(|(heading, entries)| entries.into_iter().map(move |entry| (heading, entry)));
    let mut found: Vec<(u8, Found)> =
        all.filter_map(|(heading, entry)| Some((rank(heading, &entry, query)?, (heading, entry)))).collect();
    // In the order of the book where they are as good as each other.
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, found)| found).collect()
}

/// How well an entry matches, 0 best; without a query all are alike.
fn rank(heading: &str, (name, words): &(String, String), query: &str) -> Option<u8> {
    if query.is_empty() {
        return Some(0);
    }
    let (name, words) = (name.to_lowercase(), words.to_lowercase());
    let begins = |text: &str| text.split([' ', ',']).any(|word| word.starts_with(query));
    if name == query || name.split([' ', ',']).any(|word| word == query) {
        Some(0)
    } else if begins(&name) || name.starts_with(query) {
        Some(1)
    } else if name.contains(query) {
        Some(2)
    } else if begins(&words) {
        Some(3)
    } else {
        (words.contains(query) || heading.to_lowercase().contains(query)).then_some(4)
    }
}

/// How many lines there are on a screen of this width.
pub fn length(keys: &Keys, help: &Help, width: u16) -> usize {
    rows(keys, help, width).len()
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
    let rows = rows(keys, help, screen.width);
    let names_width = names_width(screen.width);
    let shown = height(screen);
    let offset = help.offset.min(rows.len().saturating_sub(shown));
    for (y, row) in rows.iter().skip(offset).take(shown).enumerate() {
        let line = match row {
            Shown::Heading(words) => Line::styled(format!(" {words}"), theme.title),
            Shown::Entry(keys, words) => Line::from(vec![
                Span::styled(
                    format!("   {keys}{:pad$} ", "", pad = names_width.saturating_sub(text::width(keys))),
                    theme.key,
                ),
                Span::styled(words.as_str(), theme.text),
            ]),
        };
        put(line, area, y as u16 + 1, buf);
    }
    more(outside_part(offset, shown, rows.len()), theme, area, buf);
    if rows.is_empty() {
        put(Line::styled(" nothing has that word", theme.dim), area, 1, buf);
    }
}
