pub(super) mod exposition;

use std::sync::Arc;

use super::*;
use crate::event::{CloseReason, ConnId, CreateSteps, Holder, Stamp, Totals};
use crate::snapshot::{
    ConnectionRow, Latency, Level, LintRow, Lost, Past, Percentiles, PoolRow, RowState, ServerRow,
};

fn s(tenths: u64) -> Stamp {
    Stamp(tenths * 100_000_000)
}

/// Numbers around a median in microseconds.
fn numbers(count: u64, median: u64) -> Percentiles {
    let micros = |n: u64| n * 1_000;
    Percentiles {
        count,
        total: count * 3,
        p50: micros(median),
        p95: micros(median * 10),
        p99: micros(median * 400),
        max: micros(median * 90_000),
    }
}

fn pool() -> PoolRow {
    PoolRow {
        id: PoolId(1),
        name: "app".to_owned(),
        target: "127.0.0.1:6379/0".to_owned(),
        single: false,
        max: Some(10),
        created: Some(9),
        in_use: Some(7),
        available: Some(2),
        opening: Some(0),
        waiting: Some(3),
        waiting_since: Some(s(888)),
        totals: Totals {
            opened: 41,
            closed: 32,
            open_failures: 1,
            checkouts: 5_003,
            timeouts: 2,
            commands: 12_000,
            error_replies: 4,
            ..Totals::default()
        },
        closed_by: vec![(CloseReason::Idle, 20), (CloseReason::UnreadReply, 12)],
        latency: Latency {
            window: Duration::from_secs(60),
            wait: numbers(120, 10),
            held: numbers(5_000, 300),
            create: numbers(4, 400),
            round_trip: numbers(12_000, 80),
            by_command: vec![("GET".into(), numbers(11_000, 70)), ("BLPOP".into(), numbers(1_000, 500))],
            histogram: vec![(50_000, 10), (100_000, 11_990)],
        },
        series: Arc::default(),
        exhaustion: None,
        inside: None,
        stopped: false,
    }
}

fn connection(conn: u64) -> ConnectionRow {
    let steps =
        CreateSteps { dial: Duration::from_micros(300), tls: None, handshake: Duration::from_micros(100) };
    ConnectionRow {
        pool: PoolId(1),
        id: ConnId(conn),
        server_id: Some(115 + conn),
        local: "127.0.0.1:40001".parse().ok(),
        opened: Some(s(10)),
        steps: Some(steps),
        state: RowState::Available { since: s(800) },
        uses: 310,
        commands: 311,
        last_command: Some("GET".into()),
        last_active: s(800),
        busy_since: None,
        dead_since: None,
        client: None,
        beliefs: None,
        flagged: false,
        past: Past::default(),
    }
}

fn lent(conn: u64, since: Stamp, holder: Holder) -> ConnectionRow {
    let state = RowState::InUse { since, holder, pinned: Some("MULTI".into()) };
    ConnectionRow { state, last_active: since + Duration::from_secs(3), ..connection(conn) }
}

fn holder(label: &str, location: &str) -> Holder {
    Holder { label: Some(label.into()), location: Some(location.into()), task: Some(7), ..Holder::default() }
}

fn lint(id: &'static str, severity: Severity, conn: Option<ConnId>, evidence: &str) -> Arc<LintRow> {
    let advice = "give it back";
    let evidence = evidence.to_owned();
    let level = Level::Warn;
    Arc::new(LintRow {
        id,
        level,
        severity,
        about: conn.map_or(About::Pool(PoolId(1)), |conn| About::Connection(PoolId(1), conn)),
        evidence,
        advice,
        since: s(458),
    })
}

/// The screen of the design, as a snapshot.
pub(super) fn everyday() -> Snapshot {
    let clients = [("connected_clients", "14"), ("maxclients", "10000"), ("blocked_clients", "6")];
    let server = ServerRow {
        target: "127.0.0.1:6379/0".to_owned(),
        version: Some("redis 7.0.15".to_owned()),
        clients: clients.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        raw: "# Clients\r\n".into(),
        seen_at: Some(s(895)),
        took: Some(Duration::from_micros(90)),
        lost: None,
    };
    let busy = ConnectionRow {
        busy_since: Some(s(880)),
        last_command: Some("BLPOP".into()),
        ..lent(5, s(879), holder("job 4", "BLPOP q 0 &"))
    };
    Snapshot {
        as_of: s(900),
        wall_ms: 1_795_244_000_000,
        front: None,
        pools: vec![Arc::new(pool())],
        connections: vec![
            Arc::new(ConnectionRow { flagged: true, ..lent(3, s(158), holder("worker-2", "jobs.rs:88")) }),
            Arc::new(busy),
            Arc::new(connection(8)),
        ],
        server: Arc::new(server),
        lints: vec![
            lint("leak", Severity::Bad, Some(ConnId(3)), "#3 out 74.2 s, idle 71.2 s  worker-2"),
            lint("pool-usage", Severity::Warn, None, "9 of 10 in use (90%), over 80%"),
        ],
        ..Snapshot::default()
    }
}

