//! Sorted sets: members and their scores.

use bytes::Bytes;

use super::random::{Sample, sample};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_FLOAT, SYNTAX};
use crate::demo::number::parse_f64;
use crate::demo::spec::*;
use crate::demo::store::SortedSet;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("zadd", -4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_SORTEDSET, zadd),
    Spec::new("zcard", 2, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zcard),
    Spec::new("zincrby", 4, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_SORTEDSET, zincrby),
    Spec::new("zmscore", -3, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zmscore),
    Spec::new("zrandmember", -2, READONLY, keys(1, 1, 1), C_SORTEDSET, zrandmember),
    Spec::new("zrank", -3, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zrank),
    Spec::new("zrem", -3, WRITE | FAST, keys(1, 1, 1), C_SORTEDSET, zrem),
    Spec::new("zrevrank", -3, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zrevrank),
    Spec::new("zscore", 3, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zscore),
];

/// ZADD's options.
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[derive(Clone, Copy, Default)]
struct Options {
    only_new: bool,
    only_old: bool,
    greater: bool,
    less: bool,
    changed: bool,
    increment: bool,
}

impl Options {
    /// Reads the options; gives them and where the pairs begin.
    fn parse(call: &Call<'_>) -> Result<(Self, usize), Fault> {
        let mut options = Self::default();
        let mut at = 2;
        for word in call.rest(2) {
            match word.to_ascii_uppercase().as_slice() {
                b"NX" => options.only_new = true,
                b"XX" => options.only_old = true,
                b"GT" => options.greater = true,
                b"LT" => options.less = true,
                b"CH" => options.changed = true,
                b"INCR" => options.increment = true,
                _ => break,
            }
            at += 1;
        }
        let pairs = call.rest(at).len();
        if pairs == 0 || !pairs.is_multiple_of(2) {
            return Err(SYNTAX);
        }
        if options.only_new && options.only_old {
            return Err(Fault::of("ERR XX and NX options at the same time are not compatible"));
        }
        let one_of = [options.only_new, options.greater, options.less];
        if one_of.iter().filter(|given| **given).count() > 1 {
            return Err(Fault::of("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if options.increment && pairs > 2 {
            return Err(Fault::of("ERR INCR option supports a single increment-element pair"));
        }
        Ok((options, at))
    }

    /// The score a member gets, or `None` where it stays as it is.
    fn score(self, old: Option<f64>, given: f64) -> Result<Option<f64>, Fault> {
        let new = match old {
            Some(old) if self.increment => old + given,
            _ => given,
        };
        if new.is_nan() {
            return Err(Fault::of("ERR resulting score is not a number (NaN)"));
        }
        let refused = match old {
            Some(old) => self.only_new || self.greater && new <= old || self.less && new >= old,
            None => self.only_old,
        };
        Ok((!refused).then_some(new))
    }
}

/// Adds or changes members; gives how many are new, how many changed, and the last one's score if it was set.
fn add(
    call: &mut Call<'_>,
    options: Options,
    pairs: &[(f64, &Bytes)],
) -> Result<(usize, usize, Option<f64>), Fault> {
    let key = &call.args[1];
    let db = call.data();
    if db.get_mut::<SortedSet>(key)?.is_none() && options.only_old {
        return Ok((0, 0, None));
    }
    let set = db.get_or_create::<SortedSet>(key)?;
    let (mut added, mut updated, mut last) = (0, 0, None);
    let mut outcome = Ok(());
    for (given, member) in pairs {
        let old = set.score(member);
        match options.score(old, *given) {
            Ok(None) => last = None,
            Ok(Some(new)) => {
                set.insert(member, new);
                added += usize::from(old.is_none());
                updated += usize::from(old.is_some_and(|old| old.total_cmp(&new).is_ne()));
                last = Some(new);
            }
            Err(fault) => {
                outcome = Err(fault);
                break;
            }
        }
    }
    if added + updated > 0 || set.len() == 0 {
        db.changed(key);
    }
    outcome.map(|()| (added, updated, last))
}

fn zadd(call: &mut Call<'_>) -> Done {
    let (options, at) = Options::parse(call)?;
    let pairs: Option<Vec<(f64, &Bytes)>> =
        call.rest(at).chunks_exact(2).map(|pair| Some((parse_f64(&pair[0])?, &pair[1]))).collect();
    let (added, updated, last) = add(call, options, &pairs.ok_or(NOT_FLOAT)?)?;
    match (options.increment, last) {
        (true, Some(score)) => call.reply.double(score),
        (true, None) => call.reply.null(),
        (false, _) => call.reply.len(if options.changed { added + updated } else { added }),
    }
    Ok(())
}

fn zincrby(call: &mut Call<'_>) -> Done {
    let by = call.float(2)?;
    let options = Options { increment: true, ..Options::default() };
    let member = &call.args[3];
    let (_, _, score) = add(call, options, &[(by, member)])?;
    match score {
        Some(score) => call.reply.double(score),
        None => call.reply.null(),
    }
    Ok(())
}

fn zrem(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let members = call.rest(2);
    let (db, reply) = call.parts();
    let set = db.get_mut::<SortedSet>(key)?;
    let removed = set.map_or(0, |set| members.iter().filter(|member| set.remove(member).is_some()).count());
    reply.len(removed);
    if removed > 0 {
        db.changed(key);
    }
    Ok(())
}

fn zcard(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.len(db.get::<SortedSet>(key)?.map_or(0, SortedSet::len));
    Ok(())
}

fn zscore(call: &mut Call<'_>) -> Done {
    let (key, member) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    match db.get::<SortedSet>(key)?.and_then(|set| set.score(member)) {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
    Ok(())
}

fn zmscore(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let members = call.rest(2);
    let (db, reply) = call.parts();
    let set = db.get::<SortedSet>(key)?;
    reply.array(members.len());
    for member in members {
        match set.and_then(|set| set.score(member)) {
            Some(score) => reply.double(score),
            None => reply.null(),
        }
    }
    Ok(())
}

fn rank(call: &mut Call<'_>, from_highest: bool) -> Done {
    let with_score = match call.rest(3) {
        [] => false,
        [word] if word.eq_ignore_ascii_case(b"withscore") => true,
        _ => return Err(SYNTAX),
    };
    let (key, member) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let set = db.get::<SortedSet>(key)?;
    let place = set.and_then(|set| Some((set.rank(member)?, set.score(member)?, set.len())));
    match place {
        Some((rank, score, length)) => {
            if with_score {
                reply.array(2);
            }
            reply.len(if from_highest { length - 1 - rank } else { rank });
            if with_score {
                reply.double(score);
            }
        }
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

fn zrank(call: &mut Call<'_>) -> Done {
    rank(call, false)
}

fn zrevrank(call: &mut Call<'_>) -> Done {
    rank(call, true)
}

fn zrandmember(call: &mut Call<'_>) -> Done {
    let asked = Sample::parse(call, "withscores")?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let set = db.get::<SortedSet>(key)?;
    let members: Vec<(f64, &Bytes)> = set.into_iter().flat_map(SortedSet::iter).collect();
    let Some(asked) = asked else {
        let picked = sample(members.len(), 1);
        reply.maybe(picked.first().map(|index| members[*index].1.as_ref()));
        return Ok(());
    };
    let picked = sample(members.len(), asked.count);
    asked.head(reply, picked.len());
    for index in picked {
        let (score, member) = members[index];
        asked.pair(reply);
        reply.bulk(member);
        if asked.with {
            reply.double(score);
        }
    }
    Ok(())
}
