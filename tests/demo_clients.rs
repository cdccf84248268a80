//! What the embedded server says of its connections, and what it does to them.

mod support;

use std::collections::HashMap;

use redis_pooltop::demo::{Options, Server};
use redis_pooltop::net::Secret;
use support::raw::Raw;
use support::wait_for;

fn start_with(options: Options) -> Server {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // It lives in a thread of its own: the runtime is needed no longer than this.
    runtime.block_on(Server::start_with(options)).expect("a server")
}

fn start() -> Server {
    start_with(Options::default())
}

/// CLIENT LIST as fields by connection, in order.
fn clients(raw: &mut Raw) -> Vec<HashMap<String, String>> {
    let field = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("name=value");
        (name.to_owned(), value.to_owned())
    };
    raw.text("CLIENT LIST")
        .lines()
        .filter(|line| line.starts_with("id="))
        .map(|line| line.split(' ').map(field).collect())
        .collect()
}

/// The client of that id, if it is there.
fn client(raw: &mut Raw, id: &str) -> Option<HashMap<String, String>> {
    clients(raw).into_iter().find(|client| client["id"] == id)
}

fn id(raw: &mut Raw) -> String {
    raw.text("CLIENT ID")[1..].to_owned()
}

/// A field of INFO.
fn info(raw: &mut Raw, field: &str) -> String {
    let text = raw.text("INFO everything");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("{field} is not in {text}")).to_owned()
}

#[test]
fn the_list_has_redis_fields_in_redis_order() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let text = raw.text("CLIENT INFO");
    let names: Vec<&str> = text
        .lines()
        .nth(1)
        .expect("the line")
        .split(' ')
        .map(|pair| pair.split_once('=').expect("name=value").0)
        .collect();
    let expected = "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp \
                    obl oll omem tot-mem events cmd user redir resp lib-name lib-ver";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn the_list_tells_the_truth() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let mut other = Raw::open(server.addr());
    let (mine, theirs) = (id(&mut raw), id(&mut other));
    assert_ne!(mine, theirs);
    for line in [
        "HELLO 3 SETNAME worker-1",
        "SELECT 3",
        "CLIENT SETINFO LIB-NAME some-lib",
        "CLIENT SETINFO LIB-VER 1.2",
        "WATCH a",
        "MULTI",
        "GET a",
    ] {
        other.ask(line);
    }
    let seen = client(&mut raw, &theirs).expect("it is listed");
    for (field, expected) in [
        ("addr", other.local_addr().to_string().as_str()),
        ("laddr", server.addr().to_string().as_str()),
        ("name", "worker-1"),
        ("db", "3"),
        ("resp", "3"),
        ("lib-name", "some-lib"),
        ("lib-ver", "1.2"),
        ("flags", "x"),
        ("multi", "1"),
        ("cmd", "get"),
        ("user", "default"),
        ("argv-mem", "0"),
        ("qbuf", "0"),
        ("obl", "0"),
    ] {
        assert_eq!(seen[field], expected, "{field} of {seen:?}");
    }
    let me = client(&mut raw, &mine).expect("it is listed");
    assert_ne!(seen["multi-mem"], "0", "GET a is queued");
    assert_eq!(me["argv-mem"], "10", "CLIENT and LIST are running");
    assert_eq!((me["cmd"].as_str(), me["flags"].as_str(), me["name"].as_str()), ("client|list", "N", ""));
    // A watched key changes under it.
    raw.ask("SELECT 3");
    raw.ask("SET a 1");
    assert_eq!(client(&mut raw, &theirs).expect("still there")["flags"], "xd");
    drop(other);
    wait_for("the connection to be forgotten", || client(&mut raw, &theirs).is_none().then_some(()));
    assert_eq!(info(&mut raw, "connected_clients"), "1");
    assert_eq!(info(&mut raw, "total_connections_received"), "2");
}

