//! The line shell in a pseudo-terminal: signals, Ctrl-C and Ctrl-Z, and the terminal given back on every way out.

mod support;
#[allow(dead_code, unreachable_pub, reason = "the screen's tests use the rest of it")]
#[path = "tui_support/tty.rs"]
mod tty;

use support::{RedisServer, wait_for};
use tty::Tty;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_Z: &str = "\u{1a}";

/// The shell on the embedded server, once it reads.
fn shell() -> Tty {
    let tty = Tty::pooltop(&["shell", "--demo"], 80, 24);
    prompt(&tty);
    tty
}

/// Waits until the last line is the prompt and nothing else: the editor reads.
fn prompt(tty: &Tty) {
    tty.wait("the prompt", |text| {
        text.trim_end().lines().last().is_some_and(|line| line.trim_end().ends_with('>'))
    });
}

/// Runs a line and waits for the answer and the next prompt.
fn run(tty: &mut Tty, line: &str, answer: &str) {
    tty.run(line);
    tty.see(answer);
    prompt(tty);
}

/// Leaves as a person does.
fn leave(mut tty: Tty) {
    prompt(&tty);
    tty.send(CTRL_D);
    assert!(tty.end().success(), "{}", tty.text());
    tty.given_back();
}

#[test]
fn a_signal_at_the_prompt_gives_the_terminal_back() {
    for (name, code) in [("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
        let mut tty = shell();
        tty.send("half a li");
        tty.see("half a li");
        tty.signal(name);
        assert_eq!(tty.end().exit_code(), code, "{name}");
        tty.given_back();
    }
}

#[test]
fn a_terminal_that_nobody_reads_holds_up_no_signal() {
    for (name, code) in [("TERM", 143), ("HUP", 129)] {
        let mut tty = shell();
        let status = tty.unread(|tty| {
            tty.run("9 COMMAND DOCS");
            wait_for("a terminal that takes no more", || tty.is_full().then_some(()));
            tty.signal(name);
            wait_for("the end", || tty.status())
        });
        assert_eq!(status.exit_code(), code, "{name}");
    }
}

#[test]
fn a_pager_gets_nothing_that_the_terminal_would_obey() {
    let mut tty = shell();
    // Some pass on all that they read.
    let more = tty.home().join("more");
    std::fs::write(&more, "#!/bin/sh\ncat\n").expect("a script");
    std::fs::set_permissions(&more, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    for (command, obeyed) in [("more", false), ("cat", true)] {
        let run_it = if obeyed { "cat" } else { "./more" };
        let line = format!(r#"ECHO "{command} \x1b]0;evil-{command}\x07" | {run_it}"#);
        run(&mut tty, &line, &format!("\n{command} "));
        // What a program prints that is no pager is what the person has it print, every byte.
        assert_eq!(
            tty.written().contains(&format!("\u{1b}]0;evil-{command}")),
            obeyed,
            "{:?}",
            tty.written()
        );
    }
    assert!(tty.text().contains("\nmore \\x1b]0;evil-more\\x07"), "{}", tty.text());
    leave(tty);
}

#[test]
fn a_signal_at_a_question_or_during_a_command_gives_the_terminal_back() {
    let mut asked = shell();
    asked.run("FLUSHALL");
    asked.see("[y/N]");
    let mut running = shell();
    running.run("BLPOP queue 0");
    running.wait_for("the terminal without the editor", |tty| !tty.pastes_in_brackets());
    for mut tty in [asked, running] {
        tty.signal("TERM");
        assert_eq!(tty.end().exit_code(), 143, "{}", tty.text());
        tty.given_back();
    }
}

#[test]
fn ctrl_c_at_the_prompt_drops_the_line_and_twice_on_an_empty_one_ends() {
    let mut tty = shell();
    tty.send("SET a dropped");
    tty.see("dropped");
    tty.send(CTRL_C);
    prompt(&tty);
    run(&mut tty, "EXISTS a", "(integer) 0");
    // The signal from outside means what the key means.
    tty.signal("INT");
    tty.see("Ctrl-C again");
    prompt(&tty);
    tty.send(CTRL_C);
    assert!(tty.end().success(), "{}", tty.text());
    tty.given_back();
}

#[test]
fn lines_typed_ahead_are_run_in_their_order() {
    let mut tty = shell();
    tty.send("PING\rECHO first\rECHO second\r");
    tty.wait("the last answer", |text| text.lines().any(|line| line == "\"second\""));
    let text = tty.text();
    let at = |line: &str| text.lines().position(|shown| shown == line).unwrap_or_else(|| panic!("{text}"));
    assert!(at("PONG") < at("\"first\"") && at("\"first\"") < at("\"second\""), "{text}");
    leave(tty);
}

/// Whoever typed that had not read the question.
#[test]
fn what_was_typed_before_a_question_stood_there_answers_nothing() {
    let mut tty = shell();
    run(&mut tty, "SET a 1", "OK");
    tty.send("FLUSHALL\ry\rECHO lost\r");
    tty.see("[y/N]");
    tty.send("n\r");
    tty.see("not run");
    prompt(&tty);
    run(&mut tty, "EXISTS a", "(integer) 1");
    assert!(!tty.text().contains("lost"), "{}", tty.text());
    // The editor is as it was.
    tty.send("\u{1b}[A");
    tty.wait("the line before again", |text| text.matches("> EXISTS a").count() == 2);
    tty.send("\r");
    leave(tty);
}

#[test]
fn a_terminal_without_a_cursor_to_move_has_its_lines_read_as_they_come() {
    for term in ["dumb", "cons25"] {
        let mut tty = job(&format!("TERM={term} $program shell --demo"));
        prompt(&tty);
        run(&mut tty, "SET a 1", "OK");
        tty.run("FLUSHALL");
        tty.see("[y/N]");
        tty.send("y\r");
        prompt(&tty);
        run(&mut tty, "EXISTS a", "(integer) 0");
        tty.send(CTRL_D);
        tty.wait("bash again", |text| text.trim_end().ends_with("ready>"));
        bash_says(&mut tty, "echo code $?", "code 0");
    }
}

#[test]
fn bytes_that_are_no_text_end_neither_the_session_nor_what_it_holds() {
    let mut tty = shell();
    run(&mut tty, "POOL HOLD 1", "holds #1");
    tty.send_bytes(b"ECHO caf\xe9 lost\r");
    tty.see("not UTF-8");
    // What came before it is there again, and nothing was run.
    tty.wait("the line again", |text| text.trim_end().ends_with("> ECHO caf"));
    tty.send("\r");
    tty.see("\"caf\"");
    prompt(&tty);
    run(&mut tty, "POOL RELEASE 1", "released #1");
    tty.run("FLUSHALL");
    tty.see("[y/N]");
    tty.send_bytes(b"y\xff\r");
    tty.see("not run");
    leave(tty);
}

#[test]
fn all_but_a_yes_is_a_no_and_the_program_goes_on() {
    for no in [CTRL_C, CTRL_D, "n\r", "\r", "yesterday\r"] {
        // The first thing in the program's life: nothing has listened to Ctrl-C before.
        let mut tty = shell();
        tty.run("FLUSHALL");
        tty.see("[y/N]");
        tty.send(no);
        tty.see("not run");
        prompt(&tty);
        run(&mut tty, "ECHO on", "\"on\"");
        leave(tty);
    }
}

#[test]
fn a_signal_from_outside_is_a_no_as_well() {
    let mut tty = shell();
    tty.run("FLUSHALL");
    tty.see("[y/N]");
    tty.signal("INT");
    tty.see("not run");
    leave(tty);
}

#[test]
fn the_keys_are_counted_where_the_command_would_run_and_not_as_the_persons() {
    let server = RedisServer::start(&[]);
    server.cli(&["-n", "2", "DEBUG", "POPULATE", "100001"]);
    let mut tty = Tty::pooltop(&["shell", "-u", &server.url()], 100, 120);
    prompt(&tty);
    run(&mut tty, "SELECT 2", "OK");
    tty.run("KEYS *");
    tty.see("KEYS looks at 100,001 keys and");
    tty.send("n\r");
    tty.see("not run");
    prompt(&tty);
    run(&mut tty, "POOL STATS", "commands:1");
    tty.run("#1 SELECT 0");
    tty.wait_for("the pool's database", |tty| !tty.cursor_row().contains("[2]"));
    prompt(&tty);
    run(&mut tty, "KEYS *", "(empty array)");
    run(&mut tty, "POOL STATS", "checkouts:2");
    leave(tty);
}

#[test]
fn a_yes_is_a_yes_and_is_no_line_to_be_found_again() {
    let mut tty = shell();
    run(&mut tty, "SET a 1", "OK");
    tty.run("FLUSHALL");
    tty.see("[y/N]");
    tty.send("Yes\r");
    tty.wait("the answer", |text| text.matches("OK").count() == 2);
    prompt(&tty);
    tty.send("\u{1b}[A\u{1b}[A\r");
    tty.wait("the line before again", |text| text.matches("SET a 1").count() == 2);
    leave(tty);
}

#[test]
fn ctrl_c_ends_the_command_that_runs_and_not_the_program() {
    let server = RedisServer::start(&[]);
    let mut tty = Tty::pooltop(&["shell", &server.url()], 80, 24);
    prompt(&tty);
    for _ in 0..2 {
        tty.run("BLPOP queue 0");
        at_work(&server, &tty);
        tty.send(CTRL_C);
        prompt(&tty);
        support::wait_for("the end of it", || {
            (!server.cli(&["CLIENT", "LIST"]).contains("cmd=blpop")).then_some(())
        });
    }
    run(&mut tty, "PING", "PONG");
    leave(tty);
}

/// Waits until the program is in the middle of what it was asked for.
fn at_work(server: &RedisServer, tty: &Tty) {
    support::wait_for("the program at work", || {
        let clients = server.cli(&["CLIENT", "LIST"]);
        let last = |command| clients.lines().any(|line| line.contains(command));
        (last("cmd=blpop") || last("cmd=info") || tty.text().contains("PONG")).then_some(())
    });
}

/// A shell with job control, in which the program runs as a person starts it.
fn bash(arguments: &str) -> Tty {
    job(&format!("$program {arguments}"))
}

/// A shell with job control, whose job is this line.
fn job(line: &str) -> Tty {
    let mut tty = Tty::start("bash", &["--norc", "--noprofile", "-i"], 80, 24);
    tty.run(&format!("PS1='ready> '; program={}; {line}", env!("CARGO_BIN_EXE_redis-pooltop")));
    tty
}

/// Waits until bash shows this.
fn bash_says(tty: &mut Tty, line: &str, answer: &str) {
    tty.run(line);
    tty.see(answer);
}

#[test]
fn ctrl_z_at_the_prompt_and_during_a_command_and_fg_come_back() {
    let mut tty = bash("shell --demo");
    tty.see("127.0.0.1:");
    prompt(&tty);
    tty.send("ECHO ke");
    tty.see("ECHO ke");
    tty.send(CTRL_Z);
    tty.see("Stopped");
    bash_says(&mut tty, "echo first $((40 + 2))", "first 42");
    tty.run("fg");
    // What was typed is there again, and keys are the editor's.
    tty.wait("the line again", |text| text.trim_end().ends_with("ECHO ke"));
    tty.send("pt\u{1}\u{5}\r");
    tty.see("\"kept\"");
    prompt(&tty);
    tty.run("BLPOP queue 0");
    tty.wait("the line", |text| text.contains("BLPOP queue 0"));
    tty.wait_for("the terminal without the editor", |tty| !tty.pastes_in_brackets());
    tty.send(CTRL_Z);
    tty.wait("the second stop", |text| text.matches("Stopped").count() == 2);
    bash_says(&mut tty, "echo second $((40 + 3))", "second 43");
    tty.run("fg");
    tty.wait("the command again", |text| text.trim_end().ends_with("shell --demo"));
    tty.send(CTRL_C);
    prompt(&tty);
    run(&mut tty, "ECHO after", "\"after\"");
    tty.send(CTRL_D);
    tty.wait("bash again", |text| text.trim_end().ends_with("ready>"));
    bash_says(&mut tty, "echo code $?", "code 0");
}

#[test]
fn ctrl_z_stops_the_script_that_started_it_as_well() {
    let mut tty = job("bash -c \"$program shell --demo; true\"");
    tty.see("127.0.0.1:");
    prompt(&tty);
    tty.send(CTRL_Z);
    tty.see("Stopped");
    tty.run("fg");
    tty.wait("the prompt again", |text| text.matches("127.0.0.1:").count() == 2);
    run(&mut tty, "PING", "PONG");
}

#[test]
fn a_stopped_shell_can_be_continued_in_the_background_and_ended_there() {
    // bash continues what it sends this signal to. A program that took the terminal then would be stopped once more.
    for before in ["", "bg;"] {
        let mut tty = bash("shell --demo");
        tty.see("127.0.0.1:");
        prompt(&tty);
        tty.send(CTRL_Z);
        tty.see("Stopped");
        // 148 and 150 are jobs that are stopped.
        let ended = "while wait %1 2>/dev/null; code=$?; [ $code = 148 -o $code = 150 ]; do :; done";
        tty.run(&format!("{before} kill %1; {ended}; echo code $code"));
        tty.see("code 143");
        bash_says(&mut tty, "echo still $((40 + 2))", "still 42");
    }
}

#[test]
fn ctrl_c_where_it_ends_the_program_is_130() {
    let server = RedisServer::start(&[]);
    for arguments in ["shell URL BLPOP queue 0", "shell -r 2 -i 3600 URL PING", "--once --duration 1h URL"] {
        let mut tty = bash(&arguments.replace("URL", &server.url()));
        at_work(&server, &tty);
        tty.send(CTRL_C);
        bash_says(&mut tty, "echo code $?", "code 130");
        assert!(!tty.text().contains("panicked"), "{}", tty.text());
    }
}

#[test]
fn a_person_is_told_how_long_a_slow_command_took_and_how_a_shell_command_ended() {
    let mut tty = shell();
    tty.run("BLPOP queue 0.6");
    tty.wait("how long it took", |text| {
        let shown = text.lines().find(|line| line.starts_with("(0.") || line.starts_with("(1."));
        shown.is_some_and(|line| line.trim_end().ends_with("s)"))
    });
    prompt(&tty);
    run(&mut tty, "PING", "PONG");
    assert_eq!(tty.text().matches("s)\n").count(), 1, "{}", tty.text());
    run(&mut tty, "PING | exit 3", "the command after | ended with 3");
    run(&mut tty, "#9 PING", "error: #9 is not held here");
    leave(tty);
}

#[test]
fn a_shell_command_behind_a_bar_has_the_terminal_and_its_ctrl_c() {
    let mut tty = Tty::pooltop(&["shell", "--demo"], 80, 24);
    prompt(&tty);
    run(&mut tty, "RPUSH list one two", "(integer) 2");
    tty.run("LRANGE list 0 -1 | tail -n 1; test -t 1 && echo on a $((40 + 2)) terminal");
    tty.see("on a 42 terminal");
    prompt(&tty);
    tty.run(
        "PING | sh -c 'trap \"echo it is $((40 + 3)); exit\" INT; cat; echo wait; while :; do sleep 1; done'",
    );
    tty.wait("the wait", |text| text.lines().any(|line| line == "wait"));
    tty.send(CTRL_C);
    tty.see("it is 43");
    prompt(&tty);
    run(&mut tty, "ECHO alive", "\"alive\"");
    leave(tty);
}

#[test]
fn a_signal_while_another_has_the_terminal_ends_that_one_and_gives_the_terminal_back() {
    let script = r#"echo "$1" >file; echo $$ >pid; printf '\033[?1049h\033[?1h\033='; stty raw -echo
        while :; do sleep 0.05; done"#;
    let visual = format!("VISUAL=sh -c '{}' sh", script.replace('\'', r"'\''"));
    for (line, name, code) in [
        ("SET a 1\u{18}\u{5}".to_owned(), "TERM", 143),
        (format!("PING | {}\r", script.replace('\n', ";")), "HUP", 129),
    ] {
        let mut tty =
            Tty::start("env", &[&visual, env!("CARGO_BIN_EXE_redis-pooltop"), "shell", "--demo"], 80, 24);
        prompt(&tty);
        tty.send(&line);
        tty.noted("pid");
        tty.wait_for("the other's modes", Tty::keypad);
        tty.signal("QUIT");
        tty.signal(name);
        assert_eq!(tty.end().exit_code(), code, "{name}: {}", tty.text());
        tty.given_back();
        tty.ended("pid");
        let file = tty.noted("file");
        assert!(file.is_empty() || !std::path::Path::new(&file).exists(), "{file} is still there");
    }
}

#[test]
fn no_shell_command_behind_a_bar_outlives_the_program() {
    let mut tty = shell();
    tty.run("SUBSCRIBE c | sh -c 'echo $$ >pid; trap \"\" HUP TERM; while :; do sleep 0.05; done' &");
    tty.noted("pid");
    prompt(&tty);
    tty.send(CTRL_D);
    assert!(tty.end().success(), "{}", tty.text());
    tty.given_back();
    tty.ended("pid");
}

#[test]
fn the_password_prompt_gives_the_terminal_back() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let ask = || {
        let tty = Tty::pooltop(&["shell", &server.url(), "--askpass"], 80, 24);
        tty.see("Please input password: ");
        tty
    };
    let mut tty = ask();
    tty.send(CTRL_C);
    assert_eq!(tty.end().exit_code(), 130);
    tty.given_back();
    let mut tty = ask();
    tty.signal("TERM");
    assert_eq!(tty.end().exit_code(), 143);
    tty.given_back();
    let mut tty = ask();
    tty.send("right\r");
    prompt(&tty);
    run(&mut tty, "PING", "PONG");
    assert!(!tty.text().contains("right"), "{}", tty.text());
    leave(tty);
}

#[test]
fn help_goes_on_below_itself_where_the_terminal_is_narrow() {
    let mut tty = Tty::pooltop(&["shell", "--demo"], 60, 24);
    tty.run("HELP LPOP");
    tty.see("  complexity: O(N)");
    let text = tty.text();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("  summary: ")).expect(&text);
    assert!(lines[at + 1].starts_with("    ") && !lines[at + 1].starts_with("     "), "{text}");
    assert!(lines[at..].iter().all(|line| !line.starts_with(|c: char| c.is_lowercase())), "{text}");
    leave(tty);
}

#[test]
fn a_pinned_connection_that_died_is_never_taken_for_the_transaction() {
    let server = RedisServer::start(&[]);
    let mut tty = Tty::pooltop(&["shell", "-u", &server.url()], 100, 24);
    let pinned = |tty: &Tty| tty.cursor_row().contains("(TX)#");
    let kill = || assert_ne!(server.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]), "0");
    prompt(&tty);
    // Nobody typed since it died: what is typed now was meant for the transaction.
    tty.run("MULTI");
    tty.wait_for("the pin", pinned);
    kill();
    run(&mut tty, "SET a 1", "not sent: #1 closed by the server: the transaction is gone");
    assert!(!pinned(&tty), "{}", tty.text());
    assert_eq!(server.cli(&["EXISTS", "a"]), "0");
    // Something else was asked first: the next prompt tells.
    tty.run("MULTI");
    tty.wait_for("the pin", pinned);
    kill();
    run(&mut tty, "HELP QUIT", "#2 closed by the server: the transaction is gone");
    assert!(!pinned(&tty), "{}", tty.text());
    leave(tty);
}

