//! Words of several parts: put together only where somebody reads them, since a filter asks thousands of rows for them at
//! each letter.

use std::borrow::Cow;
use std::cmp::Ordering;

/// A number and two texts, as far as there are any, with a blank between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joined<'a> {
    /// Goes first.
    pub number: Option<u64>,
    /// An empty one is left out.
    pub texts: [&'a str; 2],
}

impl Joined<'_> {
    /// All of it.
    pub fn text(&self) -> Cow<'_, str> {
        let [first, second] = self.texts;
        match (self.number, first, second) {
            (None, text, "") | (None, "", text) => Cow::Borrowed(text),
            (None, first, second) => Cow::Owned(format!("{first} {second}")),
            (Some(number), "", "") => Cow::Owned(number.to_string()),
            (Some(number), text, "") | (Some(number), "", text) => Cow::Owned(format!("{number} {text}")),
            (Some(number), first, second) => Cow::Owned(format!("{number} {first} {second}")),
        }
    }

    /// As the texts are ordered.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self.number, other.number) {
            (None, None) => self.letters().cmp(other.letters()),
            // In a list the numbers are of processes, and most texts behind them are the same.
            (Some(left), Some(right)) if left == right => self.letters().cmp(other.letters()),
            _ => self.text().cmp(&other.text()),
        }
    }

    fn letters(&self) -> impl Iterator<Item = u8> {
        let [first, second] = self.texts;
        let between = if first.is_empty() || second.is_empty() { "" } else { " " };
        [first, between, second].into_iter().flat_map(str::bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any<'a>(number: Option<u64>, first: &'a str, second: &'a str) -> Joined<'a> {
        Joined { number, texts: [first, second] }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_texts(
            left in (prop::option::of(0..30_u64), "[ a-c]{0,3}", "[ a-c]{0,3}"),
            right in (prop::option::of(0..30_u64), "[ a-c]{0,3}", "[ a-c]{0,3}"),
        ) {
            let (left, right) = (any(left.0, &left.1, &left.2), any(right.0, &right.1, &right.2));
            prop_assert_eq!(left.order(&right), left.text().cmp(&right.text()));
        }
    }

    #[test]
    fn what_is_empty_leaves_no_blank() {
        let texts = [
            (any(None, "", ""), ""),
            (any(None, "a", ""), "a"),
            (any(None, "", "b"), "b"),
            (any(None, "a", "b"), "a b"),
            (any(Some(7), "", ""), "7"),
            (any(Some(7), "", "b"), "7 b"),
            (any(Some(7), "a", ""), "7 a"),
            (any(Some(7), "a", "b"), "7 a b"),
        ];
        for (joined, text) in texts {
            assert_eq!(joined.text(), text);
        }
    }
}
