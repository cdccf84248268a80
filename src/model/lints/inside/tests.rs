use std::time::Duration;

use super::*;
use crate::event::{
    AppEvent, Event, Inside, Left, PoolEvent, PoolFacts, PoolId, ProcessEvent, ProcessFacts, Timed,
};
use crate::model::Model;
use crate::model::lints::bench::{at_line, s};

const PROCESS: ProcId = ProcId(3);

/// An app of one process.
fn app() -> Model {
    let mut model = Model::new(ModelOptions::default());
    let started = ProcessEvent::Started(ProcessFacts { pid: 4711, ..ProcessFacts::default() });
    model.apply(&Timed { at: s(0), event: Event::App(AppEvent::Process(PROCESS, started)) });
    model
}

fn made(model: &mut Model, at: Stamp, pool: u32, location: &str, asynchronous: bool) {
    let class = "redis.connection.ConnectionPool".to_owned();
    let made = Some(at_line(location, "handler", None));
    let inside = Some(Box::new(Inside { process: PROCESS, class, inherited: false, asynchronous, made }));
    let facts = PoolFacts {
        name: "app".into(),
        target: "127.0.0.1:6379/0".into(),
        max: 10,
        single: false,
        leak_threshold: None,
        inside,
    };
    tell(model, at, pool, PoolEvent::Started(facts));
}

fn tell(model: &mut Model, at: Stamp, pool: u32, event: PoolEvent) {
    model.apply(&Timed { at, event: Event::Pool(PoolId(pool), event) });
}

fn evidence(model: &mut Model, at: Stamp) -> Vec<String> {
    model.tick(at);
    model.snapshot(at, 0).lints.iter().map(|row| format!("{}: {}", row.id, row.evidence)).collect()
}

fn ms(millis: u64) -> Stamp {
    Stamp::default() + Duration::from_millis(millis)
}

/// Pools made one after the other at this line, from then on: each is there for 30 ms, or kept.
fn requests(model: &mut Model, from: u64, many: u32, every: u64, kept: bool) {
    for n in 0..many {
        let at = from + u64::from(n) * every;
        let pool = u32::try_from(from).expect("small") + n;
        made(model, ms(at), pool, "app.py:12", false);
        if !kept {
            tell(model, ms(at + 30), pool, PoolEvent::Stopped);
        }
    }
}

#[test]
fn a_pool_a_request_is_named_by_the_line_that_makes_them() {
    let mut model = app();
    requests(&mut model, 1_000, 9, 40, false);
    assert!(evidence(&mut model, s(2)).is_empty(), "a few are none");
    requests(&mut model, 2_000, 39, 40, false);
    let want =
        "churn: 48 pools made at app.py:12 in handler in the last 10 s, each gone after 30.0 ms on average";
    assert_eq!(evidence(&mut model, s(5)), [want]);
    let snapshot = model.snapshot(s(5), 0);
    assert_eq!(snapshot.lints[0].about, About::Place(PROCESS, "app.py:12 in handler".into()));
    assert!(evidence(&mut model, s(14)).is_empty(), "it is over");
    let over = snapshot_found(&mut model, s(14));
    assert_eq!(over, [("churn", Some("app.py:12".to_owned()), 1)], "and was");
}

/// What was found and is over: the lint, the line, how often.
fn snapshot_found(model: &mut Model, at: Stamp) -> Vec<(&'static str, Option<String>, u64)> {
    let snapshot = model.snapshot(at, 0);
    let found = snapshot.app.as_ref().expect("an app").found.iter();
    let line = |holder: &Holder| holder.location.as_deref().map(str::to_owned);
    found.map(|row| (row.id, row.holder.as_ref().and_then(line), row.count)).collect()
}

