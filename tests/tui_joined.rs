//! A connection of an app's pool with what its server and the kernel say of it; and that client with whose it is.

mod tui_support;

use std::sync::Arc;

use redis_pooltop::event::{
    Client, ConnId, Inside, NodeId, PoolId, ProcId, Process, Socket, TcpState, Whose,
};
use redis_pooltop::snapshot::{
    Beliefs, ClientRow, ClientState, ConnectionRow, Lost, NodeRow, PoolRow, ServerRow, Snapshot, Told,
};
use redis_pooltop::tui::theme::Theme;
use tui_support::watch::watching;
use tui_support::{UGLY, ago, app, busy, press, text};

const NODE: NodeId = NodeId(0);

/// An app's pool, of which the connection that is out longest is joined.
fn joined(change: impl FnOnce(&mut ClientRow)) -> Snapshot {
    let mut snapshot = inside();
    let client = Client {
        id: 118,
        addr: "127.0.0.1:51234".into(),
        name: Some("web".into()),
        age: 93,
        idle: 66,
        flags: "N".into(),
        db: Some(2),
        query_buffer: Some(20_480),
        output_memory: Some(0),
        output_list: Some(0),
        memory: Some(22_272),
        command: Some("get".into()),
        lib_name: Some("redis-py".into()),
        lib_version: Some("8.1.0".into()),
        ..Client::default()
    };
    let process = Process {
        pid: 4711,
        name: "python3".into(),
        command: "python3 app.py".into(),
        user: None,
        started_ms: None,
        container: None,
    };
    let mut row = ClientRow {
        node: NODE,
        client: Arc::new(client),
        at: ago(800),
        whose: Some(Whose::Process { process: Arc::new(process), fd: 7 }),
        conn: Some((PoolId(0), ConnId(3))),
        ..ClientRow::default()
    };
    change(&mut row);
    let node = NodeRow { id: NODE, target: "127.0.0.1:6379".to_owned(), ..NodeRow::default() };
    let id = row.client.id;
    (snapshot.nodes, snapshot.clients) = (vec![Arc::new(node)], [Arc::new(row)].into());
    first(&mut snapshot).client = Some((NODE, id));
    snapshot
}

fn inside() -> Snapshot {
    let mut snapshot = busy();
    let inside = Inside {
        process: ProcId(1),
        class: "redis.ConnectionPool".to_owned(),
        inherited: false,
        asynchronous: false,
        made: None,
    };
    let pool = PoolRow::clone(&snapshot.pools[0]);
    snapshot.pools[0] = Arc::new(PoolRow { inside: Some(Box::new(inside)), ..pool });
    first(&mut snapshot).server_id = None;
    snapshot
}

fn first(snapshot: &mut Snapshot) -> &mut ConnectionRow {
    Arc::make_mut(&mut snapshot.connections[0])
}

/// The first connection in full.
fn details(snapshot: Snapshot, width: u16, height: u16) -> String {
    let mut app = app(width, height, snapshot);
    press(&mut app, "alt-4 enter");
    text(&app, &Theme::DEFAULT, width, height)
}

fn line<'a>(shown: &'a str, word: &str) -> &'a str {
    shown
        .lines()
        .find(|line| line.trim_start().starts_with(word))
        .unwrap_or_else(|| panic!("no {word}:\n{shown}"))
}

#[test]
fn the_apps_line_the_servers_view_and_the_kernels_are_on_one_page() {
    for (width, height) in [(80, 40), (140, 40)] {
        let shown = details(joined(|_| ()), width, height);
        insta::assert_snapshot!(format!("joined_{width}x{height}"), shown);
    }
    let list = text(&app(140, 40, joined(|_| ())), &Theme::DEFAULT, 140, 40);
    assert!(list.contains("id 118"), "the server's id, though the app does not know it:\n{list}");
}

