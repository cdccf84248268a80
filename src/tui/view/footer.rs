//! The last line: the keys that work where the focus is, straight from the key table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{causes, outside, put};
use crate::text;
use crate::tui::app::App;
use crate::tui::keymap::{Chord, Mode};
use crate::tui::theme::Theme;

/// What is listed first where there is no room for all: the ways on, help, and what the place is for.
const FIRST: [&str; 34] = [
    "",
    "yes",
    "no",
    "cancel",
    "causes",
    "keep",
    "close",
    "prompt",
    "give up",
    "help",
    "pause",
    "step",
    "next lint",
    "seek",
    "speed",
    "clear",
    "confirm",
    "groups",
    "open",
    "group",
    "kill",
    "details",
    "filter",
    "panes",
    "go to",
    "run",
    "quit",
    "complete",
    "NORMAL",
    "history",
    "older",
    "newer",
    "sort",
    "invert",
];

/// Draws the line: as many keys as fit whole.
pub fn draw(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if app.armed {
        let words = " Ctrl-C once more ends the program; any other key goes on";
        put(Line::styled(words, theme.warn), area, 0, buf);
        return;
    }
    let mut spans = Vec::new();
    if let Some((words, style)) = note(app, theme, area.width) {
        spans.extend([Span::raw(" "), Span::styled(words, style)]);
    }
    for (key, word) in fitting(app, area.width) {
        let gap = Span::raw(if spans.is_empty() { " " } else { "  " });
        spans.extend([gap, Span::styled(key, theme.key), Span::styled(word, theme.dim)]);
    }
    put(Line::from(spans), area, 0, buf);
}

/// The key whose entry stands at this column of the screen, where it is one key.
pub fn key_at(app: &App, area: Rect, x: u16) -> Option<Chord> {
    let note = note(app, &Theme::MONO, area.width);
    let mut start = area.x + 1 + note.map_or(0, |(words, _)| text::width(&words) as u16 + 2);
    for (key, word) in fitting(app, area.width).into_iter().filter(|_| !app.armed) {
        let end = start + (text::width(&key) + text::width(&word)) as u16;
        if (start..end).contains(&x) {
            // `Esc` is how people see it, `esc` how it is named; a letter is what it is.
            return key.parse().or_else(|()| key.to_lowercase().parse()).ok();
        }
        start = end + 2;
    }
    None
}

/// The entries that fit, each its key and, after a blank, its word.
fn fitting(app: &App, width: u16) -> Vec<(String, String)> {
    let mut fitting = Vec::new();
    let mut used = 1;
    let context = app.context();
    let mut entries = app.facts.keys.footer(app.pending, &context);
    // A pane that has the screen to itself anyway cannot be made larger.
    let alone = !app.zoomed && app.plan().panes.len() < 2;
    // Why callers wait is a question only while they do.
    let calm = app.shows_causes() || !causes::pressing(&app.shown);
    entries.retain(|(_, word)| match *word {
        "zoom" => !alone,
        "causes" => !calm,
        _ => true,
    });
    if app.running.is_some() && app.pending.is_none() && !matches!(context.mode, Mode::Ask | Mode::Confirm) {
        entries.insert(0, ("Ctrl-C".to_owned(), "cancel"));
    }
    if let Some((words, _)) = note(app, &Theme::MONO, width) {
        used += text::width(&words) + 2;
    }
    let words = entries.into_iter().map(|(key, word)| {
        let rank = FIRST.iter().position(|first| *first == word).unwrap_or(FIRST.len());
        (rank, key, if word.is_empty() { String::new() } else { format!(" {word}") })
    });
    let mut wanted: Vec<_> = words.enumerate().collect();
    wanted.sort_by_key(|(place, (rank, ..))| (*rank, *place));
    for (place, (_, key, word)) in wanted {
        let wide = text::width(&key) + text::width(&word);
        if used + wide <= usize::from(width) {
            used += wide + 2;
            fitting.push((place, key, word));
        }
    }
    // Who is there stands where it always does.
    fitting.sort_by_key(|(place, ..)| *place);
    fitting.into_iter().map(|(_, key, word)| (key, word)).collect()
}

/// What there is to know of the command that is typed, before the keys; with vi's keys, that letters are commands. And
/// who types in a pane is told where they are.
fn note(app: &App, theme: &Theme, width: u16) -> Option<(String, Style)> {
    let context = app.context();
    if let Some(key) = app.stray {
        let key = outside(&key.to_string(), 16);
        let place = match context.mode {
            Mode::Read => "output",
            Mode::Details(_) => "details",
            _ => "pane",
        };
        // The way to the prompt stands beside it on every screen.
        let why = if width < 60 { String::new() } else { format!(": keys act on the {place}") };
        return Some((format!("no {key} here{why}"), theme.warn));
    }
    if context.mode == Mode::App {
        return Some(("keys go to the app".to_owned(), theme.warn));
    }
    if context.mode != Mode::Prompt || app.pending.is_some() {
        return None;
    }
    if context.inserting == Some(false) {
        return Some((
            format!("NORMAL {}", outside(app.prompt.vi_keys(), 8)).trim_end().to_owned(),
            theme.title,
        ));
    }
    // Of a long paste the last lines are in sight: it is one thing that Enter runs.
    let lines = memchr::memchr_iter(b'\n', app.prompt.text().as_bytes()).count() + 1;
    if lines > 1 {
        return Some((format!("{} lines", text::thousands(lines as u64)), theme.text));
    }
    let note = app.assist.note(app.prompt.text())?;
    Some((outside(&note, usize::from(width / 2)), theme.text))
}
