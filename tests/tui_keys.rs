//! Keys to effects through the key table, with no terminal.

mod tui_support;

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use redis_pooltop::command::Registry;
use redis_pooltop::event::{ConnId, PoolId, Stamp};
use redis_pooltop::snapshot::{About, ConnectionRow, EventRow, LintRow, Snapshot};
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::assist::Typist;
use redis_pooltop::tui::keymap::{Binding, Context, Do, Keys, Meaning, Mode, Sequence, TABLE, When};
use redis_pooltop::tui::layout::{Pane, Scene};
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::{Beside, Said};
use redis_pooltop::tui::theme::Theme;
use redis_pooltop::tui::view;
use redis_pooltop::values::Editing;
use tui_support::inside::{self, shop};
use tui_support::watch::{self, client, several};
use tui_support::{Words, app, busy, press, text};

fn run(line: &str) -> Effect {
    Effect::Run(line.to_owned())
}

fn mode(app: &App) -> Mode {
    app.context().mode
}

#[test]
fn a_line_runs_is_remembered_and_the_next_waits_for_its_end() {
    let mut app = app(80, 24, busy());
    let effects = press(&mut app, "'GET_b enter");
    assert_eq!(effects, [Effect::Remember("GET b".to_owned()), run("GET b")]);
    assert_eq!(press(&mut app, "'PING enter"), [Effect::Remember("PING".to_owned())]);
    assert_eq!(app.hear(Said::Ended), [run("PING")]);
    assert_eq!(app.hear(Said::Ended), []);
}

#[test]
fn a_text_longer_than_the_pane_is_read_from_its_beginning_and_a_reply_from_its_end() {
    let printed = |line: &str, lines: usize| {
        let mut app = app(80, 24, busy());
        press(&mut app, &format!("'{line} enter"));
        let lines = (1..=lines).map(|n| (Kind::Reply, format!("line {n} of it"))).collect();
        app.hear(Said::Lines(lines));
        app.hear(Said::Ended);
        (text(&app, &Theme::DEFAULT, 80, 24), app)
    };
    for line in ["HELP", "help_pool", "EXPLAIN_leak"] {
        let (shown, mut app) = printed(line, 60);
        let echo = format!("> {}", line.replace('_', " "));
        // With the line itself, four of them fit.
        assert!(shown.contains(&echo) && shown.contains("line 1 of it"), "{shown}");
        assert!(shown.contains("━ 7 shell ↓ 56, ") && !shown.contains("line 60 of it"), "{shown}");
        press(&mut app, "'x");
        assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("line 60 of it"), "typing goes to the end");
    }
    assert!(printed("LRANGE_a_0_-1", 60).0.contains("line 60 of it"));
    let (short, _) = printed("HELP", 2);
    assert!(short.contains("line 2 of it") && !short.contains("━ 7 shell ↓"), "{short}");
}

#[test]
fn a_secret_is_run_and_not_remembered() {
    let mut app = app(80, 24, busy());
    assert_eq!(press(&mut app, "'AUTH_hunter2 enter"), [run("AUTH hunter2")]);
    app.hear(Said::Ended);
    press(&mut app, "up");
    assert!(!text(&app, &Theme::DEFAULT, 80, 24).contains("AUTH h"));
}

#[test]
fn a_paste_of_many_lines_runs_nothing_until_enter_and_then_each_in_turn() {
    let mut app = app(80, 24, busy());
    assert_eq!(app.update(Action::Paste("PING\nECHO a\n\nECHO b\n".to_owned())), []);
    let ran: Vec<_> = press(&mut app, "enter").into_iter().filter(|e| matches!(e, Effect::Run(_))).collect();
    assert_eq!(ran, [run("PING")]);
    assert_eq!(app.hear(Said::Ended), [run("ECHO a")]);
    assert_eq!(app.hear(Said::Ended), [run("ECHO b")]);
    assert_eq!(app.hear(Said::Ended), []);
}

#[test]
fn an_open_quote_goes_on_in_the_next_line() {
    let mut app = app(80, 24, busy());
    assert_eq!(press(&mut app, "'SET_a_\"x enter"), []);
    let line = "SET a \"x\ny\"".to_owned();
    assert_eq!(press(&mut app, "'y\" enter"), [Effect::Remember(line.clone()), Effect::Run(line)]);
}

