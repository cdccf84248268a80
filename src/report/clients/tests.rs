use serde_json::Value;

use super::*;
use crate::event::{NodeConfig, NodeId, Process, Refused, Stamp, Whose};
use crate::report::tests::{exposition, is_printable};
use crate::report::{open_metrics, prometheus, verdict};
use crate::snapshot::{
    About, ClientState, Groups, Level, LintRow, LookRow, Lost, NodeRow, REST, ServerRow, Severity,
};
use std::sync::Arc;
use std::time::Duration;

const BAD: &str = "=cmd|' /C calc'!A0,\"\r\n\u{1b}[31mred\u{202e}desrever\u{7f}";

fn secs(seconds: u64) -> Stamp {
    Stamp(seconds * 1_000_000_000)
}

fn process(pid: u32, name: &str, command: &str) -> Arc<Process> {
    Arc::new(Process {
        pid,
        name: name.into(),
        command: command.into(),
        user: Some("app".into()),
        started_ms: Some(1_795_240_000_000),
        container: None,
    })
}

fn group(by: GroupBy, label: &str, count: u64) -> GroupRow {
    GroupRow {
        by,
        label: label.into(),
        count,
        oldest: Duration::from_secs(700),
        longest_idle: Duration::from_secs(3),
        ..GroupRow::default()
    }
}

fn grouped(by: GroupBy, rows: Vec<GroupRow>) -> Arc<Groups> {
    let rows: Arc<[Arc<GroupRow>]> = rows.into_iter().map(Arc::new).collect();
    Arc::new(Groups::new(GroupBy::KEYS.map(|key| if key == by { rows.clone() } else { Arc::default() })))
}

fn client(node: u32, id: u64, told: impl FnOnce(&mut Client)) -> ClientRow {
    let mut client = Client {
        id,
        addr: format!("127.0.0.1:{}", 50_000 + id % 1_000).into(),
        age: 60,
        idle: 2,
        flags: "N".into(),
        db: Some(0),
        user: Some("default".into()),
        ..Client::default()
    };
    told(&mut client);
    ClientRow { node: NodeId(node), client: Arc::new(client), at: secs(99), ..ClientRow::default() }
}

fn server(id: u32, target: &str) -> NodeRow {
    let server = ServerRow {
        target: target.to_owned(),
        version: Some("redis 7.2.4".to_owned()),
        seen_at: Some(secs(100)),
        ..ServerRow::default()
    };
    NodeRow {
        id: NodeId(id),
        target: target.to_owned(),
        server: Arc::new(server),
        look: Some(LookRow {
            at: secs(99),
            clients: 61,
            left_out: 0,
            unread: 0,
            bytes: 18_400,
            took: Duration::from_micros(900),
            cost: Duration::from_micros(220),
            told: true,
            interval: Duration::from_secs(1),
        }),
        connected: Some(61),
        blocked: Some(2),
        max: Some(10_000),
        rejected: Some(0),
        evicted: Some(0),
        opening_rate: Some(1.25),
        unseen: 480,
        config: NodeConfig { timeout: Some(0), tcp_keepalive: Some(300) },
        ..NodeRow::default()
    }
}

fn lint(id: &'static str, about: About, evidence: &str) -> Arc<LintRow> {
    Arc::new(LintRow {
        id,
        level: Level::Warn,
        severity: Severity::Warn,
        about,
        evidence: evidence.to_owned(),
        advice: "see where these connections are opened, and whether anything closes them",
        since: secs(70),
    })
}

