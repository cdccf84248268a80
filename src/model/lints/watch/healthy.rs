//! Programs that do nothing wrong raise nothing, however long they run.

use super::bench::Bench;

/// Uses each of a program's connections once or not at all, as a pool does that lends the last one given back.
fn serve(bench: &mut Bench, pid: u32, busy: usize, commands: u64) {
    for id in bench.ids(pid).into_iter().rev().take(busy) {
        bench.work(id, commands);
    }
}

fn resize(bench: &mut Bench, pid: u32, size: usize) {
    let ids = bench.ids(pid);
    for id in ids.iter().skip(size) {
        bench.close(*id);
    }
    for _ in ids.len()..size {
        bench.open(Some(pid));
    }
}

#[test]
fn a_steady_pool_raises_nothing_in_half_an_hour() {
    for counts in [true, false] {
        let mut bench = Bench::new();
        bench.counts = counts;
        bench.own();
        resize(&mut bench, 1, 20);
        for second in 0..1_800 {
            serve(&mut bench, 1, 5 + second % 9, 40);
            bench.second();
            bench.quiet();
        }
    }
}

#[test]
fn a_pool_that_warms_up_and_stays_raises_nothing() {
    // So many more a second until there are fifty: at once, in steps, and slowly.
    for (more, every) in [(50, 1), (10, 1), (5, 1), (10, 5), (3, 1), (7, 4)] {
        let mut bench = Bench::new();
        for _ in 0..40 {
            bench.second();
        }
        let mut size = 0;
        for second in 0..700 {
            if second % every == 0 {
                size = 50.min(size + more);
            }
            resize(&mut bench, 1, size);
            serve(&mut bench, 1, 4, 25);
            bench.second();
            bench.quiet();
        }
    }
}

#[test]
fn a_pool_that_fills_ever_more_slowly_raises_nothing() {
    let mut bench = Bench::new();
    for _ in 0..40 {
        bench.second();
    }
    for second in 0..900_u32 {
        // As the most that were ever in use at once.
        let size =
            (0..40).filter(|n| f64::from(*n) < 40.0 * (1.0 - (-f64::from(second) / 8.0).exp())).count();
        resize(&mut bench, 1, size);
        serve(&mut bench, 1, 6, 25);
        bench.second();
        bench.quiet();
    }
}

#[test]
fn a_pool_that_breathes_with_its_load_raises_nothing() {
    for period in [20, 45, 90, 240, 900] {
        for counts in [true, false] {
            let mut bench = Bench::new();
            bench.counts = counts;
            for second in 0..1_200_u32 {
                let load =
                    (1.0 - (std::f64::consts::TAU * f64::from(second) / f64::from(period)).cos()) / 2.0;
                let size = 5 + (0..45).filter(|n| f64::from(*n) < 45.0 * load).count();
                resize(&mut bench, 1, size);
                serve(&mut bench, 1, size, 20);
                bench.second();
                bench.quiet();
            }
        }
    }
}

#[test]
fn a_pool_that_grows_with_slower_answers_keeps_all_of_it_busy() {
    let mut bench = Bench::new();
    for second in 0..600_usize {
        // The same commands, spread over ever more connections, each of them at work.
        resize(&mut bench, 1, 10 + second.min(300) / 3);
        let ids = bench.ids(1);
        for (n, id) in ids.iter().enumerate() {
            if (n + second) % 3 == 0 {
                bench.work(*id, 1);
            }
        }
        bench.second();
        bench.quiet();
    }
}

#[test]
fn probes_scripts_and_workers_that_wait_are_none() {
    let mut bench = Bench::new();
    resize(&mut bench, 1, 10);
    let workers: Vec<_> = (0..12).map(|_| bench.open(Some(2))).collect();
    let hears = bench.open(Some(3));
    bench.set(hears, |client| (client.flags, client.subscriptions) = ("P".into(), 3));
    for second in 0..1_200_usize {
        serve(&mut bench, 1, 4, 10);
        // A worker asks again every five seconds.
        for (n, id) in workers.iter().enumerate() {
            bench.set(*id, |client| client.flags = "b".into());
            if (n + second) % 5 == 0 {
                bench.work(*id, 1);
            }
        }
        // A health check a second, and a script now and then that makes many connections at once.
        bench.flash(1);
        if second % 300 == 299 {
            bench.flash(40);
        }
        bench.second();
        bench.quiet();
    }
}

#[test]
fn a_large_warm_pool_with_idle_ones_is_none() {
    let mut bench = Bench::new();
    resize(&mut bench, 1, 400);
    for second in 0..700_usize {
        let ids = bench.ids(1);
        for (n, id) in ids.iter().enumerate() {
            // Each is used at least every half minute, but for a few.
            if n >= 30 && (n + second) % 30 == 0 {
                bench.work(*id, 3);
            }
        }
        bench.second();
        bench.quiet();
    }
}
