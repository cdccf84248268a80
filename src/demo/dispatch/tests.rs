//! Commands run without a socket: any request must leave the server whole.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::demo::Stop;
use crate::demo::config::Config;

/// A server with one client, number 1.
fn server() -> State {
    let stop = Arc::new(Stop::default());
    // DEBUG SLEEP returns at once from a server that is to end.
    stop.now();
    let mut config = Config::new(None);
    config.set("proto-max-bulk-len", "1mb");
    let mut state = State::new(stop, 0, config);
    connect(&mut state);
    state
}

fn connect(state: &mut State) -> ClientId {
    let id = state.fresh_id();
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let mut client = Client::new(id, here, here, 0);
    client.authenticated = true;
    state.clients.insert(id, client);
    id
}

/// Runs a line of words; gives the reply.
fn ask(state: &mut State, id: ClientId, words: &[&[u8]]) -> Vec<u8> {
    request(state, id, words.iter().map(|word| Bytes::copy_from_slice(word)).collect());
    let client = state.clients.get_mut(&id).expect("it is connected");
    client.reply.out.split().to_vec()
}

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// Arguments that have broken servers before.
const NASTY: &[&[u8]] = &[
    b"a",
    b"b",
    b"0",
    b"1",
    b"-1",
    b"2",
    b"3",
    b"10",
    b"-10",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"1.5",
    b"-inf",
    b"inf",
    b"nan",
    b"1e400",
    b"",
    b"\x00\xff",
    b"*",
    b"[",
    b"[a",
    b"(1",
    b"-",
    b"+",
    b"LEFT",
    b"RIGHT",
    b"MIN",
    b"MAX",
    b"COUNT",
    b"LIMIT",
    b"BYSCORE",
    b"BYLEX",
    b"REV",
    b"WITHSCORES",
    b"WITHVALUES",
    b"MATCH",
    b"NX",
    b"XX",
    b"GT",
    b"LT",
    b"CH",
    b"INCR",
    b"EX",
    b"PX",
    b"EXAT",
    b"KEEPTTL",
    b"GET",
    b"BEFORE",
    b"RANK",
    b"MAXLEN",
    b"BIT",
    b"WEIGHTS",
    b"AGGREGATE",
    b"SUM",
    b"REPLACE",
    b"DB",
    b"ID",
    b"ON",
    b"OFF",
    b"FILTERBY",
    b"ACLCAT",
    b"AUTH",
    b"SETNAME",
];

/// One request: which command, by its place in the table, and which arguments.
fn anything() -> impl Strategy<Value = (usize, Vec<usize>)> {
    (0..REGISTRY.specs.len(), prop::collection::vec(0..NASTY.len(), 0..7))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_request_breaks_the_server(requests in prop::collection::vec(anything(), 1..100), protocol in 2..=3_u8) {
        let mut state = server();
        state.clients.get_mut(&1).expect("it is connected").reply.protocol = protocol;
        for (command, args) in requests {
            let mut line: Vec<&[u8]> = REGISTRY.specs[command].name.split('|').map(str::as_bytes).collect();
            line.extend(args.iter().map(|arg| NASTY[*arg]));
            // Kinds of keys for the commands to find.
            for line in ["LPUSH l 1 2", "ZADD z 1 a 2 b", "HSET h a 1", "SADD s 1 2 x"] {
                ask(&mut state, 1, &words(line));
            }
            ask(&mut state, 1, &line);
            state.give_up(1, false);
            state.unpause();
            let client = state.clients.get_mut(&1).expect("nobody has taken it away");
            client.postponed = None;
            client.reply.out.clear();
            client.closing = Closing::No;
            state.tick();
        }
        state.forget(1);
        prop_assert!(state.channels.is_empty() && state.patterns.is_empty() && state.monitors.is_empty());
        prop_assert!(state.dbs.iter().all(|db| db.watchers.is_empty() && db.waiting.is_empty()));
    }

    #[test]
    fn a_scan_gives_every_key_that_stays(
        changes in prop::collection::vec((any::<bool>(), 0..400_usize), 0..300),
        count in 1..40_usize,
        command in 0..3_usize,
    ) {
        let mut state = server();
        let (add, remove, scan): (&str, &str, &str) = [
            ("SET ~ 1", "DEL ~", "SCAN % COUNT #"),
            ("HSET h ~ 1", "HDEL h ~", "HSCAN h % COUNT #"),
            ("SADD s ~", "SREM s ~", "SSCAN s % COUNT #"),
        ][command];
        let fill = |line: &str, key: &str| line.replace('~', key);
        let stay: HashSet<String> = (0..200).map(|key| format!("stay{key}")).collect();
        for key in &stay {
            ask(&mut state, 1, &words(&fill(add, key)));
        }
        let mut changes = changes.into_iter();
        let mut seen = HashSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let reply = ask(&mut state, 1, &words(&scan.replace('%', &cursor).replace('#', &count.to_string())));
            let reply = String::from_utf8(reply).expect("text");
            let mut texts = reply.split("\r\n").filter(|line| !line.starts_with(['*', '$']));
            cursor = texts.next().expect("a cursor").to_owned();
            prop_assert!(cursor.parse::<u64>().is_ok(), "{reply}");
            seen.extend(texts.map(str::to_owned));
            if cursor == "0" {
                break;
            }
            for (adds, key) in changes.by_ref().take(20) {
                ask(&mut state, 1, &words(&fill(if adds { add } else { remove }, &format!("comes{key}"))));
            }
        }
        prop_assert!(stay.is_subset(&seen), "missed {:?}", stay.difference(&seen).collect::<Vec<_>>());
    }
}

#[test]
fn a_client_that_goes_takes_its_traces_with_it() {
    let mut state = server();
    let other = connect(&mut state);
    for line in ["WATCH a", "SUBSCRIBE news", "PSUBSCRIBE n*", "RESET", "MONITOR"] {
        ask(&mut state, other, &words(line));
    }
    ask(&mut state, other, &words("BLPOP q1 q2 0"));
    assert_eq!(state.blocked(), (1, 0));
    state.forget(other);
    assert_eq!(state.blocked(), (0, 0));
    assert!(state.monitors.is_empty() && state.channels.is_empty() && state.dbs[0].waiting.is_empty());
    assert_eq!(ask(&mut state, 1, &words("RPUSH q1 x")), b":1\r\n");
    assert_eq!(ask(&mut state, 1, &words("LLEN q1")), b":1\r\n");
}

#[test]
fn a_key_that_is_not_touched_stays_unused() {
    let mut state = server();
    ask(&mut state, 1, &words("SET a 1"));
    state.dbs[0].entry(b"a").expect("it is there").used -= 60_000;
    for (line, expected) in [
        ("CLIENT NO-TOUCH on", "+OK\r\n"),
        ("GET a", "$1\r\n1\r\n"),
        ("OBJECT IDLETIME a", ":60\r\n"),
        ("TOUCH a", ":1\r\n"),
        ("OBJECT IDLETIME a", ":0\r\n"),
    ] {
        assert_eq!(String::from_utf8_lossy(&ask(&mut state, 1, &words(line))), expected, "{line}");
    }
}
