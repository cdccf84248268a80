use bytes::Bytes;

use super::super::asking::{DENIED, LONGEST};
use super::*;

#[test]
fn patience_doubles_up_to_the_longest_and_is_long_at_once_where_it_was_denied() {
    let waits: Vec<_> = (0..8).map(|failures| patience(failures, false).as_millis()).collect();
    assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    assert_eq!(patience(u32::MAX, false), LONGEST);
    assert_eq!(patience(0, true), DENIED);
}

#[test]
fn an_info_reply_is_text_in_every_form_a_server_gives_it() {
    let text = Bytes::from_static(b"# Clients\r\n");
    let verbatim = Value::Verbatim { format: *b"txt", text: text.clone() };
    let attribute = Value::Attribute { attributes: Vec::new(), value: Box::new(verbatim.clone()) };
    for reply in [Value::Bulk(text.clone()), Value::Simple(text), verbatim, attribute] {
        assert_eq!(info_text(reply, RAW_BYTES).as_deref(), Ok("# Clients\r\n"));
    }
    assert_eq!(info_text(Value::Nil, RAW_BYTES), Err(Value::Nil));
}

#[test]
fn a_reply_is_capped_and_need_not_be_utf_8() {
    let endless = Value::Bulk(vec![b':'; 3 * RAW_BYTES].into());
    assert_eq!(info_text(endless, RAW_BYTES).map(|text| text.len()), Ok(RAW_BYTES));
    assert_eq!(info_text(Value::Bulk(Bytes::from_static(b"a:\xff")), RAW_BYTES).as_deref(), Ok("a:\u{fffd}"));
    let words = Value::Bulk(Bytes::from_static(b"hello"));
    assert_eq!(info_text(words.clone(), RAW_BYTES), Err(words));
}

#[test]
fn a_refusal_says_what_is_missing_and_only_then_waits_long() {
    let refused = |error: &'static str| refusal(&Value::Error(Bytes::from_static(error.as_bytes())));
    let noperm = refused("NOPERM this user has no permissions to run the 'info' command");
    assert!(noperm.denied && noperm.error.contains("give this user the ACL rule +info"));
    assert!(refused("NOAUTH Authentication required.").denied);
    let loading = refused("LOADING Redis is loading the dataset in memory");
    assert!(!loading.denied && loading.error.contains("LOADING") && !loading.error.contains("+info"));
    assert!(refusal(&Value::Integer(1)).denied);
}
