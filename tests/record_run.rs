//! A run and its replay say the same: every snapshot of a pool on a real server, to the last number.

mod support;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::record::{Player, Step, create, record};
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::source::info::watch_info;
use rustix::process::{Pid, Signal, kill_process};
use support::{RedisServer, pooltop, wait_until};

/// All that a reader may know, but for what is said of the file itself.
fn told(snapshot: &Snapshot) -> String {
    format!("{:#?}", Snapshot { recording: None, tape: None, ..snapshot.clone() })
}

fn same(live: &Snapshot, replayed: &Snapshot) {
    let (live, replayed) = (told(live), told(replayed));
    let differs = live.lines().zip(replayed.lines()).find(|(a, b)| a != b);
    assert_eq!(differs, None, "the first line that differs");
    assert_eq!(live.len(), replayed.len());
}

/// Every snapshot of a recording, by its moment.
fn replayed(path: &Path) -> Vec<Arc<Snapshot>> {
    let mut player = Player::open(path).expect("a recording");
    let mut all = Vec::new();
    loop {
        match player.step() {
            Step::Tick => all.push(Arc::new(player.snapshot())),
            Step::Between => {}
            Step::Over => break,
        }
    }
    assert_eq!(player.damage().words(), None);
    all
}

#[tokio::test]
async fn every_snapshot_of_a_run_is_replayed_to_the_last_number() {
    let server = RedisServer::start(&[]);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let clock = Clock::start();
    let options = ModelOptions { leak_threshold: Duration::from_millis(20), ..ModelOptions::default() };
    let file = create(&path).expect("the file");
    let (recorder, recording) =
        record(file, &clock, &["pool", "server"], options.clone(), u64::MAX).expect("a recorder");
    let tick = Duration::from_millis(50);
    let hub = Hub::start_recorded(clock, options.clone(), tick, Some(recorder));
    let connect = ConnectOptions::from_url(&server.url()).expect("its URL");
    let info = watch_info(connect.clone(), tick, hub.tap(), clock);
    let config = PoolConfig { max: 4, blocking_timeout: Duration::from_millis(5), ..PoolConfig::default() };
    let pool = RedisPool::redis(connect, config, clock, hub.tap());
    hub.attach(pool.pulse_source());

    let mut live = vec![hub.sync().await];
    for n in 0..50 {
        pool.command(&["SET", "key", &n.to_string()]).await.expect("an answer");
        pool.command(&["GET", "key"]).await.expect("an answer");
        pool.command(&["NO\u{1b}[2JSUCH"]).await.expect("an answer");
        live.push(hub.sync().await);
    }
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(pool.checkout().await.expect("a connection"));
    }
    assert!(pool.checkout().await.is_err(), "there are four");
    wait_until("a leak", async || {
        live.push(hub.sync().await);
        live.last().is_some_and(|last| last.lints.iter().any(|lint| lint.id == "leak"))
    })
    .await;
    hub.set_options(ModelOptions { usage_alert: 50, window: Duration::from_secs(10), ..options });
    live.push(hub.sync().await);
    leases.truncate(1);
    pool.resize(2);
    server.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    let _ = pool.command(&["GET", "key"]).await;
    live.push(hub.sync().await);
    drop(leases);
    pool.close(Duration::ZERO).await;
    drop(info);
    live.push(hub.end_recording().await);
    hub.sync().await;
    assert_eq!(recording.finish().await, Vec::<String>::new());

    let all = replayed(&path);
    for live in &live {
        let again = all.iter().find(|again| again.as_of == live.as_of).expect("it was recorded");
        same(live, again);
    }
    let last = live.last().expect("the last");
    assert_eq!(all.last().expect("the last").as_of, last.as_of, "and nothing after it");
    assert!(last.events.len() > 10 && last.pools[0].totals.commands > 150, "it was worth replaying");

    // Going back is as good as never having gone on.
    let mut player = Player::open(&path).expect("a recording");
    while player.step() != Step::Over {}
    player.back(live[10].as_of);
    while player.next_at().is_some_and(|at| at <= live[10].as_of) {
        player.step();
    }
    same(&live[10], &player.snapshot());
}

#[test]
fn the_program_reports_on_a_recording_as_it_did_on_the_run() {
    let server = RedisServer::start(&[]);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let file = path.to_str().expect("its name");
    for format in ["text", "json", "prometheus"] {
        let live = pooltop()
            .args([&server.url(), "--record", file, "--duration", "0.3", "--format", format, "--warmup", "3"])
            .output()
            .expect("it runs");
        assert_eq!((live.status.code(), &*live.stderr), (Some(0), &b""[..]));
        let again = pooltop().args(["replay", file, "--once", "--format", format]).output().expect("it runs");
        assert_eq!((again.status.code(), &*again.stderr), (Some(0), &b""[..]));
        let (live, again) = (String::from_utf8_lossy(&live.stdout), String::from_utf8_lossy(&again.stdout));
        assert_eq!(live, again);
        assert!(live.contains('3'), "three connections: {live}");
    }
}

