//! Sorted sets with each other: union, intersection, difference. Plain sets take part with every score 1.

use bytes::Bytes;

use super::set_algebra::inter_card;
use super::zset_range::{store, write};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX, WRONG_TYPE};
use crate::demo::number::{parse_f64, parse_i64};
use crate::demo::spec::*;
use crate::demo::store::{Data, SortedSet};

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("zdiff", -3, READONLY | MOVABLEKEYS, counted(0, 0, 0, 1), C_SORTEDSET, zdiff),
    Spec::new("zdiffstore", -4, WRITE | DENYOOM | MOVABLEKEYS, counted(1, 1, 1, 2), C_SORTEDSET, zdiffstore),
    Spec::new("zinter", -3, READONLY | MOVABLEKEYS, counted(0, 0, 0, 1), C_SORTEDSET, zinter),
    Spec::new("zintercard", -3, READONLY | MOVABLEKEYS, counted(0, 0, 0, 1), C_SORTEDSET, zintercard),
    Spec::new(
        "zinterstore",
        -4,
        WRITE | DENYOOM | MOVABLEKEYS,
        counted(1, 1, 1, 2),
        C_SORTEDSET,
        zinterstore,
    ),
    Spec::new("zunion", -3, READONLY | MOVABLEKEYS, counted(0, 0, 0, 1), C_SORTEDSET, zunion),
    Spec::new(
        "zunionstore",
        -4,
        WRITE | DENYOOM | MOVABLEKEYS,
        counted(1, 1, 1, 2),
        C_SORTEDSET,
        zunionstore,
    ),
];

/// What is done with several sorted sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Union,
    Inter,
    Diff,
}

/// What becomes of a member's several scores.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn join(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinity and its opposite make 0, as Redis decides.
            Self::Sum => Some(a + b).filter(|sum| !sum.is_nan()).unwrap_or(0.0),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

/// One request: the keys with their weights, and what else it says.
struct Request<'a> {
    keys: &'a [Bytes],
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl<'a> Request<'a> {
    /// Reads from argument `at`, where the count of keys is.
    fn parse(call: &Call<'a>, at: usize, how: How, storing: bool, command: &str) -> Result<Self, Fault> {
        let count = parse_i64(&call.args[at]).ok_or(crate::demo::fault::NOT_INTEGER)?;
        let none = || Fault::say(format!("ERR at least 1 input key is needed for '{command}' command"));
        let count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(none)?;
        let keys = call.rest(at + 1).get(..count).ok_or(SYNTAX)?;
        let mut request =
            Self { keys, weights: vec![1.0; count], aggregate: Aggregate::Sum, with_scores: false };
        let mut words = call.rest(at + 1 + count).iter();
        while let Some(word) = words.next() {
            match word.to_ascii_uppercase().as_slice() {
                b"WITHSCORES" if !storing => request.with_scores = true,
                b"WEIGHTS" if how != How::Diff => {
                    for weight in &mut request.weights {
                        let text = words.next().ok_or(SYNTAX)?;
                        *weight = parse_f64(text).ok_or(Fault::of("ERR weight value is not a float"))?;
                    }
                }
                b"AGGREGATE" if how != How::Diff => {
                    let word = words.next().ok_or(SYNTAX)?;
                    request.aggregate = match word.to_ascii_uppercase().as_slice() {
                        b"SUM" => Aggregate::Sum,
                        b"MIN" => Aggregate::Min,
                        b"MAX" => Aggregate::Max,
                        _ => return Err(SYNTAX),
                    };
                }
                _ => return Err(SYNTAX),
            }
        }
        Ok(request)
    }

    /// The result, lowest score first.
    fn run(&self, call: &mut Call<'_>, how: How) -> Result<Vec<(f64, Bytes)>, Fault> {
        let sets: Vec<SortedSet> =
            self.keys.iter().map(|key| weighed(call, key)).collect::<Result<_, Fault>>()?;
        let mut result = SortedSet::default();
        let weigh = |score: f64, weight: f64| Some(score * weight).filter(|it| !it.is_nan()).unwrap_or(0.0);
        let Some((first, others)) = sets.split_first() else { return Ok(Vec::new()) };
        match how {
            How::Union => {
                for (set, weight) in sets.iter().zip(&self.weights) {
                    for (score, member) in set.iter() {
                        let score = weigh(score, *weight);
                        let old = result.score(member);
                        result.insert(member, old.map_or(score, |old| self.aggregate.join(old, score)));
                    }
                }
            }
            How::Inter => {
                for (score, member) in first.iter() {
                    let scores = others.iter().zip(&self.weights[1..]);
                    let mut scores = scores.map(|(set, weight)| Some(weigh(set.score(member)?, *weight)));
                    let total = scores.try_fold(weigh(score, self.weights[0]), |total, score| {
                        score.map(|score| self.aggregate.join(total, score))
                    });
                    if let Some(total) = total {
                        result.insert(member, total);
                    }
                }
            }
            How::Diff => {
                for (score, member) in first.iter() {
                    if others.iter().all(|set| set.score(member).is_none()) {
                        result.insert(member, score);
                    }
                }
            }
        }
        Ok(result.iter().map(|(score, member)| (score, member.clone())).collect())
    }
}

/// The sorted set under a key; a plain set counts as one of score 1.
fn weighed(call: &mut Call<'_>, key: &Bytes) -> Result<SortedSet, Fault> {
    match call.data().read(key).map(|entry| &entry.data) {
        None => Ok(SortedSet::default()),
        Some(Data::Sorted(set)) => Ok((**set).clone()),
        Some(Data::Set(set)) => {
            let mut sorted = SortedSet::default();
            for member in set.iter() {
                sorted.insert(member, 1.0);
            }
            Ok(sorted)
        }
        Some(_) => Err(WRONG_TYPE),
    }
}

fn show(call: &mut Call<'_>, how: How, command: &str) -> Done {
    let request = Request::parse(call, 1, how, false, command)?;
    let members = request.run(call, how)?;
    write(call.reply, &members, request.with_scores);
    Ok(())
}

fn save(call: &mut Call<'_>, how: How, command: &str) -> Done {
    let request = Request::parse(call, 2, how, true, command)?;
    let members = request.run(call, how)?;
    let target = &call.args[1];
    store(call, target, &members);
    Ok(())
}

fn zunion(call: &mut Call<'_>) -> Done {
    show(call, How::Union, "zunion")
}

fn zinter(call: &mut Call<'_>) -> Done {
    show(call, How::Inter, "zinter")
}

fn zdiff(call: &mut Call<'_>) -> Done {
    show(call, How::Diff, "zdiff")
}

fn zunionstore(call: &mut Call<'_>) -> Done {
    save(call, How::Union, "zunionstore")
}

fn zinterstore(call: &mut Call<'_>) -> Done {
    save(call, How::Inter, "zinterstore")
}

fn zdiffstore(call: &mut Call<'_>) -> Done {
    save(call, How::Diff, "zdiffstore")
}

fn zintercard(call: &mut Call<'_>) -> Done {
    let none = Fault::of("ERR at least 1 input key is needed for 'zintercard' command");
    let (keys, limit) = inter_card(call, none, SYNTAX)?;
    let weights = vec![1.0; keys.len()];
    let request = Request { keys, weights, aggregate: Aggregate::Sum, with_scores: false };
    let members = request.run(call, How::Inter)?;
    call.reply.len(members.len().min(limit));
    Ok(())
}
