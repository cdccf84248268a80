//! Servers that do not answer: nobody looks at them, and that is no judgement.

use super::bench::Bench;
use super::tests::{at_work, run};
use crate::event::Stamp;
use crate::snapshot::{GroupBy, What};

/// A server with a leak, churn and a transaction that does not go on.
fn unwell() -> Bench {
    let mut bench = Bench::new();
    at_work(&mut bench, 1, 20);
    let stuck = bench.open(Some(7));
    bench.set(stuck, |client| (client.flags, client.multi) = ("x".into(), Some(3)));
    leak(&mut bench, 40);
    bench
}

fn leak(bench: &mut Bench, seconds: u64) {
    run(bench, seconds, |bench, _| {
        bench.open(Some(81));
        bench.flash(5);
    });
}

fn said(bench: &mut Bench) -> Vec<(&'static str, String)> {
    let mut said: Vec<_> = bench.snapshot().lints.iter().map(|row| (row.id, row.evidence.clone())).collect();
    said.sort();
    said
}

fn cleared(bench: &mut Bench) -> Vec<&'static str> {
    let events = bench.snapshot().events;
    let cleared = events.iter().filter_map(|row| match &row.what {
        What::Cleared(id, _) => Some(*id),
        _ => None,
    });
    cleared.collect()
}

#[test]
fn what_held_of_a_lost_server_stays_and_says_that_nobody_looks() {
    for (seconds, words) in [(6, "6.0 s"), (15, "15.0 s"), (70, "70.0 s")] {
        let mut bench = unwell();
        let before = said(&mut bench);
        assert_eq!(
            before.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            ["churn", "growth", "stuck-transaction"]
        );
        bench.lost(seconds);
        let want: Vec<_> = before
            .iter()
            .map(|(id, evidence)| (*id, format!("not looked at for {words}: {evidence}")))
            .collect();
        assert_eq!(said(&mut bench), want);
        assert!(bench.snapshot().groups.by(GroupBy::Process).iter().any(|group| group.flagged));
        // It goes on where it stood still, and the leak with it.
        leak(&mut bench, 1);
        let after = said(&mut bench);
        assert!(after.iter().all(|(_, evidence)| !evidence.contains("not looked at")), "{after:?}");
        leak(&mut bench, 60);
        assert_eq!(said(&mut bench).len(), 3, "{:?}", said(&mut bench));
        assert_eq!(cleared(&mut bench), [""; 0], "after {seconds} s");
    }
}

#[test]
fn no_age_goes_on_while_nobody_looks() {
    let mut bench = unwell();
    let ages = |bench: &mut Bench| {
        let snapshot = bench.snapshot();
        let groups: Vec<_> =
            snapshot.groups.by(GroupBy::Process).iter().map(|g| (g.oldest, g.longest_idle)).collect();
        let rows: Vec<_> =
            snapshot.clients.iter().map(|row| (row.age(snapshot.as_of), row.idle(snapshot.as_of))).collect();
        (groups, rows)
    };
    bench.lost(1);
    let before = ages(&mut bench);
    bench.lost(20);
    assert_eq!(ages(&mut bench), before);
    leak(&mut bench, 1);
    let (groups, rows) = ages(&mut bench);
    assert!(groups.iter().zip(&before.0).any(|(now, then)| now.0.saturating_sub(then.0).as_secs() >= 20));
    assert_eq!(rows.len(), before.1.len() + 1);
}

#[test]
fn what_a_new_server_has_no_more_is_over() {
    let mut bench = unwell();
    bench.lost(5);
    for pid in [1, 7, 81] {
        bench.ids(pid).into_iter().for_each(|id| bench.close(id));
    }
    run(&mut bench, 40, |_, _| {});
    bench.quiet();
    let mut over = cleared(&mut bench);
    over.sort_unstable();
    assert_eq!(over, ["churn", "growth", "stuck-transaction"]);
    // What was never looked at is not judged either.
    let mut bench = Bench::new();
    bench.lost(5);
    assert!(bench.at() > Stamp(0));
    bench.quiet();
}
