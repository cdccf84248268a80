//! The embedded server as a process sees it: started, spoken to by redis-cli, gone when dropped.

mod support;

use redis_pooltop::demo::Server;
use support::raw::Raw;

/// Runs redis-cli against a server and gives what it printed.
fn cli(server: &Server, arguments: &[&str]) -> String {
    let port = server.addr().port().to_string();
    let output = support::redis_cli().args(["-p", &port]).args(arguments).output().expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[tokio::test]
async fn redis_cli_is_answered() {
    let server = Server::start().await.expect("a server");
    assert_eq!(cli(&server, &["PING"]), "PONG");
    assert_eq!(cli(&server, &["SET", "a", "1"]), "OK");
    assert_eq!(cli(&server, &["-3", "GET", "a"]), "1");
    assert_eq!(
        cli(&server, &["FOO", "a", "b"]),
        "ERR unknown command 'FOO', with args beginning with: 'a' 'b'"
    );
}

#[tokio::test]
async fn nobody_listens_after_the_server_is_dropped() {
    let server = Server::start().await.expect("a server");
    let address = server.addr();
    let mut idle = support::idle_client(address);
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(std::io::Read::read(&mut idle, &mut [0; 1]).unwrap_or(0), 0, "the connection is closed");
}

#[tokio::test]
async fn what_is_counted_is_what_happened() {
    let server = Server::start().await.expect("a server");
    let mut raw = Raw::open(server.addr());
    for line in [
        "SET a 1",
        "SET b 2 EX 100",
        "GET a",
        "GET nothing",
        "LPUSH a x",
        "GET",
        "NOPE",
        "SELECT 1",
        "SET c 3",
    ] {
        raw.ask(line);
    }
    let text = raw.text("INFO everything");
    let stat = |name: &str| {
        let line =
            text.lines().find(|line| line.starts_with(&format!("cmdstat_{name}:"))).unwrap_or_default();
        let field = |wanted: &str| {
            line.split([':', ','])
                .find_map(|pair| pair.strip_prefix(wanted)?.strip_prefix('='))
                .map(str::to_owned)
        };
        [field("calls"), field("rejected_calls"), field("failed_calls")].map(Option::unwrap_or_default)
    };
    assert_eq!(stat("set"), ["3", "0", "0"]);
    assert_eq!(stat("get"), ["2", "1", "0"]);
    assert_eq!(stat("lpush"), ["1", "0", "1"]);
    assert_eq!(stat("hset"), ["", "", ""], "never called, never listed");
    for line in [
        "total_commands_processed:7",
        "keyspace_hits:1",
        "keyspace_misses:1",
        "total_error_replies:3",
        "errorstat_ERR:count=2",
        "errorstat_WRONGTYPE:count=1",
        "db0:keys=2,expires=1,",
        "db1:keys=1,expires=0,avg_ttl=0",
        "server_name:redis-pooltop-demo",
        &format!("tcp_port:{}", server.addr().port()),
    ] {
        assert!(text.lines().any(|other| other.starts_with(line)), "{line} is not in {text}");
    }
    raw.ask("CONFIG RESETSTAT");
    assert!(raw.text("INFO stats").contains("total_commands_processed:1\r"));
}

#[tokio::test]
async fn keys_go_when_their_time_has_come() {
    let server = Server::start().await.expect("a server");
    let mut raw = Raw::open(server.addr());
    raw.ask("SET a 1 PX 1");
    // Nobody asks for the key: the server finds it by itself.
    support::wait_for("the key to be gone", || (raw.text("DBSIZE") == ":0").then_some(()));
    assert!(raw.text("INFO stats").contains("expired_keys:1\r"));
}

#[tokio::test]
async fn debug_sleep_stops_everybody() {
    let server = Server::start().await.expect("a server");
    let mut sleeper = Raw::open(server.addr());
    let mut other = Raw::open(server.addr());
    assert!(sleeper.send_bytes(b"INCR steps\r\nDEBUG SLEEP 0.2\r\nINCR steps\r\n"));
    // Nobody sees the step before the sleep without the one after it.
    support::wait_for("both steps", || match other.text("GET steps").as_str() {
        "$-1" => None,
        seen => {
            assert_eq!(seen, "$1\r\n2");
            Some(())
        }
    });
    assert_eq!([sleeper.reply(), sleeper.reply(), sleeper.reply()].concat(), b":1\r\n+OK\r\n:2\r\n");
}

#[tokio::test]
async fn a_sleeping_server_can_be_dropped() {
    let server = Server::start().await.expect("a server");
    let mut sleeper = Raw::open(server.addr());
    sleeper.send("DEBUG SLEEP 3600");
    // However far it has come, the drop returns: this test ends.
    drop(server);
    assert_eq!(sleeper.rest(), b"");
}

#[tokio::test]
async fn who_does_not_read_is_not_served() {
    let server = Server::start().await.expect("a server");
    let mut raw = Raw::open(server.addr());
    let mut deaf = Raw::open(server.addr());
    let id = deaf.text("CLIENT ID")[1..].to_owned();
    raw.ask(&format!("SET big {}", "x".repeat(60_000)));
    // 600 MB of replies, if they were made.
    assert!(deaf.send_bytes("GET big\r\n".repeat(10_000).as_bytes()));
    let held = |raw: &mut Raw| -> Option<u64> {
        let text = raw.text(&format!("CLIENT LIST ID {id}"));
        let field =
            |name: &str| text.split(' ').find_map(|pair| pair.strip_prefix(name)?.parse::<u64>().ok());
        Some(field("obl=")? + field("omem=")?)
    };
    let most = support::wait_for("its replies to wait", || held(&mut raw).filter(|held| *held > 0));
    assert!(most < 4 * 1024 * 1024, "{most} bytes wait for one that does not read");
    // And when it reads, everything comes.
    for _ in 0..10_000 {
        assert_eq!(deaf.reply().len(), 60_000 + "$60000\r\n\r\n".len());
    }
    assert_eq!(deaf.text("PING"), "+PONG");
}

#[tokio::test]
async fn subscribers_who_do_not_read_are_closed() {
    let server = Server::start().await.expect("a server");
    let mut raw = Raw::open(server.addr());
    let mut deaf = Raw::open(server.addr());
    deaf.ask("SUBSCRIBE news");
    let message = format!("PUBLISH news {}", "x".repeat(60_000));
    support::wait_for("the subscriber to be closed", || {
        (0..100).for_each(|_| drop(raw.ask(&message)));
        raw.text("INFO clients").contains("connected_clients:1\r").then_some(())
    });
    let stats = raw.text("INFO stats");
    assert!(stats.lines().any(|line| line == "client_output_buffer_limit_disconnections:1"), "{stats}");
}

#[tokio::test]
async fn a_request_without_end_is_cut_off() {
    let server = Server::start().await.expect("a server");
    let mut raw = Raw::open(server.addr());
    assert_eq!(raw.text("CONFIG SET client-query-buffer-limit 1mb"), "+OK");
    let mut greedy = Raw::open(server.addr());
    // Announces half a gigabyte: nothing is set aside for it.
    greedy.send_bytes(b"*2\r\n$3\r\nGET\r\n$536870912\r\n");
    let chunk = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while greedy.send_bytes(&chunk) {
        sent += chunk.len();
        assert!(sent < 64 * 1024 * 1024, "it goes on reading");
    }
    assert_eq!(greedy.rest(), b"");
    assert!(raw.text("INFO stats").contains("client_query_buffer_limit_disconnections:1\r"));
}

#[tokio::test]
async fn fifty_callers_are_served_at_once() {
    let server = Server::start().await.expect("a server");
    let port = server.addr().port().to_string();
    let arguments = ["-p", &port, "-c", "50", "-n", "5000", "-P", "4", "-q", "-t", "set,get,incr,lpush,mset"];
    let output = std::process::Command::new("redis-benchmark").args(arguments).output();
    let output = output.expect("no redis-benchmark: `apt-get install redis-tools` or tests/run");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(text.matches("requests per second").count(), 5, "{text}");
    assert_eq!(cli(&server, &["GET", "counter:__rand_int__"]), "5000");
}

#[tokio::test]
async fn redis_cli_is_at_home() {
    let server = Server::start().await.expect("a server");
    let port = server.addr().port().to_string();
    let mut child = support::redis_cli()
        .args(["-p", &port, "--no-raw"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("redis-cli runs");
    let script = "SET a 1\nMULTI\nINCR a\nGET a\nEXEC\nHELLO 3\nHSET h f v\nHGETALL h\nZADD z 1.5 m\nZSCORE z m\nLPUSH a x\n";
    std::io::Write::write_all(&mut child.stdin.take().expect("its input"), script.as_bytes())
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    for line in [
        "1) (integer) 2",
        "2) \"2\"",
        "1# \"f\" => \"v\"",
        "(double) 1.5",
        "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in {text}");
    }
    assert!(cli(&server, &["--bigkeys"]).contains("Sampled 3 keys in the keyspace!"));
    assert_eq!(cli(&server, &["--scan", "--pattern", "[ah]"]).lines().count(), 2);
    assert!(cli(&server, &["COMMAND", "DOCS", "lpop"]).contains("Returns and removes"));
}
