//! COMMAND: the table told to clients.

use bytes::Bytes;

use super::docs::command_docs;
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX};
use crate::demo::reply::Reply;
use crate::demo::spec::*;
use crate::glob;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[Spec::parent(
    "command",
    -1,
    LOADING | STALE,
    C_CONNECTION,
    Some(command),
    &[
        Spec::new("command|count", 2, LOADING | STALE, NO_KEYS, C_CONNECTION, command_count),
        Spec::new("command|docs", -2, LOADING | STALE, NO_KEYS, C_CONNECTION, command_docs),
        Spec::new("command|getkeys", -4, LOADING | STALE, NO_KEYS, C_CONNECTION, command_getkeys),
        Spec::new("command|help", 2, LOADING | STALE, NO_KEYS, C_CONNECTION, command_help),
        Spec::new("command|info", -2, LOADING | STALE, NO_KEYS, C_CONNECTION, command_info),
        Spec::new("command|list", -2, LOADING | STALE, NO_KEYS, C_CONNECTION, command_list),
    ],
)];

fn command(call: &mut Call<'_>) -> Done {
    call.reply.array(REGISTRY.top_level);
    for spec in REGISTRY.commands() {
        describe(call.reply, spec);
    }
    Ok(())
}

fn command_count(call: &mut Call<'_>) -> Done {
    call.reply.len(REGISTRY.top_level);
    Ok(())
}

fn command_info(call: &mut Call<'_>) -> Done {
    if call.args.len() == 2 {
        return command(call);
    }
    call.reply.array(call.args.len() - 2);
    for name in call.rest(2) {
        match REGISTRY.by_name(name) {
            Some(found) => describe(call.reply, found.spec),
            None => call.reply.null(),
        }
    }
    Ok(())
}

/// One command's entry, with its subcommands inside.
fn describe(reply: &mut Reply, spec: &Spec) {
    let named = |table: &[(u32, &'static str)], bits: u32| -> Vec<&'static str> {
        table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
    };
    reply.array(10);
    reply.text(spec.name);
    reply.int(i64::from(spec.arity));
    for names in [named(FLAGS, spec.flags), named(CATEGORIES, spec.categories())] {
        if names.first().is_some_and(|name| name.starts_with('@')) {
            reply.int(i64::from(spec.keys.first));
            reply.int(i64::from(spec.keys.last));
            reply.int(i64::from(spec.keys.step));
        }
        reply.set(names.len());
        for name in names {
            reply.simple(name);
        }
    }
    // No hints for cluster clients, and keys as the three numbers above give them.
    reply.array(0);
    key_spec(reply, spec);
    reply.array(spec.children.len());
    spec.children.iter().for_each(|child| describe(reply, child));
}

/// The keys in the form of Redis 7: where they begin, and how to find the rest.
fn key_spec(reply: &mut Reply, spec: &Spec) {
    let Keys { first, last, step, counted_at } = spec.keys;
    reply.array(usize::from(first > 0) + usize::from(counted_at > 0));
    let access = if spec.has(WRITE) { "RW" } else { "RO" };
    let begin = |reply: &mut Reply, index: i64| {
        reply.map(3);
        reply.text("flags");
        reply.set(1);
        reply.simple(access);
        reply.text("begin_search");
        reply.map(2);
        reply.text("type");
        reply.text("index");
        reply.text("spec");
        reply.map(1);
        reply.text("index");
        reply.int(index);
        reply.text("find_keys");
        reply.map(2);
        reply.text("type");
    };
    if first > 0 {
        begin(reply, i64::from(first));
        reply.text("range");
        reply.text("spec");
        reply.map(3);
        let last = if last < 0 { last } else { last - first };
        for (name, number) in [("lastkey", last), ("keystep", step), ("limit", 0)] {
            reply.text(name);
            reply.int(i64::from(number));
        }
    }
    if counted_at > 0 {
        begin(reply, i64::try_from(counted_at).unwrap_or(0));
        reply.text("keynum");
        reply.text("spec");
        reply.map(3);
        for (name, number) in [("keynumidx", 0), ("firstkey", 1), ("keystep", 1)] {
            reply.text(name);
            reply.int(number);
        }
    }
}

fn command_list(call: &mut Call<'_>) -> Done {
    let wanted: Box<dyn Fn(&Spec) -> bool> = match call.rest(2) {
        [] => Box::new(|_| true),
        [filter, kind, value] if filter.eq_ignore_ascii_case(b"filterby") => {
            let value = value.to_ascii_lowercase();
            match kind.to_ascii_lowercase().as_slice() {
                b"pattern" => Box::new(move |spec| glob::matches(&value, spec.name.as_bytes())),
                b"aclcat" => {
                    let name = [b"@", value.as_slice()].concat();
                    let bit = CATEGORIES
                        .iter()
                        .find(|(_, other)| other.as_bytes() == name)
                        .map_or(0, |(bit, _)| *bit);
                    Box::new(move |spec| spec.categories() & bit != 0)
                }
                b"module" => Box::new(|_| false),
                _ => return Err(SYNTAX),
            }
        }
        _ => return Err(SYNTAX),
    };
    let names: Vec<&str> = REGISTRY.specs.iter().filter(|spec| wanted(spec)).map(|spec| spec.name).collect();
    let top = call.args.len() == 2;
    let names: Vec<&str> = names.into_iter().filter(|name| !top || !name.contains('|')).collect();
    call.reply.list(names.into_iter());
    Ok(())
}

fn command_getkeys(call: &mut Call<'_>) -> Done {
    let args = call.rest(2);
    let Lookup::Command(found) = REGISTRY.find(args) else {
        return Err(Fault::of("ERR Invalid command specified"));
    };
    if found.spec.keys.first == 0 && found.spec.keys.counted_at == 0 {
        return Err(Fault::of("ERR The command has no key arguments"));
    }
    if !found.spec.accepts(args.len()) {
        return Err(Fault::of("ERR Invalid number of arguments specified for command"));
    }
    let keys: Vec<&Bytes> =
        found.spec.keys_of(args).ok_or(Fault::of("ERR Invalid arguments specified for command"))?;
    call.reply.list(keys.into_iter());
    Ok(())
}

fn command_help(call: &mut Call<'_>) -> Done {
    super::help(
        call,
        "COMMAND",
        &[
            ("(no subcommand)", "Return details about all commands."),
            ("COUNT", "Return the total number of commands in this server."),
            ("DOCS [<command-name> ...]", "Return documentation details about multiple commands."),
            ("GETKEYS <full-command>", "Return the keys from a full command."),
            ("INFO [<command-name> ...]", "Return details about multiple commands."),
            ("LIST", "Return a list of all commands in this server."),
        ],
    )
}
