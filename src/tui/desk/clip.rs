//! Replies cut to what a screen can keep, before anything of them is escaped or copied: 50 MB stay 50 MB.

use bytes::Bytes;

use crate::resp::Value;

/// How much of a reply goes to the screen: its scrollback keeps no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The longest string, in bytes.
    pub(super) string: usize,
    /// The longest text that is made of lines, in bytes.
    pub(super) text: usize,
    /// All strings together, in bytes.
    pub(super) bytes: usize,
    /// All elements together.
    pub(super) items: usize,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Bytes of strings that are shown in part.
    pub(super) bytes: usize,
    /// Elements of which nothing is shown.
    pub(super) items: usize,
}

/// What is left to give, and what had to be cut so far.
pub(super) struct Clip {
    limits: Limits,
    pub(super) cut: Cut,
}

impl Clip {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, cut: Cut::default() }
    }

    /// The value as far as there is room: strings share their bytes with it.
    pub(super) fn value(&mut self, value: &Value, lines: bool) -> Value {
        match value {
            Value::Bulk(bytes) => Value::Bulk(self.string(bytes, lines)),
            Value::Simple(bytes) => Value::Simple(self.string(bytes, lines)),
            Value::Error(bytes) => Value::Error(self.string(bytes, lines)),
            Value::Double(bytes) => Value::Double(self.string(bytes, false)),
            Value::BigNumber(bytes) => Value::BigNumber(self.string(bytes, false)),
            Value::Verbatim { format, text } => {
                Value::Verbatim { format: *format, text: self.string(text, true) }
            }
            Value::Array(items) => Value::Array(self.items(items, lines)),
            Value::Set(items) => Value::Set(self.items(items, lines)),
            Value::Push(items) => Value::Push(self.items(items, lines)),
            Value::Map(pairs) => Value::Map(self.pairs(pairs, lines)),
            // What is said about a value is not printed.
            Value::Attribute { value, .. } => self.value(value, lines),
            Value::Integer(_) | Value::Nil | Value::Boolean(_) => value.clone(),
        }
    }

    fn string(&mut self, bytes: &Bytes, lines: bool) -> Bytes {
        let longest = if lines { self.limits.text } else { self.limits.string };
        let kept = bytes.len().min(longest).min(self.limits.bytes);
        self.limits.bytes -= kept;
        self.cut.bytes += bytes.len() - kept;
        bytes.slice(..kept)
    }

    /// Room for one more element.
    fn room(&mut self) -> bool {
        let room = self.limits.items > 0 && self.limits.bytes > 0;
        self.limits.items -= usize::from(room);
        room
    }

    fn items(&mut self, items: &[Value], lines: bool) -> Vec<Value> {
        let mut kept = Vec::with_capacity(items.len().min(self.limits.items));
        for item in items {
            if !self.room() {
                break;
            }
            kept.push(self.value(item, lines));
        }
        self.cut.items += items.len() - kept.len();
        kept
    }

    fn pairs(&mut self, pairs: &[(Value, Value)], lines: bool) -> Vec<(Value, Value)> {
        let mut kept = Vec::with_capacity(pairs.len().min(self.limits.items));
        for (key, value) in pairs {
            if !self.room() {
                break;
            }
            kept.push((self.value(key, lines), self.value(value, lines)));
        }
        self.cut.items += pairs.len() - kept.len();
        kept
    }
}
