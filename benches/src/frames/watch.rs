//! Ten thousand clients of a server, all of which did something since the last look: what the screen's thread does between
//! two inputs, as groups, as the rows of one group, and one by one.

use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::{
    Client, Event, Look, NodeFacts, NodeId, Owner, PIECE, Process, Stamp, Timed, WatchEvent, Whose,
};
use redis_pooltop::fields::Listed;
use redis_pooltop::model::{Model, ModelOptions};
use redis_pooltop::record::Record;
use redis_pooltop::report::Listing;
use redis_pooltop::snapshot::{ClientRow, GroupBy, GroupRow, Snapshot};
use redis_pooltop::tui::action::Action;
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::layout::Scene;
use redis_pooltop::tui::run::Unassisted;

use super::{Failure, SIZE, frame, judged, told};
use crate::model::CROWD;
use crate::took::Took;

const NODE: NodeId = NodeId(0);

/// Looks that each case is drawn for.
const LOOKS: usize = 24;

/// Filters that ask a name, every field, and a number of each row.
const FILTERS: [&str; 3] = ["name:app-1", "worker", "idle>5"];

/// One way to look at them.
struct Case {
    what: &'static str,
    /// How many processes have them.
    processes: u64,
    by: GroupBy,
    /// The first group is opened.
    open: bool,
}

const CASES: [Case; 7] = [
    Case { what: "2,000 processes", processes: 2_000, by: GroupBy::Process, open: false },
    Case { what: "one process", processes: 1, by: GroupBy::Process, open: false },
    Case { what: "one process, opened", processes: 1, by: GroupBy::Process, open: true },
    Case { what: "one of 200 processes, opened", processes: 200, by: GroupBy::Process, open: true },
    Case { what: "one library, opened", processes: 200, by: GroupBy::Library, open: true },
    Case { what: "200 prefixes", processes: 200, by: GroupBy::Prefix, open: false },
    Case { what: "no groups", processes: 200, by: GroupBy::None, open: false },
];

pub(super) fn run() -> Result<(), Failure> {
    let mut slowest = Took::default();
    for case in &CASES {
        println!("  a frame of 10,000 clients, 120x40, all changed: {}", case.what);
        let mut server = Server::new(case.processes);
        let mut app = app(&mut server, Listing::new(case.by, None, None)?);
        if case.open {
            app.update(Action::Open);
        }
        slowest = Took::most(&[slowest, looks(&mut app, &mut server, "a look, by each column in sight")]);
        for filter in FILTERS {
            // Groups have no names, and rows no such numbers of groups.
            app.update(Action::Filter);
            let typed = filter.chars().map(|c| {
                frame(SIZE, &mut app, |app| {
                    app.update(Action::Insert(c));
                })
            });
            let typed = told(&format!("typing the filter {filter}"), &typed.collect::<Vec<_>>());
            app.update(Action::KeepFilter);
            let looked = looks(&mut app, &mut server, "a look, so filtered");
            slowest = Took::most(&[slowest, typed, looked]);
            app.update(Action::ClearFilter);
        }
    }
    let by_field = [fields::<ClientRow>(GroupBy::None)?, fields::<GroupRow>(GroupBy::Process)?];
    judged(Took::most(&[slowest, by_field[0], by_field[1]]));
    Ok(())
}

/// Frames of looks, the order being another at each.
fn looks(app: &mut App, server: &mut Server, what: &str) -> Took {
    let frames: Vec<_> = (0..LOOKS)
        .map(|_| {
            app.update(Action::SortNext);
            let snapshot = server.look();
            // The program frees the one before on another thread.
            let _before = app.held();
            frame(SIZE, app, |app| {
                app.take(snapshot);
            })
        })
        .collect();
    told(what, &frames)
}

