use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use proptest::prelude::*;
use tokio::time::{advance, sleep, timeout};

use super::*;

const FIRST: Duration = Duration::from_millis(10);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn fail(backoff: &Backoff<&'static str>, eager: bool) {
    backoff.turn(eager).await.unwrap().failed("gone", Some(FIRST), 1.0);
}

#[test]
fn pauses_double_up_to_a_limit_and_half_of_each_is_certain() {
    let all = |part| (1..9).map(move |n| length(FIRST, n, part).as_millis()).collect::<Vec<_>>();
    assert_eq!(all(1.0), [10, 20, 40, 80, 160, 320, 500, 500]);
    assert_eq!(all(0.0), [5, 10, 20, 40, 80, 160, 250, 250]);
    assert_eq!(length(FIRST, u32::MAX, 1.0), LONGEST);
    assert_eq!(length(Duration::from_secs(1), 7, 1.0), Duration::from_secs(1), "a long one stays as it is");
}

#[tokio::test(start_paused = true)]
async fn who_comes_in_the_pause_is_told_and_the_first_after_it_tries() {
    let backoff = Backoff::default();
    fail(&backoff, false).await;
    assert_eq!(backoff.left(), ms(10));
    assert_eq!(backoff.turn(false).await.unwrap_err(), "gone");
    advance(ms(10)).await;
    assert_eq!(backoff.left(), Duration::ZERO);
    fail(&backoff, false).await;
    assert_eq!(backoff.left(), ms(20));
}

#[tokio::test(start_paused = true)]
async fn one_tries_and_its_finding_answers_those_who_came_meanwhile() {
    let backoff = Backoff::default();
    fail(&backoff, false).await;
    advance(ms(10)).await;
    let probe = backoff.turn(false).await.unwrap();
    let mut others = Box::pin(async { tokio::join!(backoff.turn(false), backoff.turn(true)) });
    assert!(timeout(Duration::ZERO, &mut others).await.is_err(), "it waits");
    probe.failed("still gone", Some(FIRST), 1.0);
    let (one, two) = others.await;
    assert_eq!((one.unwrap_err(), two.unwrap_err()), ("still gone", "still gone"));

    advance(ms(20)).await;
    let probe = backoff.turn(false).await.unwrap();
    let mut others = Box::pin(async { tokio::join!(backoff.turn(false), backoff.turn(true)) });
    assert!(timeout(Duration::ZERO, &mut others).await.is_err(), "it waits");
    probe.succeeded();
    let (one, two) = others.await;
    assert!(one.is_ok() && two.is_ok(), "both may try, at the same time");
    drop((one, two));
    assert_eq!(backoff.left(), Duration::ZERO);
    fail(&backoff, false).await;
    assert_eq!(backoff.left(), ms(10), "and pauses are short again");
}

