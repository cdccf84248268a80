//! 1,000 commands one after the other, and in one batch.

use std::time::Instant;

use futures_util::future::BoxFuture;

use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way, load};

const SETS: usize = 1_000;

const TOTAL: Measure = Measure::time("1,000 SETs");
const RATE: Measure = Measure::rate("SETs a second");

const SINGLY: usize = 0;
const BATCH: usize = 1;

static ABOUT: About = About {
    name: "pipeline",
    practice: "1,000 commands sent one at a time wait for 1,000 round trips; in one batch they wait for one.",
    lesson: "send commands that do not need each other's replies as one pipeline.",
    ways: &[
        Way::wrong(
            "one at a time",
            "1,000 SETs on one lease, each after the reply to the one before",
            "sequential",
        ),
        Way::right("one batch", "the same as a pipeline"),
    ],
    claims: &[Claim::times(RATE, BATCH, SINGLY, 3.0)],
    connections: 2,
    middlebox: false,
};

pub(super) struct Pipeline;

impl Experiment for Pipeline {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let key = stage.place().set("pipeline", "value").await?;
            let set = ["SET", &key, "value", "EX", "300"];
            let mut lease = stage.pool().checkout().await?;
            let begun = Instant::now();
            if stage.way() == SINGLY {
                for _ in 0..SETS {
                    lease.command(&set).await?;
                }
            } else {
                let batch = vec![set; SETS];
                lease.pipeline(&batch).await.map_err(|failed| Trouble::from(failed.error))?;
            }
            let took = begun.elapsed();
            Ok(Sample::new().timed(TOTAL, took).with(RATE, load::rate(SETS, took)))
        })
    }
}
