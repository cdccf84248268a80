use std::time::Duration;

use super::*;
use crate::event::{CLIENTS, Client, Event, Look, NodeFacts, Owner, Process, Refused, Timed, Whose};
use crate::model::{Model, ModelOptions};
use crate::snapshot::{ClientState, GroupBy, GroupRow, REST, Snapshot, group_words};

const NODE: NodeId = NodeId(7);

fn s(seconds: u64) -> Stamp {
    Stamp(seconds * 1_000_000_000)
}

fn client(id: u64, age: u64, idle: u64) -> Client {
    Client {
        id,
        addr: format!("127.0.0.1:{}", 40_000 + id).into(),
        name: Some(format!("worker-{id}").into()),
        age,
        idle,
        flags: "N".into(),
        commands: Some(age.saturating_sub(idle)),
        ..Client::default()
    }
}

struct Watched {
    model: Model,
    clients: u64,
}

impl Watched {
    fn new() -> Self {
        let mut watched = Self { model: Model::new(ModelOptions::default()), clients: 0 };
        let facts = NodeFacts { target: "127.0.0.1:6379".to_owned(), found: None };
        watched.tell(0, WatchEvent::Started(facts));
        watched
    }

    fn tell(&mut self, seconds: u64, event: WatchEvent) {
        self.model.apply(&Timed { at: s(seconds), event: Event::Watch(NODE, event) });
    }

    /// One look, and the snapshot after it.
    fn look(
        &mut self,
        seconds: u64,
        whole: bool,
        opened: Vec<Client>,
        changed: Vec<Client>,
        closed: Vec<u64>,
    ) -> Snapshot {
        self.clients = if whole { 0 } else { self.clients } + opened.len() as u64 - closed.len() as u64;
        self.tell(seconds, WatchEvent::Opened(opened.into_iter().map(Arc::new).collect()));
        self.tell(seconds, WatchEvent::Changed(changed.into_iter().map(Arc::new).collect()));
        self.tell(seconds, WatchEvent::Closed(closed));
        let look = Look { whole, clients: self.clients, ..Look::default() };
        self.tell(seconds, WatchEvent::Looked(look));
        self.snapshot(seconds)
    }

    fn snapshot(&mut self, seconds: u64) -> Snapshot {
        self.model.tick(s(seconds));
        self.model.snapshot(s(seconds), 0)
    }

    fn own(&mut self, seconds: u64, pid: u32, clients: impl Iterator<Item = u64>) {
        let process = process(pid);
        let owner = |client| Owner { client, whose: Whose::Process { process: process.clone(), fd: 3 } };
        self.tell(seconds, WatchEvent::Owners(clients.map(owner).collect()));
    }
}

fn refused() -> Refused {
    Refused { command: "INFO".to_owned(), error: "NOPERM".to_owned(), rule: None }
}

fn process(pid: u32) -> Arc<Process> {
    let name: Arc<str> = "python3".into();
    let command = "python3 leak.py".into();
    Arc::new(Process { pid, name, command, user: None, started_ms: None, container: None })
}

fn group(snapshot: &Snapshot, by: GroupBy, label: &str) -> GroupRow {
    let group = snapshot.groups.by(by).iter().find(|group| &*group.label == label);
    GroupRow::clone(group.unwrap_or_else(|| panic!("{label}: {:?}", snapshot.groups)))
}

fn states(snapshot: &Snapshot) -> Vec<(u64, ClientState)> {
    snapshot.clients.iter().map(|row| (row.client.id, row.state)).collect()
}

#[test]
fn a_look_opens_changes_and_closes_rows() {
    use ClientState::{Active, Idle};
    let mut watched = Watched::new();
    let snapshot = watched.look(10, true, vec![client(2, 9, 9), client(1, 5, 0)], vec![], vec![]);
    assert_eq!(states(&snapshot), [(1, Active), (2, Idle)]);
    assert_eq!(snapshot.clients[1].age(s(12)), Duration::from_secs(11));
    let snapshot = watched.look(11, false, vec![client(3, 0, 0)], vec![client(2, 10, 0)], vec![]);
    assert_eq!(states(&snapshot), [(1, Idle), (2, Active), (3, Active)]);
    assert_eq!(snapshot.clients[1].command_rate, Some(10.0));
    assert_eq!(snapshot.clients[0].history.iter().map(|turn| turn.state).collect::<Vec<_>>(), [Active, Idle]);
    let snapshot = watched.look(12, false, vec![], vec![], vec![1]);
    assert_eq!(states(&snapshot), [(2, Idle), (3, Idle)]);
    assert_eq!(snapshot.clients[0].command_rate, Some(0.0));
    assert!(!snapshot.out_of_sync);
}

