//! Deadlines: EXPIRE and TTL in all their units.

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault};
use crate::demo::spec::*;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("expire", -3, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, expire),
    Spec::new("expireat", -3, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, expireat),
    Spec::new("expiretime", 2, READONLY | FAST, keys(1, 1, 1), C_KEYSPACE, expiretime),
    Spec::new("persist", 2, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, persist),
    Spec::new("pexpire", -3, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, pexpire),
    Spec::new("pexpireat", -3, WRITE | FAST, keys(1, 1, 1), C_KEYSPACE, pexpireat),
    Spec::new("pexpiretime", 2, READONLY | FAST, keys(1, 1, 1), C_KEYSPACE, pexpiretime),
    Spec::new("pttl", 2, READONLY | FAST, keys(1, 1, 1), C_KEYSPACE, pttl),
    Spec::new("ttl", 2, READONLY | FAST, keys(1, 1, 1), C_KEYSPACE, ttl),
];

/// EXPIRE's condition on the deadline that is there already.
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[derive(Clone, Copy, Default)]
struct When {
    none_yet: bool,
    some_already: bool,
    later: bool,
    sooner: bool,
}

impl When {
    fn parse(call: &Call<'_>) -> Result<Self, Fault> {
        let mut when = Self::default();
        for option in call.rest(3) {
            match option.to_ascii_uppercase().as_slice() {
                b"NX" => when.none_yet = true,
                b"XX" => when.some_already = true,
                b"GT" => when.later = true,
                b"LT" => when.sooner = true,
                _ => {
                    let mut text = b"ERR Unsupported option ".to_vec();
                    text.extend_from_slice(option);
                    return Err(Fault::say(text));
                }
            }
        }
        if when.none_yet && (when.some_already || when.later || when.sooner) {
            return Err(Fault::of("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if when.later && when.sooner {
            return Err(Fault::of("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(when)
    }

    /// No deadline is later than any.
    fn allows(self, old: Option<i64>, new: i64) -> bool {
        !(self.none_yet && old.is_some()
            || self.some_already && old.is_none()
            || self.later && old.is_none_or(|old| new <= old)
            || self.sooner && old.is_some_and(|old| new >= old))
    }
}

fn set_deadline(call: &mut Call<'_>, scale: i64, from_now: bool, command: &str) -> Done {
    let invalid = || Fault::say(format!("ERR invalid expire time in '{command}' command"));
    let time = call.int(2)?;
    let when = When::parse(call)?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let base = if from_now { db.now() } else { 0 };
    let at = time.checked_mul(scale).and_then(|time| time.checked_add(base)).ok_or_else(invalid)?;
    let Some(old) = db.entry(key).map(|entry| entry.expires) else {
        reply.flag(false);
        return Ok(());
    };
    if !when.allows(old, at) {
        reply.flag(false);
        return Ok(());
    }
    if at <= db.now() {
        db.take(key);
    } else {
        db.set_expiry(key, Some(at));
    }
    reply.flag(true);
    Ok(())
}

fn expire(call: &mut Call<'_>) -> Done {
    set_deadline(call, 1000, true, "expire")
}

fn pexpire(call: &mut Call<'_>) -> Done {
    set_deadline(call, 1, true, "pexpire")
}

fn expireat(call: &mut Call<'_>) -> Done {
    set_deadline(call, 1000, false, "expireat")
}

fn pexpireat(call: &mut Call<'_>) -> Done {
    set_deadline(call, 1, false, "pexpireat")
}

fn persist(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let had = db.entry(key).is_some_and(|entry| entry.expires.is_some());
    if had {
        db.set_expiry(key, None);
    }
    reply.flag(had);
    Ok(())
}

/// A deadline as `tell` puts it: -2 without the key, -1 without a deadline.
fn told(call: &mut Call<'_>, tell: fn(i64, i64) -> i64) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let now = db.now();
    reply.int(match db.read(key).map(|entry| entry.expires) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => tell(at, now),
    });
    Ok(())
}

fn ttl(call: &mut Call<'_>) -> Done {
    told(call, |at, now| ((at - now).max(0) + 500) / 1000)
}

fn pttl(call: &mut Call<'_>) -> Done {
    told(call, |at, now| (at - now).max(0))
}

fn expiretime(call: &mut Call<'_>) -> Done {
    told(call, |at, _| (at + 500) / 1000)
}

fn pexpiretime(call: &mut Call<'_>) -> Done {
    told(call, |at, _| at)
}
