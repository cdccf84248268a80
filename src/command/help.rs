//! HELP: where to begin, one command in redis-cli's form, a group, and the pool's own words.

use crate::explain;

use super::builtin::{self, BUILTINS, Entry};
use super::danger::{ASKED, ASKED_TYPED, NOT_ASKED};
use super::hint::syntax;
use super::registry::Registry;
use super::spec::{Spec, Table};
use crate::nearest::nearest;

impl Registry {
    /// The text for `HELP topic…`: lines with no line break at the end. `Err` is one sentence with the nearest name,
    /// and with the topic in it as it was typed: escape it before a terminal.
    pub fn help<S: AsRef<str>>(&self, topic: &[S]) -> Result<String, String> {
        let table = self.table();
        let words: Vec<&str> = topic.iter().map(AsRef::as_ref).collect();
        let Some(first) = words.first() else { return Ok(overview(&table)) };
        if let Some(group) = first.strip_prefix('@') {
            return self::group(group, &table);
        }
        if let Some(text) = lint_help(&words) {
            return Ok(text);
        }
        let ours = builtin_help(&words);
        let theirs = command_help(&words, &table);
        match (ours, theirs) {
            (None, None) => Err(unknown(&words, &table)),
            // QUIT is a command of ours and of the server's; ours is what a line means.
            (Some(text), _) | (None, Some(text)) => Ok(text),
        }
    }
}

/// A lint's page, or all of them in a line each. No command is called as a lint is.
fn lint_help(words: &[&str]) -> Option<String> {
    let [word] = words else { return None };
    let word = word.to_ascii_lowercase();
    if word == "lints" || word == "lint" {
        return Some(format!("{}HELP and a name tells how it is measured and what to do", explain::list()));
    }
    explain::page(&word).map(|page| explain::plain(page).trim_end().to_owned())
}

/// What a line of ours may be, and what it does.
pub(crate) fn ours() -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> =
        BUILTINS.iter().map(|entry| (entry.usage(), entry.summary.to_owned())).collect();
    rows.push(("#id command".into(), "Sends a command on a connection that POOL HOLD took.".into()));
    rows.push(("n command".into(), "Runs a command n times.".into()));
    rows.push(("command &".into(), "Runs a command as a job, on a connection of its own.".into()));
    rows.push((
        "command | shell command".into(),
        "Sends what a typed command gives to one of your shell.".into(),
    ));
    rows
}

fn overview(table: &Table) -> String {
    let rows = ours();
    format!(
        "A Redis command runs on a connection from the pool, and the pool shows what that took. Its own commands are\n\n\
         {}\n\nHELP SET explains a Redis command, HELP @string lists a group, HELP lints what is judged. The groups are\n\n{}\n\n\
         Some commands ask first\n\n{}",
        columns(&rows),
        wrap(&groups(table).iter().map(|group| format!("@{group}")).collect::<Vec<_>>()),
        wrap(&asked().split(' ').map(str::to_owned).collect::<Vec<_>>()),
    )
}

/// Which commands ask before they run.
fn asked() -> String {
    format!(
        "{ASKED}. Where a profile has confirm = \"typed\", its name is to be typed, and these ask too: {ASKED_TYPED}. \
         {NOT_ASKED}."
    )
}

