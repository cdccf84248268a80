//! Every view as people see it, at every size that has a layout of its own, with good and with ugly facts.

mod tui_support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use redis_pooltop::command::output::Took;
use redis_pooltop::event::{ConnId, PoolId};
use redis_pooltop::snapshot::{About, EventRow, LintRow, Severity, Snapshot, What};
use redis_pooltop::tui::action::{Action, Step};
use redis_pooltop::tui::app::App;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use tui_support::{UGLY, app, buffer, busy, text, ugly, unknown};

/// Runs a few commands, so that the shell has something to show.
fn talk(app: &mut App) {
    for (line, reply, kind) in
        [("SET user:1 ada", "OK", Kind::Reply), ("GETT x", "(error) ERR unknown command 'GETT'", Kind::Error)]
    {
        app.update(Action::Paste(line.to_owned()));
        app.update(Action::Accept);
        app.hear(Said::Lines(vec![(kind, reply.to_owned())]));
        app.hear(Said::Took(Took {
            conn: ConnId(3),
            wait: Some(Duration::from_micros(12)),
            round_trip: Duration::from_micros(84),
        }));
        app.hear(Said::Ended);
    }
    app.update(Action::Paste("GET".to_owned()));
}

fn shown(width: u16, height: u16, snapshot: Snapshot) -> String {
    let mut app = app(width, height, snapshot);
    talk(&mut app);
    text(&app, &Theme::DEFAULT, width, height)
}

#[test]
fn a_busy_pool() {
    insta::assert_snapshot!("busy_80x24", shown(80, 24, busy()));
    insta::assert_snapshot!("busy_140x40", shown(140, 40, busy()));
    insta::assert_snapshot!("busy_200x60", shown(200, 60, busy()));
    insta::assert_snapshot!("busy_60x13", shown(60, 13, busy()));
    insta::assert_snapshot!("busy_20x5", shown(20, 5, busy()));
    insta::assert_snapshot!("busy_1x1", shown(1, 1, busy()));
}

#[test]
fn before_the_server_has_answered() {
    insta::assert_snapshot!("start_80x24", text(&app(80, 24, Snapshot::default()), &Theme::DEFAULT, 80, 24));
}

#[test]
fn what_is_not_known_is_no_zero() {
    insta::assert_snapshot!("unknown_80x24", shown(80, 24, unknown()));
    insta::assert_snapshot!("unknown_140x40", shown(140, 40, unknown()));
    insta::assert_snapshot!("unknown_60x13", shown(60, 13, unknown()));
}

#[test]
fn ugly_facts() {
    insta::assert_snapshot!("ugly_80x24", shown(80, 24, ugly()));
    insta::assert_snapshot!("ugly_140x40", shown(140, 40, ugly()));
    insta::assert_snapshot!("ugly_60x13", shown(60, 13, ugly()));
}

#[test]
fn leaks_of_many_are_one_line_until_the_pane_is_read() {
    let mut snapshot = busy();
    let leak = (*snapshot.lints[0]).clone();
    let more = [8, 9, 10, 11].map(|id| {
        let evidence = format!("#{id} out 0.5 s, idle 0.5 s  POOL HOLD 4");
        Arc::new(LintRow { about: About::Connection(PoolId(0), ConnId(id)), evidence, ..leak.clone() })
    });
    snapshot.lints.splice(1..1, more);
    let mut app = app(80, 24, snapshot);
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    let line = screen.lines().find(|line| line.starts_with(" x leak")).unwrap_or_default();
    assert_eq!(line, " x leak        5: #3 #8 #9 #10 #11  up to 74.2 s  POOL HOLD 4 ×4, worker-2  job…");
    assert!(screen.contains(" ! exhausted   3 waiting"), "the next kind has a line too:\n{screen}");
    app.update(Action::Focus(Pane::Lints));
    app.update(Action::Zoom);
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    assert_eq!(screen.lines().filter(|line| line.starts_with(" x leak")).count(), 5, "{screen}");
}

