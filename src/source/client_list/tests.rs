use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

const REDIS_6: &str = "id=7 addr=127.0.0.1:52555 fd=8 name=worker-1 age=855 idle=0 flags=N db=3 sub=0 psub=0 multi=2 \
                       qbuf=26 qbuf-free=32742 argv-mem=10 obl=0 oll=0 omem=0 tot-mem=61466 events=r cmd=client \
                       user=default";
const REDIS_7: &str = "id=3 addr=127.0.0.1:44292 laddr=127.0.0.1:7999 fd=8 name= age=7 idle=2 flags=N db=0 sub=1 psub=2 \
                       ssub=3 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=16384 rbp=16384 obl=0 oll=4 \
                       omem=5 tot-mem=37658 events=r cmd=client|list user=default redir=-1 resp=2";
const VALKEY_9: &str = "id=9 addr=/run/my redis/redis.sock:0 laddr=/run/my redis/redis.sock:0 fd=-1 name= age=7 idle=2 \
                        flags=Ux capa= db=0 sub=0 psub=0 ssub=0 multi=0 watch=2 qbuf=0 tot-mem=17002 events=r cmd=NULL \
                        user=bob redir=12 resp=3 lib-name=redis-py lib-ver=8.1.0 tot-net-in=26 tot-net-out=1 tot-cmds=4";

fn compare(list: &mut ClientList, text: &str) -> Compared {
    list.compare(Bytes::from(text.to_owned()))
}

fn one(line: &str) -> Arc<Client> {
    let said = compare(&mut ClientList::default(), line);
    assert_eq!((said.opened.len(), said.bad), (1, 0), "{line:?}");
    said.opened[0].clone()
}

#[test]
fn a_line_of_redis_6_lacks_what_came_later() {
    let client = one(REDIS_6);
    assert_eq!((client.id, client.age, client.idle, client.db), (7, 855, 0, Some(3)));
    assert_eq!(client.name.as_deref(), Some("worker-1"));
    assert_eq!((&client.laddr, client.watch, client.resp, client.commands), (&None, None, None, None));
    assert_eq!((client.multi, client.command.as_deref()), (Some(2), Some("client")));
}

#[test]
fn a_line_of_redis_7() {
    let client = Client {
        id: 3,
        addr: "127.0.0.1:44292".into(),
        laddr: Some("127.0.0.1:7999".into()),
        fd: Some(8),
        age: 7,
        idle: 2,
        flags: "N".into(),
        db: Some(0),
        subscriptions: 6,
        query_buffer: Some(26),
        output_list: Some(4),
        output_memory: Some(5),
        memory: Some(37658),
        command: Some("client|list".into()),
        user: Some("default".into()),
        resp: Some(2),
        more: Some("qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=16384 rbp=16384 obl=0 events=r".into()),
        ..Client::default()
    };
    assert_eq!(*one(REDIS_7), client);
}

#[test]
fn a_line_of_valkey_9_on_a_unix_socket_whose_path_has_blanks() {
    let client = one(VALKEY_9);
    assert_eq!(&*client.addr, "/run/my redis/redis.sock:0");
    assert_eq!(client.laddr.as_deref(), Some("/run/my redis/redis.sock:0"));
    assert_eq!(
        (client.fd, client.multi, client.watch, client.redirect),
        (Some(-1), Some(0), Some(2), Some(12))
    );
    assert_eq!(
        (client.lib_name.as_deref(), client.lib_version.as_deref()),
        (Some("redis-py"), Some("8.1.0"))
    );
    assert_eq!((client.net_in, client.net_out, client.commands), (Some(26), Some(1), Some(4)));
    assert_eq!((&client.command, &client.name), (&None, &None));
    assert!(client.has('U') && client.has('x'));
    assert_eq!(client.more.as_deref(), Some("events=r"));
}

#[test]
fn what_is_not_understood_is_counted_and_harms_nobody() {
    let text = format!(
        "{REDIS_7}\r\n\nwhat is this\nid=x addr=1\nid=\n addr=1 id=4\nid=5x age=1\nid=4\n{REDIS_6}\n"
    );
    let said = compare(&mut ClientList::default(), &text);
    let ids: Vec<u64> = said.opened.iter().map(|client| client.id).collect();
    assert_eq!((ids, said.bad, said.clients), (vec![3, 4, 7], 5, 3));
    assert_eq!(said.opened[0], one(REDIS_7));
    assert_eq!(*said.opened[1], Client { id: 4, ..Client::default() });
}

#[test]
fn numbers_that_are_none_are_left_out_and_texts_are_cut() {
    let long = "n".repeat(3 * FIELD);
    let line = format!(
        "id=1 name={long} age=x idle=99999999999999999999999 db=0x1 fd=- qbuf= user=a\u{fffd}b zz={long}"
    );
    let client = one(&line);
    assert_eq!(
        (client.age, client.idle, client.db, client.fd, client.query_buffer),
        (0, 0, None, None, None)
    );
    assert_eq!(client.name.as_ref().map(|name| name.len()), Some(FIELD));
    assert_eq!(client.more.as_ref().map(|more| more.len()), Some(FIELD));
    let cut = Bytes::from([b"id=2 user=".to_vec(), vec![0xf0; 4 * FIELD], b" db=1".to_vec()].concat());
    let said = ClientList::default().compare(cut);
    let user = said.opened[0].user.as_ref().expect("a user");
    assert!(user.len() <= FIELD && user.chars().all(|char| char == '\u{fffd}'));
    assert_eq!(said.opened[0].db, Some(1));
}