#[test]
fn one_command_a_pipe_and_a_run_that_is_ended_are_recorded_whole() {
    let server = RedisServer::start(&[]);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let file = path.to_str().expect("its name");
    let one = pooltop()
        .args(["shell", "-p", &server.port().to_string(), "--record", file, "SET", "a", "hunter2"])
        .output()
        .expect("it runs");
    assert_eq!(one.status.code(), Some(0));
    let totals = |path: &Path| replayed(path).last().expect("a tick").pools[0].totals;
    assert_eq!(totals(&path).commands, 1);

    let mut run = pooltop()
        .args(["--demo", "--record", file, "--duration", "1h"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let ticks = || std::fs::read_to_string(&path).unwrap_or_default().matches("{\"Tick\"").count();
    support::wait_for("some ticks", || (ticks() > 3).then_some(()));
    let told = std::process::Command::new("kill").arg(run.id().to_string()).status();
    assert!(told.expect("kill runs").success());
    assert_eq!(run.wait().expect("it ends").code(), Some(128 + 15));
    assert!(replayed(&path).len() > 3, "and it has its end");
}

#[test]
fn no_value_and_no_password_gets_into_a_recording() {
    let server = RedisServer::start(&["--requirepass", "s3cret-right"]);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let lines = "SET user:1 s3cret-value\nAUTH s3cret-wrong\nCONFIG SET requirepass s3cret-right\n\
                 ACL SETUSER ada on >s3cret-ada\nMIGRATE 127.0.0.1 1 k 0 1 AUTH s3cret-there\nPOOL HOLD 2\n\
                 BLPOP q 0.01 &\nEVAL \"return 's3cret-script'\" 0\n";
    let mut run = pooltop()
        .args(["shell", "-p", &server.port().to_string(), "-a", "s3cret-right", "--no-auth-warning"])
        .args(["--record", path.to_str().expect("its name")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    std::io::Write::write_all(&mut run.stdin.take().expect("a pipe"), lines.as_bytes()).expect("it reads");
    run.wait().expect("it ends");
    let recorded = std::fs::read_to_string(&path).expect("a recording").to_lowercase();
    assert!(recorded.contains("\"set\""), "it has the commands' names");
    let secret = recorded.find("s3cret").map(|at| &recorded[at..(at + 16).min(recorded.len())]);
    assert_eq!(secret, None);
}

/// As `ulimit -f` sets it, and systems that give a user so much: the system's signal would end the program.
#[test]
fn a_file_that_may_not_grow_ends_the_recording_and_not_the_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let limited = "ulimit -f 0; exec \"$0\" \"$@\"";
    let output = std::process::Command::new("sh")
        .args(["-c", limited, env!("CARGO_BIN_EXE_redis-pooltop"), "shell", "--demo", "--record"])
        .arg(directory.path().join("run.ndjson"))
        .args(["--", "PING"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"PONG\n"[..]), "{said}");
    assert!(said.contains("it ends early: File too large"), "{said}");
}

/// The program watches, and ends by a signal: its exit code, and its report.
fn cut_short(start: &str, more: &[&str], signal: Signal) -> (Option<i32>, String) {
    let server = RedisServer::start(&[]);
    let url = server.url();
    let program = env!("CARGO_BIN_EXE_redis-pooltop");
    let arguments = [&["-c", start, program, &url, "--once", "--duration", "1h"], more].concat();
    let run = std::process::Command::new("sh").args(arguments).stdout(Stdio::piped()).spawn();
    let run = run.expect("it runs");
    support::wait_for("INFO", || server.cli(&["CLIENT", "LIST"]).contains("cmd=info").then_some(()));
    let id = i32::try_from(run.id()).ok().and_then(Pid::from_raw).expect("its number");
    kill_process(id, signal).expect("it is there");
    if start.contains("trap") {
        assert!(server.cli(&["CLIENT", "LIST"]).contains("cmd=info"), "it goes on");
        kill_process(id, Signal::TERM).expect("it is there");
    }
    let output = run.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_signal_ends_the_watching_and_what_was_seen_is_reported() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let record = ["--record", path.to_str().expect("its name")];
    let (plain, deaf) = ("exec \"$0\" \"$@\"", "trap '' INT; exec \"$0\" \"$@\"");
    for more in [&[][..], &record] {
        // Who ignores the interrupt began so, and is ended by the other.
        for (start, signal, code) in [(plain, Signal::TERM, 143), (deaf, Signal::INT, 143)] {
            let (exit, report) = cut_short(start, more, signal);
            assert_eq!(exit, Some(code), "{report}");
            assert!(report.contains("connections"), "{report}");
        }
    }
    assert!(!replayed(&path).is_empty());
    let read = std::fs::read_to_string(&path).expect("the recording");
    assert!(read.trim_end().ends_with("{\"End\":\"finished\"}"), "it has its end");
}
