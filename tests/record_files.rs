//! Files that are no recording, or not all of one: clear words, and what could be read.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use redis_pooltop::event::wire::{Header, LINE_BYTES, write_line};
use redis_pooltop::event::{
    ConnId, CreateSteps, Event, Gauges, Opened, PoolEvent, PoolFacts, PoolId, Pulse, Stamp, Timed,
};
use redis_pooltop::model::ModelOptions;
use redis_pooltop::record::{End, NotOurs, Player, Record, play_to};
use support::pooltop;
use tempfile::TempDir;

const POOL: PoolId = PoolId(1);

fn happens(at: u64, event: PoolEvent) -> Record {
    Record::Event(Timed { at: Stamp(at), event: Event::Pool(POOL, event) })
}

fn opened(at: u64, conn: u64) -> Record {
    let opened = Opened { conn: ConnId(conn), server_id: None, local: None, steps: CreateSteps::default() };
    happens(at, PoolEvent::Opened(opened))
}

/// A pool that opens a connection a second.
fn run(seconds: u64) -> Vec<Record> {
    let facts = PoolFacts {
        name: "app".into(),
        target: "t".into(),
        max: 10,
        single: false,
        leak_threshold: None,
        inside: None,
    };
    let mut records = vec![Record::Options(ModelOptions::default()), happens(0, PoolEvent::Started(facts))];
    for second in 1..=seconds {
        let at = second * 1_000_000_000;
        records.push(opened(at, second));
        let gauges = Gauges { available: second as u32, max: 10, ..Gauges::default() };
        let pulse = Pulse { gauges, ..Pulse::default() };
        records.push(happens(at + 1, PoolEvent::Pulse(Box::new(pulse))));
        records.push(Record::Tick(Stamp(at + 2)));
    }
    records.push(Record::End(End::Finished));
    records
}

fn lines(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_line(&Header::new(1_700_000_000_000_000_000, &["pool"]), &mut bytes).expect("a header");
    for record in records {
        write_line(record, &mut bytes).expect("a line");
    }
    bytes
}

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    fs::write(&path, bytes).expect("a file");
    (directory, path)
}

/// What follows the last tick has no say in how much memory opening takes.
#[test]
fn the_length_is_looked_for_in_the_end_of_a_file_only() {
    for (after, length) in [(15 << 20, Some(Stamp(5_000_000_002))), (17 << 20, None)] {
        let (_directory, path) = file(&lines(&run(5)));
        let sparse = File::options().write(true).open(&path).expect("the file");
        sparse.set_len(fs::metadata(&path).expect("its size").len() + after).expect("a longer one");
        assert_eq!(Player::open(&path).expect("a recording").length(), length, "{after}");
    }
}

/// How many connections there are at the end, what is missing, and what is said.
fn read(path: &Path) -> (usize, u64, Option<String>) {
    let (player, snapshot) = play_to(path, None).expect("a recording");
    (snapshot.connections.len(), player.missing(), player.damage().words())
}

fn replay(path: &Path, more: &[&str]) -> Output {
    pooltop().arg("replay").arg(path).args(more).output().expect("it runs")
}

