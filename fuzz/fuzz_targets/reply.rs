//! Any bytes from a server, in any pieces: decoding them gives the same values however they are cut, and printing those
//! for a terminal gives nothing it would obey.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use redis_pooltop::resp::print::{Printer, Style};
use redis_pooltop::resp::{Caps, Decoder, Value};

fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<Value> {
    let caps = Caps { bulk: 1 << 16, items: 1 << 12, depth: 32, line: 1 << 12, bytes: 1 << 20 };
    let (mut decoder, mut buffer, mut values) = (Decoder::new(caps), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(&piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(value)) => values.push(value),
                Ok(None) => break,
                Err(_) => return values,
            }
        }
    }
    values
}

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (cut, bytes) = input;
    let whole = read(std::iter::once(bytes.clone()));
    let cut = read(bytes.chunks(usize::from(cut).max(1)).map(<[u8]>::to_vec));
    assert_eq!(whole, cut);
    for value in whole {
        for style in [Style::Standard, Style::Raw, Style::Csv, Style::Json] {
            let printed = Printer { style, escape: true }.print(&value, false);
            let printed = String::from_utf8(printed).expect("what a terminal gets is UTF-8");
            assert!(!printed.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
        }
    }
});
