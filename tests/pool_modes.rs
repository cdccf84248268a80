//! Pipelines and multiplexing: whatever is cancelled, cut or broken, no caller reads another's reply.

mod pool_support;
mod support;

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use pool_support::{pick, told};
use proptest::prelude::*;
use redis_pooltop::event::{
    Bound, Bounds, Clock, CloseReason, ConnState, Event, PoolEvent, Pulse, SeenAt, Stamp, Tap, Timed,
};
use redis_pooltop::net::{ConnectOptions, Endpoint, IoErrorKind};
use redis_pooltop::pool::{CommandError, Multiplexed, OnExhausted, PoolConfig, RedisPool};
use redis_pooltop::resp::{Caps, Decoder, Value};
use support::{PATIENCE, RedisServer, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, unbounded_channel};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

const HELLO: &[u8] = b"*4\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n";

/// A server that answers `ECHO` only when the test lets it.
struct Gate {
    address: SocketAddr,
    /// Replies it may give.
    replies: Semaphore,
    /// Commands it has read.
    seen: AtomicU64,
    kill: Notify,
}

impl Gate {
    async fn open() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let gate = Arc::new(Self {
            address,
            replies: Semaphore::new(0),
            seen: AtomicU64::new(0),
            kill: Notify::new(),
        });
        let accepting = gate.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a client");
                let gate = accepting.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = gate.kill.notified() => {}
                        () = gate.serve(stream) => {}
                    }
                });
            }
        });
        gate
    }

    async fn serve(&self, stream: TcpStream) {
        let (mut reading, mut writing) = stream.into_split();
        let (echo, mut echoes): (_, UnboundedReceiver<Value>) = unbounded_channel();
        let read = async move {
            let (mut decoder, mut buffer) = (Decoder::new(Caps::default()), BytesMut::new());
            while reading.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
                while let Some(command) = decoder.decode(&mut buffer).expect("commands are RESP") {
                    // Whoever writes is gone when the client is.
                    let _ = echo.send(command);
                }
            }
        };
        let write = async move {
            while let Some(Value::Array(args)) = echoes.recv().await {
                let answer = match args[0].text().expect("a name") {
                    b"HELLO" => HELLO.to_vec(),
                    b"ECHO" => {
                        self.seen.fetch_add(1, SeqCst);
                        self.replies.acquire().await.expect("never closed").forget();
                        let text = args[1].text().expect("a text");
                        [format!("${}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
                    }
                    _ => b"+OK\r\n".to_vec(),
                };
                if writing.write_all(&answer).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = read => {}
            () = write => {}
        }
    }

    fn pool(&self, change: impl FnOnce(&mut ConnectOptions)) -> (RedisPool, Receiver<Timed>) {
        let endpoint = Endpoint::Tcp { host: self.address.ip().to_string(), port: self.address.port() };
        let mut options = ConnectOptions { endpoint, connect_timeout: PATIENCE, ..ConnectOptions::default() };
        options.socket_timeout = Some(PATIENCE);
        change(&mut options);
        pool_on(options, 2)
    }

    async fn has_seen(&self, commands: u64) {
        wait_until("commands to arrive", async || self.seen.load(SeqCst) >= commands).await;
    }
}

fn pool_on(options: ConnectOptions, max: u32) -> (RedisPool, Receiver<Timed>) {
    let (tap, events) = Tap::channel();
    let config = PoolConfig { max, retry_delay: Duration::from_millis(5), ..PoolConfig::default() };
    (RedisPool::redis(options, config, Clock::start(), tap), events)
}

fn real(server: &RedisServer, max: u32) -> (RedisPool, Receiver<Timed>) {
    pool_on(ConnectOptions::from_url(&server.url()).expect("a URL"), max)
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.to_owned().into())
}

fn closed(events: &mut Receiver<Timed>) -> Vec<CloseReason> {
    let reasons = told(events).into_iter().filter_map(|event| match event {
        PoolEvent::Closed { reason, .. } => Some(reason),
        _ => None,
    });
    reasons.collect()
}