#[test]
fn a_whole_recording_is_read_whole() {
    let (_directory, path) = file(&lines(&run(5)));
    assert_eq!(read(&path), (5, 0, None));
    let player = Player::open(&path).expect("a recording");
    assert_eq!(player.length(), Some(Stamp(5_000_000_002)));
    let at = play_to(&path, Some(Stamp(3_500_000_000))).expect("a recording").1;
    assert_eq!((at.as_of, at.wall_ms), (Stamp(3_000_000_002), 1_700_000_003_000));
    let output = replay(&path, &["--duration", "3.5"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("available 3"), "{output:?}");
}

#[test]
fn a_file_that_breaks_off_anywhere_gives_what_it_has() {
    let whole = lines(&run(3));
    let header = whole.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let mut most = 0;
    for end in header..whole.len() - 1 {
        fs::write(&path, &whole[..end]).expect("a file");
        let (connections, missing, damage) = read(&path);
        assert!(connections >= most && missing == 0, "{end}");
        most = connections;
        // The last line needs no end of line to be one.
        if end < whole.len() - 1 {
            assert!(damage.is_some_and(|words| words.contains("breaks off")), "{end}");
        }
    }
    assert_eq!(most, 3);
    fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
    assert_eq!(read(&path), (3, 0, None));
    fs::write(&path, &whole[..whole.len() - 10]).expect("a file");
    let output = replay(&path, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("available 3"), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("breaks off in line 13"), "{output:?}");
}

#[test]
fn garbage_and_endless_lines_are_passed_over_and_told() {
    let mut records = run(4);
    let end = records.split_off(5);
    let mut bytes = lines(&records);
    bytes.extend_from_slice(b"{\"Tick\":\"\x1b[2J\"}\n\xff\xfe\n[[[[\n{\"Unheard\":{\"of\":1}}\n");
    bytes.extend(std::iter::repeat_n(b'[', LINE_BYTES + 1));
    bytes.push(b'\n');
    let after = lines(&end);
    let header = after.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    bytes.extend_from_slice(&after[header..]);
    let (_directory, path) = file(&bytes);
    let (connections, missing, damage) = read(&path);
    assert_eq!((connections, missing), (4, 5));
    let damage = damage.expect("damage");
    assert!(damage.starts_with("5 lines cannot be read, the first is 7 (control character"), "{damage}");
    let output = replay(&path, &["--once"]);
    let (said, report) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
    assert!(!said.contains('\u{1b}') && report.contains("available 4"), "{said} {report}");
}

#[test]
fn a_gap_is_told_and_leaves_no_row_that_may_be_wrong_unmarked() {
    let mut records = run(4);
    let tail = records.split_off(records.len() - 3);
    records.push(Record::Gap(7));
    let mut open_end = records.clone();
    open_end.push(Record::Tick(Stamp(3_500_000_000)));
    let (_directory, path) = file(&lines(&open_end));
    let (_, snapshot) = play_to(&path, None).expect("a recording");
    assert_eq!((snapshot.dropped, snapshot.out_of_sync), (7, true));
    records.extend(tail);
    let (_directory, path) = file(&lines(&records));
    let output = replay(&path, &["--once"]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("has gaps, 7 lines in all"), "{said}");
}

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() {
    let newer =
        br#"{"format":"redis-pooltop recording","version":2,"program":"9.9\u001b[2J","shape":"other"}"#;
    let table: [(&[u8], &str); 7] = [
        (b"", "is empty"),
        (b"hello\n", "its first line is no header"),
        (b"{\"format\":\"asciicast\",\"version\":2}\n", "names another format"),
        (b"{\"format\":\"redis-pooltop recording\",\"version\":1}\n", "lacks something"),
        (&[&newer[..], b"\n"].concat(), "in format 2; this one reads format 1"),
        (&b"x".repeat(1 << 20), "its first line is no header"),
        (b"\x7fELF\x02\x01\x01\0\0\n", "its first line is no header"),
    ];
    for (bytes, words) in table {
        let (_directory, path) = file(bytes);
        let output = replay(&path, &["--once"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*output.stdout), (Some(2), &b""[..]), "{said}");
        assert!(said.contains(words) && said.lines().count() == 1 && !said.contains('\u{1b}'), "{said}");
    }
    let (directory, path) = file(b"");
    for (path, words) in [(directory.path(), "it is not a file"), (&path.join("x"), "cannot read")] {
        let output = replay(path, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
    assert!(matches!(Player::open(directory.path()), Err(NotOurs::Foreign { .. })));
}

#[test]
fn what_is_there_is_not_recorded_over() {
    let (_directory, path) = file(b"somebody's notes\n");
    let name = path.to_str().expect("its name");
    let output = pooltop().args(["--demo", "--once", "--record", name]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("is there already and is no recording"), "{said}");
    assert_eq!(fs::read(&path).expect("it is there"), b"somebody's notes\n");
    let output = pooltop().args(["replay", name, "--record", name]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_endless_file_is_read_in_little_memory() {
    let mut head = lines(&run(3));
    head.truncate(head.len() - b"{\"End\":\"finished\"}\n".len());
    let (_directory, path) = file(&head);
    // Nothing but holes: one endless line, and then the recording goes on.
    let mut file = File::options().write(true).open(&path).expect("the file");
    file.set_len(1 << 30).expect("room for nothing");
    std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).expect("its end");
    let mut rest = b"\n".to_vec();
    write_line(&Record::Tick(Stamp(9_000_000_000)), &mut rest).expect("a line");
    file.write_all(&rest).expect("its end");
    let limited = format!(
        "ulimit -v 800000; exec {} replay {} --once",
        env!("CARGO_BIN_EXE_redis-pooltop"),
        path.display()
    );
    let output = std::process::Command::new("sh").args(["-c", &limited]).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("line 13 cannot be read (it is longer than 16 MiB)"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("available 3"), "{output:?}");
}

#[test]
fn a_verdict_on_a_damaged_recording_says_so() {
    let whole = lines(&run(5));
    let (_directory, path) = file(&whole[..whole.len() - 40]);
    for (format, says) in [("json", "\"damaged\": "), ("junit", "errors=\"1\""), ("text", "is damaged: ")] {
        let output = replay(&path, &["--once", "--fail-on", "leak", "--format", format]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(says), "{said}");
    }
}
