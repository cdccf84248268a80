use std::collections::HashSet;

use super::*;
use crate::event::{CloseReason, ConnId, ConnState, Gauges, Pulse};

const HELLO: &str = r#"{"t":"hello","v":1,"pid":4711,"ppid":4700,"born":5,"now":1000,"program":"app.py","cwd":"/srv/app","python":"3.11.7"}"#;
const POOL: &str = r#"{"t":"pool","id":1,"at":1100,"class":"redis.connection.ConnectionPool","max":10,"target":"127.0.0.1:6379/0","stack":7}"#;
const STACK: &str =
    r#"{"t":"stack","id":7,"frames":[["/srv/app/jobs.py",88,"worker"],["/srv/app/app.py",3,"<module>"]]}"#;

/// Our clock is 1,000,000 ahead of theirs.
fn at(theirs: u64) -> Stamp {
    Stamp(theirs + 1_000_000)
}

fn speaker() -> Speaker {
    let greeted = Speaker::greet(at(1_000), HELLO.as_bytes(), Arc::default());
    greeted.expect("a greeting").0
}

fn hear(speaker: &mut Speaker, now: u64, line: &str) -> Vec<Timed> {
    speaker.hear(at(now), line.as_bytes()).expect("a line")
}

fn pulse(events: &[Timed]) -> &Pulse {
    let mut pulses = events.iter().filter_map(|timed| match &timed.event {
        Event::Pool(_, PoolEvent::Pulse(pulse)) => Some(&**pulse),
        _ => None,
    });
    pulses.next_back().expect("a pulse")
}

#[test]
fn who_speaks_is_said_first_and_in_this_version() {
    let (_, events) = Speaker::greet(at(1_000), HELLO.as_bytes(), Arc::default()).expect("a greeting");
    let facts = ProcessFacts {
        pid: 4711,
        parent: Some(4700),
        program: "app.py".into(),
        runtime: "Python 3.11.7".into(),
        forked: false,
    };
    let started = Event::App(AppEvent::Process(ProcId(0), ProcessEvent::Started(facts)));
    assert_eq!(events, [Timed { at: at(1_000), event: started }]);
    let later = HELLO.replace("\"v\":1", "\"v\":2");
    assert_eq!(Speaker::greet(at(0), later.as_bytes(), Arc::default()).err(), Some(Fault::Version(2)));
    for strange in ["", "{}", "PING", POOL, "[1]", "\u{1b}[2J"] {
        let greeted = Speaker::greet(at(0), strange.as_bytes(), Arc::default());
        assert_eq!(greeted.err(), Some(Fault::Stranger), "{strange}");
    }
}

