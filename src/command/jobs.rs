//! Commands that run beside the prompt: a trailing `&`.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::output::{Outcome, Output, Sink};
use super::runner::Runner;

/// How many outputs of jobs may wait to be shown: beyond it a job waits.
const NEWS: usize = 256;

/// What a job has to say.
#[derive(Debug)]
pub struct JobNews {
    /// Which job.
    pub job: u32,
    /// What it says.
    pub said: JobSaid,
}

/// What a job can say.
#[derive(Debug)]
pub enum JobSaid {
    /// Something to show.
    Output(Output),
    /// It has ended, and so.
    Ended(Outcome),
}

/// The jobs of one session. They end with it.
pub struct Jobs {
    last: u32,
    running: BTreeMap<u32, AbortHandle>,
    news: mpsc::Sender<JobNews>,
}

impl Jobs {
    pub(super) fn new() -> (Self, mpsc::Receiver<JobNews>) {
        let (news, receiver) = mpsc::channel(NEWS);
        (Self { last: 0, running: BTreeMap::new(), news }, receiver)
    }

    /// Starts a command as a job and gives its number.
    pub(super) fn start(&mut self, runner: Runner, args: Vec<Bytes>, repeat: u64) -> u32 {
        self.forget_ended();
        self.last += 1;
        let job = self.last;
        let mut sink = NewsSink { job, news: self.news.clone() };
        let task = tokio::spawn(async move {
            let outcome = run(&runner, &args, repeat, &mut sink).await;
            // Nobody listens any more: the session is over.
            let ended = JobSaid::Ended(outcome.unwrap_or(Outcome::Failed));
            let _ = sink.news.send(JobNews { job, said: ended }).await;
        });
        self.running.insert(job, task.abort_handle());
        job
    }

    fn forget_ended(&mut self) {
        self.running.retain(|_, task| !task.is_finished());
    }

    /// How many still run.
    pub fn running(&mut self) -> usize {
        self.forget_ended();
        self.running.len()
    }

    /// Ends them all: a command in flight takes its connection with it.
    pub fn end_all(&mut self) {
        for task in std::mem::take(&mut self.running).into_values() {
            task.abort();
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.end_all();
    }
}

async fn run(runner: &Runner, args: &[Bytes], repeat: u64, sink: &mut NewsSink) -> io::Result<Outcome> {
    let mut outcome = Outcome::Done;
    for _ in 0..repeat {
        outcome = outcome.max(runner.once(args, sink).await?);
        if outcome >= Outcome::NoConnection {
            break;
        }
    }
    Ok(outcome)
}

struct NewsSink {
    job: u32,
    news: mpsc::Sender<JobNews>,
}

impl Sink for NewsSink {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            let news = JobNews { job: self.job, said: JobSaid::Output(output) };
            self.news.send(news).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
        })
    }
}
