//! Parts of a sorted set: by rank, by score, by member.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_INTEGER, SYNTAX};
use crate::demo::number::{parse_f64, parse_i64};
use crate::demo::reply::{RESP2, Reply};
use crate::demo::spec::*;
use crate::demo::store::{Data, Edge, LexEdge, SortedSet};

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("zcount", 4, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zcount),
    Spec::new("zlexcount", 4, READONLY | FAST, keys(1, 1, 1), C_SORTEDSET, zlexcount),
    Spec::new("zrange", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrange),
    Spec::new("zrangebylex", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrangebylex),
    Spec::new("zrangebyscore", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrangebyscore),
    Spec::new("zrangestore", -5, WRITE | DENYOOM, keys(1, 2, 1), C_SORTEDSET, zrangestore),
    Spec::new("zremrangebylex", 4, WRITE, keys(1, 1, 1), C_SORTEDSET, zremrangebylex),
    Spec::new("zremrangebyrank", 4, WRITE, keys(1, 1, 1), C_SORTEDSET, zremrangebyrank),
    Spec::new("zremrangebyscore", 4, WRITE, keys(1, 1, 1), C_SORTEDSET, zremrangebyscore),
    Spec::new("zrevrange", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrevrange),
    Spec::new("zrevrangebylex", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrevrangebylex),
    Spec::new("zrevrangebyscore", -4, READONLY, keys(1, 1, 1), C_SORTEDSET, zrevrangebyscore),
];

/// The two ends of a range, the lower first.
enum Ends {
    Rank(i64, i64),
    Score(Edge, Edge),
    Lex(LexEdge, LexEdge),
}

/// How the ends are to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Lex,
}

fn score_edge(text: &[u8]) -> Result<Edge, Fault> {
    let (open, number) = match text {
        [b'(', number @ ..] => (true, number),
        number => (false, number),
    };
    let score = parse_f64(number).ok_or(Fault::of("ERR min or max is not a float"))?;
    Ok(Edge { score, open })
}

fn lex_edge(text: &Bytes) -> Result<LexEdge, Fault> {
    match text.as_ref() {
        b"-" => Ok(LexEdge::Lowest),
        b"+" => Ok(LexEdge::Highest),
        [b'[', ..] => Ok(LexEdge::Closed(text.slice(1..))),
        [b'(', ..] => Ok(LexEdge::Open(text.slice(1..))),
        _ => Err(Fault::of("ERR min or max not valid string range item")),
    }
}

impl Ends {
    fn parse(by: By, first: &Bytes, last: &Bytes, reversed: bool) -> Result<Self, Fault> {
        let (low, high) = if reversed && by != By::Rank { (last, first) } else { (first, last) };
        Ok(match by {
            By::Rank => {
                let rank = |text: &[u8]| parse_i64(text).ok_or(NOT_INTEGER);
                Self::Rank(rank(low)?, rank(high)?)
            }
            By::Score => Self::Score(score_edge(low)?, score_edge(high)?),
            By::Lex => Self::Lex(lex_edge(low)?, lex_edge(high)?),
        })
    }

    /// The members in the range, in the order asked for.
    fn members(&self, set: &SortedSet, reversed: bool) -> Vec<(f64, Bytes)> {
        let mut members = match self {
            Self::Rank(start, stop) => {
                let Some(range) = super::span(*start, *stop, set.len()) else { return Vec::new() };
                let count = range.end() - range.start() + 1;
                let own = |(score, member): (f64, &Bytes)| (score, member.clone());
                return if reversed {
                    set.iter().rev().skip(*range.start()).take(count).map(own).collect()
                } else {
                    set.iter().skip(*range.start()).take(count).map(own).collect()
                };
            }
            Self::Score(low, high) => set.between(*low, *high),
            Self::Lex(low, high) => return set.between_lex(low, high, reversed),
        };
        if reversed {
            members.reverse();
        }
        members
    }
}

/// One ZRANGE, whatever its name.
struct Range {
    by: By,
    reversed: bool,
    with_scores: bool,
    /// How many to leave out, and how many to give after them; negative: all.
    limit: Option<(i64, i64)>,
}

