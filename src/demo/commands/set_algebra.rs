//! Sets with each other: union, intersection, difference.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX, WRONG_TYPE};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::{Data, Db, SetData};

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("sdiff", -2, READONLY, keys(1, -1, 1), C_SET, sdiff),
    Spec::new("sdiffstore", -3, WRITE | DENYOOM, keys(1, -1, 1), C_SET, sdiffstore),
    Spec::new("sinter", -2, READONLY, keys(1, -1, 1), C_SET, sinter),
    Spec::new("sintercard", -3, READONLY | MOVABLEKEYS, counted(0, 0, 0, 1), C_SET, sintercard),
    Spec::new("sinterstore", -3, WRITE | DENYOOM, keys(1, -1, 1), C_SET, sinterstore),
    Spec::new("sunion", -2, READONLY, keys(1, -1, 1), C_SET, sunion),
    Spec::new("sunionstore", -3, WRITE | DENYOOM, keys(1, -1, 1), C_SET, sunionstore),
];

/// What is done with several sets.
#[derive(Clone, Copy)]
enum How {
    Union,
    Inter,
    Diff,
}

/// The sets under `keys`; each missing one is empty, and one of another kind is an error.
fn sets(db: &mut Db, keys: &[Bytes]) -> Result<Vec<SetData>, Fault> {
    keys.iter()
        .map(|key| match db.read(key).map(|entry| &entry.data) {
            None => Ok(SetData::default()),
            Some(Data::Set(set)) => Ok(set.clone()),
            Some(_) => Err(WRONG_TYPE),
        })
        .collect()
}

fn combine(how: How, sets: &[SetData]) -> SetData {
    let mut result = SetData::default();
    let Some((first, others)) = sets.split_first() else { return result };
    let mut keep = |member: &Bytes| {
        result.insert(member.clone());
    };
    match how {
        How::Union => sets.iter().flat_map(SetData::iter).for_each(&mut keep),
        How::Inter => {
            // The smallest set decides the order, as in Redis.
            let mut sorted: Vec<&SetData> = sets.iter().collect();
            sorted.sort_by_key(|set| set.len());
            let Some((smallest, others)) = sorted.split_first() else { return result };
            let in_all = |member: &&Bytes| others.iter().all(|set| set.contains(member));
            smallest.iter().filter(in_all).for_each(&mut keep);
        }
        How::Diff => {
            let in_none = |member: &&Bytes| !others.iter().any(|set| set.contains(member));
            first.iter().filter(in_none).for_each(&mut keep);
        }
    }
    result
}

fn show(call: &mut Call<'_>, how: How) -> Done {
    let keys = call.rest(1);
    let (db, reply) = call.parts();
    let result = combine(how, &sets(db, keys)?);
    reply.set(result.len());
    result.iter().for_each(|member| reply.bulk(member));
    Ok(())
}

fn store(call: &mut Call<'_>, how: How) -> Done {
    let (target, keys) = (&call.args[1], call.rest(2));
    let (db, reply) = call.parts();
    let result = combine(how, &sets(db, keys)?);
    reply.len(result.len());
    if result.len() == 0 {
        db.take(target);
    } else {
        db.put(target, Data::Set(result), None);
    }
    Ok(())
}

fn sunion(call: &mut Call<'_>) -> Done {
    show(call, How::Union)
}

fn sinter(call: &mut Call<'_>) -> Done {
    show(call, How::Inter)
}

fn sdiff(call: &mut Call<'_>) -> Done {
    show(call, How::Diff)
}

fn sunionstore(call: &mut Call<'_>) -> Done {
    store(call, How::Union)
}

fn sinterstore(call: &mut Call<'_>) -> Done {
    store(call, How::Inter)
}

fn sdiffstore(call: &mut Call<'_>) -> Done {
    store(call, How::Diff)
}

fn sintercard(call: &mut Call<'_>) -> Done {
    let (keys, limit) = inter_card(
        call,
        Fault::of("ERR numkeys should be greater than 0"),
        Fault::of("ERR Number of keys can't be greater than number of args"),
    )?;
    let (db, reply) = call.parts();
    let size = combine(How::Inter, &sets(db, keys)?).len();
    reply.len(size.min(limit));
    Ok(())
}

/// `numkeys key [key ...] [LIMIT limit]`: the keys, and the limit; the errors when there is no key, and when there are fewer
/// than said, are the command's own.
pub(super) fn inter_card<'a>(
    call: &Call<'a>,
    none: Fault,
    too_few: Fault,
) -> Result<(&'a [Bytes], usize), Fault> {
    let count = parse_i64(&call.args[1]).and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count > 0).ok_or(none)?;
    let keys = call.rest(2).get(..count).ok_or(too_few)?;
    let mut limit = usize::MAX;
    for option in call.rest(2 + count).chunks(2) {
        match option {
            [word, value] if word.eq_ignore_ascii_case(b"limit") => {
                let value = parse_i64(value).and_then(|limit| usize::try_from(limit).ok());
                let value = value.ok_or(Fault::of("ERR LIMIT can't be negative"))?;
                limit = if value == 0 { usize::MAX } else { value };
            }
            _ => return Err(SYNTAX),
        }
    }
    Ok((keys, limit))
}
