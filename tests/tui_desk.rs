//! Lines run for the screen on a real session and the embedded server, with no terminal.

use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::command::Registry;
use redis_pooltop::command::history::{HistoryFile, configured};
use redis_pooltop::command::pipe::Pipes;
use redis_pooltop::command::session::Session;
use redis_pooltop::demo;
use redis_pooltop::event::Clock;
use redis_pooltop::hub::Hub;
use redis_pooltop::model::ModelOptions;
use redis_pooltop::net::ConnectOptions;
use redis_pooltop::pool::{PoolConfig, RedisPool};
use redis_pooltop::snapshot::RowState;
use redis_pooltop::tui::action::Loan;
use redis_pooltop::tui::desk::Desk;
use redis_pooltop::tui::output::Kind;
use redis_pooltop::tui::run::{Job, Runner, Said};
use tokio::sync::mpsc;

/// How long a test waits for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    desk: Desk,
    pool: RedisPool,
    hub: Hub,
    say: mpsc::Sender<Said>,
    said: mpsc::Receiver<Said>,
    _demo: demo::Server,
}

impl Bench {
    async fn start() -> Self {
        let demo = demo::Server::start().await.expect("the embedded server");
        let clock = Clock::start();
        let hub = Hub::start(clock, ModelOptions::default(), Duration::from_millis(50));
        let options = ConnectOptions::from_url(&demo.url()).expect("its address");
        let config = PoolConfig { max: 5, ..PoolConfig::default() };
        let pool = RedisPool::redis(options, config, clock, hub.tap());
        hub.attach(pool.pulse_source());
        let (mut session, news) = Session::new(pool.clone(), hub.clone(), Arc::new(Registry::new()), 0);
        session.take_pipes(Pipes::Shown);
        let mut lines = configured();
        let (file, _) = HistoryFile::open(None, &mut lines);
        let desk = Desk::start(session, news, hub.clone(), "demo".to_owned(), (file, lines));
        let (say, said) = mpsc::channel(64);
        Self { desk, pool, hub, say, said, _demo: demo }
    }

    fn start_line(&mut self, line: &str) -> Job {
        self.desk.start(line.to_owned(), self.say.clone())
    }

    async fn next(&mut self) -> Said {
        tokio::time::timeout(PATIENCE, self.said.recv())
            .await
            .expect("it says something")
            .expect("it is there")
    }

    /// Runs a line and gives what it printed, and all else it said but its end.
    async fn run(&mut self, line: &str) -> (Vec<(Kind, String)>, Vec<Said>) {
        let _job = self.start_line(line);
        self.rest().await
    }

    /// The next lines it says, whatever else comes before.
    async fn printed(&mut self) -> Vec<(Kind, String)> {
        loop {
            if let Said::Lines(lines) = self.next().await {
                return lines;
            }
        }
    }

    /// Waits for a line that begins so.
    async fn see(&mut self, start: &str) {
        while !self.printed().await.iter().any(|(_, line)| line.starts_with(start)) {}
    }

    /// Takes a connection and gives its number as it is typed.
    async fn hold(&mut self) -> String {
        let (printed, _) = self.run("POOL HOLD 1").await;
        printed[0].1.strip_prefix("holds ").expect("one is held").to_owned()
    }

    /// Has the server close the one connection that is lent, and gives its number.
    async fn kill_lent(&mut self) -> u64 {
        let snapshot = self.hub.sync().await;
        let mut rows = snapshot.connections.iter();
        let lent = rows.find(|row| matches!(row.state, RowState::InUse { .. })).expect("one is lent");
        let server_id = lent.server_id.expect("the server told it").to_string();
        self.pool.command(&["CLIENT", "KILL", "ID", &server_id]).await.expect("an answer");
        lent.id.0
    }

