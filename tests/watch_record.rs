//! A watch and its replay say the same; and a watch that is judged.

mod support;
mod watch_support;

use serde_json::Value;
use support::{RedisServer, idle_client, pooltop};
use watch_support::{Fleet, groups, lint, printed, run};

/// A document without since when it was watched, which a replay counts from the first tick that told all and a watch from
/// the moment it heard of it: clients come and go between these two.
fn document(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).expect("a document");
    assert!(document["changed"]["ms"].as_u64().is_some_and(|ms| ms >= 1_500), "{document:#}");
    (document["changed"]["ms"], document["changed"]["groups"]) = (Value::Null, Value::Null);
    document
}

fn replayed(arguments: &[&str]) -> String {
    let output = pooltop().arg("replay").args(arguments).output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_replay_ends_where_the_watch_did() {
    let server = RedisServer::start(&[]);
    let _fleet = Fleet::start(&server, "churn", 20);
    let _idle: Vec<_> = (0..3).map(|_| idle_client(server.address())).collect();
    let path = server.directory().join("watch.ndjson");
    let path = path.to_string_lossy();
    let live = printed(&[&server.url(), "--duration", "2s", "--format", "json", "--record", &path]);
    let again = replayed(&[&path, "--format", "json"]);
    assert_eq!(document(&live), document(&again));
    assert!(!groups(&document(&live)).is_empty(), "{live}");
    // Grouped and filtered anew, it is the same run.
    let rows =
        document(&replayed(&[&path, "--format", "json", "--group-by", "none", "--filter", "!name:churn"]));
    assert_eq!(rows["clients"].as_array().map(Vec::len), Some(4), "{rows:#}");
    let text = replayed(&[&path, "--once"]);
    assert!(text.contains("\nchanged in "), "{text}");
    let some = replayed(&[&path, "--once", "--duration", "1ms"]);
    assert!(!some.contains("changed in "), "there was no time: {some}");
    assert!(text.starts_with(&format!("server    127.0.0.1:{}", server.port())), "{text}");
    let table = replayed(&[&path, "--format", "csv", "--group-by", "none"]);
    assert_eq!(
        table.lines().next(),
        printed(&[&server.url(), "--format", "csv", "--group-by", "none"]).lines().next()
    );
}

#[test]
fn a_recording_of_a_pool_has_no_table_of_clients() {
    let server = RedisServer::start(&[]);
    let path = server.directory().join("pool.ndjson");
    let path = path.to_string_lossy();
    let live = pooltop().args([&*server.url(), "--once", "--record", &path]).output().expect("it runs");
    assert!(live.status.success());
    let output = pooltop().args(["replay", &path, "--format", "csv"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("csv and ndjson are of clients, and no server was watched"), "{said}");
}

#[test]
fn a_lint_that_holds_fails_the_run_where_it_was_named() {
    let server = RedisServer::start(&["--maxclients", "10"]);
    let url = server.url();
    let _clients: Vec<_> = (0..8).map(|_| idle_client(server.address())).collect();
    let judged = |lints: &str, more: &[&str]| run(&[&[&*url, "--fail-on", lints], more].concat());
    let text = judged("maxclients,blocked-long", &[]);
    let said = String::from_utf8_lossy(&text.stdout).into_owned();
    assert_eq!(text.status.code(), Some(4), "{said}");
    assert!(
        said.contains("verdict   fail: 1 found of ") && said.contains("! maxclients   127.0.0.1:"),
        "{said}"
    );
    let passes = judged("blocked-long", &[]);
    assert_eq!(passes.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&passes.stdout).contains("verdict   pass: none of blocked-long"));

    let json = judged("maxclients", &["--format", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("a document");
    assert_eq!(document["verdict"]["findings"][0]["server"], format!("127.0.0.1:{}", server.port()));
    assert!(lint(&document, "maxclients").is_some_and(|lint| lint["level"] == "fail"), "{document:#}");

    let path = server.directory().join("verdict.xml");
    let numbers = judged("maxclients", &["--format", "junit", "--report", &path.to_string_lossy()]);
    assert_eq!(numbers.status.code(), Some(4));
    let xml = std::fs::read_to_string(&path).expect("the verdict");
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let suite = xml.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("1"), Some("1")));
    assert!(suite.attribute("name").is_some_and(|name| name.contains("127.0.0.1:")), "{suite:?}");

    let off = run(&[&*url, "--lint", "maxclients=off"]);
    assert!(!String::from_utf8_lossy(&off.stdout).contains("maxclients  "), "it is not raised");
}