/// Two programs, one of which grows, on a server that answers; and one that does not.
fn everyday() -> Snapshot {
    let python = process(4711, "python3", "python3 worker.py --queue mail");
    let owned = |row: ClientRow, owner: &Arc<Process>| ClientRow {
        whose: Some(Whose::Process { process: owner.clone(), fd: 9 }),
        ..row
    };
    let worker = owned(
        client(0, 7, |client| {
            client.name = Some("worker-7".into());
            client.command = Some("blpop".into());
            client.lib_name = Some("redis-py".into());
            client.lib_version = Some("5.0.1".into());
            client.memory = Some(22_528);
        }),
        &python,
    );
    let own = ClientRow { own: true, ..client(0, 9, |client| client.command = Some("client|list".into())) };
    let remote = client(0, 8, |client| client.addr = "10.0.0.7:40112".into());
    let groups = vec![
        GroupRow {
            process: Some(python),
            change: Some(1),
            grown: Some(30),
            opening_rate: Some(1.0),
            waiting: 2,
            flagged: true,
            memory: Some(1_310_720),
            ..group(GroupBy::Process, "python3 4711", 58)
        },
        GroupRow { change: Some(-1), ..group(GroupBy::Process, "remote", 2) },
        GroupRow { own: 1, ..group(GroupBy::Process, "redis-pooltop 99", 1) },
    ];
    let lost =
        Lost { error: "nothing listens at 127.0.0.1:6380".to_owned(), since: secs(90), retry_at: secs(105) };
    let gone = ServerRow { target: "127.0.0.1:6380".to_owned(), lost: Some(lost), ..ServerRow::default() };
    let gone = NodeRow {
        id: NodeId(1),
        target: "127.0.0.1:6380".to_owned(),
        found: Some("replica of 127.0.0.1:6379".to_owned()),
        server: Arc::new(gone),
        ..NodeRow::default()
    };
    Snapshot {
        as_of: secs(100),
        wall_ms: 1_795_244_000_000,
        nodes: vec![Arc::new(server(0, "127.0.0.1:6379")), Arc::new(gone)],
        clients: [
            ClientRow { state: ClientState::Blocked, ..worker },
            ClientRow { whose: Some(Whose::Remote), ..remote },
            own,
        ]
        .into_iter()
        .map(Arc::new)
        .collect(),
        groups: grouped(GroupBy::Process, groups),
        lints: vec![
            lint(
                "growth",
                About::Group(GroupBy::Process, "python3 4711".into()),
                "python3 worker.py (pid 4711): 28 → 58 connections in 60 s",
            ),
            lint("blocked-long", About::Client(NodeId(0), 7), "client 7 has waited in blpop for 60 s"),
        ],
        ..Snapshot::default()
    }
}

/// A server that tells nothing, and names that steer terminals and spreadsheets.
fn ugly() -> Snapshot {
    let refused = Refused {
        command: "CLIENT LIST".to_owned(),
        error: format!("NOPERM {BAD}"),
        rule: Some("+client|list".to_owned()),
    };
    let node = NodeRow { target: BAD.to_owned(), refused: vec![refused], ..NodeRow::default() };
    let evil = client(0, u64::MAX, |client| {
        client.name = Some(BAD.into());
        client.addr = BAD.into();
        client.command = Some(BAD.into());
        client.user = None;
        client.db = None;
    });
    let owner = process(u32::MAX, BAD, BAD);
    let evil = ClientRow { whose: Some(Whose::Process { process: owner.clone(), fd: 1 }), ..evil };
    let groups = vec![
        GroupRow { process: Some(owner), ..group(GroupBy::Process, "a\u{1b}", u64::MAX) },
        group(GroupBy::Process, "a\\x1b", 1),
        group(GroupBy::Process, "", 0),
    ];
    Snapshot {
        as_of: secs(100),
        nodes: vec![Arc::new(node)],
        clients: [Arc::new(evil)].into(),
        groups: grouped(GroupBy::Process, groups),
        lints: vec![lint("unnamed", About::Group(GroupBy::Process, BAD.into()), BAD)],
        dropped: 3,
        out_of_sync: true,
        ..Snapshot::default()
    }
}

fn rows() -> Listing {
    Listing::new(GroupBy::None, None, None).expect("a listing")
}

