//! Ten thousand connections on the screen, or clients: what a frame costs after a key or a snapshot.

mod watch;

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use redis_pooltop::model::{Model, ModelOptions};
use redis_pooltop::record::Record;
use redis_pooltop::snapshot::Snapshot;
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
    watch::run()
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
    judged(slowest);
    Ok(())
}

/// Says whether the slowest frame is one.
fn judged(slowest: Took) {
    let verdict = if slowest.cpu < FRAME { "within" } else { "over" };
    println!(
        "    the slowest of all               {:.1} ({:.1}) ms: {verdict} the {} ms of a frame",
        ms(slowest.cpu),
        ms(slowest.wall),
        FRAME.as_millis()
    );
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
