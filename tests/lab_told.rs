//! What the lab says of its experiments: nothing that its own figures or lints contradict.

mod support;

use support::{RedisServer, pooltop};

fn lab(args: &[&str]) -> String {
    let output = pooltop().arg("lab").args(args).output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// As one line, however it was broken.
fn told(args: &[&str]) -> String {
    lab(args).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_warm_up_before_the_load_is_no_cold_start() {
    let document = lab(&["cold-start", "--demo", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document).expect("one document");
    let raised = |way: usize| !document["experiments"][0]["ways"][way]["lints"]["cold-start"].is_null();
    assert_eq!([0, 2].map(raised), [true, false], "{document:#}");
}

#[test]
fn a_threshold_that_is_the_labs_own_is_told_with_the_leaks() {
    let said = told(&["lost-object", "--demo"]);
    assert!(said.contains(" what is called a leak: threshold here 200 ms instead of 30.0 s "), "{said}");
    let said = told(&["unbounded", "--demo"]);
    assert!(!said.contains("threshold here"), "{said}");
    assert!(said.contains(": max is 2,147,483,647, and the server takes 10,000 clients in all "), "{said}");
}

#[test]
fn what_one_look_saw_is_not_confused_with_what_the_model_saw() {
    let said = told(&["monitoring", "--demo"]);
    assert!(said.contains("looks that saw over 80% 0"), "{said}");
    assert!(said.contains("pool-usage is raised in both ways because this program watches"), "{said}");
}

#[test]
fn an_option_that_no_experiment_heeds_is_refused_and_not_in_its_help() {
    let help = lab(&["--help"]);
    for option in ["--max-connections=2", "--retry-on-timeout", "--leak-threshold=1s", "--record=x"] {
        let output = pooltop().args(["lab", "pipeline", "--demo", option]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let name = option.split('=').next().unwrap_or_default();
        let want = format!("{name} is not for lab: each experiment sets up pools of its own");
        assert!(output.status.code() == Some(2) && said.contains(&want), "{option}: {said}");
        assert!(!help.contains(name), "{help}");
    }
    assert!(help.contains("--socket-timeout") && help.contains("--lint"), "{help}");
    let before = pooltop().args(["--help"]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&before.stdout).contains("--max-connections"));
}

#[test]
fn a_lint_that_is_off_is_raised_nowhere_and_nobody_waits_for_it() {
    let said = told(&["lost-object", "--demo", "--lint", "leak=off"]);
    assert!(said.starts_with("lost-object: shown "), "{said}");
    assert!(said.contains("lint leak is switched off, and was not raised in 'a cycle'"), "{said}");
}

/// What is missing from a report must not look like a pass.
#[test]
fn an_experiment_that_was_not_run_is_a_skipped_case() {
    let server = RedisServer::start(&["--maxclients", "50"]);
    let xml = lab(&["cold-start", "pipeline", "--fail-on-leak", "--format", "junit", &server.url()]);
    let parsed = roxmltree::Document::parse(&xml).expect("XML");
    let case = parsed.descendants().find(|node| node.attribute("name") == Some("cold-start")).expect(&xml);
    let skipped = case.children().find(|node| node.has_tag_name("skipped")).expect(&xml);
    let why = skipped.attribute("message").unwrap_or_default();
    assert!(why.starts_with("not run: it needs 1001 clients beside the "), "{xml}");
    let suite = parsed.descendants().find(|node| node.has_tag_name("testsuite")).expect(&xml);
    let counts =
        ["tests", "skipped", "errors", "failures"].map(|name| suite.attribute(name).unwrap_or_default());
    // Each of two lints in each pool of the two ways, and the experiment that was not run.
    assert_eq!(counts, ["5", "1", "0", "0"], "{xml}");
}
