//! RESP2 and RESP3: bytes into values and back, and values printed as redis-cli prints them.

mod decode;
mod encode;
pub mod print;

use bytes::Bytes;

pub use decode::{Caps, DecodeError, Decoder};
pub use encode::encode;

/// One reply, as the server typed it. Maps keep their order and numbers their text, so that a value prints as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(Bytes),
    /// `-ERR …`, and RESP3's `!` blob error.
    Error(Bytes),
    /// `:1`
    Integer(i64),
    /// `$3`
    Bulk(Bytes),
    /// `_`, and RESP2's `$-1` and `*-1`.
    Nil,
    /// `*2`
    Array(Vec<Value>),
    /// `%1`
    Map(Vec<(Value, Value)>),
    /// `~2`
    Set(Vec<Value>),
    /// `,3.14`: its text.
    Double(Bytes),
    /// `#t`
    Boolean(bool),
    /// `=15 txt:…`
    Verbatim {
        /// Three letters: `txt`, `mkd`.
        format: [u8; 3],
        /// The text.
        text: Bytes,
    },
    /// `(3492890328409238509324850943850943825024385`
    BigNumber(Bytes),
    /// `>2`: out of band, no command's reply.
    Push(Vec<Value>),
    /// `|1` and the value it speaks of.
    Attribute {
        /// What is said about the value.
        attributes: Vec<(Value, Value)>,
        /// The value.
        value: Box<Value>,
    },
}

impl Value {
    /// The value without what is said about it.
    pub fn bare(&self) -> &Value {
        let mut bare = self;
        while let Value::Attribute { value, .. } = bare {
            bare = value;
        }
        bare
    }

    /// The text of an error; `None` of anything else.
    pub fn error(&self) -> Option<&[u8]> {
        match self.bare() {
            Value::Error(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string, whichever type the server chose for it; `None` of anything else.
    pub fn text(&self) -> Option<&[u8]> {
        match self.bare() {
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => Some(text),
            _ => None,
        }
    }

    /// An integer; `None` of anything else.
    pub fn integer(&self) -> Option<i64> {
        match self.bare() {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements of an array or set; none of anything else.
    pub fn items(&self) -> &[Value] {
        match self.bare() {
            Value::Array(items) | Value::Set(items) => items,
            _ => &[],
        }
    }

    /// The pairs of a map, in RESP3's form or as RESP2's flat array; none of anything else.
    pub fn pairs(&self) -> impl Iterator<Item = (&Value, &Value)> {
        let pairs = match self.bare() {
            Value::Map(pairs) => pairs.as_slice(),
            _ => &[],
        };
        let flat = self.items().chunks_exact(2).map(|pair| (&pair[0], &pair[1]));
        pairs.iter().map(|(key, value)| (key, value)).chain(flat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_of(value: Value) -> Value {
        let once = Value::Attribute { attributes: vec![(Value::Nil, Value::Nil)], value: Box::new(value) };
        Value::Attribute { attributes: Vec::new(), value: Box::new(once) }
    }

    #[test]
    fn what_is_said_about_a_value_hides_none_of_it() {
        assert_eq!(said_of(Value::Error("ERR".into())).error(), Some(&b"ERR"[..]));
        assert_eq!(said_of(Value::Bulk("a".into())).text(), Some(&b"a"[..]));
        assert_eq!(said_of(Value::Integer(3)).integer(), Some(3));
        assert_eq!(said_of(Value::Set(vec![Value::Nil])).items(), [Value::Nil]);
        assert_eq!(said_of(Value::Bulk("ERR".into())).error(), None);
        assert_eq!(said_of(Value::Error("a".into())).text(), None);
    }

    #[test]
    fn a_map_and_its_flat_form_have_the_same_pairs() {
        let map =
            Value::Map(vec![(Value::Integer(1), Value::Nil), (Value::Integer(2), Value::Boolean(true))]);
        let flat = Value::Array(vec![
            Value::Integer(1),
            Value::Nil,
            Value::Integer(2),
            Value::Boolean(true),
            Value::Nil,
        ]);
        assert!(said_of(map.clone()).pairs().eq(flat.pairs()));
        assert_eq!(map.pairs().count(), 2);
        assert_eq!(Value::Bulk("ab".into()).pairs().count(), 0);
    }
}
