use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::event::wire::{Header, read_line, write_line};
use crate::event::{Client, Clock, Event, Look, NodeFacts, NodeId, Owner, Process, Timed, WatchEvent, Whose};
use crate::snapshot::Snapshot;

const SEES: [&str; 1] = ["pool"];

fn lines(text: &str) -> Vec<Record> {
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    assert_eq!(read_line::<Header>(header.as_bytes()).expect("a header").sees, SEES);
    lines.map(|line| read_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

#[tokio::test]
async fn what_is_handed_over_is_in_the_file_and_it_has_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let file = create(&path).expect("a file");
    let options = ModelOptions::default();
    let (mut recorder, recording) =
        record(file, &Clock::start(), &SEES, options.clone(), u64::MAX).expect("a recorder");
    let ticks = (0..1_000).map(|at| Record::Tick(Stamp(at)));
    ticks.clone().for_each(|tick| recorder.push(tick));
    drop(recorder);
    assert_eq!(recording.finish().await, Vec::<String>::new());
    let read = lines(&std::fs::read_to_string(&path).expect("the file"));
    let wanted: Vec<_> =
        std::iter::once(Record::Options(options)).chain(ticks).chain([Record::End(End::Finished)]).collect();
    assert_eq!(read, wanted);
}

#[tokio::test]
async fn it_stops_at_its_limit_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let file = create(&path).expect("a file");
    let limit = 10_000;
    let (mut recorder, recording) =
        record(file, &Clock::start(), &SEES, ModelOptions::default(), limit).expect("a recorder");
    for at in 0..1_000 {
        recorder.push(Record::Tick(Stamp(at)));
    }
    let row = recorder.row();
    assert_eq!(row.lost, 0);
    drop(recorder);
    assert_eq!(recording.finish().await, ["it is full at 10.0 kB and ends there"]);
    let text = std::fs::read_to_string(&path).expect("the file");
    assert!(text.len() as u64 <= limit && text.len() as u64 + 200 > limit, "{}", text.len());
    assert_eq!(lines(&text).last(), Some(&Record::End(End::Full)));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_ends_the_recording_and_not_the_run() {
    let file = File::options().write(true).open("/dev/full").expect("a disk without room");
    let (mut recorder, recording) =
        record(file, &Clock::start(), &SEES, ModelOptions::default(), u64::MAX).expect("a recorder");
    while recorder.row().ended.is_none() {
        recorder.push(Record::Tick(Stamp(1)));
        tokio::task::yield_now().await;
    }
    recorder.push(Record::Tick(Stamp(2)));
    drop(recorder);
    let said = recording.finish().await;
    assert!(said.last().is_some_and(|why| why.starts_with("it ends early: No space left")), "{said:?}");
}

#[tokio::test]
async fn what_a_slow_disk_cannot_take_is_a_gap_of_so_many_lines() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let file = File::from(OwnedFd::from(writer));
    let (mut recorder, recording) =
        record(file, &Clock::start(), &SEES, ModelOptions::default(), u64::MAX).expect("a recorder");
    // Nobody reads: the pipe and the queue fill, and nothing here waits for that.
    let mut pushed = 0;
    while recorder.row().lost < 1_000 {
        recorder.push(Record::Tick(Stamp(pushed)));
        pushed += 1;
    }
    assert!(recorder.take_owes_whole() && !recorder.take_owes_whole());
    let mut reader = BufReader::new(reader);
    let mut text = String::new();
    reader.read_line(&mut text).expect("the header");
    let rest = std::thread::spawn(move || {
        let mut rest = String::new();
        reader.read_to_string(&mut rest).map(|_| rest)
    });
    // As soon as there is room the gap is told, and what comes after it.
    let (mut last, before) = (pushed, recorder.row().lost);
    loop {
        recorder.push(Record::Tick(Stamp(last)));
        if recorder.row().lost == before + (last - pushed) {
            break;
        }
        last += 1;
        tokio::task::yield_now().await;
    }
    drop(recorder);
    let missing = before + (last - pushed);
    let said = recording.finish().await;
    assert!(said[0].contains("lines that the disk was too slow for"), "{said:?}");
    text.push_str(&rest.join().expect("it reads").expect("the rest"));
    let read = lines(&text);
    let gaps = read.iter().map(|record| if let Record::Gap(lost) = record { *lost } else { 0 });
    assert_eq!(gaps.sum::<u64>(), missing);
    assert_eq!(read[read.len() - 2..], [Record::Tick(Stamp(last)), Record::End(End::Finished)]);
    assert!(read.len() < 40_000, "what waited was bounded");
}

