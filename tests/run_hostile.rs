//! Whoever can write to the socket may be confused or hostile: the program goes on, takes what makes sense and stays small.

mod app_support;
mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use app_support::Told;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use support::{PATIENCE, pooltop, wait_for};
use tempfile::TempDir;

/// `attach`, and where it listens.
struct Attached {
    child: Child,
    directory: TempDir,
}

impl Attached {
    fn start(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut attach = pooltop();
        attach.arg("attach").args(options).arg(directory.path().join("socket"));
        attach.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let attached = Self { child: attach.spawn().expect("it starts"), directory };
        wait_for("the socket", || UnixStream::connect(attached.socket()).ok());
        attached
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        stream.set_write_timeout(Some(PATIENCE)).expect("a deadline");
        stream
    }

    /// Says all of it, and waits until it was taken, or nothing more is taken.
    fn say(&self, bytes: &[u8]) {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        heard(stream);
    }

    /// These messages, a line each.
    fn tell(&self, messages: &[Value]) {
        let lines: Vec<_> = messages.iter().map(|message| message.to_string() + "\n").collect();
        self.say(lines.concat().as_bytes());
    }

    /// What it takes in memory, in MiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect("a number") >> 10
    }

    fn end(self) -> Output {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, Signal::TERM).expect("sent");
        self.child.wait_with_output().expect("it ends")
    }

    /// Ends it, which it does in peace.
    fn text(self) -> String {
        let output = self.end();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    fn told(self) -> Told {
        let told = Told::of(self.end());
        assert_eq!(told.code(), Some(0), "{told:?}");
        told
    }
}

/// Waits until the other end has taken all and hangs up.
fn heard(mut stream: UnixStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut Vec::new());
}

fn hello(pid: u32, born: u64) -> Value {
    json!({"t": "hello", "v": 1, "pid": pid, "ppid": 1, "born": born, "now": 1_000, "program": "peer", "cwd": "/srv", "python": "3.11.7"})
}

fn pool(id: u64) -> Value {
    json!({"t": "pool", "id": id, "at": 1_000, "class": "redis.connection.ConnectionPool", "max": 10, "target": "127.0.0.1:1/0", "kind": "pool"})
}

fn lease(conn: u64, stack: u64) -> Value {
    json!({"conn": conn, "since": 1_000_u64.saturating_add(conn), "stack": stack, "thread": "MainThread", "how": "raw", "cmds": 0, "uses": 1, "active": 1_000})
}

fn snap(pool: u64, out: &[Value]) -> Value {
    json!({"t": "snap", "now": 2_000, "pools": [{"id": pool, "in_use": out.len(), "out": out, "totals": {"opened": out.len(), "checkouts": out.len()}}]})
}

fn stack(id: u64, frames: usize, name: &str) -> Value {
    let frames: Vec<_> = (0..frames).map(|line| json!([format!("/srv/{name}.py"), line, name])).collect();
    json!({"t": "stack", "id": id, "frames": frames})
}

#[test]
fn strangers_and_other_versions_are_told_and_not_listened_to() {
    let attached = Attached::start(&[]);
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\xff\xfe\x00\n", b"{}\n", b"\n\n\n", b""] {
        attached.say(bytes);
    }
    let mut other = hello(4711, 1);
    other["v"] = 9.into();
    attached.tell(&[other, pool(1)]);
    attached.tell(&[hello(4712, 1)]);
    let said = attached.text();
    assert!(said.contains("4712  peer") && !said.contains("4711"), "{said}");
}

#[test]
fn lines_and_floods_without_end_take_no_memory() {
    let attached = Attached::start(&[]);
    let small = attached.memory();
    attached.say(&vec![b'x'; 10 << 20]);
    let mut long = hello(1, 1).to_string().into_bytes();
    long.push(b'\n');
    long.extend(std::iter::repeat_n(b' ', 10 << 20));
    attached.say(&long);
    // Several at once, each faster than anybody could read.
    let leases: Vec<_> = (0..400).map(|conn| lease(conn, conn)).collect();
    let flood = format!("{}\n", snap(1, &leases)).repeat(60);
    thread::scope(|scope| {
        for pid in 10..14 {
            let (attached, flood) = (&attached, &flood);
            scope.spawn(move || attached.say(format!("{}\n{}\n{flood}", hello(pid, 1), pool(1)).as_bytes()));
        }
    });
    let grown = attached.memory() - small;
    assert!(grown < 200, "{grown} MiB more than at the beginning");
    let said = attached.text();
    for pid in 10..14 {
        assert!(said.contains(&format!("process   {pid}  peer")), "{said}");
    }
}