    /// Waits until so many clients of the server are blocked.
    async fn until_blocked(&mut self, clients: usize) {
        let blocked = async {
            loop {
                let info = self.pool.command(&["INFO", "clients"]).await.expect("an answer");
                let info = String::from_utf8_lossy(info.text().unwrap_or_default()).into_owned();
                if info.contains(&format!("blocked_clients:{clients}\r")) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, blocked).await.expect("they block");
    }

    /// Waits until the line that runs is said to wait for a connection.
    async fn until_waiting(&mut self) {
        while !matches!(self.next().await, Said::Still { waits: true }) {}
    }

    async fn rest(&mut self) -> (Vec<(Kind, String)>, Vec<Said>) {
        let (mut printed, mut others) = (Vec::new(), Vec::new());
        loop {
            match self.next().await {
                Said::Lines(lines) => printed.extend(lines),
                Said::Ended => return (printed, others),
                other => others.push(other),
            }
        }
    }
}

fn words(printed: &[(Kind, String)]) -> Vec<&str> {
    printed.iter().map(|(_, line)| line.as_str()).collect()
}

#[tokio::test]
async fn a_command_is_answered_with_what_it_cost_and_the_snapshot_counts_it() {
    let mut bench = Bench::start().await;
    let (printed, others) = bench.run("SET a 1").await;
    assert_eq!(printed, [(Kind::Reply, "OK".to_owned())]);
    let took = others.iter().find_map(|said| if let Said::Took(took) = said { Some(*took) } else { None });
    let took = took.expect("it says which connection it took");
    let snapshot = bench.hub.subscribe().borrow().clone();
    assert_eq!(snapshot.pools[0].totals.commands, 1, "when a line has ended the panes know it");
    assert_eq!(snapshot.connections[0].id, took.conn);
    assert!(others.iter().any(|said| matches!(said, Said::Prefix(prefix) if prefix == "demo> ")));
    let (printed, _) = bench.run("GETT a").await;
    assert_eq!(printed[0].0, Kind::Error);
}

#[tokio::test]
async fn a_line_that_cannot_be_understood_says_why_and_ends() {
    let mut bench = Bench::start().await;
    let (printed, _) = bench.run("SET a \"1\"x").await;
    assert_eq!(printed.len(), 1);
    assert_eq!(printed[0].0, Kind::Error);
}

#[tokio::test]
async fn what_frees_a_connection_runs_while_a_line_waits_for_one() {
    let mut bench = Bench::start().await;
    for (take, free, freed) in [
        ("POOL LEAK 5", "POOL RESET", "dropped 5 connections"),
        ("POOL HOLD 5", "POOL RELEASE ALL", "released "),
        ("POOL LEAK 5", "POOL RESIZE 6", "max 6"),
    ] {
        bench.run(take).await;
        let _job = bench.start_line("GET a");
        bench.until_waiting().await;
        bench.desk.start_aside(free.to_owned(), bench.say.clone());
        let (printed, _) = bench.rest().await;
        let words = words(&printed);
        let freed = words.iter().position(|line| line.starts_with(freed));
        let answered = words.iter().position(|line| *line == "(nil)");
        assert!(answered.is_some() && freed.is_some(), "{free}: {words:?}");
    }
}

#[tokio::test]
async fn what_runs_beside_a_line_leaves_a_transaction_alone_and_tells_when_it_goes() {
    let mut bench = Bench::start().await;
    bench.run("MULTI").await;
    bench.run("POOL HOLD 4").await;
    let _job = bench.start_line("POOL BURST 1 GET a");
    while !matches!(bench.next().await, Said::Still { .. }) {}
    bench.desk.start_aside("POOL RELEASE ALL".to_owned(), bench.say.clone());
    bench.rest().await;
    assert_eq!(words(&bench.run("SET a 1").await.0), ["QUEUED"]);
    bench.run("POOL HOLD 4").await;
    let _job = bench.start_line("POOL BURST 1 GET a");
    while !matches!(bench.next().await, Said::Still { .. }) {}
    bench.desk.start_aside("POOL RESET".to_owned(), bench.say.clone());
    let (printed, others) = bench.rest().await;
    let gone = words(&printed).iter().any(|line| line.ends_with("is gone: the transaction is gone"));
    assert!(gone, "{printed:?}");
    assert!(others.iter().any(|said| matches!(said, Said::Prefix(prefix) if prefix == "demo> ")));
}

#[tokio::test]
async fn a_line_that_has_its_connection_does_not_wait_for_one() {
    let mut bench = Bench::start().await;
    let held = bench.hold().await;
    let mut job = bench.start_line(&format!("{held} BLPOP queue 0"));
    while !matches!(bench.next().await, Said::Still { waits: false }) {}
    job.cancel();
    bench.rest().await;
}

#[tokio::test]
async fn cancelling_ends_a_blocked_command_and_its_connection() {
    let mut bench = Bench::start().await;
    let held = bench.hold().await;
    let mut job = bench.start_line(&format!("{held} BLPOP queue 0"));
    bench.until_blocked(1).await;
    job.cancel();
    let (printed, _) = bench.rest().await;
    assert_eq!(words(&printed), ["cancelled"]);
    assert_eq!(bench.pool.status().0.in_use, 0);
    let (printed, _) = bench.run("PING").await;
    assert_eq!(words(&printed), ["PONG"]);
}

#[tokio::test]
async fn what_waits_at_will_is_a_job_that_is_listed_and_killed() {
    let mut bench = Bench::start().await;
    for (at, line) in
        ["BLPOP queue 0", "BZPOPMIN scores 0", "SUBSCRIBE news", "MONITOR"].into_iter().enumerate()
    {
        let (printed, others) = bench.run(line).await;
        let runs = format!("job {} runs", at + 1);
        assert!(words(&printed).contains(&runs.as_str()), "{printed:?}");
        let told = others.iter().any(|said| matches!(said, Said::Jobs(jobs) if jobs.len() == at + 1));
        assert!(told, "{others:?}");
    }
    bench.until_blocked(2).await;
    bench.see("[4] OK").await;
    let (printed, _) = bench.run("JOBS").await;
    let listed = words(&printed).join("\n");
    for row in ["  1  runs   #", "  3  reads  #", "MONITOR", "BLPOP queue 0"] {
        assert!(listed.contains(row), "{row}\n{listed}");
    }
    assert_eq!(bench.pool.status().0.in_use, 4);
    let (mut printed, _) = bench.run("KILL 3").await;
    while !printed.iter().any(|(_, line)| line.starts_with("[3] ended (cancelled) after ")) {
        printed.extend(bench.printed().await);
    }
    assert!(words(&printed).contains(&"killed job 3"), "{printed:?}");
    let (status, totals) = bench.pool.status();
    assert_eq!((status.in_use, totals.discarded), (3, 1), "its connection is closed, not lent again");
    let (printed, _) = bench.run("KILL ALL").await;
    assert!(words(&printed).contains(&"killed 3 jobs"), "{printed:?}");
    assert_eq!(bench.pool.status().0.in_use, 0);
    assert!(words(&bench.run("JOBS").await.0).contains(&"no job runs"));
    let (printed, _) = bench.run("KILL 3").await;
    assert_eq!(printed[0].0, Kind::Error);
}

#[tokio::test]
async fn the_screen_ends_a_job_by_its_number_while_a_line_runs() {
    let mut bench = Bench::start().await;
    bench.run("BLPOP queue 0").await;
    bench.run("BLPOP queue 0 &").await;
    let held = bench.hold().await;
    let _line = bench.start_line(&format!("{held} BLPOP other 0"));
    bench.desk.end_job(1);
    bench.desk.end_job(1);
    bench.see("[1] ended (cancelled)").await;
    bench.desk.end_job(7);
    assert!(matches!(bench.next().await, Said::Jobs(jobs) if jobs.is_empty()), "& is not Ctrl-C's to end");
}

#[tokio::test]
async fn closing_a_connection_ends_what_waits_on_it() {
    let mut bench = Bench::start().await;
    let held = bench.hold().await;
    bench.run("BLPOP queue 0").await;
    bench.until_blocked(1).await;
    let snapshot = bench.hub.sync().await;
    let blocked = snapshot.connections.iter().find(|row| row.busy_since.is_some()).expect("the job's").id;
    let (mut printed, _) = bench.run(&format!("POOL CLOSE {}", blocked.0)).await;
    while !printed.iter().any(|(_, line)| line.starts_with("[1] ended (cancelled)")) {
        printed.extend(bench.printed().await);
    }
    let closed = format!("closed {blocked}, and ended job 1 on it");
    assert!(words(&printed).contains(&closed.as_str()), "{printed:?}");
    bench.run(&format!("POOL CLOSE {}", &held[1..])).await;
    assert_eq!(bench.pool.status().0.in_use, 0);
    let (printed, _) = bench.run(&format!("{held} PING")).await;
    assert_eq!(printed[0].0, Kind::Error, "whoever held it gets an error");
}

#[tokio::test]
async fn a_job_says_how_it_ended() {
    let mut bench = Bench::start().await;
    bench.run("SET a text").await;
    for (line, end) in [("GET a &", "[1] ended (OK) after "), ("LPUSH a 1 &", "[2] ended (error) after ")] {
        let (mut printed, _) = bench.run(line).await;
        while !printed.iter().any(|(_, line)| line.starts_with(end)) {
            printed.extend(bench.printed().await);
        }
    }
    assert_eq!(bench.pool.status().0.in_use, 0);
    assert_eq!(bench.pool.status().1.discarded, 0, "a connection that is as good as new goes back");
}

#[tokio::test]
async fn a_job_works_in_the_database_the_prompt_shows_and_leaves_the_transaction_alone() {
    let mut bench = Bench::start().await;
    bench.run("SELECT 2").await;
    bench.run("RPUSH queue here").await;
    bench.run("BLPOP queue 0").await;
    bench.see("[1] 2) \"here\"").await;
    bench.see("[1] ended (OK)").await;
    let in_use = bench.pool.status().0.in_use;
    assert_eq!(in_use, 1, "the selecting one; the job's is back in its own database");
    bench.run("MULTI").await;
    let (printed, _) = bench.run("BLPOP queue 0").await;
    assert_eq!(words(&printed), ["QUEUED"], "within MULTI nothing waits");
    let (printed, _) = bench.run("BLPOP queue 0 &").await;
    let said = words(&printed).concat();
    assert!(said.starts_with("job 2 runs on a connection of its own: MULTI is on #"), "{said}");
    let (printed, _) = bench.run("EXEC").await;
    assert!(words(&printed).contains(&"1) (nil)"), "{printed:?}");
}

#[tokio::test]
async fn a_dangerous_command_runs_only_after_a_yes() {
    let mut bench = Bench::start().await;
    bench.run("SET a 1").await;
    for (answer, left) in [("", "(integer) 1"), ("no", "(integer) 1"), ("y", "(integer) 0")] {
        let job = bench.start_line("FLUSHALL");
        assert!(matches!(bench.next().await, Said::Ask(text) if text.contains("FLUSHALL")));
        job.answer(answer.to_owned());
        bench.rest().await;
        assert_eq!(words(&bench.run("DBSIZE").await.0), [left]);
    }
}

#[tokio::test]
async fn a_question_can_be_cancelled() {
    let mut bench = Bench::start().await;
    let mut job = bench.start_line("FLUSHALL");
    assert!(matches!(bench.next().await, Said::Ask(_)));
    job.cancel();
    assert_eq!(words(&bench.rest().await.0), ["cancelled"]);
}

#[tokio::test]
async fn a_job_speaks_while_nothing_runs_and_its_lines_carry_its_number() {
    let mut bench = Bench::start().await;
    bench.run("BLPOP queue 0 &").await;
    let (mut printed, _) = bench.run("RPUSH queue hello").await;
    while !printed.iter().any(|(_, line)| line.contains("ended")) {
        if let Said::Lines(lines) = bench.next().await {
            printed.extend(lines);
        }
    }
    assert!(words(&printed).contains(&"[1] 2) \"hello\""), "{printed:?}");
}

#[tokio::test]
async fn output_goes_through_a_shell_command() {
    let mut bench = Bench::start().await;
    bench.run("RPUSH list one two three").await;
    let (printed, _) = bench.run("LRANGE list 0 -1 | grep -v two | cat -n").await;
    assert_eq!(words(&printed), ["     1  one", "     2  three"]);
    let (printed, _) = bench.run("POOL STATS | grep ^max").await;
    assert_eq!(words(&printed), ["max:5"]);
    let (printed, _) = bench.run("SET bar \"x | y\"").await;
    assert_eq!(words(&printed), ["OK"]);
    bench.run("SUBSCRIBE news | grep --line-buffered message").await;
    let mut published = false;
    loop {
        let (printed, _) = bench.run("PUBLISH news hello").await;
        published |= words(&printed).contains(&"(integer) 1");
        if published {
            break;
        }
    }
    bench.see("[1] message").await;
    bench.run("KILL 1").await;
    assert_eq!(bench.pool.status().0.in_use, 0);
}

#[tokio::test]
async fn cancelling_ends_every_process_of_a_shell_command() {
    let mut bench = Bench::start().await;
    let mut job = bench.start_line("PING | sh -c 'echo $$; exec sleep 1000' | cat");
    let printed = bench.printed().await;
    let pid = printed[0].1.clone();
    job.cancel();
    bench.rest().await;
    let gone = async {
        // A process that has ended but was not waited for yet has no more command line.
        while std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it ends");
}

#[tokio::test]
async fn the_pager_gets_the_last_line_in_full_and_a_terminals_command_gets_it_safe_to_show() {
    let mut bench = Bench::start().await;
    bench.desk.page(bench.say.clone());
    assert_eq!(words(&bench.printed().await), ["the last line gave nothing to page"]);
    let long = "x".repeat(100_000);
    bench.run(&format!("SET long \"{long}\\x1b\"")).await;
    let (printed, _) = bench.run("GET long").await;
    assert_eq!(printed[1].1, "… and 83,617 bytes more than the screen keeps");
    bench.desk.page(bench.say.clone());
    let Said::Lend(Loan::Page { command: None, input }) = bench.next().await else { panic!("a page") };
    assert_eq!(input, format!("\"{long}\\x1b\"\n"));
    let (printed, others) = bench.run("GET long | less -S").await;
    assert_eq!(words(&printed), Vec::<&str>::new());
    let lent =
        others.into_iter().find_map(|said| if let Said::Lend(loan) = said { Some(loan) } else { None });
    let input = format!("{long}\\x1b\n").into();
    assert_eq!(lent, Some(Loan::Page { command: Some("less -S".to_owned()), input }));
    let (printed, _) = bench.run("MONITOR | less").await;
    assert_eq!(printed[0].0, Kind::Error);
    assert_eq!(bench.pool.status().0.in_use, 0);
}

#[tokio::test]
async fn the_prompt_and_the_panes_say_what_pins_a_connection_until_it_ends() {
    let mut bench = Bench::start().await;
    for (line, prompt, pin) in [
        ("MULTI", "demo(TX)#N> ", Some("MULTI")),
        ("SET a 1", "demo(TX)#N> ", Some("MULTI")),
        ("EXEC", "demo> ", None),
        ("MULTI", "demo(TX)#N> ", Some("MULTI")),
        ("SET a", "demo(TX)#N> ", Some("MULTI")),
        ("EXEC", "demo> ", None),
        ("MULTI", "demo(TX)#N> ", Some("MULTI")),
        ("DISCARD", "demo> ", None),
        ("WATCH a", "demo#N> ", Some("WATCH")),
        ("GET a", "demo#N> ", Some("WATCH")),
        ("UNWATCH", "demo> ", None),
        ("WATCH a", "demo#N> ", Some("WATCH")),
        ("MULTI", "demo(TX)#N> ", Some("MULTI")),
        ("EXEC", "demo> ", None),
        ("SELECT 2", "demo[2]#N> ", Some("SELECT")),
        ("MULTI", "demo[2](TX)#N> ", Some("MULTI")),
        ("EXEC", "demo[2]#N> ", Some("SELECT")),
        ("SELECT 99", "demo[2]#N> ", Some("SELECT")),
        ("SELECT 0", "demo> ", None),
        ("SELECT 2", "demo[2]#N> ", Some("SELECT")),
        ("MULTI", "demo[2](TX)#N> ", Some("MULTI")),
        ("RESET", "demo> ", None),
        ("SELECT 2", "demo[2]#N> ", Some("SELECT")),
        ("POOL RELEASE ALL", "demo> ", None),
    ] {
        let (_, others) = bench.run(line).await;
        let prefix = others.iter().find_map(|said| if let Said::Prefix(p) = said { Some(p) } else { None });
        let prefix = prefix.map(|prefix| match prefix.split_once('#') {
            Some((before, id)) => {
                format!("{before}#N{}", id.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            None => prefix.clone(),
        });
        assert_eq!(prefix.as_deref(), Some(prompt), "after {line}");
        let snapshot = bench.hub.subscribe().borrow().clone();
        let pinned = snapshot.connections.iter().find_map(|row| match &row.state {
            RowState::InUse { pinned, .. } => Some(pinned.as_deref().map(str::to_owned)),
            RowState::Available { .. } => None,
        });
        assert_eq!(pinned.flatten().as_deref(), pin, "after {line}");
        assert_eq!(bench.pool.status().0.in_use, u32::from(pin.is_some()), "after {line}");
    }
}

#[tokio::test]
async fn a_pinned_connection_that_dies_is_told_of_and_leaves_the_prompt() {
    let mut bench = Bench::start().await;
    for (line, then, state) in [
        ("MULTI", "the transaction is gone", ""),
        ("WATCH a", "its WATCH is gone", ""),
        ("SELECT 2", "commands take another, in database 2", "[2]"),
    ] {
        bench.run(line).await;
        let id = bench.kill_lent().await;
        let printed = bench.printed().await;
        assert_eq!(printed, [(Kind::Note, format!("#{id} closed by the server: {then}"))]);
        let prefix = bench.next().await;
        assert!(matches!(&prefix, Said::Prefix(prefix) if *prefix == format!("demo{state}> ")), "{prefix:?}");
        assert_eq!(bench.pool.status().0.in_use, 0, "it holds no slot");
    }
}

#[tokio::test]
async fn nothing_is_sent_on_a_held_connection_that_died() {
    let mut bench = Bench::start().await;
    let id = bench.hold().await;
    bench.kill_lent().await;
    let number = id.trim_start_matches('#');
    let told = format!("{id} closed by the server: it holds a slot until POOL RELEASE {number}");
    assert_eq!(bench.printed().await, [(Kind::Note, told)]);
    for _ in 0..2 {
        let (printed, _) = bench.run(&format!("{id} SET a 1")).await;
        let said = format!(
            "error: not sent: {id} is dead, the server closed it: POOL RELEASE {number} gives up its slot, \
             POOL HOLD takes another"
        );
        assert_eq!(printed, [(Kind::Error, said)]);
        assert_eq!(bench.pool.status().0.in_use, 1, "it is held until it is released");
    }
    let (printed, _) = bench.run(&format!("POOL RELEASE {number}")).await;
    let dropped = format!("{id} is dropped, not returned: the server had closed it");
    assert_eq!(printed, [(Kind::Note, dropped)]);
    assert_eq!(bench.pool.status().0.in_use, 0);
}

#[tokio::test]
async fn quit_ends_the_screen() {
    let mut bench = Bench::start().await;
    let (_, others) = bench.run("QUIT").await;
    assert!(others.iter().any(|said| matches!(said, Said::Quit)));
}

#[tokio::test]
async fn when_the_screen_goes_everything_held_goes_back() {
    let mut bench = Bench::start().await;
    bench.run("POOL HOLD 2").await;
    assert_eq!(bench.pool.status().0.in_use, 2);
    let Bench { desk, pool, .. } = bench;
    drop(desk);
    let gone = async {
        while pool.status().0.in_use > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("they go back");
}
