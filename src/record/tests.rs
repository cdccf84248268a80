use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;

use super::*;
use crate::event::Clock;
use crate::event::wire::{Header, read_line};

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
