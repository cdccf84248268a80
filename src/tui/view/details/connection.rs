//! Everything that is known of one connection.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Fact, Role, inside, seen, when};
use crate::event::{CreateSteps, Holder, TcpState};
use crate::snapshot::{About, Beliefs, ConnectionRow, LintRow, PastLease, RowState, Severity, Told, What};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::mark;
use crate::tui::view::{age, events};

pub(super) fn facts(app: &App, row: &ConnectionRow, exists: bool) -> Vec<Fact> {
    let mut facts = state(app, row, exists);
    facts.extend(lints(app, row));
    facts.push(Fact::gap());
    facts.push(last(row));
    facts.push(Fact::plain("uses", text::thousands(row.uses)));
    facts.push(Fact::plain("commands", text::thousands(row.commands)));
    facts.push(Fact::gap());
    facts.push(Fact::plain("id", row.id.to_string()));
    facts.push(Fact::known("server id", row.client_id().map(|id| id.to_string())));
    facts.push(Fact::known("local", row.local.map(|local| local.to_string())));
    let pool = app.shown.pools.iter().find(|pool| pool.id == row.pool);
    if exists {
        facts.extend(asked(app, row, pool.is_some_and(|pool| pool.inside.is_some())));
    }
    facts.push(Fact::known("pool", words(pool.map(|pool| &*pool.name))));
    facts.push(Fact::known("opened", row.opened.map(|opened| when(app, opened))));
    facts.push(Fact::known("create", row.steps.map(|steps| create(&steps))));
    facts.extend(leases(app, row));
    facts.extend(history(app, row));
    facts
}

/// Whether it is lent, and everything about the lease.
fn state(app: &App, row: &ConnectionRow, exists: bool) -> Vec<Fact> {
    let as_of = app.shown.as_of;
    let mut facts = Vec::new();
    if !exists {
        return ended(app, row);
    }
    match &row.state {
        RowState::Available { since } => {
            let word = format!("available for {}", age(as_of.since(*since)));
            facts.push(Fact::new("state", word, |theme| theme.available));
        }
        RowState::InUse { since, holder, pinned } => {
            if row.dead_since.is_some() {
                facts.push(Fact::new("state", "dead: the server closed it", |theme| theme.bad));
            } else {
                facts.push(Fact::new("state", "in use", |theme| theme.in_use));
            }
            facts.push(Fact::plain("held for", age(as_of.since(*since))));
            facts.extend(taken(app, holder, pinned.as_deref()));
        }
    }
    let idle = match (row.idle_for(as_of), row.busy_since) {
        (Some(idle), _) => match &row.state {
            RowState::Available { .. } => age(idle),
            RowState::InUse { since, .. } if row.last_active > *since => {
                format!("{}: nothing sent or received since", age(idle))
            }
            RowState::InUse { .. } => format!("{}: nothing sent yet by its holder", age(idle)),
        },
        (None, since) => {
            let waited = since.map_or(Duration::ZERO, |since| as_of.since(since));
            format!("busy: a reply is awaited for {}", age(waited))
        }
    };
    facts.push(Fact::plain("idle", idle));
    facts
}

/// What the server and the kernel said of it, where they were asked; of an app's pool also that they were not.
fn asked(app: &App, row: &ConnectionRow, inside: bool) -> Vec<Fact> {
    let unknown = || inside.then(|| vec![Fact::known("server says", None), Fact::known("kernel says", None)]);
    let believed = || row.beliefs.as_ref().map(|beliefs| believed(beliefs, row).into());
    seen::of_connection(app, row).or_else(believed).or_else(unknown).unwrap_or_default()
}

