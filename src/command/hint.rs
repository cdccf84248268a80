//! What remains to be typed, in the syntax that help shows: ` key value [NX|XX] …`.

use super::builtin::{self, Entry};
use super::matching::{Matched, Node, open_groups};
use super::pipe;
use super::registry::Registry;
use super::spec::{Arg, ArgKind, Spec, Table};
use super::typed::{Owner, Typed, bytes, inner_command, owner};

impl Registry {
    /// What remains to be typed after a line, as it would stand there: with a blank before it unless the line ends in
    /// one. `None` where nothing remains, where a word does not fit, or where nothing is known of the command.
    pub fn hint(&self, line: &str) -> Option<String> {
        let typed = Typed::new(line.as_bytes());
        if typed.marks.job || pipe::split(line).is_some() {
            return None;
        }
        let table = self.table();
        let on_connection = typed.marks.on.is_some();
        // The word under the cursor counts if it fits; else it is taken for the beginning of what comes next.
        let all = bytes(typed.command());
        let rest = remaining(&all, on_connection, &table).or_else(|| {
            typed.in_word.then(|| begun(&all, &typed.ended(), on_connection, &table)).flatten()
        })?;
        let blank = if typed.in_word && !rest.is_empty() { " " } else { "" };
        Some(format!("{blank}{rest}")).filter(|hint| !hint.is_empty())
    }

    /// What there is to say of the command that is being typed: `SET: since 1.0.0 · O(1)`.
    pub fn note(&self, line: &str) -> Option<String> {
        let typed = Typed::new(line.as_bytes());
        let table = self.table();
        match owner(&bytes(typed.command()), typed.marks.on.is_some(), &table) {
            Owner::Builtin(entry) => Some(format!("{}: {}", entry.name(), entry.summary)),
            Owner::Redis(spec, _) => Some(note(spec)),
            Owner::BuiltinBegun | Owner::Unknown => None,
        }
    }
}

fn note(spec: &Spec) -> String {
    let mut note = format!("{}: since {}", spec.name, spec.since);
    if !spec.complexity.is_empty() {
        note.push_str(" · ");
        note.push_str(&spec.complexity);
    }
    if let Some(instead) = &spec.replaced_by {
        note.push_str(" · deprecated: ");
        note.push_str(instead);
    }
    note
}

/// What remains after these words; `None` where they do not fit or are not known.
fn remaining(words: &[&[u8]], on_connection: bool, table: &Table) -> Option<String> {
    match owner(words, on_connection, table) {
        Owner::Builtin(entry) => builtin_rest(entry, words, table),
        Owner::BuiltinBegun => {
            let next = builtin::next_words(words);
            (!next.is_empty()).then(|| next.join("|"))
        }
        Owner::Redis(spec, name) => {
            if !spec.subcommands.is_empty() && spec.arguments.is_empty() {
                return (words.len() == name).then(|| "subcommand".to_owned());
            }
            let matched = Matched::new(&spec.arguments, &words[name..]);
            matched.fits.then(|| sequence(&matched.nodes))
        }
        Owner::Unknown => None,
    }
}

/// What may come instead of a word that is not whole: of a built-in's words, those that begin so.
fn begun(all: &[&[u8]], ended: &[&[u8]], on_connection: bool, table: &Table) -> Option<String> {
    let Owner::BuiltinBegun = owner(ended, on_connection, table) else {
        return remaining(ended, on_connection, table);
    };
    let word = all.last()?;
    let mut next = builtin::next_words(ended);
    next.retain(|next| {
        next.as_bytes().get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    });
    (!next.is_empty()).then(|| next.join("|"))
}

fn builtin_rest(entry: &Entry, words: &[&[u8]], table: &Table) -> Option<String> {
    if let Some(inner) = inner_command(entry).filter(|inner| words.len() > *inner) {
        return remaining(&words[inner..], true, table);
    }
    let typed = words.len() - entry.words.len();
    let rest = entry.syntax.split_inclusive(' ').skip(typed).collect::<String>();
    (typed <= entry.params.len() || inner_command(entry).is_some()).then_some(rest)
}

