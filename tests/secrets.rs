//! A password that is typed, with a slip of the finger or without: it reaches the server and nothing that outlives the
//! line, in either front end and in every report.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::command::history::{HistoryFile, configured};
use redis_pooltop::command::jobs::{JobNews, JobSaid};
use redis_pooltop::command::output::Output;
use redis_pooltop::command::pipe::Pipes;
use redis_pooltop::command::session::Session;
use redis_pooltop::command::{Hidden, Registry, parse};
use redis_pooltop::demo;
use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::report;
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::assist::Typist;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::view;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Each with `hunter2` in it as a password.
const LINES: &[&str] = &[
    "AUTH hunter2",
    "AUHT u hunter2",
    "AUTHhunter2",
    "hello 3 auht u hunter2",
    "HELO 3 AUTH u hunter2",
    "MIGRTE h 6379 k 0 1 AUTH hunter2",
    "MIGRATE h 6379 k 0 1 AUTH2 u hunter2",
    "CONFIGSET requirepass hunter2",
    "CONFIG SET requirepas hunter2",
    "AC SETUSER b >hunter2",
    "ACL SETUSER b hunter2",
    "CLIENT AUTH hunter2",
    "COMMAND GETKEYS AUTH hunter2",
    "5 AUHT hunter2",
    "AUHT hunter2 &",
    "POOL BURST 3 AUHT hunter2",
    "redis://u:hunter2@h",
    "redis-cli -a hunter2",
    "REDISCLI_AUTH=hunter2 redis-cli",
    "SET a redis:/u:hunter2@h",
    "HELP CONFIG SET requirepass hunter2",
    "AUTH \"hunter2\" | less",
];

/// Not known to be a password, but shown nowhere as who holds a connection.
const ALONE: &str = "hunter2";

struct Bench {
    session: Session,
    pool: RedisPool,
    hub: Hub,
    /// The server's replies are lost on the way.
    mute: Arc<AtomicBool>,
    _demo: demo::Server,
}

impl Bench {
    async fn start() -> Self {
        let demo = demo::Server::start().await.expect("the embedded server");
        let mute = Arc::new(AtomicBool::new(false));
        let port = relay(demo.addr(), mute.clone()).await.port();
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(50));
        let options = ConnectOptions::from_url(&format!("redis://127.0.0.1:{port}")).expect("an address");
        let pool =
            RedisPool::redis(options, PoolConfig { max: 1, ..PoolConfig::default() }, clock, hub.tap());
        hub.attach(pool.pulse_source());
        let session = session(&pool, &hub);
        Self { session, pool, hub, mute, _demo: demo }
    }

    /// All reports after the line has run, or while it waits for its reply.
    async fn reports(&mut self, line: &str, mute: bool) -> String {
        let mut lists = session(&self.pool, &self.hub);
        self.mute.store(mute, Relaxed);
        let line = parse(line.as_bytes()).expect("a line");
        let mut printed: Vec<Output> = Vec::new();
        // What somebody sees who typed it is theirs.
        let running = self.session.run(&line, &mut printed);
        if !mute {
            running.await.expect("a sink that takes all");
            return all_reports(&mut lists, &self.hub).await;
        }
        let looking = async {
            support::wait_until("it has the connection", async || self.pool.status().0.in_use == 1).await;
            all_reports(&mut lists, &self.hub).await
        };
        tokio::pin!(running, looking);
        tokio::select! {
            biased;
            reports = &mut looking => reports,
            // A job has only begun.
            _ = &mut running => looking.await,
        }
    }
}

fn session(pool: &RedisPool, hub: &Hub) -> Session {
    Session::new(pool.clone(), hub.clone(), Arc::new(Registry::new()), 0).0
}

