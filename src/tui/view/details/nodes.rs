//! Watched servers in full: where each is, what it lets us ask, and what it said.

use super::{Fact, Role, when};
use crate::snapshot::{NodeRow, Snapshot};
use crate::text;
use crate::tui::app::App;
use crate::tui::view::clients::refusal;
use crate::tui::view::{age, known};

pub(super) fn title(app: &App) -> String {
    match &app.shown.nodes[..] {
        [node] => format!("server {}", text::escape_str(&node.target)),
        nodes => format!("{} servers", nodes.len()),
    }
}

pub(super) fn facts(app: &App) -> Vec<Fact> {
    let mut facts = Vec::new();
    for node in &app.shown.nodes {
        if !facts.is_empty() {
            facts.push(Fact::gap());
        }
        facts.extend(of(app, node));
    }
    facts
}

fn of(app: &App, node: &NodeRow) -> Vec<Fact> {
    let as_of = app.shown.as_of;
    let found = node.found.as_deref().map(|found| format!("  ({})", text::escape_str(found)));
    let mut facts = vec![
        Fact::new(
            "server",
            format!("{}{}", text::escape_str(&node.target), found.unwrap_or_default()),
            |theme| theme.title,
        ),
        Fact::known("version", node.server.version.as_deref().map(|it| text::escape_str(it).into_owned())),
    ];
    if let Some(lost) = &node.server.lost {
        let words = format!("{}; since {}", text::escape_str(&lost.error), when(app, lost.since));
        facts.push(Fact::new("lost", words, |theme| theme.bad));
    }
    if node.stopped {
        facts.push(Fact::new("stopped", "it is watched no more", |theme| theme.warn));
    }
    for refused in &node.refused {
        let warn: Role = |theme| theme.warn;
        facts.push(Fact::new("refused", text::escape_str(&refusal(refused)).into_owned(), warn));
        if refused.rule.is_some() {
            facts.push(Fact::plain("", format!("it says: {}", text::escape_str(&refused.error))));
        }
    }
    if let Some(look) = &node.look {
        let how = if look.told { "by its commandstats" } else { "by the time the call took" };
        facts.push(Fact::plain(
            "last look",
            format!(
                "{} clients, {} in {}, {} ago",
                text::thousands(look.clients),
                text::bytes(look.bytes),
                text::duration(look.took),
                age(as_of.since(look.at))
            ),
        ));
        facts.push(Fact::plain(
            "cost",
            format!(
                "{} of its main thread, {how}; every {}: {:.2}%",
                text::duration(look.cost),
                text::duration(look.interval),
                look.share() * 100.0
            ),
        ));
    }
    let seconds = |value: Option<u64>| known(value.map(|value| format!("{value} s")));
    let config = format!(
        "timeout {}  tcp-keepalive {}",
        seconds(node.config.timeout),
        seconds(node.config.tcp_keepalive)
    );
    facts.push(Fact::plain("settings", config));
    for (at, (process, clients)) in node.unix_shares.iter().enumerate() {
        let name = text::escape_str(&process.name);
        let said = format!("{clients} by {name} {}", process.pid);
        facts.push(Fact::plain(if at == 0 { "unix socket" } else { "" }, said));
    }
    facts.extend(raw_lines(node).map(|line| Fact::line(line, |theme| theme.dim)));
    facts
}

fn raw_lines(node: &NodeRow) -> impl Iterator<Item = String> {
    node.server.raw.lines().map(|line| text::escape_str(line.trim_end_matches('\r')).into_owned())
}

/// What the servers said, for the clipboard.
pub(super) fn raw(snapshot: &Snapshot) -> String {
    snapshot
        .nodes
        .iter()
        .map(|node| text::escape_lines(node.server.raw.as_bytes()))
        .collect::<Vec<_>>()
        .join("\n")
}
