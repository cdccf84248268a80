//! Everything that is known of a process of an app, and of one of its pools.

use super::{Fact, Role, when};
use crate::event::{CloseReason, Holder};
use crate::fields::pools::{Member, Owned, is_unbounded};
use crate::snapshot::{LeftRow, LintRow, PoolRow, ProcessRow, RowState, Severity};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::mark;
use crate::tui::view::connections::named;
use crate::tui::view::pools::{named as pool_named, said};
use crate::tui::view::{NONE, age};

/// Lines that lost connections that are listed of one pool.
const LEFT: usize = 20;

pub(super) fn process_title(row: &ProcessRow, exists: bool) -> String {
    let gone = if exists { "" } else { ", forgotten" };
    format!("process {}  {}{gone}", row.facts.pid, text::escape_str(&row.facts.program))
}

pub(super) fn pool_title(row: &PoolRow, exists: bool) -> String {
    let gone = if exists { "" } else { ", forgotten" };
    format!("pool {}{gone}", pool_named(row))
}

pub(super) fn process(app: &App, row: &ProcessRow) -> Vec<Fact> {
    let as_of = app.shown.as_of;
    let facts = &row.facts;
    let (good, bad) = said(&app.shown, row);
    let heard = format!("last heard {} ago", age(as_of.since(row.heard)));
    let state = good.unwrap_or_else(|| if row.gone.is_some() { "gone".to_owned() } else { heard });
    let mut told = vec![Fact::plain("state", state)];
    told.extend(bad.map(|bad| Fact::new("", format!("! {bad}"), |theme| theme.warn)));
    told.extend(words(row.reporting.error.as_deref()).map(|error| Fact::plain("last fault", error)));
    told.extend([
        Fact::plain("pid", facts.pid.to_string()),
        Fact::known("parent", facts.parent.map(|parent| parent.to_string())),
        Fact::known("program", words(Some(&facts.program))),
        Fact::known("runtime", words(Some(&facts.runtime))),
    ]);
    told.extend(row.libraries.iter().map(|library| Fact::known("library", words(Some(library)))));
    if facts.forked {
        told.push(Fact::plain("fork", "of another process of the app, with what that one had"));
    }
    told.push(Fact::plain("reports", format!("since {}", when(app, row.since))));
    told.push(Fact::gap());
    let of = |member: &&Member| member.process().is_some_and(|process| process.id == row.id);
    let pools: Vec<&Owned> = app.lists.members().iter().filter(of).filter_map(Member::owned).collect();
    for (at, owned) in pools.iter().enumerate() {
        let label = if at == 0 { "pools" } else { "" };
        told.push(Fact::plain(label, format!("{}  {}", pool_named(&owned.pool), numbers(&owned.pool))));
    }
    if pools.is_empty() {
        told.push(Fact::known("pools", None));
    }
    told
}

pub(super) fn pool(app: &App, row: &PoolRow, exists: bool) -> Vec<Fact> {
    let of = |owned: &&Owned| owned.pool.id == row.id;
    let owned = app.lists.members().iter().filter_map(Member::owned).find(of);
    let inside = row.inside.as_deref();
    let state = match owned.and_then(|owned| owned.process.as_deref()) {
        _ if !exists => "forgotten: newer pools took its place",
        Some(process) if process.gone.is_some() => "its process is gone",
        _ if row.stopped => "closed",
        _ => "open",
    };
    let mut facts = vec![Fact::plain("state", state), Fact::plain("now", numbers(row))];
    facts.extend(lints(app, row));
    let longest = owned.and_then(|owned| owned.longest.as_ref());
    if let Some(RowState::InUse { since, holder, .. }) = longest.map(|row| &row.state) {
        let out = age(app.shown.as_of.since(*since));
        facts.push(Fact::plain("longest out", format!("{out}  {}", named(holder))));
    }
    facts.extend(left(app, row));
    facts.push(Fact::gap());
    let process = owned.and_then(|owned| owned.process.as_deref());
    let process =
        process.map(|process| format!("{} {}", process.facts.pid, text::escape_str(&process.facts.program)));
    facts.extend([
        Fact::known("process", process),
        Fact::known("target", words(Some(&row.target))),
        Fact::known("class", words(inside.map(|inside| &*inside.class))),
    ]);
    if inside.is_some_and(|inside| inside.inherited) {
        let words = "it came with a fork, and the parent process has it as well";
        facts.push(Fact::new("inherited", words, |theme| theme.warn));
    }
    facts.extend(made(inside.and_then(|inside| inside.made.as_ref())));
    facts.push(Fact::gap());
    facts.extend(totals(row));
    facts
}

