//! Snapshots and an app to draw them with, for the tests of the screen.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

pub mod inside;
pub mod watch;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::event::{
    CloseReason, ConnId, CreateSteps, Holder, PoolId, SeenAt, Stamp, Totals, WaitEnd,
};
use redis_pooltop::snapshot::{
    About, ConnectionRow, EventRow, Latency, Level, LintRow, Lost, Past, Percentiles, PoolRow, RowState,
    SeriesPoint, ServerRow, Severity, Snapshot, What,
};
use redis_pooltop::tui::action::Effect;
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::Chord;
use redis_pooltop::tui::prompt::Candidates;
use redis_pooltop::tui::run::Assist;
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::view;

/// A helper that completes a few words, hints one command and knows where AUTH has its secret.
pub struct Words;

impl Assist for Words {
    fn complete(&self, line: &str, pos: usize, _: &Snapshot) -> Candidates {
        let start = line[..pos].rfind(' ').map_or(0, |at| at + 1);
        let typed = line[start..pos].to_uppercase();
        let known = ["GET", "GETDEL", "GETEX", "GETRANGE", "POOL", "SET"];
        let words = known.into_iter().filter(|word| word.starts_with(&typed)).map(str::to_owned).collect();
        Candidates { range: start..pos, words }
    }

    fn ran(&self, _: &str) {}

    fn highlight(&self, line: &str) -> Vec<(Range<usize>, redis_pooltop::command::Kind)> {
        let end = line.find(' ').unwrap_or(line.len());
        vec![(0..end, redis_pooltop::command::Kind::Command)]
    }

    fn hint(&self, line: &str) -> Option<String> {
        line.eq_ignore_ascii_case("GET").then(|| " key".to_owned())
    }

    fn note(&self, line: &str) -> Option<String> {
        line.starts_with("GET").then(|| "GET: since 1.0.0 · O(1)".to_owned())
    }

    fn secrets(&self, line: &str) -> Vec<Range<usize>> {
        let after = line.strip_prefix("AUTH ").map_or(line.len(), |_| 5);
        std::iter::once(after..line.len()).filter(|secret| !secret.is_empty()).collect()
    }
}

/// An app of this size that shows a snapshot.
pub fn app(width: u16, height: u16, snapshot: Snapshot) -> App {
    let hint = |command: &str, words: &str| (command.to_owned(), words.to_owned());
    let facts = Facts {
        target: "127.0.0.1:6379".to_owned(),
        interval: Duration::from_secs(1),
        welcome: vec![
            hint("SET user:1 ada", "a command: see which connection it takes"),
            hint("POOL HOLD 3", "keeps three connections in use"),
            hint("POOL LEAK 1", "one that nobody gives back"),
        ],
        notices: Vec::new(),
        history: vec!["PING".to_owned(), "GET user:1".to_owned(), "SET a 1".to_owned()],
        ..Facts::default()
    };
    let mut app = App::new(facts, Arc::new(Words), Size { width, height });
    app.take(Arc::new(snapshot));
    app
}

/// Presses keys named as in the key table; a word in quotes is typed.
pub fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        match key.strip_prefix('\'') {
            Some(word) => {
                for c in word.replace('_', " ").chars() {
                    let event = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
                    effects.extend(send(app, Chord::from_event(&event).unwrap()));
                }
            }
            None => effects.extend(send(app, key.parse().unwrap())),
        }
    }
    effects
}

fn send(app: &mut App, chord: Chord) -> Vec<Effect> {
    app.press(chord).unwrap_or_default()
}

