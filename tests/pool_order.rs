//! Random crowds on a pool of fakes: callers come, go away, give back and break connections while the limit changes, and
//! nobody overtakes anybody.

mod pool_support;

use std::sync::{Arc, Mutex};

use pool_support::{Fakes, fake_pool, in_paused_time, pick, plain};
use proptest::prelude::*;
use redis_pooltop::event::CloseReason;
use redis_pooltop::pool::Lease;
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
enum Step {
    Checkout,
    Cancel(usize),
    Release(usize),
    Discard(usize),
    Resize(u32),
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn waiters_are_served_in_the_order_they_came(
        max in 1..4_u32,
        steps in proptest::collection::vec(
            prop_oneof![
                6 => Just(Step::Checkout),
                3 => (0..20_usize).prop_map(Step::Release),
                1 => (0..20_usize).prop_map(Step::Discard),
                2 => (0..20_usize).prop_map(Step::Cancel),
                1 => (1..5_u32).prop_map(Step::Resize),
            ],
            1..80,
        ),
    ) {
        in_paused_time(async {
            let (pool, world, _events) = fake_pool(plain(max));
            let served = Arc::new(Mutex::new(Vec::new()));
            let (mut callers, mut leases, mut asked) = (Vec::new(), Vec::new(), 0_u64);
            for step in &steps {
                match *step {
                    Step::Checkout => {
                        let (pool, served, number) = (pool.clone(), served.clone(), asked);
                        asked += 1;
                        callers.push(tokio::spawn(async move {
                            let lease = pool.checkout().await.expect("it is granted");
                            served.lock().unwrap().push(number);
                            lease
                        }));
                    }
                    Step::Cancel(n) => {
                        if let Some(caller) = pick(n, &callers) {
                            caller.abort();
                        }
                    }
                    Step::Release(n) if !leases.is_empty() => drop(leases.swap_remove(n % leases.len())),
                    Step::Discard(n) if !leases.is_empty() => {
                        let lease: Lease<Fakes> = leases.swap_remove(n % leases.len());
                        lease.discard(CloseReason::Asked);
                    }
                    Step::Resize(max) => {
                        pool.resize(max);
                    }
                    _ => {}
                }
                for _ in 0..60 {
                    tokio::task::yield_now().await;
                }
                let (done, waiting): (Vec<_>, Vec<_>) = callers.into_iter().partition(JoinHandle::is_finished);
                callers = waiting;
                for caller in done {
                    leases.extend(caller.await);
                }
                let served = served.lock().unwrap();
                prop_assert!(served.is_sorted(), "served {served:?}");
            }
            world.assert_right();
            Ok(())
        })?;
    }
}
