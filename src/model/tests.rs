use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::event::{
    Bound, Bounds, Client, CloseReason, ConnId, ConnPulse, ConnState, CreateSteps, Gauges, Holder, Look,
    NodeConfig, NodeFacts, NodeId, Opened, Owner, PastLease, PoolFacts, Process, Pulse, Run, Samples, SeenAt,
    Totals, WaitEnd, Waiting, WatchEvent, Whose,
};
use crate::snapshot::{About, GroupBy, RowState, Severity};

const POOL: PoolId = PoolId(1);

fn s(seconds: u64) -> Stamp {
    Stamp(seconds * 1_000_000_000)
}

fn facts(max: u32) -> PoolEvent {
    PoolEvent::Started(PoolFacts {
        name: "app".to_owned(),
        target: "127.0.0.1:6379/0".to_owned(),
        max,
        single: false,
        leak_threshold: None,
        inside: None,
    })
}

fn opened(conn: u64) -> PoolEvent {
    let steps = CreateSteps { dial: Duration::from_micros(300), ..CreateSteps::default() };
    PoolEvent::Opened(Opened { conn: ConnId(conn), server_id: Some(100 + conn), local: None, steps })
}

fn lent(conn: u64, since: Stamp) -> ConnPulse {
    let holder = Holder { label: Some("worker".into()), ..Holder::default() };
    ConnPulse {
        conn: ConnId(conn),
        state: ConnState::InUse { since, holder, pinned: None },
        uses: 1,
        commands: 1,
        last_command: Some("GET".into()),
        last_active: since,
        busy_since: None,
        dead: false,
        last: None,
    }
}

fn model() -> Model {
    Model::new(ModelOptions::default())
}

fn tell(model: &mut Model, at: Stamp, event: PoolEvent) {
    model.apply(&Timed { at, event: Event::Pool(POOL, event) });
}

fn pulse(in_use: u32, available: u32) -> Pulse {
    Pulse { gauges: Gauges { in_use, available, max: 10, ..Gauges::default() }, ..Pulse::default() }
}

#[test]
fn a_pool_that_has_not_spoken_has_no_numbers() {
    let mut model = model();
    tell(&mut model, s(1), facts(10));
    model.tick(s(2));
    let snapshot = model.snapshot(s(2), 1_700_000_000_000);
    let pool = &snapshot.pools[0];
    assert_eq!((pool.name.as_str(), pool.max, pool.in_use, pool.created), ("app", Some(10), None, None));
    assert!(pool.series.is_empty());
    assert_eq!(snapshot.server.target, "127.0.0.1:6379/0");
    assert_eq!((snapshot.as_of, snapshot.wall_ms), (s(2), 1_700_000_000_000));
}

#[test]
fn a_pulse_becomes_gauges_totals_and_a_point() {
    let mut model = model();
    tell(&mut model, s(1), facts(10));
    let totals = Totals { opened: 9, commands: 40, ..Totals::default() };
    let mut first = Pulse { totals, ..pulse(7, 2) };
    first.gauges.waiting = 3;
    first.waiters = vec![Waiting { since: s(1), holder: Holder::default() }];
    first.wait = Samples(vec![(1_000, 4)]);
    tell(&mut model, s(2), PoolEvent::Pulse(Box::new(first)));
    let totals = Totals { opened: 9, commands: 55, ..Totals::default() };
    tell(&mut model, s(3), PoolEvent::Pulse(Box::new(Pulse { totals, ..pulse(1, 8) })));
    model.tick(s(3));
    let snapshot = model.snapshot(s(3), 0);
    let pool = &snapshot.pools[0];
    assert_eq!(
        (pool.created, pool.in_use, pool.available, pool.waiting),
        (Some(9), Some(1), Some(8), Some(0))
    );
    assert_eq!(pool.totals, totals);
    assert_eq!(pool.latency.wait.count, 4);
    let points: Vec<_> = pool.series.iter().map(|p| (p.in_use, p.waiting, p.commands)).collect();
    assert_eq!(points, [(7, 3, 40), (1, 0, 15)]);
}

#[test]
fn a_pool_met_in_the_middle_of_its_life_has_no_burst_in_its_first_second() {
    let mut model = model();
    let totals = Totals { commands: 1_000_000, timeouts: 9, ..Totals::default() };
    tell(&mut model, s(5), PoolEvent::Pulse(Box::new(Pulse { totals, ..pulse(1, 0) })));
    model.tick(s(5));
    let snapshot = model.snapshot(s(5), 0);
    assert_eq!(snapshot.pools[0].series[0].commands, 0);
    assert_eq!(snapshot.pools[0].name, "pool-1");
    assert!(snapshot.lints.is_empty(), "timeouts of long ago are no news");
}

