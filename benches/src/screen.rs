//! What the full screen costs a person: how soon it is there, what it takes while nothing happens, and how it bears a long
//! paste and a long reply. The release build of the program runs in a pseudo-terminal, on a server of the benches' own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::server::Server;

/// Starts of which the median and the slowest are printed.
const STARTS: usize = 15;
/// How long it is watched doing nothing.
const IDLE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(1);
const PASTE: usize = 100_000;
const LINES: usize = 50_000;
/// Clients of a server that is watched; it takes ten thousand, and ours with them.
const CLIENTS: [usize; 2] = [10, 9_950];

const ROWS: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();

/// What a person sees. Only what changes is written, so words that are drawn seldom stand whole among the bytes.
struct Shown(vt100::Parser);

impl Default for Shown {
    fn default() -> Self {
        Self(vt100::Parser::new(ROWS, COLUMNS, 0))
    }
}

/// The program in a pseudo-terminal.
pub(crate) struct Screen {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// Kept open: the program's terminal.
    _terminal: Box<dyn MasterPty + Send>,
}

pub(crate) type Failure = Box<dyn std::error::Error>;

impl Screen {
    fn start(server: &Server, arguments: &[&str]) -> Result<Self, Failure> {
        let server = format!("redis://{}", server.address());
        Self::run(&[arguments, &[server.as_str()]].concat())
    }

    pub(crate) fn run(arguments: &[&str]) -> Result<Self, Failure> {
        let size = PtySize { rows: ROWS.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(program()?);
        command.args(arguments);
        command.cwd(std::env::current_dir()?);
        // Without a home there is neither a history nor a configuration of the person who runs this.
        for name in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
            command.env(name, "/nonexistent");
        }
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        let child = pair.slave.spawn_command(command)?;
        let mut output = pair.master.try_clone_reader()?;
        let keys = pair.master.take_writer()?;
        let shown: Arc<(Mutex<Shown>, Condvar)> = Arc::default();
        let into = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65536];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let (seen, more) = &*into;
                seen.lock().unwrap_or_else(PoisonError::into_inner).0.process(&bytes[..count]);
                more.notify_all();
            }
        });
        Ok(Self { shown, keys, child, _terminal: pair.master })
    }

    /// How long it takes from now until these words are on the screen.
    pub(crate) fn until(&self, words: &str) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let (seen, more) = &*self.shown;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        while !seen.0.screen().contents().contains(words) {
            let left =
                PATIENCE.checked_sub(begun.elapsed()).ok_or_else(|| format!("never drew {words:?}"))?;
            seen = more.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(begun.elapsed())
    }

    fn send(&mut self, keys: &[u8]) -> Result<(), Failure> {
        self.keys.write_all(keys)?;
        Ok(self.keys.flush()?)
    }

    /// A field of `/proc/PID/status`, in MB; the system tells it on Linux only.
    pub(crate) fn megabytes(&self, field: &str) -> String {
        let pid = self.child.process_id().unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kilobytes.map_or("–".to_owned(), |kilobytes| format!("{:.1} MB", kilobytes / 1024.0))
    }

    /// Processor time used so far, in ticks of 10 ms.
    pub(crate) fn ticks(&self) -> Option<u64> {
        let pid = self.child.process_id()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The program's name, in brackets, may have blanks.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The release build beside this program.
fn program() -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name("redis-pooltop");
    if path.exists() { Ok(path) } else { Err("build it first: cargo build --release".into()) }
}

/// Fills the list that is shown later.
fn fill(server: &Server) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(server.address())?;
    let mut commands = String::from("DEL lines\r\n");
    for line in 0..LINES {
        commands.extend(["RPUSH lines element-", &line.to_string(), "\r\n"]);
    }
    commands.push_str("QUIT\r\n");
    let mut copy = stream.try_clone()?;
    let reader = std::thread::spawn(move || {
        let mut replies = Vec::new();
        copy.read_to_end(&mut replies).map(|_| ())
    });
    stream.write_all(commands.as_bytes())?;
    reader.join().map_err(|_| "the reader of replies panicked")??;
    Ok(())
}

