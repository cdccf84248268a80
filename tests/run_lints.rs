//! `run --fail-on`: what the lints find in a real app is told by its line, and what is right is not.

mod app_support;
mod support;

use std::fs;
use std::process::Output;

use app_support::Told;
use serde_json::Value;
use support::{RedisServer, agent_python, pooltop};
use tempfile::TempDir;

/// An app in a directory of its own, and a server.
struct App {
    directory: TempDir,
    server: RedisServer,
}

impl App {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("app.py"), text).expect("written");
        Self { directory, server: RedisServer::start(&[]) }
    }

    fn run(&self, options: &[&str]) -> Output {
        let python = agent_python("redis-8.1");
        let command = [python.to_str().expect("a path"), "app.py", &self.server.port().to_string()];
        let mut run = app_support::run(options, &command);
        run.current_dir(self.directory.path()).output().expect("it runs")
    }

    fn told(&self, options: &[&str]) -> Told {
        Told::of(self.run(&[&["--format", "json"], options].concat()))
    }
}

/// Lint, file, line, function and count of each finding of a verdict.
fn verdict(told: &Told) -> Vec<(String, String, u64, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let found = told.document["verdict"]["findings"].as_array().expect("findings");
    let row = |row: &Value| {
        let [lint, file, function] = ["lint", "file", "function"].map(|key| text(&row[key]));
        (lint, file, number(&row["line"]), function, number(&row["count"]))
    };
    found.iter().map(row).collect()
}

fn one(id: &str, line: u64, function: &str, count: u64) -> (String, String, u64, String, u64) {
    (id.to_owned(), "app.py".to_owned(), line, function.to_owned(), count)
}

const REQUESTS: &str = "\
import sys, redis
port = int(sys.argv[1])
def handler():
    return redis.Redis(port=port).get('k')
for n in range(40):
    handler()
";

#[test]
fn a_client_a_request_is_named_by_the_line_that_makes_it() {
    let app = App::new(REQUESTS);
    let told = app.told(&["--fail-on", "churn"]);
    assert_eq!(told.code(), Some(4), "{told:?}");
    assert_eq!(verdict(&told), [one("churn", 4, "handler", 1)]);
    let evidence = told.document["verdict"]["findings"][0]["evidence"].as_str().expect("evidence");
    assert!(evidence.starts_with("40 pools made at app.py:4 in handler in the last 10 s"), "{evidence}");
    let shared = App::new(
        &REQUESTS
            .replace("return redis.Redis(port=port)", "return shared")
            .replace("def handler", "shared = redis.Redis(port=port)\ndef handler"),
    );
    assert_eq!(shared.told(&["--fail-on", "churn"]).code(), Some(0));
}

const ASYNC: &str = "\
import sys, asyncio, redis.asyncio as redis
async def main():
    client = redis.Redis(port=int(sys.argv[1]))
    await client.set('k', 1)
    # close
asyncio.run(main())
";

#[test]
fn what_asyncio_leaves_open_is_named_and_what_it_closes_is_not() {
    let told = App::new(ASYNC).told(&["--fail-on", "unclosed"]);
    assert_eq!((told.code(), verdict(&told)), (Some(4), vec![one("unclosed", 3, "main", 1)]), "{told:?}");
    let closed = App::new(&ASYNC.replace("# close", "await client.aclose()"));
    assert_eq!(closed.told(&["--fail-on", "unclosed"]).code(), Some(0));
    let sync =
        App::new("import sys, redis\nclient = redis.Redis(port=int(sys.argv[1]))\nclient.set('k', 1)\n");
    assert_eq!(sync.told(&["--fail-on", "unclosed"]).code(), Some(0), "the interpreter closes these");
}

const EXHAUSTED: &str = "\
import sys, redis
pool = redis.ConnectionPool(port=int(sys.argv[1]), max_connections=3, socket_timeout=5)
def export():
    return [pool.get_connection() for _ in range(3)]
held = export()
try:
    redis.Redis(connection_pool=pool).get('k')
except redis.exceptions.ConnectionError:
    print('none left')
";

#[test]
fn a_pool_that_is_empty_is_told_with_the_line_that_holds_it() {
    let told = App::new(EXHAUSTED).told(&["--fail-on", "exhausted"]);
    assert_eq!(
        (told.code(), verdict(&told)),
        (Some(4), vec![one("exhausted", 2, "<module>", 1)]),
        "{told:?}"
    );
    let evidence = told.document["verdict"]["findings"][0]["evidence"].as_str().expect("evidence");
    assert!(evidence.contains("1 refused in the last 10 s"), "{evidence}");
    assert!(evidence.contains("3 by app.py:4 in export"), "{evidence}");
}

const FORK: &str = "\
import os, sys, redis
pool = redis.ConnectionPool(port=int(sys.argv[1]))
conn = pool.get_connection()
def child():
    conn.send_command('PING')
    conn.read_response()
if os.fork() == 0:
    child()
    sys.exit()
os.wait()
pool.release(conn)
";

#[test]
fn a_parents_connection_that_its_fork_uses_is_named_there() {
    let told = App::new(FORK).told(&["--fail-on", "shared-after-fork"]);
    assert_eq!(told.code(), Some(4), "{told:?}");
    assert_eq!(verdict(&told), [one("shared-after-fork", 5, "child", 1)], "{told:?}");
}

#[test]
fn junit_has_a_case_a_lint_with_the_lines_in_it() {
    let app = App::new(EXHAUSTED);
    let file = app.directory.path().join("leaks.xml");
    let path = file.to_str().expect("a path");
    let output = app.run(&["--fail-on-leak", "--fail-on", "churn", "--format", "junit", "--report", path]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let xml = fs::read_to_string(&file).expect("a report");
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let cases: Vec<_> = xml.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let named: Vec<_> = cases.iter().filter_map(|case| case.attribute("name")).collect();
    assert_eq!(named, ["abandoned", "churn", "leak"]);
    let text: String = cases[2].descendants().filter_map(|node| node.text()).collect();
    assert!(text.contains("line: app.py:4 in export") && text.contains("count: 3"), "{text}");
}

#[test]
fn a_lint_that_an_apps_pools_cannot_raise_is_refused() {
    let app = App::new("");
    for (options, word) in [
        (&["--fail-on", "stuck-transaction"][..], "watch-held"),
        (&["--fail-on", "evicted"], "of servers"),
        (&["--fail-on-leak", "--lint", "dead=fail"], "do not tell"),
    ] {
        let output = app.run(options);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("is not for run") && said.contains(word), "{said}");
    }
}

#[test]
fn a_recording_of_a_run_is_judged_as_the_run_was() {
    let app = App::new(&format!("{EXHAUSTED}\nheld2 = held\n"));
    let file = app.directory.path().join("run.ndjson");
    let path = file.to_str().expect("a path");
    let checked = "leak,abandoned,exhausted,no-timeout";
    let told = app.told(&["--fail-on", checked, "--record", path]);
    assert_eq!(told.code(), Some(4), "{told:?}");
    let mut replay = pooltop();
    let output = replay.args(["replay", path, "--once", "--format", "json", "--fail-on", checked]).output();
    let output = output.expect("it replays");
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let again = Told { document: serde_json::from_slice(&output.stdout).expect("a document"), output };
    assert_eq!(verdict(&again), verdict(&told));
}
