//! What the model costs: events it takes in, alone and from a recording; the lints' share of it; and a screen with ten
//! thousand connections.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::command::Kind;
use redis_pooltop::event::wire::{Header, write_line};
use redis_pooltop::event::{
    CloseReason, ConnId, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder, Opened, PastLease,
    PoolEvent, PoolFacts, PoolId, Pulse, Samples, Stamp, Timed, Totals,
};
use redis_pooltop::model::{Model, ModelOptions, lint_ids};
use redis_pooltop::record::{End, Player, Record, Step};
use redis_pooltop::snapshot::{Level, Snapshot};
use redis_pooltop::tui::action::Action;
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::Chord;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::prompt::Candidates;
use redis_pooltop::tui::run::Assist;
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::view;

/// Events a round, and rounds of which the median is printed.
const EVENTS: u64 = 1_000_000;
const ROUNDS: usize = 5;
/// How often the model judges.
const TICK: Duration = Duration::from_millis(250);
/// Connections of the pool that events come from, and of the one on the screen.
const POOL: u64 = 100;
const CROWD: u64 = 10_000;
/// A frame's time: sixty a second.
const FRAME: Duration = Duration::from_millis(16);

type Failure = Box<dyn std::error::Error>;

pub(crate) fn run() -> Result<(), Failure> {
    println!("the model, on one core");
    intake()?;
    lints();
    screen()
}

fn happens(at: Stamp, event: PoolEvent) -> Record {
    Record::Event(Timed { at, event: Event::Pool(PoolId(1), event) })
}

fn start(max: u64) -> Record {
    let facts = PoolFacts {
        name: "app".to_owned(),
        target: "127.0.0.1:6379/0".to_owned(),
        max: max as u32,
        single: false,
        leak_threshold: None,
    };
    happens(Stamp(0), PoolEvent::Started(facts))
}

fn opened(at: Stamp, conn: u64) -> Record {
    let steps = CreateSteps { dial: Duration::from_micros(80), ..CreateSteps::default() };
    let opened = Opened { conn: ConnId(conn), server_id: Some(conn), local: None, steps };
    happens(at, PoolEvent::Opened(opened))
}

fn holder(n: u64) -> Holder {
    Holder { label: Some(format!("worker-{}", n % 8).into()), ..Holder::default() }
}

/// What a busy pool of `max` connections counts in a quarter of a second, half of them lent.
fn pulse(at: Stamp, conns: Range<u64>, totals: &mut Totals) -> Record {
    let count = conns.end - conns.start;
    totals.checkouts += 2_500;
    totals.released += 2_500;
    totals.commands += 5_000;
    let samples = |typical: u64| Samples((0..24).map(|n| (typical + n * typical / 16, 200)).collect());
    let row = |conn: u64| ConnPulse {
        conn: ConnId(conn),
        state: if conn.is_multiple_of(2) {
            ConnState::InUse { since: at, holder: holder(conn), pinned: None }
        } else {
            ConnState::Available { since: at }
        },
        uses: at.0 / 1_000_000,
        commands: at.0 / 500_000,
        last_command: Some("GET".into()),
        last_active: at,
        busy_since: conn.is_multiple_of(4).then_some(at),
        dead: false,
        last: (conn % 2 == 1).then(|| PastLease {
            since: Stamp(at.0.saturating_sub(1_000_000)),
            until: at,
            holder: holder(conn),
        }),
    };
    let (in_use, max) = ((count / 2) as u32, count as u32);
    let pulse = Pulse {
        gauges: Gauges { in_use, available: max - in_use, max, ..Gauges::default() },
        totals: *totals,
        wait: samples(20_000),
        held: samples(400_000),
        create: Samples::default(),
        round_trips: ["GET", "SET", "HGETALL"].map(|name| (name.into(), samples(90_000))).to_vec(),
        connections: conns.map(row).collect(),
        ..Pulse::default()
    };
    happens(at, PoolEvent::Pulse(Box::new(pulse)))
}

