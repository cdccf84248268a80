use super::evidence::{APART, NAMED, SLOWNESS};
use super::*;
use crate::event::ConnId;
use crate::model::lints::bench::{Bench, s};
use crate::model::lints::{leak, long_hold, sizing};

const MS: Duration = Duration::from_millis(1);

/// What a first look finds.
fn look(bench: &Bench, now: Stamp) -> Exhaustion {
    look_with(bench, now, &Trips::new())
}

fn look_with(bench: &Bench, now: Stamp, trips: &Trips) -> Exhaustion {
    let mut watch = Watch::default();
    watch.look(&bench.view(now), &bench.totals(), trips);
    Exhaustion::clone(&watch.exhaustion().expect("callers wait"))
}

/// The share of each, in the order of the kinds.
fn slots(found: &Exhaustion) -> [u32; 4] {
    [0, 1, 2, 3].map(|at| found.causes[at].slots)
}

fn likely(found: &Exhaustion) -> Vec<CauseKind> {
    found.likely().map(|cause| cause.kind).collect()
}

fn conns(cause: &Cause) -> Vec<u64> {
    cause.suspects.iter().map(|suspect| suspect.conn.0).collect()
}

/// A pool of six with so many connections lent a moment ago that turn over in 25 ms, and so many callers waiting.
fn turning(at_work: u64, waiting: u32) -> Bench {
    let mut bench = Bench::new(6);
    bench.leases(s(99), 240, 15 * MS, 25 * MS);
    for conn in 10..10 + at_work {
        bench.lend(conn, s(100), "web");
    }
    if waiting > 0 {
        bench.queue(waiting, s(99), s(100));
    }
    bench
}

#[test]
fn a_leak_is_what_nobody_uses_over_the_threshold_or_whose_taker_has_ended() {
    let mut bench = turning(3, 2);
    bench.lend(1, s(20), "jobs.rs:88");
    bench.lend(2, s(90), "POOL LEAK 1");
    bench.leave(2, s(99));
    let found = look(&bench, s(100));
    assert_eq!((slots(&found), likely(&found)), ([2, 0, 0, 0], vec![CauseKind::Leak]));
    let leak = &found.causes[0];
    assert_eq!(leak.evidence, ["1 over the threshold of 30.0 s", "1 left behind: who took it has ended"]);
    let first = &leak.suspects[0];
    assert_eq!((first.conn, &*first.says, &*first.who), (ConnId(1), "out 80.0 s, idle 80.0 s", "jobs.rs:88"));
    assert_eq!((found.at_work, found.unclear), (3, 0), "and the others are no cause");
}

#[test]
fn what_was_idle_for_as_long_as_callers_wait_accounts_for_it_before_it_is_a_leak() {
    let mut bench = Bench::new(2);
    bench.lend(1, s(90), "a");
    bench.lend(2, s(90), "b");
    bench.used(2, s(97), "GET");
    bench.queue(1, s(96), s(100));
    let found = look(&bench, s(100));
    assert_eq!(conns(&found.causes[0]), [1], "#2 was used while they waited");
    assert_eq!(found.causes[0].evidence, ["1 idle, below the threshold"]);
    assert_eq!(found.unclear, 1);
    assert_eq!(slots(&look(&bench, s(101)))[0], 1);
    assert_eq!(slots(&look(&bench, s(102)))[0], 2, "five seconds are enough of any wait");
}

#[test]
fn a_backlog_is_more_quick_callers_than_the_limit() {
    let found = look(&turning(6, 4), s(100));
    assert_eq!((slots(&found), likely(&found)), ([0, 6, 0, 0], vec![CauseKind::Backlog]));
    let want = [
        "6 at work + 4 waiting, max 6",
        "120/s, lent for 25.0 ms each, 240/s at most",
        "with 15.0 ms wait, 4.8 want one at once",
    ];
    assert_eq!(found.causes[1].evidence, want);
    assert_eq!(found.causes[1].advice, sizing::RAISE);
}

