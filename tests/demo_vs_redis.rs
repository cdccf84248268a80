//! The embedded server against a real one: the same requests must be answered with the same bytes.
//!
//! Scripts are in `tests/demo_vs_redis/`, one request a line, sent as it is. In front of a request there may be
//! `b:` (sent on a second connection), `N>` (N replies are read instead of one; 0 leaves it waiting), `~` (the lines of the
//! reply may come in any order) and `?` (the reply is not compared: it tells the version). `!blocked N` waits until so many clients are blocked; `!read` and `!b:read` read one reply.

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use proptest::prelude::*;
use redis_pooltop::demo::Server;
use support::RedisServer;
use support::raw::Raw;

/// The same two connections to one server.
struct Side {
    name: &'static str,
    a: Raw,
    b: Raw,
}

impl Side {
    fn open(name: &'static str, address: SocketAddr, protocol: u8) -> Self {
        let mut side = Self { name, a: Raw::open(address), b: Raw::open(address) };
        for raw in [&mut side.a, &mut side.b] {
            raw.ask(&format!("HELLO {protocol}"));
        }
        side.a.ask("FLUSHALL");
        side
    }

    /// Does what one line of a script says; gives what was answered.
    fn step(&mut self, line: &str) -> Vec<u8> {
        if let Some(count) = line.strip_prefix("!blocked ") {
            let wanted = format!("\nblocked_clients:{count}\r");
            support::wait_for(&format!("{count} blocked clients of {}", self.name), || {
                String::from_utf8_lossy(&self.b.ask("INFO clients")).contains(&wanted).then_some(())
            });
            return Vec::new();
        }
        match line {
            "!read" => return self.a.reply(),
            "!b:read" => return self.b.reply(),
            _ => {}
        }
        let (raw, line) = match line.strip_prefix("b:") {
            Some(line) => (&mut self.b, line.trim_start()),
            None => (&mut self.a, line),
        };
        let (replies, line) = match line.split_once('>') {
            Some((count, line)) if count.parse::<usize>().is_ok() => {
                (count.parse().expect("a count"), line.trim_start())
            }
            _ => (1, line),
        };
        let (any_order, line) = match line.strip_prefix('~') {
            Some(line) => (true, line),
            None => (false, line),
        };
        let (compared, line) = match line.strip_prefix('?') {
            Some(line) => (false, line),
            None => (true, line),
        };
        raw.send(line);
        let answer: Vec<u8> = (0..replies).flat_map(|_| raw.reply()).collect();
        if !compared {
            return Vec::new();
        }
        if !any_order {
            return answer;
        }
        let mut lines: Vec<&[u8]> = answer.split_inclusive(|byte| *byte == b'\n').collect();
        lines.sort_unstable();
        lines.concat()
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Runs a script on the embedded server and a real one, in both protocols.
fn compare(script: &str, theirs: &RedisServer) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(Server::start()).expect("a server");
    let mut differences = Vec::new();
    for protocol in [2, 3] {
        let mut real = Side::open("Redis", theirs.address(), protocol);
        let mut demo = Side::open("the embedded server", ours.addr(), protocol);
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (expected, got) = (real.step(line), demo.step(line));
            if expected != got {
                differences.push(format!(
                    "RESP{protocol} {line}\n  Redis  {}\n  demo   {}",
                    shown(&expected),
                    shown(&got)
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            compare(include_str!(concat!("demo_vs_redis/", stringify!($name), ".txt")), &RedisServer::start(&[]));
        })*
    };
}

scripts! { strings keys hashes lists sets sorted_sets connection transactions pubsub blocking }

/// What Redis 7.2 has and the 7.0 of Debian has not, held against its descendant.
#[test]
fn newer_than_seven_zero() {
    compare(include_str!("demo_vs_redis/newer.txt"), &RedisServer::start_valkey(&[]));
}

/// Requests with blanks in them: `K` a key, `F` a field or member, `V` a value, `I` an integer, `N` one in range,
/// `S` a score, `R` an index.
const TEMPLATES: &[&str] = &[
    "SET K V",
    "SET K I",
    "SET K V NX",
    "SET K V XX GET",
    "SET K V KEEPTTL",
    "SETNX K V",
    "GETSET K V",
    "GET K",
    "GETDEL K",
    "APPEND K V",
    "STRLEN K",
    "GETRANGE K R R",
    "SETRANGE K I V",
    "INCR K",
    "DECRBY K I",
    "INCRBY K I",
    "MGET K K K",
    "MSET K V K V",
    "MSETNX K V K I",
    "SETBIT K I 1",
    "GETBIT K I",
    "BITCOUNT K",
    "BITCOUNT K R R",
    "BITPOS K 1 R",
    "BITPOS K 0",
    "BITPOS K 0 R R",
    "DEL K K",
    "EXISTS K K",
    "TYPE K",
    "TTL K",
    "EXPIRE K 100",
    "EXPIRE K 200 NX",
    "EXPIRE K 50 LT",
    "EXPIRE K 300 GT",
    "PERSIST K",
    "EXPIRE K -1",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "DBSIZE",
    "TOUCH K K",
    "LPUSH K V F",
    "RPUSH K F V F",
    "LPUSHX K V",
    "RPUSHX K V",
    "LPOP K",
    "RPOP K",
    "LPOP K I",
    "RPOP K I",
    "LLEN K",
    "LRANGE K R R",
    "LINDEX K R",
    "LSET K R V",
    "LREM K R F",
    "LTRIM K R R",
    "LINSERT K BEFORE F V",
    "LINSERT K AFTER F V",
    "LPOS K F",
    "LPOS K F RANK -1 COUNT 0",
    "LPOS K F COUNT 2 MAXLEN 3",
    "LMOVE K K LEFT RIGHT",
    "LMOVE K K RIGHT RIGHT",
    "RPOPLPUSH K K",
    "LMPOP 2 K K LEFT COUNT 2",
    "HSET K F V",
    "HSET K F V F I",
    "HSETNX K F V",
    "HGET K F",
    "HMGET K F F",
    "HDEL K F F",
    "HEXISTS K F",
    "HLEN K",
    "HKEYS K",
    "HVALS K",
    "HGETALL K",
    "HSTRLEN K F",
    "HINCRBY K F I",
    "HSCAN K 0",
    "SADD K N N",
    "SREM K N",
    "SCARD K",
    "SISMEMBER K N",
    "SMISMEMBER K N N",
    "SMEMBERS K",
    "SMOVE K K N",
    "SUNION K K",
    "SINTER K K",
    "SDIFF K K",
    "SUNIONSTORE K K K",
    "SINTERSTORE K K K",
    "SDIFFSTORE K K K",
    "SINTERCARD 2 K K",
    "SINTERCARD 2 K K LIMIT 1",
    "ZADD K S F",
    "ZADD K S F S F",
    "ZADD K NX S F",
    "ZADD K XX CH S F",
    "ZADD K GT CH S F",
    "ZADD K LT S F",
    "ZADD K INCR S F",
    "ZREM K F",
    "ZSCORE K F",
    "ZMSCORE K F F",
    "ZCARD K",
    "ZCOUNT K S S",
    "ZCOUNT K (S +inf",
    "ZINCRBY K S F",
    "ZRANGE K R R",
    "ZRANGE K R R WITHSCORES",
    "ZRANGE K R R REV",
    "ZRANGE K S S BYSCORE LIMIT 1 2",
    "ZRANGE K - + BYLEX",
    "ZRANGE K [F (F BYLEX",
    "ZREVRANGE K R R WITHSCORES",
    "ZRANGEBYSCORE K S (S",
    "ZREVRANGEBYSCORE K S S WITHSCORES",
    "ZRANK K F",
    "ZREVRANK K F",
    "ZREMRANGEBYRANK K R R",
    "ZREMRANGEBYSCORE K S S",
    "ZREMRANGEBYLEX K [F [F",
    "ZPOPMIN K",
    "ZPOPMAX K I",
    "ZRANGESTORE K K R R",
    "ZUNIONSTORE K 2 K K",
    "ZINTERSTORE K 2 K K WEIGHTS 2 1 AGGREGATE MAX",
    "ZDIFFSTORE K 2 K K",
    "ZUNION 2 K K WITHSCORES",
    "ZINTER 2 K K",
    "ZINTERCARD 2 K K",
    "ZMPOP 2 K K MAX COUNT 2",
    "ZLEXCOUNT K - [F",
    "ZSCAN K 0",
    "BLPOP K K 0.001",
    "BRPOP K 0.001",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH K",
    "UNWATCH",
    "OBJECT REFCOUNT nokey",
    "PING V",
    "ECHO F",
    "INCR",
    "HSET K F",
    "NOPE K V",
];

/// A request: a template with its blanks filled in.
fn request() -> impl Strategy<Value = String> {
    (0..TEMPLATES.len(), prop::array::uniform8(0..1000_usize)).prop_map(|(template, picks)| {
        let mut picks = picks.into_iter().cycle();
        let mut pick = |from: &[&str]| from[picks.next().unwrap_or(0) % from.len()].to_owned();
        let mut fill = |word: &str| match word {
            "K" => pick(&["k1", "k2", "k3"]),
            "F" => pick(&["a", "b", "c", "dd"]),
            "V" => pick(&["a", "b", "hello", "10", "''", "\"x\\x00y\""]),
            "I" => pick(&["0", "1", "2", "3", "5", "12", "-1", "x", "9223372036854775807"]),
            // In sets numbers alone: others come in the order of a hash that differs from run to run.
            "N" => pick(&["0", "1", "2", "3", "5", "12", "-1"]),
            "S" => pick(&["0", "1", "2", "1.5", "-3", "10", "inf", "-inf"]),
            "R" => pick(&["0", "1", "2", "-1", "-2", "-3", "5", "100", "-100"]),
            other => other.to_owned(),
        };
        let fill_in = |word: &str| match word.split_at_checked(1) {
            Some((mark @ ("(" | "["), blank)) => format!("{mark}{}", fill(blank)),
            _ => fill(word),
        };
        TEMPLATES[template].split(' ').map(fill_in).collect::<Vec<_>>().join(" ")
    })
}

/// A bit far out makes a string too long to send back and forth all day.
fn is_modest(line: &str) -> bool {
    !(line.contains("9223372036854775807") && (line.starts_with("SETRANGE") || line.starts_with("SETBIT")))
}

#[test]
fn random_requests_are_answered_alike() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(Server::start()).expect("a server");
    let theirs = RedisServer::start(&[]);
    let requests = prop::collection::vec(request().prop_filter("modest", |line| is_modest(line)), 1..80);
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(requests in requests, protocol in 2..=3_u8)| {
        let mut real = Side::open("Redis", theirs.address(), protocol);
        let mut demo = Side::open("the embedded server", ours.addr(), protocol);
        for line in &requests {
            let (expected, got) = (real.a.ask(line), demo.a.ask(line));
            prop_assert_eq!(shown(&expected), shown(&got), "{}", line);
        }
    });
}

