//! The README's pictures: the real screen over a real run on the embedded server, drawn from its own buffer.
//!
//! Only times differ from one run to the next, and the server's port is shown as 6379, which it has not.

mod watch;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::command::Registry;
use redis_pooltop::command::history::{HistoryFile, configured};
use redis_pooltop::command::session::Session;
use redis_pooltop::demo;
use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::source::info::{InfoWatch, watch_info};
use redis_pooltop::tui::action::{Action, Effect, Step};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::assist::Typist;
use redis_pooltop::tui::desk::Desk;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::run::{Runner, Said};
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::{svg, view};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// What the server's address is shown as.
const SHOWN: &str = "127.0.0.1:6379";
/// The program's own.
const TICK: Duration = Duration::from_millis(250);
/// Longer than the pool's connections are held on purpose, and shorter than it takes to draw a picture of a leak.
const LEAK: Duration = Duration::from_secs(10);

/// What is typed before the pictures, and for how many tenths of a second it is looked at.
const SCRIPT: &[(&str, u64)] = &[
    ("SET user:1 ada", 20),
    ("50 GET user:1", 20),
    ("POOL HOLD 2", 40),
    ("POOL BURST 40 GET user:1", 30),
    ("POOL RELEASE ALL", 30),
    ("50 HSET cart:1 total 12", 20),
    ("POOL HOLD 4", 50),
    ("POOL RELEASE ALL", 20),
    ("POOL BURST 60 SET user:2 grace", 30),
    ("80 GET user:2", 20),
    ("POOL HOLD 1", 30),
    ("POOL RELEASE ALL", 20),
    ("POOL LEAK 1", 40),
    ("60 LPUSH mails 1", 20),
    ("POOL HOLD 2", 40),
    ("POOL BURST 30 GET user:1", 30),
    ("POOL RELEASE ALL", 20),
    ("BLPOP jobs 0 &", 40),
    ("POOL HOLD 3", 20),
    ("BLPOP done 0 &", 15),
    ("GET user:1 &", 15),
];

/// Makes every picture in a directory.
pub(crate) async fn make(directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::start().await?;
    for (line, tenths) in SCRIPT {
        stage.run(line).await;
        stage.look(Duration::from_millis(tenths * 100)).await;
    }
    std::fs::create_dir_all(directory)?;
    let (small, wide) = (Size { width: 80, height: 24 }, Size { width: 140, height: 40 });
    let pictures = [
        ("screen", small, "the screen of redis-pooltop at 80 by 24", None),
        ("wide", wide, "the screen of redis-pooltop at 140 by 40", None),
        ("details", small, "all that is known of the connection that leaks", Some(Pane::Connections)),
    ];
    for (name, size, title, details) in pictures {
        stage.app.resize(size);
        if let Some(pane) = details {
            stage.app.update(Action::Focus(pane));
            stage.app.update(Action::Scroll(Step::Top));
            stage.app.update(Action::Open);
        }
        let path = directory.join(format!("{name}.svg"));
        std::fs::write(&path, picture(&stage.app, size, title))?;
        println!("{}", path.display());
    }
    let size = Size { width: 120, height: 28 };
    let title =
        "the screen of redis-pooltop watch: five programs at a server, one of which never closes anything";
    let path = directory.join("watch.svg");
    std::fs::write(&path, picture(&watch::screen(size).await?, size, title))?;
    println!("{}", path.display());
    Ok(())
}

fn picture(app: &App, size: Size, title: &str) -> String {
    let area = Rect { x: 0, y: 0, width: size.width, height: size.height };
    let mut buf = Buffer::empty(area);
    let cursor = view::screen(app, &Theme::DEFAULT, area, &mut buf);
    svg::picture(&buf, title, cursor)
}

/// The program's parts, with the screen's state but no terminal.
struct Stage {
    app: App,
    desk: Desk,
    hub: Hub,
    say: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
    _info: InfoWatch,
    _demo: demo::Server,
}

impl Stage {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let demo = demo::Server::start().await?;
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions { leak_threshold: LEAK, ..ModelOptions::default() }, TICK);
        let connect = ConnectOptions::from_url(&demo.url())?;
        let info = watch_info(connect.clone(), Duration::from_secs(1), hub.tap(), clock);
        let config = PoolConfig { max: 6, ..PoolConfig::default() };
        let pool = RedisPool::redis(connect, config, clock, hub.tap());
        hub.attach(pool.pulse_source());
        let registry = Arc::new(Registry::new());
        let assist = Arc::new(Typist::new(Arc::clone(&registry), Vec::new()));
        let (session, news) = Session::new(pool, hub.clone(), registry, 0);
        let mut lines = configured();
        let (file, _) = HistoryFile::open(None, &mut lines);
        let desk = Desk::start(session, news, hub.clone(), SHOWN.to_owned(), (file, lines));
        let facts = Facts { target: SHOWN.to_owned(), interval: TICK, ..Facts::default() };
        let app = App::new(facts, assist, Size { width: 80, height: 24 });
        let (say, said) = mpsc::channel(64);
        Ok(Self { app, desk, hub, say, said, _info: info, _demo: demo })
    }

    /// Types a line, and waits for its end.
    async fn run(&mut self, line: &str) {
        self.app.update(Action::Paste(line.to_owned()));
        let effects = self.app.update(Action::Accept);
        let mut job = None;
        for effect in effects {
            if let Effect::Run(line) = effect {
                job = Some(self.desk.start(line, self.say.clone()));
            }
        }
        while let Some(said) = self.said.recv().await {
            let ended = matches!(said, Said::Ended);
            self.app.hear(said);
            if ended {
                break;
            }
        }
        drop(job);
    }

    /// Lets the panes go on for a while.
    async fn look(&mut self, time: Duration) {
        sleep(time).await;
        while let Ok(said) = self.said.try_recv() {
            self.app.hear(said);
        }
        let mut snapshot = Snapshot::clone(&*self.hub.sync().await);
        SHOWN.clone_into(&mut Arc::make_mut(&mut snapshot.server).target);
        self.app.take(Arc::new(snapshot));
    }
}