/// A profile that is careful: its name is in the prompt, in red, and a dangerous command wants it typed.
#[test]
fn a_careful_profile_is_red_and_wants_its_name_typed() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "[profile.production]\nprompt = \"red\"\nconfirm = \"typed\"\n").expect("a file");
    let config = file.to_str().expect("a name");
    let mut tty = Tty::pooltop(&["shell", "--demo", "--config", config, "--profile", "production"], 80, 24);
    prompt(&tty);
    assert!(tty.cursor_row().starts_with("production 127.0.0.1:"), "{}", tty.text());
    assert!(tty.written().contains("\u{1b}[1;31mproduction "), "{:?}", tty.written());
    run(&mut tty, "SET a 1", "OK");
    for (answer, said) in [
        ("y", "not run: \"y\" is not the profile's name"),
        ("productio", "not run: \"productio\" is not the profile's name"),
        ("", "not run"),
        ("production", "OK"),
    ] {
        tty.run("FLUSHALL");
        tty.see("Run it? Type production:");
        run(&mut tty, answer, said);
        tty.run("CLEAR");
        // What is typed before a question stands there answers nothing.
        tty.wait("an empty screen", |text| !text.contains("Run it?"));
        prompt(&tty);
    }
    run(&mut tty, "DBSIZE", "(integer) 0");
    leave(tty);
}
