//! Everything that is known of one client of a watched server.

use std::time::Duration;

use super::{Fact, NONE, Role, seen, when};
use crate::event::{Client, Whose};
use crate::snapshot::{About, ClientRow, ClientState, LintRow, Severity};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::mark;
use crate::tui::view::age;
use crate::tui::view::clients::{bytes_per_second, per_second};

pub(super) fn facts(app: &App, row: &ClientRow, exists: bool) -> Vec<Fact> {
    let client = &*row.client;
    let mut facts = state(app, row, exists);
    facts.extend(lints(app, row));
    facts.push(Fact::gap());
    facts.extend(whose(app, row));
    facts.extend(seen::of_client(app, row));
    facts.push(Fact::gap());
    let node = app.shown.nodes.iter().find(|node| node.id == row.node);
    facts.push(Fact::known("server", words(node.map(|node| &*node.target))));
    facts.push(Fact::known("id", Some(client.id.to_string())));
    facts.push(Fact::known("name", words(client.name.as_deref())));
    facts.push(Fact::known("address", words(Some(&client.addr))));
    facts.push(Fact::known("user", words(client.user.as_deref())));
    facts.push(Fact::known("library", library(client)));
    facts.push(Fact::known("database", client.db.map(|db| db.to_string())));
    facts.push(Fact::gap());
    facts.extend(traffic(row));
    facts.push(Fact::gap());
    facts.extend(history(app, row));
    facts.push(Fact::gap());
    facts.push(Fact::plain("as told", format!("{}: {}", when(app, row.at), raw(client))));
    facts
}

/// What it does, since when, and how long it has done nothing.
fn state(app: &App, row: &ClientRow, exists: bool) -> Vec<Fact> {
    let as_of = app.shown.as_of;
    if !exists {
        let gone = "it is not connected any more; below is what was known last";
        return vec![Fact::new("gone", gone, |theme| theme.warn)];
    }
    let role: Role = match row.state {
        ClientState::Idle => |theme| theme.dim,
        ClientState::Active => |theme| theme.available,
        ClientState::Closing => |theme| theme.warn,
        _ => |theme| theme.in_use,
    };
    let since = row.state_since.map(|since| format!(" for {}", age(as_of.since(since)))).unwrap_or_default();
    let ours = if row.own { "  (our own connection)" } else { "" };
    let queued = match (row.client.multi, row.client.watch) {
        (None | Some(0), None | Some(0)) => String::new(),
        (multi, watch) => format!("; {} queued, {} watched", multi.unwrap_or(0), watch.unwrap_or(0)),
    };
    let subscribed = match row.client.subscriptions {
        0 => String::new(),
        many => format!("; to {} channels and patterns", text::thousands(many)),
    };
    vec![
        Fact::new("state", format!("{}{since}{queued}{subscribed}{ours}", row.state.word()), role),
        Fact::known("command", words(row.client.command.as_deref())),
        Fact::plain("idle", age(row.idle(as_of))),
        Fact::plain("age", opened(app, row.age(as_of))),
    ]
}

/// How long ago, and when that was.
fn opened(app: &App, ago: Duration) -> String {
    let ago_ms = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
    format!("{}, since {} UTC", age(ago), text::utc(app.shown.wall_ms.saturating_sub(ago_ms)))
}

/// Whose socket it is, as far as this machine can tell.
fn whose(app: &App, row: &ClientRow) -> Vec<Fact> {
    let Some(whose) = &row.whose else { return vec![Fact::known("process", None)] };
    let Whose::Process { process, fd } = whose else {
        let why = match whose {
            Whose::Remote => "it comes from another machine".to_owned(),
            Whose::Namespace => "its socket is here, its process in another namespace".to_owned(),
            Whose::Hidden { uid } => format!("of user {uid}: not ours to look at without rights"),
            Whose::Gone => "not known: the connection was gone before that was found out".to_owned(),
            Whose::Unknown => "a unix socket: the server's descriptors would tell, with rights".to_owned(),
            Whose::Unsupported => "this system does not tell".to_owned(),
            Whose::Process { .. } => NONE.to_owned(),
        };
        return vec![Fact::new("process", why, |theme| theme.dim)];
    };
    let started = process.started_ms.map(|at| {
        let running = Duration::from_millis(app.shown.wall_ms.saturating_sub(at));
        format!("{} UTC, {} ago", text::utc(at), age(running))
    });
    let same = app
        .shown
        .clients
        .iter()
        .filter(|other| other.process().is_some_and(|other| other.pid == process.pid));
    let many = same.count() as u64;
    let others = match many {
        0 | 1 => "its only client here".to_owned(),
        many => format!("one of its {} clients", text::thousands(many)),
    };
    let name = text::escape_str(&process.name);
    vec![
        Fact::plain("process", format!("{name}  pid {}  fd {fd}  ({others})", process.pid)),
        Fact::known("command", words(Some(&process.command))),
        Fact::known("runs as", words(process.user.as_deref())),
        Fact::known("started", started),
        Fact::known("container", words(process.container.as_deref())),
    ]
}