#[test]
fn half_a_line_and_silence_hold_nobody_up() {
    let attached = Attached::start(&["--format", "json"]);
    let mut quiet: Vec<_> = (0..5).map(|_| attached.connect()).collect();
    for stream in &mut quiet {
        stream.write_all(b"{\"t\":\"hel").expect("taken");
    }
    attached.tell(&[hello(7, 1), pool(1), snap(1, &[lease(1, 1)])]);
    let told = attached.told();
    assert_eq!(told.processes().len(), 1, "{told:?}");
}

#[test]
fn more_processes_than_there_is_room_for_wait_until_others_have_ended() {
    let attached = Attached::start(&["--format", "json"]);
    let mut streams = Vec::new();
    for pid in 0..600 {
        let mut stream = attached.connect();
        // One too many is hung up on.
        let _ = writeln!(stream, "{}", hello(pid, 1));
        streams.push(stream);
    }
    for stream in streams {
        heard(stream);
    }
    attached.tell(&[hello(9_999, 1)]);
    let told = attached.told();
    let count = told.processes().len();
    assert!((500..=512).contains(&count), "{count}");
    assert!(told.processes().iter().any(|process| process["pid"] == 9_999));
}

#[test]
fn thousands_of_pools_and_connections_are_survived() {
    let attached = Attached::start(&["--format", "json"]);
    let mut messages = vec![hello(5, 1)];
    messages.extend((1..=3_000).map(pool));
    messages.extend((0..25).map(|part| {
        let leases: Vec<_> = (0..400).map(|conn| lease(part * 400 + conn, 1)).collect();
        let mut told = snap(1, &leases);
        told["pools"][0]["in_use"] = 10_000.into();
        told
    }));
    attached.tell(&messages);
    // And many more than there is room for.
    attached.tell(&[hello(6, 1)].into_iter().chain((1..=6_000).map(pool)).collect::<Vec<_>>());
    let peak = attached.memory();
    let told = attached.told();
    let count = told.document["pools"].as_array().map_or(0, Vec::len);
    assert!(count >= 256, "{count}");
    assert!(peak < 400, "{peak} MiB");
}

#[test]
fn names_in_any_script_do_nothing_to_a_terminal() {
    let names = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "関数\u{202e}nuf",
        "\u{9b}31m\r\n\u{0}",
        "Ω\u{200b}\u{feff}",
        "a/../../b\tc",
    ];
    let mut messages = vec![hello(5, 1), pool(1)];
    for (id, name) in (1..).zip(names) {
        messages.push(stack(id, 500, name));
        let mut out = lease(id, id);
        for field in ["thread", "task", "cmd", "pinned"] {
            out[field] = name.into();
        }
        messages.push(snap(1, &[out]));
    }
    let mut titled = pool(2);
    titled["class"] = names[0].into();
    titled["name"] = names[1].into();
    titled["target"] = names[2].into();
    messages.push(titled);
    messages.push(json!({"t": "lib", "name": names[0], "version": names[2]}));
    messages.push(json!({"t": "bye", "now": 3_000, "unclosed": [[1, 5]]}));
    let attached = Attached::start(&[]);
    attached.tell(&messages);
    let said = attached.text();
    let steers = |c: &char| {
        (c.is_control() && *c != '\n')
            || ('\u{200b}'..='\u{200f}').contains(c)
            || ('\u{2028}'..='\u{202e}').contains(c)
            || *c == '\u{feff}'
    };
    assert_eq!(said.chars().find(steers), None, "{said:?}");
    assert!(said.contains("関数"), "{said}");
    let attached = Attached::start(&["--format", "json"]);
    attached.tell(&messages);
    let told = attached.told();
    assert_eq!(told.left().len(), names.len(), "{:#}", told.document["app"]);
    let stack = told.document["app"]["left"][0]["stack"].as_str().map_or(0, |stack| stack.lines().count());
    assert_eq!(stack, 65, "64 frames, and how many more there are");
}

