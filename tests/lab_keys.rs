//! The keys that experiments make: whoever may not delete them by one command has another, whoever may not at all is
//! refused before any is made, and one that stays is named.

use std::process::{Output, Stdio};

mod support;

use support::{RedisServer, pooltop, wait_for};

/// A server with a user who may do all but this.
fn server_with(rules: &[&str]) -> (RedisServer, String) {
    let server = RedisServer::start(&[]);
    set_user(&server, &[&["on", ">pw", "~*", "&*", "+@all"], rules].concat());
    let url = server.url().replacen("redis://", "redis://careful:pw@", 1);
    (server, url)
}

fn set_user(server: &RedisServer, rules: &[&str]) {
    assert_eq!(server.cli(&[&["ACL", "SETUSER", "careful"], rules].concat()), "OK");
}

fn lab(url: &str) -> Output {
    pooltop().args(["lab", "lost-object", url]).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn keys_go_by_whichever_command_the_user_may_use() {
    for rules in [&["-del"][..], &["-del", "-unlink"]] {
        let (server, url) = server_with(rules);
        let output = lab(&url);
        assert_eq!(output.status.code(), Some(0), "{rules:?}: {}", said(&output));
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{rules:?}");
    }
}

#[test]
fn who_may_not_write_or_not_delete_is_refused_before_a_key_is_made() {
    for (rules, why) in [
        (
            &["-del", "-unlink", "-expire"][..],
            "lost-object: not run: it may not delete its keys here: DEL: NOPERM",
        ),
        (&["-set"], "lost-object: not run: it may not write keys here: SET: NOPERM"),
        (&["resetkeys", "%R~*"], "lost-object: not run: it may not delete its keys here: DEL: NOPERM"),
    ] {
        let (server, url) = server_with(rules);
        let output = lab(&url);
        let words = said(&output);
        assert!(output.status.code() == Some(1) && words.starts_with(why), "{rules:?}: {words}");
        assert_eq!(server.cli(&["DBSIZE"]), "0", "{rules:?}");
        let set = server.cli(&["INFO", "commandstats"]);
        assert!(
            set.lines().all(|line| !line.starts_with("cmdstat_set:") || line.contains("calls=0")),
            "{set}"
        );
    }
}

#[test]
fn a_key_that_stays_is_named_and_fails_the_run() {
    let (server, url) = server_with(&[]);
    let child = pooltop()
        .args(["lab", "forgotten-release", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let key = wait_for("its key", || {
        let keys = server.cli(&["KEYS", "redis-pooltop:lab:*:forgotten"]);
        (!keys.is_empty()).then_some(keys)
    });
    set_user(&server, &["-del", "-unlink", "-expire"]);
    let output = child.wait_with_output().expect("its end");
    let words = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(1), "{words}");
    let want = format!("1 key stays on the server until it expires in 300 s or less: {key} (DEL: NOPERM ");
    assert!(words.contains(&want), "{words}");
    let left: i64 = server.cli(&["TTL", &key]).parse().expect("seconds");
    assert!((1..=300).contains(&left), "{left}");
}
