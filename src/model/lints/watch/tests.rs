use super::bench::{Bench, NODE};
use super::*;

/// A program with so many connections that it uses all the time.
pub(super) fn at_work(bench: &mut Bench, pid: u32, connections: usize) {
    for _ in 0..connections {
        bench.open(Some(pid));
    }
}

pub(super) fn close(bench: &mut Bench, ids: &[u64]) {
    for id in ids {
        bench.close(*id);
    }
}

pub(super) fn run(bench: &mut Bench, seconds: u64, mut each: impl FnMut(&mut Bench, u64)) {
    for second in 0..seconds {
        each(bench, second);
        bench.second();
    }
}

#[test]
fn one_connection_a_second_that_is_never_closed_is_growth_within_half_a_minute() {
    for (counts, before) in [(true, 0), (true, 5), (false, 5)] {
        let mut bench = Bench::new();
        bench.counts = counts;
        bench.own();
        at_work(&mut bench, 81, before);
        run(&mut bench, 10, |_, _| {});
        let mut raised = None;
        run(&mut bench, 30, |bench, second| {
            bench.open(Some(81));
            if raised.is_none() && !bench.rows("growth").is_empty() {
                raised = Some(second);
            }
        });
        assert!(raised.is_some_and(|second| second <= 26), "{raised:?}");
        let row = bench.only("growth");
        assert_eq!(row.about, About::Group(GroupBy::Process, "python3 app81.py (81)".into()));
        let work = if counts { "commands a second 2 → 2" } else { "used in a second 1 → 1" };
        let want =
            format!("python3 app81.py (pid 81): {before} → {} connections in 30 s, {work}", before + 30);
        assert!(row.evidence.starts_with(&want), "{}", row.evidence);
        let groups = bench.snapshot().groups;
        assert!(groups.by(GroupBy::Process)[0].flagged && !groups.by(GroupBy::User)[0].flagged);
    }
}

/// However many it has already, and though it now and then does a command more: a run of any length is judged by it.
#[test]
fn a_leak_of_many_is_growth_for_as_long_as_it_goes_on() {
    for counts in [true, false] {
        let mut bench = Bench::new();
        bench.counts = counts;
        at_work(&mut bench, 81, 170);
        run(&mut bench, 10, |_, _| {});
        run(&mut bench, 120, |bench, second| {
            let new = bench.open(Some(81));
            if second % 5 == 0 {
                bench.work(new, 2);
                bench.work(1 + second, 1);
            }
            if second > 27 {
                bench.only("growth");
            }
        });
        let events = bench.snapshot().events;
        assert!(!events.iter().any(|row| matches!(row.what, What::Cleared("growth", _))));
    }
}

/// What it was at the begin is what it was then, however long it has gone on and whichever second it is.
#[test]
fn growth_begins_at_a_count_that_there_was() {
    for (before, late) in [(0, 0), (40, 0), (5, 20)] {
        let mut bench = Bench::new();
        let mut counts = Vec::new();
        at_work(&mut bench, 81, before);
        run(&mut bench, 400, |bench, second| {
            if let Some(row) = bench.rows("growth").pop() {
                let numbers = row.evidence.strip_prefix("python3 app81.py (pid 81): ").expect("whose");
                let words: Vec<_> = numbers.split(' ').collect();
                let [from, to, over] = [0, 2, 5].map(|at| words[at].parse::<usize>().expect("a number"));
                let now = counts.len() - 1;
                assert_eq!([from, to], [counts[now - over], counts[now]], "at {second} s: {}", row.evidence);
                assert!(over >= now.min(119) - late, "at {second} s it is over {over} s");
            }
            if second as usize >= late {
                bench.open(Some(81));
            }
            counts.push(bench.ids(81).len());
        });
        bench.only("growth");
    }
}

#[test]
fn growth_clears_when_it_ends_and_when_the_connections_are_used() {
    let mut bench = Bench::new();
    run(&mut bench, 40, |bench, _| at_work(bench, 81, 1));
    bench.only("growth");
    run(&mut bench, 18, |_, _| {});
    bench.quiet();
    assert!(bench.ending("growth").contains("connections in"));

    let mut bench = Bench::new();
    run(&mut bench, 40, |bench, _| at_work(bench, 81, 1));
    bench.only("growth");
    run(&mut bench, 12, |bench, _| {
        bench.open(Some(81));
        for id in bench.ids(81) {
            bench.work(id, 5);
        }
    });
    bench.quiet();
}

