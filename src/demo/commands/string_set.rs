//! SET and its relatives: strings with conditions and deadlines.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_INTEGER, SYNTAX, WRONG_TYPE};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::store::Data;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("getex", -2, WRITE | FAST, keys(1, 1, 1), C_STRING, getex),
    Spec::new("getset", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, getset),
    Spec::new("mset", -3, WRITE | DENYOOM, keys(1, -1, 2), C_STRING, mset),
    Spec::new("msetnx", -3, WRITE | DENYOOM, keys(1, -1, 2), C_STRING, msetnx),
    Spec::new("psetex", 4, WRITE | DENYOOM, keys(1, 1, 1), C_STRING, psetex),
    Spec::new("set", -3, WRITE | DENYOOM, keys(1, 1, 1), C_STRING, set),
    Spec::new("setex", 4, WRITE | DENYOOM, keys(1, 1, 1), C_STRING, setex),
    Spec::new("setnx", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, setnx),
];

/// How a deadline was given: a time from now or a point in time, in seconds or milliseconds.
#[derive(Clone, Copy)]
struct Unit {
    milliseconds: bool,
    from_now: bool,
}

const EX: Unit = Unit { milliseconds: false, from_now: true };
const PX: Unit = Unit { milliseconds: true, from_now: true };

/// The unit an option names.
fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "EX" => EX,
        "PX" => PX,
        "EXAT" => Unit { milliseconds: false, from_now: false },
        "PXAT" => Unit { milliseconds: true, from_now: false },
        _ => return None,
    })
}

/// A deadline in Unix milliseconds; the error names the command.
fn deadline(text: &[u8], unit: Unit, now: i64, command: &str) -> Result<i64, Fault> {
    let invalid = || Fault::say(format!("ERR invalid expire time in '{command}' command"));
    let number = parse_i64(text).ok_or(NOT_INTEGER)?;
    if number <= 0 {
        return Err(invalid());
    }
    let number = number.checked_mul(if unit.milliseconds { 1 } else { 1000 }).ok_or_else(invalid)?;
    number.checked_add(if unit.from_now { now } else { 0 }).ok_or_else(invalid)
}

/// SET's options.
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
#[derive(Default)]
struct Options {
    deadline: Option<(Bytes, Unit)>,
    keep: bool,
    only_new: bool,
    only_old: bool,
    get: bool,
}

impl Options {
    fn parse(call: &Call<'_>) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut words = call.rest(3).iter();
        while let Some(word) = words.next() {
            let word = String::from_utf8_lossy(word).to_ascii_uppercase();
            match word.as_str() {
                "NX" if !options.only_old => options.only_new = true,
                "XX" if !options.only_new => options.only_old = true,
                "GET" => options.get = true,
                "KEEPTTL" if options.deadline.is_none() => options.keep = true,
                _ => {
                    let unit = unit(&word).filter(|_| options.deadline.is_none() && !options.keep);
                    let (unit, value) = unit.zip(words.next()).ok_or(SYNTAX)?;
                    options.deadline = Some((value.clone(), unit));
                }
            }
        }
        Ok(options)
    }
}

fn set(call: &mut Call<'_>) -> Done {
    let options = Options::parse(call)?;
    let (key, value) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let at = match &options.deadline {
        Some((text, unit)) => Some(deadline(text, *unit, db.now(), "set")?),
        None => None,
    };
    let old = db.entry(key);
    let exists = old.is_some();
    let kept = old.as_ref().and_then(|entry| entry.expires).filter(|_| options.keep);
    if options.get {
        match old.map(|entry| &entry.data) {
            None => reply.null(),
            Some(Data::String(old)) => reply.bulk(old),
            Some(_) => return Err(WRONG_TYPE),
        }
    }
    if options.only_new && exists || options.only_old && !exists {
        if !options.get {
            reply.null();
        }
        return Ok(());
    }
    db.put(key, Data::String(value.clone()), at.or(kept));
    if at.is_some_and(|at| at <= db.now()) {
        db.take(key);
    }
    if !options.get {
        reply.ok();
    }
    Ok(())
}

fn setnx(call: &mut Call<'_>) -> Done {
    let (key, value) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let exists = db.exists(key);
    if !exists {
        db.put(key, Data::String(value.clone()), None);
    }
    reply.flag(!exists);
    Ok(())
}

fn set_until(call: &mut Call<'_>, unit: Unit, command: &str) -> Done {
    let (key, time, value) = (&call.args[1], &call.args[2], &call.args[3]);
    let (db, reply) = call.parts();
    let at = deadline(time, unit, db.now(), command)?;
    db.put(key, Data::String(value.clone()), Some(at));
    reply.ok();
    Ok(())
}

fn setex(call: &mut Call<'_>) -> Done {
    set_until(call, EX, "setex")
}

fn psetex(call: &mut Call<'_>) -> Done {
    set_until(call, PX, "psetex")
}

fn getset(call: &mut Call<'_>) -> Done {
    let (key, value) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let old = db.get::<Bytes>(key)?;
    reply.maybe(old.map(AsRef::as_ref));
    db.put(key, Data::String(value.clone()), None);
    Ok(())
}

fn getex(call: &mut Call<'_>) -> Done {
    let mut persist = false;
    let mut given = None;
    match call.rest(2) {
        [] => {}
        [word] if word.eq_ignore_ascii_case(b"persist") => persist = true,
        [word, value] => {
            let unit = unit(&String::from_utf8_lossy(word).to_ascii_uppercase()).ok_or(SYNTAX)?;
            given = Some((value, unit));
        }
        _ => return Err(SYNTAX),
    }
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let Some(value) = db.get::<Bytes>(key)?.cloned() else {
        reply.null();
        return Ok(());
    };
    if let Some((text, unit)) = given {
        let at = deadline(text, unit, db.now(), "getex")?;
        if at <= db.now() {
            db.take(key);
        } else {
            db.set_expiry(key, Some(at));
        }
    } else if persist && db.entry(key).is_some_and(|entry| entry.expires.is_some()) {
        db.set_expiry(key, None);
    }
    reply.bulk(&value);
    Ok(())
}

fn mset(call: &mut Call<'_>) -> Done {
    let pairs = pairs(call, "mset")?;
    let (db, reply) = call.parts();
    for pair in pairs.chunks_exact(2) {
        db.put(&pair[0], Data::String(pair[1].clone()), None);
    }
    reply.ok();
    Ok(())
}

fn msetnx(call: &mut Call<'_>) -> Done {
    let pairs = pairs(call, "msetnx")?;
    let (db, reply) = call.parts();
    let taken = pairs.chunks_exact(2).any(|pair| db.exists(&pair[0]));
    if !taken {
        for pair in pairs.chunks_exact(2) {
            db.put(&pair[0], Data::String(pair[1].clone()), None);
        }
    }
    reply.flag(!taken);
    Ok(())
}

fn pairs<'a>(call: &Call<'a>, command: &str) -> Result<&'a [Bytes], Fault> {
    let pairs = call.rest(1);
    if pairs.len().is_multiple_of(2) { Ok(pairs) } else { Err(Fault::arity(command)) }
}
