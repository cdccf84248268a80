//! One timer a connection, armed once a timeout and not once a command.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that moves with every command over a timer that rarely does: most commands are answered long before it
/// fires, so it is left armed at an earlier command's deadline and set again when it fires too early.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Ready once `deadline` has passed; until then the task is woken for it.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if sleep.deadline() >= deadline => return Poll::Ready(()),
                Poll::Ready(()) => sleep.as_mut().reset(deadline),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fires_at_the_deadline_asked_for_last() {
        let mut timer = Timer::default();
        let start = Instant::now();
        for (asked, fires) in [(50, 50), (120, 120), (130, 130), (60, 130), (500, 500)] {
            let deadline = start + Duration::from_millis(asked);
            poll_fn(|cx| timer.poll(cx, deadline)).await;
            assert_eq!(start.elapsed().as_millis(), fires, "asked for {asked}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn moves_to_an_earlier_deadline_while_armed() {
        let mut timer = Timer::default();
        let start = Instant::now();
        poll_fn(|cx| {
            assert!(timer.poll(cx, start + Duration::from_secs(60)).is_pending());
            Poll::Ready(())
        })
        .await;
        poll_fn(|cx| timer.poll(cx, start + Duration::from_secs(1))).await;
        assert_eq!(start.elapsed().as_millis(), 1000);
        // Left armed at the earlier deadline, it does not fire for the later one.
        poll_fn(|cx| timer.poll(cx, start + Duration::from_secs(2))).await;
        assert_eq!(start.elapsed().as_millis(), 2000);
    }
}
