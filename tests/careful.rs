//! A profile with `confirm = "typed"`: whatever carries a dangerous command wants its name typed, and where nobody can
//! type it the command does not run, unless `--yes` says that it may.

mod support;
#[allow(dead_code, unreachable_pub, reason = "the screen's tests use the rest of it")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::io::Write;
use std::process::{Output, Stdio};

use support::{RedisServer, pooltop};
use tempfile::TempDir;
use tty::Tty;

/// The option that chooses a careful profile, and the directory its file is in.
fn careful() -> (TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "[profile.production]\nconfirm = \"typed\"\n[profile.easy]\n").expect("a file");
    let config = file.to_str().expect("a name").to_owned();
    (dir, vec!["--config".to_owned(), config, "--profile".to_owned(), "production".to_owned()])
}

/// What came of these lines through a pipe.
fn piped(options: &[String], more: &[&str], lines: &str) -> Output {
    let mut child = pooltop()
        .arg("shell")
        .args(options)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("its input").write_all(lines.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const DANGERS: [&str; 15] = [
    "FLUSHALL",
    "2 FLUSHALL",
    "FLUSHALL &",
    "#1 FLUSHALL",
    "POOL BURST 2 FLUSHALL",
    "MULTI\nFLUSHALL",
    "EXEC\nEVAL \"return redis.call('flushall')\" 0",
    "EVAL \"return redis.call(ARGV[1])\" 0 flushall",
    "EVALSHA 0000000000000000000000000000000000000000 0",
    "FCALL f 0",
    "SWAPDB 0 1",
    "KEYS *",
    "SAVE",
    "POOL RESET",
    "LAB lost-object",
];

#[test]
fn through_a_pipe_nothing_dangerous_runs_and_the_exit_code_tells() {
    let (_dir, options) = careful();
    let lines = format!("SET a 1\nPOOL HOLD 1\n{}\nDBSIZE\nDEL a\n", DANGERS.join("\n"));
    let output = piped(&options, &["--demo"], &lines);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert_eq!(out, "OK\nholds #1\nOK\n\n1\n1\n", "{err}");
    assert_eq!(err.lines().count(), DANGERS.len(), "{err}");
    for line in err.lines() {
        assert!(
            line.contains("not run: ") && line.contains("production") && line.contains("--yes"),
            "{line}"
        );
    }
}

#[test]
fn what_the_option_allows_or_no_profile_guards_runs() {
    let (_dir, options) = careful();
    for more in [["--demo", "--yes"], ["--demo", "-y"]] {
        let output = piped(&options, &more, "SET a 1\nFLUSHALL\nPOOL RESET\nDBSIZE\n");
        assert_eq!(
            (output.status.code(), text(&output.stdout).ends_with("\n0\n")),
            (Some(0), true),
            "{output:?}"
        );
    }
    let output =
        piped(&[options[0].clone(), options[1].clone()], &["--profile", "easy", "--demo"], "FLUSHALL\n");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "OK\n"));
}

#[test]
fn one_command_where_nobody_can_be_asked_is_refused() {
    let (_dir, options) = careful();
    let one = |more: &[&str]| {
        pooltop().arg("shell").args(&options).args(more).stdin(Stdio::null()).output().expect("it runs")
    };
    let refused = one(&["--demo", "FLUSHALL"]);
    assert_eq!((refused.status.code(), text(&refused.stdout).as_str()), (Some(1), ""));
    assert!(text(&refused.stderr).contains("--yes runs it unasked"), "{refused:?}");
    let ran = one(&["--yes", "--demo", "FLUSHALL"]);
    assert_eq!((ran.status.code(), text(&ran.stdout).as_str()), (Some(0), "OK\n"));
    let lab = pooltop().args(["lab", "--demo", "pipeline"]).args(&options).stdin(Stdio::null()).output();
    let lab = lab.expect("it runs");
    assert_eq!((lab.status.code(), text(&lab.stdout).as_str()), (Some(1), ""), "{lab:?}");
    assert!(text(&lab.stderr).contains("not run: LAB loads the server"), "{lab:?}");
}

#[test]
fn one_command_on_a_terminal_asks() {
    let (_dir, options) = careful();
    let server = RedisServer::start(&[]);
    let url = server.url();
    server.cli(&["SET", "a", "1"]);
    let mut arguments = vec!["shell", "-u", &url];
    arguments.extend(options.iter().map(String::as_str));
    arguments.push("FLUSHALL");
    for (answer, code, left) in [("prod", 1, "1"), ("production", 0, "0")] {
        let mut tty = Tty::pooltop(&arguments, 120, 24);
        tty.see("FLUSHALL deletes every key of every database. Run it? Type production:");
        tty.run(answer);
        assert_eq!(tty.end().exit_code(), code, "{}", tty.text());
        // What it wrote last may be read after its end.
        tty.see(if code == 1 { "not run: \"prod\" is not the profile's name" } else { "OK" });
        assert_eq!(server.cli(&["DBSIZE"]), left, "{}", tty.text());
    }
    // Ctrl-C ends it, as it does without a question.
    let mut tty = Tty::pooltop(&arguments, 120, 24);
    tty.see("Type production:");
    tty.send("\u{3}");
    assert_eq!(tty.end().exit_code(), 130, "{}", tty.text());
}

#[test]
fn on_the_screen_a_burst_asks_and_a_wrong_word_is_told() {
    let (_dir, options) = careful();
    let mut arguments = vec!["--demo"];
    arguments.extend(options.iter().map(String::as_str));
    let mut tty = Tty::pooltop(&arguments, 120, 40);
    tty.see("production 127.0.0.1:");
    tty.run("POOL BURST 2 FLUSHALL");
    tty.see("Type production:");
    tty.run("prod");
    tty.see("not run: \"prod\" is not the profile's name");
}
