use super::*;
use crate::event::{
    Client, CloseReason, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder, Inside, Left, Look,
    NodeFacts, Opened, PoolEvent, PoolFacts, ProcId, Pulse, Refused, Socket, TcpState, Timed, Totals,
    WatchEvent,
};
use crate::model::{Model, ModelOptions};
use crate::snapshot::{Snapshot, What};

const NODE: NodeId = NodeId(0);
const POOL: PoolId = PoolId(1);

fn s(seconds: u64) -> Stamp {
    Stamp(seconds * 1_000_000_000)
}

/// A model of an app with one pool, and of the servers that its pools' targets name.
struct Bench {
    model: Model,
    /// What each server listed last.
    listed: BTreeMap<NodeId, Vec<Client>>,
}

impl Bench {
    fn new(target: &str) -> Self {
        let mut bench = Self { model: Model::new(ModelOptions::default()), listed: BTreeMap::new() };
        bench.pool(POOL, target);
        bench
    }

    fn tell(&mut self, at: Stamp, event: Event) {
        self.model.apply(&Timed { at, event });
    }

    fn pool(&mut self, pool: PoolId, target: &str) {
        let inside = Inside {
            process: ProcId(1),
            class: "ConnectionPool".to_owned(),
            inherited: false,
            asynchronous: false,
            made: None,
        };
        let facts = PoolFacts {
            name: "app".to_owned(),
            target: target.to_owned(),
            max: 10,
            single: false,
            leak_threshold: None,
            inside: Some(Box::new(inside)),
        };
        self.tell(s(0), Event::Pool(pool, PoolEvent::Started(facts)));
        let told = crate::event::AppEvent::Started { program: None };
        self.tell(s(0), Event::App(told));
    }

    /// A connection is opened: its number, the server's id for it and its end, as far as the app knows them.
    fn open(&mut self, at: u64, pool: PoolId, conn: u64, server_id: Option<u64>, local: Option<&str>) {
        let local = local.map(|local| local.parse().expect("an address"));
        let opened = Opened { conn: ConnId(conn), server_id, local, steps: CreateSteps::default() };
        self.tell(s(at), Event::Pool(pool, PoolEvent::Opened(opened)));
    }

    fn close(&mut self, at: u64, conn: u64) {
        let event = PoolEvent::Closed { conn: ConnId(conn), reason: CloseReason::Asked };
        self.tell(s(at), Event::Pool(POOL, event));
    }

    fn watch(&mut self, node: NodeId, target: &str) {
        let facts = NodeFacts { target: target.to_owned(), found: None };
        self.tell(s(0), Event::Watch(node, WatchEvent::Started(facts)));
    }

    /// The server lists these, and these alone.
    fn look(&mut self, at: u64, node: NodeId, clients: Vec<Client>) -> Snapshot {
        let opened = clients.iter().cloned().map(Arc::new).collect();
        self.tell(s(at), Event::Watch(node, WatchEvent::Opened(opened)));
        let look = Look { whole: true, clients: clients.len() as u64, ..Look::default() };
        self.tell(s(at), Event::Watch(node, WatchEvent::Looked(look)));
        self.listed.insert(node, clients);
        self.snapshot(at)
    }

    fn snapshot(&mut self, at: u64) -> Snapshot {
        self.model.tick(s(at));
        self.model.snapshot(s(at), 0)
    }
}

/// A client that is so old.
fn client(id: u64, addr: &str, age: u64) -> Client {
    let flags = if addr.starts_with('/') { "U" } else { "N" };
    Client { id, addr: addr.into(), age, flags: flags.into(), ..Client::default() }
}

const TARGET: &str = "127.0.0.1:6379/0";
const SERVER: &str = "127.0.0.1:6379";
const END: &str = "127.0.0.1:40001";

/// Which client each connection is, by its number.
fn joined(snapshot: &Snapshot) -> Vec<(u64, Option<(u32, u64)>)> {
    let mut rows: Vec<_> = snapshot
        .connections
        .iter()
        .map(|row| (row.id.0, row.client.map(|(node, id)| (node.0, id))))
        .collect();
    rows.sort_unstable();
    rows
}

fn row(snapshot: &Snapshot, conn: u64) -> &ConnectionRow {
    snapshot.connections.iter().find(|row| row.id.0 == conn).expect("a row")
}