#[test]
fn a_leak_is_raised_flags_its_row_and_clears() {
    let mut model = model();
    tell(&mut model, s(0), facts(10));
    tell(&mut model, s(0), opened(3));
    let out = Pulse { connections: vec![lent(3, s(1))], ..pulse(1, 0) };
    tell(&mut model, s(1), PoolEvent::Pulse(Box::new(out)));
    model.tick(s(30));
    assert!(model.snapshot(s(30), 0).lints.iter().all(|lint| lint.id == "long-hold"));
    model.tick(s(31));
    let snapshot = model.snapshot(s(31), 0);
    assert_eq!(snapshot.lints[0].evidence, "#3 out 30.0 s, idle 30.0 s  worker");
    assert!(snapshot.connections[0].flagged);
    let back = ConnPulse { state: ConnState::Available { since: s(40) }, ..lent(3, s(1)) };
    let back = Pulse { connections: vec![back], ..pulse(0, 1) };
    tell(&mut model, s(40), PoolEvent::Pulse(Box::new(back)));
    model.tick(s(40));
    let snapshot = model.snapshot(s(40), 0);
    assert!(snapshot.lints.is_empty() && !snapshot.connections[0].flagged);
    let of_leak = |what: &What| matches!(what, What::Raised("leak", ..) | What::Cleared("leak", _));
    let news = snapshot.events.iter().filter(|row| of_leak(&row.what));
    let news: Vec<_> = news.map(|row| (&row.what, row.pool)).collect();
    let raised = What::Raised("leak", Severity::Bad, "#3 out 30.0 s, idle 30.0 s  worker".to_owned());
    let cleared = What::Cleared("leak", "#3 came back, 9.0 s after it was called a leak".to_owned());
    assert_eq!(news, [(&raised, Some(POOL)), (&cleared, Some(POOL))]);
}

#[test]
fn thresholds_change_live() {
    let mut model = model();
    let out = Pulse { connections: vec![lent(3, s(1))], ..pulse(1, 0) };
    tell(&mut model, s(1), PoolEvent::Pulse(Box::new(out)));
    model.tick(s(5));
    assert!(model.snapshot(s(5), 0).lints.is_empty());
    let leak_threshold = Duration::from_secs(2);
    model.set_options(ModelOptions { leak_threshold, ..ModelOptions::default() });
    model.tick(s(5));
    assert_eq!(model.snapshot(s(5), 0).lints.len(), 1);
}

#[test]
fn closing_is_counted_by_reason_most_first() {
    let mut model = model();
    let mut counted = pulse(5, 0);
    for (conn, reason) in [(1, CloseReason::Idle), (2, CloseReason::Broken), (3, CloseReason::Broken)] {
        tell(&mut model, s(1), opened(conn));
        tell(&mut model, s(2), PoolEvent::Closed { conn: ConnId(conn), reason });
        counted.totals.closed_by.add(reason, 1);
    }
    tell(&mut model, s(2), PoolEvent::Pulse(Box::new(counted)));
    let snapshot = model.snapshot(s(2), 0);
    assert_eq!(snapshot.pools[0].closed_by, [(CloseReason::Broken, 2), (CloseReason::Idle, 1)]);
    assert!(snapshot.connections.is_empty());
}

#[test]
fn a_stopped_pool_is_empty_and_has_no_lints() {
    let mut model = model();
    tell(&mut model, s(0), facts(10));
    let out = Pulse { connections: vec![lent(3, s(1))], ..pulse(10, 0) };
    tell(&mut model, s(1), PoolEvent::Pulse(Box::new(out)));
    model.tick(s(40));
    assert_eq!(model.snapshot(s(40), 0).lints.len(), 2);
    tell(&mut model, s(41), PoolEvent::Stopped);
    tell(&mut model, s(41), PoolEvent::Pulse(Box::new(pulse(3, 0))));
    model.tick(s(42));
    let snapshot = model.snapshot(s(42), 0);
    let pool = &snapshot.pools[0];
    assert!(pool.stopped && snapshot.lints.is_empty() && snapshot.connections.is_empty());
    assert_eq!((pool.in_use, pool.max), (Some(0), Some(10)));
    assert!(model.is_stopped(POOL));
}

