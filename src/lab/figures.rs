//! What is measured: named, with a unit, once a repetition for each way.

use std::time::Duration;

use super::stats::Spread;
use crate::text;

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Seconds.
    Time,
    /// Things a second.
    Rate,
    /// Hundredths.
    Percent,
}

impl Unit {
    /// Its name in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "1",
            Self::Time => "s",
            Self::Rate => "1/s",
            Self::Percent => "%",
        }
    }

    /// A figure as people read it.
    #[allow(clippy::cast_sign_loss, reason = "nothing that is measured here is negative")]
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Count if value.fract() > 0.0 => format!("{value:.1}"),
            Self::Count => text::thousands(value as u64),
            Self::Time => text::duration(Duration::try_from_secs_f64(value).unwrap_or_default()),
            Self::Rate => format!("{}/s", text::thousands(value.round() as u64)),
            Self::Percent => format!("{value:.0}%"),
        }
    }
}

/// Something to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What it is, in words.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
}

impl Measure {
    /// Counted in things.
    pub const fn count(name: &'static str) -> Self {
        Self { name, unit: Unit::Count }
    }

    /// A time.
    pub const fn time(name: &'static str) -> Self {
        Self { name, unit: Unit::Time }
    }

    /// Things a second.
    pub const fn rate(name: &'static str) -> Self {
        Self { name, unit: Unit::Rate }
    }

    /// A share in hundredths.
    pub const fn percent(name: &'static str) -> Self {
        Self { name, unit: Unit::Percent }
    }
}

/// What one repetition of one way gave, in the order in which it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(Vec<(Measure, f64)>);

impl Sample {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a number.
    #[must_use]
    pub fn with(mut self, measure: Measure, value: impl Into<f64>) -> Self {
        self.0.push((measure, value.into()));
        self
    }

    /// With a count that may be large.
    #[must_use]
    pub fn counted(self, measure: Measure, value: u64) -> Self {
        self.with(measure, value as f64)
    }

    /// With a time.
    #[must_use]
    pub fn timed(self, measure: Measure, value: Duration) -> Self {
        self.with(measure, value.as_secs_f64())
    }
}

/// One figure of one way, over all repetitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What was measured.
    pub measure: Measure,
    /// Once a repetition.
    pub values: Vec<f64>,
}

impl Figure {
    /// What they come to.
    pub fn spread(&self) -> Spread {
        Spread::of(&self.values)
    }
}

/// All figures, by way, each in the order in which it was first measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(Vec<Vec<Figure>>);

impl Figures {
    /// None yet, of so many ways.
    pub fn new(ways: usize) -> Self {
        Self(vec![Vec::new(); ways])
    }

    /// Takes what a repetition gave.
    pub fn add(&mut self, way: usize, sample: Sample) {
        let Some(figures) = self.0.get_mut(way) else { return };
        for (measure, value) in sample.0 {
            match figures.iter_mut().find(|figure| figure.measure == measure) {
                Some(figure) => figure.values.push(value),
                None => figures.push(Figure { measure, values: vec![value] }),
            }
        }
    }

    /// Those of one way.
    pub fn of(&self, way: usize) -> &[Figure] {
        self.0.get(way).map_or(&[], Vec::as_slice)
    }

    /// What one figure of one way comes to; all zero where it was not measured.
    pub fn spread(&self, way: usize, measure: Measure) -> Spread {
        let found = self.of(way).iter().find(|figure| figure.measure == measure);
        found.map(Figure::spread).unwrap_or_default()
    }

    /// As if every way had measured what one did: what there is to see once the effect is taken away.
    #[must_use]
    pub fn as_if_all_were(&self, way: usize) -> Self {
        Self(vec![self.of(way).to_vec(); self.0.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_with_their_unit() {
        let shown = [
            (Unit::Count, 1_000.0, "1,000"),
            (Unit::Count, 5.33, "5.3"),
            (Unit::Time, 0.000_12, "0.12 ms"),
            (Unit::Rate, 12_345.4, "12,345/s"),
            (Unit::Percent, 97.6, "98%"),
        ];
        for (unit, value, want) in shown {
            assert_eq!(unit.show(value), want);
        }
    }
}
