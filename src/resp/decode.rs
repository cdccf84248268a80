//! Bytes into values: incremental, iterative, and capped before anything is allocated.
//!
//! What was understood is taken out of the buffer and kept in the decoder, so that a reply in many pieces is read once.
//! Nesting is a stack on the heap and no recursion; its depth is capped, which also bounds the recursion of a value's
//! own drop.

use std::mem;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::Value;

/// How much a server may claim. A claim beyond is an error before any memory is set aside for it; memory within grows
/// only with what really arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The longest bulk string, in bytes. Redis's own limit is 512 MB.
    pub bulk: usize,
    /// The most elements of one reply, those of the aggregates within it included.
    pub items: usize,
    /// The deepest nesting.
    pub depth: usize,
    /// The longest line: a simple string, an error, a number.
    pub line: usize,
    /// The most memory of one reply, in bytes: its strings, and a slot for each of its elements. Each part may be within
    /// its own cap and the whole still be more than any machine has.
    pub bytes: usize,
}

impl Caps {
    /// For replies that are small by nature: a greeting, an INFO section. Nobody has earned more trust before a greeting.
    pub const SMALL: Self = Self { bulk: 1 << 20, items: 1 << 10, depth: 8, line: 64 << 10, bytes: 2 << 20 };
}

impl Default for Caps {
    fn default() -> Self {
        Self { bulk: 512 << 20, items: 16 << 20, depth: 128, line: 1 << 20, bytes: 1 << 30 }
    }
}

/// What a server sent is not RESP, or claims more than the [`Caps`] allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No type begins with this byte.
    #[error("no reply begins with the byte {}", .0.escape_ascii())]
    Type(u8),
    /// A length or number that is none.
    #[error("a length or number is malformed")]
    Number,
    /// A value of a fixed form that has another: a boolean, a double, a null, a verbatim string.
    #[error("a {0} is malformed")]
    Malformed(&'static str),
    /// A line or string that does not end where it must.
    #[error("a line or string does not end in CR LF")]
    Ending,
    /// A claim beyond the caps.
    #[error("{what} of {claimed} is beyond the cap of {cap}")]
    Cap {
        /// What was claimed.
        what: &'static str,
        /// How much.
        claimed: u64,
        /// How much is allowed.
        cap: u64,
    },
}

/// Decodes one stream of replies. After an error the stream has no meaning any more.
#[derive(Debug)]
pub struct Decoder {
    caps: Caps,
    open: Vec<Open>,
    /// The elements that the aggregates of the value under way have claimed.
    claimed: usize,
    /// The memory that the value under way has claimed, in bytes.
    bytes: usize,
    last_bytes: usize,
    /// The string whose header was read and whose bytes are still to come.
    string: Option<(Text, usize)>,
    /// How much of the buffer is known to hold no line end.
    scanned: usize,
}

/// A string with a length.
#[derive(Clone, Copy, Debug)]
enum Text {
    Bulk,
    Error,
    Verbatim,
}

/// An aggregate whose elements are still to come.
#[derive(Debug)]
struct Open {
    kind: Kind,
    left: usize,
    items: Vec<Value>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Array,
    Set,
    Push,
    Map,
    Attribute,
}

/// What a line began or was.
enum Begun {
    Value(Value),
    String(Text, usize),
    Open(Kind, usize),
}

