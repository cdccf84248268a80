//! The nodes of a real cluster and the members of a real Sentinel set, found from one of them.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis_pooltop::event::{Clock, Event, NodeFacts, NodeId, Tap, Timed, WatchEvent};
use redis_pooltop::net::{ConnectOptions, Endpoint};
use redis_pooltop::source::watch::{Nodes, watch_all};
use support::{RedisServer, free_port, redis_cli, wait_until};

/// Who is watched, as it was said.
#[derive(Clone, Debug, Default)]
struct Heard {
    started: BTreeMap<NodeId, NodeFacts>,
    looks: BTreeMap<NodeId, Vec<u64>>,
    stopped: Vec<NodeId>,
}

impl Heard {
    /// Those that are watched, by their ports, and how they were found.
    fn watched(&self) -> BTreeMap<u16, Option<String>> {
        let on = self.started.iter().filter(|(node, _)| !self.stopped.contains(node));
        on.map(|(_, facts)| {
            let (_, port) = facts.target.rsplit_once(':').expect("a port");
            (port.parse().expect("a number"), facts.found.clone())
        })
        .collect()
    }
}

struct Watched {
    heard: Arc<Mutex<Heard>>,
    nodes: Nodes,
}

impl Watched {
    fn start(servers: Vec<ConnectOptions>) -> Self {
        let (tap, mut events) = Tap::channel();
        let heard = Arc::<Mutex<Heard>>::default();
        let nodes = watch_all(servers, Duration::from_millis(200), tap, Clock::start());
        let hearing = heard.clone();
        tokio::spawn(async move {
            while let Some(Timed { event: Event::Watch(node, event), .. }) = events.recv().await {
                let mut heard = hearing.lock().expect("nobody panicked");
                match event {
                    WatchEvent::Started(facts) => drop(heard.started.insert(node, facts)),
                    WatchEvent::Looked(look) => drop(heard.looks.insert(node, look.ours)),
                    WatchEvent::Stopped => heard.stopped.push(node),
                    _ => {}
                }
            }
        });
        Self { heard, nodes }
    }

    fn heard(&self) -> Heard {
        self.heard.lock().expect("nobody panicked").clone()
    }

    async fn until(&self, what: &str, so: impl Fn(&Heard) -> bool) -> Heard {
        wait_until(what, async || {
            self.nodes.look_now();
            so(&self.heard())
        })
        .await;
        self.heard()
    }
}

fn options(host: &str, port: u16) -> ConnectOptions {
    ConnectOptions { endpoint: Endpoint::Tcp { host: host.to_owned(), port }, ..ConnectOptions::default() }
}

fn in_cluster_mode(start: impl Fn(&[&str]) -> RedisServer) -> (RedisServer, u16) {
    let bus = free_port();
    (start(&["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()]), bus)
}

fn meet(first: &RedisServer, other: &(RedisServer, u16)) {
    let (port, bus) = (other.0.port().to_string(), other.1.to_string());
    assert_eq!(first.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]), "OK");
}

async fn follows_a_cluster(start: impl Fn(&[&str]) -> RedisServer) {
    let (first, second, third) = (in_cluster_mode(&start), in_cluster_mode(&start), in_cluster_mode(&start));
    let ports = [first.0.port(), second.0.port(), third.0.port()];
    meet(&first.0, &second);
    // Named by another name than the cluster calls it.
    let watched = Watched::start(vec![options("localhost", ports[0])]);
    let found = Some("cluster node".to_owned());
    let two = BTreeMap::from([(ports[0], None), (ports[1], found.clone())]);
    watched.until("the second", |heard| heard.watched() == two && heard.looks.len() == 2).await;
    meet(&first.0, &third);
    let mut three = two.clone();
    three.insert(ports[2], found);
    watched.until("the third", |heard| heard.watched() == three && heard.looks.len() == 3).await;
    assert_eq!(watched.nodes.ids().len(), 3);
    // The one that is asked for the others has two connections of ours.
    let ours = |heard: &Heard| heard.looks.values().map(Vec::len).eq([2, 1, 1]);
    watched.until("its look at both", ours).await;

    let id = second.0.cli(&["CLUSTER", "MYID"]);
    assert_eq!(first.0.cli(&["CLUSTER", "FORGET", &id]), "OK");
    third.0.cli(&["CLUSTER", "FORGET", &id]);
    let left = watched.until("the second to leave", |heard| !heard.stopped.is_empty()).await;
    assert!(!left.watched().contains_key(&ports[1]), "{left:?}");
    wait_until("its connections to close", async || !second.0.cli(&["CLIENT", "LIST"]).contains("observer"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nodes_of_a_cluster_are_watched_as_they_come_and_go() {
    follows_a_cluster(RedisServer::start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_those_of_a_cluster_of_valkey() {
    follows_a_cluster(RedisServer::start_valkey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_are_named_twice_are_watched_once() {
    let (first, second) = (in_cluster_mode(RedisServer::start), in_cluster_mode(RedisServer::start));
    meet(&first.0, &second);
    let named = vec![options("localhost", first.0.port()), options("localhost", second.0.port())];
    let watched = Watched::start(named);
    let heard = watched.until("both", |heard| heard.looks.len() >= 2).await;
    assert!(heard.watched().values().all(Option::is_none), "{heard:?}");
    // Each has answered who belongs to it by now: it has two of our connections.
    let asked = |heard: &Heard| {
        [NodeId(0), NodeId(1)].iter().all(|node| heard.looks.get(node).is_some_and(|ours| ours.len() == 2))
    };
    watched.until("both to be asked", asked).await;
    watched.until("only them", |heard| heard.watched().values().all(Option::is_none)).await;
}

/// A sentinel of the test's own.
struct Sentinel {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Sentinel {
    fn start(master: u16) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("sentinel.conf");
        let port = free_port();
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor mymaster 127.0.0.1 {master} 1\n",
            directory.path().display()
        );
        fs::write(&file, settings).expect("written");
        let child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server");
        Self { child, port, _directory: directory }
    }

    fn cli(&self, words: &[&str]) -> String {
        let said = redis_cli().args(["-p", &self.port.to_string()]).args(words).output().expect("redis-cli");
        String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_sentinel_set_are_found_from_a_sentinel() {
    let master = RedisServer::start(&[]);
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &master.port().to_string()]);
    let sentinel = Sentinel::start(master.port());
    let watched = Watched::start(vec![options("127.0.0.1", sentinel.port)]);
    let member = Some("member of mymaster".to_owned());
    let all =
        BTreeMap::from([(sentinel.port, None), (master.port(), member.clone()), (replica.port(), member)]);
    // A sentinel may ask its master for replicas only ten seconds later.
    watched.until("all of them", |heard| heard.watched() == all && heard.looks.len() == 3).await;
    assert_eq!(sentinel.cli(&["SENTINEL", "REMOVE", "mymaster"]), "OK");
    watched.until("both to leave", |heard| heard.stopped.len() == 2 && heard.watched().len() == 1).await;
}
