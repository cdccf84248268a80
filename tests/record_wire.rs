//! Every event there is, written as a line and read back, is the same event; the line is safe to look at; and a recording
//! of any lines in any order plays.

mod record_support;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use record_support::{KINDS, any_record, kind};
use redis_pooltop::event::Stamp;
use redis_pooltop::event::wire::{Header, read_line, write_line};
use redis_pooltop::record::{Player, Record, Step};

#[test]
fn every_kind_of_line_is_among_those_that_are_tried() {
    let mut runner = TestRunner::deterministic();
    let any = any_record();
    let tried = (0..2_000).map(|_| kind(&any.new_tree(&mut runner).expect("a line").current()));
    assert_eq!(tried.collect::<BTreeSet<_>>().len(), KINDS);
}

/// What a terminal would obey: but for the end of the line nothing of it may be there.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

proptest! {
    #[test]
    fn a_line_is_read_back_as_it_was_and_steers_no_terminal(record in any_record()) {
        let mut line = Vec::new();
        write_line(&record, &mut line).expect("a line");
        let shown = std::str::from_utf8(&line).expect("UTF-8").strip_suffix('\n').expect("an end");
        prop_assert!(!shown.contains(is_obeyed), "{shown:?}");
        prop_assert_eq!(read_line::<Record>(&line).expect("a line"), record);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_in_a_recording_plays_and_goes_back(
        records in prop::collection::vec(any_record(), 0..60),
        back in any::<u64>(),
    ) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("run.ndjson");
        let mut bytes = Vec::new();
        write_line(&Header::new(1_700_000_000_000_000_000, &["pool"]), &mut bytes).expect("a header");
        for record in &records {
            write_line(record, &mut bytes).expect("a line");
        }
        std::fs::write(&path, &bytes).expect("a file");
        let mut player = Player::open(&path).expect("a recording");
        while player.step() != Step::Over {}
        let last = format!("{:?}", player.snapshot());
        player.back(Stamp(back));
        while player.next_at().is_some() {
            player.step();
        }
        prop_assert_eq!(format!("{:?}", player.snapshot()), last);
    }
}
