//! Keys of a watch to effects, with no terminal: grouping, going into a group and out, to what a lint speaks of, and
//! closing clients by a word that is typed.

mod tui_support;

use std::sync::Arc;

use redis_pooltop::event::{Exact, NodeId};
use redis_pooltop::snapshot::{ClientRow, Snapshot};
use redis_pooltop::tui::action::{Action, Effect};
use redis_pooltop::tui::app::{App, Facts};
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use tui_support::watch::{self, add, change, client, keep, several, watched, watching};
use tui_support::{press, text};

fn screen(app: &App) -> String {
    text(app, &Theme::DEFAULT, 80, 24)
}

fn opened(keys: &str) -> App {
    let mut app = watching(80, 24, watched());
    press(&mut app, keys);
    app
}

/// The row that is selected.
fn selected(app: &App) -> String {
    let cells = tui_support::buffer(app, &Theme::DEFAULT, 80, 24);
    let reversed = |y: &u16| cells[(40, *y)].modifier.contains(ratatui::style::Modifier::REVERSED);
    let row = (0..24).find(reversed).expect("a row is selected");
    screen(app).lines().nth(usize::from(row)).unwrap_or_default().to_owned()
}

fn kills(effects: &[Effect]) -> Vec<u64> {
    let clients = effects.iter().filter_map(|effect| match effect {
        Effect::Kill(clients) => Some(clients.iter().map(|(_, client)| client.id)),
        _ => None,
    });
    clients.flatten().collect()
}

#[test]
fn g_and_a_letter_group_and_the_footer_lists_them() {
    let mut app = opened("g");
    let footer = screen(&app).lines().last().unwrap_or_default().to_owned();
    for entry in ["g …", "p process", "n name", "x prefix", "l library", "u user", "a address"] {
        assert!(footer.contains(entry), "{entry} in {footer}");
    }
    for (key, by, row) in [
        ("n", "by name", "queue "),
        ("x", "by prefix", "web "),
        ("l", "by library", "redis-py 5.2.1"),
        ("u", "by user", "jobs"),
        ("a", "by address", "10.0.0.7"),
        ("s", "by server", "127.0.0.1:6379"),
        ("p", "by process", "sidekiq 977"),
    ] {
        press(&mut app, &format!("esc g {key}"));
        let shown = screen(&app);
        assert!(shown.contains(&format!("3 clients {by} ·")) && shown.contains(row), "{by}\n{shown}");
    }
    press(&mut app, "g g");
    assert!(screen(&app).contains("3 clients by name ·"));
}

#[test]
fn g_g_goes_round_and_passes_by_the_server_where_there_is_one() {
    let round = |snapshot: Snapshot| {
        let mut app = watching(80, 24, snapshot);
        let mut seen = Vec::new();
        for _ in 0..8 {
            let title =
                screen(&app).lines().find(|line| line.contains("3 clients")).unwrap_or_default().to_owned();
            let by = title.split("by ").nth(1).map_or("none", |by| by.split(' ').next().unwrap_or_default());
            seen.push(by.to_owned());
            press(&mut app, "g g");
        }
        seen
    };
    let one = ["process", "name", "prefix", "library", "user", "address", "none", "process"];
    assert_eq!(round(watched()), one);
    let more = ["process", "name", "prefix", "library", "user", "address", "server", "none"];
    assert_eq!(round(several()), more);
}

#[test]
fn enter_goes_into_a_group_and_esc_or_backspace_back_to_it() {
    for back in ["esc", "backspace"] {
        let mut app = opened("down enter");
        let shown = screen(&app);
        assert!(shown.contains("clients of process sidekiq 977"), "{shown}");
        assert!(shown.contains("200 blocked") && !shown.contains("web-1"), "{shown}");
        press(&mut app, back);
        assert!(screen(&app).contains("by process · 5 "));
        assert!(selected(&app).contains("sidekiq 977"), "{}", selected(&app));
    }
}