/// A second in which connections come and go as fast as they can be told of: so many events, a pulse and a tick every
/// quarter of it.
fn storm(events: u64) -> Vec<Record> {
    let mut records = vec![start(POOL)];
    let mut totals = Totals::default();
    let quarter = events / 4;
    let mut conn = 0;
    for n in 0..events {
        let at = Stamp(n * 1_000_000_000 / events);
        if n % 2 == 0 {
            conn += 1;
            records.push(opened(at, conn));
            totals.opened += 1;
        } else {
            let gone = ConnId(conn.saturating_sub(POOL));
            records.push(happens(at, PoolEvent::Closed { conn: gone, reason: CloseReason::Idle }));
            totals.closed += 1;
        }
        if n % quarter == quarter - 1 {
            records.push(pulse(at, (conn + 1).saturating_sub(POOL)..conn + 1, &mut totals));
            records.push(Record::Tick(at));
        }
    }
    records
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millions(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64() / 1e6
}

/// Takes a second's storm in, alone and from a file.
fn intake() -> Result<(), Failure> {
    let records = storm(EVENTS);
    let mut alone = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut model = Model::new(ModelOptions::default());
        for record in &records {
            record.feed(&mut model);
            if let Record::Tick(at) = record {
                std::hint::black_box(model.snapshot(*at, 0));
            }
        }
        alone.push(begun.elapsed());
    }
    let time = median(alone);
    println!(
        "  taken in             {:.2} million events a second, ticks and snapshots among them",
        millions(EVENTS, time)
    );

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("storm.ndjson");
    let mut file = BufWriter::new(File::create(&path)?);
    let mut line = Vec::new();
    write_line(&Header::new(0, &["pool"]), &mut line)?;
    let begun = Instant::now();
    for record in records.iter().chain(&[Record::End(End::Finished)]) {
        write_line(record, &mut line)?;
        file.write_all(&line)?;
        line.clear();
    }
    file.flush()?;
    let wrote = begun.elapsed();
    let bytes = path.metadata()?.len() as f64;
    let mut replayed = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut player = Player::open(&path)?;
        while player.step() != Step::Over {}
        std::hint::black_box(player.snapshot());
        replayed.push(begun.elapsed());
        if let Some(damage) = player.damage().words() {
            return Err(damage.into());
        }
    }
    let time = median(replayed);
    println!(
        "  recorded             {:.2} million events a second; {:.0} bytes an event",
        millions(EVENTS, wrote),
        bytes / EVENTS as f64
    );
    println!(
        "  replayed             {:.2} million events a second, {:.0} MB/s",
        millions(EVENTS, time),
        bytes / 1e6 / time.as_secs_f64()
    );
    Ok(())
}

/// The model's time for `records`, snapshots included, with every lint or without any.
fn judged(records: &[Record], lints: bool) -> Duration {
    let mut options = ModelOptions::default();
    if !lints {
        for id in lint_ids() {
            options.levels.set(id, Level::Off);
        }
    }
    let begun = Instant::now();
    let mut model = Model::new(options);
    for record in records {
        record.feed(&mut model);
        if let Record::Tick(at) = record {
            std::hint::black_box(model.snapshot(*at, 0));
        }
    }
    begun.elapsed()
}

/// A minute of a pool of so many connections, in which nothing is opened or closed.
fn minute(conns: u64) -> Vec<Record> {
    let mut records = vec![start(conns)];
    records.extend((0..conns).map(|conn| opened(Stamp(0), conn)));
    let mut totals = Totals { opened: conns, ..Totals::default() };
    for tick in 1..=240_u32 {
        let at = Stamp::default() + TICK * tick;
        records.push(pulse(at, 0..conns, &mut totals));
        records.push(Record::Tick(at));
    }
    records
}

/// The lints' share: what is saved by switching all of them off.
fn lints() {
    let storm = storm(EVENTS);
    let cases = [
        ("a million events", &storm),
        ("100 connections", &minute(POOL)),
        ("10,000 connections", &minute(CROWD)),
    ];
    for (name, records) in cases {
        let mut shares = Vec::new();
        let mut whole = Vec::new();
        for _ in 0..=2 * ROUNDS {
            // In turn, so that a busy machine is busy for both.
            let (with, without) = (judged(records, true), judged(records, false));
            shares.push(1.0 - without.as_secs_f64() / with.as_secs_f64());
            whole.push(with);
        }
        shares.sort_by(f64::total_cmp);
        let what = if name.starts_with('a') { "" } else { ", a minute of them" };
        println!(
            "  lints' share         {:.1}% of {:.1} ms for {name}{what}",
            shares[shares.len() / 2] * 100.0,
            ms(median(whole))
        );
    }
}

