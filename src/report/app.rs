//! What an app's pools did: its processes, their pools, and the lines that lost connections.

mod json;

use std::fmt::Write;
use std::time::Duration;

use super::table::{Table, line};
use super::text::{count, dropped, lints, name};
use super::{UNKNOWN, pool_name};
use crate::event::{Ending, Holder};
use crate::snapshot::{AppRow, LeftRow, PoolRow, ProcessRow, RowState, Severity, Snapshot};
use crate::text::{duration, escape_str, thousands};

pub use json::document;
pub(super) use json::value;

/// Lines listed; JSON has them all.
const LISTED: usize = 50;

/// For people, with a newline at its end.
pub fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let Some(app) = snapshot.app.as_deref() else { return out };
    line(&mut out, &heading(snapshot, app));
    for process in &app.processes {
        line(&mut out, "");
        line(&mut out, &who(snapshot, process));
        pools(&mut out, snapshot, process);
    }
    if app.more_pools > 0 {
        line(&mut out, &format!("and {} more pools than are kept", thousands(app.more_pools)));
    }
    held(&mut out, snapshot);
    left(&mut out, app);
    unasked(&mut out, snapshot);
    found(&mut out, app);
    lints(&mut out, snapshot);
    dropped(&mut out, snapshot);
    out
}

fn heading(snapshot: &Snapshot, app: &AppRow) -> String {
    let program = app.program.as_deref().map_or(UNKNOWN.to_owned(), name);
    let since = app.since.map(|since| duration(app.ended.map_or(snapshot.as_of, |(at, _)| at).since(since)));
    let after = since.map_or_else(String::new, |since| format!(" after {since}"));
    match app.ended {
        Some((_, Ending::Code(code))) => format!("app       {program}  ended with {code}{after}"),
        Some((_, Ending::Signal(number))) => format!("app       {program}  ended by signal {number}{after}"),
        None => {
            // What somebody else started ends without a word to us: its processes say it.
            let ended = app.processes.iter().filter(|process| process.gone.is_some()).count();
            let all = app.processes.len();
            if program == UNKNOWN && all > 0 {
                let (all, ended) = (thousands(all as u64), thousands(ended as u64));
                return format!("app       processes that reported {all}, ended {ended}{after}");
            }
            format!("app       {program}  running{after}")
        }
    }
}

fn who(snapshot: &Snapshot, process: &ProcessRow) -> String {
    let mut said = format!("process   {}  {}", process.facts.pid, name(&process.facts.program));
    for word in std::iter::once(&*process.facts.runtime).chain(process.libraries.iter().map(|word| &**word)) {
        let _ = write!(said, "  {}", name(word));
    }
    if process.facts.forked {
        said.push_str("  a fork");
    }
    match process.gone {
        Some((_, true)) => {}
        Some((at, false)) => {
            let _ = write!(
                said,
                "  gone without a word, {} after it was last heard",
                duration(at.since(process.heard))
            );
        }
        None => {
            let _ = write!(said, "  last heard {} ago", duration(snapshot.as_of.since(process.heard)));
        }
    }
    let told = &process.reporting;
    if told.dropped > 0 || told.errors > 0 {
        let error =
            told.error.as_deref().map_or_else(String::new, |error| format!(": {}", escape_str(error)));
        let (dropped, errors) = (thousands(told.dropped), thousands(told.errors));
        let _ = write!(said, "\n          reports dropped {dropped}, faults of the agent {errors}{error}");
    }
    said
}

/// A process's pools; those that one line made under one name are one row.
fn pools(out: &mut String, snapshot: &Snapshot, process: &ProcessRow) {
    let of = |pool: &&PoolRow| pool.inside.as_ref().is_some_and(|inside| inside.process == process.id);
    let mut kinds: Vec<(Vec<String>, Vec<&PoolRow>)> = Vec::new();
    for row in snapshot.pools.iter().map(|row| &**row).filter(of) {
        let made = row.inside.as_ref().and_then(|inside| inside.made.as_ref());
        let made = made.and_then(|made| super::place(made, |word| escape_str(word).into_owned()));
        let max = if row.max == Some(u32::MAX) { "none".to_owned() } else { count(row.max) };
        let words = vec![name(&row.name), name(&row.target), max, made.unwrap_or_else(|| UNKNOWN.to_owned())];
        match kinds.iter_mut().find(|(known, _)| *known == words) {
            Some((_, rows)) => rows.push(row),
            None => kinds.push((words, vec![row])),
        }
    }
    if kinds.is_empty() {
        return line(out, "          no pool");
    }
    let mut table =
        Table::new(&["pool", ">pools", "target", ">max", ">opened", ">checkouts", ">timeouts", "made at"]);
    for (words, rows) in kinds.iter().take(LISTED) {
        let sum =
            |of: fn(&PoolRow) -> u64| thousands(rows.iter().map(|row| of(row)).fold(0, u64::saturating_add));
        let [name, target, max, made] = &words[..] else { continue };
        table.row(vec![
            name.clone(),
            thousands(rows.len() as u64),
            target.clone(),
            max.clone(),
            sum(|row| row.totals.opened),
            sum(|row| row.totals.checkouts),
            sum(|row| row.totals.timeouts.saturating_add(row.totals.refused)),
            made.clone(),
        ]);
    }
    table.write(out);
    if let Some(more) = kinds.len().checked_sub(LISTED).filter(|more| *more > 0) {
        line(out, &format!("and {} more lines", thousands(more as u64)));
    }
}