#[test]
fn until_a_person_has_moved_the_first_row_is_selected_whichever_comes_to_be_it() {
    let mut early = watched();
    let rows: Vec<ClientRow> =
        early.clients.iter().map(|row| ClientRow { whose: None, ..ClientRow::clone(row) }).collect();
    keep(&mut early, |_| false);
    add(&mut early, rows.into_iter());
    let mut app = watching(80, 24, early);
    assert!(selected(&app).contains("not known yet"), "{}", selected(&app));
    // Some processes are known before others: the row of those that are not is another by then.
    let mut half = watched();
    let unknown = |row: ClientRow| ClientRow { whose: row.whose.filter(|_| row.client.id < 200), ..row };
    let rows: Vec<ClientRow> = half.clients.iter().map(|row| unknown(ClientRow::clone(row))).collect();
    keep(&mut half, |_| false);
    add(&mut half, rows.into_iter());
    app.take(Arc::new(half));
    app.take(Arc::new(watched()));
    let first = selected(&watching(80, 24, watched()));
    assert_eq!(selected(&app), first);
    press(&mut app, "down");
    let chosen = selected(&app);
    assert!(chosen.contains("sidekiq 977"), "{chosen}");
    let mut fewer = watched();
    keep(&mut fewer, |row| row.process().is_some_and(|process| process.pid == 977));
    app.take(Arc::new(fewer));
    assert!(selected(&app).contains("sidekiq 977"), "{}", selected(&app));
    app.take(Arc::new(watched()));
    assert_eq!(selected(&app), chosen, "it is kept to from then on");
}

#[test]
fn esc_clears_a_filter_before_it_leaves_a_group() {
    let mut app = opened("enter / 'web-1$ enter");
    assert!(screen(&app).contains("· 1 of 12 /web-1$"), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains(" · 12 "), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains("by process · 5 "));
    press(&mut app, "esc");
    assert_eq!(app.context().mode, Mode::Pane(Pane::Clients), "there is nowhere else to go");
}

#[test]
fn another_group_begins_without_the_filter_of_the_one_before() {
    let app = opened("enter / 'web-1$ enter backspace down enter");
    assert!(screen(&app).contains("0 … · 3 "), "{}", screen(&app));
}

#[test]
fn a_filter_of_groups_is_about_their_clients() {
    let mut app = opened("/ 'id<106 enter");
    let shown = screen(&app);
    assert!(shown.contains("by process · 1 of 5 /id<106") && shown.contains("6 of 12"), "{shown}");
    // What is opened keeps it, and so do other groups.
    press(&mut app, "enter");
    assert!(screen(&app).contains("· 6 of 12 /id<106"), "{}", screen(&app));
    press(&mut app, "backspace g u");
    let shown = screen(&app);
    assert!(shown.contains("by user · 1 of ") && shown.contains("6 of "), "{shown}");
    press(&mut app, "g r");
    assert!(screen(&app).contains("6 of 18 /id<106"), "{}", screen(&app));
}

#[test]
fn a_groups_clients_that_the_filter_leaves_out_are_not_closed() {
    for how in ["K", "X"] {
        let mut app = opened(&format!("/ 'id<106 enter {how}"));
        let shown = screen(&app);
        let asked = match how {
            "K" => "Type 6 to close 6 clients of the 12 of python3 4411",
            _ => "Type 6 to close the 6 clients that the filter leaves",
        };
        assert!(shown.contains(asked), "{shown}");
        assert_eq!(kills(&press(&mut app, "'6 enter")), (100..106).collect::<Vec<_>>());
    }
}

#[test]
fn a_filter_that_leaves_a_whole_group_is_not_worth_a_word_when_it_is_closed() {
    let app = opened("/ 'count>10 enter K");
    let shown = screen(&app);
    assert!(shown.contains("Type 12 to close 12 clients of python3 4411"), "{shown}");
}

#[test]
fn what_only_groups_have_is_of_the_whole_group() {
    let mut app = opened("/ 'count>10_id<106 enter");
    assert!(screen(&app).contains("6 of 12"), "{}", screen(&app));
    press(&mut app, "esc / 'count<10_id<106 enter");
    assert!(screen(&app).contains("the filter leaves none"), "{}", screen(&app));
}

#[test]
fn a_group_that_is_gone_says_so_and_lets_go() {
    let mut app = opened("down enter");
    let mut later = watched();
    keep(&mut later, |row| !(200..300).contains(&row.client.id));
    app.take(Arc::new(later));
    assert!(screen(&app).contains("none of this group is left"), "{}", screen(&app));
    press(&mut app, "esc");
    assert!(screen(&app).contains("by process · 4 "));
}

#[test]
fn a_lint_leads_to_its_group_or_into_the_group_of_its_client() {
    let mut app = opened("down 2 o");
    assert_eq!(app.context().mode, Mode::Pane(Pane::Clients));
    assert!(selected(&app).contains("python3 4411"), "{}", selected(&app));
    press(&mut app, "2 down o");
    assert!(screen(&app).contains("clients of process redis-cli 5120 · 1 "), "{}", screen(&app));
    assert!(selected(&app).contains("310 transaction"), "{}", selected(&app));
    press(&mut app, "g r / 'web enter 2 enter j o");
    assert!(
        selected(&app).contains("310 transaction"),
        "a filter that hides it is cleared: {}",
        selected(&app)
    );
    let mut gone = watched();
    keep(&mut gone, |row| row.client.id != 310);
    app.take(Arc::new(gone));
    press(&mut app, "2 o");
    assert!(screen(&app).contains("it is gone"), "{}", screen(&app));
}