/// Vectors begin no longer than this, whatever was claimed.
const FIRST_ITEMS: usize = 64;

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new(caps: Caps) -> Self {
        Self { caps, open: Vec::new(), claimed: 0, bytes: 0, last_bytes: 0, string: None, scanned: 0 }
    }

    /// Other limits, from the next claim on.
    pub fn set_caps(&mut self, caps: Caps) {
        self.caps = caps;
    }

    /// The next whole value, taken out of `buffer`; `None` when more bytes are needed.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Value>, DecodeError> {
        loop {
            let Some(value) = self.element(buffer)? else { return Ok(None) };
            if let Some(whole) = self.place(value) {
                (self.claimed, self.last_bytes) = (0, mem::take(&mut self.bytes));
                return Ok(Some(whole));
            }
        }
    }

    /// The next value that has no elements left to come.
    fn element(&mut self, buffer: &mut BytesMut) -> Result<Option<Value>, DecodeError> {
        loop {
            if let Some((text, length)) = self.string {
                return self.take_string(text, length, buffer);
            }
            let Some(begun) = self.line(buffer)? else { return Ok(None) };
            match begun {
                Begun::Value(value) => return Ok(Some(value)),
                Begun::String(text, length) => {
                    self.claim(length)?;
                    self.string = Some((text, length));
                }
                Begun::Open(kind, 0) => return Ok(Some(close(kind, Vec::new()))),
                Begun::Open(kind, left) => {
                    if self.open.len() >= self.caps.depth {
                        let (claimed, cap) = (self.open.len() as u64 + 1, self.caps.depth as u64);
                        return Err(DecodeError::Cap { what: "a nesting", claimed, cap });
                    }
                    self.claimed =
                        within(self.claimed.saturating_add(left), self.caps.items, "an element count")?;
                    self.claim(left.saturating_mul(size_of::<Value>()))?;
                    self.open.push(Open { kind, left, items: Vec::with_capacity(left.min(FIRST_ITEMS)) });
                }
            }
        }
    }

    /// The memory of the value given last, in bytes, as [`Caps::bytes`] counts it.
    pub fn last_bytes(&self) -> usize {
        self.last_bytes
    }

    /// Counts memory that the value under way will take.
    fn claim(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.bytes = within(self.bytes.saturating_add(bytes), self.caps.bytes, "a reply's bytes")?;
        Ok(())
    }

    /// Puts a value where it belongs; gives the outermost one once it is whole.
    fn place(&mut self, mut value: Value) -> Option<Value> {
        while let Some(open) = self.open.last_mut() {
            open.items.push(value);
            open.left -= 1;
            if open.left > 0 {
                return None;
            }
            let Open { kind, items, .. } = self.open.pop()?;
            value = close(kind, items);
        }
        Some(value)
    }

    fn take_string(
        &mut self,
        text: Text,
        length: usize,
        buffer: &mut BytesMut,
    ) -> Result<Option<Value>, DecodeError> {
        if buffer.len() < length + 2 {
            return Ok(None);
        }
        if &buffer[length..length + 2] != b"\r\n" {
            return Err(DecodeError::Ending);
        }
        self.string = None;
        let mut bytes = buffer.split_to(length).freeze();
        buffer.advance(2);
        Ok(Some(match text {
            Text::Bulk => Value::Bulk(bytes),
            Text::Error => Value::Error(bytes),
            Text::Verbatim => match *bytes {
                [a, b, c, b':', ..] => {
                    bytes.advance(4);
                    Value::Verbatim { format: [a, b, c], text: bytes }
                }
                _ => return Err(DecodeError::Malformed("verbatim string")),
            },
        }))
    }

    /// Takes one line. An impossible first byte is an error before the line's end has come.
    fn line(&mut self, buffer: &mut BytesMut) -> Result<Option<Begun>, DecodeError> {
        let Some(&kind) = buffer.first() else { return Ok(None) };
        if !b"+-:$*_,#!=(%~>|".contains(&kind) {
            return Err(DecodeError::Type(kind));
        }
        let Some(end) = memchr(b'\n', &buffer[self.scanned..]).map(|at| self.scanned + at) else {
            self.scanned = buffer.len();
            return within(buffer.len(), self.caps.line, "a line").map(|_| None);
        };
        self.scanned = 0;
        within(end, self.caps.line, "a line")?;
        if end < 2 || buffer[end - 1] != b'\r' {
            return Err(DecodeError::Ending);
        }
        let begun = self.begin(kind, &buffer[1..end - 1])?;
        let Some(begun) = begun else {
            self.claim(end)?;
            return Ok(Some(Begun::Value(take_text(kind, end, buffer))));
        };
        buffer.advance(end + 1);
        Ok(Some(begun))
    }

    /// What a line without its type and end says; `None` for the types that keep its text.
    fn begin(&self, kind: u8, text: &[u8]) -> Result<Option<Begun>, DecodeError> {
        let string = |text_kind, text| -> Result<Option<Begun>, DecodeError> {
            Ok(Some(match length(text)? {
                None => Begun::Value(Value::Nil),
                Some(length) => Begun::String(text_kind, within(length, self.caps.bulk, "a string")?),
            }))
        };
        let items = |open, each: usize, more: usize| -> Result<Option<Begun>, DecodeError> {
            Ok(Some(match length(text)? {
                None => Begun::Value(Value::Nil),
                Some(items) => Begun::Open(open, items.saturating_mul(each).saturating_add(more)),
            }))
        };
        match kind {
            b'$' => string(Text::Bulk, text),
            b'!' => string(Text::Error, text),
            b'=' => string(Text::Verbatim, text),
            b'*' => items(Kind::Array, 1, 0),
            b'~' => items(Kind::Set, 1, 0),
            b'>' => items(Kind::Push, 1, 0),
            b'%' => items(Kind::Map, 2, 0),
            b'|' => items(Kind::Attribute, 2, 1),
            b':' => Ok(Some(Begun::Value(Value::Integer(integer(text)?)))),
            b'_' if text.is_empty() => Ok(Some(Begun::Value(Value::Nil))),
            b'_' => Err(DecodeError::Malformed("null")),
            b'#' => match text {
                b"t" => Ok(Some(Begun::Value(Value::Boolean(true)))),
                b"f" => Ok(Some(Begun::Value(Value::Boolean(false)))),
                _ => Err(DecodeError::Malformed("boolean")),
            },
            b',' if !is_double(text) => Err(DecodeError::Malformed("double")),
            b'(' if !is_big_number(text) => Err(DecodeError::Malformed("big number")),
            b'+' if text == b"OK" => Ok(Some(Begun::Value(Value::Simple(Bytes::from_static(b"OK"))))),
            _ => Ok(None),
        }
    }
}

