//! Ten thousand connections on the screen, or clients: what a frame costs after a key or a snapshot.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::event::{Client, Event, Look, NodeFacts, NodeId, PIECE, Stamp, Timed, WatchEvent};
use redis_pooltop::model::{Model, ModelOptions};
use redis_pooltop::record::Record;
use redis_pooltop::snapshot::{GroupBy, Snapshot};
use redis_pooltop::tui::action::Action;
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::Chord;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::run::Unassisted;
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::view;

use crate::model::{CROWD, busy};
use crate::took::{Took, ms};

/// A frame's time: sixty a second.
const FRAME: Duration = Duration::from_millis(16);

/// The screen that is drawn.
const SIZE: Size = Size { width: 120, height: 40 };

type Failure = Box<dyn std::error::Error>;

pub(crate) fn run() -> Result<(), Failure> {
    pool()?;
    watch()
}

/// Ten thousand connections of a pool.
fn pool() -> Result<(), Failure> {
    let mut model = Model::new(ModelOptions::default());
    let mut snapshots = Vec::new();
    for record in busy(CROWD, 1).iter().take(CROWD as usize + 41) {
        record.feed(&mut model);
        if let Record::Tick(at) = record {
            snapshots.push(Arc::new(model.snapshot(*at, 0)));
        }
    }
    let mut app = App::new(Facts::default(), Arc::new(Unassisted), SIZE);
    app.take(snapshots.first().ok_or("no snapshot")?.clone());
    app.update(Action::Focus(Pane::Connections));
    app.update(Action::Zoom);
    println!("  a frame of 10,000 connections, 120x40");
    frames(&mut app, &snapshots, "worker-3")
}

/// Ten thousand clients of a server, as groups and one by one.
fn watch() -> Result<(), Failure> {
    let mut model = Model::new(ModelOptions::default());
    let node = NodeId(0);
    let snapshots: Vec<_> = (0..40_u64)
        .map(|second| {
            let at = Stamp(second * 1_000_000_000);
            for event in look(second) {
                Record::Event(Timed { at, event: Event::Watch(node, event) }).feed(&mut model);
            }
            Record::Tick(at).feed(&mut model);
            Arc::new(model.snapshot(at, 0))
        })
        .collect();
    let mut app = App::new(Facts { watch: true, ..Facts::default() }, Arc::new(Unassisted), SIZE);
    app.take(snapshots.last().ok_or("no snapshot")?.clone());
    app.update(Action::Zoom);
    for (by, what) in [(GroupBy::Prefix, "200 groups of 10,000 clients"), (GroupBy::None, "10,000 clients")] {
        println!("  a frame of {what}, 120x40");
        app.update(Action::Group(by));
        frames(&mut app, &snapshots, "app-17")?;
        app.update(Action::LeavePane);
    }
    println!("  a frame of one of 200 groups of 10,000 clients, 120x40");
    app.update(Action::Group(GroupBy::Prefix));
    app.update(Action::Open);
    frames(&mut app, &snapshots, "app-1")
}

/// What a server with ten thousand clients tells in a second: all of them first, then a tenth of them that did something.
fn look(second: u64) -> Vec<WatchEvent> {
    let client = |id: u64| Client {
        id,
        addr: format!("10.0.{}.{}:{}", id / 256 % 256, id % 256, 1_024 + id).into(),
        name: Some(format!("app-{}-{id}", id % 200).into()),
        user: Some("default".into()),
        flags: "N".into(),
        command: Some("get".into()),
        age: 100 + second,
        memory: Some(22_400 + second),
        commands: Some(second * 3 + id),
        ..Client::default()
    };
    let pieces = |ids: Vec<u64>| {
        ids.chunks(PIECE).map(|ids| ids.iter().copied().map(client).collect()).collect::<Vec<_>>()
    };
    let mut events = Vec::new();
    if second == 0 {
        events.push(WatchEvent::Started(NodeFacts { target: "10.0.0.1:6379".to_owned(), found: None }));
        events.extend(pieces((0..CROWD).collect()).into_iter().map(WatchEvent::Opened));
    } else {
        let busy = (0..CROWD).filter(|id| id % 10 == second % 10).collect();
        events.extend(pieces(busy).into_iter().map(WatchEvent::Changed));
    }
    let took = Duration::from_millis(9);
    let interval = Duration::from_secs(1);
    events.push(WatchEvent::Looked(Look {
        whole: second == 0,
        clients: CROWD,
        took,
        cost: took,
        interval,
        ..Look::default()
    }));
    events
}

/// Frames after keys and after snapshots.
fn frames(app: &mut App, snapshots: &[Arc<Snapshot>], words: &str) -> Result<(), Failure> {
    let pane = app.context().mode;
    let mut slowest = Took::default();
    let keys = |keys: &str| keys.chars().map(String::from).collect::<Vec<_>>();
    let mut cases = vec![
        ("scrolled a page", vec!["pgdn".to_owned()]),
        ("sorted by the next column", keys("s")),
        ("inverted", keys("i")),
        ("a letter of a filter", keys(&format!("/{words}"))),
    ];
    for (what, keys) in &mut cases {
        let mut frames = Vec::new();
        for round in 0..40 {
            let key = &keys[round % keys.len()];
            let chord: Chord = key.parse().map_err(|()| format!("{key} is no key"))?;
            frames.push(frame(SIZE, app, |app| {
                app.press(chord);
            }));
            // A filter is begun anew when it is whole.
            if keys.len() > 1 && round % keys.len() == keys.len() - 1 {
                app.update(Action::ClearFilter);
            }
        }
        slowest = Took::most(&[slowest, told(what, &frames)]);
    }
    app.update(Action::ClearFilter);
    if app.context().mode != pane {
        return Err("the frames were not of the pane they began in".into());
    }
    for filter in [None, Some(words)] {
        if let Some(words) = filter {
            app.update(Action::Filter);
            words.chars().for_each(|c| {
                app.update(Action::Insert(c));
            });
            app.update(Action::KeepFilter);
        }
        let frames = snapshots.iter().map(|snapshot| {
            frame(SIZE, app, |app| {
                app.take(Arc::clone(snapshot));
            })
        });
        let frames = frames.collect::<Vec<_>>();
        let what = if filter.is_some() { "a snapshot, sorted and filtered" } else { "a snapshot, sorted" };
        slowest = Took::most(&[slowest, told(what, &frames)]);
    }
    let verdict = if slowest.cpu < FRAME { "within" } else { "over" };
    println!(
        "    the slowest of all               {:.1} ({:.1}) ms: {verdict} the {} ms of a frame",
        ms(slowest.cpu),
        ms(slowest.wall),
        FRAME.as_millis()
    );
    Ok(())
}

/// How long a change and the drawing after it take.
fn frame(size: Size, app: &mut App, change: impl FnOnce(&mut App)) -> Took {
    let area = Rect { x: 0, y: 0, width: size.width, height: size.height };
    let (took, _) = Took::by(|| {
        change(app);
        let mut buf = Buffer::empty(area);
        view::screen(app, &Theme::DEFAULT, area, &mut buf);
        std::hint::black_box(buf)
    });
    took
}

/// Prints the median and the slowest, and gives the slowest.
fn told(what: &str, frames: &[Took]) -> Took {
    let (usual, slowest) = (Took::median(frames), Took::most(frames));
    println!(
        "    {what:<32} {:>5.1} ({:.1}) ms, at most {:.1} ({:.1}) ms",
        ms(usual.cpu),
        ms(usual.wall),
        ms(slowest.cpu),
        ms(slowest.wall)
    );
    slowest
}