fn pulse(pool: &RedisPool) -> Pulse {
    match pool.pulse_source().pulse(Stamp(0)) {
        Some(Event::Pool(_, PoolEvent::Pulse(pulse))) => *pulse,
        other => panic!("no pulse but {other:?}"),
    }
}

/// Round trips by command name.
fn trips(pulse: &Pulse) -> Vec<(&str, u64)> {
    let count = |samples: &redis_pooltop::event::Samples| samples.0.iter().map(|(_, n)| n).sum();
    let mut trips: Vec<_> = pulse.round_trips.iter().map(|(name, s)| (&**name, count(s))).collect();
    trips.sort_unstable();
    trips
}

async fn settled(pool: &RedisPool) {
    wait_until("every lease to end", async || pool.status().0.in_use == 0).await;
    let totals = pool.status().1;
    assert_eq!(totals.checkouts, totals.released + totals.discarded + totals.reclaimed, "{totals:?}");
    assert_eq!(totals.unread_replies, 0, "{totals:?}");
}

/// Polls a future so often, then drops it unless it was ready.
async fn cut<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(done);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn a_batch_is_one_round_trip_answered_in_order() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 2);
    let mut lease = pool.checkout().await.unwrap();
    let commands: Vec<_> = (0..1_000).map(|n| ["SET".to_owned(), format!("k{n}"), n.to_string()]).collect();
    let replies = lease.pipeline(&commands).await.unwrap();
    assert_eq!(replies, vec![Value::Simple("OK".into()); 1_000]);
    let reads: Vec<_> = (0..1_000).map(|n| ["GET".to_owned(), format!("k{n}")]).collect();
    let replies = lease.pipeline(&reads).await.unwrap();
    let expected: Vec<_> = (0..1_000).map(|n| bulk(&n.to_string())).collect();
    assert_eq!(replies, expected);
    assert_eq!(lease.owed(), 0);
    drop(lease);
    let (pulse, totals) = (pulse(&pool), pool.status().1);
    assert_eq!(trips(&pulse), [("GET", 1_000), ("SET", 1_000)]);
    assert_eq!((totals.commands, totals.error_replies, totals.command_failures), (2_000, 0, 0));
    assert_eq!(pulse.connections[0].commands, 2_000);
    assert_eq!(pulse.connections[0].last_command.as_deref(), Some("GET"));
    assert_eq!(pulse.connections[0].busy_since, None);
    settled(&pool).await;
}

#[tokio::test]
async fn an_error_is_its_commands_own_and_the_others_run() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = real(&server, 1);
    let commands = [
        vec!["SET", "a", "x"],
        vec!["INCR", "a"],
        vec!["MULTI"],
        vec!["GET", "a"],
        vec!["EXEC"],
        vec!["NOSUCH"],
    ];
    let replies = pool.pipeline(&commands).await.unwrap();
    assert_eq!(replies[0], Value::Simple("OK".into()));
    assert!(replies[1].error().is_some_and(|text| text.starts_with(b"ERR value is not an integer")));
    assert_eq!(replies[3], Value::Simple("QUEUED".into()));
    assert_eq!(replies[4], Value::Array(vec![bulk("x")]));
    assert!(replies[5].error().is_some());
    assert_eq!(pool.status().1.error_replies, 2);
    assert!(pool.pipeline::<Vec<&str>, &str>(&[]).await.unwrap().is_empty());
    assert!(closed(&mut events).is_empty(), "a transaction that ended leaves nothing behind");
    settled(&pool).await;
}

