//! What the tests of `watch` share: the program at work on a server, and programs that use that server.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use serde_json::Value;

use crate::support::{PATIENCE, RedisServer, pooltop, python};

pub mod fake;

/// `redis-pooltop watch` with these arguments.
pub fn watch(arguments: &[&str]) -> Command {
    let mut command = pooltop();
    command.arg("watch").args(arguments).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    watch(arguments).output().expect("the program runs")
}

/// What it printed, of a run that went well.
pub fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The JSON report on a server.
pub fn report(server: &RedisServer, arguments: &[&str]) -> Value {
    let url = server.url();
    let whole = [&[&*url, "--once", "--format", "json"], arguments].concat();
    serde_json::from_str(&printed(&whole)).expect("one document")
}

/// The groups of a report: what each is called, and how many clients it has.
pub fn groups(report: &Value) -> Vec<(String, u64)> {
    let groups = report["groups"].as_array().expect("groups").iter();
    groups
        .map(|group| {
            let label = group["group"].as_str().expect("a label").to_owned();
            (label, group["clients"].as_u64().expect("a count"))
        })
        .collect()
}

/// How many clients a group has.
pub fn clients_of(report: &Value, label: &str) -> u64 {
    groups(report).into_iter().find(|(known, _)| known == label).map_or(0, |(_, count)| count)
}

/// Python with this script, which parses what it reads from `input` and fails if it cannot; what it printed.
pub fn parsed_by_python(script: &str, input: &str) -> String {
    use std::io::Write;
    let mut child = Command::new(python())
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}\n{input}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A program that uses a server, in a process of its own.
pub struct Fleet {
    child: Child,
    _output: ChildStdout,
}

impl Fleet {
    /// Python in one of the ways of `fleet.py`.
    pub fn start(server: &RedisServer, way: &str, number: u32) -> Self {
        let mut child = Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/watch_support/fleet.py"))
            .args([&server.port().to_string(), way, &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut output = child.stdout.take().expect("its output");
        output.read_exact(&mut [0; 6]).expect("it is ready");
        Self { child, _output: output }
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program at work, and the lines it prints.
pub struct Stream {
    child: Child,
    lines: Receiver<String>,
}

impl Stream {
    /// Starts it with these arguments; its lines are those of `--format ndjson`.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = watch(&[&["--format", "ndjson"], arguments].concat())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).take_while(|line| sender.send(line.clone()).is_ok()).count()
        });
        Self { child, lines }
    }

    /// The next line that is wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let line: Value = serde_json::from_str(&line).expect("a document a line");
                    if wanted(&line) {
                        return line;
                    }
                    last = Some(line);
                }
                Err(RecvTimeoutError::Timeout) => panic!("gave up waiting for {what}: {last:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before {what}: {last:?}"),
            }
        }
    }

    /// Stops reading, as `head` does, and waits for its end.
    pub fn close(mut self) -> std::process::ExitStatus {
        drop(std::mem::replace(&mut self.lines, channel().1));
        self.child.wait().expect("its end")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a report has a lint of this name; what it says.
pub fn lint<'a>(report: &'a Value, id: &str) -> Option<&'a Value> {
    report["lints"].as_array().expect("lints").iter().find(|lint| lint["id"] == id)
}