#[test]
fn dropped_events_are_told_until_a_full_pulse() {
    let mut model = model();
    tell(
        &mut model,
        s(1),
        PoolEvent::Pulse(Box::new(Pulse { connections: vec![lent(3, s(1))], ..pulse(1, 1) })),
    );
    model.set_dropped(2);
    let snapshot = model.snapshot(s(1), 0);
    assert_eq!((snapshot.dropped, snapshot.out_of_sync), (2, true));
    tell(
        &mut model,
        s(2),
        PoolEvent::Pulse(Box::new(Pulse { connections: vec![lent(3, s(1))], ..pulse(1, 0) })),
    );
    model.set_dropped(2);
    let snapshot = model.snapshot(s(2), 0);
    assert_eq!((snapshot.dropped, snapshot.out_of_sync), (2, false));
}

#[test]
fn a_lost_server_is_told_and_has_no_client_count_until_it_is_back() {
    let mut model = model();
    let info = |connected: u32| ServerEvent::Info {
        raw: format!("# Clients\r\nconnected_clients:{connected}\r\n").into(),
        took: Duration::from_micros(90),
    };
    let lost = ServerEvent::Lost { error: "connection refused".to_owned(), retry_at: s(3) };
    let mut seen = Vec::new();
    tell(&mut model, s(0), PoolEvent::Pulse(Box::new(pulse(0, 0))));
    for (second, event) in [(1, info(14)), (2, lost.clone()), (3, lost), (4, info(15))] {
        model.apply(&Timed { at: s(second), event: Event::Server(event) });
        model.tick(s(second));
        let snapshot = model.snapshot(s(second), 0);
        seen.push(snapshot.pools[0].series.last().and_then(|point| point.clients));
    }
    assert_eq!(seen, [Some(14), None, None, Some(15)], "the graph has a gap, not what it last knew");
    let events = model.snapshot(s(4), 0).events;
    let what: Vec<_> = events.iter().map(|row| row.what.clone()).collect();
    assert_eq!(what, [What::Lost("connection refused".to_owned()), What::Back]);
}

/// What is said of the server is said once, with whichever pool is first: it is not about that one alone.
#[test]
fn the_servers_clients_from_here_are_those_of_every_pool() {
    let mut model = model();
    let raw = "# Clients\r\nconnected_clients:90\r\nmaxclients:100\r\n".into();
    model.apply(&Timed { at: s(1), event: Event::Server(ServerEvent::Info { raw, took: Duration::ZERO }) });
    for (id, event) in [
        (1, PoolEvent::Pulse(Box::new(pulse(0, 0)))),
        (2, PoolEvent::Pulse(Box::new(pulse(3, 4)))),
        (3, PoolEvent::Pulse(Box::new(pulse(5, 6)))),
        (3, PoolEvent::Stopped),
    ] {
        model.apply(&Timed { at: s(1), event: Event::Pool(PoolId(id), event) });
    }
    model.tick(s(1));
    let said: Vec<_> = model.snapshot(s(1), 0).lints.iter().map(|row| row.evidence.clone()).collect();
    assert_eq!(said, ["90 clients of the server's 100 (90%), 7 of them from here"]);
}

#[test]
fn pools_without_end_do_not_stay() {
    let mut model = model();
    for id in 0..1_000 {
        for event in [facts(10), PoolEvent::Stopped] {
            model.apply(&Timed { at: s(1), event: Event::Pool(PoolId(id), event) });
        }
    }
    assert_eq!(model.pools.len(), POOLS);
    assert!(model.pools.contains_key(&PoolId(999)));
    for id in 1_000..2_000 {
        model.apply(&Timed { at: s(1), event: Event::Pool(PoolId(id), facts(10)) });
    }
    assert_eq!(model.pools.len(), POOLS);
    assert!(model.pools.contains_key(&PoolId(1_000)), "one that still runs is not pushed out");
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    prop_oneof![9 => (0..200_000_000_000_u64).prop_map(Stamp), 1 => any::<u64>().prop_map(Stamp)]
}

fn any_samples() -> impl Strategy<Value = Samples> {
    prop::collection::vec((any::<u64>(), any::<u64>()), 0..6).prop_map(Samples)
}

fn any_row() -> impl Strategy<Value = ConnPulse> {
    (0..12_u64, any_stamp(), any::<bool>(), any::<u64>(), prop::option::of(any_stamp()), "\\PC{0,8}")
        .prop_map(|(conn, since, out, uses, busy_since, text)| {
            let holder = Holder { label: Some(text.as_str().into()), task: Some(uses), ..Holder::default() };
            let state = if out {
                ConnState::InUse { since, holder, pinned: None }
            } else {
                ConnState::Available { since }
            };
            ConnPulse {
                conn: ConnId(conn),
                state,
                uses,
                commands: uses,
                last_command: Some(text.as_str().into()),
                last_active: since,
                busy_since,
                dead: false,
                last: Some(PastLease { since, until: Stamp(uses), holder: Holder::default() }),
            }
        })
}

