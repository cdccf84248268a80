//! What watching clients costs: reading a CLIENT LIST of ten thousand and comparing it with the last one, beside
//! redis-py's reading of the same bytes; and a real server with as many clients, watched for some seconds.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis_pooltop::event::{Clock, Event, NodeId, Tap, WatchEvent};
use redis_pooltop::net::{ConnectOptions, Endpoint};
use redis_pooltop::source::client_list::ClientList;
use redis_pooltop::source::watch::watch;
use rustix::time::{ClockId, clock_gettime};

use crate::server::Server;
use crate::took::{Took, ms};

const CLIENTS: u64 = 10_000;
const ROUNDS: u64 = 25;

/// How many clients a real server is given, and for how long it is watched.
const CROWD: usize = 9_900;
const WATCHED: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error>;

/// Reading and comparing, and redis-py beside it.
pub(crate) fn reading() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("client-list");
    let first = list(0, 0);
    std::fs::write(&file, &first)?;
    let mut python = Python::start(&file)?;
    let (mut read, mut same, mut tenth, mut all, mut peer) = (vec![], vec![], vec![], vec![], vec![]);
    for round in 0..=ROUNDS {
        let raw = Bytes::from(first.clone());
        // The bytes are there for both, and neither's reading is charged with throwing away what it read.
        let (whole, _) = Took::by(|| {
            let mut list = ClientList::default();
            let said = list.compare(raw);
            (list, said)
        });
        let compared = |active| {
            let mut known = ClientList::default();
            known.compare(list(active, 2 * round).into());
            let next = list(active, 2 * round + 1).into();
            Took::by(|| known.compare(next)).0
        };
        let theirs = python.read()?;
        let (none, tenths, every) = (compared(0), compared(10), compared(1));
        // One for nothing: caches and allocator are nobody's merit.
        if round > 0 {
            read.push(whole);
            same.push(none);
            tenth.push(tenths);
            all.push(every);
            peer.push(theirs);
        }
    }
    let bytes = first.len() as f64 / 1e6;
    println!(
        "a CLIENT LIST of {CLIENTS} clients, {bytes:.1} MB: the thread's processor time, median and most"
    );
    for (what, took) in [
        ("read, all of it new", &read),
        ("read and compared: nobody did anything", &same),
        ("read and compared: one in ten did", &tenth),
        ("read and compared: everybody did", &all),
        ("redis-py's client_list(), read only", &peer),
    ] {
        println!("  {what:<40}{:>9.2} ms {:>9.2} ms", ms(Took::median(took).cpu), ms(Took::most(took).cpu));
    }
    // Round by round, since what ran side by side was disturbed alike.
    let mut times: Vec<f64> = read
        .iter()
        .zip(&peer)
        .map(|(ours, theirs)| theirs.cpu.as_secs_f64() / ours.cpu.as_secs_f64())
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    println!("  redis-py takes {:.1} times as long as reading all of it here\n", times[times.len() / 2]);
    Ok(())
}

/// A list in the form of Redis 8 and Valkey 9 at a moment; one client in `active` did something since the one before.
fn list(active: u64, tick: u64) -> String {
    let mut list = String::new();
    for n in 0..CLIENTS {
        let acts = active > 0 && n.is_multiple_of(active);
        let (idle, commands) = if acts { (0, 10 + tick) } else { (5 + tick, 10) };
        let _ = writeln!(
            list,
            "id={} addr=10.0.{}.{}:{} laddr=10.0.0.1:6379 fd={} name=web-{} age={} idle={idle} flags=N db=0 sub=0 psub=0 \
             ssub=0 multi=-1 watch=0 qbuf=0 qbuf-free=20474 argv-mem=10 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 \
             tot-mem={} events=r cmd={} user=default redir=-1 resp=3 lib-name=redis-py lib-ver=8.1.0 io-thread=0 \
             tot-net-in={} tot-net-out={} tot-cmds={commands}",
            1000 + 3 * n,
            n / 250,
            n % 250,
            10_000 + n % 50_000,
            8 + n,
            n % 40,
            100 + n + tick,
            22_000 + (n % 7) * 8,
            ["get", "set", "hgetall", "client|setinfo"][n as usize % 4],
            400 + commands * 30,
            900 + commands * 40,
        );
    }
    list
}

