//! `watch` with programs at work: which process has which clients, what is wrong with one, and what it costs the server.

mod support;
mod watch_support;

use std::process::Stdio;

use serde_json::Value;
use support::{RedisServer, redis_cli, wait_for};
use watch_support::{Fleet, Stream, clients_of, groups, report};

/// The label of a Python process.
fn label(fleet: &Fleet, report: &Value) -> String {
    let pid = fleet.pid();
    let groups = report["groups"].as_array().expect("groups");
    let found = groups.iter().find(|group| group["process"]["pid"] == pid);
    let found = found.unwrap_or_else(|| panic!("no process {pid}: {report:#}"));
    found["group"].as_str().expect("a label").to_owned()
}

#[test]
fn every_local_process_is_named_rightly() {
    for server in [RedisServer::start(&[]), RedisServer::start_valkey(&[])] {
        let fleets = [Fleet::start(&server, "hold", 12), Fleet::start(&server, "hold", 3)];
        let mut cli = redis_cli()
            .args(["-p", &server.port().to_string(), "SUBSCRIBE", "news"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-cli runs");
        let report = wait_for("redis-cli to be seen", || {
            let report = report(&server, &[]);
            let groups = report["groups"].as_array().expect("groups");
            groups.iter().any(|group| group["process"]["pid"] == cli.id()).then_some(report)
        });
        let _ = cli.kill();
        let _ = cli.wait();
        for (fleet, count) in fleets.iter().zip([12, 3]) {
            let label = label(fleet, &report);
            let (command, pid) = ("fleet.py", format!("({})", fleet.pid()));
            assert!(label.contains(command) && label.ends_with(&pid), "{label}");
            assert_eq!(clients_of(&report, &label), count, "{report:#}");
        }
        assert_eq!(groups(&report).len(), 4, "two of Python, redis-cli and ourselves: {report:#}");
        let own = report["groups"].as_array().expect("groups").iter().find(|group| group["own"] == 1);
        assert!(own.is_some_and(|own| {
            own["group"].as_str().is_some_and(|label| label.contains("redis-pooltop watch"))
        }));
        let sum: u64 = groups(&report).iter().map(|(_, count)| count).sum();
        assert_eq!(Some(sum), report["servers"][0]["connected_clients"].as_u64());
    }
}

#[test]
fn a_process_that_ends_is_gone_at_the_next_look() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 5);
    let stream = Stream::start(&[&server.url(), "--interval", "100ms"]);
    let seen = stream.until("the process", |line| groups(line).iter().any(|(_, count)| *count == 5));
    let label = label(&fleet, &seen);
    drop(fleet);
    let gone = stream.until("its end", |line| clients_of(line, &label) == 0);
    let node = &gone["servers"][0];
    assert_eq!((&node["connected_clients"], &node["refused"]), (&Value::from(1), &Value::Array(Vec::new())));
}

#[test]
fn five_thousand_clients_of_one_process_are_cheap_to_look_at() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 5_000);
    let stream = Stream::start(&[&server.url(), "--interval", "200ms"]);
    let seen = stream.until("all of them", |line| groups(line).iter().any(|(_, count)| *count == 5_000));
    assert_eq!(clients_of(&seen, &label(&fleet, &seen)), 5_000);
    let sum: u64 = groups(&seen).iter().map(|(_, count)| count).sum();
    assert_eq!(Some(sum), seen["servers"][0]["connected_clients"].as_u64());
    let first = seen["servers"][0]["look"]["cost_ns"].as_u64();
    let next = stream.until("the next looks", |line| line["servers"][0]["look"]["cost_ns"].as_u64() != first);
    let look = &next["servers"][0]["look"];
    assert_eq!(look["cost_told"], true, "by its own commandstats");
    assert!(look["cost_share"].as_f64().is_some_and(|share| share <= 0.01), "{look}");
}

#[test]
fn a_server_that_comes_back_is_watched_anew() {
    let mut server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 4);
    let stream = Stream::start(&[&server.url(), "--interval", "100ms"]);
    stream.until("the fleet", |line| groups(line).iter().any(|(_, count)| *count == 4));
    server.kill();
    let lost = stream.until("the loss", |line| !line["servers"][0]["lost"].is_null());
    assert!(lost["servers"][0]["lost"]["error"].is_string());
    server.restart();
    let again = Fleet::start(&server, "hold", 2);
    let back = stream.until("it to be back", |line| {
        line["servers"][0]["lost"].is_null() && groups(line).iter().any(|(_, count)| *count == 2)
    });
    assert_eq!(clients_of(&back, &label(&again, &back)), 2);
    let sum: u64 = groups(&back).iter().map(|(_, count)| count).sum();
    assert_eq!(sum, 3, "those of before are gone: {back:#}");
    drop(fleet);
}

#[test]
fn a_unix_socket_is_watched_as_well() {
    let server = RedisServer::start(&[]);
    let output = watch_support::watch(&["-s", &server.socket().to_string_lossy(), "--format", "json"])
        .output()
        .expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(report["servers"][0]["look"]["clients"], 1, "{report:#}");
}
