use proptest::prelude::*;

use super::*;

fn bulk(text: &'static str) -> Value {
    Value::Bulk(Bytes::from_static(text.as_bytes()))
}

fn simple(text: &'static str) -> Value {
    Value::Simple(Bytes::from_static(text.as_bytes()))
}

fn whole(bytes: &[u8]) -> Result<Option<Value>, DecodeError> {
    Decoder::new(Caps::default()).decode(&mut BytesMut::from(bytes))
}

fn table() -> Vec<(&'static [u8], Value)> {
    vec![
        (b"+OK\r\n", simple("OK")),
        (b"+\r\n", simple("")),
        (b"+a b\r\n", simple("a b")),
        (b"-ERR no\r\n", Value::Error(Bytes::from_static(b"ERR no"))),
        (b":-12\r\n", Value::Integer(-12)),
        (b":+7\r\n", Value::Integer(7)),
        (b"$5\r\na\r\nbc\r\n", bulk("a\r\nbc")),
        (b"$0\r\n\r\n", bulk("")),
        (b"$-1\r\n", Value::Nil),
        (b"*-1\r\n", Value::Nil),
        (b"_\r\n", Value::Nil),
        (b"*0\r\n", Value::Array(vec![])),
        (
            b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
            Value::Array(vec![Value::Array(vec![Value::Integer(1)]), bulk("x")]),
        ),
        (b"%1\r\n+k\r\n*0\r\n", Value::Map(vec![(simple("k"), Value::Array(vec![]))])),
        (b"~1\r\n#t\r\n", Value::Set(vec![Value::Boolean(true)])),
        (b">2\r\n+a\r\n#f\r\n", Value::Push(vec![simple("a"), Value::Boolean(false)])),
        (b",-1.5e3\r\n", Value::Double(Bytes::from_static(b"-1.5e3"))),
        (b",inf\r\n", Value::Double(Bytes::from_static(b"inf"))),
        (b"(-123456789012345678901\r\n", Value::BigNumber(Bytes::from_static(b"-123456789012345678901"))),
        (b"!5\r\nERR a\r\n", Value::Error(Bytes::from_static(b"ERR a"))),
        (b"=7\r\ntxt:abc\r\n", Value::Verbatim { format: *b"txt", text: Bytes::from_static(b"abc") }),
        (
            b"|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n",
            Value::Attribute {
                attributes: vec![(simple("ttl"), Value::Integer(9))],
                value: Box::new(bulk("v")),
            },
        ),
    ]
}

#[test]
fn every_type_is_read_whole_and_byte_by_byte() {
    for (bytes, value) in table() {
        assert_eq!(whole(bytes), Ok(Some(value.clone())), "{}", bytes.escape_ascii());
        let (mut decoder, mut buffer) = (Decoder::new(Caps::default()), BytesMut::new());
        for (at, byte) in bytes.iter().enumerate() {
            buffer.extend_from_slice(&[*byte]);
            let got = decoder.decode(&mut buffer);
            let expected = (at + 1 == bytes.len()).then(|| value.clone());
            assert_eq!(got, Ok(expected), "{} at {at}", bytes.escape_ascii());
        }
        assert!(buffer.is_empty());
    }
}

#[test]
fn what_is_no_resp_is_an_error() {
    let caps = |what, claimed, cap| DecodeError::Cap { what, claimed, cap };
    let table: [(&[u8], DecodeError); 16] = [
        (b"HTTP/1.1 400", DecodeError::Type(b'H')),
        (b"\x15\x03\x01", DecodeError::Type(0x15)),
        (b"*1\r\nx", DecodeError::Type(b'x')),
        (b"+OK\n", DecodeError::Ending),
        (b"$3\r\nabcde", DecodeError::Ending),
        (b":1x\r\n", DecodeError::Number),
        (b":9223372036854775808\r\n", DecodeError::Number),
        (b"$-2\r\n", DecodeError::Number),
        (b"*?\r\n", DecodeError::Number),
        (b"_x\r\n", DecodeError::Malformed("null")),
        (b"#x\r\n", DecodeError::Malformed("boolean")),
        (b",1;\r\n", DecodeError::Malformed("double")),
        (b"(1.5\r\n", DecodeError::Malformed("big number")),
        (b"=3\r\nabc\r\n", DecodeError::Malformed("verbatim string")),
        (b"*2000000000\r\n", caps("an element count", 2_000_000_000, 16 << 20)),
        (b"$9999999999\r\n", caps("a string", 9_999_999_999, 512 << 20)),
    ];
    for (bytes, error) in table {
        assert_eq!(whole(bytes), Err(error), "{}", bytes.escape_ascii());
    }
}