/// Frames of looks, in the order of each field there is: the slowest of them.
fn fields<R: Listed>(by: GroupBy) -> Result<Took, Failure> {
    let mut server = Server::new(2_000);
    let mut all = Vec::new();
    let mut worst = (Took::default(), "");
    for field in R::FIELDS {
        let mut app = app(&mut server, Listing::new(by, None, Some(field.name))?);
        for _ in 0..3 {
            let snapshot = server.look();
            let _before = app.held();
            let took = frame(SIZE, &mut app, |app| {
                app.take(snapshot);
            });
            all.push(took);
            if took.cpu > worst.0.cpu {
                worst = (took, field.name);
            }
        }
    }
    println!("  a frame of 10,000 clients of 2,000 processes by {}, sorted by each field", by.word());
    Ok(told(&format!("the slowest by {}", worst.1), &all))
}

fn app(server: &mut Server, listing: Listing) -> App {
    let facts = Facts { scene: Scene::Watch, listing, ..Facts::default() };
    let mut app = App::new(facts, Arc::new(Unassisted), SIZE);
    app.take(server.look());
    app.update(Action::Zoom);
    app
}

/// A server of ten thousand clients. Nobody else keeps its snapshots, as nobody does in the program: who draws one has to
/// let the one before go.
struct Server {
    model: Model,
    second: u64,
    processes: Vec<Arc<Process>>,
}

impl Server {
    fn new(processes: u64) -> Self {
        let process = |number: u64| {
            Arc::new(Process {
                pid: 4_000 + number as u32,
                name: "python3".into(),
                command: format!("/usr/bin/python3 /srv/app/worker.py --shard {number}").into(),
                user: Some("www".into()),
                started_ms: None,
                container: None,
            })
        };
        let (model, processes) = (Model::new(ModelOptions::default()), (0..processes).map(process).collect());
        let mut server = Self { model, second: 0, processes };
        server.tell(WatchEvent::Started(NodeFacts { target: "10.0.0.1:6379".to_owned(), found: None }));
        server
    }

    fn tell(&mut self, event: WatchEvent) {
        let at = Stamp(self.second * 1_000_000_000);
        Record::Event(Timed { at, event: Event::Watch(NODE, event) }).feed(&mut self.model);
    }

    /// The next look, in which every client did something.
    fn look(&mut self) -> Arc<Snapshot> {
        let first = self.second == 0;
        let clients: Vec<_> = (0..CROWD).map(|id| Arc::new(client(id, self.second))).collect();
        for piece in clients.chunks(PIECE) {
            let piece = piece.to_vec();
            self.tell(if first { WatchEvent::Opened(piece) } else { WatchEvent::Changed(piece) });
        }
        let took = Duration::from_millis(9);
        let interval = Duration::from_secs(1);
        self.tell(WatchEvent::Looked(Look {
            whole: first,
            clients: CROWD,
            took,
            cost: took,
            interval,
            ..Look::default()
        }));
        if first {
            let owner = |id: u64| {
                let process = Arc::clone(&self.processes[id as usize % self.processes.len()]);
                Owner { client: id, whose: Whose::Process { process, fd: 5 } }
            };
            let owners = (0..CROWD).map(owner).collect();
            self.tell(WatchEvent::Owners(owners));
        }
        let at = Stamp(self.second * 1_000_000_000);
        Record::Tick(at).feed(&mut self.model);
        self.second += 1;
        Arc::new(self.model.snapshot(at, 0))
    }
}

fn client(id: u64, second: u64) -> Client {
    Client {
        id,
        addr: format!("127.0.{}.{}:{}", id / 256 % 256, id % 256, 1_024 + id).into(),
        laddr: Some("127.0.0.1:6379".into()),
        fd: Some(8),
        name: Some(format!("app-{}-{id}", id % 200).into()),
        user: Some("default".into()),
        flags: "N".into(),
        db: Some(id % 16),
        command: Some(["get", "hgetall", "client|list"][(id % 3) as usize].into()),
        age: 100 + second + id % 977,
        idle: id * 7 % 13,
        query_buffer: Some(0),
        output_memory: Some(id * 31 % 20_480),
        memory: Some(22_400 + id * 17 % 4_096 + second),
        net_in: Some(second * (id % 997) * 40),
        net_out: Some(second * (id % 499) * 400),
        commands: Some(second * 3 + id),
        resp: Some(3),
        lib_name: Some("redis-py".into()),
        lib_version: Some("8.1.0".into()),
        ..Client::default()
    }
}
