//! Sorted sets that give members away, at once or when one comes.

use bytes::Bytes;

use super::list_block::{counted_keys, first_with, optional_count};
use crate::demo::dispatch::{Call, Patience, timeout};
use crate::demo::fault::{Done, NOT_POSITIVE, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::reply::{RESP2, Reply};
use crate::demo::spec::*;
use crate::demo::store::SortedSet;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("bzmpop", -5, WRITE | BLOCKING | MOVABLEKEYS, counted(0, 0, 0, 2), C_SORTEDSET, bzmpop),
    Spec::new("bzpopmax", -3, WRITE | NOSCRIPT | BLOCKING | FAST, keys(1, -2, 1), C_SORTEDSET, bzpopmax),
    Spec::new("bzpopmin", -3, WRITE | NOSCRIPT | BLOCKING | FAST, keys(1, -2, 1), C_SORTEDSET, bzpopmin),
    Spec::new("zmpop", -4, WRITE | MOVABLEKEYS, counted(0, 0, 0, 1), C_SORTEDSET, zmpop),
    Spec::new("zpopmax", -2, WRITE | FAST, keys(1, 1, 1), C_SORTEDSET, zpopmax),
    Spec::new("zpopmin", -2, WRITE | FAST, keys(1, 1, 1), C_SORTEDSET, zpopmin),
];

/// Takes up to `count` members off one end.
fn take(set: &mut SortedSet, highest: bool, count: usize) -> Vec<(Bytes, f64)> {
    std::iter::from_fn(|| set.pop(highest)).take(count).collect()
}

/// Members with their scores: flat, or in pairs.
fn write(reply: &mut Reply, members: &[(Bytes, f64)], pairs: bool) {
    reply.array(if pairs { members.len() } else { members.len() * 2 });
    for (member, score) in members {
        if pairs {
            reply.array(2);
        }
        reply.bulk(member);
        reply.double(*score);
    }
}

fn pop(call: &mut Call<'_>, highest: bool) -> Done {
    let count = match call.rest(2) {
        [] => None,
        [count] => {
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(NOT_POSITIVE)?)
        }
        _ => return Err(SYNTAX),
    };
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let popped = match db.get_mut::<SortedSet>(key)? {
        Some(set) => take(set, highest, count.unwrap_or(1)),
        None => Vec::new(),
    };
    // RESP3 pairs them where a count was given; a lone one is flat in both.
    let pairs = reply.protocol > RESP2 && count.is_some();
    write(reply, &popped, pairs);
    if !popped.is_empty() {
        db.changed(key);
    }
    Ok(())
}

fn zpopmin(call: &mut Call<'_>) -> Done {
    pop(call, false)
}

fn zpopmax(call: &mut Call<'_>) -> Done {
    pop(call, true)
}

fn blocking_pop(call: &mut Call<'_>, highest: bool) -> Done {
    let Some((time, keys)) = call.rest(1).split_last() else { return Err(SYNTAX) };
    let time = timeout(time)?;
    let Some(key) = first_with::<SortedSet>(call, keys)? else {
        call.wait_for(keys, time);
        return Ok(());
    };
    let (db, reply) = call.parts();
    if let Some((member, score)) = db.get_mut::<SortedSet>(key)?.and_then(|set| set.pop(highest)) {
        reply.array(3);
        reply.bulk(key);
        reply.bulk(&member);
        reply.double(score);
        db.changed(key);
    }
    Ok(())
}

fn bzpopmin(call: &mut Call<'_>) -> Done {
    blocking_pop(call, false)
}

fn bzpopmax(call: &mut Call<'_>) -> Done {
    blocking_pop(call, true)
}

/// ZMPOP from argument `at`, where its count of keys is.
fn multi_pop(call: &mut Call<'_>, at: usize, patience: Patience) -> Done {
    let (keys, next) = counted_keys(call, at)?;
    let highest = match call.word(next)?.as_str() {
        "MIN" => false,
        "MAX" => true,
        _ => return Err(SYNTAX),
    };
    let count = optional_count(call, next + 1)?;
    let Some(key) = first_with::<SortedSet>(call, keys)? else {
        call.wait_for(keys, patience);
        return Ok(());
    };
    let (db, reply) = call.parts();
    if let Some(set) = db.get_mut::<SortedSet>(key)? {
        let popped = take(set, highest, count);
        reply.array(2);
        reply.bulk(key);
        write(reply, &popped, true);
        db.changed(key);
    }
    Ok(())
}

fn zmpop(call: &mut Call<'_>) -> Done {
    multi_pop(call, 1, Patience::None)
}

fn bzmpop(call: &mut Call<'_>) -> Done {
    let time = timeout(&call.args[1])?;
    multi_pop(call, 2, time)
}