#[test]
fn a_connection_is_the_client_of_its_id_and_end_and_the_client_is_its() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    bench.open(5, POOL, 2, None, Some("127.0.0.1:40002"));
    let others = client(9, "127.0.0.1:40009", 3);
    let snapshot = bench.look(6, NODE, vec![client(7, END, 1), client(8, "127.0.0.1:40002", 1), others]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7))), (2, Some((0, 8)))]);
    let conns: Vec<_> = snapshot.clients.iter().map(|row| row.conn.map(|(_, conn)| conn.0)).collect();
    assert_eq!(conns, [Some(1), Some(2), None]);
    assert_eq!(row(&snapshot, 2).client_id(), Some(8), "the server knows what the app does not");
    let beliefs = row(&snapshot, 1).beliefs.clone().expect("beliefs");
    assert!(matches!(&beliefs.server, Told::Some(client) if client.id == 7) && !beliefs.half_open);
    assert_eq!(snapshot.client(NODE, 8).and_then(|row| row.conn), Some((POOL, ConnId(2))));
    assert!(snapshot.client(NODE, 10).is_none());
}

#[test]
fn an_id_that_is_another_clients_joins_nothing() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    // The server was started anew, and counts from 1 again.
    let snapshot = bench.look(6, NODE, vec![client(7, "127.0.0.1:40009", 1)]);
    assert_eq!(joined(&snapshot), [(1, None)]);
    assert_eq!(row(&snapshot, 1).beliefs, None, "not known is not half-open");
    // Nor does an end that has another id.
    let snapshot = bench.look(7, NODE, vec![client(8, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, None)]);
}

#[test]
fn an_end_that_was_taken_again_joins_nothing() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, None, Some(END));
    let snapshot = bench.look(30, NODE, vec![client(8, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, None)], "it is younger than the connection");
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(25, POOL, 1, None, Some(END));
    let snapshot = bench.look(30, NODE, vec![client(8, END, 20)]);
    assert_eq!(joined(&snapshot), [(1, None)], "and it is older");
    let snapshot = bench.look(31, NODE, vec![client(9, END, 6)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 9)))]);
}

#[test]
fn the_same_ids_and_ends_of_two_servers_are_kept_apart() {
    let mut bench = Bench::new(TARGET);
    bench.pool(PoolId(2), "127.0.0.1:6380/0");
    bench.watch(NODE, SERVER);
    bench.watch(NodeId(1), "127.0.0.1:6380");
    bench.open(5, POOL, 1, Some(7), Some(END));
    // The kernel may give one port to connections that go to two.
    bench.open(5, PoolId(2), 2, Some(7), Some(END));
    bench.look(6, NODE, vec![client(7, END, 1)]);
    let snapshot = bench.look(6, NodeId(1), vec![client(7, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7))), (2, Some((1, 7)))]);
    let conns: Vec<_> = snapshot.clients.iter().map(|row| row.conn.map(|(_, conn)| conn.0)).collect();
    assert_eq!(conns, [Some(1), Some(2)]);
}

#[test]
fn a_server_that_goes_by_another_name_is_found_unless_it_may_be_two() {
    let mut bench = Bench::new("sentinel:mymaster/0");
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, None, Some(END));
    let snapshot = bench.look(6, NODE, vec![client(7, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7)))]);
    bench.watch(NodeId(1), "127.0.0.1:6380");
    let end = "127.0.0.1:40002";
    bench.open(6, POOL, 2, None, Some(end));
    bench.look(7, NodeId(1), vec![client(3, END, 2), client(4, end, 1)]);
    let snapshot = bench.look(7, NODE, vec![client(7, END, 2), client(8, end, 1)]);
    assert_eq!(joined(&snapshot)[0].1, Some((0, 7)), "it was there before the other could be meant");
    bench.open(8, POOL, 3, None, Some("127.0.0.1:40003"));
    bench.tell(s(9), Event::Watch(NODE, WatchEvent::Opened(vec![Arc::new(client(9, "127.0.0.1:40003", 1))])));
    let snapshot = bench.look(9, NodeId(1), vec![client(5, "127.0.0.1:40003", 1)]);
    assert_eq!(joined(&snapshot)[2].1, None);
    // One of three names of the loopback is enough.
    let mut bench = Bench::new("localhost:6379/0");
    bench.watch(NODE, SERVER);
    bench.watch(NodeId(1), "127.0.0.1:6380");
    bench.open(5, POOL, 1, None, Some(END));
    bench.look(6, NODE, vec![client(7, END, 1)]);
    let snapshot = bench.look(6, NodeId(1), vec![client(3, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7)))]);
}

