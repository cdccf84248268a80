//! A sorted set: members by score, and scores by member.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;

/// A score that orders; never NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        // Not `total_cmp`: 0 and -0 are the same score.
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

/// The members of a sorted set.
#[derive(Clone, Default)]
pub(crate) struct SortedSet {
    scores: HashMap<Bytes, f64>,
    order: BTreeSet<(Score, Bytes)>,
}

/// One end of a range of scores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) score: f64,
    /// The score itself is outside.
    pub(crate) open: bool,
}

/// One end of a range of members that all have the same score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LexEdge {
    /// `-`
    Lowest,
    /// `+`
    Highest,
    /// `[member`
    Closed(Bytes),
    /// `(member`
    Open(Bytes),
}

impl LexEdge {
    /// May `member` be above this lower end?
    fn admits_above(&self, member: &[u8]) -> bool {
        match self {
            Self::Lowest => true,
            Self::Highest => false,
            Self::Closed(edge) => member >= edge.as_ref(),
            Self::Open(edge) => member > edge.as_ref(),
        }
    }

    /// May `member` be below this upper end?
    fn admits_below(&self, member: &[u8]) -> bool {
        match self {
            Self::Lowest => false,
            Self::Highest => true,
            Self::Closed(edge) => member <= edge.as_ref(),
            Self::Open(edge) => member < edge.as_ref(),
        }
    }
}

impl SortedSet {
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    /// Sets a member's score; gives the one it had.
    pub(crate) fn insert(&mut self, member: &Bytes, score: f64) -> Option<f64> {
        let old = self.scores.insert(member.clone(), score);
        if let Some(old) = old {
            if old.total_cmp(&score) == Ordering::Equal {
                return Some(old);
            }
            self.order.remove(&(Score(old), member.clone()));
        }
        self.order.insert((Score(score), member.clone()));
        old
    }

    /// Removes a member; gives the score it had.
    pub(crate) fn remove(&mut self, member: &Bytes) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(&(Score(score), member.clone()));
        Some(score)
    }

    /// Every member with its score, lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (f64, &Bytes)> + ExactSizeIterator {
        self.order.iter().map(|(score, member)| (score.0, member))
    }

    /// Where a member stands, from the lowest.
    pub(crate) fn rank(&self, member: &Bytes) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.order.range(..(Score(score), member.clone())).count())
    }

    /// Removes the lowest member, or the highest.
    pub(crate) fn pop(&mut self, highest: bool) -> Option<(Bytes, f64)> {
        let (score, member) = if highest { self.order.pop_last() } else { self.order.pop_first() }?;
        self.scores.remove(&member);
        Some((member, score.0))
    }

    /// The members whose scores lie between two ends, lowest first.
    pub(crate) fn between(&self, low: Edge, high: Edge) -> Vec<(f64, Bytes)> {
        // The empty member is the lowest of its score: a closed range begins at it.
        let from = (Score(low.score), Bytes::new());
        self.order
            .range((Bound::Included(from), Bound::Unbounded))
            .skip_while(|(score, _)| low.open && score.0 <= low.score)
            .take_while(|(score, _)| if high.open { score.0 < high.score } else { score.0 <= high.score })
            .map(|(score, member)| (score.0, member.clone()))
            .collect()
    }

    /// The members that lie between two ends in the order of bytes, lowest first or `reversed`. Meant for sets of one score;
    /// in others it gives what Redis gives, which looks at both ends of the set first and then stops at the first member
    /// outside.
    pub(crate) fn between_lex(&self, low: &LexEdge, high: &LexEdge, reversed: bool) -> Vec<(f64, Bytes)> {
        let touches = self.order.last().is_some_and(|(_, member)| low.admits_above(member))
            && self.order.first().is_some_and(|(_, member)| high.admits_below(member));
        if !touches {
            return Vec::new();
        }
        let own = |(score, member): (f64, &Bytes)| (score, member.clone());
        if reversed {
            let from = self.iter().rev().skip_while(|(_, member)| !high.admits_below(member));
            from.take_while(|(_, member)| low.admits_above(member)).map(own).collect()
        } else {
            let from = self.iter().skip_while(|(_, member)| !low.admits_above(member));
            from.take_while(|(_, member)| high.admits_below(member)).map(own).collect()
        }
    }
}
