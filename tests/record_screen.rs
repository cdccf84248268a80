//! A recording on the screen: its keys, and that a run says that it is recorded.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::path::PathBuf;
use std::process::Stdio;

use redis_pooltop::event::wire::{Header, write_line};
use redis_pooltop::event::{
    ConnId, ConnPulse, ConnState, Event, Gauges, Holder, PoolEvent, PoolFacts, PoolId, Pulse, Stamp, Timed,
};
use redis_pooltop::record::{End, Record};
use tempfile::TempDir;
use tty::Tty;

/// Ten minutes of a pool with a tick a second, in which somebody holds on to a connection from the fifth minute on.
fn recording() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let mut bytes = Vec::new();
    let mut line = |record: &Record| write_line(record, &mut bytes).expect("a line");
    let happens = |at: Stamp, event| Record::Event(Timed { at, event: Event::Pool(PoolId(1), event) });
    let facts = PoolFacts {
        name: "app".into(),
        target: "h:1/0".into(),
        max: 10,
        single: false,
        leak_threshold: None,
        inside: None,
    };
    line(&happens(Stamp(0), PoolEvent::Started(facts)));
    for second in 0..=600_u64 {
        let at = Stamp(second * 1_000_000_000);
        let held = second >= 300;
        let since = Stamp(300_000_000_000);
        let holder = Holder { label: Some("the culprit".into()), ..Holder::default() };
        let state = if held {
            ConnState::InUse { since, holder, pinned: None }
        } else {
            ConnState::Available { since: Stamp(0) }
        };
        let row = ConnPulse {
            conn: ConnId(1),
            state,
            uses: 1,
            commands: 1,
            last_command: None,
            last_active: Stamp(0),
            busy_since: None,
            dead: false,
            last: None,
        };
        let (in_use, available) = (u32::from(held), u32::from(!held));
        let gauges = Gauges { in_use, available, max: 10, ..Gauges::default() };
        let pulse = Pulse { gauges, connections: vec![row], ..Pulse::default() };
        line(&happens(at, PoolEvent::Pulse(Box::new(pulse))));
        line(&Record::Tick(at));
    }
    line(&Record::End(End::Finished));
    let mut whole = Vec::new();
    write_line(&Header::new(1_700_000_000_000_000_000, &["pool"]), &mut whole).expect("a header");
    whole.extend(bytes);
    std::fs::write(&path, whole).expect("a file");
    (directory, path)
}

#[test]
fn a_replay_is_paused_stepped_sought_and_searched_for_lints() {
    let (_directory, path) = recording();
    let mut tty = Tty::pooltop(&["replay", path.to_str().expect("its name")], 100, 30);
    tty.see("REPLAY  0:0");
    tty.see("of 10:00 1x");
    tty.send(" ");
    tty.see("of 10:00 paused");
    tty.send("}}");
    tty.wait("two minutes on", |text| text.contains("  2:0") && text.contains("of 10:00 paused"));
    // All at once: each key acts from where the one before it went.
    tty.send("(...");
    tty.see("0:03 of 10:00 paused");
    tty.send("}}");
    tty.see("2:03 of 10:00 paused");
    tty.send("[\u{1b}[D");
    tty.see("1:43 of 10:00 paused");
    tty.send("]");
    tty.see("1:53 of 10:00 paused");
    assert!(tty.line("leak").is_none_or(|line| line.contains("nothing leaks")));
    tty.send("n");
    tty.wait("the first lint", |text| text.contains("! long-hold") && text.contains("paused"));
    tty.send("n");
    // It has been held for 30 s without anything moving on it.
    tty.see("5:30 of 10:00 paused");
    tty.wait("the leak", |text| text.contains("x leak") && text.contains("the culprit"));
    tty.send("{");
    tty.see("4:30 of 10:00 paused");
    tty.wait("no leak", |text| !text.contains("x leak") && text.contains("available  "));
    tty.send(")");
    tty.see("10:00 of 10:00 end");
    tty.send("( >>>>>>>>>> ");
    tty.wait("a pause on the way", |text| text.contains("of 10:00 paused") || text.contains("of 10:00 end"));
    // Nothing typed runs, nor does what a pane would close.
    tty.send("K:GET key\r");
    tty.see("this is a replay: no command runs");
    assert!(!tty.text().contains("Close #1"));
    tty.run("QUIT");
    assert_eq!(tty.end().exit_code(), 0);
    tty.given_back();
}

#[test]
fn a_damaged_recording_is_shown_as_far_as_it_goes_and_says_so() {
    let (_directory, path) = recording();
    let whole = std::fs::read_to_string(&path).expect("a file");
    // A header, what the pool is, two lines a second from 0:00 on, and some of one more.
    let half: usize = whole.split_inclusive('\n').take(2 + 2 * 100).map(str::len).sum();
    std::fs::write(&path, &whole[..half + 20]).expect("half of it");
    let mut tty = Tty::pooltop(&["replay", path.to_str().expect("its name")], 80, 24);
    tty.see("REPLAY");
    tty.send(")");
    tty.see("! the recording: it breaks off in line 203");
    tty.wait("the end", |text| text.contains("1:39 of 1:39") && text.contains(" end"));
    // Damage that was met stays met.
    tty.send("(");
    tty.wait("the start", |text| text.contains("0:00 of 1:39"));
    tty.send("\u{4}");
    assert_eq!(tty.end().exit_code(), 1);
    let mut foreign = Tty::pooltop(&["replay", "/etc/passwd"], 80, 24);
    foreign.see("is no recording of redis-pooltop");
    assert_eq!(foreign.end().exit_code(), 2);
}

#[test]
fn the_screen_says_that_it_is_recorded_and_the_replay_ends_as_the_run_did() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let file = path.to_str().expect("its name");
    let mut tty = Tty::pooltop(&["--demo", "--record", file], 100, 30);
    tty.see("REC ");
    tty.run("POOL HOLD 3");
    tty.see("holds #1 #2 #3");
    tty.run("QUIT");
    assert_eq!(tty.end().exit_code(), 0);
    let replay = support::pooltop().args(["replay", file]).stdin(Stdio::null()).output().expect("it runs");
    let report = String::from_utf8_lossy(&replay.stdout);
    assert_eq!((replay.status.code(), &*replay.stderr), (Some(0), &b""[..]));
    assert!(report.contains("opened 3"), "{report}");
}
