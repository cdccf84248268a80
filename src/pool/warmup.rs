//! Opening connections before they are needed.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::connector::Connector;
use super::guards::{OpenError, Permit};
use super::holder::Tag;
use super::inner::Inner;

/// What a warm-up did.
#[derive(Clone, Debug)]
pub struct Warmed<E> {
    /// Connections opened.
    pub opened: u32,
    /// Attempts that failed. After the first failure no other is begun.
    pub failed: u32,
    /// The first failure.
    pub error: Option<E>,
}

impl<C: Connector> Inner<C> {
    /// Opens connections side by side until `wanted` exist, or as many as the limit leaves room for. Somebody asked for
    /// it, so it does not mind the pause after a failure.
    pub(super) async fn warm(&self, wanted: u32) -> Warmed<C::Error> {
        let tag = Tag::labelled("warm-up".into());
        let mut warmed = Warmed { opened: 0, failed: 0, error: None };
        let mut dials = FuturesUnordered::new();
        // Where the last attempt failed, one finds out first whether the others make sense.
        let mut alone = self.backoff.is_on();
        loop {
            while warmed.error.is_none()
                && (!alone || dials.is_empty())
                && let Some(generation) = self.core.reserve(wanted)
            {
                let permit = Permit::new(self, generation);
                dials.push(permit.open(&tag, true, |member, arrival| self.core.shelve(member, arrival)));
            }
            match dials.next().await {
                None => return warmed,
                Some(Ok(wakes)) => {
                    wakes.wake();
                    warmed.opened += 1;
                    alone = false;
                }
                Some(Err(OpenError::Connect(error) | OpenError::Paused(error))) => {
                    warmed.failed += 1;
                    warmed.error.get_or_insert(error);
                }
                Some(Err(OpenError::Closed)) => warmed.failed += 1,
            }
        }
    }
}
