//! Whose sockets a real server's clients are, by this machine's own word.
#![cfg(target_os = "linux")]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use redis_pooltop::event::{Process, Whose};
use redis_pooltop::source::process::{Peer, Reached, Resolver, ServerEnd};

use support::{RedisServer, idle_client, wait_for};

/// What CLIENT LIST says of everyone's sockets, asked for over the unix socket.
fn peers(server: &RedisServer) -> Vec<Peer> {
    let list = server.cli(&["CLIENT", "LIST"]);
    list.lines()
        .map(|line| {
            let fields: HashMap<&str, &str> =
                line.split(' ').filter_map(|field| field.split_once('=')).collect();
            Peer {
                id: fields["id"].parse().expect("an id"),
                addr: fields["addr"].into(),
                laddr: fields.get("laddr").map(|laddr| Arc::from(*laddr)),
                fd: fields["fd"].parse().ok(),
                unix: fields["flags"].contains('U'),
            }
        })
        .collect()
}

fn end(server: &RedisServer) -> ServerEnd {
    let info = server.cli(&["INFO", "server"]);
    let pid = info.lines().find_map(|line| line.trim_end().strip_prefix("process_id:"));
    ServerEnd { reached: Reached::Tcp(server.address()), pid: pid.and_then(|pid| pid.parse().ok()) }
}

/// Whose the client with this address is.
fn whose(resolver: &mut Resolver, server: &RedisServer, address: SocketAddr) -> Whose {
    let address = address.to_string();
    let peer =
        wait_for("the client in the list", || peers(server).into_iter().find(|peer| *peer.addr == *address));
    let resolved = resolver.resolve(&end(server), std::slice::from_ref(&peer));
    assert!(resolved.later.is_empty(), "there was no time for it");
    let [owner] = &resolved.owners[..] else { panic!("not one owner: {resolved:?}") };
    assert_eq!(owner.client, peer.id);
    owner.whose.clone()
}

fn process(whose: Whose) -> (Arc<Process>, i32) {
    match whose {
        Whose::Process { process, fd } => (process, fd),
        other => panic!("not a process: {other:?}"),
    }
}

#[test]
fn a_client_of_our_own_is_this_process() {
    use std::os::fd::AsRawFd;
    let server = RedisServer::start(&[]);
    let client = idle_client(server.address());
    let mut resolver = Resolver::new();
    let (process, fd) = process(whose(&mut resolver, &server, client.local_addr().expect("its address")));
    assert_eq!(process.pid, std::process::id());
    assert_eq!(fd, client.as_raw_fd());
    assert!(process.command.contains("watch_process"), "{process:?}");
    let started = process.started_ms.expect("when it started");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let ago = u64::try_from(now.as_millis()).expect("a year").saturating_sub(started);
    assert!(ago < 3_600_000, "this test started {ago} ms ago?");
}
