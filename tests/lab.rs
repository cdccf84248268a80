//! The lab on the embedded server and on a real one: every experiment runs, counts what it is there to show, raises the
//! lint that names what is wrong, turns its verdict when the effect is taken away, and leaves nothing behind.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::command::Registry;
use redis_pooltop::command::jobs::{JobEnd, JobNews, JobSaid};
use redis_pooltop::command::output::{Outcome, Output};
use redis_pooltop::command::session::Session;
use redis_pooltop::demo;
use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::lab::{self, Experiment, Ground, Record, Run};
use redis_pooltop::model::{Levels, ModelOptions};
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::resp::Value;
use tokio::sync::mpsc;

mod support;

use support::{RedisServer, pooltop, wait_for, wait_until};

/// Fewer than in earnest, but where short-lived connections must be seen over some seconds.
fn repetitions(experiment: &dyn Experiment) -> u32 {
    let churns = experiment.about().ways.iter().any(|way| way.lint == Some("churn"));
    if churns { lab::REPETITIONS } else { 3 }
}

/// Runs an experiment, and holds what comes of it to what is promised of all.
async fn hold(experiment: &'static dyn Experiment, connect: &ConnectOptions, demo: bool) {
    let (connect, repetitions) = (connect.clone(), repetitions(experiment));
    let ground = Ground { connect, demo, hub: None, repetitions, levels: Levels::default(), witness: None };
    let about = experiment.about();
    let outcome = Run::start(experiment, ground).end().await;
    let said = lab::text(about, &outcome);
    let record: Record = outcome.unwrap_or_else(|_| panic!("{said}"));
    // Times are blurred where other tests run beside this one; what is counted is not.
    for finding in &record.verdict.findings {
        assert!(finding.holds || finding.timed, "{said}");
    }
    assert_eq!(record.verdict.shown, record.verdict.findings.iter().all(|finding| finding.holds));
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

/// A server as it comes takes ten thousand clients, too many to come near to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watching_a_server_is_shown_where_its_limit_is_far_too() {
    let server = RedisServer::start(&["--maxclients", "10000"]);
    let connect = ConnectOptions::from_url(&server.url()).expect("its address");
    let experiment = lab::find("watch-server").expect("it is one");
    let ground =
        Ground { connect, demo: false, hub: None, repetitions: 2, levels: Levels::default(), witness: None };
    let outcome = Run::start(experiment, ground).end().await;
    let said = lab::text(experiment.about(), &outcome);
    let record = outcome.unwrap_or_else(|_| panic!("{said}"));
    assert!(record.verdict.shown, "{said}");
    let most = record.figures.of(0)[0].spread().high;
    assert!((300.0..400.0).contains(&most), "{said}");
    assert!(record.raised.iter().all(|raised| !raised.contains_key("maxclients")), "{said}");
    assert!(said.contains("maxclients is 10,000: 300 clients more do not come near it"), "{said}");
    wait_for("the last connection to go", || nobody_of_the_lab(&server).then_some(()));
}

fn nobody_of_the_lab(server: &RedisServer) -> bool {
    !server.cli(&["CLIENT", "LIST"]).contains("name=redis-pooltop-")
}

/// A session as the screen has one, on an embedded server.
struct Screen {
    session: Session,
    news: mpsc::Receiver<JobNews>,
    pool: RedisPool,
    hub: Hub,
    _demo: demo::Server,
}

impl Screen {
    async fn start() -> Self {
        let demo = demo::Server::start().await.expect("the embedded server");
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(250));
        let connect = ConnectOptions::from_url(&demo.url()).expect("its address");
        let pool = RedisPool::redis(connect, PoolConfig::default(), clock, hub.tap());
        hub.attach(pool.pulse_source());
        let (mut session, news) = Session::new(pool.clone(), hub.clone(), Arc::new(Registry::new()), 0);
        session.run_waiting_beside();
        Self { session, news, pool, hub, _demo: demo }
    }

    async fn line(&mut self, line: &str) {
        let mut said: Vec<Output> = Vec::new();
        let line = self.session.understand(line).expect("a line");
        self.session.run(&line, &mut said).await.expect("a vector takes all");
    }

    async fn in_front(&self) -> String {
        self.hub.sync().await.pool_in_front().map_or_else(String::new, |pool| pool.name.clone())
    }

    /// What the job says until its end.
    async fn end(&mut self) -> (String, JobEnd) {
        let mut text = String::new();
        loop {
            let news = tokio::time::timeout(support::PATIENCE, self.news.recv());
            match news.await.expect("it says something").expect("jobs go on").said {
                JobSaid::Output(Output::Text(words)) => text.push_str(&words),
                JobSaid::Output(_) => {}
                JobSaid::Ended { end, .. } => return (text, end),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_screen_it_is_a_job_and_its_pool_is_the_one_shown() {
    let mut screen = Screen::start().await;
    assert_eq!(screen.in_front().await, "app");
    screen.line("LAB lost-object").await;
    wait_until("its pool in front", async || screen.in_front().await == "lab lost-object: a cycle").await;
    let (said, end) = screen.end().await;
    assert!(said.starts_with("lost-object: shown\n"), "{said}");
    assert_eq!(end, JobEnd::Ran(Outcome::Done));
    assert_eq!(screen.in_front().await, "app");
    assert!(screen.hub.sync().await.lints.is_empty(), "nothing of it holds any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_killed_leaves_no_key_and_no_connection() {
    let mut screen = Screen::start().await;
    screen.line("LAB long-hold").await;
    wait_until("its pool in front", async || screen.in_front().await.starts_with("lab ")).await;
    screen.line("KILL ALL").await;
    assert_eq!(screen.end().await.1, JobEnd::Cancelled);
    let ask = async |args: &[&str]| screen.pool.command(args).await.expect("a reply");
    wait_until("its key to go", async || ask(&["DBSIZE"]).await == Value::Integer(0)).await;
    let ours = async || {
        let list = ask(&["CLIENT", "LIST"]).await;
        String::from_utf8_lossy(list.text().expect("a text")).contains("name=redis-pooltop-lab-")
    };
    wait_until("its connections to go", async || !ours().await).await;
    assert_eq!(screen.in_front().await, "app");
}

#[test]
fn an_interrupt_leaves_no_key_and_no_connection() {
    let server = RedisServer::start(&[]);
    for (signal, exit) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let child = pooltop()
            .args(["lab", "forgotten-release", &server.url()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        wait_for("its key", || (server.cli(&["DBSIZE"]) == "1").then_some(()));
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, signal).expect("it is there");
        let output = child.wait_with_output().expect("its end");
        assert_eq!(output.status.code(), Some(exit));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said, "cancelled: keys deleted, connections closed\n");
        assert_eq!(server.cli(&["DBSIZE"]), "0");
        wait_for("its connections to go", || nobody_of_the_lab(&server).then_some(()));
    }
}

/// Whoever does not wait for the end is told what may be left.
#[test]
fn a_second_signal_ends_at_once_and_says_what_may_remain() {
    let server = RedisServer::start(&[]);
    let child = pooltop()
        .args(["lab", "forgotten-release", &server.url()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    wait_for("its key", || (server.cli(&["DBSIZE"]) == "1").then_some(()));
    let id = rustix::process::Pid::from_child(&child);
    // A server that answers nobody: cleaning up takes its time.
    server.cli(&["CLIENT", "PAUSE", "60000", "ALL"]);
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        rustix::process::kill_process(id, signal).expect("it is there");
    }
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(130 | 143)), "{said}");
    assert!(said.contains("may remain") && said.lines().count() == 1, "{said}");
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
