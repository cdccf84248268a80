//! How a server that cannot be reached is left alone: after a failed attempt a pause, longer with every failure in a row,
//! and then one attempt at a time, until one goes well. What it found answers everybody who came meanwhile.
//!
//! A crowd that wants connections is so no crowd at the server's door, and nobody waits for a pause to end: who comes
//! during one is told at once what went wrong.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The pauses grow no further than this, unless the first one is longer already: short enough that nobody notices once
/// the server is back.
const LONGEST: Duration = Duration::from_millis(500);

/// What one pool knows of its failures to connect.
#[derive(Debug)]
pub(crate) struct Backoff<E> {
    state: Mutex<State<E>>,
    /// Told when the one attempt is over, and when all is well.
    over: Notify,
}

#[derive(Debug)]
struct State<E> {
    /// Set until an attempt goes well.
    failure: Option<Failure<E>>,
    /// How many failures were taken note of.
    round: u64,
    /// The one attempt is under way.
    probing: bool,
}

#[derive(Debug)]
struct Failure<E> {
    at: Instant,
    until: Instant,
    in_a_row: u32,
    error: E,
}

/// Leave to make one attempt. Dropped without an outcome, it leaves the next one to another caller.
#[derive(Debug)]
pub(crate) struct Turn<'a, E> {
    backoff: &'a Backoff<E>,
    /// The round it began in: attempts that fail together count as one.
    round: u64,
    probe: bool,
}

enum Look<'a, E> {
    Go(Turn<'a, E>),
    /// Another caller finds out; the round it does so in.
    Join(u64),
    Told(E),
}

impl<E> Default for Backoff<E> {
    fn default() -> Self {
        let state = State { failure: None, round: 0, probing: false };
        Self { state: Mutex::new(state), over: Notify::new() }
    }
}

impl<E: Clone> Backoff<E> {
    /// Leave to try, or why it makes no sense now. An `eager` caller does not mind the pause: it asks for a person, who
    /// may just have put things right. Even so there is one attempt at a time while they fail.
    pub(crate) async fn turn(&self, eager: bool) -> Result<Turn<'_, E>, E> {
        let mut joined = None;
        loop {
            // Registered before looking, so that an end in between is not missed.
            let over = self.over.notified();
            match self.look(Instant::now(), eager, joined) {
                Look::Go(turn) => return Ok(turn),
                Look::Told(error) => return Err(error),
                Look::Join(round) => joined = Some(round),
            }
            over.await;
        }
    }

    fn look(&self, now: Instant, eager: bool, joined: Option<u64>) -> Look<'_, E> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let round = state.round;
        let Some(failure) = &state.failure else {
            return Look::Go(Turn { backoff: self, round, probe: false });
        };
        // The attempt it waited for was as good as one of its own.
        let answered = joined.is_some_and(|joined| joined != round);
        if answered || (now < failure.until && !eager) {
            return Look::Told(failure.error.clone());
        }
        if state.probing {
            return Look::Join(round);
        }
        state.probing = true;
        Look::Go(Turn { backoff: self, round, probe: true })
    }

    /// Whether the last attempt failed.
    pub(crate) fn is_on(&self) -> bool {
        self.state.lock().failure.is_some()
    }

    /// How long the pause still is.
    pub(crate) fn left(&self) -> Duration {
        let state = self.state.lock();
        let until = state.failure.as_ref().map(|failure| failure.until);
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// The last failure, if it was later than that and nothing went well since.
    pub(crate) fn error_after(&self, begun: Instant) -> Option<E> {
        let state = self.state.lock();
        state.failure.as_ref().filter(|failure| failure.at >= begun).map(|failure| failure.error.clone())
    }
}

impl<E> Turn<'_, E> {
    /// A connection is open: everybody may try.
    pub(crate) fn succeeded(self) {
        if self.backoff.state.lock().failure.take().is_some() {
            self.backoff.over.notify_waiters();
        }
    }

    /// It failed. The pause is `first` after the first failure in a row, `None` for none; `part`, from 0 to 1, is the
    /// random part of it, so that many programs do not come back at once.
    pub(crate) fn failed(self, error: E, first: Option<Duration>, part: f64) {
        let now = Instant::now();
        let mut state = self.backoff.state.lock();
        if state.round != self.round {
            return;
        }
        let in_a_row = match &state.failure {
            // After a while without attempts there is no crowd to hold back.
            Some(last) if now < last.until + LONGEST => last.in_a_row.saturating_add(1),
            _ => 1,
        };
        state.round += 1;
        state.failure = first.map(|first| {
            let until = now + length(first, in_a_row, part);
            Failure { at: now, until, in_a_row, error }
        });
    }
}

impl<E> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        if self.probe {
            self.backoff.state.lock().probing = false;
            self.backoff.over.notify_waiters();
        }
    }
}

/// The pause after so many failures in a row: doubled with each up to a limit, and of that a half for certain.
fn length(first: Duration, in_a_row: u32, part: f64) -> Duration {
    let times = 1_u32.checked_shl(in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
    let whole = first.saturating_mul(times).min(LONGEST.max(first));
    whole.mul_f64(0.5 + part.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
