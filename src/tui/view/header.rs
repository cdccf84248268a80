//! The first line, what failed under it, and the pool in one line for screens without its pane.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{age, known, outside, put, put_right};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::{Theme, mark};

/// Draws the first line: what this is, what it looks at, and how alive the picture is.
pub fn draw(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let right = liveness(app, theme);
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    let left = Rect { width: room, ..area };
    // What does not fit goes whole: the version first, then the pool.
    let whole = [(true, true), (false, true), (false, false)]
        .map(|(version, pool)| identity(app, theme, version, pool))
        .into_iter()
        .min_by_key(|line| line.width() > usize::from(room));
    put(whole.unwrap_or_default(), left, 0, buf);
    put_right(&right, area, 0, buf);
}

fn identity<'a>(app: &App, theme: &Theme, version: bool, pool: bool) -> Line<'a> {
    let snapshot = &app.shown;
    let target = if snapshot.server.target.is_empty() { &app.facts.target } else { &snapshot.server.target };
    let mut spans = vec![
        Span::styled(" redis-pooltop", theme.title),
        Span::raw("  "),
        Span::styled(outside(target, 30), theme.text),
    ];
    if let Some(version) = snapshot.server.version.as_ref().filter(|_| version) {
        spans.push(Span::styled(format!("  {}", outside(version, 30)), theme.dim));
    }
    if let Some(pool) = snapshot.pools.first().filter(|_| pool) {
        spans.push(Span::styled("  pool ", theme.dim));
        spans.push(Span::styled(outside(&pool.name, 20), theme.text));
        spans.push(Span::styled(format!("  max {}", known(pool.max)), theme.dim));
        if pool.single {
            spans.push(Span::styled("  single", theme.dim));
        }
        if pool.stopped {
            spans.push(Span::styled("  closed", theme.warn));
        }
    }
    Line::from(spans)
}

fn liveness<'a>(app: &App, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::new();
    if app.latest.dropped > 0 {
        let dropped = text::thousands(app.latest.dropped);
        spans.push(Span::styled(format!("! {dropped} events dropped  "), theme.warn));
    }
    if app.frozen {
        let behind = app.latest.as_of.since(app.shown.as_of);
        spans.push(Span::styled(" PAUSED ", theme.badge));
        spans.push(Span::styled(format!(" {} ago ", age(behind)), theme.dim));
    } else if app.latest.server.lost.is_some() {
        spans.push(Span::styled("x LOST ", theme.bad));
    } else if app.latest.pools.is_empty() {
        spans.push(Span::styled("starting ", theme.dim));
    } else {
        let interval = interval(app.facts.interval);
        spans.push(Span::styled(format!("live {interval} "), theme.available));
    }
    Line::from(spans)
}

/// `1 s`, `0.25 s`
fn interval(interval: Duration) -> String {
    format!("{} s", (interval.as_secs_f64() * 1e3).round() / 1e3)
}

/// Says what failed, when it is tried again, and how old the facts are.
pub fn banner(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let server = &app.latest.server;
    let Some(lost) = &server.lost else { return };
    let as_of = app.latest.as_of;
    let retry = lost.retry_at.since(as_of);
    let retry = if retry.is_zero() { "retrying now".to_owned() } else { format!("retry in {}", age(retry)) };
    let old = age(as_of.since(server.seen_at.unwrap_or(lost.since)));
    let right = Line::styled(format!("  {retry}, data {old} old "), theme.warn);
    let room = usize::from(area.width).saturating_sub(right.width());
    let left = Rect { width: room as u16, ..area };
    put(
        Line::styled(format!(" x {}", outside(&lost.error, room.saturating_sub(3))), theme.bad),
        left,
        0,
        buf,
    );
    put_right(&right, area, 0, buf);
}

/// The pool in one line: in use, available, waiting, and the worst lint.
pub fn summary(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let pool = app.shown.pools.first();
    let count = |value: Option<Option<u32>>| known(value.flatten());
    let waiting = pool.and_then(|pool| pool.waiting).unwrap_or(0);
    let mut spans = vec![
        Span::styled(" in use ", theme.dim),
        Span::styled(count(pool.map(|pool| pool.in_use)), theme.in_use),
        Span::styled(" of ", theme.dim),
        Span::styled(count(pool.map(|pool| pool.max)), theme.text),
        Span::styled("  available ", theme.dim),
        Span::styled(count(pool.map(|pool| pool.available)), theme.available),
        Span::styled("  waiting ", theme.dim),
    ];
    let waits = count(pool.map(|pool| pool.waiting));
    spans.push(match waiting {
        0 => Span::styled(waits, theme.text),
        _ => Span::styled(format!("{waits} !"), theme.warn),
    });
    if let Some(worst) = app.shown.lints.first() {
        let more = app.shown.lints.len() - 1;
        let others = if more > 0 { format!(" and {more} more") } else { String::new() };
        let words = format!("  {} {}{others}", mark(worst.severity), worst.id);
        spans.push(Span::styled(words, theme.severity(worst.severity)));
    }
    put(Line::from(spans), area, 0, buf);
}
