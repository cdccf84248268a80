use super::*;
use crate::event::{ConnId, Inside, PoolId, ProcId, Stamp};
use crate::report::tests::everyday;
use crate::report::verdict::{Verdict, document, junit, words};
use crate::snapshot::{FoundRow, LeftRow, RowState};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at_line(location: &str, function: &str, ended: bool) -> Holder {
    let ended = ended.then_some(Stamp(1));
    let (location, function) = (Some(location.into()), Some(function.into()));
    Holder { location, function, how: Some(How::Raw), ended, ..Holder::default() }
}

/// The connections of an everyday pool, lent to these lines since the beginning, and no judgement.
fn app(lines: &[(&str, bool)]) -> Snapshot {
    let mut snapshot = everyday();
    snapshot.app = Some(Arc::new(AppRow { since: Some(Stamp(0)), ..AppRow::default() }));
    snapshot.lints.clear();
    let rows: Vec<_> = snapshot.connections.drain(..).collect();
    for (nth, (location, ended)) in lines.iter().enumerate() {
        let mut row = (*rows[0]).clone();
        row.id = ConnId(100 + nth as u64);
        let since = Stamp(snapshot.as_of.0 - 1_000_000_000 * (40 + nth as u64));
        row.state = RowState::InUse { since, holder: at_line(location, "worker", *ended), pinned: None };
        snapshot.connections.push(Arc::new(row));
    }
    snapshot
}

fn judge(snapshot: &mut Snapshot, id: &'static str, conn: u64) {
    let mut lint = (*everyday().lints[0]).clone();
    (lint.id, lint.about) = (id, About::Connection(PoolId(1), ConnId(conn)));
    lint.evidence = format!("#{conn} out");
    snapshot.lints.push(Arc::new(lint));
}

fn leave(snapshot: &mut Snapshot, nth: usize, count: u64, abandoned: u64) {
    let row = Arc::clone(&snapshot.connections[nth]);
    let left = LeftRow {
        row,
        pool: "app".to_owned(),
        count,
        longest: s(9),
        shortest: s(3),
        client: None,
        abandoned,
    };
    Arc::make_mut(snapshot.app.as_mut().expect("an app")).left.push(Arc::new(left));
}

