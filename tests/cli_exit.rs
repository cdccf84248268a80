//! Bad input, each with one sentence and the exit code scripts rely on.

mod support;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Output, Stdio};

use support::{RedisServer, free_port, pooltop, wait_for};

fn run(args: &[&str]) -> Output {
    pooltop().args(args).stdin(Stdio::null()).output().expect("the program runs")
}

/// What it said, after the code was checked. Nothing may look like a crash.
fn said(args: &[&str], code: i32) -> String {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for crash in ["panicked", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!said.contains(crash), "{args:?}: {said}");
    }
    said
}

#[test]
fn where_nobody_listens_it_says_so_and_what_to_do() {
    let port = free_port().to_string();
    let sentence = said(&["-p", &port, "--once"], 3);
    assert!(sentence.contains("nothing listens") && sentence.contains("redis-server --port"), "{sentence}");
    assert_eq!(sentence.trim_end().lines().count(), 1, "{sentence}");
    assert_eq!(said(&["shell", "-p", &port, "PING"], 3).trim_end().lines().count(), 1);
}

#[test]
fn silence_is_bounded() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = silent.local_addr().expect("its address").port().to_string();
    let sentence = said(&["-p", &port, "--once", "--socket-connect-timeout", "200ms"], 3);
    assert!(sentence.contains("did not answer within"), "{sentence}");
}

#[test]
fn what_is_no_redis_is_told_apart() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u{1b}[2Jgarbage\r\n", "*2000000000\r\n"] {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = server.local_addr().expect("its address").port().to_string();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().expect("it connects");
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
            // Until it hangs up.
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let sentence = said(&["-p", &port, "--once"], 3);
        assert!(sentence.to_lowercase().contains("redis"), "{sentence}");
        assert!(!sentence.contains('\u{1b}'), "{sentence:?}");
        thread.join().expect("the fake server ends");
    }
}