/// Passes all on between clients and a server, but its replies only while it is not mute.
async fn relay(server: SocketAddr, mute: Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(server).await.expect("the server");
            let ((mut asks, mut hears), (mut replies, mut sends)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut asks, &mut sends).await });
            let mute = mute.clone();
            tokio::spawn(async move {
                let mut chunk = [0; 4096];
                while let Ok(read @ 1..) = replies.read(&mut chunk).await {
                    if !mute.load(Relaxed) && hears.write_all(&chunk[..read]).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

async fn all_reports(lists: &mut Session, hub: &Hub) -> String {
    let mut printed = Vec::new();
    for line in ["POOL LIST", "POOL LEAKS", "POOL STATS"] {
        lists
            .run(&parse(line.as_bytes()).expect("a line"), &mut printed)
            .await
            .expect("a sink that takes all");
    }
    let lists = printed.into_iter().filter_map(|output| match output {
        Output::Text(list) => Some(list),
        _ => None,
    });
    lists.collect::<String>() + &of_snapshot(&*hub.sync().await)
}

fn of_snapshot(snapshot: &Snapshot) -> String {
    let typist = Arc::new(Typist::new(Arc::new(Registry::new()), Vec::new()));
    let mut app = App::new(Facts::default(), typist, Size { width: 200, height: 60 });
    app.take(Arc::new(snapshot.clone()));
    let mut text = format!("{snapshot:?}{}{}", report::json(snapshot), report::text(snapshot));
    text.push_str(&report::prometheus(snapshot, &report::Listing::default()));
    for pane in Pane::ALL {
        app.update(Action::Focus(pane));
        app.update(Action::Zoom);
        text.push_str(&screen(&app));
        app.update(Action::Zoom);
    }
    text
}

fn screen(app: &App) -> String {
    let area = Rect { x: 0, y: 0, width: 200, height: 60 };
    let mut buf = Buffer::empty(area);
    view::screen(app, &Theme::DEFAULT, area, &mut buf);
    buf.content().iter().map(ratatui::buffer::Cell::symbol).collect()
}

/// Whether a text speaks of the password, in any case: names of commands are shown in upper case.
fn tells(text: &str) -> bool {
    text.to_lowercase().contains("hunter2")
}

#[tokio::test]
async fn no_pane_event_or_report_tells_what_was_typed() {
    for line in LINES.iter().chain([&ALONE]) {
        let mut bench = Bench::start().await;
        assert!(!tells(&Box::pin(bench.reports(line, false)).await), "{line} has run");
        // Help is ours, and takes no connection.
        if !line.starts_with("HELP") {
            let mut bench = Bench::start().await;
            Box::pin(bench.reports("PING", false)).await;
            assert!(!tells(&Box::pin(bench.reports(line, true)).await), "{line} runs");
        }
    }
    // It would be found there if it was not left out.
    let mut bench = Bench::start().await;
    Box::pin(bench.reports("PING", false)).await;
    assert!(tells(&Box::pin(bench.reports("GET hunter2", true)).await));
}

/// Lines that a server repeats in its error, with what is left of the password there.
const REPEATED: &[&str] = &[
    "ATUH Hunter2",
    "ATUH u \"Hunter2\"",
    "AUTH=Hunter2",
    "5 ATUH Hunter2",
    "sudo redis-cli -a Hunter2",
    "requirepass Hunter2",
    "user bob on >Hunter2",
    "SENTINEL SET m auth-pass Hunter2",
    "POOL BURST 2 ATUH Hunter2",
    "POOL AUTH Hunter2",
    "POOL CONFIG SET requirepass Hunter2",
    "CONFIG SET requirepas Hunter2",
    "ATUH Hunter2 | cat",
    "ATUH Hunter2 &",
    "HELP AUHT Hunter2",
    "KILL AUTH Hunter2",
    "ATUH 'Hunter2",
];

/// All that a person is told of a line, its jobs included.
async fn told(bench: &mut Bench, news: &mut tokio::sync::mpsc::Receiver<JobNews>, line: &str) -> String {
    let mut printed: Vec<Output> = Vec::new();
    match bench.session.understand(line) {
        Ok(line) => drop(bench.session.run(&line, &mut printed).await.expect("a sink that takes all")),
        Err(error) => printed.push(Hidden::of(line).cover(Output::error(&error))),
    }
    let mut said = format!("{printed:?}");
    while line.ends_with('&') {
        let news =
            tokio::time::timeout(support::PATIENCE, news.recv()).await.expect("in time").expect("news");
        said = format!("{said}{:?}", news.said);
        if matches!(news.said, JobSaid::Ended { .. }) {
            break;
        }
    }
    said
}

#[tokio::test]
async fn what_a_server_repeats_in_its_error_is_hidden_from_a_person() {
    let mut bench = Bench::start().await;
    let (mut session, mut news) =
        Session::new(bench.pool.clone(), bench.hub.clone(), Arc::new(Registry::new()), 0);
    session.take_pipes(Pipes::Shown);
    bench.session = session;
    let mut covered = 0;
    for line in REPEATED {
        let said = told(&mut bench, &mut news, line).await;
        assert!(!tells(&said), "{line}: {said}");
        covered += usize::from(said.contains("***"));
    }
    assert!(covered > 10, "{covered} errors repeat what was typed");
    let said = told(&mut bench, &mut news, "GTE Hunter2").await;
    assert!(tells(&said), "nothing speaks of a password there: {said}");
    // A program is told what the server said.
    let mut printed: Vec<Output> = Vec::new();
    let line = parse(b"ATUH Hunter2").expect("a line");
    bench.session.run(&line, &mut printed).await.expect("a sink that takes all");
    assert!(tells(&format!("{printed:?}")), "{printed:?}");
}

#[test]
fn no_line_with_a_password_is_on_the_screen_or_in_the_history() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history");
    let mut kept = configured();
    let (mut file, opened) = HistoryFile::open(Some(path.clone()), &mut kept);
    opened.expect("a history");
    let typist = Arc::new(Typist::new(Arc::new(Registry::new()), Vec::new()));
    let mut app = App::new(Facts::default(), typist, Size { width: 200, height: 60 });
    for line in LINES.iter().chain([&"GET user:1"]) {
        app.update(Action::Paste((*line).to_owned()));
        assert!(!tells(&screen(&app)), "{line} typed");
        for effect in app.update(Action::Accept) {
            if let Effect::Remember(line) = effect {
                file.add(&line, &mut kept, |error| panic!("{error}"));
            }
        }
        assert!(!tells(&screen(&app)), "{line} echoed");
        app.hear(Said::Ended);
        file.add(line, &mut kept, |error| panic!("{error}"));
    }
    assert!(file.settle(Duration::from_secs(30)), "it is written");
    let kept = std::fs::read_to_string(&path).expect("the file");
    assert!(!tells(&kept) && kept.contains("GET user:1"), "{kept}");
    for _ in LINES {
        app.update(Action::Older);
        assert!(!tells(&screen(&app)));
    }
    assert!(screen(&app).contains("GET user:1"));
}