#[test]
fn text_of_groups_and_of_clients() {
    insta::assert_snapshot!("groups", text(&everyday(), &Listing::default(), None));
    insta::assert_snapshot!("clients", text(&everyday(), &rows(), None));
    for listing in [Listing::default(), rows()] {
        let said = text(&ugly(), &listing, None);
        assert!(is_printable(&said), "{said}");
    }
    assert!(text(&ugly(), &rows(), None).contains("refused   CLIENT LIST: NOPERM =cmd"));
}

#[test]
fn what_changed_is_told_and_what_was_raised_is_not_forgotten() {
    let mut before = everyday();
    before.groups = grouped(
        GroupBy::Process,
        vec![group(GroupBy::Process, "python3 4711", 20), group(GroupBy::Process, "cron 12", 3)],
    );
    before.as_of = secs(40);
    before.lints = vec![lint("churn", About::Node(NodeId(0)), "50 a second come and go")];
    let listing = Listing::default();
    let change = Change::since(&before, &listing);
    let after = everyday();
    let said = text(&after, &listing, Some(&change));
    insta::assert_snapshot!(said);
    let document: Value =
        serde_json::from_str(&document(&after, &listing, Some(&change), None)).expect("JSON");
    let changed = &document["changed"];
    assert_eq!(changed["ms"], 60_000);
    let groups = changed["groups"].as_array().expect("groups");
    let told: Vec<_> = groups
        .iter()
        .map(|group| (group["group"].as_str(), group["before"].as_u64(), group["after"].as_u64()))
        .collect();
    assert_eq!(told[0], (Some("python3 4711"), Some(20), Some(58)));
    assert!(told.contains(&(Some("cron 12"), Some(3), Some(0))), "{told:?}");
    assert_eq!(changed["lints_over"][0]["id"], "churn");
    // One that still holds is no news.
    let mut change = change;
    change.see(&after);
    assert_eq!(change.over(&after).len(), 1);
}

#[test]
fn json_says_null_for_what_nobody_knows() {
    let document: Value = serde_json::from_str(&document(&everyday(), &rows(), None, None)).expect("JSON");
    assert_eq!(document["groups"], Value::Null);
    assert_eq!(document["clients"].as_array().map(Vec::len), Some(3));
    let oldest = &document["clients"][0];
    assert_eq!((oldest["id"].as_u64(), oldest["process"]["pid"].as_u64()), (Some(7), Some(4711)));
    assert_eq!(oldest["lints"][0], "blocked-long");
    assert_eq!((&oldest["age_ms"], &oldest["net_in_bytes"]), (&61_000.into(), &Value::Null));
    assert_eq!(document["servers"][1]["connected_clients"], Value::Null);
    assert_eq!(document["servers"][1]["lost"]["retry_in_ms"], 5_000);
    assert_eq!(document["lints"][0]["group"], "python3 4711");
    assert_eq!(document["lints"][1]["client"], 7);
    insta::assert_snapshot!(super::document(&everyday(), &Listing::default(), None, None));
    let ugly = super::document(&ugly(), &rows(), None, None);
    assert!(is_printable(&ugly));
    let ugly: Value = serde_json::from_str(&ugly).expect("JSON");
    assert_eq!(ugly["clients"][0]["name"], BAD, "as it came");
}

#[test]
fn a_line_is_the_same_document() {
    let line = line(&everyday(), &rows(), None, None);
    assert_eq!(line.matches('\n').count(), 1);
    let (line, whole): (Value, Value) = (
        serde_json::from_str(&line).expect("JSON"),
        serde_json::from_str(&document(&everyday(), &rows(), None, None)).expect("JSON"),
    );
    assert_eq!(line, whole);
}

#[test]
fn csv_is_a_table_that_runs_nothing() {
    insta::assert_snapshot!(csv(&everyday(), &Listing::default()).replace('\r', ""));
    for listing in [Listing::default(), rows()] {
        for snapshot in [everyday(), ugly()] {
            let table = csv(&snapshot, &listing);
            let columns = table.lines().next().expect("names").split(',').count();
            for line in table.split("\r\n").filter(|line| !line.is_empty()) {
                assert_eq!(cells(line).len(), columns, "{line}");
                for cell in cells(line) {
                    let formula = cell.starts_with(['=', '+', '@', '\t']);
                    assert!(!formula && is_printable(&cell), "{cell}");
                }
            }
        }
    }
}

