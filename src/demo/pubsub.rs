//! Who listens to what, and messages to them.

use bytes::Bytes;

use super::client::ClientId;
use super::reply::Reply;
use super::state::State;
use crate::glob;

/// A channel's name or a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Channel,
    Pattern,
}

impl State {
    /// Adds a subscription; gives how many the client has now.
    pub(crate) fn subscribe(&mut self, id: ClientId, topic: Topic, name: &Bytes) -> usize {
        let Some(client) = self.clients.get_mut(&id) else { return 0 };
        match topic {
            Topic::Channel => {
                client.channels.insert(name.clone());
                self.channels.entry(name.clone()).or_default().insert(id);
            }
            Topic::Pattern => {
                client.patterns.insert(name.clone());
                self.patterns.entry(name.clone()).or_default().insert(id);
            }
        }
        client.subscriptions()
    }

    /// Ends a subscription, if there was one; gives how many the client still has.
    pub(crate) fn unsubscribe(&mut self, id: ClientId, topic: Topic, name: &Bytes) -> usize {
        let Some(client) = self.clients.get_mut(&id) else { return 0 };
        match topic {
            Topic::Channel => {
                client.channels.remove(name);
                if let Some(listeners) = self.channels.get_mut(name) {
                    listeners.remove(&id);
                    if listeners.is_empty() {
                        self.channels.remove(name);
                    }
                }
            }
            Topic::Pattern => {
                client.patterns.remove(name);
                if let Some(listeners) = self.patterns.get_mut(name) {
                    listeners.remove(&id);
                    if listeners.is_empty() {
                        self.patterns.remove(name);
                    }
                }
            }
        }
        client.subscriptions()
    }

    /// Ends every subscription of a client.
    pub(crate) fn unsubscribe_all(&mut self, id: ClientId) {
        let Some(client) = self.clients.get(&id) else { return };
        let channels: Vec<Bytes> = client.channels.iter().cloned().collect();
        let patterns: Vec<Bytes> = client.patterns.iter().cloned().collect();
        for name in &channels {
            self.unsubscribe(id, Topic::Channel, name);
        }
        for name in &patterns {
            self.unsubscribe(id, Topic::Pattern, name);
        }
    }

    /// Sends a message to all who listen; gives how many copies went out. The publisher's own goes into `own`, before the
    /// reply of its PUBLISH, as in Redis 7.0.
    pub(crate) fn publish(
        &mut self,
        publisher: ClientId,
        own: &mut Reply,
        channel: &Bytes,
        message: &Bytes,
    ) -> usize {
        let mut copies: Vec<(ClientId, Option<Bytes>)> =
            self.channels.get(channel).into_iter().flatten().map(|id| (*id, None)).collect();
        for (pattern, listeners) in &self.patterns {
            if glob::matches(pattern, channel) {
                copies.extend(listeners.iter().map(|id| (*id, Some(pattern.clone()))));
            }
        }
        for (id, pattern) in &copies {
            let write = |reply: &mut Reply| {
                let words = [b"message".as_ref(), b"pmessage"];
                reply.push(if pattern.is_some() { 4 } else { 3 });
                reply.bulk(words[usize::from(pattern.is_some())]);
                if let Some(pattern) = pattern {
                    reply.bulk(pattern);
                }
                reply.bulk(channel);
                reply.bulk(message);
            };
            if *id == publisher { write(own) } else { self.push_to(*id, write) }
        }
        copies.len()
    }
}
