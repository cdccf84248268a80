//! Keys whatever they hold: DEL, EXISTS, RENAME, COPY, TYPE, OBJECT.

use bytes::Bytes;

use super::connection::database;
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NO_SUCH_KEY, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::{Data, SMALL};
use crate::glob;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("copy", -3, WRITE | DENYOOM, keys(1, 2, 1), C_KEYSPACE, copy),
    Spec::new("del", -2, WRITE, keys(1, -1, 1), C_KEYSPACE, del),
    Spec::new("exists", -2, READONLY | FAST, keys(1, -1, 1), C_KEYSPACE, exists),
    Spec::new("keys", 2, READONLY, NO_KEYS, C_KEYSPACE | C_DANGEROUS, keys_command),
    Spec::new("move", 3, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, move_key),
    Spec::parent(
        "object",
        -2,
        0,
        0,
        None,
        &[
            Spec::new("object|encoding", 3, READONLY, keys(2, 2, 1), C_KEYSPACE, object_encoding),
            Spec::new("object|idletime", 3, READONLY, keys(2, 2, 1), C_KEYSPACE, object_idletime),
            Spec::new("object|refcount", 3, READONLY, keys(2, 2, 1), C_KEYSPACE, object_refcount),
            Spec::new("object|help", 2, LOADING | STALE, NO_KEYS, C_KEYSPACE, object_help),
        ],
    ),
    Spec::new("randomkey", 1, READONLY, NO_KEYS, C_KEYSPACE, randomkey),
    Spec::new("rename", 3, WRITE, keys(1, 2, 1), C_KEYSPACE, rename),
    Spec::new("renamenx", 3, WRITE | FAST, keys(1, 2, 1), C_KEYSPACE, renamenx),
    Spec::new("touch", -2, READONLY | FAST, keys(1, -1, 1), C_KEYSPACE, touch),
    Spec::new("type", 2, READONLY | FAST, keys(1, 1, 1), C_KEYSPACE, type_of),
    Spec::new("unlink", -2, WRITE | FAST, keys(1, -1, 1), C_KEYSPACE, unlink),
];

fn del(call: &mut Call<'_>) -> Done {
    let keys = call.rest(1);
    let (db, reply) = call.parts();
    reply.len(keys.iter().filter(|key| db.take(key).is_some()).count());
    Ok(())
}

fn unlink(call: &mut Call<'_>) -> Done {
    del(call)
}

fn exists(call: &mut Call<'_>) -> Done {
    let keys = call.rest(1);
    let (db, reply) = call.parts();
    reply.len(keys.iter().filter(|key| db.read(key).is_some()).count());
    Ok(())
}

fn touch(call: &mut Call<'_>) -> Done {
    exists(call)
}

fn type_of(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.simple(db.entry(key).map_or("none", |entry| entry.data.type_name()));
    Ok(())
}

fn keys_command(call: &mut Call<'_>) -> Done {
    let pattern = &call.args[1];
    let (db, reply) = call.parts();
    let found: Vec<&Bytes> =
        db.live().map(|(key, _)| key).filter(|key| glob::matches(pattern, key)).collect();
    reply.list(found.into_iter());
    Ok(())
}

fn randomkey(call: &mut Call<'_>) -> Done {
    let (db, reply) = call.parts();
    db.sweep(usize::MAX);
    let key = if db.len() == 0 { None } else { db.at(fastrand::usize(..db.len())) };
    reply.maybe(key.map(|(key, _)| key.as_ref()));
    Ok(())
}

/// Moves a key to another name; `None` when `only_new` and the name is taken.
fn rename_to(call: &mut Call<'_>, only_new: bool) -> Result<Option<()>, Fault> {
    let (from, to) = (&call.args[1], &call.args[2]);
    let (db, _) = call.parts();
    if !db.exists(from) {
        return Err(NO_SUCH_KEY);
    }
    if from == to {
        return Ok((!only_new).then_some(()));
    }
    if only_new && db.exists(to) {
        return Ok(None);
    }
    if let Some(entry) = db.take(from) {
        db.put_entry(to, entry);
    }
    Ok(Some(()))
}