#[test]
fn pools_that_are_kept_are_found_once_they_are_many_and_not_those_of_a_start() {
    let mut model = app();
    requests(&mut model, 1_000, 29, 100, true);
    assert!(evidence(&mut model, s(5)).is_empty());
    requests(&mut model, 5_000, 40, 10, true);
    let want = "churn: 69 pools made at app.py:12 in handler in the last minute and kept: 69 are there";
    assert_eq!(evidence(&mut model, s(6)), [want]);
    let mut model = app();
    requests(&mut model, 1_000, 40, 500, true);
    let want = "churn: 40 pools made at app.py:12 in handler in the last minute and kept: 40 are there";
    assert_eq!(evidence(&mut model, s(21)), [want], "however seldom");
    let mut model = app();
    requests(&mut model, 1_000, 200, 1, true);
    assert!(evidence(&mut model, s(2)).is_empty(), "as a program starts");
}

#[test]
fn what_ends_with_its_process_was_not_made_for_a_request() {
    let mut model = app();
    for pool in 0..12 {
        made(&mut model, ms(100 * u64::from(pool)), pool, "app.py:12", false);
    }
    let ends = Event::App(AppEvent::Process(PROCESS, ProcessEvent::Ends));
    model.apply(&Timed { at: s(2), event: ends });
    (0..12).for_each(|pool| tell(&mut model, s(2), pool, PoolEvent::Stopped));
    assert!(evidence(&mut model, s(2)).is_empty());
}

#[test]
fn more_pools_than_there_is_room_for_are_counted_and_judged_all_the_same() {
    let mut model = app();
    for n in 0..5_000 {
        made(&mut model, ms(u64::from(n)), n, "app.py:12", false);
        model.tick(ms(u64::from(n)));
    }
    let want = "churn: 5,000 pools made at app.py:12 in handler in the last minute and kept: 5,000 are there";
    assert_eq!(evidence(&mut model, s(5)), [want]);
    let snapshot = model.snapshot(s(5), 0);
    let more = snapshot.app.as_ref().expect("an app").more_pools;
    assert_eq!(snapshot.pools.len() as u64 + more, 5_000);
    // What is told of one that there is no room for makes none of it.
    tell(&mut model, s(5), 4_999, PoolEvent::Pulse(Box::default()));
    assert_eq!(model.snapshot(s(5), 0).pools.len() as u64 + more, 5_000);
    (1_000..5_000).for_each(|n| tell(&mut model, s(6), n, PoolEvent::Stopped));
    // Those that are gone make room for what comes, and none of those that are there.
    (0..100).for_each(|n| tell(&mut model, s(6), n, PoolEvent::Stopped));
    (0..100).for_each(|n| made(&mut model, s(7), 6_000 + n, "app.py:12", false));
    let snapshot = model.snapshot(s(7), 0);
    assert_eq!(snapshot.pools.iter().filter(|row| !row.stopped).count(), 256);
    assert_eq!(snapshot.app.as_ref().expect("an app").more_pools, 1_000 - 256);
}

#[test]
fn what_asyncio_never_closed_is_found_and_clears_a_minute_later() {
    let mut model = app();
    let left = |open, unclosed| PoolEvent::Left(Box::new(Left { open, leases: Vec::new(), unclosed }));
    made(&mut model, s(1), 1, "app.py:12", true);
    tell(&mut model, s(2), 1, left(3, true));
    tell(&mut model, s(2), 1, PoolEvent::Stopped);
    let want = "unclosed: 1 pool made at app.py:12 in handler ended with 3 connections never closed";
    assert_eq!(evidence(&mut model, s(61)), [want]);
    assert!(evidence(&mut model, s(62)).is_empty());
    assert_eq!(snapshot_found(&mut model, s(62)), [("unclosed", Some("app.py:12".to_owned()), 1)]);
    let mut model = app();
    made(&mut model, s(1), 1, "app.py:12", false);
    made(&mut model, s(1), 2, "app.py:13", true);
    tell(&mut model, s(2), 1, left(3, true));
    tell(&mut model, s(2), 2, PoolEvent::Stopped);
    assert!(
        evidence(&mut model, s(3)).is_empty(),
        "a sync client at the exit, and one of asyncio that was closed"
    );
}
