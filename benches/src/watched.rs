//! What the model costs when it watches servers: a look at ten thousand clients that all did something, or of which a
//! few did, second after second.

use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::{
    Client, Event, Look, NodeFacts, NodeId, Owner, PIECE, Process, Stamp, Timed, WatchEvent, Whose,
};
use redis_pooltop::model::{Model, ModelOptions};

use crate::model::CROWD;
use crate::took::{Took, ms};

/// Seconds that are run: past the longest that anything is kept one by one.
const SECONDS: u64 = 180;

/// Of these the last so many are measured.
const MEASURED: usize = 60;

/// Ticks in a second.
const TICKS: u64 = 4;

pub(crate) fn run() {
    for (name, changed, named) in [
        ("all changed", CROWD, false),
        ("all changed, each with a name of its own", CROWD, true),
        ("one in a hundred changed", CROWD / 100, false),
    ] {
        let took = seconds(changed, named);
        let [look, ticks, whole] = [0, 1, 2].map(|at| {
            let of: Vec<_> = took.iter().map(|parts| parts[at]).collect();
            (Took::median(&of), Took::most(&of))
        });
        println!(
            "  {CROWD} clients        {:.2} ({:.2}) ms a second, {:.2} at the most: {:.2} to apply, {:.2} for {TICKS} ticks and \
             snapshots; {name}",
            ms(whole.0.cpu),
            ms(whole.0.wall),
            ms(whole.1.cpu),
            ms(look.0.cpu),
            ms(ticks.0.cpu),
        );
    }
}

/// What a second's look takes, and its ticks and snapshots, and both.
fn seconds(changed: u64, named: bool) -> Vec<[Took; 3]> {
    let mut model = Model::new(ModelOptions::default());
    let tell = |model: &mut Model, at: Stamp, event: WatchEvent| {
        model.apply(&Timed { at, event: Event::Watch(NodeId(1), event) });
    };
    let facts = NodeFacts { target: "127.0.0.1:6379".to_owned(), found: None };
    tell(&mut model, Stamp(0), WatchEvent::Started(facts));
    // What is read from a server again and again is one text there too.
    let clients: Vec<_> = (0..CROWD).map(|id| client(id, named)).collect();
    let mut last = None;
    let mut took = Vec::new();
    for second in 0..SECONDS {
        let at = Stamp(second * 1_000_000_000);
        let pieces = look(&clients, second, changed);
        let (applied, ()) = Took::by(|| {
            for event in &pieces {
                model.apply(event);
            }
        });
        if second == 0 {
            tell(&mut model, at, WatchEvent::Owners((0..CROWD).map(owner).collect()));
        }
        let (ticked, ()) = Took::by(|| {
            for tick in 0..TICKS {
                let now = at + Duration::from_millis(10 + tick * 1_000 / TICKS);
                model.tick(now);
                // Somebody reads the last one still, as the screen does.
                last = Some(Arc::new(model.snapshot(now, 0)));
            }
        });
        let mut whole = applied;
        whole += ticked;
        took.push([applied, ticked, whole]);
    }
    drop(last);
    took.split_off(took.len() - MEASURED)
}

fn client(id: u64, named: bool) -> Client {
    let text = |text: &str| Some(Arc::from(text));
    Client {
        id,
        addr: format!("127.0.0.1:{}", 20_000 + id % 40_000).into(),
        laddr: text("127.0.0.1:6379"),
        fd: Some(8),
        name: if named { Some(format!("client {id} of many").into()) } else { text("worker-7") },
        flags: "N".into(),
        db: Some(0),
        query_buffer: Some(0),
        output_memory: Some(0),
        memory: Some(22_426),
        command: text("get"),
        user: text("default"),
        resp: Some(3),
        lib_name: text("redis-py"),
        lib_version: text("8.1.0"),
        ..Client::default()
    }
}

fn owner(client: u64) -> Owner {
    let process = Process {
        pid: 100 + (client % 40) as u32,
        name: "python3".into(),
        command: format!("python3 worker.py --shard {}", client % 40).into(),
        user: None,
        started_ms: None,
        container: None,
    };
    Owner { client, whose: Whose::Process { process: Arc::new(process), fd: 5 } }
}

/// A look in pieces, as a source tells it.
fn look(clients: &[Client], second: u64, changed: u64) -> Vec<Timed> {
    let told = if second == 0 { clients.len() } else { changed as usize };
    let now = |client: &Client| Client {
        age: second,
        net_in: Some(second * 800),
        net_out: Some(second * 4_000),
        commands: Some(second * 20),
        ..client.clone()
    };
    let pieces = clients[..told].chunks(PIECE).map(|piece| piece.iter().map(now).map(Arc::new).collect());
    let pieces = pieces.map(if second == 0 { WatchEvent::Opened } else { WatchEvent::Changed });
    let end = Look {
        whole: second == 0,
        clients: clients.len() as u64,
        unseen: Some(0),
        interval: Duration::from_secs(1),
        ..Look::default()
    };
    let events = pieces.chain([WatchEvent::Looked(end)]);
    let at = Stamp(second * 1_000_000_000);
    events.map(|event| Timed { at, event: Event::Watch(NodeId(1), event) }).collect()
}
