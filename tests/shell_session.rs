//! What a person's session keeps across the connections it loses: the database, the right to be there, and the word on
//! what is gone.

mod support;
#[allow(dead_code, unreachable_pub, reason = "the screen's tests use the rest of it")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

use support::{RedisServer, pooltop, wait_for};
use tty::Tty;

/// What a shell printed of these lines on a server, and what it said beside them.
fn run(url: &str, lines: &str) -> (String, String) {
    let mut child = pooltop()
        .args(["shell", "-u", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(lines.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn ctrl_c_on_a_command_leaves_the_database_as_it_was() {
    let server = RedisServer::start(&[]);
    let mut tty = Tty::pooltop(&["shell", "-u", &server.url()], 100, 24);
    let prompt = |tty: &Tty, part: &str| {
        tty.wait_for("the prompt", |tty| {
            let row = tty.cursor_row();
            row.trim_end().ends_with('>') && row.contains(part)
        });
    };
    prompt(&tty, "");
    tty.run("SELECT 3");
    prompt(&tty, "[3]#1");
    tty.run("BLPOP queue 0");
    wait_for("the program at work", || server.cli(&["CLIENT", "LIST"]).contains("cmd=blpop").then_some(()));
    tty.send("\u{3}");
    prompt(&tty, "[3]>");
    tty.run("SET a 1");
    prompt(&tty, "[3]#2");
    assert_eq!(server.cli(&["-n", "3", "EXISTS", "a"]), "1");
    // A transaction does not outlive its connection, and that is said.
    tty.run("MULTI");
    prompt(&tty, "[3](TX)");
    tty.run("POOL RESET");
    tty.see("#2 is gone: the transaction is gone");
    prompt(&tty, "[3]>");
    tty.run("SELECT 0");
    // One look at both: between two prompts the row is empty, and Ctrl-D is the terminal's own.
    tty.wait_for("the prompt in the first database", |tty| {
        let row = tty.cursor_row();
        row.trim_end().ends_with('>') && !row.contains("[3]")
    });
    tty.send("\u{4}");
    assert!(tty.end().success(), "{}", tty.text());
}

#[test]
fn a_new_connection_in_its_place_takes_the_database_over() {
    let server = RedisServer::start(&[]);
    let (printed, said) = run(
        &server.url(),
        "SELECT 3\nPOOL RESET\nSET a 1\nCLIENT KILL TYPE normal SKIPME no\nGET a\nPOOL RELEASE ALL\nGET a\n",
    );
    assert!(printed.starts_with("OK\ndropped 1 connection\nOK\n"), "{printed}");
    assert!(printed.contains("\n1\n") && printed.ends_with("\n\n"), "{printed}: {said}");
    assert_eq!(server.cli(&["-n", "3", "GET", "a"]), "1");
    assert_eq!(server.cli(&["-n", "0", "EXISTS", "a"]), "0");
}

#[test]
fn a_password_that_changed_is_taken_from_auth() {
    // The pool has no connection left, and what it knows is not enough for another.
    let server = RedisServer::start(&[]);
    let (printed, said) = run(
        &server.url(),
        "CONFIG SET requirepass new\nPOOL RESET\nAUTH s3cret-wrong\nAUTH new\nPING\nPOOL WARMUP 3\n",
    );
    assert!(printed.ends_with("OK\nPONG\nopened 2 connections\n"), "{printed}: {said}");
    assert!(said.contains("refuses the password") && !said.contains("s3cret"), "{said}");
    // It still has one, but could open no other.
    let server = RedisServer::start(&[]);
    let (printed, said) = run(&server.url(), "CONFIG SET requirepass new\nAUTH new\nPOOL HOLD 2\n");
    assert!(printed.contains("holds #"), "{printed}: {said}");
    assert!(said.contains("from now on"), "{said}");
}

#[test]
fn another_users_auth_is_its_connections_affair() {
    let server = RedisServer::start(&[]);
    server.cli(&["ACL", "SETUSER", "ada", "on", ">pw", "+@all", "~*"]);
    let (printed, said) = run(&server.url(), "AUTH ada pw\nACL WHOAMI\nPOOL RELEASE ALL\nACL WHOAMI\n");
    assert_eq!(printed, "OK\nada\ndefault\n", "{said}");
    assert!(!said.contains("from now on"), "{said}");
}

/// Greets as Redis does and answers every PING twice, and with `closes` hangs up after it; its URL.
fn answers_twice(closes: bool) -> String {
    const HELLO: &[u8] = b"*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n";
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = server.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut asked) {
                    let words = String::from_utf8_lossy(&asked[..read]).to_uppercase();
                    let commands = words.matches('*').count();
                    let ping = words.contains("PING");
                    let answer = match () {
                        () if ping => b"+PONG\r\n+TWICE\r\n".to_vec(),
                        () if words.contains("HELLO") => [HELLO, &b"+OK\r\n".repeat(commands - 1)].concat(),
                        () => b"+OK\r\n".repeat(commands),
                    };
                    if stream.write_all(&answer).is_err() || (ping && closes) {
                        return;
                    }
                }
            });
        }
    });
    format!("redis://127.0.0.1:{port}")
}

#[test]
fn a_held_connection_that_broke_is_named() {
    let (_, said) = run(&answers_twice(false), "POOL HOLD 1\n#1 PING\n#1 PING\n");
    assert!(said.contains("a reply that no command asked for"), "{said}");
    assert!(said.contains("#1 is gone"), "{said}");
}

#[test]
fn nothing_is_released_that_cannot_be_lent_again() {
    for closes in [false, true] {
        let (printed, said) = run(&answers_twice(closes), "POOL HOLD 1\n#1 PING\nPOOL RELEASE 1\n");
        assert!(!printed.contains("released"), "{printed}");
        assert!(said.contains("#1 is closed, not") || said.contains("#1 is dropped, not"), "{said}");
    }
}
