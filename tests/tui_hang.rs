//! The screen on servers that hang, stop in the middle of a reply, or never stop talking: keys and panes stay alive.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::BytesMut;
use redis_pooltop::resp::{Caps, Decoder, Value};
use support::wait_for;
use tty::Tty;

/// A server that greets, and then does what each command is told to be answered with. It ends with the test.
fn server(answer: fn(&mut TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answer));
        }
    });
    url
}

fn serve(mut stream: TcpStream, answer: fn(&mut TcpStream)) {
    let mut decoder = Decoder::new(Caps::default());
    let mut buffer = BytesMut::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        buffer.extend_from_slice(&chunk[..read]);
        while let Ok(Some(Value::Array(words))) = decoder.decode(&mut buffer) {
            let words = words.iter().map(|word| String::from_utf8_lossy(word.text().unwrap_or_default()));
            let words: Vec<String> = words.map(|word| word.to_uppercase()).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            // An end of the connection while it is answered is the end of this thread too, at the next read.
            let said: &[u8] = match words.as_slice() {
                ["CLIENT", "ID"] => b":7\r\n",
                ["CLIENT" | "SELECT", ..] => b"+OK\r\n",
                ["PING"] => b"+PONG\r\n",
                ["INFO", ..] => b"$0\r\n\r\n",
                ["COMMAND" | "HELLO", ..] => b"-ERR unknown command\r\n",
                _ => {
                    answer(&mut stream);
                    b""
                }
            };
            let _ = stream.write_all(said);
        }
    }
}

/// Types and moves about while a command hangs, and ends it.
fn stays_alive(tty: &mut Tty) {
    tty.see("Ctrl-C cancels");
    tty.send("\u{1b}1");
    tty.see("━ 1 pool");
    tty.wait_for("its connection in use", |tty| {
        tty.line("in use").is_some_and(|line| line.contains(" 1 of "))
    });
    tty.send("q");
    tty.see("━ 7 shell");
    tty.send("\u{3}");
    tty.see("cancelled");
    tty.wait_for("none in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 0 of ")));
    tty.run("PING");
    tty.see("PONG");
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn a_server_that_says_nothing_holds_up_no_key() {
    let url = server(|_| {});
    let mut tty = Tty::pooltop(&[&url, "--socket-timeout", "0"], 80, 24);
    tty.see("live ");
    tty.run("GET a");
    stays_alive(&mut tty);
}

#[test]
fn a_server_that_stops_within_a_reply_holds_up_no_key() {
    let url = server(|stream| {
        let _ = stream.write_all(b"*3\r\n$5\r\nfirst\r\n$1000000\r\nand then");
    });
    let mut tty = Tty::pooltop(&[&url, "--socket-timeout", "0"], 80, 24);
    tty.see("live ");
    tty.run("LRANGE list 0 -1");
    stays_alive(&mut tty);
}

#[test]
fn a_server_that_never_stops_talking_holds_up_no_key() {
    let url = server(|stream| {
        let _ = stream.write_all(b"+OK\r\n");
        let line = format!("+1.0 [0 127.0.0.1:1] \"SET\" \"{}\"\r\n", "x".repeat(20)).repeat(1_000);
        while stream.write_all(line.as_bytes()).is_ok() {}
    });
    let mut tty = Tty::pooltop(&[&url], 80, 24);
    tty.see("live ");
    tty.run("MONITOR");
    tty.wait("the flood", |text| text.matches("[1] 1.0 [0").count() > 3);
    tty.send("KI");
    tty.see("> KI");
    tty.send("\u{1b}[5~");
    tty.see("lines below");
    tty.wait_for("the panes at work", |tty| {
        tty.line("job 1 MONITOR").is_some_and(|line| line.contains("busy"))
    });
    tty.send("LL 1\r");
    tty.see("[1] ended (cancelled) after ");
    tty.run("PING");
    tty.see("PONG");
    tty.send("\u{4}");
    assert!(tty.end().success());
}

#[test]
fn a_terminal_that_takes_nothing_keeps_no_signal_from_ending_the_screen() {
    let url = server(|stream| {
        let _ = stream.write_all(b"+OK\r\n");
        let mut line = 0_u64;
        // No two frames alike, nor two rows of one.
        while (0..200).all(|_| {
            line += 7_919;
            stream.write_all(format!("+1.0 [0 x] \"GET\" \"{line}\"\r\n").as_bytes()).is_ok()
        }) {}
    });
    for (name, code) in [("TERM", 143), ("HUP", 129)] {
        let mut tty = Tty::pooltop(&[&url], 200, 60);
        tty.see("live ");
        let status = tty.unread(|tty| {
            tty.run("MONITOR");
            wait_for("a terminal that takes no more", || tty.is_full().then_some(()));
            tty.signal(name);
            wait_for("the end", || tty.status())
        });
        assert_eq!(status.exit_code(), code, "{name}");
        tty.settings_given_back();
    }
}

/// A server that takes connections and says nothing; it ends with what is returned.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port().to_string();
    (listener, port)
}

#[test]
fn a_server_that_says_nothing_is_waited_for_on_the_screen_and_can_be_left() {
    let (_listener, port) = mute();
    for (key, code) in [("\u{3}", 130), ("\u{4}", 0), ("q", 0)] {
        let mut tty = Tty::pooltop(&["-p", &port, "--socket-connect-timeout", "1h"], 80, 24);
        tty.see(&format!("connecting to 127.0.0.1:{port}, "));
        assert!(tty.taken());
        tty.send(key);
        assert_eq!(tty.end().exit_code(), code);
        tty.given_back();
    }
    let mut tty = Tty::pooltop(&["-p", &port, "--socket-connect-timeout", "1h"], 80, 24);
    tty.see("connecting to");
    tty.signal("TERM");
    assert_eq!(tty.end().exit_code(), 143);
    tty.given_back();
}

#[test]
fn a_server_that_never_answers_is_told_of_on_the_terminal_as_it_was() {
    let (_listener, port) = mute();
    let mut tty = Tty::pooltop(&["-p", &port, "--socket-connect-timeout", "300ms"], 80, 24);
    assert_eq!(tty.end().exit_code(), 3);
    tty.given_back();
    tty.see("did not answer within");
    assert!(!tty.text().contains("connecting to"), "{}", tty.text());
}

#[test]
fn a_server_that_greets_late_has_its_screen_in_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port().to_string();
    let mut tty = Tty::pooltop(&["-p", &port], 80, 24);
    tty.see("connecting to");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, |_| {}));
        }
    });
    tty.see("created 0");
    tty.run("QUIT");
    assert!(tty.end().success());
    tty.given_back();
}
