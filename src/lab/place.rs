//! Where an experiment runs: a server, a watched hub, the room there is, and what must be gone afterwards.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Trouble;
use super::keys;
use crate::hub::Hub;
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::Value;

/// Keys end by themselves after so many seconds, should nobody be left to delete them.
pub(super) const KEY_SECONDS: &str = "300";

/// Descriptors that the rest of the program may need meanwhile.
const SPARE: u64 = 16;

/// More descriptors than any experiment needs are not asked of the system.
const MOST: u64 = 16_384;

/// What a server says of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// How many there are.
    pub(crate) now: u64,
    /// How many it takes, where it tells.
    pub(crate) max: Option<u64>,
}

/// Where an experiment runs.
pub(crate) struct Place {
    pub(crate) connect: ConnectOptions,
    pub(crate) hub: Hub,
    prefix: String,
    keys: Mutex<BTreeSet<String>>,
    /// Apart from every pool.
    desk: tokio::sync::Mutex<Connection>,
}

impl Place {
    /// On the server that these options name. What its pools do is told to `hub`.
    pub(crate) async fn open(connect: ConnectOptions, hub: Hub) -> Result<Self, Trouble> {
        let observer = ConnectOptions { client_name: Some(OBSERVER.to_owned()), ..connect.clone() };
        let desk = tokio::sync::Mutex::new(Connection::open(&observer).await?);
        let tag = unguessable();
        // All its connections are known by their name.
        let connect =
            ConnectOptions { client_name: Some(format!("redis-pooltop-lab-{}", &tag[..12])), ..connect };
        let (prefix, keys) = (format!("redis-pooltop:lab:{tag}:"), Mutex::default());
        Ok(Self { connect, hub, prefix, keys, desk })
    }

    /// The name of a key of this run's own.
    pub(crate) fn key(&self, name: &str) -> String {
        let key = format!("{}{name}", self.prefix);
        self.keys.lock().insert(key.clone());
        key
    }

    /// A command outside of every pool.
    pub(crate) async fn ask(&self, args: &[&str]) -> Result<Value, Trouble> {
        let reply = self.desk.lock().await.call(args).await;
        match reply.map_err(|error| Trouble::Failed(format!("{}: {error}", args[0])))? {
            Value::Error(text) => {
                let said = crate::text::escape(&text).into_owned();
                Err(Trouble::Failed(format!("{}: {said}", args[0])))
            }
            value => Ok(value),
        }
    }

    /// Sets a key of this run's own.
    pub(crate) async fn set(&self, name: &str, value: &str) -> Result<String, Trouble> {
        let key = self.key(name);
        self.ask(&["SET", &key, value, "EX", KEY_SECONDS]).await?;
        Ok(key)
    }

    /// How many clients the server has, and takes.
    pub(crate) async fn clients(&self) -> Result<Clients, Trouble> {
        let info = text_of(&self.ask(&["INFO", "clients"]).await?);
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|value| value.trim().parse().ok())
        };
        let max = match field("maxclients") {
            Some(max) => Some(max),
            // Before Redis 7 INFO did not tell, and many may not ask for the setting.
            None => self.setting("maxclients").await,
        };
        Ok(Clients { now: field("connected_clients").unwrap_or_default(), max })
    }

    async fn setting(&self, name: &str) -> Option<u64> {
        match self.ask(&["CONFIG", "GET", name]).await.ok()? {
            Value::Array(pair) => text_of(pair.get(1)?).parse().ok(),
            Value::Map(pairs) => text_of(&pairs.first()?.1).parse().ok(),
            _ => None,
        }
    }

    /// How many connections of this run the server has.
    pub(crate) async fn mine(&self) -> Result<u64, Trouble> {
        let name = format!(" name={} ", self.connect.client_name.as_deref().unwrap_or_default());
        let list = text_of(&self.ask(&["CLIENT", "LIST"]).await?);
        Ok(list.lines().filter(|line| line.contains(&name)).count() as u64)
    }

    /// Whether there is room for so many connections, and so many descriptors.
    pub(crate) async fn has_room(&self, connections: u64, descriptors: u64) -> Result<(), Trouble> {
        let allowed = allowed();
        let used = used();
        if used + descriptors + SPARE > allowed {
            let needs = descriptors + SPARE;
            return Err(Trouble::NoRoom(format!(
                "it needs {needs} file descriptors beside the {used} in use, and {allowed} are allowed: `ulimit -n {}`",
                used + needs
            )));
        }
        let clients = self.clients().await?;
        if let Some(max) = clients.max.filter(|max| clients.now + connections > *max) {
            let now = clients.now;
            return Err(Trouble::NoRoom(format!(
                "it needs {connections} clients beside the {now} connected, and the server's maxclients is {max}"
            )));
        }
        Ok(())
    }

    /// Finds out, before anything is measured, whether keys can be made here and go again; why it cannot be run, if not. A
    /// name nobody has is asked to go first: what cannot be taken away is not made.
    pub(crate) async fn may_write(&self) -> Result<(), Trouble> {
        let key = format!("{}may-write", self.prefix);
        let mut desk = self.desk.lock().await;
        let stays = |refusal| Trouble::NoRoom(format!("it may not delete its keys here: {refusal}"));
        keys::take_away(&mut desk, &key).await?.map_err(stays)?;
        self.keys.lock().insert(key.clone());
        let made = keys::said(&mut desk, &["SET", &key, "", "EX", KEY_SECONDS]).await?;
        if made.is_ok() {
            keys::take_away(&mut desk, &key).await?.map_err(stays)?;
        }
        self.keys.lock().remove(&key);
        made.map_err(|refusal| Trouble::NoRoom(format!("it may not write keys here: {refusal}")))
    }

    /// Deletes every key of this run.
    pub(crate) async fn clean(&self) -> Result<(), Trouble> {
        let keys: Vec<String> = std::mem::take(&mut *self.keys.lock()).into_iter().collect();
        if keys.is_empty() {
            return Ok(());
        }
        // On a connection of its own: the other may have been left in the middle of a reply.
        let options = ConnectOptions { client_name: Some(OBSERVER.to_owned()), ..self.connect.clone() };
        keys::remove(&options, keys).await
    }
}

/// 128 bits from the system's random numbers, in hex: nobody has keys by that name, nor can make some beforehand.
fn unguessable() -> String {
    let half = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", half(), half())
}

/// The text of a reply.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Verbatim { text, .. } => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    }
}

/// How many descriptors the system allows, after asking for as many as it ever will.
fn allowed() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(MOST).min(MOST);
    if limit.current.is_some_and(|current| current < wanted) {
        // Where it refuses, what there is must do.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(MOST)
}

/// How many are in use, where the system tells.
fn used() -> u64 {
    std::fs::read_dir("/dev/fd").map_or(0, |open| open.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_long_and_never_the_same() {
        let (one, other) = (unguessable(), unguessable());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
        assert_ne!(one[..16], one[16..]);
    }
}
