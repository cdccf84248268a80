//! The last line: the keys that work where the focus is, straight from the key table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{outside, put};
use crate::tui::app::App;
use crate::tui::keymap::{Context, Mode};
use crate::tui::theme::Theme;

/// Draws the line: as many keys as fit whole.
pub fn draw(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    if app.armed {
        let words = " Ctrl-C once more ends the program; any other key goes on";
        put(Line::styled(words, theme.warn), area, 0, buf);
        return;
    }
    let mut spans = Vec::new();
    let mut used = 1;
    let context = app.context();
    let mut entries = app.facts.keys.footer(app.pending, &context);
    if app.running.is_some() && app.pending.is_none() && context.mode != Mode::Ask {
        entries.insert(0, ("Ctrl-C".to_owned(), "cancel"));
    }
    if let Some(note) = note(app, context, theme, area.width) {
        used += note.width() + 2;
        spans.extend([Span::raw(" "), note]);
    }
    for (key, word) in entries {
        let word = if word.is_empty() { String::new() } else { format!(" {word}") };
        let (key, word) = (Span::styled(key, theme.key), Span::styled(word, theme.dim));
        let wide = key.width() + word.width();
        if used + wide > usize::from(area.width) {
            break;
        }
        used += wide + 2;
        spans.extend([Span::raw(if spans.is_empty() { " " } else { "  " }), key, word]);
    }
    put(Line::from(spans), area, 0, buf);
}

/// What there is to know of the command that is typed, before the keys; with vi's keys, that letters are commands.
fn note<'a>(app: &App, context: Context, theme: &Theme, width: u16) -> Option<Span<'a>> {
    if context.mode != Mode::Prompt || app.pending.is_some() {
        return None;
    }
    if context.inserting == Some(false) {
        return Some(Span::styled(format!("NORMAL {}", outside(app.prompt.vi_keys(), 8)), theme.title));
    }
    let note = app.assist.note(app.prompt.text())?;
    Some(Span::styled(outside(&note, usize::from(width / 2)), theme.text))
}
