//! The screen of `run` and `attach` as people see it: every view at every size that has a layout of its own, with good
//! facts, with none and with ugly ones.

mod tui_support;

use std::time::Duration;

use proptest::prelude::*;
use redis_pooltop::report::{markdown, screen_json};
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::{Pane, Scene};
use redis_pooltop::tui::theme::Theme;
use tui_support::inside::{inside, over, shop, silent, ugly, unknown, with};
use tui_support::{UGLY, buffer, press, text};

/// The screen of a command that is run, after these keys.
fn shown(keys: &str, width: u16, height: u16, snapshot: Snapshot) -> String {
    let mut app = inside(Scene::Run, width, height, snapshot);
    if !keys.is_empty() {
        press(&mut app, keys);
    }
    text(&app, &Theme::DEFAULT, width, height)
}

fn attached(keys: &str, width: u16, height: u16, snapshot: Snapshot) -> String {
    let mut app = inside(Scene::Attach, width, height, snapshot);
    if !keys.is_empty() {
        press(&mut app, keys);
    }
    text(&app, &Theme::DEFAULT, width, height)
}

#[test]
fn an_app_with_a_full_pool_and_a_leak() {
    insta::assert_snapshot!("inside_80x24", shown("", 80, 24, shop()));
    insta::assert_snapshot!("inside_140x40", shown("", 140, 40, shop()));
    insta::assert_snapshot!("inside_200x60", shown("", 200, 60, shop()));
    insta::assert_snapshot!("inside_60x13", shown("", 60, 13, shop()));
    insta::assert_snapshot!("inside_20x3", shown("", 20, 3, shop()));
    insta::assert_snapshot!("inside_1x1", shown("", 1, 1, shop()));
}

#[test]
fn what_somebody_else_started_has_no_output_here() {
    insta::assert_snapshot!("attach_80x24", attached("", 80, 24, shop()));
    insta::assert_snapshot!("attach_140x40", attached("", 140, 40, shop()));
    insta::assert_snapshot!("attach_start_80x24", attached("", 80, 24, Snapshot::default()));
}

#[test]
fn who_has_connections() {
    insta::assert_snapshot!("inside_connections_60x13", shown("3", 60, 13, shop()));
    insta::assert_snapshot!("inside_connections_140x40", shown("3 z", 140, 40, shop()));
    insta::assert_snapshot!("inside_connection_80x24", shown("3 enter", 80, 24, shop()));
    insta::assert_snapshot!("inside_of_a_pool_80x24", shown("1 down down o", 80, 24, shop()));
    insta::assert_snapshot!("inside_of_a_process_80x24", shown("1 o z", 80, 24, shop()));
}

#[test]
fn a_process_and_a_pool_in_full() {
    insta::assert_snapshot!("inside_process_80x24", shown("enter", 80, 24, shop()));
    insta::assert_snapshot!("inside_pool_80x24", shown("down enter", 80, 24, shop()));
    insta::assert_snapshot!("inside_pool_140x40", shown("down enter", 140, 40, shop()));
    insta::assert_snapshot!("inside_pool_60x13", shown("down enter end", 60, 13, shop()));
}

#[test]
fn pools_alone_have_all_columns() {
    insta::assert_snapshot!("inside_pools_200x60", shown("1 z", 200, 60, shop()));
    insta::assert_snapshot!("inside_pools_filtered_80x24", shown("1 / 'pool:sessions enter", 80, 24, shop()));
}

#[test]
fn lints_and_latency_are_of_the_app() {
    insta::assert_snapshot!("inside_lints_80x24", shown("4", 80, 24, shop()));
    insta::assert_snapshot!("inside_latency_80x24", shown("2", 80, 24, shop()));
    insta::assert_snapshot!("inside_latency_60x13", shown("2", 60, 13, shop()));
}

#[test]
fn what_has_ended_stays_for_the_report() {
    insta::assert_snapshot!("inside_over_80x24", shown("", 80, 24, over()));
    insta::assert_snapshot!("inside_over_140x40", shown("", 140, 40, over()));
    insta::assert_snapshot!("inside_over_60x13", shown("3", 60, 13, over()));
}

#[test]
fn nobody_reports_and_the_screen_says_why_that_may_be() {
    insta::assert_snapshot!("inside_silent_80x24", shown("", 80, 24, silent()));
    insta::assert_snapshot!("inside_silent_140x40", shown("", 140, 40, silent()));
}

