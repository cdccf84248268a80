//! The Prometheus text format (version 0.0.4), with OpenTelemetry's `db.client.connection.*` names in their
//! Prometheus form, and `redis_pooltop_*` for what OpenTelemetry has no name for.
//!
//! Times are summaries over the sliding window, whose `_count` counts from the start as a summary's must. They have no
//! `_sum`: the buckets know a time to two digits, and a sum that is off is worse than none.

mod clients;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Listing, named_pools, severity};
use crate::event::CloseReason;
use crate::snapshot::{Percentiles, PoolRow, Snapshot};
use crate::text;

/// The label that names a pool.
const POOL: &str = "db_client_connection_pool_name";

/// The label that tells idle from used.
const STATE: &str = "db_client_connection_state";

/// The snapshot in the Prometheus text exposition format. Clients of watched servers are counted by the listing's groups.
pub fn prometheus(snapshot: &Snapshot, listing: &Listing) -> String {
    page(snapshot, listing, false)
}

/// The same as `OpenMetrics` 1.0 has it, to its `# EOF`.
pub fn open_metrics(snapshot: &Snapshot, listing: &Listing) -> String {
    let mut page = page(snapshot, listing, true);
    page.push_str("# EOF\n");
    page
}

fn page(snapshot: &Snapshot, listing: &Listing, open: bool) -> String {
    let mut page = Page { out: String::new(), snapshot, open };
    page.open_telemetry();
    page.times();
    page.totals();
    page.lints();
    page.server();
    page.watched(listing);
    page.out
}

/// A family of times or of totals: its name, its help, and where a pool's row has it.
type Time = (&'static str, &'static str, fn(&PoolRow) -> &Percentiles);
type Total = (&'static str, &'static str, fn(&PoolRow) -> u64);

#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
    Summary,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Summary => "summary",
        }
    }
}

struct Page<'a> {
    out: String,
    snapshot: &'a Snapshot,
    /// `OpenMetrics`, in which a counter's family is called without its `_total`, and comments are not allowed.
    open: bool,
}

/// Anything a sample's value is made of.
type Label<'a> = (&'a str, Cow<'a, str>);

