//! Snapshots of watched servers, made by hand.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use redis_pooltop::event::{Client, Exact, NodeConfig, NodeId, Process, Refused, Stamp, Whose};
use redis_pooltop::snapshot::{
    About, ClientRow, ClientState, EventRow, GroupBy, GroupRow, Groups, Level, LintRow, LookRow, Lost,
    NodePoint, NodeRow, ServerRow, Severity, Snapshot, Turn, What,
};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::layout::Scene;
use redis_pooltop::tui::run::Unassisted;

use super::{UGLY, ago};

/// The group that grows, as the model labels it.
const SUSPECT: &str = "python3 /srv/shop/worker.py --pool 50 (4411)";

/// A screen of this size on watched servers.
pub fn watching(width: u16, height: u16, snapshot: Snapshot) -> App {
    with(Facts::default(), width, height, snapshot)
}

/// The same with facts of one's own.
pub fn with(facts: Facts, width: u16, height: u16, snapshot: Snapshot) -> App {
    let (target, interval) = ("127.0.0.1:6379".to_owned(), Duration::from_secs(1));
    let scene = if facts.replay { Scene::Pool } else { Scene::Watch };
    let facts = Facts { target, interval, scene, ..facts };
    let mut app = App::new(facts, Arc::new(Unassisted), Size { width, height });
    app.take(Arc::new(snapshot));
    app
}

fn process(pid: u32, name: &str, command: &str) -> Whose {
    let process = Process {
        pid,
        name: name.into(),
        command: command.into(),
        user: Some("app".into()),
        started_ms: Some(1_789_990_000_000),
        container: (pid == 4411).then(|| "docker 9f86d081884c".into()),
    };
    Whose::Process { process: Arc::new(process), fd: 7 }
}

/// A client of the first server, open for so many seconds and idle for so many.
pub fn client(id: u64, age: u64, idle: u64, change: impl FnOnce(&mut Client)) -> ClientRow {
    let mut client = Client {
        id,
        addr: format!("127.0.0.1:{}", 40_000 + id % 20_000).into(),
        laddr: Some("127.0.0.1:6379".into()),
        fd: Some((id % 1_000).cast_signed()),
        age,
        idle,
        flags: "N".into(),
        db: Some(0),
        query_buffer: Some(26),
        output_memory: Some(0),
        output_list: Some(0),
        memory: Some(22_426),
        command: Some("get".into()),
        user: Some("default".into()),
        resp: Some(2),
        more: Some("io-thread=0".into()),
        ..Client::default()
    };
    change(&mut client);
    ClientRow {
        client: Arc::new(client),
        at: ago(400),
        state_since: Some(ago(idle.min(500) * 1_000)),
        ..ClientRow::default()
    }
}

/// The clients of a small server: a pool that grows, queue workers, a subscriber, somebody at redis-cli, and us.
fn clients() -> Vec<ClientRow> {
    let mut rows = Vec::new();
    for id in 100..112 {
        let mut row = client(id, 3_000 - id * 20, 900 - id * 5, |client| {
            client.name = Some(format!("web-{}", id - 99).into());
            client.lib_name = Some("redis-py".into());
            client.lib_version = Some("5.2.1".into());
        });
        row.whose = Some(process(4411, "python3", "python3 /srv/shop/worker.py --pool 50"));
        rows.push(row);
    }
    for id in 200..203 {
        let mut row = client(id, 80_000, 12, |client| {
            client.flags = "b".into();
            client.command = Some("blpop".into());
            client.name = Some("queue".into());
            client.user = Some("jobs".into());
        });
        row.state = ClientState::Blocked;
        row.whose = Some(process(977, "sidekiq", "sidekiq 7.3.0 shop [0 of 10 busy]"));
        rows.push(row);
    }
    let mut subscriber = client(300, 86_500, 3, |client| {
        client.flags = "P".into();
        client.subscriptions = 2;
        client.command = Some("subscribe".into());
        client.addr = "10.0.0.7:51022".into();
    });
    subscriber.state = ClientState::Subscribed;
    subscriber.whose = Some(Whose::Remote);
    rows.push(subscriber);
    let mut by_hand = client(310, 412, 0, |client| {
        client.flags = "x".into();
        client.multi = Some(2);
        client.command = Some("set".into());
    });
    by_hand.state = ClientState::Transaction;
    by_hand.whose = Some(process(5120, "redis-cli", "redis-cli"));
    rows.push(by_hand);
    let mut ours = client(400, 65, 0, |client| {
        client.name = Some("redis-pooltop:watch".into());
        client.command = Some("client|list".into());
    });
    (ours.own, ours.state) = (true, ClientState::Active);
    ours.whose = Some(process(6001, "redis-pooltop", "redis-pooltop watch"));
    rows.push(ours);
    for row in &mut rows {
        let command = row.client.command.clone();
        let turn = |millis, state| Turn { at: ago(millis), state, command: command.clone() };
        row.history = [turn(60_000, ClientState::Active), turn(12_000, row.state)].into();
        row.command_rate = Some(if row.own { 2.0 } else { 0.0 });
    }
    rows
}

