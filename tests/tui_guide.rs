//! What the screen tells of its keys: the footer, the help and the prompt say what is so here and now.

mod tui_support;

use std::sync::Arc;

use ratatui::layout::Size;
use redis_pooltop::snapshot::Snapshot;
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::{Keys, Mode, Rebinding};
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::values::Editing;
use tui_support::{Words, app, busy, press, text};

fn mode(app: &App) -> Mode {
    app.context().mode
}

fn shown(app: &App) -> String {
    text(app, &Theme::DEFAULT, app.plan().footer.right(), app.plan().footer.bottom())
}

fn footer(app: &App) -> String {
    shown(app).lines().last().unwrap_or_default().to_owned()
}

fn vi(changes: &[(&str, &str)]) -> App {
    let owned = |(action, key): &(&str, &str)| Rebinding {
        action: (*action).to_owned(),
        keys: vec![(*key).to_owned()],
    };
    let keys = Keys::default().rebound(&changes.iter().map(owned).collect::<Vec<_>>()).unwrap();
    let facts = Facts { target: "here".to_owned(), editing: Editing::Vi, keys, ..Facts::default() };
    let mut app = App::new(facts, Arc::new(Words), Size { width: 80, height: 24 });
    app.take(Arc::new(busy()));
    app
}

#[test]
fn with_vis_keys_alt_is_esc_and_a_letter_but_for_what_is_bound() {
    let mut app = vi(&[]);
    assert_eq!(press(&mut app, "'SET_a alt-p"), [Effect::Page]);
    press(&mut app, "alt-/");
    assert_eq!(mode(&app), Mode::Find);
    press(&mut app, "esc alt-z");
    assert!(shown(&app).contains("PAUSED"));
    assert_eq!(app.context().inserting, Some(true), "none of them was Esc");
    // Of emacs' own, none is: Alt-b is Esc and b, from either mode.
    press(&mut app, "alt-b");
    assert_eq!(app.context().inserting, Some(false));
    press(&mut app, "alt-0 i 'x");
    assert!(shown(&app).contains("> xSET a"), "{}", shown(&app));
    // What somebody bound is what they bound.
    let mut app = vi(&[("word-left", "alt-b")]);
    press(&mut app, "'SET_a alt-b 'x");
    assert!(shown(&app).contains("> SET xa"), "{}", shown(&app));
}

#[test]
fn with_vis_keys_the_prompt_says_the_mode_and_the_footer_where_esc_leads() {
    let mut app = vi(&[]);
    assert!(shown(&app).contains(" [I] here>"));
    assert!(footer(&app).contains("Esc NORMAL"), "{}", footer(&app));
    press(&mut app, "'PING esc");
    assert!(shown(&app).contains(" [N] here> PING"));
    assert!(!footer(&app).contains("Esc"), "{}", footer(&app));
    press(&mut app, "d");
    assert!(footer(&app).starts_with(" NORMAL d"), "{}", footer(&app));
    press(&mut app, "d");
    app.resize(Size { width: 140, height: 40 });
    assert!(footer(&app).contains("Esc last pane"), "{}", footer(&app));
}

