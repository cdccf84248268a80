//! What we print is what the real redis-cli prints, byte for byte, over a table of replies served by a fake server.

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use bytes::BytesMut;
use redis_pooltop::resp::print::{Printer, Style};
use redis_pooltop::resp::{Caps, Decoder};

/// Replies as a server sends them. `GET 3` asks the fake server for the fourth.
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
    b"%11\r\n:1\r\n:1\r\n:2\r\n:2\r\n:3\r\n:3\r\n:4\r\n:4\r\n:5\r\n:5\r\n:6\r\n:6\r\n:7\r\n:7\r\n:8\r\n:8\r\n:9\r\n:9\r\n:10\r\n*2\r\n:1\r\n:2\r\n:11\r\n:11\r\n",
];

fn serve(stream: TcpStream, replies: &[&[u8]]) -> std::io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut args: Vec<Vec<u8>> = Vec::new();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        for _ in 0..line.trim()[1..].parse::<usize>().unwrap_or(0) {
            line.clear();
            reader.read_line(&mut line)?;
            let mut arg = vec![0; line.trim()[1..].parse::<usize>().unwrap_or(0) + 2];
            reader.read_exact(&mut arg)?;
            arg.truncate(arg.len() - 2);
            args.push(arg);
        }
        let asked = std::str::from_utf8(args.last().map_or(b"", Vec::as_slice))
            .ok()
            .and_then(|n| n.parse::<usize>().ok());
        match (args[0].to_ascii_lowercase().as_slice(), asked) {
            (b"get" | b"info", Some(at)) => writer.write_all(replies[at])?,
            (b"hello", _) => writer.write_all(b"%1\r\n+proto\r\n:3\r\n")?,
            _ => writer.write_all(b"*0\r\n")?,
        }
    }
}

fn fake_server(replies: &'static [&'static [u8]]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let replies = Arc::new(replies);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let replies = Arc::clone(&replies);
            std::thread::spawn(move || serve(stream, &replies));
        }
    });
    port
}

fn ours(reply: &[u8], style: Style, verbatim: bool) -> Vec<u8> {
    let value = Decoder::new(Caps::default())
        .decode(&mut BytesMut::from(reply))
        .expect("a well-formed reply")
        .expect("a whole reply");
    Printer { style, escape: false }.print(&value, verbatim)
}

fn theirs(port: u16, flags: &[&str], command: &str, at: usize) -> Vec<u8> {
    let output = support::redis_cli()
        .args(["-p", &port.to_string(), "-3"])
        .args(flags)
        .args([command, &at.to_string()])
        .output()
        .expect("redis-cli runs");
    output.stdout
}

fn compare(replies: &'static [&'static [u8]], styles: &[(&str, Style)]) {
    let port = fake_server(replies);
    let mut wrong = Vec::new();
    for (at, reply) in replies.iter().enumerate() {
        for (flag, style) in styles {
            let (theirs, ours) = (theirs(port, &[flag], "get", at), ours(reply, *style, false));
            if theirs != ours {
                let (reply, theirs, ours) =
                    (reply.escape_ascii(), theirs.escape_ascii(), ours.escape_ascii());
                wrong.push(format!("{flag} of {reply}\n  redis-cli {theirs}\n  ours      {ours}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_reply_prints_as_redis_cli_prints_it() {
    let styles = [
        ("--no-raw", Style::Standard),
        ("--raw", Style::Raw),
        ("--csv", Style::Csv),
        ("--json", Style::Json),
    ];
    compare(REPLIES, &styles);
}

#[test]
fn a_report_for_people_is_printed_as_it_is() {
    let port = fake_server(REPLIES);
    for at in [0, 7, 11, 12, 28] {
        let theirs = theirs(port, &["--no-raw"], "info", at);
        assert_eq!(
            theirs.escape_ascii().to_string(),
            ours(REPLIES[at], Style::Standard, true).escape_ascii().to_string()
        );
    }
}
