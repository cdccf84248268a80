//! Half an hour of healthy load, in simulated time: nothing may be said about it.

use std::time::Duration;

use super::bench::s;
use crate::event::{
    Bound, Bounds, CloseReason, ConnId, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder, Opened,
    PoolEvent, PoolFacts, PoolId, Pulse, Run, Samples, ServerEvent, Stamp, Timed, Totals,
};
use crate::model::{Model, ModelOptions};

const OPEN: u32 = 12;

fn tell(model: &mut Model, at: Stamp, event: PoolEvent) {
    model.apply(&Timed { at, event: Event::Pool(PoolId(1), event) });
}

fn opened(model: &mut Model, at: Stamp, conn: u64) {
    let opened = Opened { conn: ConnId(conn), server_id: None, local: None, steps: CreateSteps::default() };
    tell(model, at, PoolEvent::Opened(opened));
}

fn row(conn: u64, since: Stamp, command: &str, busy_since: Option<Stamp>) -> ConnPulse {
    ConnPulse {
        conn: ConnId(conn),
        state: ConnState::InUse { since, holder: Holder::default(), pinned: None },
        uses: 1,
        commands: 1,
        last_command: Some(command.into()),
        last_active: since,
        busy_since,
        dead: false,
        last: None,
    }
}

/// What a request does on its lease: a few dozen commands, with work of its own in between.
fn small_run() -> Run {
    let (took, between) = (Duration::from_millis(30), Duration::from_millis(40));
    Run { commands: 40, took, between, command: Some("GET".into()), holder: Holder::default() }
}

/// A quarter of a second: a worker blocks on a queue, and requests come and go in waves.
fn quarter(totals: &mut Totals, at: Stamp, second: u64) -> Pulse {
    let wave = second / 7 % 5;
    let leases = 100 + 5 * wave;
    let in_use = 3 + wave as u32;
    totals.checkouts += leases;
    totals.released += leases;
    totals.commands += 2 * leases;
    totals.waited += leases / 100;
    totals.health_checks += 1;
    let mut connections = vec![row(1, s(2), "BLPOP", Some(s(2)))];
    connections.extend((1..u64::from(in_use)).map(|busy| row(1 + busy, at, "GET", Some(at))));
    Pulse {
        gauges: Gauges { in_use, available: OPEN - in_use, max: 20, ..Gauges::default() },
        totals: *totals,
        held: Samples(vec![(10_000_000, leases)]),
        wait: Samples(vec![(1_000, leases)]),
        round_trips: vec![("GET".into(), Samples(vec![(4_000_000, 2 * leases)]))],
        connections,
        run: Some(small_run()),
        bounds: Bounds {
            wait: Bound::Within(Duration::from_secs(20)),
            reply: Bound::Within(Duration::from_secs(5)),
        },
        ..Pulse::default()
    }
}

#[test]
fn half_an_hour_of_healthy_load_raises_nothing() {
    let mut model = Model::new(ModelOptions::default());
    let (name, target) = ("app".to_owned(), "127.0.0.1:6379/0".to_owned());
    tell(
        &mut model,
        s(1),
        PoolEvent::Started(PoolFacts {
            name,
            target,
            max: 20,
            single: false,
            leak_threshold: None,
            inside: None,
        }),
    );
    let mut totals = Totals { opened: u64::from(OPEN), ..Totals::default() };
    (1..=u64::from(OPEN)).for_each(|conn| opened(&mut model, s(1), conn));
    let warm = Gauges { available: OPEN, max: 20, ..Gauges::default() };
    tell(&mut model, s(1), PoolEvent::Pulse(Box::new(Pulse { gauges: warm, totals, ..Pulse::default() })));
    for second in 2..1_800_u64 {
        if second % 60 == 0 {
            // One reaches its greatest age, and another takes its place.
            tell(
                &mut model,
                s(second),
                PoolEvent::Closed { conn: ConnId(OPEN.into()), reason: CloseReason::Expired },
            );
            totals.opened += 1;
            totals.closed += 1;
            opened(&mut model, s(second), 1_000 + second);
        }
        let clients = 30 + second / 13 % 4;
        let raw = format!("# Clients\r\nconnected_clients:{clients}\r\nmaxclients:10000\r\n").into();
        let info = ServerEvent::Info { raw, took: Duration::from_micros(80) };
        model.apply(&Timed { at: s(second), event: Event::Server(info) });
        for quarters in 0..4 {
            let at = s(second) + Duration::from_millis(250) * quarters;
            let pulse = quarter(&mut totals, at, second);
            tell(&mut model, at, PoolEvent::Pulse(Box::new(pulse)));
            model.tick(at);
            let rows = model.judge.rows();
            assert!(rows.is_empty(), "{second} s: {rows:?}");
        }
    }
    // That it looked is seen by the first thing that is wrong.
    totals.open_failures += 3;
    let pulse = quarter(&mut totals, s(1_800), 1_800);
    tell(&mut model, s(1_800), PoolEvent::Pulse(Box::new(pulse)));
    model.tick(s(1_800));
    let ids: Vec<_> = model.judge.rows().iter().map(|row| row.id).collect();
    assert_eq!(ids, ["failing-connects"]);
}