fn traffic(row: &ClientRow) -> Vec<Fact> {
    let client = &*row.client;
    let bytes = |value: Option<u64>| value.map_or(NONE.to_owned(), text::bytes);
    let commands = row.command_rate.map_or(NONE.to_owned(), per_second);
    let total = client.commands.map_or(NONE.to_owned(), text::thousands);
    let waits = client.output_list.filter(|waits| *waits > 0);
    let waits = waits.map(|waits| format!(" in {} replies", text::thousands(waits))).unwrap_or_default();
    vec![
        Fact::plain("commands", format!("{total}, {commands}")),
        Fact::plain("it sent", format!("{}, {}", bytes(client.net_in), bytes_per_second(row.in_rate))),
        Fact::plain("it got", format!("{}, {}", bytes(client.net_out), bytes_per_second(row.out_rate))),
        Fact::plain("query buf", bytes(client.query_buffer)),
        Fact::plain("to be read", format!("{}{waits}", bytes(client.output_memory))),
        Fact::plain("memory", bytes(client.memory)),
    ]
}

/// Its last turns, newest first.
fn history(app: &App, row: &ClientRow) -> Vec<Fact> {
    if row.history.is_empty() {
        return vec![Fact::known("history", None)];
    }
    let turns = row.history.iter().rev().enumerate();
    turns
        .map(|(at, turn)| {
            let command =
                turn.command.as_deref().map(|command| format!("  after {}", text::escape_str(command)));
            let said =
                format!("{:<11}  {}{}", turn.state.word(), when(app, turn.at), command.unwrap_or_default());
            Fact::plain(if at == 0 { "history" } else { "" }, said)
        })
        .collect()
}

/// The judgements that speak of it, or of a group it is in.
fn lints(app: &App, row: &ClientRow) -> Vec<Fact> {
    let target = app.lists.marks().target(row.node).unwrap_or_default();
    let of_it = |lint: &&std::sync::Arc<LintRow>| match &lint.about {
        About::Client(node, id) => (*node, *id) == (row.node, row.client.id),
        About::Group(by, label) => by.is_of(row, target, label),
        _ => false,
    };
    let lints = app.shown.lints.iter().filter(of_it).map(|lint| {
        let role: Role = match lint.severity {
            Severity::Warn => |theme| theme.warn,
            Severity::Bad => |theme| theme.bad,
        };
        let said = format!("{} {}: {}", mark(lint.severity), lint.id, text::escape_str(&lint.evidence));
        Fact::new("lint", said, role)
    });
    lints.collect()
}

/// The line of CLIENT LIST, field by field as the server names them.
fn raw(client: &Client) -> String {
    let mut fields: Vec<String> = vec![format!("id={}", client.id), format!("addr={}", client.addr)];
    let mut add =
        |name: &str, value: Option<String>| fields.extend(value.map(|value| format!("{name}={value}")));
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let text = |value: &Option<std::sync::Arc<str>>| value.as_deref().map(str::to_owned);
    add("laddr", text(&client.laddr));
    add("fd", client.fd.map(|fd| fd.to_string()));
    add("name", text(&client.name));
    add("age", Some(client.age.to_string()));
    add("idle", Some(client.idle.to_string()));
    add("flags", Some(client.flags.to_string()));
    add("db", number(client.db));
    add("multi", number(client.multi));
    add("watch", number(client.watch));
    add("qbuf", number(client.query_buffer));
    add("oll", number(client.output_list));
    add("omem", number(client.output_memory));
    add("tot-mem", number(client.memory));
    add("cmd", text(&client.command));
    add("user", text(&client.user));
    add("redir", number(client.redirect));
    add("resp", number(client.resp));
    add("lib-name", text(&client.lib_name));
    add("lib-ver", text(&client.lib_version));
    add("tot-net-in", number(client.net_in));
    add("tot-net-out", number(client.net_out));
    add("tot-cmds", number(client.commands));
    fields.extend(text(&client.more));
    crate::text::escape_str(&fields.join(" ")).into_owned()
}

fn library(client: &Client) -> Option<String> {
    let version = client.lib_version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let name = client.lib_name.as_deref().filter(|name| !name.is_empty())?;
    Some(text::escape_str(&format!("{name}{version}")).into_owned())
}

fn words(words: Option<&str>) -> Option<String> {
    words.filter(|words| !words.is_empty()).map(|words| text::escape_str(words).into_owned())
}
