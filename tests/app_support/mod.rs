//! What the tests of `run` share: a command under the program, the document it ends with, and which lines of the apps in
//! `tests/apps` are to be named.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::pooltop;

/// Where the apps are.
pub fn apps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps")
}

/// The number of the line that ends in `# mark`.
pub fn marked(file: &str, mark: &str) -> u64 {
    let text = fs::read_to_string(apps().join(file)).expect("an app");
    let mark = format!("# {mark}");
    let at = text.lines().position(|line| line.ends_with(&mark));
    at.unwrap_or_else(|| panic!("no line of {file} ends in {mark}")) as u64 + 1
}

/// `redis-pooltop run` with these options on a command, in the directory of the apps.
pub fn run<A: AsRef<OsStr>>(options: &[&str], command: &[A]) -> Command {
    let mut run = pooltop();
    run.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("PYTHONPATH")
        .current_dir(apps())
        .arg("run")
        .args(options)
        .arg("--")
        .args(command)
        .stdin(Stdio::null());
    run
}

/// What came of a judged run whose command printed nothing.
#[derive(Debug)]
pub struct Told {
    pub output: Output,
    pub document: Value,
}

impl Told {
    /// Of a run with `--format json`: its document is the last thing on standard output.
    pub fn of(output: Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        let at = if text.starts_with('{') { Some(0) } else { text.find("\n{\n").map(|at| at + 1) };
        let Some(at) = at else { panic!("no document: {output:?}") };
        let document = serde_json::from_str(&text[at..]).expect("one document");
        Self { output, document }
    }

    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// Where connections were taken that nobody gave back: file, line, function, through what, and how many.
    pub fn left(&self) -> Vec<(String, u64, String, String, u64)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let row = |row: &Value| {
            (
                text(&row["file"]),
                number(&row["line"]),
                text(&row["function"]),
                text(&row["how"]),
                number(&row["count"]),
            )
        };
        self.document["app"]["left"].as_array().expect("a list").iter().map(row).collect()
    }

    /// Whether a marked line of an app is told as one that left so many connections, taken in that function.
    pub fn has_left(&self, file: &str, mark: &str, function: &str, how: &str, count: u64) -> bool {
        let line = marked(file, mark);
        self.left().contains(&(file.to_owned(), line, function.to_owned(), how.to_owned(), count))
    }

    /// What the lints and the verdict say, each with its lint.
    pub fn findings(&self) -> Vec<(String, String)> {
        let told = [&self.document["lints"], &self.document["verdict"]["findings"]];
        let rows = told.into_iter().filter_map(Value::as_array).flatten();
        let word = |row: &Value, key| row[key].as_str().unwrap_or_default().to_owned();
        let id = |row: &Value| {
            let lint = word(row, "lint");
            if lint.is_empty() { word(row, "id") } else { lint }
        };
        rows.map(|row| (id(row), word(row, "evidence"))).collect()
    }

    /// Whether a lint names a marked line.
    pub fn names(&self, lint: &str, file: &str, mark: &str) -> bool {
        let place = format!("{file}:{}", marked(file, mark));
        self.findings().iter().any(|(id, evidence)| id == lint && evidence.contains(&place))
    }

    /// The app's processes.
    pub fn processes(&self) -> &[Value] {
        self.document["app"]["processes"].as_array().expect("a list")
    }

    /// Nothing was found that anybody did wrong, and every process said that it ended.
    pub fn raises_nothing(&self) {
        assert_eq!(self.document["verdict"]["verdict"], "pass", "{:#}", self.document["verdict"]);
        assert_eq!(self.left(), [], "{:#}", self.document["app"]["left"]);
        let found: Vec<_> = self.findings().into_iter().filter(|(id, _)| FAULTS.contains(&&**id)).collect();
        assert_eq!(found, []);
        for process in self.processes() {
            assert_eq!(process["gone"], "ended", "{process}");
            assert_eq!(
                (&process["dropped"], &process["errors"]),
                (&Value::from(0), &Value::from(0)),
                "{process}"
            );
        }
    }
}

/// Judged by every lint of what a program does wrong with its connections.
pub const JUDGED: [&str; 5] = [
    "--fail-on-leak",
    "--fail-on",
    "pubsub-held,watch-held,churn,unclosed,shared-after-fork,unread-reply",
    "--format",
    "json",
];

/// These lints.
const FAULTS: [&str; 8] = [
    "leak",
    "abandoned",
    "pubsub-held",
    "watch-held",
    "churn",
    "unclosed",
    "shared-after-fork",
    "unread-reply",
];
