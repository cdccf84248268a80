//! A compact text for a person at a terminal or in a log: no colour, no escape, one idea a line.

use std::fmt::Write;

use super::{Change, Listing, library};
use crate::event::{Stamp, Whose};
use crate::fields::Marks;
use crate::report::UNKNOWN;
use crate::report::table::{Table, line};
use crate::report::text::{dropped, lint, name};
use crate::snapshot::{ClientRow, GroupBy, GroupRow, LookRow, NodeRow, Snapshot, group_words};
use crate::text::{age, bytes, duration, escape_str, thousands};

/// Which column says what the last look changed.
const CHANGE: usize = 2;

/// Rows listed; a server of thousands of clients is for the other forms.
const ROWS: usize = 100;

/// The snapshot as a compact text, with a newline at its end.
pub fn text(snapshot: &Snapshot, listing: &Listing, change: Option<&Change>) -> String {
    let mut out = String::new();
    for row in &snapshot.nodes {
        server(&mut out, snapshot, row);
    }
    let marks = Marks::of_snapshot(snapshot);
    line(&mut out, "");
    if listing.by() == GroupBy::None {
        clients(&mut out, snapshot, listing, &marks);
    } else {
        groups(&mut out, snapshot, listing, &marks, change.is_some());
    }
    if let Some(change) = change {
        changed(&mut out, snapshot, listing, change);
    }
    if !snapshot.lints.is_empty() {
        line(&mut out, "");
    }
    for row in &snapshot.lints {
        lint(&mut out, snapshot, row);
    }
    dropped(&mut out, snapshot);
    out
}

fn server(out: &mut String, snapshot: &Snapshot, row: &NodeRow) {
    let version = row.server.version.as_deref().map_or_else(|| UNKNOWN.to_owned(), name);
    let mut said = format!("server    {}  {version}", name(&row.target));
    if let Some(found) = &row.found {
        let _ = write!(said, "  ({})", name(found));
    }
    let clients = row.connected.or(row.look.map(|look| look.all()));
    let _ = write!(said, "  clients {}", clients.map_or_else(|| UNKNOWN.to_owned(), thousands));
    if let Some(max) = row.max {
        let _ = write!(said, " of {}", thousands(max));
    }
    if let Some(blocked) = row.blocked {
        let _ = write!(said, "  blocked {}", thousands(blocked));
    }
    if let Some(rate) = row.opening_rate {
        let _ = write!(said, "  opened {rate:.1}/s");
    }
    for (word, number) in [("rejected", row.rejected), ("evicted", row.evicted)] {
        if let Some(number) = number.filter(|number| *number > 0) {
            let _ = write!(said, "  {word} {}", thousands(number));
        }
    }
    if row.stopped {
        said.push_str("  watched no more");
    }
    line(out, &said);
    if let Some(lost) = &row.server.lost {
        let (gone, again) = (snapshot.as_of.since(lost.since), lost.retry_at.since(snapshot.as_of));
        let again =
            if again.is_zero() { "retrying now".to_owned() } else { format!("retry in {}", duration(again)) };
        line(out, &format!("          lost {} ago, {again}: {}", duration(gone), escape_str(&lost.error)));
    }
    if let Some(look) = row.look {
        line(out, &format!("look      {}", looked(&look, snapshot.as_of)));
        look.gaps().for_each(|gap| line(out, &format!("missing   {gap}")));
    }
    for refused in &row.refused {
        // The sentence says which rule is missing, and what the server said.
        let said = if refused.error.starts_with(&refused.command) {
            refused.error.clone()
        } else {
            format!("{}: {}", refused.command, refused.error)
        };
        line(out, &format!("refused   {}", escape_str(&said)));
    }
    for (process, count) in &row.unix_shares {
        let process = format!("{} {}", process.pid, process.name);
        line(out, &format!("unix      {}  {} of its clients", name(&process), thousands(*count)));
    }
}

/// What a look costs the server, and how old it is.
fn looked(look: &LookRow, as_of: Stamp) -> String {
    let whose = if look.told { "as it says itself" } else { "as measured from here" };
    let mut share = format!("{:.2}", look.share() * 100.0);
    if share == "0.00" {
        "<0.01".clone_into(&mut share);
    }
    format!(
        "{} ago, every {}; {} in {}; {share}% of the server's time, {whose}",
        duration(as_of.since(look.at)),
        duration(look.interval),
        bytes(look.bytes),
        duration(look.took),
    )
}

/// The groups. Below them stands what changed in the whole time where that was `timed`: what the last look changed is of
/// no worth then.
fn groups(out: &mut String, snapshot: &Snapshot, listing: &Listing, marks: &Marks, timed: bool) {
    let rows = listing.groups(snapshot, marks);
    let mut titles = vec![
        listing.by().word(),
        ">clients",
        ">change",
        ">grown",
        ">opened/s",
        ">waiting",
        ">oldest",
        ">idle",
        ">memory",
        if listing.by() == GroupBy::Process { ">pid" } else { "" },
    ];
    let timed = timed.then_some(CHANGE);
    timed.map(|at| titles.remove(at));
    let mut table = Table::new(&titles);
    for row in rows.iter().take(ROWS) {
        let mut cells = group(row);
        timed.map(|at| cells.remove(at));
        table.row(cells);
    }
    table.write(out);
    more(out, rows.len());
    let sum =
        |count: fn(&GroupRow) -> u64| rows.iter().fold(0, |sum: u64, row| sum.saturating_add(count(row)));
    let all = snapshot.groups.by(listing.by()).iter().map(|row| row.count);
    let all = all.fold(left_out(snapshot), u64::saturating_add);
    line(out, &total(sum(|row| row.count), all, sum(|row| row.own)));
}

