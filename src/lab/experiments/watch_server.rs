//! A server that others fill up, seen by who asks it and not by who looks at its own pool.

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, try_join_all};

use super::super::place::Clients;
use super::super::{About, Claim, Experiment, Measure, Outcome, Sample, Stage, Trouble, Way};
use super::compute;
use crate::demo;
use crate::net::{ConnectOptions, Connection};
use crate::pool::PoolConfig;
use crate::source::info::watch_info;
use crate::text::thousands;

/// What the embedded server takes.
const DEMO: u32 = 400;

/// The pool of the program that wants to know.
const MINE: u32 = 5;

/// No more connections than this are opened to come near a server's limit.
const MOST: u64 = 1_500;

/// Where the limit is further away, so many are opened, and an alert is due after so many.
const FAR: u64 = 300;
const FAR_ALERT: u64 = 200;

/// How often INFO CLIENTS is asked.
const EVERY: Duration = Duration::from_millis(100);

/// The last connections before the end come one by one, over so long.
const FILLS: Duration = Duration::from_millis(600);

/// So many are opened at a time before that.
const AT_ONCE: u64 = 32;

/// How long the server and the model may take to see that an earlier repetition is over.
const PATIENCE: Duration = Duration::from_secs(5);

const CLIENTS: Measure = Measure::count("clients at the end");
const UNKNOWN: Measure = Measure::count("clients it knew nothing of");
const SHARE: Measure = Measure::percent("of maxclients");
const COST: Measure = Measure::time("an INFO CLIENTS");

const OWN: usize = 0;
const WATCHED: usize = 1;

static ABOUT: About = About {
    name: "watch-server",
    practice: "How many clients a server has is told by the server alone: a program that looks at its own pool sees a few \
               connections, until maxclients refuses everybody.",
    lesson: "ask INFO CLIENTS at an interval, which costs little, and alert on growth and at 80% of maxclients.",
    ways: &[
        Way::wrong(
            "its own pool",
            "another program connects until 90% of maxclients, or 300 times where that is far; this one looks at its pool \
             of 5",
            "maxclients",
        ),
        Way::right("INFO every 100 ms", "the same; this one calls a halt at 80% of maxclients, or at 200")
            .noticed("maxclients"),
    ],
    claims: &[Claim::times(UNKNOWN, OWN, WATCHED, 3.0), Claim::times(CLIENTS, OWN, WATCHED, 1.02)],
    connections: DEMO,
    middlebox: false,
};

pub(super) struct WatchServer;

/// How far the other program goes on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    /// So many clients there are at once.
    soon: u64,
    /// An alert is due then.
    alert: u64,
    /// And it ends here.
    end: u64,
    /// The server's limit is near: the lint says when the alert is due.
    near: bool,
}

impl Plan {
    fn on(clients: &Clients) -> Self {
        let now = clients.now;
        match clients.max.filter(|max| *max <= MOST + now) {
            Some(max) => Self { soon: max * 3 / 4, alert: max * 4 / 5, end: max * 9 / 10, near: true },
            None => Self { soon: now + FAR / 2, alert: now + FAR_ALERT, end: now + FAR, near: false },
        }
    }
}

impl Experiment for WatchServer {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn demo(&self) -> demo::Options {
        demo::Options { max_clients: Some(DEMO), ..demo::Options::default() }
    }

    fn set_up(&self, _way: usize, pool: &mut PoolConfig, _connect: &mut ConnectOptions) {
        pool.max = MINE;
    }

    fn needs(&self, clients: &Clients) -> Result<u32, String> {
        let plan = Plan::on(clients);
        if clients.now + u64::from(MINE) >= plan.soon {
            let (now, max) = (clients.now, clients.max.unwrap_or_default());
            return Err(format!(
                "the server has {} of its {} clients already, and others may need the rest",
                thousands(now),
                thousands(max)
            ));
        }
        Ok(u32::try_from(plan.end - clients.now).unwrap_or(u32::MAX))
    }

