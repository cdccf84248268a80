//! The screen on an app whose processes report from inside: panes and no shell.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::app::Facts;
use super::run::{Job, Runner, Said, Unassisted};
use super::terminal::Guard;
use super::theme::Theme;
use super::{End, Screen};
use crate::console::Handle;
use crate::hub::Hub;

/// Shows what the hub knows of an app until the screen ends; `facts` says by its scene whether the app's output is
/// there too, which then comes from `console`.
///
/// # Errors
/// What the terminal says.
pub async fn show(
    hub: &Hub,
    facts: Facts,
    theme: Theme,
    guard: Option<Guard>,
    console: Option<Handle>,
) -> io::Result<End> {
    let facts = Facts { pager: false, pipe: false, ..facts };
    let (snapshots, runner) = (hub.subscribe(), Box::new(Inside { hub: hub.clone() }));
    let assist = Arc::new(Unassisted);
    super::run(Screen { facts, theme, snapshots, runner, assist, guard, console }).await
}

/// The way from the screen to what looks.
struct Inside {
    hub: Hub,
}

impl Runner for Inside {
    // There is no prompt to type one in.
    fn start(&mut self, _: String, said: mpsc::Sender<Said>) -> Job {
        let (stop, _) = oneshot::channel();
        let (answer, _) = mpsc::channel(1);
        tokio::spawn(async move {
            // A screen that is gone needs to hear nothing.
            let _ = said.send(Said::Ended).await;
        });
        Job::new(stop, answer)
    }

    fn end_job(&mut self, _: u32) {}

    fn page(&mut self, _: mpsc::Sender<Said>) {}

    fn set_interval(&mut self, interval: Duration) {
        self.hub.set_tick(interval);
    }

    fn remember(&mut self, _: &str, _: mpsc::Sender<Said>) {}
}
