//! What `POOL …` does.

mod burst;

use std::io;
use std::sync::Arc;

use super::builtin::PoolCall;
use super::output::{Outcome, Output, Sink};
use super::runner::Kept;
use super::session::Session;
use super::{pool_text, settings};
use crate::event::ConnId;
use crate::glob;
use crate::net::Probe;
use crate::pool::{CommandError, RedisLease};
use crate::resp::Value;
use crate::snapshot::{PoolRow, Snapshot};
use crate::text;

impl Session {
    pub(super) async fn pool_call(&mut self, call: &PoolCall, sink: &mut dyn Sink) -> io::Result<Outcome> {
        match call {
            PoolCall::Stats => self.show(sink, |_, pool| pool_text::stats(pool)).await,
            PoolCall::List => self.show(sink, pool_text::list).await,
            PoolCall::Leaks => self.show(sink, pool_text::leaks).await,
            PoolCall::Hold { count } => self.hold(*count, sink).await,
            PoolCall::Leak { count } => self.leak(*count, sink).await,
            PoolCall::Release(which) => self.release(*which, sink).await,
            PoolCall::Warmup { count } => self.warm_up(*count, sink).await,
            PoolCall::Resize { max } => {
                let settled = self.runner.pool.resize(*max);
                say(sink, format!("max {settled}")).await
            }
            PoolCall::Burst { count, args } => self.burst(*count, args, sink).await,
            PoolCall::Close(id) => self.close(*id, sink).await,
            PoolCall::Health => {
                let health = self.runner.pool.health_check().await;
                say(sink, format!("checked {}, failed {}", health.checked, health.failed)).await
            }
            PoolCall::Reset => {
                let dropped = self.runner.pool.reset();
                self.tell_taken_back(sink).await?;
                say(sink, format!("dropped {}", connections(dropped))).await
            }
            PoolCall::ConfigGet { pattern } => self.config_get(pattern, sink).await,
            PoolCall::ConfigSet { name, value } => {
                let output = match settings::set(&self.runner.pool, &self.hub, name, value) {
                    Ok(()) => Output::Reply { value: Value::Simple("OK".into()), verbatim: false },
                    Err(problem) => return fail(sink, &problem).await,
                };
                sink.push(output).await?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Shows a text made of a snapshot taken now, so that it has everything that was done before it.
    async fn show(
        &self,
        sink: &mut dyn Sink,
        text: impl FnOnce(&Snapshot, &PoolRow) -> String,
    ) -> io::Result<Outcome> {
        let snapshot = self.hub.sync().await;
        let Some(pool) = snapshot.pools.iter().find(|pool| pool.id == self.runner.pool.id()) else {
            return fail(sink, "nothing is known of the pool yet").await;
        };
        say(sink, text(&snapshot, pool)).await
    }

    /// Takes connections one after the other. What was taken before one failed is handed out too.
    async fn take(&self, label: &str, count: u32) -> (Vec<RedisLease>, Option<CommandError>) {
        let label: Arc<str> = label.into();
        let mut taken = Vec::new();
        for _ in 0..count {
            match self.runner.pool.checkout_at_once(label.clone()).await {
                Ok(lease) => taken.push(lease),
                Err(error) => return (taken, Some(error.into())),
            }
        }
        (taken, None)
    }

    /// Why so many connections can never come: what this session has itself comes back only when it says so.
    fn out_of_reach(&self, count: u32) -> Option<String> {
        let mine = self.kept_ids().len() + self.lost.lock().len();
        let max = self.runner.pool.config().max;
        let left = max.saturating_sub(u32::try_from(mine).unwrap_or(u32::MAX));
        let what = match mine {
            0 => format!("max is {max}"),
            1 => format!("max is {max} and 1 is held here"),
            _ => format!("max is {max} and {mine} are held here"),
        };
        match left {
            _ if count <= left => None,
            0 => Some(format!("{what}: give one back with POOL RELEASE or POOL RESET")),
            _ => Some(format!("{what}: ask for at most {left}")),
        }
    }

    async fn hold(&mut self, count: u32, sink: &mut dyn Sink) -> io::Result<Outcome> {
        self.let_go_of_taken_back();
        if let Some(problem) = self.out_of_reach(count) {
            return fail(sink, &problem).await;
        }
        let (taken, error) = self.take(&by_hand(count), count).await;
        let ids = taken.iter().map(RedisLease::id).collect::<Vec<_>>();
        let home = self.runner.home;
        taken.iter().for_each(RedisLease::stays);
        let held = taken.into_iter().map(|lease| (lease.id(), Kept::held(lease, home)));
        self.held.lock().extend(held);
        if !ids.is_empty() {
            say(sink, format!("holds {}", list(&ids))).await?;
        }
        self.ended(error, sink).await
    }

    async fn leak(&mut self, count: u32, sink: &mut dyn Sink) -> io::Result<Outcome> {
        self.let_go_of_taken_back();
        if let Some(problem) = self.out_of_reach(count) {
            return fail(sink, &problem).await;
        }
        let (taken, error) = self.take(&format!("POOL LEAK {count}"), count).await;
        let ids = taken.iter().map(RedisLease::id).collect::<Vec<_>>();
        self.lost.lock().extend(taken);
        if !ids.is_empty() {
            let threshold = text::duration(self.hub.options().leak_threshold);
            say(
                sink,
                format!(
                    "leaked {}: the lint abandoned tells it at once, leak after {threshold}; POOL RESET takes it back",
                    list(&ids)
                ),
            )
            .await?;
        }
        self.ended(error, sink).await
    }

    /// Lets go of what the pool has taken back, and says what went with it that a person may count on.
    async fn tell_taken_back(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        match self.let_go_of_taken_back() {
            Some(loss) => sink.push(Output::Note(loss)).await,
            None => Ok(()),
        }
    }

    async fn ended(&self, error: Option<CommandError>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        match error {
            None => Ok(Outcome::Done),
            Some(error) => self.runner.failed(&error, sink).await,
        }
    }

    async fn release(&mut self, which: Option<ConnId>, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let ids = match which {
            Some(id) => vec![id],
            None => self.kept_ids(),
        };
        if ids.is_empty() {
            // The connection of a SELECT may be gone, and its database not.
            if let Some(home) = self.go_home() {
                return say(sink, format!("back in database {home}")).await;
            }
            return say(sink, "nothing is held").await;
        }
        let mut released = Vec::new();
        for id in ids {
            let Some(mut kept) = self.take_kept(id) else {
                return fail(sink, &format!("{id} is not held here: POOL LIST shows who has it")).await;
            };
            // What a transaction or another database left on it is nobody else's: the pool closes it.
            let dead = kept.mourned || kept.is_dead();
            let why = match kept.lease.probe() {
                probe if dead || probe == Probe::Closed => {
                    Some("dropped, not returned: the server had closed it")
                }
                Probe::Unread(_) => Some("closed, not returned: something came on it that nobody asked for"),
                Probe::Closed | Probe::Quiet => None,
            };
            if let Some(why) = why {
                sink.push(Output::Note(format!("{id} is {why}"))).await?;
            } else if let Some(pin) = kept.pin() {
                let closed = format!("{id} is closed, not returned: it was in {pin}");
                sink.push(Output::Note(closed)).await?;
            } else {
                released.push(id);
            }
        }
        if released.is_empty() {
            return Ok(Outcome::Done);
        }
        say(sink, format!("released {}", list(&released))).await
    }

    async fn warm_up(&self, count: u32, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let max = self.runner.pool.config().max;
        if count > max {
            return fail(sink, &format!("max is {max}: ask for at most {max}, or raise it with POOL RESIZE"))
                .await;
        }
        let warmed = self.runner.pool.warmup(count).await;
        say(sink, format!("opened {}", connections(warmed.opened as usize))).await?;
        match warmed.error {
            None => Ok(Outcome::Done),
            Some(error) => {
                fail(sink, &error.to_string()).await?;
                Ok(Outcome::NoConnection)
            }
        }
    }

    async fn close(&mut self, id: ConnId, sink: &mut dyn Sink) -> io::Result<Outcome> {
        if !self.runner.pool.close_connection(id) {
            return fail(sink, &format!("the pool has no connection {id}: POOL LIST shows those it has"))
                .await;
        }
        self.tell_taken_back(sink).await?;
        let rows = self.jobs().rows();
        let Some(job) = rows.into_iter().find(|job| job.conn == Some(id)) else {
            return say(sink, format!("closed {id}")).await;
        };
        self.jobs().end(job.number);
        self.jobs().over(job.number).await;
        say(sink, format!("closed {id}, and ended job {} on it", job.number)).await
    }

    async fn config_get(&self, pattern: &str, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let pattern = pattern.to_ascii_lowercase();
        let found = settings::all(&self.runner.pool, &self.hub)
            .into_iter()
            .filter(|(name, _)| glob::matches(pattern.as_bytes(), name.as_bytes()))
            .flat_map(|(name, value)| [Value::Bulk(name.into()), Value::Bulk(value.into())])
            .collect();
        sink.push(Output::Reply { value: Value::Array(found), verbatim: false }).await?;
        Ok(Outcome::Done)
    }
}

async fn say(sink: &mut dyn Sink, text: impl Into<String>) -> io::Result<Outcome> {
    sink.push(Output::text(text)).await?;
    Ok(Outcome::Done)
}

async fn fail(sink: &mut dyn Sink, problem: &str) -> io::Result<Outcome> {
    sink.push(Output::error(problem)).await?;
    Ok(Outcome::Failed)
}

/// What is said of holders that are a person, who has nothing under way that could fail.
pub const BY_HAND: &str = "(by hand)";

/// Who holds what `POOL HOLD` took: a person, and on purpose.
fn by_hand(count: u32) -> String {
    format!("POOL HOLD {count} {BY_HAND}")
}

fn list(ids: &[ConnId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}
