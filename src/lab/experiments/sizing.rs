//! How many connections a load needs: a sweep over sizes, and the estimate from measured concurrency beside it.

use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::super::{
    About, Experiment, Figures, Finding, Measure, Outcome, Sample, Stage, Trouble, Verdict, Way, load,
};
use super::{compute, read};
use crate::net::ConnectOptions;
use crate::pool::PoolConfig;

/// Workers, how long each has a connection, and what it does between two.
const WORKERS: u32 = 16;
const USE: Duration = Duration::from_millis(4);
const THINKS: Duration = Duration::from_millis(12);

/// How long each size is measured.
const LASTS: Duration = Duration::from_millis(180);

/// The lint looks for ten seconds at a load that lasts.
const STEADY: Duration = Duration::from_secs(1);
const PATIENCE: u32 = 20;

const RATE: Measure = Measure::rate("requests a second");
const WAIT: Measure = Measure::time("median wait");
const HELD: Measure = Measure::time("mean use");

/// The sizes of the sweep, by way.
const SIZES: [u32; 6] = [1, 2, 4, 6, 8, 16];

/// The way that keeps the smallest but one busy for as long as the lint looks.
const BUSY: usize = SIZES.len();
const TOO_SMALL: u32 = 2;

/// A size is enough when it gives this share of the best.
const ENOUGH: f64 = 0.9;

/// What is asked for beyond the measured concurrency.
const HEADROOM: f64 = 1.25;

static ABOUT: About = About {
    name: "sizing",
    practice: "Too few connections make callers wait, too many are idle: the right size follows from how many are used at \
               once, which is requests a second times the time each has a connection (Little's law).",
    lesson: "measure requests a second and use time where few wait, multiply, add a quarter, and check it against the \
             waits: a pool that is too small slows its callers down, so that there the lint undersized, which counts who \
             waits, tells the most that they can use; a setting for each environment.",
    ways: &[
        Way::too_small("max 1", "16 workers with 4 ms of use and 12 ms of thinking"),
        Way::too_small("max 2", "the same"),
        Way::right("max 4", "the same"),
        Way::right("max 6", "the same"),
        Way::right("max 8", "the same"),
        Way::right("max 16", "the same"),
        Way::wrong(
            "max 2 for long",
            "the same for as long as the lint looks, some ten seconds, once",
            "undersized",
        ),
    ],
    claims: &[],
    connections: 39,
    middlebox: false,
};

pub(super) struct Sizing;

impl Experiment for Sizing {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn set_up(&self, way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = SIZES.get(way).copied().unwrap_or(TOO_SMALL);
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if stage.way() != BUSY {
                stage.pool().warmup(SIZES[stage.way()]).await;
                return round(stage, LASTS).await;
            }
            for _ in 0..PATIENCE {
                if stage.times("undersized") > 0 || stage.is_off("undersized") {
                    break;
                }
                round(stage, STEADY).await?;
            }
            Ok(Sample::new())
        })
    }

    fn judge(&self, figures: &Figures) -> Verdict {
        let rates = SIZES.map(|size| figures.spread(way_of(size), RATE).median);
        let best = rates.into_iter().fold(0.0, f64::max);
        let largest = SIZES[SIZES.len() - 1];
        let (smallest, most) = (rates[0], rates[SIZES.len() - 1]);
        let knee =
            SIZES.into_iter().zip(rates).find(|(_, rate)| *rate >= ENOUGH * best).map_or(0, |(size, _)| size);
        let held = figures.spread(way_of(largest), HELD).median;
        let law = most * held;
        let size = (law * HEADROOM).ceil();
        let show = |measure: Measure, value| measure.unit.show(value);
        let fits = best > 0.0 && size >= f64::from(knee) / 2.0 && size <= f64::from(knee) * 2.0;
        let finding = |holds, words| Finding { holds, words, timed: true };
        Verdict::of(vec![
            finding(
                best > 0.0 && smallest <= best / 2.0,
                format!(
                    "too small waits: max 1 {}, the best {} (at most half)",
                    show(RATE, smallest),
                    show(RATE, best)
                ),
            ),
            finding(
                knee > TOO_SMALL && knee < largest,
                format!(
                    "the knee: max {knee} is the smallest with 90% of the best (more than {TOO_SMALL}, less than {largest})"
                ),
            ),
            finding(
                fits,
                format!(
                    "Little's law, where nobody waits: {} × {} of use = {law:.1} at once, × {HEADROOM} = {size} (half to \
                     twice the knee)",
                    show(RATE, most),
                    show(HELD, held)
                ),
            ),
        ])
    }
}

