//! Snapshots of an app that reports from inside, made by hand.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use redis_pooltop::event::{
    ConnId, Ending, Holder, How, Inside, PoolId, ProcId, ProcessFacts, Reporting, Stamp, Totals,
};
use redis_pooltop::snapshot::{
    About, AppRow, ConnectionRow, Latency, LeftRow, Level, LintRow, Past, PoolRow, ProcessRow, RowState,
    Severity, Snapshot,
};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::layout::Scene;
use redis_pooltop::tui::run::Unassisted;

use super::{UGLY, ago, busy_events, busy_pool};

/// A screen of this size on an app.
pub fn inside(scene: Scene, width: u16, height: u16, snapshot: Snapshot) -> App {
    let facts = Facts {
        target: "/run/pools.sock".to_owned(),
        interval: Duration::from_secs(1),
        scene,
        ..Facts::default()
    };
    with(facts, width, height, snapshot)
}

/// The same with facts of one's own.
pub fn with(facts: Facts, width: u16, height: u16, snapshot: Snapshot) -> App {
    let mut app = App::new(facts, Arc::new(Unassisted), Size { width, height });
    app.take(Arc::new(snapshot));
    app
}

/// A process that has just been heard of.
pub fn process(id: u32, pid: u32, program: &str) -> ProcessRow {
    ProcessRow {
        id: ProcId(id),
        facts: ProcessFacts {
            pid,
            parent: Some(4_400),
            program: program.to_owned(),
            runtime: "Python 3.11.7".to_owned(),
            forked: id > 1,
        },
        libraries: vec!["redis 8.1.0".into()],
        since: ago(90_000 - u64::from(id) * 100),
        heard: ago(600),
        reporting: Reporting::default(),
        gone: None,
    }
}

/// A holder at this place.
pub fn holder(location: &str, function: &str, how: How, label: Option<&str>) -> Holder {
    let stack = format!("{location} in {function}\n/srv/shop/main.py:12 in main");
    Holder {
        location: Some(location.into()),
        function: Some(function.into()),
        how: Some(how),
        label: label.map(Into::into),
        stack: Some(stack.as_str().into()),
        ..Holder::default()
    }
}

/// A pool of a process.
pub fn pool(id: u32, process: u32, name: &str, class: &str, [in_use, available, max]: [u32; 3]) -> PoolRow {
    let made = holder(&format!("/srv/shop/db/{name}.py:{}", 10 + id), "connect", How::Raw, None);
    PoolRow {
        id: PoolId(id),
        name: name.to_owned(),
        target: format!("127.0.0.1:6379/{id}"),
        max: Some(max),
        created: Some(in_use + available),
        in_use: Some(in_use),
        available: Some(available),
        opening: Some(0),
        waiting: Some(0),
        waiting_since: None,
        totals: Totals { opened: 12, closed: 3, checkouts: 5_000 / u64::from(id), ..Totals::default() },
        series: Arc::new([]),
        inside: Some(Box::new(Inside {
            process: ProcId(process),
            class: format!("redis.{class}"),
            inherited: false,
            asynchronous: class.contains("asyncio"),
            made: Some(made),
        })),
        ..busy_pool()
    }
}

/// A connection of a pool that has been lent for so many milliseconds.
pub fn lent(pool: u32, id: u64, held: u64, holder: Holder) -> ConnectionRow {
    ConnectionRow {
        pool: PoolId(pool),
        id: ConnId(id),
        server_id: Some(100 + id),
        local: None,
        opened: Some(ago(held + 900)),
        steps: None,
        state: RowState::InUse { since: ago(held), holder, pinned: None },
        uses: id * 31,
        commands: id * 90,
        last_command: Some("GET".into()),
        last_active: ago(held / 2),
        busy_since: None,
        dead_since: None,
        beliefs: None,
        flagged: false,
        past: Past::default(),
        client: None,
    }
}

fn lint(
    id: &'static str,
    severity: Severity,
    about: About,
    evidence: &str,
    advice: &'static str,
) -> Arc<LintRow> {
    let evidence = evidence.to_owned();
    Arc::new(LintRow { id, level: Level::Warn, severity, about, evidence, advice, since: ago(9_000) })
}

