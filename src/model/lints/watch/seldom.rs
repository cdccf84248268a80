//! Servers of which looks do not see everything: much comes and goes between two, or they are far apart.

use std::collections::VecDeque;

use super::bench::Bench;
use super::tests::{at_work, close, run};

#[test]
fn those_that_stay_for_some_seconds_are_not_named_for_many_that_nobody_saw() {
    let mut bench = Bench::new();
    let mut waiting = VecDeque::new();
    // A program whose wait for a job ends every four seconds, beside one whose clients no look sees.
    let mut wait = |bench: &mut Bench, second: u64| {
        if second.is_multiple_of(2) {
            waiting.push_back(bench.open(Some(11)));
        }
        if waiting.len() > 2 {
            waiting.pop_front().into_iter().for_each(|id| bench.close(id));
        }
    };
    run(&mut bench, 30, |bench, second| {
        bench.flash(50);
        wait(bench, second);
    });
    let said = bench.only("churn").evidence;
    assert!(said.ends_with(" within 5 s, gone before a look could tell whose"), "{said}");
    // Alone they are fewer than would be worth a word; of four times as many each is seen.
    run(&mut bench, 30, &mut wait);
    bench.quiet();
    for _ in 0..5 {
        run(&mut bench, 4, |bench, _| {
            let ids = bench.ids(11);
            for _ in 0..4 {
                bench.open(Some(11));
            }
            close(bench, &ids);
        });
    }
    let said = bench.only("churn").evidence;
    assert!(said.ends_with(" within 5 s, mostly python3 app11.py (pid 11)"), "{said}");
}

#[test]
fn a_large_server_that_is_looked_at_seldom_has_its_suspects_named_too() {
    for apart in [3, 4, 7] {
        let mut bench = Bench::new();
        bench.apart = apart;
        at_work(&mut bench, 1, 50);
        run(&mut bench, 30, |_, _| {});
        let (mut growth, mut churn) = (None, None);
        run(&mut bench, 80, |bench, second| {
            bench.open(Some(81));
            bench.flash(50);
            growth = growth.or(bench.rows("growth").first().map(|_| second));
            churn = churn.or(bench.rows("churn").first().map(|_| second));
            let held = churn.is_none() || !bench.rows("churn").is_empty();
            assert!(held, "churn goes on, {apart} s apart, at {second} s");
        });
        assert!(growth.is_some_and(|second| second <= 10 * apart.max(3)), "{apart}: {growth:?}");
        assert!(churn.is_some_and(|second| second <= 5 * apart), "{apart}: {churn:?}");
    }
}
