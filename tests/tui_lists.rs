//! Sorting, filtering and selecting in the panes of rows, by keys, with no terminal.

mod tui_support;

use std::sync::Arc;

use redis_pooltop::event::ConnId;
use redis_pooltop::snapshot::{ConnectionRow, Snapshot};
use redis_pooltop::tui::app::App;
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::theme::Theme;
use tui_support::{app, buffer, busy, press, text, ugly};

fn screen(app: &App) -> String {
    text(app, &Theme::DEFAULT, 140, 50)
}

/// The ids in the connections pane, from the top.
fn ids(app: &App) -> Vec<u64> {
    let screen = screen(app);
    let rows = screen.lines().skip_while(|line| !line.contains(" 4 connections ")).skip(1);
    let numbers = rows.skip_while(|line| !line.contains('#')).map_while(|line| {
        let id = line.get(..10)?.split('#').nth(1)?;
        id.split(' ').next()?.parse().ok()
    });
    numbers.collect()
}

fn title(app: &App, pane: &str) -> String {
    screen(app).lines().find(|line| line.contains(pane)).unwrap_or_default().to_owned()
}

#[test]
fn the_first_line_has_the_pools_whole_name_and_the_version_while_there_is_room() {
    let mut snapshot = busy();
    let pool = Arc::make_mut(&mut snapshot.pools[0]);
    pool.name = "lab forgotten-release: a cycle".to_owned();
    for (width, name, version) in [
        (140, "  pool lab forgotten-release: a cycle  max ", true),
        (92, "  pool lab forgotten-relea…  max ", true),
        (80, "  pool lab forgotten-relea…  max ", false),
    ] {
        let shown = text(&app(width, 50, snapshot.clone()), &Theme::DEFAULT, width, 50);
        let first = shown.lines().next().unwrap_or_default();
        assert!(first.contains(name) && first.contains("redis 7.0.15") == version, "{width}: {first}");
    }
}

#[test]
fn a_filter_narrows_while_it_is_typed_and_esc_brings_all_rows_back() {
    let mut app = app(140, 50, busy());
    let all = ids(&app);
    press(&mut app, "alt-4 / 'held");
    assert_eq!(app.context().mode, Mode::Filter);
    press(&mut app, "'>1.5s");
    assert!(title(&app, "4 connections").contains("2 of 9"));
    press(&mut app, "enter");
    assert_eq!(app.context().mode, Mode::Pane(Pane::Connections));
    assert_eq!(ids(&app), [3, 5]);
    assert!(title(&app, "4 connections").contains("2 of 9 /held>1.5s "));
    press(&mut app, "esc");
    assert_eq!((ids(&app), app.context().mode), (all, Mode::Pane(Pane::Connections)));
    press(&mut app, "esc");
    assert_eq!(app.context().mode, Mode::Prompt);
}

#[test]
fn what_makes_no_sense_is_said_and_the_last_good_filter_stays() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-4 / 'state:use_(");
    assert!(screen(&app).contains("no such expression"), "{}", screen(&app));
    assert!(title(&app, "4 connections").contains("7 of 9"));
    press(&mut app, "enter");
    assert!(screen(&app).contains("no such expression"), "it stays to be mended: {}", screen(&app));
    press(&mut app, "backspace backspace enter");
    assert!(title(&app, "4 connections").contains("7 of 9 /state:use"));
    press(&mut app, "/ ctrl-u 'hodler:x");
    assert!(screen(&app).contains("did you mean holder?"));
    press(&mut app, "esc");
    assert_eq!(ids(&app).len(), 9);
}

#[test]
fn a_filter_follows_new_snapshots() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-4 / 'leak enter");
    assert_eq!(ids(&app), [3]);
    let mut later = busy();
    later.connections.retain(|row| row.id != ConnId(3));
    app.take(Arc::new(later));
    assert!(ids(&app).is_empty());
    assert!(screen(&app).contains("the filter leaves none"));
    app.take(Arc::new(busy()));
    assert_eq!(ids(&app), [3]);
}

