//! What we print is what the real redis-cli prints, byte for byte: over a table of replies and over random ones, served
//! by a fake server.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use proptest::prelude::*;
use redis_pooltop::resp::print::{Printer, Style, is_verbatim};
use redis_pooltop::resp::{Caps, Decoder};

/// Replies as a server sends them: what redis-cli 7.0 can read, which knows no attributes, no
/// big numbers, no `!` and no `nan`.
const REPLIES: &[&[u8]] = &[
    b"+OK\r\n",
    b"+\r\n",
    b"-ERR unknown command 'x'\r\n",
    b"-\r\n",
    b":0\r\n",
    b":-42\r\n",
    b":9223372036854775807\r\n",
    b"$5\r\nhello\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"$9\r\na\"b\\c\r\nde\r\n",
    b"$12\r\n\x00\x01\x07\x08\t\x1b[2J\x7f\xff\xc3\r\n",
    b"$6\r\n\xe6\xbc\xa2\xe5\xad\x97\r\n",
    b"*0\r\n",
    b"*1\r\n*0\r\n",
    b"*2\r\n$1\r\na\r\n$-1\r\n",
    b"*3\r\n:1\r\n+two\r\n-ERR three\r\n",
    b"*2\r\n*2\r\n:1\r\n*1\r\n:2\r\n*1\r\n:3\r\n",
    b"*12\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n*2\r\n:1\r\n:2\r\n:11\r\n:12\r\n",
    b"*1\r\n*1\r\n*1\r\n*2\r\n$1\r\nx\r\n$1\r\ny\r\n",
    b"_\r\n",
    b"#t\r\n",
    b"#f\r\n",
    b",3.14\r\n",
    b",inf\r\n",
    b",-inf\r\n",
    b",1e300\r\n",
    b"=8\r\ntxt:a\nb\"\r\n",
    b"=15\r\nmkd:Some string\r\n",
    b"%1\r\n+k\r\n%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n",
    b"%1\r\n+k\r\n~2\r\n:1\r\n:2\r\n",
    b"%1\r\n+k\r\n*1\r\n*2\r\n:1\r\n:2\r\n",
    b"%1\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n",
    b"%1\r\n+k\r\n*0\r\n",
    b"%1\r\n+k\r\n=8\r\ntxt:a\nb\"\r\n",
    b"%1\r\n+k\r\n*1\r\n=8\r\ntxt:a\nb\"\r\n",
    b"%1\r\n+k\r\n%1\r\n:1\r\n*2\r\n:1\r\n:2\r\n",
    b"*1\r\n%1\r\n+k\r\n%2\r\n:1\r\n*2\r\n:5\r\n:6\r\n:3\r\n:4\r\n",
    b"%0\r\n",
    b"~0\r\n",
    b"%2\r\n+first\r\n:1\r\n$6\r\nse\"ond\r\n*2\r\n:2\r\n:3\r\n",
    b"%1\r\n:1\r\n%1\r\n#t\r\n_\r\n",
    b"%1\r\n*1\r\n:1\r\n:2\r\n",
    b"~3\r\n+a\r\n:2\r\n~1\r\n:3\r\n",
    b"*2\r\n%2\r\n+k\r\n*2\r\n:1\r\n:2\r\n+l\r\n~1\r\n+m\r\n,2.5\r\n",
    b"*2\r\n,0.5\r\n,inf\r\n",
    b">2\r\n+msg\r\n:2\r\n+OK\r\n",
    b">0\r\n+OK\r\n",
    b"*1\r\n>1\r\n:2\r\n",
    b"+a\"b\\c\x1b\t\xff\r\n",
    b"-ERR a\"b\\c\x1b\t\xff\r\n",
    b"%1\r\n-ERR x\r\n-ERR y\r\n",
    b"%3\r\n_\r\n_\r\n,1.5\r\n,1.5\r\n#f\r\n~1\r\n#t\r\n",
    b"*3\r\n%0\r\n~0\r\n*0\r\n",
    b"%2\r\n+a\r\n%0\r\n+b\r\n~0\r\n",
    b",0.1\r\n",
    b",10\r\n",
    b",1e-7\r\n",
    b",-0\r\n",
    b",0.30000000000000004\r\n",
    b",Inf\r\n",
    b">2\r\n$10\r\ninvalidate\r\n*2\r\n$1\r\na\r\n$3\r\nb\x1b'\r\n+OK\r\n",
    b">2\r\n$10\r\ninvalidate\r\n_\r\n+OK\r\n",
    b">2\r\n$10\r\ninvalidate\r\n*0\r\n+OK\r\n",
    b"%11\r\n:1\r\n:1\r\n:2\r\n:2\r\n:3\r\n:3\r\n:4\r\n:4\r\n:5\r\n:5\r\n:6\r\n:6\r\n:7\r\n:7\r\n:8\r\n:8\r\n:9\r\n:9\r\n:10\r\n*2\r\n:1\r\n:2\r\n:11\r\n:11\r\n",
];

const STYLES: [(&str, Style); 4] =
    [("--no-raw", Style::Standard), ("--raw", Style::Raw), ("--csv", Style::Csv), ("--json", Style::Json)];

/// Answers every command with the same bytes.
struct FakeServer {
    port: u16,
    reply: Arc<Mutex<Vec<u8>>>,
}