#[test]
fn closing_wants_the_number_typed_and_takes_no_other_word() {
    for word in ["y", "yes", "13", "1", ""] {
        let mut app = opened("K");
        let shown = screen(&app);
        assert!(
            shown.contains("Type 12 to close 12 clients of python3 4411  /srv/shop/worker.py --poo"),
            "{shown}"
        );
        let typed = if word.is_empty() { "enter".to_owned() } else { format!("'{word} enter") };
        assert_eq!(press(&mut app, &typed), [], "{word}");
        assert!(screen(&app).contains("nothing is closed: that was not 12"), "{}", screen(&app));
    }
    let mut app = opened("K '12 esc");
    assert_eq!(press(&mut app, "enter"), [], "Esc is a no, and Enter opens the group again");
    let mut app = opened("K");
    let killed = press(&mut app, "'12 enter");
    assert_eq!(kills(&killed), (100..112).collect::<Vec<_>>());
    app.hear(Said::Noted(Kind::Note, "closed 11, 1 was already gone".to_owned()));
    assert!(screen(&app).contains("closed 11, 1 was already gone"), "{}", screen(&app));
}

#[test]
fn who_is_asked_about_is_closed_whoever_came_since() {
    let mut app = opened("K");
    let mut later = watched();
    add(&mut later, std::iter::once(client(900, 0, 0, |_| {})));
    keep(&mut later, |row| row.client.id != 100);
    app.take(Arc::new(later));
    assert_eq!(kills(&press(&mut app, "'12 enter")), (100..112).collect::<Vec<_>>());
}

/// The closing of a client of the everyday snapshot.
fn killed(id: u64) -> Effect {
    let snapshot = watched();
    let row = snapshot.clients.iter().find(|row| row.client.id == id).expect("a client");
    Effect::Kill(vec![(NodeId(0), Exact::from(&*row.client))])
}

#[test]
fn one_client_is_named_and_its_id_is_the_word() {
    let mut app = opened("g r / 'id=310 enter K");
    let shown = screen(&app);
    assert!(shown.contains("Type 310 to close client 310 of redis-cli 5120:"), "{shown}");
    assert_eq!(press(&mut app, "'310 enter"), [killed(310)]);
    let mut app = opened("g r / 'id=310 enter enter K");
    assert_eq!(press(&mut app, "'310 enter"), [killed(310)], "from its details too");
}

#[test]
fn all_that_are_shown_are_closed_but_never_our_own() {
    let mut app = opened("g r / 'idle<20 enter X");
    let shown = screen(&app);
    let asked = "Type 5 to close the 5 clients that the filter leaves, but not our own:";
    assert!(shown.contains(asked), "{shown}");
    let mut killed = kills(&press(&mut app, "'5 enter"));
    killed.sort_unstable();
    assert_eq!(killed, [200, 201, 202, 300, 310]);
    let mut app = opened("/ 'process:sidekiq|redis enter X");
    let mut killed = kills(&press(&mut app, "'4 enter"));
    killed.sort_unstable();
    assert_eq!(killed, [200, 201, 202, 310], "the clients in groups that the filter leaves");
    let mut app = opened("/ 'pooltop enter K");
    assert!(screen(&app).contains("this is our own connection"), "{}", screen(&app));
    assert_eq!(press(&mut app, "'1 enter"), []);
}

#[test]
fn a_screen_that_only_reads_and_a_replay_have_no_such_keys() {
    for facts in [Facts { read_only: true, ..Facts::default() }, Facts { replay: true, ..Facts::default() }] {
        for keys in ["", "enter", "enter enter", "g r"] {
            let mut app = watch::with(facts.clone(), 80, 24, watched());
            app.update(Action::Focus(Pane::Clients));
            if !keys.is_empty() {
                press(&mut app, keys);
            }
            let footer = screen(&app).lines().last().unwrap_or_default().to_owned();
            assert!(!footer.contains("kill"), "{footer}");
            assert_eq!(press(&mut app, "K"), []);
            assert_eq!(press(&mut app, "X f9"), []);
            assert!(!matches!(app.context().mode, Mode::Ask | Mode::Confirm));
            press(&mut app, "? 'kill");
            assert!(!screen(&app).contains("Kill"), "{}", screen(&app));
        }
    }
}

