//! The line shell as scripts use it: from a pipe and with one command, on real servers and on the embedded one.

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use support::{RedisServer, pooltop, redis_cli};

/// Feeds lines to a program and gives what it printed.
fn feed(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads its input");
    child.wait_with_output().expect("it ends")
}

fn shell(options: &[&str]) -> Command {
    let mut command = pooltop();
    command.arg("shell").args(options);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_held_is_counted() {
    let output = feed(shell(&["--demo", "--max-connections", "5"]), "POOL HOLD 2\nPOOL STATS\n");
    let printed = text(&output.stdout);
    for line in ["in_use:2", "created:2", "available:0", "max:5", "waiting:0"] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in {printed}");
    }
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

/// Everyday lines whose replies do not depend on the server's clock or version.
const SCRIPT: &str = r#"PING
SET greeting "hello \"world\"\n"
GET greeting
APPEND greeting " \x01\xff"
STRLEN greeting
GET nothing
INCR counter
INCRBY counter 41
SET counter x NX
LPUSH list a 'b c' d
LRANGE list 0 -1
LINDEX list 7
HSET hash f1 v1 f2 v2
HGETALL hash
SADD set one
SMEMBERS set
ZADD zset 1 a 2.5 b
ZRANGE zset 0 -1 WITHSCORES
LPOP set
GET
NOSUCHCOMMAND with some args
MULTI
INCR counter
LPUSH list e
GET nothing
EXEC
EXEC
MULTI
SET a
EXEC
WATCH counter
MULTI
GET counter
EXEC
SELECT 3
SET here 1
DBSIZE
SELECT 0
GET here
EXISTS greeting counter nothing
TYPE zset
EXPIRE counter 1000
PERSIST counter
TTL counter
TTL nothing
3 ECHO again
DEL list hash set zset
SCAN 0 COUNT 1000 MATCH gr*
CONFIG GET maxclients
CLIENT SETNAME me
"unbalanced
GETRANGE greeting 0 4
SETRANGE padded 3 x
GET padded
KEYS padded
DBSIZE
FLUSHALL
DBSIZE
"#;

#[test]
fn one_script_gives_the_same_bytes_everywhere() {
    let redis = RedisServer::start(&[]);
    let valkey = RedisServer::start_valkey(&[]);
    for style in ["--no-raw", "--raw", "--csv", "--json"] {
        let on_demo = feed(shell(&["--demo", style]), SCRIPT);
        let on_redis = feed(shell(&[&redis.url(), style]), SCRIPT);
        let on_valkey = feed(shell(&[&valkey.url(), style]), SCRIPT);
        assert_eq!(text(&on_demo.stdout), text(&on_redis.stdout), "the embedded server, {style}");
        assert_eq!(text(&on_valkey.stdout), text(&on_redis.stdout), "Valkey, {style}");
        assert!(on_redis.stdout.len() > 300, "{}", text(&on_redis.stdout));
        assert!(!on_redis.stdout.contains(&0x1b), "escapes in a pipe");
    }
}

#[test]
fn redis_cli_prints_the_same_bytes_for_the_same_script() {
    for style in ["--no-raw", "--raw", "--csv"] {
        let (server, other) = (RedisServer::start(&[]), RedisServer::start(&[]));
        let mut cli = redis_cli();
        cli.args(["-p", &server.port().to_string(), style]);
        let theirs = feed(cli, SCRIPT);
        let ours = feed(shell(&["-p", &other.port().to_string(), style]), SCRIPT);
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{style}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{style}");
    }
}

#[test]
fn one_command_ends_with_what_redis_cli_ends_with() {
    let server = RedisServer::start(&[]);
    server.cli(&["LPUSH", "list", "a", "b"]);
    let port = server.port().to_string();
    for args in [
        &["PING"][..],
        &["LRANGE", "list", "0", "-1"],
        &["GET", "list"],
        &["-e", "GET", "list"],
        &["-e", "--no-raw", "GET", "list"],
        &["--no-raw", "NOSUCH", "thing"],
        &["-r", "3", "INCR", "times"],
        &["-r", "2", "-i", "0.01", "ECHO", "x"],
        &["--csv", "LRANGE", "list", "0", "-1"],
        &["--json", "LRANGE", "list", "0", "-1"],
        &["--no-raw", "INFO", "nosuchsection"],
        &["SET", "a", "-1"],
        &["-n", "2", "DBSIZE"],
    ] {
        server.cli(&["DEL", "times"]);
        let theirs = redis_cli().args(["-p", &port]).args(args).output().expect("redis-cli runs");
        server.cli(&["DEL", "times"]);
        let ours = shell(&["-p", &port]).args(args).output().expect("the program runs");
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{args:?}");
        assert_eq!(ours.stderr.is_empty(), theirs.stderr.is_empty(), "{args:?}: {}", text(&ours.stderr));
    }
}

/// Values, errors of every printing, and replies made for people, in every style. The codes differ on purpose: without
/// `-e` redis-cli ends with 0 after an error reply, and we with 1.
#[test]
fn one_command_prints_what_redis_cli_prints_in_every_style() {
    let server = RedisServer::start(&[]);
    server.cli(&["SET", "text", "x\ny\u{1}"]);
    server.cli(&["HSET", "hash", "f", "1"]);
    let port = server.port().to_string();
    for style in ["--raw", "--no-raw", "--csv", "--json"] {
        for (args, fails) in [
            (&["GET", "text"][..], false),
            (&["GET", "none"], false),
            (&["HGETALL", "hash"], false),
            (&["LRANGE", "none", "0", "-1"], false),
            (&["EVAL", "return {1,{2,3},false,redis.error_reply('E z')}", "0"], false),
            (&["DEBUG", "PROTOCOL", "map"], false),
            (&["DEBUG", "PROTOCOL", "double"], false),
            (&["MEMORY", "DOCTOR"], false),
            (&["LLEN", "text"], true),
            (&["NOSUCH"], true),
            (&["CLIENT", "LIST", "TYPE", "nope"], true),
            (&["CLUSTER", "INFO"], true),
        ] {
            for apart in [&[][..], &["-e"]] {
                let line = [&["-p", &port, style], apart, args].concat();
                let theirs = redis_cli().args(&line).output().expect("redis-cli runs");
                let ours = shell(&line).output().expect("the program runs");
                assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{line:?}");
                assert_eq!(text(&ours.stderr), text(&theirs.stderr), "{line:?}");
                assert_eq!(ours.status.code(), Some(i32::from(fails)), "{line:?}");
            }
        }
    }
}

#[test]
fn from_a_pipe_an_error_stays_among_the_replies() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    for style in ["--raw", "--no-raw", "--csv"] {
        let line = ["-p", &port, "-e", style];
        let mut cli = redis_cli();
        cli.args(line);
        let theirs = feed(cli, "NOSUCH\nPING\nGET \"a\nPING\n");
        let ours = feed(shell(&line), "NOSUCH\nPING\nGET \"a\nPING\n");
        assert_eq!(text(&ours.stdout), text(&theirs.stdout), "{style}");
        assert_eq!(ours.status.code(), Some(1), "{style}");
    }
}

