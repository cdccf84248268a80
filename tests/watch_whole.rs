//! `watch` beside a whole fleet: programs of every kind at one real server, each named rightly, those that are wrong told
//! from those that are well, and all of it cheap for the server.

mod support;
mod watch_support;

use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::Value;
use support::{RedisServer, redis_cli, wait_for};
use watch_support::{Fleet, Stream, lint};

/// redis-cli with a command that does not end.
struct Cli(Child);

impl Cli {
    fn start(server: &RedisServer, words: &[&str]) -> Self {
        let port = server.port().to_string();
        let mut cli = redis_cli();
        cli.args(["-p", &port]).args(words).stdin(Stdio::null()).stdout(Stdio::null());
        Self(cli.spawn().expect("redis-cli runs"))
    }
}

impl Drop for Cli {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The group of a process.
fn of(report: &Value, pid: u32) -> Option<&Value> {
    report["groups"].as_array().expect("groups").iter().find(|group| group["process"]["pid"] == pid)
}

/// How many clients of how many groups are at the server, and how many it says there are.
fn counts(report: &Value) -> (u64, Option<u64>) {
    let groups = report["groups"].as_array().expect("groups").iter();
    (
        groups.filter_map(|group| group["clients"].as_u64()).sum(),
        report["servers"][0]["connected_clients"].as_u64(),
    )
}

/// How long CLIENT LIST has taken this server, in seconds, as it says itself.
fn listing_took(server: &RedisServer) -> f64 {
    let stats = server.cli(&["INFO", "commandstats"]);
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_client|list:")).unwrap_or_default();
    let took =
        line.split(',').find_map(|part| part.strip_prefix("usec=")).and_then(|took| took.parse::<f64>().ok());
    took.unwrap_or(0.0) / 1e6
}

/// How many the churning program has opened and closed by now, by its own count.
fn churned(server: &RedisServer) -> f64 {
    wait_for("its count", || server.cli(&["GET", "churned"]).parse().ok())
}

#[test]
fn every_program_is_named_and_only_those_that_are_wrong_are_suspects() {
    let server = RedisServer::start(&[]);
    let kinds = [("hold", 500), ("hold", 40), ("pool", 8), ("block", 5), ("subscribe", 4)];
    let fleets = kinds.map(|(way, number)| (Fleet::start(&server, way, number), way, number));
    let clis =
        [&["BLPOP", "nothing", "0"][..], &["SUBSCRIBE", "news"]].map(|words| Cli::start(&server, words));
    let stream = Stream::start(&[&server.url()]);

    let seen = stream.until("every program", |line| {
        let there = |pid, number: u32| of(line, pid).is_some_and(|group| group["clients"] == number);
        fleets.iter().all(|(fleet, _, number)| there(fleet.pid(), *number))
            && clis.iter().all(|cli| there(cli.0.id(), 1))
            && there(stream.pid(), 1)
    });
    for (fleet, way, number) in &fleets {
        let group = of(&seen, fleet.pid()).expect("it is there");
        let command = group["process"]["command"].as_str().expect("a command line");
        assert!(command.ends_with(&format!("fleet.py {} {way} {number}", server.port())), "{command}");
        let waiting = if matches!(*way, "block" | "subscribe") { *number } else { 0 };
        assert_eq!(group["waiting"], waiting, "{group}");
    }
    for cli in &clis {
        let group = of(&seen, cli.0.id()).expect("it is there");
        assert_eq!(
            (&group["process"]["name"], &group["waiting"]),
            (&"redis-cli".into(), &1.into()),
            "{group}"
        );
    }
    assert_eq!(of(&seen, stream.pid()).map(|ours| &ours["own"]), Some(&1.into()));
    let total = 500 + 40 + 8 + 5 + 4 + 2 + 1;
    // The questions of this test have connections of their own for a moment.
    let quiet = stream.until("nobody else", |line| counts(line).1 == Some(total));
    assert_eq!(counts(&quiet), (total, Some(total)), "{quiet:#}");
    assert_eq!(seen["lints"], Value::Array(Vec::new()), "{seen:#}");

    let begin = Instant::now();
    let cost = listing_took(&server);
    let leaker = Fleet::start(&server, "grow", 1);
    let churner = Fleet::start(&server, "churn", 50);
    stream.until("churn", |line| lint(line, "churn").is_some());
    let (since, before) = (Instant::now(), churned(&server));
    let many = |line: &Value| of(line, leaker.pid()).and_then(|group| group["clients"].as_u64()) >= Some(20);
    stream.until("some that leaked", many);
    let seen = stream.until("growth", |line| lint(line, "growth").is_some());
    let really = (churned(&server) - before) / since.elapsed().as_secs_f64();
    let share = (listing_took(&server) - cost) / begin.elapsed().as_secs_f64();

    let suspect = lint(&seen, "growth").expect("it holds");
    assert_eq!(Some(&suspect["group"]), of(&seen, leaker.pid()).map(|group| &group["group"]), "{suspect}");
    let churn = lint(&seen, "churn").expect("it holds still");
    let told = churn["evidence"].as_str().and_then(|words| words.split(' ').next()?.parse::<f64>().ok());
    assert!(told.is_some_and(|told| (told / really - 1.0).abs() < 0.1), "really {really} a second: {churn}");
    let opened = seen["servers"][0]["opened_per_s"].as_f64().expect("a rate");
    assert!(
        (opened / (really + 1.0) - 1.0).abs() < 0.1,
        "{opened} a second, and really {really} and the leak"
    );
    assert!(seen["servers"][0]["unseen"].as_u64() > Some(100), "most of them no look saw: {seen:#}");
    assert_eq!(
        seen["lints"].as_array().map(Vec::len),
        Some(2),
        "nobody else is a suspect: {:#}",
        seen["lints"]
    );
    let well = fleets.iter().map(|(fleet, ..)| fleet.pid()).chain(clis.iter().map(|cli| cli.0.id()));
    for pid in well {
        let group = of(&seen, pid).expect("it is there still");
        assert_eq!(group["lints"], Value::Array(Vec::new()), "{group}");
    }
    assert!(share < 0.01, "by its own commandstats the server spent {share} on the list");
    drop(churner);
}
