//! Once a tick: what the pool counted, as one event.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::config::OnExhausted;
use super::connector::Connector;
use super::core::{Look, RowLook, RunCount};
use super::holder::Tag;
use super::inner::Inner;
use crate::event::{
    Bound, Bounds, ConnPulse, ConnState, Event, PastLease, PoolEvent, Pulse, PulseSource, Run, Stamp, Waiting,
};

/// Whoever is willing to wait for longer is willing to wait for ever: configuration files allow a year.
const LONGEST_BOUND: Duration = Duration::from_secs(366 * 86_400);

impl<C: Connector> Inner<C> {
    /// Everything since the last pulse. Only swapping histograms and copying rows needs the lock; the rest is made
    /// after it.
    pub(super) fn take_pulse(&self) -> Pulse {
        let fresh = std::mem::take(&mut *self.spare.lock());
        let all = self.resync.swap(false, Relaxed);
        let look = self.core.look(fresh, all);
        self.pulse_of(look)
    }

    fn pulse_of(&self, look: Look) -> Pulse {
        let Look { gauges, totals, mut hists, rows, waiters, run } = look;
        hists.wait.record_n(1, hists.immediate);
        let trips = hists.trips.iter().enumerate().filter(|(_, hist)| !hist.is_empty());
        let round_trips = trips.filter_map(|(id, hist)| Some((self.name(id)?, hist.samples()))).collect();
        let pulse = Pulse {
            gauges,
            totals,
            wait: hists.wait.samples(),
            held: hists.held.samples(),
            create: hists.create.samples(),
            round_trips,
            unanswered: hists.unanswered.samples(),
            connections: rows.into_iter().map(|row| self.row(row)).collect(),
            waiters: waiters
                .into_iter()
                .map(|(since, tag)| Waiting { since, holder: tag.holder() })
                .collect(),
            run: run.map(|(run, tag)| self.run(run, &tag)),
            bounds: self.bounds(),
            unlisted: None,
        };
        hists.clear();
        *self.spare.lock() = hists;
        pulse
    }

    fn name(&self, id: usize) -> Option<Arc<str>> {
        self.names.name(super::names::NameId(u16::try_from(id).ok()?))
    }

    fn run(&self, run: RunCount, tag: &Tag) -> Run {
        Run {
            commands: run.commands.into(),
            took: Duration::from_nanos(run.took),
            between: Duration::from_nanos(run.between),
            command: self.names.name(run.last),
            holder: tag.holder(),
        }
    }

    fn bounds(&self) -> Bounds {
        let wait = self.setting(|config| match config.on_exhausted {
            OnExhausted::Fail => Bound::Within(Duration::ZERO),
            OnExhausted::Wait if config.blocking_timeout > LONGEST_BOUND => Bound::Unbounded,
            OnExhausted::Wait => Bound::Within(config.blocking_timeout),
        });
        Bounds { wait, reply: self.connector.reply_bound() }
    }

    fn row(&self, row: RowLook) -> ConnPulse {
        let dead = row.lent.is_some() && row.vitals.is_dead();
        let state = match row.lent {
            None => ConnState::Available { since: row.since },
            Some((tag, pinned)) => ConnState::InUse { since: row.since, holder: tag.holder(), pinned },
        };
        let vitals = &row.vitals;
        ConnPulse {
            conn: row.id,
            state,
            uses: row.uses,
            commands: vitals.commands(),
            last_command: vitals.last_command().and_then(|id| self.names.name(id)),
            last_active: vitals.last_active(),
            busy_since: vitals.busy_since(),
            dead,
            last: row.past.map(|(since, until, tag)| PastLease { since, until, holder: tag.holder() }),
        }
    }
}

/// What the hub asks. It does not keep the pool alive.
pub(super) struct Source<C: Connector>(pub(super) Weak<Inner<C>>);

impl<C: Connector> PulseSource for Source<C> {
    fn pulse(&self, _now: Stamp) -> Option<Event> {
        let inner = self.0.upgrade()?;
        Some(Event::Pool(inner.id, PoolEvent::Pulse(Box::new(inner.take_pulse()))))
    }

    fn resync(&self) {
        if let Some(inner) = self.0.upgrade() {
            inner.resync.store(true, Relaxed);
        }
    }
}
