//! A command under `run` is the command: its exit code, its output, its input and its signals are what they are without.

mod app_support;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use app_support::{Told, apps, run};
use rustix::process::{Pid, Signal, kill_process};
use support::{RedisServer, python, wait_for};

/// The code that a shell has for how it ended.
fn code(output: &Output) -> Option<i32> {
    output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal))
}

fn fed(mut command: Command, input: &[u8]) -> Output {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    thread::scope(|scope| {
        // One that ends without reading has not taken all of it.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("it ends")
    })
}

/// The command as it is and under `run`, with this input: both end alike and say the same, but for what we say after it.
fn alike(command: &[&str], input: &[u8]) -> Output {
    let mut bare = Command::new(command[0]);
    bare.args(&command[1..]).current_dir(apps()).env_remove("PYTHONPATH");
    let bare = fed(bare, input);
    let under = fed(run(&[], command), input);
    assert_eq!(code(&under), code(&bare), "{command:?}: {under:?}");
    assert_eq!(under.stdout, bare.stdout, "{command:?}");
    assert!(under.stderr.starts_with(&bare.stderr), "{command:?}: {under:?} against {bare:?}");
    bare
}

fn path(python: &Path) -> &str {
    python.to_str().expect("a path")
}

#[test]
fn a_python_ends_as_it_would_have() {
    let python = python();
    let python = path(&python);
    for (text, wanted) in [
        ("pass", 0),
        ("import sys; sys.exit(1)", 1),
        ("import sys; sys.exit('said so')", 1),
        ("import sys; sys.exit(255)", 255),
        ("import os; os._exit(3)", 3),
        ("import redis, os; os._exit(3)", 3),
        ("raise ValueError('no')", 1),
        ("import redis; raise ValueError('no')", 1),
        ("this is no program", 1),
        ("raise KeyboardInterrupt", 128 + 2),
        ("import os; os.kill(os.getpid(), 9)", 128 + 9),
        ("import redis, os; os.kill(os.getpid(), 15)", 128 + 15),
        ("import redis, signal; signal.raise_signal(signal.SIGHUP)", 128 + 1),
    ] {
        assert_eq!(code(&alike(&[python, "-c", text], b"")), Some(wanted), "{text}");
    }
}

#[test]
fn bytes_pass_through_as_they_are() {
    let python = python();
    let all: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let text = "import redis, sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data + b'\\x1b[31m'); \
                sys.stderr.buffer.write(data[::-1])";
    let said = alike(&[path(&python), "-c", text], &all);
    assert_eq!(said.stdout.len(), all.len() + 5);
    alike(&["sh", "-c", "cat; echo over >&2; exit 9"], &all);
    alike(&["sh", "-c", "seq 1 200000 | head -n 3; yes | head -n 1; exit 4"], b"");
    alike(&["cat", "/nowhere/at/all"], b"");
}

#[test]
fn what_a_process_is_given_is_what_it_has_without() {
    // What is ignored, blocked and caught; which descriptors are open; the group, the mask and the directory.
    alike(&["grep", "^Sig[BIC]", "/proc/self/status"], b"");
    let deaf = "trap '' HUP INT USR1; exec grep ^Sig[BIC] /proc/self/status";
    alike(&["sh", "-c", deaf], b"");
    alike(&["sh", "-c", "ls /proc/self/fd; umask; pwd; ulimit -n"], b"");
    let text =
        "import os; print(os.getpgrp() == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid()))";
    alike(&[path(&python()), "-c", text], b"");
    let variables = "env | grep -v '^PYTHONPATH=\\|^REDIS_POOLTOP_\\|^_=\\|^XDG_\\|^PYTHONDONT\\|^PWD=\\|^SHLVL=' | cut -d= -f1 | sort";
    alike(&["sh", "-c", variables], b"");
}

#[test]
fn what_was_ignored_stays_ignored() {
    let mut nohup = Command::new("sh");
    let under = run(&[], &["grep", "^SigIgn", "/proc/self/status"]);
    nohup.args(["-c", "trap '' HUP USR1; exec \"$@\"", "sh"]).arg(under.get_program()).args(under.get_args());
    let under = fed(nohup, b"");
    let mut bare = Command::new("sh");
    bare.args(["-c", "trap '' HUP USR1; exec grep ^SigIgn /proc/self/status"]);
    assert_eq!(String::from_utf8_lossy(&under.stdout), String::from_utf8_lossy(&fed(bare, b"").stdout));
}

/// A command under `run` that prints a line when it is ready, and the rest of its output.
fn ready(command: &[&str]) -> (Child, BufReader<ChildStdout>, String) {
    let mut child = run(&[], command)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    (child, out, line.trim().to_owned())
}

fn send(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(pid, signal).expect("sent");
}

