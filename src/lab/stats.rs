//! What repeated measurements come to.

/// Several measurements of one thing: the middle one, and how far they lie apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many there were.
    pub count: usize,
    /// The smallest.
    pub low: f64,
    /// A quarter of them lie below.
    pub lower: f64,
    /// Half of them lie below.
    pub median: f64,
    /// A quarter of them lie above.
    pub upper: f64,
    /// The largest.
    pub high: f64,
}

impl Spread {
    /// Of these; all zero of none.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return Self::default() };
        let at = |quarters| quantile(&sorted, quarters);
        Self { count: sorted.len(), low, lower: at(1), median: at(2), upper: at(3), high }
    }
}

/// So many quarters of the way through what is sorted, between two neighbours where it falls between them.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let place = (sorted.len() - 1) * quarters;
    let (at, part) = (place / 4, (place % 4) as f64 / 4.0);
    let below = sorted[at];
    let above = sorted.get(at + 1).copied().unwrap_or(below);
    below + (above - below) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends_whatever_the_order() {
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        let want = Spread { count: 5, low: 1.0, lower: 2.0, median: 3.0, upper: 4.0, high: 5.0 };
        assert_eq!(spread, want);
        assert!((Spread::of(&[1.0, 2.0]).median - 1.5).abs() < 1e-9);
        assert_eq!(Spread::of(&[]), Spread::default());
        assert_eq!(
            Spread::of(&[f64::NAN, 7.0]).median.to_bits(),
            7.0_f64.to_bits(),
            "what is no number counts for nothing"
        );
    }
}
