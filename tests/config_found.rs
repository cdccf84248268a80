//! The configuration file as the program finds it.

mod support;

use std::path::Path;
use std::process::{Output, Stdio};

use support::pooltop;

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
        code == Some(2) && err.trim_end().ends_with("config.toml cannot be used: it is no file"),
        "{err}"
    );
}
