use super::*;
use crate::event::{NodeId, Stamp};
use crate::report::tests::{everyday, ugly};
use crate::snapshot::{LookRow, Lost, NodeRow, ServerRow};

fn verdict(snapshot: &Snapshot) -> Verdict {
    Verdict::new(snapshot, vec!["abandoned", "leak", "pool-usage"])
}

#[test]
fn what_fails_the_run_is_told_with_its_holder() {
    let snapshot = everyday();
    let verdict = verdict(&snapshot);
    assert!(!verdict.passes());
    insta::assert_snapshot!(words(&verdict));
    let document: Value = serde_json::from_str(&document(&verdict)).expect("one document");
    let leak = &document["findings"][0];
    assert_eq!(
        (&leak["lint"], &leak["connection"], &leak["server_id"]),
        (&json!("leak"), &json!(3), &json!(118))
    );
    assert_eq!((&leak["holder"]["label"], &leak["lasted_ms"]), (&json!("worker-2"), &json!(74_200)));
    assert_eq!(document["verdict"], "fail");
}

#[test]
fn a_lint_that_was_not_named_fails_nothing() {
    let verdict = Verdict::new(&everyday(), vec!["abandoned", "churn", "stale"]);
    assert!(verdict.passes());
    assert_eq!(words(&verdict), "verdict   pass: none of abandoned, churn, stale\n");
    let xml = junit(&verdict);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let names: Vec<_> = xml.descendants().filter_map(|n| n.attribute("name")).skip(2).collect();
    assert_eq!(names, ["abandoned", "churn", "stale"]);
}

#[test]
fn junit_counts_what_it_has() {
    insta::assert_snapshot!(junit(&verdict(&everyday())));
}

#[test]
fn junit_is_well_formed_whatever_the_names_are() {
    let mut snapshot = ugly();
    let evil = "</failure>]]><!--\0\u{8}\u{b}\u{1b}]0;x\u{7}\u{85}\u{202e}\u{fffe}\u{ffff}\u{d7ff}&amp;\"'";
    for (row, lint) in [(0, evil), (1, "a\r\nb")].map(|(n, name)| (n, snapshot.lints[0].clone(), name)).map(
        |(n, mut lint, name)| {
            let found = Arc::make_mut(&mut lint);
            found.evidence = name.to_owned();
            let row = &snapshot.connections[n];
            found.about = About::Connection(row.pool, row.id);
            (n, lint)
        },
    ) {
        let connection = Arc::make_mut(&mut snapshot.connections[row]);
        connection.last_command = Some(evil.into());
        if let RowState::InUse { holder, .. } = &mut connection.state {
            holder.label = Some(evil.into());
        }
        snapshot.lints.push(lint);
    }
    let verdict = verdict(&snapshot);
    let xml = junit(&verdict);
    assert!(xml.chars().all(|c| c == '\n' || !crate::text::obeyed(c)), "{xml:?}");
    let parsed = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
    let failures: Vec<_> = parsed.descendants().filter(|node| node.has_tag_name("failure")).collect();
    assert_eq!(failures.len(), 2, "the lint in two pools: {xml}");
    let seen = crate::text::escape_str("</failure>]]><!--\0\u{8}\u{b}\u{1b}]0;x\u{7}\u{85}\u{202e}");
    // Nothing is lost on the way, in the line a build server shows and in the text below it.
    let says = |text: Option<&str>, words: &str| text.is_some_and(|text| text.contains(words));
    let evidence = format!("evidence: {seen}");
    assert!(failures.iter().any(|failure| says(failure.text(), &evidence)), "{xml}");
    assert!(failures.iter().any(|failure| says(failure.attribute("message"), r"\x1b[31mred")), "{xml}");
    let suite = parsed.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("9"), Some("2")));
    // The words and the document of the same are safe too.
    assert!(words(&verdict).chars().all(|c| c == '\n' || !crate::text::obeyed(c)));
    serde_json::from_str::<Value>(&document(&verdict)).expect("one document");
}

fn cases(verdict: &Verdict) -> Vec<(String, bool)> {
    let xml = junit(verdict);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let cases = xml.descendants().filter(|node| node.has_tag_name("testcase"));
    cases.map(|case| (case.attribute("name").unwrap_or_default().to_owned(), case.has_children())).collect()
}

