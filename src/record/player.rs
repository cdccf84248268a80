//! A recording fed to a model of its own, and back again: at some ticks the model is kept as it was, so that going back
//! is not reading all anew.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::reader::{Place, last_moment};
use super::{Damage, NotOurs, Reader, Record, Taken};
use crate::event::Stamp;
use crate::event::wire::Header;
use crate::model::{Model, ModelOptions};
use crate::snapshot::Snapshot;

/// Lines between two moments that are kept, at first: what a machine reads in a tenth of a second.
const LINES_BETWEEN: u64 = 50_000;

/// Moments kept. When there are more, every second one goes, and those to come lie twice as far apart.
const MOMENTS: usize = 16;

/// Lines that are fed before somebody may say something else.
const LINES_AT_ONCE: usize = 20_000;

/// How far a player came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the next tick: the snapshot is one of those that were published.
    Tick,
    /// Not yet to a tick.
    Between,
    /// To the end.
    Over,
}

/// A recording, and the model of the moment it is at.
#[derive(Debug)]
pub struct Player {
    reader: Reader,
    header: Header,
    start: Place,
    length: Option<Stamp>,
    state: State,
    /// The next line, if it was looked at already.
    next: Option<Record>,
    moments: Vec<Moment>,
    lines_between: u64,
    lines_since: u64,
}

/// What there is of the run at one moment.
#[derive(Clone, Debug)]
struct State {
    model: Model,
    at: Stamp,
    /// Events the hub said it never got.
    dropped: u64,
    /// Lines that the recording lacks, or that could not be read.
    missing: u64,
    ended: bool,
    over: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            model: Model::new(ModelOptions::default()),
            at: Stamp::default(),
            dropped: 0,
            missing: 0,
            ended: false,
            over: false,
        }
    }
}

/// A moment to go back to.
#[derive(Debug)]
struct Moment {
    state: State,
    place: Place,
}