fn any_pulse() -> impl Strategy<Value = PoolEvent> {
    let gauges = (0..20_u32, any::<u32>(), any::<u32>(), any::<u32>(), 0..20_u32);
    let rows = prop::collection::vec(any_row(), 0..8);
    let waiters = prop::collection::vec(any_stamp(), 0..40);
    let trips = prop::collection::vec(("[A-Z]{1,3}", any_samples()), 0..4);
    (gauges, any::<u64>(), any_samples(), trips, rows, waiters).prop_map(
        |((in_use, available, opening, waiting, max), count, samples, trips, connections, waiters)| {
            PoolEvent::Pulse(Box::new(Pulse {
                gauges: Gauges { in_use, available, opening, waiting, max },
                totals: Totals { timeouts: count, refused: count, commands: count, ..Totals::default() },
                wait: samples.clone(),
                held: samples.clone(),
                create: samples.clone(),
                unanswered: samples,
                round_trips: trips.into_iter().map(|(name, samples)| (name.into(), samples)).collect(),
                connections,
                waiters: waiters
                    .into_iter()
                    .map(|since| Waiting { since, holder: Holder::default() })
                    .collect(),
                run: Some(Run {
                    commands: count,
                    took: Duration::from_nanos(count),
                    between: Duration::MAX,
                    command: None,
                    holder: Holder::default(),
                }),
                bounds: Bounds { wait: Bound::Within(Duration::MAX), reply: Bound::Unbounded },
                unlisted: (count % 3 == 0).then_some(waiting),
            }))
        },
    )
}

fn any_client() -> impl Strategy<Value = Client> {
    let texts = ("[NbxPOSMc]{0,2}", prop::option::of("[a-z0-9:–-]{0,9}"), prop::option::of("\\PC{0,4}"));
    let numbers = (any_small(), any_small(), prop::option::of(any_small()), prop::option::of(any_small()));
    (0..12_u64, texts, numbers).prop_map(|(id, (flags, name, other), (age, idle, one, two))| Client {
        id,
        addr: format!("10.0.0.{}:{id}", id % 3).into(),
        name: name.map(Into::into),
        age,
        idle,
        flags: flags.into(),
        subscriptions: two.unwrap_or(0),
        multi: one,
        watch: two,
        output_memory: one,
        memory: two,
        command: other.as_deref().map(Into::into),
        lib_name: other.map(Into::into),
        net_in: one,
        commands: two,
        ..Client::default()
    })
}

fn any_small() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..50_u64, 1 => any::<u64>()]
}

fn any_whose() -> impl Strategy<Value = Whose> {
    let process = |pid: u32| {
        let (name, command) = ("python3".into(), "python3 app.py".into());
        Arc::new(Process { pid, name, command, user: None, started_ms: None, container: None })
    };
    prop_oneof![
        3 => (0..3_u32).prop_map(move |pid| Whose::Process { process: process(pid), fd: 3 }),
        1 => Just(Whose::Remote),
        1 => any::<u32>().prop_map(|uid| Whose::Hidden { uid }),
    ]
}

fn any_watch() -> impl Strategy<Value = WatchEvent> {
    let clients = || prop::collection::vec(any_client().prop_map(Arc::new), 0..8);
    let look =
        (any::<bool>(), any_small(), prop::option::of(any_small()), prop::collection::vec(0..12_u64, 0..3));
    let look = look.prop_map(|(whole, clients, unseen, ours)| {
        WatchEvent::Looked(Look { whole, clients, unseen, ours, ..Look::default() })
    });
    let owners = prop::collection::vec((0..12_u64, any_whose()), 0..6).prop_map(|owners| {
        let owner = |(client, whose)| Owner { client, whose };
        WatchEvent::Owners(owners.into_iter().map(owner).collect())
    });
    let name =
        "(connected_clients|maxclients|total_connections_received|rejected_connections|evicted_clients)";
    let info = prop::collection::vec((name, any_small()), 0..5).prop_map(|fields| {
        let lines: Vec<_> = fields.into_iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
        WatchEvent::Info { raw: format!("# Clients\r\n{}", lines.concat()).into(), took: Duration::ZERO }
    });
    prop_oneof![
        4 => clients().prop_map(WatchEvent::Opened),
        4 => clients().prop_map(WatchEvent::Changed),
        2 => prop::collection::vec(0..12_u64, 0..6).prop_map(WatchEvent::Closed),
        6 => look,
        2 => owners,
        2 => info,
        1 => any_stamp().prop_map(|retry_at| WatchEvent::Lost { error: "gone".to_owned(), retry_at }),
        1 => Just(WatchEvent::Started(NodeFacts { target: "a:1".to_owned(), found: None })),
        1 => Just(WatchEvent::Config(NodeConfig { timeout: Some(0), tcp_keepalive: Some(0) })),
        1 => Just(WatchEvent::Stopped),
    ]
}