/// The way that has this size.
fn way_of(size: u32) -> usize {
    SIZES.iter().position(|known| *known == size).unwrap_or_default()
}

/// The load for a while.
async fn round(stage: &Stage, lasts: Duration) -> Outcome {
    let key = stage.place().set("sizing", "value").await?;
    let (served, took) = load::for_a_while(WORKERS, lasts, {
        let pool = stage.pool().clone();
        move |_| {
            let (pool, key) = (pool.clone(), key.clone());
            async move {
                let asked = Instant::now();
                let mut lease = pool.checkout().await?;
                let (waited, taken) = (asked.elapsed(), Instant::now());
                read(&mut lease, &key).await;
                compute(USE).await;
                drop(lease);
                let held = taken.elapsed();
                compute(THINKS).await;
                Ok::<_, Trouble>((waited, held))
            }
        }
    })
    .await;
    let served = served.into_iter().collect::<Result<Vec<_>, _>>()?;
    let held: Duration = served.iter().map(|(_, held)| *held).sum();
    let mean = held.checked_div(u32::try_from(served.len()).unwrap_or(u32::MAX)).unwrap_or_default();
    Ok(Sample::new()
        .with(RATE, load::rate(served.len(), took))
        .timed(WAIT, load::middle(served.iter().map(|(waited, _)| *waited).collect()))
        .timed(HELD, mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(rates: [f64; 6], held: f64) -> Figures {
        let mut figures = Figures::new(ABOUT.ways.len());
        for (way, rate) in rates.into_iter().enumerate() {
            figures.add(way, Sample::new().with(RATE, rate).with(HELD, held));
        }
        figures
    }

    fn holds(rates: [f64; 6], held: f64) -> Vec<bool> {
        Sizing.judge(&figures(rates, held)).findings.iter().map(|finding| finding.holds).collect()
    }

    #[test]
    fn the_knee_and_the_law_follow_from_the_figures() {
        let verdict = Sizing.judge(&figures([200.0, 400.0, 790.0, 960.0, 990.0, 1_000.0], 0.004_5));
        assert!(verdict.shown);
        let words: Vec<_> = verdict.findings.iter().map(|finding| finding.words.as_str()).collect();
        let want = [
            "too small waits: max 1 200/s, the best 1,000/s (at most half)",
            "the knee: max 6 is the smallest with 90% of the best (more than 2, less than 16)",
            "Little's law, where nobody waits: 1,000/s × 4.50 ms of use = 4.5 at once, × 1.25 = 6 (half to twice the knee)",
        ];
        assert_eq!(words, want);
    }

    #[test]
    fn it_turns_when_size_makes_no_difference_or_the_law_is_far_off() {
        assert_eq!(holds([1_000.0; 6], 0.004_5), [false, false, false]);
        assert_eq!(holds([60.0, 120.0, 240.0, 360.0, 480.0, 1_000.0], 0.016), [true, false, true], "no knee");
        assert_eq!(holds([200.0, 400.0, 790.0, 960.0, 990.0, 1_000.0], 0.02), [true, true, false]);
        assert_eq!(holds([0.0; 6], 0.0), [false, false, false]);
    }
}