fn rename(call: &mut Call<'_>) -> Done {
    rename_to(call, false)?;
    call.reply.ok();
    Ok(())
}

fn renamenx(call: &mut Call<'_>) -> Done {
    let done = rename_to(call, true)?.is_some();
    call.reply.flag(done);
    Ok(())
}

const SAME: Fault = Fault::of("ERR source and destination objects are the same");

fn copy(call: &mut Call<'_>) -> Done {
    let mut replace = false;
    let mut target = call.db;
    let mut options = call.rest(3).iter();
    while let Some(option) = options.next() {
        if option.eq_ignore_ascii_case(b"replace") {
            replace = true;
        } else if option.eq_ignore_ascii_case(b"db") {
            target = database(options.next().ok_or(SYNTAX)?)?;
        } else {
            return Err(SYNTAX);
        }
    }
    let (from, to) = (&call.args[1], &call.args[2]);
    if target == call.db && from == to {
        return Err(SAME);
    }
    let entry = call.data().entry(from).cloned();
    let other = &mut call.state.dbs[target];
    let copied = match entry {
        Some(entry) if replace || !other.exists(to) => {
            other.put_entry(to, entry);
            true
        }
        _ => false,
    };
    call.reply.flag(copied);
    Ok(())
}

fn move_key(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let target = database(&call.args[2])?;
    if target == call.db {
        return Err(SAME);
    }
    let free = !call.state.dbs[target].exists(key);
    let entry = if free { call.data().take(key) } else { None };
    let moved = entry.is_some();
    if let Some(entry) = entry {
        call.state.dbs[target].put_entry(key, entry);
    }
    call.reply.flag(moved);
    Ok(())
}

fn object_encoding(call: &mut Call<'_>) -> Done {
    let key = &call.args[2];
    let (db, reply) = call.parts();
    match db.entry(key) {
        Some(entry) => reply.text(encoding(&entry.data)),
        None => reply.null(),
    }
    Ok(())
}

/// The name Redis 7.2 gives a value of this kind and size.
fn encoding(data: &Data) -> &'static str {
    let short = |bytes: &Bytes| bytes.len() <= 64;
    match data {
        Data::String(text) if parse_i64(text).is_some() => "int",
        Data::String(text) if text.len() <= 44 => "embstr",
        Data::String(_) => "raw",
        Data::List(list) if list.iter().map(Bytes::len).sum::<usize>() + list.len() * 11 <= 8192 => {
            "listpack"
        }
        Data::List(_) => "quicklist",
        Data::Hash(hash) if hash.len() <= SMALL && hash.iter().all(|(f, v)| short(f) && short(v)) => {
            "listpack"
        }
        Data::Hash(_) => "hashtable",
        Data::Set(set) => set.encoding(),
        Data::Sorted(set) if set.len() <= SMALL && set.iter().all(|(_, member)| short(member)) => "listpack",
        Data::Sorted(_) => "skiplist",
    }
}

fn object_idletime(call: &mut Call<'_>) -> Done {
    let key = &call.args[2];
    let (db, reply) = call.parts();
    let now = db.now();
    match db.entry(key) {
        Some(entry) => reply.int((now - entry.used).max(0) / 1000),
        None => reply.null(),
    }
    Ok(())
}

fn object_refcount(call: &mut Call<'_>) -> Done {
    let key = &call.args[2];
    let (db, reply) = call.parts();
    if db.exists(key) {
        reply.int(1);
    } else {
        reply.null();
    }
    Ok(())
}

fn object_help(call: &mut Call<'_>) -> Done {
    super::help(
        call,
        "OBJECT",
        &[
            ("ENCODING <key>", "Return the kind of internal representation Redis would use for <key>."),
            ("IDLETIME <key>", "Return the idle time of the key, in seconds."),
            ("REFCOUNT <key>", "Return the number of references of the value: always 1."),
        ],
    )
}