#[test]
fn an_open_quote_is_said_to_be_open_and_has_no_syntax_in_it() {
    let shown = |keys: &str| {
        let facts = Facts { target: "here".to_owned(), ..Facts::default() };
        let typist = Typist::new(Arc::new(Registry::new()), Vec::new());
        let mut app = App::new(facts, Arc::new(typist), Size { width: 120, height: 24 });
        press(&mut app, keys);
        text(&app, &Theme::DEFAULT, 120, 24)
    };
    assert!(shown("'SET_a_b").contains("here> SET a b [NX|XX"), "{}", shown("'SET_a_b"));
    let open = shown("'SET_a_\"b");
    assert!(open.contains("here> SET a \"b") && !open.contains("[NX"), "{open}");
    let entered = shown("'SET_a_\"b enter 'c");
    assert!(entered.contains("c  a quote is open: close it, or Ctrl-C"), "{entered}");
    assert!(!shown("'SET_a_\"b enter 'c\"").contains("a quote is open"));
}

#[test]
fn ctrl_c_cancels_what_runs_then_clears_the_line_then_quits_by_two() {
    let mut app = app(80, 24, busy());
    press(&mut app, "'BLPOP_q_0 enter 'next");
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Cancel]);
    app.hear(Said::Ended);
    assert_eq!(press(&mut app, "ctrl-c"), []);
    assert!(app.context().empty);
    assert_eq!(press(&mut app, "ctrl-c"), []);
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("Ctrl-C once more ends the program"));
    assert_eq!(press(&mut app, "'a ctrl-u ctrl-c"), [], "another key in between starts anew");
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Quit]);
}

#[test]
fn ctrl_c_on_an_empty_prompt_ends_the_jobs_newest_first() {
    let mut app = app(80, 24, busy());
    let job = |number| Beside { number, command: "BLPOP q 0".to_owned() };
    app.hear(Said::Jobs(vec![job(1), job(3)]));
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("job 3 runs BLPOP q 0, Ctrl-C ends it"));
    assert_eq!(press(&mut app, "'half ctrl-c"), [], "what is typed goes first");
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::EndJob(3)]);
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::EndJob(1)], "before the first one's end is told");
    assert_eq!(press(&mut app, "ctrl-c ctrl-c"), [Effect::Quit]);
}

#[test]
fn cancelling_gives_up_the_lines_that_waited() {
    let mut app = app(80, 24, busy());
    app.update(Action::Paste("BLPOP q 0\nFLUSHALL".to_owned()));
    press(&mut app, "enter");
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Cancel]);
    assert_eq!(app.hear(Said::Ended), []);
}

#[test]
fn what_needs_no_connection_runs_beside_a_line_that_waits_and_the_rest_is_said_to_wait() {
    let mut app = app(80, 24, busy());
    let shown = |app: &App| text(app, &Theme::DEFAULT, 80, 24);
    press(&mut app, "'GET_x enter");
    let remember = |line: &str| Effect::Remember(line.to_owned());
    assert_eq!(press(&mut app, "'POOL_RESET enter"), [remember("POOL RESET")], "it may end at once");
    let aside = |line: &str| Effect::RunAside(line.to_owned());
    assert_eq!(app.hear(Said::Still { waits: true }), [aside("POOL RESET")]);
    assert!(shown(&app).contains("> POOL RESET"), "{}", shown(&app));
    assert_eq!(press(&mut app, "'PING enter"), [remember("PING")]);
    assert!(shown(&app).contains("waiting for a connection 0"), "{}", shown(&app));
    assert!(shown(&app).contains(", 1 line waits behind it"), "{}", shown(&app));
    assert_eq!(press(&mut app, "'POOL_LIST enter"), [remember("POOL LIST"), aside("POOL LIST")]);
    press(&mut app, "'AUTH_hunter2 enter");
    assert!(shown(&app).contains(", 2 lines wait behind it"), "{}", shown(&app));
    app.hear(Said::Still { waits: false });
    assert!(shown(&app).contains("  running 0"), "{}", shown(&app));
    assert_eq!(press(&mut app, "ctrl-c"), [Effect::Cancel]);
    assert!(shown(&app).contains("not run: PING"), "{}", shown(&app));
    assert!(shown(&app).contains("not run: AUTH ***"), "{}", shown(&app));
    assert_eq!(app.hear(Said::Ended), []);
}

#[test]
fn a_line_that_waits_for_a_connection_says_so_and_the_lines_of_a_paste_keep_their_order() {
    let mut app = app(80, 24, busy());
    app.update(Action::Paste("GET x\nPOOL RESET".to_owned()));
    press(&mut app, "enter");
    assert_eq!(app.hear(Said::Still { waits: true }), []);
    assert_eq!(app.hear(Said::Ended), [run("POOL RESET")]);
    app.hear(Said::Still { waits: true });
    let mut later = busy();
    later.as_of = Stamp(later.as_of.0 + 2_000_000_000);
    app.take(Arc::new(later));
    let shown = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(shown.contains("waiting for a connection 2.0 s, Ctrl-C cancels"), "{shown}");
}

