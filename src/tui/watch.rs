//! The screen on watched servers: panes and no shell. Nothing that is typed runs, and what acts on a server is asked for
//! by a word first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::app::Facts;
use super::layout::Scene;
use super::output::Kind;
use super::run::{Job, Runner, Said, Unassisted};
use super::terminal::Guard;
use super::theme::Theme;
use super::{End, Screen};
use crate::event::{Exact, NodeId};
use crate::hub::Hub;
use crate::text;

/// What a person at the screen may ask of the servers.
pub trait Acts: Send + Sync {
    /// Asks INFO so often from now on, and CLIENT LIST as often as its cost allows.
    fn set_interval(&self, interval: Duration);

    /// Closes these clients, and says in one sentence what came of it: `closed 11, 1 was already gone`.
    fn kill(&self, clients: Vec<(NodeId, Exact)>) -> BoxFuture<'static, String>;
}

/// Shows what the hub knows of watched servers until the screen ends.
///
/// # Errors
/// What the terminal says.
pub async fn show(
    hub: &Hub,
    acts: Arc<dyn Acts>,
    facts: Facts,
    theme: Theme,
    guard: Option<Guard>,
) -> io::Result<End> {
    let facts = Facts { scene: Scene::Watch, pager: false, pipe: false, ..facts };
    let (snapshots, runner) = (hub.subscribe(), Box::new(Watch { acts }));
    let assist = Arc::new(Unassisted);
    super::run(Screen { facts, theme, snapshots, runner, assist, guard, console: None }).await
}

/// The way from the screen to the servers.
struct Watch {
    acts: Arc<dyn Acts>,
}

impl Runner for Watch {
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
        self.acts.set_interval(interval);
    }

    fn kill(&mut self, clients: Vec<(NodeId, Exact)>, said: mpsc::Sender<Said>) {
        let killed = self.acts.kill(clients);
        tokio::spawn(async move {
            let words = text::escape_str(&killed.await).into_owned();
            // A screen that is gone needs to hear nothing.
            let _ = said.send(Said::Noted(Kind::Note, words)).await;
        });
    }

    fn remember(&mut self, _: &str, _: mpsc::Sender<Said>) {}
}
