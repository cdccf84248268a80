//! An app's processes, and below each the pools it has.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, known, more, outside, outside_part, pane, put};
use crate::snapshot::{PoolRow, ProcessRow, Snapshot};
use crate::text;
use crate::tui::layout::Pane;

/// Most columns of a name.
const NAMED: usize = 40;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    let count = text::thousands(cx.snapshot.pools.len() as u64);
    let title = [Span::styled("· ", cx.theme.dim), Span::styled(format!("{count} "), cx.theme.text)];
    let inner = pane(cx, Pane::Pools, title, area, buf);
    let rows = rows(cx.snapshot);
    if rows.is_empty() {
        let silent = cx.snapshot.app.as_deref().and_then(|app| app.silent.as_deref());
        let (words, style) = match silent {
            Some(why) => (text::escape_str(why).into_owned(), cx.theme.warn),
            None => ("no process has reported".to_owned(), cx.theme.dim),
        };
        let width = usize::from(inner.width.saturating_sub(2)).max(1);
        for (row, line) in
            text::wrap(&words, width, 0).into_iter().take(usize::from(inner.height)).enumerate()
        {
            put(Line::styled(format!(" {line}"), style), inner, row as u16, buf);
        }
    }
    let height = usize::from(inner.height);
    let offset = cx.offset.min(rows.len().saturating_sub(height));
    for (at, row) in rows.iter().skip(offset).take(height).enumerate() {
        let line = match row {
            Row::Process(process) => who(cx, process),
            Row::Pool(pool) => numbers(cx, pool),
        };
        put(line, inner, at as u16, buf);
    }
    more(outside_part(offset, height, rows.len()), cx.theme, area, buf);
}

/// How many rows there are.
pub fn length(snapshot: &Snapshot) -> usize {
    rows(snapshot).len()
}

enum Row<'a> {
    Process(&'a ProcessRow),
    Pool(&'a PoolRow),
}

fn rows(snapshot: &Snapshot) -> Vec<Row<'_>> {
    let Some(app) = snapshot.app.as_deref() else { return Vec::new() };
    let mut rows = Vec::new();
    for process in &app.processes {
        rows.push(Row::Process(process));
        let of = |pool: &&PoolRow| pool.inside.as_ref().is_some_and(|inside| inside.process == process.id);
        rows.extend(snapshot.pools.iter().map(AsRef::as_ref).filter(of).map(Row::Pool));
    }
    rows
}

fn who<'a>(cx: &Cx<'_>, process: &ProcessRow) -> Line<'a> {
    let style = if process.gone.is_some() { cx.theme.dim } else { cx.theme.text };
    Line::from(vec![
        Span::styled(format!(" {} ", process.facts.pid), style),
        Span::styled(outside(&process.facts.program, NAMED), style),
        Span::styled(format!("  {}", outside(&process.facts.runtime, NAMED)), cx.theme.dim),
    ])
}

fn numbers<'a>(cx: &Cx<'_>, pool: &PoolRow) -> Line<'a> {
    Line::from(vec![
        Span::styled(format!("   {}", outside(&pool.name, NAMED)), cx.theme.text),
        Span::styled("  in use ", cx.theme.dim),
        Span::styled(known(pool.in_use), cx.theme.in_use),
        Span::styled("  available ", cx.theme.dim),
        Span::styled(known(pool.available), cx.theme.available),
        Span::styled("  waiting ", cx.theme.dim),
        Span::styled(known(pool.waiting), cx.theme.text),
        Span::styled("  max ", cx.theme.dim),
        Span::styled(known(pool.max), cx.theme.text),
    ])
}
