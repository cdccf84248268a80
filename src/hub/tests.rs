use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::event::{CloseReason, ConnId, CreateSteps, Gauges, Opened, PoolEvent, PoolFacts, Pulse};
use crate::record::record;

const POOL: PoolId = PoolId(1);
const TICK: Duration = Duration::from_millis(250);

/// A pool that counts how often it is asked.
#[derive(Default)]
struct Counted {
    in_use: AtomicU32,
    asked: AtomicU32,
    resyncs: AtomicU32,
}

impl PulseSource for Counted {
    fn pulse(&self, _now: Stamp) -> Option<Event> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let in_use = self.in_use.load(Ordering::Relaxed);
        let gauges = Gauges { in_use, max: 10, ..Gauges::default() };
        Some(Event::Pool(POOL, PoolEvent::Pulse(Box::new(Pulse { gauges, ..Pulse::default() }))))
    }

    fn resync(&self) {
        self.resyncs.fetch_add(1, Ordering::Relaxed);
    }
}

fn hub() -> Hub {
    Hub::start(Clock::start(), ModelOptions::default(), TICK)
}

fn started() -> Event {
    let facts = PoolFacts {
        name: "app".to_owned(),
        target: "t".to_owned(),
        max: 10,
        single: false,
        leak_threshold: None,
        inside: None,
    };
    Event::Pool(POOL, PoolEvent::Started(facts))
}

fn opened(conn: u64) -> Event {
    let opened = Opened { conn: ConnId(conn), server_id: None, local: None, steps: CreateSteps::default() };
    Event::Pool(POOL, PoolEvent::Opened(opened))
}

#[tokio::test(start_paused = true)]
async fn sync_shows_what_was_done_just_before() {
    let hub = hub();
    let source = Arc::new(Counted::default());
    hub.attach(source.clone());
    hub.tap().emit(Stamp(1), started());
    for in_use in 1..=5 {
        source.in_use.store(in_use, Ordering::Relaxed);
        hub.tap().emit(Stamp(2), opened(u64::from(in_use)));
        let snapshot = hub.sync().await;
        let pool = &snapshot.pools[0];
        assert_eq!((pool.name.as_str(), pool.in_use), ("app", Some(in_use)));
        assert_eq!(snapshot.events.len(), in_use as usize);
        assert!(Arc::ptr_eq(&snapshot, &hub.subscribe().borrow()), "what sync returns is published");
    }
}

#[tokio::test(start_paused = true)]
async fn it_publishes_once_a_tick_and_asks_each_source_once() {
    let hub = hub();
    let source = Arc::new(Counted::default());
    hub.attach(source.clone());
    let mut snapshots = hub.subscribe();
    let start = Instant::now();
    for _ in 0..10 {
        snapshots.changed().await.expect("the hub runs");
        snapshots.borrow_and_update();
    }
    // The first look is at once.
    assert_eq!(start.elapsed().as_millis() / 100, (9 * TICK).as_millis() / 100);
    assert_eq!(source.asked.load(Ordering::Relaxed), 10);
}