#[test]
fn the_exit_code_tells_of_an_error_reply() {
    let code = |args: &[&str]| shell(&["--demo"]).args(args).output().expect("it runs").status.code();
    assert_eq!(code(&["PING"]), Some(0));
    assert_eq!(code(&["NOSUCH"]), Some(1));
    assert_eq!(code(&["POOL", "RELEASE", "9"]), Some(1));
    assert_eq!(feed(shell(&["--demo"]), "NOSUCH\nPING\n").status.code(), Some(0));
    assert_eq!(feed(shell(&["--demo", "-e"]), "NOSUCH\nPING\n").status.code(), Some(1));
    assert_eq!(feed(shell(&["--demo", "-e"]), "PING\n").status.code(), Some(0));
}

#[test]
fn the_last_argument_may_come_from_stdin() {
    let server = RedisServer::start(&[]);
    let output = feed(shell(&[&server.url(), "-x", "SET", "blob"]), "two\nlines\n");
    assert_eq!(text(&output.stdout), "OK\n");
    assert_eq!(server.cli(&["--no-raw", "GET", "blob"]), "\"two\\nlines\\n\"");
}

#[test]
fn a_transaction_keeps_its_connection_and_says_so() {
    let output =
        feed(shell(&["--demo"]), "MULTI\nSET a 1\nPOOL LIST\nEXEC\nPOOL LIST\nSELECT 1\nPOOL LIST\n");
    let printed = text(&output.stdout);
    assert!(printed.contains("in use (MULTI)"), "{printed}");
    assert!(printed.contains("available"), "{printed}");
    assert!(printed.contains("in use (SELECT)"), "{printed}");
}