/// Sends bytes on a connection of their own and gives all that comes back until it is closed.
fn exchange(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_read_timeout(Some(support::PATIENCE)).expect("a deadline");
    // A server that closes early leaves part of a long request unsent.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn broken_requests_are_answered_alike() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(Server::start()).expect("a server");
    let theirs = RedisServer::start(&[]);
    let requests: &[&[u8]] = &[
        b"*x\r\n",
        b"*3\r\n:1\r\n",
        b"*1\r\n$-5\r\n",
        b"*1\r\n$99999999999\r\n",
        b"*1\r\nabc\r\n",
        b"*-1\r\nPING\r\nQUIT\r\n",
        b"*0\r\nPING\r\nQUIT\r\n",
        b"*2147483648\r\n",
        b"*1\r\n$0\r\n\r\nQUIT\r\n",
        b"*1\r\n$4\r\nPINGxxPING\r\nQUIT\r\n",
        b"SET \"a\r\n",
        b"SET 'a'b c\r\n",
        b"\"\"\r\nQUIT\r\n",
        b"   \r\n\r\nPING\nPING\nQUIT\n",
        b"*1\r\n$4\r\nquit\r\nPING\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CLIENT KILL SKIPME no\r\nPING\r\n",
        b"DEBUG FOO\r\nDEBUG SLEEP\r\nDEBUG SLEEP x\r\nQUIT\r\n",
    ];
    for request in requests {
        let (expected, got) = (exchange(theirs.address(), request), exchange(ours.addr(), request));
        assert_eq!(shown(&expected), shown(&got), "{}", shown(request));
    }
}