/// What holds in two pools names no connection: its line is not empty for that.
#[test]
fn a_lint_of_two_pools_is_one_line_with_evidence() {
    let mut snapshot = busy();
    let cold = LintRow {
        id: "cold-start",
        evidence: "8 opened in 2 s for 9 checkouts".to_owned(),
        severity: Severity::Warn,
        ..(*snapshot.lints[0]).clone()
    };
    snapshot.lints = [PoolId(0), PoolId(7)]
        .map(|pool| Arc::new(LintRow { about: About::Pool(pool), ..cold.clone() }))
        .to_vec();
    let screen = shown(80, 24, snapshot);
    assert!(screen.contains(" ! cold-start  2 pools, app: 8 opened in 2 s for 9 checkouts"), "{screen}");
}

#[test]
fn nothing_moves_when_lints_come_and_go() {
    let rules = |snapshot| {
        let screen = shown(80, 24, snapshot);
        let rule = |line: &&str| line.starts_with(['─', '━']);
        screen.lines().enumerate().filter(|(_, line)| rule(line)).map(|(row, _)| row).collect::<Vec<_>>()
    };
    assert_eq!(rules(busy()), rules(Snapshot { lints: Vec::new(), ..busy() }));
    assert_eq!(rules(busy()), rules(Snapshot::default()));
}

#[test]
fn each_pane_alone() {
    for pane in Pane::POOL {
        for (width, height) in [(60, 13), (80, 24), (140, 40)] {
            let mut app = app(width, height, busy());
            app.update(Action::Focus(pane));
            app.update(Action::Zoom);
            let name = format!("zoomed_{}_{width}x{height}", pane.name());
            insta::assert_snapshot!(name, text(&app, &Theme::DEFAULT, width, height));
            app.take(Arc::new(ugly()));
            let name = format!("ugly_{}_{width}x{height}", pane.name());
            insta::assert_snapshot!(name, text(&app, &Theme::DEFAULT, width, height));
        }
    }
}

#[test]
fn help_search_question_and_candidates() {
    let mut app = app(80, 24, busy());
    app.update(Action::Help);
    insta::assert_snapshot!("help_80x24", text(&app, &Theme::DEFAULT, 80, 24));
    app.update(Action::Paste("word".to_owned()));
    insta::assert_snapshot!("help_searched_80x24", text(&app, &Theme::DEFAULT, 80, 24));
    app.update(Action::Dismiss);
    app.update(Action::Search);
    app.update(Action::Paste("user".to_owned()));
    insta::assert_snapshot!("search_80x24", text(&app, &Theme::DEFAULT, 80, 24));
    app.update(Action::Dismiss);
    app.update(Action::Paste("get".to_owned()));
    app.update(Action::Complete);
    app.update(Action::Complete);
    app.update(Action::Complete);
    insta::assert_snapshot!("candidates_80x24", text(&app, &Theme::DEFAULT, 80, 24));
    app.update(Action::Accept);
    app.hear(Said::Ask("FLUSHALL deletes every key of every database. Go on?".to_owned()));
    insta::assert_snapshot!("question_80x24", text(&app, &Theme::DEFAULT, 80, 24));
}

/// The screen with each row's styles under it, a letter a style, and what the letters mean.
fn styled(app: &App, theme: &Theme, width: u16, height: u16) -> String {
    let buf = buffer(app, theme, width, height);
    let mut nothing = Buffer::empty(Rect::new(0, 0, 1, 1));
    theme.finish(&mut nothing);
    let mut styles = vec![nothing.content[0].style()];
    let mut lines = Vec::new();
    for (row, words) in buf.content.chunks(usize::from(width)).zip(text(app, theme, width, height).lines()) {
        let letters = row.iter().map(|cell| {
            let at = styles.iter().position(|style| *style == cell.style()).unwrap_or_else(|| {
                styles.push(cell.style());
                styles.len() - 1
            });
            if at == 0 { ' ' } else { char::from(b'a' + at as u8 - 1) }
        });
        lines.extend([words.to_owned(), letters.collect::<String>().trim_end().to_owned()]);
    }
    let letter =
        |at: usize| if at == 0 { "blank".to_owned() } else { char::from(b'a' + at as u8 - 1).to_string() };
    lines.extend(styles.iter().enumerate().map(|(at, style)| format!("{} {style:?}", letter(at))));
    lines.join("\n")
}

