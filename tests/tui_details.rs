//! One thing in full: what Enter shows in each pane, at every size, with good and with ugly facts.

mod tui_support;

use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::event::{CloseReason, ConnId, CreateSteps, Holder, PoolId, Stamp};
use redis_pooltop::report::{Screenful, markdown};
use redis_pooltop::snapshot::{ConnectionRow, EventRow, PastLease, RowState, ServerRow, Snapshot, What};
use redis_pooltop::tui::action::Effect;
use redis_pooltop::tui::app::App;
use redis_pooltop::tui::keymap::Mode;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::Said;
use redis_pooltop::tui::theme::Theme;
use tui_support::{ago, app, busy, press, text, ugly, unknown};

const SIZES: [(u16, u16); 3] = [(80, 24), (140, 40), (60, 13)];

fn screen(app: &App) -> String {
    text(app, &Theme::DEFAULT, 80, 24)
}

/// A busy pool with all that can be known of its first connection, and a raw reply.
fn full() -> Snapshot {
    let mut snapshot = busy();
    let row = Arc::make_mut(&mut snapshot.connections[0]);
    row.local = Some("127.0.0.1:51234".parse().unwrap());
    row.steps = Some(CreateSteps {
        dial: Duration::from_micros(210),
        tls: Some(Duration::from_micros(1_900)),
        handshake: Duration::from_micros(190),
    });
    if let RowState::InUse { holder, pinned, .. } = &mut row.state {
        holder.task = Some(17);
        *pinned = Some("WATCH".into());
    }
    info(&mut snapshot, &[("connected_clients", "14"), ("maxclients", "10000"), ("blocked_clients", "6")]);
    snapshot
}

fn info(snapshot: &mut Snapshot, fields: &[(&str, &str)]) {
    let lines: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
    snapshot.server = Arc::new(ServerRow {
        raw: format!("# Clients\r\n{}", lines.concat()).into(),
        clients: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..ServerRow::clone(&snapshot.server)
    });
}

fn opened(keys: &str, snapshot: Snapshot, width: u16, height: u16) -> App {
    let mut app = app(width, height, snapshot);
    press(&mut app, keys);
    app
}