impl FakeServer {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let reply = Arc::new(Mutex::new(Vec::new()));
        let server = Self { port, reply: Arc::clone(&reply) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let reply = reply.lock().expect("no thread panics with it").clone();
                std::thread::spawn(move || serve(stream, &reply));
            }
        });
        server
    }

    /// What redis-cli prints for a reply to a command.
    fn redis_cli(&self, reply: &[u8], flag: &str, command: &[&str]) -> String {
        *self.reply.lock().expect("no thread panics with it") = reply.to_vec();
        let output = support::redis_cli()
            .args(["-p", &self.port.to_string(), "-3", "--show-pushes", "yes", flag])
            .args(command)
            .output()
            .expect("redis-cli runs");
        output.stdout.escape_ascii().to_string()
    }
}

fn serve(stream: TcpStream, reply: &[u8]) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let Some(args) = read_length(&mut reader)? else { return Ok(()) };
        let mut name = Vec::new();
        for at in 0..args {
            let mut arg = vec![0; read_length(&mut reader)?.unwrap_or(0) + 2];
            reader.read_exact(&mut arg)?;
            if at == 0 {
                name = arg;
            }
        }
        let greeted = name.eq_ignore_ascii_case(b"hello\r\n");
        writer.write_all(if greeted { b"%1\r\n+proto\r\n:3\r\n" } else { reply })?;
    }
}

/// The number in a header line; `None` at the end.
fn read_length(reader: &mut impl BufRead) -> std::io::Result<Option<usize>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(line.trim().get(1..).and_then(|number| number.parse().ok()))
}

/// What we print for all that is in these bytes.
fn ours(reply: &[u8], style: Style, command: &[&str]) -> String {
    let mut decoder = Decoder::new(Caps::default());
    let mut buffer = BytesMut::from(reply);
    let mut printed = Vec::new();
    while let Some(value) = decoder.decode(&mut buffer).expect("a well-formed reply") {
        printed.extend(Printer { style, escape: false }.print(&value, is_verbatim(command)));
    }
    assert!(buffer.is_empty(), "the reply is whole");
    printed.escape_ascii().to_string()
}

#[test]
fn every_reply_prints_as_redis_cli_prints_it() {
    let server = FakeServer::start();
    let mut wrong = Vec::new();
    for reply in REPLIES {
        for (flag, style) in STYLES {
            let (theirs, ours) =
                (server.redis_cli(reply, flag, &["get", "a"]), ours(reply, style, &["get", "a"]));
            if theirs != ours {
                let reply = reply.escape_ascii();
                wrong.push(format!("{flag} of {reply}\n  redis-cli {theirs}\n  ours      {ours}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_commands_are_answered_without_quotes() {
    let commands = "info|INFO all|lolwut|debug htstats 0|debug htstats-key k|debug client-eviction|debug object k|\
        memory malloc-stats|memory doctor|memory usage k|cluster nodes|cluster nodes x|cluster info|cluster slots|\
        client list|CLIENT LIST TYPE normal|client info|client id|latency graph e|latency graph|latency doctor|\
        latency doctor x|latency histogram|proxy info|proxy info x|proxy|get info|client";
    let server = FakeServer::start();
    for command in commands.split('|') {
        let command: Vec<&str> = command.split(' ').collect();
        for (flag, style) in [STYLES[0], STYLES[3]] {
            for reply in [&b"*2\r\n$3\r\na\"b\r\n:1\r\n"[..], b"-ERR no\r\n"] {
                assert_eq!(
                    server.redis_cli(reply, flag, &command),
                    ours(reply, style, &command),
                    "{flag} {command:?}"
                );
            }
        }
    }
}

fn blob(mark: char, text: &[u8]) -> Vec<u8> {
    [format!("{mark}{}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
}

/// A random value in its wire form, as servers may send it.
fn any_reply() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        "[+-][ -~]{0,12}".prop_map(|line| format!("{line}\r\n").into_bytes()),
        any::<i64>().prop_map(|number| format!(":{number}\r\n").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..16).prop_map(|text| blob('$', &text)),
        "[ -~\n]{0,16}".prop_map(|text| blob('=', format!("txt:{text}").as_bytes())),
        (-1e9..1e9_f64).prop_map(|number| format!(",{number}\r\n").into_bytes()),
        prop::sample::select(vec![&b"_\r\n"[..], b"#t\r\n", b"#f\r\n", b",inf\r\n", b"$-1\r\n"])
            .prop_map(<[u8]>::to_vec),
    ];
    let key = scalar.clone();
    scalar.prop_recursive(4, 60, 12, move |inner| {
        let pair = (key.clone(), inner.clone()).prop_map(|(key, value)| [key, value].concat());
        let aggregate = |mark: char, items: Vec<Vec<u8>>| {
            [format!("{mark}{}\r\n", items.len()).into_bytes(), items.concat()].concat()
        };
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(move |items| aggregate('*', items)),
            prop::collection::vec(inner, 0..12).prop_map(move |items| aggregate('~', items)),
            prop::collection::vec(pair, 0..12).prop_map(move |pairs| aggregate('%', pairs)),
        ]
    })
}

proptest! {
    // Each case starts redis-cli four times.
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_replies_print_as_redis_cli_prints_them(replies in prop::collection::vec(any_reply(), 8)) {
        // redis-cli prints one reply for a command, so the random ones are the elements of one array.
        let reply = [b"*8\r\n".to_vec(), replies.concat()].concat();
        let server = FakeServer::start();
        for (flag, style) in STYLES {
            let theirs = server.redis_cli(&reply, flag, &["get", "a"]);
            prop_assert_eq!(theirs, ours(&reply, style, &["get", "a"]), "{} of {}", flag, reply.escape_ascii());
        }
    }
}
