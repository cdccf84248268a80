//! The raw INFO CLIENTS, line by line, beside what each line was in an earlier reply: the one that was shown last.

use std::fmt::Write as _;

use super::{Fact, NONE, when};
use crate::snapshot::{ServerRow, Severity, Snapshot};
use crate::text;
use crate::tui::app::App;
use crate::tui::theme::mark;
use crate::tui::view::age;

/// The column that changes stand in, where the lines leave it free.
const CHANGES: usize = 40;

pub(super) fn title(app: &App) -> String {
    let server = &app.shown.server;
    let fresh = server.seen_at.map(|at| format!(", {} ago", age(app.shown.as_of.since(at))));
    let took = server.took.map(|took| format!(", took {}", text::duration(took)));
    format!(
        "INFO CLIENTS  {}{}{}",
        text::escape_str(&server.target),
        fresh.unwrap_or_default(),
        took.unwrap_or_default()
    )
}

pub(super) fn facts(app: &App, before: Option<&ServerRow>) -> Vec<Fact> {
    let server = &app.shown.server;
    if server.raw.is_empty() {
        return vec![Fact::new("", format!("{NONE} no reply yet"), |theme| theme.dim)];
    }
    let before = before.filter(|row| !row.raw.is_empty());
    let mut facts: Vec<Fact> = server.raw.lines().map(|line| fact(line, before)).collect();
    facts.extend(before.into_iter().flat_map(|row| &row.clients).filter_map(|(name, value)| {
        let still = server.clients.iter().any(|(known, _)| known == name);
        let line = text::escape_str(&format!("{name}:{value}")).into_owned();
        (!still).then(|| Fact::new("", changed('-', &line, "gone"), |theme| theme.warn))
    }));
    facts.extend(strays(&app.shown));
    facts.push(Fact::gap());
    let marked = facts.iter().any(|fact| fact.value.starts_with(['*', '+', '-']));
    let words = match before.and_then(|row| row.seen_at) {
        Some(at) if marked => format!("* + - changed since the reply of {}", when(app, at)),
        Some(at) => format!("nothing has changed since the reply of {}", when(app, at)),
        None => "nothing to compare with yet".to_owned(),
    };
    facts.push(Fact::new("", words, |theme| theme.dim));
    if before.is_some() {
        facts.push(Fact::new("", "changes are counted anew each time this is closed", |theme| theme.dim));
    }
    facts
}

/// The connections that no pool has.
fn strays(snapshot: &Snapshot) -> Vec<Fact> {
    if snapshot.strays.is_empty() {
        return Vec::new();
    }
    let mut facts = vec![Fact::gap(), Fact::new("", "  in no pool:", |theme| theme.warn)];
    facts.extend(snapshot.strays.iter().map(|stray| {
        let mut words = format!("{} {}", mark(Severity::Warn), stray.kind.word());
        let _ = stray.server_id.map(|id| write!(words, "  server id {id}"));
        let _ = stray.local.map(|local| write!(words, "  {local}"));
        let _ = stray.socket.map(|socket| write!(words, "  {}", socket.state.word()));
        let last = stray.client.as_ref().and_then(|client| client.command.as_deref());
        let _ = last.map(|command| write!(words, "  last {}", text::escape_str(command)));
        let _ = write!(words, "  for {}", age(snapshot.as_of.since(stray.since)));
        Fact::plain("", words)
    }));
    facts
}

/// One line of the reply, and what has changed in it.
fn fact(line: &str, before: Option<&ServerRow>) -> Fact {
    let safe = text::escape_str(line.trim_end_matches('\r'));
    let field = line.trim_end_matches('\r').split_once(':').filter(|_| !line.starts_with('#'));
    let (Some((name, value)), Some(before)) = (field, before) else {
        return Fact::plain("", format!("  {safe}"));
    };
    let old = before.clients.iter().find(|(known, _)| known == name).map(|(_, old)| old.as_str());
    match old {
        Some(old) if old == value => Fact::plain("", format!("  {safe}")),
        Some(old) => {
            let was = format!("was {}{}", text::escape_str(old), delta(old, value));
            Fact::new("", changed('*', &safe, &was), |theme| theme.warn)
        }
        None => Fact::new("", changed('+', &safe, "new"), |theme| theme.warn),
    }
}

fn changed(mark: char, line: &str, words: &str) -> String {
    let pad = CHANGES.saturating_sub(text::width(line)).max(2);
    format!("{mark} {line}{:pad$}{words}", "")
}

/// `, +5` where both are numbers.
fn delta(old: &str, new: &str) -> String {
    let (Ok(old), Ok(new)) = (old.parse::<i128>(), new.parse::<i128>()) else { return String::new() };
    match new.checked_sub(old) {
        Some(delta) => format!(", {delta:+}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_line_says_its_old_value_and_the_difference() {
        let before = ServerRow {
            clients: vec![("connected_clients".to_owned(), "9".to_owned()), ("mode".into(), "a".into())],
            ..ServerRow::default()
        };
        let said = |line| fact(line, Some(&before)).value;
        assert!(said("connected_clients:14\r").ends_with("  was 9, +5"), "{}", said("connected_clients:14"));
        assert!(said("connected_clients:2").ends_with("  was 9, -7"));
        assert_eq!(said("connected_clients:9"), "  connected_clients:9");
        assert!(said("mode:b").ends_with("  was a"));
        assert!(said("blocked_clients:1").ends_with("  new"));
        assert_eq!(said("# Clients"), "  # Clients");
        assert_eq!(fact("mode:b", None).value, "  mode:b");
    }
}