/// The screen as text, a line a row, without blanks at the ends.
pub fn text(app: &App, theme: &Theme, width: u16, height: u16) -> String {
    let buf = buffer(app, theme, width, height);
    let mut lines = Vec::new();
    for y in 0..height {
        let mut line = String::new();
        let mut x = 0;
        while x < width {
            let symbol = buf[(x, y)].symbol();
            line.push_str(symbol);
            x += (redis_pooltop::text::width(symbol) as u16).max(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The screen's cells.
pub fn buffer(app: &App, theme: &Theme, width: u16, height: u16) -> Buffer {
    let area = Rect { x: 0, y: 0, width, height };
    let mut buf = Buffer::empty(area);
    view::screen(app, theme, area, &mut buf);
    buf
}

/// A stamp so many milliseconds before the snapshots' moment.
pub fn ago(millis: u64) -> Stamp {
    Stamp((NOW - millis) * 1_000_000)
}

/// The snapshots' moment, in milliseconds.
const NOW: u64 = 600_000;

fn micros(count: u64, [p50, p95, p99, max]: [u64; 4]) -> Percentiles {
    let nanos = |micros| micros * 1000;
    Percentiles { count, total: count, p50: nanos(p50), p95: nanos(p95), p99: nanos(p99), max: nanos(max) }
}

fn in_use(id: u64, server: u64, held: u64, label: &str, location: Option<&str>, last: &str) -> ConnectionRow {
    ConnectionRow {
        pool: PoolId(0),
        id: ConnId(id),
        server_id: Some(server),
        local: None,
        opened: Some(ago(held + 20_000)),
        steps: Some(CreateSteps {
            dial: Duration::from_micros(210),
            tls: None,
            handshake: Duration::from_micros(190),
        }),
        state: RowState::InUse {
            since: ago(held),
            holder: Holder {
                label: Some(label.into()),
                location: location.map(Into::into),
                ..Holder::default()
            },
            pinned: None,
        },
        uses: id * 31,
        commands: id * 1_204,
        last_command: Some(last.into()),
        last_active: ago(held * 9 / 10),
        busy_since: None,
        dead_since: None,
        client: None,
        beliefs: None,
        flagged: false,
        past: Past::default(),
    }
}

fn available(id: u64, idle: u64) -> ConnectionRow {
    let since = ago(idle);
    ConnectionRow {
        state: RowState::Available { since },
        last_active: since,
        ..in_use(id, 110 + id, idle, "", None, "SET")
    }
}

/// A pool that is nearly exhausted, with a leak.
pub fn busy() -> Snapshot {
    let mut leaked = in_use(3, 118, 74_200, "worker-2", Some("src/jobs.rs:88"), "GET");
    leaked.flagged = true;
    let mut blocked = in_use(5, 120, 2_100, "BLPOP q 0 &", None, "BLPOP");
    blocked.busy_since = Some(ago(2_100));
    let mut pinned = in_use(7, 122, 1_300, "MULTI", None, "SET");
    if let RowState::InUse { pinned, .. } = &mut pinned.state {
        *pinned = Some("MULTI".into());
    }
    let mut connections = vec![leaked, blocked, pinned];
    connections.extend((8..12).map(|id| in_use(id, 115 + id, 900 - id * 50, "POOL HOLD 4", None, "PING")));
    connections.extend([available(1, 400), available(2, 12_000)]);
    Snapshot {
        as_of: ago(0),
        wall_ms: 1_790_000_000_000,
        front: None,
        pools: vec![Arc::new(busy_pool())],
        connections: connections.into_iter().map(Arc::new).collect(),
        server: Arc::new(server()),
        lints: busy_lints(),
        events: busy_events(),
        ..Snapshot::default()
    }
}

fn busy_pool() -> PoolRow {
    let series = (0..90u32).map(|second| SeriesPoint {
        at: ago(u64::from(90 - second) * 1_000),
        in_use: (second / 12).min(7),
        available: 2,
        waiting: second.saturating_sub(80) / 3,
        max: 10,
        commands: u64::from(second % 17) * 40,
        clients: Some(6 + u64::from(second / 11)),
    });
    PoolRow {
        id: PoolId(0),
        name: "app".to_owned(),
        target: "127.0.0.1:6379".to_owned(),
        single: false,
        max: Some(10),
        created: Some(9),
        in_use: Some(7),
        available: Some(2),
        opening: Some(1),
        waiting: Some(3),
        waiting_since: Some(ago(1_200)),
        totals: Totals { opened: 41, closed: 32, timeouts: 2, checkouts: 5_003, ..Totals::default() },
        closed_by: vec![(CloseReason::Idle, 30), (CloseReason::Timeout, 2)],
        latency: Latency {
            window: Duration::from_secs(60),
            wait: micros(5_003, [6, 120, 12_100, 80_200]),
            held: micros(4_996, [210, 900, 2_100, 74_200_000]),
            create: micros(9, [400, 900, 1_100, 1_100]),
            round_trip: micros(5_120, [80, 300, 1_200, 5_003_000]),
            by_command: vec![
                ("GET".into(), micros(3_000, [70, 200, 900, 1_400])),
                ("SET".into(), micros(2_000, [80, 300, 1_200, 9_300])),
                ("BLPOP".into(), micros(4, [5_003_000; 4])),
            ],
            histogram: histogram(),
        },
        series: series.collect(),
        exhaustion: None,
        inside: None,
        stopped: false,
    }
}

/// Bars without a gap, as the model makes them: most around 0.1 ms, a few BLPOP far to the right.
fn histogram() -> Vec<(u64, u64)> {
    let edges = (4..10).flat_map(|power| [1, 2, 5].map(|step| step * 10_u64.pow(power)));
    let counts = [0, 310, 1_480, 2_210, 760, 270, 60, 20, 6, 0, 0, 0, 0, 0, 0, 0, 1, 3];
    edges.zip(counts).skip(1).chain([(10_000_000_000, 1)]).collect()
}

fn server() -> ServerRow {
    let fields = [
        ("connected_clients", "14"),
        ("cluster_connections", "0"),
        ("maxclients", "10000"),
        ("client_recent_max_input_buffer", "20480"),
        ("client_recent_max_output_buffer", "0"),
        ("blocked_clients", "6"),
        ("tracking_clients", "0"),
        ("clients_in_timeout_table", "0"),
    ];
    ServerRow {
        target: "127.0.0.1:6379".to_owned(),
        version: Some("redis 7.0.15".to_owned()),
        clients: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        raw: "# Clients\r\nconnected_clients:14\r\n".into(),
        seen_at: Some(ago(300)),
        took: Some(Duration::from_micros(240)),
        lost: None,
    }
}

fn busy_lints() -> Vec<Arc<LintRow>> {
    let lint = |id, severity, conn: Option<u64>, evidence: &str, advice| {
        Arc::new(LintRow {
            id,
            level: Level::Warn,
            severity,
            about: conn.map_or(About::Pool(PoolId(0)), |conn| About::Connection(PoolId(0), ConnId(conn))),
            evidence: evidence.to_owned(),
            advice,
            since: ago(9_000),
        })
    };
    vec![
        lint(
            "leak",
            Severity::Bad,
            Some(3),
            "#3 out 74.2 s, idle 66.8 s, held by worker-2 jobs.rs:88",
            "release it in a finally block, or hold it in a scope",
        ),
        lint(
            "exhausted",
            Severity::Warn,
            None,
            "3 waiting, the longest 1.2 s: 7 of 10 in use",
            "raise max, or hold connections for less time",
        ),
    ]
}

fn busy_events() -> Arc<[EventRow]> {
    let event = |millis, what| EventRow { at: ago(millis), pool: Some(PoolId(0)), node: None, what };
    vec![
        event(95_000, What::Opened(ConnId(3), Duration::from_micros(400))),
        event(20_000, What::Closed(ConnId(4), CloseReason::Timeout)),
        event(
            15_000,
            What::WaitFailed {
                ended: WaitEnd::TimedOut,
                waited: Duration::from_secs(20),
                who: "".into(),
                times: 1,
            },
        ),
        event(12_000, What::UnreadReply(ConnId(6), SeenAt::Release, Some(1), Some(0))),
        event(9_000, What::Raised("leak", Severity::Bad, "#3 out 60 s".to_owned())),
    ]
    .into()
}

/// A snapshot in which everything that can be unknown is.
pub fn unknown() -> Snapshot {
    let mut snapshot = busy();
    let pool = PoolRow {
        max: None,
        created: None,
        in_use: None,
        available: None,
        opening: None,
        waiting: None,
        waiting_since: None,
        totals: Totals::default(),
        closed_by: Vec::new(),
        latency: Latency::default(),
        series: Arc::new([]),
        ..busy_pool()
    };
    snapshot.pools = vec![Arc::new(pool)];
    snapshot.server = Arc::default();
    snapshot.lints = Vec::new();
    snapshot.events = Arc::new([]);
    let mut bare = in_use(1, 0, 0, "", None, "");
    bare.server_id = None;
    bare.opened = None;
    bare.steps = None;
    bare.last_command = None;
    bare.state = RowState::InUse { since: ago(0), holder: Holder::default(), pinned: None };
    snapshot.connections = vec![Arc::new(bare)];
    snapshot.dropped = 12_345;
    snapshot.out_of_sync = true;
    snapshot
}

/// A text that would take a terminal over: colours, a title, a cursor jump, C1, bidi, wide and joined characters.
pub const UGLY: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}evil\u{0}漢字漢字漢字👩\u{200d}👩\u{200d}👧e\u{301}\r\n\tend";

/// A snapshot in which every text from outside is [`UGLY`] or endless, and every number is the largest there is.
pub fn ugly() -> Snapshot {
    let mut snapshot = busy();
    let long = UGLY.repeat(12);
    let most = Percentiles { count: u64::MAX, total: u64::MAX, p50: u64::MAX, p95: u64::MAX, p99: 1, max: 0 };
    let mut pool = busy_pool();
    pool.name.clone_from(&long);
    pool.target.clone_from(&long);
    pool.max = Some(u32::MAX);
    pool.in_use = Some(u32::MAX);
    pool.available = Some(u32::MAX);
    pool.created = Some(u32::MAX);
    pool.waiting = Some(u32::MAX);
    pool.totals.opened = u64::MAX;
    pool.totals.timeouts = u64::MAX;
    pool.single = true;
    pool.stopped = true;
    pool.latency.wait = most;
    pool.latency.by_command = vec![(long.as_str().into(), most); 50];
    let huge = SeriesPoint {
        at: Stamp(u64::MAX),
        in_use: u32::MAX,
        available: u32::MAX,
        waiting: u32::MAX,
        max: u32::MAX,
        commands: u64::MAX,
        clients: Some(u64::MAX),
    };
    pool.series = vec![huge; 4_000].into();
    snapshot.pools = vec![Arc::new(pool)];
    let row = |id| {
        let mut row = in_use(id, u64::MAX, 0, &long, Some(&long), &long);
        row.id = ConnId(u64::MAX - id);
        row.uses = u64::MAX;
        row.opened = Some(Stamp(u64::MAX));
        if let RowState::InUse { since, pinned, .. } = &mut row.state {
            *since = Stamp(0);
            *pinned = Some(long.as_str().into());
        }
        row.flagged = true;
        Arc::new(row)
    };
    snapshot.connections = (0..500).map(row).collect();
    snapshot.server = Arc::new(ServerRow {
        target: long.clone(),
        version: Some(long.clone()),
        clients: vec![(long.clone(), long.clone()); 200],
        lost: Some(Lost { error: long.clone(), since: Stamp(u64::MAX), retry_at: Stamp(u64::MAX) }),
        ..server()
    });
    let lint = LintRow { evidence: long.clone(), ..(*busy_lints()[0]).clone() };
    snapshot.lints = (0..99).map(|_| Arc::new(lint.clone())).collect();
    let events = [
        What::OpenFailed(long.clone(), 1),
        What::Lost(long.clone()),
        What::Raised("leak", Severity::Bad, long.clone()),
        What::Cleared("leak", long),
        What::Back,
        What::Resized(u32::MAX),
        What::UnreadReply(ConnId(u64::MAX), SeenAt::Checkout, Some(u64::MAX), Some(u64::MAX)),
    ];
    snapshot.events =
        events.map(|what| EventRow { at: Stamp(u64::MAX), pool: None, node: None, what }).to_vec().into();
    snapshot.dropped = u64::MAX;
    snapshot
}
