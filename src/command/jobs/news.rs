//! What jobs have to say, on its way to whoever shows it: bounded in number and in memory.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::JobEnd;
use crate::command::output::Output;

/// How many outputs of jobs may wait to be shown: beyond it a job waits.
pub(super) const NEWS: usize = 256;

/// How many bytes of them may: one output more than that takes all the room there is.
const ROOM: usize = 4 << 20;

/// What a job has to say.
#[derive(Debug)]
pub struct JobNews {
    /// Which job.
    pub job: u32,
    /// What it says.
    pub said: JobSaid,
    /// Its share of the room, given back when it has been shown.
    _room: Option<OwnedSemaphorePermit>,
}

/// What a job can say.
#[derive(Debug)]
pub enum JobSaid {
    /// Something to show.
    Output(Output),
    /// It has ended.
    Ended {
        /// How.
        end: JobEnd,
        /// How long it took, the wait for a connection included.
        after: Duration,
    },
}

/// Where jobs hand in their news.
#[derive(Clone)]
pub(super) struct Desk {
    news: mpsc::Sender<JobNews>,
    room: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(most: usize) -> (Self, mpsc::Receiver<JobNews>) {
        let (news, receiver) = mpsc::channel(most);
        (Self { news, room: Arc::new(Semaphore::new(ROOM)) }, receiver)
    }

    /// Hands in news when there is room for it.
    pub(super) async fn send(&self, job: u32, said: JobSaid) -> io::Result<()> {
        let room = match &said {
            JobSaid::Output(output) => {
                let weight = output.weight().min(ROOM) as u32;
                // The semaphore is never closed.
                Arc::clone(&self.room).acquire_many_owned(weight).await.ok()
            }
            JobSaid::Ended { .. } => None,
        };
        let news = JobNews { job, said, _room: room };
        self.news.send(news).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Value;

    fn said(bytes: usize) -> JobSaid {
        let value = Value::Array(vec![Value::Bulk(vec![b'x'; bytes].into())]);
        JobSaid::Output(Output::Reply { value, verbatim: false })
    }

    #[tokio::test(start_paused = true)]
    async fn large_news_waits_until_the_one_before_was_shown() {
        let (desk, mut news) = Desk::new(NEWS);
        desk.send(1, said(ROOM * 2)).await.expect("somebody listens");
        let second = tokio::spawn(async move { desk.send(2, said(1)).await });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        let shown = news.recv().await;
        tokio::task::yield_now().await;
        assert!(!second.is_finished(), "taken is not shown");
        drop(shown);
        second.await.expect("it goes on").expect("somebody listens");
        assert_eq!(news.recv().await.map(|news| news.job), Some(2));
    }
}