#[test]
fn a_queue_that_the_limit_has_room_for_is_no_backlog() {
    let mut bench = turning(4, 2);
    bench.lend(1, s(20), "leak");
    bench.lend(2, s(20), "leak");
    let found = look(&bench, s(100));
    assert_eq!(slots(&found), [2, 0, 0, 0], "six callers, and six connections if two came back");
    assert_eq!(found.causes[1].evidence[0], "4 at work + 2 waiting fit");
    bench.queue(3, s(99), s(100));
    let found = look(&bench, s(100));
    assert_eq!((slots(&found), likely(&found)), ([2, 4, 0, 0], vec![CauseKind::Backlog]), "the seventh");
}

#[test]
fn a_backlog_of_callers_that_compute_is_told_to_hold_for_less_time() {
    let mut bench = turning(6, 4);
    bench.leases(s(99), 400, 15 * MS, 80 * MS);
    assert_eq!(look(&bench, s(100)).causes[1].advice, long_hold::ADVICE);
}

#[test]
fn connects_that_fail_account_for_the_slots_without_a_connection() {
    let mut bench = turning(2, 3);
    bench.tick(s(99), |pulse| pulse.totals.open_failures += 12);
    bench.recent.open_failed("connection refused");
    let found = look(&bench, s(100));
    assert_eq!((slots(&found), likely(&found)), ([0, 0, 4, 0], vec![CauseKind::FailedConnects]));
    let want = ["12 of 12 failed in the last 10 s", "connection refused", "4 of 6 slots have no connection"];
    assert_eq!(found.causes[2].evidence, want);
    bench.tick(s(99), |pulse| pulse.totals.opened += 5);
    assert_eq!(slots(&look(&bench, s(100)))[2], 4, "all that lack one, though some connects work");
    bench.tick(s(99), |pulse| pulse.totals.opened += 8);
    assert_eq!(slots(&look(&bench, s(100)))[2], 0, "most connects work");
}

#[test]
fn connects_that_hang_count_as_failed_once_callers_have_waited_for_them() {
    let mut bench = Bench::new(3);
    bench.gauges.opening = 3;
    bench.queue(3, s(99), s(100));
    assert_eq!(slots(&look(&bench, Stamp(99_900_000_000))), [0; 4]);
    let found = look(&bench, s(100));
    assert_eq!((slots(&found), likely(&found)), ([0, 0, 3, 0], vec![CauseKind::FailedConnects]));
    assert_eq!(found.causes[2].evidence, ["3 opening, none has opened in 10 s"]);
    bench.tick(s(99), |pulse| pulse.totals.opened += 1);
    assert_eq!(slots(&look(&bench, s(100))), [0; 4], "they are opened one after the other");
}

#[test]
fn slow_commands_are_those_in_flight_for_long_each_kind_with_its_round_trips() {
    let mut bench = turning(3, 1);
    for (conn, since) in [(1, 60), (2, 70)] {
        bench.lend(conn, s(since), "job");
        bench.busy(conn, s(since), "BLPOP");
    }
    bench.lend(3, s(99), "report");
    bench.busy(3, s(99), "KEYS");
    let numbers = Percentiles { count: 3, p50: 900_000_000, p99: 1_200_000_000, ..Percentiles::default() };
    let trips = Trips::from([("BLPOP".into(), Percentiles::default()), ("KEYS".into(), numbers)]);
    let found = look_with(&bench, s(100), &trips);
    assert_eq!((slots(&found), likely(&found)), ([0, 0, 0, 3], vec![CauseKind::SlowCommands]));
    let slow = &found.causes[3];
    let want = ["2 in BLPOP, up to 40.0 s; no reply lately", "1 in KEYS, up to 1.0 s; p50 900 ms, p99 1.2 s"];
    assert_eq!((&*slow.evidence, &*slow.advice), (&want.map(str::to_owned)[..], SLOWNESS));
    assert_eq!((conns(slow), &*slow.suspects[0].says), (vec![1, 2, 3], "BLPOP 40.0 s"));
}

