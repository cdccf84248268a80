//! The lab on the embedded server and on a real one: every experiment runs, shows what it is there for, raises the lint
//! that names what is wrong, and turns its verdict when the effect is taken away.

use std::process::Stdio;

use redis_pooltop::lab::{self, Experiment, Ground, Record, Run};
use redis_pooltop::net::ConnectOptions;

mod support;

use support::{RedisServer, pooltop, wait_for};

/// Fewer than in earnest, but where short-lived connections must be seen over some seconds.
fn repetitions(experiment: &dyn Experiment) -> u32 {
    let churns = experiment.about().ways.iter().any(|way| way.lint == Some("churn"));
    if churns { lab::REPETITIONS } else { 3 }
}

/// Runs an experiment, and holds what comes of it to what is promised of all.
async fn hold(experiment: &'static dyn Experiment, connect: &ConnectOptions, demo: bool) {
    let ground = Ground { connect: connect.clone(), demo, hub: None, repetitions: repetitions(experiment) };
    let about = experiment.about();
    let outcome = Run::start(experiment, ground).end().await;
    let said = lab::text(about, &outcome);
    let record: Record = outcome.unwrap_or_else(|_| panic!("{said}"));
    assert!(record.verdict.shown, "{said}");
    for (way, raised) in about.ways.iter().zip(&record.raised) {
        let named = way.lint.is_none_or(|lint| raised.contains_key(lint));
        assert!(named, "{}: {:?} not raised\n{said}", way.name, way.lint);
    }
    for (number, way) in about.ways.iter().enumerate() {
        let without = experiment.judge(&record.figures.as_if_all_were(number));
        assert!(!without.shown, "{}: shown though all do as '{}': {without:?}", about.name, way.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_experiment_shows_its_effect_on_the_embedded_server() {
    for experiment in lab::all() {
        hold(*experiment, &ConnectOptions::default(), true).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_experiment_shows_its_effect_on_a_real_server_and_leaves_nothing_there() {
    // A limit that watch-server can come near to.
    let server = RedisServer::start(&["--maxclients", "1200"]);
    let connect = ConnectOptions::from_url(&server.url()).expect("its address");
    for experiment in lab::all() {
        hold(*experiment, &connect, false).await;
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{}", experiment.about().name);
    }
    wait_for("the last connection to go", || nobody_of_the_lab(&server).then_some(()));
}

fn nobody_of_the_lab(server: &RedisServer) -> bool {
    !server.cli(&["CLIENT", "LIST"]).contains("name=redis-pooltop-")
}

#[test]
fn an_interrupt_leaves_no_key_and_no_connection() {
    let server = RedisServer::start(&[]);
    for (signal, exit) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let mut child = pooltop()
            .args(["lab", "forgotten-release", &server.url()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        wait_for("its key", || (server.cli(&["DBSIZE"]) == "1").then_some(()));
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, signal).expect("it is there");
        assert_eq!(child.wait().expect("its end").code(), Some(exit));
        assert_eq!(server.cli(&["DBSIZE"]), "0");
        wait_for("its connections to go", || nobody_of_the_lab(&server).then_some(()));
    }
}

#[test]
fn an_experiment_that_needs_more_than_there_is_says_so_before_it_starts() {
    let server = RedisServer::start(&["--maxclients", "50"]);
    let output = pooltop().args(["lab", "cold-start", &server.url()]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("cold-start: not run: it needs 1001 clients beside the "), "{said}");
    assert!(said.contains("maxclients is 50"), "{said}");
    let stats = server.cli(&["INFO", "stats"]);
    let received = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    let received: u32 = received.and_then(|count| count.trim().parse().ok()).expect("a number");
    assert!(received < 10, "{received} connections were made all the same");
}

#[test]
fn descriptors_are_counted_before_it_starts() {
    let mut shell = std::process::Command::new("sh");
    shell.args([
        "-c",
        "ulimit -n 200; exec \"$0\" lab cold-start --demo",
        env!("CARGO_BIN_EXE_redis-pooltop"),
    ]);
    let output = shell.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("cold-start: not run: it needs 2018 file descriptors beside the "), "{said}");
    assert!(said.contains("and 200 are allowed: `ulimit -n "), "{said}");
}

#[test]
fn names_lists_and_documents() {
    let lab = |args: &[&str]| pooltop().arg("lab").args(args).output().expect("it runs");
    let unknown = lab(&["forgoten-release"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        said.contains("there is no experiment 'forgoten-release': did you mean forgotten-release?"),
        "{said}"
    );
    let two = lab(&["cold-start", "redis://127.0.0.1:1", "redis://127.0.0.1:2"]);
    assert_eq!(two.status.code(), Some(2));
    let nobody = lab(&["redis://127.0.0.1:1", "lost-object"]);
    assert_eq!(nobody.status.code(), Some(3), "a URL may stand anywhere");
    let list = lab(&[]);
    assert_eq!(list.status.code(), Some(0));
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    for experiment in lab::all() {
        assert!(list.lines().any(|line| line == experiment.about().name), "{list}");
    }
    let document = lab(&["lost-object", "--demo", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&document.stdout).expect("one document");
    let outcome = &document["experiments"][0];
    assert_eq!((&outcome["name"], &outcome["verdict"]), (&"lost-object".into(), &"shown".into()));
    let figure = &outcome["ways"][0]["figures"][0];
    assert_eq!(figure["values"].as_array().map(Vec::len), Some(5), "{figure}");
    assert_eq!((&figure["median"], &figure["unit"]), (&10.0.into(), &"1".into()));
    assert!(
        outcome["ways"][0]["lints"]["leak"]["times"].as_u64().is_some_and(|times| times >= 50),
        "{outcome}"
    );
}