/// The syntax of arguments of which nothing has been typed.
pub(super) fn syntax(args: &[Arg]) -> String {
    join(args.iter().map(whole))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn whole(arg: &Arg) -> String {
    let once = once(arg, true);
    let all = if arg.multiple { format!("{once} {}", more(arg)) } else { once };
    if arg.optional { format!("[{all}]") } else { all }
}

/// An argument as it may come again: `[key ...]`.
fn more(arg: &Arg) -> String {
    format!("[{} ...]", once(arg, arg.token_repeats))
}

fn once(arg: &Arg, with_token: bool) -> String {
    let token = arg
        .token
        .as_deref()
        .filter(|_| with_token)
        .map(|token| if token.is_empty() { "\"\"" } else { token });
    let body = match arg.kind {
        ArgKind::PureToken => String::new(),
        ArgKind::OneOf => choices(arg),
        ArgKind::Block => syntax(&arg.parts),
        _ => arg.name.to_string(),
    };
    join(token.map(str::to_owned).into_iter().chain([body]))
}

fn choices(arg: &Arg) -> String {
    arg.parts.iter().map(whole).collect::<Vec<_>>().join("|")
}

/// What remains of arguments in order: of neighbouring optional ones, first what has been begun.
fn sequence(nodes: &[Node<'_>]) -> String {
    join(open_groups(nodes).flat_map(|group| {
        let (begun, untouched): (Vec<_>, Vec<_>) =
            group.iter().filter(|node| !node.barred()).partition(|node| node.words > 0);
        begun.into_iter().map(rest).chain(untouched.into_iter().map(|node| whole(node.arg)))
    }))
}

/// What remains of an argument of which something has been typed.
fn rest(node: &Node<'_>) -> String {
    let arg = node.arg;
    let rest = if node.whole {
        String::new()
    } else {
        match arg.kind {
            ArgKind::Block => sequence(&node.parts),
            ArgKind::OneOf => node.chosen().map_or_else(|| choices(arg), rest),
            ArgKind::PureToken => String::new(),
            _ => arg.name.to_string(),
        }
    };
    let more = if node.repeats() { more(arg) } else { String::new() };
    join([rest, more].into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn hints(cases: &[(&str, &str)]) {
        let registry = Registry::new();
        for (line, hint) in cases {
            assert_eq!(registry.hint(line).unwrap_or_default(), *hint, "{line:?}");
        }
    }

    const SET: &str = "[NX|XX|IFEQ comparison-value] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|\
                       PXAT unix-time-milliseconds|KEEPTTL]";

    #[test]
    fn what_remains_as_redis_cli_shows_it() {
        hints(&[
            ("GET ", "key"),
            ("GET abc ", ""),
            ("DECRBY xyz ", "decrement"),
            ("LPOP key ", "[count]"),
            ("XRANGE ", "key start end [COUNT count]"),
            ("XRANGE k 4 2 COU", " [COUNT count]"),
            ("XRANGE k 4 2 COUNT ", "count"),
            ("BITFIELD_RO k ", "[GET encoding offset [GET encoding offset ...]]"),
            ("BITFIELD_RO k GET xyz ", "offset [GET encoding offset ...]"),
            ("BITFIELD_RO k GET xyz 12 ", "[GET encoding offset ...]"),
            ("BITFIELD_RO k GET enc1 12 GET enc2 ", "offset [GET encoding offset ...]"),
            ("CONFIG SET param ", "value [parameter value ...]"),
            ("CONFIG SET param val param2 val2 ", "[parameter value ...]"),
            ("ZRANDMEMBER k ", "[count [WITHSCORES]]"),
            ("ZRANDMEMBER k 3 ", "[WITHSCORES]"),
            ("ZRANDMEMBER k cnt ", ""),
            ("MGET ", "key [key ...]"),
            ("MGET k k ", "[key ...]"),
            ("SCAN 2 COUNT ", "count [MATCH pattern] [TYPE type]"),
            ("BLMOVE src dst LEFT ", "LEFT|RIGHT timeout"),
            ("ZRANGE k 1 2 bylex rev ", "[LIMIT offset count] [WITHSCORES]"),
            ("ZRANGE k 1 2 limit 2 4 ", "[BYSCORE|BYLEX] [REV] [WITHSCORES]"),
            ("SET key value ", SET),
            ("SET key value EX ", "seconds [NX|XX|IFEQ comparison-value] [GET]"),
            ("SET key value EX 23 ", "[NX|XX|IFEQ comparison-value] [GET]"),
            ("SET key value FOOBAR ", ""),
            ("SET key value EX sec ", ""),
            (
                "GEORADIUS key 1 2 3 M COUNT 12 ",
                "[ANY] [WITHCOORD] [WITHDIST] [WITHHASH] [ASC|DESC] [STORE key|STOREDIST key]",
            ),
            (
                "GEORADIUS key 1 2 3 M COUNT 12 ASC ",
                "[WITHCOORD] [WITHDIST] [WITHHASH] [STORE key|STOREDIST key]",
            ),
            ("GEORADIUS key 1 X ", ""),
            ("ZADD key CH LT ", "[NX|XX] [INCR] score member [score member ...]"),
            ("ZADD key 0 ", "member [score member ...]"),
            (
                "MIGRATE host 1 ",
                "key|\"\" destination-db timeout [COPY] [REPLACE] [AUTH password|AUTH2 username password] [KEYS key [key ...]]",
            ),
        ]);
    }

    #[test]
    fn the_word_under_the_cursor_counts_where_it_fits() {
        hints(&[
            ("GET", " key"),
            ("get us", ""),
            ("SET k", &format!(" value {SET}")),
            ("client kil", " subcommand"),
            ("client", " subcommand"),
            ("5 #3 get", " key"),
            ("get \"open", ""),
            ("unheard ", ""),
            ("", ""),
            ("get a &", ""),
        ]);
    }

    #[test]
    fn a_count_says_how_many_keys_come() {
        hints(&[
            ("SINTERCARD 2 a ", "[key ...] [LIMIT limit]"),
            ("SINTERCARD 2 a b ", "[LIMIT limit]"),
            ("SINTERCARD 2 a b LIMIT ", "limit"),
            ("EVAL script 0 x ", "[arg ...]"),
            ("WAITAOF 0 0 ", "timeout"),
        ]);
    }

    #[test]
    fn builtins_are_hinted_from_their_table() {
        hints(&[
            ("pool hold", " [n]"),
            ("POOL HOLD ", "[n]"),
            ("POOL HOLD 3 ", ""),
            ("POOL CONFIG ", "GET|SET"),
            ("POOL CONFIG SET a ", "value"),
            ("POOL BURST ", "n command [arg ...]"),
            ("POOL BURST 5 ", "command [arg ...]"),
            ("POOL BURST 5 GET ", "key"),
            ("? ", "[command|@group|lints]"),
            ("POOL le", " LEAK|LEAKS"),
            ("POOL LEK", ""),
            ("POOL CONFIG LIST", ""),
        ]);
        assert!(Registry::new().hint("POOL ").unwrap().starts_with("STATS|LIST|HOLD"));
    }

    #[test]
    fn notes_tell_since_and_complexity() {
        let registry = Registry::new();
        assert_eq!(registry.note("get a").as_deref(), Some("GET: since 1.0.0 · O(1)"));
        assert!(registry.note("POOL HOLD 3").unwrap().starts_with("POOL HOLD: Takes"));
        assert_eq!(registry.note("nothing known"), None);
    }
}
