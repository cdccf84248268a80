//! A watch of a real redis-server, with programs of redis-py's and redis-cli at work, one of which never closes anything.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;
use redis_pooltop::event::{Clock, Process};
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::snapshot::{GroupBy, GroupRow, Groups, Snapshot};
use redis_pooltop::source::watch::watch_all;
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::layout::Scene;
use redis_pooltop::tui::run::Unassisted;
use tempfile::TempDir;
use tokio::time::sleep;

use super::SHOWN;
use crate::server::Server;

/// What growth looks back on, and a moment more.
const WATCHED: Duration = Duration::from_secs(36);
/// As the screen has it.
const OFTEN: Duration = Duration::from_secs(1);

/// What every program begins with.
const HEAD: &str = "import os, threading, time, redis\nport = int(os.environ['POOLTOP_PORT'])\n";

/// A shop's programs: a web server with a pool, workers that wait for jobs, somebody who hears the news, an import that
/// makes a client for each row, and a report that opens one and closes it, many times a second.
const PROGRAMS: [(&str, &str); 5] = [
    (
        "web.py",
        "pool = redis.BlockingConnectionPool(port=port, max_connections=12, client_name='web')
def serve():
    while True:
        redis.Redis(connection_pool=pool).incr('hits')
        time.sleep(0.02)
for connection in [pool.get_connection() for _ in range(12)]:
    pool.release(connection)
for _ in range(12):
    threading.Thread(target=serve).start()
",
    ),
    (
        "worker.py",
        "clients = [redis.Connection(port=port, client_name='jobs') for _ in range(4)]
for client in clients:
    client.connect()
    client.send_command('BLPOP', 'jobs', 0)
time.sleep(900)
",
    ),
    (
        "news.py",
        "client = redis.Connection(port=port, client_name='news')
client.connect()
client.send_command('SUBSCRIBE', 'news')
time.sleep(900)
",
    ),
    (
        "import.py",
        "clients = []
while True:
    client = redis.Redis(port=port)
    client.incr('rows')
    clients.append(client)
    time.sleep(0.8)
",
    ),
    (
        "report.py",
        "while True:
    client = redis.Connection(port=port, client_name='report')
    client.connect()
    client.disconnect()
    time.sleep(0.05)
",
    ),
];

/// Programs at work. Dropping it ends them.
struct Shop {
    programs: Vec<Child>,
    directory: TempDir,
}

impl Shop {
    fn open(port: u16) -> Result<Self, Box<dyn Error>> {
        let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-tools"));
        let tools = std::env::var_os("POOLTOP_TEST_TOOLS").map_or(here, PathBuf::from);
        let python = std::path::absolute(tools.join("venv/bin/python"))?;
        let directory = tempfile::tempdir()?;
        let mut shop = Self { programs: Vec::new(), directory };
        for (name, text) in PROGRAMS {
            let directory = shop.directory.path();
            std::fs::write(directory.join(name), format!("{HEAD}{text}"))?;
            shop.start(Command::new(&python).arg(name), port)?;
        }
        shop.start(Command::new("redis-cli").args(["-p", &port.to_string(), "MONITOR"]), port)?;
        Ok(shop)
    }

    fn start(&mut self, command: &mut Command, port: u16) -> Result<(), Box<dyn Error>> {
        let directory: &Path = self.directory.path();
        let command = command.current_dir(directory).env("POOLTOP_PORT", port.to_string());
        let program = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.programs.push(program.map_err(|error| format!("{error}; tests/run installs what is missing"))?);
        Ok(())
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// The screen after half a minute.
pub(super) async fn screen(size: Size) -> Result<App, Box<dyn Error>> {
    let server = Server::start()?;
    let clock = Clock::start();
    let hub = Hub::start(clock, ModelOptions::default(), OFTEN);
    let connect = ConnectOptions::from_url(&format!("redis://{}", server.address()))?;
    let nodes = watch_all(vec![connect], OFTEN, hub.tap(), clock);
    hub.attach(nodes.source());
    let _shop = Shop::open(server.address().port())?;
    let facts = Facts { target: SHOWN.to_owned(), interval: OFTEN, scene: Scene::Watch, ..Facts::default() };
    let mut app = App::new(facts, Arc::new(Unassisted), size);
    sleep(WATCHED).await;
    let snapshot = Snapshot::clone(&*hub.sync().await);
    app.take(Arc::new(as_shown(snapshot, server.address().port())));
    Ok(app)
}

/// With the port that everybody knows, and the program's own name for what draws its picture.
fn as_shown(mut snapshot: Snapshot, port: u16) -> Snapshot {
    let port = port.to_string();
    for node in &mut snapshot.nodes {
        SHOWN.clone_into(&mut Arc::make_mut(node).target);
    }
    let shown = |process: &Process, own: bool| {
        let (name, command) = if own {
            ("redis-pooltop".into(), format!("redis-pooltop watch redis://{SHOWN}").into())
        } else {
            (process.name.clone(), process.command.replace(&port, "6379").into())
        };
        Arc::new(Process { name, command, ..process.clone() })
    };
    let groups = GroupBy::KEYS.map(|by| {
        let rows = snapshot.groups.by(by).iter().map(|row| {
            let process = row.process.as_deref().map(|process| shown(process, row.own > 0));
            let label: Arc<str> = row.label.replace(&port, "6379").into();
            Arc::new(GroupRow { process, label, ..GroupRow::clone(row) })
        });
        rows.collect()
    });
    snapshot.groups = Arc::new(Groups::new(groups));
    snapshot
}
