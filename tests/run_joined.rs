//! An app's connections, joined with what their server and the kernel say of them.

mod support;

use std::fs;
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{RedisServer, pooltop, python, wait_for};
use tempfile::TempDir;

/// What every app of these tests begins with: a client, one connection of its pool held by hand, and a wait until the
/// server has been looked at so often.
const BEGIN: &str = "\
import sys, time, redis
where = {'unix_socket_path': sys.argv[1]} if sys.argv[1].startswith('/') else {'port': int(sys.argv[1])}
r = redis.Redis(**where, password=(sys.argv[2:] or [None])[0])
def hold(name):
    c = r.connection_pool.get_connection()
    for words in (('CLIENT', 'SETNAME', name), ('GET', 'k')):
        c.send_command(*words)
        c.read_response()
    return c
def wait(what):
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until, 'it did not come about'
        time.sleep(0.02)
def looks():
    return r.info('commandstats').get('cmdstat_client|list', {}).get('calls', 0)
def refusals():
    return r.info('errorstats').get('errorstat_NOAUTH', {}).get('count', 0)
looked, refused = looks(), refusals()
";

const LEAKS: &str = "held = hold('held')\nwait(lambda: looks() >= looked + 3)\n";

struct App {
    directory: TempDir,
    server: RedisServer,
}

impl App {
    fn new(text: &str, server: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("app.py"), format!("{BEGIN}{text}")).expect("written");
        Self { directory, server: RedisServer::start(server) }
    }

    fn pooltop(&self) -> Command {
        let mut command = pooltop();
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command.env("XDG_CACHE_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
        command
    }

    /// `redis-pooltop run` with these options on the app with these arguments.
    fn run(&self, options: &[&str], arguments: &[&str]) -> Output {
        let mut run = self.pooltop();
        run.arg("run").args(options).arg("--").arg(python()).arg("app.py").args(arguments);
        run.output().expect("it runs")
    }

    fn report(&self, options: &[&str], arguments: &[&str]) -> Value {
        let options = [&["--format", "json"], options].concat();
        let output = self.run(&options, arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).expect("one document")
    }

    fn port(&self) -> String {
        self.server.port().to_string()
    }

    fn target(&self) -> String {
        format!("localhost:{}", self.port())
    }
}

#[test]
fn what_leaked_is_shown_with_what_its_server_and_the_kernel_say() {
    let app = App::new(LEAKS, &[]);
    let report = app.report(&[], &[&app.port()]);
    let left = &report["app"]["left"][0];
    assert_eq!((&left["function"], &left["how"]), (&Value::from("hold"), &Value::from("raw")), "{left:#}");
    let client = &left["client"];
    assert_eq!(client["server"], *app.target(), "{client:#}");
    assert_eq!((&client["name"], &client["last_command"]), (&Value::from("held"), &Value::from("get")));
    assert!(client["id"].is_u64() && client["db"] == 0 && client["flags"] == "N", "{client:#}");
    if cfg!(target_os = "linux") {
        assert_eq!(client["process"]["pid"], report["app"]["processes"][0]["pid"], "{client:#}");
        assert!(client["fd"].as_u64().is_some_and(|fd| fd > 2), "{client:#}");
    }
    let servers = report["app"]["servers"].as_array().expect("servers");
    assert_eq!((servers.len(), &servers[0]["target"]), (1, &Value::from(app.target())), "{servers:#?}");
    assert!(servers[0]["lost"].is_null());
}

#[test]
fn there_is_one_observer_a_server_and_it_is_named() {
    let count = "\
wait(lambda: looks() >= looked + 3)
mine = [c for c in r.client_list() if c['name'].startswith('redis-pooltop')]
print([c['name'] for c in mine])
";
    let twice =
        "held = hold('held')\nother = redis.Redis(host='localhost', port=int(sys.argv[1]))\nother.ping()\n";
    let app = App::new(&format!("{twice}{count}"), &[]);
    let output = app.run(&[], &[&app.port()]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches("redis-pooltop").count(), 1, "{output:?}");
}

/// It waits until the server has refused somebody.
const REFUSED: &str = "\
held = hold('held')
wait(lambda: refusals() > refused)
print('done')
";