#[test]
fn slow_growth_is_seen_too() {
    for (every, within) in [(4, 130), (25, 420)] {
        let mut bench = Bench::new();
        at_work(&mut bench, 81, 12);
        run(&mut bench, within, |bench, second| {
            if second % every == 0 {
                bench.open(Some(81));
            }
            for id in bench.ids(81).into_iter().take(3) {
                bench.work(id, 10);
            }
        });
        let row = bench.only("growth");
        assert!(row.evidence.starts_with("python3 app81.py (pid 81): "), "{}", row.evidence);
    }
}

#[test]
fn growth_of_many_programs_together_is_the_servers() {
    let mut bench = Bench::new();
    run(&mut bench, 40, |bench, second| at_work(bench, 100 + second as u32, 1));
    let row = bench.only("growth");
    assert_eq!(row.about, About::Group(GroupBy::Server, "127.0.0.1:6379".into()));

    let mut bench = Bench::new();
    run(&mut bench, 40, |bench, second| {
        let id = bench.open(Some(100 + second as u32));
        bench.set(id, |client| client.name = Some(format!("lambda-{second}").into()));
    });
    assert_eq!(bench.only("growth").about, About::Group(GroupBy::Prefix, "lambda".into()));
}

/// The number that a finding's evidence begins with.
fn told(evidence: &str) -> f64 {
    evidence.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn fifty_a_second_opened_and_closed_is_churn_with_its_rate() {
    let mut bench = Bench::new();
    at_work(&mut bench, 1, 10);
    run(&mut bench, 20, |_, _| {});
    let (mut first, mut last) = (None, Vec::new());
    run(&mut bench, 40, |bench, second| {
        // One of fifty is there when somebody looks.
        bench.flash(49);
        last.drain(..).for_each(|id| bench.close(id));
        last.push(bench.open(Some(82)));
        if let Some(row) = bench.rows("churn").pop() {
            first.get_or_insert(second);
            let rate = told(&row.evidence);
            assert!(second < 7 || (45.0..=55.0).contains(&rate), "at {second} s: {}", row.evidence);
        }
    });
    assert!(first.is_some_and(|second| second <= 6), "{first:?}");
    let row = bench.only("churn");
    assert_eq!(row.about, About::Node(NODE));
    let named = ", and 31 of the 31 that looks saw are python3 app82.py (pid 82)";
    assert!(row.evidence.ends_with(named), "{}", row.evidence);
    let groups = bench.snapshot().groups;
    let flagged = groups.by(GroupBy::Process).iter().filter(|group| group.flagged).map(|group| &*group.label);
    assert_eq!(flagged.collect::<Vec<_>>(), ["python3 app82.py (82)"]);
    run(&mut bench, 12, |_, _| {});
    bench.quiet();
}

#[test]
fn churn_that_no_look_saw_is_nobodys_and_two_a_second_are_enough() {
    let mut bench = Bench::new();
    run(&mut bench, 20, |bench, _| bench.flash(2));
    let row = bench.only("churn");
    let want = "2.0 connections a second closed within 5 s, gone before a look could tell whose";
    assert_eq!(row.evidence, want);
    for (times, every) in [(1, 1), (30, 20)] {
        let mut bench = Bench::new();
        run(&mut bench, 100, |bench, second| {
            if second % every == 0 {
                bench.flash(times);
            }
            bench.quiet();
        });
    }
}

#[test]
fn clients_that_stay_for_some_seconds_are_no_churn() {
    let mut bench = Bench::new();
    run(&mut bench, 120, |bench, second| {
        let old: Vec<_> = bench.ids(1).into_iter().take(if second >= 12 { 3 } else { 0 }).collect();
        close(bench, &old);
        at_work(bench, 1, 3);
        for id in bench.ids(1) {
            bench.work(id, 1);
        }
        assert!(bench.rows("churn").is_empty());
    });
}

#[test]
fn five_thousand_that_are_never_used_again_are_an_idle_crowd() {
    let mut bench = Bench::new();
    at_work(&mut bench, 81, 5_000);
    let busy: Vec<_> = bench.ids(81).into_iter().take(2).collect();
    let mut use_two = |bench: &mut Bench, _| busy.iter().for_each(|id| bench.work(*id, 1));
    run(&mut bench, 60, &mut use_two);
    bench.quiet();
    run(&mut bench, 2, &mut use_two);
    let row = bench.only("idle-crowd");
    assert_eq!(row.evidence, "python3 app81.py (pid 81): 4,998 of 5,000 connections idle for 60 s or longer");
    let rest: Vec<_> = bench.ids(81).into_iter().skip(90).collect();
    close(&mut bench, &rest);
    run(&mut bench, 1, &mut use_two);
    bench.only("idle-crowd");
    let rest: Vec<_> = bench.ids(81).into_iter().skip(80).collect();
    close(&mut bench, &rest);
    run(&mut bench, 1, &mut use_two);
    bench.quiet();
}

#[test]
fn ninety_nine_idle_ones_are_no_crowd_nor_are_those_that_wait() {
    let mut bench = Bench::new();
    at_work(&mut bench, 1, 99);
    for _ in 0..200 {
        let id = bench.open(Some(2));
        bench.set(id, |client| client.flags = "P".into());
    }
    run(&mut bench, 200, |bench, _| bench.quiet());
}

#[test]
fn a_server_near_its_limit_says_who_has_most() {
    let mut bench = Bench::new();
    bench.max = 100;
    at_work(&mut bench, 1, 60);
    at_work(&mut bench, 2, 19);
    run(&mut bench, 2, |_, _| {});
    bench.quiet();
    at_work(&mut bench, 2, 1);
    run(&mut bench, 1, |_, _| {});
    let row = bench.only("maxclients");
    assert_eq!(row.evidence, "80 clients of the server's 100 (80%), 60 of them python3 app1.py (pid 1)");
    assert_eq!((row.about, row.severity), (About::Node(NODE), Severity::Warn));
    bench.ids(2).into_iter().take(6).for_each(|id| bench.close(id));
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
}

#[test]
fn many_without_a_name_are_told_where_no_process_is_known() {
    let mut bench = Bench::new();
    for _ in 0..49 {
        bench.open(None);
    }
    at_work(&mut bench, 1, 30);
    run(&mut bench, 3, |_, _| {});
    bench.quiet();
    bench.open(None);
    run(&mut bench, 1, |_, _| {});
    let row = bench.only("unnamed");
    let want = "50 of 80 clients have no name, and no process that is known; most from 10.0.0.5: 50";
    assert_eq!(row.evidence, want);
    for id in 1..=30 {
        bench.set(id, |client| client.name = Some("app".into()));
    }
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
}

#[test]
fn a_transaction_that_nobody_goes_on_with_is_told_by_client() {
    let mut bench = Bench::new();
    let id = bench.open(Some(7));
    bench.set(id, |client| (client.flags, client.multi) = ("x".into(), Some(3)));
    let watches = bench.open(Some(8));
    bench.set(watches, |client| client.watch = Some(1));
    run(&mut bench, 10, |bench, _| {
        bench.work(watches, 1);
        bench.quiet();
    });
    run(&mut bench, 1, |bench, _| bench.work(watches, 1));
    let row = bench.only("stuck-transaction");
    assert_eq!(
        row.evidence,
        "client 1 in MULTI with 3 commands queued, idle 10.0 s  python3 app7.py (pid 7)"
    );
    assert_eq!(row.about, About::Client(NODE, id));
    assert!(bench.snapshot().clients[0].flagged);
    bench.set(id, |client| (client.flags, client.multi) = ("N".into(), None));
    bench.work(id, 1);
    run(&mut bench, 1, |bench, _| bench.work(watches, 1));
    bench.quiet();
    assert_eq!(bench.ending("stuck-transaction"), "client 1 is out of its transaction, after 1.0 s");
    assert!(!bench.snapshot().clients[0].flagged);
    run(&mut bench, 11, |_, _| {});
    assert!(bench.only("stuck-transaction").evidence.starts_with("client 2 in WATCH of 1 key, idle 11.0 s"));
}

#[test]
fn clients_that_wait_for_ten_minutes_are_told_together() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let id = bench.open(Some(7));
        bench.set(id, |client| (client.flags, client.command) = ("b".into(), Some("blpop".into())));
    }
    run(&mut bench, 600, |bench, _| {
        bench.work(3, 1);
        bench.quiet();
    });
    run(&mut bench, 1, |_, _| {});
    let row = bench.only("blocked-long");
    assert_eq!(
        row.evidence,
        "python3 app7.py (pid 7): 2 clients blocked, for 10m 00s at the longest, in BLPOP"
    );
    let flagged: Vec<_> = bench.snapshot().clients.iter().map(|row| row.flagged).collect();
    assert_eq!(flagged, [true, true, false]);
    (1..=2).for_each(|id| bench.work(id, 1));
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
}

