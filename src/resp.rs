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