#[test]
fn blocked_subscribed_and_monitoring_clients_are_marked() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let [mut blocked, mut subscriber, mut monitor] = std::array::from_fn(|_| Raw::open(server.addr()));
    let ids = [id(&mut blocked), id(&mut subscriber), id(&mut monitor)];
    blocked.send("BLPOP nothing 0");
    subscriber.ask("SUBSCRIBE news");
    subscriber.ask("PSUBSCRIBE n*");
    monitor.ask("MONITOR");
    wait_for("the blocked client", || (info(&mut raw, "blocked_clients") == "1").then_some(()));
    let flags: Vec<String> =
        ids.iter().map(|id| client(&mut raw, id).expect("listed")["flags"].clone()).collect();
    assert_eq!(flags, ["b", "P", "O"]);
    let seen = client(&mut raw, &ids[1]).expect("listed");
    assert_eq!((seen["sub"].as_str(), seen["psub"].as_str()), ("1", "1"));
    assert_eq!(info(&mut raw, "pubsub_clients"), "1");
    assert_eq!(info(&mut raw, "total_blocking_keys"), "1");
    assert!(raw.text("CLIENT LIST TYPE pubsub").contains(&format!("id={} ", ids[1])));
    assert!(!raw.text("CLIENT LIST TYPE normal").contains(&format!("id={} ", ids[1])));
    let two = raw.text(&format!("CLIENT LIST ID {} {}", ids[0], ids[2]));
    assert_eq!(two.lines().filter(|line| line.starts_with("id=")).count(), 2);
    // Unblocked from outside, it goes on.
    assert_eq!(raw.text(&format!("CLIENT UNBLOCK {} ERROR", ids[0])), ":1");
    assert_eq!(
        String::from_utf8_lossy(&blocked.reply()).trim_end(),
        "-UNBLOCKED client unblocked via CLIENT UNBLOCK"
    );
    assert_eq!(blocked.text("PING"), "+PONG");
    assert_eq!(info(&mut raw, "blocked_clients"), "0");
    // A blocked client that goes away does not stay in line.
    blocked.send("BLPOP nothing 0");
    wait_for("the blocked client", || (info(&mut raw, "blocked_clients") == "1").then_some(()));
    drop(blocked);
    wait_for("nobody to be blocked", || (info(&mut raw, "blocked_clients") == "0").then_some(()));
    assert_eq!(raw.text("RPUSH nothing x"), ":1");
    assert_eq!(raw.text("LLEN nothing"), ":1");
}

#[test]
fn waiting_clients_are_served_in_the_order_they_came() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let mut waiting = Vec::new();
    for count in 1..=3 {
        let mut client = Raw::open(server.addr());
        client.send("BLPOP q 0");
        waiting.push(client);
        wait_for("it to wait", || (info(&mut raw, "blocked_clients") == count.to_string()).then_some(()));
    }
    raw.ask("RPUSH q first second");
    raw.ask("RPUSH q third");
    for (client, expected) in waiting.iter_mut().zip(["first", "second", "third"]) {
        assert!(String::from_utf8_lossy(&client.reply()).ends_with(&format!("{expected}\r\n")));
    }
}

#[test]
fn connections_are_killed_by_what_they_are() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let mine = id(&mut raw);
    let mut victim = Raw::open(server.addr());
    let theirs = id(&mut victim);
    assert_eq!(raw.text(&format!("CLIENT KILL ID {theirs}")), ":1");
    assert_eq!(victim.rest(), b"");
    let mut victim = Raw::open(server.addr());
    victim.ask("PING");
    assert_eq!(raw.text(&format!("CLIENT KILL {}", victim.local_addr())), "+OK");
    assert_eq!(victim.rest(), b"");
    let mut victims: Vec<Raw> = (0..3).map(|_| Raw::open(server.addr())).collect();
    for victim in &mut victims {
        victim.ask("SUBSCRIBE news");
    }
    assert_eq!(raw.text("CLIENT KILL TYPE pubsub SKIPME yes"), ":3");
    for mut victim in victims {
        assert_eq!(victim.rest(), b"");
    }
    assert_eq!(raw.text("CLIENT KILL MAXAGE 1000"), ":0");
    assert_eq!(raw.text(&format!("CLIENT KILL ID {mine}")), ":0", "itself only when asked to");
    assert_eq!(raw.text(&format!("CLIENT KILL ID {mine} SKIPME no")), ":1");
    assert_eq!(raw.rest(), b"");
}

#[test]
fn a_blocked_client_can_be_killed() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let mut victim = Raw::open(server.addr());
    let theirs = id(&mut victim);
    victim.send("BLPOP q 0");
    wait_for("it to wait", || (info(&mut raw, "blocked_clients") == "1").then_some(()));
    assert_eq!(raw.text(&format!("CLIENT KILL ID {theirs}")), ":1");
    assert_eq!(victim.rest(), b"");
    wait_for("nobody to wait", || (info(&mut raw, "blocked_clients") == "0").then_some(()));
}

#[test]
fn one_connection_too_many_is_refused() {
    let server = start_with(Options { max_clients: Some(2), ..Options::default() });
    let mut first = Raw::open(server.addr());
    let mut second = Raw::open(server.addr());
    first.ask("PING");
    second.ask("PING");
    let mut third = Raw::open(server.addr());
    assert_eq!(third.rest(), b"-ERR max number of clients reached\r\n");
    assert_eq!(info(&mut first, "rejected_connections"), "1");
    assert_eq!(info(&mut first, "connected_clients"), "2");
    assert_eq!(first.text("CONFIG SET maxclients 3"), "+OK");
    assert_eq!(Raw::open(server.addr()).text("PING"), "+PONG");
}