#[test]
fn styles_say_what_words_say() {
    let mut app = app(80, 24, busy());
    talk(&mut app);
    insta::assert_snapshot!("styles_default_80x24", styled(&app, &Theme::DEFAULT, 80, 24));
    insta::assert_snapshot!("styles_mono_80x24", styled(&app, &Theme::MONO, 80, 24));
    let light = Theme::by_name("light").expect("a theme");
    insta::assert_snapshot!("styles_light_80x24", styled(&app, &light, 80, 24));
}

#[test]
fn a_frozen_screen_says_so_and_how_old_it_is() {
    let mut app = app(80, 24, busy());
    app.update(Action::Freeze);
    let mut later = busy();
    later.as_of = later.as_of + Duration::from_secs(12);
    later.connections.clear();
    app.take(std::sync::Arc::new(later));
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(screen.contains("PAUSED  12.0 s ago"), "{screen}");
    assert!(screen.contains("worker-2"), "{screen}");
    app.update(Action::Freeze);
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(!screen.contains("PAUSED") && screen.contains("none open"), "{screen}");
}

#[test]
fn a_lost_server_says_what_failed_when_it_retries_and_how_old_the_facts_are() {
    let mut snapshot = busy();
    let server = std::sync::Arc::make_mut(&mut snapshot.server);
    server.lost = Some(redis_pooltop::snapshot::Lost {
        error: "connection refused".to_owned(),
        since: tui_support::ago(2_000),
        retry_at: snapshot.as_of + Duration::from_millis(1_500),
    });
    let screen = text(&app(80, 24, snapshot), &Theme::DEFAULT, 80, 24);
    let banner = screen.lines().nth(1).unwrap_or_default();
    assert!(banner.starts_with(" x connection refused"), "{screen}");
    assert!(banner.contains("retry in 1.5 s, data 0.3 s old"), "{screen}");
    assert!(screen.lines().next().unwrap_or_default().contains("x LOST"), "{screen}");
}

#[test]
fn a_lost_server_says_what_failed_before_what_to_do_about_it() {
    let shown = |width, height, error: &str| {
        let mut snapshot = busy();
        snapshot.connections.clear();
        let server = Arc::make_mut(&mut snapshot.server);
        server.target = "127.0.0.1:6379/0".to_owned();
        server.lost = Some(redis_pooltop::snapshot::Lost {
            error: error.to_owned(),
            since: tui_support::ago(2_000),
            retry_at: snapshot.as_of + Duration::from_millis(1_500),
        });
        text(&app(width, height, snapshot), &Theme::DEFAULT, width, height)
    };
    let banner =
        |width, height, error| shown(width, height, error).lines().nth(1).unwrap_or_default().to_owned();
    let refused = "nothing listens at 127.0.0.1:6379; start a server with `redis-server`, or check -h and -p";
    let right = "retry in 1.5 s, data 0.3 s old";
    assert_eq!(banner(80, 24, refused), format!(" x {:<45} {right}", "nothing listens at 127.0.0.1:6379"));
    let right = "retry 1.5 s, data 0.3 s old";
    assert_eq!(banner(60, 13, refused), format!(" x {:<28} {right}", "nothing listens"));
    let silent = "127.0.0.1:6379: no answer to INFO in 1.0 s";
    assert_eq!(banner(60, 13, silent), format!(" x {:<28} {right}", "no answer to INFO in 1.0 s"));
    assert!(banner(140, 40, refused).contains("or check -h and -p"));
    let screen = shown(80, 24, refused);
    let below = screen.lines().skip_while(|line| !line.contains("4 connections"));
    let advice: Vec<&str> = below.skip(2).take(2).collect();
    let want =
        [" nothing listens at 127.0.0.1:6379; start a server with `redis-server`, or", " check -h and -p"];
    assert_eq!(advice, want, "all of it where there is room");
}

