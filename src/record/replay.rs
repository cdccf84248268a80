//! A recording played in its own time, or another: a thread feeds a [`Player`] and publishes what readers see, as the hub
//! does for a run.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{NotOurs, Player, Step};
use crate::event::Stamp;
use crate::event::wire::Header;
use crate::snapshot::{Motion, Snapshot, Tape};

/// Controls that may wait: a person's keys, and no more of them.
const CONTROLS: usize = 64;

/// Between two snapshots at least: a screen shows no more of them.
const BETWEEN: Duration = Duration::from_millis(50);

/// How fast it may go, as powers of two.
const SPEEDS: std::ops::RangeInclusive<i32> = -3..=10;

/// What somebody asks of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Stand still, or go on; at the end, from the start.
    Toggle,
    /// On to the next snapshot of the run, and stand still there.
    Step,
    /// Go so far back.
    Back(Duration),
    /// Go so far on.
    On(Duration),
    /// Go to the start.
    Start,
    /// Go to the end.
    End,
    /// Half as fast.
    Slower,
    /// Twice as fast.
    Faster,
    /// On to where the next lint begins to hold, and stand still there.
    NextLint,
}

/// A replay that runs. It ends with its last handle.
#[derive(Clone, Debug)]
pub struct Replay {
    controls: SyncSender<Control>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    header: Header,
    length: Option<Stamp>,
}

impl Control {
    /// A little way back.
    pub const BACK: Self = Self::Back(Duration::from_secs(10));
    /// A little way on.
    pub const ON: Self = Self::On(Duration::from_secs(10));
    /// A long way back.
    pub const FAR_BACK: Self = Self::Back(Duration::from_secs(60));
    /// A long way on.
    pub const FAR_ON: Self = Self::On(Duration::from_secs(60));
}

impl Replay {
    /// Opens a recording and plays it from its start.
    ///
    /// # Errors
    /// [`NotOurs`], one sentence.
    pub fn start(path: &Path) -> Result<Self, NotOurs> {
        let player = Player::open(path)?;
        let (header, length) = (player.header().clone(), player.length());
        let (controls, asked) = sync_channel(CONTROLS);
        let (publisher, snapshots) = watch::channel(Arc::default());
        let mut deck = Deck {
            player,
            publisher,
            motion: Motion::Playing,
            speed: 0,
            goal: None,
            from: None,
            damaged: false,
        };
        deck.publish();
        let failed = |error| NotOurs::Io { path: path.display().to_string(), error };
        std::thread::Builder::new()
            .name("replay".to_owned())
            .spawn(move || deck.run(&asked))
            .map_err(failed)?;
        Ok(Self { controls, snapshots, header, length })
    }

    /// What the file says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The recording's last moment, as far as its end tells.
    pub fn length(&self) -> Option<Stamp> {
        self.length
    }

    /// Asks for something. A replay that has more to do than it can ignores it.
    pub fn ask(&self, control: Control) {
        let _ = self.controls.try_send(control);
    }

    /// Every snapshot from now on, and the newest at once.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

/// Where a replay is on its way to.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// The last tick not after this moment. Then it goes on as before, or stands still.
    Moment(Stamp, Motion),
    /// The next lint, when so many had been raised before.
    Lint(u64),
}

struct Deck {
    player: Player,
    publisher: watch::Sender<Arc<Snapshot>>,
    motion: Motion,
    /// A power of two.
    speed: i32,
    goal: Option<Goal>,
    /// While it plays: a moment of the run, and when that was due here.
    from: Option<(Stamp, Instant)>,
    /// What could not be read was met, wherever it is now.
    damaged: bool,
}

impl Deck {
    fn run(mut self, asked: &Receiver<Control>) {
        loop {
            let control = match self.motion {
                Motion::Seeking => match asked.try_recv() {
                    Ok(control) => Some(control),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                },
                Motion::Paused | Motion::Ended => match asked.recv() {
                    Ok(control) => Some(control),
                    Err(_) => return,
                },
                Motion::Playing => match asked.recv_timeout(self.due()) {
                    Ok(control) => Some(control),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                },
            };
            match control {
                Some(control) => self.obey(control),
                None if self.motion == Motion::Seeking => self.seek(),
                None => self.play(),
            }
            self.publish();
        }
    }

    fn factor(&self) -> f64 {
        f64::from(self.speed).exp2()
    }