fn group(row: &GroupRow) -> Vec<String> {
    vec![
        format!("{}{}", name(&group_words(&row.label)), if row.flagged { " !" } else { "" }),
        match row.of {
            Some(of) => format!("{} of {}", thousands(row.count), thousands(of)),
            None => thousands(row.count),
        },
        row.change.map_or_else(|| UNKNOWN.to_owned(), signed),
        row.grown.map_or_else(|| UNKNOWN.to_owned(), signed),
        match row.opening_rate {
            None => UNKNOWN.to_owned(),
            Some(rate) if rate > 0.0 => format!("{rate:.1}"),
            Some(_) => "0".to_owned(),
        },
        thousands(row.waiting),
        age(row.oldest),
        age(row.longest_idle),
        row.memory.map_or_else(|| UNKNOWN.to_owned(), bytes),
        // The label has it at its end, which a long command line leaves no room for.
        row.process.as_ref().map_or_else(String::new, |process| process.pid.to_string()),
    ]
}

/// `+3`, `-1`, `0`.
fn signed(number: i64) -> String {
    let sign = match number {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", thousands(number.unsigned_abs()))
}

/// The line below a table.
fn total(listed: u64, all: u64, own: u64) -> String {
    let mut said = format!("{} {}", thousands(listed), if listed == 1 { "client" } else { "clients" });
    if listed != all {
        let _ = write!(said, " of {}", thousands(all));
    }
    if own > 0 {
        let _ = write!(said, ", {} of them this program's own", thousands(own));
    }
    said
}

fn clients(out: &mut String, snapshot: &Snapshot, listing: &Listing, marks: &Marks) {
    let rows = listing.clients(snapshot, marks);
    let several = snapshot.nodes.len() > 1;
    let mut headings = vec![
        ">client", "addr", "name", "process", "state", ">age", ">idle", ">db", "user", "library", "last",
        ">memory", ">cmds/s",
    ];
    if several {
        headings.insert(0, "server");
    }
    let mut table = Table::new(&headings);
    for row in rows.iter().take(ROWS) {
        let mut cells = client(row, snapshot.as_of);
        if several {
            cells.insert(0, marks.target(row.node).map_or_else(|| UNKNOWN.to_owned(), name));
        }
        table.row(cells);
    }
    table.write(out);
    more(out, rows.len());
    let own = rows.iter().filter(|row| row.own).count();
    let all = left_out(snapshot).saturating_add(snapshot.clients.len() as u64);
    line(out, &total(rows.len() as u64, all, own as u64));
}

/// Clients that have no row.
fn left_out(snapshot: &Snapshot) -> u64 {
    let looks = snapshot.nodes.iter().filter(|row| !row.stopped).filter_map(|row| row.look);
    looks.fold(0, |sum, look| sum.saturating_add(look.left_out))
}

fn client(row: &ClientRow, as_of: Stamp) -> Vec<String> {
    let told = row.client.as_ref();
    let text = |text: Option<&str>| name(text.unwrap_or_default());
    let mark = if row.flagged { " !" } else { "" };
    let ours = if row.own { " (ours)" } else { "" };
    vec![
        told.id.to_string(),
        name(&told.addr),
        format!("{}{ours}", text(told.name.as_deref())),
        owner(row),
        format!("{}{mark}", row.state.word()),
        age(row.age(as_of)),
        age(row.idle(as_of)),
        told.db.map_or_else(|| UNKNOWN.to_owned(), |db| db.to_string()),
        text(told.user.as_deref()),
        text(library(told).as_deref()),
        text(told.command.as_deref()),
        told.memory.map_or_else(|| UNKNOWN.to_owned(), bytes),
        row.command_rate.map_or_else(|| UNKNOWN.to_owned(), |rate| format!("{rate:.1}")),
    ]
}

fn owner(row: &ClientRow) -> String {
    match (row.process(), &row.whose) {
        (Some(process), _) => name(&format!("{} {}", process.pid, process.name)),
        (None, Some(other @ (Whose::Hidden { .. } | Whose::Namespace | Whose::Remote | Whose::Gone))) => {
            format!("({})", other.word())
        }
        _ => UNKNOWN.to_owned(),
    }
}

fn more(out: &mut String, rows: usize) {
    if let Some(more) = rows.checked_sub(ROWS).filter(|more| *more > 0) {
        line(out, &format!("and {} more", thousands(more as u64)));
    }
}

fn changed(out: &mut String, snapshot: &Snapshot, listing: &Listing, change: &Change) {
    line(out, "");
    let grown = change.groups(snapshot, listing);
    let nothing = listing.by() != GroupBy::None && grown.is_empty();
    let nothing = if nothing { ": no group grew or shrank" } else { "" };
    line(out, &format!("changed in {}{nothing}", duration(change.lasted(snapshot))));
    let mut table = Table::headless("<><>>");
    for group in grown.iter().take(ROWS) {
        let (before, after) = (thousands(group.before), thousands(group.after));
        let cells = [format!("  {}", name(&group_words(&group.label))), before, "→".to_owned(), after];
        table.row(cells.into_iter().chain([signed(group.by())]).collect());
    }
    table.write(out);
    more(out, grown.len());
    for node in snapshot.nodes.iter().filter(|node| node.unseen > 0) {
        let unseen = thousands(node.unseen);
        line(out, &format!("  {}: {unseen} clients came and went between two looks", name(&node.target)));
    }
    for row in change.over(snapshot).iter().take(ROWS) {
        let raised = duration(snapshot.as_of.since(row.since));
        line(out, &format!("  over now, raised {raised} ago: {} {}", row.id, escape_str(&row.evidence)));
    }
}
