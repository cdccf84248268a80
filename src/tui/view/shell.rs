//! The shell: what commands printed, and the prompt right below it, as in any terminal.

mod find;
mod prompt;
mod typed;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

pub(super) use prompt::question_words;

use super::{Cx, pane, put, put_right, server};
use crate::text;
use crate::tui::action::{Action, Step};
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::output::{Kind, Row};
use crate::tui::theme::Theme;

/// Columns of the title before what the output says in it.
const TITLE: usize = " 7 shell ".len() + 1;

/// Draws the pane and says where the cursor goes, if typing goes here. With `clients` the rule ends in INFO CLIENTS.
pub fn draw(app: &App, cx: &Cx<'_>, clients: bool, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let (width, height) = output_size(app, area);
    let inside = Rect { width: area.width.saturating_sub(1), ..area };
    let mut line = if clients { server::line(cx) } else { Line::default() };
    let mut out_of_sight = out_of_sight(app, width, height, cx.theme);
    let room = usize::from(inside.width).saturating_sub(TITLE + line.width());
    // Where they come from, as the server's own title has it, and with it the key to all of them.
    let key = app.facts.keys.key_of(&Action::Focus(Pane::Server), &app.context());
    let key = Span::styled(key.map_or_else(String::new, |key| format!(" {key}")), cx.theme.key);
    let name = Span::styled(format!(" {} ·", Pane::Server.name()), cx.theme.title);
    let named = key.width() + name.width();
    // What there is to scroll is said in fewer words before the name is left out.
    let shown = out_of_sight.iter().position(|words| words.width() + named < room);
    if clients && shown.is_some() {
        line.spans.splice(0..0, [key, name]);
    }
    let title = out_of_sight.swap_remove(shown.unwrap_or(0));
    let inner = pane(cx, Pane::Shell, [title], area, buf);
    put_right(&line, inside, 0, buf);
    let rows = app.output.rows(width, height);
    for (y, row) in rows.iter().enumerate() {
        draw_row(row, cx.theme, inner, y as u16, buf);
        find::mark(app, row, cx.theme, inner, y as u16, buf);
    }
    // The prompt follows the output, and keeps to the bottom while that is scrolled.
    let at = if app.output.scrolled() { height } else { rows.len() } as u16;
    let lines = prompt_rows(app, area) as u16;
    let prompt = Rect {
        y: inner.y + at.min(inner.height),
        height: inner.height.saturating_sub(at).min(lines),
        ..inner
    };
    let cursor = prompt::draw(app, cx, prompt, buf);
    if let Some(choice) = app.prompt.choice() {
        put(prompt::candidates(choice, cx.theme, usize::from(inner.width)), inner, at + lines, buf);
    }
    cursor.filter(|_| cx.focused && prompt.height > 0)
}

/// Columns and rows for the output in a pane of this area.
pub fn output_size(app: &App, area: Rect) -> (usize, usize) {
    let below = prompt_rows(app, area) + usize::from(app.prompt.choice().is_some());
    let height = usize::from(area.height.saturating_sub(1)).saturating_sub(below);
    (usize::from(area.width.saturating_sub(2)).max(1), height)
}

/// Rows for the typed line: as many as it has, but half of the pane stays the output's.
fn prompt_rows(app: &App, area: Rect) -> usize {
    let inside = usize::from(area.height.saturating_sub(1));
    // A question is read before it is answered.
    let most = if app.question.is_some() { inside } else { inside / 2 };
    prompt::rows(app, area.width).min(most.max(1))
}

/// What the title says of lines out of sight, in more words and in fewer: those below, or what one command printed and
/// the pane has no room for.
fn out_of_sight<'a>(app: &App, width: usize, height: usize, theme: &Theme) -> Vec<Span<'a>> {
    let below = app.output.below();
    let (arrow, lines, side, step, style) = if below > 0 {
        ("↓", below, "below", Step::Bottom, theme.warn)
    } else if app.jobs.is_empty() {
        ("↑", app.output.above(width, height), "above", Step::PageUp, theme.dim)
    } else {
        // A job's lines come without end, and are no command's.
        return vec![Span::raw("")];
    };
    if lines == 0 {
        return vec![Span::raw("")];
    }
    let s = if lines == 1 { "" } else { "s" };
    let lines = text::thousands(lines as u64);
    let key = app.facts.keys.key_of(&Action::ScrollOutput(step), &app.context());
    let key = key.map_or_else(String::new, |key| format!(", {key}"));
    let forms = [format!("{arrow} {lines} line{s} {side}{key} "), format!("{arrow} {lines}{key} ")];
    forms.map(|words| Span::styled(words, style)).to_vec()
}

fn draw_row(row: &Row<'_>, theme: &Theme, inner: Rect, y: u16, buf: &mut Buffer) {
    let (head, style) = match row.line.kind {
        Kind::Command(head) => (head, theme.text),
        Kind::Hint(head) => (head, theme.dim),
        Kind::Reply => (0, theme.text),
        Kind::Error => (0, theme.error),
        Kind::Note => (0, theme.dim),
    };
    let head_style = if let Kind::Hint(_) = row.line.kind { theme.key } else { theme.prompt };
    let head = if row.first { head.min(row.text.len()) } else { 0 };
    let (first, rest) = row.text.split_at_checked(head).unwrap_or(("", row.text));
    let spans = vec![
        Span::raw(" ".repeat(1 + row.indent)),
        Span::styled(first, head_style),
        Span::styled(rest, style),
    ];
    let line = Line::from(spans);
    let used = line.width();
    put(line, inner, y, buf);
    if let (true, Some(note)) = (row.last, &row.line.note) {
        let note = Line::styled(format!("{note} "), theme.dim);
        if used + 2 + note.width() <= usize::from(inner.width) {
            put_right(&note, inner, y, buf);
        }
    }
}
