//! What the lab says of its experiments: nothing that its own figures or lints contradict.

mod support;

use support::pooltop;

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