/// What a source that sees nothing and a server that means harm leave: nothing known, and names that steer terminals.
pub(super) fn ugly() -> Snapshot {
    let bad = "wide 界🦀\t\r\n\u{1b}[31mred\u{9b}2J\u{202e}desrever\u{7f} \"quoted\\\" 'x'";
    let blind = PoolRow {
        name: bad.to_owned(),
        target: String::new(),
        max: None,
        created: None,
        in_use: None,
        available: None,
        opening: None,
        waiting: None,
        waiting_since: None,
        totals: Totals::default(),
        closed_by: Vec::new(),
        latency: Latency { by_command: vec![(bad.into(), Percentiles::default())], ..Latency::default() },
        stopped: true,
        ..pool()
    };
    let row = ConnectionRow {
        id: ConnId(u64::MAX),
        server_id: None,
        local: None,
        opened: None,
        steps: None,
        last_command: Some(bad.into()),
        ..lent(1, s(0), holder(bad, bad))
    };
    let server = ServerRow {
        clients: vec![(bad.to_owned(), bad.to_owned()), ("x".to_owned(), "007".to_owned())],
        version: Some(bad.to_owned()),
        lost: Some(Lost { error: bad.to_owned(), since: s(880), retry_at: s(910) }),
        ..ServerRow::default()
    };
    Snapshot {
        as_of: s(900),
        pools: vec![Arc::new(blind), Arc::new(PoolRow { id: PoolId(2), ..pool() })],
        connections: vec![Arc::new(row), Arc::new(ConnectionRow { pool: PoolId(9), ..connection(8) })],
        server: Arc::new(server),
        lints: vec![lint("leak", Severity::Bad, None, bad)],
        dropped: 12,
        out_of_sync: true,
        recording: None,
        tape: None,
        ..Snapshot::default()
    }
}

/// No character that could steer a terminal, but for the end of a line.
pub(super) fn is_printable(text: &str) -> bool {
    let bidi = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().all(|c| c == '\n' || !(c.is_control() || bidi(c)))
}

#[test]
fn json_of_an_everyday_snapshot() {
    insta::assert_snapshot!(json(&everyday()));
}

#[test]
fn json_of_an_ugly_snapshot() {
    insta::assert_snapshot!(json(&ugly()));
}

#[test]
fn json_means_what_the_snapshot_says_however_it_is_escaped() {
    let snapshot = ugly();
    let document = json(&snapshot);
    assert!(is_printable(&document));
    let value: serde_json::Value = serde_json::from_str(&document).expect("one document");
    assert_eq!(value["pools"][0]["name"], snapshot.pools[0].name.as_str());
    assert_eq!(value["pools"][0]["in_use"], serde_json::Value::Null);
    assert_eq!(value["connections"][0]["id"], u64::MAX);
    assert_eq!(value["server"]["clients"]["x"], "007");
    assert_eq!(value["connections"][1]["pool"], "pool-9");
}

#[test]
fn text_of_an_everyday_snapshot() {
    insta::assert_snapshot!(text(&everyday()));
}

#[test]
fn text_of_an_ugly_snapshot() {
    let said = text(&ugly());
    assert!(is_printable(&said));
    insta::assert_snapshot!(said);
}

#[test]
fn prometheus_of_an_everyday_snapshot() {
    let page = prometheus(&everyday(), &Listing::default());
    exposition::check(&page);
    insta::assert_snapshot!(page);
}

#[test]
fn prometheus_of_an_ugly_snapshot() {
    let page = prometheus(&ugly(), &Listing::default());
    assert!(is_printable(&page));
    exposition::check(&page);
    insta::assert_snapshot!(page);
}

#[test]
fn prometheus_of_nothing_is_a_page() {
    exposition::check(&prometheus(&Snapshot::default(), &Listing::default()));
}

#[test]
fn pools_of_one_name_are_told_apart() {
    let pools = vec![Arc::new(pool()), Arc::new(PoolRow { id: PoolId(2), in_use: Some(1), ..pool() })];
    let page = prometheus(&Snapshot { pools, ..everyday() }, &Listing::default());
    exposition::check(&page);
    assert!(
        page.contains("{db_client_connection_pool_name=\"app\",db_client_connection_state=\"used\"} 7\n")
    );
    assert!(
        page.contains("{db_client_connection_pool_name=\"app#2\",db_client_connection_state=\"used\"} 1\n")
    );
}

#[test]
#[should_panic(expected = "twice")]
fn the_checker_sees_a_series_given_twice() {
    exposition::check("# HELP a x\n# TYPE a gauge\na{b=\"c\"} 1\na{b=\"c\"} 2\n");
}

#[test]
#[should_panic(expected = "quoted")]
fn the_checker_sees_a_bad_label() {
    exposition::check("# HELP a x\n# TYPE a gauge\na{b=\"c\"d\"} 1\n");
}