#[test]
fn ctrl_d_quits_from_an_empty_line_and_deletes_in_another() {
    let mut app = app(80, 24, busy());
    assert_eq!(press(&mut app, "'ab ctrl-a ctrl-d"), []);
    assert_eq!(press(&mut app, "enter"), [Effect::Remember("b".to_owned()), run("b")]);
    assert_eq!(press(&mut app, "ctrl-d"), [Effect::Quit]);
}

#[test]
fn esc_leaves_an_empty_prompt_and_a_colon_comes_back() {
    let mut app = app(80, 24, busy());
    press(&mut app, "esc");
    assert_eq!(mode(&app), Mode::Pane(Pane::Connections));
    press(&mut app, "2");
    assert_eq!(mode(&app), Mode::Pane(Pane::Latency));
    press(&mut app, ":");
    assert_eq!(mode(&app), Mode::Prompt);
    press(&mut app, "shift-tab");
    assert_eq!(mode(&app), Mode::Pane(Pane::Latency), "back to the pane last used");
    press(&mut app, "q 'x esc");
    assert_eq!(mode(&app), Mode::Prompt, "Esc keeps to a prompt with text in it");
}

#[test]
fn esc_in_output_scrolled_back_goes_to_its_end_and_only_then_leaves_the_prompt() {
    let mut app = app(80, 24, busy());
    app.hear(Said::Lines((1..=60).map(|n| (Kind::Reply, format!("line {n} of it"))).collect()));
    press(&mut app, "pgup");
    let scrolled = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(!scrolled.contains("line 60 of it") && scrolled.contains(", Esc ━"), "{scrolled}");
    press(&mut app, "esc");
    assert_eq!(mode(&app), Mode::Prompt);
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("line 60 of it"));
    press(&mut app, "esc");
    assert_eq!(mode(&app), Mode::Pane(Pane::Connections));
}

#[test]
fn every_pane_is_reached_by_its_number_from_anywhere_and_shown() {
    for (width, height) in [(60, 13), (80, 24), (140, 40)] {
        for (at, pane) in Pane::POOL.into_iter().enumerate() {
            let mut app = app(width, height, busy());
            press(&mut app, &format!("alt-{}", at + 1));
            let title = format!("━ {} {} ", at + 1, pane.name());
            let screen = text(&app, &Theme::DEFAULT, width, height);
            assert!(screen.contains(&title), "{title} at {width}x{height}\n{screen}");
        }
    }
}

#[test]
fn tab_goes_round_the_panes_on_the_screen() {
    let mut app = app(80, 24, busy());
    press(&mut app, "alt-1");
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut app, "tab");
        seen.push(mode(&app));
    }
    let panes = [Pane::Latency, Pane::Connections, Pane::Lints].map(Mode::Pane);
    assert_eq!(seen, [&panes[..], &[Mode::Prompt]].concat());
}

#[test]
fn a_selection_stays_on_its_connection_when_rows_move() {
    let mut app = app(140, 40, busy());
    press(&mut app, "alt-4 down");
    let row = |app: &App| {
        let screen = text(app, &Theme::DEFAULT, 140, 40);
        screen.lines().find(|line| line.contains("#5 ")).unwrap_or_default().to_owned()
    };
    assert!(row(&app).contains("BLPOP"));
    let mut later = busy();
    later.connections.remove(0);
    app.take(std::sync::Arc::new(later));
    let theme = Theme::DEFAULT;
    let buf = tui_support::buffer(&app, &theme, 140, 40);
    let marked: Vec<u16> =
        (0..40).filter(|y| buf[(20, *y)].modifier.contains(ratatui::style::Modifier::REVERSED)).collect();
    let line = text(&app, &theme, 140, 40).lines().nth(usize::from(marked[0])).unwrap_or_default().to_owned();
    assert!(marked.len() == 1 && line.contains("#5 "), "{marked:?} {line}");
}

#[test]
fn scrolling_the_connections_ends_at_the_last_row() {
    let mut app = app(80, 24, busy());
    press(&mut app, "alt-4 G down down pgdn");
    let screen = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(screen.contains("#2 id 112") && !screen.contains("↓"), "{screen}");
    press(&mut app, "g");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("#3 id 118"));
}

#[test]
fn output_scrolls_back_and_typing_follows_it_again() {
    let mut app = app(80, 24, Snapshot::default());
    app.hear(Said::Lines((0..100).map(|at| (Kind::Reply, format!("row {at}."))).collect()));
    let screen = |app: &App| text(app, &Theme::DEFAULT, 80, 24);
    assert!(screen(&app).contains("row 99."));
    press(&mut app, "pgup pgup");
    assert!(
        !screen(&app).contains("row 99.") && screen(&app).contains("lines below, Esc"),
        "{}",
        screen(&app)
    );
    press(&mut app, "'x");
    assert!(screen(&app).contains("row 99."));
    assert_eq!(press(&mut app, "ctrl-l"), [Effect::Repaint]);
    assert!(!screen(&app).contains("row"));
}

