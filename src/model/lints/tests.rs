use super::bench::{Bench, s};
use super::*;

/// Finds what it is told to.
struct Told(Vec<(Option<u64>, &'static str)>);

impl Lint for Told {
    fn id(&self) -> &'static str {
        "told"
    }

    fn evaluate(&self, _view: &View<'_>, _holds: bool) -> Vec<Finding> {
        let finding = |(conn, evidence): &(Option<u64>, &str)| Finding {
            conn: conn.map(ConnId),
            severity: Severity::Warn,
            evidence: (*evidence).to_owned(),
            advice: "none",
        };
        self.0.iter().map(finding).collect()
    }
}

fn look(judge: &mut Judge, pool: u32, seconds: u64, told: Vec<(Option<u64>, &'static str)>) -> Verdict {
    judge.lints = vec![Box::new(Told(told))];
    judge.look(PoolId(pool), &Bench::new(10).view(s(seconds)))
}

#[test]
fn a_finding_is_raised_once_updated_while_it_lasts_and_cleared_once() {
    let mut judge = Judge::default();
    let verdict = look(&mut judge, 1, 5, vec![(Some(3), "5 s")]);
    assert_eq!(verdict.news, [What::Raised("told", Severity::Warn, "5 s".to_owned())]);
    assert_eq!(verdict.flagged, HashSet::from([ConnId(3)]));
    let verdict = look(&mut judge, 1, 6, vec![(Some(3), "6 s")]);
    assert!(verdict.news.is_empty());
    let rows = judge.rows();
    assert_eq!((rows.len(), rows[0].evidence.as_str(), rows[0].since), (1, "6 s", s(5)));
    let verdict = look(&mut judge, 1, 7, vec![]);
    assert_eq!(verdict.news, [What::Cleared("told", "6 s".to_owned())]);
    assert!(verdict.flagged.is_empty() && judge.rows().is_empty());
}

#[test]
fn pools_do_not_clear_each_others_findings() {
    let mut judge = Judge::default();
    look(&mut judge, 1, 1, vec![(None, "a")]);
    look(&mut judge, 2, 2, vec![(None, "b")]);
    assert!(look(&mut judge, 2, 3, vec![]).news == [What::Cleared("told", "b".to_owned())]);
    assert_eq!(judge.rows().len(), 1);
    assert_eq!(judge.forget(PoolId(1), s(9)), [What::Cleared("told", "a".to_owned())]);
    assert!(judge.rows().is_empty());
}

#[test]
fn more_findings_than_rows_still_flag_their_connections() {
    let mut judge = Judge::default();
    let verdict = look(&mut judge, 1, 1, (0..1_000).map(|conn| (Some(conn), "x")).collect());
    assert_eq!((judge.rows().len(), verdict.flagged.len()), (ROWS, 1_000));
}

#[test]
fn the_worst_comes_first() {
    let mut judge = Judge::default();
    let mut bench = Bench::new(10);
    bench.gauges.in_use = 9;
    judge.look(PoolId(1), &bench.view(s(1)));
    bench.lend(3, s(0), "worker");
    judge.look(PoolId(1), &bench.view(s(40)));
    let ids: Vec<_> = judge.rows().iter().map(|row| row.id).collect();
    assert_eq!(ids, ["leak", "pool-usage"]);
}

#[test]
fn a_holder_is_named_by_what_is_known() {
    let holder = |label: Option<&str>, location: Option<&str>, task| Holder {
        label: label.map(Into::into),
        location: location.map(Into::into),
        task,
        ..Holder::default()
    };
    assert_eq!(name(&holder(Some("worker-2"), Some("jobs.rs:88"), Some(4))), "worker-2 jobs.rs:88");
    assert_eq!(name(&holder(None, None, Some(4))), "task 4");
    let inside =
        Holder { function: Some("work".into()), ..holder(Some("Thread-1"), Some("a/jobs.py:88"), None) };
    assert_eq!(name(&inside), "Thread-1 a/jobs.py:88 in work");
    assert_eq!(name(&holder(None, None, None)), "");
    assert_eq!(name(&holder(Some(&"界".repeat(99)), None, None)), "界".repeat(32));
}

#[test]
fn every_lint_has_a_name() {
    let named: Vec<_> = super::ids().collect();
    let ids: HashSet<_> = named.iter().copied().collect();
    assert_eq!(ids.len(), named.len(), "each once");
    assert_eq!(
        ids,
        HashSet::from([
            "abandoned",
            "leak",
            "dead",
            "unread-reply",
            "exhausted",
            "failing-connects",
            "long-hold",
            "stuck-transaction",
            "watch-held",
            "pubsub-held",
            "shared-after-fork",
            "unclosed",
            "pool-usage",
            "undersized",
            "oversized",
            "unbounded",
            "cold-start",
            "churn",
            "growth",
            "sequential",
            "stale",
            "maxclients",
            "no-timeout",
            "idle-crowd",
            "unnamed",
            "blocked-long",
            "output-buffer",
            "subscriber-only-grows",
            "rejected",
            "evicted",
        ])
    );
}

fn leveled(level: Level) -> Bench {
    let mut bench = Bench::new(10);
    bench.gauges.in_use = 9;
    assert!(bench.options.levels.set("pool-usage", level));
    bench
}

#[test]
fn a_lint_that_is_off_is_not_raised_and_one_that_fails_says_so() {
    let mut judge = Judge::default();
    judge.look(PoolId(1), &leveled(Level::Fail).view(s(1)));
    let rows = judge.rows();
    assert_eq!((rows[0].level, &*rows[0].said()), (Level::Fail, "fail: 9 of 10 in use (90%), over 80%"));
    judge.look(PoolId(1), &leveled(Level::Warn).view(s(2)));
    let rows = judge.rows();
    assert_eq!((rows[0].level, &*rows[0].said()), (Level::Warn, "9 of 10 in use (90%), over 80%"));
    let verdict = judge.look(PoolId(1), &leveled(Level::Off).view(s(3)));
    assert_eq!(verdict.news, [What::Cleared("pool-usage", "switched off".to_owned())]);
    assert!(
        judge.look(PoolId(1), &leveled(Level::Off).view(s(4))).news.is_empty() && judge.rows().is_empty()
    );
}