fn any_event() -> impl Strategy<Value = Event> {
    let pool = prop_oneof![
        Just(facts(10)),
        any::<u32>().prop_map(|max| PoolEvent::Resized { max }),
        (0..12_u64).prop_map(opened),
        "\\PC{0,20}".prop_map(|error| PoolEvent::OpenFailed { error }),
        (0..12_u64).prop_map(|c| PoolEvent::Closed { conn: ConnId(c), reason: CloseReason::Idle }),
        (0..12_u64).prop_map(|c| PoolEvent::UnreadReply {
            conn: ConnId(c),
            seen: SeenAt::Release,
            owed: Some(1),
            bytes: Some(u64::MAX),
            holder: None,
        }),
        Just(PoolEvent::WaitFailed {
            ended: WaitEnd::TimedOut,
            waited: Duration::MAX,
            holder: Holder::default(),
        }),
        Just(PoolEvent::Stopped),
    ];
    let server = prop_oneof![
        "(# (Clients|Server)\r\n)?([a-z_]{0,9}:?[0-9a-z]{0,5}\r?\n){0,5}"
            .prop_map(|raw| ServerEvent::Info { raw: raw.into(), took: Duration::ZERO }),
        any_stamp().prop_map(|retry_at| ServerEvent::Lost { error: "gone".to_owned(), retry_at }),
    ];
    prop_oneof![
        12 => (0..3_u32, any_watch()).prop_map(|(id, event)| Event::Watch(NodeId(id), event)),
        4 => (0..3_u32, any_pulse()).prop_map(|(id, event)| Event::Pool(PoolId(id), event)),
        8 => (0..3_u32, pool).prop_map(|(id, event)| Event::Pool(PoolId(id), event)),
        1 => server.prop_map(Event::Server),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_events_in_any_order_are_survived_and_bounded(
        steps in prop::collection::vec((any_stamp(), any_event(), any::<bool>()), 0..120),
    ) {
        let mut model = model();
        for (at, event, tick) in steps {
            model.apply(&Timed { at, event });
            if tick {
                model.tick(at);
                let snapshot = model.snapshot(at, 0);
                prop_assert!(snapshot.events.len() <= super::events::EVENTS);
                prop_assert!(snapshot.pools.iter().all(|pool| pool.series.len() <= series::POINTS));
                prop_assert!(snapshot.connections.len() <= 3 * 12);
                prop_assert!(snapshot.lints.len() <= 3 * (3 * 12 + 13) + 4 * (3 * 12 + 3));
                prop_assert!(snapshot.nodes.len() <= 3 && snapshot.clients.len() <= 3 * 12);
                for by in GroupBy::KEYS {
                    let groups = snapshot.groups.by(by);
                    let counted: u64 = groups.iter().map(|group| group.count).sum();
                    prop_assert_eq!(counted, snapshot.clients.len() as u64, "{:?}", by);
                    prop_assert!(groups.iter().all(|group| group.series.len() <= clients::POINTS));
                }
                let mut held = snapshot.connections.iter().map(|row| matches!(row.state, RowState::InUse { .. }));
                prop_assert!(!held.by_ref().skip_while(|in_use| *in_use).any(|in_use| in_use), "in use first");
                for lint in &snapshot.lints {
                    let row = lint.conn().map(|conn| {
                        snapshot.connections.iter().find(|row| (Some(row.pool), row.id) == (lint.pool(), conn))
                    });
                    prop_assert!(row.is_none_or(|row| row.is_some_and(|row| row.flagged)), "{lint:?}");
                    if let About::Client(node, id) = lint.about {
                        let mut rows = snapshot.clients.iter();
                        let row = rows.find(|row| (row.node, row.client.id) == (node, id));
                        prop_assert!(row.is_some_and(|row| row.flagged), "{lint:?}");
                    }
                }
            }
        }
    }
}