#[test]
fn a_lease_is_told_once_and_is_in_every_pulse_until_it_is_back() {
    let mut speaker = speaker();
    hear(&mut speaker, 1_100, STACK);
    let started = hear(&mut speaker, 1_100, POOL);
    let Event::Pool(pool, PoolEvent::Started(facts)) = &started[0].event else { panic!("{started:?}") };
    assert_eq!((facts.name.as_str(), facts.max), ("ConnectionPool", 10));
    let made = facts.inside.as_ref().and_then(|inside| inside.made.clone()).expect("who made it");
    assert_eq!(made.location.as_deref(), Some("jobs.py:88"));
    let pool = *pool;

    let first = hear(
        &mut speaker,
        1_300,
        r#"{"t":"snap","now":1300,"pools":[{"id":1,"in_use":1,"available":0,"totals":{"opened":1,"checkouts":1},
            "opened":[[3,1200,118,"127.0.0.1:5001",40]],
            "out":[{"conn":3,"since":1190,"stack":7,"thread":"worker-2","how":"raw","cmd":"GET","cmds":2,"uses":1,"active":1250}]}]}"#,
    );
    let Event::Pool(_, PoolEvent::Opened(opened)) = &first[0].event else { panic!("{first:?}") };
    assert_eq!((first[0].at, opened.server_id), (at(1_200), Some(118)));
    let told = pulse(&first);
    assert_eq!(told.gauges, Gauges { in_use: 1, max: 10, ..Gauges::default() });
    let ConnState::InUse { since, holder, .. } = &told.connections[0].state else { panic!("{told:?}") };
    assert_eq!(*since, at(1_190));
    assert_eq!(holder.label.as_deref(), Some("worker-2"));
    assert_eq!(holder.location.as_deref(), Some("jobs.py:88"));
    assert_eq!(holder.function.as_deref(), Some("worker"));
    assert_eq!(holder.how, Some(How::Raw));

    let quiet = hear(&mut speaker, 1_400, r#"{"t":"snap","now":1400,"pools":[{"id":1,"in_use":1}]}"#);
    assert_eq!(pulse(&quiet).connections, told.connections);

    let back = r#"{"t":"snap","now":1500,"pools":[{"id":1,"available":1,"back":[[3,1450]]}]}"#;
    let back = hear(&mut speaker, 1_500, back);
    assert_eq!(pulse(&back).connections[0].state, ConnState::Available { since: at(1_450) });
    let after = hear(&mut speaker, 1_600, r#"{"t":"snap","now":1600,"pools":[{"id":1,"available":1}]}"#);
    assert!(pulse(&after).connections.is_empty());

    let closed = r#"{"t":"snap","now":1700,"pools":[{"id":1,"closed":[[3,1650,"timeout"]]}]}"#;
    let closed = hear(&mut speaker, 1_700, closed);
    let event = PoolEvent::Closed { conn: opened.conn, reason: CloseReason::Timeout };
    assert_eq!(closed[0], Timed { at: at(1_650), event: Event::Pool(pool, event) });
}

/// A process with a connection out, whose taker still runs or not.
fn lending(alive: bool) -> Speaker {
    let mut speaker = speaker();
    hear(&mut speaker, 1_100, POOL);
    let out = format!(
        r#"{{"t":"snap","now":1300,"pools":[{{"id":1,"in_use":1,"out":[{{"conn":3,"since":1190,"how":"raw","alive":{alive}}}]}}]}}"#
    );
    hear(&mut speaker, 1_300, &out);
    speaker
}

fn left(events: &[Timed]) -> Option<(u32, usize)> {
    events.iter().find_map(|timed| match &timed.event {
        Event::Pool(_, PoolEvent::Left(left)) => Some((left.open, left.leases.len())),
        _ => None,
    })
}

#[test]
fn what_is_out_at_a_regular_exit_is_left_unless_its_taker_still_runs() {
    let bye = r#"{"t":"bye","now":2000,"unclosed":[[1,2]]}"#;
    assert_eq!(left(&hear(&mut lending(false), 2_000, bye)), Some((2, 1)));
    assert_eq!(left(&hear(&mut lending(true), 2_000, bye)), Some((2, 0)));
    // The library closes a connection whose task was cancelled; nobody gives it back, but it is not open.
    assert_eq!(left(&hear(&mut lending(false), 2_000, r#"{"t":"bye","now":2000}"#)), Some((0, 1)));
}

#[test]
fn a_command_under_way_at_a_regular_exit_is_not_left() {
    let of = |more: &str| {
        let mut speaker = speaker();
        hear(&mut speaker, 1_100, POOL);
        let lease = r#"{"conn":3,"since":1190,"how":"command","alive":false"#;
        let out =
            format!(r#"{{"t":"snap","now":1300,"pools":[{{"id":1,"in_use":1,"out":[{lease}{more}}}]}}]}}"#);
        hear(&mut speaker, 1_300, &out);
        left(&hear(&mut speaker, 2_000, r#"{"t":"bye","now":2000,"unclosed":[[1,1]]}"#))
    };
    assert_eq!(of(r#","busy":1250"#), Some((1, 0)));
    assert_eq!(of(""), Some((1, 1)));
    assert_eq!(of(r#","busy":1250,"abandoned":1280"#), Some((1, 1)));
}

#[test]
fn what_is_out_when_a_process_is_killed_is_not_held_against_it() {
    let events = lending(false).gone(at(2_000));
    assert_eq!(left(&events), None);
    let last = &events.last().expect("an end").event;
    assert_eq!(*last, Event::App(AppEvent::Process(ProcId(0), ProcessEvent::Gone { said: false })));
}

#[test]
fn what_nobody_could_give_back_any_more_when_a_process_was_killed_is_left() {
    let mut speaker = lending(false);
    let more = r#"{"t":"snap","now":1500,"pools":[{"id":1,"in_use":2,"out":[{"conn":4,"since":1400,"how":"pubsub","abandoned":1450}]}]}"#;
    hear(&mut speaker, 1_500, more);
    assert_eq!(left(&speaker.gone(at(2_000))), Some((0, 1)));
}

#[test]
fn a_collected_pool_leaves_what_it_had_open() {
    let gone = r#"{"t":"gone","pool":1,"at":1900,"how":"collected","open":3}"#;
    let events = hear(&mut lending(false), 2_000, gone);
    assert_eq!(left(&events), Some((3, 1)));
    assert!(matches!(events.last(), Some(Timed { event: Event::Pool(_, PoolEvent::Stopped), .. })));
}

#[test]
fn what_was_read_late_is_not_from_the_future() {
    let mut speaker = speaker();
    // Read 500 after it was written; the next is read at once, which is the truer difference.
    hear(&mut speaker, 1_100, POOL);
    let line = r#"{"t":"snap","now":1700,"pools":[{"id":1,"in_use":0}]}"#;
    let events = speaker.hear(at(1_200), line.as_bytes()).expect("a line");
    assert_eq!(events[0].at, at(1_200));
}

#[test]
fn garbage_is_passed_over_and_not_for_ever() {
    let mut speaker = speaker();
    for strange in ["", "{", r#"{"t":"news","now":"x"}"#, r#"{"t":"hello"}"#] {
        assert_eq!(speaker.hear(at(1_000), strange.as_bytes()), Ok(Vec::new()), "{strange}");
    }
    let until = (0..=GARBAGE).find_map(|_| speaker.hear(at(1_000), b"\xff\xfe").err());
    assert_eq!(until, Some(Fault::Garbage));
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut speaker = speaker();
    for id in 0..POOLS as u64 + 5 {
        hear(&mut speaker, 1_000, &POOL.replace("\"id\":1", &format!("\"id\":{id}")));
    }
    let events = hear(&mut speaker, 1_100, r#"{"t":"snap","now":1100,"dropped":2,"pools":[{"id":9999}]}"#);
    let told = events.iter().find_map(|timed| match &timed.event {
        Event::App(AppEvent::Process(_, ProcessEvent::Heard(reporting))) => Some(reporting.dropped),
        _ => None,
    });
    assert_eq!(told, Some(2 + 5 + 1));
}

#[test]
fn hostile_numbers_and_names_are_survived() {
    let mut speaker = speaker();
    hear(&mut speaker, 1_000, POOL);
    let max = u64::MAX;
    let name = "\u{202e}\u{1b}]0;x\u{7}".repeat(1_000);
    let line = serde_json::json!({"t": "snap", "now": max, "dropped": max, "error": name, "pools": [{
        "id": 1, "in_use": u32::MAX, "available": u32::MAX, "max": max,
        "wait": [[max, max]], "totals": {"opened": max},
        "opened": [[max, max, max, name, max], [1, 0, null, null, 0]], "closed": [[max, 0, name]],
        "out": [{"conn": 5, "since": max, "thread": name, "task": name, "how": name, "cmd": name, "active": 0,
                 "busy": max, "abandoned": max, "stack": max}],
        "failed": [{"end": name, "waited": max}], "unread": [{"conn": 7, "owed": max}], "shared": [{}],
    }]});
    let events = hear(&mut speaker, 1_100, &line.to_string());
    let ConnState::InUse { holder, .. } = &pulse(&events).connections[0].state else { panic!("{events:?}") };
    assert!(holder.label.as_ref().is_some_and(|label| label.len() <= 256), "{holder:?}");
}

#[test]
fn a_pool_that_is_closed_with_a_connection_taken_by_hand_has_lost_it() {
    let closed = r#"{"t":"snap","now":1700,"pools":[{"id":1,"closed":[[3,1650,"pool-closed"]]}]}"#;
    assert_eq!(left(&hear(&mut lending(false), 1_700, closed)), Some((0, 1)));
    let broken = closed.replace("pool-closed", "broken");
    assert_eq!(left(&hear(&mut lending(false), 1_700, &broken)), None);
}

/// The connections of the last pulse: our number, and whether it is lent.
fn listed(events: &[Timed]) -> Vec<(ConnId, bool)> {
    let rows = pulse(events).connections.iter();
    rows.map(|row| (row.conn, matches!(row.state, ConnState::InUse { .. }))).collect()
}

/// What was opened (true) and closed, in the order in which it is told.
fn sockets(events: &[Timed]) -> Vec<(u64, bool, ConnId)> {
    let told = events.iter().filter_map(|timed| match &timed.event {
        Event::Pool(_, PoolEvent::Opened(opened)) => Some((timed.at.0 - 1_000_000, true, opened.conn)),
        Event::Pool(_, PoolEvent::Closed { conn, .. }) => Some((timed.at.0 - 1_000_000, false, *conn)),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_connection_that_is_closed_and_opened_again_is_another_one_and_comes_after() {
    let mut speaker = speaker();
    hear(&mut speaker, 1_100, POOL);
    let first = r#"{"t":"snap","now":1300,"pools":[{"id":1,"available":1,"opened":[[3,1200,118,null,40]]}]}"#;
    let [(_, true, first)] = sockets(&hear(&mut speaker, 1_300, first))[..] else { panic!("one opened") };
    let again = r#"{"t":"snap","now":1400,"pools":[{"id":1,"available":1,
        "opened":[[3,1350,119,null,40],[3,1390,120,null,40]],"closed":[[3,1340,"broken"],[3,1380,"broken"]]}]}"#;
    let told = sockets(&hear(&mut speaker, 1_400, again));
    let [(1_340, false, gone), (1_350, true, second), (1_380, false, short), (1_390, true, third)] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((gone, short), (first, second));
    assert_eq!(HashSet::from([first, second, third]).len(), 3);
    // That it was closed was forgotten on the way: it is, for it cannot be open twice.
    let forgotten =
        r#"{"t":"snap","now":1500,"pools":[{"id":1,"available":1,"opened":[[3,1450,121,null,40]]}]}"#;
    let told = sockets(&hear(&mut speaker, 1_500, forgotten));
    assert!(matches!(told[..], [(1_450, false, gone), (1_450, true, _)] if gone == third), "{told:?}");
}

#[test]
fn a_lease_outlives_the_socket_it_was_taken_with() {
    let mut speaker = lending(false);
    let closed = r#"{"t":"snap","now":1700,"pools":[{"id":1,"in_use":1,"closed":[[3,1650,"broken"]]}]}"#;
    let closed = hear(&mut speaker, 1_700, closed);
    let [(_, false, before)] = sockets(&closed)[..] else { panic!("{closed:?}") };
    let [(now, true)] = listed(&closed)[..] else { panic!("{closed:?}") };
    assert_ne!(before, now, "another socket has another number");
    let opened = r#"{"t":"snap","now":1800,"pools":[{"id":1,"in_use":1,"opened":[[3,1750,7,null,40]]}]}"#;
    let opened = hear(&mut speaker, 1_800, opened);
    assert_eq!((sockets(&opened), listed(&opened)), (vec![(1_750, true, now)], vec![(now, true)]));
    let bye = r#"{"t":"bye","now":2000,"unclosed":[[1,1]]}"#;
    assert_eq!(left(&hear(&mut speaker, 2_000, bye)), Some((1, 1)));
}

#[test]
fn what_was_lost_when_its_pool_was_closed_is_lost_once() {
    let mut speaker = lending(false);
    let closed = r#"{"t":"snap","now":1700,"pools":[{"id":1,"in_use":1,"closed":[[3,1650,"pool-closed"]]}]}"#;
    assert_eq!(left(&hear(&mut speaker, 1_700, closed)), Some((0, 1)));
    // At the end it is told again, as everything that is out.
    let last = r#"{"t":"snap","now":1900,"pools":[{"id":1,"in_use":1,"out":[{"conn":3,"since":1190,"how":"raw","alive":false}]}]}"#;
    // It is read sooner than what came before, so that all its moments are earlier on our clock.
    assert_eq!(left(&hear(&mut speaker, 1_850, last)), None);
    assert_eq!(left(&hear(&mut speaker, 2_000, r#"{"t":"bye","now":2000}"#)), None);
}

#[test]
fn what_came_back_before_its_socket_was_closed_is_not_lost() {
    let mut speaker = lending(false);
    let closed =
        r#"{"t":"snap","now":1700,"pools":[{"id":1,"back":[[3,1640]],"closed":[[3,1650,"pool-closed"]]}]}"#;
    let events = hear(&mut speaker, 1_700, closed);
    assert_eq!((left(&events), listed(&events)), (None, Vec::new()));
}

#[test]
fn how_many_leases_are_not_listed_is_told() {
    let mut speaker = lending(false);
    let more = r#"{"t":"snap","now":1700,"pools":[{"id":1,"in_use":4,"available":1}]}"#;
    assert_eq!(pulse(&hear(&mut speaker, 1_700, more)).unlisted, Some(3));
    let odd = r#"{"t":"snap","now":1800,"pools":[{"id":1,"in_use":0}]}"#;
    assert_eq!(pulse(&hear(&mut speaker, 1_800, odd)).unlisted, Some(0));
}
