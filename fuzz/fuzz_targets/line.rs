//! Any line a person could type or paste: splitting it never fails but by an open quote.
#![no_main]

use libfuzzer_sys::fuzz_target;
use redis_pooltop::command::token;

fuzz_target!(|line: &[u8]| {
    let _ = token::split(line);
});
