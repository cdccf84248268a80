//! Any line that a recording can have.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

mod app;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use app::{APP_KINDS, app_event, app_kind, how, inside};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use redis_pooltop::event::{
    Bound, Bounds, CloseReason, ClosedBy, ConnId, ConnPulse, ConnState, CreateSteps, Event, Gauges, Holder,
    Left, NodeId, Opened, PastLease, PoolEvent, PoolFacts, PoolId, Pulse, Run, Samples, SeenAt, ServerEvent,
    Stamp, Timed, Totals, WaitEnd, Waiting,
};
use redis_pooltop::model::{Levels, ModelOptions, lint_ids};
use redis_pooltop::record::{End, Record};
use redis_pooltop::snapshot::Level;
use watch::{WATCH_KINDS, slots, watch_event, watch_kind};

/// Words as a hostile server would have them.
fn words() -> BoxedStrategy<String> {
    prop_oneof!["[ -~]{0,12}", any::<String>(), "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202a}-\u{202e}\\\\\"]{0,8}"]
        .boxed()
}

fn shared() -> impl Strategy<Value = Option<Arc<str>>> {
    option::of(words().prop_map(Arc::from))
}

fn stamp() -> impl Strategy<Value = Stamp> {
    // Within a run, and anywhere.
    prop_oneof![3 => 0..20_000_000_000_u64, 1 => any::<u64>()].prop_map(Stamp)
}

fn span() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_nanos)
}

fn holder() -> BoxedStrategy<Holder> {
    let told = (shared(), option::of(how()));
    (shared(), shared(), option::of(any::<u64>()), shared(), option::of(stamp()), told)
        .prop_map(|(label, location, task, stack, ended, (function, how))| Holder {
            label,
            location,
            task,
            stack,
            function,
            how,
            ended,
        })
        .boxed()
}

fn samples() -> impl Strategy<Value = Samples> {
    vec(any::<(u64, u64)>(), 0..4).prop_map(Samples)
}

fn conn() -> impl Strategy<Value = ConnId> {
    prop_oneof![3 => 0..20_u64, 1 => any::<u64>()].prop_map(ConnId)
}

fn totals() -> BoxedStrategy<Totals> {
    (any::<[u64; 20]>(), select(&CloseReason::ALL[..]), any::<u32>())
        .prop_map(|(n, reason, count)| {
            let mut closed_by = ClosedBy::default();
            closed_by.add(reason, u64::from(count));
            Totals {
                opened: n[0],
                warmed: n[19],
                closed: n[1],
                closed_by,
                open_failures: n[2],
                checkouts: n[3],
                released: n[4],
                discarded: n[5],
                reclaimed: n[6],
                waited: n[7],
                timeouts: n[8],
                cancelled: n[9],
                refused: n[10],
                failed: n[11],
                commands: n[12],
                error_replies: n[13],
                command_failures: n[14],
                retries: n[15],
                unread_replies: n[16],
                health_checks: n[17],
                health_failures: n[18],
                failed_again: n[19],
            }
        })
        .boxed()
}

fn state() -> BoxedStrategy<ConnState> {
    prop_oneof![
        stamp().prop_map(|since| ConnState::Available { since }),
        (stamp(), holder(), shared()).prop_map(|(since, holder, pinned)| ConnState::InUse {
            since,
            holder,
            pinned
        }),
    ]
    .boxed()
}

fn row() -> BoxedStrategy<ConnPulse> {
    let last = (stamp(), stamp(), holder());
    let last = option::of(last.prop_map(|(since, until, holder)| PastLease { since, until, holder }));
    let active = (shared(), stamp(), option::of(stamp()));
    (conn(), state(), any::<(u64, u64, bool)>(), active, last)
        .prop_map(|(conn, state, (uses, commands, dead), active, last)| {
            let (last_command, last_active, busy_since) = active;
            ConnPulse { conn, state, uses, commands, last_command, last_active, busy_since, dead, last }
        })
        .boxed()
}

fn bound() -> BoxedStrategy<Bound> {
    prop_oneof![Just(Bound::Unknown), Just(Bound::Unbounded), span().prop_map(Bound::Within)].boxed()
}

fn run() -> BoxedStrategy<Run> {
    (any::<u64>(), span(), span(), shared(), holder())
        .prop_map(|(commands, took, between, command, holder)| Run {
            commands,
            took,
            between,
            command,
            holder,
        })
        .boxed()
}

fn pulse() -> BoxedStrategy<Pulse> {
    let gauges = any::<[u32; 5]>().prop_map(|[in_use, available, opening, waiting, max]| Gauges {
        in_use,
        available,
        opening,
        waiting,
        max,
    });
    let waiter = (stamp(), holder()).prop_map(|(since, holder)| Waiting { since, holder });
    let named = (words().prop_map(Arc::from), samples());
    let samples = (samples(), samples(), samples(), samples(), vec(named, 0..4));
    let bounds = (bound(), bound()).prop_map(|(wait, reply)| Bounds { wait, reply });
    let bounds = (bounds, option::of(any::<u32>()));
    (gauges, totals(), samples, vec(row(), 0..4), vec(waiter, 0..3), option::of(run()), bounds)
        .prop_map(|(gauges, totals, samples, connections, waiters, run, (bounds, unlisted))| {
            let (wait, held, create, unanswered, round_trips) = samples;
            Pulse {
                gauges,
                totals,
                wait,
                held,
                create,
                round_trips,
                unanswered,
                connections,
                waiters,
                run,
                bounds,
                unlisted,
            }
        })
        .boxed()
}

