//! The configuration file as the program finds it.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::path::Path;
use std::process::{Output, Stdio};

use support::pooltop;
use tty::Tty;

/// Asks the pool for its limit, with this directory as the home of configurations.
fn limit(config_home: &Path, flags: &[&str]) -> Output {
    let mut command = pooltop();
    command.env("XDG_CONFIG_HOME", config_home).stdin(Stdio::null());
    command.args(["shell", "--demo"]).args(flags).args(["POOL", "CONFIG", "GET", "max_connections"]);
    command.output().expect("the program runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn it_is_found_in_the_configuration_directory_and_another_where_it_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (code, out, err) = said(&limit(home.path(), &[]));
    assert!(code == Some(0) && out.contains("50") && err.is_empty(), "{code:?} {out} {err}");
    let dir = home.path().join("redis-pooltop");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("config.toml"), "[pool]\nmax-connections = 7\n").unwrap();
    let (code, out, err) = said(&limit(home.path(), &[]));
    assert!(code == Some(0) && out.contains('7') && err.is_empty(), "{code:?} {out} {err}");
    let named = home.path().join("named.toml");
    std::fs::write(&named, "[pool]\nmax-connections = 8\n").unwrap();
    let named = named.to_str().unwrap();
    assert!(said(&limit(home.path(), &["--config", named])).1.contains('8'));
    assert!(said(&limit(home.path(), &["--config", named, "--max-connections", "9"])).1.contains('9'));
}

#[test]
fn a_pipe_that_a_shell_made_is_read_and_one_that_lies_about_is_not() {
    let home = tempfile::tempdir().unwrap();
    let line = format!(
        "{} --config <(printf '[pool]\\nmax-connections = 8\\n') shell --demo POOL CONFIG GET max_connections",
        env!("CARGO_BIN_EXE_redis-pooltop")
    );
    let output = std::process::Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output();
    let (code, out, err) = said(&output.expect("bash runs"));
    assert!(code == Some(0) && out.contains('8'), "{code:?} {out} {err}");
    let pipe = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    for path in [pipe.to_str().unwrap(), "/dev/zero"] {
        let (code, _, err) = said(&limit(home.path(), &["--config", path]));
        let sentence = format!("the configuration file {path} cannot be used: it is no regular file\n");
        assert_eq!((code, err), (Some(2), format!("redis-pooltop: {sentence}")));
    }
    assert_eq!(said(&limit(home.path(), &["--config", "/dev/null"])).0, Some(0));
}

#[test]
fn a_bad_one_ends_the_program_with_2_and_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("redis-pooltop/config.toml");
    std::fs::create_dir(home.path().join("redis-pooltop")).unwrap();
    std::fs::write(&path, "[pool]\n\nmax-conections = 7\n").unwrap();
    let (code, out, err) = said(&limit(home.path(), &[]));
    let sentence = format!(
        "redis-pooltop: {}:3: unknown key \"max-conections\" in [pool]; did you mean \"max-connections\"?\n",
        path.display()
    );
    assert_eq!((code, out.as_str(), err), (Some(2), "", sentence));
    let missing = home.path().join("missing.toml");
    let (code, _, err) = said(&limit(home.path(), &["--config", missing.to_str().unwrap()]));
    assert!(code == Some(2) && err.contains("missing.toml cannot be used: it does not exist"), "{err}");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let (code, _, err) = said(&limit(home.path(), &[]));
    assert!(
        code == Some(2) && err.trim_end().ends_with("config.toml cannot be used: it is a directory"),
        "{err}"
    );
}

#[test]
fn the_screen_and_its_keys_are_as_it_says() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    let text = "[screen]\nascii = true\npanes = [\"connections\"]\n[keys]\nhelp = \"f5\"\nend-of-input = \"ctrl-x q\"\n";
    std::fs::write(&path, text).unwrap();
    let mut tty = Tty::pooltop(&["--demo", "--config", path.to_str().unwrap()], 80, 24);
    tty.see("4 connections");
    tty.see("F5 help");
    tty.see("Ctrl-X q quit");
    assert!(!tty.text().contains("1 pool") && tty.text().is_ascii(), "{}", tty.text());
    // F5, as xterm sends it.
    tty.send("\u{1b}[15~");
    tty.see("type to search");
    tty.send("\u{1b}");
    // The help names the keys too, and a key sent before it is closed would be Alt and that key.
    tty.wait("the help closed", |text| !text.contains("type to search") && text.contains("Ctrl-X q quit"));
    tty.send("\u{18}");
    tty.see("Ctrl-X ..");
    tty.send("q");
    assert!(tty.end().success());
    tty.given_back();
}
