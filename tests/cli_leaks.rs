//! CI mode: a run that leaves a connection behind ends with 4 and says who had it; a healthy one ends with 0.

mod support;

use std::io::Write;
use std::process::{Output, Stdio};

use support::pooltop;

/// Runs the shell of a demo with these options on these lines.
fn shell(options: &[&str], lines: &str) -> Output {
    let mut child = pooltop()
        .args(["shell", "--demo"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // One that refuses its options may end before it has read them.
    let _ = child.stdin.take().expect("its input").write_all(lines.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a run says beside its replies, after its code was checked.
fn said(options: &[&str], lines: &str, code: i32) -> String {
    let output = shell(options, lines);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{options:?} {lines:?}: {said}");
    said
}

const LEAK: &str = "SET a 1\nPOOL LEAK 2\nGET a\n";

#[test]
fn a_scripted_leak_fails_the_run_and_names_its_holder() {
    let said = said(&["--fail-on-leak"], LEAK, 4);
    assert_eq!(
        said.matches("still out at the end").count() + said.matches("x abandoned").count(),
        2,
        "{said}"
    );
    assert!(said.contains("POOL LEAK 2"), "{said}");
    // The replies stay as they are.
    assert!(text(&shell(&["--fail-on-leak"], LEAK).stdout).ends_with("1\n"));
}

/// What another caller sent on it before is nobody's clue to who has it now.
#[test]
fn the_command_of_the_lease_before_is_not_the_leaks() {
    let lines = "GET a\nPOOL LEAK 1\nPOOL LIST\n";
    let report = |format: &str, code: i32| said(&["--fail-on-leak", "--format", format], lines, code);
    for format in ["text", "json", "junit"] {
        let said = report(format, 4);
        assert!(said.contains("POOL LEAK 1") && !said.contains("GET"), "{format}: {said}");
    }
    let listed = text(&shell(&[], lines).stdout);
    let row = listed.lines().find(|line| line.contains("#1 ")).expect("a row");
    assert!(row.contains(" – ") && !row.contains("GET"), "{listed}");
}

#[test]
fn without_the_flag_a_leak_is_no_failure() {
    assert_eq!(said(&[], LEAK, 0), "");
}

#[test]
fn a_healthy_run_is_silent_and_fine() {
    let healthy = "POOL HOLD 2\n#1 SET a 1\nMULTI\nSET b 2\nBLPOP q 0 &\nPOOL LEAK 1\nPOOL RESET\nMULTI\n";
    let words = said(&["--fail-on-leak"], healthy, 0);
    assert!(!words.contains("verdict"), "{words}");
}

/// Held from the beginning to the end, longer than any threshold: whoever holds it is there.
#[test]
fn what_is_held_at_the_end_is_no_leak_however_long() {
    let lines = "POOL HOLD 1\nBLPOP q 0.3\nPOOL LEAKS\n";
    let output = shell(&["--fail-on-leak", "--leak-threshold", "50ms"], lines);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("POOL HOLD 1"), "the lint holds meanwhile");
}

#[test]
fn one_command_is_judged_too_and_a_leak_outweighs_a_failed_command() {
    let one = |args: &[&str]| pooltop().args(["shell", "--demo", "--fail-on-leak"]).args(args).output();
    let leaked = one(&["POOL", "LEAK", "1"]).expect("it runs");
    assert_eq!(leaked.status.code(), Some(4));
    assert_eq!(one(&["PING"]).expect("it runs").status.code(), Some(0));
    assert_eq!(one(&["NOSUCH"]).expect("it runs").status.code(), Some(1));
    said(&["--fail-on-leak", "-e"], "NOSUCH\nPOOL LEAK\n", 4);
    said(&["--fail-on-leak", "-e"], "NOSUCH\n", 1);
}

#[test]
fn the_report_is_json_or_junit_on_demand() {
    let json: serde_json::Value =
        serde_json::from_str(&said(&["--fail-on-leak", "--format", "json"], LEAK, 4)).expect("JSON");
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(2), "{json}");
    assert_eq!(json["findings"][1]["holder"]["label"], "POOL LEAK 2", "{json}");
    let xml = said(&["--fail-on-leak", "--format", "junit"], LEAK, 4);
    let parsed = roxmltree::Document::parse(&xml).expect("XML");
    let failures: Vec<_> = parsed.descendants().filter(|node| node.has_tag_name("failure")).collect();
    let [failure] = &failures[..] else { panic!("one lint, one failure: {xml}") };
    assert_eq!(failure.text().unwrap_or_default().matches("evidence: ").count(), 2, "{xml}");
    let healthy = said(&["--fail-on-leak", "--format", "junit"], "PING\n", 0);
    assert_eq!(
        roxmltree::Document::parse(&healthy).expect("XML").root_element().attribute("failures"),
        Some("0")
    );
}

#[test]
fn the_report_goes_to_a_file_that_is_known_to_be_writable_before_anything_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("leaks.xml");
    let name = path.to_str().expect("a name");
    assert_eq!(said(&["--fail-on-leak", "--format", "junit", "--report", name], LEAK, 4), "");
    let xml = std::fs::read_to_string(&path).expect("a report");
    assert!(roxmltree::Document::parse(&xml).is_ok() && xml.contains("POOL LEAK 2"), "{xml}");
    let nowhere = dir.path().join("none").join("leaks.xml");
    let output = shell(&["--fail-on-leak", "--report", nowhere.to_str().expect("a name")], LEAK);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
}

/// Whatever ends the run before there is a report leaves what was there, and nobody reads an empty one.
#[test]
fn a_report_that_is_never_written_destroys_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let [run, old, new] = ["run.ndjson", "old.xml", "new.xml"].map(|name| dir.path().join(name));
    let name = |path: &std::path::Path| path.to_str().expect("a name").to_owned();
    let recorded = shell(&["--record", &name(&run)], "PING\n");
    assert_eq!(recorded.status.code(), Some(0), "{}", text(&recorded.stderr));
    let recording = std::fs::read(&run).expect("a recording");
    std::fs::write(&old, "<before/>").expect("a report");
    let itself = ["replay", &name(&run), "--once", "--fail-on-leak", "--report", &name(&run)];
    let output = pooltop().args(itself).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    assert!(std::fs::read(&run).expect("the recording") == recording, "it is as it was");
    let gone = support::free_port().to_string();
    for path in [&old, &new] {
        let args = ["-p", &gone, "--once", "--fail-on-leak", "--report", &name(path)];
        let output = pooltop().args(args).output().expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_to_string(&old).expect("the report"), "<before/>");
    assert!(!new.exists(), "an empty report is none");
    let both = shell(&["--fail-on-leak", "--report", &name(&new), "--record", &name(&new)], "PING\n");
    assert_eq!(both.status.code(), Some(2), "{}", text(&both.stderr));
}