#[test]
fn a_client_that_does_not_read_is_told_after_a_while_or_at_once() {
    let mut bench = Bench::new();
    let id = bench.open(Some(7));
    bench.set(id, |client| (client.flags, client.output_memory) = ("O".into(), Some(2_000_000)));
    run(&mut bench, 10, |bench, _| bench.quiet());
    run(&mut bench, 1, |_, _| {});
    let row = bench.only("output-buffer");
    assert_eq!(row.evidence, "client 1: 2.0 MB wait to be read, since 10.0 s  python3 app7.py (pid 7)");
    assert_eq!(row.severity, Severity::Warn);
    bench.set(id, |client| client.output_memory = Some(1_000_000));
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
    bench.set(id, |client| client.output_memory = Some(40_000_000));
    run(&mut bench, 1, |_, _| {});
    assert_eq!(bench.only("output-buffer").severity, Severity::Bad);
    bench.set(id, |client| client.flags = "S".into());
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
}

#[test]
fn ever_more_subscribers_are_told_and_no_other_lint_speaks_of_them() {
    let mut bench = Bench::new();
    let subscribe = |bench: &mut Bench| {
        let id = bench.open(Some(9));
        bench.set(id, |client| (client.flags, client.subscriptions) = ("P".into(), 1));
    };
    run(&mut bench, 15, |_, _| {});
    run(&mut bench, 30, |bench, _| subscribe(bench));
    let row = bench.only("subscriber-only-grows");
    assert_eq!(row.evidence, "python3 app9.py (pid 9): 0 → 30 subscribers in 30 s");
    run(&mut bench, 18, |_, _| {});
    bench.quiet();
    let mut bench = Bench::new();
    run(&mut bench, 600, |bench, second| {
        if second < 9 {
            subscribe(bench);
        }
        bench.quiet();
    });
}

