//! Trying again, where that is safe, after pauses that grow and differ between callers.

use std::sync::Arc;
use std::time::Duration;

use super::checkout::checkout;
use super::error::CheckoutError;
use super::failure::CommandError;
use super::holder::Tag;
use super::inner::Inner;
use super::redis::{CommandOptions, Cost, RedisConnector};
use crate::net::{ConnectErrorKind, IoError, IoErrorKind};
use crate::resp::Value;

/// The pause grows no further than this many times the configured delay.
const MOST_DELAYS: u32 = 20;

/// Commands known here to change nothing. Whoever knows more says so in [`CommandOptions`].
const READ_ONLY: [&str; 36] = [
    "BITCOUNT",
    "DBSIZE",
    "ECHO",
    "EXISTS",
    "GET",
    "GETBIT",
    "GETRANGE",
    "HEXISTS",
    "HGET",
    "HGETALL",
    "HKEYS",
    "HLEN",
    "HMGET",
    "HSCAN",
    "HVALS",
    "INFO",
    "KEYS",
    "LINDEX",
    "LLEN",
    "LRANGE",
    "MGET",
    "PING",
    "PTTL",
    "SCAN",
    "SCARD",
    "SISMEMBER",
    "SMEMBERS",
    "SSCAN",
    "STRLEN",
    "TIME",
    "TTL",
    "TYPE",
    "ZCARD",
    "ZRANGE",
    "ZSCAN",
    "ZSCORE",
];

/// Error replies that say the command was not run, and that it may be a little later.
const LATER: [&[u8]; 4] = [b"LOADING", b"TRYAGAIN", b"MASTERDOWN", b"CLUSTERDOWN"];

/// One command on a connection of its own, again where that is safe.
pub(super) async fn command<A: AsRef<[u8]>>(
    inner: Arc<Inner<RedisConnector>>,
    tag: Tag,
    args: &[A],
    mut options: CommandOptions,
    mut cost: Option<&mut Cost>,
) -> Result<Value, CommandError> {
    let mut attempt = 0;
    loop {
        let outcome = once(&inner, &tag, args, options, cost.as_deref_mut()).await;
        if matches!(&outcome, Ok(value) if !is_later(value)) {
            return outcome;
        }
        let read_only = options.read_only.unwrap_or_else(|| is_read_only(args));
        if !again(&inner, attempt, outcome.as_ref().err(), read_only).await {
            return outcome;
        }
        attempt += 1;
        // Whoever waits for it has asked once.
        options.at_once = false;
    }
}

/// Waits until the time has come for another attempt, and counts it. `false` when there must be none: after `error`, or
/// after a reply that says "later" where there was no error.
pub(super) async fn again(
    inner: &Inner<RedisConnector>,
    attempt: u32,
    error: Option<&CommandError>,
    read_only: bool,
) -> bool {
    let (retries, delay, timeouts) = inner.setting(|c| (c.retries, c.retry_delay, c.retry_on_timeout));
    let safe = error.is_none_or(|error| is_safe(error, read_only, timeouts));
    if !safe || attempt >= retries {
        return false;
    }
    // While the pool leaves the server alone, the answer to another attempt is known.
    let unreached = matches!(error, Some(CommandError::Checkout(_)));
    let known = if unreached { inner.backoff.left() } else { Duration::ZERO };
    tokio::time::sleep(pause(attempt, delay, fastrand::f64()).max(known)).await;
    inner.core.retried(unreached);
    true
}

async fn once<A: AsRef<[u8]>>(
    inner: &Arc<Inner<RedisConnector>>,
    tag: &Tag,
    args: &[A],
    options: CommandOptions,
    cost: Option<&mut Cost>,
) -> Result<Value, CommandError> {
    // Who does not ask for the cost does not pay for the clock.
    let asked = cost.is_some().then(|| inner.clock.now());
    let mut lease = checkout(inner.clone(), tag.clone(), options.at_once).await?;
    let lent = cost.is_some().then(|| (inner.clock.now(), inner.core.gauges().in_use));
    let outcome = match options.limit {
        None => lease.command(args).await,
        Some(limit) => lease.command_within(args, limit).await,
    };
    if let (Some(cost), Some(asked), Some((lent, in_use))) = (cost, asked, lent) {
        let (waited, round_trip) = (lent.since(asked), inner.clock.now().since(lent));
        *cost = Cost { conn: lease.id(), waited, in_use, round_trip };
    }
    outcome
}