#[test]
fn a_report_without_a_shell_is_judged() {
    let once = |args: &[&str]| pooltop().args(["--demo"]).args(args).output().expect("it runs");
    let output = once(&["--fail-on-leak"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("verdict   pass: none of "), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("nothing but the report's PING ran on this pool"), "{output:?}");
    let json = once(&["--duration", "10ms", "--fail-on-leak", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["verdict"]["verdict"], "pass");
    let full = once(&["--fail-on", "maxclients", "--format", "junit"]);
    assert!(roxmltree::Document::parse(&text(&full.stdout)).is_ok(), "{}", text(&full.stdout));
}

/// A lint of the file that is to fail does so where the run is judged, and a lint that was named does.
#[test]
fn any_lint_can_fail_a_run() {
    let lines = "POOL HOLD 9\n";
    let full = ["--max-connections", "10"];
    let with = |more: &[&'static str]| [&full[..], more].concat();
    assert!(said(&with(&["--fail-on", "pool-usage"]), lines, 4).contains("! pool-usage"));
    let both = with(&["--lint", "pool-usage=fail", "--fail-on-leak"]);
    assert!(said(&both, lines, 4).contains("9 of 10 in use"));
    assert_eq!(said(&with(&["--lint", "pool-usage=fail"]), lines, 0), "");
    assert_eq!(said(&with(&["--fail-on-leak"]), lines, 0), "");
    assert_eq!(said(&with(&["--lint", "pool-usage=off", "--fail-on-leak"]), lines, 0), "");
}

#[test]
fn what_makes_no_sense_together_is_said() {
    for (options, words) in [
        (&["--fail-on", "leek"][..], "unknown lint \"leek\"; did you mean \"leak\"?"),
        (&["--lint", "leak=maybe"], "unknown level \"maybe\": there is off, warn, fail"),
        (&["--lint", "leak"], "write the lint and its level, as leak=fail"),
        (&["--lint", "leak=off", "--fail-on-leak"], "--fail-on-leak and --lint leak=off exclude each other"),
        (&["--lint", "churn=warn", "--fail-on", "leak,churn"], "--fail-on and --lint churn=warn exclude"),
        (&["--report", "x"], "--report goes with --fail-on-leak or --fail-on"),
        (&["--format", "junit"], "--format junit goes with --fail-on-leak or --fail-on"),
        (&["--format", "json"], "replies"),
    ] {
        let said = said(options, "", 2);
        assert!(said.contains(words), "{options:?}: {said}");
    }
}

/// What was judged live can be judged again, and by other lints.
#[test]
fn a_recording_is_judged_as_the_run_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("run.ndjson");
    let name = path.to_str().expect("a name");
    let lines = "POOL LEAK 9\n";
    said(&["--record", name, "--max-connections", "10", "--fail-on", "pool-usage"], lines, 4);
    let replay = |options: &[&str]| {
        pooltop().args(["replay", name]).args(options).output().expect("it runs").status.code()
    };
    assert_eq!(replay(&["--fail-on", "pool-usage"]), Some(4));
    assert_eq!(replay(&["--fail-on", "churn"]), Some(0));
    assert_eq!(replay(&["--once"]), Some(0));
}
