//! The words of a line against the programs that made the rules: redis-cli's quoting, and what servers say of their
//! commands.

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;

use bytes::BytesMut;
use proptest::prelude::*;
use redis_pooltop::command::spec::Table;
use redis_pooltop::command::{Call, Registry, parse};
use redis_pooltop::demo::Server;
use redis_pooltop::net::{ConnectOptions, Connection, Protocol};
use redis_pooltop::resp::{Caps, Decoder, Value};

use support::{RedisServer, redis_cli};

/// What redis-cli sends for lines from a pipe: the arguments of each command, in order.
fn sent_by_redis_cli(lines: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port().to_string();
    let server = std::thread::spawn(move || commands_received(&listener));
    let mut cli = redis_cli()
        .args(["-h", "127.0.0.1", "-p", &port])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-cli runs");
    let mut stdin = cli.stdin.take().expect("its stdin");
    for line in lines {
        stdin.write_all(line).and_then(|()| stdin.write_all(b"\n")).expect("redis-cli reads");
    }
    drop(stdin);
    cli.wait().expect("redis-cli ends");
    server.join().expect("the server ends")
}

/// Takes one connection and answers every command on it with OK.
fn commands_received(listener: &TcpListener) -> Vec<Vec<Vec<u8>>> {
    let (mut stream, _) = listener.accept().expect("redis-cli connects");
    let mut decoder = Decoder::new(Caps::default());
    let mut buffer = BytesMut::new();
    let mut commands = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = std::io::Read::read(&mut stream, &mut chunk) {
        buffer.extend_from_slice(&chunk[..read]);
        while let Some(Value::Array(words)) = decoder.decode(&mut buffer).expect("redis-cli speaks RESP") {
            let words: Vec<Vec<u8>> = words.into_iter().map(bulk).collect();
            // Its own question at the start, for its HELP.
            if words != [b"COMMAND".to_vec(), b"DOCS".to_vec()] {
                commands.push(words);
            }
            stream.write_all(b"+OK\r\n").expect("redis-cli listens");
        }
    }
    commands
}

fn bulk(value: Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes.to_vec(),
        other => panic!("a command has bulk strings only: {other:?}"),
    }
}

/// What we would send for the same lines.
fn sent_by_us(lines: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let mut sent = Vec::new();
    for line in lines {
        let Ok(line) = parse(line) else { continue };
        if let Call::Redis { args, .. } = line.call {
            let words: Vec<Vec<u8>> = args.iter().map(|arg| arg.to_vec()).collect();
            sent.extend((0..line.repeat).map(|_| words.clone()));
        }
    }
    sent
}

#[test]
fn lines_mean_what_they_mean_to_redis_cli() {
    let lines: Vec<Vec<u8>> = [
        r#"set a "b c""#,
        r"set 'it\'s' '\n'",
        r#"e "\x41\n\r\t\b\a\\\"\q\x4g""#,
        r#"e foo"bar baz""#,
        r#"e "a"b"#,
        r#"e "open"#,
        "e 'open",
        r#"e """#,
        "e ''",
        r"e a\nb\x41",
        "3 PING",
        "+2 PING",
        "0 PING",
        "-1 PING",
        "007 PING",
        "3",
        "\"2\" PING",
        "2.5 PING",
        "  e\t a \u{b} b\u{c}c ",
        r#"e "a" "b""#,
        r#"e "a"	'b'"#,
        "e \u{b}\"a\"\u{b}b",
        r#"e "\"#,
        r#"e "\x4"#,
        "e caf\u{e9} \u{202e}",
        "99999999999999999999 PING",
        "2 \"",
        "2",
    ]
    .iter()
    .map(|line| line.as_bytes().to_vec())
    .chain([b"e \xff\xfe \"\xff\"".to_vec()])
    .collect();
    let ours = sent_by_us(&lines);
    assert!(ours.len() > 20);
    assert_eq!(ours, sent_by_redis_cli(&lines));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_line_means_what_it_means_to_redis_cli(
        lines in prop::collection::vec(r#"e ([ab1x4n \t\\"']|\\x|\\"|" | "|' | '|\x0b|é){0,16}"#, 1..60)
    ) {
        let lines: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
        prop_assert_eq!(sent_by_us(&lines), sent_by_redis_cli(&lines));
    }
}

async fn ask(url: &str, protocol: Protocol) -> (Value, Value) {
    let mut options = ConnectOptions::from_url(url).expect("a good URL");
    options.protocol = protocol;
    let mut connection = Connection::open(&options).await.expect("it connects");
    let docs = connection.call(&["COMMAND", "DOCS"]).await.expect("it answers");
    (docs, connection.call(&["COMMAND"]).await.expect("it answers"))
}

/// What servers of both families say of their commands is understood, in both protocols alike.
#[tokio::test]
async fn servers_describe_their_commands() {
    let (redis, valkey) = (RedisServer::start(&[]), RedisServer::start_valkey(&[]));
    let demo = Server::start().await.expect("the embedded server starts");
    for url in [redis.url(), valkey.url(), format!("redis://{}", demo.addr())] {
        let mut tables = Vec::new();
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let registry = Registry::new();
            let (docs, commands) = ask(&url, protocol).await;
            assert!(registry.learn(&docs, Some(&commands)) > 100, "{url}");
            assert_eq!(registry.hint("GET ").as_deref(), Some("key"));
            assert!(registry.is_read_only(&["get", "a"]) && !registry.is_read_only(&["set", "a", "b"]));
            assert!(registry.is_blocking(&["blpop", "a", "0"]) && registry.help(&["client", "kill"]).is_ok());
            tables.push(registry.table());
        }
        assert_eq!(tables[0].specs(), tables[1].specs());
    }
}

/// `assets/commands.json` is what a Valkey server of its version says: run `assets/make-commands` where this fails.
#[tokio::test]
async fn the_embedded_table_is_what_valkey_says() {
    let valkey = RedisServer::start_valkey(&[]);
    let registry = Registry::new();
    let (docs, commands) = ask(&valkey.url(), Protocol::Resp2).await;
    registry.learn(&docs, Some(&commands));
    let embedded = Table::embedded();
    assert_eq!(registry.table().specs(), embedded.specs());
}
