//! One pool: what its events and pulses add up to.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use super::causes::{Trips, Watch};
use super::connections::Connections;
use super::lints::View;
use super::recent::Recent;
use super::runs::Runs;
use super::series::Series;
use super::waits::Waits;
use super::windows::{Windows, second};
use super::{ModelOptions, server};
use crate::event::{Bounds, CloseReason, Gauges, PoolFacts, PoolId, Pulse, Stamp, Totals};
use crate::snapshot::PoolRow;

/// The most of a name or a target that is kept.
const NAME_BYTES: usize = 256;

/// One pool.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    id: PoolId,
    facts: PoolFacts,
    max: Option<u32>,
    gauges: Option<Gauges>,
    totals: Option<Totals>,
    windows: Windows,
    series: Series,
    pub(crate) waits: Waits,
    pub(crate) recent: Recent,
    runs: Runs,
    bounds: Bounds,
    pub(crate) connections: Connections,
    causes: Watch,
    stopped: bool,
}

impl Pool {
    /// A pool of which nothing is known but that it exists.
    pub(crate) fn new(id: PoolId, options: &ModelOptions) -> Self {
        let name = format!("pool-{}", id.0);
        Self {
            id,
            facts: PoolFacts {
                name,
                target: String::new(),
                max: 0,
                single: false,
                leak_threshold: None,
                inside: None,
            },
            max: None,
            gauges: None,
            totals: None,
            windows: Windows::new(options.window),
            series: Series::default(),
            waits: Waits::default(),
            recent: Recent::default(),
            runs: Runs::default(),
            bounds: Bounds::default(),
            connections: Connections::new(id),
            causes: Watch::default(),
            stopped: false,
        }
    }

    /// It says who it is.
    pub(crate) fn started(&mut self, facts: &PoolFacts) {
        let short = |text: &str| server::cut(text, NAME_BYTES).to_owned();
        self.facts = PoolFacts { name: short(&facts.name), target: short(&facts.target), ..facts.clone() };
        self.max = Some(facts.max);
        // It was seen from its start, so that its first pulse counts from nothing.
        self.totals.get_or_insert_default();
        self.stopped = false;
    }

    /// Its limit changed.
    pub(crate) fn resized(&mut self, max: u32) {
        self.max = Some(max);
        if let Some(gauges) = &mut self.gauges {
            gauges.max = max;
        }
    }

    /// One of its connections was closed, which had been opened then, as far as that was seen.
    pub(crate) fn closed(&mut self, at: Stamp, opened: Option<Stamp>, reason: CloseReason) {
        if let Some(opened) = opened {
            self.recent.closed(at, at.since(opened), reason);
        }
    }

