//! `run`: a command as its shell would have run it, and what its pools did.

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{RedisServer, pooltop, python, wait_for};
use tempfile::TempDir;

/// `redis-pooltop run` with these options on this command.
fn run(options: &[&str], command: &[&str]) -> Command {
    let mut run = pooltop();
    run.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    run.arg("run").args(options).arg("--").args(command).stdin(Stdio::null());
    run
}

/// An app in a directory of its own.
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

    fn command(&self, options: &[&str]) -> Command {
        let (python, port) = (python(), self.server.port().to_string());
        let mut run = run(options, &[&python.to_string_lossy(), "app.py", &port]);
        run.current_dir(self.directory.path());
        run
    }

    fn run(&self, options: &[&str]) -> Output {
        self.command(options).output().expect("it runs")
    }
}

fn words(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Takes two connections by hand in one line and never gives them back; and works well beside.
const LEAKY: &str = "\
import sys, redis
r = redis.Redis(port=int(sys.argv[1]))
for n in range(20):
    r.set('k', n)
def worker():
    c = r.connection_pool.get_connection()
    c.send_command('PING')
    c.read_response()
worker()
worker()
import time
until = time.monotonic() + 0.5
while time.monotonic() < until:
    r.get('k')
print('out')
print('err', file=sys.stderr)
";

const GOOD: &str = "\
import sys, redis
r = redis.Redis(port=int(sys.argv[1]))
for n in range(200):
    r.set('k', n)
with r.pipeline() as p:
    p.get('k')
    p.execute()
p = r.pubsub()
p.subscribe('news')
p.get_message(timeout=0.3)
print('out')
";

#[test]
fn what_is_never_given_back_is_named_by_its_line_and_fails_a_judged_run() {
    let app = App::new(LEAKY);
    let plain = app.run(&[]);
    assert!(plain.status.success(), "{plain:?}");
    assert_eq!(words(&plain.stdout), "out\n");
    let said = words(&plain.stderr);
    assert!(said.starts_with("err\n"), "{said}");
    assert!(said.contains("x     2  app.py:6 in worker  raw  out "), "{said}");
    let judged = app.run(&["--fail-on-leak"]);
    assert_eq!(judged.status.code(), Some(4), "{judged:?}");
    assert!(
        words(&judged.stderr).contains("2 connections never given back: app.py:6 in worker"),
        "{judged:?}"
    );
}

#[test]
fn what_is_given_back_raises_nothing() {
    let app = App::new(GOOD);
    let judged = app.run(&["--fail-on-leak"]);
    assert_eq!(judged.status.code(), Some(0), "{judged:?}");
    assert!(words(&judged.stderr).contains("verdict   pass: none of abandoned, leak"), "{judged:?}");
    assert!(!words(&judged.stderr).contains("nobody gave back"), "{judged:?}");
}

#[test]
fn the_documents_tell_file_line_and_function() {
    let app = App::new(LEAKY);
    let json = app.run(&["--format", "json"]);
    let document = words(&json.stdout).strip_prefix("out\n").expect("the app's own first");
    let document: Value = serde_json::from_str(document).expect("one document");
    let left = &document["app"]["left"][0];
    assert_eq!((&left["file"], &left["line"]), (&Value::from("app.py"), &Value::from(6)));
    assert_eq!((&left["function"], &left["count"]), (&Value::from("worker"), &Value::from(2)));
    assert_eq!(document["app"]["ended"]["code"], 0);
    let report = app.directory.path().join("report.xml");
    let path = report.to_string_lossy().into_owned();
    let junit = app.run(&["--fail-on-leak", "--format", "junit", "--report", &path]);
    assert_eq!(junit.status.code(), Some(4), "{junit:?}");
    let written = fs::read_to_string(&report).expect("a report");
    assert!(written.contains("app.py:6 in worker"), "{written}");
    assert_eq!(words(&junit.stdout), "out\n");
}

#[test]
fn a_command_ends_the_run_as_it_would_have_ended_itself() {
    let code = |command: &[&str]| run(&[], command).output().expect("it runs").status.code();
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -TERM $$"]), Some(128 + 15));
    assert_eq!(code(&["/nowhere/at/all"]), Some(127));
    assert_eq!(code(&["/etc/hostname"]), Some(126));
    // What the command itself says is wrong goes before what its pools did.
    let app = App::new(&format!("{LEAKY}sys.exit(9)\n"));
    assert_eq!(app.run(&["--fail-on-leak"]).status.code(), Some(9));
}

#[test]
fn input_and_arguments_reach_the_command_unchanged() {
    let mut child = run(&[], &["sh", "-c", "cat; printf '[%s]' \"$@\"", "sh", "--help", "a b", ""])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(b"in\n\xff").expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, b"in\n\xff[--help][a b][]");
    assert!(words(&output.stderr).contains("nobody reported: sh is no Python program"), "{output:?}");
}

