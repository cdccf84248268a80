//! What `POOL …` does.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::builtin::PoolCall;
use super::output::{Outcome, Output, Sink};
use super::runner::Kept;
use super::session::Session;
use super::{pool_text, settings};
use crate::event::{ConnId, nanos};
use crate::glob;
use crate::pool::{CommandError, CommandOptions, RedisLease};
use crate::resp::Value;
use crate::snapshot::{PoolRow, Snapshot};
use crate::text;

/// The most commands of one burst: each is a task of its own.
const MOST_AT_ONCE: u32 = 100_000;

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
                self.let_go_of_taken_back();
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
            match self.runner.pool.checkout_as(label.clone()).await {
                Ok(lease) => taken.push(lease),
                Err(error) => return (taken, Some(error.into())),
            }
        }
        (taken, None)
    }

    async fn hold(&mut self, count: u32, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let (taken, error) = self.take(&format!("POOL HOLD {count}"), count).await;
        let ids = taken.iter().map(RedisLease::id).collect::<Vec<_>>();
        let home = self.runner.home;
        self.held.extend(taken.into_iter().map(|lease| (lease.id(), Kept::new(lease, home))));
        if !ids.is_empty() {
            say(sink, format!("holds {}", list(&ids))).await?;
        }
        self.ended(error, sink).await
    }

    async fn leak(&mut self, count: u32, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let (taken, error) = self.take(&format!("POOL LEAK {count}"), count).await;
        let ids = taken.iter().map(RedisLease::id).collect::<Vec<_>>();
        self.lost.extend(taken);
        if !ids.is_empty() {
            let threshold = text::duration(self.hub.options().leak_threshold);
            say(
                sink,
                format!("leaked {}: called a leak after {threshold}; POOL RESET takes it back", list(&ids)),
            )
            .await?;
        }
        self.ended(error, sink).await
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
            return say(sink, "nothing is held").await;
        }
        let mut released = Vec::new();
        for id in ids {
            let Some(kept) = self.take_kept(id) else {
                return fail(sink, &format!("{id} is not held here: POOL LIST shows who has it")).await;
            };
            // What a transaction or another database left on it is nobody else's: the pool closes it.
            if let Some(pin) = kept.pin() {
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
        self.let_go_of_taken_back();
        // A job that waits for its reply hears of it only now: until then the connection would stay.
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

    /// Runs a command many times at once, each on a connection of its own as far as the pool has them.
    async fn burst(&self, count: u32, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        if count > MOST_AT_ONCE {
            return fail(sink, &format!("a burst is of {MOST_AT_ONCE} commands at most")).await;
        }
        let (_, before) = self.runner.pool.status();
        let options =
            CommandOptions { read_only: Some(self.runner.registry.is_read_only(args)), limit: None };
        let label = self.runner.label(args);
        let args: Arc<[Bytes]> = args.into();
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (pool, label, args) = (self.runner.pool.clone(), label.clone(), args.clone());
            tasks.spawn(async move {
                let asked = Instant::now();
                let outcome = pool.command_as(label, &args, options).await;
                (asked.elapsed(), outcome)
            });
        }
        let mut tally = Tally::default();
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok((took, outcome)) => tally.add(took, outcome.map(|ran| ran.value)),
                // None is ever aborted, and a panic of one has been printed.
                Err(_) => tally.failed += 1,
            }
        }
        let (_, after) = self.runner.pool.status();
        say(sink, tally.text(start.elapsed(), after.opened - before.opened)).await?;
        Ok(if tally.failed + tally.errors == 0 { Outcome::Done } else { Outcome::Failed })
    }
}

/// How the commands of a burst went.
#[derive(Default)]
struct Tally {
    took: Vec<Duration>,
    errors: u32,
    failed: u32,
    first: Option<String>,
}

impl Tally {
    fn add(&mut self, took: Duration, outcome: Result<Value, CommandError>) {
        self.took.push(took);
        match outcome {
            Ok(Value::Error(said)) => {
                self.errors += 1;
                self.first.get_or_insert_with(|| text::escape(&said).into_owned());
            }
            Ok(_) => {}
            Err(error) => {
                self.failed += 1;
                self.first.get_or_insert_with(|| text::escape_str(&error.to_string()).into_owned());
            }
        }
    }

    fn text(&mut self, whole: Duration, opened: u64) -> String {
        self.took.sort_unstable();
        let count = self.took.len();
        let of = |percent: usize| {
            let at = (count * percent).div_ceil(100).saturating_sub(1);
            self.took.get(at).map_or_else(|| "–".to_owned(), |took| pool_text::millis(nanos(*took)))
        };
        let ok = count as u64 - u64::from(self.errors) - u64::from(self.failed);
        let mut out = format!(
            "ok:{ok}\nerror_replies:{}\nfailed:{}\nopened:{opened}\ntotal_ms:{}\np50_ms:{}\np95_ms:{}\np99_ms:{}\nmax_ms:{}\n",
            self.errors,
            self.failed,
            pool_text::millis(nanos(whole)),
            of(50),
            of(95),
            of(99),
            of(100),
        );
        if let Some(first) = &self.first {
            // Writing to a String has no way to fail.
            let _ = writeln!(out, "first_error:{first}");
        }
        out
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

fn list(ids: &[ConnId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}