#[test]
fn mono_shows_the_same_words_without_any_colour() {
    for snapshot in [busy(), unknown(), ugly()] {
        let mut app = app(80, 24, snapshot);
        talk(&mut app);
        assert_eq!(text(&app, &Theme::MONO, 80, 24), text(&app, &Theme::DEFAULT, 80, 24));
        for cell in buffer(&app, &Theme::MONO, 80, 24).content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{cell:?}");
        }
    }
}

#[test]
fn ascii_is_ascii() {
    for snapshot in [busy(), unknown(), ugly()] {
        let mut app = app(140, 40, snapshot);
        talk(&mut app);
        assert!(text(&app, &Theme { ascii: true, ..Theme::DEFAULT }, 140, 40).is_ascii());
    }
    let mut app = app(80, 24, busy());
    talk(&mut app);
    insta::assert_snapshot!("ascii_80x24", text(&app, &Theme { ascii: true, ..Theme::MONO }, 80, 24));
}

#[test]
fn nothing_a_server_says_reaches_the_terminal_as_a_command() {
    let mut app = app(140, 40, ugly());
    app.hear(Said::Prefix(UGLY.to_owned()));
    app.hear(Said::Ask(UGLY.to_owned()));
    app.update(Action::Answer(false));
    app.update(Action::Paste(UGLY.to_owned()));
    for pane in Pane::POOL {
        app.update(Action::Focus(pane));
        for zoom in 0..2 {
            for cell in buffer(&app, &Theme::DEFAULT, 140, 40).content {
                let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
                assert!(!cell.symbol().contains(bad), "{pane:?} {zoom} {:?}", cell.symbol());
            }
            app.update(Action::Zoom);
        }
    }
}

#[test]
fn a_password_is_never_on_the_screen() {
    let mut app = app(80, 24, busy());
    app.update(Action::Paste("AUTH hunter2".to_owned()));
    assert!(!text(&app, &Theme::DEFAULT, 80, 24).contains("hunter2"));
    app.update(Action::Accept);
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(!screen.contains("hunter2") && screen.contains("AUTH ***"), "{screen}");
}

fn steps() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..7usize).prop_map(|at| Action::Focus(Pane::POOL[at])),
        Just(Action::Zoom),
        Just(Action::Help),
        Just(Action::Search),
        Just(Action::Freeze),
        Just(Action::Complete),
        Just(Action::Paste("get 漢 \u{1b}".to_owned())),
        Just(Action::Accept),
        Just(Action::Scroll(Step::Bottom)),
        Just(Action::Scroll(Step::PageUp)),
        Just(Action::Scroll(Step::Down)),
        Just(Action::ScrollOutput(Step::Top)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_size_and_any_snapshot_is_drawn(
        width in 1..=200u16,
        height in 1..=60u16,
        later in (1..=200u16, 1..=60u16),
        which in 0..4usize,
        actions in proptest::collection::vec(steps(), 0..12),
    ) {
        let snapshot = [Snapshot::default, busy, unknown, ugly][which]();
        let mut app = app(width, height, snapshot);
        app.hear(Said::Lines(vec![(Kind::Reply, UGLY.repeat(9)), (Kind::Error, "漢".repeat(500))]));
        for action in actions {
            app.update(action);
            buffer(&app, &Theme::DEFAULT, width, height);
        }
        // The terminal shrank and the app has not heard of it yet.
        buffer(&app, &Theme::DEFAULT, later.0, later.1);
    }
}

#[test]
fn what_is_cut_ends_in_dots_and_no_wide_character_is_halved() {
    let area = Rect { x: 0, y: 0, width: 6, height: 1 };
    for (words, shown) in [
        ("as QUIT", "as QU…"),
        ("as QUI", "as QUI"),
        ("as QUI  ", "as QUI"),
        ("abcd漢字", "abcd …"),
        ("漢字漢字", "漢字 …"),
    ] {
        let mut buf = Buffer::empty(area);
        redis_pooltop::tui::view::put(words, area, 0, &mut buf);
        let mut x = 0;
        let mut line = String::new();
        while x < 6 {
            line.push_str(buf[(x, 0)].symbol());
            x += redis_pooltop::text::width(buf[(x, 0)].symbol()).max(1) as u16;
        }
        assert_eq!(line.trim_end(), shown);
    }
}