#[test]
fn a_command_just_sent_is_slow_only_if_it_usually_is() {
    let mut bench = Bench::new(1);
    bench.lend(1, s(90), "web");
    bench.busy(1, s(100), "SORT");
    bench.queue(1, s(99), s(100));
    let now = s(100) + 99 * MS;
    assert_eq!(slots(&look(&bench, now)), [0, 1, 0, 0]);
    assert_eq!(slots(&look(&bench, s(100) + SLOW)), [0, 0, 0, 1]);
    let usual = |p50| Trips::from([("SORT".into(), Percentiles { count: 9, p50, ..Percentiles::default() })]);
    assert_eq!(slots(&look_with(&bench, now, &usual(99_999_999))), [0, 1, 0, 0]);
    assert_eq!(slots(&look_with(&bench, now, &usual(100_000_000))), [0, 0, 0, 1]);
}

#[test]
fn what_waits_on_purpose_is_told_to_do_so_elsewhere() {
    let mut bench = Bench::new(2);
    bench.lend(1, s(0), "job 1");
    bench.busy(1, s(0), "BLPOP");
    bench.lend(2, s(0), "listener");
    bench.used(2, s(1), "SUBSCRIBE");
    bench.queue(1, s(99), s(100));
    let found = look(&bench, s(100));
    assert_eq!((slots(&found), &*found.causes[3].advice), ([0, 0, 0, 2], APART));
}

#[test]
fn several_may_be_likely_and_none_may_be() {
    let mut bench = Bench::new(2);
    bench.lend(1, s(20), "leak");
    bench.lend(2, s(20), "job");
    bench.busy(2, s(20), "BLPOP");
    bench.queue(1, s(99), s(100));
    assert_eq!(likely(&look(&bench, s(100))), [CauseKind::Leak, CauseKind::SlowCommands]);
    let mut bench = Bench::new(1);
    bench.lend(1, s(100), "new");
    bench.queue(1, s(99), s(100));
    let found = look(&bench, s(100));
    assert_eq!((likely(&found), found.unclear), (vec![], 1), "no lease has ended, and it has just begun");
}

#[test]
fn more_suspects_than_are_named_are_counted() {
    let mut bench = Bench::new(40);
    for conn in 1..=40 {
        bench.lend(conn, s(conn), "w");
    }
    bench.queue(1, s(99), s(100));
    let leak = look(&bench, s(100)).causes[0].clone();
    assert_eq!((leak.slots, leak.suspects.len(), leak.more), (40, NAMED, 40 - NAMED));
    assert_eq!(leak.suspects[0].conn, ConnId(1), "the longest out");
}

#[test]
fn it_begins_with_a_wait_that_lasts_and_stays_as_it_was_when_callers_last_waited() {
    let mut bench = Bench::new(1);
    bench.lend(1, s(20), "leak");
    let mut watch = Watch::default();
    let none = Trips::new();
    bench.queue(1, s(99), s(99));
    watch.look(&bench.view(s(99) + 99 * MS), &bench.totals(), &none);
    assert_eq!(watch.exhaustion(), None);
    watch.look(&bench.view(s(99) + GRACE), &bench.totals(), &none);
    watch.look(&bench.view(s(102)), &bench.totals(), &none);
    let found = watch.exhaustion().expect("a wait that lasts");
    assert_eq!((found.since, found.longest, found.over), (s(99), 3_000 * MS, false));
    bench.queue(0, s(0), s(103));
    bench.give_back(1, s(103));
    watch.look(&bench.view(s(103)), &bench.totals(), &none);
    let calm = watch.exhaustion().expect("a moment without a queue");
    assert_eq!((calm.over, calm.is_past(), calm.at), (false, true, found.at));
    assert!(
        calm.causes[0].suspects[0].lease == Lease::Back && found.causes[0].suspects[0].lease == Lease::Out
    );
    assert_eq!((found.causes[0].advice_now(), calm.causes[0].advice_now()), (Some(leak::ADVICE), None));
    watch.look(&bench.view(s(104)), &bench.totals(), &none);
    let over = watch.exhaustion().expect("the last one");
    assert_eq!((over.over, over.at, slots(&over)), (true, s(102), [1, 0, 0, 0]));
    watch.look(&bench.view(s(500)), &bench.totals(), &none);
    assert_eq!(watch.exhaustion(), Some(over));
}

