//! `run` with each version of redis-py and valkey-py: what programs do wrong is named by its line, what they do right is not.

mod app_support;
mod support;

use app_support::{JUDGED, Told, run};
use support::{RedisServer, agent_python};

/// The environments of `tests/requirements-agent.txt`.
fn environments() -> impl Iterator<Item = &'static str> {
    let listed = include_str!("requirements-agent.txt").lines().filter(|line| !line.starts_with('#'));
    listed.filter_map(|line| line.split(' ').next())
}

/// An app with a version of the library, judged.
fn judged(environment: &str, app: &[&str], server: &RedisServer) -> Told {
    let (python, port) = (agent_python(environment), server.port().to_string());
    let mut command = vec![python.to_str().expect("a path"), app[0], &port];
    command.extend(&app[1..]);
    Told::of(run(&JUDGED, &command).output().expect("it runs"))
}

/// What an app leaves: the line's mark, its function, and through what it was taken.
type Left = (&'static str, &'static str, &'static str);

const THREADS: [Left; 4] = [
    ("raw", "never_gives_back", "raw"),
    ("raised", "fails_before_it_gives_back", "raw"),
    ("watch", "watches_and_forgets", "pipeline"),
    ("thread", "takes_in_a_thread", "raw"),
];

const TASKS: [Left; 5] = [
    ("raw", "never_gives_back", "raw"),
    ("raised", "fails_before_it_gives_back", "raw"),
    ("watch", "watches_and_drops", "pipeline"),
    ("pubsub", "subscribes_and_drops", "pubsub"),
    ("cancelled", "is_cancelled", "raw"),
];

/// Each of these lines is named, and no other.
fn names(told: &Told, environment: &str, file: &str, all: &[Left]) {
    assert_eq!(told.code(), Some(4), "{environment}: {told:?}");
    for (mark, function, how) in all {
        let named = told.has_left(file, mark, function, how, 1);
        assert!(named, "{environment}: {mark} of {file} is not among {:#?}", told.left());
    }
    assert_eq!(told.left().len(), all.len(), "{environment}: {:#?}", told.left());
}

/// Each of these lints names its line.
fn raises(told: &Told, environment: &str, file: &str, all: &[(&str, &str)]) {
    for (lint, mark) in all {
        assert!(told.names(lint, file, mark), "{environment}: no {lint} at {mark}: {:#?}", told.findings());
    }
}

#[test]
fn what_programs_with_threads_and_forks_leave_is_named() {
    let server = RedisServer::start(&[]);
    for environment in environments() {
        let told = judged(environment, &["faults.py"], &server);
        names(&told, environment, "faults.py", &THREADS);
        raises(&told, environment, "faults.py", &[("shared-after-fork", "fork"), ("churn", "request")]);
    }
}

#[test]
fn what_programs_with_tasks_leave_is_named() {
    let server = RedisServer::start(&[]);
    for environment in environments() {
        let told = judged(environment, &["faults_async.py"], &server);
        names(&told, environment, "faults_async.py", &TASKS);
        let lints = [("pubsub-held", "pubsub"), ("watch-held", "watch"), ("churn", "request")];
        raises(&told, environment, "faults_async.py", &lints);
    }
    let told = judged("redis-8.1", &["faults_async.py", "uvloop"], &server);
    names(&told, "uvloop", "faults_async.py", &TASKS);
}

#[test]
fn what_programs_do_right_raises_nothing() {
    let server = RedisServer::start(&[]);
    for environment in environments() {
        let told = judged(environment, &["good.py"], &server);
        assert_eq!(told.code(), Some(0), "{environment}: {told:?}");
        told.raises_nothing();
        // The program, a fork, and a process of each kind that multiprocessing makes.
        assert_eq!(told.processes().len(), 5, "{environment}: {told:?}");
    }
    judged("redis-8.1", &["good.py", "uvloop"], &server).raises_nothing();
}