#[tokio::test(start_paused = true)]
async fn an_event_shows_soon_and_a_storm_of_them_no_oftener_than_that() {
    let hub = Hub::start(Clock::start(), ModelOptions::default(), Duration::from_secs(3600));
    hub.sync().await;
    let mut snapshots = hub.subscribe();
    snapshots.borrow_and_update();
    let start = Instant::now();
    let mut published = 0;
    for conn in 0..1_000 {
        hub.tap().emit(Stamp(conn), opened(conn));
        tokio::time::sleep(Duration::from_millis(1)).await;
        published += u32::from(snapshots.has_changed().expect("the hub runs"));
        snapshots.borrow_and_update();
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!((15..=21).contains(&published), "{published} in a second");
}

#[tokio::test(start_paused = true)]
async fn ages_go_on_without_events() {
    let hub = hub();
    let first = hub.sync().await.as_of;
    let second = hub.sync().await.as_of;
    assert!(second > first);
}

#[tokio::test(start_paused = true)]
async fn drops_are_counted_and_the_source_is_asked_for_everything() {
    let hub = hub();
    let source = Arc::new(Counted::default());
    hub.attach(source.clone());
    hub.tap().emit(Stamp(0), started());
    // One connection that no event ever told of: no pulse of changes can settle that.
    source.in_use.store(1, Ordering::Relaxed);
    hub.sync().await;
    assert_eq!(source.resyncs.load(Ordering::Relaxed), 0);
    let mut sent = 0;
    while hub.tap().dropped() < 7 {
        let event = Event::Pool(POOL, PoolEvent::Closed { conn: ConnId(sent), reason: CloseReason::Idle });
        hub.tap().emit(Stamp(sent), event);
        sent += 1;
    }
    let snapshot = hub.sync().await;
    assert_eq!((snapshot.dropped, snapshot.out_of_sync), (7, true));
    assert!(source.resyncs.load(Ordering::Relaxed) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_stands_still_holds_up_nothing_and_the_gap_ends_with_the_whole() {
    let (_reader, writer) = std::io::pipe().expect("a pipe that nobody reads");
    let file = std::fs::File::from(std::os::fd::OwnedFd::from(writer));
    let (clock, options) = (Clock::start(), ModelOptions::default());
    let (recorder, _recording) =
        record(file, &clock, &["pool"], options.clone(), u64::MAX).expect("a recorder");
    let hub = Hub::start_recorded(clock, options, TICK, Some(recorder));
    let source = Arc::new(Counted::default());
    hub.attach(source.clone());
    let lost = |snapshot: &Arc<Snapshot>| snapshot.recording.as_ref().expect("it is recorded").lost;
    let mut looks = 0_u32;
    while lost(&hub.sync().await) == 0 {
        looks += 1;
        assert!(looks < 1_000_000, "the queue has no end");
        assert_eq!(source.resyncs.load(Ordering::Relaxed), 0);
    }
    hub.sync().await;
    assert!(source.resyncs.load(Ordering::Relaxed) > 0, "what comes next is the whole");
}

#[tokio::test(start_paused = true)]
async fn settings_change_live() {
    let hub = hub();
    hub.set_tick(Duration::from_secs(10));
    let options = ModelOptions { usage_alert: 50, ..hub.options() };
    hub.set_options(options.clone());
    assert_eq!((hub.tick(), hub.options()), (Duration::from_secs(10), options));
    let source = Arc::new(Counted::default());
    source.in_use.store(6, Ordering::Relaxed);
    hub.attach(source.clone());
    let mut snapshots = hub.subscribe();
    let raised = snapshots.wait_for(|snapshot| !snapshot.lints.is_empty()).await.expect("the hub runs");
    assert_eq!(raised.lints[0].id, "pool-usage");
}

#[tokio::test(start_paused = true)]
async fn a_tick_without_end_is_survived() {
    let hub = hub();
    for tick in [Duration::MAX, Duration::ZERO, Duration::MAX] {
        hub.set_tick(tick);
        let before = hub.sync().await;
        assert!(hub.sync().await.as_of > before.as_of);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_pool_is_heard_no_more() {
    let hub = hub();
    let source = Arc::new(Counted::default());
    hub.attach(source.clone());
    hub.sync().await;
    hub.tap().emit(Stamp(5), Event::Pool(POOL, PoolEvent::Stopped));
    assert!(hub.sync().await.pools[0].stopped);
    let asked = source.asked.load(Ordering::Relaxed);
    hub.sync().await;
    assert_eq!(source.asked.load(Ordering::Relaxed), asked);
    assert_eq!(Arc::strong_count(&source), 1, "and let go");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_last_handle() {
    let hub = hub();
    let other = hub.clone();
    let (tap, mut snapshots) = (hub.tap(), hub.subscribe());
    drop(hub);
    other.sync().await;
    drop(other);
    while snapshots.changed().await.is_ok() {}
    tap.emit(Stamp(1), started());
    assert_eq!(tap.dropped(), 1, "an event that nobody will hear is a dropped one");
}
