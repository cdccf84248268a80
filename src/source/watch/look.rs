//! From an answer to CLIENT LIST to what is said of it.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Say;
use super::churn::{Churn, Seen};
use super::cost::{Cost, interval};
use super::own::Own;
use super::owners::Owners;
use crate::event::{Look, PIECE, Stamp, WatchEvent};
use crate::source::client_list::{ClientList, Compared};

/// A list above this is read beside the runtime: other tasks of it have frames to draw.
const LONG: usize = 256 << 10;

/// An answer to CLIENT LIST and what came with it.
pub(super) struct Listed {
    pub(super) raw: Bytes,
    /// From asking to the last byte.
    pub(super) took: Duration,
    pub(super) at: Stamp,
    /// `total_connections_received` of the same moment.
    pub(super) total: Option<u64>,
    /// What it cost, by `commandstats`.
    pub(super) cost: Option<Duration>,
}

/// What is remembered from look to look.
#[derive(Debug, Default)]
pub(super) struct Looking {
    list: ClientList,
    churn: Churn,
    cost: Cost,
    /// The next look says everything there is.
    whole: bool,
}

impl Looking {
    /// Begins anew, as with another server: ids may start again.
    pub(super) fn begin(&mut self) {
        *self = Self { whole: true, ..Self::default() };
    }

    /// Has the next look say everything there is.
    pub(super) fn forget(&mut self) {
        self.list.forget();
        self.whole = true;
    }

    /// An INFO was answered so fast.
    pub(super) fn answered(&mut self, took: Duration) {
        self.cost.answered(took);
    }

    /// Takes `commandstats`.
    pub(super) fn tell_cost(&mut self, commandstats: &str) -> Option<Duration> {
        self.cost.tell(commandstats)
    }

    /// Takes a list, and says what is new. Gives the time to the next look.
    pub(super) async fn take(
        &mut self,
        listed: Listed,
        say: &Say,
        own: &Own,
        owners: &mut Owners,
    ) -> Duration {
        let bytes = listed.raw.len() as u64;
        let (compared, ours) = self.compare(listed.raw).await;
        own.know(&compared, self.whole);
        let unseen = self.unseen(&compared, listed.total, own);
        let cost = listed.cost.unwrap_or_else(|| self.cost.measured(listed.took));
        let look = Look {
            whole: std::mem::take(&mut self.whole),
            clients: compared.clients,
            bytes,
            took: listed.took,
            cost,
            told: listed.cost.is_some(),
            interval: interval(cost, ours),
            unseen,
            bad: compared.bad,
            left_out: compared.left_out,
            ours: own.ids(),
        };
        let next = look.interval;
        let at = listed.at;
        if look.whole {
            owners.forget();
        }
        owners.opened(&compared.opened);
        owners.closed(&compared.closed);
        pieces(compared.opened, |piece| say.at(at, WatchEvent::Opened(piece)));
        pieces(compared.changed, |piece| say.at(at, WatchEvent::Changed(piece)));
        pieces(compared.closed, |piece| say.at(at, WatchEvent::Closed(piece)));
        say.at(at, WatchEvent::Looked(look));
        owners.ask(say).await;
        next
    }

    /// What the list says, and what reading it took.
    async fn compare(&mut self, raw: Bytes) -> (Compared, Duration) {
        if raw.len() < LONG {
            let begun = Instant::now();
            return (self.list.compare(raw), begun.elapsed());
        }
        let mut list = std::mem::take(&mut self.list);
        let reading = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let compared = list.compare(raw);
            (list, compared, begun.elapsed())
        });
        match reading.await {
            Ok((list, compared, took)) => {
                self.list = list;
                (compared, took)
            }
            // The runtime is ending.
            Err(_) => std::future::pending().await,
        }
    }

    fn unseen(&mut self, compared: &Compared, total: Option<u64>, own: &Own) -> Option<u64> {
        let last_id = self.churn.last_id();
        let is_new = |id: u64| last_id.is_none_or(|last| id > last);
        let opened = compared.opened.iter().filter(|client| is_new(client.id)).count();
        let ours = own.take_ended().into_iter().filter(|id| is_new(*id) && !self.list.has(*id)).count();
        let seen = Seen { total, last_id: self.list.last_id(), opened: opened as u64, ours: ours as u64 };
        self.churn.unseen(seen)
    }
}

/// Each piece has no more room than it needs: they wait in the tap.
pub(super) fn pieces<T>(all: Vec<T>, mut say: impl FnMut(Vec<T>)) {
    let mut left = all.len();
    let mut all = all.into_iter();
    while left > 0 {
        let piece = left.min(PIECE);
        let mut some = Vec::with_capacity(piece);
        some.extend(all.by_ref().take(piece));
        say(some);
        left -= piece;
    }
}
