//! The commands, by what they work on. Each file ends in nothing but handlers and begins with its part of the table.
#![expect(clippy::unnecessary_wraps, reason = "handlers have one type, and some cannot fail")]
#![allow(clippy::wildcard_imports, reason = "the rows of the table are written in the words of `spec`")]

mod bits;
mod client;
mod client_kill;
mod connection;
mod docs;
mod expiry;
mod hash;
mod introspect;
mod keys;
mod list;
mod list_block;
mod pubsub;
mod random;
mod scan;
mod server;
mod set;
mod set_algebra;
mod string;
mod string_set;
mod transaction;
mod zset;
mod zset_algebra;
mod zset_pop;
mod zset_range;

use super::dispatch::Call;
use super::fault::Done;
use super::spec::Spec;

/// Every family's part of the table.
pub(crate) const FAMILIES: &[&[Spec]] = &[
    bits::COMMANDS,
    client::COMMANDS,
    connection::COMMANDS,
    expiry::COMMANDS,
    hash::COMMANDS,
    introspect::COMMANDS,
    keys::COMMANDS,
    list::COMMANDS,
    list_block::COMMANDS,
    pubsub::COMMANDS,
    scan::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    set_algebra::COMMANDS,
    string::COMMANDS,
    string_set::COMMANDS,
    transaction::COMMANDS,
    zset::COMMANDS,
    zset_algebra::COMMANDS,
    zset_pop::COMMANDS,
    zset_range::COMMANDS,
];

/// Answers a HELP subcommand: a head, and each subcommand with what it does.
fn help(call: &mut Call<'_>, command: &str, lines: &[(&str, &str)]) -> Done {
    call.reply.array(lines.len() * 2 + 3);
    call.reply.simple(&format!("{command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for (form, what) in lines {
        call.reply.simple(form);
        call.reply.simple(&format!("    {what}"));
    }
    call.reply.simple("HELP");
    call.reply.simple("    Print this help.");
    Ok(())
}

/// A range of indices as Redis takes it, negative ones from the end, cut to what is there; `None` when nothing is.
fn span(start: i64, stop: i64, length: usize) -> Option<std::ops::RangeInclusive<usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_end = |index: i64| if index < 0 { length.saturating_add(index) } else { index };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(length - 1));
    if start > stop {
        return None;
    }
    Some(usize::try_from(start).ok()?..=usize::try_from(stop).ok()?)
}

/// As [`span`], for strings: an end before the first byte is the first byte.
fn string_span(start: i64, end: i64, length: usize) -> Option<std::ops::RangeInclusive<usize>> {
    let first = -i64::try_from(length).unwrap_or(i64::MAX);
    span(start, end.max(first), length)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn indices_count_from_both_ends() {
        for (start, stop, length, expected) in [
            (0, -1, 3, Some(0..=2)),
            (-2, -1, 3, Some(1..=2)),
            (-9, 9, 3, Some(0..=2)),
            (2, 1, 3, None),
            (3, 9, 3, None),
            (0, -1, 0, None),
            (i64::MIN, i64::MAX, 2, Some(0..=1)),
        ] {
            assert_eq!(span(start, stop, length), expected, "{start} {stop} of {length}");
        }
    }
}
