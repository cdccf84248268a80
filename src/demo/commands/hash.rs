//! Hashes.

use bytes::Bytes;

use super::random::{Sample, sample};
use super::string::float_sum;
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_FLOAT, OVERFLOW};
use crate::demo::number::{Decimal, format_i64, parse_f64, parse_i64};
use crate::demo::spec::*;
use crate::demo::store::{Hash, hash_remove};

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("hdel", -3, WRITE | FAST, keys(1, 1, 1), C_HASH, hdel),
    Spec::new("hexists", 3, READONLY | FAST, keys(1, 1, 1), C_HASH, hexists),
    Spec::new("hget", 3, READONLY | FAST, keys(1, 1, 1), C_HASH, hget),
    Spec::new("hgetall", 2, READONLY, keys(1, 1, 1), C_HASH, hgetall),
    Spec::new("hincrby", 4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_HASH, hincrby),
    Spec::new("hincrbyfloat", 4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_HASH, hincrbyfloat),
    Spec::new("hkeys", 2, READONLY, keys(1, 1, 1), C_HASH, hkeys),
    Spec::new("hlen", 2, READONLY | FAST, keys(1, 1, 1), C_HASH, hlen),
    Spec::new("hmget", -3, READONLY | FAST, keys(1, 1, 1), C_HASH, hmget),
    Spec::new("hmset", -4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_HASH, hmset),
    Spec::new("hrandfield", -2, READONLY, keys(1, 1, 1), C_HASH, hrandfield),
    Spec::new("hset", -4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_HASH, hset),
    Spec::new("hsetnx", 4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_HASH, hsetnx),
    Spec::new("hstrlen", 3, READONLY | FAST, keys(1, 1, 1), C_HASH, hstrlen),
    Spec::new("hvals", 2, READONLY, keys(1, 1, 1), C_HASH, hvals),
];

/// Sets the pairs that follow the key; gives how many fields are new.
fn set_pairs(call: &mut Call<'_>, command: &str) -> Result<usize, Fault> {
    let pairs = call.rest(2);
    if !pairs.len().is_multiple_of(2) {
        return Err(Fault::arity(command));
    }
    let key = &call.args[1];
    let hash = call.data().get_or_create::<Hash>(key)?;
    let mut new = 0;
    for pair in pairs.chunks_exact(2) {
        new += usize::from(hash.insert(pair[0].clone(), pair[1].clone()).is_none());
    }
    call.data().changed(key);
    Ok(new)
}

fn hset(call: &mut Call<'_>) -> Done {
    let new = set_pairs(call, "hset")?;
    call.reply.len(new);
    Ok(())
}

fn hmset(call: &mut Call<'_>) -> Done {
    set_pairs(call, "hmset")?;
    call.reply.ok();
    Ok(())
}

fn hsetnx(call: &mut Call<'_>) -> Done {
    let (key, field, value) = (&call.args[1], &call.args[2], &call.args[3]);
    let (db, reply) = call.parts();
    let hash = db.get_or_create::<Hash>(key)?;
    let new = !hash.contains_key(field);
    if new {
        hash.insert(field.clone(), value.clone());
        db.changed(key);
    }
    reply.flag(new);
    Ok(())
}

fn hget(call: &mut Call<'_>) -> Done {
    let (key, field) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let value = db.get::<Hash>(key)?.and_then(|hash| hash.get(field));
    reply.maybe(value.map(AsRef::as_ref));
    Ok(())
}

fn hmget(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let fields = call.rest(2);
    let (db, reply) = call.parts();
    let hash = db.get::<Hash>(key)?;
    reply.array(fields.len());
    for field in fields {
        reply.maybe(hash.and_then(|hash| hash.get(field)).map(AsRef::as_ref));
    }
    Ok(())
}

fn hgetall(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let hash = db.get::<Hash>(key)?;
    reply.map(hash.map_or(0, Hash::len));
    for (field, value) in hash.into_iter().flatten() {
        reply.bulk(field);
        reply.bulk(value);
    }
    Ok(())
}

fn hkeys(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    match db.get::<Hash>(key)? {
        Some(hash) => reply.list(hash.keys()),
        None => reply.array(0),
    }
    Ok(())
}

fn hvals(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    match db.get::<Hash>(key)? {
        Some(hash) => reply.list(hash.values()),
        None => reply.array(0),
    }
    Ok(())
}

fn hlen(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.len(db.get::<Hash>(key)?.map_or(0, Hash::len));
    Ok(())
}

fn hexists(call: &mut Call<'_>) -> Done {
    let (key, field) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    reply.flag(db.get::<Hash>(key)?.is_some_and(|hash| hash.contains_key(field)));
    Ok(())
}

fn hstrlen(call: &mut Call<'_>) -> Done {
    let (key, field) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    reply.len(db.get::<Hash>(key)?.and_then(|hash| hash.get(field)).map_or(0, Bytes::len));
    Ok(())
}

fn hdel(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let fields = call.rest(2);
    let (db, reply) = call.parts();
    let removed = db
        .get_mut::<Hash>(key)?
        .map_or(0, |hash| fields.iter().filter(|field| hash_remove(hash, field).is_some()).count());
    reply.len(removed);
    if removed > 0 {
        db.changed(key);
    }
    Ok(())
}

fn hincrby(call: &mut Call<'_>) -> Done {
    let by = call.int(3)?;
    let (key, field) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let old = match db.get_mut::<Hash>(key)?.and_then(|hash| hash.get(field)) {
        Some(value) => parse_i64(value).ok_or(Fault::of("ERR hash value is not an integer"))?,
        None => 0,
    };
    let new = old.checked_add(by).ok_or(OVERFLOW)?;
    let text = Bytes::copy_from_slice(format_i64(new, &mut [0; 20]));
    db.get_or_create::<Hash>(key)?.insert(field.clone(), text);
    reply.int(new);
    db.changed(key);
    Ok(())
}

fn hincrbyfloat(call: &mut Call<'_>) -> Done {
    let (key, field, by) = (&call.args[1], &call.args[2], &call.args[3]);
    let number = |text: &[u8]| Decimal::parse(text).is_some() || parse_f64(text).is_some();
    if !number(by) {
        return Err(NOT_FLOAT);
    }
    let (db, reply) = call.parts();
    let old = match db.get_mut::<Hash>(key)?.and_then(|hash| hash.get(field)) {
        Some(value) if number(value) => value.clone(),
        Some(_) => return Err(Fault::of("ERR hash value is not a float")),
        None => Bytes::from_static(b"0"),
    };
    let text = float_sum(&old, by)?;
    db.get_or_create::<Hash>(key)?.insert(field.clone(), Bytes::copy_from_slice(text.as_bytes()));
    reply.text(&text);
    db.changed(key);
    Ok(())
}

fn hrandfield(call: &mut Call<'_>) -> Done {
    let asked = Sample::parse(call, "withvalues")?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let hash = db.get::<Hash>(key)?;
    let Some(asked) = asked else {
        let field = hash.and_then(|hash| hash.get_index(fastrand::usize(..hash.len())));
        reply.maybe(field.map(|(field, _)| field.as_ref()));
        return Ok(());
    };
    let picked = sample(hash.map_or(0, Hash::len), asked.count);
    asked.head(reply, picked.len());
    for (field, value) in picked.iter().filter_map(|index| hash?.get_index(*index)) {
        asked.pair(reply);
        reply.bulk(field);
        if asked.with {
            reply.bulk(value);
        }
    }
    Ok(())
}