#[test]
fn what_was_ignored_before_is_ignored_by_the_command_too() {
    let ignored = |line: Vec<u8>| {
        let line = String::from_utf8(line).expect("text");
        u64::from_str_radix(line.trim_start_matches("SigIgn:").trim(), 16).expect("a number")
    };
    let look = ["grep", "SigIgn", "/proc/self/status"];
    let usual = ignored(run(&[], &look).output().expect("it runs").stdout);
    let mut nohup = Command::new("sh");
    nohup.args([
        "-c",
        "trap '' HUP INT; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_redis-pooltop"),
        "run",
        "--",
    ]);
    let with = ignored(nohup.args(look).output().expect("it runs").stdout);
    assert_eq!((usual & 0b11, with & 0b11), (0, 0b11), "HUP is the first and INT the second");
}

#[test]
fn a_signal_is_the_commands_to_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = "trap 'echo got; exit 5' TERM; touch ready; while :; do sleep 0.05; done";
    let mut child = run(&[], &["sh", "-c", script])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let ready = directory.path().join("ready");
    wait_for("the trap", || Path::exists(&ready).then_some(()));
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::TERM).expect("sent");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(5));
    let output = child.wait_with_output().expect("read");
    assert_eq!(words(&output.stdout), "got\n");
}

#[test]
fn options_that_mean_nothing_are_refused() {
    for (options, word) in
        [(&["--demo"][..], "--demo"), (&["-n", "1"], "-n"), (&["--warmup", "3"], "--warmup")]
    {
        let output = run(options, &["true"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(words(&output.stderr).contains(&format!("{word} is not for run")), "{output:?}");
    }
}

#[test]
fn what_nobody_told_of_has_not_passed() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("app.py"), "print('out')").expect("written");
    let python = python();
    let isolated = [&*python.to_string_lossy(), "-I", "app.py"];
    for command in [&isolated[..], &["sh", "-c", "true"]] {
        let judge = |options: &[&str]| {
            let judged = run(options, command).current_dir(directory.path()).output().expect("it runs");
            assert_eq!(judged.status.code(), Some(3), "{judged:?}");
            judged
        };
        let judged = judge(&["--fail-on-leak"]);
        let said = "verdict   unknown: none of abandoned, leak; no process reported";
        assert!(words(&judged.stderr).contains(said), "{judged:?}");
        let judged = judge(&["--fail-on-leak", "--format", "junit"]);
        assert!(words(&judged.stdout).contains(r#"tests="1" failures="0" errors="1""#), "{judged:?}");
    }
    // What the command itself says is wrong goes first.
    let failed = run(&["--fail-on-leak"], &["sh", "-c", "exit 7"]).output().expect("it runs");
    assert_eq!(failed.status.code(), Some(7), "{failed:?}");
}

#[test]
fn python_that_started_and_imported_no_client_leaks_nothing() {
    // As the hook does it.
    let started = ["sh", "-c", "touch \"$REDIS_POOLTOP_STARTED\""];
    let judged = run(&["--fail-on-leak"], &started).output().expect("it runs");
    assert_eq!(judged.status.code(), Some(0), "{judged:?}");
    let said = words(&judged.stderr);
    assert!(
        said.contains("nobody reported: Python started and has not imported redis-py or valkey-py"),
        "{said}"
    );
    assert!(said.contains("verdict   pass: none of abandoned, leak; Python started"), "{said}");
}

#[test]
fn whoever_is_attached_where_nobody_reports_is_told_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let attach = |options: &[&str]| {
        let mut attach = pooltop();
        attach.arg("attach").args(options).args(["--duration", "100ms", "agents"]);
        attach.current_dir(directory.path()).stdin(Stdio::null()).output().expect("it runs")
    };
    let plain = attach(&[]);
    assert!(plain.status.success() && words(&plain.stderr).contains("nobody reported: "), "{plain:?}");
    let judged = attach(&["--fail-on-leak"]);
    assert_eq!(judged.status.code(), Some(3), "{judged:?}");
    assert!(words(&judged.stderr).contains("verdict   unknown: "), "{judged:?}");
}
