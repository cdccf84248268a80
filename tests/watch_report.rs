//! `watch` as a report, against real servers: who is connected, in every form, read by parsers that are not ours.

mod support;
mod watch_support;

use std::io::Write;
use std::net::TcpStream;

use serde_json::Value;
use support::{RedisServer, free_port, idle_client};
use watch_support::{Fleet, Stream, clients_of, groups, lint, parsed_by_python, printed, report, run};

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A client that has sent this.
fn client(server: &RedisServer, sent: &str) -> TcpStream {
    let mut client = idle_client(server.address());
    client.write_all(sent.as_bytes()).expect("the server reads");
    client
}

/// Every client's name and state, by a report with a row each.
fn states(server: &RedisServer, wanted: usize) -> Vec<(String, String)> {
    support::wait_for("every client to be seen", || {
        let report = report(server, &["--group-by", "none", "--sort", "name", "--filter", "!name:observer"]);
        let clients = report["clients"].as_array().expect("clients");
        let states: Vec<_> = clients
            .iter()
            .map(|row| [&row["name"], &row["state"]].map(|word| word.as_str().unwrap_or("–").to_owned()))
            .map(|[name, state]| (name, state))
            .collect();
        let named = states.iter().filter(|(name, _)| name != "–").count();
        (named >= wanted).then_some(states)
    })
}

#[test]
fn clients_of_every_kind_are_told_apart() {
    let server = RedisServer::start(&[]);
    let _clients = [
        client(&server, "CLIENT SETNAME blocked\r\nBLPOP q 0\r\n"),
        client(&server, "CLIENT SETNAME multi\r\nMULTI\r\nGET a\r\n"),
        client(&server, "CLIENT SETNAME quiet\r\n"),
        client(&server, "CLIENT SETNAME subscribed\r\nSUBSCRIBE news\r\n"),
        client(&server, "CLIENT SETNAME watching\r\nMONITOR\r\n"),
    ];
    let states = states(&server, 5);
    let of = |name: &str| states.iter().find(|(known, _)| known == name).map(|(_, state)| state.as_str());
    assert_eq!(of("blocked"), Some("blocked"), "{states:?}");
    assert_eq!(of("multi"), Some("transaction"), "{states:?}");
    assert_eq!(of("subscribed"), Some("subscribed"), "{states:?}");
    assert_eq!(of("watching"), Some("monitor"), "{states:?}");
    assert!(matches!(of("quiet"), Some("idle" | "active")), "{states:?}");
}

#[test]
fn groups_of_every_key_add_up_to_the_servers_own_count() {
    for server in [RedisServer::start(&[]), RedisServer::start_valkey(&[])] {
        let _fleet = Fleet::start(&server, "hold", 20);
        let _idle: Vec<_> = (0..5).map(|_| idle_client(server.address())).collect();
        for key in ["process", "name", "prefix", "library", "user", "address", "server"] {
            let report = report(&server, &["--group-by", key]);
            let sum: u64 = groups(&report).iter().map(|(_, count)| count).sum();
            assert_eq!(Some(sum), report["servers"][0]["connected_clients"].as_u64(), "{key}: {report:#}");
            assert_eq!(sum, 26, "{key}: and our own");
        }
        let by_prefix = report(&server, &["--group-by", "prefix"]);
        assert_eq!(clients_of(&by_prefix, "hold"), 20, "{by_prefix:#}");
    }
}

#[test]
fn the_forms_are_what_they_say_they_are() {
    let server = RedisServer::start(&[]);
    let _fleet = Fleet::start(&server, "hold", 3);
    let url = server.url();
    let in_form = |form: &str, key: &str| printed(&[&url, "--once", "--format", form, "--group-by", key]);

    let rows = "import csv, sys\nrows = list(csv.DictReader(sys.stdin, strict=True))\nprint(len(rows), *sorted(row['name'] for row in rows))";
    let said = parsed_by_python(rows, &in_form("csv", "none"));
    assert_eq!(said.trim(), "4 hold-0 hold-1 hold-2 redis-pooltop-observer");

    let families = "
import sys
from prometheus_client.parser import text_string_to_metric_families as families
for family in families(sys.stdin.read()):
    for sample in family.samples:
        if sample.labels.get('group') == 'hold': print(sample.name, sample.value)";
    let said = parsed_by_python(families, &in_form("prometheus", "prefix"));
    assert!(said.lines().any(|line| line == "redis_pooltop_clients 3"), "{said}");

    let line = in_form("ndjson", "name");
    assert_eq!(line.lines().count(), 1);
    let document: Value = serde_json::from_str(&line).expect("a document");
    assert_eq!(clients_of(&document, "hold-1"), 1);

    let text = in_form("text", "prefix");
    assert!(text.contains("\nhold ") && text.contains("of the server's time, as it says itself"), "{text}");
    for form in ["text", "json", "csv", "ndjson", "prometheus"] {
        assert!(!in_form(form, "process").contains('\u{1b}'), "{form}");
    }
}

