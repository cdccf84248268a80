//! Strings, as text and as numbers.

use bytes::{Bytes, BytesMut};

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_FLOAT, NOT_INTEGER, OUT_OF_RANGE, OVERFLOW, TOO_LONG};
use crate::demo::number::{Decimal, format_i64, parse_i64};
use crate::demo::spec::*;
use crate::demo::store::Data;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("append", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, append),
    Spec::new("decr", 2, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, decr),
    Spec::new("decrby", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, decrby),
    Spec::new("get", 2, READONLY | FAST, keys(1, 1, 1), C_STRING, get),
    Spec::new("getdel", 2, WRITE | FAST, keys(1, 1, 1), C_STRING, getdel),
    Spec::new("getrange", 4, READONLY, keys(1, 1, 1), C_STRING, getrange),
    Spec::new("incr", 2, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, incr),
    Spec::new("incrby", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, incrby),
    Spec::new("incrbyfloat", 3, WRITE | DENYOOM | FAST, keys(1, 1, 1), C_STRING, incrbyfloat),
    Spec::new("mget", -2, READONLY | FAST, keys(1, -1, 1), C_STRING, mget),
    Spec::new("setrange", 4, WRITE | DENYOOM, keys(1, 1, 1), C_STRING, setrange),
    Spec::new("strlen", 2, READONLY | FAST, keys(1, 1, 1), C_STRING, strlen),
    Spec::new("substr", 4, READONLY, keys(1, 1, 1), C_STRING, substr),
];

fn get(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let value = db.get::<Bytes>(key)?;
    reply.maybe(value.map(AsRef::as_ref));
    Ok(())
}

fn getdel(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let value = db.get::<Bytes>(key)?;
    reply.maybe(value.map(AsRef::as_ref));
    if value.is_some() {
        db.take(key);
    }
    Ok(())
}

fn strlen(call: &mut Call<'_>) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    reply.len(db.get::<Bytes>(key)?.map_or(0, Bytes::len));
    Ok(())
}

fn mget(call: &mut Call<'_>) -> Done {
    let keys = call.rest(1);
    let (db, reply) = call.parts();
    reply.array(keys.len());
    for key in keys {
        // A key of another kind is answered as a missing one.
        match db.read(key).map(|entry| &entry.data) {
            Some(Data::String(value)) => reply.bulk(value),
            _ => reply.null(),
        }
    }
    Ok(())
}

fn getrange(call: &mut Call<'_>) -> Done {
    let (start, end) = (call.int(2)?, call.int(3)?);
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let value = db.get::<Bytes>(key)?.cloned().unwrap_or_default();
    // Both ends before the first byte, in the wrong order: nothing, where clamping would give one byte.
    let backwards = start < 0 && end < 0 && start > end;
    match super::string_span(start, end, value.len()) {
        Some(range) if !backwards => reply.bulk(&value[range]),
        _ => reply.bulk(b""),
    }
    Ok(())
}

fn substr(call: &mut Call<'_>) -> Done {
    getrange(call)
}

/// Checks that a string may grow to `length`.
pub(super) fn check_length(call: &Call<'_>, length: usize) -> Done {
    if length > call.state.config.proto_max_bulk_len { Err(TOO_LONG) } else { Ok(()) }
}

fn append(call: &mut Call<'_>) -> Done {
    let (key, more) = (&call.args[1], &call.args[2]);
    let old = call.data().get_mut::<Bytes>(key)?.map_or(0, |value| value.len());
    check_length(call, old.saturating_add(more.len()))?;
    let (db, reply) = call.parts();
    let value = db.get_or_create::<Bytes>(key)?;
    // Grows in place where nobody else holds the value.
    let mut grown = BytesMut::from(std::mem::take(value));
    grown.extend_from_slice(more);
    *value = grown.freeze();
    reply.len(value.len());
    db.changed(key);
    Ok(())
}

fn setrange(call: &mut Call<'_>) -> Done {
    let offset = call.int(2)?;
    let offset = usize::try_from(offset).map_err(|_| Fault::of("ERR offset is out of range"))?;
    let (key, patch) = (&call.args[1], &call.args[3]);
    let old = call.data().get_mut::<Bytes>(key)?.map_or(0, |value| value.len());
    if patch.is_empty() {
        call.reply.len(old);
        return Ok(());
    }
    let end = offset.saturating_add(patch.len());
    check_length(call, end)?;
    let (db, reply) = call.parts();
    let value = db.get_or_create::<Bytes>(key)?;
    let mut patched = BytesMut::from(std::mem::take(value));
    if patched.len() < end {
        patched.resize(end, 0);
    }
    patched[offset..end].copy_from_slice(patch);
    *value = patched.freeze();
    reply.len(value.len());
    db.changed(key);
    Ok(())
}

fn add(call: &mut Call<'_>, by: i64) -> Done {
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let old = match db.get_mut::<Bytes>(key)? {
        Some(value) => parse_i64(value).ok_or(NOT_INTEGER)?,
        None => 0,
    };
    let new = old.checked_add(by).ok_or(OVERFLOW)?;
    let text = Bytes::copy_from_slice(format_i64(new, &mut [0; 20]));
    db.replace(key, Data::String(text));
    reply.int(new);
    Ok(())
}

fn incr(call: &mut Call<'_>) -> Done {
    add(call, 1)
}

fn decr(call: &mut Call<'_>) -> Done {
    add(call, -1)
}

fn incrby(call: &mut Call<'_>) -> Done {
    let by = call.int(2)?;
    add(call, by)
}

fn decrby(call: &mut Call<'_>) -> Done {
    let by = call.int(2)?.checked_neg().ok_or(Fault::of("ERR decrement would overflow"))?;
    add(call, by)
}

/// The sum of two numbers as INCRBYFLOAT prints it.
pub(super) fn float_sum(old: &[u8], by: &[u8]) -> Result<String, Fault> {
    if let (Some(old), Some(by)) = (Decimal::parse(old), Decimal::parse(by)) {
        return Ok(old.plus(by).ok_or(OUT_OF_RANGE)?.print());
    }
    // Beyond what a decimal holds: as doubles.
    let read = |text: &[u8]| crate::demo::number::parse_f64(text).ok_or(NOT_FLOAT);
    let sum = read(old)? + read(by)?;
    if sum.is_finite() {
        Ok(format!("{sum}"))
    } else {
        Err(Fault::of("ERR increment would produce NaN or Infinity"))
    }
}

fn incrbyfloat(call: &mut Call<'_>) -> Done {
    let (key, by) = (&call.args[1], &call.args[2]);
    let (db, reply) = call.parts();
    let old = db.get_mut::<Bytes>(key)?.cloned().unwrap_or_else(|| Bytes::from_static(b"0"));
    let text = float_sum(&old, by)?;
    db.replace(key, Data::String(Bytes::copy_from_slice(text.as_bytes())));
    reply.text(&text);
    Ok(())
}
