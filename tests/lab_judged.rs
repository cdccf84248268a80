//! Experiments under `--fail-on-leak` and `--fail-on`: what leaks in them, on purpose or not, is reported with its holder
//! and ends the run with 4; what leaks nothing passes.

mod support;

use std::process::{Output, Stdio};

use support::{RedisServer, pooltop, wait_for};

fn lab(args: &[&str]) -> Output {
    pooltop().arg("lab").args(args).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is printed, after the exit code was checked.
fn printed(args: &[&str], code: i32) -> String {
    let output = lab(args);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    out
}

const LEAKS: [&str; 3] = ["lost-object", "--demo", "--fail-on-leak"];

#[test]
fn what_leaked_is_told_with_its_holder_though_the_experiment_gave_it_back() {
    let said = printed(&LEAKS, 4);
    let (table, verdict) = said.split_once("\nverdict   fail: 50 found of ").expect(&said);
    assert!(table.starts_with("lost-object: shown\n"), "{said}");
    assert_eq!(verdict.matches("\nx leak ").count(), 50, "ten a repetition: {said}");
    assert_eq!(verdict.matches("lab lost-object: a cycle: #").count(), 50, "none elsewhere: {said}");
    for number in 0..10 {
        let holder = format!("  holder       report {number}  src/lab/experiments/lost_object.rs:");
        assert_eq!(verdict.matches(&holder).count(), 5, "{said}");
    }
}

#[test]
fn an_experiment_that_leaks_nothing_passes() {
    let said = printed(&["pipeline", "--demo", "--fail-on-leak"], 0);
    assert!(said.contains("\nverdict   pass: none of abandoned, leak"), "{said}");
    assert!(!printed(&["pipeline", "--demo"], 0).contains("verdict"), "nobody asked");
    // The lint that names the wrong way of this one.
    let said = printed(&["pipeline", "--demo", "--fail-on", "sequential"], 4);
    assert!(said.contains("! sequential   lab pipeline: one at a time: "), "{said}");
}

#[test]
fn one_document_holds_the_outcomes_and_the_verdict() {
    let said = printed(&[&LEAKS[..], &["pipeline", "--format", "json"]].concat(), 4);
    let document: serde_json::Value = serde_json::from_str(&said).expect("one document");
    assert_eq!(document["experiments"].as_array().map(Vec::len), Some(2));
    assert_eq!(document["experiments"][0]["verdict"], "shown");
    let verdict = &document["verdict"];
    assert_eq!(verdict["verdict"], "fail");
    assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(50), "{verdict}");
    let found = &verdict["findings"][9];
    assert_eq!((&found["lint"], &found["pool"]), (&"leak".into(), &"lab lost-object: a cycle".into()));
    assert!(found["holder"]["label"].as_str().is_some_and(|label| label.starts_with("report ")), "{found}");
    let plain = printed(&["pipeline", "--demo", "--format", "json"], 0);
    let plain: serde_json::Value = serde_json::from_str(&plain).expect("one document");
    assert_eq!(plain.get("verdict"), None);
}

/// A build server reads the one, and a person the other.
#[test]
fn junit_goes_where_it_is_wanted_and_the_tables_where_there_is_room() {
    let failures = |xml: &str| {
        let parsed = roxmltree::Document::parse(xml).expect("XML");
        let failures = parsed.descendants().filter(|node| node.has_tag_name("failure"));
        failures.map(|node| node.text().unwrap_or_default().matches("evidence: ").count()).sum::<usize>()
    };
    let junit = [&LEAKS[..], &["--format", "junit"]].concat();
    assert_eq!(failures(&printed(&junit, 4)), 50);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("leaks.xml");
    let name = path.to_str().expect("a name");
    let said = printed(&[&junit[..], &["--report", name]].concat(), 4);
    assert!(said.starts_with("lost-object: shown\n") && !said.contains("verdict   "), "{said}");
    assert_eq!(failures(&std::fs::read_to_string(&path).expect("a report")), 50);
}

#[test]
fn what_makes_no_sense_together_is_said() {
    for (args, words) in [
        (&["--fail-on-leak"][..], "judge experiments: name one, or all"),
        (&["pipeline", "--demo", "--report", "x"], "--report goes with --fail-on-leak or --fail-on"),
        (
            &["pipeline", "--demo", "--format", "junit"],
            "--format junit goes with --fail-on-leak or --fail-on",
        ),
        (&["pipeline", "--demo", "--fail-on-leak", "--report", "/nowhere/x"], "--report /nowhere/x: "),
    ] {
        let output = lab(args);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

/// It was not judged: what is missing from a report must not look like a pass.
#[test]
fn one_that_was_stopped_or_could_not_run_is_no_pass() {
    let server = RedisServer::start(&["--maxclients", "50"]);
    let url = server.url();
    assert!(printed(&["cold-start", "--fail-on-leak", &url], 1).contains("cold-start: not run: "));
    let child = pooltop()
        .args(["lab", "forgotten-release", "--fail-on-leak", "--format", "json", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    wait_for("its key", || (server.cli(&["DBSIZE"]) == "1").then_some(()));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it is there");
    let output = child.wait_with_output().expect("its end");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(130), String::new()));
}
