//! `run` on a terminal: the command on one of its own, beside its pools; and `--plain`, where ours is its own.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use support::{RedisServer, python};
use tty::Tty;

/// What goes to a pane from anywhere.
const ALT_1: &str = "\u{1b}1";
const ALT_6: &str = "\u{1b}6";

/// `redis-pooltop run` with these options on this Python program.
fn shown(options: &[&str], program: &str, columns: u16, rows: u16) -> Tty {
    shown_with(options, &["-c", program], columns, rows)
}

fn shown_with(options: &[&str], python_arguments: &[&str], columns: u16, rows: u16) -> Tty {
    let python = python();
    let python = python.to_string_lossy();
    let arguments = [&["run"], options, &["--", &*python], python_arguments].concat();
    Tty::pooltop(&arguments, columns, rows)
}

/// Says what it gets, in colours and wide characters, until its input ends.
const TALKS: &str = r#"
import os, signal, sys
open("pid", "w").write("%d\n" % os.getpid())
def say(*words): print(*words, flush=True)
def size(*_): say("size %d %d" % (os.get_terminal_size().lines, os.get_terminal_size().columns))
signal.signal(signal.SIGWINCH, size)
signal.signal(signal.SIGINT, lambda *_: say("got int"))
signal.signal(signal.SIGUSR1, lambda *_: say("got usr1"))
say("\033[31mred\033[m 日本 ok")
size()
for line in sys.stdin: say("you said", ascii(line))
say("left")
sys.exit(7)
"#;

/// Waits until a line that the app wrote is on the screen.
fn said(tty: &Tty, words: &str) {
    tty.wait(words, |text| text.lines().any(|line| line.trim().ends_with(words)));
}

#[test]
fn the_app_prints_in_its_pane_and_gets_every_key_there() {
    let mut tty = shown(&[], TALKS, 80, 24);
    tty.see("red 日本 ok");
    tty.wait_for("colours", Tty::coloured);
    tty.send(ALT_6);
    tty.see("keys go to the app");
    tty.run("q1?ü日");
    said(&tty, r"you said 'q1?\xfc\u65e5\n'");
    tty.send("\u{3}");
    said(&tty, "got int");
    tty.signal("USR1");
    said(&tty, "got usr1");
    tty.send("\u{1b}x\u{1b}[A\u{1b}OP\u{9}\r");
    said(&tty, r"you said '\x1bx\x1b[A\x1bOP\t\n'");
    tty.send("\u{1b}[200~a\nb\u{1b}[201~\r");
    said(&tty, r"you said 'b\n'");
    tty.send(ALT_1);
    tty.wait("the panes' keys", |text| !text.contains("keys go to the app") && text.contains("quit"));
    tty.send("6");
    tty.see("keys go to the app");
    // A click on another pane's title leaves too.
    tty.click("lints");
    tty.wait("the panes' keys", |text| !text.contains("keys go to the app"));
    tty.send(&format!("{ALT_6}\u{4}"));
    tty.see("ended with 7 after");
    tty.send("q");
    assert_eq!(tty.end().exit_code(), 7);
    tty.given_back();
    tty.see("has not imported redis-py or valkey-py");
}

#[test]
fn its_terminal_is_as_large_as_its_pane() {
    let tty = shown(&[], TALKS, 80, 24);
    let rows = |tty: &Tty| {
        let text = tty.text();
        let (_, size) = text.rsplit_once("size ")?;
        let (rows, columns) = size.lines().next()?.split_once(' ')?;
        Some((rows.trim().parse::<usize>().ok()?, columns.trim().parse::<usize>().ok()?))
    };
    let pane = |tty: &Tty| {
        let text = tty.text();
        let lines: Vec<_> = text.lines().collect();
        let title = lines.iter().position(|line| line.contains(" 6 app"))?;
        Some(lines.len().max(24) - title - 2)
    };
    tty.wait_for("a size", |tty| {
        rows(tty).is_some_and(|(rows, columns)| columns == 80 && pane(tty) == Some(rows))
    });
    for (columns, lines) in [(100, 30), (140, 40), (76, 20)] {
        tty.resize(columns, lines);
        tty.wait_for("the new size", |tty| {
            let wide = usize::from(columns);
            rows(tty).is_some_and(|(_, now)| if columns > 110 { now < wide && now > 70 } else { now == wide })
        });
    }
}

