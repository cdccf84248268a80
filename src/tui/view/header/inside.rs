//! What the first line says of an observed app: its program, how long it has run, and how many processes report.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{interval, liveness, told};
use crate::event::Ending;
use crate::fields::pools::limit;
use crate::snapshot::{AppRow, PoolRow, Snapshot};
use crate::text;
use crate::tui::app::App;
use crate::tui::layout::Scene;
use crate::tui::theme::Theme;
use crate::tui::view::{age, known, outside, put, put_right};

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
    let word = match app.scene {
        _ if app.facts.replay => " replay",
        Scene::Run => " run",
        _ => " attach",
    };
    let mut spans = vec![Span::styled(" redis-pooltop", theme.title), Span::styled(word, theme.dim)];
    let row = app.shown.app.as_deref();
    let program = row.and_then(|row| row.program.as_deref()).unwrap_or(&app.facts.target);
    spans.push(Span::styled(format!("  {}", outside(program, PROGRAM)), theme.text));
    let said = row.map(|row| said(&app.shown, row)).unwrap_or_default();
    spans.extend(said.into_iter().map(|words| Span::styled(format!(" · {words}"), theme.dim)));
    Line::from(spans)
}

/// How alive the picture is, where the app still runs.
pub(super) fn alive<'a>(app: &App, theme: &Theme) -> Option<Span<'a>> {
    let row = app.latest.app.as_deref();
    if row.is_some_and(|row| row.ended.is_some()) {
        return None;
    }
    let told = row.is_some_and(|row| !row.processes.is_empty());
    let live = || Span::styled(format!("live {} ", interval(app.facts.interval)), theme.available);
    Some(if told { live() } else { Span::styled("waiting for reports ", theme.dim) })
}

/// That nobody has reported, and why that may be; not yet escaped.
pub(super) fn silent(latest: &Snapshot) -> Option<String> {
    latest.app.as_deref()?.silent.as_deref().map(str::to_owned)
}

/// All pools in one line: how full they are, the worst lint and where the code is that it is about, and how many
/// connections nobody gave back.
pub(super) fn summarised<'a>(app: &App, theme: &Theme, width: usize) -> Line<'a> {
    let pools = &app.shown.pools;
    let sum = |of: fn(&PoolRow) -> Option<u32>| {
        let known = pools.iter().filter(|pool| !pool.stopped).filter_map(|pool| of(pool));
        known.map(u64::from).reduce(u64::saturating_add)
    };
    let [used, max, waits] = [sum(|pool| pool.in_use), sum(limit), sum(|pool| pool.waiting)];
    let value = |value: Option<u64>| known(value.map(text::thousands));
    let dim = |words: &'static str| Span::styled(words, theme.dim);
    let mut spans = vec![dim(" in use "), Span::styled(value(used), theme.in_use)];
    let left = app.shown.app.iter().flat_map(|app| &app.left).map(|left| left.count);
    let left = left.fold(0, u64::saturating_add);
    let lint = app.shown.lints.first();
    let said = lint.map_or_else(|| vec![String::new()], |worst| told(&app.shown, worst));
    let short = said.last().map_or(0, |words| text::width(words));
    let count = pools.iter().filter(|pool| !pool.stopped).count();
    let warn = if waits.unwrap_or(0) > 0 { theme.warn } else { theme.text };
    let parts = [
        vec![dim(" of "), Span::styled(value(max), theme.text)],
        if left > 0 {
            vec![Span::styled(format!("  left {}", text::thousands(left)), theme.bad)]
        } else {
            Vec::new()
        },
        vec![dim("  waiting "), Span::styled(value(waits), warn)],
        vec![dim("  pools "), Span::styled(text::thousands(count as u64), theme.text)],
    ];
    // That something is wrong goes before all but the first number.
    for part in parts {
        let used: usize = spans.iter().chain(&part).map(Span::width).sum();
        if used + short <= width {
            spans.extend(part);
        }
    }
    let used: usize = spans.iter().map(Span::width).sum();
    let style = lint.map_or(theme.text, |worst| theme.severity(worst.severity));
    let fits = said.into_iter().find(|words| used + text::width(words) <= width);
    spans.extend(fits.map(|words| Span::styled(words, style)));
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