#[test]
fn of_what_nobody_could_be_asked_about_that_is_said() {
    let shown = details(inside(), 80, 40);
    assert_eq!(line(&shown, "server says").trim(), "server says –");
    assert_eq!(line(&shown, "kernel says").trim(), "kernel says –");
    let shown = details(joined(|row| row.whose = Some(Whose::Remote)), 80, 40);
    assert_eq!(line(&shown, "kernel says").trim(), "kernel says –");
    let shown = details(busy(), 80, 40);
    assert!(!shown.contains("says"), "our own pool says that when it was asked:\n{shown}");
}

#[test]
fn what_the_server_has_lost_is_half_open() {
    let mut snapshot = inside();
    let beliefs = Beliefs { at: ago(900), server: Told::None, kernel: Told::Unknown, half_open: true };
    first(&mut snapshot).beliefs = Some(Arc::new(beliefs));
    let shown = details(snapshot, 80, 40);
    assert_eq!(line(&shown, "server says").trim(), "server says there is no such client");
}

#[test]
fn the_kernels_state_goes_before_whose_the_socket_is() {
    let with = |kernel| {
        let mut snapshot = joined(|_| ());
        let server = Told::Some(snapshot.clients[0].client.clone());
        let beliefs = Beliefs { at: ago(900), server, kernel, half_open: false };
        first(&mut snapshot).beliefs = Some(Arc::new(beliefs));
        line(&details(snapshot, 80, 40), "kernel says").trim().to_owned()
    };
    let socket = |state| Told::Some(Socket { local: "127.0.0.1:51234".parse().unwrap(), state });
    let owner = "pid 4711, python3, its descriptor 7";
    assert_eq!(with(socket(TcpState::Established)), format!("kernel says established, {owner}"));
    assert_eq!(with(socket(TcpState::CloseWait)), format!("kernel says close-wait, {owner}"));
    assert_eq!(with(Told::None), format!("kernel says there is no such socket, {owner}"));
}

#[test]
fn hostile_names_stay_text() {
    let shown = details(
        joined(|row| {
            let ugly = || Some(Arc::from(UGLY));
            let client = Client {
                name: ugly(),
                command: ugly(),
                lib_name: ugly(),
                flags: UGLY.into(),
                ..Client::clone(&row.client)
            };
            row.client = Arc::new(client);
        }),
        140,
        40,
    );
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(!shown.contains('\u{202e}'), "{shown:?}");
}

#[test]
fn a_client_says_whose_connection_it_is() {
    let client = |snapshot| {
        let mut app = watching(100, 40, snapshot);
        press(&mut app, "g r enter");
        text(&app, &Theme::DEFAULT, 100, 40)
    };
    let active = |row: &mut ClientRow| row.state = ClientState::Active;
    let shown = client(joined(active));
    assert_eq!(line(&shown, "connection").trim(), "connection  #3 of pool app");
    assert_eq!(line(&shown, "held by").trim(), "held by     worker-2  src/jobs.rs:88, for 74.2 s");
    let mut gone = joined(active);
    gone.connections.clear();
    assert_eq!(line(&client(gone), "held by").trim(), "held by     –");
    let others = client(joined(|row| row.conn = None));
    assert!(!others.contains("of pool"), "{others}");
}

#[test]
fn a_server_that_cannot_be_asked_is_no_trouble_of_the_apps() {
    let lost = |seen_at| {
        let mut snapshot = joined(|_| ());
        let lost = Lost { error: "wants a password".to_owned(), since: ago(900), retry_at: ago(0) };
        let server = Arc::new(ServerRow { lost: Some(lost), seen_at, ..ServerRow::default() });
        snapshot.nodes = vec![Arc::new(NodeRow { server, ..NodeRow::clone(&snapshot.nodes[0]) })];
        snapshot.app = Some(Arc::default());
        text(&app(100, 24, snapshot), &Theme::DEFAULT, 100, 24)
    };
    assert!(!lost(None).contains("wants a password"));
    assert!(
        lost(Some(ago(5_000))).contains("wants a password"),
        "it answered before: the app may miss it too"
    );
}