pub(crate) fn run(server: &Server) -> Result<(), Failure> {
    pool(server)?;
    println!("`watch` in it, 80x24");
    let mut crowd = Vec::new();
    for clients in CLIENTS {
        while crowd.len() < clients {
            let client = TcpStream::connect(server.address());
            crowd.push(client.map_err(|error| format!("{error}; raise `ulimit -n`"))?);
        }
        watch(server, clients)?;
    }
    Ok(())
}

/// How soon `watch` is there, empty at first, and then with this many clients and the process that has them.
fn watch(server: &Server, clients: usize) -> Result<(), Failure> {
    let (mut paints, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begun = Instant::now();
        let screen = Screen::start(server, &["watch"])?;
        screen.until("clients by process")?;
        paints.push(begun.elapsed());
        screen.until("pooltop-bench")?;
        whole.push(begun.elapsed());
    }
    paints.sort();
    whole.sort();
    println!(
        "  of {clients:>6} clients    first paint {:.1} ms, at most {:.1} ms of {STARTS} starts; named by process after {:.0} ms",
        ms(paints[STARTS / 2]),
        ms(paints[STARTS - 1]),
        ms(whole[STARTS / 2])
    );
    let screen = Screen::start(server, &["watch"])?;
    screen.until("pooltop-bench")?;
    let before = screen.ticks();
    std::thread::sleep(IDLE);
    if let (Some(before), Some(after)) = (before, screen.ticks()) {
        let share = (after - before) as f64 / 100.0 / IDLE.as_secs_f64() * 100.0;
        println!(
            "                       {share:.2}% of a core over {} s, {} resident",
            IDLE.as_secs(),
            screen.megabytes("VmRSS")
        );
    }
    Ok(())
}

/// The screen of a pool.
fn pool(server: &Server) -> Result<(), Failure> {
    println!("the full screen, 80x24, on a redis-server, release build");
    let mut paints = Vec::new();
    let mut peers = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let screen = Screen::start(server, &[])?;
        screen.until("connections")?;
        paints.push(begun.elapsed());
        drop(screen);
        let begun = Instant::now();
        let port = server.address().port().to_string();
        std::process::Command::new("redis-cli").args(["-p", &port, "PING"]).output()?;
        peers.push(begun.elapsed());
    }
    for times in [&mut paints, &mut peers] {
        times.sort();
    }
    let (paint, worst, peer) = (paints[STARTS / 2], paints[STARTS - 1], peers[STARTS / 2]);
    println!(
        "  first paint          {:.1} ms, at most {:.1} ms of {STARTS} starts; {:.1} times redis-cli PING",
        ms(paint),
        ms(worst),
        paint.as_secs_f64() / peer.as_secs_f64()
    );
    let mut screen = Screen::start(server, &[])?;
    screen.until("connections")?;
    // The idle state begins when the first snapshots have come.
    std::thread::sleep(Duration::from_secs(2));
    println!("  resident             {}", screen.megabytes("VmRSS"));
    let before = screen.ticks();
    std::thread::sleep(IDLE);
    if let (Some(before), Some(after)) = (before, screen.ticks()) {
        let share = (after - before) as f64 / 100.0 / IDLE.as_secs_f64() * 100.0;
        println!("  idle                 {share:.2}% of a core over {} s", IDLE.as_secs());
    }
    let mut paste = b"\x1b[200~SET pasted ".to_vec();
    paste.extend(std::iter::repeat_n(b'x', PASTE));
    paste.extend_from_slice(b"\x1b[201~");
    screen.send(&paste)?;
    // The end of so long a line is masked: it is not searched for passwords.
    let took = screen.until("******")?;
    println!("  a paste of 100 KB    drawn after {:.1} ms", ms(took));
    screen.send(b"\x01")?;
    println!("  Home in it           drawn after {:.1} ms", ms(screen.until("pasted")?));
    screen.send(b"\x03")?;
    fill(server)?;
    screen.send(b"LRANGE lines 0 -1\r")?;
    let took = screen.until(&format!("{LINES}) "))?;
    println!(
        "  {LINES} lines of reply drawn after {:.0} ms; then {} resident, at most {}",
        ms(took),
        screen.megabytes("VmRSS"),
        screen.megabytes("VmHWM")
    );
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