#[tokio::test]
async fn what_gets_no_single_reply_is_refused_and_nothing_is_sent() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 1);
    for odd in [vec!["SUBSCRIBE", "a", "b"], vec!["MONITOR"], vec!["CLIENT", "REPLY", "OFF"], vec![]] {
        let error = pool.pipeline(&[vec!["INCR", "n"], odd.clone()]).await.unwrap_err();
        assert!(matches!(error.error, CommandError::Misplaced(_)), "{odd:?}: {error}");
    }
    assert_eq!(pool.command(&["EXISTS", "n"]).await.unwrap(), Value::Integer(0));
    let shared = pool.multiplexed();
    for odd in [vec!["SELECT", "1"], vec!["multi"], vec!["BLPOP", "q", "0"], vec!["SUBSCRIBE", "a"], vec![]] {
        let error = shared.command(&odd).await.unwrap_err();
        assert!(matches!(error, CommandError::Misplaced(_)), "{odd:?}: {error}");
    }
    assert_eq!(pool.status().1.commands, 1);
}

/// A batch far larger than what a socket takes at once, with replies that are large too.
#[tokio::test]
async fn a_batch_of_many_megabytes_goes_through() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 1);
    let large = "x".repeat(100_000);
    let mut commands = vec![vec!["SET", "big", &large]];
    commands.extend((0..300).map(|_| vec!["ECHO", &large]));
    let replies = pool.pipeline(&commands).await.unwrap();
    assert_eq!(replies.len(), 301);
    assert!(replies[1..].iter().all(|reply| *reply == bulk(&large)));
    settled(&pool).await;
}

#[tokio::test]
async fn a_batch_that_breaks_keeps_the_replies_that_came() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|_| {});
    gate.replies.add_permits(2);
    let commands = [["ECHO", "a"], ["ECHO", "b"], ["ECHO", "c"], ["ECHO", "d"]];
    let kill = async {
        gate.has_seen(3).await;
        gate.kill.notify_waiters();
    };
    let (outcome, ()) = tokio::join!(pool.pipeline(&commands), kill);
    let error = outcome.unwrap_err();
    assert_eq!(error.answered, [bulk("a"), bulk("b")]);
    assert!(matches!(error.error, CommandError::Unknown(_)), "never sent again: {error}");
    let totals = pool.status().1;
    assert_eq!((totals.commands, totals.command_failures, totals.checkouts), (2, 2, 1));
    assert_eq!(closed(&mut events), [CloseReason::Broken]);
    settled(&pool).await;
}

#[tokio::test]
async fn a_batch_that_is_cancelled_costs_its_connection_and_nothing_else() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|_| {});
    let mut lease = pool.checkout().await.unwrap();
    let commands = [["ECHO", "a"], ["ECHO", "b"]];
    tokio::select! {
        biased;
        done = lease.pipeline(&commands) => panic!("answered: {done:?}"),
        () = gate.has_seen(1) => {}
    }
    let error = lease.command(&["ECHO", "mine"]).await.unwrap_err();
    assert!(matches!(error, CommandError::Ended(CloseReason::Cancelled)), "{error}");
    drop(lease);
    gate.replies.add_permits(100);
    assert_eq!(pool.command(&["ECHO", "mine"]).await.unwrap(), bulk("mine"));
    assert_eq!(closed(&mut events), [CloseReason::Cancelled]);
    assert_eq!(pool.status().1.command_failures, 2);
    settled(&pool).await;
}

#[tokio::test]
async fn a_batch_that_finds_no_server_is_tried_again() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 1);
    let blocked = pool_on(ConnectOptions::from_url("redis://127.0.0.1:1").unwrap(), 1).0;
    let error = blocked.pipeline(&[["PING"]]).await.unwrap_err();
    assert!(matches!(error.error, CommandError::Checkout(_)), "{error}");
    assert_eq!(blocked.status().1.retries, 3);
    assert_eq!(pool.pipeline(&[["PING"]]).await.unwrap(), [Value::Simple("PONG".into())]);
    assert_eq!(pool.status().1.retries, 0);
}