#[test]
fn q_ends_a_watch_and_nothing_leads_to_a_shell() {
    for keys in ["q", "1 q", "ctrl-d", "f10", "ctrl-c ctrl-c", "enter enter q q"] {
        let mut app = watching(80, 24, watched());
        assert_eq!(press(&mut app, keys), [Effect::Quit], "{keys}");
    }
    let mut app = opened(": 5 7 alt-7 esc f2 c");
    app.update(Action::Paste("FLUSHALL\n".to_owned()));
    assert_eq!(app.context().mode, Mode::Pane(Pane::Clients));
    assert!(!screen(&app).contains("FLUSHALL"));
}

#[test]
fn panes_are_reached_by_number_and_tab_goes_round_them() {
    for (width, height) in [(20, 5), (60, 13), (80, 24), (140, 40)] {
        for (at, name) in ["server", "lints", "clients", "events"].into_iter().enumerate() {
            let mut app = watching(width, height, watched());
            press(&mut app, &format!("{}", at + 1));
            let shown = text(&app, &Theme::DEFAULT, width, height);
            assert!(
                shown.contains(&format!("━ {} {}", at + 1, &name[..4])),
                "{name} at {width}x{height}\n{shown}"
            );
        }
    }
    let mut app = watching(140, 40, watched());
    let mut seen = Vec::new();
    for _ in 0..4 {
        press(&mut app, "tab");
        seen.push(app.context().mode);
    }
    assert_eq!(seen, [Pane::Events, Pane::Server, Pane::Lints, Pane::Clients].map(Mode::Pane));
}

#[test]
fn a_click_on_a_title_sorts_and_two_on_a_row_open_it() {
    use ratatui::layout::Position;
    let mut app = watching(80, 24, watched());
    let titles = screen(&app).lines().position(|line| line.contains("oldest")).unwrap() as u16;
    let x = screen(&app).lines().nth(usize::from(titles)).unwrap().find("oldest").unwrap() as u16;
    app.update(Action::Click(Position { x, y: titles }));
    assert!(screen(&app).contains("▼ oldest"), "{}", screen(&app));
    let row = screen(&app).lines().position(|line| line.contains("sidekiq")).unwrap() as u16;
    app.update(Action::Click(Position { x: 10, y: row }));
    app.update(Action::DoubleClick(Position { x: 10, y: row }));
    assert!(screen(&app).contains("clients of process sidekiq 977"), "{}", screen(&app));
}

#[test]
fn a_client_in_full_is_live_and_says_when_it_is_gone() {
    let mut app = opened("g r / 'id=310 enter enter");
    assert!(screen(&app).contains("transaction for") && screen(&app).contains("2 queued"));
    let mut gone = watched();
    keep(&mut gone, |row| row.client.id != 310);
    app.take(Arc::new(gone));
    let shown = screen(&app);
    assert!(shown.contains("client 310  of 127.0.0.1:6379, gone"), "{shown}");
    assert!(shown.contains("it is not connected any more"), "{shown}");
    assert_eq!(press(&mut app, "K '310 enter"), [], "nobody is there to be closed");
}

#[test]
fn what_there_is_to_know_from_the_start_is_said_until_a_key_is_pressed() {
    let facts = Facts { notices: vec!["CONFIG GET is refused".to_owned()], ..Facts::default() };
    let mut app = watch::with(facts, 80, 24, watched());
    assert!(screen(&app).contains("CONFIG GET is refused"));
    press(&mut app, "down");
    assert!(!screen(&app).contains("CONFIG GET is refused"));
}

#[test]
fn a_copied_row_has_every_field_that_is_known() {
    let mut app = opened("y");
    let copied = |effects: Vec<Effect>| match &effects[..] {
        [Effect::Copy(text)] => text.clone(),
        other => panic!("{other:?}"),
    };
    let group = copied(press(&mut app, "y"));
    assert!(
        group.contains("group python3 /srv/shop/worker.py --pool 50 (4411)") && group.contains("count 12"),
        "{group}"
    );
    let row = copied(press(&mut app, "enter y"));
    assert!(row.contains("id 100") && row.contains("addr 127.0.0.1:40100"), "{row}");
    let raw = copied(press(&mut app, "1 y"));
    assert!(raw.contains("connected_clients:18"), "{raw}");
}

#[test]
fn ten_thousand_clients_scroll_sort_and_filter_to_their_ends() {
    let mut many = watched();
    many.clients = (0..10_000).map(|at| Arc::new(client(at, at, at, |_| {}))).collect();
    change(&mut many, |node| node.connected = Some(10_000));
    let mut app = watching(80, 24, many);
    press(&mut app, "g r s S i G");
    assert!(screen(&app).contains("· 10,000 "), "{}", screen(&app));
    press(&mut app, "/ 'id>9990 enter");
    assert!(screen(&app).contains("· 9 of 10,000 "), "{}", screen(&app));
}
