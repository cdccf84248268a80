//! The whole program in a pseudo-terminal: what a person types, sees, and finds again when they leave.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::sync::Arc;

use ratatui::layout::Size;
use redis_pooltop::command::Registry;
use redis_pooltop::tui::action::{Action, Edit};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::assist::Typist;
use redis_pooltop::tui::terminal::Guard;
use redis_pooltop::tui::theme::Theme;
use support::{RedisServer, pooltop};
use tty::Tty;

/// The screen on the embedded server, once it shows the pool.
fn demo(columns: u16, rows: u16) -> Tty {
    let tty = Tty::pooltop(&["--demo"], columns, rows);
    tty.see("live ");
    tty.wait("the first snapshot", |text| text.contains("in use") && !text.contains("– of –"));
    tty
}

/// The number after a word on the screen.
fn number(tty: &Tty, label: &str) -> Option<u64> {
    let text = tty.text();
    let after = text.split(label).nth(1)?;
    let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[test]
fn a_command_is_answered_and_the_panes_count_it() {
    let mut tty = demo(80, 24);
    assert!(tty.taken());
    tty.see("POOL LEAK 1");
    tty.run("SET a 1");
    tty.see("OK");
    tty.wait_for("the connection it took", |tty| {
        tty.line("SET a 1").is_some_and(|line| line.contains("#1  wait"))
    });
    tty.wait_for("a connection of its own", |tty| number(tty, "created") == Some(1));
    tty.wait_for("the command in the latencies", |tty| {
        tty.line("p50  ").is_some_and(|line| line.contains("SET"))
    });
    tty.run("GET a");
    tty.see("\"1\"");
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn held_and_leaked_connections_show_who_has_them() {
    let mut tty = demo(80, 24);
    tty.run("POOL HOLD 3");
    tty.wait_for("three in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 3 of ")));
    tty.wait("the holders", |text| text.matches("POOL HOLD").count() >= 4);
    tty.run("POOL RELEASE ALL");
    tty.wait_for("none in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 0 of ")));
    tty.send("\u{3}\u{3}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn the_cure_for_a_pool_that_is_used_up_can_be_typed_while_a_command_waits_for_it() {
    let mut tty = Tty::pooltop(&["--demo", "--max-connections", "2"], 100, 30);
    tty.see("live ");
    tty.run("POOL LEAK 2");
    tty.see("leaked #1 #2");
    tty.run("GET x");
    tty.see("waiting for a connection ");
    tty.run("PING");
    tty.see(", 1 line waits behind it");
    tty.run("POOL RESET");
    tty.see("dropped 2 connections");
    tty.see("(nil)");
    tty.see("PONG");
    tty.send("\u{4}");
    assert!(tty.end().success());
}

#[test]
fn resizing_draws_anew_at_every_size() {
    let mut tty = demo(80, 24);
    for (columns, rows, words) in [
        (140, 40, "6 events"),
        (60, 13, "7 shell"),
        (20, 5, " in use 0 of 50"),
        (19, 3, "needs 20×3"),
        (80, 24, "4 connections"),
    ] {
        tty.resize(columns, rows);
        tty.see(words);
    }
    tty.resize(1, 1);
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn a_blocking_command_is_a_job_beside_a_live_prompt_and_ctrl_c_ends_it() {
    let mut tty = demo(80, 24);
    tty.run("BLPOP queue 0");
    tty.see("job 1 runs BLPOP queue 0, Ctrl-C ends it");
    tty.wait_for("its connection in use", |tty| {
        tty.line("in use").is_some_and(|line| line.contains(" 1 of "))
    });
    tty.see("job 1 BLPOP queue");
    tty.send("PING");
    tty.see("> PING");
    tty.send("\u{3}");
    tty.wait("the typed line to go", |text| !text.contains("> PING"));
    tty.send("\u{3}");
    tty.see("[1] ended (cancelled) after ");
    tty.wait_for("none in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 0 of ")));
    tty.run("PING");
    tty.see("PONG");
    tty.run("QUIT");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn a_job_is_listed_killed_and_seen_in_the_panes() {
    let mut tty = demo(80, 24);
    tty.run("SUBSCRIBE news &");
    tty.see("job 1 runs");
    tty.see("[1] reading messages");
    tty.run("PUBLISH news hello");
    tty.see("[1] 3) \"hello\"");
    tty.run("CLEAR");
    tty.run("JOBS");
    tty.wait_for("the job in the list", |tty| {
        tty.line("SUBSCRIBE news &").is_some_and(|line| line.contains("reads") && line.contains('#'))
    });
    tty.see("SUBSCRIBE news");
    tty.run("KILL 1");
    tty.see("killed job 1");
    tty.see("[1] ended (cancelled) after ");
    tty.wait_for("none in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 0 of ")));
    tty.run("JOBS");
    tty.see("no job runs");
}

