//! `unclosed`: pools of asyncio ended, by being collected or with their process, and nobody had closed their connections.
//!
//! An event loop's connections are closed by nobody else: what is left open is reset as the process ends, and until then
//! lies on the server. The connections of a client that is not asyncio's are closed as it is collected, which every good
//! program leaves to the interpreter: they are none. It clears [`WINDOW`] seconds after the last.

use super::{Finding, Lint};
use crate::event::Stamp;
use crate::model::app::makers::Maker;
use crate::text::thousands;

/// In seconds.
const WINDOW: u64 = 60;

const ADVICE: &str = "close the client when its work is over: `await client.aclose()` in a `finally` or at the app's shutdown, or \
                      `async with`";

/// See the module.
pub(super) struct Unclosed;

impl Lint for Unclosed {
    fn id(&self) -> &'static str {
        "unclosed"
    }

    fn evaluate(&self, now: Stamp, words: &str, maker: &Maker, _holds: bool) -> Option<Finding> {
        let counted = maker.last(now, WINDOW);
        if counted.unclosed == 0 {
            return None;
        }
        let [pools, open] = [counted.unclosed, counted.connections].map(thousands);
        let pools = if counted.unclosed == 1 { "1 pool".to_owned() } else { format!("{pools} pools") };
        let open =
            if counted.connections == 1 { "1 connection".to_owned() } else { format!("{open} connections") };
        let evidence = format!("{pools} made at {words} ended with {open} never closed");
        Some(Finding { evidence, advice: ADVICE })
    }
}
