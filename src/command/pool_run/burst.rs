//! `POOL BURST`: a command many times at once, and what came of it.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::super::output::{Outcome, Sink};
use super::super::pool_text;
use super::super::session::Session;
use super::{fail, say};
use crate::event::nanos;
use crate::pool::{CheckoutError, CommandError, CommandOptions, Ran};
use crate::text;

/// The most commands of one burst: each is a task of its own.
const MOST_AT_ONCE: u32 = 100_000;

/// How many different errors are told apart: the others are counted together.
const KINDS: usize = 10;

impl Session {
    /// Runs a command many times at once, each on a connection of its own as far as the pool has them.
    pub(super) async fn burst(&self, count: u32, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        if count > MOST_AT_ONCE {
            return fail(sink, &format!("a burst is of {MOST_AT_ONCE} commands at most")).await;
        }
        let (_, before) = self.runner.pool.status();
        let read_only = Some(self.runner.registry.is_read_only(args));
        let options = CommandOptions { read_only, ..CommandOptions::default() };
        let label = self.runner.label(args);
        let args: Arc<[Bytes]> = args.into();
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let (pool, label, args) = (self.runner.pool.clone(), label.clone(), args.clone());
            tasks.spawn(async move { pool.command_as(label, &args, options).await });
        }
        let mut tally = Tally::default();
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(outcome) => tally.add(outcome),
                // None is ever aborted, and a panic of one has been printed.
                Err(_) => tally.failed += 1,
            }
        }
        let (_, after) = self.runner.pool.status();
        say(sink, tally.text(start.elapsed(), after.opened - before.opened)).await?;
        Ok(if tally.failed + tally.error_replies == 0 { Outcome::Done } else { Outcome::Failed })
    }
}

/// How the commands of a burst went.
#[derive(Default)]
struct Tally {
    ok: u64,
    error_replies: u64,
    failed: u64,
    most_in_use: u32,
    waits: Vec<Duration>,
    round_trips: Vec<Duration>,
    /// What went wrong and how often, in the order in which it first did.
    errors: Vec<Trouble>,
    other_errors: u64,
}

/// One kind of error.
struct Trouble {
    kind: &'static str,
    /// What the first of them said.
    said: String,
    count: u64,
}

/// Errors that say with other numbers each time what is the same; others are told apart by their words.
fn kind(error: &CommandError) -> &'static str {
    match error {
        CommandError::Checkout(CheckoutError::TimedOut(_)) => "timed out",
        CommandError::Checkout(CheckoutError::Exhausted(_)) => "refused",
        _ => "",
    }
}

impl Tally {
    fn add(&mut self, outcome: Result<Ran, CommandError>) {
        match outcome {
            Ok(ran) => {
                self.waits.push(ran.waited);
                self.round_trips.push(ran.round_trip);
                self.most_in_use = self.most_in_use.max(ran.in_use);
                if let Some(said) = ran.value.error() {
                    self.error_replies += 1;
                    self.went_wrong("", text::escape(said).into_owned());
                } else {
                    self.ok += 1;
                }
            }
            Err(error) => {
                self.failed += 1;
                self.went_wrong(kind(&error), text::escape_str(&error.to_string()).into_owned());
            }
        }
    }

    fn went_wrong(&mut self, kind: &'static str, said: String) {
        let same = |known: &&mut Trouble| known.kind == kind && (!kind.is_empty() || known.said == said);
        if let Some(known) = self.errors.iter_mut().find(same) {
            known.count += 1;
        } else if self.errors.len() < KINDS {
            self.errors.push(Trouble { kind, said, count: 1 });
        } else {
            self.other_errors += 1;
        }
    }

    fn text(&mut self, whole: Duration, opened: u64) -> String {
        let mut out = String::new();
        // Writing to a String has no way to fail.
        let mut field = |name: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(out, "{name}:{value}");
        };
        field("requests", &(self.ok + self.error_replies + self.failed));
        field("ok", &self.ok);
        field("error_replies", &self.error_replies);
        field("failed", &self.failed);
        field("opened", &opened);
        field("most_in_use", &self.most_in_use);
        field("total_ms", &pool_text::millis(nanos(whole)));
        for (name, times) in [("wait", &mut self.waits), ("round_trip", &mut self.round_trips)] {
            times.sort_unstable();
            for (which, percent) in [("p50", 50), ("p95", 95), ("max", 100)] {
                let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
                if let Some(time) = times.get(at) {
                    field(&format!("{name}_{which}_ms"), &pool_text::millis(nanos(*time)));
                }
            }
        }
        for Trouble { said, count, .. } in &self.errors {
            field("error", &format_args!("{count} times: {said}"));
        }
        if self.other_errors > 0 {
            field("error", &format_args!("{} times: others", self.other_errors));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ConnId;
    use crate::resp::Value;

    fn ran(value: Value, waited: u64, round_trip: u64, in_use: u32) -> Ran {
        let ms = Duration::from_millis;
        Ran { value, conn: ConnId(1), waited: ms(waited), in_use, round_trip: ms(round_trip) }
    }

    #[test]
    fn it_says_how_many_failed_by_error_and_what_the_others_took() {
        let mut tally = Tally::default();
        for n in 1..=20 {
            tally.add(Ok(ran(Value::Simple("OK".into()), n, 100 + n, 3 + n as u32 % 2)));
        }
        tally.add(Ok(ran(Value::Error("ERR no\x1b".into()), 0, 1, 1)));
        tally.add(Err(CommandError::Busy));
        tally.add(Err(CommandError::Busy));
        let expected = "\
requests:23
ok:20
error_replies:1
failed:2
opened:5
most_in_use:4
total_ms:250.000
wait_p50_ms:10.000
wait_p95_ms:19.000
wait_max_ms:20.000
round_trip_p50_ms:110.000
round_trip_p95_ms:119.000
round_trip_max_ms:120.000
error:1 times: ERR no\\x1b
error:2 times: an earlier command on this connection still waits for its reply
";
        assert_eq!(tally.text(Duration::from_millis(250), 5), expected);
    }

    #[test]
    fn errors_without_end_are_counted_together() {
        let mut tally = Tally::default();
        for n in 0..KINDS + 7 {
            tally.add(Ok(ran(Value::Error(format!("ERR {n}").into()), 0, 1, 1)));
        }
        let text = tally.text(Duration::ZERO, 0);
        assert_eq!(text.lines().filter(|line| line.starts_with("error:")).count(), KINDS + 1);
        assert!(text.ends_with("error:7 times: others\n"), "{text}");
    }
}
