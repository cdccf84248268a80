//! `--metrics`: scraped over TCP, by those who behave and those who do not.

mod support;
mod watch_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use support::{PATIENCE, RedisServer, idle_client, pooltop, wait_for};
use watch_support::{parsed_by_python, printed, run, watch};

/// The program, serving, and where.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .args(["--metrics", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut said = String::new();
        let mut errors = BufReader::new(child.stderr.take().expect("its errors"));
        errors.read_line(&mut said).expect("it says where");
        let address = said
            .trim_end()
            .strip_prefix("Metrics are at http://")
            .and_then(|said| said.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{said}")).parse().expect("an address");
        // What it says later has a reader.
        std::thread::spawn(move || errors.lines().map_while(Result::ok).count());
        Self { child, address }
    }

    fn watch(server: &RedisServer) -> Self {
        Self::start(watch(&[&server.url(), "--interval", "100ms", "--group-by", "name"]))
    }

    /// Sends this and reads to the end.
    fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        stream
    }

    /// The body of a scrape.
    fn scrape(&self) -> String {
        let answer = self.ask("GET /metrics HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n\r\n");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let kind = "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.lines().any(|line| line == kind), "{head}");
        assert!(head.lines().any(|line| line == format!("Content-Length: {}", body.len())), "{head}");
        body.to_owned()
    }

    /// Ends it as a service's end does, and gives its code.
    fn end(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a scraper makes of a page: `name{labels} value` a line, sorted.
fn families(page: &str) -> Vec<String> {
    let script = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
for family in families(sys.stdin.read()):
    for sample in family.samples:
        print(family.type, sample.name, sorted(sample.labels.items()), sample.value)";
    parsed_by_python(script, page).lines().map(str::to_owned).collect()
}

#[test]
fn a_scraper_gets_the_newest_numbers_until_the_program_is_ended() {
    let server = RedisServer::start(&[]);
    let metrics = Served::watch(&server);
    let mut named = idle_client(server.address());
    named.write_all(b"*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$5\r\na\"b\\c\r\n").expect("sent");
    let wanted = r#"group_by="name",group="a\"b\\c"} 1"#;
    let page =
        wait_for("the client to be counted", || Some(metrics.scrape()).filter(|page| page.contains(wanted)));
    let families = families(&page);
    let of = |name: &str| families.iter().filter(|line| line.contains(name)).collect::<Vec<_>>();
    let port = server.port();
    let connected = format!(
        "gauge redis_clients_connected [('server_address', '127.0.0.1'), ('server_port', '{port}')] 2"
    );
    assert!(of("redis_clients_connected").iter().any(|line| line.starts_with(&connected)), "{families:#?}");
    assert!(of("redis_connections_rejected_total").iter().all(|line| line.starts_with("counter ")));
    assert_eq!(metrics.end(), Some(128 + 15));
}

#[test]
fn those_who_ask_for_something_else_are_told_so() {
    let server = RedisServer::start(&[]);
    let metrics = Served::watch(&server);
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed"),
        ("*1\r\n$4\r\nPING\r\n", "400 Bad Request"),
        ("\u{1b}[2J\r\n\r\n", "400 Bad Request"),
    ] {
        let answer = metrics.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request:?}: {answer}");
        assert!(answer.contains("Connection: close\r\n") && !answer.contains('\u{1b}'));
    }
    let head = metrics.ask("HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let endless = format!("GET /metrics HTTP/1.1\r\nX: {}", "a".repeat(20_000));
    assert!(metrics.ask(&endless).starts_with("HTTP/1.1 431 "));
}

#[test]
fn those_who_are_slow_or_many_keep_nothing_from_the_next_one() {
    let server = RedisServer::start(&[]);
    let metrics = Served::watch(&server);
    let mut slow: Vec<TcpStream> = (0..20).map(|_| metrics.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /met").expect("it reads");
    }
    assert!(metrics.scrape().ends_with("# EOF\n"), "beside twenty that never finish");
    // With all places taken, who has been silent the longest makes room.
    slow.extend((0..30).map(|_| metrics.connect()));
    assert!(metrics.scrape().ends_with("# EOF\n"), "beside more than there are places for");
}

#[test]
fn a_pool_has_metrics_as_well() {
    let server = RedisServer::start(&[]);
    let mut command = pooltop();
    command.arg(server.url());
    let metrics = Served::start(command);
    let page = wait_for("the server's numbers", || {
        Some(metrics.scrape()).filter(|page| page.contains("redis_pooltop_server_up 1"))
    });
    let families = families(&page);
    let max = families.iter().find(|line| line.contains("db_client_connection_max"));
    assert!(max.is_some_and(|line| line.contains(" 50")), "{families:#?}");
    assert_eq!(metrics.end(), Some(128 + 15));
}

#[test]
fn it_serves_while_a_report_is_watched_for() {
    let server = RedisServer::start(&[]);
    let text = printed(&[&server.url(), "--metrics", ":0", "--duration", "200ms"]);
    assert!(text.contains("changed in "), "{text}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = run(&[&server.url(), "--metrics", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--metrics: Address already in use"));
}
