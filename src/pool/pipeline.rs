//! Many commands on one lease, sent as one batch: the round trip is paid once, not once a command.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::checkout::checkout;
use super::core::Work;
use super::failure::{CommandError, PipelineError};
use super::holder::Tag;
use super::redis::{RedisLease, RedisPool};
use super::retry::again;
use crate::event::{Clock, CloseReason, Stamp, nanos};
use crate::net::{self, IoErrorKind};
use crate::resp::Value;

impl RedisLease {
    /// Sends all commands before waiting for the first reply, and gives their replies in order. An error reply is a
    /// reply: it stands in its command's place as a [`Value`], and the commands after it ran all the same. Each command's
    /// round trip is counted by its name, from the batch's start to its own reply; every reply has the socket timeout
    /// for itself.
    ///
    /// Where a reply does not come, the batch ends there with those that came before in [`PipelineError`]. Then, and when
    /// its future is dropped before the end, replies are still owed: the connection is closed as the lease ends, and
    /// nothing more can be sent on it.
    ///
    /// `MULTI` and `EXEC` may be among the commands. What gets no single reply (`SUBSCRIBE`, `MONITOR`, `CLIENT REPLY`)
    /// is refused, and nothing is sent.
    pub async fn pipeline<C, A>(&mut self, commands: &[C]) -> Result<Vec<Value>, PipelineError>
    where
        C: AsRef<[A]>,
        A: AsRef<[u8]>,
    {
        if let Some(reason) = self.ended() {
            return Err(PipelineError::whole(CommandError::Ended(reason)));
        }
        if let Some(odd) = commands.iter().find(|command| !net::has_one_reply(command.as_ref())) {
            let what = CommandError::Misplaced(named(odd.as_ref()));
            return Err(PipelineError::whole(what));
        }
        let Some(last) = commands.last() else { return Ok(Vec::new()) };
        let clock = self.inner.clock;
        let sent = clock.now();
        let (inner, member) = self.parts();
        let name = member.recent.id(name_of(last.as_ref()), &inner.names);
        member.vitals.sent_all(commands.len() as u64, name, sent);
        let mut batch = Batch { lease: self, clock, sent, left: commands.len(), ended: false };
        batch.run(commands).await
    }
}

/// The command's name, for a sentence: bytes as they are would be as long as a caller likes.
pub(super) fn named<A: AsRef<[u8]>>(args: &[A]) -> String {
    let name: String = String::from_utf8_lossy(name_of(args)).chars().take(32).collect();
    if name.is_empty() { "a command without a name".to_owned() } else { name.to_uppercase() }
}

pub(super) fn name_of<A: AsRef<[u8]>>(args: &[A]) -> &[u8] {
    args.first().map(AsRef::as_ref).unwrap_or_default()
}

/// A batch on its way. Dropped before its end, its caller went away.
struct Batch<'a> {
    lease: &'a mut RedisLease,
    clock: Clock,
    sent: Stamp,
    /// Commands without a reply yet.
    left: usize,
    ended: bool,
}

impl Batch<'_> {
    async fn run<C, A>(&mut self, commands: &[C]) -> Result<Vec<Value>, PipelineError>
    where
        C: AsRef<[A]>,
        A: AsRef<[u8]>,
    {
        let mut answered = Vec::with_capacity(commands.len());
        let (clock, sent, left) = (self.clock, self.sent, &mut self.left);
        let key = self.lease.key();
        let (inner, member) = self.lease.parts();
        // What a pipeline sends at once is no run of single commands.
        member.work.streak.cut();
        let id = member.id;
        let (conn, work, recent, told) =
            (&mut member.conn, &mut member.work, &mut member.recent, &mut member.told);
        let each = |value: Value| {
            let now = clock.now();
            let command = commands.get(answered.len()).map(AsRef::as_ref).unwrap_or_default();
            work.answered(recent.id(name_of(command), &inner.names), nanos(now.since(sent)), &value);
            *left -= 1;
            if work.trips.len() >= Work::TRIPS {
                *told = now;
                inner.core.tell(key, id, work);
            }
            answered.push(value);
        };
        let outcome = conn.call_all(commands, each).await;
        self.ended = true;
        let now = clock.now();
        let member = self.lease.member_mut();
        let Err(error) = outcome else {
            member.vitals.settled(now);
            return Ok(answered);
        };
        if *error.kind() == IoErrorKind::Busy {
            member.vitals.settled(now);
            return Err(PipelineError::whole(CommandError::Busy));
        }
        member.given_up(now);
        member.work.failures += u32::try_from(self.left).unwrap_or(u32::MAX);
        Err(PipelineError { answered, error: self.lease.broke(error) })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let now = self.clock.now();
            let member = self.lease.member_mut();
            member.given_up(now);
            member.work.failures += u32::try_from(self.left).unwrap_or(u32::MAX);
            self.lease.spoilt = Some(CloseReason::Cancelled);
        }
    }
}

impl RedisPool {
    /// Borrows a connection for one batch; see [`RedisLease::pipeline`]. While nothing of it was sent it is tried again
    /// like a [`command`](Self::command): a batch that may have been executed, in part or whole, is never sent twice.
    #[track_caller]
    pub fn pipeline<'a, C, A>(
        &self,
        commands: &'a [C],
    ) -> impl Future<Output = Result<Vec<Value>, PipelineError>> + Send + use<'a, C, A>
    where
        C: AsRef<[A]> + Sync,
        A: AsRef<[u8]> + 'a,
    {
        let tag = self.tag(Location::caller());
        self.batch(tag, commands)
    }

    /// Like [`pipeline`](Self::pipeline), with a label for the holder.
    #[track_caller]
    pub fn pipeline_as<'a, C, A>(
        &self,
        label: Arc<str>,
        commands: &'a [C],
    ) -> impl Future<Output = Result<Vec<Value>, PipelineError>> + Send + use<'a, C, A>
    where
        C: AsRef<[A]> + Sync,
        A: AsRef<[u8]> + 'a,
    {
        let tag = self.tag(Location::caller()).called(label);
        self.batch(tag, commands)
    }

    fn batch<'a, C, A>(
        &self,
        tag: Tag,
        commands: &'a [C],
    ) -> impl Future<Output = Result<Vec<Value>, PipelineError>> + Send + use<'a, C, A>
    where
        C: AsRef<[A]> + Sync,
        A: AsRef<[u8]> + 'a,
    {
        let inner = self.inner().clone();
        async move {
            let mut attempt = 0;
            loop {
                let error = match checkout(inner.clone(), tag.clone(), false).await {
                    Ok(mut lease) => match lease.pipeline(commands).await {
                        Ok(replies) => return Ok(replies),
                        Err(error) => error,
                    },
                    Err(error) => PipelineError::whole(error),
                };
                // What was answered was sent.
                let nothing_sent = error.answered.is_empty();
                if !nothing_sent || !again(&inner, attempt, Some(&error.error), false).await {
                    return Err(error);
                }
                attempt += 1;
            }
        }
    }
}