/// The cells of one line, in which no cell has a line's end.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut quoted, mut chars) = (false, line.chars().peekable());
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("a cell");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    assert!(!quoted, "an open quote: {line}");
    cells
}

#[test]
fn no_client_is_taken_for_the_rest() {
    let by = GroupBy::Library;
    let library = |id, name: &str| client(0, id, |client| client.lib_name = Some(name.into()));
    let clients = [library(1, "all others"), library(2, "(all others)"), library(3, "one of many")];
    let groups = vec![group(by, REST, 1), group(by, "all others", 1), group(by, "(all others)", 1)];
    let snapshot = Snapshot {
        nodes: vec![Arc::new(server(0, "127.0.0.1:6379"))],
        clients: clients.into_iter().map(Arc::new).collect(),
        groups: grouped(by, groups),
        ..everyday()
    };
    let listing = Listing::new(by, Some("all others"), None).expect("a listing");
    // The filter finds the rest by its name as well.
    let page = prometheus(&snapshot, &listing);
    exposition::check(&page);
    for name in ["(all others)", "all others", "\\\\(all others)"] {
        let group = format!("group=\"{name}\"");
        let told = |line: &&str| line.starts_with("redis_pooltop_clients{") && line.contains(&group);
        assert_eq!(page.lines().filter(told).count(), 1, "{group}: {page}");
    }
    let table = csv(&snapshot, &listing);
    let text = text(&snapshot, &listing, None);
    for name in ["(all others)", "all others", "\\(all others)"] {
        assert_eq!(table.matches(&format!(",\"{name}\",")).count(), 1, "{name}: {table}");
        assert_eq!(
            text.lines().filter(|line| line.starts_with(&format!("{name}  "))).count(),
            1,
            "{name}: {text}"
        );
    }
}

#[test]
fn metrics_have_a_series_a_group_and_no_more_than_a_thousand() {
    let by_name = Listing::new(GroupBy::Name, None, None).expect("a listing");
    let page = prometheus(&two_servers(), &by_name);
    exposition::check(&page);
    insta::assert_snapshot!(page);
    let page = prometheus(&ugly(), &rows());
    exposition::check(&page);
    assert!(is_printable(&page));
    let name = |n| format!("worker-{n}");
    let many = (0..1_500).map(|n| group(GroupBy::Name, &name(n), 1)).collect();
    let clients = (0..1_500).map(|n| Arc::new(client(0, n, |client| client.name = Some(name(n).into()))));
    let many = Snapshot { clients: clients.collect(), groups: grouped(GroupBy::Name, many), ..everyday() };
    let page = prometheus(&many, &by_name);
    exposition::check(&page);
    assert_eq!(page.matches("\nredis_pooltop_clients{").count(), 1_000);
    assert!(page.contains("redis_pooltop_groups_left_out{group_by=\"name\"} 500\n"));
}

#[test]
fn open_metrics_name_a_counters_family_without_its_total_and_end() {
    for snapshot in [everyday(), ugly(), Snapshot::default()] {
        let page = open_metrics(&snapshot, &Listing::default());
        assert!(page.ends_with("\n# EOF\n"));
        let comments = page.lines().filter(|line| line.starts_with('#'));
        for line in comments {
            let known = ["# HELP ", "# TYPE ", "# EOF"].iter().any(|known| line.starts_with(known));
            assert!(known && !line.contains("_total"), "{line}");
        }
        assert!(page.contains("\nredis_pooltop_dropped_events_total "));
    }
}