#[test]
fn nesting_and_lines_have_a_limit() {
    let most = Caps::default().depth;
    let nested = |depth: usize| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    assert!(matches!(whole(&nested(most)), Ok(Some(_))));
    assert!(matches!(whole(&nested(most + 1)), Err(DecodeError::Cap { what: "a nesting", .. })));
    let endless = [b"+".to_vec(), vec![b'x'; Caps::default().line + 1]].concat();
    assert!(matches!(whole(&endless), Err(DecodeError::Cap { what: "a line", .. })));
}

#[test]
fn the_elements_of_a_reply_are_counted_together() {
    let caps = Caps { items: 10, ..Caps::default() };
    let read = |bytes: &[u8]| {
        let (mut decoder, mut buffer, mut replies) = (Decoder::new(caps), BytesMut::from(bytes), 0);
        while decoder.decode(&mut buffer)?.is_some() {
            replies += 1;
        }
        Ok(replies)
    };
    let ten = [b"*2\r\n:0\r\n*8\r\n".to_vec(), b":1\r\n".repeat(8)].concat();
    assert_eq!(read(&ten.repeat(3)), Ok(3));
    let beyond = DecodeError::Cap { what: "an element count", claimed: 11, cap: 10 };
    assert_eq!(read(b"*2\r\n:0\r\n*9\r\n"), Err(beyond.clone()));
    assert_eq!(read(b"*3\r\n%2\r\n:0\r\n:0\r\n:0\r\n:0\r\n~4\r\n"), Err(beyond));
}

#[test]
fn the_memory_of_a_reply_is_counted_together() {
    let slot = size_of::<Value>();
    let caps = Caps { bytes: 3 * slot + 10, ..Caps::default() };
    let mut decoder = Decoder::new(caps);
    let full = b"*3\r\n$4\r\nabcd\r\n+ef\r\n:1\r\n";
    let mut buffer = BytesMut::from(&full.repeat(2)[..]);
    for _ in 0..2 {
        assert!(matches!(decoder.decode(&mut buffer), Ok(Some(Value::Array(_)))));
        assert!((3 * slot + 6..=3 * slot + 10).contains(&decoder.last_bytes()));
    }
    let beyond = |bytes: &[u8]| {
        matches!(
            Decoder::new(caps).decode(&mut BytesMut::from(bytes)),
            Err(DecodeError::Cap { what: "a reply's bytes", .. })
        )
    };
    assert!(beyond(b"*3\r\n$4\r\nabcd\r\n$7\r\n"), "strings, each of them small");
    assert!(beyond(b"*4\r\n"), "the slots alone");
    assert!(beyond(b"*2\r\n*2\r\n"), "the slots of every level");
}

#[test]
fn a_claim_sets_no_memory_aside() {
    let most = b"*16777000\r\n";
    let mut decoder = Decoder::new(Caps::default());
    assert_eq!(decoder.decode(&mut BytesMut::from(&most[..])), Ok(None));
    assert!(decoder.open.iter().all(|open| open.items.capacity() <= FIRST_ITEMS));
    let mut buffer = BytesMut::from(&b"$536870912\r\nabc"[..]);
    assert_eq!(Decoder::new(Caps::default()).decode(&mut buffer), Ok(None));
    assert!(buffer.capacity() < 1024);
}

proptest! {
    #[test]
    fn how_bytes_are_cut_makes_no_difference(
        picks in proptest::collection::vec(0..table().len(), 1..8),
        cuts in proptest::collection::vec(1..9_usize, 1..8),
    ) {
        let table = table();
        let expected: Vec<Value> = picks.iter().map(|pick| table[*pick].1.clone()).collect();
        let stream: Vec<u8> = picks.iter().flat_map(|pick| table[*pick].0.to_vec()).collect();
        let (mut decoder, mut buffer, mut got) = (Decoder::new(Caps::default()), BytesMut::new(), Vec::new());
        let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap_or(&1)).min(rest.len()));
            rest = after;
            buffer.extend_from_slice(piece);
            while let Some(value) = decoder.decode(&mut buffer).unwrap() {
                got.push(value);
            }
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), junk in "[*$%~>|+:=!_#(,0-9\r\n-]{0,200}") {
        for stream in [&bytes[..], junk.as_bytes()] {
            let (mut decoder, mut buffer) = (Decoder::new(Caps::default()), BytesMut::from(stream));
            while let Ok(Some(_)) = decoder.decode(&mut buffer) {}
        }
    }
}