#[test]
fn history_search_runs_what_it_finds_or_gives_the_line_back() {
    let mut app = app(80, 24, busy());
    press(&mut app, "'half ctrl-r 'user");
    assert_eq!(mode(&app), Mode::Search);
    press(&mut app, "esc");
    assert_eq!(press(&mut app, "enter"), [Effect::Remember("half".to_owned()), run("half")]);
    app.hear(Said::Ended);
    assert_eq!(press(&mut app, "ctrl-r 'user enter").last(), Some(&run("GET user:1")));
}

/// Whether it is the right word is for whoever asked to say.
#[test]
fn a_question_that_wants_a_word_is_answered_by_what_was_typed() {
    let mut app = app(80, 24, busy());
    let ask = || Said::AskWord("FLUSHALL deletes all. Run it?".to_owned(), "prod-1".to_owned());
    press(&mut app, "'FLUSHALL enter");
    for (keys, said) in [
        ("'y enter", "y"),
        ("enter", ""),
        ("'prod enter", "prod"),
        ("'prod-1 enter", "prod-1"),
        ("'wrong ctrl-u 'prod-12 backspace enter", "prod-1"),
        ("'prod-1 esc", ""),
    ] {
        app.hear(ask());
        assert_eq!(mode(&app), Mode::Confirm);
        assert_eq!(press(&mut app, keys), [Effect::Answer(said.to_owned())], "{keys}");
    }
    app.hear(ask());
    press(&mut app, "'prod");
    let shown = text(&app, &Theme::DEFAULT, 80, 24);
    assert!(shown.contains("Run it? Type prod-1: prod"), "{shown}");
    app.hear(Said::Ended);
    assert_eq!(mode(&app), Mode::Prompt, "a question ends with its command");
    app.hear(Said::Ask("Go on?".to_owned()));
    assert_eq!(press(&mut app, "y"), [Effect::Answer("y".to_owned())], "and the next may be another");
}

#[test]
fn a_question_is_answered_by_y_and_by_nothing_else() {
    let mut app = app(80, 24, busy());
    press(&mut app, "'FLUSHALL enter");
    app.hear(Said::Ask("Go on?".to_owned()));
    assert_eq!(press(&mut app, "a alt-1 tab"), []);
    assert_eq!(press(&mut app, "y"), [Effect::Answer("y".to_owned())]);
    app.hear(Said::Ask("Go on?".to_owned()));
    assert_eq!(press(&mut app, "enter"), [Effect::Answer(String::new())]);
    app.hear(Said::Ask("Go on?".to_owned()));
    app.hear(Said::Ended);
    assert_eq!(mode(&app), Mode::Prompt, "a question ends with its command");
}

#[test]
fn help_opens_searches_scrolls_and_closes() {
    let mut app = app(80, 24, busy());
    press(&mut app, "?");
    assert_eq!(mode(&app), Mode::Help);
    press(&mut app, "'undo");
    assert!(!text(&app, &Theme::DEFAULT, 80, 24).contains("Complete the word"));
    press(&mut app, "backspace backspace backspace backspace end");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("unknown or nothing yet; never a way to write 0"));
    press(&mut app, "esc");
    assert_eq!(mode(&app), Mode::Prompt);
    press(&mut app, "alt-3 ? alt-1");
    assert_eq!(mode(&app), Mode::Pane(Pane::Pool));
}

#[test]
fn keys_that_take_letters_back_do_so_wherever_words_are_typed() {
    for (way, head) in [("f1", "search: "), ("alt-4 /", " / "), ("alt-/", " find: "), ("ctrl-r", "'")] {
        let after = |keys: &str| {
            let mut app = app(80, 24, busy());
            press(&mut app, &format!("{way} 'one_two_é {keys}"));
            let shown = text(&app, &Theme::DEFAULT, 80, 24);
            let line = shown.lines().find(|line| line.contains(head)).unwrap_or_default();
            let typed = line.split(head).nth(1).unwrap_or_default();
            typed.split("  ").next().unwrap_or_default().trim_end_matches(['\'', ':', ' ', '━']).to_owned()
        };
        assert_eq!(after("backspace backspace backspace"), "one tw", "{way}");
        assert_eq!(after("ctrl-w ctrl-w"), "one", "{way}");
        assert!(!after("ctrl-u").contains("one"), "{way}");
    }
}

#[test]
fn ctrl_z_suspends_from_anywhere() {
    let mut app = app(80, 24, busy());
    assert_eq!(press(&mut app, "ctrl-z"), [Effect::Suspend]);
    assert_eq!(press(&mut app, "alt-4 ctrl-z"), [Effect::Suspend]);
}