#[test]
fn lints_and_events_filter_too() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-5 / 'severity:bad enter");
    assert!(title(&app, "5 lints").contains("1 of 2 /severity:bad"));
    assert!(!screen(&app).contains("! exhausted"));
    press(&mut app, "alt-6 / '!id>3 enter");
    assert!(title(&app, "6 events").contains("3 of 5"), "{}", screen(&app));
    press(&mut app, "alt-6 z");
    assert!(!screen(&app).contains("#4 closed") && screen(&app).contains("#3 opened"));
}

/// The connections pane's titles while it is read: the line below its rule.
fn header(app: &App) -> String {
    let screen = screen(app);
    screen.lines().skip_while(|line| !line.contains("4 connections")).nth(1).unwrap_or_default().to_owned()
}

#[test]
fn sorting_goes_through_the_columns_in_sight_and_marks_the_one_it_is_at() {
    let mut app = app(140, 50, busy());
    let natural = ids(&app);
    assert!(header(&app).contains("▼ held"), "{}", header(&app));
    press(&mut app, "alt-4");
    let words = |app: &App| header(app).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words(&app), "id server state ▼ held idle uses commands age create last holder");
    assert_eq!(ids(&app), natural, "a line of titles takes no row but moves them");
    press(&mut app, "s");
    assert_eq!(words(&app), "id server state held ▼ idle uses commands age create last holder");
    assert_eq!(ids(&app)[..2], [3, 2], "the first press moves rows");
    press(&mut app, "S i");
    assert!(header(&app).contains("▲ held"));
    assert_eq!(ids(&app), [11, 10, 9, 8, 7, 5, 3, 1, 2], "no held time comes last, either way round");
    press(&mut app, "s s s s s s");
    assert!(words(&app).ends_with("create last ▲ holder"), "{}", header(&app));
    press(&mut app, "s s");
    assert!(header(&app).contains("▲ id"), "after the last the first: {}", header(&app));
    assert_eq!(ids(&app), [1, 2, 3, 5, 7, 8, 9, 10, 11]);
    press(&mut app, "i");
    assert_eq!(ids(&app), [11, 10, 9, 8, 7, 5, 3, 2, 1]);
    press(&mut app, "alt-7");
    assert!(header(&app).contains("▼ id"), "{}", header(&app));
    press(&mut app, "alt-4 s s s");
    assert_eq!(ids(&app), natural);
}

#[test]
fn a_column_that_is_out_of_sight_is_passed_by() {
    let mut app = app(60, 13, busy());
    press(&mut app, "alt-4 s s");
    let shown = text(&app, &Theme::DEFAULT, 60, 13);
    assert!(shown.contains("holder ▲") && !shown.contains("by uses"), "{shown}");
}

#[test]
fn lists_without_columns_say_their_order_in_words() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-6");
    assert!(title(&app, "6 events").contains("newest first"));
    press(&mut app, "i");
    assert!(title(&app, "6 events").contains("oldest first"));
    press(&mut app, "s");
    assert!(title(&app, "6 events").contains("by what ▲"));
    press(&mut app, "alt-5");
    assert!(title(&app, "5 lints").contains("worst first"));
    press(&mut app, "i");
    assert!(title(&app, "5 lints").contains("worst last"));
}

#[test]
fn no_row_moves_when_somebody_comes_to_read_and_to_filter() {
    for (width, height) in [(80, 24), (140, 40)] {
        let mut app = app(width, height, busy());
        let row = |app: &App| {
            let shown = text(app, &Theme::DEFAULT, width, height);
            shown.lines().position(|line| line.contains(" #5 ") && line.contains("BLPOP q 0"))
        };
        let before = row(&app);
        assert!(before.is_some());
        for keys in ["alt-4", "/ 'state:use", "enter", "alt-7"] {
            press(&mut app, keys);
            assert_eq!(row(&app), before, "{keys}");
        }
    }
}

