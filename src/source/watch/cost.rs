//! What CLIENT LIST costs the server, and how seldom it is to be asked for because of that.

use std::time::Duration;

/// CLIENT LIST is asked for no oftener.
const LEAST: Duration = Duration::from_secs(1);

/// And no more seldom, whatever a server claims that it costs.
const MOST: Duration = Duration::from_secs(600);

/// So many times its cost is the time between two: nine tenths of one per cent of the server's time.
const TIMES: u32 = 110;

/// So many times what reading it takes us: three per cent of a core of our own.
const OUR_TIMES: u32 = 33;

/// The costs of the looks of one connection.
#[derive(Debug, Default)]
pub(super) struct Cost {
    told: Option<Told>,
    /// The shortest way there and back that an answer took.
    way: Option<Duration>,
}

/// What `commandstats` said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    calls: u64,
    micros: u64,
    /// It counts CLIENT LIST by itself, and not all of CLIENT together, as before Redis 7.
    alone: bool,
}

impl Cost {
    /// Something small was answered so fast.
    pub(super) fn answered(&mut self, took: Duration) {
        self.way = Some(self.way.map_or(took, |way| way.min(took)));
    }

    /// Takes `commandstats`, and gives what a CLIENT LIST cost since it was last given.
    pub(super) fn tell(&mut self, commandstats: &str) -> Option<Duration> {
        let now = told(commandstats);
        let before = self.told.replace(now)?;
        if now.alone != before.alone && before.calls > 0 {
            return None;
        }
        // The server may have been told to count anew.
        let calls = now.calls.checked_sub(before.calls).filter(|calls| *calls > 0)?;
        let micros = now.micros.checked_sub(before.micros)?;
        // Others may ask for lists too. What else CLIENT is used for costs next to nothing, and counts as ours.
        Some(Duration::from_micros(if now.alone { micros / calls } else { micros }))
    }

    /// What a look cost as far as can be measured from here: what it took beyond the mere way.
    pub(super) fn measured(&self, took: Duration) -> Duration {
        took.saturating_sub(self.way.unwrap_or_default())
    }
}

/// How long from one look to the next.
pub(super) fn interval(cost: Duration, ours: Duration) -> Duration {
    cost.saturating_mul(TIMES).max(ours.saturating_mul(OUR_TIMES)).clamp(LEAST, MOST)
}

/// A command that was never used has no line.
fn told(commandstats: &str) -> Told {
    line(commandstats).unwrap_or_default()
}

fn line(commandstats: &str) -> Option<Told> {
    let of = |name: &str| {
        commandstats.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
    };
    let (fields, alone) = match of("cmdstat_client|list") {
        Some(fields) => (fields, true),
        None => (of("cmdstat_client")?, false),
    };
    let field = |name: &str| {
        let value = fields.split(',').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))?;
        value.parse().ok()
    };
    Some(Told { calls: field("calls")?, micros: field("usec")?, alone })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROS: fn(u64) -> Duration = Duration::from_micros;

    #[test]
    fn a_look_costs_what_the_server_counted() {
        let mut cost = Cost::default();
        let redis_7 = |calls: u64, usec: u64| {
            format!(
                "# Commandstats\r\ncmdstat_get:calls=1,usec=9,usec_per_call=9.00\r\ncmdstat_client|list:calls={calls},usec={usec},usec_per_call=18.00\r\n"
            )
        };
        assert_eq!(cost.tell(&redis_7(1, 18)), None);
        assert_eq!(cost.tell(&redis_7(2, 118)), Some(MICROS(100)));
        assert_eq!(cost.tell(&redis_7(6, 518)), Some(MICROS(100)), "others list too");
        assert_eq!(cost.tell(&redis_7(6, 518)), None);
        assert_eq!(cost.tell(&redis_7(1, 10)), None, "CONFIG RESETSTAT");
        assert_eq!(cost.tell(&redis_7(2, 20)), Some(MICROS(10)));
        assert_eq!(cost.tell("nothing of the kind"), None, "refused");
    }

    #[test]
    fn an_old_server_counts_all_of_client_together() {
        let mut cost = Cost::default();
        assert_eq!(cost.tell("cmdstat_get:calls=1,usec=9"), None);
        assert_eq!(cost.tell("cmdstat_client:calls=1,usec=9,usec_per_call=9.00"), Some(MICROS(9)));
        cost.tell("cmdstat_client:calls=5,usec=50,usec_per_call=10.00");
        assert_eq!(cost.tell("cmdstat_client:calls=9,usec=950,usec_per_call=10.00"), Some(MICROS(900)));
    }

    #[test]
    fn what_is_measured_is_without_the_way() {
        let mut cost = Cost::default();
        assert_eq!(cost.measured(MICROS(900)), MICROS(900));
        cost.answered(MICROS(400));
        cost.answered(MICROS(700));
        assert_eq!(cost.measured(MICROS(900)), MICROS(500));
        assert_eq!(cost.measured(MICROS(1)), Duration::ZERO);
    }

    #[test]
    fn looks_are_so_seldom_that_they_stay_under_one_per_cent() {
        assert_eq!(interval(MICROS(100), Duration::ZERO), LEAST);
        for micros in [9_500, 11_000, 110_000, 1_000_000] {
            let next = interval(MICROS(micros), Duration::ZERO);
            assert!(MICROS(micros).as_secs_f64() / next.as_secs_f64() < 0.01, "{micros}");
        }
        assert_eq!(interval(Duration::MAX, Duration::ZERO), MOST);
        assert_eq!(interval(Duration::ZERO, MICROS(100_000)), MICROS(3_300_000));
    }
}