#[test]
fn leaving_asks_and_ends_the_app_with_the_screen() {
    let mut tty = shown(&[], TALKS, 80, 24);
    tty.see("red 日本 ok");
    tty.send("q");
    tty.see("still runs: end it? (y/N)");
    tty.send("n");
    tty.wait("no question", |text| !text.contains("still runs"));
    tty.send("\u{3}");
    tty.see("once more");
    tty.send("\u{3}");
    tty.see("still runs: end it?");
    tty.send("y");
    assert_eq!(tty.end().exit_code(), 128 + 15);
    tty.ended("pid");
    tty.given_back();
}

#[test]
fn an_app_that_will_not_end_is_ended() {
    let stubborn = format!("import signal; signal.signal(15, signal.SIG_IGN); {}", TALKS.trim_start());
    let mut tty = shown(&["--grace", "50ms"], &stubborn, 80, 24);
    tty.see("red 日本 ok");
    tty.send("q");
    tty.see("still runs: end it?");
    tty.send("y");
    assert_eq!(tty.end().exit_code(), 128 + 9);
    tty.ended("pid");
}

#[test]
fn a_signal_that_ends_us_ends_the_app_which_says_how() {
    let answers =
        format!("import signal,sys; signal.signal(15, lambda *_: sys.exit(5)); {}", TALKS.trim_start());
    let mut tty = shown(&[], &answers, 80, 24);
    tty.see("red 日本 ok");
    tty.signal("TERM");
    assert_eq!(tty.end().exit_code(), 5);
    tty.given_back();
}

#[test]
fn who_kills_us_leaves_no_app_behind() {
    let mut tty = shown(&[], TALKS, 80, 24);
    tty.see("red 日本 ok");
    tty.signal("KILL");
    tty.end();
    tty.ended("pid");
}

#[test]
fn a_leak_is_on_the_screen_and_in_the_report_that_stays() {
    let server = RedisServer::start(&[]);
    let leaky = format!(
        "import redis\nr = redis.Redis(port={})\ndef worker():\n    r.connection_pool.get_connection()\nworker()\ninput('ready')\n",
        server.port()
    );
    let mut tty = shown(&["--fail-on-leak"], &leaky, 80, 24);
    tty.see("ready");
    tty.see("1 process");
    tty.send(&format!("{ALT_6}\r"));
    tty.see("ended with 0 after");
    tty.send("q");
    assert_eq!(tty.end().exit_code(), 4);
    tty.given_back();
    tty.see("in worker");
}

/// What would change the terminal around it, and would not be seen as it is.
const HOSTILE: &str = r#"
import sys
out = sys.stdout
out.write("\033]52;c;aGk=\007\033]0;EVIL TITLE\007\033[?1003h\033[?2004h\033[8;5;10t\033c\033[5;8r\033[?6h")
out.write("\033P+q544e\033\\\033_evil\033\\\033^evil\033\\\033[21t\033[?1049h\033[?25l\033(0")
out.write("\u202eabc\u2066\u200f \x9b31m " + "x" * 10_000_000)
out.write("\033c\033]8;;http://evil\033\\link\033]8;;\033\\ \u202emark\u202c well\n")
out.flush()
input()
"#;

#[test]
fn nothing_that_it_writes_reaches_the_terminal_around_it() {
    let mut tty = shown(&[], HOSTILE, 80, 24);
    tty.see("link mark well");
    let written = tty.written();
    for evil in ["]52;", "EVIL", "evil", "[?1003h", "\u{202e}", "\u{2066}", "[8;5;10t", "\u{1b}c", "\u{1b}(0"]
    {
        assert!(!written.contains(evil), "{evil:?}");
    }
    let text = tty.text();
    assert!(
        text.starts_with(" redis-pooltop run") && text.contains("1 pools") && text.contains("3 connections")
    );
    tty.send("?");
    tty.see("in a pane");
    tty.send("\u{1b}");
    tty.see("3 connections");
    tty.send("qy");
    tty.end();
    tty.given_back();
}

