//! What the first lines say of watched servers: where and what they are, what looking costs them, and what is refused
//! or lost.

use std::time::Duration;

use ratatui::text::{Line, Span};

use crate::snapshot::{LookRow, NodeRow, Snapshot};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::{Theme, mark};
use crate::tui::view::clients::refusal;
use crate::tui::view::{NONE, age, known, outside};

/// What is watched: ` redis-pooltop watch  127.0.0.1:6379  redis 7.0.15`.
pub(super) fn identity<'a>(app: &App, theme: &Theme, version: bool) -> Line<'a> {
    let mut spans = vec![Span::styled(" redis-pooltop", theme.title), Span::styled(" watch  ", theme.dim)];
    match &app.shown.nodes[..] {
        [] => spans.push(Span::styled(outside(&app.facts.target, 30), theme.text)),
        [node] => {
            spans.push(Span::styled(outside(&node.target, 30), theme.text));
            if let Some(version) = node.server.version.as_ref().filter(|_| version) {
                spans.push(Span::styled(format!("  {}", outside(version, 30)), theme.dim));
            }
        }
        nodes => {
            spans.push(Span::styled(format!("{} servers", nodes.len()), theme.text));
            if version {
                spans.push(Span::styled(format!("  {}", outside(&app.facts.target, 30)), theme.dim));
            }
        }
    }
    Line::from(spans)
}

/// How alive the picture is and what it costs: `look 1.0 s, 0.2% of the server · data 0.4 s old`; `less` of it is told
/// where there is less room. Of several servers, the one that pays most, and the oldest data.
pub(super) fn looks<'a>(app: &App, theme: &Theme, less: usize) -> Vec<Span<'a>> {
    let latest = &app.latest;
    let lost = latest.nodes.iter().filter(|node| node.server.lost.is_some()).count();
    if lost > 0 {
        let many =
            if latest.nodes.len() > 1 { format!(" {lost} of {}", latest.nodes.len()) } else { String::new() };
        return vec![Span::styled(format!("x LOST{many} "), theme.bad)];
    }
    let looks: Vec<_> = latest.nodes.iter().filter_map(|node| node.look.as_ref()).collect();
    let dearest = looks.iter().max_by(|one, other| one.share().total_cmp(&other.share()));
    let Some(dearest) = dearest else {
        let informed = latest.nodes.iter().any(|node| node.server.seen_at.is_some());
        let word = if informed { "live " } else { "starting " };
        return vec![Span::styled(word, theme.dim)];
    };
    let oldest = looks.iter().map(|look| latest.as_of.since(look.at)).max().unwrap_or_default();
    let every = dearest.interval.as_secs_f64();
    let share = percent(dearest.share());
    let of = if less > 0 { "" } else { " of the server" };
    let old = if less > 1 { String::new() } else { format!(" · data {} old", age(oldest)) };
    // A look of a second ago is fresh: one that should have been followed by another is not.
    let late = oldest > dearest.interval.saturating_mul(3).max(Duration::from_secs(3));
    vec![
        Span::styled("look ", theme.dim),
        Span::styled(format!("{every:.1} s"), theme.available),
        Span::styled(", ", theme.dim),
        Span::styled(share, theme.text),
        Span::styled(of, theme.dim),
        Span::styled(format!("{old} "), if late { theme.warn } else { theme.dim }),
    ]
}

/// `0.02%`, `0.9%`, `12%`.
pub(in crate::tui::view) fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if !percent.is_finite() => NONE.to_owned(),
        percent if percent < 0.1 => format!("{percent:.2}%"),
        percent if percent < 10.0 => format!("{percent:.1}%"),
        percent => format!("{percent:.0}%"),
    }
}

/// What is refused or missing, where something is: each thing once, and of which server where it is not so of all.
pub(super) fn refused(latest: &Snapshot) -> Option<String> {
    let mut told: Vec<(String, usize, &NodeRow)> = Vec::new();
    for node in &latest.nodes {
        let mut all: Vec<String> = node.refused.iter().map(refusal).collect();
        all.dedup();
        all.extend(node.look.iter().flat_map(LookRow::gaps));
        for words in all {
            match told.iter_mut().find(|(known, ..)| *known == words) {
                Some((_, times, _)) => *times += 1,
                None => told.push((words, 1, node)),
            }
        }
    }
    let all = latest.nodes.len();
    let words: Vec<String> = told
        .into_iter()
        .map(|(words, times, node)| match times {
            times if times == all => words,
            1 => format!("{}: {words}", node.target),
            times => format!("{times} of {all} servers: {words}"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// The servers in one line: how full, and the worst lint.
pub(super) fn summarised<'a>(app: &App, theme: &Theme, width: usize) -> Line<'a> {
    let nodes = &app.shown.nodes;
    let sum = |of: fn(&NodeRow) -> Option<u64>| {
        nodes.iter().filter_map(|node| of(node)).reduce(u64::saturating_add).map(text::thousands)
    };
    let value = |value: Option<String>| Span::styled(known(value), theme.text);
    let dim = |words: &'static str| Span::styled(words, theme.dim);
    let mut spans = vec![dim(" clients "), value(sum(|node| node.connected))];
    let of = [dim(" of "), value(sum(|node| node.max))];
    let blocked = [dim("  blocked "), value(sum(|node| node.blocked))];
    let lint = app.shown.lints.first().map(|worst| {
        let style = theme.severity(worst.severity);
        let head = format!("  {} {}", mark(worst.severity), worst.id);
        let more = match app.shown.lints.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let said = format!("{head}: {}{more}", text::escape_str(&worst.evidence));
        [said, format!("{head}{more}"), head].map(|words| Span::styled(words, style))
    });
    // What is wrong is told before how many are blocked.
    let short = lint.as_ref().map_or(0, |[_, short, _]| short.width());
    for part in [of, blocked] {
        let used: usize = spans.iter().chain(&part).map(Span::width).sum();
        if used + short <= width {
            spans.extend(part);
        }
    }
    let used: usize = spans.iter().map(Span::width).sum();
    spans.extend(lint.into_iter().flatten().find(|words| used + words.width() <= width));
    Line::from(spans)
}
