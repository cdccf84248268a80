//! What the holder of a connection writes while it runs commands, and the pulse reads: no lock, one cache line each.

#![allow(unreachable_pub, reason = "public only where the model checker of tests/pool_shuttle.rs reaches in")]

use std::sync::Weak;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::event::{CloseReason, Stamp};

use super::connector::Line;
use super::names::NameId;

/// The signs of life of one connection. Only the holder writes, but for `taken_back`.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Vitals {
    commands: AtomicU64,
    last_active: AtomicU64,
    /// 0 when no command is under way, else one more than the stamp it was sent at.
    busy_since: AtomicU64,
    /// 0 before the first command, else one more than its name's number.
    last_command: AtomicU32,
    /// 0 while it is the holder's, else its place in [`TAKEN`] and one more.
    taken_back: AtomicU8,
    /// The way to the socket beside the holder.
    line: Option<Weak<dyn Line>>,
}

/// Why a pool takes a connection from its holder.
const TAKEN: [CloseReason; 3] = [CloseReason::Asked, CloseReason::Reset, CloseReason::PoolClosed];

impl Vitals {
    /// Signs of a connection opened at `now`.
    pub fn opened(now: Stamp) -> Self {
        Self { last_active: AtomicU64::new(now.0), ..Self::default() }
    }

    /// The same with a way to its socket.
    pub(crate) fn reached_by(mut self, line: Option<Weak<dyn Line>>) -> Self {
        self.line = line;
        self
    }

    /// A command goes out.
    #[inline]
    pub(crate) fn sent(&self, name: NameId, now: Stamp) {
        self.sent_all(1, name, now);
    }

    /// So many commands go out, this one last; `oldest` is when the oldest without a reply was sent.
    #[inline]
    pub(crate) fn sent_all(&self, count: u64, name: NameId, oldest: Stamp) {
        // One writer: a load and a store are an increment.
        self.commands.store(self.commands.load(Relaxed).wrapping_add(count), Relaxed);
        self.last_command.store(u32::from(name.0) + 1, Relaxed);
        self.busy_since.store(oldest.0.saturating_add(1), Relaxed);
    }

    /// A reply came, and what was sent at `oldest` is the oldest command still without one.
    #[inline]
    pub(crate) fn answered(&self, now: Stamp, oldest: Option<Stamp>) {
        self.last_active.store(now.0, Relaxed);
        self.busy_since.store(oldest.map_or(0, |sent| sent.0.saturating_add(1)), Relaxed);
    }

    /// Its reply came, or will not come.
    #[inline]
    pub(crate) fn settled(&self, now: Stamp) {
        self.answered(now, None);
    }

    /// The pool wants the connection closed: its holder can send nothing more on it.
    pub(crate) fn take_back(&self, reason: CloseReason) {
        let place = TAKEN.iter().position(|known| *known == reason).unwrap_or_default();
        self.taken_back.store(place as u8 + 1, Relaxed);
    }

    /// Why it was taken back, if it was.
    #[inline]
    pub(crate) fn taken_back(&self) -> Option<CloseReason> {
        let place = usize::from(self.taken_back.load(Relaxed).checked_sub(1)?);
        TAKEN.get(place).copied()
    }

    /// Closes the socket under its holder's hands.
    pub(crate) fn cut(&self) {
        if let Some(line) = self.line.as_ref().and_then(Weak::upgrade) {
            line.cut();
        }
    }

    /// Whether the other end closed it while nothing was under way on it.
    pub(crate) fn is_dead(&self) -> bool {
        // Whoever waits for a reply hears of it by itself.
        self.busy_since().is_none()
            && self.line.as_ref().and_then(Weak::upgrade).is_some_and(|line| line.is_closed())
    }

    /// Commands sent.
    pub(crate) fn commands(&self) -> u64 {
        self.commands.load(Relaxed)
    }

    /// When bytes last moved.
    pub(crate) fn last_active(&self) -> Stamp {
        Stamp(self.last_active.load(Relaxed))
    }

    /// Since when a command is under way.
    pub(crate) fn busy_since(&self) -> Option<Stamp> {
        self.busy_since.load(Relaxed).checked_sub(1).map(Stamp)
    }

    /// The last command's name.
    pub(crate) fn last_command(&self) -> Option<NameId> {
        self.last_command.load(Relaxed).checked_sub(1).and_then(|id| u16::try_from(id).ok()).map(NameId)
    }
}