#[test]
fn words_are_looked_for_in_the_output_from_the_last_line_up_and_round() {
    let mut app = app(80, 24, busy());
    let lines = (0..500).map(|at| (Kind::Reply, format!("line {at}"))).collect();
    app.hear(Said::Lines(lines));
    let shown = |app: &App| text(app, &Theme::DEFAULT, 80, 24);
    press(&mut app, "'half alt-/ 'line_12");
    assert_eq!(mode(&app), Mode::Find);
    assert!(shown(&app).contains("find: line 12  1 of 11 lines"), "{}", shown(&app));
    assert!(shown(&app).contains("line 129"));
    press(&mut app, "backspace '9_ backspace");
    assert!(shown(&app).contains("find: line 19  1 of 11 lines"), "{}", shown(&app));
    press(&mut app, "enter n n");
    assert_eq!(mode(&app), Mode::Read);
    assert!(shown(&app).contains("3 of 11 lines") && shown(&app).contains("line 197"));
    assert!(shown(&app).contains("↓ "), "{}", shown(&app));
    press(&mut app, "N");
    assert!(shown(&app).contains("2 of 11 lines"));
    press(&mut app, "home");
    assert!(shown(&app).contains("line 0\n") || shown(&app).contains("SET user:1"), "{}", shown(&app));
    app.hear(Said::Lines(vec![(Kind::Reply, "new".to_owned())]));
    assert!(shown(&app).contains("SET user:1 ada"), "new lines do not move what is read");
    press(&mut app, "end");
    assert!(shown(&app).contains("line 499"));
    press(&mut app, "q");
    assert_eq!(mode(&app), Mode::Prompt);
    assert_eq!(press(&mut app, "enter"), [Effect::Remember("half".to_owned()), run("half")], "it was kept");
}

#[test]
fn the_first_key_of_a_sequence_shows_what_may_follow_and_another_key_is_dropped() {
    let mut app = app(80, 24, busy());
    let footer = |app: &App| text(app, &Theme::DEFAULT, 80, 24).lines().last().unwrap_or_default().to_owned();
    let before = footer(&app);
    assert_eq!(press(&mut app, "ctrl-x"), []);
    assert!(footer(&app).starts_with(" Ctrl-X …  Ctrl-E "), "{}", footer(&app));
    // Neither typed nor done, and the sequence is over.
    assert_eq!(press(&mut app, "g"), []);
    assert_eq!(footer(&app), before);
    press(&mut app, "'GET ctrl-x ctrl-a 'X");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("> GETX"));
    press(&mut app, "ctrl-x");
    app.update(Action::Paste("Y".to_owned()));
    press(&mut app, "ctrl-a 'Z");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("> ZGETXY"));
}

/// An app in which much has happened, so that every key finds something to do somewhere.
fn lived_in(editing: Editing, replay: bool) -> App {
    let facts = Facts {
        target: "127.0.0.1:6379".to_owned(),
        interval: Duration::from_secs(1),
        history: vec!["GET user:1".to_owned(), "GET user:2".to_owned()],
        editing,
        replay,
        ..Facts::default()
    };
    let mut app = App::new(facts, Arc::new(Words), Size { width: 80, height: 24 });
    let mut snapshot = busy();
    for copy in 0..40 {
        let mut row = ConnectionRow::clone(&snapshot.connections[0]);
        row.id = ConnId(100 + copy);
        snapshot.connections.push(Arc::new(row));
        let mut lint = LintRow::clone(&snapshot.lints[0]);
        lint.about = About::Connection(PoolId(0), ConnId(100 + copy));
        snapshot.lints.push(Arc::new(lint));
    }
    snapshot.events = snapshot.events.iter().cloned().cycle().take(60).enumerate().map(later).collect();
    app.take(Arc::new(snapshot));
    app.hear(Said::Lines((0..100).map(|at| (Kind::Reply, format!("word {at}."))).collect()));
    app
}

fn later((at, event): (usize, EventRow)) -> EventRow {
    EventRow { at: Stamp(event.at.0 + at as u64), ..event }
}

