//! What fails the run of an app that reports from inside: findings by the line of code that they are about, whether they
//! still hold or their pool has ended.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Found;
use crate::event::{Holder, How};
use crate::model::LEAKS;
use crate::report::{app, millis, place, pool_name};
use crate::snapshot::{About, AppRow, ConnectionRow, LintRow, Severity, Snapshot};
use crate::text::{duration, escape_str, thousands};

/// Findings of one lint at one line.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Whose line it is, as far as that is known.
    holder: Option<Holder>,
    /// How many connections, or for other lints than those of lost connections how many findings.
    count: u64,
    /// How long they were out, or held.
    longest: Duration,
    shortest: Duration,
}

/// What makes several findings one: place, function, through what, and the name of the pool.
type Line = (String, String, &'static str, String);

fn line(holder: Option<&Holder>, pool: &str) -> Line {
    let word = |word: Option<&Arc<str>>| word.map_or_else(String::new, ToString::to_string);
    let place = word(holder.and_then(|holder| holder.location.as_ref()));
    let function = word(holder.and_then(|holder| holder.function.as_ref()));
    let how = holder.and_then(|holder| holder.how).map_or("", How::word);
    (place, function, how, pool.to_owned())
}

/// What holds or was found of the checked lints: what lost most first, then the rest.
pub(super) fn findings(snapshot: &Snapshot, app: &AppRow, checked: &[&'static str]) -> Vec<Found> {
    let mut found = lost(snapshot, app, checked);
    found.extend(others(snapshot, app, checked));
    found
}

/// Connections that a line has lost.
#[derive(Debug)]
struct Lost {
    bucket: Bucket,
    /// Of how many the owner was collected.
    abandoned: u64,
    /// The one that is out longest.
    row: Arc<ConnectionRow>,
    advice: &'static str,
}

fn lost(snapshot: &Snapshot, app: &AppRow, checked: &[&'static str]) -> Vec<Found> {
    let [leak, abandoned] = LEAKS.map(|id| checked.iter().copied().find(|known| *known == id));
    if leak.is_none() && abandoned.is_none() {
        return Vec::new();
    }
    let mut lines: BTreeMap<Line, Lost> = BTreeMap::new();
    for left in &app.left {
        let (row, holder) = (Arc::clone(&left.row), left.row.holder().cloned());
        let (count, longest, shortest) = (left.count, left.longest, left.shortest);
        let at = line(holder.as_ref(), &left.pool);
        let bucket = Bucket { holder, count, longest, shortest };
        lines.insert(at, Lost { bucket, abandoned: left.abandoned, row, advice: super::STILL_OUT });
    }
    // What two lints say of one connection is one loss.
    let mut seen = HashSet::new();
    for lint in snapshot.lints.iter().filter(|lint| LEAKS.contains(&lint.id)) {
        let About::Connection(pool, conn) = lint.about else { continue };
        let row = snapshot.connections.iter().find(|row| (row.pool, row.id) == (pool, conn));
        let Some((row, out)) = row.and_then(|row| Some((row, row.held_for(snapshot.as_of)?))) else {
            continue;
        };
        if !seen.insert(conn) {
            continue;
        }
        let ended = row.holder().is_some_and(|holder| holder.ended.is_some());
        let at = line(row.holder(), &pool_name(snapshot, pool));
        let lost = lines.entry(at).or_insert_with(|| Lost {
            bucket: Bucket { holder: row.holder().cloned(), count: 0, longest: out, shortest: out },
            abandoned: 0,
            row: Arc::clone(row),
            advice: lint.advice,
        });
        lost.bucket.count += 1;
        lost.abandoned += u64::from(ended);
        lost.bucket.shortest = lost.bucket.shortest.min(out);
        if out > lost.bucket.longest {
            (lost.bucket.longest, lost.row) = (out, Arc::clone(row));
        }
    }
    let found = lines.into_iter().filter_map(|((.., pool), mut lost)| {
        // Whatever is lost has leaked; of whom its owner is known to be gone, the other lint says it.
        let id = match (leak, abandoned) {
            (Some(_), Some(abandoned)) if lost.abandoned == lost.bucket.count => abandoned,
            (Some(leak), _) => leak,
            (None, Some(abandoned)) if lost.abandoned > 0 => {
                lost.bucket.count = lost.abandoned;
                abandoned
            }
            _ => return None,
        };
        let evidence = words(&lost.bucket, &pool);
        let about = About::Connection(lost.row.pool, lost.row.id);
        Some(Found {
            id,
            severity: Severity::Bad,
            pool,
            row: Some(lost.row),
            server: None,
            watched: Vec::new(),
            evidence,
            advice: lost.advice,
            lasted: lost.bucket.longest,
            about,
            bucket: Some(Box::new(lost.bucket)),
        })
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|found| std::cmp::Reverse((found.count(), found.lasted)));
    found
}

/// `2 connections never given back: app.py:6 in worker  raw  out 0.51 s to 0.62 s  pool app`
fn words(bucket: &Bucket, pool: &str) -> String {
    let count = app::connections(bucket.count);
    let said = app::said(bucket.holder.as_ref(), bucket.count, [bucket.shortest, bucket.longest], pool);
    format!("{count} never given back: {said}")
}

/// What other lints find, each at a line.
fn others(snapshot: &Snapshot, app: &AppRow, checked: &[&'static str]) -> Vec<Found> {
    let asked = |id: &str| checked.contains(&id) && !LEAKS.contains(&id);
    let mut lines: BTreeMap<(&'static str, Line), Found> = BTreeMap::new();
    let over = app.found.iter().filter(|row| asked(row.id));
    for row in over {
        let (holder, count) = (row.holder.clone(), row.count);
        let bucket = Bucket { holder, count, longest: row.longest, shortest: row.shortest };
        let found = Found {
            id: row.id,
            severity: row.severity,
            pool: row.pool.clone(),
            row: None,
            server: None,
            watched: Vec::new(),
            evidence: row.evidence.clone(),
            advice: row.advice,
            lasted: row.longest,
            about: About::Place(crate::event::ProcId(0), row.pool.as_str().into()),
            bucket: Some(Box::new(bucket)),
        };
        lines.insert((row.id, line(row.holder.as_ref(), &row.pool)), found);
    }
    for lint in snapshot.lints.iter().filter(|lint| asked(lint.id)) {
        let mut found = Found::of(snapshot, lint);
        let holder = whose(snapshot, lint);
        // What a line's pools are called is not known here; the line says more.
        let pool = if matches!(lint.about, About::Place(..)) { String::new() } else { found.pool.clone() };
        found.pool.clone_from(&pool);
        let (longest, shortest) = (found.lasted, found.lasted);
        let mut bucket = Bucket { holder, count: 1, longest, shortest };
        let at = (lint.id, line(bucket.holder.as_ref(), &pool));
        if let Some(before) = lines.get(&at).and_then(|before| before.bucket.as_deref()) {
            bucket.count += before.count;
            bucket.longest = bucket.longest.max(before.longest);
            bucket.shortest = bucket.shortest.min(before.shortest);
        }
        found.bucket = Some(Box::new(bucket));
        lines.insert(at, found);
    }
    let mut found: Vec<_> = lines.into_values().collect();
    found.sort_by_key(|found| std::cmp::Reverse((found.severity, found.count())));
    found
}

/// Whose line a finding is about.
fn whose(snapshot: &Snapshot, lint: &LintRow) -> Option<Holder> {
    match &lint.about {
        About::Connection(pool, conn) => {
            let row = snapshot.connections.iter().find(|row| (row.pool, row.id) == (*pool, *conn))?;
            row.holder().cloned()
        }
        About::Pool(pool) => {
            let pool = snapshot.pools.iter().find(|row| row.id == *pool)?;
            pool.inside.as_ref()?.made.clone()
        }
        About::Place(_, words) => {
            let (location, function) = words.rsplit_once(" in ").unwrap_or((words, ""));
            let function = Some(function).filter(|function| !function.is_empty()).map(Arc::from);
            Some(Holder { location: Some(location.into()), function, ..Holder::default() })
        }
        About::Node(_) | About::Group(..) | About::Client(..) => None,
    }
}

impl Found {
    /// How many there are at its line.
    pub(super) fn count(&self) -> u64 {
        self.bucket.as_ref().map_or(1, |bucket| bucket.count)
    }
}

/// The line, how many and how long: a word and a value each, escaped.
pub(super) fn facts(bucket: &Bucket, row: Option<&ConnectionRow>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let shown = |word: &str| escape_str(word).into_owned();
    if let Some(place) = bucket.holder.as_ref().and_then(|holder| place(holder, shown)) {
        facts.push(("line", place));
    }
    facts.push(("count", thousands(bucket.count)));
    let ages = match bucket.count {
        1 => duration(bucket.longest),
        _ => format!("{} to {}", duration(bucket.shortest), duration(bucket.longest)),
    };
    facts.push((if row.is_some() { "out" } else { "held for" }, ages));
    if let Some(command) = row.and_then(ConnectionRow::last_sent) {
        facts.push(("last command", shown(command)));
    }
    facts
}

/// The same for programs.
pub(super) fn add(finding: &mut Value, bucket: &Bucket) {
    let (file, line) = app::file_and_line(bucket.holder.as_ref());
    finding["file"] = json!(file);
    finding["line"] = json!(line);
    finding["function"] = json!(bucket.holder.as_ref().and_then(|holder| holder.function.as_deref()));
    finding["how"] = json!(bucket.holder.as_ref().and_then(|holder| holder.how).map(How::word));
    finding["count"] = json!(bucket.count);
    finding["longest_ms"] = json!(millis(bucket.longest));
    finding["shortest_ms"] = json!(millis(bucket.shortest));
    finding["stack"] = json!(bucket.holder.as_ref().and_then(|holder| holder.stack.as_deref()));
}

#[cfg(test)]
mod tests;