/// Whether this reply says that the same command may go well a little later.
pub(super) fn is_later(value: &Value) -> bool {
    value.error().is_some_and(|text| {
        let code = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        LATER.contains(&code)
    })
}

/// Whether sending it again cannot do anything twice, and may help.
fn is_safe(error: &CommandError, read_only: bool, timeouts: bool) -> bool {
    match error {
        CommandError::Checkout(CheckoutError::Connect(error)) => {
            error.is_retryable() && (timeouts || error.kind() != ConnectErrorKind::Timeout)
        }
        CommandError::NotSent(error) => may_help(error, timeouts),
        CommandError::Unknown(error) => read_only && may_help(error, timeouts),
        // As after any connection that broke.
        CommandError::Reclaimed { sent, .. } => read_only || !sent,
        _ => false,
    }
}

fn may_help(error: &IoError, timeouts: bool) -> bool {
    match error.kind() {
        IoErrorKind::Timeout => timeouts,
        IoErrorKind::Closed | IoErrorKind::Reset | IoErrorKind::Tls(_) | IoErrorKind::Io(..) => true,
        // What does not speak RESP now will not speak it next time.
        _ => false,
    }
}

fn is_read_only<A: AsRef<[u8]>>(args: &[A]) -> bool {
    let name = args.first().map(AsRef::as_ref).unwrap_or_default();
    READ_ONLY.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// The pause before retry number `attempt`: a random part, 0 to 1, of a delay that doubles each time up to a limit.
fn pause(attempt: u32, delay: Duration, part: f64) -> Duration {
    let times = 1_u32.checked_shl(attempt).map_or(MOST_DELAYS, |doubled| doubled.min(MOST_DELAYS));
    delay.saturating_mul(times).mul_f64(part.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::ConnectError;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let delay = Duration::from_millis(50);
        let longest: Vec<_> = (0..8).map(|attempt| pause(attempt, delay, 1.0).as_millis()).collect();
        assert_eq!(longest, [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
        assert_eq!(pause(u32::MAX, delay, 1.0), Duration::from_secs(1));
        assert_eq!(pause(2, delay, 0.5), Duration::from_millis(100));
        assert_eq!(pause(3, Duration::MAX, 0.0), Duration::ZERO);
    }

    #[test]
    fn only_what_cannot_happen_twice_is_sent_again() {
        let io = |kind, sent| IoError::new(kind, sent);
        let lost = CommandError::Unknown(io(IoErrorKind::Closed, true));
        assert!(!is_safe(&lost, false, true), "a write whose reply was lost");
        assert!(is_safe(&lost, true, false), "a read whose reply was lost");
        let late = CommandError::Unknown(io(IoErrorKind::Timeout, true));
        assert!(!is_safe(&late, true, false) && is_safe(&late, true, true) && !is_safe(&late, false, true));
        assert!(is_safe(&CommandError::NotSent(io(IoErrorKind::Reset, false)), false, false));
        assert!(!is_safe(&CommandError::Ended(crate::event::CloseReason::Reset), true, true));
        let garbage = CommandError::Unknown(io(IoErrorKind::Protocol(String::new()), true));
        assert!(!is_safe(&garbage, true, true));
    }

    #[test]
    fn a_wrong_password_is_not_tried_again() {
        let connect = |kind| CommandError::Checkout(CheckoutError::Connect(ConnectError::new(kind, "")));
        for kind in [ConnectErrorKind::WrongPass, ConnectErrorKind::NoAuth, ConnectErrorKind::Tls] {
            assert!(!is_safe(&connect(kind), true, true), "{kind:?}");
        }
        for kind in [ConnectErrorKind::Refused, ConnectErrorKind::MaxClients, ConnectErrorKind::Loading] {
            assert!(is_safe(&connect(kind), false, false), "{kind:?}");
        }
        assert!(!is_safe(&connect(ConnectErrorKind::Timeout), true, false));
    }

    #[test]
    fn replies_that_say_later_are_known_by_their_first_word() {
        let error = |text: &'static str| Value::Error(text.into());
        assert!(is_later(&error("LOADING Redis is loading the dataset in memory")));
        assert!(is_later(&error("TRYAGAIN")));
        assert!(!is_later(&error("ERR LOADING")) && !is_later(&error("LOADINGS x")));
        assert!(!is_later(&Value::Simple("LOADING".into())));
    }

    #[test]
    fn the_list_of_reads_knows_no_case() {
        assert!(is_read_only(&["get", "a"]) && is_read_only(&["ZScore"]));
        assert!(!is_read_only(&["set", "a"]) && !is_read_only::<&str>(&[]));
    }
}