#[test]
fn idle_connections_are_closed_and_waiting_ones_are_not() {
    let server = start();
    let mut idle = Raw::open(server.addr());
    let mut waiting = Raw::open(server.addr());
    let mut subscriber = Raw::open(server.addr());
    idle.ask("PING");
    waiting.send("BLPOP q 0");
    subscriber.ask("SUBSCRIBE news");
    let mut raw = Raw::open(server.addr());
    assert_eq!(raw.text("CONFIG SET timeout 1"), "+OK");
    // This one asks all the time and so is never idle.
    wait_for("the idle connection to be closed", || {
        (info(&mut raw, "connected_clients") == "3").then_some(())
    });
    assert_eq!(idle.rest(), b"");
    assert_eq!(raw.text("PUBLISH news still-there"), ":1");
    raw.ask("RPUSH q still-there");
    assert!(String::from_utf8_lossy(&waiting.reply()).contains("still-there"));
}

#[test]
fn a_pause_holds_commands_until_it_ends() {
    let server = start();
    let mut raw = Raw::open(server.addr());
    let mut writer = Raw::open(server.addr());
    let theirs = id(&mut writer);
    // Long enough that only CLIENT UNPAUSE can have ended it.
    assert_eq!(raw.text("CLIENT PAUSE 600000 WRITE"), "+OK");
    assert_eq!(writer.text("GET a"), "$-1");
    writer.send("SET a 1");
    writer.send("GET a");
    wait_for("the write to wait", || {
        (client(&mut raw, &theirs).expect("listed")["flags"] == "b").then_some(())
    });
    assert_eq!(raw.text("GET a"), "$-1", "nothing was written");
    assert_eq!(raw.text("CLIENT UNPAUSE"), "+OK");
    assert_eq!(writer.reply(), b"+OK\r\n");
    assert_eq!(writer.reply(), b"$1\r\n1\r\n");
    // All of them wait, this one too, until the time is over.
    assert_eq!(raw.text("CLIENT PAUSE 50 ALL"), "+OK");
    assert_eq!(raw.text("PING"), "+PONG");
}

#[test]
fn strangers_may_only_give_the_password() {
    let server = start_with(Options { password: Some(Secret::new("open sesame")), ..Options::default() });
    let mut raw = Raw::open(server.addr());
    assert_eq!(raw.text("GET a"), "-NOAUTH Authentication required.");
    assert!(
        raw.text("HELLO 3").starts_with("-NOAUTH HELLO must be called with the client already authenticated")
    );
    let wrong = "-WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(raw.text("AUTH nope"), wrong);
    assert_eq!(raw.text("AUTH somebody 'open sesame'"), wrong);
    assert_eq!(raw.text("GET a"), "-NOAUTH Authentication required.");
    assert_eq!(raw.text("AUTH 'open sesame'"), "+OK");
    assert_eq!(raw.text("GET a"), "$-1");
    assert_eq!(raw.text("RESET"), "+RESET");
    assert_eq!(raw.text("GET a"), "-NOAUTH Authentication required.");
    assert!(raw.text("HELLO 3 AUTH default 'open sesame'").starts_with("%7"));
    assert_eq!(raw.text("GET a"), "_");
    assert_eq!(raw.text("CONFIG SET requirepass ''"), "+OK");
    assert_eq!(Raw::open(server.addr()).text("GET a"), "$-1");
    let mut stranger = {
        raw.ask("CONFIG SET requirepass other");
        Raw::open(server.addr())
    };
    assert!(stranger.send_bytes(b"*100\r\n"));
    assert_eq!(stranger.rest(), b"-ERR Protocol error: unauthenticated multibulk length\r\n");
}

#[test]
fn a_monitor_sees_every_command_but_no_password() {
    let server = start();
    let mut monitor = Raw::open(server.addr());
    assert_eq!(monitor.text("MONITOR"), "+OK");
    let mut raw = Raw::open(server.addr());
    let address = raw.local_addr();
    for line in
        ["SET a 'x \"\\x01'", "AUTH secret", "SELECT 2", "MULTI", "GET a", "EXEC", "CONFIG GET save", "PING"]
    {
        raw.ask(line);
    }
    for expected in [
        r#"[0 A] "SET" "a" "x \"\\x01""#,
        r#"[0 A] "AUTH" "(redacted)""#,
        r#"[2 A] "SELECT" "2""#,
        r#"[2 A] "MULTI""#,
        r#"[2 A] "GET" "a""#,
        r#"[2 A] "EXEC""#,
        r#"[2 A] "PING""#,
    ] {
        let line = monitor.line();
        let (time, said) = line.split_once(' ').expect("a time, a blank");
        let (seconds, micros) = time[1..].split_once('.').expect("seconds and microseconds");
        assert!(line.starts_with('+') && seconds.parse::<u64>().is_ok() && micros.len() == 6, "{line}");
        assert_eq!(said, expected.replace('A', &address.to_string()).replace(&format!("\"{address}"), "\"A"));
    }
}
