//! Random members: SRANDMEMBER, HRANDFIELD and ZRANDMEMBER pick alike.

use crate::demo::dispatch::Call;
use crate::demo::fault::{Fault, NOT_INTEGER, NOT_LEAST, OUT_OF_RANGE, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::reply::{RESP2, Reply};

/// The most picks where members may repeat: Redis would go on until the memory is full.
const MOST: i64 = 1 << 20;

/// What was asked for, where a count was given.
pub(super) struct Sample {
    /// Negative: so many, the same one more than once if it comes so.
    pub(super) count: i64,
    /// Values or scores too.
    pub(super) with: bool,
}

impl Sample {
    /// Reads `[count [WITH…]]` after the key.
    pub(super) fn parse(call: &Call<'_>, with: &str) -> Result<Option<Self>, Fault> {
        let Some(count) = call.args.get(2) else { return Ok(None) };
        let count = parse_i64(count).ok_or(NOT_INTEGER)?;
        let with = match call.rest(3) {
            [] => false,
            [word] if word.eq_ignore_ascii_case(with.as_bytes()) => true,
            _ => return Err(SYNTAX),
        };
        if count == i64::MIN {
            return Err(NOT_LEAST);
        }
        // Picks of the same members again and again, more than a reply should hold.
        if count < -MOST || with && count > i64::MAX / 2 {
            return Err(OUT_OF_RANGE);
        }
        Ok(Some(Self { count, with }))
    }

    /// The head of the reply: RESP3 gives pairs, RESP2 a flat list.
    pub(super) fn head(&self, reply: &mut Reply, picked: usize) {
        let flat = self.with && reply.protocol == RESP2;
        reply.array(if flat { picked * 2 } else { picked });
    }

    /// The head of each pair, where there is one.
    pub(super) fn pair(&self, reply: &mut Reply) {
        if self.with && reply.protocol > RESP2 {
            reply.array(2);
        }
    }
}

/// Indices below `length`: `count` different ones or all, or as many as asked where `count` is negative.
pub(super) fn sample(length: usize, count: i64) -> Vec<usize> {
    if length == 0 {
        return Vec::new();
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        return (0..wanted).map(|_| fastrand::usize(..length)).collect();
    }
    if wanted >= length {
        return (0..length).collect();
    }
    // The first steps of a shuffle.
    let mut indices: Vec<usize> = (0..length).collect();
    for at in 0..wanted {
        let other = fastrand::usize(at..length);
        indices.swap(at, other);
    }
    indices.truncate(wanted);
    indices
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn samples_are_different_unless_asked_otherwise() {
        for (length, count, expected) in [(5, 3, 3), (5, 9, 5), (5, -9, 9), (0, 3, 0), (0, -3, 0), (5, 0, 0)]
        {
            let mut picked = sample(length, count);
            assert_eq!(picked.len(), expected);
            assert!(picked.iter().all(|index| *index < length));
            if count > 0 {
                picked.sort_unstable();
                picked.dedup();
                assert_eq!(picked.len(), expected);
            }
        }
    }
}