#[test]
fn a_server_that_never_notices_a_dead_peer_is_told() {
    let mut bench = Bench::new();
    for settings in [(0, 300), (60, 0)] {
        bench.config(settings.0, settings.1);
        run(&mut bench, 1, |_, _| {});
        bench.quiet();
    }
    bench.config(0, 0);
    run(&mut bench, 1, |_, _| {});
    assert!(bench.only("no-timeout").evidence.starts_with("timeout 0 and tcp-keepalive 0"));
    bench.config(0, 300);
    run(&mut bench, 1, |_, _| {});
    assert!(bench.ending("no-timeout").starts_with("no longer so"));
}

#[test]
fn what_the_server_turned_away_or_evicted_is_told_for_a_minute() {
    let mut bench = Bench::new();
    (bench.rejected, bench.evicted, bench.max) = (70, 8, 50);
    run(&mut bench, 5, |bench, _| bench.quiet());
    bench.rejected += 12;
    run(&mut bench, 1, |_, _| {});
    let row = bench.only("rejected");
    let want = "12 connections turned away in the last minute, at 0 clients of 50";
    assert_eq!((row.evidence.as_str(), row.severity), (want, Severity::Bad));
    run(&mut bench, 58, |_, _| {});
    bench.only("rejected");
    run(&mut bench, 3, |_, _| {});
    bench.quiet();
    bench.evicted += 1;
    run(&mut bench, 1, |_, _| {});
    assert_eq!(bench.only("evicted").evidence, "1 client closed for their memory in the last minute");
    run(&mut bench, 61, |_, _| {});
    bench.quiet();
}

