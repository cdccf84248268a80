//! `watch` on a terminal, the whole program with real servers and programs that use them.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;
mod watch_support;

use support::RedisServer;
use tty::Tty;
use watch_support::Fleet;
use watch_support::fake::{Fake, bulk, client};

/// The program watching these servers.
fn watching(server: &RedisServer, more: &[&str], columns: u16, rows: u16) -> Tty {
    Tty::pooltop(&[&["watch", &server.url()], more].concat(), columns, rows)
}

/// What a group of Python's begins with.
fn python(fleet: &Fleet) -> String {
    format!("python {}", fleet.pid())
}

/// Ends it with `q`: the terminal is as it was.
fn quit(mut tty: Tty) {
    tty.send("q");
    assert!(tty.end().success(), "{}", tty.text());
    tty.given_back();
}

/// Moves to a row of the list that has the keys.
fn go_to(tty: &mut Tty, words: &str) {
    tty.see(words);
    tty.click(words);
}

#[test]
fn groups_are_opened_filtered_and_their_clients_seen_in_full() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 7);
    let mut tty = watching(&server, &[], 120, 36);
    tty.see("3 clients by process · 2");
    tty.wait_for("the group", |tty| tty.line(&python(&fleet)).is_some_and(|line| line.contains(" 7 ")));
    assert!(tty.line("us: ").is_some(), "{}", tty.text());
    go_to(&mut tty, &python(&fleet));
    tty.send("\r");
    tty.see("clients of process python");
    tty.see("hold-6");
    tty.send("/name:hold-[0-2]$\r");
    tty.see("3 of 7");
    tty.wait("fewer", |text| !text.contains("hold-6"));
    tty.send("\r");
    tty.see("client ");
    tty.see("127.0.0.1:");
    tty.see("fleet.py");
    tty.send("\u{1b}");
    tty.see("3 of 7");
    tty.send("\u{1b}");
    tty.see("hold-6");
    tty.send("gn");
    tty.see("clients by name");
    quit(tty);
}

#[test]
fn a_group_is_closed_by_the_typed_number_and_only_that() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 6);
    let other = Fleet::start(&server, "hold", 4);
    let mut tty = watching(&server, &[], 120, 36);
    go_to(&mut tty, &python(&fleet));
    tty.send("K");
    tty.see("Type 6 to close 6 clients");
    tty.run("yes");
    tty.see("nothing is closed");
    tty.send("K");
    tty.see("Type 6 to close 6 clients");
    tty.run("6");
    tty.see("closed 6");
    tty.wait("the group without them", |text| !text.contains(&python(&fleet)));
    tty.wait_for("the other", |tty| tty.line(&python(&other)).is_some_and(|line| line.contains(" 4 ")));
    let list = server.cli(&["CLIENT", "LIST"]);
    assert_eq!(list.matches("name=hold-").count(), 4, "{list}");
    quit(tty);
}

#[test]
fn who_may_only_read_has_no_key_that_closes() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 3);
    let mut tty = watching(&server, &["--read-only"], 120, 36);
    go_to(&mut tty, &python(&fleet));
    assert!(tty.line("q quit").is_some_and(|footer| !footer.contains("kill")), "{}", tty.text());
    // Were the keys there, the question would stand over what `Enter` opens.
    tty.send("KX\r");
    tty.see("clients of process python");
    assert!(!tty.text().contains("Type "), "{}", tty.text());
    assert_eq!(server.cli(&["CLIENT", "LIST"]).matches("name=hold-").count(), 3);
    quit(tty);
}

#[test]
fn a_server_that_comes_back_with_ids_from_the_start_has_no_old_clients() {
    let mut server = RedisServer::start(&[]);
    let before = Fleet::start(&server, "hold", 5);
    let mut tty = watching(&server, &["--interval", "100ms"], 120, 36);
    tty.see(&python(&before));
    server.kill();
    tty.see("nothing listens");
    tty.see("retry");
    server.restart();
    let after = Fleet::start(&server, "hold", 2);
    tty.wait_for("the new ones", |tty| tty.line(&python(&after)).is_some_and(|line| line.contains(" 2 ")));
    tty.wait("the old ones' end", |text| !text.contains(&python(&before)));
    tty.see("clients 3 of");
    go_to(&mut tty, &python(&after));
    tty.send("K");
    tty.see("Type 2 to close 2 clients");
    tty.run("no");
    tty.see("nothing is closed");
    quit(tty);
}

#[test]
fn a_wrong_password_is_said_on_the_screen_and_nowhere_shown() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let url = format!("redis://:sesame@127.0.0.1:{}", server.port());
    let tty = Tty::pooltop(&["watch", &url], 120, 24);
    tty.see("refuses the password");
    assert!(!tty.written().contains("sesame"), "{}", tty.text());
    quit(tty);
}

#[test]
fn any_size_of_a_terminal_will_do() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 9);
    let tty = watching(&server, &[], 80, 24);
    tty.see(&python(&fleet));
    // Sizes may follow one another faster than anybody asks for them.
    for (columns, rows) in [(20, 5), (80, 24), (3, 2), (200, 50)] {
        tty.resize(columns, rows);
    }
    for (columns, rows, first) in
        [(200, 50, " redis-pooltop watch"), (80, 24, " redis-pooltop watch"), (20, 5, "━ 3 clients")]
    {
        tty.resize(columns, rows);
        let last = if columns == 20 { "? help" } else { "q quit" };
        tty.wait(&format!("{columns} columns"), |text| {
            let lines: Vec<&str> = text.lines().collect();
            let whole = lines.len() == usize::from(rows) && lines[0].starts_with(first);
            let fits = lines.iter().all(|line| line.chars().count() <= columns.into());
            whole && fits && text.contains("python") && lines.last().is_some_and(|line| line.contains(last))
        });
    }
    quit(tty);
    let mut tty = watching(&server, &[], 20, 5);
    tty.see("pytho");
    tty.send("\u{3}\u{3}");
    tty.end();
    tty.given_back();
}

#[test]
fn what_clients_call_themselves_does_nothing_to_the_terminal() {
    const NAME: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    let list = bulk(&[client(1, NAME).as_bytes(), client(2, NAME).as_bytes()].concat());
    let server = Fake::start(move |line| (line == "CLIENT LIST").then(|| list.clone()));
    let mut tty = Tty::pooltop(&["watch", &server.url(), "--group-by", "name"], 120, 36);
    tty.see("owned");
    tty.send("\r");
    tty.see("clients of name");
    tty.send("\r");
    tty.see("10.1.2.3:1000");
    tty.send("g/owned\r");
    let written = tty.written();
    for bad in ["\u{1b}]0;owned", "\u{9b}", "\u{202e}"] {
        assert!(!written.contains(bad), "{bad:?} in {written:?}");
    }
    tty.send("\u{3}\u{3}");
    tty.end();
    tty.given_back();
}

#[test]
fn a_program_that_ends_is_gone_and_said_so() {
    let server = RedisServer::start(&[]);
    let fleet = Fleet::start(&server, "hold", 8);
    let mut tty = watching(&server, &["--interval", "100ms"], 120, 36);
    go_to(&mut tty, &python(&fleet));
    tty.send("\r\r");
    tty.see("fleet.py");
    let name = python(&fleet);
    drop(fleet);
    tty.see("it is not connected any more");
    tty.send("\u{1b}");
    tty.see("8 closed");
    tty.wait_for("no such group", |tty| !tty.line(&name).is_some_and(|line| line.contains(" 8 ")));
    quit(tty);
}