/// Ways into every place that has keys of its own, and to its middle, where a step either way is one.
const WAYS: [&str; 36] = [
    "",
    "pgup pgup",
    "'GET_user",
    "'one_two_three alt-b",
    "'ab_cd left",
    "'one_two ctrl-w 'three ctrl-w ctrl-y",
    "'one_two ctrl-k ctrl-w",
    "up",
    "up up",
    "'GE tab",
    "'GE tab tab",
    "ctrl-r 'GET",
    "ctrl-r 'user",
    "alt-/ 'word",
    "alt-/ 'word up",
    "alt-/ 'word up enter",
    "alt-/ 'word up up up enter pgup",
    "alt-1",
    "alt-2",
    "alt-3",
    "alt-4",
    "alt-4 pgdn pgdn",
    "alt-4 / 'GET",
    "alt-4 / 'GET enter",
    "alt-4 / 'id>5_state:use down",
    "alt-4 enter",
    "alt-4 enter pgdn",
    "alt-4 down down enter",
    "alt-5 down",
    "alt-6",
    "alt-6 down down",
    "alt-4 K",
    "f1",
    "f1 pgdn pgdn",
    "f1 'a",
    "f1 'a_b",
];

/// The same of a watch.
fn watched_long(replay: bool) -> App {
    let mut snapshot = several();
    watch::add(&mut snapshot, (0..40).map(|at| client(1_000 + at, 50 + at, 5, |_| {})));
    snapshot.lints = snapshot.lints.iter().cloned().cycle().take(40).collect();
    snapshot.events = snapshot.events.iter().cloned().cycle().take(60).enumerate().map(later).collect();
    watch::with(Facts { replay, ..Facts::default() }, 80, 24, snapshot)
}

/// Ways into every place of a watch.
const WATCH_WAYS: [&str; 22] = [
    "",
    "g n",
    "g r",
    "g r pgdn pgdn",
    "g r enter pgdn",
    "g r down down enter",
    "g r / 'idle>1 enter",
    "g r K",
    "g r K 'ab",
    "enter",
    "enter down enter",
    "1",
    "2",
    "2 down",
    "2 enter",
    "4",
    "4 down down",
    "/ 'python_sidekiq",
    "g r / 'id>5_idle>1 down",
    "f1",
    "f1 pgdn pgdn",
    "f1 'a_b",
];

/// The same of an app's own pools.
fn inside_long(scene: Scene, replay: bool) -> App {
    let mut snapshot = shop();
    snapshot.lints = snapshot.lints.iter().cloned().cycle().take(40).collect();
    snapshot.events = snapshot.events.iter().cloned().cycle().take(60).enumerate().map(later).collect();
    let scene = if replay { Scene::Pool } else { scene };
    inside::with(Facts { replay, scene, ..Facts::default() }, 80, 24, snapshot)
}

/// Ways into every place of an app's screen.
const INSIDE_WAYS: [&str; 26] = [
    "",
    "f1 pgdn pgdn",
    "3 enter pgdn",
    "down down",
    "down o",
    "o down",
    "enter",
    "down enter",
    "down down enter pgdn",
    "2",
    "2 down",
    "3",
    "3 pgdn",
    "3 enter",
    "3 down enter pgdn",
    "3 / 'held>1",
    "3 / 'held>1 enter",
    "4",
    "4 down enter",
    "4 down down",
    "5",
    "5 down down enter",
    "/ 'carts_!x down",
    "alt-6",
    "f1",
    "f1 pgdn 'a_b",
];

/// All that a person could tell one moment from another by.
fn seen(app: &App) -> (Context, Buffer, Option<Position>) {
    let area = Rect { x: 0, y: 0, width: 80, height: 24 };
    let mut buf = Buffer::empty(area);
    let cursor = view::screen(app, &Theme::DEFAULT, area, &mut buf);
    (app.context(), buf, cursor)
}

/// Whether a key does what its row says, and that can be told, on some way.
fn is_alive(binding: &Binding, place: usize, key: Sequence) -> bool {
    let pools = [(Editing::Emacs, false), (Editing::Vi, false), (Editing::Emacs, true)];
    let of_pool = || {
        let ways = pools.into_iter().flat_map(|from| WAYS.iter().map(move |way| (from, way)));
        ways.map(|((editing, replay), way)| (lived_in(editing, replay), *way))
    };
    let of_watch = || {
        let ways =
            [false, true].into_iter().flat_map(|replay| WATCH_WAYS.iter().map(move |way| (replay, way)));
        ways.map(|(replay, way)| (watched_long(replay), *way))
    };
    let of_app = || {
        let apps = [(Scene::Run, false), (Scene::Attach, false), (Scene::Attach, true)];
        let ways = apps.into_iter().flat_map(|from| INSIDE_WAYS.iter().map(move |way| (from, way)));
        ways.map(|((scene, replay), way)| (inside_long(scene, replay), *way))
    };
    // Not all for each key: nearly all are alive where a pool is.
    let watch = When::exists(binding.when, &watched_long(false).context());
    let app = [Scene::Run, Scene::Attach].map(|scene| inside_long(scene, false).context());
    let app = app.iter().any(|context| binding.when.exists(context));
    of_pool().any(|(app, way)| does(app, way, binding, place, key))
        || (watch && of_watch().any(|(app, way)| does(app, way, binding, place, key)))
        || (app && of_app().any(|(app, way)| does(app, way, binding, place, key)))
}

