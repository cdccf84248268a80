//! Why callers wait: the four causes on the screen, at every size, with good and with ugly facts, and in the reports.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;
mod tui_support;

use std::sync::Arc;
use std::time::Duration;

use ratatui::style::Color;
use redis_pooltop::event::ConnId;
use redis_pooltop::report;
use redis_pooltop::snapshot::{Cause, CauseKind, Exhaustion, Lease, LostWaits, Snapshot, Suspect};
use redis_pooltop::tui::action::Effect;
use redis_pooltop::tui::app::App;
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::theme::Theme;
use tty::Tty;
use tui_support::{UGLY, ago, app, buffer, busy, press, text};

const SIZES: [(u16, u16); 3] = [(80, 24), (140, 40), (60, 13)];

fn suspect(conn: u64, says: &str, who: &str) -> Suspect {
    Suspect {
        conn: ConnId(conn),
        since: ago(0),
        lease: Lease::Out,
        says: says.to_owned(),
        who: who.to_owned(),
    }
}

fn cause(
    kind: CauseKind,
    slots: u32,
    evidence: &[&str],
    suspects: Vec<Suspect>,
    advice: &'static str,
) -> Cause {
    Cause {
        kind,
        word: kind.words(),
        slots,
        likely: false,
        evidence: evidence.iter().map(|&line| line.to_owned()).collect(),
        suspects,
        more: 0,
        advice: advice.into(),
    }
}

/// A full pool of six: one leak, three in BLPOP, two at work, and five callers wait.
fn exhaustion() -> Exhaustion {
    let mut slow = cause(
        CauseKind::SlowCommands,
        3,
        &["3 in BLPOP, up to 41.0 s; p50 5.0 s, p99 5.0 s"],
        [(5, "job 1"), (6, "job 2"), (7, "job 3")].map(|(id, who)| suspect(id, "BLPOP 41.0 s", who)).to_vec(),
        "what blocks on purpose keeps its connection: give it a pool of its own, or a short timeout",
    );
    slow.likely = true;
    Exhaustion {
        since: ago(12_000),
        at: ago(0),
        over: false,
        waiting: 5,
        longest: Duration::from_millis(5_200),
        lost: LostWaits { timeouts: 2, ..LostWaits::default() },
        max: 6,
        at_work: 2,
        unclear: 0,
        causes: [
            cause(
                CauseKind::Leak,
                1,
                &["1 over the threshold of 30.0 s"],
                vec![suspect(3, "out 74.2 s, idle 66.8 s", "worker-2 src/jobs.rs:88")],
                "if you hold it by hand, POOL RELEASE; else POOL RESET now",
            ),
            cause(
                CauseKind::Backlog,
                0,
                &["2 at work + 5 waiting, max 6", "420/s, lent for 25.0 ms each, 240/s at most"],
                vec![],
                "raise max-connections to the size given",
            ),
            cause(
                CauseKind::FailedConnects,
                0,
                &["none failed in the last 10 s"],
                vec![],
                "is the server up?",
            ),
            slow,
        ],
    }
}

fn with(exhaustion: Exhaustion) -> Snapshot {
    let mut snapshot = busy();
    Arc::make_mut(&mut snapshot.pools[0]).exhaustion = Some(Arc::new(exhaustion));
    snapshot
}

fn ugly() -> Exhaustion {
    let long = UGLY.repeat(12);
    let mut ugly = exhaustion();
    ugly.waiting = u32::MAX;
    ugly.longest = Duration::MAX;
    ugly.lost = LostWaits { timeouts: u64::MAX, refused: u64::MAX, failed: u64::MAX, again: u64::MAX / 2 };
    ugly.max = u32::MAX;
    ugly.unclear = u32::MAX;
    for cause in &mut ugly.causes {
        cause.slots = u32::MAX;
        cause.likely = true;
        cause.evidence = vec![long.clone(); 3];
        cause.suspects = (0..16).map(|id| suspect(u64::MAX - id, &long, &long)).collect();
        cause.more = usize::MAX - 99;
    }
    ugly
}