#[test]
fn the_pager_has_the_terminal_and_gives_it_back() {
    // It waits for a key of its own, and hears Ctrl-C.
    let pager = "PAGER=trap 'echo heard' INT; cat; echo paged; read line </dev/tty; echo \"read $line\"";
    let program = env!("CARGO_BIN_EXE_redis-pooltop");
    let mut tty = Tty::start("env", &[pager, "REDISCLI_AUTH=hunter2", program, "--demo"], 80, 24);
    tty.see("created 0");
    tty.run("ECHO \"in full\\x1b[2J\"");
    // As it was typed, and then as it came back.
    tty.wait("the reply", |text| text.matches("\"in full").count() == 2);
    tty.send("\u{1b}p");
    tty.see("paged");
    assert!(!tty.taken() && tty.text().contains(r#""in full\x1b[2J""#), "{}", tty.text());
    tty.send("\u{3}");
    tty.wait_for("the screen again", Tty::taken);
    tty.run("ECHO $REDISCLI_AUTH | sed 's/^/it is /'; echo \"($REDISCLI_AUTH)\"");
    tty.see("it is $REDISCLI_AUTH");
    tty.see("()");
    tty.run("QUIT");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn a_paste_runs_nothing_until_enter() {
    let mut tty = demo(80, 24);
    tty.send("\u{1b}[200~SET a pasted\rGET a\u{1b}[201~");
    tty.see("GET a");
    assert!(!tty.text().contains("OK"), "{}", tty.text());
    tty.send("\r");
    tty.see("\"pasted\"");
}

#[test]
fn panes_take_the_keys_freeze_fill_the_screen_and_give_the_prompt_back() {
    let mut tty = demo(80, 24);
    tty.run("POOL HOLD 2");
    tty.see("holds #1 #2");
    tty.send("\u{1b}1");
    tty.see("━ 1 pool");
    tty.send("p");
    tty.see("PAUSED");
    tty.send("p");
    tty.wait("the picture to go on", |text| !text.contains("PAUSED"));
    tty.send("z");
    tty.see("closed by");
    tty.send("6");
    tty.see("#1 opened in");
    tty.send("?");
    tty.see("type to search");
    tty.send("\u{1b}");
    tty.wait("the help to close", |text| !text.contains("type to search"));
    tty.send(":");
    tty.see("━ 7 shell");
    tty.run("PING");
    tty.see("PONG");
}

#[test]
fn lines_are_found_again_in_the_next_run_but_passwords_are_not() {
    let mut first = demo(80, 24);
    first.run("AUTH hunter2");
    first.see("AUTH ***");
    first.run("ECHO again");
    first.see("\"again\"");
    assert!(!first.text().contains("hunter2"), "{}", first.text());
    first.send("\u{4}");
    assert!(first.end().success());
    let mut second = Tty::pooltop_at_home(&first, &["--demo"], 80, 24);
    second.see("created 0");
    second.send("\u{1b}[A");
    second.see("> ECHO again");
    second.send("\u{1b}[A");
    // The line before would be AUTH: there is none.
    second.send("\r");
    second.see("\"again\"");
    assert!(!second.text().contains("AUTH"), "{}", second.text());
}

#[test]
fn a_dangerous_command_asks_first() {
    let mut tty = demo(80, 24);
    tty.run("SET a 1");
    tty.see("OK");
    tty.run("FLUSHALL");
    tty.see("(y/N)");
    tty.send("n");
    tty.wait("no question", |text| !text.contains("(y/N)"));
    tty.run("EXISTS a");
    tty.see("(integer) 1");
    tty.run("FLUSHALL");
    tty.see("(y/N)");
    tty.send("y");
    tty.wait("no question", |text| !text.contains("(y/N)"));
    tty.run("EXISTS a");
    tty.see("(integer) 0");
}

#[test]
fn signals_give_the_terminal_back() {
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let mut tty = demo(80, 24);
        tty.signal(name);
        assert_eq!(tty.end().exit_code(), code, "{name}");
        tty.given_back();
    }
}

/// A program that has the whole terminal, as vi has it: it notes its number and the file it is given, and stays.
const FULL_SCREEN: &str = r#"note() { echo "$1" >file; echo $$ >pid; }; note "$1"
    printf '\033[?1049h\033[?1h\033=\033[?1000h\033[4h\033[1;5r\033[?7l\033(0\033[?25l'; stty raw -echo"#;

/// The screen whose editor and pager are this script.
fn with_program(script: &str) -> Tty {
    let home_script = format!("VISUAL=sh -c '{}' sh", script.replace('\'', r"'\''"));
    let pager = format!("PAGER={script}");
    let tty =
        Tty::start("env", &[&home_script, &pager, env!("CARGO_BIN_EXE_redis-pooltop"), "--demo"], 80, 24);
    tty.see("created 0");
    tty
}

#[test]
fn a_signal_while_another_has_the_terminal_ends_that_one_and_gives_the_terminal_back() {
    // One that ends when it is asked, one that does not, and one behind a shell that waits for it.
    let stays = "while :; do sleep 0.05; done";
    let scripts = [
        format!("{FULL_SCREEN}; {stays}"),
        format!("trap '' TERM; {FULL_SCREEN}; {stays}"),
        format!(
            "true | sh -c '{}' sh \"$1\"; true",
            format!("{FULL_SCREEN}; {stays}").replace('\'', r"'\''")
        ),
    ];
    for script in &scripts {
        for (keys, name, code) in [("SET a 1\u{18}\u{5}", "TERM", 143), ("\u{1b}p", "HUP", 129)] {
            let mut tty = with_program(script);
            tty.run("ECHO paged");
            tty.see("\"paged\"");
            tty.send(keys);
            tty.noted("pid");
            tty.wait_for("the other's modes", Tty::keypad);
            tty.signal(name);
            assert_eq!(tty.end().exit_code(), code, "{name} {script}");
            tty.given_back();
            tty.ended("pid");
            let file = tty.noted("file");
            assert_eq!(file.is_empty(), name == "HUP", "only the editor gets a file");
            assert!(file.is_empty() || !std::path::Path::new(&file).exists(), "{file} is still there");
        }
    }
}

#[test]
fn the_quit_key_in_another_program_is_not_for_us_and_its_modes_go_with_it() {
    let mut tty = with_program(
        r"trap 'echo heard' QUIT; printf '\033[?1h\033='; echo in charge; read line </dev/tty; stty -echo -icanon",
    );
    let before = number(&tty, "created");
    tty.run("ECHO paged");
    tty.see("\"paged\"");
    tty.send("\u{1b}p");
    tty.see("in charge");
    tty.wait_for("the other's modes", Tty::keypad);
    tty.send("\u{1c}");
    tty.wait_for("the screen again", Tty::taken);
    assert!(!tty.keypad() && before.is_some());
    tty.run("QUIT");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn no_shell_command_behind_a_bar_outlives_the_program() {
    let sleeps = "sh -c 'echo $$ >pid; trap \"\" HUP QUIT TERM; while :; do sleep 0.05; done'";
    for (line, name) in
        [("SUBSCRIBE c | SLEEPS &", None), ("INFO | SLEEPS", Some("HUP")), ("INFO | SLEEPS", Some("QUIT"))]
    {
        let mut tty = demo(80, 24);
        tty.run(&line.replace("SLEEPS", sleeps));
        tty.noted("pid");
        match name {
            Some(name) => tty.signal(name),
            None => tty.send("\u{4}"),
        }
        tty.end();
        tty.given_back();
        tty.ended("pid");
    }
}

/// Set for the run of a test inside its own pseudo-terminal.
const INSIDE: &str = "POOLTOP_TEST_INSIDE";

/// Runs a test of this file in a pseudo-terminal.
fn inside(name: &str) -> Tty {
    let test = std::env::current_exe().expect("this test's program");
    let test = test.to_str().expect("a name in UTF-8");
    let inside = format!("{INSIDE}=1");
    // A backtrace would push a panic's message off the screen.
    let arguments = [inside.as_str(), "RUST_BACKTRACE=0", test, "--exact", name, "--nocapture"];
    Tty::start("env", &arguments, 80, 24)
}

#[test]
fn a_panic_anywhere_gives_the_terminal_back_before_its_message() {
    if std::env::var_os(INSIDE).is_some() {
        panic_under_the_screen();
        return;
    }
    let mut tty = inside("a_panic_anywhere_gives_the_terminal_back_before_its_message");
    tty.see("something broke");
    assert!(!tty.taken(), "{}", tty.text());
    assert!(tty.end().success(), "{}", tty.text());
    tty.given_back();
}

/// Shows the screen while another thread panics; what is drawn after that fails instead of landing on the shell.
fn panic_under_the_screen() {
    let assist = Arc::new(Typist::new(Arc::new(Registry::new()), Vec::new()));
    let mut app = App::new(Facts::default(), assist, Size::default());
    let mut guard = Guard::enter(true).expect("the terminal");
    guard.draw(&mut app, &Theme::DEFAULT).expect("a frame");
    let ended = std::thread::spawn(|| panic!("something broke")).join();
    assert!(ended.is_err());
    assert!(guard.draw(&mut app, &Theme::DEFAULT).is_err());
}

#[test]
fn monitor_leaves_out_what_the_screen_itself_asks() {
    let server = RedisServer::start(&[]);
    let asked = || {
        let stats = server.cli(&["INFO", "commandstats"]);
        let calls = stats.split("cmdstat_info:calls=").nth(1).and_then(|rest| rest.split(',').next());
        calls.and_then(|calls| calls.parse::<u64>().ok()).unwrap_or_default()
    };
    let mut tty = Tty::pooltop(&["-u", &server.url()], 120, 40);
    tty.see("live ");
    tty.run("MONITOR");
    tty.see("left out: the INFO that this screen itself sends, from 127.0.0.1:");
    let before = asked();
    let mut ours = 0;
    support::wait_for("some questions of the screen's", || {
        ours += 1;
        (asked() >= before + ours + 2).then_some(())
    });
    tty.run("ECHO marker");
    tty.see("\"ECHO\" \"marker\"");
    let text = tty.text();
    assert!(!text.contains("\"INFO\" \"CLIENTS\""), "{text}");
    assert!(text.contains("\"INFO\" \"commandstats\""), "another's is there: {text}");
}

#[test]
fn a_server_that_dies_is_said_at_once_and_found_again() {
    let mut server = RedisServer::start(&[]);
    let mut tty = Tty::pooltop(&[&server.url()], 80, 24);
    tty.see("redis 7");
    tty.run("SET a 1");
    tty.see("OK");
    server.kill();
    tty.see("LOST");
    tty.see("retry");
    tty.run("GET a");
    tty.see("error: nothing listens");
    server.restart();
    tty.see("live ");
    tty.run("SET b 2");
    tty.wait("an answer again", |text| {
        text.split("SET b 2").nth(1).is_some_and(|after| after.contains("OK"))
    });
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn plain_ascii_and_no_colour_are_what_they_say() {
    let tty = Tty::pooltop(&["--demo", "--ascii", "--color", "never"], 80, 24);
    tty.see("created 0");
    assert!(tty.text().is_ascii(), "{}", tty.text());
    assert!(!tty.coloured());
    assert!(demo(80, 24).coloured());
}

#[test]
fn a_hostile_value_shows_its_bytes_and_does_nothing() {
    let mut tty = demo(80, 24);
    tty.run(r#"SET evil "\x1b]0;owned\x07\x1b[2J\xe2\x80\xaetxt""#);
    tty.see("OK");
    tty.run("GET evil");
    tty.see(r"\x1b[2J");
    tty.see("1 pool");
}

#[test]
fn a_connection_is_seen_in_full_filtered_for_and_closed() {
    let mut tty = demo(80, 24);
    tty.run("POOL HOLD 3");
    tty.see("holds #1 #2 #3");
    tty.send("\u{1b}4/id:^2$\r");
    tty.see("1 of 3 /id:^2$");
    tty.send("\r");
    tty.see("connection #2");
    tty.see("POOL HOLD 3");
    tty.send("K");
    tty.see("Close #2? ");
    tty.send("y");
    tty.see("gone");
    tty.send("\u{1b}");
    tty.see("the filter leaves none");
    tty.send("\u{1b}");
    tty.see("#3 id ");
    tty.send(":");
    tty.see("> POOL CLOSE 2");
    tty.see("closed #2");
    tty.wait_for("two in use", |tty| tty.line("in use").is_some_and(|line| line.contains(" 2 of ")));
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn the_server_pane_shows_the_raw_reply_and_the_interval_is_changed_live() {
    let mut tty = demo(80, 24);
    tty.send("\u{1b}3\r");
    tty.see("connected_clients:");
    tty.send("-");
    tty.see("live 0.1 s");
    tty.send("+++");
    tty.see("live 1 s");
}

#[test]
fn a_report_is_written_where_the_program_was_started_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut tty = demo(80, 24);
    tty.run("POOL HOLD 2");
    tty.see("holds #1 #2");
    tty.send("\u{1b}4w");
    tty.see("report: ");
    let files = std::fs::read_dir(tty.home()).expect("its directory");
    let mut reports: Vec<_> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("redis-pooltop-"))
        })
        .collect();
    reports.sort();
    let [json, markdown] = &reports[..] else { panic!("{reports:?}") };
    for path in &reports {
        let mode = path.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(markdown).expect("text");
    assert!(text.contains("## Connections 2") && text.contains("`POOL HOLD 2"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(json).expect("text")).expect("JSON");
    assert_eq!(json["pools"][0]["in_use"], 2);
}

#[test]
fn the_mouse_selects_opens_and_is_left_alone_where_that_is_asked() {
    let mut tty = demo(80, 24);
    assert!(tty.mouse());
    tty.run("POOL HOLD 2");
    tty.see("#2 id ");
    tty.click("#2 id ");
    tty.see("━ 4 connections");
    tty.click("Enter details");
    tty.see("connection #2");
    tty.send("\u{1b}");
    tty.see("━ 4 connections");
    tty.send("\u{4}");
    assert!(tty.end().success());
    tty.given_back();
    let mut plain = Tty::pooltop(&["--demo", "--no-mouse"], 80, 24);
    plain.see("created 0");
    assert!(!plain.mouse());
    plain.send("\u{4}");
    assert!(plain.end().success());
    plain.given_back();
}

#[test]
fn below_the_panes_there_is_a_prompt_and_below_that_nothing_typed_is_run() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    let mut tty = Tty::pooltop(&["-p", &port], 40, 8);
    tty.see("in use 0 of 50");
    tty.run("SET a 1");
    tty.see("OK");
    tty.run("FLUSHALL");
    tty.see("(y/N)");
    tty.resize(10, 2);
    tty.see("redis-poo");
    // Neither the answer nor the line that follows is seen, so neither is taken. Ctrl-D comes after them.
    tty.send("y\rSET b 2\r\u{4}");
    assert!(tty.end().success());
    tty.given_back();
    let keys = pooltop().args(["shell", "-p", &port, "KEYS", "*"]).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&keys.stdout), "a\n");
}

#[test]
fn a_terminal_without_a_cursor_to_move_is_told_what_works_there() {
    let program = env!("CARGO_BIN_EXE_redis-pooltop");
    for (set, says) in [("TERM=dumb", "TERM is dumb"), ("TERM=", "TERM is not set")] {
        let mut tty = Tty::start("env", &[set, program, "--demo"], 80, 24);
        tty.see(says);
        tty.see("redis-pooltop shell");
        assert_eq!(tty.end().exit_code(), 2);
        tty.given_back();
    }
}

#[test]
fn a_picture_that_is_on_the_terminal_already_is_not_written_again() {
    if std::env::var_os(INSIDE).is_some() {
        three_pictures_many_times();
        return;
    }
    let mut tty = inside("a_picture_that_is_on_the_terminal_already_is_not_written_again");
    tty.see("test result: ok");
    assert!(tty.end().success(), "{}", tty.text());
    assert_eq!(tty.written().matches("\u{1b}[?2026h").count(), 3, "{:?}", tty.written());
}

/// Draws three pictures, each again and again.
fn three_pictures_many_times() {
    let assist = Arc::new(Typist::new(Arc::new(Registry::new()), Vec::new()));
    let mut app = App::new(Facts::default(), assist, Size::default());
    let mut guard = Guard::enter(true).expect("the terminal");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut draw = |app: &mut App| {
        for _ in 0..9 {
            runtime.block_on(guard.free_at(tokio::time::Instant::now()));
            guard.draw(app, &Theme::DEFAULT).expect("a frame");
        }
    };
    draw(&mut app);
    app.update(Action::Insert('x'));
    draw(&mut app);
    // The same picture with the cursor elsewhere is another.
    app.update(Action::Edit(Edit::Home));
    draw(&mut app);
}

#[test]
fn the_prompt_lets_a_transaction_go_when_its_server_dies() {
    let mut server = RedisServer::start(&[]);
    let mut tty = Tty::pooltop(&[&server.url()], 80, 24);
    tty.see("live ");
    tty.run("MULTI");
    tty.see("(TX)");
    server.kill();
    tty.see("closed by the server: the transaction is gone");
    tty.wait("the prompt without it", |text| !text.contains("(TX)"));
    // It is typed in no transaction, and says so in its own words.
    tty.run("GET a");
    tty.see("error: nothing listens");
}

#[test]
fn a_careful_profile_wants_its_name_typed_on_the_screen_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "[profile.production]\nprompt = \"red\"\nconfirm = \"typed\"\n").expect("a file");
    let config = file.to_str().expect("a name");
    let mut tty = Tty::pooltop(&["--demo", "--config", config, "--profile", "production"], 80, 24);
    tty.see(" production 127.0.0.1:");
    for (answer, said) in [("y", "not run"), ("production", "OK")] {
        tty.run("CLEAR");
        tty.wait("an empty shell", |text| !text.contains(said) && !text.contains("CLEAR"));
        tty.run("FLUSHALL");
        tty.see("Type production:");
        tty.run(answer);
        tty.see(said);
    }
    tty.send("\u{4}");
    assert!(tty.end().success(), "{}", tty.text());
}