#[test]
fn without_a_terminal_it_answers_once_and_a_filter_leaves_what_it_asks_for() {
    let server = RedisServer::start(&[]);
    let _idle: Vec<_> = (0..3).map(|_| idle_client(server.address())).collect();
    let text = printed(&[&server.url(), "--group-by", "none", "--filter", "cmd:client"]);
    assert!(text.ends_with("1 client of 4, 1 of them this program's own\n"), "{text}");
    for by in ["none", "process", "name"] {
        let text = printed(&[&server.url(), "--group-by", by, "--filter", "nothinghere"]);
        assert!(text.contains("0 ") && !text.contains("nothinghere"), "not its own command line: {text}");
    }
    let report = report(&server, &["--group-by", "none", "--sort", "-id"]);
    let ids: Vec<_> =
        report["clients"].as_array().expect("clients").iter().map(|row| row["id"].as_u64()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
}

#[test]
fn what_changed_is_told_after_a_while() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "grow", 20);
    let label = format!("python3 {}", fleet.pid());
    let report = report(&server, &["--duration", "2s", "--group-by", "name"]);
    let groups = report["changed"]["groups"].as_array().expect("groups");
    let grown =
        groups.iter().find(|group| group["group"] == "grow").unwrap_or_else(|| panic!("{label} {report:#}"));
    assert!(grown["after"].as_u64() > grown["before"].as_u64(), "{grown}");
    assert!(report["changed"]["ms"].as_u64() >= Some(2_000), "{report:#}");
}

#[test]
fn a_line_comes_each_refresh_until_nobody_reads() {
    let server = RedisServer::start(&[]);
    let stream = Stream::start(&[&server.url(), "--interval", "100ms", "--group-by", "name"]);
    let first = stream.until("a line", |_| true);
    let _idle = client(&server, "CLIENT SETNAME late\r\n");
    let seen = stream.until("the new client", |line| clients_of(line, "late") == 1);
    assert!(seen["as_of_ms"].as_u64() > first["as_of_ms"].as_u64());
    assert_eq!(stream.close().code(), Some(141), "as what SIGPIPE ended");
    let lines = printed(&[&server.url(), "--format", "ndjson", "--duration", "1s", "--interval", "200ms"]);
    let documents: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a document")).collect();
    assert!(documents.len() > 2, "{lines}");
    let (last, others) = documents.split_last().expect("some");
    assert!(!last["changed"].is_null() && others.iter().all(|line| line["changed"].is_null()));
}

#[test]
fn a_server_that_does_not_let_us_look_says_which_rule_is_missing() {
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "blind", "on", ">x", "+ping", "+info", "+hello", "+client|setname"]);
    server.cli(&["ACL", "SETUSER", "deaf", "on", ">x", "+client", "+hello"]);
    let as_user = |user: &str| {
        let url = format!("redis://{user}:x@127.0.0.1:{}", server.port());
        let arguments = [&url, "--once", "--format", "json", "--no-auth-warning"];
        let output = run(&arguments);
        let code = if user == "blind" { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{user}: {}", stderr(&output));
        serde_json::from_slice::<Value>(&output.stdout).expect("a document")
    };
    let blind = as_user("blind");
    let refused = &blind["servers"][0]["refused"];
    let refused = refused.as_array().expect("a list").iter().find(|one| one["command"] == "CLIENT LIST");
    assert_eq!(refused.map(|one| &one["rule"]), Some(&Value::from("+client|list")), "{blind:#}");
    assert_eq!(blind["servers"][0]["connected_clients"], 1, "INFO is left: {blind:#}");
    let deaf = as_user("deaf");
    assert_eq!(deaf["servers"][0]["connected_clients"], Value::Null);
    assert_eq!(deaf["servers"][0]["look"]["clients"], 1, "CLIENT LIST is left: {deaf:#}");
    assert!(
        deaf["servers"][0]["refused"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["rule"] == "+info"))
    );
}