#[test]
fn numbers_and_clocks_that_make_no_sense_are_survived() {
    let max = u64::MAX;
    let attached = Attached::start(&["--format", "json"]);
    let mut huge = hello(u32::MAX, max);
    huge["now"] = max.into();
    let wild = json!({"t": "snap", "now": 0, "dropped": max, "errors": max, "error": "x", "pools": [{
        "id": 1, "in_use": u32::MAX, "available": u32::MAX, "opening": u32::MAX, "waiting": u32::MAX, "max": max,
        "totals": {"opened": max, "closed": max, "checkouts": max, "released": max, "timeouts": max, "refused": max, "unread_replies": max},
        "wait": [[max, max], [0, max]], "held": [[max, max]], "create": [[0, 0]],
        "opened": [[max, 0, max, "nowhere", max], [1, max, null, null, max]], "closed": [[max, max, "why"], [2, 0, "broken"]],
        "out": [{"conn": 1, "since": max, "stack": max, "how": "raw", "uses": max, "cmds": max, "active": 0, "busy": max, "abandoned": 0}],
        "back": [[3, max]], "failed": [{"at": max, "waited": max, "end": "refused"}],
        "unread": [{"at": 0, "conn": max, "owed": max, "bytes": max}], "shared": [{"at": max, "conn": max}]}]});
    let back = |now: u64| json!({"t": "snap", "now": now, "pools": [{"id": 1, "in_use": 1}]});
    let messages = [
        huge,
        pool(1),
        wild.clone(),
        back(max),
        back(5),
        wild,
        back(0),
        // Pools whose numbers come again, that are not known, that end twice.
        pool(1),
        json!({"t": "gone", "pool": 1, "at": max, "open": u32::MAX}),
        json!({"t": "gone", "pool": 1, "at": 0}),
        pool(1),
        snap(77, &[lease(1, 1)]),
        json!({"t": "gone", "pool": 99, "at": 1}),
        snap(1, &[lease(max, max)]),
        json!({"t": "bye", "now": 0, "unclosed": [[max, u32::MAX], [1, 3]]}),
        snap(1, &[lease(1, 1)]),
    ];
    attached.tell(&messages);
    // One that says it is somebody else, and one that says so a second time.
    attached.tell(&[hello(u32::MAX, 1), hello(1, 1), pool(1), snap(1, &[lease(1, 1)])]);
    attached.tell(&[hello(u32::MAX, 1)]);
    let told = attached.told();
    let pids: Vec<_> = told.processes().iter().map(|process| process["pid"].as_u64()).collect();
    assert_eq!(pids, [Some(u64::from(u32::MAX)); 2], "{:#}", told.document["app"]);
}

#[test]
fn garbage_among_what_makes_sense_is_passed_over_and_not_for_ever() {
    let attached = Attached::start(&["--format", "json"]);
    let mut stream = attached.connect();
    let (hello, first, out, second) = (hello(3, 1), pool(1), snap(1, &[lease(1, 1)]), pool(2));
    let (deep, long) = ("[".repeat(100_000), "?\n".repeat(1_000));
    let said = format!(
        "{hello}\n{{\"t\":\"snap\"}}\nnonsense\n{{\"t\":\"news\"}}\n[[[[\n{first}\n{out}\n{deep}\n{long}{second}\n"
    );
    let _ = stream.write_all(said.as_bytes());
    heard(stream);
    let told = attached.told();
    assert_eq!(told.processes()[0]["gone"], "lost");
    assert_eq!(told.document["pools"].as_array().map_or(0, Vec::len), 1, "{:#}", told.document["pools"]);
}

/// Another user's process, which only root can be: as anybody else there is nobody to try it with.
#[test]
fn another_user_is_not_let_in_and_where_it_is_it_is_not_listened_to() {
    if !rustix::process::getuid().is_root() {
        return;
    }
    let attached = Attached::start(&[]);
    let open =
        |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opened");
    open(attached.directory.path().to_owned(), 0o755);
    let peer = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ntry:\n    s.connect(sys.argv[1])\nexcept PermissionError:\n    sys.exit(13)\n\
         try:\n    s.sendall(sys.argv[2].encode())\nexcept BrokenPipeError:\n    pass\ntry:\n    s.recv(1)\nexcept ConnectionResetError:\n    pass";
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c", peer]);
        command.arg(attached.socket()).arg(format!("{}\n", hello(666, 1)));
        command.output().expect("setpriv")
    };
    let refused = nobody();
    assert_eq!(refused.status.code(), Some(13), "{refused:?}");
    open(attached.socket(), 0o666);
    let heard = nobody();
    assert_eq!(heard.status.code(), Some(0), "{heard:?}");
    let said = attached.text();
    assert!(!said.contains("666"), "{said}");
}