fn opened(keys: &str, snapshot: Snapshot, width: u16, height: u16) -> App {
    let mut app = app(width, height, snapshot);
    press(&mut app, keys);
    app
}

fn screen(app: &App) -> String {
    text(app, &Theme::DEFAULT, 80, 24)
}

#[test]
fn the_four_causes_at_every_size() {
    for (width, height) in SIZES {
        let shown = text(&opened("f2", with(exhaustion()), width, height), &Theme::DEFAULT, width, height);
        insta::assert_snapshot!(format!("causes_{width}x{height}"), shown);
        let shown = text(&opened("f2", with(ugly()), width, height), &Theme::DEFAULT, width, height);
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7f}']));
        insta::assert_snapshot!(format!("ugly_causes_{width}x{height}"), shown);
    }
    for (width, height) in [(1, 1), (20, 3), (21, 5), (40, 10), (119, 13), (300, 100)] {
        text(&opened("f2", with(ugly()), width, height), &Theme::DEFAULT, width, height);
    }
}

#[test]
fn without_colours_and_in_ascii_the_likely_cause_is_said_in_words() {
    let app = opened("f2", with(exhaustion()), 80, 24);
    let buf = buffer(&app, &Theme::MONO, 80, 24);
    assert!(buf.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(text(&app, &Theme::MONO, 80, 24).contains("slow commands  3 of 6  likely"));
}

#[test]
fn it_opens_from_anywhere_and_closes_to_where_one_was() {
    let mut app = opened("'GET_a f2", with(exhaustion()), 80, 24);
    assert!(screen(&app).contains("why callers wait"));
    press(&mut app, "esc");
    assert!(screen(&app).contains("> GET a") && app.context().mode == Mode::Prompt, "{}", screen(&app));
    for (open, close) in [("c", "c"), ("c", "q"), ("f2", "f2"), ("f2", "esc"), ("enter c", "enter")] {
        let mut app = opened(&format!("alt-4 {open}"), with(exhaustion()), 80, 24);
        assert!(screen(&app).contains("why callers wait"), "{open}");
        press(&mut app, "j");
        assert!(screen(&app).contains("why callers wait"), "j scrolls, it goes to no row");
        press(&mut app, close);
        assert_eq!(app.context().mode, Mode::Pane(Pane::Connections), "{close}");
    }
}

#[test]
fn the_footer_names_the_key_while_callers_wait() {
    let footer = |app: &App| screen(app).lines().last().unwrap_or_default().to_owned();
    let waits = with(exhaustion());
    assert!(footer(&app(80, 24, waits.clone())).contains("F2 causes"));
    assert!(footer(&opened("alt-4", waits.clone(), 80, 24)).contains("c causes"));
    assert!(!footer(&opened("f2", waits, 80, 24)).contains("causes"), "it is shown");
    assert!(!footer(&app(80, 24, busy())).contains("causes"));
    let over = Exhaustion { over: true, ..exhaustion() };
    assert!(!footer(&app(80, 24, with(over))).contains("causes"));
}

/// One of several pools is shown, by the wait that is longest, and the others are not left out in silence.
#[test]
fn of_several_pools_that_wait_the_worst_is_shown_and_the_others_are_counted() {
    let with = |waits: &[(&str, u64, bool)]| {
        let mut snapshot = busy();
        let model = snapshot.pools[0].clone();
        snapshot.pools = waits
            .iter()
            .map(|(name, longest, over)| {
                let mut row = (*model).clone();
                (*name).clone_into(&mut row.name);
                let longest = Duration::from_millis(*longest);
                row.exhaustion = Some(Arc::new(Exhaustion { longest, over: *over, ..exhaustion() }));
                Arc::new(row)
            })
            .collect();
        snapshot
    };
    let shown = |waits: &[(&str, u64, bool)]| screen(&opened("f2", with(waits), 80, 24));
    let two = shown(&[("jobs", 9_000, false), ("web", 5_000, false), ("old", 99_000, true)]);
    assert!(two.contains("why callers wait  jobs, and in another ") && two.contains("up to 9.0 s"), "{two}");
    let long = "a".repeat(300);
    let three = shown(&[("web", 1, false), (&long, 2_000, false), ("x", 1_000, false)]);
    assert!(three.contains("aaaa") && three.contains(", and in 2 others"), "{three}");
    let one = shown(&[("web", 5_000, false), ("old", 99_000, true)]);
    assert!(one.contains("why callers wait  web ") && !one.contains("and in"), "{one}");
    let mut app = opened("f2", with(&[("jobs", 9_000, false), ("web", 5_000, false)]), 80, 24);
    let effects = press(&mut app, "y");
    let [Effect::Copy(copied)] = &*effects else { panic!("{effects:?}") };
    assert!(copied.starts_with("why callers wait  jobs, and in another\n"), "{copied}");
}

#[test]
fn it_is_live_unless_frozen_and_says_when_it_is_over() {
    let mut app = opened("f2", with(exhaustion()), 80, 24);
    let more = with(Exhaustion { waiting: 77, ..exhaustion() });
    press(&mut app, "p");
    app.take(Arc::new(more));
    assert!(!screen(&app).contains("77 callers wait"));
    press(&mut app, "p");
    assert!(screen(&app).contains("77 callers wait"));
    app.take(Arc::new(with(Exhaustion { over: true, at: ago(9_000), ..exhaustion() })));
    let shown = screen(&app);
    assert!(shown.contains("nobody waits now; 9.0 s ago callers waited up to 5.2 s; 2 timed out"), "{shown}");
    assert!(
        shown.contains("it was likely: slow commands (3 of 6); as it was at "),
        "what it was stays: {shown}"
    );
}

/// What nobody waits for any more is told as past, and what is back needs no advice, on the screen and in the reports.
#[test]
fn what_is_over_is_told_in_the_past_tense_with_its_time() {
    let mut past = Exhaustion { waiting: 0, at: ago(9_000), ..exhaustion() };
    past.causes[0].suspects[0].lease = Lease::Back;
    past.causes[3].suspects[0].lease = Lease::Closed;
    let snapshot = with(past);
    let clock = redis_pooltop::text::utc(snapshot.wall_ms - 9_000);
    let at = format!("as it was at {} UTC", clock.rsplit(' ').next().expect("a time"));
    let shown = text(&opened("f2", snapshot.clone(), 140, 40), &Theme::DEFAULT, 140, 40);
    assert!(shown.contains("3 of 6  was likely"), "{shown}");
    let narrow = text(&opened("f2", snapshot.clone(), 120, 40), &Theme::DEFAULT, 120, 40);
    assert!(narrow.contains("slow commands  3 of 6  was") && !narrow.contains("lik…"), "{narrow}");
    let effects = press(&mut opened("alt-4", snapshot.clone(), 80, 24), "w");
    let [Effect::Report(screen)] = &*effects else { panic!("{effects:?}") };
    for text in [shown, report::text(&snapshot), report::markdown(screen)] {
        for words in [
            &*at,
            "nobody waits now",
            "it was likely",
            "then 1 over the",
            "back, then out",
            "closed, then BLPOP",
            "still out, then BLPOP",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("POOL RESET now"), "{text}");
    }
    let document: serde_json::Value = serde_json::from_str(&report::json(&snapshot)).expect("JSON");
    let found = &document["pools"][0]["exhaustion"];
    assert_eq!((&found["past"], &found["over"]), (&true.into(), &false.into()));
    let leak = &found["causes"][0];
    assert_eq!((&leak["advice"], &leak["still_out"]), (&serde_json::Value::Null, &serde_json::json!([])));
}

#[test]
fn attempts_are_not_told_as_callers_nor_an_unnoticed_wait_as_a_wait() {
    let said = |failed, again, over| {
        let lost = LostWaits { failed, again, ..LostWaits::default() };
        let longest = Duration::from_nanos(900);
        let found = Exhaustion { waiting: 0, over, longest, lost, at: ago(3_000), ..exhaustion() };
        report::callers(&found, &with(exhaustion()))
    };
    assert_eq!(said(40, 30, false), "nobody waits now; 10 failed, after 40 attempts");
    assert_eq!(said(40, 30, true), "nobody waits now; 3.0 s ago 10 failed, after 40 attempts");
    assert_eq!(said(7, 7, false), "nobody waits now; 7 attempts failed");
    assert_eq!(said(3, 0, false), "nobody waits now; 3 failed");
    assert_eq!(said(0, 0, true), "nobody waits now");
}

#[test]
fn where_nobody_has_waited_it_says_so() {
    let mut calm = busy();
    Arc::make_mut(&mut calm.pools[0]).waiting = Some(0);
    assert!(screen(&opened("f2", calm, 80, 24)).contains("nobody waits for a connection"));
    assert!(screen(&opened("f2", busy(), 80, 24)).contains("3 wait, and none of them for long"));
    assert!(screen(&opened("f2", tui_support::unknown(), 80, 24)).contains("nobody can be seen to wait"));
}

#[test]
fn it_is_copied_and_reported_in_the_same_words() {
    let mut app = opened("f2", with(exhaustion()), 80, 24);
    let effects = press(&mut app, "y");
    let [Effect::Copy(copied)] = &*effects else { panic!("{effects:?}") };
    insta::assert_snapshot!("copied_causes", copied);
    let report = report::text(&with(exhaustion()));
    for line in copied.lines() {
        assert!(report.lines().any(|said| said == line), "{line}\n{report}");
    }
    let document: serde_json::Value = serde_json::from_str(&report::json(&with(exhaustion()))).expect("JSON");
    let found = &document["pools"][0]["exhaustion"];
    assert_eq!(
        (&found["waiting"], &found["timeouts"], &found["over"]),
        (&5.into(), &2.into(), &false.into())
    );
    assert_eq!(found["causes"][3]["cause"], "slow commands");
    assert_eq!(found["causes"][3]["connections"], serde_json::json!([5, 6, 7]));
    assert!(document["pools"][0]["exhaustion"]["causes"][3]["likely"].as_bool().unwrap_or(false));
    for unsafe_report in [report::text(&with(ugly())), report::json(&with(ugly()))] {
        assert!(!unsafe_report.contains(['\u{1b}', '\u{202e}', '\u{7f}']));
    }
}

#[test]
fn a_leak_and_two_blocked_jobs_in_a_pool_of_three_are_named_as_what_a_caller_waits_for() {
    let mut tty = Tty::pooltop(&["--demo", "--max-connections", "3"], 140, 40);
    tty.see("live ");
    for line in ["POOL LEAK 1", "BLPOP q 0 &", "BLPOP r 0 &"] {
        tty.run(line);
    }
    tty.see("leaked ");
    tty.wait_for("two jobs that block", |tty| tty.text().matches("BLPOP").count() >= 6);
    tty.run("GET a");
    tty.see("F2 causes");
    tty.send("\u{1b}[12~");
    tty.see("why callers wait");
    tty.see("leak  1 of 3");
    tty.see("likely: slow commands (2 of 3)");
    tty.see("2 in BLPOP");
    tty.see("POOL LEAK 1");
    // The caller gives up: what it waited for stays to be read.
    tty.send("\u{3}");
    tty.see("nobody waits now; ");
    tty.see("likely: slow commands (2 of 3)");
    tty.send("\r");
    tty.run("QUIT");
    assert!(tty.end().success());
    tty.given_back();
}