    fn note(&self, clients: &Clients) -> Option<String> {
        let far = match clients.max {
            _ if Plan::on(clients).near => return None,
            Some(max) => format!("maxclients is {}", thousands(max)),
            None => "the server does not tell its maxclients".to_owned(),
        };
        Some(format!(
            "{far}: {FAR} clients more do not come near it, so the lint maxclients is not raised here; \
             `redis-pooltop lab watch-server --demo` starts a server of {DEMO}"
        ))
    }

    fn once<'a>(&'a self, stage: &'a Stage) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let place = stage.place();
            let _watch = watch_info(place.connect.clone(), EVERY, place.hub.tap(), place.hub.clock());
            calm(stage).await;
            let plan = Plan::on(&place.clients().await?);
            stage.pool().warmup(MINE).await;
            let raised = stage.times("maxclients");
            let mut others = Vec::new();
            let mut clients = place.clients().await?.now;
            while clients < plan.soon {
                let some = AT_ONCE.min(plan.soon - clients);
                others.extend(try_join_all((0..some).map(|_| Connection::open(&place.connect))).await?);
                clients += some;
            }
            let step = FILLS / u32::try_from(plan.end.saturating_sub(clients)).unwrap_or(u32::MAX).max(1);
            while clients < plan.end {
                let due = if plan.near && !stage.is_off("maxclients") {
                    stage.times("maxclients") > raised
                } else {
                    told(stage).await >= plan.alert
                };
                if stage.way() == WATCHED && due {
                    break;
                }
                others.push(Connection::open(&place.connect).await?);
                clients += 1;
                compute(step).await;
            }
            let known = if stage.way() == WATCHED { told(stage).await } else { mine(stage) };
            let asked = Instant::now();
            let now = place.clients().await?;
            let cost = asked.elapsed();
            if stage.way() == OWN && plan.near {
                stage.until_raised("maxclients", raised + 1).await;
            }
            let sample =
                Sample::new().counted(CLIENTS, now.now).counted(UNKNOWN, now.now.saturating_sub(known));
            let share = now.max.map(|max| now.now as f64 * 100.0 / max as f64);
            let sample = share.into_iter().fold(sample, |sample, share| sample.with(SHARE, share));
            Ok(sample.timed(COST, cost))
        })
    }
}

/// What the pool knows of.
fn mine(stage: &Stage) -> u64 {
    let gauges = stage.pool().status().0;
    u64::from(gauges.in_use) + u64::from(gauges.available)
}

/// What INFO said last.
async fn told(stage: &Stage) -> u64 {
    stage.look().await.server.client_field("connected_clients").unwrap_or_default()
}

/// Waits until the connections of an earlier repetition are gone, and the lint with them.
async fn calm(stage: &Stage) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let snapshot = stage.look().await;
        let gone = async { Ok::<_, Trouble>(stage.place().mine().await? == 0) };
        if snapshot.lints.iter().all(|row| row.id != "maxclients") && gone.await.unwrap_or(true) {
            return;
        }
        compute(Duration::from_millis(10)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(now: u64, max: Option<u64>) -> (Result<u32, String>, Option<String>) {
        let clients = Clients { now, max };
        (WatchServer.needs(&clients), WatchServer.note(&clients))
    }

    #[test]
    fn it_goes_near_a_limit_that_is_near_and_says_so_of_one_that_is_not() {
        assert_eq!(on(2, Some(400)), (Ok(358), None));
        assert_eq!(on(2, Some(1_502)), (Ok(1_349), None));
        let far = "maxclients is 10,000: 300 clients more do not come near it, so the lint maxclients is not raised here; \
                   `redis-pooltop lab watch-server --demo` starts a server of 400";
        assert_eq!(on(2, Some(10_000)), (Ok(300), Some(far.to_owned())));
        let (needs, note) = on(2, None);
        assert_eq!(needs, Ok(300));
        assert!(note.is_some_and(|note| note.starts_with("the server does not tell its maxclients: ")));
    }

    #[test]
    fn a_server_that_is_nearly_full_is_left_alone() {
        let want = "the server has 1,100 of its 1,200 clients already, and others may need the rest";
        assert_eq!(on(1_100, Some(1_200)).0, Err(want.to_owned()));
        assert_eq!(
            on(9_000, Some(10_000)).0,
            Err("the server has 9,000 of its 10,000 clients already, and others may need the rest".to_owned())
        );
    }
}