#[test]
fn an_event_without_room_says_whose_connection_it_is_before_for_how_long() {
    let mut snapshot = busy();
    let evidence = "#3 out 60.0 s, idle 60.0 s  worker-2  jobs.rs:88".to_owned();
    let raised = EventRow {
        at: snapshot.as_of,
        pool: None,
        node: None,
        what: What::Raised("leak", Severity::Bad, evidence),
    };
    snapshot.events = vec![raised].into();
    let mut app = app(140, 40, snapshot);
    assert!(text(&app, &Theme::DEFAULT, 140, 40).contains("x leak: #3 worker-2  jobs.rs:88  "));
    app.update(Action::Focus(Pane::Events));
    app.update(Action::Zoom);
    assert!(text(&app, &Theme::DEFAULT, 140, 40).contains("x leak: #3 out 60.0 s, idle 60.0 s  worker-2"));
}

#[test]
fn lints_are_counted_one_by_one_and_above_as_well_as_below() {
    let mut snapshot = busy();
    let leak = (*snapshot.lints[0]).clone();
    let one = |id: u64| LintRow { about: About::Connection(PoolId(0), ConnId(id)), ..leak.clone() };
    let usage = |id: &'static str| LintRow { id, about: About::Pool(PoolId(0)), ..leak.clone() };
    snapshot.lints = [one(3), one(8), usage("usage"), usage("a"), usage("a")].map(Arc::new).to_vec();
    let mut app = app(80, 24, snapshot);
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains(" ↓ 2 more "), "five, of which three are told of");
    app.update(Action::Focus(Pane::Lints));
    for _ in 0..3 {
        app.update(Action::Scroll(Step::Down));
    }
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains(" ↑ 3  ↓ 1 more "));
}

#[test]
fn the_shell_alone_on_a_small_screen() {
    insta::assert_snapshot!("busy_40x10", shown(40, 10, busy()));
    insta::assert_snapshot!("busy_20x3", shown(20, 3, busy()));
    insta::assert_snapshot!("busy_19x3", shown(19, 3, busy()));
}

/// A busy pool whose latencies are changed.
fn timed(change: impl FnOnce(&mut redis_pooltop::snapshot::Latency)) -> Snapshot {
    let mut snapshot = busy();
    change(&mut Arc::make_mut(&mut snapshot.pools[0]).latency);
    snapshot
}

#[test]
fn percentiles_of_a_few_are_told_as_all_are_and_of_how_few_where_a_column_fits() {
    let few = || timed(|latency| latency.wait.count = 3);
    let line = |width, height| {
        let screen = text(&app(width, height, few()), &Theme::DEFAULT, width, height);
        screen.lines().find(|line| line.contains("  wait   ")).unwrap_or_default().to_owned()
    };
    assert!(line(80, 24).ends_with("  wait        <0.01   0.12   12.1   80.2"), "{}", line(80, 24));
    assert!(line(140, 40).contains(" 0.12   12.1   80.2         3"), "{}", line(140, 40));
}

#[test]
fn a_minute_without_a_command_is_no_pool_that_never_had_one() {
    let quiet = |total| {
        timed(|latency| {
            latency.by_command.clear();
            latency.round_trip = redis_pooltop::snapshot::Percentiles { total, ..Default::default() };
        })
    };
    let line = |total| {
        let screen = text(&app(80, 24, quiet(total)), &Theme::DEFAULT, 80, 24);
        screen.lines().nth(6).unwrap_or_default().to_owned()
    };
    assert!(line(5).ends_with("  p50  no command in the last 60 s"), "{}", line(5));
    assert!(line(0).ends_with("  p50  no commands yet"), "{}", line(0));
}