#[test]
fn a_unix_socket_is_joined_by_id_and_age_and_else_not() {
    let mut bench = Bench::new("/run/redis.sock/0");
    bench.watch(NODE, "/run/redis.sock");
    bench.open(5, POOL, 1, Some(7), None);
    bench.open(5, POOL, 2, None, None);
    let theirs = |id, age| client(id, "/run/redis.sock:0", age);
    let snapshot = bench.look(6, NODE, vec![theirs(7, 1), theirs(8, 1)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7))), (2, None)]);
    let mut bench = Bench::new("/run/redis.sock/0");
    bench.watch(NODE, "/run/redis.sock");
    bench.open(5, POOL, 1, Some(7), None);
    let snapshot = bench.look(30, NODE, vec![theirs(7, 1)]);
    assert_eq!(joined(&snapshot), [(1, None)], "its id is another's by now");
}

#[test]
fn what_had_a_client_and_has_none_at_two_looks_is_half_open() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    // Behind a proxy it is never listed, and that is nothing.
    bench.open(5, POOL, 2, Some(6), Some("127.0.0.1:40002"));
    bench.look(6, NODE, vec![client(7, END, 1)]);
    let other = || vec![client(12, "127.0.0.1:40012", 1)];
    let snapshot = bench.look(7, NODE, other());
    let found = row(&snapshot, 1);
    assert!(!found.is_half_open() && found.client.is_none(), "it may have been closed a moment ago");
    assert!(!row(&bench.snapshot(8), 1).is_half_open(), "no look came since");
    let snapshot = bench.look(8, NODE, other());
    assert!(row(&snapshot, 1).is_half_open() && !row(&snapshot, 2).is_half_open());
    assert_eq!(row(&snapshot, 1).state_word(), "half-open");
    assert_eq!(row(&snapshot, 2).beliefs, None);
    // The server lists it again, or the app has noticed.
    assert!(!row(&bench.look(9, NODE, vec![client(7, END, 4)]), 1).is_half_open());
    bench.close(10, 1);
    assert_eq!(joined(&bench.look(11, NODE, Vec::new())), [(2, None)]);
}

#[test]
fn a_server_that_is_lost_takes_nothing_back_and_one_that_is_left_does() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    bench.look(6, NODE, vec![client(7, END, 1)]);
    bench.tell(s(7), Event::Watch(NODE, WatchEvent::Lost { error: "gone".to_owned(), retry_at: s(9) }));
    for at in 8..12 {
        assert_eq!(joined(&bench.snapshot(at)), [(1, Some((0, 7)))]);
    }
    bench.tell(s(12), Event::Watch(NODE, WatchEvent::Stopped));
    let snapshot = bench.snapshot(12);
    assert_eq!(joined(&snapshot), [(1, None)]);
    assert_eq!(row(&snapshot, 1).beliefs, None);
}

#[test]
fn the_kernels_view_stands_beside_the_servers_and_alone() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    bench.open(5, POOL, 2, None, Some("127.0.0.1:40002"));
    let kernel = |bench: &mut Bench, at: u64, port: u16, state| {
        let socket = Socket { local: ([127, 0, 0, 1], port).into(), state };
        bench.tell(s(at), Event::Watch(NODE, WatchEvent::Sockets(vec![socket])));
        bench.snapshot(at)
    };
    let word = |snapshot: &Snapshot, conn| match &row(snapshot, conn).beliefs.as_ref()?.kernel {
        Told::Some(socket) => Some(socket.state.word()),
        Told::None => Some("none"),
        Told::Unknown => None,
    };
    let snapshot = kernel(&mut bench, 6, 40_001, TcpState::Established);
    assert_eq!((word(&snapshot, 1), word(&snapshot, 2)), (Some("established"), None));
    let unasked = row(&snapshot, 1).beliefs.clone().expect("beliefs");
    assert!(unasked.server == Told::Unknown && !unasked.half_open, "the server may refuse us");
    let snapshot = bench.look(7, NODE, vec![client(7, END, 2)]);
    let both = row(&snapshot, 1).beliefs.clone().expect("beliefs");
    assert!(matches!(both.server, Told::Some(_)) && matches!(both.kernel, Told::Some(_)));
    assert_eq!(word(&kernel(&mut bench, 8, 40_001, TcpState::CloseWait), 1), Some("close-wait"));
    assert_eq!(word(&kernel(&mut bench, 9, 40_001, TcpState::Gone), 1), Some("none"));
    // Another connection that gets this end later has nothing of it.
    bench.close(10, 1);
    bench.look(11, NODE, Vec::new());
    bench.open(12, POOL, 3, None, Some(END));
    let snapshot = bench.look(12, NODE, Vec::new());
    assert_eq!(word(&snapshot, 3), None);
}

