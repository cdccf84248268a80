//! Whose sockets a real server's clients are, by this machine's own word.
#![cfg(target_os = "linux")]

mod support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use redis_pooltop::event::{Process, Whose};
use redis_pooltop::source::process::{Peer, Reached, Resolved, Resolver, ServerEnd, TcpState};

use support::{RedisServer, idle_client, python, wait_for};

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
    ServerEnd {
        reached: Reached::Tcp(server.address()),
        pid: pid.and_then(|pid| pid.parse().ok()),
        direct: true,
    }
}

/// A child that ends with the test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process of its own, told to do something by Python, which says so when it has.
fn python_that(does: &str, arguments: &[&str]) -> Child {
    let script = format!("import socket, sys, time\n{does}\nprint('done', flush=True)\nsys.stdin.read()");
    let mut child = Command::new(python())
        .args(["-c", &script])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut said = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut said).expect("it speaks");
    assert_eq!(said, "done\n");
    Child(child)
}

/// Whose all clients are, apart from the one that asks for the list, by id.
fn everyone(resolver: &mut Resolver, end: &ServerEnd, peers: &[Peer]) -> HashMap<u64, Whose> {
    let answer = resolver.resolve(end, peers);
    assert!(answer.later.is_empty(), "there was no time for it");
    assert_eq!(answer.owners.len(), peers.len());
    answer.owners.into_iter().map(|owner| (owner.client, owner.whose)).collect()
}

/// Whose the client with this address is.
fn whose(resolver: &mut Resolver, server: &RedisServer, address: SocketAddr) -> Whose {
    let address = address.to_string();
    let peer =
        wait_for("the client in the list", || peers(server).into_iter().find(|peer| *peer.addr == *address));
    let answer = resolver.resolve(&end(server), std::slice::from_ref(&peer));
    assert!(answer.later.is_empty(), "there was no time for it");
    let [owner] = &answer.owners[..] else { panic!("not one owner: {answer:?}") };
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

#[test]
fn every_way_of_writing_an_address_leads_to_the_process() {
    let server = RedisServer::start(&["--bind", "127.0.0.1", "::1", "127.0.0.2"]);
    let mut resolver = Resolver::new();
    for host in ["127.0.0.1", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]"] {
        let address: SocketAddr = format!("{host}:{}", server.port()).parse().expect("an address");
        let client = idle_client(address);
        let local = client.local_addr().expect("its address");
        let local = SocketAddr::new(local.ip().to_canonical(), local.port());
        let (process, _) = process(whose(&mut resolver, &server, local));
        assert_eq!(process.pid, std::process::id(), "{host}");
    }
}

#[test]
fn another_process_is_told_with_its_words_but_not_its_password() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    let child = python_that(
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.sendall(b'CLIENT SETNAME it\\r\\n'); s.recv(9)",
        &[&port, "--password", "s3cret"],
    );
    let peer = wait_for("the client", || peers(&server).into_iter().find(|peer| !peer.unix));
    let whose = everyone(&mut Resolver::new(), &end(&server), std::slice::from_ref(&peer));
    let (process, fd) = process(whose[&peer.id].clone());
    assert_eq!(process.pid, child.0.id());
    assert!(fd > 2, "{fd}");
    assert!(process.name.starts_with("python"), "{process:?}");
    assert!(process.command.contains(&port), "{process:?}");
    assert!(process.command.ends_with(" ***") && !process.command.contains("s3cret"), "{process:?}");
    assert!(process.user.is_some(), "{process:?}");
}

#[test]
fn a_client_that_has_gone_is_gone_and_its_process_not_mistaken() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    let mut resolver = Resolver::new();
    let connect = "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))";
    let child = python_that(connect, &[&port]);
    let list =
        wait_for("the client", || Some(peers(&server)).filter(|list| list.iter().any(|peer| !peer.unix)));
    let client = list.iter().find(|peer| !peer.unix).expect("the client").clone();
    let before = everyone(&mut resolver, &end(&server), &list);
    assert_eq!(process(before[&client.id].clone()).0.pid, child.0.id());
    drop(child);
    let after = everyone(&mut resolver, &end(&server), &list);
    assert_eq!(after[&client.id], Whose::Gone);
}

#[test]
fn many_connections_of_two_processes_are_told_apart() {
    let server = RedisServer::start(&["--maxclients", "2000"]);
    let open =
        "all = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]";
    let port = server.port().to_string();
    let (first, second) = (python_that(open, &[&port, "300"]), python_that(open, &[&port, "100"]));
    let list = wait_for("all clients", || {
        let list: Vec<Peer> = peers(&server).into_iter().filter(|peer| !peer.unix).collect();
        (list.len() == 400).then_some(list)
    });
    let mut counts = HashMap::new();
    for whose in everyone(&mut Resolver::new(), &end(&server), &list).into_values() {
        *counts.entry(process(whose).0.pid).or_insert(0) += 1;
    }
    assert_eq!(counts, HashMap::from([(first.0.id(), 300), (second.0.id(), 100)]));
}