/// `in use 3 of 10, available 2, opening 0, waiting 1`
fn numbers(row: &PoolRow) -> String {
    let count = |value: Option<u32>| value.map_or(NONE.to_owned(), |value| text::thousands(u64::from(value)));
    let max = if is_unbounded(row) { "no limit".to_owned() } else { count(row.max) };
    let [used, created, free] = [row.in_use, row.created, row.available].map(count);
    let [opening, waiting] = [row.opening, row.waiting].map(count);
    format!(
        "in use {used} of {max}, created {created}, available {free}, opening {opening}, waiting {waiting}"
    )
}

fn made(made: Option<&Holder>) -> Vec<Fact> {
    let place = made.and_then(|made| words(made.location.as_deref()));
    let function = made.and_then(|made| words(made.function.as_deref()));
    let place = place.map(|place| match function {
        Some(function) => format!("{place} in {function}"),
        None => place,
    });
    let mut facts = vec![Fact::known("made at", place)];
    facts.extend(made.into_iter().flat_map(super::connection::stack));
    facts
}

fn lints(app: &App, row: &PoolRow) -> Vec<Fact> {
    let of_it = app.shown.lints.iter().filter(|lint| lint.pool() == Some(row.id));
    let fact = |lint: &LintRow| {
        let role: Role = match lint.severity {
            Severity::Warn => |theme| theme.warn,
            Severity::Bad => |theme| theme.bad,
        };
        Fact::new(
            "lint",
            format!("{} {}: {}", mark(lint.severity), lint.id, text::escape_str(&lint.said())),
            role,
        )
    };
    of_it.map(|lint| fact(lint)).collect()
}

/// The lines of code that lost connections of it.
fn left(app: &App, row: &PoolRow) -> Vec<Fact> {
    let Some(seen) = app.shown.app.as_deref() else { return Vec::new() };
    let of_it = seen.left.iter().filter(|left| left.row.pool == row.id || left.pool == row.name);
    of_it
        .take(LEFT)
        .enumerate()
        .map(|(at, left)| Fact::new(if at == 0 { "left" } else { "" }, lost(left), |theme| theme.bad))
        .collect()
}

/// One line of code and what it lost.
pub(super) fn lost(left: &LeftRow) -> String {
    let holder = match &left.row.state {
        RowState::InUse { holder, .. } => named(holder),
        RowState::Available { .. } => NONE.to_owned(),
    };
    let out = if age(left.shortest) == age(left.longest) {
        age(left.longest)
    } else {
        format!("{} to {}", age(left.shortest), age(left.longest))
    };
    format!("{} never given back: {holder}, out {out}", text::thousands(left.count))
}

fn totals(row: &PoolRow) -> Vec<Fact> {
    let totals = &row.totals;
    let count = |label, count: u64| Fact::plain(label, text::thousands(count));
    let mut facts = vec![
        count("opened", totals.opened),
        count("closed", totals.closed),
        count("checkouts", totals.checkouts),
        count("released", totals.released),
        count("discarded", totals.discarded),
        count("waited", totals.waited),
        count("timeouts", totals.timeouts),
        count("refused", totals.refused),
        count("failed", totals.failed),
        count("commands", totals.commands),
    ];
    let by = row.closed_by.iter().filter(|(_, count)| *count > 0);
    let closed = by
        .map(|(reason, count): &(CloseReason, u64)| format!("{} {}", reason.word(), text::thousands(*count)));
    let closed: Vec<String> = closed.collect();
    facts.push(Fact::known("closed by", (!closed.is_empty()).then(|| closed.join(", "))));
    facts
}

fn words(words: Option<&str>) -> Option<String> {
    words.filter(|words| !words.is_empty()).map(|words| text::escape_str(words).into_owned())
}