/// A web app of three workers: a pool that is full with a caller that waits, a leak in another, a subscriber, and a worker
/// that was killed.
pub fn shop() -> Snapshot {
    let mut killed = process(3, 4_413, "gunicorn");
    killed.heard = ago(12_400);
    killed.gone = Some((ago(12_000), false));
    let mut late = process(2, 4_412, "gunicorn");
    late.heard = ago(4_200);
    late.reporting = Reporting { dropped: 12, errors: 1, error: Some("KeyError: 'x'".to_owned()) };
    let processes = vec![process(1, 4_411, "gunicorn"), late, killed];
    let blocking = "asyncio.connection.BlockingConnectionPool";
    let mut full = pool(1, 1, "carts", blocking, [4, 0, 4]);
    full.waiting = Some(2);
    let mut unbounded = pool(3, 2, "ConnectionPool", "connection.ConnectionPool", [1, 7, 0]);
    unbounded.max = Some(u32::MAX);
    let mut closed = pool(4, 3, "carts", blocking, [0, 0, 4]);
    closed.stopped = true;
    closed.inside.as_mut().expect("an app's pool").inherited = true;
    let leak = holder("/srv/shop/app/views/cart.py:41", "checkout", How::Raw, Some("Task-17"));
    let mut leaked = lent(1, 3, 74_200, leak);
    leaked.flagged = true;
    let short = |line: u32| holder(&format!("/srv/shop/app/cart.py:{line}"), "add", How::Command, None);
    let subscriber = holder("/srv/shop/app/bus.py:9", "listen", How::PubSub, Some("bus"));
    let mut connections = vec![leaked, lent(3, 9, 60_000, subscriber)];
    connections.extend((4..7).map(|id| lent(1, id, 90 - id, short(10 + id as u32))));
    connections.extend((11..15).map(|id| ConnectionRow {
        state: RowState::Available { since: ago(id * 100) },
        // Nothing is told of the last one but that it was opened.
        uses: (14 - id) * 31,
        ..lent(2, id, id * 100, Holder::default())
    }));
    let lost = LeftRow {
        row: Arc::new(lent(4, 20, 31_000, holder("/srv/shop/app/jobs.py:88", "refresh", How::Raw, None))),
        pool: "carts".to_owned(),
        count: 3,
        longest: Duration::from_secs(19),
        shortest: Duration::from_secs(2),
        client: None,
        abandoned: 0,
    };
    let app = AppRow {
        since: Some(ago(91_000)),
        program: Some("gunicorn".into()),
        silent: None,
        ended: None,
        processes: processes.into_iter().map(Arc::new).collect(),
        left: vec![Arc::new(lost)],
        more_left: 0,
        found: Vec::new(),
        more_found: 0,
        more_pools: 0,
    };
    Snapshot {
        as_of: ago(0),
        wall_ms: 1_790_000_000_000,
        pools: [full, pool(2, 1, "sessions", "connection.ConnectionPool", [0, 4, 50]), unbounded, closed]
            .map(Arc::new)
            .to_vec(),
        connections: connections.into_iter().map(Arc::new).collect(),
        lints: vec![
            lint(
                "leak",
                Severity::Bad,
                About::Connection(PoolId(1), ConnId(3)),
                "#3 out 74.2 s, idle 37.1 s, taken at cart.py:41 in checkout",
                "give it back in a finally block",
            ),
            lint(
                "exhausted",
                Severity::Warn,
                About::Pool(PoolId(1)),
                "2 waiting, the longest 1.2 s: 4 of 4 in use",
                "raise max, or hold connections for less time",
            ),
        ],
        events: busy_events(),
        app: Some(Arc::new(app)),
        ..Snapshot::default()
    }
}

/// The same app when it has ended.
pub fn over() -> Snapshot {
    let mut snapshot = shop();
    let mut app = snapshot.app.as_deref().cloned().expect("an app");
    app.ended = Some((ago(2_000), Ending::Code(3)));
    for process in &mut app.processes {
        Arc::make_mut(process).gone = Some((ago(2_100), process.id != ProcId(3)));
    }
    for pool in &mut snapshot.pools {
        let pool = Arc::make_mut(pool);
        pool.stopped = true;
        [pool.in_use, pool.available, pool.created, pool.waiting] = [Some(0); 4];
    }
    snapshot.connections = Vec::new();
    snapshot.lints = Vec::new();
    snapshot.app = Some(Arc::new(app));
    snapshot
}

