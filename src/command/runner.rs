//! Sends commands: on one connection from the pool each, or one after the other on a connection that is kept.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::event::ConnId;
use crate::net::Mode;
use crate::pool::{CheckoutError, CommandError, CommandOptions, RedisLease, RedisPool};
use crate::resp::Value;
use crate::resp::print::is_verbatim;
use crate::text;

use super::Registry;
use super::monitor::{Asker, Monitor};
use super::output::{Outcome, Output, Sink, Took};
use super::secret::{MASK, open_words};
use super::spec::ArgKind;

/// How wide a holder's label may be in a table.
const LABEL_COLUMNS: usize = 40;

/// Everything it takes to run a command: cheap to clone, for jobs.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) pool: RedisPool,
    pub(super) registry: Arc<Registry>,
    /// The database of the pool's connections.
    pub(super) home: u32,
    /// Where the server is asked how it is from, beside the pool, when somebody does.
    pub(super) asker: Option<Asker>,
}

/// A lease that outlives one command.
pub(super) struct Kept {
    pub(super) lease: RedisLease,
    home: u32,
    /// A command that ran on it changed who it is or how it speaks, in ways that another connection cannot take over.
    pub(super) changed: bool,
    pub(super) whose: Whose,
    /// Its holder was told that the server closed it.
    pub(super) mourned: bool,
}

/// Whose a kept connection is: what is said when it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A command's or a job's, from its first to its last: that it failed says all.
    Passing,
    /// The session's own: its database outlives it.
    Own,
    /// A person's, who knows it by its number.
    Held,
}

/// What is left of the connection on which a first command was to run.
pub(super) enum First {
    /// It ran there.
    Ran(Kept),
    /// There is none, or it broke.
    Gone,
    /// The database cannot be selected, which has been said.
    NoDatabase,
}

impl Kept {
    pub(super) fn new(lease: RedisLease, home: u32) -> Self {
        Self { lease, home, changed: false, whose: Whose::Passing, mourned: false }
    }

    /// One that a person took.
    pub(super) fn held(lease: RedisLease, home: u32) -> Self {
        Self { whose: Whose::Held, ..Self::new(lease, home) }
    }

    /// What is said of its end with a command that found it broken, if anything.
    fn epitaph(&self, pin: Option<&str>) -> Option<String> {
        let id = self.id();
        match pin {
            Some("SELECT") if self.whose == Whose::Own => Some(format!(
                "connection {id} is gone: commands take another, in database {}",
                self.database()
            )),
            Some(pin) => Some(format!("connection {id} is gone, and its {pin} with it")),
            None => (self.whose == Whose::Held)
                .then(|| format!("connection {id} is gone: POOL HOLD takes another")),
        }
    }

    /// A job may run beside it on another connection and mean the same: nothing but the database and watched keys sets
    /// this one apart.
    pub(super) fn leaves_jobs_alone(&self) -> bool {
        !self.changed && matches!(self.pin(), None | Some("SELECT" | "WATCH"))
    }

    pub(super) fn id(&self) -> ConnId {
        self.lease.id()
    }

    /// The database in use.
    pub(super) fn database(&self) -> u32 {
        self.lease.session_state().database
    }

    /// Between MULTI and EXEC.
    pub(super) fn in_multi(&self) -> bool {
        self.lease.session_state().in_multi
    }

    /// What its commands have left on it that nobody else may inherit: the word the panes show. `None` when it is as
    /// good as new.
    pub(super) fn pin(&self) -> Option<&'static str> {
        let state = self.lease.session_state();
        match state {
            _ if state.in_multi => Some("MULTI"),
            _ if state.watching => Some("WATCH"),
            _ if state.database != self.home => Some("SELECT"),
            _ => self.lease.taint(),
        }
    }
}