/// What the server and the kernel believe of it.
fn believed(beliefs: &Beliefs, row: &ConnectionRow) -> [Fact; 2] {
    let role: Role = if row.is_half_open() { |theme| theme.bad } else { |theme| theme.text };
    let server = match &beliefs.server {
        Told::Unknown => Fact::known("server says", None),
        Told::None => Fact::new("server says", "there is no such client", role),
        Told::Some(client) => {
            let did = client
                .command
                .as_deref()
                .map_or("nothing yet".to_owned(), |command| format!("last {}", text::escape_str(command)));
            let (idle, flags) = (age(Duration::from_secs(client.idle)), text::escape_str(&client.flags));
            Fact::plain("server says", format!("{did}, idle {idle}, flags {flags}"))
        }
    };
    let kernel = match &beliefs.kernel {
        Told::Unknown => Fact::known("kernel says", None),
        Told::None => Fact::new("kernel says", "there is no such socket", role),
        Told::Some(socket) => {
            let closed = socket.state == TcpState::CloseWait;
            Fact::new("kernel says", socket.state.word(), if closed { role } else { |theme| theme.text })
        }
    };
    [server, kernel]
}

/// By whom it is held, or was.
fn taken(app: &App, holder: &Holder, pinned: Option<&str>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let place = words(holder.location.as_deref()).map(|place| match words(holder.function.as_deref()) {
        Some(function) => format!("{place} in {function}"),
        None => place,
    });
    if app.scene.is_inside() {
        // Its line is who has it: a thread or a task may have none but the main one's name.
        facts.push(Fact::known("taken at", place));
        facts.push(Fact::known("through", holder.how.map(|how| how.word().to_owned())));
        facts.extend(words(holder.label.as_deref()).map(|label| Fact::plain("within", label)));
    } else {
        facts.push(Fact::known("holder", words(holder.label.as_deref())));
        facts.extend(place.map(|place| Fact::plain("taken at", place)));
    }
    facts.extend(task(holder));
    facts.extend(left(app, holder));
    facts.extend(stack(holder));
    facts.extend(words(pinned).map(|by| Fact::plain("pinned by", by)));
    facts
}

/// The last command: its name, which is all that is kept of one; and whose it is, where that is not the holder.
fn last(row: &ConnectionRow) -> Fact {
    let whose = if row.last_sent().is_some() { "" } else { " by the lease before, and none by this one" };
    let name = words(row.last_command.as_deref());
    Fact::known("last", name.map(|name| format!("{name}{whose} (arguments are not kept)")))
}

fn task(holder: &Holder) -> Option<Fact> {
    holder.task.map(|task| Fact::plain("task", task.to_string()))
}

/// That who took it has ended without giving it back.
fn left(app: &App, holder: &Holder) -> Option<Fact> {
    let ago = age(app.shown.as_of.since(holder.ended?));
    Some(Fact::new("taker", format!("ended {ago} ago and left it behind"), |theme| theme.bad))
}

/// The stack that took it, a frame a line.
pub(super) fn stack(holder: &Holder) -> Vec<Fact> {
    let frames = holder.stack.iter().flat_map(|stack| stack.lines()).enumerate();
    frames
        .map(|(at, frame)| {
            Fact::plain(if at == 0 { "stack" } else { "" }, text::escape_str(frame).into_owned())
        })
        .collect()
}

fn words(words: Option<&str>) -> Option<String> {
    words.filter(|words| !words.is_empty()).map(|words| text::escape_str(words).into_owned())
}

/// What is to be said of a connection that is not there any more: nothing of it goes on.
fn ended(app: &App, row: &ConnectionRow) -> Vec<Fact> {
    let closed = app.shown.events.iter().rev().find_map(|event| match &event.what {
        What::Closed(id, reason) if *id == row.id && event.pool.is_none_or(|pool| pool == row.pool) => {
            Some((event.at, *reason))
        }
        _ => None,
    });
    let lost = app.lists.lost().iter().find(|lost| lost.row.id == row.id && lost.row.pool == row.pool);
    if let Some(lost) = lost {
        let mut facts = vec![Fact::new("state", inside::lost(lost), |theme| theme.bad)];
        if let RowState::InUse { holder, pinned, .. } = &row.state {
            facts.extend(taken(app, holder, pinned.as_deref()));
        }
        return facts;
    }
    let state = match closed {
        Some((at, reason)) => format!("closed: {}, {}", reason.word(), when(app, at)),
        None => "it is not in the pool any more; below is what was known last".to_owned(),
    };
    let mut facts = vec![Fact::new("gone", state, |theme| theme.warn)];
    if let RowState::InUse { since, holder, pinned } = &row.state {
        let held = closed.map(|(at, _)| format!("{}, until it was closed", age(at.since(*since))));
        facts.push(Fact::known("held for", held));
        facts.extend(taken(app, holder, pinned.as_deref()));
    }
    facts
}

