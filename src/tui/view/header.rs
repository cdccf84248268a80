//! The first line, what failed under it, and the pool in one line for screens without its pane.

mod inside;
pub(super) mod watch;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::connections::named;
use super::{age, known, outside, put, put_right, tape};
use crate::snapshot::{LintRow, Lost, PoolRow, RowState, ServerRow, Snapshot};
use crate::text;
use crate::tui::action::Action;
use crate::tui::app::App;
use crate::tui::layout::{Pane, Scene};
use crate::tui::theme::{Theme, mark};

/// Most columns of a holder's label in the summary.
const LABEL: usize = 24;

/// Most columns of a pool's name in the first line, and most where they are few.
const WHOLE: usize = 60;
const SHORT: usize = 20;

/// Below this width a word less is said of the next try.
const NARROW: u16 = 72;

/// Draws the first line: what this is, what it looks at, and how alive the picture is.
pub fn draw(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    match app.scene {
        Scene::Pool => {}
        Scene::Watch => return watched(app, theme, area, buf),
        Scene::Run | Scene::Attach => return inside::draw(app, theme, area, buf),
    }
    let right = liveness(app, theme, 0);
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    let left = Rect { width: room, ..area };
    // What does not fit goes whole: a long pool's end first, then the version, then the pool.
    let whole = [(true, Some(WHOLE)), (true, Some(SHORT)), (false, Some(SHORT)), (false, None)]
        .map(|(version, pool)| identity(app, theme, version, pool))
        .into_iter()
        .min_by_key(|line| line.width() > usize::from(room));
    put(whole.unwrap_or_default(), left, 0, buf);
    put_right(&right, area, 0, buf);
}

/// The same of watched servers: the version goes before how old the data is.
fn watched(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let forms = [(true, 0), (true, 1), (false, 0), (false, 1), (true, 2), (false, 2)];
    let lines =
        forms.map(|(version, less)| (watch::identity(app, theme, version), liveness(app, theme, less)));
    let over =
        |(left, right): &(Line<'_>, Line<'_>)| left.width() + right.width() + 1 > usize::from(area.width);
    let Some((left, right)) = lines.into_iter().min_by_key(over) else { return };
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    put(left, Rect { width: room, ..area }, 0, buf);
    put_right(&right, area, 0, buf);
}

