//! `output-buffer`: a client does not read what it is sent, and the server keeps it for it.
//!
//! A megabyte or more for [`LONG`], or [`MUCH`] at once; of a replica, which is sent whole data sets, [`REPLICA`]. It
//! clears when less waits, and when the client is gone.

use std::time::Duration;

use super::{Finding, Lint, View, called};
use crate::snapshot::{About, ClientState, Severity};
use crate::text::{bytes, duration};

/// How long so much must have waited that an entry counts as heavy.
const LONG: Duration = Duration::from_secs(10);

/// So much is judged at once, and as bad: subscribers are cut off there by default.
const MUCH: u64 = 32 * 1024 * 1024;

/// From so much on a replica is behind.
const REPLICA: u64 = 64 * 1024 * 1024;

const ADVICE: &str = "see why it does not read: a stopped process, a slow link, MONITOR; limit it with \
                      client-output-buffer-limit";

/// See the module.
pub(super) struct OutputBuffer;

impl Lint for OutputBuffer {
    fn id(&self) -> &'static str {
        "output-buffer"
    }

    fn advice(&self) -> &'static str {
        ADVICE
    }

    fn evaluate(&self, view: &View<'_>, _holds: &dyn Fn(&About) -> bool) -> Vec<Finding> {
        let found = view.odd_entries().filter_map(|entry| {
            let row = &*entry.row;
            let (since, waits) = (entry.heavy?, row.client.output_memory?);
            let long = view.now.since(since);
            if row.state == ClientState::Replica && waits < REPLICA || long < LONG && waits < MUCH {
                return None;
            }
            let severity = if waits >= MUCH { Severity::Bad } else { Severity::Warn };
            let about = About::Client(row.node, row.client.id);
            let (waits, long) = (bytes(waits), duration(long));
            let evidence =
                format!("client {}: {waits} wait to be read, since {long}  {}", row.client.id, called(row));
            Some(Finding { about, severity, evidence, marks: Vec::new() })
        });
        found.collect()
    }
}