#[test]
fn rows_of_a_unix_socket_are_told_by_the_servers_descriptors() {
    let server = RedisServer::start(&[]);
    let connect = "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'CLIENT ID\\r\\n')
print(int(s.recv(99).strip(b':\\r\\n')), file=open(sys.argv[2], 'w'))";
    let socket = server.socket();
    let mut expected = HashMap::new();
    let children: Vec<Child> = (0..3)
        .map(|number| {
            let file = server.directory().join(format!("id-{number}"));
            let child = python_that(connect, &[&socket.to_string_lossy(), &file.to_string_lossy()]);
            let id = std::fs::read_to_string(file).expect("its id").trim().parse::<u64>().expect("a number");
            expected.insert(id, child.0.id());
            child
        })
        .collect();
    let list = peers(&server);
    let reached = [Reached::Unix(socket), Reached::Tcp(server.address())];
    for (reached, pid) in reached.into_iter().flat_map(|reached| [(reached.clone(), true), (reached, false)])
    {
        let asked = end(&server);
        let is_known = pid || matches!(reached, Reached::Unix(_));
        let asked = ServerEnd { reached, pid: asked.pid.filter(|_| pid), ..asked };
        let answer = resolver_for(&asked, &list);
        for (id, pid) in &expected {
            match &answer[id] {
                Whose::Process { process, .. } if is_known => assert_eq!(process.pid, *pid),
                // The server was started with a relative path, and nothing says relative to what.
                Whose::Unknown if !is_known => {}
                other => panic!("{other:?} of {id} for {asked:?}"),
            }
        }
        let cli = list.iter().find(|peer| !expected.contains_key(&peer.id)).expect("redis-cli");
        assert_eq!(answer[&cli.id], if is_known { Whose::Gone } else { Whose::Unknown });
    }
    drop(children);
}

fn resolver_for(end: &ServerEnd, peers: &[Peer]) -> HashMap<u64, Whose> {
    everyone(&mut Resolver::new(), end, peers)
}

#[test]
fn a_number_that_is_not_the_servers_is_not_believed() {
    let server = RedisServer::start(&[]);
    let _client = std::os::unix::net::UnixStream::connect(server.socket()).expect("the server accepts");
    let list = peers(&server);
    let asked =
        ServerEnd { reached: Reached::Unix(server.socket()), pid: Some(std::process::id()), direct: true };
    let whose = resolver_for(&asked, &list);
    let ours = whose
        .values()
        .filter(|whose| matches!(whose, Whose::Process { process, .. } if process.pid == std::process::id()));
    assert_eq!(ours.count(), 1, "{whose:?}");
}

#[test]
fn whoever_listens_at_a_clients_address_is_not_the_client() {
    let server = RedisServer::start(&[]);
    let address: Arc<str> = server.address().to_string().into();
    let laddr = Some("127.0.0.1:1".into());
    let peer = Peer { id: 7, addr: address, laddr, ..Peer::default() };
    assert_eq!(resolver_for(&end(&server), &[peer])[&7], Whose::Gone);
}

#[test]
fn the_loopback_of_a_server_behind_a_tunnel_is_not_ours() {
    let server = RedisServer::start(&[]);
    let peer =
        Peer { id: 7, addr: "127.0.0.1:1".into(), laddr: Some("127.0.0.1:6379".into()), ..Peer::default() };
    let tunnel = ServerEnd { direct: false, ..end(&server) };
    assert_eq!(resolver_for(&end(&server), std::slice::from_ref(&peer))[&7], Whose::Gone);
    assert_eq!(resolver_for(&tunnel, &[peer])[&7], Whose::Unknown);
}

#[test]
fn an_old_server_does_not_tell_its_own_end() {
    let server = RedisServer::start(&["--bind", "127.0.0.1", "127.0.0.2"]);
    // It is reached at one address, and its client at another.
    let client = idle_client(format!("127.0.0.2:{}", server.port()).parse().expect("an address"));
    let addr = client.local_addr().expect("its address").to_string();
    let peer = Peer { id: 7, addr: addr.as_str().into(), ..Peer::default() };
    let ended = Peer { id: 8, addr: "127.0.0.1:1".into(), ..Peer::default() };
    let found = resolver_for(&end(&server), &[peer, ended]);
    assert_eq!(process(found[&7].clone()).0.pid, std::process::id());
    assert_eq!(found[&8], Whose::Unknown);
}

#[test]
fn clients_of_a_server_elsewhere_are_remote() {
    let peer = Peer { id: 7, addr: "127.0.0.1:50000".into(), ..Peer::default() };
    let at = |address: &str| ServerEnd {
        reached: Reached::Tcp(address.parse().expect("an address")),
        pid: Some(std::process::id()),
        direct: true,
    };
    let elsewhere = at("192.0.2.1:6379");
    assert_eq!(resolver_for(&elsewhere, std::slice::from_ref(&peer))[&7], Whose::Remote);
    let here = at("127.0.0.1:6379");
    let peer = Peer { addr: "192.0.2.1:50000".into(), ..peer };
    assert_eq!(resolver_for(&here, std::slice::from_ref(&peer))[&7], Whose::Remote);
    let peer = Peer { addr: "no address".into(), ..peer };
    assert_eq!(resolver_for(&here, &[peer])[&7], Whose::Unknown);
    assert_eq!(Resolver::new().resolve(&here, &[]), Resolved::default());
}