fn identity<'a>(app: &App, theme: &Theme, version: bool, pool: Option<usize>) -> Line<'a> {
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
    if let (Some(pool), Some(columns)) = (snapshot.pool_in_front(), pool) {
        spans.push(Span::styled("  pool ", theme.dim));
        spans.push(Span::styled(outside(&pool.name, columns), theme.text));
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

fn liveness<'a>(app: &App, theme: &Theme, less: usize) -> Line<'a> {
    let mut spans = Vec::new();
    if app.latest.dropped > 0 {
        let dropped = text::thousands(app.latest.dropped);
        spans.push(Span::styled(format!("! {dropped} events dropped  "), theme.warn));
    }
    if let Some(recording) = &app.latest.recording {
        spans.push(tape::recording(recording, theme));
    }
    if app.frozen {
        let behind = app.latest.as_of.since(app.shown.as_of);
        spans.push(Span::styled(" PAUSED ", theme.badge));
        spans.push(Span::styled(format!(" {} ago", age(behind)), theme.dim));
        if let Some(key) = app.facts.keys.key_of(&Action::Freeze, &app.context()) {
            spans.extend([Span::styled(format!(", {key}"), theme.key), Span::styled(" resumes", theme.dim)]);
        }
        spans.push(Span::raw(" "));
    } else if let Some(tape) = &app.latest.tape {
        spans.extend(tape::replay(tape, app.latest.as_of, theme));
    } else if app.scene == Scene::Watch {
        spans.extend(watch::looks(app, theme, less));
    } else if app.scene.is_inside() && app.latest.server.lost.is_none() {
        spans.extend(inside::alive(app, theme));
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

/// Whether something failed that is said in a line of its own.
pub fn has_banner(latest: &Snapshot) -> bool {
    silent(latest).is_some() || trouble(latest).is_some()
}

/// The first server that does not answer, and how many more there are.
fn silent(latest: &Snapshot) -> Option<(&ServerRow, &Lost, usize)> {
    // One that was asked about an app's connections and never answered is no loss.
    let app = latest.app.is_some();
    let watched = latest.nodes.iter().map(|node| &node.server).filter(|row| !app || row.seen_at.is_some());
    let mut lost = std::iter::once(&latest.server)
        .chain(watched)
        .filter_map(|server| server.lost.as_ref().map(|lost| (&**server, lost)));
    let (server, first) = lost.next()?;
    Some((server, first, lost.count()))
}

fn trouble(latest: &Snapshot) -> Option<String> {
    let tape = tape::trouble(latest.recording.as_ref(), latest.tape.as_ref());
    let asked = latest.app.is_none().then_some(latest);
    let told = || asked.and_then(watch::refused).or_else(|| inside::silent(latest));
    tape.or_else(|| told().map(|words| text::escape_str(&words).into_owned()))
}

/// Says what failed, when it is tried again, and how old the facts are. What to do about it comes with room only.
pub fn banner(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some((server, lost, more)) = silent(&app.latest) else {
        let words = trouble(&app.latest).unwrap_or_default();
        let shown = format!(" ! {}", text::fit(&words, usize::from(area.width).saturating_sub(4)));
        return put(Line::styled(shown, theme.warn), area, 0, buf);
    };
    let as_of = app.latest.as_of;
    let retry = lost.retry_at.since(as_of);
    let within = if area.width < NARROW { "retry" } else { "retry in" };
    let retry = if retry.is_zero() { "retrying now".to_owned() } else { format!("{within} {}", age(retry)) };
    let old = age(as_of.since(server.seen_at.unwrap_or(lost.since)));
    let right = Line::styled(format!("  {retry}, data {old} old "), theme.warn);
    let room = usize::from(area.width).saturating_sub(right.width());
    let left = Rect { width: room as u16, ..area };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let error = failed(&lost.error, &server.target, room.saturating_sub(3 + more.len()));
    put(Line::styled(format!(" x {error}{more}"), theme.bad), left, 0, buf);
    put_right(&right, area, 0, buf);
}

/// A failure in so many columns: all of it, or without the advice behind its semicolon, or without the address too,
/// which the line above tells.
fn failed(error: &str, target: &str, room: usize) -> String {
    let what = error.split("; ").next().unwrap_or(error);
    let whole = [error, what].into_iter().find(|words| text::width(&text::escape_str(words)) <= room);
    let database = target.rsplit_once('/').filter(|(_, number)| number.parse::<u32>().is_ok());
    let address = database.map_or(target, |(address, _)| address);
    match whole {
        Some(words) => outside(words, room),
        None if address.is_empty() => outside(what, room),
        None => {
            let bare = what.replace(&format!(" at {address}"), "").replace(&format!("{address}: "), "");
            outside(&bare, room)
        }
    }
}

/// The pool in one line: in use, available, waiting, and the worst lint with whom it is about.
pub fn summary(app: &App, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = usize::from(area.width);
    let line = match app.scene {
        Scene::Pool => summarised(app, theme, width),
        Scene::Watch => watch::summarised(app, theme, width),
        Scene::Run | Scene::Attach => inside::summarised(app, theme, width),
    };
    put(line, area, 0, buf);
}

/// What a header says, on a screen without one: over the shell's title the same line, at the end of another's what
/// is wrong with the picture.
pub fn small(app: &App, theme: &Theme, pane: Pane, area: Rect, buf: &mut Buffer) {
    let right = wrong(app, theme);
    if pane != Pane::Shell {
        return put_right(&right, area, 0, buf);
    }
    Clear.render(area, buf);
    if app.armed && app.plan().footer.is_empty() {
        return put(Line::styled(" Ctrl-C again ends", theme.warn), area, 0, buf);
    }
    let right = if right.width() == 0 && app.output.scrolled() {
        Line::styled(format!(" ↓ {} ", text::short(app.output.below() as u64)), theme.warn)
    } else {
        right
    };
    let room = area.width.saturating_sub(right.width() as u16);
    put(summarised(app, theme, usize::from(room)), Rect { width: room, ..area }, 0, buf);
    put_right(&right, area, 0, buf);
}

/// Why what is shown is not what is, where that is so.
fn wrong<'a>(app: &App, theme: &Theme) -> Line<'a> {
    if silent(&app.latest).is_some() {
        Line::styled(" x LOST", theme.bad)
    } else if app.frozen {
        Line::styled(" PAUSED ", theme.badge)
    } else if let Some(tape) = &app.latest.tape {
        Line::from(tape::replay(tape, app.latest.as_of, theme))
    } else {
        Line::default()
    }
}

/// As much as fits: the worst lint and whom it is about is told before how many are available.
fn summarised<'a>(app: &App, theme: &Theme, width: usize) -> Line<'a> {
    let pool = app.shown.pool_in_front();
    let counts = [Counts::All, Counts::Few, Counts::InUse, Counts::Least];
    let counts = counts.map(|form| form.spans(pool.map(AsRef::as_ref), theme));
    let worst = app.shown.lints.first();
    let style = worst.map_or(theme.text, |worst| theme.severity(worst.severity));
    let lints = worst.map_or_else(Vec::new, |worst| told(&app.shown, worst));
    let fits = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>() <= width;
    // Who waits is told before who holds, and that something is wrong before all numbers.
    let both = counts.chunks(2).flat_map(|counts| lints.iter().map(move |words| (counts, words.as_str())));
    for (counts, words) in both.chain([(&counts[..], "")]) {
        for spans in counts {
            let mut spans = spans.clone();
            spans.push(Span::styled(words.to_owned(), style));
            if fits(&spans) {
                return Line::from(spans);
            }
        }
    }
    let [.., least] = counts;
    Line::from(least)
}

/// How much of the pool's numbers a line has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    All,
    /// Nothing on what is available, nor on waiting where nobody waits.
    Few,
    InUse,
    Least,
}

impl Counts {
    fn spans<'a>(self, pool: Option<&PoolRow>, theme: &Theme) -> Vec<Span<'a>> {
        let count = |value: Option<Option<u32>>| known(value.flatten());
        let in_use = Span::styled(count(pool.map(|pool| pool.in_use)), theme.in_use);
        let max = Span::styled(count(pool.map(|pool| pool.max)), theme.text);
        let dim = |words: &'static str| Span::styled(words, theme.dim);
        match self {
            Counts::Least => return vec![dim(" "), in_use, dim("/"), max],
            Counts::InUse => return vec![dim(" "), in_use, dim(" of "), max, dim(" in use")],
            Counts::All | Counts::Few => {}
        }
        let mut spans = vec![dim(" in use "), in_use, dim(" of "), max];
        if self == Counts::All {
            let available = Span::styled(count(pool.map(|pool| pool.available)), theme.available);
            spans.extend([dim("  available "), available]);
        }
        let waits = count(pool.map(|pool| pool.waiting));
        match pool.and_then(|pool| pool.waiting).unwrap_or(0) {
            0 if self == Counts::Few => {}
            0 => spans.extend([dim("  waiting "), Span::styled(waits, theme.text)]),
            _ => spans.extend([dim("  waiting "), Span::styled(format!("{waits} !"), theme.warn)]),
        }
        spans
    }
}

/// What is said of the worst lint, most first: its connection and who holds it, and how many more there are.
fn told(snapshot: &Snapshot, worst: &LintRow) -> Vec<String> {
    let head = format!("  {} {}", mark(worst.severity), worst.id);
    let (others, few) = match snapshot.lints.len() - 1 {
        0 => (String::new(), String::new()),
        more => (format!(" and {more} more"), format!(" +{more}")),
    };
    let row = snapshot.connections.iter().find(|row| Some(row.id) == worst.conn());
    let holder = row.and_then(|row| match &row.state {
        RowState::InUse { holder, .. } => Some(named(holder)),
        RowState::Available { .. } => None,
    });
    let mut told = Vec::new();
    let mut short = head.clone();
    if let Some(conn) = worst.conn() {
        short = format!("{head} {conn}");
        if let Some(holder) = holder {
            // Without the line of code, where that is told too.
            let label = text::fit(holder.split("  ").next().unwrap_or_default(), LABEL);
            told.extend([
                format!("{short} {holder}{others}"),
                format!("{short} {label}{others}"),
                format!("{short} {label}{few}"),
            ]);
        }
    } else {
        told.push(format!("{head}: {}{others}", text::escape_str(&worst.evidence)));
    }
    told.extend([format!("{short}{others}"), format!("{short}{few}"), format!("{head}{few}")]);
    told
}
