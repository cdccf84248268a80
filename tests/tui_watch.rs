//! The screen of a watch as people see it: every view at every size that has a layout of its own, with good facts, with
//! none and with ugly ones.

mod tui_support;

use proptest::prelude::*;
use ratatui::style::Color;
use redis_pooltop::report::{markdown, screen_json};
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::theme::Theme;
use tui_support::watch::{bare, change, lost, refused, several, ugly, watched, watching, with};
use tui_support::{UGLY, buffer, press, text};

/// The screen after these keys.
fn shown(keys: &str, width: u16, height: u16, snapshot: Snapshot) -> String {
    let mut app = watching(width, height, snapshot);
    if !keys.is_empty() {
        press(&mut app, keys);
    }
    text(&app, &Theme::DEFAULT, width, height)
}

#[test]
fn a_server_with_a_suspect() {
    insta::assert_snapshot!("watch_80x24", shown("", 80, 24, watched()));
    insta::assert_snapshot!("watch_140x40", shown("", 140, 40, watched()));
    insta::assert_snapshot!("watch_200x60", shown("", 200, 60, watched()));
    insta::assert_snapshot!("watch_60x13", shown("", 60, 13, watched()));
    insta::assert_snapshot!("watch_20x5", shown("", 20, 5, watched()));
    insta::assert_snapshot!("watch_1x1", shown("", 1, 1, watched()));
}

#[test]
fn before_the_first_look() {
    insta::assert_snapshot!("watch_start_80x24", shown("", 80, 24, Snapshot::default()));
}

#[test]
fn the_clients_of_a_group_and_all_of_them() {
    insta::assert_snapshot!("watch_rows_80x24", shown("enter", 80, 24, watched()));
    insta::assert_snapshot!("watch_rows_140x40", shown("enter", 140, 40, watched()));
    insta::assert_snapshot!("watch_all_80x24", shown("g r", 80, 24, watched()));
    insta::assert_snapshot!("watch_all_200x60", shown("g r", 200, 60, watched()));
    insta::assert_snapshot!("watch_all_60x13", shown("g r", 60, 13, watched()));
}

#[test]
fn one_client_in_full() {
    insta::assert_snapshot!("watch_client_80x24", shown("enter enter", 80, 24, watched()));
    insta::assert_snapshot!("watch_client_140x40", shown("enter enter", 140, 40, watched()));
    insta::assert_snapshot!("watch_client_60x13", shown("enter enter", 60, 13, watched()));
}

#[test]
fn servers_lints_and_events_in_full() {
    insta::assert_snapshot!("watch_server_80x24", shown("1 enter", 80, 24, watched()));
    insta::assert_snapshot!("watch_lints_80x24", shown("2", 80, 24, watched()));
    insta::assert_snapshot!("watch_lint_80x24", shown("2 enter", 80, 24, watched()));
    insta::assert_snapshot!("watch_events_80x24", shown("4", 80, 24, watched()));
    insta::assert_snapshot!("watch_lints_60x13", shown("2", 60, 13, watched()));
}

#[test]
fn several_servers_have_a_line_each_and_a_column() {
    insta::assert_snapshot!("watch_several_80x24", shown("", 80, 24, several()));
    insta::assert_snapshot!("watch_several_140x40", shown("g r", 140, 40, several()));
    insta::assert_snapshot!("watch_several_60x13", shown("1", 60, 13, several()));
}

#[test]
fn what_is_refused_names_the_right_that_is_missing_and_the_rest_goes_on() {
    insta::assert_snapshot!("watch_refused_80x24", shown("", 80, 24, refused()));
    insta::assert_snapshot!("watch_refused_60x13", shown("", 60, 13, refused()));
    insta::assert_snapshot!("watch_refused_server_80x24", shown("1 enter", 80, 24, refused()));
}

#[test]
fn a_lost_server_says_what_failed_when_it_retries_and_how_old_the_data_is() {
    insta::assert_snapshot!("watch_lost_80x24", shown("", 80, 24, lost()));
    insta::assert_snapshot!("watch_lost_60x13", shown("", 60, 13, lost()));
}

#[test]
fn what_is_not_known_is_no_zero() {
    insta::assert_snapshot!("watch_bare_80x24", shown("", 80, 24, bare()));
    insta::assert_snapshot!("watch_bare_rows_140x40", shown("g r", 140, 40, bare()));
    insta::assert_snapshot!("watch_bare_client_80x24", shown("g r enter", 80, 24, bare()));
}