#[test]
fn nothing_known_is_a_dash() {
    insta::assert_snapshot!("inside_unknown_80x24", shown("", 80, 24, unknown()));
    insta::assert_snapshot!("inside_unknown_140x40", shown("", 140, 40, unknown()));
    insta::assert_snapshot!("inside_unknown_pool_80x24", shown("down enter", 80, 24, unknown()));
    insta::assert_snapshot!("inside_unknown_connection_80x24", shown("3 enter", 80, 24, unknown()));
}

#[test]
fn ugly_facts_stay_in_their_places() {
    insta::assert_snapshot!("inside_ugly_80x24", shown("", 80, 24, ugly()));
    insta::assert_snapshot!("inside_ugly_140x40", shown("", 140, 40, ugly()));
    insta::assert_snapshot!("inside_ugly_60x13", shown("3", 60, 13, ugly()));
}

#[test]
fn nothing_hostile_reaches_a_cell_or_a_report() {
    for scene in [Scene::Run, Scene::Attach] {
        for pane in scene.panes() {
            for keys in ["", "enter", "down enter"] {
                for (width, height) in [(20, 3), (60, 13), (80, 24), (200, 60)] {
                    let mut app = inside(scene, width, height, ugly());
                    app.update(Action::Focus(*pane));
                    if !keys.is_empty() {
                        press(&mut app, keys);
                    }
                    let buf = buffer(&app, &Theme::DEFAULT, width, height);
                    for cell in buf.content() {
                        let symbol = cell.symbol();
                        let bad = symbol.chars().any(|c| c.is_control() || c == '\u{202e}');
                        assert!(!bad, "{symbol:?} in {pane:?} at {width}x{height}");
                    }
                }
            }
        }
    }
    let mut app = inside(Scene::Run, 80, 24, ugly());
    for effect in app.update(Action::Report) {
        let Effect::Report(screen) = effect else { continue };
        assert!(!markdown(&screen).contains('\u{1b}') && !screen_json(&screen).contains('\u{1b}'));
    }
    assert!(UGLY.contains('\u{1b}'));
}

#[test]
fn a_recording_of_an_app_is_shown_as_one() {
    let facts = Facts { replay: true, interval: Duration::from_secs(1), ..Facts::default() };
    let app = with(facts, 80, 24, shop());
    assert_eq!((app.context().scene, app.context().mode), (Scene::Attach, Mode::Pane(Pane::Pools)));
}

fn mode(app: &App) -> Mode {
    app.context().mode
}

#[test]
fn each_pane_has_its_number_and_the_output_only_where_there_is_one() {
    for (scene, panes) in [(Scene::Run, &Pane::RUN[..]), (Scene::Attach, &Pane::ATTACH[..])] {
        for (at, pane) in panes.iter().enumerate() {
            for key in [format!("{}", at + 1), format!("alt-{}", at + 1)] {
                let mut app = inside(scene, 80, 24, shop());
                // Where letters go to the app, a number does too.
                let other = panes.iter().find(|other| **other != *pane && **other != Pane::App);
                app.update(Action::Focus(*other.expect("another pane")));
                press(&mut app, &key);
                let wanted = if *pane == Pane::App { Mode::App } else { Mode::Pane(*pane) };
                assert_eq!(mode(&app), wanted, "{key}");
            }
        }
    }
    let mut app = inside(Scene::Attach, 80, 24, shop());
    press(&mut app, "6");
    assert_eq!(mode(&app), Mode::Pane(Pane::Pools));
    assert!(!press(&mut app, "q").is_empty(), "q ends the program");
}

#[test]
fn a_pools_connections_are_shown_alone_until_esc() {
    let mut app = inside(Scene::Run, 140, 40, shop());
    let listed = |app: &App| app.list(Pane::Connections).expect("a list").rows().len();
    let all = listed(&app);
    press(&mut app, "1 down o");
    assert_eq!((mode(&app), listed(&app)), (Mode::Pane(Pane::Connections), 4));
    press(&mut app, "esc");
    assert_eq!((mode(&app), listed(&app)), (Mode::Pane(Pane::Connections), all));
    press(&mut app, "1 home o");
    assert_eq!(listed(&app), 8, "those of both pools of the first process");
    // A lint about another's connection leads out of it.
    press(&mut app, "4 home o");
    assert_eq!((mode(&app), listed(&app)), (Mode::Pane(Pane::Connections), all));
    press(&mut app, "4 end o");
    assert_eq!(mode(&app), Mode::Pane(Pane::Pools), "a lint about a pool leads to its row");
    press(&mut app, "enter o");
    assert_eq!((mode(&app), listed(&app)), (Mode::Pane(Pane::Connections), 4), "from its details too");
}