#[test]
fn the_table_of_commands_is_redis_own() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ours = runtime.block_on(Server::start()).expect("a server");
    let theirs = RedisServer::start(&[]);
    let (mut real, mut demo) = (Raw::open(theirs.address()), Raw::open(ours.addr()));
    // The first six fields: name, arity, flags, first key, last key, step. What follows grows with every version.
    let head = |raw: &mut Raw, name: &str| -> Option<String> {
        let reply = raw.text(&format!("COMMAND INFO {name}"));
        let mut lines = reply.split("\r\n");
        lines.by_ref().take(2).find(|line| *line == "*10")?;
        let mut head: Vec<&str> = lines.by_ref().take(3).collect();
        let count: usize = lines.next()?[1..].parse().ok()?;
        let mut flags: Vec<&str> = lines.by_ref().take(count).collect();
        flags.sort_unstable();
        head.extend(flags);
        head.extend(lines.take(3));
        Some(head.join(" "))
    };
    let listed = demo.text("COMMAND LIST");
    let names: Vec<&str> = listed.split("\r\n").filter(|line| !line.starts_with(['*', '$'])).collect();
    assert!(names.len() > 150, "{names:?}");
    for name in names {
        // They took another argument in 7.2.
        if ["zrank", "zrevrank"].contains(&name) {
            continue;
        }
        let expected = head(&mut real, name);
        assert!(expected.is_some(), "Redis does not know {name}");
        assert_eq!(expected, head(&mut demo, name), "{name}");
    }
}
