//! Clicks and the wheel on what they point at, with no terminal.

mod tui_support;

use ratatui::layout::Position;
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::App;
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use tui_support::{app, busy, press, text, ugly};

const WIDTH: u16 = 140;
const HEIGHT: u16 = 50;

fn screen(app: &App) -> String {
    text(app, &Theme::DEFAULT, WIDTH, HEIGHT)
}

/// Where these words stand on the screen.
fn place(app: &App, words: &str) -> Position {
    let screen = screen(app);
    let found = screen.lines().enumerate().find_map(|(y, line)| {
        let at = line.find(words)?;
        Some(Position { x: redis_pooltop::text::width(&line[..at]) as u16, y: y as u16 })
    });
    found.unwrap_or_else(|| panic!("no {words:?} in\n{screen}"))
}

fn click(app: &mut App, words: &str) -> Vec<Effect> {
    let at = place(app, words);
    app.update(Action::Click(at))
}

fn mode(app: &App) -> Mode {
    app.context().mode
}

#[test]
fn a_click_gives_a_pane_the_keys_and_selects_the_row_under_it() {
    let mut app = app(WIDTH, HEIGHT, busy());
    for (words, pane) in [(" 1 pool", Pane::Pool), (" 2 latency", Pane::Latency), (" 3 server", Pane::Server)]
    {
        click(&mut app, words);
        assert_eq!(mode(&app), Mode::Pane(pane));
    }
    click(&mut app, "#8 id 123");
    assert_eq!(mode(&app), Mode::Pane(Pane::Connections));
    press(&mut app, "K");
    assert!(screen(&app).contains("Close #8? "), "{}", screen(&app));
    press(&mut app, "n");
    click(&mut app, "! exhausted");
    press(&mut app, "enter");
    assert!(screen(&app).contains("━ lint exhausted "), "{}", screen(&app));
    press(&mut app, "esc");
    click(&mut app, "127.0.0.1:6379> ");
    assert_eq!(mode(&app), Mode::Prompt);
}

#[test]
fn a_double_click_shows_the_row_in_full_and_nothing_is_clicked_through_it() {
    let mut app = app(WIDTH, HEIGHT, busy());
    let (row, pool) = (place(&app, "#5 id 120"), place(&app, " 1 pool"));
    app.update(Action::Click(row));
    app.update(Action::DoubleClick(row));
    assert_eq!(mode(&app), Mode::Details(Pane::Connections));
    assert!(screen(&app).contains("connection #5"));
    app.update(Action::Click(pool));
    assert_eq!(mode(&app), Mode::Details(Pane::Connections));
    press(&mut app, "esc");
    let lint = place(&app, "! exhausted");
    app.update(Action::Click(lint));
    app.update(Action::DoubleClick(lint));
    assert!(screen(&app).contains("lint exhausted"), "lints take two lines each once they are read");
    press(&mut app, "esc");
    let field = place(&app, "blocked_clients");
    app.update(Action::DoubleClick(field));
    assert_eq!(mode(&app), Mode::Details(Pane::Server));
}

#[test]
fn a_click_on_a_title_sorts_and_one_more_inverts_the_order() {
    let mut app = app(WIDTH, HEIGHT, busy());
    click(&mut app, "uses");
    assert!(screen(&app).contains("▼ uses"), "{}", screen(&app));
    assert_eq!(mode(&app), Mode::Pane(Pane::Connections));
    click(&mut app, "uses");
    assert!(screen(&app).contains("▲ uses"));
    click(&mut app, " 4 connections");
    assert!(screen(&app).contains("▲ uses"), "the pane's own name is no column");
}

#[test]
fn the_wheel_scrolls_what_is_under_it() {
    let mut app = app(WIDTH, HEIGHT, ugly());
    let connections = place(&app, " 4 connections");
    let below = Position { y: connections.y + 2, ..connections };
    let left = |app: &App| {
        let screen = screen(app);
        let title =
            screen.lines().find(|line| line.contains(" 4 connections")).unwrap_or_default().to_owned();
        title.split('↓').nth(1).and_then(|words| words.split_whitespace().next()?.parse::<u64>().ok())
    };
    let before = left(&app).expect("there are more");
    app.update(Action::Wheel { at: below, up: false });
    assert_eq!(left(&app), Some(before - 3));
    assert_eq!(mode(&app), Mode::Prompt, "the keys stay where they are");
    app.update(Action::Wheel { at: below, up: true });
    app.update(Action::Wheel { at: below, up: true });
    assert_eq!(left(&app), Some(before));
    app.hear(Said::Lines((0..100).map(|at| (Kind::Reply, format!("row {at}."))).collect()));
    let shell = place(&app, "row 99.");
    app.update(Action::Wheel { at: shell, up: true });
    assert!(!screen(&app).contains("row 99."));
    press(&mut app, "alt-4");
    for _ in 0..200 {
        app.update(Action::Wheel { at: below, up: false });
    }
    assert_eq!(left(&app), None, "to the last row");
    press(&mut app, "alt-4 enter");
    app.update(Action::Wheel { at: below, up: false });
    assert!(screen(&app).contains("more ━"), "{}", screen(&app));
}

#[test]
fn the_footer_is_pressed() {
    let mut app = app(WIDTH, HEIGHT, busy());
    press(&mut app, "alt-4");
    click(&mut app, "p freeze");
    assert!(screen(&app).contains("PAUSED"));
    click(&mut app, "K kill");
    assert_eq!(mode(&app), Mode::Ask);
    assert_eq!(click(&mut app, "y yes"), [Effect::Run("POOL CLOSE 3".to_owned())]);
    app.hear(Said::Ended);
    click(&mut app, "? help");
    assert_eq!(mode(&app), Mode::Help);
}

#[test]
fn no_place_at_any_size_is_out_of_bounds() {
    for (width, height) in [(1, 1), (20, 5), (60, 13), (80, 24)] {
        for keys in ["alt-7", "alt-4", "alt-4 /", "alt-5", "alt-6 enter", "alt-3", "f1", "alt-4 K"] {
            let mut app = app(width, height, ugly());
            press(&mut app, keys);
            for y in (0..height + 2).step_by(2) {
                for x in (0..width + 9).step_by(9) {
                    let at = Position { x, y };
                    app.update(Action::Wheel { at, up: false });
                    app.update(Action::Click(at));
                    app.update(Action::DoubleClick(at));
                }
            }
        }
    }
}
