//! COMMAND DOCS: what the table in `assets/` says of the commands that are here.

use crate::command::spec::{Arg, ArgKind, Spec as Doc, Table};
use crate::demo::dispatch::Call;
use crate::demo::fault::Done;
use crate::demo::reply::Reply;
use crate::demo::spec::{REGISTRY, Spec};

pub(super) fn command_docs(call: &mut Call<'_>) -> Done {
    let table = Table::embedded();
    let specs: Vec<&Spec> = match call.rest(2) {
        [] => REGISTRY.commands().collect(),
        names => names.iter().filter_map(|name| REGISTRY.by_name(name)).map(|found| found.spec).collect(),
    };
    let found: Vec<_> = specs.into_iter().filter_map(|spec| Some((spec, find(&table, spec)?))).collect();
    call.reply.map(found.len());
    for (spec, doc) in found {
        describe(call.reply, spec, doc);
    }
    Ok(())
}

fn find<'a>(table: &'a Table, spec: &Spec) -> Option<&'a Doc> {
    let words: Vec<&str> = spec.name.split('|').collect();
    table.find(&words).filter(|doc| doc.words() == words.len())
}

fn describe(reply: &mut Reply, spec: &Spec, doc: &Doc) {
    let arguments: Vec<&Arg> = doc.arguments.iter().filter(|arg| is_here(spec, arg)).collect();
    let children: Vec<(&Spec, &Doc)> = spec
        .children
        .iter()
        .filter_map(|child| {
            let word = child.name.rsplit('|').next()?;
            let doc = doc.subcommands.iter().find(|doc| doc.word().eq_ignore_ascii_case(word))?;
            Some((child, doc))
        })
        .collect();
    let told: Vec<(&str, &str)> = [
        ("summary", Some(&doc.summary)),
        ("since", Some(&doc.since)),
        ("group", Some(&doc.group)),
        ("complexity", Some(&doc.complexity)),
        ("replaced_by", doc.replaced_by.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, &**value?)).filter(|(_, value)| !value.is_empty()))
    .collect();
    reply.text(spec.name);
    let lists = usize::from(!arguments.is_empty()) + usize::from(!children.is_empty());
    reply.map(told.len() + lists);
    for (name, value) in told {
        reply.text(name);
        reply.text(value);
    }
    if !arguments.is_empty() {
        reply.text("arguments");
        self::arguments(reply, spec, &arguments);
    }
    if !children.is_empty() {
        reply.text("subcommands");
        reply.map(children.len());
        for (child, doc) in children {
            describe(reply, child, doc);
        }
    }
}

/// Options of later servers than the one this follows, which its commands do not take.
fn is_here(spec: &Spec, arg: &Arg) -> bool {
    let token = arg.token.as_deref().unwrap_or_default();
    !LATER.iter().any(|(name, later)| *name == spec.name && later.contains(&token))
}

/// Commands, and the words that Valkey added to them since 7.2.
const LATER: &[(&str, &[&str])] = &[
    ("set", &["IFEQ"]),
    (
        "client|list",
        &[
            "USER",
            "ADDR",
            "LADDR",
            "SKIPME",
            "MAXAGE",
            "NAME",
            "IDLE",
            "FLAGS",
            "LIB-NAME",
            "LIB-VER",
            "DB",
            "CAPA",
            "IP",
            "NOT-ID",
            "NOT-TYPE",
            "NOT-ADDR",
            "NOT-LADDR",
            "NOT-USER",
            "NOT-FLAGS",
            "NOT-NAME",
            "NOT-LIB-NAME",
            "NOT-LIB-VER",
            "NOT-DB",
            "NOT-CAPA",
            "NOT-IP",
        ],
    ),
    (
        "client|kill",
        &[
            "NAME",
            "IDLE",
            "FLAGS",
            "LIB-NAME",
            "LIB-VER",
            "DB",
            "CAPA",
            "IP",
            "NOT-ID",
            "NOT-TYPE",
            "NOT-ADDR",
            "NOT-LADDR",
            "NOT-USER",
            "NOT-FLAGS",
            "NOT-NAME",
            "NOT-LIB-NAME",
            "NOT-LIB-VER",
            "NOT-DB",
            "NOT-CAPA",
            "NOT-IP",
        ],
    ),
];

fn arguments(reply: &mut Reply, spec: &Spec, arguments: &[&Arg]) {
    reply.array(arguments.len());
    for arg in arguments {
        let parts: Vec<&Arg> = arg.parts.iter().filter(|part| is_here(spec, part)).collect();
        let flags: Vec<&str> =
            [("optional", arg.optional), ("multiple", arg.multiple), ("multiple_token", arg.token_repeats)]
                .into_iter()
                .filter_map(|(name, yes)| yes.then_some(name))
                .collect();
        let more = [arg.token.is_some(), !flags.is_empty(), !parts.is_empty()];
        reply.map(3 + more.iter().filter(|yes| **yes).count());
        for (name, value) in [("name", &*arg.name), ("type", word(arg.kind)), ("display_text", &*arg.name)] {
            reply.text(name);
            reply.text(value);
        }
        if let Some(token) = &arg.token {
            reply.text("token");
            reply.text(token);
        }
        if !flags.is_empty() {
            reply.text("flags");
            reply.set(flags.len());
            for flag in flags {
                reply.simple(flag);
            }
        }
        if !parts.is_empty() {
            reply.text("arguments");
            self::arguments(reply, spec, &parts);
        }
    }
}

fn word(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key => "key",
        ArgKind::Pattern => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf => "oneof",
        ArgKind::Block => "block",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_here_has_its_docs() {
        let table = Table::embedded();
        for spec in &REGISTRY.specs {
            assert!(find(&table, spec).is_some(), "{} is not in the table of assets/", spec.name);
        }
    }

    #[test]
    fn kinds_are_named_as_they_are_read() {
        for name in
            ["string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"]
        {
            assert_eq!(word(ArgKind::from_word(name)), name);
        }
    }
}