fn within(claimed: usize, cap: usize, what: &'static str) -> Result<usize, DecodeError> {
    if claimed <= cap {
        return Ok(claimed);
    }
    Err(DecodeError::Cap { what, claimed: claimed as u64, cap: cap as u64 })
}

fn close(kind: Kind, mut items: Vec<Value>) -> Value {
    match kind {
        Kind::Array => Value::Array(items),
        Kind::Set => Value::Set(items),
        Kind::Push => Value::Push(items),
        Kind::Map => Value::Map(pairs(items)),
        Kind::Attribute => match items.pop() {
            Some(value) => Value::Attribute { attributes: pairs(items), value: Box::new(value) },
            None => Value::Nil,
        },
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

/// Takes a line whose text is the value.
fn take_text(kind: u8, end: usize, buffer: &mut BytesMut) -> Value {
    let mut line = buffer.split_to(end + 1);
    line.truncate(end - 1);
    line.advance(1);
    let text = line.freeze();
    match kind {
        b'-' => Value::Error(text),
        b',' => Value::Double(text),
        b'(' => Value::BigNumber(text),
        _ => Value::Simple(text),
    }
}

/// A length; `None` for RESP2's -1.
fn length(text: &[u8]) -> Result<Option<usize>, DecodeError> {
    match integer(text)? {
        -1 => Ok(None),
        number => usize::try_from(number).map(Some).map_err(|_| DecodeError::Number),
    }
}

fn integer(text: &[u8]) -> Result<i64, DecodeError> {
    if let [digit @ b'0'..=b'9'] = text {
        return Ok(i64::from(digit - b'0'));
    }
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(DecodeError::Number)
}

fn is_double(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| b"0123456789+-.eEinfaINFA".contains(byte))
}

fn is_big_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