#[test]
fn our_own_are_never_judged() {
    let mut bench = Bench::new();
    bench.max = 10;
    for _ in 0..9 {
        let id = bench.own();
        bench.set(id, |client| (client.flags, client.multi) = ("x".into(), Some(0)));
    }
    run(&mut bench, 60, |_, _| {});
    bench.only("maxclients");
}

#[test]
fn a_lint_that_is_off_is_silent() {
    let mut bench = Bench::new();
    bench.config(0, 0);
    run(&mut bench, 1, |_, _| {});
    bench.only("no-timeout");
    let mut options = ModelOptions::default();
    assert!(options.levels.set("no-timeout", Level::Off) && options.levels.set("evicted", Level::Fail));
    bench.model.set_options(options);
    run(&mut bench, 1, |_, _| {});
    bench.quiet();
    assert_eq!(bench.ending("no-timeout"), SWITCHED_OFF);
    bench.evicted = 5;
    run(&mut bench, 1, |_, _| {});
    assert_eq!(bench.only("evicted").level, Level::Fail);
}

#[test]
fn where_no_system_tells_processes_a_crowd_has_words_for_that() {
    assert_eq!(who(NONE, None), "what has no known process");
    assert_eq!(who("remote 10.0.0.5", None), "remote 10.0.0.5");
}

#[test]
fn churn_of_no_known_process_is_named_by_what_its_clients_say() {
    let mut bench = Bench::new();
    let mut last = None;
    let mut churn = |bench: &mut Bench, name: Option<&str>| {
        for _ in 0..20 {
            bench.flash(4);
            if let Some(id) = last.take() {
                bench.close(id);
            }
            let id = bench.open(None);
            bench.set(id, |client| client.name = name.map(Into::into));
            last = Some(id);
            bench.second();
        }
        bench.only("churn").evidence
    };
    let said = churn(&mut bench, Some("import-7"));
    assert!(said.ends_with(" that looks saw are import"), "{said}");
    churn(&mut bench, None);
    let said = churn(&mut bench, None);
    assert!(said.ends_with(" that looks saw are from 10.0.0.5"), "{said}");
}

/// As in the demo, whose every client is of the program that shows it.
#[test]
fn what_is_of_this_program_is_told_apart_by_what_it_is_called() {
    let mut bench = Bench::new();
    bench.own_of(81);
    let mut hasty = Vec::new();
    let mut named = 0;
    let mut open = |bench: &mut Bench, prefix: &str| {
        let id = bench.open(Some(81));
        named += 1;
        bench.set(id, |client| client.name = Some(format!("{prefix}-{named}").into()));
        id
    };
    for _ in 0..4 {
        open(&mut bench, "web");
    }
    for _ in 0..40 {
        open(&mut bench, "report");
        let before = std::mem::take(&mut hasty);
        close(&mut bench, &before);
        hasty = (0..4).map(|_| open(&mut bench, "hasty")).collect();
        bench.second();
    }
    let [growth, churn] = ["growth", "churn"].map(|id| bench.rows(id).pop().expect(id));
    assert!(growth.evidence.starts_with("report: "), "{}", growth.evidence);
    assert_eq!(growth.about, About::Group(GroupBy::Prefix, "report".into()));
    assert!(churn.evidence.ends_with(" within 5 s, mostly hasty"), "{}", churn.evidence);
    // Who never uses them again has a crowd of them, by the same name.
    for _ in 0..100 {
        open(&mut bench, "report");
    }
    run(&mut bench, 700, |_, _| {});
    let crowd = bench.rows("idle-crowd").pop().expect("a crowd");
    assert!(crowd.evidence.starts_with("report: "), "{}", crowd.evidence);
}

#[test]
fn a_program_is_short_in_evidence() {
    for (command, want) in [
        ("python3 apps/leaker.py 16391", "python3 leaker.py"),
        ("/usr/bin/node --inspect server.js", "node"),
        ("redis-cli", "redis-cli"),
        ("/opt/app/", "app"),
        ("", ""),
    ] {
        assert_eq!(short(command), want, "{command}");
    }
}