#[tokio::test(start_paused = true)]
async fn an_eager_caller_does_not_mind_the_pause() {
    let backoff = Backoff::default();
    fail(&backoff, false).await;
    fail(&backoff, true).await;
    assert_eq!(backoff.left(), ms(20));
    assert_eq!(backoff.turn(false).await.unwrap_err(), "gone");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_given_up_goes_to_another_caller() {
    let backoff = Backoff::default();
    fail(&backoff, false).await;
    advance(ms(10)).await;
    let probe = backoff.turn(false).await.unwrap();
    let mut next = Box::pin(backoff.turn(false));
    assert!(timeout(Duration::ZERO, &mut next).await.is_err(), "it waits");
    drop(probe);
    assert!(next.await.unwrap().probe);
}

#[tokio::test(start_paused = true)]
async fn attempts_that_fail_together_count_as_one() {
    let backoff = Backoff::default();
    let crowd = [backoff.turn(false).await, backoff.turn(false).await, backoff.turn(false).await];
    for turn in crowd {
        turn.unwrap().failed("gone", Some(FIRST), 1.0);
    }
    assert_eq!(backoff.left(), ms(10));
}

#[tokio::test(start_paused = true)]
async fn pauses_are_short_again_once_nobody_came_for_long() {
    let backoff = Backoff::default();
    for _ in 0..4 {
        fail(&backoff, true).await;
    }
    assert_eq!(backoff.left(), ms(80));
    advance(ms(80) + LONGEST).await;
    fail(&backoff, false).await;
    assert_eq!(backoff.left(), ms(10));
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_asks_for_no_pause_makes_none() {
    let backoff = Backoff::default();
    backoff.turn(false).await.unwrap().failed("odd", None, 1.0);
    assert!(!backoff.turn(false).await.unwrap().probe);
}

#[tokio::test(start_paused = true)]
async fn it_tells_what_failed_since() {
    let backoff = Backoff::default();
    fail(&backoff, false).await;
    let begun = Instant::now();
    assert_eq!(backoff.error_after(begun), Some("gone"));
    advance(ms(1)).await;
    assert_eq!(backoff.error_after(Instant::now()), None);
}

/// A caller of the property below: when it comes, how long its attempt takes, whether it gives up halfway, and whether a
/// person waits for it.
#[derive(Clone, Debug)]
struct Caller {
    at: u64,
    takes: u64,
    gives_up: bool,
    eager: bool,
    part: f64,
}

fn caller() -> impl Strategy<Value = Caller> {
    (0..5_000_u64, 0..30_u64, proptest::bool::weighted(0.1), proptest::bool::weighted(0.05), 0.0..1.0_f64)
        .prop_map(|(at, takes, gives_up, eager, part)| Caller { at, takes, gives_up, eager, part })
}

#[derive(Default)]
struct Seen {
    backoff: Backoff<&'static str>,
    probing: AtomicU32,
    /// Failed attempts of those who mind the pause, since the first failure.
    failed: Mutex<Vec<Instant>>,
    /// Who came long after the server was back and was not let through.
    turned_away: AtomicU32,
}

/// One caller at a server that is back after so long.
async fn come(seen: Arc<Seen>, caller: Caller, begun: Instant, back: Duration) {
    sleep(ms(caller.at)).await;
    let well_after = begun.elapsed() > back + LONGEST + ms(30);
    let Ok(turn) = seen.backoff.turn(caller.eager).await else {
        seen.turned_away.fetch_add(u32::from(well_after), SeqCst);
        return;
    };
    let probe = turn.probe;
    if probe {
        assert_eq!(seen.probing.fetch_add(1, SeqCst), 0, "one at a time");
    }
    sleep(ms(caller.takes)).await;
    if probe {
        seen.probing.fetch_sub(1, SeqCst);
    }
    if caller.gives_up {
        drop(turn);
    } else if begun.elapsed() >= back {
        turn.succeeded();
    } else {
        turn.failed("gone", Some(FIRST), caller.part);
        if probe && !caller.eager {
            seen.failed.lock().push(Instant::now());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_crowd_makes_a_handful_of_attempts_and_comes_through_once_the_server_is_back(
        callers in proptest::collection::vec(caller(), 1..400),
        back in 0..6_000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let (seen, begun) = (Arc::<Seen>::default(), Instant::now());
            let mut tasks = tokio::task::JoinSet::new();
            for caller in callers {
                tasks.spawn(come(seen.clone(), caller, begun, ms(back)));
            }
            // Everybody gets an answer: what hangs would hang here.
            while let Some(ended) = tasks.join_next().await {
                ended.unwrap();
            }
            prop_assert_eq!(seen.turned_away.load(SeqCst), 0);
            let failed = seen.failed.lock();
            // The shortest pauses are 5, 10, 20, 40, 80, 160 and then 250 ms.
            for (n, at) in failed.iter().enumerate() {
                let within = failed[n..].iter().take_while(|later| **later - *at < ms(1_000)).count();
                prop_assert!(within <= 10, "{} failed attempts in a second", within);
            }
            Ok(())
        })?;
    }
}