fn opened() -> BoxedStrategy<Opened> {
    let steps = (span(), option::of(span()), span());
    let steps = steps.prop_map(|(dial, tls, handshake)| CreateSteps { dial, tls, handshake });
    let local = option::of(any::<(std::net::IpAddr, u16)>().prop_map(Into::into));
    (conn(), option::of(any::<u64>()), local, steps)
        .prop_map(|(conn, server_id, local, steps)| Opened { conn, server_id, local, steps })
        .boxed()
}

fn pool_event() -> BoxedStrategy<PoolEvent> {
    let facts =
        (words(), words(), any::<(u32, bool)>(), option::of(span()), option::of(inside().prop_map(Box::new)));
    let left = (any::<(u32, bool)>(), vec(row(), 0..3));
    let ends = [WaitEnd::Granted, WaitEnd::TimedOut, WaitEnd::Cancelled, WaitEnd::Refused, WaitEnd::Failed];
    let seen = [SeenAt::Release, SeenAt::Checkout];
    prop_oneof![
        facts.prop_map(|(name, target, (max, single), leak_threshold, inside)| PoolEvent::Started(
            PoolFacts { name, target, max, single, leak_threshold, inside }
        )),
        any::<u32>().prop_map(|max| PoolEvent::Resized { max }),
        opened().prop_map(PoolEvent::Opened),
        words().prop_map(|error| PoolEvent::OpenFailed { error }),
        (conn(), select(&CloseReason::ALL[..])).prop_map(|(conn, reason)| PoolEvent::Closed { conn, reason }),
        (conn(), select(seen.to_vec()), any::<(Option<u64>, Option<u64>)>(), option::of(holder())).prop_map(
            |(conn, seen, (owed, bytes), holder)| PoolEvent::UnreadReply { conn, seen, owed, bytes, holder }
        ),
        (select(ends.to_vec()), span(), holder()).prop_map(|(ended, waited, holder)| PoolEvent::WaitFailed {
            ended,
            waited,
            holder
        }),
        pulse().prop_map(|pulse| PoolEvent::Pulse(Box::new(pulse))),
        (conn(), holder()).prop_map(|(conn, holder)| PoolEvent::Shared { conn, holder }),
        left.prop_map(|((open, unclosed), leases)| PoolEvent::Left(Box::new(Left {
            open,
            leases,
            unclosed
        }))),
        Just(PoolEvent::Stopped),
    ]
    .boxed()
}

fn server_event() -> BoxedStrategy<ServerEvent> {
    prop_oneof![
        (words().prop_map(Arc::from), span()).prop_map(|(raw, took)| ServerEvent::Info { raw, took }),
        (words(), stamp()).prop_map(|(error, retry_at)| ServerEvent::Lost { error, retry_at }),
        slots().prop_map(|slots| ServerEvent::Slots(Box::new(slots))),
    ]
    .boxed()
}

/// A level for one of the lints.
fn levels(any: u8) -> Levels {
    let ids = lint_ids();
    let mut levels = Levels::default();
    assert!(levels.set(ids[usize::from(any) % ids.len()], Level::ALL[usize::from(any) % 3]));
    levels
}

/// Any line there can be. A new kind of event belongs here: [`kind`] does not compile without it.
pub fn any_record() -> BoxedStrategy<Record> {
    let pool = (0..3_u32, pool_event()).prop_map(|(id, event)| Event::Pool(PoolId(id), event));
    let watch = (0..3_u32, watch_event()).prop_map(|(id, event)| Event::Watch(NodeId(id), event));
    let app = app_event().prop_map(Event::App);
    let event = prop_oneof![9 => pool, 2 => server_event().prop_map(Event::Server), 6 => watch, 5 => app];
    let options = (span(), span(), any::<u8>()).prop_map(|(window, leak_threshold, usage_alert)| {
        Record::Options(ModelOptions { window, leak_threshold, usage_alert, levels: levels(usage_alert) })
    });
    prop_oneof![
        10 => (stamp(), event).prop_map(|(at, event)| Record::Event(Timed { at, event })),
        4 => stamp().prop_map(Record::Tick),
        1 => options,
        1 => any::<u64>().prop_map(Record::Dropped),
        1 => any::<u64>().prop_map(Record::Gap),
        1 => select(vec![End::Finished, End::Full]).prop_map(Record::End),
    ]
    .boxed()
}

/// Which kind of line it is.
pub fn kind(record: &Record) -> &'static str {
    match record {
        Record::Options(_) => "options",
        Record::Dropped(_) => "dropped",
        Record::Tick(_) => "tick",
        Record::Gap(_) => "gap",
        Record::End(_) => "end",
        Record::Event(timed) => match &timed.event {
            Event::Server(ServerEvent::Info { .. }) => "info",
            Event::Server(ServerEvent::Lost { .. }) => "lost",
            Event::Server(ServerEvent::Slots(_)) => "slots",
            Event::Watch(_, event) => watch_kind(event),
            Event::App(event) => app_kind(event),
            Event::Pool(_, event) => match event {
                PoolEvent::Started(_) => "started",
                PoolEvent::Resized { .. } => "resized",
                PoolEvent::Opened(_) => "opened",
                PoolEvent::OpenFailed { .. } => "open failed",
                PoolEvent::Closed { .. } => "closed",
                PoolEvent::UnreadReply { .. } => "unread reply",
                PoolEvent::WaitFailed { .. } => "wait failed",
                PoolEvent::Pulse(_) => "pulse",
                PoolEvent::Shared { .. } => "shared",
                PoolEvent::Left(_) => "left",
                PoolEvent::Stopped => "stopped",
            },
        },
    }
}

/// All that [`kind`] can say.
pub const KINDS: usize = 19 + WATCH_KINDS + APP_KINDS;
