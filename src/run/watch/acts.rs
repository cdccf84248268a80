//! What the screen may do to watched servers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::event::{Exact, NodeId};
use crate::hub::Hub;
use crate::source::watch::{Killed, Nodes};
use crate::text::thousands;
use crate::tui::watch::Acts;

/// Acts on servers through those who watch them.
pub(super) struct Hands {
    pub(super) hub: Hub,
    pub(super) nodes: Arc<Nodes>,
}

impl Acts for Hands {
    fn set_interval(&self, interval: Duration) {
        self.hub.set_tick(interval);
        self.nodes.set_interval(interval);
    }

    fn kill(&self, clients: Vec<(NodeId, Exact)>) -> BoxFuture<'static, String> {
        let mut ids: BTreeMap<NodeId, Vec<Exact>> = BTreeMap::new();
        for (node, id) in clients {
            ids.entry(node).or_default().push(id);
        }
        let nodes = self.nodes.clone();
        async move {
            let mut all = Killed::default();
            for (node, ids) in ids {
                add(&mut all, nodes.kill(node, ids).await);
            }
            nodes.look_now();
            words(&all)
        }
        .boxed()
    }
}

fn add(all: &mut Killed, more: Killed) {
    all.killed += more.killed;
    all.gone += more.gone;
    all.ours += more.ours;
    // One server's refusal is enough to read.
    all.error = all.error.take().or(more.error);
}

/// `closed 11, 1 was gone already`
fn words(killed: &Killed) -> String {
    let were = |count: u64| if count == 1 { "was" } else { "were" };
    let mut words = vec![format!("closed {}", thousands(killed.killed))];
    if killed.gone > 0 {
        words.push(format!("{} {} gone already", thousands(killed.gone), were(killed.gone)));
    }
    if killed.ours > 0 {
        words.push(format!(
            "{} {} this program's own and left alone",
            thousands(killed.ours),
            were(killed.ours)
        ));
    }
    let words = words.join(", ");
    killed.error.as_ref().map_or(words.clone(), |error| format!("{words}; {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_one_sentence() {
        let mut all = Killed { killed: 11, ..Killed::default() };
        assert_eq!(words(&all), "closed 11");
        add(&mut all, Killed { gone: 1, ours: 2, ..Killed::default() });
        assert_eq!(words(&all), "closed 11, 1 was gone already, 2 were this program's own and left alone");
        let refused = Killed { error: Some("NOPERM".to_owned()), ..Killed::default() };
        assert_eq!(words(&refused), "closed 0; NOPERM");
    }
}
