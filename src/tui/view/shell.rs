//! The shell: what commands printed, and the prompt right below it, as in any terminal.

mod find;
mod prompt;
mod typed;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

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
    let scrolled = scrolled(app, cx.theme);
    let title = TITLE + scrolled.iter().map(Span::width).sum::<usize>();
    let inner = pane(cx, Pane::Shell, scrolled, area, buf);
    if clients {
        let inside = Rect { width: area.width.saturating_sub(1), ..area };
        let mut line = server::line(cx);
        // Where they come from, as the server's own title has it, and with it the key to all of them.
        let number = Span::styled(format!(" {} ", Pane::Server.number()), cx.theme.dim);
        let name = Span::styled(Pane::Server.name(), cx.theme.title);
        if title + number.width() + name.width() + line.width() < usize::from(inside.width) {
            line.spans.splice(0..0, [number, name]);
        }
        put_right(&line, inside, 0, buf);
    }
    let (width, height) = output_size(app, area);
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

fn scrolled<'a>(app: &App, theme: &Theme) -> Vec<Span<'a>> {
    match app.output.below() {
        0 => Vec::new(),
        below => {
            let (lines, s) = (text::thousands(below as u64), if below == 1 { "" } else { "s" });
            let end = app.facts.keys.key_of(&Action::ScrollOutput(Step::Bottom), &app.context());
            let end = end.map_or_else(String::new, |key| format!(", {key}"));
            vec![Span::styled(format!("↓ {lines} line{s} below{end} "), theme.warn)]
        }
    }
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