/// A Python that reads the list once for every line it is sent.
struct Python {
    child: Child,
    asks: ChildStdin,
    tells: BufReader<ChildStdout>,
}

const PROGRAM: &str = "
import sys, time
from redis._parsers.helpers import parse_client_list
raw = open(sys.argv[1], 'rb').read()
for _ in sys.stdin:
    begun = time.thread_time_ns()
    clients = parse_client_list(raw)
    took = time.thread_time_ns() - begun
    print(took, len(clients), flush=True)
    del clients
";

impl Python {
    fn start(file: &std::path::Path) -> Result<Self, Failure> {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-tools"));
        let tools = std::env::var_os("POOLTOP_TEST_TOOLS").map_or(here, PathBuf::from);
        let python = tools.join("venv/bin/python");
        let mut child = Command::new(&python)
            .args(["-c", PROGRAM])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}; tests/run installs it", python.display()))?;
        let asks = child.stdin.take().ok_or("no stdin")?;
        let tells = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        Ok(Self { child, asks, tells })
    }

    fn read(&mut self) -> Result<Took, Failure> {
        let begun = Instant::now();
        writeln!(self.asks)?;
        let mut said = String::new();
        self.tells.read_line(&mut said)?;
        let (nanos, clients) = said.trim().split_once(' ').ok_or("redis-py did not read the list")?;
        if clients.parse() != Ok(CLIENTS) {
            return Err(format!("redis-py has read {clients} clients").into());
        }
        Ok(Took { cpu: Duration::from_nanos(nanos.parse()?), wall: begun.elapsed() })
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with a crowd of clients, watched once a second: what that takes of a core here, and of its main thread.
pub(crate) async fn watching(server: &Server) -> Result<(), Failure> {
    let address = server.address();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(TcpStream::connect(address).map_err(|error| format!("{error}; raise `ulimit -n`"))?);
    }
    let endpoint = Endpoint::Tcp { host: address.ip().to_string(), port: address.port() };
    let options = ConnectOptions { endpoint, ..ConnectOptions::default() };
    let (tap, mut events) = Tap::channel();
    let _watch = watch(options, NodeId(0), Duration::from_secs(1), tap, Clock::start());
    let mut looks = Vec::new();
    let (mut begun, mut spent) = (Instant::now(), Duration::ZERO);
    while looks.is_empty() || begun.elapsed() < WATCHED {
        let Some(timed) = events.recv().await else { break };
        if let Event::Watch(_, WatchEvent::Looked(look)) = timed.event {
            // The first look, at clients that are all new, and finding their processes is what it takes to begin.
            if looks.is_empty() {
                (begun, spent) = (Instant::now(), process_time());
            }
            looks.push(look);
        }
    }
    let share = (process_time().saturating_sub(spent)).as_secs_f64() / begun.elapsed().as_secs_f64();
    let cost: Duration = looks.iter().map(|look| look.cost).sum();
    let time: Duration = looks.iter().map(|look| look.interval).sum();
    let clients = looks.last().map(|look| look.clients).unwrap_or_default();
    println!("a server with {clients} clients, {} looks in {WATCHED:.0?}", looks.len());
    println!("  {:.2}% of a core here", share * 100.0);
    println!(
        "  {:.2}% of the server's main thread by its commandstats, a look every {:.1} s\n",
        100.0 * cost.as_secs_f64() / time.as_secs_f64(),
        time.as_secs_f64() / looks.len() as f64,
    );
    Ok(())
}

fn process_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