impl Player {
    /// Opens a recording, before its first event.
    ///
    /// # Errors
    /// [`NotOurs`], one sentence.
    pub fn open(path: &Path) -> Result<Self, NotOurs> {
        let (header, reader) = Reader::open(path)?;
        Ok(Self {
            start: reader.place(),
            length: last_moment(path),
            reader,
            header,
            state: State::default(),
            next: None,
            moments: Vec::new(),
            lines_between: LINES_BETWEEN,
            lines_since: 0,
        })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The recording's last moment, as far as its end tells.
    pub fn length(&self) -> Option<Stamp> {
        self.length
    }

    /// The moment it is at.
    pub fn at(&self) -> Stamp {
        self.state.at
    }

    /// Whether there is no more.
    pub fn is_over(&self) -> bool {
        self.state.over
    }

    /// How often a lint has begun to hold up to here.
    pub fn raised(&self) -> u64 {
        self.state.model.raised()
    }

    /// Lines up to here that the recording lacks, or that could not be read.
    pub fn missing(&self) -> u64 {
        self.state.missing
    }

    /// What could not be read up to here.
    pub fn damage(&self) -> &Damage {
        self.reader.damage()
    }

    /// When the next thing happens. Nothing at the end.
    pub fn next_at(&mut self) -> Option<Stamp> {
        for _ in 0..LINES_AT_ONCE {
            match &self.next {
                Some(next) => match next.at() {
                    Some(at) => return Some(at),
                    None => {
                        self.one();
                    }
                },
                None if self.state.over => return None,
                None => self.next = self.read(),
            }
        }
        // Lines without a time have none to wait for.
        Some(self.state.at)
    }

    /// Goes on to the next tick, or as far as is possible without keeping others waiting.
    pub fn step(&mut self) -> Step {
        for _ in 0..LINES_AT_ONCE {
            match self.one() {
                Step::Between => {}
                Step::Tick => {
                    self.keep();
                    return Step::Tick;
                }
                Step::Over => return Step::Over,
            }
        }
        Step::Between
    }

    /// Goes back to the last moment kept that is not after `to`; where that is the start, to before the first event.
    pub fn back(&mut self, to: Stamp) {
        let kept = self.moments.iter().rfind(|moment| moment.state.at <= to);
        let (state, place) = match kept {
            Some(moment) => (moment.state.clone(), &moment.place),
            None => (State::default(), &self.start),
        };
        self.next = None;
        self.lines_since = 0;
        self.state = state;
        if let Err(error) = self.reader.go_to(place) {
            self.broken(&error);
        }
    }

    /// What readers saw at this moment.
    pub fn snapshot(&mut self) -> Snapshot {
        let since_start = u128::from(self.header.started_ns) + u128::from(self.state.at.0);
        let wall_ms = u64::try_from(since_start / 1_000_000).unwrap_or(u64::MAX);
        self.state.model.snapshot(self.state.at, wall_ms)
    }

    /// One line.
    fn one(&mut self) -> Step {
        let Some(record) = self.next.take().or_else(|| self.read()) else {
            return if self.state.over { Step::Over } else { Step::Between };
        };
        let state = &mut self.state;
        match &record {
            Record::Dropped(dropped) => state.dropped = *dropped,
            Record::Gap(lost) => state.missing = state.missing.saturating_add(*lost),
            Record::End(_) => state.ended = true,
            Record::Tick(at) => state.at = state.at.max(*at),
            Record::Options(_) | Record::Event(_) => {}
        }
        match &record {
            // What is missing is missing for the model too: rows are doubtful until a pulse tells the whole.
            Record::Dropped(_) | Record::Gap(_) => self.tell_dropped(),
            record => record.feed(&mut state.model),
        }
        if matches!(record, Record::Tick(_)) { Step::Tick } else { Step::Between }
    }

    fn read(&mut self) -> Option<Record> {
        self.lines_since += 1;
        match self.reader.take() {
            Taken::Record(record) => return Some(record),
            Taken::Bad => {
                self.state.missing = self.state.missing.saturating_add(1);
                self.tell_dropped();
            }
            Taken::Over => {
                self.state.over = true;
                if !self.state.ended {
                    self.reader.without_an_end();
                }
            }
        }
        None
    }

    fn tell_dropped(&mut self) {
        let all = self.state.dropped.saturating_add(self.state.missing);
        self.state.model.set_dropped(all);
    }

    fn broken(&mut self, error: &io::Error) {
        self.reader.broken(error);
        self.state.over = true;
    }

    /// Keeps this moment, when the last one is far enough back.
    fn keep(&mut self) {
        let newest = self.moments.last().map_or(Stamp::default(), |moment| moment.state.at);
        if self.lines_since < self.lines_between || self.state.at <= newest || self.next.is_some() {
            return;
        }
        self.lines_since = 0;
        if self.moments.len() == MOMENTS {
            let mut place = 0;
            self.moments.retain(|_| {
                place += 1;
                place % 2 == 0
            });
            self.lines_between = self.lines_between.saturating_mul(2);
        }
        self.moments.push(Moment { state: self.state.clone(), place: self.reader.place() });
    }
}

/// All of a recording up to a moment, or to its end.
///
/// # Errors
/// [`NotOurs`], one sentence.
pub fn play_to(path: &Path, to: Option<Stamp>) -> Result<(Player, Arc<Snapshot>), NotOurs> {
    play_through(path, to, |_| ())
}

/// The same, stopping at each tick on the way.
///
/// # Errors
/// [`NotOurs`], one sentence.
pub fn play_through(
    path: &Path,
    to: Option<Stamp>,
    mut tick: impl FnMut(&mut Player),
) -> Result<(Player, Arc<Snapshot>), NotOurs> {
    let mut player = Player::open(path)?;
    while player.next_at().is_some_and(|at| to.is_none_or(|to| at <= to)) {
        if player.step() == Step::Tick {
            tick(&mut player);
        }
    }
    let snapshot = Arc::new(player.snapshot());
    Ok((player, snapshot))
}