#[tokio::test]
async fn many_callers_share_one_connection_and_each_gets_its_own_reply() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 50);
    let shared = pool.multiplexed();
    let callers: Vec<_> = (0..100_u32)
        .map(|caller| {
            let shared = shared.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    let text = format!("{caller}-{n}");
                    assert_eq!(shared.command(&["ECHO", &text]).await.unwrap(), bulk(&text));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let pulse = pulse(&pool);
    let ConnState::InUse { holder, .. } = &pulse.connections[0].state else { panic!("not lent") };
    assert_eq!(holder.label.as_deref(), Some("multiplexed"));
    assert!(holder.location.as_deref().is_some_and(|at| at.contains("pool_modes.rs:")), "{holder:?}");
    assert_eq!((pulse.totals.opened, pulse.totals.checkouts, pulse.connections[0].commands), (1, 1, 5_000));
    drop(shared);
    settled(&pool).await;
    assert_eq!(pool.status().1.commands, 5_000);
    assert_eq!(pool.status().0.available, 1, "it came back whole");
}

#[tokio::test]
async fn callers_that_go_away_leave_the_others_in_step() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|_| {});
    let shared = pool.multiplexed();
    let callers: Vec<_> = (0..10_u64)
        .map(|n| {
            let shared = shared.clone();
            tokio::spawn(async move { shared.command(&["ECHO", &n.to_string()]).await })
        })
        .collect();
    gate.has_seen(1).await;
    callers.iter().step_by(2).for_each(JoinHandle::abort);
    gate.replies.add_permits(1_000);
    for (n, caller) in callers.into_iter().enumerate() {
        match caller.await {
            Ok(reply) => assert_eq!(reply.unwrap(), bulk(&n.to_string())),
            Err(error) => assert!(error.is_cancelled() && n % 2 == 0),
        }
    }
    assert_eq!(shared.command(&["ECHO", "after"]).await.unwrap(), bulk("after"));
    assert!(closed(&mut events).is_empty(), "one connection all the time");
}

#[tokio::test]
async fn a_broken_connection_fails_what_was_sent_and_the_next_command_gets_another() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|_| {});
    let shared = pool.multiplexed();
    let ask = |n: u64| {
        let shared = shared.clone();
        tokio::spawn(async move { shared.command(&["ECHO", &n.to_string()]).await })
    };
    let callers: Vec<_> = (0..5).map(ask).collect();
    gate.has_seen(1).await;
    gate.kill.notify_waiters();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, CommandError::Unknown(_)), "{error}");
    }
    gate.replies.add_permits(1_000);
    assert_eq!(ask(7).await.unwrap().unwrap(), bulk("7"));
    assert_eq!(closed(&mut events), [CloseReason::Broken]);
    let totals = pool.status().1;
    assert_eq!((totals.checkouts, totals.opened, totals.command_failures), (2, 2, 5));
}

#[tokio::test]
async fn a_late_reply_reaches_nobody() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|_| {});
    let shared = pool.multiplexed();
    let error = shared.command_within(&["ECHO", "late"], Some(Duration::from_millis(20))).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    gate.has_seen(1).await;
    gate.replies.add_permits(2);
    assert_eq!(shared.command(&["ECHO", "mine"]).await.unwrap(), bulk("mine"));
    assert!(closed(&mut events).is_empty(), "one impatient caller is no reason to close it");
}

#[tokio::test]
async fn a_silent_server_costs_the_connection_after_the_socket_timeout() {
    let gate = Gate::open().await;
    let (pool, mut events) = gate.pool(|options| options.socket_timeout = Some(Duration::from_millis(50)));
    let shared = pool.multiplexed();
    let error = shared.command(&["ECHO", "lost"]).await.unwrap_err();
    assert!(matches!(&error, CommandError::Unknown(io) if *io.kind() == IoErrorKind::Timeout), "{error}");
    settled(&pool).await;
    assert_eq!(closed(&mut events), [CloseReason::Timeout]);
    // The permit is taken for the lost reply or the new one: enough for both.
    gate.replies.add_permits(1_000);
    assert_eq!(shared.command_within(&["ECHO", "mine"], Some(PATIENCE)).await.unwrap(), bulk("mine"));
}

