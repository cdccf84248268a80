//! Lists.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, INDEX_RANGE, NO_SUCH_KEY, NOT_POSITIVE, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::List;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("lindex", 3, READONLY, keys(1, 1, 1), C_LIST, lindex),
    Spec::new("linsert", 5, WRITE | DENYOOM, keys(1, 1, 1), C_LIST, linsert),
    Spec::new("llen", 2, READONLY | FAST, keys(1, 1, 1), C_LIST, llen),
    Spec::new("lpop", -2, WRITE | FAST, keys(1, 1, 1), C_LIST, lpop),
    Spec::new("lpos", -3, READONLY, keys(1, 1, 1), C_LIST, lpos),
    Spec::new("lpush", -3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_LIST, lpush),
    Spec::new("lpushx", -3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_LIST, lpushx),
    Spec::new("lrange", 4, READONLY, keys(1, 1, 1), C_LIST, lrange),
    Spec::new("lrem", 4, WRITE, keys(1, 1, 1), C_LIST, lrem),
    Spec::new("lset", 4, WRITE | DENYOOM, keys(1, 1, 1), C_LIST, lset),
    Spec::new("ltrim", 4, WRITE, keys(1, 1, 1), C_LIST, ltrim),
    Spec::new("rpop", -2, WRITE | FAST, keys(1, 1, 1), C_LIST, rpop),
    Spec::new("rpush", -3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_LIST, rpush),
    Spec::new("rpushx", -3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_LIST, rpushx),
];

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Left,
    Right,
}

impl End {
    pub(super) fn parse(call: &Call<'_>, index: usize) -> Result<Self, Fault> {
        match call.word(index)?.as_str() {
            "LEFT" => Ok(Self::Left),
            "RIGHT" => Ok(Self::Right),
            _ => Err(SYNTAX),
        }
    }

    pub(super) fn pop(self, list: &mut List) -> Option<Bytes> {
        if self == Self::Left { list.pop_front() } else { list.pop_back() }
    }

    pub(super) fn push(self, list: &mut List, item: Bytes) {
        if self == Self::Left { list.push_front(item) } else { list.push_back(item) }
    }
}

fn push(call: &mut Call<'_>, end: End, only_old: bool) -> Done {
    let key = &call.args[1];
    let items = call.rest(2);
    let (db, reply) = call.parts();
    if db.get_mut::<List>(key)?.is_none() && only_old {
        reply.len(0);
        return Ok(());
    }
    let list = db.get_or_create::<List>(key)?;
    for item in items {
        end.push(list, item.clone());
    }
    reply.len(list.len());
    db.changed(key);
    Ok(())
}

fn lpush(call: &mut Call<'_>) -> Done {
    push(call, End::Left, false)
}

fn rpush(call: &mut Call<'_>) -> Done {
    push(call, End::Right, false)
}

fn lpushx(call: &mut Call<'_>) -> Done {
    push(call, End::Left, true)
}

fn rpushx(call: &mut Call<'_>) -> Done {
    push(call, End::Right, true)
}

fn pop(call: &mut Call<'_>, end: End, name: &str) -> Done {
    if call.args.len() > 3 {
        return Err(Fault::arity(name));
    }
    let count = match call.args.get(2) {
        None => None,
        Some(text) => {
            Some(parse_i64(text).and_then(|count| usize::try_from(count).ok()).ok_or(NOT_POSITIVE)?)
        }
    };
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let Some(list) = db.get_mut::<List>(key)? else {
        if count.is_some() {
            reply.null_array();
        } else {
            reply.null();
        }
        return Ok(());
    };
    match count {
        None => reply.maybe(end.pop(list).as_deref()),
        Some(count) => {
            let count = count.min(list.len());
            reply.array(count);
            for _ in 0..count {
                reply.maybe(end.pop(list).as_deref());
            }
        }
    }
    db.changed(key);
    Ok(())
}

fn lpop(call: &mut Call<'_>) -> Done {
    pop(call, End::Left, "lpop")
}

fn rpop(call: &mut Call<'_>) -> Done {
    pop(call, End::Right, "rpop")
}

fn llen(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.len(db.get::<List>(key)?.map_or(0, List::len));
    Ok(())
}

fn lrange(call: &mut Call<'_>) -> Done {
    let (start, stop) = (call.int(2)?, call.int(3)?);
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let Some(list) = db.get::<List>(key)? else {
        reply.array(0);
        return Ok(());
    };
    match super::span(start, stop, list.len()) {
        Some(range) => reply.list(list.range(range)),
        None => reply.array(0),
    }
    Ok(())
}

/// Where an index, from the end where it is negative, points in a list.
fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 { length.checked_add(index)? } else { index };
    usize::try_from(index).ok().filter(|_| index < length)
}

fn lindex(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let found = call.data().get::<List>(key)?.is_some();
    if !found {
        call.reply.null();
        return Ok(());
    }
    let index = call.int(2)?;
    let list = call.state.dbs[call.db].get_mut::<List>(key)?;
    let item = list.and_then(|list| place(index, list.len()).and_then(|at| list.get(at)));
    call.reply.maybe(item.map(AsRef::as_ref));
    Ok(())
}