const SIGNALS: [(Signal, &str); 5] = [
    (Signal::TERM, "SIGTERM"),
    (Signal::INT, "SIGINT"),
    (Signal::HUP, "SIGHUP"),
    (Signal::USR1, "SIGUSR1"),
    (Signal::USR2, "SIGUSR2"),
];

#[test]
fn a_signal_ends_the_command_and_then_us_with_its_code() {
    let python = python();
    for (signal, name) in SIGNALS {
        let text = format!(
            "import redis, signal\nsignal.signal(signal.{name}, signal.SIG_DFL)\nprint('ready', flush=True)\nsignal.pause()"
        );
        let (mut child, _, _) = ready(&[path(&python), "-c", &text]);
        send(child.id(), signal);
        assert_eq!(child.wait().expect("it ends").code(), Some(128 + signal.as_raw()), "{name}");
    }
}

#[test]
fn a_signal_is_handled_by_the_command_as_often_as_it_is_sent() {
    let python = python();
    for (signal, name) in SIGNALS {
        let text = format!(
            "import redis, signal, sys, time\ngot = []\ndef handle(*_):\n    got.append(1)\n    print('got', flush=True)\n\
             signal.signal(signal.{name}, handle)\nprint('ready', flush=True)\nwhile len(got) < 3: time.sleep(0.01)\nsys.exit(5)"
        );
        let (mut child, mut out, _) = ready(&[path(&python), "-c", &text]);
        for _ in 0..3 {
            send(child.id(), signal);
            let mut line = String::new();
            out.read_line(&mut line).expect("a line");
            assert_eq!(line, "got\n", "{name}");
        }
        assert_eq!(child.wait().expect("it ends").code(), Some(5), "{name}");
    }
}

#[test]
fn a_command_that_is_killed_ends_us_with_its_code() {
    let (mut child, _, pid) = ready(&["sh", "-c", "echo $$; exec sleep 600"]);
    send(pid.parse().expect("a pid"), Signal::KILL);
    assert_eq!(child.wait().expect("it ends").code(), Some(128 + 9));
}

#[test]
fn a_python_that_takes_no_hook_is_run_all_the_same() {
    let (python, server) = (python(), RedisServer::start(&[]));
    let text = format!("import redis; print(redis.Redis(port={}).ping())", server.port());
    for option in ["-I", "-S", "-E"] {
        // Without `site` there is no redis-py: that is the same with and without us.
        alike(&[path(&python), option, "-c", &text], b"");
        let output = run(&[], &[path(&python), option, "-c", &text]).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&format!("nobody reported: python {option} starts ")), "{said}");
    }
    let without = "import sys; sys.path[:] = [path for path in sys.path if 'site-packages' not in path]\n\
                   try:\n    import redis\nexcept ImportError: print('none')";
    assert_eq!(alike(&[path(&python), "-c", without], b"").stdout, b"none\n");
}

#[test]
fn a_worker_that_is_killed_is_told_with_when_it_was_heard_last() {
    let server = RedisServer::start(&[]);
    let text = format!(
        "import os, signal, subprocess, sys, redis\n\
         worker = subprocess.Popen([sys.executable, '-c', 'import redis, time; c = redis.Redis(port={port}); c.ping(); \
         c.client_setname(\"worker\"); time.sleep(600)'])\n\
         client = redis.Redis(port={port})\n\
         while not any(c['name'] == 'worker' for c in client.client_list()): pass\n\
         worker.kill(); worker.wait()",
        port = server.port()
    );
    let python = python();
    let command = [path(&python), "-c", &text];
    let output = run(&[], &command).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("gone without a word, ") && said.contains(" after it was last heard"), "{said}");
    let told = Told::of(run(&["--format", "json"], &command).output().expect("it runs"));
    let gone: Vec<_> = told.processes().iter().map(|process| process["gone"].clone()).collect();
    assert_eq!((told.code(), gone), (Some(0), vec!["ended".into(), "lost".into()]), "{told:?}");
}

#[test]
fn a_daemon_lives_on_when_what_started_it_has_ended() {
    let (python, server, directory) =
        (python(), RedisServer::start(&[]), tempfile::tempdir().expect("a directory"));
    let (told, done) = (directory.path().join("told"), directory.path().join("done"));
    let port = server.port().to_string();
    let command = [path(&python), "daemon.py", &port, path(&told), path(&done)];
    let output = run(&["--grace", "100ms"], &command).output().expect("it runs");
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let rounds = || server.cli(&["GET", "rounds"]).parse::<u64>().unwrap_or(0);
    let before = rounds();
    wait_for("the daemon to go on", || (rounds() > before + 20).then_some(()));
    fs::write(&told, "").expect("written");
    let counted = wait_for("the daemon's last word", || fs::read_to_string(&done).ok());
    assert!(counted.parse::<u64>().expect("a number") >= before);
}