#[tokio::test]
async fn nobody_to_ask_is_an_error_for_each() {
    let (pool, _events) = pool_on(ConnectOptions::from_url("redis://127.0.0.1:1").unwrap(), 1);
    let shared = pool.multiplexed();
    let callers: Vec<_> = (0..5)
        .map(|_| {
            let shared = shared.clone();
            tokio::spawn(async move { shared.command(&["PING"]).await })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, CommandError::Checkout(_)), "{error}");
    }
}

#[tokio::test]
async fn an_idle_connection_goes_back_to_the_pool_and_is_borrowed_again() {
    let server = RedisServer::start(&[]);
    let (pool, mut events) = real(&server, 1);
    let shared = pool.multiplexed();
    shared.command(&["PING"]).await.unwrap();
    settled(&pool).await;
    assert_eq!(pool.status().0.available, 1);
    shared.command(&["PING"]).await.unwrap();
    assert_eq!((pool.status().1.opened, pool.status().1.checkouts), (1, 2));
    // Closing does not wait for a connection that nobody uses.
    assert_eq!(pool.close(PATIENCE).await, 0);
    let error = shared.command(&["PING"]).await.unwrap_err();
    assert!(matches!(error, CommandError::Checkout(_)), "{error}");
    assert_eq!(closed(&mut events), [CloseReason::PoolClosed]);
}

#[tokio::test]
async fn a_reset_pool_takes_the_shared_connection_too() {
    let gate = Gate::open().await;
    let (pool, _events) = gate.pool(|_| {});
    let shared = pool.multiplexed();
    let asking = tokio::spawn({
        let shared = shared.clone();
        async move { shared.command(&["ECHO", "a"]).await }
    });
    gate.has_seen(1).await;
    assert_eq!(pool.reset(), 1);
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, CommandError::Reclaimed { reason: CloseReason::Reset, sent: true }), "{error}");
    gate.replies.add_permits(1_000);
    assert_eq!(shared.command(&["ECHO", "b"]).await.unwrap(), bulk("b"));
}

#[derive(Clone, Debug)]
enum Step {
    /// Another caller on the shared connection, patient or not.
    Ask(bool),
    Cancel(usize),
    /// So many replies may come.
    Answer(usize),
    /// Lets tasks run.
    Pass(usize),
    /// Every connection breaks.
    Kill,
    Reset,
    /// A batch of so many on a lease of its own, dropped after so many polls, and the lease after it.
    Batch(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => proptest::bool::weighted(0.9).prop_map(Step::Ask),
        4 => (0..20_usize).prop_map(Step::Cancel),
        5 => (1..6_usize).prop_map(Step::Answer),
        5 => (1..40_usize).prop_map(Step::Pass),
        1 => Just(Step::Kill),
        1 => Just(Step::Reset),
        4 => (1..6_usize, 0..30_usize).prop_map(|(size, polls)| Step::Batch(size, polls)),
    ]
}

/// Everything under way at once. A caller that is answered is answered with its own words.
struct Run {
    gate: Arc<Gate>,
    pool: RedisPool,
    events: Receiver<Timed>,
    shared: Multiplexed,
    callers: Vec<JoinHandle<()>>,
    words: u64,
    broken: bool,
}