/// One connection is back and lent again, the other is out as it was.
#[test]
fn what_is_back_is_told_from_what_is_out_still_however_long_ago_it_was() {
    let mut bench = Bench::new(2);
    bench.lend(1, s(20), "leak");
    bench.lend(2, s(21), "leak");
    let mut watch = Watch::default();
    let none = Trips::new();
    bench.queue(1, s(99), s(100));
    watch.look(&bench.view(s(100)), &bench.totals(), &none);
    bench.queue(0, s(0), s(101));
    watch.look(&bench.view(s(200)), &bench.totals(), &none);
    let back = |watch: &Watch| {
        let leak = watch.exhaustion().expect("the last one").causes[0].clone();
        (
            leak.suspects.iter().map(|suspect| suspect.lease == Lease::Back).collect::<Vec<_>>(),
            leak.advice_now().is_some(),
        )
    };
    assert_eq!(back(&watch), (vec![false, false], true));
    bench.give_back(1, s(201));
    bench.lend(1, s(202), "another");
    watch.look(&bench.view(s(202)), &bench.totals(), &none);
    assert_eq!(back(&watch), (vec![true, false], true));
    bench.give_back(2, s(203));
    watch.look(&bench.view(s(203)), &bench.totals(), &none);
    assert_eq!(back(&watch), (vec![true, true], false));
}

#[test]
fn connections_that_are_all_lent_for_slow_work_change_hands_all_the_same() {
    let mut bench = Bench::new(1);
    bench.queue(1, s(99), s(100));
    bench.lend(1, s(99), "web");
    bench.busy(1, s(99), "KEYS");
    assert_eq!(look(&bench, s(100)).causes[1].evidence, ["no connection changes hands"]);
    bench.leases(s(99), 20, 15 * MS, 111 * MS);
    let found = look(&bench, s(100));
    assert_eq!(found.causes[1].evidence[0], "none at quick work now", "{:?}", found.causes[1].evidence);
}

#[test]
fn waits_that_end_with_nothing_are_counted_from_its_beginning() {
    let mut bench = Bench::new(1);
    bench.lend(1, s(20), "leak");
    let mut watch = Watch::default();
    let none = Trips::new();
    watch.look(&bench.view(s(90)), &bench.totals(), &none);
    assert_eq!(watch.exhaustion(), None);
    bench.lose(s(91), 3, 1);
    watch.look(&bench.view(s(91)), &bench.totals(), &none);
    let found = watch.exhaustion().expect("lost waits");
    assert_eq!((found.lost.timeouts, found.lost.refused, found.waiting), (3, 1, 0));
    assert_eq!(likely(&found), [CauseKind::Leak]);
    watch.look(&bench.view(s(94)), &bench.totals(), &none);
    bench.lose(s(95), 2, 0);
    watch.look(&bench.view(s(95)), &bench.totals(), &none);
    assert_eq!(watch.exhaustion().expect("another").lost.timeouts, 2, "the first is over");
}

/// So many connections of four are held by hand and dead, and no other can be opened.
fn dead_server(held: u64) -> Exhaustion {
    let mut bench = Bench::new(4);
    for conn in 1..=held {
        bench.lend(conn, s(90), "POOL HOLD");
        bench.die(conn, s(98));
    }
    let mut watch = Watch::default();
    watch.look(&bench.view(s(99)), &bench.totals(), &Trips::new());
    bench.tick(s(100), |pulse| {
        pulse.totals.open_failures += 4;
        pulse.totals.failed += 4;
    });
    bench.recent.open_failed("connection refused");
    watch.look(&bench.view(s(100)), &bench.totals(), &Trips::new());
    Exhaustion::clone(&watch.exhaustion().expect("callers got nothing"))
}