/// Greets as Redis does, and answers INFO with these bytes; its port.
fn answers_info_with(answer: &'static [u8]) -> String {
    const HELLO: &[u8] = b"*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n";
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = server.local_addr().expect("its address").port().to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            std::thread::spawn(move || {
                let mut asked = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut asked) {
                    let words = String::from_utf8_lossy(&asked[..read]).to_uppercase();
                    let commands = words.matches('*').count();
                    let answer = match () {
                        () if words.contains("$4\r\nINFO\r\n") => answer.to_vec(),
                        () if words.contains("HELLO") => [HELLO, &b"+OK\r\n".repeat(commands - 1)].concat(),
                        () => b"+OK\r\n".repeat(commands),
                    };
                    if stream.write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn a_report_says_why_it_knows_nothing_of_the_server() {
    for (answer, why) in [
        (&b""[..], "no answer to INFO that says anything within 2.0 s"),
        (b"$5\r\nhello\r\n", "INFO was answered with something that is no INFO"),
        (b"$200000000\r\n", "a string of 200000000 is beyond the cap"),
    ] {
        let port = answers_info_with(answer);
        for format in ["text", "json"] {
            let output = run(&["-p", &port, "--once", "--format", format, "--socket-timeout", "60s"]);
            let report = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(output.status.code(), Some(0), "{report}");
            assert!(report.contains(why), "{report}");
        }
    }
}

#[test]
fn passwords_are_judged_and_never_shown() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let port = server.port().to_string();
    let none = said(&["-p", &port, "--once"], 3);
    assert!(none.contains("wants a password"), "{none}");
    let wrong = said(&["-p", &port, "-a", "s3cret-wrong", "--once"], 3);
    assert!(wrong.contains("refuses the password") && !wrong.contains("s3cret"), "{wrong}");
    let nobody =
        said(&["-p", &port, "--user", "ada", "-a", "s3cret-wrong", "--no-auth-warning", "--once"], 3);
    assert!(nobody.contains("password for user `ada`; check both"), "{nobody}");
    let url = format!("redis://:s3cret-wrong@127.0.0.1:{port}");
    assert!(!said(&[&url, "--once"], 3).contains("s3cret"));
    let output =
        pooltop().args(["-p", &port, "--once"]).env("REDISCLI_AUTH", "right").output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "a password in the environment is no reason to warn"
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("right"));
}

#[test]
fn a_wrong_command_line_is_usage() {
    for (args, part) in [
        (&["shel"][..], "did you mean 'shell'"),
        (&["--frobnicate"], "--frobnicate"),
        (&["redis://h:99999"], "port"),
        (&["redis://127.0.0.1:1", "redis://127.0.0.1:2"], "two addresses"),
        (&["--demo", "-p", "7"], "two addresses"),
        (&["redis://127.0.0.1:1", "shell"], "shell URL"),
        (&["--max-connections", "0"], "max-connections"),
        (&["--format", "yaml"], "json"),
        (&["shell", "--demo", "POOL", "HOLD", "none"], "POOL HOLD"),
    ] {
        let sentence = said(args, 2);
        assert!(sentence.contains(part), "{args:?}: {sentence}");
    }
}

#[test]
fn a_url_in_the_wrong_place_is_not_repeated() {
    for args in [
        &["-h", "redis://u:S3CRET@127.0.0.1", "--once"][..],
        &["-h", "u:S3CRET@127.0.0.1", "--once"],
        &["-s", "redis://u:S3CRET@127.0.0.1", "--once"],
        &["-s", "u:S3CRET@127.0.0.1", "shell", "PING"],
    ] {
        let sentence = said(args, 2);
        assert!(sentence.contains("-u") && !sentence.contains("S3CRET"), "{args:?}: {sentence}");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("config.toml");
    for text in [
        "\"redis://u:S3CRET@127.0.0.1\" = 1\n",
        "[\"redis://u:S3CRET@127.0.0.1\"]\n",
        "[connection]\n\"redis://u:S3CRET@127.0.0.1\" = 1\n",
    ] {
        std::fs::write(&file, text).expect("a file");
        let sentence = said(&["--config", file.to_str().expect("a path"), "--demo", "--once"], 2);
        assert!(sentence.contains("unknown") && !sentence.contains("S3CRET"), "{text}: {sentence}");
    }
}

#[test]
fn commands_that_nobody_would_read_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("commands");
    std::fs::write(&file, "SET a 1\n").expect("a file");
    let pipe = || {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(b"SET a 1\n").expect("room for it");
        Stdio::from(reader)
    };
    let with = |input: Stdio, args: &[&str]| {
        let output = pooltop().args(["--demo"]).args(args).stdin(input).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for input in [pipe(), File::open(&file).expect("a file").into()] {
        let (code, said) = with(input, &[]);
        assert!(code == Some(2) && said.contains("| redis-pooltop shell"), "{code:?} {said}");
    }
    // Asked for a report it gives one; and what runs it in place of a person may give it a pipe that is empty.
    assert_eq!(with(pipe(), &["--once"]).0, Some(0));
    assert_eq!(with(pipe(), &["--format", "json"]).0, Some(0));
    let (idle, _writer) = std::io::pipe().expect("a pipe");
    assert_eq!(with(idle.into(), &[]).0, Some(0));
    assert_eq!(with(Stdio::null(), &[]).0, Some(0));
}

#[test]
fn a_password_is_asked_for_on_a_terminal_or_not_at_all() {
    let output = std::process::Command::new("setsid")
        .args(["--wait", env!("CARGO_BIN_EXE_redis-pooltop"), "--demo", "--once", "--askpass"])
        .stdin(Stdio::null())
        .output()
        .expect("it runs without a terminal");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("REDISCLI_AUTH") && !said.contains("os error"), "{said}");
}

#[test]
fn an_address_on_the_line_beats_the_environment() {
    let server = RedisServer::start(&[]);
    let nowhere = format!("redis://127.0.0.1:{}", free_port());
    let with = |args: &[&str]| pooltop().args(args).env("REDIS_URL", &nowhere).output().expect("it runs");
    assert_eq!(with(&["--once"]).status.code(), Some(3));
    assert_eq!(with(&["-p", &server.port().to_string(), "--once"]).status.code(), Some(0));
    assert_eq!(with(&["--demo", "--once"]).status.code(), Some(0));
}

/// What a report says of a server that cannot be reached, in both forms that programs read, and why on stderr.
fn lost_reports(args: &[&str]) -> (serde_json::Value, String, String) {
    let with = |format: &str| {
        let output = run(&[args, &["--once", "--format", format]].concat());
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8(output.stderr).expect("it is text");
        assert!(!said.contains("s3cret"), "{said}");
        (String::from_utf8(output.stdout).expect("it is text"), said)
    };
    let (json, why) = with("json");
    let (prometheus, again) = with("prometheus");
    assert_eq!(why, again);
    assert!(!json.contains("s3cret") && !prometheus.contains("s3cret"), "{json}{prometheus}");
    (serde_json::from_str(&json).expect("one JSON document"), prometheus, why)
}

#[test]
fn a_server_that_cannot_be_reached_is_reported_too() {
    let locked = RedisServer::start(&["--requirepass", "right"]);
    let (nowhere, port) = (free_port().to_string(), locked.port().to_string());
    for args in [&["-p", &nowhere][..], &["-p", &port, "-a", "s3cret-wrong", "--no-auth-warning"]] {
        let (json, prometheus, why) = lost_reports(&[args, &["--warmup", "3"]].concat());
        let error = json["server"]["lost"]["error"].as_str().expect("why");
        assert_eq!(why, format!("redis-pooltop: {error}\n"));
        assert!(json["server"]["target"].as_str().is_some_and(|target| target.contains(args[1])), "{json}");
        let pool = &json["pools"][0];
        assert_eq!((&pool["open_failures"], &pool["created"]), (&1.into(), &0.into()), "tried once: {json}");
        let line = format!("# lost: {error}");
        assert!(prometheus.lines().any(|said| said == line), "{prometheus}");
        assert!(prometheus.lines().any(|said| said == "redis_pooltop_server_up 0"), "{prometheus}");
        // Who reads words has the sentence.
        let output = run(&[args, &["--once"]].concat());
        assert_eq!((output.status.code(), &*output.stdout), (Some(3), &b""[..]));
    }
}

#[test]
fn a_report_has_tried_the_pool() {
    let server = RedisServer::start(&[]);
    for address in [&["--demo"][..], &["-u", &server.url()]] {
        let output = run(&[address, &["--once", "--format", "json"]].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        let pool = &json["pools"][0];
        for key in ["created", "available", "opened", "checkouts", "commands"] {
            assert_eq!(pool[key], 1, "{key}: {pool}");
        }
        assert_eq!((&pool["in_use"], &pool["error_replies"]), (&0.into(), &0.into()), "{pool}");
        assert_eq!(json["connections"][0]["last_command"], "PING", "{json}");
    }
}

#[test]
fn help_and_version_are_answers() {
    for args in [&["--help"][..], &["shell", "--help"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(help.contains("--max-connections") && help.contains("-h <HOST>"), "{help}");
    }
    assert!(String::from_utf8_lossy(&run(&["--version"]).stdout).starts_with("redis-pooltop "));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = pooltop()
        .args(["shell", "--demo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    input.write_all(b"ECHO first\n").expect("it reads");
    let mut line = String::new();
    output.read_line(&mut line).expect("it prints");
    assert_eq!(line, "first\n");
    drop(output);
    // It ends in the middle of this: the rest finds nobody.
    for _ in 0..1000 {
        if input.write_all(b"ECHO more\n").is_err() {
            break;
        }
    }
    let status = wait_for("the program to end", || child.try_wait().expect("its state"));
    let mut said = String::new();
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("they are text");
    assert_eq!(said, "");
    assert_eq!(status.code(), Some(141));
}

/// A pipe whose other end is closed already.
fn nobody_reads() -> Stdio {
    let (_, writer) = std::io::pipe().expect("a pipe");
    writer.into()
}

#[test]
fn output_that_cannot_be_written_is_no_success() {
    for args in [&["--demo", "--once"][..], &["shell", "--demo", "PING"]] {
        let to = |output: Stdio| {
            let child =
                pooltop().args(args).stdin(Stdio::null()).stdout(output).stderr(Stdio::piped()).spawn();
            let output = child.and_then(Child::wait_with_output).expect("it runs");
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let full = File::options().write(true).open("/dev/full").expect("a full device");
        let closed = File::open("/dev/null").expect("open for reading only");
        for output in [full, closed] {
            let (code, said) = to(output.into());
            assert_eq!(code, Some(1), "{args:?}: {said}");
            assert!(said.starts_with("redis-pooltop: standard output: "), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
        assert_eq!(to(nobody_reads()), (Some(141), String::new()), "{args:?}");
    }
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    let to = |output: Stdio| {
        let status = pooltop().arg("--help").stdout(output).stderr(Stdio::null()).status();
        status.expect("it runs").code()
    };
    let full = File::options().write(true).open("/dev/full").expect("a full device");
    assert_eq!(to(full.into()), Some(1));
    assert_eq!(to(nobody_reads()), Some(141));
}

#[test]
fn warnings_that_nobody_reads_stop_nothing() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    let once = |errors: Stdio| {
        pooltop()
            .args(["-u", &server.url(), "-a", "right", "--once"])
            .stderr(errors)
            .output()
            .expect("it runs")
    };
    assert!(!once(Stdio::piped()).stderr.is_empty(), "it warns of a password on the command line");
    assert_eq!(once(nobody_reads()).status.code(), Some(0));
}

#[test]
fn one_report_is_valid_on_every_server() {
    let (redis, valkey) = (RedisServer::start(&[]), RedisServer::start_valkey(&[]));
    for address in [&["--demo"][..], &["-u", &redis.url()], &["-u", &valkey.url()]] {
        let report = |rest: &[&str]| {
            let output = run(&[address, rest].concat());
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).expect("it is text")
        };
        // Without a terminal the bare command answers as --once does.
        let bare = report(&["--format", "json"]);
        let once = report(&["--once", "--format", "json", "--warmup", "3", "--max-connections", "9"]);
        for document in [&bare, &once] {
            let document: serde_json::Value = serde_json::from_str(document).expect("one JSON document");
            let pool = &document["pools"][0];
            for key in ["max", "created", "in_use", "available", "waiting", "opened", "closed", "timeouts"] {
                assert!(pool[key].is_u64(), "{key} of {pool}");
            }
            assert!(pool["name"].is_string() && document["lints"].is_array());
            let clients = &document["server"]["clients"]["connected_clients"];
            assert!(clients.is_u64() || clients.is_string(), "{}", document["server"]);
        }
        let once: serde_json::Value = serde_json::from_str(&once).expect("JSON");
        assert_eq!((&once["pools"][0]["created"], &once["pools"][0]["max"]), (&3.into(), &9.into()));
        assert_eq!(once["connections"].as_array().map(Vec::len), Some(3));
        let text = report(&["--once", "--duration", "100ms"]);
        assert!(text.contains("in use 0") && !text.contains('\u{1b}'), "{text}");
        let prometheus = report(&["--once", "--format", "prometheus"]);
        assert!(prometheus.contains("db_client_connection_count{"), "{prometheus}");
    }
}