/// Whether a command may leave something on its connection that later commands rely on.
pub(super) fn may_pin(args: &[impl AsRef<[u8]>]) -> bool {
    let is = |at: usize, words: &[&str]| {
        args.get(at)
            .is_some_and(|arg| words.iter().any(|word| arg.as_ref().eq_ignore_ascii_case(word.as_bytes())))
    };
    is(0, &["MULTI", "WATCH", "SELECT", "AUTH", "HELLO", "RESET", "READONLY", "READWRITE", "ASKING"])
        || is(0, &["CLIENT"])
            && is(1, &["SETNAME", "SETINFO", "REPLY", "TRACKING", "CACHING", "NO-EVICT", "NO-TOUCH"])
}

/// Whether a command changes more of its connection than a transaction, watched keys or the database.
fn changes_connection(args: &[Bytes]) -> bool {
    may_pin(args) && Registry::pins(args).is_none()
}

impl Runner {
    /// Whether a command waits for the server as long as it likes, or never ends by itself.
    pub(super) fn waits_at_will(&self, args: &[Bytes]) -> bool {
        Registry::streams(args) || self.registry.is_blocking(args)
    }

    /// A command on a connection of its own.
    pub(super) async fn once(&self, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        if Registry::streams(args) {
            return Ok(self.first(args, self.home, sink).await?.0);
        }
        let options = CommandOptions {
            read_only: Some(self.registry.is_read_only(args)),
            limit: self.registry.is_blocking(args).then_some(None),
            at_once: true,
        };
        match self.pool.command_as(self.label(args), args, options).await {
            Ok(ran) => {
                let took = Took { conn: ran.conn, wait: Some(ran.waited), round_trip: ran.round_trip };
                self.answered(args, ran.value, took, sink).await
            }
            Err(error) => self.failed(&error, sink).await,
        }
    }

    /// A command on a fresh lease and in a database, which stays with the caller while it is of use.
    pub(super) async fn first(
        &self,
        args: &[Bytes],
        database: u32,
        sink: &mut dyn Sink,
    ) -> io::Result<(Outcome, First)> {
        let asked = Instant::now();
        let mut lease = match self.pool.checkout_at_once(self.label(args)).await {
            Ok(lease) => lease,
            Err(error) => return Ok((self.no_connection(error.into(), args, sink).await?, First::Gone)),
        };
        if database != self.home {
            match lease.command(&[&b"SELECT"[..], database.to_string().as_bytes()]).await {
                Ok(value) if value.error().is_none() => {}
                Ok(value) => {
                    sink.push(Output::Reply { value, verbatim: false }).await?;
                    return Ok((Outcome::Failed, First::NoDatabase));
                }
                Err(error) => return Ok((self.failed(&error, sink).await?, First::Gone)),
            }
        }
        let kept = Kept::new(lease, self.home);
        let (outcome, kept) = self.on(kept, args, Some(asked.elapsed()), sink).await?;
        Ok((outcome, kept.map_or(First::Gone, First::Ran)))
    }

    /// A command on a connection that is kept. It comes back unless it broke.
    pub(super) async fn on(
        &self,
        mut kept: Kept,
        args: &[Bytes],
        wait: Option<Duration>,
        sink: &mut dyn Sink,
    ) -> io::Result<(Outcome, Option<Kept>)> {
        if Registry::streams(args) && !kept.in_multi() {
            return Ok((self.stream(kept, args, sink).await?, None));
        }
        let pin = kept.pin();
        let sent = Instant::now();
        let result = if self.registry.is_blocking(args) && !kept.in_multi() {
            kept.lease.command_within(args, None).await
        } else {
            kept.lease.command(args).await
        };
        let error = match result {
            Ok(value) => {
                let took = Took { conn: kept.id(), wait, round_trip: sent.elapsed() };
                kept.lease.pin(kept.pin().map(Arc::from));
                kept.lease.tell();
                let reset = args.first().is_some_and(|name| name.eq_ignore_ascii_case(b"RESET"));
                kept.changed = !reset && (kept.changed || changes_connection(args));
                for push in kept.lease.take_pushes() {
                    sink.push(Output::Reply { value: push, verbatim: false }).await?;
                }
                let accepted = value == Value::Simple("OK".into());
                let outcome = self.answered(args, value, took, sink).await?;
                if accepted {
                    self.learn_login(args, sink).await?;
                }
                return Ok((outcome, Some(kept)));
            }
            // Asked for, and no failure: redis-cli prints nothing either.
            Err(CommandError::NoReply) => return Ok((Outcome::Done, Some(kept))),
            Err(error) => error,
        };
        let outcome = self.failed(&error, sink).await?;
        if let Some(lost) = kept.epitaph(pin) {
            sink.push(Output::Note(lost)).await?;
        }
        Ok((outcome, None))
    }