/// A command that runs and is no Python, as far as anybody can tell.
pub fn silent() -> Snapshot {
    let why = "no process has reported within 2 s: was Python started with -I, -S or -E, is it older than 3.8, or is the command no Python at all?";
    let app = AppRow {
        since: Some(ago(2_500)),
        program: Some("make".into()),
        silent: Some(why.into()),
        ..AppRow::default()
    };
    Snapshot { as_of: ago(0), app: Some(Arc::new(app)), ..Snapshot::default() }
}

/// Everything that can be unknown is.
pub fn unknown() -> Snapshot {
    let mut snapshot = shop();
    let bare = ProcessRow {
        facts: ProcessFacts { pid: 7, ..ProcessFacts::default() },
        libraries: Vec::new(),
        ..process(1, 7, "")
    };
    let mut pool = pool(1, 1, "", "", [0; 3]);
    [pool.max, pool.created, pool.in_use, pool.available, pool.opening, pool.waiting] = [None; 6];
    pool.target.clear();
    pool.totals = Totals::default();
    pool.latency = Latency::default();
    let facts = pool.inside.as_mut().expect("an app's pool");
    (facts.made, facts.class) = (None, String::new());
    let mut orphan = pool.clone();
    orphan.id = PoolId(2);
    orphan.inside = None;
    let mut row = lent(1, 1, 0, Holder::default());
    (row.server_id, row.opened, row.last_command) = (None, None, None);
    snapshot.pools = vec![Arc::new(pool), Arc::new(orphan)];
    snapshot.connections = vec![Arc::new(row)];
    snapshot.lints = Vec::new();
    snapshot.app = Some(Arc::new(AppRow { processes: vec![Arc::new(bare)], ..AppRow::default() }));
    snapshot
}

/// Hundreds of pools, thousands of connections, texts that would take a terminal over, and the largest numbers there are.
pub fn ugly() -> Snapshot {
    let long = UGLY.repeat(12);
    let mut snapshot = shop();
    let worst = |id: u32| {
        let mut row = process(id, u32::MAX, &long);
        row.libraries = vec![long.as_str().into(); 4];
        row.facts.runtime.clone_from(&long);
        row.reporting = Reporting { dropped: u64::MAX, errors: u64::MAX, error: Some(long.clone()) };
        row.heard = Stamp(0);
        row.gone = id.is_multiple_of(3).then_some((Stamp(u64::MAX), id.is_multiple_of(2)));
        Arc::new(row)
    };
    let lender = |id: u32| {
        let mut row = pool(id, id % 90, &long, &long, [0; 3]);
        [row.max, row.in_use, row.available, row.waiting] = [Some((1 << 31) - 1); 4];
        row.opening = Some(u32::MAX);
        row.target.clone_from(&long);
        row.totals.checkouts = u64::MAX;
        if let Some(inside) = &mut row.inside {
            inside.inherited = true;
            inside.made = Some(holder(&long, &long, How::Single, Some(&long)));
        }
        Arc::new(row)
    };
    let held = |id: u64| {
        let mut row = lent((id % 256) as u32 + 1, id, 0, holder(&long, &long, How::PubSub, Some(&long)));
        row.id = ConnId(u64::MAX - id);
        row.server_id = Some(u64::MAX);
        Arc::new(row)
    };
    let (mut app, left) = (
        snapshot.app.as_deref().cloned().expect("an app"),
        lent(1, 1, 0, holder(&long, &long, How::Raw, None)),
    );
    app.processes = (0..100).map(worst).collect();
    app.program = Some(long.as_str().into());
    app.left = (0..1_000)
        .map(|_| {
            Arc::new(LeftRow {
                row: Arc::new(left.clone()),
                pool: long.clone(),
                count: u64::MAX,
                longest: Duration::MAX,
                shortest: Duration::ZERO,
                client: None,
                abandoned: u64::MAX,
            })
        })
        .collect();
    app.more_pools = u64::MAX;
    app.silent = Some(long.as_str().into());
    app.ended = Some((Stamp(u64::MAX), Ending::Signal(i32::MIN)));
    snapshot.app = Some(Arc::new(app));
    snapshot.pools = (1..257).map(lender).collect();
    snapshot.connections = (0..3_000).map(held).collect();
    let about = |id: u32| lint("leak", Severity::Bad, About::Pool(PoolId(id)), &long, "–");
    snapshot.lints = (0..99).map(about).collect();
    snapshot.dropped = u64::MAX;
    snapshot
}
