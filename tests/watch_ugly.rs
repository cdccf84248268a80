//! `watch` against servers that are not well: what they do not answer for a while, what they say that no real one does,
//! many more than there should be, and all of it over TLS.

mod support;
mod watch_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use support::{RedisServer, free_port};
use watch_support::fake::{Fake, bulk, client};
use watch_support::{Fleet, Stream, groups, parsed_by_python, printed, run};

#[test]
fn a_server_that_is_busy_says_so_and_is_seen_as_soon_as_it_is_done() {
    for (command, busy) in [
        ("CLIENT LIST", "-LOADING Redis is loading the dataset in memory\r\n"),
        ("CLIENT LIST", "-BUSY Redis is busy running a script. You can only call SCRIPT KILL.\r\n"),
        ("INFO", "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n"),
    ] {
        let is_busy = Arc::new(AtomicBool::new(true));
        let still = is_busy.clone();
        let server = Fake::start(move |line| {
            let refused = line.starts_with(command) && still.load(Ordering::Relaxed);
            refused.then(|| busy.as_bytes().to_vec())
        });
        let stream = Stream::start(&[&server.url(), "--interval", "100ms"]);
        let refused = |line: &Value| line["servers"][0]["refused"].to_string();
        let word = busy[1..].split(' ').next().expect("a code");
        let said = stream.until("what it is busy with", |line| refused(line).contains(word));
        let row = &said["servers"][0];
        assert!(
            row["lost"].is_null() && (row["connected_clients"].is_null() || row["look"].is_null()),
            "{said:#}"
        );
        is_busy.store(false, Ordering::Relaxed);
        let after = stream.until("its answer", |line| refused(line) == "[]" && groups(line).len() == 1);
        let row = &after["servers"][0];
        assert_eq!((&row["connected_clients"], &row["look"]["clients"]), (&1.into(), &1.into()), "{after:#}");
    }
}

#[test]
fn fifty_thousand_clients_are_one_report() {
    const MANY: u64 = 50_000;
    let list: String = (1..=MANY).map(|id| client(id, &format!("web-{}", id % 7))).collect();
    let list = bulk(list.as_bytes());
    let info = format!("# Clients\r\nconnected_clients:{MANY}\r\nmaxclients:100000\r\n");
    let server = Fake::start(move |line| match line {
        "CLIENT LIST" => Some(list.clone()),
        "INFO CLIENTS" => Some(bulk(info.as_bytes())),
        _ => None,
    });
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("many.ndjson");
    let path = path.to_string_lossy();
    let by_name = ["--once", "--format", "json", "--group-by", "name"];
    let whole = printed(&[&[&*server.url(), "--record", &path][..], &by_name].concat());
    let report: Value = serde_json::from_str(&whole).expect("a document");
    let groups = groups(&report);
    assert_eq!(groups.iter().map(|(_, count)| count).sum::<u64>(), MANY);
    // The one that asks is among them, and is in no group of another's name.
    assert!(groups.iter().filter(|(_, count)| (7_142..=7_143).contains(count)).count() == 7, "{groups:?}");
    assert_eq!(report["servers"][0]["look"]["clients"], MANY);
    let output =
        support::pooltop().args(["replay", &path, "--format", "json", "--group-by", "name"]).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let replayed: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!(replayed["groups"], report["groups"]);
}

#[test]
fn of_a_cluster_that_is_larger_than_what_is_watched_at_once_the_rest_is_counted() {
    const NODES: u16 = 300;
    // None of them listens: a server that is watched is listed before it answers.
    let node = |n: u16| {
        let address = format!("127.0.{}.{}:6379@16379", 1 + n / 250, 1 + n % 250);
        format!("{n:040x} {address} master - 0 0 {n} connected {n}\n")
    };
    let list = bulk((0..NODES).map(node).collect::<String>().as_bytes());
    let server = Fake::start(move |line| match line {
        "CLUSTER NODES" => Some(list.clone()),
        _ => line.starts_with("HELLO").then(|| b"%2\r\n+mode\r\n+cluster\r\n+proto\r\n:3\r\n".to_vec()),
    });
    let stream = Stream::start(&[&server.url(), "--interval", "1s"]);
    let servers = |line: &Value| line["servers"].as_array().map_or(0, Vec::len);
    let said = stream.until("as many as are watched", |line| {
        servers(line) >= 256 && line["servers"][0]["refused"].to_string().contains("are watched")
    });
    assert_eq!(servers(&said), 256);
    // The one that was asked is none of the 300.
    let refused = said["servers"][0]["refused"].to_string();
    assert!(refused.contains("256 servers are watched, and 45 more are not"), "{refused}");
}