#[test]
fn a_filter_and_an_order_are_those_of_the_screen() {
    let snapshot = everyday();
    let marks = Marks::of_snapshot(&snapshot);
    let ids = |filter, sort| {
        let listing = Listing::new(GroupBy::None, filter, sort).expect("a listing");
        listing.clients(&snapshot, &marks).iter().map(|row| row.client.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some("state:blocked"), None), [7]);
    assert_eq!(ids(Some("process:worker"), None), [7]);
    assert_eq!(ids(Some("!addr:127"), None), [8]);
    assert_eq!(ids(None, Some("id")), [7, 8, 9]);
    assert_eq!(ids(None, Some("-id")), [9, 8, 7]);
    let groups = |filter, sort| {
        let listing = Listing::new(GroupBy::Process, filter, sort).expect("a listing");
        listing.groups(&snapshot, &marks).iter().map(|row| row.count).collect::<Vec<_>>()
    };
    assert_eq!(groups(None, None), [58, 2, 1], "the largest come first");
    assert_eq!(groups(None, Some("-count")), [1, 2, 58]);
}

/// Two servers that answer, each with clients of the same two programs, as the model groups them.
fn two_servers() -> Snapshot {
    let clients = (0..20).map(|n| {
        let named = |client: &mut Client| client.name = Some(if n < 14 { "web" } else { "cron" }.into());
        let row = client(n % 2, u64::from(n), named);
        let state = if n % 7 == 0 { ClientState::Blocked } else { ClientState::Idle };
        Arc::new(ClientRow { state, ..row })
    });
    let rate = |row: GroupRow| GroupRow { opening_rate: Some(2.0), grown: Some(5), ..row };
    let groups = vec![rate(group(GroupBy::Name, "web", 14)), rate(group(GroupBy::Name, "cron", 6))];
    Snapshot {
        nodes: vec![Arc::new(server(0, "127.0.0.1:6379")), Arc::new(server(1, "[::1]:6380"))],
        clients: clients.collect(),
        groups: grouped(GroupBy::Name, groups),
        lints: vec![lint("growth", About::Group(GroupBy::Name, "cron".into()), "cron grows")],
        ..everyday()
    }
}

#[test]
fn a_filter_is_of_clients_in_groups_too_and_means_the_same_in_every_form() {
    let snapshot = two_servers();
    let marks = Marks::of_snapshot(&snapshot);
    let listing = |filter| Listing::new(GroupBy::Name, Some(filter), None).expect(filter);
    let groups = |filter| {
        let rows = listing(filter).groups(&snapshot, &marks);
        rows.iter().map(|row| (row.label.to_string(), row.count, row.of)).collect::<Vec<_>>()
    };
    let group = |label: &str, count, of| (label.to_owned(), count, Some(of));
    assert_eq!(groups("state:blocked"), [group("web", 2, 14), group("cron", 1, 6)]);
    assert_eq!(groups("count>10 state:blocked"), [group("web", 2, 14)], "the whole group's count");
    assert_eq!(groups("lint:growth"), [group("cron", 6, 6)]);
    assert_eq!(groups("id=13"), [group("web", 1, 14)]);

    let blocked = listing("state:blocked");
    let said = text(&snapshot, &blocked, None);
    assert!(said.contains("2 of 14") && said.contains("3 clients of 20"), "{said}");
    let document: Value = serde_json::from_str(&document(&snapshot, &blocked, None, None)).expect("JSON");
    let told = &document["groups"][0];
    assert_eq!((&told["clients"], &told["of"], &told["grown"]), (&2.into(), &14.into(), &5.into()));
    assert_eq!(document["servers"][0]["connected_clients"], 61, "a server is told whole");
    assert_eq!(csv(&snapshot, &blocked).lines().nth(1).map(|line| line.contains(",2,14,")), Some(true));
    let page = prometheus(&snapshot, &blocked);
    exposition::check(&page);
    assert!(page.contains("redis_pooltop_clients_filter_info{filter=\"state:blocked\"} 1\n"), "{page}");
    let of = |host: &str, port, by: &str, group: &str| {
        format!("{{server_address=\"{host}\",server_port=\"{port}\",{by}=\"{group}\"")
    };
    let first = of("127.0.0.1", 6379, "group_by", "name");
    assert!(page.contains(&format!("redis_pooltop_clients{first},group=\"web\"}} 1\n")), "{page}");
    assert!(page.contains("redis_clients_connected{server_address=\"127.0.0.1\",server_port=\"6379\"} 61\n"));

    let change = Change::since(&snapshot, &blocked);
    let mut after = two_servers();
    let mut clients: Vec<_> = after.clients.iter().cloned().collect();
    clients.retain(|row| row.client.id != 7);
    after.clients = clients.into();
    let grown = change.groups(&after, &blocked);
    assert_eq!(grown.iter().map(|grown| (grown.before, grown.after)).collect::<Vec<_>>(), [(2, 1)]);
}