#[test]
fn our_own_connection_and_other_pools_are_no_apps() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, None, Some(END));
    let opened = vec![Arc::new(client(7, END, 1))];
    bench.tell(s(6), Event::Watch(NODE, WatchEvent::Opened(opened)));
    let look = Look { whole: true, clients: 1, ours: vec![7], ..Look::default() };
    bench.tell(s(6), Event::Watch(NODE, WatchEvent::Looked(look)));
    assert_eq!(joined(&bench.snapshot(6)), [(1, None)]);
}

#[test]
fn an_inherited_connection_is_one_client_and_the_elder_has_it() {
    let mut bench = Bench::new(TARGET);
    bench.pool(PoolId(2), TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, Some(7), Some(END));
    bench.open(5, PoolId(2), 2, Some(7), Some(END));
    let snapshot = bench.look(6, NODE, vec![client(7, END, 1)]);
    assert_eq!(joined(&snapshot), [(1, Some((0, 7))), (2, Some((0, 7)))]);
    assert_eq!(snapshot.clients[0].conn, Some((POOL, ConnId(1))));
}

#[test]
fn an_apps_servers_are_not_judged_and_their_other_clients_are_no_news() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    for at in 1..4 {
        let many = (0..50).map(|n| client(100 * at + n, &format!("10.0.0.1:{}", 100 * at + n), 0));
        bench.look(at, NODE, many.collect());
    }
    let snapshot = bench.snapshot(5);
    assert_eq!(snapshot.clients.len(), 50);
    assert!(snapshot.lints.is_empty(), "{:?}", snapshot.lints);
    assert!(!snapshot.events.iter().any(|event| matches!(event.what, What::Clients { .. })));
}

#[test]
fn a_server_that_cannot_be_asked_is_told_once_and_as_no_loss() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    let lost = |at: u64| WatchEvent::Lost { error: "wants a password".to_owned(), retry_at: s(at + 15) };
    for at in [1, 16] {
        bench.tell(s(at), Event::Watch(NODE, lost(at)));
    }
    bench.watch(NodeId(1), "127.0.0.1:6380");
    for command in ["CONFIG GET", "CLIENT LIST"] {
        let refused = Refused { command: command.to_owned(), error: "NOPERM".to_owned(), rule: None };
        bench.tell(s(17), Event::Watch(NodeId(1), WatchEvent::Refused(refused)));
    }
    // One that has answered is lost when it does no more.
    bench.watch(NodeId(2), "127.0.0.1:6381");
    bench.look(18, NodeId(2), Vec::new());
    bench.tell(s(19), Event::Watch(NodeId(2), lost(19)));
    let snapshot = bench.snapshot(20);
    let told: Vec<_> = snapshot
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Unasked(why) => Some((event.node, format!("unasked {why}"))),
            What::Lost(why) => Some((event.node, format!("lost {why}"))),
            What::Refused(..) => panic!("{event:?}"),
            _ => None,
        })
        .collect();
    let want = [(0, "unasked wants a password"), (1, "unasked NOPERM"), (2, "lost wants a password")];
    assert_eq!(told, want.map(|(node, words)| (Some(NodeId(node)), words.to_owned())));
}

#[test]
fn what_a_pool_left_keeps_what_its_server_said() {
    let mut bench = Bench::new(TARGET);
    bench.watch(NODE, SERVER);
    bench.open(5, POOL, 1, None, Some(END));
    let holder = Holder { location: Some("a.py:1".into()), ..Holder::default() };
    let lease = ConnPulse {
        conn: ConnId(1),
        state: ConnState::InUse { since: s(5), holder, pinned: None },
        uses: 1,
        commands: 0,
        last_command: None,
        last_active: s(5),
        busy_since: None,
        dead: false,
        last: None,
    };
    let gauges = Gauges { in_use: 1, max: 10, ..Gauges::default() };
    let totals = Totals { opened: 1, ..Totals::default() };
    let pulse = Pulse { gauges, totals, connections: vec![lease.clone()], ..Pulse::default() };
    bench.tell(s(5), Event::Pool(POOL, PoolEvent::Pulse(Box::new(pulse))));
    bench.look(6, NODE, vec![client(7, END, 1)]);
    let left = Left { open: 1, leases: vec![lease], unclosed: true };
    bench.tell(s(7), Event::Pool(POOL, PoolEvent::Left(Box::new(left))));
    bench.tell(s(7), Event::Pool(POOL, PoolEvent::Stopped));
    bench.look(8, NODE, Vec::new());
    let snapshot = bench.snapshot(9);
    let left = &snapshot.app.as_ref().expect("an app").left[0];
    assert_eq!(left.client.as_ref().map(|row| row.client.id), Some(7));
    assert_eq!(left.row.server_id, Some(7));
}
