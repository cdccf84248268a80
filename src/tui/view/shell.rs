//! The shell: what commands printed, and the prompt right below it, as in any terminal.

mod find;
mod typed;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Cx, age, pane, put, put_right, server};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Pane;
use crate::tui::output::{Kind, Row};
use crate::tui::prompt::Choice;
use crate::tui::theme::Theme;

/// A command that runs longer than this is said to run.
const SLOW: Duration = Duration::from_millis(500);

/// Draws the pane and says where the cursor goes, if typing goes here. With `clients` the rule ends in INFO CLIENTS.
pub fn draw(app: &App, cx: &Cx<'_>, clients: bool, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let inner = pane(cx, Pane::Shell, scrolled(app, cx.theme), area, buf);
    if clients {
        put_right(&server::line(cx), Rect { width: area.width.saturating_sub(1), ..area }, 0, buf);
    }
    let (width, height) = output_size(app, area);
    let rows = app.output.rows(width, height);
    for (y, row) in rows.iter().enumerate() {
        draw_row(row, cx.theme, inner, y as u16, buf);
        find::mark(app, row, cx.theme, inner, y as u16, buf);
    }
    // The prompt follows the output, and keeps to the bottom while that is scrolled.
    let at = if app.output.scrolled() { height } else { rows.len() } as u16;
    let prompt =
        Rect { y: inner.y + at.min(inner.height), height: inner.height.saturating_sub(at).min(1), ..inner };
    let cursor = draw_prompt(app, cx, prompt, buf);
    if let Some(choice) = app.prompt.choice() {
        put(candidates(choice, cx.theme, usize::from(inner.width)), inner, at + 1, buf);
    }
    cursor.filter(|_| cx.focused && prompt.height > 0)
}

/// The lines of output in sight, safe to show; none where the shell is not on the screen.
pub fn in_sight(app: &App) -> Vec<String> {
    let area = app.plan().area(Pane::Shell).filter(|_| app.details.is_none());
    let Some((width, height)) = area.map(|area| output_size(app, area)) else { return Vec::new() };
    app.output.rows(width, height).iter().map(|row| row.text.trim_end().to_owned()).collect()
}

/// Columns and rows for the output in a pane of this area.
pub fn output_size(app: &App, area: Rect) -> (usize, usize) {
    let below = 1 + usize::from(app.prompt.choice().is_some());
    let height = usize::from(area.height.saturating_sub(1)).saturating_sub(below);
    (usize::from(area.width.saturating_sub(2)).max(1), height)
}

fn scrolled<'a>(app: &App, theme: &Theme) -> Vec<Span<'a>> {
    match app.output.below() {
        0 => Vec::new(),
        below => vec![Span::styled(format!("↓ {} lines more ", text::thousands(below as u64)), theme.warn)],
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
    let spans = vec![Span::raw(" "), Span::styled(first, head_style), Span::styled(rest, style)];
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

fn draw_prompt(app: &App, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = cx.theme;
    if area.height == 0 || area.width < 2 {
        return None;
    }
    if let Some(question) = &app.question {
        let words = format!(" {} (y/N) ", text::escape_str(question));
        let fitted = text::fit(&words, usize::from(area.width) - 1);
        let x = area.x + text::width(&fitted) as u16;
        put(Line::styled(fitted, theme.warn), area, 0, buf);
        return Some(Position { x, y: area.y });
    }
    if let Some(reading) = &app.reading {
        return Some(find::draw(app, reading, theme, area, buf));
    }
    if let Some(search) = app.history.searching() {
        let mark = if app.history.missed() { "no line has " } else { "search " };
        let found = app.history.found().unwrap_or_default();
        let head = format!(" {mark}'{}': ", text::escape_str(&search.query));
        let cursor = text::width(&head).min(usize::from(area.width) - 1) - 2;
        let spans = vec![Span::styled(head, theme.prompt), Span::styled(app.presentable(found), theme.text)];
        put(Line::from(spans), area, 0, buf);
        return Some(Position { x: area.x + cursor as u16, y: area.y });
    }
    let prefix = text::fit(&text::escape_str(&app.prefix), usize::from(area.width / 2));
    let room = usize::from(area.width).saturating_sub(text::width(&prefix) + 2);
    let (typed, column) = typed::draw(app, theme, room);
    let mut spans = vec![Span::raw(" "), Span::styled(prefix.clone(), theme.prompt)];
    spans.extend(typed);
    if let Some(aside) = aside(app).filter(|_| app.prompt.at_end()) {
        spans.push(Span::styled(aside, theme.dim));
    }
    put(Line::from(spans), area, 0, buf);
    let x = area.x + 1 + (text::width(&prefix) + column) as u16;
    Some(Position { x: x.min(area.right().saturating_sub(1)), y: area.y })
}

/// What is said after the typed line: that a command runs, or what may follow.
fn aside(app: &App) -> Option<String> {
    if let Some(running) = &app.running {
        let ran = app.latest.as_of.since(running.since);
        if running.cancelled {
            return Some(format!("  cancelling {}", running.line));
        }
        if ran >= SLOW && app.prompt.is_empty() {
            return Some(format!("  running {}, Ctrl-C cancels", age(ran)));
        }
    }
    if let (true, Some(job)) = (app.prompt.is_empty(), app.jobs.last()) {
        return Some(format!("  job {} runs {}, Ctrl-C ends it", job.number, job.command));
    }
    if app.prompt.is_empty() || app.prompt.choice().is_some() {
        return None;
    }
    app.assist.hint(app.prompt.text()).map(|hint| text::escape_str(&hint).into_owned())
}

/// The candidates in one line, the one in the line marked, as many as fit around it.
fn candidates<'a>(choice: &Choice, theme: &Theme, width: usize) -> Line<'a> {
    let style = |at: usize| -> Style { if choice.taken == Some(at) { theme.selected } else { theme.dim } };
    let words: Vec<String> = choice.words.iter().map(|word| text::escape_str(word).into_owned()).collect();
    let wide = |at: usize| text::width(&words[at]) + 2;
    let taken = choice.taken.unwrap_or(0);
    let mut from = taken.min(words.len());
    let mut used = words.get(taken).map_or(0, |_| wide(taken));
    while from > 0 && used + wide(from - 1) + 8 <= width {
        from -= 1;
        used += wide(from);
    }
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    for (at, word) in words.iter().enumerate().skip(from) {
        if used + wide(at) + 6 > width {
            spans.push(Span::styled(format!("+{}", words.len() - at), theme.dim));
            break;
        }
        used += wide(at);
        spans.extend([Span::styled(word.clone(), style(at)), Span::raw("  ")]);
    }
    Line::from(spans)
}