#[test]
fn everything_that_is_known_of_a_row() {
    for (name, keys) in [
        ("connection", "alt-4 enter"),
        ("available", "alt-4 G enter"),
        ("lint", "alt-5 enter"),
        ("event", "alt-6 enter"),
        ("info", "alt-3 enter"),
    ] {
        for (width, height) in SIZES {
            let app = opened(keys, full(), width, height);
            let shown = text(&app, &Theme::DEFAULT, width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    }
}

#[test]
fn ugly_and_unknown_facts() {
    for (width, height) in SIZES {
        for (name, keys) in [("connection", "alt-4 enter"), ("lint", "alt-5 enter"), ("info", "alt-3 enter")]
        {
            let mut facts = ugly();
            info(&mut facts, &[("connected_clients", "\u{1b}[2J\u{202e}14"), ("漢字", "\u{7f}")]);
            let app = opened(keys, facts, width, height);
            let shown = text(&app, &Theme::DEFAULT, width, height);
            assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7f}']));
            insta::assert_snapshot!(format!("ugly_{name}_{width}x{height}"), shown);
        }
    }
    let app = opened("alt-4 enter", unknown(), 80, 24);
    insta::assert_snapshot!("unknown_connection_80x24", screen(&app));
    let app = opened("alt-3 enter", unknown(), 80, 24);
    assert!(screen(&app).contains("no reply yet"));
}

#[test]
fn enter_opens_where_there_is_something_and_esc_q_and_enter_close() {
    for (pane, opens) in [(1, false), (2, false), (3, true), (4, true), (5, true), (6, true)] {
        let mut app = opened(&format!("alt-{pane} enter"), full(), 80, 24);
        let is_open = matches!(app.context().mode, Mode::Details(_));
        assert_eq!(is_open, opens, "pane {pane}");
        if opens {
            for close in ["esc", "q", "enter"] {
                press(&mut app, close);
                assert!(matches!(app.context().mode, Mode::Pane(_)), "{close}");
                press(&mut app, "enter");
            }
        }
    }
    let mut app = opened("alt-6 enter", Snapshot::default(), 80, 24);
    assert_eq!(app.context().mode, Mode::Pane(Pane::Events), "nothing to show");
    press(&mut app, "alt-4 enter alt-1");
    assert_eq!(app.context().mode, Mode::Pane(Pane::Pool));
}

#[test]
fn j_and_k_go_from_row_to_row_and_stop_at_the_ends() {
    let mut app = opened("alt-4 enter", full(), 80, 24);
    let title = |app: &App| screen(app).lines().nth(1).unwrap_or_default().to_owned();
    assert!(title(&app).contains("connection #3  server id 118"));
    press(&mut app, "j");
    assert!(title(&app).contains("connection #5"));
    press(&mut app, "k k k");
    assert!(title(&app).contains("connection #3"));
    press(&mut app, "j j j j j j j j j j j j");
    assert!(title(&app).contains("connection #2"));
    press(&mut app, "esc");
    assert!(screen(&app).contains("#2 id 112"), "the list follows");
}

#[test]
fn details_are_live_and_say_when_their_row_is_gone() {
    let mut app = opened("alt-4 enter", full(), 80, 24);
    let mut later = full();
    Arc::make_mut(&mut later.connections[0]).uses = 4_321;
    app.take(Arc::new(later));
    assert!(screen(&app).contains("4,321"));
    let mut later = full();
    let gone = later.connections.remove(0);
    later.lints.clear();
    let closed = EventRow {
        at: ago(500),
        pool: Some(PoolId(0)),
        node: None,
        what: What::Closed(gone.id, CloseReason::Asked),
    };
    later.events = later.events.iter().cloned().chain([closed]).collect();
    app.take(Arc::new(later));
    let shown = screen(&app);
    assert!(
        shown.contains("connection #3  server id 118, gone") && shown.contains("closed: asked"),
        "{shown}"
    );
    assert!(shown.contains("\n held for    73.7 s, until it was closed\n"), "{shown}");
    for words in ["state ", "in use", "idle "] {
        assert!(!shown.contains(&format!("\n {words}")), "{words} goes on: {shown}");
    }
    press(&mut app, "j");
    assert!(screen(&app).contains("connection #5"), "the next row took its place");
}

#[test]
fn a_lint_that_clears_says_so() {
    let mut app = opened("alt-5 enter", full(), 80, 24);
    assert!(screen(&app).contains("holds now"));
    let mut later = full();
    later.lints.clear();
    app.take(Arc::new(later));
    assert!(screen(&app).contains("holds no longer"));
}

#[test]
fn info_shows_what_changed_since_it_was_last_looked_at() {
    let mut app = app(80, 24, full());
    let later = |fields: &[(&str, &str)]| {
        let mut snapshot = full();
        info(&mut snapshot, fields);
        Arc::new(snapshot)
    };
    app.take(later(&[("connected_clients", "19"), ("maxclients", "10000"), ("tracking_clients", "2")]));
    press(&mut app, "alt-3 enter");
    let shown = screen(&app);
    let line = |words: &str| shown.lines().any(|line| line.split_whitespace().eq(words.split(' ')));
    assert!(line("* connected_clients:19 was 14, +5"), "{shown}");
    assert!(line("maxclients:10000") && line("+ tracking_clients:2 new") && line("- blocked_clients:6 gone"));
    assert!(shown.contains("* + - changed since the reply of 0.3 s ago, 2026-09-21 14:13:19 UTC"), "{shown}");
    press(&mut app, "esc enter");
    assert!(!screen(&app).contains("was 14"), "seen is seen");
    assert!(screen(&app).contains("nothing has changed since the reply of 0.3 s ago"), "{}", screen(&app));
    app.take(later(&[("connected_clients", "3")]));
    assert!(screen(&app).contains("was 19, -16"), "{}", screen(&app));
}

#[test]
fn idle_is_counted_from_the_lease_and_says_what_it_means() {
    let idle = |active| {
        let mut snapshot = full();
        Arc::make_mut(&mut snapshot.connections[0]).last_active = ago(active);
        let shown = screen(&opened("alt-4 enter", snapshot, 80, 24));
        shown.lines().find(|line| line.starts_with(" idle ")).unwrap_or_default().to_owned()
    };
    assert_eq!(idle(500_000), " idle        74.2 s: nothing sent yet by its holder");
    assert_eq!(idle(2_000), " idle        2.0 s: nothing sent or received since");
    let available = screen(&opened("alt-4 G enter", full(), 80, 24));
    assert!(available.contains("\n idle        12.0 s\n"), "{available}");
}

fn past(nth: u64, since: u64, until: Option<u64>, label: &str, ran: Option<(u64, &str)>) -> PastLease {
    let holder = Holder { label: Some(label.into()), ..Holder::default() };
    let ran = ran.map(|(commands, last)| (commands, (commands > 0).then(|| last.into())));
    PastLease { since: ago(since), until: until.map(ago), holder, nth, ran }
}

#[test]
fn the_leases_before_are_listed_newest_first_with_what_is_known_of_each() {
    let mut snapshot = full();
    Arc::make_mut(&mut snapshot.connections[0]).past = [
        past(7, 90_000, Some(89_000), "worker-1", Some((12, "GET"))),
        past(8, 80_000, Some(79_970), "worker-2", Some((1, "SET"))),
        past(9, 79_000, Some(78_000), "idler", Some((0, ""))),
        past(90, 76_000, None, "\u{1b}[2Jworker-3", None),
    ]
    .into_iter()
    .collect();
    let shown = text(&opened("alt-4 enter", snapshot, 140, 60), &Theme::DEFAULT, 140, 60);
    let at = shown.lines().position(|line| line.starts_with(" leases ")).expect("leases");
    let lines: Vec<_> = shown.lines().skip(at).take(5).map(str::trim_end).collect();
    let expected = [
        " leases       90  76.0 s ago  \\x1b[2Jworker-3",
        "               9  78.0 s ago  for 1.0 s  no command  idler",
        "               8  79.9 s ago  for 30.0 ms  1 command, last SET  worker-2",
        "               7  89.0 s ago  for 1.0 s  12 commands, last GET  worker-1",
        "",
    ];
    assert_eq!(lines, expected, "{shown}");
}

#[test]
fn a_lease_that_was_left_behind_shows_that_and_its_stack() {
    let mut snapshot = full();
    if let RowState::InUse { holder, .. } = &mut Arc::make_mut(&mut snapshot.connections[0]).state {
        holder.ended = Some(ago(70_000));
        holder.stack = Some("app::fetch at ./src/jobs.rs:88:9\napp::main at ./src/main.rs:4:5".into());
    }
    let shown = screen(&opened("alt-4 enter", snapshot, 80, 24));
    assert!(shown.contains("\n taker       ended 70.0 s ago and left it behind\n"), "{shown}");
    assert!(shown.contains("\n stack       app::fetch at ./src/jobs.rs:88:9\n"), "{shown}");
    assert!(shown.contains("\n             app::main at ./src/main.rs:4:5\n"), "{shown}");
}

#[test]
fn closing_asks_first_and_runs_as_a_typed_line_does() {
    let mut app = opened("alt-4 K", full(), 80, 24);
    assert_eq!(app.context().mode, Mode::Ask);
    let shown = screen(&app);
    let asked = "Close #3? worker-2  jobs.rs:88 has it and gets an error (y/N)";
    assert!(shown.contains(asked), "{shown}");
    assert_eq!(press(&mut app, "n"), []);
    assert!(!screen(&app).contains("Close #3"));
    for (ended, label, said) in [
        (Some(ago(4_000)), "POOL LEAK 3", "Close #3? POOL LEAK 3  jobs.rs:88 took it and has ended (y/N)"),
        (None, "POOL HOLD 2 (by hand)", "Close #3? POOL HOLD 2 (by hand)  jobs.rs:88 has it (y/N)"),
    ] {
        let mut snapshot = full();
        if let RowState::InUse { holder, .. } = &mut Arc::make_mut(&mut snapshot.connections[0]).state {
            (holder.ended, holder.label) = (ended, Some(label.into()));
        }
        let shown = screen(&opened("alt-4 K", snapshot, 80, 24));
        assert!(shown.contains(said), "nobody gets an error: {shown}");
    }
    assert_eq!(press(&mut app, "K y"), [Effect::Run("POOL CLOSE 3".to_owned())]);
    assert!(screen(&app).contains("> POOL CLOSE 3"));
    let mut app = opened("alt-4 G enter K", full(), 60, 13);
    assert!(text(&app, &Theme::DEFAULT, 60, 13).contains("Close #2? Nobody has it (y/N)"));
    assert_eq!(press(&mut app, "y"), [Effect::Run("POOL CLOSE 2".to_owned())]);
    let mut app = opened("alt-5 K", full(), 80, 24);
    assert_eq!(press(&mut app, "y").len(), 1, "no question where there is no connection: y copies");
}

#[test]
fn what_is_copied_is_safe_bounded_and_said() {
    let copied = |keys: &str, snapshot| {
        let mut app = app(80, 24, snapshot);
        match &press(&mut app, keys)[..] {
            [Effect::Copy(text)] => (text.clone(), screen(&app)),
            other => panic!("{other:?}"),
        }
    };
    let (row, shown) = copied("alt-4 y", full());
    assert!(
        row.starts_with("id 3  server 118  state in use  held 74.2 s") && row.contains("create 2.30 ms"),
        "{row}"
    );
    assert!(shown.contains(&format!("copied {} bytes", row.len())), "{shown}");
    let (details, _) = copied("alt-4 enter y", full());
    assert!(
        details.contains("create      2.30 ms = dial 0.21 ms + TLS 1.90 ms + handshake 0.19 ms\n"),
        "{details}"
    );
    let (raw, _) = copied("alt-3 y", full());
    assert_eq!(raw, "# Clients\nconnected_clients:14\nmaxclients:10000\nblocked_clients:6\n");
    assert_eq!(copied("alt-3 enter y", full()).0, raw);
    assert!(copied("alt-5 y", full()).0.starts_with("leak: #3 out 74.2 s"));
    for keys in ["alt-4 y", "alt-4 enter y", "alt-5 y", "alt-6 y", "alt-6 enter y"] {
        let (text, _) = copied(keys, ugly());
        assert!(text.len() <= 48 << 10 && !text.contains(['\u{1b}', '\u{202e}']), "{keys}");
    }
    let mut long = full();
    info(&mut long, &[("x", &"漢".repeat(30_000))]);
    let (text, shown) = copied("alt-3 y", long);
    assert!(text.len() <= 48 << 10 && shown.contains("copied the first 49,1"), "{shown}");
    let mut app = app(80, 24, full());
    press(&mut app, "alt-4 y down");
    assert!(!screen(&app).contains("copied"), "until the next key");
}

#[test]
fn a_connection_of_another_pool_is_not_this_one() {
    let mut snapshot = full();
    let mut other = ConnectionRow::clone(&snapshot.connections[0]);
    other.id = ConnId(77);
    snapshot.connections.push(Arc::new(other));
    let app = opened("alt-4 / 'id:^77$ enter enter", snapshot, 80, 24);
    let shown = screen(&app);
    assert!(shown.contains("connection #77") && !shown.contains("out 74.2 s"), "{shown}");
}

#[test]
fn the_interval_has_steps_and_ends() {
    let mut app = app(80, 24, full());
    press(&mut app, "alt-4");
    assert_eq!(press(&mut app, "-"), [Effect::Interval(Duration::from_millis(500))]);
    assert!(screen(&app).contains("live 0.5 s"), "{}", screen(&app));
    press(&mut app, "- -");
    assert_eq!(press(&mut app, "-"), [], "it stays at its quickest");
    assert!(
        screen(&app).contains("live 0.1 s") && screen(&app).contains("every 0.1 s: no screen is quicker")
    );
    let slower = press(&mut app, "+ + + + + + + + + + + +");
    assert_eq!(slower.last(), Some(&Effect::Interval(Duration::from_secs(60))));
    assert_eq!(slower.len(), 8);
    assert!(screen(&app).contains("live 60 s"));
}

fn written(app: &mut App) -> Screenful {
    match press(app, "w").pop() {
        Some(Effect::Report(screen)) => *screen,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_has_what_is_on_the_screen() {
    let mut app = app(140, 50, full());
    press(&mut app, "'AUTH_hunter2 enter");
    app.hear(Said::Lines(vec![(Kind::Reply, "OK".to_owned())]));
    app.hear(Said::Ended);
    press(&mut app, "alt-4 / 'state:use enter i p");
    let mut later = full();
    later.as_of = Stamp(later.as_of.0 + 3_000_000_000);
    later.connections.clear();
    app.take(Arc::new(later));
    let screen = written(&mut app);
    assert_eq!(screen.frozen, Some(Duration::from_secs(3)));
    assert_eq!(screen.filter.as_deref(), Some("state:use"));
    let ids: Vec<u64> =
        screen.connections.iter().map(|at| screen.snapshot.connections[*at as usize].id.0).collect();
    assert_eq!(ids, [11, 10, 9, 8, 7, 5, 3], "the frozen rows, filtered and sorted");
    let text = markdown(&screen);
    assert!(
        text.contains("## Connections 7 of 9, filter `state:use`") && text.contains("AUTH ***"),
        "{text}"
    );
    assert!(!text.contains("hunter2"));
    press(&mut app, "z");
    assert!(written(&mut app).output.iter().any(|line| line.contains("AUTH ***")), "out of sight or not");
    app.hear(Said::Lines((0..5_000).map(|n| (Kind::Reply, format!("{n}) x"))).collect()));
    let screen = written(&mut app);
    assert_eq!((screen.output.len(), screen.output.last().map(String::as_str)), (200, Some("4999) x")));
    assert!(markdown(&screen).contains("## Shell, last 200 of 5,00"), "{}", markdown(&screen));
    app.hear(Said::Lines((0..9).map(|_| (Kind::Reply, "y".repeat(64 << 10))).collect()));
    assert_eq!(written(&mut app).output.len(), 4, "no more than 256 KiB");
    press(&mut app, "enter");
    assert!(written(&mut app).frozen.is_some(), "from the details too");
    app.hear(Said::Noted(Kind::Note, "report: /tmp/x.md and /tmp/x.json".to_owned()));
    assert!(text_of(&app).contains("report: /tmp/x.md"));
}

fn text_of(app: &App) -> String {
    text(app, &Theme::DEFAULT, 140, 50)
}