#[test]
fn whose_clients_may_not_be_seen_is_no_server_without_clients() {
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "mute", "on", ">x", "-@all"]);
    server.cli(&["ACL", "SETUSER", "half", "on", ">x", "+@all", "-client"]);
    for user in ["mute", "half"] {
        let url = format!("redis://{user}:x@127.0.0.1:{}", server.port());
        for form in ["text", "csv", "json", "prometheus"] {
            let output = run(&[&url, "--once", "--format", form, "--no-auth-warning"]);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{user}, {form}: {said}");
            assert_eq!(said.lines().count(), 1, "{user}, {form}: {said}");
            assert!(
                said.contains("could not be seen") && said.contains("+client|list"),
                "{user}, {form}: {said}"
            );
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(!printed.is_empty(), "{user}, {form}");
            if form == "prometheus" {
                let of_clients = ["redis_pooltop_clients_", "redis_pooltop_groups_", "redis_pooltop_unseen_"];
                let told =
                    printed.lines().filter(|line| of_clients.iter().any(|name| line.starts_with(name)));
                let told: Vec<_> = told.collect();
                let [seen] = told[..] else { panic!("{user}: {printed}") };
                assert!(
                    seen.starts_with("redis_pooltop_clients_seen{") && seen.ends_with(" 0"),
                    "{user}: {seen}"
                );
            }
        }
    }
}

#[test]
fn a_command_that_was_taken_away_is_named() {
    let server = RedisServer::start(&["--rename-command", "INFO", ""]);
    let report = report(&server, &[]);
    let refused = &report["servers"][0]["refused"];
    assert!(
        refused.as_array().is_some_and(|all| all.iter().any(|one| one["command"] == "INFO")),
        "{refused}"
    );
    assert_eq!(report["servers"][0]["look"]["clients"], 1, "{report:#}");
}

