//! Words looked for in the output: where they stand, and how many there are.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::text;
use crate::tui::app::{App, Reading};
use crate::tui::output::Row;
use crate::tui::theme::Theme;
use crate::tui::view::put;

/// Marks what is looked for in a row that is drawn already.
pub(super) fn mark(app: &App, row: &Row<'_>, theme: &Theme, inner: Rect, y: u16, buf: &mut Buffer) {
    for hit in app.output.marks(row) {
        let columns = |to: usize| row.text.get(..to).map_or(0, text::width) as u16;
        // A row begins after a blank.
        let begin = 1 + row.indent as u16;
        let (from, to) = (begin + columns(hit.start), begin + columns(hit.end));
        let area = Rect { x: inner.x + from, y: inner.y + y, width: to - from, height: 1 };
        buf.set_style(area.intersection(inner), theme.selected);
    }
}

/// Draws the words in place of the prompt, and says where the cursor goes.
pub(super) fn draw(app: &App, reading: &Reading, theme: &Theme, area: Rect, buf: &mut Buffer) -> Position {
    let words = text::fit(&text::escape_str(&reading.words), usize::from(area.width / 2));
    let found = match app.output.found() {
        None => String::new(),
        Some((_, 0)) => "  no line has it".to_owned(),
        Some((place, count)) => {
            let [place, count] = [place, count].map(|number| text::thousands(number as u64));
            format!("  {place} of {count} lines, from the last")
        }
    };
    let head = if reading.words.is_empty() && !reading.typing { " reading" } else { " find: " };
    let cursor = text::width(head) + text::width(&words);
    let spans = vec![
        Span::styled(head, theme.prompt),
        Span::styled(words, theme.text),
        Span::styled(found, theme.dim),
    ];
    put(Line::from(spans), area, 0, buf);
    let x = area.x + (cursor as u16).min(area.width.saturating_sub(1));
    Position { x, y: area.y }
}
