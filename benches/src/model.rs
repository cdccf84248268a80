//! What the model costs: events it takes in, alone and from a recording, and the lints' share of it. The loads that it is
//! given are made here.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use redis_pooltop::event::wire::{Header, write_line};
use redis_pooltop::event::{
    CloseReason, ConnId, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder, Opened, PastLease,
    PoolEvent, PoolFacts, PoolId, Pulse, Samples, Stamp, Timed, Totals,
};
use redis_pooltop::model::{Model, ModelOptions, lint_ids};
use redis_pooltop::record::{End, Player, Record, Step};
use redis_pooltop::snapshot::Level;

use crate::took::{Took, ms};
use crate::{frames, watched};

/// Events a round, and rounds of which the median is printed.
const EVENTS: u64 = 1_000_000;
const ROUNDS: usize = 7;
/// How often the model judges, and how often that is in a minute.
const TICK: Duration = Duration::from_millis(250);
const MINUTE: u32 = 240;
/// As far back as any lint looks, in minutes: from then on they have the most to do.
const BACK: u32 = 5;
/// Connections of the pool that events come from, and of the one on the screen.
const POOL: u64 = 100;
pub(crate) const CROWD: u64 = 10_000;

type Failure = Box<dyn std::error::Error>;

pub(crate) fn run() -> Result<(), Failure> {
    let only = std::env::var("ONLY").ok();
    let runs = |part: &str| only.as_deref().is_none_or(|only| only == part);
    println!("the model, on one core: the thread's processor time, and in brackets the clock on the wall");
    if runs("replay") {
        intake()?;
    }
    if runs("lints") {
        lints();
    }
    if runs("clients") {
        watched::run();
    }
    if runs("frames") {
        frames::run()?;
    }
    Ok(())
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
        inside: None,
    };
    happens(Stamp(0), PoolEvent::Started(facts))
}

fn opened(at: Stamp, conn: u64) -> Record {
    let steps = CreateSteps { dial: Duration::from_micros(80), ..CreateSteps::default() };
    let local = SocketAddr::from(([127, 0, 0, 1], 20_000 + (conn % 40_000) as u16));
    let opened = Opened { conn: ConnId(conn), server_id: Some(conn), local: Some(local), steps };
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

/// Millions of events a second.
fn rate(took: Took) -> String {
    let millions = |time: Duration| EVENTS as f64 / time.as_secs_f64() / 1e6;
    format!("{:.2} ({:.2}) million events a second", millions(took.cpu), millions(took.wall))
}

/// Feeds a model, and takes a snapshot where it judges.
fn feed(model: &mut Model, records: &[Record]) {
    for record in records {
        record.feed(model);
        if let Record::Tick(at) = record {
            std::hint::black_box(model.snapshot(*at, 0));
        }
    }
}

/// Takes a second's storm in, alone and from a file.
fn intake() -> Result<(), Failure> {
    let records = storm(EVENTS);
    let alone = (0..ROUNDS).map(|_| Took::by(|| feed(&mut Model::new(ModelOptions::default()), &records)).0);
    let alone = Took::median(&alone.collect::<Vec<_>>());
    println!("  taken in             {}, ticks and snapshots among them", rate(alone));

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("storm.ndjson");
    let (mut recorded, mut replayed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut file = BufWriter::new(File::create(&path)?);
        let mut line = Vec::new();
        let (took, written) = Took::by(|| -> std::io::Result<()> {
            write_line(&Header::new(0, &["pool"]), &mut line)?;
            for record in records.iter().chain(&[Record::End(End::Finished)]) {
                write_line(record, &mut line)?;
                file.write_all(&line)?;
                line.clear();
            }
            file.flush()
        });
        written?;
        recorded.push(took);
        let (took, damage) = Took::by(|| -> Result<_, Failure> {
            let mut player = Player::open(&path)?;
            while player.step() != Step::Over {}
            std::hint::black_box(player.snapshot());
            Ok(player.damage().words())
        });
        if let Some(damage) = damage? {
            return Err(damage.into());
        }
        replayed.push(took);
    }
    let (recorded, replayed) = (Took::median(&recorded), Took::median(&replayed));
    let bytes = path.metadata()?.len() as f64;
    println!("  recorded             {}, {:.0} bytes each", rate(recorded), bytes / EVENTS as f64);
    let speed = bytes / 1e6 / replayed.cpu.as_secs_f64();
    println!("  replayed             {}, {speed:.0} MB/s", rate(replayed));
    Ok(())
}

/// Minutes of a busy pool of so many connections, in which none is opened or closed and half of them are lent anew at
/// every look.
pub(crate) fn busy(conns: u64, minutes: u32) -> Vec<Record> {
    let mut totals = Totals { opened: conns, ..Totals::default() };
    looks(conns, minutes, |at| pulse(at, 0..conns, &mut totals))
}

/// Minutes in which nothing happens.
fn idle(conns: u64, minutes: u32) -> Vec<Record> {
    let gauges = Gauges { available: conns as u32, max: conns as u32, ..Gauges::default() };
    let totals = Totals { opened: conns, ..Totals::default() };
    looks(conns, minutes, |at| {
        happens(at, PoolEvent::Pulse(Box::new(Pulse { gauges, totals, ..Pulse::default() })))
    })
}

fn looks(conns: u64, minutes: u32, mut pulse: impl FnMut(Stamp) -> Record) -> Vec<Record> {
    let mut records = vec![start(conns)];
    records.extend((0..conns).map(|conn| opened(Stamp(0), conn)));
    for tick in 1..=minutes * MINUTE {
        let at = Stamp::default() + TICK * tick;
        records.push(pulse(at));
        records.push(Record::Tick(at));
    }
    records
}

/// The lints' share: what is saved by switching all of them off.
fn lints() {
    let cases = [
        ("a second of a million events", storm(EVENTS), 0),
        ("a busy minute of 100 connections, after five others", busy(POOL, BACK + 1), BACK * MINUTE),
        ("a busy minute of 10,000 connections", busy(CROWD, 1), 0),
        ("an idle minute of 100 connections, after five others", idle(POOL, BACK + 1), BACK * MINUTE),
    ];
    for (name, records, before) in &cases {
        let mut shares: Vec<_> = (0..ROUNDS).map(|_| share(records, *before as usize)).collect();
        shares.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (share, whole) = shares[ROUNDS / 2];
        println!(
            "  lints' share         {:.1}% of {:.1} ({:.1}) ms: {name}",
            share * 100.0,
            ms(whole.cpu),
            ms(whole.wall)
        );
    }
}

/// The lints' share of the processor time, and the whole of it. A model with every lint and one without any take their
/// turns tick by tick, so that a busy machine is busy for both; so many ticks before do not count.
fn share(records: &[Record], before: usize) -> (f64, Took) {
    // Said for each lint one by one, so that looking its level up costs both the same.
    let mut models = [Level::Warn, Level::Off].map(|level| {
        let mut options = ModelOptions::default();
        for id in lint_ids() {
            options.levels.set(id, level);
        }
        Model::new(options)
    });
    let mut took = [Took::default(); 2];
    for (n, records) in records.split_inclusive(|record| matches!(record, Record::Tick(_))).enumerate() {
        // None of them finds what both read in the processor's cache more often than the other.
        for which in if n % 2 == 0 { [0, 1] } else { [1, 0] } {
            let (one, ()) = Took::by(|| feed(&mut models[which], records));
            if n >= before {
                took[which] += one;
            }
        }
    }
    let [with, without] = took;
    (1.0 - without.cpu.as_secs_f64() / with.cpu.as_secs_f64(), with)
}