#[test]
fn several_servers_are_one_report() {
    let [one, other] = [RedisServer::start(&[]), RedisServer::start_valkey(&[])];
    let _idle = idle_client(other.address());
    let whole = ["--format", "json", "--group-by", "server"];
    let urls = [one.url(), other.url(), one.url()];
    let arguments = [&urls.each_ref().map(String::as_str)[..], &whole[..]].concat();
    let report: Value = serde_json::from_str(&printed(&arguments)).expect("a document");
    let servers = report["servers"].as_array().expect("servers");
    assert_eq!(servers.len(), 2, "each once: {report:#}");
    assert!(
        servers[1]["version"].as_str().is_some_and(|version| version.starts_with("valkey 9")),
        "{report:#}"
    );
    assert_eq!(clients_of(&report, &other.address().to_string()), 2, "{report:#}");
    assert_eq!(clients_of(&report, &one.address().to_string()), 1);
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_or_a_row() {
    let gone = format!("redis://127.0.0.1:{}", free_port());
    let output = run(&[&gone, "--once"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
    assert!(
        stderr(&output).starts_with("redis-pooltop: nothing listens at 127.0.0.1:"),
        "{}",
        stderr(&output)
    );
    let output = run(&[&gone, "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("a program is told as well");
    assert!(output.status.code() == Some(3) && !document["servers"][0]["lost"].is_null(), "{document:#}");

    let server = RedisServer::start(&["--requirepass", "secret"]);
    let url = format!("redis://:wrong@127.0.0.1:{}", server.port());
    let output = run(&[&url, "--once"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("refuses the password") && !stderr(&output).contains("secret"),
        "{}",
        stderr(&output)
    );

    let url = format!("redis://:secret@127.0.0.1:{}", server.port());
    let output = run(&[&url, &gone, "--format", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(output.status.code(), Some(3), "not all of it was seen");
    assert_eq!(document["servers"][0]["look"]["clients"], 1);
    assert!(!document["servers"][1]["lost"].is_null(), "{document:#}");
}

#[test]
fn the_demo_has_clients_of_this_program_that_are_worth_a_look() {
    let text = printed(&["--demo", "--once"]);
    assert!(text.contains("redis-pooltop-demo") && text.contains("1 of them this program's own"), "{text}");
    assert!(!text.contains("no-timeout"), "it notices who is gone: {text}");
    let stream = Stream::start(&["--demo"]);
    let first = stream.until("the steady ones", |line| clients_of(line, "web") == 4);
    assert_eq!(first["group_by"], "prefix", "they are all of one process");
    assert_eq!(clients_of(&first, "worker"), 2, "{first:#}");
    let kept = clients_of(&first, "report");
    let line = stream.until("churn to be named", |line| {
        let churn = lint(line, "churn").and_then(|churn| churn["evidence"].as_str());
        churn.is_some_and(|evidence| evidence.contains("hasty"))
    });
    assert!(clients_of(&line, "report") > kept, "they are given back by nobody: {line:#}");
    assert_eq!(clients_of(&line, "web"), 4, "those are steady: {line:#}");
}

#[test]
fn what_could_not_be_seen_is_not_judged_to_be_fine() {
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "blind", "on", ">x", "+ping", "+info", "+hello", "+client|setname"]);
    let url = format!("redis://blind:x@127.0.0.1:{}", server.port());
    let output = run(&[&url, "--once", "--fail-on", "maxclients", "--no-auth-warning"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("could not be seen, and were not judged"), "{}", stderr(&output));
    let gone = format!("redis://127.0.0.1:{}", free_port());
    let output = run(&[&server.url(), &gone, "--once", "--fail-on", "maxclients"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let address = &gone["redis://".len()..];
    assert!(
        said.ends_with(&format!("verdict   unknown: none of maxclients; not seen: {address}\n")),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn what_makes_no_sense_here_is_refused_in_one_sentence() {
    for (arguments, said) in [
        (
            &["--max-connections", "5"][..],
            "--max-connections is not for watch: it looks at clients and sets up no pool",
        ),
        (&["--fail-on-leak"], "--fail-on-leak is not for watch: a server cannot tell a leak"),
        (
            &["--fail-on", "churn,leak", "--duration", "1m"],
            "--fail-on leak is not for watch: a server cannot tell a leak",
        ),
        (
            &["--fail-on", "pool-usage"],
            "--fail-on pool-usage is not for watch: that is of pools; --fail-on growth",
        ),
        (&["--fail-on", "growth", "--once"], "--fail-on growth needs --duration 30s or longer\n"),
        (&["--fail-on", "growth", "--duration", "10s"], "--fail-on growth needs --duration 30s or longer\n"),
        (
            &["--fail-on", "growth", "--duration", "30s", "--interval", "5s"],
            "--fail-on growth needs --duration 50s or longer at --interval 5s\n",
        ),
        (
            &["--fail-on", "maxclients", "--lint", "churn=fail"],
            "--lint churn=fail needs --duration 10s or longer\n",
        ),
        (&["--fail-on", "rejected", "--once"], "--fail-on rejected needs --duration 3s or longer\n"),
        (&["--client-name", "x"], "--client-name is not for watch"),
        (&["localhost"], "'localhost' is no URL"),
        (&["user:secret@host"], "'the address given' is no URL"),
        (&["--group-by", "none", "--filter", "nmae:x"], "--filter: no field nmae: did you mean name?"),
        (&["--group-by", "nmae"], "unknown key \"nmae\""),
        (&["--metrics", "127.0.0.1:0", "--once"], "--metrics serves until it is ended"),
        (&["--metrics", "here"], "write an address and a port"),
        (&["--format", "junit"], "--format junit goes with"),
        (&["-p", "1", "redis://127.0.0.1"], "two addresses"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said_so = stderr(&output);
        assert!(said_so.contains(said) && !said_so.contains("secret"), "{arguments:?}: {said_so}");
    }
}

#[test]
fn the_file_may_say_how_it_is_watched() {
    let server = RedisServer::start(&[]);
    let path = server.directory().join("config.toml");
    std::fs::write(&path, "[watch]\ngroup-by = \"user\"\ninterval = \"200ms\"\nread-only = true\n")
        .expect("written");
    let path = path.to_string_lossy();
    let told = report(&server, &["--config", &path]);
    assert_eq!((told["group_by"].as_str(), groups(&told)), (Some("user"), vec![("default".to_owned(), 1)]));
    assert_eq!(
        report(&server, &["--config", &path, "--group-by", "name"])["group_by"],
        "name",
        "a flag beats it"
    );
    std::fs::write(&*path, "[lints]\nleak = \"fail\"\ngrowth = \"fail\"\n").expect("written");
    let judged = printed(&[&server.url(), "--config", &path, "--fail-on", "maxclients"]);
    assert!(
        judged.ends_with("\nverdict   pass: none of maxclients\n"),
        "nothing of what is not looked for: {judged}"
    );
    std::fs::write(&*path, "[watch]\ngroup-by = \"usr\"\n").expect("written");
    let output = run(&["--config", &path]);
    assert!(stderr(&output).contains("config.toml:2: unknown key \"usr\""), "{}", stderr(&output));
}
