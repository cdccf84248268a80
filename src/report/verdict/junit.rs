//! The verdict as `JUnit` XML, which build servers show as tests.

use std::fmt::Write;

use super::{Found, LISTED, NotRun, Verdict};
use crate::text::{obeyed, utc};

/// One test case a lint that holds nowhere, and one a finding of the others.
pub fn junit(verdict: &Verdict) -> String {
    let passed: Vec<&str> = verdict
        .checked
        .iter()
        .filter(|id| verdict.findings.iter().all(|found| found.id != **id))
        .copied()
        .collect();
    let listed = &verdict.findings[..verdict.findings.len().min(LISTED)];
    let skipped = verdict.not_run.iter().filter(|one| one.skipped).count();
    let (tests, errors) =
        (passed.len() + listed.len() + verdict.not_run.len(), verdict.not_run.len() - skipped);
    let counts = format!(r#"tests="{tests}" failures="{}" errors="{errors}""#, listed.len());
    let ran = format!(r#"time="{:.3}""#, verdict.ran.as_secs_f64());
    let started = verdict.wall_ms.saturating_sub(u64::try_from(verdict.ran.as_millis()).unwrap_or(u64::MAX));
    let suite = content(&format!("redis-pooltop {}", verdict.target));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, r#"<testsuites name="redis-pooltop" {counts} {ran}>"#);
    let _ = writeln!(
        out,
        r#"  <testsuite name="{suite}" {counts} skipped="{skipped}" {ran} timestamp="{}">"#,
        timestamp(started)
    );
    for id in passed {
        let _ = writeln!(out, r#"    <testcase classname="{CLASS}" name="{id}" time="0"/>"#);
    }
    for found in listed {
        case(&mut out, verdict, found);
    }
    for NotRun { name, why, skipped } in &verdict.not_run {
        let how = if *skipped { "skipped" } else { "error" };
        let _ = writeln!(out, r#"    <testcase classname="{LAB}" name="{name}" time="0">"#);
        let _ = writeln!(out, r#"      <{how} message="{}"/>"#, content(why));
        out.push_str("    </testcase>\n");
    }
    let more = verdict.findings.len() - listed.len();
    if more > 0 {
        let _ = writeln!(out, "    <system-out>and {more} more</system-out>");
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// What a build server groups the cases by.
const CLASS: &str = "redis-pooltop.lints";

/// And the experiments by.
const LAB: &str = "redis-pooltop.lab";

fn case(out: &mut String, verdict: &Verdict, found: &Found) {
    let mut name = found.id.to_owned();
    if verdict.pools > 1 {
        let _ = write!(name, " {}", found.pool);
    }
    if let Some(row) = &found.row {
        let _ = write!(name, " {}", row.id);
    }
    let _ = writeln!(out, r#"    <testcase classname="{CLASS}" name="{}" time="0">"#, content(&name));
    let _ = writeln!(out, r#"      <failure type="{}" message="{}">"#, found.id, content(&found.evidence));
    let pool = ("pool", found.pool.clone());
    let advice = ("advice", found.advice.to_owned());
    for (word, value) in std::iter::once(pool).chain(found.facts()).chain(std::iter::once(advice)) {
        let _ = writeln!(out, "{word}: {}", content(&value));
    }
    out.push_str("      </failure>\n    </testcase>\n");
}

/// `2026-11-21T14:00:00`, as the schema has it: with no zone.
fn timestamp(ms: u64) -> String {
    utc(ms).replace(' ', "T").trim_end_matches('Z').to_owned()
}

/// What XML can hold of a text: no control characters, nor what a terminal that shows the file would obey.
fn content(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !obeyed(*c) && !matches!(c, '\u{fffe}' | '\u{ffff}')) {
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
