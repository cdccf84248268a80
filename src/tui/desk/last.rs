//! What the last line gave, kept in full for the pager.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::command::output::Output;
use crate::resp::print::{Printer, Style};
use crate::text;

/// How much of it is kept, in bytes: it shares the memory of the replies themselves.
const KEPT: usize = 64 << 20;

/// What the last line gave, for whoever prints it and whoever pages it.
#[derive(Clone, Default)]
pub(super) struct Last(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    outputs: Vec<Arc<Output>>,
    bytes: usize,
    /// There was more.
    cut: bool,
}

impl Last {
    /// A line begins.
    pub(super) fn begin(&self) {
        *self.0.lock() = Kept::default();
    }

    /// Keeps what it gave while there is room.
    pub(super) fn keep(&self, output: Output) {
        let bytes = output.weight();
        let mut kept = self.0.lock();
        kept.cut |= kept.bytes + bytes > KEPT;
        if !kept.cut {
            kept.bytes += bytes;
            kept.outputs.push(Arc::new(output));
        }
    }

    /// All of it as a terminal of so many columns may read it; nothing when there was none. Our own words are broken
    /// between words, which no pager can be relied on to do; replies stay whole, for whoever looks for them or keeps them.
    pub(super) fn page(&self, columns: usize) -> Option<Bytes> {
        let (outputs, cut) = {
            let kept = self.0.lock();
            (kept.outputs.clone(), kept.cut)
        };
        let form = Printer { style: Style::Standard, escape: true };
        let mut page = Vec::new();
        for output in outputs {
            match &*output {
                Output::Reply { value, verbatim } => page.extend(form.print(value, *verbatim)),
                Output::Text(words) => page.extend(text::folded(words, columns).bytes()),
                Output::Error(words) => {
                    page.extend(text::folded(&format!("error: {words}\n"), columns).bytes());
                }
                Output::Note(words) => page.extend(text::folded(&format!("{words}\n"), columns).bytes()),
                Output::Streaming | Output::Took(_) | Output::Clear => {}
            }
        }
        if cut {
            let most = text::thousands(KEPT as u64);
            page.extend_from_slice(format!("… and more than the {most} bytes that are kept\n").as_bytes());
        }
        (!page.is_empty()).then(|| page.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Value;

    fn reply(bytes: impl Into<Bytes>) -> Output {
        Output::Reply { value: Value::Bulk(bytes.into()), verbatim: false }
    }

    #[test]
    fn the_page_is_all_that_the_last_line_gave_and_nothing_a_terminal_obeys() {
        let last = Last::default();
        last.keep(Output::Note("from the line before".to_owned()));
        last.begin();
        assert_eq!(last.page(80), None);
        let long = "x".repeat(1 << 20);
        last.keep(reply(format!("{long}\u{1b}[2J")));
        last.keep(Output::Error("no".to_owned()));
        assert_eq!(last.page(80).unwrap(), format!("\"{long}\\x1b[2J\"\nerror: no\n"));
    }

    #[test]
    fn our_own_words_are_broken_between_words_and_replies_not_at_all() {
        let last = Last::default();
        last.keep(Output::text("  summary: Returns and removes an element"));
        last.keep(reply("a reply that is longer than that"));
        let page = last.page(20).unwrap();
        let want =
            "  summary: Returns\n    and removes an\n    element\n\"a reply that is longer than that\"\n";
        assert_eq!(page, want);
    }

    #[test]
    fn no_more_than_so_much_is_kept() {
        let last = Last::default();
        last.keep(reply("first"));
        last.keep(reply(vec![b'x'; KEPT]));
        last.keep(reply("a hole would hide what is missing"));
        assert_eq!(last.page(80).unwrap(), "\"first\"\n… and more than the 67,108,864 bytes that are kept\n");
    }
}