#[test]
fn connect_errors_below_the_limit_are_no_leaks_fault_however_many_are_held() {
    assert_eq!(likely(&dead_server(4)), [CauseKind::Leak], "no slot is free");
    let found = dead_server(3);
    assert_eq!((slots(&found), likely(&found)), ([0, 0, 1, 0], vec![CauseKind::FailedConnects]));
    let leak = &found.causes[0];
    assert_eq!(leak.evidence, ["3 dead: closed by the server", "below the limit: no cause"]);
    assert_eq!((leak.suspects.len(), leak.advice_now()), (0, None));
}

#[test]
fn what_is_dead_is_not_called_idle_and_what_is_no_leak_yet_not_a_leak() {
    let mut bench = Bench::new(2);
    bench.lend(1, s(90), "a");
    bench.lend(2, s(90), "b");
    bench.die(2, s(98));
    bench.queue(1, s(95), s(100));
    let found = look(&bench, s(100));
    let held = &found.causes[0];
    assert_eq!(held.evidence, ["1 dead: closed by the server", "1 idle, below the threshold"]);
    assert_eq!((held.word, &*held.suspects[1].says), ("held unused", "out 10.0 s, dead for 2.0 s"));
    assert_eq!(look(&bench, s(130)).causes[0].word, "leak");
}

#[test]
fn what_was_left_behind_is_told_which_slot_can_be_freed() {
    let mut bench = Bench::new(2);
    bench.lend(7, s(90), "POOL LEAK 2");
    bench.lend(8, s(90), "POOL LEAK 2");
    bench.queue(1, s(95), s(100));
    bench.leave(7, s(91));
    assert_eq!(look(&bench, s(100)).causes[0].advice, leak::ADVICE, "somebody has the other");
    bench.leave(8, s(91));
    let mut watch = Watch::default();
    watch.look(&bench.view(s(100)), &bench.totals(), &Trips::new());
    let says = |watch: &Watch, words: &str| {
        let found = watch.exhaustion().expect("the last one");
        assert!(found.causes[0].advice.contains(words), "{}", found.causes[0].advice);
    };
    says(&watch, "POOL CLOSE 7 frees that slot only; POOL RESET takes all back");
    bench.queue(0, s(0), s(101));
    bench.give_back(7, s(101));
    watch.look(&bench.view(s(101)), &bench.totals(), &Trips::new());
    says(&watch, "POOL CLOSE 8 frees");
}

#[test]
fn a_connection_that_was_closed_is_not_called_back() {
    let mut bench = Bench::new(1);
    bench.lend(1, s(20), "leak");
    let mut watch = Watch::default();
    bench.queue(1, s(99), s(100));
    watch.look(&bench.view(s(100)), &bench.totals(), &Trips::new());
    bench.queue(0, s(0), s(101));
    bench.gauges.in_use -= 1;
    bench.gauges.available += 1;
    bench.close(1);
    watch.look(&bench.view(s(101)), &bench.totals(), &Trips::new());
    let found = watch.exhaustion().expect("the last one");
    assert_eq!(found.causes[0].suspects[0].lease, Lease::Closed);
    assert_eq!(found.causes[0].advice_now(), None);
}

#[test]
fn what_blocks_on_purpose_is_said_to_be_in_the_time_of_a_use() {
    let mut bench = turning(6, 4);
    bench.tick(s(99), |pulse| {
        pulse.round_trips.push(("BLPOP".into(), crate::event::Samples(vec![(1_000_000_000, 1)])));
    });
    let said = look(&bench, s(100)).causes[1].evidence.clone();
    let want = ["120/s, lent for 25.0 ms each, blocking or unanswered commands included"];
    assert_eq!(said[1..], want);
    let mut bench = turning(4, 1);
    let said = look(&bench, s(100)).causes[1].evidence.clone();
    assert_eq!(said[1..], ["120/s, lent for 25.0 ms each"], "there is no backlog, and no bound");
    bench.tick(s(99), |pulse| pulse.unanswered.0.push((1_000_000_000, 1)));
    let said = look(&bench, s(100)).causes[1].evidence.clone();
    assert_eq!(said[1..], want);
}
