//! The typed line: its parts coloured, its secrets masked, and as much of it as fits around the cursor.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;

use crate::command::Kind;
use crate::text;
use crate::tui::app::App;
use crate::tui::run::TYPED;
use crate::tui::theme::Theme;

/// A run of the line in one style.
struct Run {
    text: String,
    style: Style,
}

/// What shows of the line.
pub(super) struct Shown<'a> {
    /// Row by row.
    pub rows: Vec<Vec<Span<'a>>>,
    /// The first of them is the line's own first.
    pub first: bool,
    /// Where the cursor is in them.
    pub row: usize,
    /// Its column.
    pub column: usize,
}

/// What shows of the line in so many columns and rows: those around the cursor.
pub(super) fn draw<'a>(app: &App, theme: &Theme, room: usize, most: usize) -> Shown<'a> {
    let line = app.prompt.text();
    let cursor = app.prompt.cursor();
    let secrets = app.assist.secrets(line);
    let parts = if line.len() > TYPED { Vec::new() } else { app.assist.highlight(line) };
    let above = memchr::memchr_iter(b'\n', &line.as_bytes()[..cursor]).count();
    let skipped = (above + 1).saturating_sub(most.max(1));
    let mut shown = Shown { rows: Vec::new(), first: skipped == 0, row: above - skipped, column: 0 };
    let mut start = 0;
    for (at, row) in line.split('\n').enumerate().take(skipped + most) {
        let range = start..start + row.len();
        start = range.end + 1;
        if at < skipped {
            continue;
        }
        let here = if at == above { cursor } else { range.start };
        let (mut spans, column) = tail(runs(line, range.start..here, &secrets, &parts, theme), room);
        if at == above {
            shown.column = column;
        }
        // What follows the cursor is cut by the pane's edge; more than its width cannot show.
        let rest = &line[here..range.end];
        let end = rest.grapheme_indices(true).nth(room).map_or(range.end, |(at, _)| here + at);
        let after = runs(line, here..end, &secrets, &parts, theme);
        spans.extend(after.into_iter().map(|run| Span::styled(run.text, run.style)));
        shown.rows.push(spans);
    }
    shown
}

/// A range of the line in runs, safe to show.
fn runs(
    line: &str,
    range: Range<usize>,
    secrets: &[Range<usize>],
    parts: &[(Range<usize>, Kind)],
    theme: &Theme,
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let secret = secrets.iter().find(|secret| secret.contains(&at));
        let part = parts.iter().find(|(part, _)| part.contains(&at));
        let style = part.map_or(theme.text, |(_, kind)| style(*kind, theme));
        // Up to where the answer to either can change.
        let edges = secrets.iter().chain(parts.iter().map(|(part, _)| part));
        let next =
            edges.flat_map(|edge: &Range<usize>| [edge.start, edge.end]).filter(|edge| *edge > at).min();
        let end = next.unwrap_or(range.end).min(range.end);
        let piece = line.get(at..end).unwrap_or_default();
        let text = match secret {
            Some(_) => "*".repeat(piece.graphemes(true).count()),
            None => text::escape_str(piece).into_owned(),
        };
        runs.push(Run { text, style });
        at = end;
    }
    runs
}

fn style(kind: Kind, theme: &Theme) -> Style {
    match kind {
        Kind::Command | Kind::Subcommand => theme.command,
        Kind::Mark | Kind::Option => theme.option,
        Kind::Key => theme.name,
        Kind::Number | Kind::String | Kind::Value => theme.text,
        Kind::Error => theme.error,
    }
}

/// The end of the runs that fits in so many columns, and its width.
fn tail<'a>(runs: Vec<Run>, columns: usize) -> (Vec<Span<'a>>, usize) {
    let mut used = 0;
    let mut spans = Vec::with_capacity(runs.len());
    for run in runs.into_iter().rev() {
        let wide = text::width(&run.text);
        if used + wide <= columns {
            used += wide;
            spans.push(Span::styled(run.text, run.style));
            continue;
        }
        let (cut, wide) = last_columns(&run.text, wide, columns - used);
        used += wide;
        spans.push(Span::styled(cut, run.style));
        break;
    }
    spans.reverse();
    (spans, used)
}

/// The end of a text that fits in so many columns, and its width.
fn last_columns(content: &str, width: usize, columns: usize) -> (String, usize) {
    let mut left = width;
    for (at, grapheme) in content.grapheme_indices(true) {
        if left <= columns {
            return (content[at..].to_owned(), left);
        }
        left = left.saturating_sub(text::width(grapheme));
    }
    (String::new(), 0)
}