#[test]
fn groups_of_several_servers_have_a_series_each_server() {
    let listing = Listing::new(GroupBy::Name, None, None).expect("a listing");
    for page in [prometheus(&two_servers(), &listing), open_metrics(&two_servers(), &listing)] {
        let series: Vec<_> = page.lines().filter(|line| line.starts_with("redis_pooltop_clients{")).collect();
        let of = |host: &str, port: u16, group: &str, count: u64| {
            format!(
                "redis_pooltop_clients{{server_address=\"{host}\",server_port=\"{port}\",group_by=\"name\",group=\"{group}\"}} {count}"
            )
        };
        assert_eq!(
            series,
            [
                of("127.0.0.1", 6379, "web", 7),
                of("::1", 6380, "web", 7),
                of("127.0.0.1", 6379, "cron", 3),
                of("::1", 6380, "cron", 3),
            ]
        );
        // What is not known by server is not told of several, rather than with other labels.
        assert!(!page.contains("redis_pooltop_clients_opened_per_second"), "{page}");
    }
}

#[test]
fn how_often_groups_are_opened_is_told_of_one_server_with_its_labels() {
    let mut one = two_servers();
    one.nodes.truncate(1);
    let page = prometheus(&one, &Listing::new(GroupBy::Name, None, None).expect("a listing"));
    exposition::check(&page);
    assert_eq!(
        page.matches("\nredis_pooltop_clients_opened_per_second{server_address=").count(),
        2,
        "{page}"
    );
}

#[test]
fn a_field_that_is_none_is_said_in_one_sentence() {
    let said = |by, filter, sort| Listing::new(by, filter, sort).expect_err("no such field");
    for (by, filter, sort, want) in [
        (GroupBy::None, Some("grown>3"), None, "--filter: that is of groups: leave out --group-by none"),
        (GroupBy::None, Some("idel>3"), None, "--filter: no field idel: did you mean idle?"),
        (GroupBy::None, Some("("), None, "--filter: no such expression: unclosed group"),
        (GroupBy::Process, None, Some("-cuont"), "--sort: no field cuont: did you mean count?"),
        (
            GroupBy::Process,
            None,
            Some("addr"),
            "--sort: that is of clients, not of their groups: add --group-by none",
        ),
    ] {
        assert_eq!(said(by, filter, sort), want);
    }
}

#[test]
fn a_verdict_names_what_a_lint_is_about() {
    let snapshot = everyday();
    let verdict = crate::report::Verdict::new(&snapshot, vec!["growth", "blocked-long", "churn"]);
    insta::assert_snapshot!(verdict::words(&verdict));
    let document: Value = serde_json::from_str(&verdict::document(&verdict)).expect("JSON");
    let found = &document["findings"];
    assert_eq!((&found[0]["group"], &found[0]["pool"]), (&"python3 4711".into(), &Value::Null));
    assert_eq!((&found[1]["server"], &found[1]["client"]), (&"127.0.0.1:6379".into(), &7.into()));
    let xml = verdict::junit(&verdict);
    let xml = roxmltree::Document::parse(&xml).expect("well formed");
    let cases = xml.descendants().filter(|node| node.has_tag_name("testcase"));
    let names: Vec<_> = cases.filter_map(|node| node.attribute("name")).collect();
    assert_eq!(names, ["growth", "blocked-long", "churn"], "one a lint, whatever it is about");
}
