//! What it costs to take in an app's processes: `attach` in a pseudo-terminal, and agents that tell ten times a second.

use std::fmt::Write as _;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::screen::{Failure, Screen};

/// How many report at once; none of them is what the screen alone takes.
const PROCESSES: [usize; 2] = [0, 50];
const TICK: Duration = Duration::from_millis(100);
const FOR: Duration = Duration::from_secs(20);
/// Before that, while pools and stacks are told.
const FIRST: Duration = Duration::from_secs(3);
/// Connections of the pool of each, the first of which are lent for long.
const OPEN: u64 = 20;
const HELD: u64 = 3;
/// Commands between two snapshots.
const COMMANDS: u64 = 500;

pub(crate) fn run() -> Result<(), Failure> {
    println!(
        "`attach`, 80x24, release build: processes that each tell of {COMMANDS} commands ten times a second"
    );
    for processes in PROCESSES {
        let room = tempfile::tempdir()?;
        let socket = room.path().join("socket");
        let path = socket.to_str().ok_or("a path that is no text")?;
        let screen = Screen::run(&["attach", path])?;
        let mut agents = Vec::new();
        for number in 0..processes {
            agents.push(Agent::start(&socket, number)?);
        }
        let told = tell(&mut agents, FIRST)?;
        if processes > 0 {
            screen.until("bench.py")?;
        }
        let before = screen.ticks().ok_or("no processor time of a process is told here")?;
        let told = tell(&mut agents, FOR)? - told;
        let after = screen.ticks().unwrap_or(before);
        println!(
            "  {processes:>3} processes  {:.1}% of a core over {} s, {} resident, {} bytes a snapshot",
            (after - before) as f64 / FOR.as_secs_f64(),
            FOR.as_secs(),
            screen.megabytes("VmRSS"),
            told.checked_div(processes as u64 * (FOR.as_millis() / TICK.as_millis()) as u64)
                .unwrap_or_default(),
        );
    }
    Ok(())
}

/// Lets all of them tell that long, one after the other; how many bytes they have told in all.
fn tell(agents: &mut [Agent], time: Duration) -> Result<u64, Failure> {
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < time {
        let among = u32::try_from(agents.len().max(1))?;
        for (at, agent) in (0..among).zip(&mut *agents) {
            until(begun + TICK * round + TICK * at / among);
            agent.snapshot()?;
        }
        round += 1;
        until(begun + TICK * round);
    }
    Ok(agents.iter().map(|agent| agent.told).sum())
}

fn until(then: Instant) {
    std::thread::sleep(then.saturating_duration_since(Instant::now()));
}

/// One that says what the agent in Python says of a pool under load: assets/agent/agent-protocol.md.
struct Agent {
    stream: UnixStream,
    begun: Instant,
    snapshots: u64,
    /// Bytes.
    told: u64,
}

impl Agent {
    fn start(socket: &Path, number: usize) -> Result<Self, Failure> {
        let begun = Instant::now();
        let stream = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if begun.elapsed() > Duration::from_secs(10) => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let mut agent = Self { stream, begun, snapshots: 0, told: 0 };
        let wall = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_millis();
        // Processes of others' numbers: nothing is looked up about them.
        agent.line(&format!(
            r#"{{"t":"hello","v":1,"pid":{},"ppid":1,"born":0,"now":1,"wall_ms":{wall},"program":"bench.py","cwd":"/srv/app","python":"3.11.7","forked":false,"how":"hook"}}"#,
            4_000_000 + number,
        ))?;
        agent.line(r#"{"t":"lib","name":"redis","version":"8.1.0"}"#)?;
        for stack in 1..=HELD + 1 {
            agent.line(&format!(
                r#"{{"t":"stack","id":{stack},"frames":[["/srv/app/jobs.py",{stack},"worker"],["/srv/app/app.py",12,"main"],["/srv/app/bench.py",3,"<module>"]],"cut":0}}"#
            ))?;
        }
        agent.line(r#"{"t":"pool","id":1,"at":2,"class":"redis.connection.ConnectionPool","async":false,"target":"127.0.0.1:6379/0","name":null,"socket_timeout":5000000000,"kind":"pool","max":100,"blocking":null,"inherited":false,"stack":1}"#)?;
        Ok(agent)
    }

    fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.stream.write_all(line.as_bytes())?;
        self.stream.write_all(b"\n")?;
        self.told += line.len() as u64 + 1;
        Ok(())
    }

    fn snapshot(&mut self) -> Result<(), Failure> {
        let now = u64::try_from(self.begun.elapsed().as_nanos())?;
        let commands = self.snapshots * COMMANDS;
        let mut opened = String::new();
        if self.snapshots == 0 {
            for conn in 1..=OPEN {
                let comma = if conn > 1 { "," } else { "" };
                write!(opened, r#"{comma}[{conn},{now},{conn},"127.0.0.1:{}",900000]"#, 30_000 + conn)?;
            }
        }
        let (mut out, mut back) = (String::new(), String::new());
        // Leases that go on working are told again twice a second; one is a new one each second.
        let turn = self.snapshots / 10;
        if self.snapshots.is_multiple_of(5) {
            for conn in 1..=HELD {
                let (comma, uses) = (if conn > 1 { "," } else { "" }, if conn == 1 { turn + 1 } else { 1 });
                let since = if conn == 1 { now.saturating_sub(150_000_000) } else { 5 };
                write!(
                    out,
                    r#"{comma}{{"conn":{conn},"since":{since},"stack":{stack},"thread":"worker-{conn}","task":null,"how":"command","cmd":"GET","cmds":{commands},"uses":{uses},"active":{now},"busy":null,"owed":0,"pinned":null,"abandoned":null}}"#,
                    stack = conn + 1,
                )?;
            }
        }
        if self.snapshots % 10 == 9 {
            write!(back, "[1,{now}]")?;
        }
        self.line(&format!(
            r#"{{"t":"snap","now":{now},"dropped":0,"errors":0,"error":null,"pools":[{{"id":1,"in_use":{in_use},"available":{idle},"opening":0,"waiting":0,"max":100,"totals":{{"opened":{OPEN},"closed":0,"open_failures":0,"checkouts":{lent},"released":{commands},"discarded":0,"waited":0,"timeouts":0,"cancelled":0,"refused":0,"failed":0,"commands":{commands},"error_replies":0,"unread_replies":0}},"wait":[[0,{COMMANDS}]],"held":[[163839,120],[196607,250],[229375,80],[262143,40],[524287,10]],"create":[],"opened":[{opened}],"closed":[],"out":[{out}],"back":[{back}],"failed":[],"unread":[],"shared":[]}}]}}"#,
            in_use = HELD + self.snapshots % 7,
            idle = OPEN - HELD - self.snapshots % 7,
            lent = commands + HELD,
        ))?;
        self.snapshots += 1;
        Ok(())
    }
}
