//! One job, from its wait for a connection to its end.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};

use super::news::{Desk, JobSaid};
use super::{Job, JobControl, JobEnd, JobState, Order};
use crate::command::output::{Outcome, Output, Sink};
use crate::command::pipe::{Piped, Pipes};
use crate::command::runner::{Kept, Runner};
use crate::event::ConnId;

/// What one job works with.
pub(super) struct Task {
    pub(super) number: u32,
    pub(super) runner: Runner,
    pub(super) order: Order,
    pub(super) control: JobControl,
    pub(super) desk: Desk,
}

impl Task {
    /// Runs it to its end, by itself or as it is told to, and says so. `running` is dropped when its connection has
    /// gone back.
    pub(super) async fn run(self, cancelled: oneshot::Receiver<()>, running: watch::Sender<()>) {
        let since = Instant::now();
        let present = Present { control: &self.control, number: self.number, _running: running };
        let end = tokio::select! {
            biased;
            () = told(cancelled) => JobEnd::Cancelled,
            // Nobody listens any more when it fails: the session is over.
            outcome = self.owning() => JobEnd::Ran(outcome.unwrap_or(Outcome::Failed)),
        };
        let after = since.elapsed();
        drop(present);
        let _ = self.desk.send(self.number, JobSaid::Ended { end, after }).await;
    }

    /// What it takes is left behind when it has ended and that is not given back.
    async fn owning(&self) -> io::Result<Outcome> {
        let (label, place) = (format!("job {}", self.number).into(), self.order.place.clone());
        self.runner.pool.scope_at(label, place, Arc::default(), self.through()).await
    }

    /// The work, its output through a shell command where the line has one.
    async fn through(&self) -> io::Result<Outcome> {
        let mut sink = JobSink(self);
        let Some(command) = &self.order.pipe else { return self.work(&mut sink).await };
        let Some((mut feed, piped)) = Piped::start(command, Pipes::Shown, &mut sink).await? else {
            return Ok(Outcome::Failed);
        };
        let running = async {
            let outcome = self.work(&mut feed).await;
            drop(feed);
            outcome
        };
        piped.show(running, &mut sink).await
    }

    async fn work(&self, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let Self { number, runner, order, .. } = self;
        if let Some(lab) = &order.lab {
            self.change(|job| job.state = JobState::Runs);
            return lab.run(|step| self.change(|job| job.command = format!("LAB {step}")), sink).await;
        }
        let label = format!("job {number} {}", runner.label(&order.args));
        let lease = match runner.pool.checkout_at_once(Arc::from(label)).await {
            Ok(lease) => lease,
            Err(error) => return runner.failed(&error.into(), sink).await,
        };
        self.runs_on(lease.id());
        let mut kept = Kept::new(lease, runner.home);
        if let Some(database) = order.database {
            let Some(there) = self.select(kept, database).await? else { return Ok(Outcome::Failed) };
            kept = there;
        }
        let mut outcome = Outcome::Done;
        for _ in 0..order.repeat {
            let (ran, left) = runner.on(kept, &order.args, None, sink).await?;
            outcome = outcome.max(ran);
            let Some(left) = left else { return Ok(outcome) };
            kept = left;
        }
        // The connection goes back to the pool only in the pool's own database.
        if order.database.is_some() && kept.pin() == Some("SELECT") {
            self.select(kept, runner.home).await?;
        }
        Ok(outcome)
    }

    /// Another database on the job's own connection: only what goes wrong is said.
    async fn select(&self, kept: Kept, database: u32) -> io::Result<Option<Kept>> {
        let mut said = Vec::new();
        let args = [bytes::Bytes::from_static(b"SELECT"), database.to_string().into()];
        let (outcome, kept) = self.runner.on(kept, &args, None, &mut said).await?;
        if outcome == Outcome::Done {
            return Ok(kept);
        }
        for output in said {
            JobSink(self).push(output).await?;
        }
        Ok(None)
    }

    fn runs_on(&self, conn: ConnId) {
        self.change(|job| {
            job.state = JobState::Runs;
            job.conn = Some(conn);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Job)) {
        self.control.change(self.number, change);
    }
}

/// The job's place in the list: it goes whatever happens, a panic included.
struct Present<'a> {
    control: &'a JobControl,
    number: u32,
    _running: watch::Sender<()>,
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.control.0.lock().jobs.remove(&self.number);
    }
}

/// Ends when somebody ends the job; never, when nobody can any more.
async fn told(cancelled: oneshot::Receiver<()>) {
    if cancelled.await.is_err() {
        std::future::pending::<()>().await;
    }
}

struct JobSink<'a>(&'a Task);

impl Sink for JobSink<'_> {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        let Self(task) = self;
        match output {
            // Which connection it took stands in the list of jobs; and the screen is not a job's to clear.
            Output::Took(_) | Output::Clear => return Box::pin(std::future::ready(Ok(()))),
            Output::Streaming => task.control.change(task.number, |job| job.state = JobState::Reads),
            _ => task.control.change(task.number, |job| job.outputs += 1),
        }
        let output = task.order.hidden.cover(output);
        Box::pin(task.desk.send(task.number, JobSaid::Output(output)))
    }
}