#[test]
fn the_kernel_tells_what_it_believes_of_a_connection() {
    let mut server = RedisServer::start(&[]);
    let address = server.address();
    let (client, other) = (idle_client(address), idle_client(address));
    let (local, kept) = (client.local_addr().expect("its address"), other.local_addr().expect("its address"));
    let mut resolver = Resolver::new();
    let mut state = |local| resolver.state(local, address).expect("Linux tells");
    assert_eq!(state(local), TcpState::Established);
    assert_eq!(state((local.ip(), 1).into()), TcpState::Gone);
    // The server's own end of it, and where it listens.
    assert_eq!(Resolver::new().state(address, local), Some(TcpState::Established));
    // What it has not accepted yet it would reset, and not close.
    wait_for("both clients", || (peers(&server).len() == 3).then_some(()));
    server.kill();
    wait_for("the end of the server", || (state(local) == TcpState::CloseWait).then_some(()));
    drop(client);
    wait_for("the end of the connection", || (state(local) == TcpState::Gone).then_some(()));
    assert_eq!(state(kept), TcpState::CloseWait);
    assert_eq!(Resolver::new().ours(address), Some(vec![(kept, TcpState::CloseWait)]));
    drop(other);
    assert_eq!(Resolver::new().ours(address), Some(Vec::new()));
}

#[test]
fn a_socket_that_parent_and_child_share_is_the_parents() {
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    let fork = "import os
to = ('127.0.0.1', int(sys.argv[1]))
shared = socket.create_connection(to)
if os.fork():
    os.wait()
    sys.exit()
own = socket.create_connection(to)";
    let parent = python_that(fork, &[&port]);
    let list = wait_for("both clients", || {
        let list: Vec<Peer> = peers(&server).into_iter().filter(|peer| !peer.unix).collect();
        (list.len() == 2).then_some(list)
    });
    let [shared, own] = &list[..] else { unreachable!("two clients") };
    let mut resolver = Resolver::new();
    // The child is known already when the shared one is asked about.
    let mut pid = |peer: &Peer| {
        let found = everyone(&mut resolver, &end(&server), std::slice::from_ref(peer));
        process(found[&peer.id].clone()).0.pid
    };
    assert_ne!(pid(own), parent.0.id());
    assert_eq!(pid(shared), parent.0.id());
}

/// Set in the environment of this very test when it runs itself as a user who may not look at root's processes.
const AS_NOBODY: &str = "POOLTOP_TEST_HIDDEN";

#[test]
fn a_process_that_may_not_be_looked_at_is_hidden() {
    if let Ok(told) = std::env::var(AS_NOBODY) {
        let words: Vec<&str> = told.split(' ').collect();
        let [addr, laddr, server, uid] = words[..] else { panic!("{told}") };
        return assert_hidden(addr, laddr, server, uid.parse().expect("a number"));
    }
    let server = RedisServer::start(&[]);
    let port = server.port().to_string();
    // A process that wants no core of itself written may not be looked at by others of its user either.
    let connect = "import ctypes
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))";
    let _child = python_that(connect, &[&port]);
    let peer = wait_for("the client", || peers(&server).into_iter().find(|peer| !peer.unix));
    let laddr = peer.laddr.as_deref().expect("where it is connected to");
    let address = server.address().to_string();
    let us = rustix::process::geteuid();
    if !us.is_root() {
        return assert_hidden(&peer.addr, laddr, &address, us.as_raw());
    }
    let directory = tempfile::tempdir().expect("a directory");
    let copy = directory.path().join("test");
    std::fs::copy(std::env::current_exe().expect("this program"), &copy).expect("a copy of it");
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).expect("for everyone");
    let name = "a_process_that_may_not_be_looked_at_is_hidden";
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(copy)
        .args(["--exact", name])
        .env(AS_NOBODY, format!("{} {laddr} {address} 0", peer.addr))
        .current_dir("/")
        .output()
        .expect("setpriv runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn assert_hidden(addr: &str, laddr: &str, server: &str, uid: u32) {
    let mut resolver = Resolver::new();
    let reached = Reached::Tcp(server.parse().expect("an address"));
    let end = ServerEnd { reached, pid: None, direct: true };
    let peer = Peer { id: 7, addr: addr.into(), laddr: Some(laddr.into()), fd: None, unix: false };
    // The second time nobody looks through all processes again.
    for _ in 0..2 {
        assert_eq!(everyone(&mut resolver, &end, std::slice::from_ref(&peer))[&7], Whose::Hidden { uid });
    }
    // Our own is found all the same.
    let client = idle_client(server.parse().expect("an address"));
    let addr = client.local_addr().expect("its address").to_string();
    let own = Peer { addr: addr.as_str().into(), ..peer };
    assert_eq!(process(everyone(&mut resolver, &end, &[own])[&7].clone()).0.pid, std::process::id());
}
