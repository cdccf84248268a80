//! The screen on a recording: the same panes, with a tape behind them instead of a pool. Nothing that is typed runs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::app::Facts;
use super::keymap::{Context, Keys, Mode};
use super::layout::Pane;
use super::output::Kind;
use super::run::{Job, Runner, Said, Unassisted};
use super::theme::Theme;
use super::{End, Screen};
use crate::record::{Control, Replay};

/// What is said to a command.
const NOTHING_RUNS: &str = "this is a replay: no command runs; QUIT ends it";

/// Where it is told that a line is none.
const GO_TO_A_PANE: &str = "the keys that play it act on the panes";

/// Shows a replay until the screen ends. `chosen` is what the person chose, `notices` what there is to say of the file.
///
/// # Errors
/// What the terminal says.
pub async fn show(replay: Replay, chosen: Facts, theme: Theme) -> io::Result<End> {
    let facts = Facts {
        replay: true,
        welcome: welcome(&chosen.keys),
        pager: false,
        pipe: false,
        history: Vec::new(),
        ..chosen
    };
    let snapshots = replay.subscribe();
    let runner = Box::new(Reel { replay });
    let assist = Arc::new(Unassisted);
    super::run(Screen { facts, theme, snapshots, runner, assist, guard: None, console: None }).await
}

/// What each control is for, with the keys it has.
fn welcome(keys: &Keys) -> Vec<(String, String)> {
    let pane = Context { replay: true, ..Context::of(Mode::Pane(Pane::Connections)) };
    let rows: [(&[Control], &str); 5] = [
        (&[Control::Toggle], "pause the replay, and go on"),
        (&[Control::Step], "one snapshot on"),
        (&[Control::BACK, Control::ON], "ten seconds back, ten seconds on"),
        (&[Control::Slower, Control::Faster], "half as fast, twice as fast"),
        (&[Control::NextLint], "on to where the next lint begins to hold"),
    ];
    let told = rows.into_iter().map(|(controls, words)| {
        let bound = controls.iter().filter_map(|&control| keys.key_of(&control.into(), &pane));
        (bound.collect::<Vec<_>>().join(" "), words.to_owned())
    });
    told.filter(|(keys, _)| !keys.is_empty()).collect()
}

/// The way from the screen to the tape.
struct Reel {
    replay: Replay,
}

impl Runner for Reel {
    fn start(&mut self, line: String, said: mpsc::Sender<Said>) -> Job {
        let (stop, _) = oneshot::channel();
        let (answer, _) = mpsc::channel(1);
        let quits = ["quit", "exit"].iter().any(|word| line.trim().eq_ignore_ascii_case(word));
        // The screen hears this with its next look: it must not wait for itself.
        tokio::spawn(async move {
            let answer = if quits {
                Said::Quit
            } else {
                let words = [NOTHING_RUNS, GO_TO_A_PANE].map(|words| (Kind::Note, words.to_owned()));
                Said::Lines(words.to_vec())
            };
            // A screen that is gone needs to hear nothing.
            let _ = said.send(answer).await;
            let _ = said.send(Said::Ended).await;
        });
        Job::new(stop, answer)
    }

    fn end_job(&mut self, _: u32) {}

    fn page(&mut self, _: mpsc::Sender<Said>) {}

    fn set_interval(&mut self, _: Duration) {}

    fn remember(&mut self, _: &str, _: mpsc::Sender<Said>) {}

    fn tape(&mut self, control: Control) {
        self.replay.ask(control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_pane_names_the_keys_of_the_tape() {
        let rows = welcome(&Keys::default());
        let keys: Vec<&str> = rows.iter().map(|(keys, _)| keys.as_str()).collect();
        assert_eq!(keys, ["Space", ".", "[ ]", "< >", "n"]);
    }
}