    /// It is closed, and every connection with it.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
        self.connections.clear();
        let max = self.gauges.map_or(0, |gauges| gauges.max);
        self.gauges = self.gauges.map(|_| Gauges { max, ..Gauges::default() });
        self.waits = Waits::default();
        self.recent = Recent::default();
        self.runs = Runs::default();
        self.causes = Watch::default();
    }

    /// Whether it is an app's own, and open.
    pub(crate) fn is_inside(&self) -> bool {
        self.facts.inside.is_some() && !self.stopped
    }

    /// Whether it is closed.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Takes what it counted. The limit in a pulse is read under the pool's own lock, so it is the truth.
    pub(crate) fn pulse(&mut self, at: Stamp, pulse: &Pulse, clients: Option<u64>) {
        let before = self.totals.unwrap_or(pulse.totals);
        let commands = pulse.totals.commands.saturating_sub(before.commands);
        self.totals = Some(pulse.totals);
        self.windows.add(at, pulse);
        if self.stopped {
            return;
        }
        self.gauges = Some(pulse.gauges);
        self.max = Some(pulse.gauges.max);
        self.waits.pulse(at, pulse, &before);
        self.recent.pulse(at, pulse, &before, clients);
        self.runs.pulse(at, pulse.run.as_ref());
        self.bounds = pulse.bounds;
        self.connections.pulse(at, pulse);
        self.series.look(at, pulse.gauges, commands, clients);
    }

    /// Time goes on, whether or not a pulse came.
    pub(crate) fn tick(&mut self, now: Stamp, clients: Option<u64>) {
        self.windows.expire(now);
        self.waits.expire(second(now));
        if let Some(gauges) = self.gauges {
            self.series.look(now, gauges, 0, clients);
        }
    }

    /// New thresholds and window.
    pub(crate) fn set_options(&mut self, options: &ModelOptions) {
        self.windows.set_length(options.window);
    }

    /// How many connections it has.
    pub(crate) fn created(&self) -> u64 {
        self.gauges
            .filter(|_| !self.stopped)
            .map_or(0, |gauges| u64::from(gauges.in_use) + u64::from(gauges.available))
    }

    /// What a lint may look at, once there is anything to see.
    pub(crate) fn view<'a>(&'a self, now: Stamp, options: &'a ModelOptions) -> Option<View<'a>> {
        Some(View {
            now,
            options,
            name: &self.facts.name,
            inside: self.facts.inside.as_deref(),
            single: self.facts.single,
            gauges: self.gauges.filter(|_| !self.stopped)?,
            waits: &self.waits,
            recent: &self.recent,
            runs: &self.runs,
            bounds: self.bounds,
            server: None,
            lost: false,
            maxclients: None,
            ours: 0,
            connections: &self.connections,
            lingering: OnceCell::new(),
        })
    }

    /// Why its callers wait, if they do.
    pub(crate) fn look_for_causes(&mut self, now: Stamp, options: &ModelOptions) {
        let totals = self.totals.unwrap_or_default();
        let mut trips = Trips::new();
        if self.causes.has_news(&self.waits, &totals) {
            let busy = self.connections.in_use().filter(|(row, ..)| row.busy_since.is_some());
            for command in busy.filter_map(|(row, ..)| row.last_command.as_ref()) {
                if !trips.contains_key(command)
                    && let Some(trip) = self.windows.trips(command)
                {
                    trips.insert(Arc::clone(command), trip);
                }
            }
        }
        let mut causes = std::mem::take(&mut self.causes);
        if let Some(view) = self.view(now, options) {
            causes.look(&view, &totals, &trips);
        }
        self.causes = causes;
    }

    /// What it is judged by: everybody's thresholds, but for its own.
    pub(crate) fn thresholds<'a>(&self, options: &'a ModelOptions) -> Cow<'a, ModelOptions> {
        match self.facts.leak_threshold {
            Some(leak_threshold) => Cow::Owned(ModelOptions { leak_threshold, ..options.clone() }),
            None => Cow::Borrowed(options),
        }
    }

    /// It opens a connection.
    pub(crate) fn is_opening(&self) -> bool {
        self.gauges.is_some_and(|gauges| gauges.opening > 0)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.facts.name
    }

    /// Where it connects to.
    pub(crate) fn target(&self) -> &str {
        &self.facts.target
    }

    /// The row readers see.
    pub(crate) fn row(&mut self) -> Arc<PoolRow> {
        let seen = |gauge: fn(Gauges) -> u32| self.gauges.map(gauge);
        let totals = self.totals.unwrap_or_default();
        let mut closed_by: Vec<_> = totals.closed_by.iter().collect();
        closed_by.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Arc::new(PoolRow {
            id: self.id,
            name: self.facts.name.clone(),
            target: self.facts.target.clone(),
            single: self.facts.single,
            max: self.max,
            created: seen(|gauges| gauges.in_use.saturating_add(gauges.available)),
            in_use: seen(|gauges| gauges.in_use),
            available: seen(|gauges| gauges.available),
            opening: seen(|gauges| gauges.opening),
            waiting: seen(|gauges| gauges.waiting),
            waiting_since: self.waits.longest(),
            totals,
            closed_by,
            latency: self.windows.latency(),
            series: self.series.points(),
            exhaustion: self.causes.exhaustion(),
            inside: self.facts.inside.clone(),
            stopped: self.stopped,
        })
    }
}