#[test]
fn latency_is_of_the_pool_that_is_selected_else_of_the_busiest() {
    let of = |keys: &str, name: &str| shown(keys, 140, 40, shop()).contains(&format!("of pool {name}"));
    assert!(of("", "carts 4411"), "5,000 checkouts");
    assert!(of("down down", "sessions 4411"));
    assert!(of("down down o 1 home", "sessions 4411"), "its connections are shown");
    assert!(of("down down o esc 1 home", "carts 4411"));
}

/// The rows of the list of pools, each by what stands first in its line.
fn order(app: &App) -> Vec<String> {
    let screen = text(app, &Theme::DEFAULT, 200, 60);
    let rows = screen.lines().skip_while(|line| !line.contains(" 1 pools")).skip(2);
    let rows = rows.take_while(|line| !line.trim().is_empty());
    rows.filter_map(|line| line.split_whitespace().find(|word| word.len() > 1).map(str::to_owned)).collect()
}

#[test]
fn sorting_leaves_a_pool_with_its_process_and_those_that_are_gone_last() {
    let mut app = inside(Scene::Run, 200, 60, shop());
    press(&mut app, "1 z");
    let gone = ["4413", "carts"];
    let first = ["4411", "carts", "sessions", "4412", "ConnectionPool.py:13"];
    assert_eq!(order(&app), [&first[..], &gone].concat());
    while !text(&app, &Theme::DEFAULT, 200, 60).contains("▼available") {
        press(&mut app, "s");
    }
    let most = ["4412", "ConnectionPool.py:13", "4411", "sessions", "carts"];
    assert_eq!(order(&app), [&most[..], &gone].concat());
    press(&mut app, "i");
    assert_eq!(order(&app), [&first[..], &gone].concat(), "the fewest first");
}

#[test]
fn a_filter_leaves_pools_with_their_processes() {
    let mut app = inside(Scene::Run, 200, 60, shop());
    press(&mut app, "1 z / 'max<50 enter");
    assert_eq!(order(&app), ["4411", "carts", "4413", "carts"]);
    press(&mut app, "esc / 'pid:4412 enter");
    assert_eq!(order(&app), ["4412", "ConnectionPool.py:13"]);
    press(&mut app, "esc / 'state:gone enter");
    assert_eq!(order(&app), ["4413", "carts"]);
    press(&mut app, "esc / 'lint:leak enter");
    assert_eq!(order(&app), ["4411", "carts"]);
    press(&mut app, "esc / 'nothing_at_all enter");
    assert!(text(&app, &Theme::DEFAULT, 200, 60).contains("the filter leaves none"));
}

#[test]
fn what_was_lost_stands_below_the_connections_and_says_where_it_was_taken() {
    let mut app = inside(Scene::Run, 140, 40, over());
    press(&mut app, "3");
    let screen = text(&app, &Theme::DEFAULT, 140, 40);
    let row = screen.lines().find(|line| line.contains("jobs.py:88 in refresh")).expect("its row");
    assert!(row.contains("left ×3") && row.contains("19.0 s"), "{row}");
    press(&mut app, "enter");
    let screen = text(&app, &Theme::DEFAULT, 140, 40);
    assert!(screen.contains("3 never given back") && screen.contains("stack"), "{screen}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_keys_at_any_size_draw_something(
        keys in proptest::collection::vec("[a-zA-Z0-9/]|enter|esc|tab|down|up|end|home|pgdn|backspace", 1..20),
        width in 1u16..160,
        height in 1u16..50,
        which in 0usize..4,
    ) {
        let snapshot = [shop, over, unknown, silent][which]();
        for scene in [Scene::Run, Scene::Attach] {
            let mut app = inside(scene, width, height, snapshot.clone());
            for key in &keys {
                press(&mut app, key);
            }
            buffer(&app, &Theme::DEFAULT, width, height);
        }
    }
}
