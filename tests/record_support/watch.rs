//! Any event of a watched server.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use redis_pooltop::event::{
    Client, Look, NodeConfig, NodeFacts, Owner, Process, Refused, Slots, Socket, TcpState, WatchEvent, Whose,
};

use super::{shared, span, stamp, words};

/// A small one often, so that events are about the same clients, and any at times.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..20_u64, 1 => any::<u64>()]
}

fn text() -> impl Strategy<Value = Arc<str>> {
    words().prop_map(Arc::from)
}

fn client() -> BoxedStrategy<Arc<Client>> {
    let numbers = (number(), any::<[u64; 3]>(), any::<[Option<u64>; 12]>(), option::of(any::<i64>()));
    let texts = (text(), "[NbxOPSMcuU]{0,3}", [shared().boxed(), shared().boxed(), shared().boxed()]);
    let more = [shared().boxed(), shared().boxed(), shared().boxed(), shared().boxed()];
    (numbers, texts, more)
        .prop_map(|((id, [age, idle, subscriptions], n, fd), (addr, flags, [a, b, c]), [d, e, f, g])| {
            Client {
                id,
                addr: (*addr).into(),
                laddr: a,
                fd,
                name: b,
                age,
                idle,
                flags: flags.into(),
                db: n[0],
                subscriptions,
                multi: n[1],
                watch: n[2],
                query_buffer: n[3],
                output_memory: n[4],
                output_list: n[5],
                memory: n[6],
                command: c,
                user: d,
                redirect: n[7],
                resp: n[8],
                lib_name: e,
                lib_version: f,
                net_in: n[9],
                net_out: n[10],
                commands: n[11],
                more: g,
            }
        })
        .prop_map(Arc::new)
        .boxed()
}

fn process() -> BoxedStrategy<Arc<Process>> {
    (any::<u32>(), text(), text(), shared(), option::of(any::<u64>()), shared())
        .prop_map(|(pid, name, command, user, started_ms, container)| {
            Arc::new(Process { pid, name, command, user, started_ms, container })
        })
        .boxed()
}

fn whose() -> BoxedStrategy<Whose> {
    prop_oneof![
        4 => (process(), any::<i32>()).prop_map(|(process, fd)| Whose::Process { process, fd }),
        1 => any::<u32>().prop_map(|uid| Whose::Hidden { uid }),
        1 => Just(Whose::Remote),
        1 => Just(Whose::Namespace),
        1 => Just(Whose::Gone),
        1 => Just(Whose::Unknown),
        1 => Just(Whose::Unsupported),
    ]
    .boxed()
}

fn look() -> BoxedStrategy<Look> {
    let times = (span(), span(), span());
    (any::<[bool; 2]>(), any::<[u64; 4]>(), times, option::of(any::<u64>()), vec(number(), 0..3))
        .prop_map(|([whole, told], [clients, bytes, bad, left_out], (took, cost, interval), unseen, ours)| {
            Look { whole, clients, bytes, took, cost, told, interval, unseen, bad, left_out, ours }
        })
        .boxed()
}

/// Any of them.
pub fn watch_event() -> BoxedStrategy<WatchEvent> {
    let refused = (words(), words(), option::of(words()));
    prop_oneof![
        1 => (words(), option::of(words())).prop_map(|(target, found)| WatchEvent::Started(NodeFacts { target, found })),
        2 => (text(), span()).prop_map(|(raw, took)| WatchEvent::Info { raw, took }),
        1 => (option::of(any::<u64>()), option::of(any::<u64>()))
            .prop_map(|(timeout, tcp_keepalive)| WatchEvent::Config(NodeConfig { timeout, tcp_keepalive })),
        4 => vec(client(), 0..4).prop_map(WatchEvent::Opened),
        3 => vec(client(), 0..4).prop_map(WatchEvent::Changed),
        2 => vec(number(), 0..4).prop_map(WatchEvent::Closed),
        4 => look().prop_map(WatchEvent::Looked),
        2 => vec((number(), whose()).prop_map(|(client, whose)| Owner { client, whose }), 0..3).prop_map(WatchEvent::Owners),
        1 => vec((process(), any::<u64>()), 0..3).prop_map(WatchEvent::UnixShares),
        1 => vec(socket(), 0..3).prop_map(WatchEvent::Sockets),
        1 => refused.prop_map(|(command, error, rule)| WatchEvent::Refused(Refused { command, error, rule })),
        1 => words().prop_map(|command| WatchEvent::Allowed { command }),
        1 => (words(), stamp()).prop_map(|(error, retry_at)| WatchEvent::Lost { error, retry_at }),
        1 => Just(WatchEvent::Stopped),
    ]
    .boxed()
}

fn socket() -> BoxedStrategy<Socket> {
    let states = [TcpState::Established, TcpState::CloseWait, TcpState::Opening, TcpState::Gone];
    (0..20_u16, select(states.to_vec()))
        .prop_map(|(port, state)| Socket { local: ([127, 0, 0, 1], port).into(), state })
        .boxed()
}

/// What server and kernel believe of the pools' connections.
pub fn slots() -> BoxedStrategy<Slots> {
    (vec(number(), 0..4), vec(client(), 0..4), option::of(vec(socket(), 0..4)))
        .prop_map(|(asked, listed, sockets)| Slots { asked, listed, sockets })
        .boxed()
}

/// Which kind it is.
pub fn watch_kind(event: &WatchEvent) -> &'static str {
    match event {
        WatchEvent::Started(_) => "watch started",
        WatchEvent::Info { .. } => "watch info",
        WatchEvent::Config(_) => "watch config",
        WatchEvent::Opened(_) => "clients opened",
        WatchEvent::Changed(_) => "clients changed",
        WatchEvent::Closed(_) => "clients closed",
        WatchEvent::Looked(_) => "looked",
        WatchEvent::Owners(_) => "owners",
        WatchEvent::UnixShares(_) => "unix shares",
        WatchEvent::Sockets(_) => "sockets",
        WatchEvent::Refused(_) => "refused",
        WatchEvent::Allowed { .. } => "allowed",
        WatchEvent::Lost { .. } => "watch lost",
        WatchEvent::Stopped => "watch stopped",
    }
}

/// All that [`watch_kind`] can say.
pub const WATCH_KINDS: usize = 14;
