//! Verdicts: claims on the measured figures, each with its rule, and nothing else. The same figures give the same
//! verdict, and figures without the effect give the other one.

use super::figures::{Figures, Measure, Unit};
use super::{About, Way};

/// What an experiment's figures must show.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    measure: Measure,
    rule: Rule,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    /// The median of the way `more` is at least so many times that of `less`, and the middle halves of both lie apart.
    Times { more: usize, less: usize, factor: f64 },
    /// The median of a way is at least this.
    AtLeast { way: usize, least: f64 },
    /// The median of a way is at most this.
    AtMost { way: usize, most: f64 },
}

/// A claim, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the figures show it.
    pub holds: bool,
    /// The figures, and what was asked of them.
    pub words: String,
    /// It rests on times, which a busy machine blurs; the others on counts.
    pub timed: bool,
}

/// What the figures say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Every claim holds.
    pub shown: bool,
    /// The claims, one by one.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Shown when all of these hold, and there is any.
    pub fn of(findings: Vec<Finding>) -> Self {
        Self { shown: !findings.is_empty() && findings.iter().all(|finding| finding.holds), findings }
    }

    /// The experiment's own claims on these figures.
    pub fn by_claims(about: &About, figures: &Figures) -> Self {
        Self::of(about.claims.iter().map(|claim| claim.look(about.ways, figures)).collect())
    }

    /// In a word or three.
    pub fn word(&self) -> &'static str {
        if self.shown { "shown" } else { "not shown here" }
    }
}

impl Claim {
    /// One way has at least `factor` times as much of this as another; where the other has none, at least `factor`.
    pub const fn times(measure: Measure, more: usize, less: usize, factor: f64) -> Self {
        Self { measure, rule: Rule::Times { more, less, factor } }
    }

    /// A way has at least so much of this.
    pub const fn at_least(measure: Measure, way: usize, least: f64) -> Self {
        Self { measure, rule: Rule::AtLeast { way, least } }
    }

    /// A way has at most so much of this.
    pub const fn at_most(measure: Measure, way: usize, most: f64) -> Self {
        Self { measure, rule: Rule::AtMost { way, most } }
    }

    fn look(&self, ways: &[Way], figures: &Figures) -> Finding {
        let Measure { name, unit } = self.measure;
        let spread = |way| figures.spread(way, self.measure);
        let shown =
            |way: usize, value| format!("{} {}", ways.get(way).map_or("", |way| way.name), unit.show(value));
        let (holds, words) = match self.rule {
            Rule::Times { more, less, factor } => {
                let (much, little) = (spread(more), spread(less));
                let none = little.median <= 0.0;
                let many = if none { factor } else { factor * little.median };
                let apart = much.lower > little.upper;
                let times = if none {
                    String::new()
                } else {
                    format!(", {} times", ratio(much.median / little.median))
                };
                let asked = if none { unit.show(factor) } else { format!("{} times", ratio(factor)) };
                let blurred = if much.median >= many && !apart { "; the spreads overlap" } else { "" };
                let (much_shown, little_shown) = (shown(more, much.median), shown(less, little.median));
                (
                    much.median >= many && apart,
                    format!("{name}: {much_shown}, {little_shown}{times} (at least {asked}{blurred})"),
                )
            }
            Rule::AtLeast { way, least } => {
                let median = spread(way).median;
                (median >= least, format!("{name}: {} (at least {})", shown(way, median), unit.show(least)))
            }
            Rule::AtMost { way, most } => {
                let spread = spread(way);
                let median = spread.median;
                let measured = spread.count > 0;
                (
                    measured && median <= most,
                    format!("{name}: {} (at most {})", shown(way, median), unit.show(most)),
                )
            }
        };
        Finding { holds, words, timed: matches!(unit, Unit::Time | Unit::Rate) }
    }
}

#[cfg(test)]
impl Claim {
    /// Changes one value a way and measure so that it holds, if it does not yet: for tests, which make figures of them.
    pub(crate) fn satisfy(
        &self,
        values: &mut std::collections::BTreeMap<(usize, &'static str), f64>,
    ) -> Measure {
        let name = self.measure.name;
        let mut at = |way: usize| *values.entry((way, name)).or_insert(0.0);
        let (way, value) = match self.rule {
            Rule::Times { more, less, factor } => (more, at(more).max(2.0 * factor * at(less).max(1.0))),
            Rule::AtLeast { way, least } => (way, at(way).max(least)),
            Rule::AtMost { way, most } => (way, at(way).min(most)),
        };
        values.insert((way, name), value);
        self.measure
    }
}

/// A ratio with as many digits as say something.
fn ratio(times: f64) -> String {
    match times {
        _ if times.fract() == 0.0 || times >= 9.95 => Unit::Count.show(times.round()),
        _ if times < 1.95 => format!("{times:.2}"),
        _ => format!("{times:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::Sample;
    use super::*;

    const OPENED: Measure = Measure::count("opened");
    const WAYS: &[Way] = &[Way::wrong("cold", "", "cold-start"), Way::right("one by one", "")];

    fn figures(cold: &[f64], warm: &[f64]) -> Figures {
        let mut figures = Figures::new(2);
        for (way, values) in [(0, cold), (1, warm)] {
            for value in values {
                figures.add(way, Sample::new().with(OPENED, *value));
            }
        }
        figures
    }

    fn look(claim: Claim, cold: &[f64], warm: &[f64]) -> Finding {
        claim.look(WAYS, &figures(cold, warm))
    }

    #[test]
    fn a_claim_says_its_figures_and_its_rule() {
        let claim = Claim::times(OPENED, 0, 1, 2.0);
        let found = look(claim, &[1_000.0, 999.0, 1_001.0], &[1.0, 1.0, 2.0]);
        assert_eq!(found.words, "opened: cold 1,000, one by one 1, 1,000 times (at least 2 times)");
        assert!(found.holds);
        assert!(!look(claim, &[19.0; 3], &[10.0; 3]).holds);
        assert!(look(Claim::at_least(OPENED, 0, 3.0), &[3.0], &[]).holds);
        assert!(!look(Claim::at_least(OPENED, 0, 3.0), &[2.0], &[]).holds);
        assert!(look(Claim::at_most(OPENED, 1, 3.0), &[], &[3.0]).holds);
        assert!(!look(Claim::at_most(OPENED, 1, 3.0), &[], &[4.0]).holds);
        assert!(!look(Claim::at_most(OPENED, 1, 3.0), &[], &[]).holds, "what was not measured shows nothing");
    }

    #[test]
    fn spreads_that_overlap_show_nothing() {
        let found = look(Claim::times(OPENED, 0, 1, 2.0), &[1.0, 20.0, 21.0], &[1.0, 10.0, 30.0]);
        assert!(!found.holds);
        assert!(found.words.ends_with("(at least 2 times; the spreads overlap)"), "{}", found.words);
    }

    #[test]
    fn some_are_more_than_none_and_none_are_not() {
        let claim = Claim::times(OPENED, 0, 1, 5.0);
        assert!(look(claim, &[5.0; 3], &[0.0; 3]).holds);
        assert!(!look(claim, &[4.0; 3], &[0.0; 3]).holds);
        assert!(!look(claim, &[0.0; 3], &[0.0; 3]).holds);
    }
}
