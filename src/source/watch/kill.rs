//! Having the server close clients.

use std::sync::Arc;

use super::super::asking::said;
use super::own::Own;
use crate::event::Exact;
use crate::net::{ConnectOptions, Connection};
use crate::resp::Value;

/// How many are asked for at once. A server looks through all of its clients for each, and others must get their turns.
const AT_ONCE: usize = 64;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// Clients that the server closed.
    pub killed: u64,
    /// Clients that were gone before.
    pub gone: u64,
    /// This program's own connections, which were left alone.
    pub ours: u64,
    /// Why it went no further, in one sentence.
    pub error: Option<String>,
}

pub(super) async fn kill(options: ConnectOptions, own: Arc<Own>, clients: Vec<Exact>) -> Killed {
    let mut killed = Killed::default();
    let mut connection = match Connection::open(&options).await {
        Ok(connection) => connection,
        Err(error) => return Killed { error: Some(error.to_string()), ..killed },
    };
    let _ours = connection.server_id().map(|id| own.opened(id));
    let ours = own.ids();
    let (mine, others): (Vec<Exact>, Vec<Exact>) =
        clients.into_iter().partition(|client| ours.contains(&client.id));
    killed.ours = mine.len() as u64;
    for clients in others.chunks(AT_ONCE) {
        let ids: Vec<(String, &str)> =
            clients.iter().map(|client| (client.id.to_string(), &*client.addr)).collect();
        // Since the list came the server may be another, by a restart or behind the same address: the id alone would be
        // somebody else there.
        let commands: Vec<[&str; 6]> =
            ids.iter().map(|(id, addr)| ["CLIENT", "KILL", "ID", id, "ADDR", addr]).collect();
        let answered = connection.call_all(&commands, |answer| killed.count(&answer)).await;
        if let Err(error) = answered {
            killed.error = Some(format!("{}: {error}", options.target()));
        }
        if killed.error.is_some() {
            break;
        }
    }
    killed
}

impl Killed {
    fn count(&mut self, answer: &Value) {
        match answer.integer() {
            Some(0) => self.gone += 1,
            Some(_) => self.killed += 1,
            None => {
                let said = answer.error().map_or_else(|| "something that is no number".to_owned(), said);
                let rule = if said.starts_with("NOPERM") {
                    ": give this user the ACL rule +client|kill"
                } else {
                    ""
                };
                self.error = Some(format!("CLIENT KILL was refused{rule} ({said})"));
            }
        }
    }
}
