//! Lists that hand elements on: LMOVE, LMPOP, and the commands that wait for an element.

use bytes::Bytes;

use super::list::End;
use crate::demo::dispatch::{Call, Patience, timeout};
use crate::demo::fault::{Done, Fault, SYNTAX, WRONG_TYPE};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::{Kind, List};

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("blmove", 6, WRITE | DENYOOM | NOSCRIPT | BLOCKING, keys(1, 2, 1), C_LIST, blmove),
    Spec::new("blmpop", -5, WRITE | BLOCKING | MOVABLEKEYS, counted(0, 0, 0, 2), C_LIST, blmpop),
    Spec::new("blpop", -3, WRITE | NOSCRIPT | BLOCKING, keys(1, -2, 1), C_LIST, blpop),
    Spec::new("brpop", -3, WRITE | NOSCRIPT | BLOCKING, keys(1, -2, 1), C_LIST, brpop),
    Spec::new("brpoplpush", 4, WRITE | DENYOOM | NOSCRIPT | BLOCKING, keys(1, 2, 1), C_LIST, brpoplpush),
    Spec::new("lmove", 5, WRITE | DENYOOM, keys(1, 2, 1), C_LIST, lmove),
    Spec::new("lmpop", -4, WRITE | MOVABLEKEYS, counted(0, 0, 0, 1), C_LIST, lmpop),
    Spec::new("rpoplpush", 3, WRITE | DENYOOM, keys(1, 2, 1), C_LIST, rpoplpush),
];

/// The first of `keys` that holds a `K`. One of another kind is an error, except to a client that waits already: it goes on
/// waiting, and looks only at the key that was written to.
pub(super) fn first_with<'a, K: Kind>(
    call: &mut Call<'_>,
    keys: &'a [Bytes],
) -> Result<Option<&'a Bytes>, Fault> {
    let served = call.served;
    for key in keys.iter().filter(|key| served.is_none_or(|served| served == *key)) {
        match call.data().get_mut::<K>(key) {
            Ok(Some(_)) => return Ok(Some(key)),
            Ok(None) => {}
            Err(_) if served.is_some() => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}

/// `numkeys key [key ...]` at argument `at`: the keys, and where the arguments go on.
pub(super) fn counted_keys<'a>(call: &Call<'a>, at: usize) -> Result<(&'a [Bytes], usize), Fault> {
    let count = call.args.get(at).and_then(|text| parse_i64(text));
    let count = count.and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0);
    let count = count.ok_or(Fault::of("ERR numkeys should be greater than 0"))?;
    let keys = call.rest(at + 1).get(..count).ok_or(SYNTAX)?;
    Ok((keys, at + 1 + count))
}

/// `[COUNT count]` at argument `at`, to the end.
pub(super) fn optional_count(call: &Call<'_>, at: usize) -> Result<usize, Fault> {
    match call.rest(at) {
        [] => Ok(1),
        [word, count] if word.eq_ignore_ascii_case(b"count") => {
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok());
            count.filter(|count| *count > 0).ok_or(Fault::of("ERR count should be greater than 0"))
        }
        _ => Err(SYNTAX),
    }
}

fn blocking_pop(call: &mut Call<'_>, end: End) -> Done {
    let keys = call.rest(1);
    let Some((time, keys)) = keys.split_last() else { return Err(SYNTAX) };
    let time = timeout(time)?;
    let Some(key) = first_with::<List>(call, keys)? else {
        call.wait_for(keys, time);
        return Ok(());
    };
    let (db, reply) = call.parts();
    if let Some(list) = db.get_mut::<List>(key)? {
        reply.array(2);
        reply.bulk(key);
        reply.maybe(end.pop(list).as_deref());
        db.changed(key);
    }
    Ok(())
}

fn blpop(call: &mut Call<'_>) -> Done {
    blocking_pop(call, End::Left)
}

fn brpop(call: &mut Call<'_>) -> Done {
    blocking_pop(call, End::Right)
}

/// Moves an element; waits for one as long as `patience` allows, or answers null.
fn transfer(call: &mut Call<'_>, from: End, to: End, patience: Patience) -> Done {
    let (source, target) = (&call.args[1], &call.args[2]);
    let served = call.served.is_some();
    let found = match call.data().get_mut::<List>(source) {
        Ok(list) => list.is_some(),
        Err(_) if served => return Ok(()),
        Err(fault) => return Err(fault),
    };
    if !found {
        if call.in_exec || patience == Patience::None {
            call.reply.null();
        } else {
            call.wait_for(std::slice::from_ref(source), patience);
        }
        return Ok(());
    }
    let (db, reply) = call.parts();
    db.get_mut::<List>(target)?;
    let item = db.get_mut::<List>(source)?.and_then(|list| from.pop(list));
    let item = item.ok_or(WRONG_TYPE)?;
    reply.bulk(&item);
    // Pushed before the source is settled: source and target may be one list, which must not vanish between.
    to.push(db.get_or_create::<List>(target)?, item);
    db.changed(source);
    db.changed(target);
    Ok(())
}

fn rpoplpush(call: &mut Call<'_>) -> Done {
    transfer(call, End::Right, End::Left, Patience::None)
}

fn lmove(call: &mut Call<'_>) -> Done {
    let (from, to) = (End::parse(call, 3)?, End::parse(call, 4)?);
    transfer(call, from, to, Patience::None)
}

fn blmove(call: &mut Call<'_>) -> Done {
    let (from, to) = (End::parse(call, 3)?, End::parse(call, 4)?);
    let time = timeout(&call.args[5])?;
    transfer(call, from, to, time)
}

fn brpoplpush(call: &mut Call<'_>) -> Done {
    let time = timeout(&call.args[3])?;
    transfer(call, End::Right, End::Left, time)
}

/// LMPOP from argument `at`, where its count of keys is.
fn multi_pop(call: &mut Call<'_>, at: usize, patience: Patience) -> Done {
    let (keys, next) = counted_keys(call, at)?;
    let end = End::parse(call, next)?;
    let count = optional_count(call, next + 1)?;
    let Some(key) = first_with::<List>(call, keys)? else {
        call.wait_for(keys, patience);
        return Ok(());
    };
    let (db, reply) = call.parts();
    if let Some(list) = db.get_mut::<List>(key)? {
        reply.array(2);
        reply.bulk(key);
        let count = count.min(list.len());
        reply.array(count);
        for _ in 0..count {
            reply.maybe(end.pop(list).as_deref());
        }
        db.changed(key);
    }
    Ok(())
}

fn lmpop(call: &mut Call<'_>) -> Done {
    multi_pop(call, 1, Patience::None)
}

fn blmpop(call: &mut Call<'_>) -> Done {
    let time = timeout(&call.args[1])?;
    multi_pop(call, 2, time)
}
