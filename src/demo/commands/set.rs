//! Sets.

use bytes::Bytes;

use super::random::{Sample, sample};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, NOT_POSITIVE, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::SetData;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("sadd", -3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_SET, sadd),
    Spec::new("scard", 2, READONLY | FAST, keys(1, 1, 1), C_SET, scard),
    Spec::new("sismember", 3, READONLY | FAST, keys(1, 1, 1), C_SET, sismember),
    Spec::new("smembers", 2, READONLY, keys(1, 1, 1), C_SET, smembers),
    Spec::new("smismember", -3, READONLY | FAST, keys(1, 1, 1), C_SET, smismember),
    Spec::new("smove", 4, WRITE | FAST, keys(1, 2, 1), C_SET, smove),
    Spec::new("spop", -2, WRITE | FAST, keys(1, 1, 1), C_SET, spop),
    Spec::new("srandmember", -2, READONLY, keys(1, 1, 1), C_SET, srandmember),
    Spec::new("srem", -3, WRITE | FAST, keys(1, 1, 1), C_SET, srem),
];

fn sadd(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let members = call.rest(2);
    let (db, reply) = call.parts();
    let set = db.get_or_create::<SetData>(key)?;
    let added = members.iter().filter(|member| set.insert((*member).clone())).count();
    reply.len(added);
    if added > 0 {
        db.changed(key);
    }
    Ok(())
}

fn srem(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let members = call.rest(2);
    let (db, reply) = call.parts();
    let set = db.get_mut::<SetData>(key)?;
    let removed = set.map_or(0, |set| members.iter().filter(|member| set.remove(member)).count());
    reply.len(removed);
    if removed > 0 {
        db.changed(key);
    }
    Ok(())
}

fn scard(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.len(db.get::<SetData>(key)?.map_or(0, SetData::len));
    Ok(())
}

fn sismember(call: &mut Call<'_>) -> Done {
    let (key, member) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    reply.flag(db.get::<SetData>(key)?.is_some_and(|set| set.contains(member)));
    Ok(())
}

fn smismember(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let members = call.rest(2);
    let (db, reply) = call.parts();
    let set = db.get::<SetData>(key)?;
    reply.array(members.len());
    for member in members {
        reply.flag(set.is_some_and(|set| set.contains(member)));
    }
    Ok(())
}

fn smembers(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let set = db.get::<SetData>(key)?;
    reply.set(set.map_or(0, SetData::len));
    set.into_iter().flat_map(SetData::iter).for_each(|member| reply.bulk(member));
    Ok(())
}

fn smove(call: &mut Call<'_>) -> Done {
    let (from, to, member) = (&call.args[1], &call.args[2], &call.args[3]);
    let (db, reply) = call.parts();
    if db.get_mut::<SetData>(from)?.is_none() {
        reply.flag(false);
        return Ok(());
    }
    db.get_mut::<SetData>(to)?;
    let Some(source) = db.get_mut::<SetData>(from)? else { return Ok(()) };
    if from == to {
        reply.flag(source.contains(member));
        return Ok(());
    }
    let moved = source.remove(member);
    if moved {
        db.changed(from);
        db.get_or_create::<SetData>(to)?.insert(member.clone());
        db.changed(to);
    }
    reply.flag(moved);
    Ok(())
}

fn spop(call: &mut Call<'_>) -> Done {
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
    let Some(set) = db.get_mut::<SetData>(key)? else {
        if count.is_some() {
            reply.set(0);
        } else {
            reply.null();
        }
        return Ok(());
    };
    let mut popped: Vec<Bytes> = Vec::new();
    for _ in 0..count.unwrap_or(1).min(set.len()) {
        popped.extend(set.remove_at(fastrand::usize(..set.len())));
    }
    if count.is_some() {
        reply.set(popped.len());
        for member in &popped {
            reply.bulk(member);
        }
    } else {
        reply.maybe(popped.first().map(AsRef::as_ref));
    }
    if !popped.is_empty() {
        db.changed(key);
    }
    Ok(())
}

fn srandmember(call: &mut Call<'_>) -> Done {
    if call.args.len() > 3 {
        return Err(SYNTAX);
    }
    let asked: Option<Sample> = Sample::parse(call, "")?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let set = db.get::<SetData>(key)?;
    let Some(asked) = asked else {
        reply.maybe(set.and_then(|set| set.at(fastrand::usize(..set.len()))).map(AsRef::as_ref));
        return Ok(());
    };
    let picked = sample(set.map_or(0, SetData::len), asked.count);
    reply.array(picked.len());
    picked.iter().filter_map(|index| set?.at(*index)).for_each(|member| reply.bulk(member));
    Ok(())
}