#[test]
fn only_time_passing_is_no_change() {
    let mut list = ClientList::default();
    compare(&mut list, REDIS_7);
    let later = REDIS_7.replace("age=7 idle=2", "age=107 idle=102");
    assert_eq!(compare(&mut list, &later), Compared { clients: 1, ..Compared::default() });
    let acted = REDIS_7.replace("age=7 idle=2", "age=108 idle=0");
    assert_eq!(compare(&mut list, &acted).changed, [one(&acted)]);
    let acts = REDIS_7.replace("age=7 idle=2", "age=109 idle=0");
    assert_eq!(
        compare(&mut list, &acts).changed,
        [one(&acts)],
        "idle did not go back, and still it did something"
    );
    let named = acts.replace("name=", "name=x");
    assert_eq!(compare(&mut list, &named).changed, [one(&named)]);
    assert_eq!(compare(&mut list, "").closed, [3]);
}

#[test]
fn a_server_with_an_order_of_its_own_is_compared_all_the_same() {
    let mut list = ClientList::default();
    compare(&mut list, "id=1 idle=3 name=a age=5");
    assert_eq!(compare(&mut list, "id=1 idle=4 name=a age=6").changed, []);
    assert_eq!(compare(&mut list, "id=1 idle=0 name=a age=7").changed.len(), 1);
    assert_eq!(compare(&mut list, "id=1 idle=1 name=b age=8").changed.len(), 1);
    assert_eq!(compare(&mut list, "id=1 name=b").changed.len(), 1);
    assert_eq!(compare(&mut list, "id=1 name=b"), Compared { clients: 1, ..Compared::default() });
}

#[test]
fn clients_are_known_by_their_ids_in_any_order_and_only_once() {
    let mut list = ClientList::default();
    let said = compare(&mut list, "id=5\nid=2\nid=9\nid=2\nid=5 name=x\n");
    assert_eq!((said.opened.len(), said.bad, said.clients), (3, 2, 3));
    assert_eq!(list.last_id(), Some(9));
    assert!(list.has(2) && !list.has(3));
    let said = compare(&mut list, "id=9\nid=5\nid=3\n");
    assert_eq!((said.opened.len(), said.changed.len(), said.closed), (1, 0, vec![2]));
    list.forget();
    assert_eq!(compare(&mut list, "id=9\n").opened.len(), 1);
}

/// As a server with fifty thousand clients told it: what differs from line to line, and what does not.
fn crowd(ids: Range<u64>, seconds: u64) -> String {
    let mut text = String::new();
    for id in ids {
        let (port, age) = (10_000 + id % 50_000, 600 + seconds - id % 600);
        let (idle, command) = if id % 10 == 0 { (0, "get") } else { (seconds, "subscribe") };
        let _ = writeln!(
            text,
            "id={id} addr=10.1.{}.{}:{port} laddr=10.0.0.1:6379 fd={} name=app-{} age={age} idle={idle} flags=N db=0 \
             sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 \
             tot-mem=1928 events=r cmd={command} user=default redir=-1 resp=2",
            id % 200,
            id % 250,
            id % 60_000,
            id % 77,
        );
    }
    text
}

#[test]
fn fifty_thousand_clients() {
    let mut list = ClientList::default();
    let said = compare(&mut list, &crowd(1..50_001, 0));
    assert_eq!((said.opened.len(), said.bad), (50_000, 0));
    let names: std::collections::HashSet<*const u8> =
        said.opened.iter().filter_map(|client| client.name.as_ref()).map(|name| name.as_ptr()).collect();
    assert_eq!(names.len(), 77, "a name is kept once, however many have it");
    let said = compare(&mut list, &crowd(1_001..50_011, 2));
    assert_eq!((said.opened.len(), said.closed.len(), said.bad), (10, 1_000, 0));
    // Of 49,000 that stayed, those that are never idle.
    assert_eq!(said.changed.len(), 4_900);
}

#[test]
fn more_clients_than_any_server_has_are_not_kept() {
    let mut text = String::new();
    for id in 0..CLIENTS + 10 {
        let _ = writeln!(text, "id={id}");
    }
    let said = compare(&mut ClientList::default(), &text);
    assert_eq!((said.opened.len(), said.bad, said.left_out), (CLIENTS, 0, 10));
}

fn word() -> impl Strategy<Value = String> {
    "[!-<>-~]{1,12}"
}