/// A build server follows a case from run to run by its name.
#[test]
fn a_lint_is_one_case_of_one_name_whether_it_holds_or_not() {
    let failed = verdict(&everyday());
    let mut passed = failed.clone();
    passed.findings.clear();
    let names = |verdict: &Verdict| cases(verdict).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names(&failed), names(&passed));
    assert!(
        cases(&failed).iter().any(|(_, fails)| *fails) && !cases(&passed).iter().any(|(_, fails)| *fails)
    );
    for verdict in [&mut failed.clone(), &mut passed] {
        verdict.see("other");
        let several = cases(verdict);
        assert_eq!(several.len(), 6);
        assert!(several.iter().any(|(name, fails)| name == "leak other" && !fails), "{several:?}");
    }
}

#[test]
fn what_was_not_read_and_what_was_not_used_is_said_with_the_verdict() {
    let mut verdict = Verdict::new(&everyday(), vec!["churn"]);
    verdict.damaged = Some("it breaks off in line 7".to_owned());
    verdict.unused = true;
    let pass = "verdict   pass: none of churn; nothing but the report's PING ran on this pool; the recording is \
                damaged: it breaks off in line 7\n";
    assert_eq!(words(&verdict), pass);
    let document: Value = serde_json::from_str(&document(&verdict)).expect("one document");
    assert_eq!(document["damaged"], "it breaks off in line 7");
    let xml = junit(&verdict);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let error = xml.descendants().find(|node| node.has_tag_name("error")).expect("an error");
    assert!(error.attribute("message").is_some_and(|message| message.contains("breaks off in line 7")));
    assert_eq!(error.parent().and_then(|case| case.attribute("name")), Some("recording"));
    let suite = xml.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    let counts = ["tests", "failures", "errors"].map(|count| suite.attribute(count).unwrap_or_default());
    assert_eq!(counts, ["2", "0", "1"]);
}

#[test]
fn what_somebody_holds_is_forgiven_and_what_is_still_out_is_not() {
    let snapshot = everyday();
    let mut judged = verdict(&snapshot);
    judged.forgive(&[ConnId(3)]);
    assert_eq!(judged.findings.iter().map(|found| found.id).collect::<Vec<_>>(), ["pool-usage"]);
    // #3 and #5 are out, and nobody is left: each is one leak, whatever the lints say of it.
    judged.add(&snapshot);
    judged.add_still_out(&snapshot, &["leak", "abandoned"]);
    let found: Vec<_> = judged.findings.iter().map(|found| (found.id, found.conn())).collect();
    assert_eq!(found, [("pool-usage", None), ("leak", Some(ConnId(3))), ("leak", Some(ConnId(5)))]);
    assert_eq!(judged.findings[2].evidence, "#5 still out at the end, after 2.1 s");
    let mut lenient = Verdict::new(&everyday(), vec!["churn"]);
    lenient.add_still_out(&everyday(), &[]);
    assert!(lenient.passes());
}

#[test]
fn a_server_that_could_not_be_seen_has_no_verdict() {
    let node = |id: u32, looked: bool, lost: bool| NodeRow {
        id: NodeId(id),
        target: format!("127.0.0.1:{id}"),
        server: Arc::new(ServerRow {
            lost: lost.then(|| Lost {
                error: "connection refused".to_owned(),
                retry_at: Stamp(0),
                since: Stamp(0),
            }),
            ..ServerRow::default()
        }),
        look: looked.then(LookRow::default),
        ..NodeRow::default()
    };
    let verdict = |nodes: Vec<NodeRow>| {
        let nodes = nodes.into_iter().map(Arc::new).collect();
        Verdict::new(&Snapshot { nodes, ..Snapshot::default() }, vec!["growth"])
    };
    let whole = verdict(vec![
        node(1, true, false),
        NodeRow { found: Some("replica".into()), ..node(2, false, true) },
    ]);
    assert!(whole.passes(), "what was found and not named may be gone: {whole:?}");
    let part = verdict(vec![node(1, true, false), node(2, true, true), node(3, false, false)]);
    assert!(!part.passes());
    assert_eq!(words(&part), "verdict   unknown: none of growth; not seen: 127.0.0.1:2, 127.0.0.1:3\n");
    let told: Value = serde_json::from_str(&document(&part)).expect("one document");
    assert_eq!((&told["verdict"], &told["unseen"][0]), (&json!("unknown"), &json!("127.0.0.1:2")));
    let xml = junit(&part);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    assert_eq!(xml.descendants().filter(|node| node.has_tag_name("error")).count(), 2);
}
