//! The prompt: the typed line or what stands in its place, and what is said beside it.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::super::{Cx, age, put};
use super::{find, typed};
use crate::command::token::{Ending, scan};
use crate::text;
use crate::tui::app::App;
use crate::tui::output;
use crate::tui::prompt::Choice;
use crate::tui::theme::Theme;

/// A command that runs longer than this is said to run.
const SLOW: Duration = Duration::from_millis(500);

/// Draws the prompt, and says where the cursor is.
pub(super) fn draw(app: &App, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = cx.theme;
    if area.height == 0 || area.width < 2 {
        return None;
    }
    if let Some(question) = &app.question {
        return Some(asked(&question_words(app, question), theme, area, buf));
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
    Some(typed_line(app, theme, area, buf))
}

/// A question, row by row. Where it does not fit, its end says what is asked.
fn asked(words: &str, theme: &Theme, area: Rect, buf: &mut Buffer) -> Position {
    let lines = output::wrap(words, question_width(area.width));
    let cut = lines.len().saturating_sub(usize::from(area.height));
    let mut cursor = Position { x: area.x, y: area.y };
    for (y, line) in lines.into_iter().skip(cut).enumerate() {
        let x = area.x + 1 + text::width(line) as u16;
        cursor = Position { x: x.min(area.right().saturating_sub(1)), y: area.y + y as u16 };
        put(Line::styled(format!(" {line}"), theme.warn), area, y as u16, buf);
    }
    cursor
}

/// A question and how it is answered, with what was typed of the answer.
pub(in crate::tui::view) fn question_words(app: &App, question: &str) -> String {
    let question = text::escape_str(question);
    match &app.word {
        Some(word) => {
            let (wanted, typed) = (text::escape_str(&word.wanted), text::escape_str(&word.typed));
            format!("{question} Type {wanted}: {typed}")
        }
        None => format!("{question} (y/N) "),
    }
}

/// Columns for a question in a pane this wide: a margin on both sides, the right one for the cursor.
fn question_width(width: u16) -> usize {
    usize::from(width).saturating_sub(2).max(1)
}

/// The typed line behind what stands before it, row by row.
fn typed_line(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) -> Position {
    let mode = match app.prompt.vi_inserts() {
        Some(true) => "[I] ",
        Some(false) => "[N] ",
        None => "",
    };
    let columns = usize::from(area.width / 2).saturating_sub(mode.len());
    let prefix = format!("{mode}{}", tail(&text::escape_str(&app.prefix), columns));
    let indent = text::width(&prefix);
    let room = usize::from(area.width).saturating_sub(indent + 2);
    let shown = typed::draw(app, theme, room, usize::from(area.height));
    let before_style = if app.facts.red { theme.bad } else { theme.prompt };
    for (y, row) in shown.rows.into_iter().enumerate() {
        let before = if shown.first && y == 0 { prefix.clone() } else { format!("{:>indent$}", "… ") };
        let mut spans = vec![Span::raw(" "), Span::styled(before, before_style)];
        spans.extend(row);
        if y == shown.row && app.prompt.at_end() {
            spans.extend(aside(app).map(|aside| Span::styled(aside, theme.dim)));
        }
        put(Line::from(spans), area, y as u16, buf);
    }
    let x = area.x + 1 + (indent + shown.column) as u16;
    Position { x: x.min(area.right().saturating_sub(1)), y: area.y + shown.row as u16 }
}

/// The end of what stands before the typed line: there is the state of the connection.
fn tail(prefix: &str, columns: usize) -> String {
    if text::width(prefix) <= columns {
        return prefix.to_owned();
    }
    let ends = prefix.grapheme_indices(true).map(|(at, _)| &prefix[at..]);
    let end = ends.into_iter().find(|end| text::width(end) < columns).unwrap_or_default();
    format!("…{end}")
}

/// Rows that the typed line has, where it is what is shown.
pub(super) fn rows(app: &App, width: u16) -> usize {
    if let Some(question) = &app.question {
        return output::wrap(&question_words(app, question), question_width(width)).len();
    }
    if app.reading.is_some() || app.history.searching().is_some() {
        return 1;
    }
    memchr::memchr_iter(b'\n', app.prompt.text().as_bytes()).count() + 1
}

/// What is said after the typed line: that a command runs, or what may follow.
fn aside(app: &App) -> Option<String> {
    if let Some(running) = &app.running {
        let ran = app.latest.as_of.since(running.since);
        if running.cancelled {
            return Some(format!("  cancelling {}", running.line));
        }
        let behind = app.waiting_lines();
        if app.prompt.is_empty() && (ran >= SLOW || (running.slow && behind > 0)) {
            let what = if running.waits { "waiting for a connection" } else { "running" };
            let then = match behind {
                0 => "Ctrl-C cancels".to_owned(),
                1 => "1 line waits behind it".to_owned(),
                _ => format!("{behind} lines wait behind it"),
            };
            return Some(format!("  {what} {}, {then}", age(ran)));
        }
    }
    if let (true, Some(job)) = (app.prompt.is_empty(), app.jobs.last()) {
        return Some(format!("  job {} runs {}, Ctrl-C ends it", job.number, job.command));
    }
    if app.prompt.is_empty() || app.prompt.choice().is_some() {
        return None;
    }
    if let Some(rest) = app.suggestion() {
        return Some(text::escape_str(rest).into_owned());
    }
    if let Ending::Open { .. } = scan(app.prompt.text().as_bytes()).ending {
        // What stands in a quote is the person's own. That it is open is news once Enter has not run the line.
        let entered = app.prompt.text().contains('\n');
        return entered.then(|| "  a quote is open: close it, or Ctrl-C".to_owned());
    }
    app.assist.hint(app.prompt.text()).map(|hint| text::escape_str(&hint).into_owned())
}

/// The candidates in one line, the one in the line marked, as many as fit around it.
pub(super) fn candidates<'a>(choice: &Choice, theme: &Theme, width: usize) -> Line<'a> {
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