/// Nobody types.
struct Nothing;

impl Assist for Nothing {
    fn complete(&self, _: &str, pos: usize, _: &Snapshot) -> Candidates {
        Candidates { range: pos..pos, words: Vec::new() }
    }

    fn hint(&self, _: &str) -> Option<String> {
        None
    }

    fn note(&self, _: &str) -> Option<String> {
        None
    }

    fn highlight(&self, _: &str) -> Vec<(Range<usize>, Kind)> {
        Vec::new()
    }

    fn secrets(&self, _: &str) -> Vec<Range<usize>> {
        Vec::new()
    }

    fn ran(&self, _: &str) {}
}

/// Ten thousand connections on the screen: what a frame costs after a key or a snapshot.
fn screen() -> Result<(), Failure> {
    let mut model = Model::new(ModelOptions::default());
    let mut snapshots = Vec::new();
    for record in minute(CROWD).iter().take(CROWD as usize + 41) {
        record.feed(&mut model);
        if let Record::Tick(at) = record {
            snapshots.push(Arc::new(model.snapshot(*at, 0)));
        }
    }
    let size = Size { width: 120, height: 40 };
    let mut app = App::new(Facts::default(), Arc::new(Nothing), size);
    app.take(snapshots.first().ok_or("no snapshot")?.clone());
    app.update(Action::Focus(Pane::Connections));
    app.update(Action::Zoom);
    println!("  a frame of 10,000 connections, 120x40");
    let mut slowest = Duration::ZERO;
    let keys = |keys: &str| keys.chars().map(String::from).collect::<Vec<_>>();
    let mut cases = vec![
        ("scrolled a page", vec!["pgdn".to_owned()]),
        ("sorted by the next column", keys("s")),
        ("inverted", keys("i")),
        ("a letter of a filter", keys("/worker-3")),
    ];
    for (what, keys) in &mut cases {
        let mut frames = Vec::new();
        for round in 0..40 {
            let key = &keys[round % keys.len()];
            let chord: Chord = key.parse().map_err(|()| format!("{key} is no key"))?;
            frames.push(frame(size, &mut app, |app| {
                app.press(chord);
            }));
            // A filter is begun anew when it is whole.
            if keys.len() > 1 && round % keys.len() == keys.len() - 1 {
                app.press("esc".parse().map_err(|()| "no key")?);
                app.press("esc".parse().map_err(|()| "no key")?);
                app.update(Action::Focus(Pane::Connections));
            }
        }
        slowest = slowest.max(told(what, frames));
    }
    for filter in [None, Some("worker-3")] {
        if let Some(words) = filter {
            app.update(Action::Filter);
            words.chars().for_each(|c| {
                app.update(Action::Insert(c));
            });
            app.update(Action::KeepFilter);
        }
        let frames = snapshots.iter().map(|snapshot| {
            frame(size, &mut app, |app| {
                app.take(Arc::clone(snapshot));
            })
        });
        let frames = frames.collect();
        let what = if filter.is_some() { "a snapshot, sorted and filtered" } else { "a snapshot, sorted" };
        slowest = slowest.max(told(what, frames));
    }
    let verdict = if slowest < FRAME { "within" } else { "over" };
    println!(
        "    the slowest of all     {:.1} ms: {verdict} the {} ms of a frame",
        ms(slowest),
        FRAME.as_millis()
    );
    Ok(())
}

/// How long a change and the drawing after it take.
fn frame(size: Size, app: &mut App, change: impl FnOnce(&mut App)) -> Duration {
    let area = Rect { x: 0, y: 0, width: size.width, height: size.height };
    let begun = Instant::now();
    change(app);
    let mut buf = Buffer::empty(area);
    view::screen(app, &Theme::DEFAULT, area, &mut buf);
    std::hint::black_box(buf);
    begun.elapsed()
}

/// Prints the median and the slowest, and gives the slowest.
fn told(what: &str, frames: Vec<Duration>) -> Duration {
    let slowest = frames.iter().max().copied().unwrap_or_default();
    println!("    {what:<32} {:>5.1} ms, at most {:.1} ms", ms(median(frames)), ms(slowest));
    slowest
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