#[test]
fn a_lint_is_read_whole_where_there_is_room() {
    let mut snapshot = busy();
    let long = "word ".repeat(30) + "end";
    let lint = redis_pooltop::snapshot::LintRow { evidence: long, ..(*snapshot.lints[0]).clone() };
    snapshot.lints[0] = Arc::new(lint);
    let mut app = app(80, 24, snapshot);
    press(&mut app, "alt-5 z");
    let shown = text(&app, &Theme::DEFAULT, 80, 24);
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&("word ".repeat(30) + "end release it in a finally block")), "{shown}");
}

#[test]
fn the_keys_of_htop_filter_and_sort_here_too() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-4 f6");
    assert!(header(&app).contains("▼ idle"), "{}", header(&app));
    press(&mut app, "f4 'BLPOP enter");
    assert!(title(&app, "4 connections").contains("1 of 9"), "{}", title(&app, "4 connections"));
}

#[test]
fn a_selection_keeps_to_its_row_when_the_order_changes() {
    let mut app = app(140, 50, busy());
    press(&mut app, "alt-4 down down s");
    let marked = |app: &App| {
        let buf = buffer(app, &Theme::DEFAULT, 140, 50);
        let y = (0..50).find(|y| buf[(30, *y)].modifier.contains(ratatui::style::Modifier::REVERSED));
        screen(app).lines().nth(usize::from(y.unwrap_or_default())).unwrap_or_default().to_owned()
    };
    assert!(marked(&app).contains("#7 "), "{}", marked(&app));
    press(&mut app, "/ 'state:avail enter");
    assert!(marked(&app).contains("#1 "), "a row that is left out leaves its place: {}", marked(&app));
}

/// Ten thousand rows made of one.
fn many() -> Snapshot {
    let mut snapshot = busy();
    let row = ConnectionRow::clone(&snapshot.connections[0]);
    let made = (1..=10_000u64).map(|id| ConnectionRow { id: ConnId(id), uses: id % 97, ..row.clone() });
    snapshot.connections = made.map(Arc::new).collect();
    snapshot
}

#[test]
fn ten_thousand_rows_sort_filter_and_scroll_to_their_ends() {
    let mut app = app(140, 50, many());
    press(&mut app, "alt-4 G");
    assert_eq!(ids(&app).last(), Some(&10_000));
    press(&mut app, "s s i g");
    assert!(header(&app).contains("▲ uses"), "{}", header(&app));
    press(&mut app, "/ 'uses>=96 enter");
    assert!(title(&app, "4 connections").contains("103 of 10,000"), "{}", title(&app, "4 connections"));
    assert_eq!(ids(&app)[..2], [96, 193], "those that are equal stand by id");
}

#[test]
fn a_filter_line_is_drawn_at_every_size_whatever_is_typed() {
    for (width, height) in [(60, 13), (72, 18), (80, 24), (140, 40)] {
        for pane in [4, 5, 6] {
            let mut app = app(width, height, ugly());
            press(&mut app, &format!("alt-{pane} / '漢\u{202e}({}", "x".repeat(300)));
            let shown = text(&app, &Theme::DEFAULT, width, height);
            assert!(!shown.contains('\u{202e}') && shown.contains(" / "), "{shown}");
        }
    }
}

#[test]
fn a_title_has_room_for_its_arrow() {
    for (width, height) in [(60, 13), (80, 24), (140, 50)] {
        let mut app = app(width, height, busy());
        press(&mut app, "alt-4 z");
        for _ in 0..12 {
            press(&mut app, "s");
            let shown = text(&app, &Theme::DEFAULT, width, height);
            let titles =
                shown.lines().skip_while(|line| !line.contains("4 connections")).nth(1).unwrap_or_default();
            assert!(titles.contains(['▲', '▼']) && !titles.contains('…'), "{titles}");
        }
    }
}
