use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn bulk(text: &str) -> Value {
    Value::Bulk(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn nested_lists_are_numbered_under_each_other() {
    let inner = Value::Array((0..10).map(Value::Integer).collect());
    let printed = Printer { style: Style::Standard, escape: false }
        .print(&Value::Array(vec![inner, Value::Map(vec![(bulk("k"), Value::Nil)])]), false);
    let text = String::from_utf8(printed).expect("it is ASCII");
    assert!(text.starts_with("1)  1) (integer) 0\n    2) (integer) 1\n"), "{text}");
    assert!(text.ends_with("   10) (integer) 9\n2) 1# \"k\" => (nil)\n"), "{text}");
}

#[test]
fn reports_for_people_are_verbatim() {
    assert!(is_verbatim(&["INFO", "clients"]) && is_verbatim(&["client", "LIST"]));
    assert!(is_verbatim(&["CLUSTER", "nodes"]) && !is_verbatim(&["CLUSTER", "nodes", "x"]));
    assert!(!is_verbatim(&["GET", "info"]) && !is_verbatim::<&str>(&[]));
}

/// What redis-cli 7.0 cannot read, and so the table in tests/printing.rs cannot hold.
#[test]
fn types_that_redis_cli_does_not_know_print_like_their_kin() {
    let said = |value| Value::Attribute {
        attributes: vec![(bulk("ttl"), Value::Integer(9))],
        value: Box::new(value),
    };
    let reply = Value::Array(vec![
        said(bulk("v")),
        Value::BigNumber("123456789012345678901".into()),
        Value::Double("nan".into()),
        Value::Map(vec![(bulk("k"), said(Value::Array(vec![Value::Nil, Value::Nil])))]),
    ]);
    let expected = [
        "1) \"v\"\n2) 123456789012345678901\n3) (double) nan\n4) 1# \"k\" => \n      1) (nil)\n      2) (nil)\n",
        "v\n123456789012345678901\nnan\nk \n\n",
        "\"v\",123456789012345678901,nan,\"k\",NULL,NULL\n",
        "[\"v\",123456789012345678901,nan,{\"k\":[null,null]}]\n",
    ];
    for (style, expected) in [Style::Standard, Style::Raw, Style::Csv, Style::Json].into_iter().zip(expected)
    {
        let printed = Printer { style, escape: true }.print(&reply, false);
        assert_eq!(String::from_utf8_lossy(&printed), expected);
    }
}

/// redis-cli writes the key `{"{"1":true}":0}`, which no reader of JSON takes.
#[test]
fn a_map_as_a_key_is_still_json() {
    let key = Value::Map(vec![(Value::Integer(1), Value::Boolean(true))]);
    let printed =
        Printer { style: Style::Json, escape: false }.print(&Value::Map(vec![(key, Value::Nil)]), false);
    let read: serde_json::Value = serde_json::from_slice(&printed).expect("it is JSON");
    assert_eq!(read, serde_json::json!({ "{\"1\":true}": null }));
}

fn any_value() -> impl Strategy<Value = Value> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..24).prop_map(Bytes::from);
    let leaf = prop_oneof![
        bytes().prop_map(Value::Simple),
        bytes().prop_map(Value::Error),
        bytes().prop_map(Value::Bulk),
        bytes().prop_map(Value::Double),
        bytes().prop_map(Value::BigNumber),
        bytes().prop_map(|text| Value::Verbatim { format: *b"txt", text }),
        any::<i64>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean),
        Just(Value::Nil),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Set),
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|keys| { Value::Push(vec![Value::Bulk("invalidate".into()), Value::Array(keys)]) }),
            prop::collection::vec((inner.clone(), inner), 0..6).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_reaches_a_terminal_that_it_would_obey(value in any_value(), verbatim: bool) {
        for style in [Style::Standard, Style::Raw, Style::Csv, Style::Json] {
            let printed = Printer { style, escape: true }.print(&value, verbatim);
            let printed = String::from_utf8(printed).expect("what a terminal gets is UTF-8");
            prop_assert!(!printed.contains(|c| text::obeyed(c) && c != '\n' && c != '\t'), "{printed:?}");
        }
    }
}
