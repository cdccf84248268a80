//! Strings as bits.

use bytes::{Bytes, BytesMut};

use super::string::check_length;
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("bitcount", -2, READONLY, keys(1, 1, 1), C_BITMAP, bitcount),
    Spec::new("getbit", 3, READONLY | FAST, keys(1, 1, 1), C_BITMAP, getbit),
    Spec::new("setbit", 4, WRITE | DENYOOM, keys(1, 1, 1), C_BITMAP, setbit),
    Spec::new("bitpos", -3, READONLY, keys(1, 1, 1), C_BITMAP, bitpos),
];

fn offset(call: &Call<'_>) -> Result<usize, Fault> {
    const WRONG: Fault = Fault::of("ERR bit offset is not an integer or out of range");
    let offset = parse_i64(&call.args[2]).and_then(|offset| usize::try_from(offset).ok()).ok_or(WRONG)?;
    if offset / 8 >= call.state.config.proto_max_bulk_len { Err(WRONG) } else { Ok(offset) }
}

fn getbit(call: &mut Call<'_>) -> Done {
    let offset = offset(call)?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let value = db.get::<Bytes>(key)?;
    let byte = value.and_then(|value| value.get(offset / 8)).copied().unwrap_or(0);
    reply.flag(byte & (0x80 >> (offset % 8)) != 0);
    Ok(())
}

fn setbit(call: &mut Call<'_>) -> Done {
    let offset = offset(call)?;
    let on = match call.args[3].as_ref() {
        b"0" => false,
        b"1" => true,
        _ => return Err(Fault::of("ERR bit is not an integer or out of range")),
    };
    check_length(call, offset / 8 + 1)?;
    let key = &call.args[1];
    let (db, reply) = call.parts();
    let value = db.get_or_create::<Bytes>(key)?;
    let mut bytes = BytesMut::from(std::mem::take(value));
    if bytes.len() <= offset / 8 {
        bytes.resize(offset / 8 + 1, 0);
    }
    let mask = 0x80 >> (offset % 8);
    let byte = &mut bytes[offset / 8];
    let was = *byte & mask != 0;
    *byte = if on { *byte | mask } else { *byte & !mask };
    *value = bytes.freeze();
    reply.flag(was);
    db.changed(key);
    Ok(())
}

/// A range given in bytes, or in bits where the last argument says BIT: as bits, its last one included.
fn bit_range(
    call: &Call<'_>,
    at: usize,
    length: usize,
) -> Result<Option<std::ops::RangeInclusive<usize>>, Fault> {
    let bits = match call.args.get(at + 2) {
        None => false,
        Some(unit) if unit.eq_ignore_ascii_case(b"bit") => true,
        Some(unit) if unit.eq_ignore_ascii_case(b"byte") => false,
        Some(_) => return Err(SYNTAX),
    };
    let start = call.int(at)?;
    let end = if call.args.len() > at + 1 { call.int(at + 1)? } else { -1 };
    Ok(if bits {
        super::string_span(start, end, length * 8)
    } else {
        super::string_span(start, end, length).map(|range| range.start() * 8..=range.end() * 8 + 7)
    })
}

fn bitcount(call: &mut Call<'_>) -> Done {
    if call.args.len() == 3 || call.args.len() > 5 {
        return Err(SYNTAX);
    }
    let args = call.args;
    let value = call.data().get::<Bytes>(&args[1])?.cloned().unwrap_or_default();
    let backwards = call.args.len() > 3
        && matches!((call.int(2), call.int(3)), (Ok(start), Ok(end)) if start < 0 && end < 0 && start > end);
    let range = if call.args.len() == 2 {
        (!value.is_empty()).then(|| 0..=value.len() * 8 - 1)
    } else {
        bit_range(call, 2, value.len())?
    };
    let count = range.filter(|_| !backwards).map_or(0, |range| count(&value, &range));
    call.reply.len(count);
    Ok(())
}

/// The bits set in `value` within a range of bits.
fn count(value: &[u8], range: &std::ops::RangeInclusive<usize>) -> usize {
    let (first, last) = (*range.start(), *range.end());
    let whole: usize = value[first / 8..=last / 8].iter().map(|byte| byte.count_ones() as usize).sum();
    let before = value[first / 8] & !(0xff_u8 >> (first % 8));
    let after = value[last / 8] & !(0xff_u8 << (7 - last % 8));
    whole - before.count_ones() as usize - after.count_ones() as usize
}

fn bitpos(call: &mut Call<'_>) -> Done {
    let wanted = match call.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(Fault::of("ERR The bit argument must be 1 or 0.")),
    };
    if call.args.len() > 6 {
        return Err(SYNTAX);
    }
    let args = call.args;
    let Some(value) = call.data().get::<Bytes>(&args[1])?.cloned() else {
        call.reply.int(if wanted { -1 } else { 0 });
        return Ok(());
    };
    let range = if call.args.len() > 3 {
        bit_range(call, 3, value.len())?
    } else {
        (!value.is_empty()).then(|| 0..=value.len() * 8 - 1)
    };
    let found =
        range.and_then(|mut bits| bits.find(|bit| (value[bit / 8] & (0x80_u8 >> (bit % 8)) != 0) == wanted));
    // A string of ones is followed by zeros, unless an end was given.
    let after = if !wanted && call.args.len() <= 4 && !value.is_empty() {
        i64::try_from(value.len() * 8).unwrap_or(-1)
    } else {
        -1
    };
    call.reply.int(found.map_or(after, |bit| i64::try_from(bit).unwrap_or(-1)));
    Ok(())
}