fn does(mut app: App, way: &str, binding: &Binding, place: usize, key: Sequence) -> bool {
    let wanted = match &binding.run {
        Do::Act(action) => action.clone(),
        Do::FocusNumbered(scene) => Action::Focus(scene.panes()[place]),
    };
    if !way.is_empty() {
        press(&mut app, way);
    }
    // No key asks it: a command does.
    if binding.when == When::Confirm && app.context().mode != Mode::Confirm {
        app.hear(Said::AskWord("Go on?".to_owned(), "word".to_owned()));
        press(&mut app, "'ab");
    }
    if !binding.when.holds(&app.context()) {
        return false;
    }
    let keys = Keys::default();
    let (pending, last) = match key.second {
        Some(second) => (Some(key.first), second),
        None => (None, key.first),
    };
    if keys.resolve(pending, last, &app.context()) != Meaning::Do(wanted) {
        return false;
    }
    let before = seen(&app);
    let mut effects = Vec::new();
    for chord in [Some(key.first), key.second].into_iter().flatten() {
        effects.extend(app.press(chord).unwrap_or_default());
    }
    !effects.is_empty() || seen(&app) != before
}

#[test]
fn every_key_in_the_table_is_reached_and_does_something_that_can_be_told() {
    let mut dead = Vec::new();
    for binding in TABLE {
        for (place, key) in binding.keys.iter().enumerate() {
            let sequence: Sequence = key.parse().unwrap();
            if !is_alive(binding, place, sequence) {
                dead.push(format!("{key} {:?}: {}", binding.when, binding.help));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_key_in_the_table_is_found_in_the_help_by_its_own_words() {
    for row in Keys::default().rows() {
        let editing = if row.when == When::Inserting { Editing::Vi } else { Editing::Emacs };
        let mut app = lived_in(editing, false);
        if !row.when.exists(&app.context()) {
            app = watched_long(false);
        }
        for scene in [Scene::Run, Scene::Attach] {
            if !row.when.exists(&app.context()) {
                app = inside_long(scene, false);
            }
        }
        app.resize(Size { width: 140, height: 40 });
        press(&mut app, "f1");
        app.update(Action::Paste(row.help.to_owned()));
        let shown = text(&app, &Theme::DEFAULT, 140, 40);
        let label = row.label();
        let first = label.split(' ').next().unwrap_or_default();
        let found =
            shown.lines().any(|line| line.contains(row.help) && line.contains(&format!("   {first}")));
        assert!(found, "{label} {:?}\n{shown}", row.help);
    }
}

#[test]
fn every_key_of_a_watch_is_alive_in_one() {
    let context = watched_long(false).context();
    let mut dead = Vec::new();
    for binding in TABLE.iter().filter(|binding| binding.when.exists(&context)) {
        for (place, key) in binding.keys.iter().enumerate() {
            let sequence: Sequence = key.parse().unwrap();
            // Only a replay has its keys, and a live watch those that act.
            let alive = [false, true].into_iter().any(|replay| {
                WATCH_WAYS.iter().any(|way| does(watched_long(replay), way, binding, place, sequence))
            });
            if !alive {
                dead.push(format!("{key} {:?}: {}", binding.when, binding.help));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_key_of_an_apps_screen_is_alive_in_one() {
    let mut dead = Vec::new();
    for scene in [Scene::Run, Scene::Attach] {
        let context = inside_long(scene, false).context();
        for binding in TABLE.iter().filter(|binding| binding.when.exists(&context)) {
            for (place, key) in binding.keys.iter().enumerate() {
                let sequence: Sequence = key.parse().unwrap();
                // Only a replay has its keys.
                let alive = [false, true].into_iter().any(|replay| {
                    INSIDE_WAYS
                        .iter()
                        .any(|way| does(inside_long(scene, replay), way, binding, place, sequence))
                });
                // A question is asked by who runs the app.
                if !alive && !matches!(binding.when, When::Ask) {
                    dead.push(format!("{key} {:?}: {}", binding.when, binding.help));
                }
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn help_begins_with_what_works_where_it_is_opened_and_explains_words_and_filters() {
    let mut app = app(80, 24, busy());
    let first = |app: &App| text(app, &Theme::DEFAULT, 80, 24).lines().nth(1).unwrap_or_default().to_owned();
    press(&mut app, "f1");
    assert!(first(&app).contains("in the empty prompt"));
    press(&mut app, "esc alt-4 ?");
    assert!(first(&app).contains("in a pane"), "{}", first(&app));
    press(&mut app, "esc enter ?");
    assert!(first(&app).contains("in details"), "{}", first(&app));
    for (words, found) in [
        ("'borrower", "who has the lease"),
        ("'total,_size", "connections that exist now"),
        ("'durations", "held>5s"),
        ("'connections_have", "id server state held"),
        ("'double", "shows the row in full"),
        ("'how_to_filter", "! turns a term round"),
    ] {
        let mut app = tui_support::app(80, 24, busy());
        press(&mut app, &format!("? {words}"));
        let shown = text(&app, &Theme::DEFAULT, 80, 24);
        assert!(shown.contains(found), "{words}\n{shown}");
    }
}

#[test]
fn a_resize_gives_the_keys_to_nobody_else_and_who_has_them_is_in_sight() {
    for size in [Size { width: 40, height: 10 }, Size { width: 20, height: 5 }, Size { width: 20, height: 3 }]
    {
        let mut app = app(80, 24, busy());
        press(&mut app, "alt-4");
        app.resize(size);
        assert_eq!(mode(&app), Mode::Pane(Pane::Connections));
        let shown = text(&app, &Theme::DEFAULT, size.width, size.height);
        let footer = shown.lines().last().unwrap_or_default();
        assert!(shown.starts_with("━ 4 conn") && footer.starts_with(" : prompt"), "{shown}");
        assert!(footer.contains("? help"), "{shown}");
        // What a person types in a pane never comes to the server by a resize.
        press(&mut app, "K");
        assert_eq!(mode(&app), Mode::Ask);
        assert_eq!(press(&mut app, "n 'x enter esc"), []);
        assert!(app.context().empty);
        // And back: what is typed stays with the prompt.
        press(&mut app, ": 'PI");
        app.resize(Size { width: 80, height: 24 });
        app.resize(size);
        assert_eq!(press(&mut app, "'NG enter").last(), Some(&run("PING")));
        press(&mut app, "esc");
        assert_eq!(mode(&app), Mode::Pane(Pane::Connections), "Esc leaves the prompt at any size");
    }
}

#[test]
fn every_pane_is_reached_on_a_screen_for_one() {
    for (width, height) in [(40, 10), (20, 5), (59, 12)] {
        for (at, pane) in Pane::POOL.into_iter().enumerate().filter(|(_, pane)| *pane != Pane::Shell) {
            let mut app = app(width, height, busy());
            press(&mut app, &format!("alt-{}", at + 1));
            let screen = text(&app, &Theme::DEFAULT, width, height);
            assert!(screen.starts_with(&format!("━ {} {}", at + 1, &pane.name()[..4])), "{screen}");
            press(&mut app, "p");
            let screen = text(&app, &Theme::DEFAULT, width, height);
            assert!(screen.lines().next().is_some_and(|line| line.ends_with(" PAUSED")), "{screen}");
        }
    }
}

#[test]
fn where_nothing_shows_only_keys_that_cancel_and_end_mean_anything() {
    let mut app = app(80, 24, busy());
    press(&mut app, "'GET");
    app.resize(Size { width: 19, height: 3 });
    assert_eq!(press(&mut app, "'_x enter alt-4 esc f1"), []);
    app.update(Action::Paste("FLUSHALL\n".to_owned()));
    app.resize(Size { width: 80, height: 24 });
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("> GET"), "as it was typed");
    app.resize(Size { width: 1, height: 1 });
    assert_eq!(press(&mut app, "ctrl-z"), [Effect::Suspend]);
    assert_eq!(press(&mut app, "ctrl-d"), [Effect::Quit]);
    press(&mut app, "ctrl-c");
    app.resize(Size { width: 80, height: 24 });
    assert!(!text(&app, &Theme::DEFAULT, 80, 24).contains("> GET"), "cleared");
}

#[test]
fn a_question_is_read_whole_before_it_is_answered() {
    let mut app = app(30, 8, busy());
    app.hear(Said::Ask("FLUSHALL deletes every key of every database: do it?".to_owned()));
    let shown = text(&app, &Theme::DEFAULT, 30, 8);
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert!(
        words.join(" ").contains("FLUSHALL deletes every key of every database: do it? (y/N)"),
        "{shown}"
    );
}

#[test]
fn a_frozen_screen_names_the_key_that_goes_on_wherever_one_is() {
    let mut app = app(80, 24, busy());
    press(&mut app, "alt-4 'p");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("PAUSED  0.0 s ago, p resumes"));
    press(&mut app, "'q");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains(", Alt-z resumes"));
    press(&mut app, "alt-z");
    assert!(!text(&app, &Theme::DEFAULT, 80, 24).contains("PAUSED"));
    press(&mut app, "f8");
    assert!(text(&app, &Theme::DEFAULT, 80, 24).contains("PAUSED"));
}
