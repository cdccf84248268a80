//! What tests share: real servers of their own on free ports, the tools `tests/run` installs, and waiting for a
//! condition with a deadline.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part of this module")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub mod raw;

/// How long a test waits for something that should happen at once: long enough for a machine busy with other work.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Calls `look` until it gives something, and panics with `what` when [`PATIENCE`] runs out.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "gave up waiting for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// [`wait_for`] in a runtime: other tasks run between two looks.
pub async fn wait_until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !look().await {
        assert!(Instant::now() < deadline, "gave up waiting for {what}");
        // A pause between two looks, not a guess at how long the thing takes.
        let _ = tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
    }
}

/// Where `tests/run` puts what the tests need beside the system's packages.
fn tools() -> PathBuf {
    std::env::var_os("POOLTOP_TEST_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools"), PathBuf::from)
}

/// A Python that has redis-py and hiredis.
pub fn python() -> PathBuf {
    let python = tools().join("venv/bin/python");
    assert!(python.exists(), "no {}: run tests/run once, it makes the virtual environment", python.display());
    python
}

/// The Python of one of the environments in `tests/requirements-agent.txt`.
pub fn agent_python(name: &str) -> PathBuf {
    let python = tools().join("py").join(name).join("bin/python");
    assert!(
        python.exists(),
        "no {}: run tests/run once, it makes the virtual environments",
        python.display()
    );
    python
}

/// The Python that has the frameworks in `tests/requirements-subjects.txt`.
pub fn subjects_python() -> PathBuf {
    let python = tools().join("subjects/bin/python");
    assert!(python.exists(), "no {}: run tests/run once, it makes the virtual environment", python.display());
    python
}

/// Valkey's server, from the wheel that carries it.
pub fn valkey_server() -> PathBuf {
    let server = tools().join("valkey-server");
    assert!(server.exists(), "no {}: run tests/run once, it installs Valkey from PyPI", server.display());
    server
}

/// The binary under test.
pub fn pooltop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redis-pooltop"));
    for name in ["REDIS_URL", "REDISCLI_AUTH", "NO_COLOR", "CLICOLOR_FORCE", "EDITOR", "PAGER"] {
        command.env_remove(name);
    }
    // Nobody's own settings.
    command.env("XDG_CONFIG_HOME", concat!(env!("CARGO_TARGET_TMPDIR"), "/no-config"));
    command
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
    listener.local_addr().expect("its address").port()
}

/// A real server of the test's own: a free port and a unix socket in a directory of its own, nothing on disk after it.
pub struct RedisServer {
    child: Child,
    port: u16,
    directory: tempfile::TempDir,
    program: PathBuf,
    arguments: Vec<String>,
}

impl RedisServer {
    /// Debian's redis-server with `arguments` after the usual ones.
    pub fn start(arguments: &[&str]) -> Self {
        Self::launch(Path::new("redis-server"), arguments)
    }

    /// A Valkey 9 server.
    pub fn start_valkey(arguments: &[&str]) -> Self {
        Self::launch(&valkey_server(), arguments)
    }

    fn launch(program: &Path, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        // Between finding a free port and binding it another test can take it: try again with another.
        for _ in 0..20 {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let port = free_port();
            let child = spawn(program, port, directory.path(), &arguments);
            let mut server =
                Self { child, port, directory, program: program.to_owned(), arguments: arguments.clone() };
            if server.answers() {
                return server;
            }
        }
        panic!("{} does not start with {arguments:?}", program.display());
    }

    /// Waits until it answers; `false` when it ended instead.
    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.try_wait().expect("its state").is_some() {
                return false;
            }
            if let Ok(mut stream) = std::os::unix::net::UnixStream::connect(self.socket()) {
                let mut first = [0; 1];
                let asked =
                    stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.write_all(b"PING\r\n"));
                if asked.is_ok() && stream.read_exact(&mut first).is_ok() {
                    return true;
                }
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    /// Its TCP port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its TCP address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    /// A directory that lives as long as the server.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs redis-cli against it and gives what it printed.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let output =
            redis_cli().arg("-s").arg(self.socket()).args(arguments).output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port after [`RedisServer::kill`].
    pub fn restart(&mut self) {
        self.kill();
        for _ in 0..20 {
            self.child = spawn(&self.program, self.port, self.directory.path(), &self.arguments);
            if self.answers() {
                return;
            }
        }
        panic!("{} does not start again on port {}", self.program.display(), self.port);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(program: &Path, port: u16, directory: &Path, arguments: &[String]) -> Child {
    Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--unixsocket", "redis.sock", "--unixsocketperm", "700", "--enable-debug-command", "yes"])
        .arg("--dir")
        .arg(directory)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; `apt-get install redis-server` or tests/run", program.display())
        })
}

/// Debian's redis-cli, with nothing of the caller's environment that changes it.
pub fn redis_cli() -> Command {
    let mut command = Command::new("redis-cli");
    command.env_remove("REDISCLI_AUTH").env_remove("REDISCLI_HISTFILE");
    let there = Command::new("redis-cli").arg("--version").output();
    assert!(there.is_ok(), "no redis-cli: `apt-get install redis-tools` or tests/run");
    command
}

/// Connects and sends nothing: a client that only sits there.
pub fn idle_client(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).expect("the server accepts")
}