fn lset(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    if call.data().get_mut::<List>(key)?.is_none() {
        return Err(NO_SUCH_KEY);
    }
    let index = call.int(2)?;
    let item = call.args[3].clone();
    let (db, reply) = call.parts();
    if let Some(list) = db.get_mut::<List>(key)? {
        let at = place(index, list.len()).ok_or(INDEX_RANGE)?;
        list[at] = item;
    }
    db.changed(key);
    reply.ok();
    Ok(())
}

fn lrem(call: &mut Call<'_>) -> Done {
    let count = call.int(2)?;
    let (key, item) = (&call.args[1], &call.args[3]);
    let (db, reply) = call.parts();
    let Some(list) = db.get_mut::<List>(key)? else {
        reply.len(0);
        return Ok(());
    };
    let before = list.len();
    let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let mut removed = 0;
    let mut keep = |other: &Bytes| {
        let remove = other == item && removed < most;
        removed += u64::from(remove);
        !remove
    };
    if count < 0 {
        let kept: List = std::mem::take(list).into_iter().rev().filter(&mut keep).collect();
        *list = kept.into_iter().rev().collect();
    } else {
        list.retain(keep);
    }
    let removed = before - list.len();
    reply.len(removed);
    if removed > 0 {
        db.changed(key);
    }
    Ok(())
}

fn ltrim(call: &mut Call<'_>) -> Done {
    let (start, stop) = (call.int(2)?, call.int(3)?);
    let key = &call.args[1];
    let (db, reply) = call.parts();
    if let Some(list) = db.get_mut::<List>(key)? {
        match super::span(start, stop, list.len()) {
            Some(range) => {
                list.truncate(range.end() + 1);
                list.drain(..range.start());
            }
            None => list.clear(),
        }
        db.changed(key);
    }
    reply.ok();
    Ok(())
}

fn linsert(call: &mut Call<'_>) -> Done {
    let after = match call.word(2)?.as_str() {
        "BEFORE" => 0,
        "AFTER" => 1,
        _ => return Err(SYNTAX),
    };
    let (key, pivot, item) = (&call.args[1], &call.args[3], &call.args[4]);
    let (db, reply) = call.parts();
    let Some(list) = db.get_mut::<List>(key)? else {
        reply.len(0);
        return Ok(());
    };
    let Some(at) = list.iter().position(|other| other == pivot) else {
        reply.int(-1);
        return Ok(());
    };
    list.insert(at + after, item.clone());
    reply.len(list.len());
    db.changed(key);
    Ok(())
}

/// LPOS's options.
struct Wanted {
    rank: i64,
    /// How many matches, 0 for all; `None` for the first alone.
    count: Option<usize>,
    /// How many elements to compare at most, 0 for all.
    most: usize,
}

impl Wanted {
    fn parse(call: &Call<'_>) -> Result<Self, Fault> {
        let mut wanted = Self { rank: 1, count: None, most: 0 };
        for option in call.rest(3).chunks(2) {
            let [word, value] = option else { return Err(SYNTAX) };
            let number = || parse_i64(value).ok_or(crate::demo::fault::NOT_INTEGER);
            let positive = |what: &str| {
                let fault = || Fault::say(format!("ERR {what} can't be negative"));
                parse_i64(value).and_then(|count| usize::try_from(count).ok()).ok_or_else(fault)
            };
            match word.to_ascii_uppercase().as_slice() {
                b"RANK" => {
                    wanted.rank = number()?;
                    if wanted.rank == 0 {
                        return Err(Fault::of(
                            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                             negative to start from the end of the list",
                        ));
                    }
                    if wanted.rank == i64::MIN {
                        return Err(crate::demo::fault::NOT_LEAST);
                    }
                }
                b"COUNT" => wanted.count = Some(positive("COUNT")?),
                b"MAXLEN" => wanted.most = positive("MAXLEN")?,
                _ => return Err(SYNTAX),
            }
        }
        Ok(wanted)
    }

    fn find(&self, list: &List, item: &Bytes) -> Vec<usize> {
        let most = if self.most == 0 { list.len() } else { self.most };
        let skip = usize::try_from(self.rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
        let count = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => count,
        };
        let numbered = list.iter().enumerate();
        let fits = |(_, other): &(usize, &Bytes)| *other == item;
        let place = |(at, _): (usize, &Bytes)| at;
        if self.rank > 0 {
            numbered.take(most).filter(fits).skip(skip).take(count).map(place).collect()
        } else {
            numbered.rev().take(most).filter(fits).skip(skip).take(count).map(place).collect()
        }
    }
}

fn lpos(call: &mut Call<'_>) -> Done {
    let wanted = Wanted::parse(call)?;
    let (key, item) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let found = db.get::<List>(key)?.map(|list| wanted.find(list, item)).unwrap_or_default();
    if wanted.count.is_some() {
        reply.array(found.len());
        for at in found {
            reply.len(at);
        }
    } else {
        match found.first() {
            Some(at) => reply.len(*at),
            None => reply.null(),
        }
    }
    Ok(())
}
