use hdrhistogram::Histogram;
use proptest::prelude::*;

use super::*;

fn samples(values: &[u64]) -> Samples {
    Samples(values.iter().map(|&value| (value, 1)).collect())
}

/// The nearest-rank percentile of the values themselves.
fn exact(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// Whether `told` is the true value to two digits, and never below it.
fn close(told: u64, truth: u64) -> bool {
    told >= truth && told - truth <= truth / 100
}

proptest! {
    #[test]
    fn percentiles_agree_with_the_sorted_values_and_with_an_hdr_histogram(
        mut values in prop::collection::vec(prop_oneof![0_u64..1_000, 0..5_000_000_000_u64, any::<u64>()], 1..300),
        chunk in 1_usize..50,
    ) {
        let mut window = Window::default();
        let mut oracle = Histogram::<u64>::new(2).expect("two digits");
        for (second, part) in values.chunks(chunk).enumerate() {
            window.add(second as u64, &samples(part));
        }
        for value in &values {
            // Its top is out of reach for some of its buckets; the sorted reference covers them.
            oracle.record((*value).min(u64::MAX / 4)).expect("it grows");
        }
        let told = window.percentiles();
        values.sort_unstable();
        prop_assert_eq!((told.count, told.total), (values.len() as u64, values.len() as u64));
        let pairs = [(told.p50, 50), (told.p95, 95), (told.p99, 99), (told.max, 100)];
        for (told, percent) in pairs {
            let truth = exact(&values, percent);
            prop_assert!(close(told, truth), "p{percent}: told {told}, truth {truth}");
            if truth < u64::MAX / 4 {
                let theirs = oracle.value_at_quantile(percent as f64 / 100.0);
                prop_assert!(oracle.equivalent(told, theirs), "p{percent}: told {told}, theirs {theirs}");
            }
        }
    }

    #[test]
    fn expiry_leaves_exactly_the_seconds_in_the_window(
        steps in prop::collection::vec((0_u64..30, prop::collection::vec(0_u64..1_000_000, 0..5)), 1..60),
        length in 1_u64..90,
    ) {
        let mut window = Window::default();
        let mut all: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for (step, values) in steps {
            now += step;
            window.add(now, &samples(&values));
            all.extend(values.iter().map(|&value| (now, value)));
            window.expire(now, length);
            let mut kept: Vec<_> =
                all.iter().filter(|(second, _)| second + length > now).map(|(_, value)| *value).collect();
            kept.sort_unstable();
            let told = window.percentiles();
            prop_assert_eq!((told.count, told.total), (kept.len() as u64, all.len() as u64));
            prop_assert_eq!(window.is_empty(), kept.is_empty());
            if !kept.is_empty() {
                prop_assert!(close(told.p50, exact(&kept, 50)) && close(told.max, exact(&kept, 100)));
            }
        }
    }

    #[test]
    fn counts_without_bound_saturate(counts in prop::collection::vec((any::<u64>(), any::<u64>()), 0..20)) {
        let mut window = Window::default();
        window.add(1, &Samples(counts.clone()));
        window.add(1, &Samples(counts.clone()));
        window.add(2, &Samples(counts));
        window.percentiles();
        window.expire(100, 60);
        prop_assert!(window.is_empty());
    }
}

#[test]
fn an_empty_window_has_no_numbers() {
    let mut window = Window::default();
    window.add(1, &Samples(vec![(5, 0)]));
    assert_eq!(window.percentiles(), Percentiles::default());
    assert!(window.bars().is_empty());
}

#[test]
fn it_stays_small_however_many_values_differ() {
    let mut window = Window::default();
    for value in 0..200_000_u64 {
        window.add(value / 10_000, &Samples(vec![(value * value, 1)]));
    }
    assert!(window.sum.len() < 7_500, "{}", window.sum.len());
}

#[test]
fn bars_have_edges_a_person_can_read_and_no_gap() {
    let mut window = Window::default();
    window.add(1, &Samples(vec![(150, 3), (90, 1), (900, 2), (100, 1)]));
    assert_eq!(window.bars(), [(100, 2), (200, 3), (500, 0), (1_000, 2)]);
    let mut window = Window::default();
    window.add(1, &Samples(vec![(u64::MAX, 4)]));
    assert_eq!(window.bars(), [(u64::MAX, 4)]);
}

fn pulse(trips: &[(&str, u64, u64)]) -> Pulse {
    let round_trips =
        trips.iter().map(|&(name, value, count)| (name.into(), Samples(vec![(value, count)]))).collect();
    Pulse { round_trips, ..Pulse::default() }
}

fn names(latency: &Latency) -> Vec<(String, u64)> {
    latency.by_command.iter().map(|(name, numbers)| (name.to_string(), numbers.count)).collect()
}

fn at(second: u64) -> Stamp {
    Stamp(second * 1_000_000_000)
}

#[test]
fn commands_come_most_used_first_and_leave_when_they_are_no_longer_used() {
    let mut windows = Windows::new(Duration::from_secs(60));
    windows.add(at(0), &pulse(&[("SET", 80, 2), ("BLPOP", 9_000, 1)]));
    windows.add(at(30), &pulse(&[("GET", 70, 5), ("SET", 80, 1)]));
    let latency = windows.latency();
    let want = [("GET", 5), ("SET", 3), ("BLPOP", 1)];
    assert_eq!(names(&latency), want.map(|(name, count)| (name.to_owned(), count)));
    assert_eq!(latency.round_trip.count, 9);
    windows.expire(at(60));
    let want = [("GET", 5), ("SET", 1)];
    assert_eq!(names(&windows.latency()), want.map(|(name, count)| (name.to_owned(), count)));
    windows.expire(at(90));
    assert!(windows.latency().by_command.is_empty());
    assert_eq!(windows.latency().round_trip.total, 9, "what was ever seen stays counted");
}

#[test]
fn commands_past_the_last_row_share_one() {
    let mut windows = Windows::new(Duration::from_secs(60));
    windows.add(at(0), &pulse(&[(OTHER, 10, 4)]));
    for n in 0..COMMANDS + 10 {
        windows.add(at(0), &pulse(&[(&format!("C{n}"), 10, 2)]));
    }
    windows.add(at(0), &pulse(&[(&"X".repeat(1_000), 10, 3)]));
    let rows = names(&windows.latency());
    assert_eq!(rows.len(), COMMANDS + 1);
    assert_eq!(rows.last(), Some(&(OTHER.to_owned(), 27)));
    windows.expire(at(60));
    windows.add(at(61), &pulse(&[("GET", 10, 1)]));
    assert_eq!(names(&windows.latency()), [("GET".to_owned(), 1)]);
}