/// The create time and its steps.
fn create(steps: &CreateSteps) -> String {
    let tls = steps.tls.map_or_else(String::new, |tls| format!(" + TLS {}", text::duration(tls)));
    format!(
        "{} = dial {}{tls} + handshake {}",
        text::duration(steps.total()),
        text::duration(steps.dial),
        text::duration(steps.handshake)
    )
}

/// The judgements that speak of it.
fn lints(app: &App, row: &ConnectionRow) -> Vec<Fact> {
    let mut facts = Vec::new();
    let of_it = |lint: &&LintRow| lint.about == About::Connection(row.pool, row.id);
    for lint in app.shown.lints.iter().map(|lint| &**lint).filter(of_it) {
        let role: Role = match lint.severity {
            Severity::Warn => |theme| theme.warn,
            Severity::Bad => |theme| theme.bad,
        };
        facts.push(Fact::gap());
        let words = format!("{} {}: {}", mark(lint.severity), lint.id, text::escape_str(&lint.evidence));
        facts.push(Fact::new("lint", words, role));
        facts.push(Fact::plain("advice", lint.advice));
    }
    facts
}

/// Its leases that are over, newest first. Many short ones between two looks are one line with the last of them: the
/// numbers say how many went by.
fn leases(app: &App, row: &ConnectionRow) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (at, lease) in row.past.iter().enumerate() {
        if at == 0 {
            facts.push(Fact::gap());
        }
        let name = if at == 0 { "leases" } else { "" };
        facts.push(Fact::plain(name, format!("{:>3}  {}", lease.nth, lent(app, lease))));
    }
    facts
}

/// `4.0 s ago  for 30 ms  7 commands, last GET  worker-2  jobs.rs:88`.
fn lent(app: &App, lease: &PastLease) -> String {
    let ago = age(app.shown.as_of.since(lease.until.unwrap_or(lease.since)));
    let mut words = format!("{ago} ago");
    if let Some(held) = lease.held() {
        let _ = write!(words, "  for {}", text::duration(held));
    }
    match &lease.ran {
        Some((0, _)) => words.push_str("  no command"),
        Some((commands, last)) => {
            let some = if *commands == 1 {
                "1 command".to_owned()
            } else {
                format!("{} commands", text::thousands(*commands))
            };
            let last =
                last.as_deref().map_or_else(String::new, |last| format!(", last {}", text::escape_str(last)));
            let _ = write!(words, "  {some}{last}");
        }
        None => {}
    }
    let holder = &lease.holder;
    for part in
        [self::words(holder.label.as_deref()), self::words(holder.location.as_deref())].into_iter().flatten()
    {
        let _ = write!(words, "  {part}");
    }
    words
}

/// Its own rare events, newest first.
fn history(app: &App, row: &ConnectionRow) -> Vec<Fact> {
    let own = app.shown.events.iter().rev().filter(|event| event.what.conn() == Some(row.id));
    let mut facts = Vec::new();
    for (at, event) in own.enumerate() {
        if at == 0 {
            facts.push(Fact::gap());
        }
        let words = text::escape_str(&events::sentence(&event.what)).into_owned();
        let ago = age(app.shown.as_of.since(event.at));
        facts.push(Fact::plain(if at == 0 { "events" } else { "" }, format!("{ago} ago  {words}")));
    }
    facts
}