/// The most memory that a process has had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn output_without_end_leaves_keys_alive_and_memory_flat() {
    let flood = "import sys\ninput('ready')\nfor n in range(100000):\n    print('y' * 300, n)\nsys.stdout.write('ten')\nsys.stdout.flush()\nwhile True: print('y')\n";
    let mut tty = shown(&[], flood, 80, 24);
    tty.see("ready");
    let pid = tty.pid();
    let before = peak(pid);
    tty.send(&format!("{ALT_6}\r{ALT_1}"));
    tty.wait("a flood", |text| text.lines().filter(|line| line.trim() == "y").count() > 3);
    let after = peak(pid);
    assert!(after - before < 30 << 10, "{before} KiB before, {after} KiB after 30 MB of output");
    tty.send("?");
    tty.see("in a pane");
    tty.send("\u{1b}");
    tty.see("3 connections");
    tty.send("q");
    tty.see("still runs: end it?");
    tty.send("y");
    assert_eq!(tty.end().exit_code(), 128 + 15);
    tty.given_back();
    tty.see("nobody reported");
    assert!(!tty.text().contains("panicked"), "{}", tty.text());
}

#[test]
fn what_has_left_at_the_top_can_be_looked_at() {
    let long = "for n in range(200): print('line', n)\ninput()";
    let mut tty = shown(&[], long, 80, 24);
    tty.see("line 199");
    tty.send(ALT_6);
    tty.see("keys go to the app");
    tty.send("\u{1b}[5;2~\u{1b}[5;2~");
    tty.see("lines back");
    tty.wait("earlier lines", |text| !text.contains("line 199") && text.contains("line 18"));
    tty.send("\u{1b}[6;2~\u{1b}[6;2~");
    tty.see("line 199");
    // The wheel over the pane does the same, wherever the keys go.
    tty.send(ALT_1);
    tty.send("\u{1b}[<64;10;22M");
    tty.see("lines back");
}

#[test]
fn a_command_that_cannot_run_gets_no_screen() {
    for (command, code) in [("/nowhere/at/all", 127), ("/etc", 126)] {
        let mut tty = Tty::pooltop(&["run", "--", command], 80, 24);
        assert_eq!(tty.end().exit_code(), code);
        tty.see(&format!("redis-pooltop: {command}"));
        assert!(!tty.written().contains("[?1049h"));
    }
}

#[test]
fn who_starts_python_without_the_agent_is_told() {
    let tty = shown_with(&[], &["-uIS", "-c", "input('ready')"], 140, 40);
    tty.see("ready");
    tty.see("-I starts isolated from PYTHONPATH");
}

/// An interactive bash with the program's name in `$program` and Python's in `$python`.
fn bash() -> Tty {
    let mut tty = Tty::start("bash", &["--norc", "--noprofile", "-i"], 80, 24);
    let program = format!("program='{} run --plain --'", env!("CARGO_BIN_EXE_redis-pooltop"));
    tty.run(&format!("PS1='ready> '; {program}; python={}", python().to_string_lossy()));
    tty.wait("a prompt", |text| text.trim_end().ends_with("ready>"));
    tty
}

#[test]
fn in_plain_a_key_reaches_the_app_once_and_the_code_is_its_own() {
    let mut tty = bash();
    std::fs::write(tty.home().join("talks.py"), TALKS).expect("written");
    tty.run("before=$(stty -g); $program $python talks.py; echo code $?");
    tty.see("red 日本 ok");
    assert!(!tty.taken());
    tty.send("\u{3}");
    tty.see("got int");
    tty.run("x");
    tty.see(r"you said 'x\n'");
    assert_eq!(tty.text().matches("got int").count(), 1);
    tty.send("\u{4}");
    tty.see("code 7");
    tty.run("[ \"$before\" = \"$(stty -g)\" ] && echo un''changed");
    tty.see("unchanged");
}

#[test]
fn in_plain_job_control_stops_and_continues_both() {
    let mut tty = bash();
    std::fs::write(tty.home().join("talks.py"), TALKS).expect("written");
    tty.run("$program $python talks.py; echo code $?");
    tty.see("red 日本 ok");
    let pid = tty.noted("pid");
    tty.send("\u{1a}");
    tty.see("Stopped");
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is there");
        stat.rsplit_once(')').and_then(|(_, rest)| rest.trim().chars().next())
    };
    assert_eq!(state(), Some('T'));
    tty.run("echo $((40 + 2)) here");
    tty.see("42 here");
    tty.run("fg");
    tty.wait_for("the app goes on", |_| state() != Some('T'));
    tty.run("again");
    tty.see(r"you said 'again\n'");
    tty.send("\u{4}");
    tty.see("nobody reported");
    // In the background it prints and ends as without us.
    tty.run("$program $python -c 'print(6 * 7, \"behind\")' & wait; echo done");
    tty.see("42 behind");
    tty.see("done");
}
