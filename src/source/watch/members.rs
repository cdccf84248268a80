//! Asking a server which others belong to it: the nodes of its cluster, or the members of the sets it is a sentinel of.

use super::super::asking::{Silence, info_text, said};
use super::Mode;
use super::lists::{Listed, cluster_nodes, cluster_slots, members};
use crate::event::Refused;
use crate::net::{ConnectOptions, Connection, Endpoint};
use crate::resp::{Caps, Value};

/// A list of some thousand nodes.
const CAPS: Caps = Caps { bulk: 1 << 20, items: 1 << 16, depth: 8, line: 64 << 10, bytes: 8 << 20 };

/// Sets of one sentinel that are asked about.
const SETS: usize = 64;

/// Another server, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) endpoint: Endpoint,
    pub(super) how: String,
}

/// What a server says of who belongs to it.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) others: Vec<Found>,
    /// How the others call the one that was asked.
    pub(super) own: Vec<Endpoint>,
}

/// A connection to ask by.
pub(super) struct Asking {
    connection: Connection,
    options: ConnectOptions,
    mode: Mode,
}

impl Asking {
    pub(super) async fn open(options: &ConnectOptions, mode: Mode) -> Result<Self, Silence> {
        let mut connection = Connection::open(options).await?;
        connection.set_caps(CAPS);
        Ok(Self { connection, options: options.clone(), mode })
    }

    /// The server's number for the connection.
    pub(super) fn id(&self) -> Option<u64> {
        self.connection.server_id()
    }

    /// Who belongs to the server now; `Err` of a refusal leaves things as they are.
    pub(super) async fn ask(&mut self) -> Result<Result<Members, Refused>, Silence> {
        match self.mode {
            Mode::Alone => Ok(Ok(Members::default())),
            Mode::Cluster => self.cluster().await,
            Mode::Sentinel => self.sets().await,
        }
    }

    async fn call(&mut self, words: &[&str]) -> Result<Value, Silence> {
        self.connection.call(words).await.map_err(|error| Silence::broken(&self.options, error))
    }

    async fn cluster(&mut self) -> Result<Result<Members, Refused>, Silence> {
        let answer = self.call(&["CLUSTER", "NODES"]).await?;
        let refused = match info_text(answer, CAPS.bulk) {
            Ok(text) => {
                return Ok(Ok(in_cluster(cluster_nodes(&text, self.options.tls.is_some()))));
            }
            Err(answer) => refused("CLUSTER NODES", "+cluster|nodes", &answer),
        };
        let slots = self.call(&["CLUSTER", "SLOTS"]).await?;
        Ok(if slots.error().is_some() { Err(refused) } else { Ok(in_cluster(cluster_slots(&slots))) })
    }

    async fn sets(&mut self) -> Result<Result<Members, Refused>, Silence> {
        let masters = self.call(&["SENTINEL", "MASTERS"]).await?;
        if masters.error().is_some() {
            return Ok(Err(refused("SENTINEL MASTERS", "+sentinel|masters", &masters)));
        }
        let mut found = Members::default();
        for master in members(&masters).into_iter().take(SETS) {
            let set = &master.name;
            found.add(master.endpoint, format!("member of {set}"));
            let mut replicas = self.call(&["SENTINEL", "REPLICAS", set]).await?;
            if replicas.error().is_some() {
                // What it was called before Redis 5.
                replicas = self.call(&["SENTINEL", "SLAVES", set]).await?;
            }
            let sentinels = self.call(&["SENTINEL", "SENTINELS", set]).await?;
            for one in members(&replicas) {
                found.add(one.endpoint, format!("member of {set}"));
            }
            for one in members(&sentinels) {
                found.add(one.endpoint, format!("sentinel of {set}"));
            }
        }
        Ok(Ok(found))
    }
}

impl Members {
    fn add(&mut self, endpoint: Endpoint, how: String) {
        if self.others.iter().all(|known| known.endpoint != endpoint) {
            self.others.push(Found { endpoint, how });
        }
    }
}

fn in_cluster(nodes: Vec<Listed>) -> Members {
    let mut members = Members::default();
    for node in nodes {
        if node.is_self {
            members.own.push(node.endpoint);
        } else {
            members.add(node.endpoint, "cluster node".to_owned());
        }
    }
    members
}

fn refused(command: &str, rule: &str, answer: &Value) -> Refused {
    let error = answer.error().map_or_else(|| "the answer is no list".to_owned(), said);
    let rule = error.starts_with("NOPERM").then(|| rule.to_owned());
    Refused { command: command.to_owned(), error: format!("{command} was refused ({error})"), rule }
}