#[test]
fn what_a_list_does_not_show_is_told_in_every_form() {
    const MANY: u64 = 100_007;
    // Bare ids: no name, no process, idle since ever. Of a part of them nothing is said to be so of most.
    let list = (1..=MANY).map(|id| format!("id={id}\n")).collect::<Vec<_>>().concat();
    let list = bulk(format!("name=x\nid=\n{list}").as_bytes());
    let info = format!("# Clients\r\nconnected_clients:{MANY}\r\nmaxclients:1000000\r\n");
    let server = Fake::start(move |line| match line {
        "CLIENT LIST" => Some(list.clone()),
        "INFO CLIENTS" => Some(bulk(info.as_bytes())),
        _ => None,
    });
    let once = |form: &str| run(&[&server.url(), "--once", "--group-by", "name", "--format", form]);
    let said = |form: &str| String::from_utf8(once(form).stdout).expect("UTF-8");
    let text = said("text");
    assert!(text.contains("100,000 of 100,007 listed"), "{text}");
    assert!(text.contains("2 lines of CLIENT LIST could not be read"), "{text}");
    assert!(text.contains("100,000 clients of 100,007"), "{text}");
    let json: Value = serde_json::from_str(&said("json")).expect("a document");
    let look = &json["servers"][0]["look"];
    assert_eq!((&look["clients"], &look["left_out"]), (&100_000.into(), &7.into()), "{look}");
    assert_eq!(look["unread_lines"], 2, "{look}");
    let lints = json["lints"].as_array().expect("lints");
    assert!(
        lints.iter().all(|lint| lint["id"] != "unnamed"),
        "that most of a part are is nothing: {lints:#?}"
    );
    let scraped = said("prometheus");
    assert!(
        scraped
            .lines()
            .any(|line| line.starts_with("redis_pooltop_clients_left_out{") && line.ends_with(" 7"))
    );
    assert!(
        scraped.lines().any(|line| line.starts_with("redis_pooltop_unread_lines{") && line.ends_with(" 2"))
    );
    // A table has no place for it.
    let beside = String::from_utf8(once("csv").stderr).expect("UTF-8");
    assert!(beside.contains("100,000 of 100,007 listed") && beside.contains("2 lines of"), "{beside}");
}

/// Names that are no names: an escape that retitles a terminal, bytes that are no text, a line turned round, a formula.
const UGLY: [&[u8]; 5] = [
    b"\x1b]0;owned\x07\x1b[2J",
    b"\xff\xfe\xc3",
    "a\u{202e}txt".as_bytes(),
    b"=cmd|'/c calc'!A1",
    b"two words \"quoted\", and\ta tab",
];

fn ugly_server() -> Fake {
    let mut list = Vec::new();
    for (id, name) in (1..).zip(UGLY) {
        let line = client(id, "NAME");
        let (before, after) = line.split_once("NAME").expect("a place for it");
        list.extend([before.as_bytes(), name, after.as_bytes()].concat());
    }
    Fake::start(move |line| (line == "CLIENT LIST").then(|| bulk(&list)))
}

#[test]
fn no_form_of_a_report_carries_what_a_name_does_to_a_terminal() {
    let server = ugly_server();
    for form in ["text", "json", "csv", "prometheus", "ndjson"] {
        for by in ["none", "name", "prefix"] {
            let url = server.url();
            let once: &[&str] = if form == "ndjson" { &["--duration", "1ms"] } else { &["--once"] };
            // What is printed is text, or `printed` fails.
            let said = printed(&[&[&*url, "--format", form, "--group-by", by], once].concat());
            let said = said.replace("\r\n", "\n");
            let bad = said.chars().find(|&c| c.is_control() && c != '\n' || c == '\u{202e}');
            assert_eq!(bad, None, "{form} by {by}: {said}");
            assert!(form == "prometheus" || said.contains("owned"), "{form} by {by}: {said}");
        }
    }
    let table = printed(&[&server.url(), "--once", "--format", "csv", "--group-by", "none"]);
    let names = "import csv, sys; print([row['name'] for row in csv.DictReader(sys.stdin)])";
    let names = parsed_by_python(names, &table);
    assert!(names.contains(r#""'=cmd|"#), "an apostrophe keeps a spreadsheet from running it: {names}");
}

#[test]
fn a_server_behind_tls_is_watched_by_its_url() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a good name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let [cert, private] =
        [("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())].map(|(name, text)| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.to_str().expect("a plain path").to_owned()
        });
    let port = free_port().to_string();
    let files = ["--tls-cert-file", &*cert, "--tls-key-file", &private, "--tls-ca-cert-file", &cert];
    let server =
        RedisServer::start(&[&["--tls-port", &*port, "--tls-auth-clients", "no"][..], &files].concat());
    let fleet = Fleet::start(&server, "hold", 3);
    let url = format!("rediss://127.0.0.1:{port}");
    let report = printed(&[&url, "--cacert", &cert, "--once", "--format", "json"]);
    let report: Value = serde_json::from_str(&report).expect("a document");
    let groups = report["groups"].as_array().expect("groups");
    let of = |pid: u64| groups.iter().find(|group| group["process"]["pid"] == pid);
    assert_eq!(of(fleet.pid().into()).map(|group| &group["clients"]), Some(&Value::from(3)), "{report:#}");
    let own = groups.iter().find(|group| group["own"] == 1).expect("ours");
    assert!(own["process"]["name"].as_str().is_some_and(|name| name.starts_with("redis-poo")), "{own}");
    // One that is not trusted is not spoken to.
    let output = watch_support::run(&[&url, "--once"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--cacert"));
}