#[test]
fn a_whole_look_forgets_who_was_not_in_it_and_settles_what_was_dropped() {
    let mut watched = Watched::new();
    watched.look(10, true, (1..=5).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    watched.model.set_dropped(3);
    assert!(watched.model.is_out_of_sync());
    let snapshot = watched.look(11, false, vec![], vec![], vec![]);
    assert!(snapshot.out_of_sync, "one more and one less may both have been lost");
    assert!(
        !watched.look(11, true, (1..=5).map(|id| client(id, 10, 10)).collect(), vec![], vec![]).out_of_sync
    );
    watched.clients = 3;
    assert!(watched.look(12, false, vec![], vec![], vec![]).out_of_sync, "two closed were not told");
    watched.tell(12, WatchEvent::Refused(Refused { command: "CLIENT LIST".to_owned(), ..refused() }));
    assert!(!watched.model.is_out_of_sync(), "a look that is not allowed helps nobody");
    let snapshot = watched.look(13, true, (2..=4).map(|id| client(id, 12, 12)).collect(), vec![], vec![]);
    assert_eq!(states(&snapshot).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(!snapshot.out_of_sync);
}

#[test]
fn groups_add_up_and_say_what_changed() {
    let mut watched = Watched::new();
    watched.look(10, true, (1..=5).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    watched.own(10, 81, 1..=5);
    let snapshot = watched.look(11, false, vec![client(6, 0, 0), client(7, 0, 0)], vec![], vec![1]);
    assert_eq!(group(&snapshot, GroupBy::Process, "not known yet").count, 2);
    watched.own(11, 81, 6..=7);
    let snapshot = watched.snapshot(11);
    let all = group(&snapshot, GroupBy::Process, "python3 leak.py (81)");
    assert_eq!((all.count, all.change, all.grown), (6, Some(1), Some(1)));
    assert_eq!(all.series[..], [5, 6]);
    assert_eq!(all.process.map(|process| process.pid), Some(81));
    assert_eq!(snapshot.groups.by(GroupBy::Process).len(), 1);
    assert_eq!(group(&snapshot, GroupBy::Prefix, "worker").count, 6);
    assert_eq!(group(&snapshot, GroupBy::Server, "127.0.0.1:6379").longest_idle, Duration::from_secs(10));
    for by in GroupBy::KEYS {
        assert_eq!(snapshot.groups.by(by).iter().map(|group| group.count).sum::<u64>(), 6, "{by:?}");
    }
}

#[test]
fn what_came_and_went_is_an_event_a_group_once_processes_are_known() {
    let mut watched = Watched::new();
    watched.look(10, true, vec![client(1, 9, 9)], vec![], vec![]);
    watched.look(11, false, vec![client(2, 0, 0), client(3, 0, 0)], vec![], vec![1]);
    watched.own(11, 81, 2..=3);
    let snapshot = watched.look(12, false, vec![], vec![], vec![]);
    let said: Vec<_> = snapshot.events.iter().map(|row| (row.node, row.what.clone())).collect();
    let clients = |who: &str, opened, closed, some: &[u64]| {
        let some = some.iter().map(|id| Exact::from(&client(*id, 0, 0))).collect();
        (Some(NODE), What::Clients { who: who.into(), opened, closed, some })
    };
    let leak = clients("python3 leak.py (81)", 2, 0, &[2, 3]);
    assert_eq!(said, [leak, clients("gone before known", 0, 1, &[1])]);
}

#[test]
fn a_connection_that_is_gone_before_it_is_known_whose_says_nothing_of_a_process() {
    let mut watched = Watched::new();
    watched.look(10, true, vec![], vec![], vec![]);
    watched.look(11, false, vec![client(2, 0, 0), client(3, 0, 0)], vec![], vec![]);
    watched.tell(11, WatchEvent::Owners(vec![Owner { client: 2, whose: Whose::Gone }]));
    let snapshot = watched.snapshot(11);
    assert_eq!(group(&snapshot, GroupBy::Process, "gone before known").count, 1);
    // Of the other one it never becomes known.
    watched.look(12, false, vec![], vec![], vec![2, 3]);
    let snapshot = watched.look(13, false, vec![], vec![], vec![]);
    let said: Vec<_> = snapshot.events.iter().map(|row| row.what.clone()).collect();
    let some = [2, 3].map(|id| Exact::from(&client(id, 0, 0))).into();
    assert_eq!(said, [What::Clients { who: "gone before known".into(), opened: 2, closed: 2, some }]);
}

#[test]
fn clients_whose_ids_a_new_server_gives_again_have_closed_as_the_others_have() {
    let mut watched = Watched::new();
    watched.look(10, true, (3..=7).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    watched.own(10, 81, 3..=7);
    watched.snapshot(10);
    watched.tell(11, WatchEvent::Lost { error: "refused".to_owned(), retry_at: s(12) });
    let anew = |id| Client { addr: format!("127.0.0.1:{}", 50_000 + id).into(), ..client(id, 0, 0) };
    watched.look(12, true, (6..=10).map(anew).collect(), vec![], vec![]);
    watched.own(12, 81, 6..=10);
    let snapshot = watched.look(13, false, vec![], vec![], vec![]);
    let turned = |row: &crate::snapshot::EventRow| match &row.what {
        What::Clients { who, opened, closed, .. } => Some((who.to_string(), *opened, *closed)),
        _ => None,
    };
    let said: Vec<_> = snapshot.events.iter().filter_map(turned).collect();
    assert_eq!(said, [("python3 leak.py (81)".to_owned(), 5, 5)]);
    for (by, label) in [(GroupBy::Process, "python3 leak.py (81)"), (GroupBy::Prefix, "worker")] {
        let group = group(&snapshot, by, label);
        assert_eq!((group.count, group.change, group.grown), (5, Some(0), Some(0)), "{by:?}");
    }
}

#[test]
fn what_one_look_cannot_tell_is_not_known() {
    let mut watched = Watched::new();
    let change = |snapshot: &Snapshot| {
        let all = group(snapshot, GroupBy::Server, "127.0.0.1:6379");
        (all.change, all.grown, all.opening_rate, all.command_rate)
    };
    let snapshot = watched.look(10, true, (1..=5).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    assert_eq!(change(&snapshot), (None, None, None, None));
    let snapshot = watched.look(11, false, vec![], vec![], vec![]);
    assert_eq!(change(&snapshot), (Some(0), Some(0), Some(0.0), Some(0.0)));
}

#[test]
fn what_a_group_has_grown_by_is_what_came_since_it_was_looked_at_or_its_server_began() {
    let mut watched = Watched::new();
    let grown = |watched: &mut Watched, seconds: u64, pid: u32| {
        let label = format!("python3 leak.py ({pid})");
        group(&watched.snapshot(seconds), GroupBy::Process, &label).grown
    };
    watched.look(10, true, (1..=20).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    watched.own(10, 81, 1..=20);
    // All of a program that begins while somebody looks is grown, however many its first look has.
    watched.look(11, false, (21..=155).map(|id| client(id, 0, 0)).collect(), vec![], vec![]);
    watched.own(11, 82, 21..=155);
    watched.look(12, false, (156..=220).map(|id| client(id, 0, 0)).collect(), vec![], vec![]);
    watched.own(12, 82, 156..=220);
    assert_eq!(grown(&mut watched, 12, 81), Some(0));
    assert_eq!(grown(&mut watched, 12, 82), Some(200));
    // A new server has five of the first program, and then seven.
    watched.tell(20, WatchEvent::Lost { error: "refused".to_owned(), retry_at: s(21) });
    watched.look(25, true, (1..=5).map(|id| client(id, 0, 0)).collect(), vec![], vec![]);
    watched.own(25, 81, 1..=5);
    assert_eq!(grown(&mut watched, 25, 81), Some(0));
    watched.look(26, false, vec![client(6, 0, 0), client(7, 0, 0)], vec![], vec![]);
    watched.own(26, 81, 6..=7);
    assert_eq!(grown(&mut watched, 26, 81), Some(2));
    // One that was only not to be seen has none of its clients anew.
    watched.tell(27, WatchEvent::Lost { error: "timed out".to_owned(), retry_at: s(28) });
    watched.look(30, true, (1..=9).map(|id| client(id, 30 - 25, 0)).collect(), vec![], vec![]);
    watched.own(30, 81, 8..=9);
    assert_eq!(grown(&mut watched, 30, 81), Some(4));
}

#[test]
fn info_is_counted_from_the_first_reading_on() {
    let info = |received: u64, rejected: u64| {
        WatchEvent::Info {
        raw: format!(
            "# Server\r\nredis_version:7.2.4\r\n# Clients\r\nconnected_clients:5\r\nmaxclients:100\r\nblocked_clients:1\r\n\
             # Stats\r\ntotal_connections_received:{received}\r\nrejected_connections:{rejected}\r\nevicted_clients:0\r\n"
        )
        .into(),
        took: Duration::from_millis(1),
    }
    };
    let mut watched = Watched::new();
    for second in 0..=10 {
        watched.tell(second, info(1_000 + second * 50, 7));
    }
    watched.tell(11, info(30, 2));
    let snapshot = watched.snapshot(11);
    let node = &snapshot.nodes[0];
    assert_eq!((node.connected, node.max, node.blocked), (Some(5), Some(100), Some(1)));
    assert_eq!((node.rejected, node.evicted), (Some(2), Some(0)), "the server began anew");
    assert_eq!(node.opening_rate, Some(48.0));
    assert_eq!(node.series.len(), 12);
    assert_eq!(node.series[1].accepted, Some(50));
    assert_eq!(node.server.version.as_deref(), Some("redis 7.2.4"));
}

#[test]
fn a_lost_server_keeps_its_rows_and_one_that_left_has_none() {
    let mut watched = Watched::new();
    watched.look(10, true, vec![client(1, 9, 9)], vec![], vec![]);
    watched.tell(11, WatchEvent::Lost { error: "refused".to_owned(), retry_at: s(12) });
    watched.tell(11, WatchEvent::Lost { error: "the same, from another side".to_owned(), retry_at: s(12) });
    watched.tell(11, WatchEvent::Refused(refused()));
    watched.tell(11, WatchEvent::Refused(refused()));
    let snapshot = watched.snapshot(20);
    assert_eq!((snapshot.clients.len(), snapshot.nodes[0].server.lost.is_some()), (1, true));
    assert_eq!(snapshot.clients[0].age(snapshot.as_of), Duration::from_secs(9), "as when it was looked at");
    assert_eq!(group(&snapshot, GroupBy::Server, "127.0.0.1:6379").oldest, Duration::from_secs(9));
    assert_eq!(snapshot.nodes[0].refused, [refused()]);
    let said: Vec<_> = snapshot.events.iter().map(|row| row.what.clone()).collect();
    assert_eq!(
        said,
        [What::Lost("refused".to_owned()), What::Refused("INFO".to_owned(), "NOPERM".to_owned())]
    );
    // It comes back with another client under the same number.
    let snapshot = watched.look(21, true, vec![client(1, 1, 0)], vec![], vec![]);
    assert_eq!((snapshot.clients[0].client.age, snapshot.clients[0].history.len()), (1, 1));
    assert_eq!(watched.snapshot(22).clients[0].age(s(22)), Duration::from_secs(2));
    watched.tell(22, WatchEvent::Stopped);
    let snapshot = watched.snapshot(22);
    assert!(snapshot.clients.is_empty() && snapshot.nodes[0].stopped && !snapshot.out_of_sync);
}

#[test]
fn more_clients_and_groups_than_are_kept_are_counted() {
    let mut watched = Watched::new();
    let most = u64::try_from(CLIENTS).expect("a number");
    let snapshot =
        watched.look(10, true, (1..=most + 5).map(|id| client(id, 9, 9)).collect(), vec![], vec![]);
    assert_eq!((snapshot.clients.len(), snapshot.out_of_sync), (CLIENTS, false));
    let names = snapshot.groups.by(GroupBy::Name);
    assert_eq!(names.len(), groups::GROUPS + 1);
    assert_eq!((&*names[0].label, names[0].count), (REST, most - groups::GROUPS as u64));
    // What is told of one without a row makes it no second one.
    let snapshot = watched.look(11, false, vec![], vec![client(most + 1, 10, 0)], vec![most + 1]);
    assert_eq!((snapshot.clients.len(), snapshot.out_of_sync), (CLIENTS, false));
}

#[test]
fn a_group_called_others_is_not_the_rest() {
    let mut watched = Watched::new();
    let named = |id: u64, name: &str| Client { name: Some(name.into()), ..client(id, 9, 9) };
    let mut clients: Vec<Client> =
        vec![named(1, "others"), named(2, "(all others)"), named(3, "\\(all others)")];
    clients.extend((4..=groups::GROUPS as u64 + 10).map(|id| client(id, 9, 9)));
    let snapshot = watched.look(10, true, clients, vec![], vec![]);
    assert_eq!(group(&snapshot, GroupBy::Name, "others").count, 1);
    assert_eq!(group(&snapshot, GroupBy::Name, REST).count, 10);
    let words: Vec<_> =
        snapshot.groups.by(GroupBy::Name).iter().map(|group| group_words(&group.label)).collect();
    assert_eq!(words.iter().filter(|words| **words == group_words(REST)).count(), 1);
    assert_eq!(words.iter().collect::<std::collections::BTreeSet<_>>().len(), words.len());
}

#[test]
fn groups_that_are_empty_make_room_for_others() {
    let mut watched = Watched::new();
    watched.look(10, true, vec![client(0, 1, 1)], vec![], vec![]);
    // A name of its own for each of many more than are kept, one after the other.
    for round in 1..=30_u64 {
        let opened = (0..1_000).map(|n| client(round * 1_000 + n, 0, 0)).collect();
        let closed = if round > 1 { ((round - 1) * 1_000..round * 1_000).collect() } else { vec![] };
        watched.look(10 + round * 31, false, opened, vec![], closed);
        let snapshot = watched.snapshot(10 + round * 31 + 1);
        let names = snapshot.groups.by(GroupBy::Name);
        assert!(names.len() == 1_001 && names.iter().all(|group| &*group.label != REST), "{round}");
    }
}

#[test]
fn a_server_that_is_watched_no_more_makes_room_for_another() {
    let mut model = Model::new(ModelOptions::default());
    let mut tell = |node: u32, event: WatchEvent| {
        model.apply(&Timed { at: s(1), event: Event::Watch(NodeId(node), event) });
        model.snapshot(s(1), 0).nodes.iter().map(|node| node.id.0).max()
    };
    for node in 0..300 {
        tell(node, WatchEvent::Started(NodeFacts::default()));
    }
    assert_eq!(tell(300, WatchEvent::Stopped), Some(255), "none is pushed out that is watched");
    tell(7, WatchEvent::Stopped);
    assert_eq!(tell(301, WatchEvent::Started(NodeFacts::default())), Some(301));
}

#[test]
fn a_clients_last_turns_and_rates_are_kept() {
    use ClientState::{Active, Blocked, Idle, Subscribed, Transaction};
    let mut watched = Watched::new();
    watched.look(10, true, vec![client(1, 9, 9)], vec![], vec![]);
    let turned = |watched: &mut Watched, second: u64, change: &dyn Fn(&mut Client)| {
        let mut changed = client(1, second - 1, 0);
        (changed.commands, changed.net_in) = (Some(second * 3), Some(second * 100));
        change(&mut changed);
        watched.look(second, false, vec![], vec![changed], vec![]).clients[0].state
    };
    assert_eq!(turned(&mut watched, 11, &|_| {}), Active);
    assert_eq!(turned(&mut watched, 12, &|client| client.flags = "b".into()), Blocked);
    assert_eq!(turned(&mut watched, 13, &|client| client.multi = Some(0)), Transaction);
    assert_eq!(turned(&mut watched, 14, &|client| client.subscriptions = 2), Subscribed);
    // A message to a subscriber is nothing that it did.
    assert_eq!(
        turned(&mut watched, 15, &|client| (client.commands, client.net_in) = (Some(42), Some(1_400))),
        Idle
    );
    for second in (20..60).step_by(2) {
        assert_eq!(turned(&mut watched, second, &|_| {}), Active);
        let row = watched.look(second + 1, false, vec![], vec![], vec![]).clients[0].clone();
        assert_eq!((row.state, row.history.len() <= 16, row.in_rate), (Idle, true, Some(0.0)));
    }
    let snapshot = watched.look(62, false, vec![], vec![], vec![]);
    assert_eq!(snapshot.clients[0].history.last().map(|turn| (turn.at, turn.state)), Some((s(59), Idle)));
    turned(&mut watched, 64, &|_| {});
    let row = watched.snapshot(64).clients[0].clone();
    assert_eq!((row.command_rate, row.in_rate), (Some(9.0), Some(300.0)), "18 and 600 in two seconds");
}