impl Page<'_> {
    /// A family: its help, type and samples; nothing at all where there is no sample.
    fn family<'s>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (&'s str, Vec<Label<'s>>, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let family = if self.open { name.trim_end_matches("_total") } else { name };
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "# HELP {family} {help}\n# TYPE {family} {}", kind.word());
        for (suffix, labels, value) in samples {
            let _ = write!(self.out, "{name}{suffix}");
            for (n, (label, value)) in labels.iter().enumerate() {
                let _ = write!(self.out, "{}{label}=\"{}\"", if n == 0 { '{' } else { ',' }, escape(value));
            }
            let end = if labels.is_empty() { "" } else { "}" };
            let _ = writeln!(self.out, "{end} {value}");
        }
    }

    /// A family with one sample a pool, of the pools that know it.
    fn per_pool(&mut self, kind: Kind, name: &str, help: &str, value: impl Fn(&PoolRow) -> Option<u64>) {
        let snapshot = self.snapshot;
        let samples =
            pools(snapshot).filter_map(|(pool, label)| Some(("", vec![label], number(value(pool)?))));
        self.family(kind, name, help, samples);
    }

    fn open_telemetry(&mut self) {
        let snapshot = self.snapshot;
        let states = pools(snapshot).flat_map(|(pool, label)| {
            [("idle", pool.available), ("used", pool.in_use)].into_iter().filter_map(move |(state, count)| {
                Some(("", vec![label.clone(), (STATE, state.into())], f64::from(count?)))
            })
        });
        self.family(
            Kind::Gauge,
            "db_client_connection_count",
            "Connections that are open, idle in the pool or lent out.",
            states,
        );
        self.per_pool(Kind::Gauge, "db_client_connection_max", "The pool's limit.", |pool| {
            pool.max.map(u64::from)
        });
        self.per_pool(
            Kind::Gauge,
            "db_client_connection_pending_requests",
            "Callers queued for a connection.",
            |pool| pool.waiting.map(u64::from),
        );
        self.per_pool(
            Kind::Counter,
            "db_client_connection_timeouts_total",
            "Waits that ran into the blocking timeout.",
            |pool| Some(pool.totals.timeouts),
        );
    }

    fn times(&mut self) {
        let times: [Time; 4] = [
            ("db_client_connection_create_time_seconds", "Opening a connection.", |pool| {
                &pool.latency.create
            }),
            (
                "db_client_connection_wait_time_seconds",
                "From asking for a connection to having it, opening one included, or to the blocking timeout.",
                |pool| &pool.latency.wait,
            ),
            ("db_client_connection_use_time_seconds", "Holding a connection.", |pool| &pool.latency.held),
            ("redis_pooltop_round_trip_seconds", "A command and its reply.", |pool| &pool.latency.round_trip),
        ];
        let snapshot = self.snapshot;
        for (name, help, numbers) in times {
            let samples = pools(snapshot).flat_map(|(pool, label)| summary(numbers(pool), &label));
            self.family(Kind::Summary, name, help, samples);
        }
    }

    fn totals(&mut self) {
        let totals: [Total; 8] = [
            ("opened", "Connections ever opened.", |pool| pool.totals.opened),
            ("open_failures", "Attempts to open a connection that failed.", |pool| pool.totals.open_failures),
            ("checkouts", "Leases granted.", |pool| pool.totals.checkouts),
            ("refused", "Waits refused because the pool was exhausted or closed.", |pool| {
                pool.totals.refused
            }),
            ("commands", "Commands answered, errors included.", |pool| pool.totals.commands),
            ("error_replies", "Commands answered with an error.", |pool| pool.totals.error_replies),
            ("command_failures", "Commands that got no answer.", |pool| pool.totals.command_failures),
            ("unread_replies", "Connections found with a reply owed or unread.", |pool| {
                pool.totals.unread_replies
            }),
        ];
        for (name, help, total) in totals {
            let name = format!("redis_pooltop_{name}_total");
            self.per_pool(Kind::Counter, &name, help, |pool| Some(total(pool)));
        }
        self.per_pool(Kind::Gauge, "redis_pooltop_opening", "Connections being opened.", |pool| {
            pool.opening.map(u64::from)
        });
        let snapshot = self.snapshot;
        let closed = pools(snapshot).flat_map(|(pool, label)| {
            pool.closed_by.iter().map(move |&(reason, count): &(CloseReason, u64)| {
                ("", vec![label.clone(), ("reason", reason.word().into())], number(count))
            })
        });
        self.family(Kind::Counter, "redis_pooltop_closed_total", "Connections closed, by reason.", closed);
    }

    /// How many findings hold, by lint: one sample a lint and pool, whatever the number of connections.
    fn lints(&mut self) {
        let snapshot = self.snapshot;
        let about = pools(snapshot).map(|(pool, label)| (Some(pool.id), Some(label)));
        let samples = about.chain([(None, None)]).flat_map(|(pool, label)| {
            let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
            for lint in snapshot.lints.iter().filter(|lint| lint.pool() == pool) {
                *counts.entry((lint.id, severity(lint.severity), lint.level.word())).or_default() += 1;
            }
            counts.into_iter().map(move |((id, severity, level), count)| {
                let names = [("lint", id.into()), ("severity", severity.into()), ("level", level.into())];
                ("", label.clone().into_iter().chain(names).collect(), number(count))
            })
        });
        self.family(Kind::Gauge, "redis_pooltop_lints", "Findings that hold now, by lint.", samples);
    }

    fn server(&mut self) {
        let snapshot = self.snapshot;
        let server = &snapshot.server;
        let up = server.lost.is_some() || server.seen_at.is_some();
        // A label would make a series of every error: for who reads the page itself.
        if let Some(lost) = server.lost.as_ref().filter(|_| !self.open) {
            let _ = writeln!(self.out, "# lost: {}", text::escape_str(&lost.error));
        }
        self.family(
            Kind::Gauge,
            "redis_pooltop_server_up",
            "Whether the server answered the last time it was asked.",
            up.then(|| ("", Vec::new(), f64::from(u8::from(server.lost.is_none())))),
        );
        // What an unreachable server said last is not what holds now.
        let fields = server.clients.iter().filter(|_| server.lost.is_none());
        let samples = fields.filter_map(|(name, value)| {
            let value: u64 = value.parse().ok()?;
            Some(("", vec![("field", name.as_str().into())], number(value)))
        });
        self.family(Kind::Gauge, "redis_pooltop_server_clients", "INFO CLIENTS, field by field.", samples);
        self.family(
            Kind::Counter,
            "redis_pooltop_dropped_events_total",
            "Events dropped because the hub could not keep up.",
            [("", Vec::new(), number(snapshot.dropped))],
        );
    }
}

/// The pools with their labels.
fn pools(snapshot: &Snapshot) -> impl Iterator<Item = (&PoolRow, Label<'_>)> {
    named_pools(snapshot).map(|(pool, name)| (pool, (POOL, name)))
}

fn summary<'s>(numbers: &Percentiles, pool: &Label<'s>) -> Vec<(&'s str, Vec<Label<'s>>, f64)> {
    let quantiles = [("0.5", numbers.p50), ("0.95", numbers.p95), ("0.99", numbers.p99), ("1", numbers.max)];
    let mut samples: Vec<_> = quantiles
        .into_iter()
        .map(|(quantile, nanos)| {
            // An empty window has no quantiles, and the format's word for that is NaN.
            let seconds = if numbers.count > 0 { nanos as f64 / 1e9 } else { f64::NAN };
            ("", vec![pool.clone(), ("quantile", quantile.into())], seconds)
        })
        .collect();
    samples.push(("_count", vec![pool.clone()], number(numbers.total)));
    samples
}

/// The format knows floats only.
fn number(count: u64) -> f64 {
    count as f64
}

/// A label's value: printable first, then as the format quotes it.
fn escape(value: &str) -> String {
    text::escape_str(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