#[test]
fn a_server_that_wants_a_login_is_said_once_and_harms_nobody() {
    let app = App::new(REFUSED, &["--requirepass", "sesame"]);
    let plain = app.run(&[], &[&app.port(), "sesame"]);
    assert!(plain.status.success(), "{plain:?}");
    assert_eq!(String::from_utf8_lossy(&plain.stdout), "done\n");
    let said = String::from_utf8_lossy(&plain.stderr).into_owned();
    let sentence = format!("server    {} wants a password; give it with", app.target());
    assert_eq!(said.matches(&sentence).count(), 1, "{said}");
    assert!(!said.contains("sesame"), "{said}");
    let judged = app.run(&["--fail-on-leak"], &[&app.port(), "sesame"]);
    assert_eq!(judged.status.code(), Some(4), "its leak is found all the same: {judged:?}");
    let good = App::new("r.ping()\nwait(lambda: refusals() > refused)\n", &["--requirepass", "x"]);
    let judged = good.run(&["--fail-on-leak"], &[&good.port(), "x"]);
    assert_eq!(judged.status.code(), Some(0), "that nobody was seen is no finding: {judged:?}");
}

#[test]
fn options_name_the_server_and_the_login() {
    let app = App::new(LEAKS, &["--requirepass", "sesame"]);
    let port = app.port();
    let report = app.report(&["-p", &port, "--no-auth-warning", "--pass", "sesame"], &[&port, "sesame"]);
    assert_eq!(report["app"]["left"][0]["client"]["name"], "held", "{:#}", report["app"]);
    let url = format!("redis://:sesame@127.0.0.1:{port}");
    // What the environment names is asked with its login where a pool is there.
    for (name, value) in [("REDIS_URL", &*url), ("REDISCLI_AUTH", "sesame")] {
        let mut run = app.pooltop();
        run.env(name, value).args(["run", "--format", "json", "--"]);
        let output = run.arg(python()).args(["app.py", &port, "sesame"]).output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
        assert_eq!(report["app"]["left"][0]["client"]["name"], "held", "{name}: {:#}", report["app"]);
    }
}

#[test]
fn a_replay_ends_as_the_run_did() {
    let app = App::new(LEAKS, &[]);
    let report = app.report(&["--record", "run.rec"], &[&app.port()]);
    let replayed = app.pooltop().args(["replay", "run.rec", "--format", "json"]).output().expect("it runs");
    assert!(replayed.status.success(), "{replayed:?}");
    let replayed: Value = serde_json::from_slice(&replayed.stdout).expect("one document");
    assert!(report["app"]["left"][0]["client"].is_object(), "{report:#}");
    assert_eq!(report, replayed);
}

#[test]
fn attached_connections_are_joined_and_one_that_the_server_closed_is_half_open() {
    let forget = "\
first, second = hold('first'), hold('second')
r.connection_pool.release(second)
wait(lambda: looks() >= looked + 3)
r.client_kill_filter(_id=[c['id'] for c in r.client_list() if c['name'] == 'first'][0])
looked = looks()
wait(lambda: looks() >= looked + 4)
print('ready', flush=True)
sys.stdin.read()
";
    let app = App::new(forget, &[]);
    let socket = app.directory.path().join("s");
    let mut attach = app.pooltop();
    attach.args(["attach", "--format", "json"]).arg(&socket).stdout(Stdio::piped()).stderr(Stdio::piped());
    let attached = attach.spawn().expect("it starts");
    wait_for("the socket", || socket.exists().then_some(()));
    let mut child = Command::new(python())
        .current_dir(app.directory.path())
        .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/agent"))
        .env("REDIS_POOLTOP_SOCKET", &socket)
        .args(["app.py", &app.port()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
    let pid = Pid::from_raw(i32::try_from(attached.id()).expect("a pid")).expect("a pid");
    kill_process(pid, Signal::INT).expect("sent");
    let output = attached.wait_with_output().expect("it ends");
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
    let report: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let rows = report["connections"].as_array().expect("connections");
    let of = |state: &str| rows.iter().find(|row| row["state"] == state).expect("a row");
    let (lent, available) = (of("in_use"), of("available"));
    assert_eq!((&lent["half_open"], &lent["client"]), (&Value::from(true), &Value::Null), "{lent:#}");
    assert_eq!(available["client"]["name"], "second", "{available:#}");
    assert_eq!(available["half_open"], false);
    assert_eq!(available["server_id"], available["client"]["id"]);
    if cfg!(target_os = "linux") {
        let states = (&lent["socket"], &available["socket"]);
        assert_eq!(states, (&Value::from("close-wait"), &Value::from("established")));
    }
}
