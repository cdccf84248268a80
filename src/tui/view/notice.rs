//! The line above the footer that comes and goes: a question, or what the last key did.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use super::put;
use super::shell::question_words;
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::{Pane, Plan};
use crate::tui::output;
use crate::tui::theme::Theme;

/// A question is never longer than this many lines: what it asks about stays in sight.
const LINES: usize = 3;

/// Draws the line where there is something to say, and gives the cursor's place where that is a question.
pub fn draw(app: &App, theme: &Theme, plan: &Plan, buf: &mut Buffer) -> Option<Position> {
    // The shell's own prompt asks what a command asks, where it is in sight.
    let asked = app.question.as_ref().filter(|_| app.details.is_some() || plan.area(Pane::Shell).is_none());
    let question = app.confirm.as_ref().map(|confirm| &confirm.text).or(asked);
    let words = match (question, &app.notice) {
        (Some(question), _) if app.confirm.is_none() => question_words(app, question).trim_end().to_owned(),
        (Some(question), _) => match app.confirm.as_ref().and_then(|confirm| confirm.word.as_ref()) {
            Some(word) => format!("{}: {}", text::escape_str(question), text::escape_str(&word.typed)),
            None => format!("{} (y/N)", text::escape_str(question)),
        },
        (None, Some(notice)) => text::escape_str(notice).into_owned(),
        (None, None) => return None,
    };
    let width = usize::from(plan.footer.width.saturating_sub(2)).max(1);
    let lines = output::wrap(&words, width);
    let cut = lines.len().saturating_sub(LINES);
    let height = (lines.len() - cut) as u16;
    let top = plan.footer.y.saturating_sub(height);
    let area = Rect { y: top, height: plan.footer.y - top, ..plan.footer }.intersection(buf.area);
    Clear.render(area, buf);
    let style = if question.is_some() { theme.warn } else { theme.text };
    let mut cursor = Position { x: area.x, y: area.y };
    // The end of a long question says what is asked.
    for (y, line) in lines.into_iter().skip(cut).enumerate() {
        cursor = Position {
            x: (area.x + 2 + text::width(line) as u16).min(area.right().saturating_sub(1)),
            y: area.y + y as u16,
        };
        put(Line::styled(format!(" {line}"), style), area, y as u16, buf);
    }
    question.map(|_| cursor)
}