#[test]
fn jobs_are_listed_killed_and_waited_for_where_they_end_by_themselves() {
    let script = "SUBSCRIBE news &\nJOBS\nKILL 1\nJOBS\nBLPOP queue 0 &\nSET a 1 &\nKILL 9\n";
    let output = feed(shell(&["--demo"]), script);
    let (printed, errors) = (text(&output.stdout), text(&output.stderr));
    let listed = printed.lines().find(|line| line.trim_start().starts_with("1 "));
    assert!(listed.is_some_and(|line| line.ends_with("SUBSCRIBE news &")), "{printed}");
    for line in ["killed job 1", "no job runs", "OK"] {
        assert!(printed.lines().any(|printed| printed == line), "{line} in {printed}");
    }
    for words in ["job 1 runs", "[1] ended (cancelled) after", "[3] ended (OK) after", "there is no job 9"] {
        assert!(errors.contains(words), "{words} in {errors}");
    }
    assert!(!errors.contains("[2] ended"), "nobody pushed: it ends with the program");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_bar_is_an_argument_as_in_redis_cli() {
    let output = feed(shell(&["--demo"]), "ECHO a | tr a b\nRPUSH list x | y\n");
    assert_eq!(text(&output.stdout), "ERR wrong number of arguments for 'echo' command\n\n3\n");
}

#[test]
fn a_leak_is_found_named_and_taken_back() {
    let script = "PING\nPOOL LEAK 1\nPOOL LEAKS\nPOOL RESET\nPOOL LEAKS\nPOOL STATS\n";
    let output = feed(shell(&["--demo"]), script);
    let printed = text(&output.stdout);
    assert!(printed.contains("leaked #1: the lint abandoned tells it at once, leak after "), "{printed}");
    let found = printed.lines().find(|line| line.starts_with("#1 out ")).expect("it is found at once");
    assert!(found.contains("its taker ended"), "{found}");
    assert!(found.ends_with("POOL LEAK 1 line 2"), "the command and its line: {found}");
    assert!(printed.contains("POOL RESET"), "what to do about it: {printed}");
    assert!(printed.contains("no leaks"), "{printed}");
    assert!(printed.lines().any(|line| line == "reclaimed:1"), "{printed}");
}

#[test]
fn what_a_session_keeps_on_purpose_is_not_abandoned() {
    let script = "POOL HOLD 1\nMULTI\nSUBSCRIBE news &\nPOOL LIST\nPOOL LEAKS\nDISCARD\n";
    let printed = text(&feed(shell(&["--demo"]), script).stdout);
    assert!(printed.contains("POOL HOLD 1 (by hand) line 1"), "{printed}");
    assert!(printed.contains("MULTI line 2"), "{printed}");
    assert!(printed.contains("no leaks"), "{printed}");
}

#[test]
fn what_is_out_for_long_is_a_leak_whoever_has_it() {
    let script = "POOL CONFIG SET leak_threshold 0.001\nPOOL HOLD 1\nDEBUG SLEEP 0.1\nPOOL LEAKS\nPOOL RELEASE ALL\nPOOL LEAKS\n";
    let printed = text(&feed(shell(&["--demo"]), script).stdout);
    let found = printed.lines().find(|line| line.starts_with("#1 out ")).expect("a leak");
    assert!(found.contains(", idle ") && found.ends_with("POOL HOLD 1 (by hand) line 2"), "{found}");
    assert!(
        printed.contains("if you hold it by hand, POOL RELEASE") && printed.contains("no leaks"),
        "{printed}"
    );
}

#[test]
fn an_exhausted_pool_says_who_holds_it() {
    let waiting = ["--demo", "--max-connections", "2", "--blocking-timeout", "100ms"];
    let output = feed(shell(&waiting), "POOL HOLD 2\nGET a\nPOOL STATS\n");
    let said = text(&output.stderr);
    assert!(said.contains("2 of 2 in use") && said.contains("POOL HOLD 2 (by hand)"), "{said}");
    assert!(text(&output.stdout).lines().any(|line| line == "timeouts:1"), "{}", text(&output.stdout));
    let failing = ["--demo", "--max-connections", "2", "--on-exhausted", "fail"];
    let output = feed(shell(&failing), "POOL HOLD 2\nGET a\nPOOL STATS\n");
    assert!(text(&output.stdout).lines().any(|line| line == "refused:1"), "{}", text(&output.stdout));
}

#[test]
fn a_burst_takes_as_many_connections_as_the_limit_allows() {
    let output = feed(
        shell(&["--demo", "--max-connections", "4"]),
        "POOL BURST 200 PING\nPOOL STATS\nPOOL BURST 5 NOSUCH\n",
    );
    let printed = text(&output.stdout);
    assert!(printed.contains("ok:200\n") && printed.contains("max:4\n"), "{printed}");
    assert!(
        printed.contains("error_replies:5\n") && printed.contains("error:5 times: ERR unknown"),
        "{printed}"
    );
    let opened = printed.lines().find_map(|line| line.strip_prefix("opened:")).expect("a count");
    assert!((1..=4).contains(&opened.parse::<u32>().expect("a number")), "{opened}");
    let most = printed.lines().find_map(|line| line.strip_prefix("most_in_use:")).expect("a count");
    assert!((1..=4).contains(&most.parse::<u32>().expect("a number")), "{most}");
    for field in ["requests:200", "wait_p95_ms:", "wait_max_ms:", "round_trip_p50_ms:", "total_ms:"] {
        assert!(printed.contains(field), "{field} in {printed}");
    }
    let output = feed(shell(&["--demo", "-e"]), "POOL BURST 5 NOSUCH\n");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

#[test]
fn what_can_never_be_had_is_refused_at_once() {
    let output = feed(
        shell(&["--demo", "--max-connections", "6"]),
        "POOL WARMUP 7\nPOOL BURST 100001 PING\nPOOL RESIZE 1000001\nPOOL WARMUP 6\nPOOL HOLD 9\nPOOL HOLD 2\n\
         POOL LEAK 5\nPOOL HOLD 4\nPOOL LEAK\nPOOL STATS\n",
    );
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    for sentence in [
        "max is 6: ask for at most 6, or raise it with POOL RESIZE",
        "a burst is of 100000 commands at most",
        "'1000001' does not fit n: it must be a whole number from 1 to 1000000",
        "opened 6 connections",
        "max is 6: ask for at most 6\n",
        "max is 6 and 2 are held here: ask for at most 4",
        "max is 6 and 6 are held here: give one back",
    ] {
        assert!(printed.contains(sentence), "{sentence} in {printed}");
    }
    assert!(printed.contains("in_use:6\n") && printed.contains("timeouts:0\n"), "{printed}");
}

#[test]
fn every_setting_of_the_pool_that_redis_py_has_is_there() {
    let output = feed(shell(&["--demo"]), "POOL CONFIG GET *\n");
    let printed = text(&output.stdout);
    for name in ["socket_timeout", "socket_connect_timeout", "retry_on_timeout", "max_connections"] {
        assert!(printed.lines().any(|line| line.contains(name)), "{name} in {printed}");
    }
}

#[test]
fn settings_are_read_and_changed_by_redis_pys_names() {
    let script = "POOL CONFIG SET max_connections 7\nPOOL CONFIG GET max_conn*\nPOOL CONFIG SET max_conections 7\nPOOL CONFIG SET retries many\n";
    let output = feed(shell(&["--demo"]), script);
    assert_eq!(text(&output.stdout), "OK\nmax_connections\n7\n");
    let said = text(&output.stderr);
    assert!(said.contains("did you mean max_connections?") && said.contains("retries: "), "{said}");
}

#[test]
fn a_shell_without_a_screen_asks_the_server_for_nothing() {
    let server = RedisServer::start(&[]);
    let output = feed(shell(&[&server.url()]), "PING\nINFO commandstats\n");
    let stats = text(&output.stdout);
    // Our own question is not counted before it is answered.
    assert!(stats.contains("cmdstat_ping:calls=") && !stats.contains("cmdstat_info"), "{stats}");
    assert!(!stats.contains("cmdstat_command"), "{stats}");
}
