use super::*;
use crate::event::{ConnId, CreateSteps, Opened, PoolId};

fn end(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A pool's connections: each has client id 100 more than its number, and port 5000 more.
fn pool(conns: &[u64]) -> Connections {
    let mut connections = Connections::new(PoolId(1));
    for &conn in conns {
        let (server_id, local) = (Some(100 + conn), Some(end(5000 + conn as u16)));
        let steps = CreateSteps::default();
        connections.opened(Stamp(1), &Opened { conn: ConnId(conn), server_id, local, steps });
    }
    connections
}

fn client(id: u64) -> Arc<Client> {
    Arc::new(Client { id, addr: end((4900 + id) as u16).to_string().into(), ..Client::default() })
}

fn socket(conn: u64, state: TcpState) -> Socket {
    Socket { local: end(5000 + conn as u16), state }
}

const OPEN: TcpState = TcpState::Established;

fn beliefs(connections: &Connections, conn: u64) -> Beliefs {
    let row = connections.get(ConnId(conn)).expect("a row");
    (**row.beliefs.as_ref().expect("beliefs")).clone()
}

#[test]
fn a_connection_that_all_three_believe_in_is_none_of_these() {
    let (mut joined, mut connections) = (Joined::default(), pool(&[1]));
    let slots = Slots { asked: vec![101], listed: vec![client(101)], sockets: Some(vec![socket(1, OPEN)]) };
    for at in 2..5 {
        joined.look(Stamp(at), &slots, std::iter::once(&mut connections), false);
    }
    let found = beliefs(&connections, 1);
    assert!(!found.half_open && found.at == Stamp(4));
    assert!(matches!(&found.server, Told::Some(client) if client.id == 101));
    assert_eq!(found.kernel, Told::Some(socket(1, OPEN)));
    assert!(joined.strays().is_empty());
}

#[test]
fn what_the_server_or_the_kernel_lost_is_half_open_from_the_second_look_on() {
    for (listed, sockets) in [
        (vec![], vec![socket(1, OPEN)]),
        (vec![client(101)], vec![]),
        (vec![client(101)], vec![socket(1, TcpState::CloseWait)]),
    ] {
        let (mut joined, mut connections) = (Joined::default(), pool(&[1]));
        let slots = Slots { asked: vec![101], listed, sockets: Some(sockets) };
        joined.look(Stamp(2), &slots, std::iter::once(&mut connections), false);
        assert!(!beliefs(&connections, 1).half_open, "one look may be early");
        joined.look(Stamp(3), &slots, std::iter::once(&mut connections), false);
        assert!(beliefs(&connections, 1).half_open, "{slots:?}");
        let sound = Slots { listed: vec![client(101)], sockets: Some(vec![socket(1, OPEN)]), ..slots };
        joined.look(Stamp(4), &sound, std::iter::once(&mut connections), false);
        assert!(!beliefs(&connections, 1).half_open, "it was only late");
    }
}

#[test]
fn what_nobody_was_asked_about_is_unknown_and_not_half_open() {
    let (mut joined, mut connections) = (Joined::default(), pool(&[1]));
    for at in 2..6 {
        joined.look(Stamp(at), &Slots::default(), std::iter::once(&mut connections), false);
    }
    let found = beliefs(&connections, 1);
    assert_eq!((found.server, found.kernel, found.half_open), (Told::Unknown, Told::Unknown, false));
}

#[test]
fn what_a_pool_closed_and_the_server_lists_is_a_ghost_and_a_socket_of_no_pool_an_orphan() {
    let (mut joined, mut connections) = (Joined::default(), pool(&[1]));
    let slots = Slots {
        asked: vec![101, 102, 103],
        listed: vec![client(101), client(102), client(103)],
        sockets: Some(vec![socket(1, OPEN), socket(3, OPEN), socket(4, OPEN), socket(5, TcpState::Opening)]),
    };
    joined.look(Stamp(2), &slots, std::iter::once(&mut connections), false);
    assert!(joined.strays().is_empty(), "one look may be early");
    joined.look(Stamp(3), &slots, std::iter::once(&mut connections), false);
    let found: Vec<_> =
        joined.strays().iter().map(|one| (one.kind, one.server_id, one.local, one.since)).collect();
    let (ghost, orphan) = (StrayKind::Ghost, StrayKind::Orphan);
    assert_eq!(
        found,
        [
            (orphan, None, Some(end(5004)), Stamp(2)),
            (ghost, Some(102), Some(end(5002)), Stamp(2)),
            (orphan, Some(103), Some(end(5003)), Stamp(2)),
        ]
    );
    joined.look(Stamp(4), &slots, std::iter::once(&mut connections), true);
    let orphans = joined.strays().iter().filter(|one| one.server_id.is_none()).count();
    assert_eq!(orphans, 0, "a connection that is being opened has a socket and no row");
    let none = Slots { asked: vec![101], listed: vec![client(101)], sockets: Some(vec![socket(1, OPEN)]) };
    joined.look(Stamp(5), &none, std::iter::once(&mut connections), false);
    assert!(joined.strays().is_empty());
}