    /// Shows what keeps coming, until the connection ends or the future is dropped. Either way the connection is of
    /// no use to anybody else.
    async fn stream(&self, mut kept: Kept, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<Outcome> {
        let name = String::from_utf8_lossy(&args[0]).to_uppercase();
        kept.lease.pin(Some(Arc::from(text::escape_str(&name))));
        kept.lease.begin_stream(args);
        if let Err(error) = kept.lease.flush().await {
            return self.failed(&kept.lease.explain(error), sink).await;
        }
        sink.push(Output::Streaming).await?;
        let mut own = self.asker.as_ref().filter(|_| name == "MONITOR").map(Monitor::beside);
        loop {
            match kept.lease.receive().await {
                Ok(value) => {
                    let refused = matches!(value, Value::Error(_)) && kept.lease.mode() == Mode::Normal;
                    if let Some(own) = own.as_mut().filter(|_| !refused) {
                        if own.asked(&value) {
                            continue;
                        }
                        if let Some(words) = own.note() {
                            sink.push(Output::Note(words)).await?;
                        }
                    }
                    sink.push(Output::Reply { value, verbatim: false }).await?;
                    if refused {
                        return Ok(Outcome::Failed);
                    }
                }
                Err(error) => return self.failed(&kept.lease.explain(error), sink).await,
            }
        }
    }

    async fn answered(
        &self,
        args: &[Bytes],
        value: Value,
        took: Took,
        sink: &mut dyn Sink,
    ) -> io::Result<Outcome> {
        let outcome = if value.error().is_some() { Outcome::Failed } else { Outcome::Done };
        sink.push(Output::Took(took)).await?;
        sink.push(Output::Reply { value, verbatim: is_verbatim(args) }).await?;
        Ok(outcome)
    }

    /// Says why there is no reply.
    pub(super) async fn failed(&self, error: &CommandError, sink: &mut dyn Sink) -> io::Result<Outcome> {
        sink.push(Output::error(error)).await?;
        Ok(match error {
            CommandError::Checkout(CheckoutError::Connect(_)) => Outcome::NoConnection,
            _ => Outcome::Failed,
        })
    }

    /// Who holds the connection, as tables show it: the command and its first key, never a value, nor a word that may be
    /// a password.
    pub(super) fn label(&self, args: &[Bytes]) -> Arc<str> {
        let table = self.registry.table();
        let spec = table.find(args);
        let open = if spec.is_some() || is_name(args) { open_words(args) } else { 0 };
        let words = spec.map_or(1, super::spec::Spec::words).min(args.len());
        let mut label = String::new();
        for word in &args[..words.min(open)] {
            label.push_str(&text::escape(word).to_uppercase());
            label.push(' ');
        }
        let key = spec.and_then(|spec| spec.arguments.first()).is_some_and(|arg| arg.kind == ArgKind::Key);
        if let Some(key) = args[..open].get(words).filter(|_| key) {
            label.push_str(&text::escape(key));
        }
        if label.is_empty() {
            label.push_str(MASK);
        }
        text::fit(label.trim_end(), LABEL_COLUMNS).into()
    }
}

/// It begins as an unknown command may be called: what else is typed there may be a password by itself.
fn is_name(args: &[Bytes]) -> bool {
    let fits = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-' | b'|');
    args.first().is_some_and(|word| word.len() <= LABEL_COLUMNS && word.iter().all(fits))
}