impl Range {
    /// Reads the options from argument `at` on. `fixed`: the name says already how the range goes.
    fn options(mut self, call: &Call<'_>, at: usize, fixed: bool, storing: bool) -> Result<Self, Fault> {
        let mut words = call.rest(at).iter();
        while let Some(word) = words.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"WITHSCORES" if !storing => self.with_scores = true,
                b"LIMIT" => {
                    let (Some(skip), Some(count)) = (words.next(), words.next()) else { return Err(SYNTAX) };
                    let number = |text: &[u8]| parse_i64(text).ok_or(NOT_INTEGER);
                    self.limit = Some((number(skip)?, number(count)?));
                }
                b"BYSCORE" if !fixed => self.by = By::Score,
                b"BYLEX" if !fixed => self.by = By::Lex,
                b"REV" if !fixed => self.reversed = true,
                _ => return Err(SYNTAX),
            }
        }
        if self.limit.is_some() && self.by == By::Rank {
            return Err(Fault::of(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ));
        }
        if self.with_scores && self.by == By::Lex {
            return Err(Fault::of("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
        }
        Ok(self)
    }

    /// Reads the ends and finds the members of the key at argument `at`.
    fn run(&self, call: &mut Call<'_>, at: usize) -> Result<Vec<(f64, Bytes)>, Fault> {
        let args = call.args;
        let ends = Ends::parse(self.by, &args[at + 1], &args[at + 2], self.reversed)?;
        let set = call.data().get::<SortedSet>(&args[at])?;
        let mut members = set.map(|set| ends.members(set, self.reversed)).unwrap_or_default();
        if let Some((skip, count)) = self.limit {
            // A negative offset gives nothing, a negative count everything.
            let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(members.len());
            members.drain(..skip);
            members.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        }
        Ok(members)
    }
}

/// Members, with their scores or without.
pub(super) fn write(reply: &mut Reply, members: &[(f64, Bytes)], with_scores: bool) {
    let pairs = with_scores && reply.protocol > RESP2;
    reply.array(if with_scores && !pairs { members.len() * 2 } else { members.len() });
    for (score, member) in members {
        if pairs {
            reply.array(2);
        }
        reply.bulk(member);
        if with_scores {
            reply.double(*score);
        }
    }
}

fn show(call: &mut Call<'_>, by: By, reversed: bool, fixed: bool) -> Done {
    let range = Range { by, reversed, with_scores: false, limit: None }.options(call, 4, fixed, false)?;
    let members = range.run(call, 1)?;
    write(call.reply, &members, range.with_scores);
    Ok(())
}

fn zrange(call: &mut Call<'_>) -> Done {
    show(call, By::Rank, false, false)
}

fn zrevrange(call: &mut Call<'_>) -> Done {
    show(call, By::Rank, true, true)
}

fn zrangebyscore(call: &mut Call<'_>) -> Done {
    show(call, By::Score, false, true)
}

fn zrevrangebyscore(call: &mut Call<'_>) -> Done {
    show(call, By::Score, true, true)
}

fn zrangebylex(call: &mut Call<'_>) -> Done {
    show(call, By::Lex, false, true)
}

fn zrevrangebylex(call: &mut Call<'_>) -> Done {
    show(call, By::Lex, true, true)
}

fn zrangestore(call: &mut Call<'_>) -> Done {
    let range = Range { by: By::Rank, reversed: false, with_scores: false, limit: None };
    let members = range.options(call, 5, false, true)?.run(call, 2)?;
    let target = &call.args[1];
    store(call, target, &members);
    Ok(())
}

/// Makes a sorted set of `members` under `target`, or removes the key when there are none; answers how many.
pub(super) fn store(call: &mut Call<'_>, target: &Bytes, members: &[(f64, Bytes)]) {
    let mut set = Box::<SortedSet>::default();
    for (score, member) in members {
        set.insert(member, *score);
    }
    let (db, reply) = call.parts();
    reply.len(set.len());
    if set.len() == 0 {
        db.take(target);
    } else {
        db.put(target, Data::Sorted(set), None);
    }
}

fn count(call: &mut Call<'_>, by: By) -> Done {
    let range = Range { by, reversed: false, with_scores: false, limit: None };
    let members = range.run(call, 1)?;
    call.reply.len(members.len());
    Ok(())
}

fn zcount(call: &mut Call<'_>) -> Done {
    count(call, By::Score)
}

fn zlexcount(call: &mut Call<'_>) -> Done {
    count(call, By::Lex)
}

fn remove(call: &mut Call<'_>, by: By) -> Done {
    let range = Range { by, reversed: false, with_scores: false, limit: None };
    let members = range.run(call, 1)?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    if let Some(set) = db.get_mut::<SortedSet>(key)? {
        for (_, member) in &members {
            set.remove(member);
        }
    }
    reply.len(members.len());
    if !members.is_empty() {
        db.changed(key);
    }
    Ok(())
}

fn zremrangebyrank(call: &mut Call<'_>) -> Done {
    remove(call, By::Rank)
}

fn zremrangebyscore(call: &mut Call<'_>) -> Done {
    remove(call, By::Score)
}

fn zremrangebylex(call: &mut Call<'_>) -> Done {
    remove(call, By::Lex)
}
