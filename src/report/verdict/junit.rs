//! The verdict as `JUnit` XML, which build servers show as tests.

use std::fmt::Write;

use super::{Found, LISTED, NotRun, Verdict};
use crate::text::{escape_str, utc};

/// One test case a lint that was checked, in each pool where there are several: under the same name whether it holds or
/// not, so that a build server can follow it from run to run.
pub fn junit(verdict: &Verdict) -> String {
    let pools: Vec<Option<&str>> = match &verdict.pools[..] {
        // Nobody reads so many.
        [] | [_] => vec![None],
        many if many.len() > LISTED => vec![None],
        many => many.iter().map(|pool| Some(&**pool)).collect(),
    };
    let mut cases = String::new();
    let (mut tests, mut failures) = (verdict.not_run.len(), 0);
    // Of what nobody told of nothing has passed.
    let checked = if verdict.unheard { &[][..] } else { &verdict.checked[..] };
    for id in checked {
        for pool in &pools {
            let here = |found: &&Found| found.id == *id && pool.is_none_or(|pool| found.pool == pool);
            let found: Vec<&Found> = verdict.findings.iter().filter(here).collect();
            tests += 1;
            failures += usize::from(!found.is_empty());
            case(&mut cases, id, *pool, &found);
        }
    }
    let skipped = verdict.not_run.iter().filter(|one| one.skipped).count();
    let mut errors = verdict.not_run.len() - skipped;
    for NotRun { name, why, skipped } in &verdict.not_run {
        missing(&mut cases, LAB, name, if *skipped { "skipped" } else { "error" }, why);
    }
    if let Some(damage) = &verdict.damaged {
        tests += 1;
        errors += 1;
        let why = format!("the recording is damaged: {damage}");
        missing(&mut cases, "redis-pooltop", "recording", "error", &why);
    }
    for server in &verdict.unseen {
        tests += 1;
        errors += 1;
        let why = "its clients could not be seen, and were not judged";
        missing(&mut cases, "redis-pooltop", &format!("server {}", content(server)), "error", why);
    }
    if verdict.unheard {
        tests += 1;
        errors += 1;
        let why = "no process reported, and nothing was judged";
        missing(&mut cases, "redis-pooltop", "app", "error", why);
    }
    let counts = format!(r#"tests="{tests}" failures="{failures}" errors="{errors}""#);
    let ran = format!(r#"time="{:.3}""#, verdict.ran.as_secs_f64());
    let started = verdict.wall_ms.saturating_sub(u64::try_from(verdict.ran.as_millis()).unwrap_or(u64::MAX));
    let suite = content(&format!("redis-pooltop {}", verdict.target));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, r#"<testsuites name="redis-pooltop" {counts} {ran}>"#);
    let started = timestamp(started);
    let _ = writeln!(
        out,
        r#"  <testsuite name="{suite}" {counts} skipped="{skipped}" {ran} timestamp="{started}">"#
    );
    out.push_str(&cases);
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// What a build server groups the cases by.
const CLASS: &str = "redis-pooltop.lints";

/// And the experiments by.
const LAB: &str = "redis-pooltop.lab";

/// A case that has no outcome.
fn missing(out: &mut String, class: &str, name: &str, how: &str, why: &str) {
    let _ = writeln!(out, r#"    <testcase classname="{class}" name="{name}" time="0">"#);
    let _ = writeln!(out, r#"      <{how} message="{}"/>"#, content(why));
    out.push_str("    </testcase>\n");
}

fn case(out: &mut String, id: &str, pool: Option<&str>, found: &[&Found]) {
    let name = pool.map_or_else(|| id.to_owned(), |pool| format!("{id} {pool}"));
    let name = content(&name);
    let Some(first) = found.first() else {
        let _ = writeln!(out, r#"    <testcase classname="{CLASS}" name="{name}" time="0"/>"#);
        return;
    };
    let _ = writeln!(out, r#"    <testcase classname="{CLASS}" name="{name}" time="0">"#);
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let message = content(&first.evidence);
    let _ = writeln!(out, r#"      <failure type="{id}" message="{message}{more}">"#);
    for (number, found) in found.iter().take(LISTED).enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let (evidence, advice) = (("evidence", found.evidence.clone()), ("advice", found.advice.to_owned()));
        let of_pool = found.is_of_a_pool() || found.bucket.is_some();
        let pool = (if of_pool { "pool" } else { "about" }, found.pool.clone());
        for (word, value) in [evidence, pool].into_iter().chain(found.facts()).chain([advice]) {
            let _ = writeln!(out, "{word}: {}", content(&value));
        }
    }
    if let Some(more) = found.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more");
    }
    out.push_str("      </failure>\n    </testcase>\n");
}

/// `2026-11-21T14:00:00`, as the schema has it: with no zone.
fn timestamp(ms: u64) -> String {
    utc(ms).replace(' ', "T").trim_end_matches('Z').to_owned()
}

/// What XML can hold of a text: control characters, and what a terminal that shows the file would obey, in a visible form.
fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape_str(text).chars().filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
    }
    out
}