#[test]
fn the_help_finds_commands_and_lints_and_shows_the_best_first() {
    let found = |query: &str| {
        let mut app = app(80, 24, busy());
        app.resize(Size { width: 100, height: 40 });
        press(&mut app, &format!("f1 '{query}"));
        text(&app, &Theme::DEFAULT, 100, 40).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let first = |query: &str| found(query)[1].trim().to_owned();
    assert!(found("kill")[0].contains("commands"), "{:?}", found("kill"));
    assert!(first("kill").starts_with("KILL n|ALL"), "{}", first("kill"));
    assert!(first("pool").starts_with("POOL STATS"), "{}", first("pool"));
    let leak = found("leak").join("\n");
    let place = |what: &str| leak.find(what).unwrap_or_else(|| panic!("no {what} in\n{leak}"));
    assert!(place("POOL LEAK [n]") < place("A connection is out too long"), "{leak}");
    assert!(place("A connection is out too long") < place("POOL LEAKS"), "{leak}");
    let row = |query: &str, start: &str| found(query).iter().any(|row| row.trim_start().starts_with(start));
    assert!(row("kill", "K F9"), "{:?}", found("kill"));
    assert!(row("details", "Enter  "), "{:?}", found("details"));
    for lint in ["long-hold", "pool-usage", "dead"] {
        assert!(found(lint)[0].contains("lints: EXPLAIN"), "{:?}", found(lint));
        assert!(first(lint).starts_with(lint), "{}", first(lint));
    }
}

#[test]
fn the_help_has_every_command_of_vis_and_nothing_of_vi_without() {
    let help = |app: &mut App| {
        app.resize(Size { width: 200, height: 200 });
        press(app, "f1 'NORMAL");
        text(app, &Theme::DEFAULT, 200, 200)
    };
    let mut emacs = app(80, 24, busy());
    assert!(help(&mut emacs).contains("nothing has that word"));
    let listed: String = help(&mut vi(&[]))
        .lines()
        .skip_while(|line| !line.contains("after Esc"))
        .filter(|line| line.starts_with("   "))
        .flat_map(|line| line.chars().take(26).collect::<Vec<_>>())
        .collect();
    for key in ('!'..='~').filter(|key| !key.is_ascii_digit()) {
        let mut app = vi(&[]);
        press(&mut app, "'a esc");
        for line in ["PING", "ECHO one"] {
            app.edited(line);
            press(&mut app, "enter");
        }
        app.edited("GET user 'one' two");
        press(&mut app, "esc h h h h f u");
        let before = (shown(&app), app.context());
        let effects = press(&mut app, &format!("'{key}"));
        let does = !effects.is_empty() || (shown(&app), app.context()) != before;
        let explained = listed.contains(key);
        assert!(explained || !does, "{key} does something and is not explained");
    }
}

#[test]
fn the_footer_lists_what_a_place_is_for_before_the_rest() {
    let words = |width, height, way: &str| {
        let mut app = app(width, height, busy());
        if !way.is_empty() {
            press(&mut app, way);
        }
        footer(&app)
    };
    for (way, keys) in [
        ("", &["? help", "Alt-1…7 panes", "Tab complete", "Enter run"][..]),
        ("'SET", &["F1 help", "Alt-1…7 panes", "Tab complete", "Enter run"]),
        ("alt-4", &[": prompt", "? help", "K kill", "Enter details", "/ filter", "s sort"]),
        ("alt-4 / 'held>1s enter", &[": prompt", "? help", "K kill", "Enter details", "Esc clear", "s sort"]),
        ("alt-5", &[": prompt", "? help", "1…7 panes", "Enter details", "/ filter"]),
        ("alt-4 enter", &["Esc close", "? help", "K kill"]),
        ("alt-1", &[": prompt", "? help", "1…7 panes"]),
    ] {
        for (width, height) in [(60, 13), (80, 24), (140, 40)] {
            let footer = words(width, height, way);
            let missing = keys.iter().find(|key| !footer.contains(**key));
            assert!(missing.is_none(), "{missing:?} at {width}x{height} after {way:?}: {footer}");
        }
    }
}

#[test]
fn zooming_is_offered_where_it_changes_something() {
    let mut wide = app(140, 40, busy());
    press(&mut wide, "alt-4");
    assert!(footer(&wide).contains("z zoom"));
    press(&mut wide, "z");
    assert!(footer(&wide).contains("z zoom"), "the way back");
    let mut small = app(60, 13, busy());
    press(&mut small, "alt-1");
    assert!(!footer(&small).contains("z zoom"), "{}", footer(&small));
}

#[test]
fn without_a_row_the_footer_lists_no_key_for_one() {
    let rows = ["Enter details", "K kill", "y copy"];
    let mut app = app(140, 40, busy());
    press(&mut app, "alt-4");
    assert!(rows.iter().all(|key| footer(&app).contains(key)), "{}", footer(&app));
    press(&mut app, "/ 'nobody enter");
    assert!(shown(&app).contains("the filter leaves none"));
    assert!(!rows.iter().any(|key| footer(&app).contains(key)), "{}", footer(&app));
    assert!(footer(&app).contains("Esc clear"), "{}", footer(&app));
    press(&mut app, "esc");
    assert!(rows.iter().all(|key| footer(&app).contains(key)), "{}", footer(&app));
    assert!(!footer(&app).contains("Esc clear"), "{}", footer(&app));
    // What is shown in full and exists no more cannot be closed, and still be copied.
    press(&mut app, "enter");
    assert!(footer(&app).contains("K kill"), "{}", footer(&app));
    app.take(Arc::new(Snapshot { connections: Vec::new(), ..busy() }));
    assert!(!footer(&app).contains("K kill") && footer(&app).contains("y copy"), "{}", footer(&app));
}

#[test]
fn a_key_that_means_nothing_to_a_pane_says_who_has_the_keys() {
    for (width, height) in [(60, 13), (80, 24)] {
        let mut app = app(width, height, busy());
        press(&mut app, "alt-4 T");
        assert!(footer(&app).starts_with(" no T here: keys act on the pane  : prompt"), "{}", footer(&app));
        assert!(footer(&app).contains("? help"), "{}", footer(&app));
        app.resize(Size { width: 20, height: 5 });
        assert_eq!(footer(&app), " no T here  : prompt");
        app.resize(Size { width, height });
        press(&mut app, "down");
        assert!(!footer(&app).contains("keys act"), "{}", footer(&app));
        press(&mut app, "enter T");
        assert!(footer(&app).contains("keys act on the details"), "{}", footer(&app));
        press(&mut app, "esc T :");
        assert!(!footer(&app).contains("keys act"), "{}", footer(&app));
        press(&mut app, "alt-/ enter T");
        assert!(footer(&app).contains("keys act on the output"), "{}", footer(&app));
        press(&mut app, "esc f12");
        assert!(!footer(&app).contains("keys act"), "the prompt takes letters: {}", footer(&app));
    }
}

#[test]
fn a_command_typed_into_a_pane_closes_no_connection() {
    let mut app = app(80, 24, busy());
    press(&mut app, "alt-4");
    let effects = press(&mut app, "'Kill_my_keys");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Run(_))), "{effects:?}");
    press(&mut app, "K");
    assert_eq!(mode(&app), Mode::Ask);
    assert_eq!(press(&mut app, "alt-4 f12"), [], "what is no letter is no answer");
    assert_eq!(mode(&app), Mode::Ask);
}