/// Who has connections out now: of a process that has ended nobody has.
fn held(out: &mut String, snapshot: &Snapshot) {
    let mut lines: Vec<(Holds, String)> = Vec::new();
    for row in &snapshot.connections {
        let RowState::InUse { since, holder, .. } = &row.state else { continue };
        let (age, said) = (snapshot.as_of.since(*since), whom(Some(holder), &pool_name(snapshot, row.pool)));
        match lines.iter_mut().find(|(_, known)| *known == said) {
            Some((holds, _)) => {
                holds.count += 1;
                (holds.shortest, holds.longest) = (holds.shortest.min(age), holds.longest.max(age));
            }
            None => lines.push((Holds { count: 1, shortest: age, longest: age }, said)),
        }
    }
    if lines.is_empty() {
        return;
    }
    lines.sort_by(|(a, _), (b, _)| b.count.cmp(&a.count).then_with(|| b.longest.cmp(&a.longest)));
    line(out, "");
    line(out, "connections that are out");
    for (holds, said) in lines.iter().take(LISTED) {
        let out_for = ages(holds.count, [holds.shortest, holds.longest]);
        line(out, &format!("  {:>5}  {said}  out {out_for}", thousands(holds.count)));
    }
    if let Some(more) = lines.len().checked_sub(LISTED).filter(|more| *more > 0) {
        line(out, &format!("and {} more lines", thousands(more as u64)));
    }
}

/// How many one line has, and for how long.
struct Holds {
    count: u64,
    shortest: Duration,
    longest: Duration,
}

/// What lints found and is over.
fn found(out: &mut String, app: &AppRow) {
    if app.found.is_empty() {
        return;
    }
    line(out, "");
    line(out, "found while it ran");
    for row in app.found.iter().take(LISTED) {
        let mark = if row.severity == Severity::Bad { 'x' } else { '!' };
        let longest = duration(row.longest);
        let times = match row.count {
            1 => format!("  for {longest}"),
            count => format!("  {} times, for at most {longest}", thousands(count)),
        };
        let place = row.holder.as_ref().and_then(|holder| super::place(holder, str::to_owned));
        // Evidence mostly names the line by itself.
        let place = place.filter(|place| !row.evidence.contains(place.as_str()));
        let place = place.map_or_else(String::new, |place| format!("  made at {}", escape_str(&place)));
        line(out, &format!("{mark} {:<12} {}{place}{times}", row.id, escape_str(&row.evidence)));
        line(out, &format!("  {:<12} {}", "", row.advice));
    }
    let more = app.more_found + app.found.len().saturating_sub(LISTED) as u64;
    if more > 0 {
        line(out, &format!("and {} more", thousands(more)));
    }
}

fn left(out: &mut String, app: &AppRow) {
    if app.left.is_empty() {
        return;
    }
    line(out, "");
    line(out, "connections that nobody gave back");
    for row in app.left.iter().take(LISTED) {
        line(out, &format!("x {:>5}  {}", thousands(row.count), said_of(row)));
    }
    let more = app.more_left + app.left.len().saturating_sub(LISTED) as u64;
    if more > 0 {
        line(out, &format!("and {} more lines", thousands(more)));
    }
}

/// The servers that would not say what they know of the app's connections.
fn unasked(out: &mut String, snapshot: &Snapshot) {
    for node in snapshot.nodes.iter().filter(|node| !node.stopped && !node.is_current()) {
        let lost = node.server.lost.as_ref().map(|lost| &lost.error);
        let Some(why) = lost.or(node.blind().map(|refused| &refused.error)) else { continue };
        let target = if why.starts_with(&node.target) { String::new() } else { name(&node.target) + ": " };
        line(out, &format!("server    {target}{}", escape_str(why)));
    }
}

/// One line that lost connections, as a person finds it in an editor.
fn said_of(row: &LeftRow) -> String {
    said(row.row.holder(), row.count, [row.shortest, row.longest], &row.pool)
}

/// A line that has so many connections of that pool, for at least and at most so long.
pub(super) fn said(holder: Option<&Holder>, count: u64, out: [Duration; 2], pool: &str) -> String {
    let mut who = whom(holder, "");
    let _ = write!(who, "  out {}  pool {}", ages(count, out), name(pool));
    who
}

/// `app.py:6 in worker  raw  pool app`
fn whom(holder: Option<&Holder>, pool: &str) -> String {
    let place = holder.and_then(|holder| super::place(holder, |word| escape_str(word).into_owned()));
    let mut said = place.unwrap_or_else(|| UNKNOWN.to_owned());
    if let Some(how) = holder.and_then(|holder| holder.how) {
        let _ = write!(said, "  {}", how.word());
    }
    if !pool.is_empty() {
        let _ = write!(said, "  pool {}", name(pool));
    }
    said
}

fn ages(count: u64, [shortest, longest]: [Duration; 2]) -> String {
    match count {
        1 => duration(longest),
        _ => format!("{} to {}", duration(shortest), duration(longest)),
    }
}

/// `1 connection`, `2 connections`
pub(super) fn connections(count: u64) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{} connections", thousands(count)) }
}

/// A holder's file and line.
pub(super) fn file_and_line(holder: Option<&Holder>) -> (Option<&str>, Option<u64>) {
    let place = holder.and_then(|holder| holder.location.as_deref());
    match place.and_then(|place| place.rsplit_once(':')) {
        Some((file, line)) => (Some(file), line.parse().ok()),
        None => (place, None),
    }
}

#[cfg(test)]
mod tests;