    /// How long until something is to be seen.
    fn due(&mut self) -> Duration {
        let Some(next) = self.player.next_at() else { return Duration::ZERO };
        let at = self.player.at();
        let (from, since) = *self.from.get_or_insert_with(|| (at, Instant::now()));
        let after = next.since(from).div_f64(self.factor());
        let left = since.checked_add(after).map(|due| due.saturating_duration_since(Instant::now()));
        // A recording whose next moment is years away can still be told something.
        left.unwrap_or(Duration::MAX).clamp(BETWEEN, Duration::from_secs(3600))
    }

    /// Feeds what is due by now.
    fn play(&mut self) {
        let at = self.player.at();
        let (from, since) = *self.from.get_or_insert_with(|| (at, Instant::now()));
        let gone = Duration::try_from_secs_f64(since.elapsed().as_secs_f64() * self.factor());
        let now = from + gone.unwrap_or(Duration::MAX);
        let until = Instant::now() + BETWEEN;
        while self.player.next_at().is_some_and(|next| next <= now) {
            self.player.step();
            if Instant::now() >= until {
                // It cannot keep up: it goes as fast as it can, and the keys work.
                break;
            }
        }
        self.end_if_over();
    }

    /// On towards the goal, for as long as nobody minds.
    fn seek(&mut self) {
        let until = Instant::now() + BETWEEN;
        while let Some(goal) = self.goal {
            match goal {
                Goal::Moment(to, then) => {
                    if self.player.next_at().is_none_or(|next| next > to) {
                        self.stand(then);
                    } else {
                        self.player.step();
                    }
                }
                Goal::Lint(before) => {
                    let step = self.player.step();
                    if step == Step::Over || step == Step::Tick && self.player.raised() > before {
                        self.stand(Motion::Paused);
                    }
                }
            }
            if Instant::now() >= until {
                break;
            }
        }
        self.end_if_over();
    }

    /// There, and from here on like this.
    fn stand(&mut self, motion: Motion) {
        (self.goal, self.motion, self.from) = (None, motion, None);
    }

    fn end_if_over(&mut self) {
        if self.player.next_at().is_none() && self.player.is_over() {
            self.stand(Motion::Ended);
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Toggle => match self.motion {
                Motion::Playing | Motion::Seeking => self.stand(Motion::Paused),
                Motion::Paused => self.stand(Motion::Playing),
                Motion::Ended => {
                    self.player.back(Stamp::default());
                    self.stand(Motion::Playing);
                }
            },
            Control::Step => {
                self.stand(Motion::Paused);
                while self.player.step() == Step::Between {}
                self.end_if_over();
            }
            Control::Back(by) => self.go_to(Stamp(self.aim().0.saturating_sub(crate::event::nanos(by)))),
            Control::On(by) => self.go_to(self.aim() + by),
            Control::Start => self.go_to(Stamp::default()),
            Control::End => self.go_to(Stamp(u64::MAX)),
            Control::Slower => self.pace(-1),
            Control::Faster => self.pace(1),
            Control::NextLint => {
                self.goal = Some(Goal::Lint(self.player.raised()));
                self.motion = Motion::Seeking;
            }
        }
    }

    /// Where it is, or will be: two keys in a row go twice as far.
    fn aim(&self) -> Stamp {
        match self.goal {
            Some(Goal::Moment(to, _)) => to.min(self.player.length().unwrap_or(to)),
            _ => self.player.at(),
        }
    }

    fn go_to(&mut self, to: Stamp) {
        let then = match (self.goal, self.motion) {
            (Some(Goal::Moment(_, then)), _) => then,
            (None, Motion::Playing) => Motion::Playing,
            _ => Motion::Paused,
        };
        if to < self.player.at() {
            self.player.back(to);
        }
        self.goal = Some(Goal::Moment(to, then));
        self.motion = Motion::Seeking;
        // Where that is near it is there now: a key right behind this one acts from there.
        self.seek();
    }

    fn pace(&mut self, by: i32) {
        self.speed = (self.speed + by).clamp(*SPEEDS.start(), *SPEEDS.end());
        // From here on, and not for what was played already.
        self.from = None;
    }

    fn publish(&mut self) {
        let mut snapshot = self.player.snapshot();
        let damage = self.player.damage().words();
        self.damaged |= damage.is_some();
        snapshot.tape = Some(Tape {
            motion: self.motion,
            speed: self.factor(),
            end: self.player.length(),
            missing: self.player.missing(),
            damage: damage.map(Into::into),
            damaged: self.damaged,
        });
        // A screen that is gone needs none.
        let _ = self.publisher.send(Arc::new(snapshot));
    }
}