#[test]
fn the_shells_rule_says_what_is_below_and_names_the_servers_pane_where_there_is_room() {
    let mut app = app(80, 24, busy());
    let rule =
        |app: &App| shown(app).lines().find(|line| line.contains(" 7 shell ")).unwrap_or_default().to_owned();
    assert!(rule(&app).contains("━ Alt-3 server · clients 14 of "), "{}", rule(&app));
    app.hear(Said::Lines((0..2_000).map(|at| (Kind::Reply, format!("row {at}"))).collect()));
    press(&mut app, "ctrl-home");
    assert!(rule(&app).contains(" ↓ 1,99"), "{}", rule(&app));
    assert!(rule(&app).contains(", Esc ━"), "{}", rule(&app));
    assert!(rule(&app).contains(" clients 14 of "), "{}", rule(&app));
}

#[test]
fn what_one_command_printed_and_has_no_room_is_said_to_be_above() {
    let mut app = app(80, 24, busy());
    let rule =
        |app: &App| shown(app).lines().find(|line| line.contains(" 7 shell ")).unwrap_or_default().to_owned();
    press(&mut app, "'PING enter");
    app.hear(Said::Lines(vec![(Kind::Reply, "PONG".to_owned())]));
    assert!(!rule(&app).contains('↑'), "{}", rule(&app));
    app.hear(Said::Lines((0..50).map(|at| (Kind::Reply, format!("row {at}"))).collect()));
    assert!(rule(&app).contains(" ↑ 4") && rule(&app).contains("PgUp "), "{}", rule(&app));
}

#[test]
fn a_paste_says_how_many_lines_it_has() {
    let mut app = app(80, 24, busy());
    app.update(Action::Paste("PING\n".repeat(11) + "PING"));
    assert!(footer(&app).contains(" 12 lines "), "{}", footer(&app));
}

#[test]
fn after_the_first_key_of_a_sequence_each_second_is_listed_once_with_what_it_does() {
    let panes: Vec<Rebinding> = [("pool", "a"), ("latency", "b"), ("server", "c"), ("connections", "d")]
        .map(|(pane, key)| Rebinding { action: format!("focus-{pane}"), keys: vec![format!("alt-x {key}")] })
        .to_vec();
    let facts = Facts { keys: Keys::default().rebound(&panes).unwrap(), ..Facts::default() };
    let mut app = App::new(facts, Arc::new(Words), Size { width: 80, height: 24 });
    app.take(Arc::new(busy()));
    for way in ["alt-x", "d alt-x"] {
        press(&mut app, way);
        assert_eq!(footer(&app), " Alt-x …  a pool  b latency  c server  d connections", "{way}");
    }
}