/// The lint, the line, and how many.
fn told(snapshot: &Snapshot, checked: &[&'static str]) -> Vec<(&'static str, String, u64)> {
    let verdict = Verdict::new(snapshot, checked.to_vec());
    let place = |found: &Found| {
        let holder = found.bucket.as_ref().and_then(|bucket| bucket.holder.clone());
        holder.and_then(|holder| holder.location).unwrap_or_default().to_string()
    };
    verdict.findings.iter().map(|found| (found.id, place(found), found.count())).collect()
}

#[test]
fn leaks_of_one_line_are_one_finding_whether_they_are_out_or_were_left() {
    let mut snapshot = app(&[("app.py:6", false), ("app.py:6", false), ("app.py:9", false)]);
    for conn in [100, 101, 102] {
        judge(&mut snapshot, "leak", conn);
    }
    leave(&mut snapshot, 0, 3, 0);
    let want = [("leak", "app.py:6".to_owned(), 5), ("leak", "app.py:9".to_owned(), 1)];
    assert_eq!(told(&snapshot, &["abandoned", "leak"]), want);
    let verdict = Verdict::new(&snapshot, vec!["abandoned", "leak"]);
    let said = words(&verdict);
    let evidence = "5 connections never given back: app.py:6 in worker  raw  out 3.0 s to 41.0 s  pool app";
    assert!(said.contains(evidence), "{said}");
    assert!(said.contains("  line         app.py:6 in worker\n  count        5\n"), "{said}");
    let document: Value = serde_json::from_str(&document(&verdict)).expect("one document");
    let first = &document["findings"][0];
    let fields = ["lint", "file", "line", "function", "how", "count", "longest_ms", "shortest_ms", "pool"];
    let want = json!(["leak", "app.py", 6, "worker", "raw", 5, 41_000, 3_000, "app"]);
    assert_eq!(json!(fields.map(|field| first[field].clone())), want);
    let xml = junit(&verdict);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let cases: Vec<_> = xml.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let names: Vec<_> = cases.iter().filter_map(|case| case.attribute("name")).collect();
    assert_eq!(names, ["abandoned", "leak"], "a case a lint");
    let text: String = cases[1].descendants().filter_map(|node| node.text()).collect();
    assert!(text.contains("line: app.py:6 in worker") && text.contains("line: app.py:9 in worker"), "{text}");
}

#[test]
fn what_two_lints_say_of_a_connection_is_counted_once() {
    let mut snapshot = app(&[("app.py:6", true)]);
    judge(&mut snapshot, "leak", 100);
    judge(&mut snapshot, "abandoned", 100);
    assert_eq!(told(&snapshot, &["abandoned", "leak"]), [("abandoned", "app.py:6".to_owned(), 1)]);
    assert_eq!(told(&snapshot, &["leak"]), [("leak", "app.py:6".to_owned(), 1)]);
}

#[test]
fn one_line_is_one_finding_though_only_of_some_it_is_known_that_they_are_abandoned() {
    let mut snapshot = app(&[("app.py:6", true)]);
    leave(&mut snapshot, 0, 5, 2);
    assert_eq!(told(&snapshot, &["abandoned", "leak"]), [("leak", "app.py:6".to_owned(), 5)]);
    assert_eq!(told(&snapshot, &["abandoned"]), [("abandoned", "app.py:6".to_owned(), 2)]);
    assert_eq!(told(&snapshot, &["churn"]), []);
}

#[test]
fn what_was_found_while_it_ran_fails_a_run_that_asks_for_it() {
    let mut snapshot = app(&[]);
    let found = FoundRow {
        id: "exhausted",
        severity: Severity::Bad,
        holder: Some(at_line("app.py:3", "main", false)),
        pool: "app".to_owned(),
        count: 2,
        longest: s(4),
        shortest: s(1),
        evidence: "4 refused in the last 10 s".to_owned(),
        advice: "none",
    };
    Arc::make_mut(snapshot.app.as_mut().expect("an app")).found.push(Arc::new(found));
    let mut pool = (*snapshot.pools[0]).clone();
    let made = Some(at_line("app.py:3", "main", false));
    let (process, class) = (ProcId(0), "redis.ConnectionPool".to_owned());
    let inside = Inside { process, class, inherited: false, asynchronous: false, made };
    pool.inside =
        Some(Box::new(Inside { made: inside.made.map(|made| Holder { how: None, ..made }), ..inside }));
    snapshot.pools = vec![Arc::new(pool)];
    assert_eq!(told(&snapshot, &["exhausted", "leak"]), [("exhausted", "app.py:3".to_owned(), 2)]);
    let mut churn = (*everyday().lints[0]).clone();
    (churn.id, churn.about) = ("churn", About::Place(ProcId(0), "a b/app.py:12 in handler".into()));
    churn.evidence = "48 pools made at a b/app.py:12 in handler".to_owned();
    snapshot.lints.push(Arc::new(churn));
    assert_eq!(told(&snapshot, &["churn"]), [("churn", "a b/app.py:12".to_owned(), 1)]);
    let verdict = Verdict::new(&snapshot, vec!["churn"]);
    let document: Value = serde_json::from_str(&document(&verdict)).expect("one document");
    let first = &document["findings"][0];
    assert_eq!(
        (&first["file"], &first["line"], &first["function"]),
        (&json!("a b/app.py"), &json!(12), &json!("handler"))
    );
    assert_eq!(first["pool"], Value::Null);
}

#[test]
fn an_app_of_which_no_process_reported_has_not_passed() {
    let said = words(&Verdict::new(&app(&[]), vec!["leak"]));
    assert_eq!(said, "verdict   unknown: none of leak; no process reported\n");
}
