//! Clients that came and went between two looks, and were in neither.

/// What is known of the connections that a server took.
#[derive(Debug, Default)]
pub(super) struct Churn {
    /// `total_connections_received` and the greatest client id at the last look.
    total: Option<u64>,
    last_id: Option<u64>,
    /// Connections that were seen before they were counted: a server counts one with TLS only once it is agreed on.
    ahead: u64,
}

/// What a look saw of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// `total_connections_received`, where the server tells.
    pub(super) total: Option<u64>,
    /// The greatest client id in the list.
    pub(super) last_id: Option<u64>,
    /// Clients in the list that are newer than the look before.
    pub(super) opened: u64,
    /// Connections of our own that came and went.
    pub(super) ours: u64,
}

impl Churn {
    /// The greatest id of the look before.
    pub(super) fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// How many came and went unseen; `None` at the first look, and where nothing tells.
    pub(super) fn unseen(&mut self, seen: Seen) -> Option<u64> {
        let known = seen.opened + seen.ours;
        let before = std::mem::replace(&mut self.total, seen.total);
        let last_id = self.last_id;
        self.last_id = seen.last_id.max(last_id);
        // The server may have been told to count anew.
        let counted = before.zip(seen.total).and_then(|(before, now)| now.checked_sub(before));
        if let Some(counted) = counted {
            let known = known.saturating_add(self.ahead);
            self.ahead = known.saturating_sub(counted);
            return Some(counted.saturating_sub(known));
        }
        self.ahead = 0;
        if seen.total.is_some() {
            return None;
        }
        // Ids are given in order. Who came after the last one in the list cannot be known this way.
        let ids = seen.last_id?.saturating_sub(last_id?);
        Some(ids.saturating_sub(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(total: Option<u64>, last_id: u64, opened: u64) -> Seen {
        Seen { total, last_id: Some(last_id), opened, ours: 0 }
    }

    #[test]
    fn what_was_counted_and_not_seen_came_and_went() {
        let mut churn = Churn::default();
        assert_eq!(churn.unseen(seen(Some(100), 50, 7)), None);
        assert_eq!(churn.unseen(seen(Some(100), 50, 0)), Some(0));
        assert_eq!(churn.unseen(seen(Some(160), 110, 10)), Some(50));
        let ours = Seen { ours: 2, ..seen(Some(165), 115, 1) };
        assert_eq!(churn.unseen(ours), Some(2));
    }

    #[test]
    fn who_is_seen_before_being_counted_makes_up_for_nobody() {
        let mut churn = Churn::default();
        churn.unseen(seen(Some(100), 50, 0));
        assert_eq!(churn.unseen(seen(Some(101), 53, 3)), Some(0));
        assert_eq!(churn.unseen(seen(Some(105), 55, 1)), Some(1), "two of the four were seen before");
        assert_eq!(churn.unseen(seen(Some(106), 55, 0)), Some(1));
    }

    #[test]
    fn a_server_that_counts_anew_tells_nothing_once() {
        let mut churn = Churn::default();
        churn.unseen(seen(Some(100), 50, 0));
        assert_eq!(churn.unseen(seen(Some(3), 60, 3)), None);
        assert_eq!(churn.unseen(seen(Some(5), 62, 0)), Some(2));
    }

    #[test]
    fn without_a_count_the_gaps_in_ids_tell() {
        let mut churn = Churn::default();
        assert_eq!(churn.unseen(seen(None, 50, 9)), None);
        assert_eq!(churn.unseen(seen(None, 50, 0)), Some(0));
        assert_eq!(churn.unseen(seen(None, 60, 4)), Some(6));
        assert_eq!(churn.unseen(seen(None, 40, 0)), Some(0));
    }
}