#[test]
fn watched_clients_are_replayed_to_the_last_number() {
    let process = Process {
        pid: 81,
        name: "python3".into(),
        command: "python3 leak.py".into(),
        user: None,
        started_ms: None,
        container: None,
    };
    let process = Arc::new(process);
    let at = |millis: u64| Stamp(millis * 1_000_000);
    let tell = |millis, event| Record::Event(Timed { at: at(millis), event: Event::Watch(NodeId(1), event) });
    let client = |id: u64, age: u64| Client {
        id,
        addr: format!("127.0.0.1:{}", 40_000 + id).into(),
        flags: "N".into(),
        age,
        commands: Some(2 + u64::from(age > 0)),
        ..Client::default()
    };
    let facts = NodeFacts { target: "127.0.0.1:6379".to_owned(), found: None };
    let mut records = vec![tell(0, WatchEvent::Started(facts))];
    for second in 0..40_u64 {
        let now = second * 1_000;
        let raw =
            format!("# Clients\r\nconnected_clients:{second}\r\ntotal_connections_received:{second}\r\n");
        records.push(tell(now, WatchEvent::Info { raw: raw.into(), took: Duration::from_micros(90) }));
        records.push(tell(now, WatchEvent::Opened(vec![client(second, 0).into()])));
        records.push(tell(now, WatchEvent::Changed(vec![client(second / 2, second - second / 2).into()])));
        let look = Look { whole: second == 0, clients: second + 1, unseen: Some(second), ..Look::default() };
        records.push(tell(now, WatchEvent::Looked(look)));
        let whose = Whose::Process { process: process.clone(), fd: 5 };
        records.push(tell(now, WatchEvent::Owners(vec![Owner { client: second, whose }])));
        records.extend((0..4).map(|quarter| Record::Tick(at(now + quarter * 250))));
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.ndjson");
    let mut text = Vec::new();
    write_line(&Header::new(0, &SEES), &mut text).expect("a header");
    for record in records.iter().chain(&[Record::End(End::Finished)]) {
        write_line(record, &mut text).expect("a line");
    }
    std::fs::write(&path, text).expect("a recording");

    let mut model = Model::new(ModelOptions::default());
    let mut live = Vec::new();
    for record in &records {
        record.feed(&mut model);
        if let Record::Tick(now) = record {
            live.push(format!("{:#?}", model.snapshot(*now, now.0 / 1_000_000)));
        }
    }
    assert!(live.last().is_some_and(|last| last.contains("growth") && last.contains("leak.py")));
    let mut player = Player::open(&path).expect("a recording");
    let told = |player: &mut Player| format!("{:#?}", Snapshot { tape: None, ..player.snapshot() });
    let mut ticks = 0;
    // Every third one alone, so that a replay looks at other moments than the run did.
    loop {
        match player.step() {
            Step::Tick if ticks % 3 == 2 => assert_eq!(told(&mut player), live[ticks]),
            Step::Tick => {}
            Step::Over => break,
            Step::Between => continue,
        }
        ticks += 1;
    }
    assert_eq!(ticks, live.len());
    player.back(at(17_250));
    while player.at() < at(17_250) {
        player.step();
    }
    assert_eq!(told(&mut player), live[17 * 4 + 1]);
}