fn groups(table: &Table) -> Vec<&str> {
    let mut groups: Vec<&str> =
        table.specs().iter().map(|spec| &*spec.group).filter(|group| !group.is_empty()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn group(name: &str, table: &Table) -> Result<String, String> {
    let rows: Vec<_> =
        table.specs().iter().filter(|spec| spec.group.eq_ignore_ascii_case(name)).map(one_line).collect();
    if !rows.is_empty() {
        return Ok(columns(&rows));
    }
    let groups = groups(table);
    Err(match nearest(name, groups.iter().copied()) {
        Some(near) => format!("there is no group '@{name}': did you mean @{near}?"),
        None => format!("there is no group '@{name}': there are @{}", groups.join(", @")),
    })
}

fn one_line(spec: &Spec) -> (String, String) {
    (spec.name.to_string(), spec.summary.to_string())
}

fn builtin_help(words: &[&str]) -> Option<String> {
    if let Some(entry) = builtin::find(words).filter(|entry| entry.words.len() == words.len()) {
        return Some(entry_help(entry));
    }
    let begins = |entry: &&Entry| {
        entry.words.len() > words.len()
            && entry.words.iter().zip(words).all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    let rows: Vec<_> =
        BUILTINS.iter().filter(begins).map(|entry| (entry.usage(), entry.summary.to_owned())).collect();
    (!rows.is_empty()).then(|| columns(&rows))
}

fn entry_help(entry: &Entry) -> String {
    let mut text = format!("  {}\n  summary: {}", entry.usage(), entry.summary);
    if !entry.examples.is_empty() {
        let examples = entry.examples.iter().map(|(line, what)| ((*line).to_owned(), (*what).to_owned()));
        text.push_str("\n  for example:\n");
        text.push_str(&columns(&examples.collect::<Vec<_>>()));
    }
    text
}

/// redis-cli's form, with the complexity; of a container, its subcommands.
fn command_help(words: &[&str], table: &Table) -> Option<String> {
    let spec = table.find(words).filter(|spec| spec.words() == words.len())?;
    let mut text = format!("  {} {}", spec.name, syntax(&spec.arguments)).trim_end().to_owned();
    let fields = [
        ("summary", &*spec.summary),
        ("since", &*spec.since),
        ("group", &*spec.group),
        ("complexity", &*spec.complexity),
        ("deprecated, use", spec.replaced_by.as_deref().unwrap_or_default()),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        text.extend(["\n  ", name, ": ", value]);
    }
    if !spec.subcommands.is_empty() {
        text.push_str("\n\n");
        text.push_str(&columns(&spec.subcommands.iter().map(one_line).collect::<Vec<_>>()));
    }
    Some(text)
}

fn unknown(words: &[&str], table: &Table) -> String {
    let topic = words.join(" ");
    let ours: Vec<String> = BUILTINS.iter().map(Entry::name).collect();
    let names =
        ours.iter()
            .map(String::as_str)
            .chain(["POOL", "lints"])
            .chain(explain::all().map(|(id, _)| id))
            .chain(table.specs().iter().flat_map(|spec| {
                [&*spec.name].into_iter().chain(spec.subcommands.iter().map(|sub| &*sub.name))
            }));
    match nearest(&topic, names) {
        Some(near) => format!("there is no help on '{topic}': did you mean {near}?"),
        None => format!("there is no help on '{topic}': HELP shows where to begin"),
    }
}

/// Two columns, the first as wide as its longest text within reason.
fn columns(rows: &[(String, String)]) -> String {
    const WIDEST: usize = 34;
    let width = rows.iter().map(|(left, _)| left.len()).filter(|len| *len <= WIDEST).max().unwrap_or(WIDEST);
    rows.iter().map(|(left, right)| format!("  {left:width$}  {right}")).collect::<Vec<_>>().join("\n")
}

/// Words in lines of under 80 columns.
fn wrap(words: &[String]) -> String {
    let mut lines = vec![String::from(" ")];
    for word in words {
        if let Some(line) = lines.last_mut().filter(|line| line.len() + word.len() < 78) {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(topic: &str) -> Result<String, String> {
        Registry::new().help(&topic.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn a_command_in_redis_clis_form() {
        assert_eq!(
            help("lpop").unwrap(),
            "  LPOP key [count]\n  summary: Returns and removes one or more elements from the beginning of a list. \
             Deletes the list if the last element was popped.\n  since: 1.0.0\n  group: list\n  complexity: O(N) where N is the number of \
             elements returned"
        );
        assert!(help("client kill").unwrap().starts_with("  CLIENT KILL "));
        assert!(help("client").unwrap().contains("\n  CLIENT KILL"));
        assert!(help("quit").unwrap().starts_with("  QUIT\n  summary: Closes the pool"));
    }

    #[test]
    fn groups_the_pool_and_where_to_begin() {
        assert!(help("@list").unwrap().lines().any(|line| line.starts_with("  BLPOP ")));
        let pool = help("pool").unwrap();
        assert!(pool.contains("  POOL HOLD [n] ") && pool.contains("POOL CONFIG SET name value"));
        assert!(help("pool config").unwrap().lines().count() == 2);
        assert!(help("POOL HOLD").unwrap().contains("for example:\n  POOL HOLD 3"));
        let overview = help("").unwrap();
        assert!(overview.contains("POOL STATS") && overview.contains("@sorted-set"));
        for entry in BUILTINS {
            assert!(help(&entry.name()).unwrap().starts_with(&format!("  {}\n", entry.usage())));
            assert!(overview.contains(&entry.usage()));
        }
        assert!(overview.lines().all(|line| line.len() < 140));
    }

    #[test]
    fn lints_are_topics() {
        let list = help("lints").unwrap();
        for (id, summary) in explain::all() {
            assert!(list.lines().any(|line| line.starts_with(id) && line.ends_with(summary)), "{id}: {list}");
            assert!(help(id).unwrap().contains("What is measured"), "{id}");
        }
        assert_eq!(help("LINTS"), help("lints"));
        assert!(help("Long-Hold").unwrap().starts_with("long-hold\n"));
        assert_eq!(help("long-hld").unwrap_err(), "there is no help on 'long-hld': did you mean long-hold?");
    }

    #[test]
    fn what_is_not_known_gets_the_nearest_name() {
        assert_eq!(help("gett").unwrap_err(), "there is no help on 'gett': did you mean GET?");
        assert_eq!(
            help("client kil").unwrap_err(),
            "there is no help on 'client kil': did you mean CLIENT KILL?"
        );
        assert_eq!(
            help("pool hodl").unwrap_err(),
            "there is no help on 'pool hodl': did you mean POOL HOLD?"
        );
        assert_eq!(help("@strin").unwrap_err(), "there is no group '@strin': did you mean @string?");
        assert!(help("qqqqqqqq").unwrap_err().ends_with("HELP shows where to begin"));
    }
}
