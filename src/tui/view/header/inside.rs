//! What the first line says of an observed app: its program, how long it has run, and how many processes report.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::liveness;
use crate::event::Ending;
use crate::snapshot::{AppRow, Snapshot};
use crate::tui::app::App;
use crate::tui::layout::Scene;
use crate::tui::theme::Theme;
use crate::tui::view::{age, outside, put, put_right};

/// Most columns of the program's name.
const PROGRAM: usize = 40;

/// ` redis-pooltop run  app.py · 12 s · 3 processes`
pub(super) fn draw(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let right = liveness(app, theme, 0);
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    put(identity(app, theme), Rect { width: room, ..area }, 0, buf);
    put_right(&right, area, 0, buf);
}

fn identity<'a>(app: &App, theme: &Theme) -> Line<'a> {
    let word = if app.scene == Scene::Run { " run" } else { "" };
    let mut spans = vec![Span::styled(" redis-pooltop", theme.title), Span::styled(word, theme.dim)];
    let row = app.shown.app.as_deref();
    let program = row.and_then(|row| row.program.as_deref()).unwrap_or(&app.facts.target);
    spans.push(Span::styled(format!("  {}", outside(program, PROGRAM)), theme.text));
    let said = row.map(|row| said(&app.shown, row)).unwrap_or_default();
    spans.extend(said.into_iter().map(|words| Span::styled(format!(" · {words}"), theme.dim)));
    Line::from(spans)
}

fn said(snapshot: &Snapshot, row: &AppRow) -> Vec<String> {
    let mut said = Vec::new();
    let end = row.ended.map_or(snapshot.as_of, |(at, _)| at);
    said.extend(row.since.map(|since| age(end.since(since))));
    match row.ended {
        Some((_, Ending::Code(code))) => said.push(format!("ended with {code}")),
        Some((_, Ending::Signal(number))) => said.push(format!("ended by signal {number}")),
        None => {}
    }
    said.push(match row.processes.len() {
        1 => "1 process".to_owned(),
        some => format!("{some} processes"),
    });
    said
}
