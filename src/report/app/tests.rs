use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::event::{How, Inside, ProcId, ProcessFacts, Reporting, Stamp};
use crate::report::tests::everyday;
use crate::snapshot::FoundRow;

fn at_line(location: &str, function: &str, how: How) -> Holder {
    let (location, function) = (Some(location.into()), Some(function.into()));
    Holder { location, function, how: Some(how), ..Holder::default() }
}

/// An app of two processes, one of which was killed, with what everyday pools have.
fn app() -> Snapshot {
    let mut snapshot = everyday();
    let process = |id, pid, gone, dropped| ProcessRow {
        id: ProcId(id),
        facts: ProcessFacts {
            pid,
            program: "app\u{1b}.py".into(),
            runtime: "Python 3.11.7".into(),
            ..ProcessFacts::default()
        },
        libraries: vec!["redis 8.1.0".into()],
        since: Stamp(0),
        heard: Stamp(snapshot.as_of.0 - 2_000_000_000),
        reporting: Reporting { dropped, ..Reporting::default() },
        gone,
    };
    let processes = vec![
        Arc::new(process(0, 4711, None, 0)),
        Arc::new(process(1, 4712, Some((snapshot.as_of, false)), 1_234)),
    ];
    let found = FoundRow {
        id: "no-timeout",
        severity: Severity::Warn,
        holder: Some(at_line("app.py:3", "main", How::Raw)),
        pool: "app".to_owned(),
        count: 40,
        longest: Duration::from_secs(2),
        shortest: Duration::ZERO,
        evidence: "a reply is waited for without a limit".to_owned(),
        advice: "set one",
    };
    let found = vec![Arc::new(found)];
    snapshot.app = Some(Arc::new(AppRow { processes, found, more_pools: 700, ..AppRow::default() }));
    let inside = Inside {
        process: ProcId(0),
        class: "redis.ConnectionPool".to_owned(),
        inherited: false,
        asynchronous: false,
        made: Some(at_line("app.py:3", "main", How::Command)),
    };
    let mut pool = (*snapshot.pools[0]).clone();
    pool.inside = Some(Box::new(inside));
    snapshot.pools = vec![Arc::new(pool.clone()), Arc::new(pool)];
    for (row, (line, how)) in snapshot.connections.iter_mut().zip([
        ("app.py:10", How::Raw),
        ("app.py:10", How::Raw),
        ("app.py:20", How::PubSub),
    ]) {
        let since = Stamp(snapshot.as_of.0 - 5_000_000_000);
        Arc::make_mut(row).state =
            RowState::InUse { since, holder: at_line(line, "worker", how), pinned: None };
    }
    snapshot.connections.truncate(3);
    snapshot
}

#[test]
fn it_tells_who_holds_what_and_who_is_gone_without_a_word() {
    let said = text(&app());
    let words: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for want in [
        "process 4711 app\\x1b.py Python 3.11.7 redis 8.1.0 last heard 2.0 s ago",
        "process 4712 app\\x1b.py Python 3.11.7 redis 8.1.0 gone without a word, 2.0 s after it was last heard",
        "reports dropped 1,234, faults of the agent 0",
        "app 2 127.0.0.1:6379/0 10 82 10,006 4 app.py:3 in main",
        "and 700 more pools than are kept",
        "2 app.py:10 in worker raw pool app out 5.0 s to 5.0 s",
        "1 app.py:20 in worker pubsub pool app out 5.0 s",
        "! no-timeout a reply is waited for without a limit made at app.py:3 in main 40 times, for at most 2.0 s",
    ] {
        assert!(words.iter().any(|line| line == want), "{want}\n{said}");
    }
    assert!(!said.contains('\u{1b}'));
}

#[test]
fn its_document_has_what_was_found_by_file_and_line() {
    let document: Value = serde_json::from_str(&document(&app(), None)).expect("one document");
    let app = &document["app"];
    let found = &app["found"][0];
    assert_eq!(
        (&found["lint"], &found["file"], &found["line"]),
        (&"no-timeout".into(), &"app.py".into(), &3.into())
    );
    assert_eq!((&found["function"], &found["count"]), (&"main".into(), &40.into()));
    assert_eq!((&app["processes"][1]["gone"], &app["more_pools"]), (&"lost".into(), &700.into()));
    assert_eq!(document["connections"][0]["holder"]["function"], "worker");
    assert_eq!(document["connections"][0]["holder"]["how"], "raw");
}

#[test]
fn what_somebody_else_started_runs_or_has_ended_by_its_processes() {
    let said = text(&app());
    assert!(said.starts_with("app       processes that reported 2, ended 1"), "{said}");
}
