//! What of a recording could not be read, in words.

use crate::text;

/// The most of an error that is told.
const COLUMNS: usize = 120;

/// What could not be read so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Lines that are none of a recording, and were passed over.
    pub bad: u64,
    /// The first of them, and why.
    first: Option<(u64, String)>,
    /// Why it ends before its end.
    broken_off: Option<String>,
}

impl Damage {
    /// A line is none.
    pub(super) fn line(&mut self, number: u64, why: &str) {
        self.bad += 1;
        if self.first.is_none() {
            self.first = Some((
                number,
                text::fit(&text::escape_str(&why.replace(" at line 1 column ", " at column ")), COLUMNS),
            ));
        }
    }

    /// The file ends too soon, for this reason.
    pub(super) fn broken_off(&mut self, why: String) {
        self.broken_off = Some(why);
    }

    /// All of it in one sentence, safe to show; nothing when all was well.
    pub fn words(&self) -> Option<String> {
        let bad = self.first.as_ref().map(|(number, why)| match self.bad {
            1 => format!("line {number} cannot be read ({why})"),
            bad => format!("{} lines cannot be read, the first is {number} ({why})", text::thousands(bad)),
        });
        let parts: Vec<String> = bad.into_iter().chain(self.broken_off.clone()).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