#[test]
fn ugly_facts() {
    for (name, keys) in [("groups", ""), ("rows", "g r"), ("client", "g r enter"), ("server", "1 enter")] {
        insta::assert_snapshot!(format!("watch_ugly_{name}_80x24"), shown(keys, 80, 24, ugly()));
    }
}

#[test]
fn nothing_a_server_says_reaches_the_terminal_as_a_command() {
    for keys in
        ["", "g r", "enter", "g r enter", "1", "1 enter", "2", "2 enter", "3", "4", "4 enter", "g r K"]
    {
        for (width, height) in [(20, 5), (60, 13), (80, 24), (200, 60)] {
            let shown = shown(keys, width, height, ugly());
            let obeyed = |c: &char| c.is_control() && *c != '\n' || "\u{202e}\u{9b}\u{1b}".contains(*c);
            assert_eq!(shown.chars().find(obeyed), None, "{keys} at {width}x{height}\n{shown}");
            assert!(!UGLY.is_empty() && !shown.contains("\u{1b}[31m"));
        }
    }
}

#[test]
fn without_colour_the_same_words_are_there() {
    for keys in ["", "g r", "enter enter", "1", "2"] {
        let mut app = watching(80, 24, several());
        if !keys.is_empty() {
            press(&mut app, keys);
        }
        assert_eq!(text(&app, &Theme::DEFAULT, 80, 24), text(&app, &Theme::MONO, 80, 24), "{keys}");
        let cells = buffer(&app, &Theme::MONO, 80, 24);
        assert!(
            cells.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
            "{keys}"
        );
    }
}

#[test]
fn ascii_is_ascii() {
    let theme = Theme { ascii: true, ..Theme::MONO };
    for keys in ["", "g r", "enter enter", "1", "2", "4", "?"] {
        let mut app = watching(140, 40, several());
        if !keys.is_empty() {
            press(&mut app, keys);
        }
        let shown = text(&app, &theme, 140, 40);
        assert!(shown.is_ascii(), "{keys}: {:?}", shown.chars().find(|c| !c.is_ascii()));
    }
}

#[test]
fn a_server_that_is_nearly_full_is_marked() {
    let mut full = watched();
    change(&mut full, |node| node.max = Some(19));
    let shown = shown("", 80, 24, full);
    assert!(shown.contains("18 of 19") && shown.contains("█████████░ 95%"), "{shown}");
}

fn first(app: &App, width: u16) -> String {
    text(app, &Theme::DEFAULT, width, 24).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_first_line_tells_what_looking_costs_and_how_old_the_data_is() {
    let app = watching(100, 24, watched());
    let want = "redis-pooltop watch  127.0.0.1:6379  redis 7.0.15";
    assert!(first(&app, 100).contains(want), "{}", first(&app, 100));
    assert!(first(&app, 100).contains("look 1.0 s, 0.02% of the server · data 0.4 s old"));
    assert!(first(&app, 60).contains("look 1.0 s, 0.02%"), "{}", first(&app, 60));
    let mut slow = watched();
    change(&mut slow, |node| {
        if let Some(look) = &mut node.look {
            (look.interval, look.cost) =
                (std::time::Duration::from_secs(4), std::time::Duration::from_millis(38));
        }
    });
    let app = watching(100, 24, slow);
    assert!(first(&app, 100).contains("look 4.0 s, 0.9% of the server"), "{}", first(&app, 100));
}

#[test]
fn a_recording_of_a_watch_shows_the_panes_of_one() {
    let facts = Facts { replay: true, ..Facts::default() };
    let app = with(facts, 80, 24, watched());
    let shown = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(shown.contains("━ 3 clients by process") && !shown.contains("shell"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_size_is_drawn(width in 0u16..160, height in 0u16..50, which in 0usize..7, keys in 0usize..8) {
        let make = [watched, several, lost, refused, bare, ugly, Snapshot::default];
        let keys = ["", "g r", "enter", "enter enter", "1 enter", "2 enter", "g r / 'idle>5", "g r K"][keys];
        shown(keys, width, height, make[which]());
    }
}

#[test]
fn a_report_has_the_clients_as_they_are_listed() {
    let mut app = watching(140, 40, watched());
    let written = |app: &mut App| match app.update(Action::Report).pop() {
        Some(Effect::Report(screen)) => *screen,
        other => panic!("{other:?}"),
    };
    let screen = written(&mut app);
    let (text, json) = (markdown(&screen), screen_json(&screen));
    for part in ["## Clients", "127.0.0.1:6379", "python3"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("## Connections") && !text.contains("## Pool"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&json).expect("one document");
    assert!(json["groups"].as_array().is_some_and(|groups| !groups.is_empty()), "{json}");
}
