//! One line of a process: who it is, and how well it is heard.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::fields::pools::Member;
use crate::snapshot::{ProcessRow, Snapshot};
use crate::text;
use crate::tui::view::{Cx, age, outside, put};

/// Most columns of a program's name, and of a library's.
const NAMED: usize = 40;

/// A process reports ten times a second, and that is told once a second: after this long it is late.
const LATE: Duration = Duration::from_secs(3);

pub(super) fn draw(cx: &Cx<'_>, row: &ProcessRow, area: Rect, buf: &mut Buffer) {
    let theme = cx.theme;
    let style = if row.gone.is_some() { theme.dim } else { theme.title };
    let mut spans = vec![
        Span::styled(format!(" {} ", row.facts.pid), theme.dim),
        Span::styled(outside(&row.facts.program, NAMED), style),
    ];
    let (good, bad) = said(cx.snapshot, row);
    // What is wrong is told before what it runs on.
    if let Some(bad) = bad {
        spans.push(Span::styled(format!("  ! {bad}"), theme.warn));
    }
    let pools = cx.members.iter().filter(|member| member.owned().is_some());
    let mut pools = pools.filter_map(Member::process);
    let none = pools.all(|process| process.id != row.id).then(|| "no pool".to_owned());
    let known = runs_on(row).into_iter().chain(row.facts.forked.then(|| "a fork".to_owned()));
    let words: Vec<String> = good.into_iter().chain(none).chain(known).collect();
    spans.extend(words.into_iter().map(|words| Span::styled(format!("  {words}"), theme.dim)));
    put(Line::from(spans), area, 0, buf);
}

/// Its language and libraries, with their versions.
fn runs_on(row: &ProcessRow) -> Vec<String> {
    let known = std::iter::once(&*row.facts.runtime).chain(row.libraries.iter().map(|library| &**library));
    known.filter(|words| !words.is_empty()).map(|words| outside(words, NAMED)).collect()
}

/// How it is heard: that it has ended, and what is wrong.
pub(in crate::tui::view) fn said(snapshot: &Snapshot, row: &ProcessRow) -> (Option<String>, Option<String>) {
    let ago = |at| age(snapshot.as_of.since(at));
    let mut bad = Vec::new();
    let mut good = None;
    match row.gone {
        Some((at, true)) => good = Some(format!("ended {} ago", ago(at))),
        Some((_, false)) => bad.push(format!("gone without a word, last heard {} ago", ago(row.heard))),
        None if snapshot.as_of.since(row.heard) > LATE => {
            bad.push(format!("not heard for {}", ago(row.heard)));
        }
        None => {}
    }
    let told = &row.reporting;
    if told.dropped > 0 {
        let reports = if told.dropped == 1 { "report" } else { "reports" };
        bad.push(format!("{} {reports} dropped", text::thousands(told.dropped)));
    }
    if told.errors > 0 {
        let faults = if told.errors == 1 { "fault" } else { "faults" };
        bad.push(format!("{} {faults} of the agent", text::thousands(told.errors)));
    }
    (good, (!bad.is_empty()).then(|| bad.join(", ")))
}
