//! Our decoder beside another one: what both read from random replies must be the same.
//!
//! redis-protocol is the oracle for shallow replies; it forgets the order of maps and sets, so both sides are put in
//! one order before they are compared.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use redis_pooltop::resp::{Caps, Decoder, Value};
use redis_protocol::resp3::decode::complete;
use redis_protocol::resp3::types::{BytesFrame, VerbatimStringFormat};

fn serialise(value: &Value, out: &mut Vec<u8>) {
    let line = |mark: char, text: &[u8], out: &mut Vec<u8>| {
        out.push(mark as u8);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    };
    let blob = |mark: char, text: &[u8], out: &mut Vec<u8>| {
        out.extend(format!("{mark}{}\r\n", text.len()).into_bytes());
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    };
    match value {
        Value::Simple(text) => line('+', text, out),
        Value::Error(text) => line('-', text, out),
        Value::Integer(number) => line(':', number.to_string().as_bytes(), out),
        Value::Bulk(text) => blob('$', text, out),
        Value::Nil => out.extend_from_slice(b"_\r\n"),
        Value::Double(text) => line(',', text, out),
        Value::Boolean(yes) => line('#', if *yes { b"t" } else { b"f" }, out),
        Value::BigNumber(text) => line('(', text, out),
        Value::Verbatim { format, text } => blob('=', &[format.as_slice(), b":", text].concat(), out),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            let mark = match value {
                Value::Array(_) => '*',
                Value::Set(_) => '~',
                _ => '>',
            };
            line(mark, items.len().to_string().as_bytes(), out);
            for item in items {
                serialise(item, out);
            }
        }
        Value::Map(pairs) => {
            line('%', pairs.len().to_string().as_bytes(), out);
            for (key, value) in pairs {
                serialise(key, out);
                serialise(value, out);
            }
        }
        Value::Attribute { .. } => unreachable!("none is made here"),
    }
}

/// The oracle's frame as a value of ours.
fn translate(frame: BytesFrame) -> Value {
    let all = |items: Vec<BytesFrame>| items.into_iter().map(translate).collect();
    match frame {
        BytesFrame::BlobString { data, .. } => Value::Bulk(data),
        BytesFrame::BlobError { data, .. } => Value::Error(data),
        BytesFrame::SimpleString { data, .. } => Value::Simple(data),
        BytesFrame::SimpleError { data, .. } => Value::Error(Bytes::copy_from_slice(data.as_bytes())),
        BytesFrame::Boolean { data, .. } => Value::Boolean(data),
        BytesFrame::Null => Value::Nil,
        BytesFrame::Number { data, .. } => Value::Integer(data),
        BytesFrame::Double { data, .. } => Value::Double(data.to_string().into()),
        BytesFrame::BigNumber { data, .. } => Value::BigNumber(data),
        BytesFrame::VerbatimString { data, format, .. } => Value::Verbatim {
            format: match format {
                VerbatimStringFormat::Text => *b"txt",
                VerbatimStringFormat::Markdown => *b"mkd",
            },
            text: data,
        },
        BytesFrame::Array { data, .. } => Value::Array(all(data)),
        BytesFrame::Push { data, .. } => Value::Push(all(data)),
        BytesFrame::Set { data, .. } => Value::Set(data.into_iter().map(translate).collect()),
        BytesFrame::Map { data, .. } => {
            Value::Map(data.into_iter().map(|(key, value)| (translate(key), translate(value))).collect())
        }
        other => unreachable!("no server sends {other:?}"),
    }
}

/// One order for maps and sets, and one text for each double.
fn in_order(value: Value) -> Value {
    let all = |items: Vec<Value>| items.into_iter().map(in_order).collect::<Vec<_>>();
    let form = |value: &Value| format!("{value:?}");
    match value {
        Value::Array(items) => Value::Array(all(items)),
        Value::Push(items) => Value::Push(all(items)),
        Value::Set(items) => {
            let mut items = all(items);
            items.sort_by_key(form);
            Value::Set(items)
        }
        Value::Map(pairs) => {
            let mut pairs: Vec<_> =
                pairs.into_iter().map(|(key, value)| (in_order(key), in_order(value))).collect();
            pairs.sort_by_key(|(key, _)| form(key));
            Value::Map(pairs)
        }
        Value::Double(text) => {
            let number: f64 =
                std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).expect("a number");
            Value::Double(number.to_string().into())
        }
        other => other,
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let blob = || prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    let line = || "[ -~]{0,40}".prop_map(Bytes::from);
    let leaf = prop_oneof![
        line().prop_map(Value::Simple),
        line().prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        blob().prop_map(Value::Bulk),
        Just(Value::Nil),
        (-1e15..1e15_f64).prop_map(|number| Value::Double(number.to_string().into())),
        any::<bool>().prop_map(Value::Boolean),
        "[0-9]{20,40}".prop_map(|digits| Value::BigNumber(digits.into())),
        blob().prop_map(|text| Value::Verbatim { format: *b"txt", text }),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let keys = prop::collection::btree_map("[a-z]{1,8}", inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_set(any::<i64>(), 0..6)
                .prop_map(|items| Value::Set(items.into_iter().map(Value::Integer).collect())),
            keys.prop_map(|pairs| {
                Value::Map(pairs.into_iter().map(|(key, value)| (Value::Bulk(key.into()), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn both_decoders_read_the_same(values in prop::collection::vec(any_value(), 1..4), cut in 1..64_usize) {
        let mut wire = Vec::new();
        for value in &values {
            serialise(value, &mut wire);
        }

        let mut decoder = Decoder::new(Caps::default());
        let mut buffer = BytesMut::new();
        let mut ours = Vec::new();
        for piece in wire.chunks(cut) {
            buffer.extend_from_slice(piece);
            while let Some(value) = decoder.decode(&mut buffer).expect("it is well formed") {
                ours.push(value);
            }
        }
        prop_assert_eq!(&ours, &values);

        let mut rest = Bytes::from(wire);
        for value in ours {
            let (frame, used) = complete::decode_bytes(&rest).expect("the oracle reads it").expect("whole");
            prop_assert_eq!(in_order(translate(frame)), in_order(value));
            rest = rest.slice(used..);
        }
        prop_assert!(rest.is_empty());
    }
}