/// The groups that these clients make.
fn groups(rows: &[Arc<ClientRow>], nodes: &[Arc<NodeRow>], as_of: Stamp) -> Groups {
    Groups::new(GroupBy::KEYS.map(|by| {
        let mut groups: Vec<GroupRow> = Vec::new();
        for row in rows {
            let target = nodes.iter().find(|node| node.id == row.node).map_or("", |node| &node.target);
            let label = by.label(row, target);
            let at = groups.iter().position(|group| *group.label == *label).unwrap_or_else(|| {
                let process = (by == GroupBy::Process).then(|| row.process().cloned()).flatten();
                let (change, grown, opening_rate) = (Some(0), Some(0), Some(0.0));
                let numbers = GroupRow { change, grown, opening_rate, ..GroupRow::default() };
                groups.push(GroupRow { by, label: label.into(), process, ..numbers });
                groups.len() - 1
            });
            let group = &mut groups[at];
            group.count += 1;
            group.own += u64::from(row.own);
            group.waiting += u64::from(matches!(row.state, ClientState::Blocked | ClientState::Subscribed));
            group.oldest = group.oldest.max(row.age(as_of));
            group.longest_idle = group.longest_idle.max(row.idle(as_of));
            group.command_rate = Some(group.command_rate.unwrap_or(0.0) + row.command_rate.unwrap_or(0.0));
            group.memory = group.memory.unwrap_or(0).checked_add(row.client.memory.unwrap_or(0));
        }
        for group in groups.iter_mut().filter(|group| group.count > 9) {
            (group.change, group.grown, group.opening_rate, group.flagged) =
                (Some(1), Some(11), Some(0.97), true);
            group.series = (0..60).map(|second| 1 + second / 5).collect();
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups.into_iter().map(Arc::new).collect()
    }))
}

fn node(id: u32, target: &str) -> NodeRow {
    let series = (0..90u64).map(|second| NodePoint {
        at: ago((90 - second) * 1_000),
        connected: Some(6 + second / 8),
        blocked: Some(3),
        accepted: Some(1),
    });
    NodeRow {
        id: NodeId(id),
        target: target.to_owned(),
        server: Arc::new(ServerRow {
            target: target.to_owned(),
            version: Some("redis 7.0.15".to_owned()),
            clients: vec![("connected_clients".to_owned(), "18".to_owned())],
            raw: "# Clients\r\nconnected_clients:18\r\nmaxclients:10000\r\n".into(),
            seen_at: Some(ago(300)),
            took: Some(Duration::from_micros(240)),
            lost: None,
        }),
        look: Some(LookRow {
            at: ago(400),
            clients: 18,
            left_out: 0,
            unread: 0,
            bytes: 6_120,
            took: Duration::from_micros(410),
            cost: Duration::from_micros(180),
            told: true,
            interval: Duration::from_secs(1),
        }),
        connected: Some(18),
        blocked: Some(3),
        max: Some(10_000),
        rejected: Some(0),
        evicted: Some(0),
        opening_rate: Some(1.04),
        unseen: 2,
        config: NodeConfig { timeout: Some(0), tcp_keepalive: Some(300) },
        series: series.collect(),
        ..NodeRow::default()
    }
}

fn lints() -> Vec<Arc<LintRow>> {
    let lint = |id, severity, about, evidence: &str, advice| {
        Arc::new(LintRow {
            id,
            level: Level::Warn,
            severity,
            about,
            evidence: evidence.to_owned(),
            advice,
            since: ago(9_000),
        })
    };
    vec![
        lint(
            "growth",
            Severity::Bad,
            About::Group(GroupBy::Process, SUSPECT.into()),
            "python3 /srv/shop/worker.py --pool 50 (4411) went from 1 to 12 in 60 s, its commands did not: suspect",
            "close what is opened, or use one pool for the process",
        ),
        lint(
            "stuck-transaction",
            Severity::Warn,
            About::Client(NodeId(0), 310),
            "id 310 of redis-cli (5120) is in MULTI for 412 s, 2 queued",
            "end it with EXEC or DISCARD",
        ),
    ]
}

fn events(node: NodeId) -> Arc<[EventRow]> {
    let event = |millis, what| EventRow { at: ago(millis), pool: None, node: Some(node), what };
    let client = |id| Exact { id, addr: format!("127.0.0.1:{}", 50_000 + id).into() };
    let came = |who: &str, opened, closed| What::Clients {
        who: who.into(),
        opened,
        closed,
        some: (0..opened + closed).map(|at| client(300 + at)).collect(),
    };
    vec![
        event(60_000, came("sidekiq 7.3.0 shop [0 of 10 busy] (977)", 3, 0)),
        event(12_000, came(SUSPECT, 1, 0)),
        event(9_000, What::Raised("growth", Severity::Bad, format!("{SUSPECT} went from 1 to 12"))),
        event(1_000, came("redis-cli (5121)", 1, 1)),
    ]
    .into()
}

/// One server with a suspect.
pub fn watched() -> Snapshot {
    of(vec![node(0, "127.0.0.1:6379")], clients())
}

fn of(nodes: Vec<NodeRow>, clients: Vec<ClientRow>) -> Snapshot {
    let nodes: Vec<_> = nodes.into_iter().map(Arc::new).collect();
    let clients: Vec<_> = clients.into_iter().map(Arc::new).collect();
    Snapshot {
        as_of: ago(0),
        wall_ms: 1_790_000_000_000,
        groups: Arc::new(groups(&clients, &nodes, ago(0))),
        nodes,
        clients: clients.into(),
        lints: lints(),
        events: events(NodeId(0)),
        ..Snapshot::default()
    }
}

/// Changes the first server.
pub fn change(snapshot: &mut Snapshot, change: impl FnOnce(&mut NodeRow)) {
    change(Arc::make_mut(&mut snapshot.nodes[0]));
}

/// Leaves only some of the clients, in the groups too.
pub fn keep(snapshot: &mut Snapshot, wanted: impl Fn(&ClientRow) -> bool) {
    list(snapshot, snapshot.clients.iter().filter(|row| wanted(row)).cloned().collect());
}

/// Adds some clients, in the groups too.
pub fn add(snapshot: &mut Snapshot, rows: impl Iterator<Item = ClientRow>) {
    list(snapshot, snapshot.clients.iter().cloned().chain(rows.map(Arc::new)).collect());
}

fn list(snapshot: &mut Snapshot, rows: Vec<Arc<ClientRow>>) {
    snapshot.groups = Arc::new(groups(&rows, &snapshot.nodes, snapshot.as_of));
    snapshot.clients = rows.into();
}

/// Three servers of a cluster, one of them lost.
pub fn several() -> Snapshot {
    let mut nodes = vec![node(0, "10.0.0.1:7000"), node(1, "10.0.0.2:7001"), node(2, "10.0.0.3:7002")];
    nodes[1].found = Some("cluster node".to_owned());
    nodes[2].found = Some("replica of 10.0.0.1:7000".to_owned());
    (nodes[1].connected, nodes[1].rejected, nodes[1].max) = (Some(96), Some(4), Some(100));
    Arc::make_mut(&mut nodes[2].server).lost = Some(lost_since(5_000));
    let mut rows = clients();
    for row in rows.iter_mut().filter(|row| row.client.id >= 200) {
        row.node = NodeId(1);
    }
    let mut snapshot = of(nodes, rows);
    snapshot.events = events(NodeId(1));
    snapshot
}

fn lost_since(millis: u64) -> Lost {
    let error = "nothing listens on 10.0.0.3:7002; start one, or name another".to_owned();
    Lost { error, since: ago(millis), retry_at: Stamp(ago(0).0 + 2_000_000_000) }
}

/// The one server does not answer any more.
pub fn lost() -> Snapshot {
    let mut snapshot = watched();
    change(&mut snapshot, |node| Arc::make_mut(&mut node.server).lost = Some(lost_since(7_000)));
    snapshot
}

/// A server that lets nobody list its clients, but tells INFO.
pub fn refused() -> Snapshot {
    let mut snapshot = of(vec![node(0, "127.0.0.1:6379")], Vec::new());
    (snapshot.lints, snapshot.events) = (Vec::new(), Arc::new([]));
    change(&mut snapshot, |node| {
        node.look = None;
        node.refused = vec![Refused {
            command: "CLIENT LIST".to_owned(),
            error: "NOPERM this user has no permissions to run the 'client|list' command".to_owned(),
            rule: Some("+client|list".to_owned()),
        }];
    });
    snapshot
}

/// An old server that tells little, on a system that tells nothing.
pub fn bare() -> Snapshot {
    let mut row = ClientRow { at: ago(0), ..ClientRow::default() };
    row.client =
        Arc::new(Client { id: 3, addr: "127.0.0.1:1".into(), flags: "N".into(), ..Client::default() });
    let node = NodeRow { target: "127.0.0.1:6379".to_owned(), ..NodeRow::default() };
    let mut snapshot = of(vec![node], vec![row]);
    (snapshot.lints, snapshot.events) = (Vec::new(), Arc::new([]));
    let bare = GroupRow { label: "–".into(), count: 1, ..GroupRow::default() };
    snapshot.groups =
        Arc::new(Groups::new(GroupBy::KEYS.map(|by| [Arc::new(GroupRow { by, ..bare.clone() })].into())));
    snapshot
}

/// Every text from outside is [`UGLY`] or endless, and every number the largest there is.
pub fn ugly() -> Snapshot {
    let long = UGLY.repeat(12);
    let all: Arc<str> = long.as_str().into();
    let mut nodes = vec![node(0, &long), node(1, &long)];
    for node in &mut nodes {
        let most = Some(u64::MAX);
        (node.connected, node.blocked, node.max) = (most, most, Some(1));
        (node.rejected, node.evicted, node.unseen) = (most, most, u64::MAX);
        node.opening_rate = Some(f64::MAX);
        node.found = Some(long.clone());
        let refused = Refused { command: long.clone(), error: long.clone(), rule: Some(long.clone()) };
        node.refused = vec![refused; 3];
        let huge = NodePoint { at: Stamp(u64::MAX), connected: most, blocked: most, accepted: most };
        node.series = vec![huge; 4_000].into();
        node.look = Some(LookRow { cost: Duration::MAX, interval: Duration::ZERO, ..LookRow::default() });
        Arc::make_mut(&mut node.server).version = Some(long.clone());
    }
    let row = |id| {
        let mut row = client(u64::MAX - id, u64::MAX, u64::MAX, |client| {
            client.addr = (*all).into();
            (client.name, client.user, client.command) =
                (Some(all.clone()), Some(all.clone()), Some(all.clone()));
            (client.lib_name, client.lib_version, client.more) =
                (Some(all.clone()), Some(all.clone()), Some(all.clone()));
            (client.memory, client.net_in, client.db) = (Some(u64::MAX), Some(u64::MAX), Some(u64::MAX));
        });
        row.whose = Some(process(u32::MAX, &long, &long));
        (row.in_rate, row.out_rate, row.command_rate) = (Some(f64::MAX), Some(f64::NAN), Some(f64::INFINITY));
        row.history =
            vec![Turn { at: Stamp(u64::MAX), state: ClientState::Closing, command: Some(all.clone()) }; 40]
                .into();
        (row.flagged, row.own) = (true, id % 2 == 0);
        row
    };
    let mut snapshot = of(nodes, (0..300).map(row).collect());
    snapshot.groups = Arc::new(Groups::new(GroupBy::KEYS.map(|by| {
        let group = GroupRow {
            by,
            label: all.clone(),
            count: u64::MAX,
            waiting: u64::MAX,
            change: Some(i64::MIN),
            grown: Some(i64::MAX),
            opening_rate: Some(f64::INFINITY),
            command_rate: Some(f64::NAN),
            oldest: Duration::MAX,
            longest_idle: Duration::MAX,
            memory: Some(u64::MAX),
            flagged: true,
            series: vec![u32::MAX; 999].into(),
            ..GroupRow::default()
        };
        (0..200).map(|_| Arc::new(group.clone())).collect()
    })));
    let lint = |at: usize| LintRow {
        about: if at.is_multiple_of(2) {
            About::Group(GroupBy::Process, all.clone())
        } else {
            About::Client(NodeId(1), u64::MAX)
        },
        evidence: long.clone(),
        ..(*lints()[at % 2]).clone()
    };
    snapshot.lints = (0..40).map(|at| Arc::new(lint(at))).collect();
    let what = [
        What::Clients { who: all.clone(), opened: u64::MAX, closed: u64::MAX, some: [].into() },
        What::Refused(long.clone(), long.clone()),
    ];
    snapshot.events = what
        .map(|what| EventRow { at: Stamp(u64::MAX), pool: None, node: Some(NodeId(1)), what })
        .to_vec()
        .into();
    snapshot
}