impl Run {
    fn word(&mut self) -> String {
        self.words += 1;
        format!("word-{}", self.words)
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Ask(patient) => {
                let (shared, word) = (self.shared.clone(), self.word());
                self.callers.push(tokio::spawn(async move {
                    let limit = if patient { PATIENCE } else { Duration::from_millis(1) };
                    if let Ok(reply) = shared.command_within(&["ECHO", &word], Some(limit)).await {
                        assert_eq!(reply, bulk(&word), "another caller's reply");
                    }
                }));
            }
            Step::Cancel(n) => {
                if let Some(caller) = pick(n, &self.callers) {
                    caller.abort();
                }
            }
            Step::Answer(n) => self.gate.replies.add_permits(n),
            Step::Pass(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
            }
            Step::Kill => {
                self.broken = true;
                self.gate.kill.notify_waiters();
            }
            Step::Reset => {
                self.broken = true;
                self.pool.reset();
            }
            Step::Batch(size, polls) => {
                let words: Vec<_> = (0..size).map(|_| self.word()).collect();
                let commands: Vec<_> = words.iter().map(|word| ["ECHO", word.as_str()]).collect();
                if let Some(Ok(replies)) = cut(polls, self.pool.pipeline(&commands)).await {
                    let expected: Vec<_> = words.iter().map(|word| bulk(word)).collect();
                    assert_eq!(replies, expected, "another batch's replies");
                }
            }
        }
    }

    async fn finish(mut self) {
        self.gate.replies.add_permits(100_000);
        for caller in self.callers.drain(..) {
            if let Err(error) = caller.await {
                assert!(error.is_cancelled(), "{error}");
            }
        }
        for n in 0..3 {
            let word = self.word();
            match self.shared.command(&["ECHO", &word]).await {
                Ok(reply) => assert_eq!(reply, bulk(&word), "in step at the end"),
                // What broke while nobody asked is heard of by the next one who does.
                Err(error) => assert!(self.broken && n < 2, "{error}"),
            }
        }
        drop(self.shared);
        settled(&self.pool).await;
        let told = told(&mut self.events);
        let unread =
            told.iter().any(|event| matches!(event, PoolEvent::UnreadReply { seen: SeenAt::Checkout, .. }));
        assert!(!unread, "{told:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_reads_anothers_reply_whatever_happens(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let gate = Gate::open().await;
            let (pool, events) = gate.pool(|_| {});
            let shared = pool.multiplexed();
            let callers = Vec::new();
            let mut run = Run { gate, pool, events, shared, callers, words: 0, broken: false };
            for step in &steps {
                run.step(step).await;
            }
            run.finish().await;
        });
    }
}

#[tokio::test]
async fn a_run_of_single_commands_is_told_and_a_pipeline_is_none() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 1);
    let mut lease = pool.checkout_as("import".into()).await.unwrap();
    for n in 0..200 {
        lease.command(&["SET", "k", &n.to_string()]).await.unwrap();
    }
    drop(lease);
    let run = pulse(&pool).run.expect("a run");
    // A scheduler's whim may cut it in pieces on a busy machine; the longest is long all the same.
    assert!((32..=200).contains(&run.commands), "{run:?}");
    assert_eq!((run.command.as_deref(), run.holder.label.as_deref()), (Some("SET"), Some("import")));
    assert!(run.took > run.between, "{run:?}");
    assert_eq!(pulse(&pool).run, None, "told once");

    pool.pipeline(&[["GET", "k"]; 200]).await.unwrap();
    for _ in 0..200 {
        pool.command(&["GET", "k"]).await.unwrap();
    }
    assert_eq!(pulse(&pool).run, None, "neither a batch nor leases of one command are a run");
}

#[tokio::test]
async fn the_limits_in_force_are_told() {
    let server = RedisServer::start(&[]);
    let (pool, _events) = real(&server, 1);
    let seconds = |seconds| Bound::Within(Duration::from_secs(seconds));
    assert_eq!(pulse(&pool).bounds, Bounds { wait: seconds(20), reply: seconds(5) });
    pool.set(|config| config.blocking_timeout = Duration::MAX);
    assert_eq!(pulse(&pool).bounds.wait, Bound::Unbounded);
    pool.set(|config| config.on_exhausted = OnExhausted::Fail);
    assert_eq!(pulse(&pool).bounds.wait, seconds(0));
    let options = ConnectOptions { socket_timeout: None, ..ConnectOptions::default() };
    assert_eq!(pulse(&pool_on(options, 1).0).bounds.reply, Bound::Unbounded);
}