prop_compose! {
    fn client()(
        id in 1..40_u64,
        addr in word(),
        (laddr, name, command, user) in (option::of(word()), option::of(word()), option::of("[a-z|]{1,9}"), option::of(word())),
        (fd, db, multi, resp) in (option::of(-1..9_i64), option::of(0..4_u64), option::of(0..3_u64), option::of(2..4_u64)),
        (age, idle) in (0..3_u64, 0..3_u64),
        (memory, commands) in (option::of(0..3_u64), option::of(any::<u64>())),
        flags in "[NbxPU]{1,2}",
        subscriptions in 0..3_u64,
        more in option::of("(io-thread|zz)=[a-z0-9]{1,5}( rbs=[0-9]{1,3})?"),
    ) -> Client {
        let text = |text: String| -> Arc<str> { text.into() };
        Client {
            id, addr: addr.into(), laddr: laddr.map(text), name: name.map(text), command: command.map(text),
            user: user.map(text), fd, db, multi, resp, age, idle, memory, commands, flags: text(flags), subscriptions,
            more: more.map(text), ..Client::default()
        }
    }
}

fn shown<T: Display>(value: Option<&T>) -> Option<&dyn Display> {
    value.map(|value| value as &dyn Display)
}

fn line_of(client: &Client) -> String {
    let mut line = format!("id={} addr={}", client.id, client.addr);
    let mut field = |name: &str, value: Option<&dyn Display>| {
        if let Some(value) = value {
            let _ = write!(line, " {name}={value}");
        }
    };
    field("laddr", shown(client.laddr.as_ref()));
    field("fd", shown(client.fd.as_ref()));
    field("name", shown(client.name.as_ref()));
    field("age", Some(&client.age));
    field("idle", Some(&client.idle));
    field("flags", Some(&client.flags));
    field("db", shown(client.db.as_ref()));
    field("psub", Some(&client.subscriptions));
    field("multi", Some(&client.multi.map_or("-1".to_owned(), |queued| queued.to_string())));
    field("tot-mem", shown(client.memory.as_ref()));
    field("cmd", shown(client.command.as_ref()));
    field("user", shown(client.user.as_ref()));
    field("resp", shown(client.resp.as_ref()));
    field("tot-cmds", shown(client.commands.as_ref()));
    if let Some(more) = &client.more {
        let _ = write!(line, " {more}");
    }
    line.push('\n');
    line
}

fn list_of(clients: &BTreeMap<u64, Client>) -> Bytes {
    clients.values().map(line_of).collect::<String>().into()
}

fn clients() -> impl Strategy<Value = BTreeMap<u64, Client>> {
    vec(client(), 0..30).prop_map(|all| all.into_iter().map(|client| (client.id, client)).collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read(clients in clients()) {
        let said = ClientList::default().compare(list_of(&clients));
        prop_assert_eq!(said.bad, 0);
        prop_assert_eq!(said.opened, clients.into_values().map(Arc::new).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_said_of_a_list_makes_it_of_the_one_before(lists in vec(clients(), 1..6)) {
        let mut known = BTreeMap::new();
        let mut list = ClientList::default();
        for clients in lists {
            let said = list.compare(list_of(&clients));
            prop_assert_eq!(said.clients, clients.len() as u64);
            for id in said.closed {
                prop_assert!(known.remove(&id).is_some());
            }
            for client in said.opened {
                prop_assert!(known.insert(client.id, Arc::unwrap_or_clone(client)).is_none());
            }
            for client in said.changed {
                prop_assert!(known.insert(client.id, Arc::unwrap_or_clone(client)).is_some());
            }
            // Of one that did nothing, only the moment differs at which that was so.
            for (id, client) in &mut known {
                let now = &clients[id];
                prop_assert_eq!(client.age.abs_diff(now.age), client.idle.abs_diff(now.idle));
                (client.age, client.idle) = (now.age, now.idle);
            }
            prop_assert_eq!(&known, &clients);
        }
    }

    #[test]
    fn nothing_that_a_server_says_is_too_much(
        texts in vec(vec(prop_oneof![
            Just(REDIS_6.as_bytes().to_vec()), Just(REDIS_7.as_bytes().to_vec()), Just(VALKEY_9.as_bytes().to_vec()),
            vec(any::<u8>(), 0..40), client().prop_map(|client| line_of(&client).into_bytes()),
            "(id=[0-9]{1,3}|[ =a-z-]{1,9}|\n| age=[0-9]{1,2} idle=[0-9]?| )".prop_map(String::into_bytes),
        ], 0..12), 1..4),
        cuts in vec(any::<prop::sample::Index>(), 3),
    ) {
        let mut list = ClientList::default();
        for (text, cut) in texts.into_iter().zip(cuts) {
            let text = text.concat();
            let text = Bytes::from(text[..cut.index(text.len() + 1)].to_vec());
            let said = list.compare(text.clone());
            prop_assert!(said.opened.iter().chain(&said.changed).all(|client| client.addr.len() <= FIELD));
            // What lines have in common with others is remembered, and changes nothing.
            let anew = ClientList::default().compare(text.clone());
            prop_assert_eq!((said.clients, said.bad), (anew.clients, anew.bad));
            for client in said.opened.iter().chain(&said.changed) {
                prop_assert!(anew.opened.contains(client), "{:?}", client);
            }
            let again = list.compare(text);
            prop_assert_eq!(again, Compared { clients: anew.clients, bad: anew.bad, ..Compared::default() });
        }
    }
}
