//! Values as redis-cli prints them, byte for byte.
//!
//! redis-cli has one form for people ([`Style::Standard`]) and three for programs. On a terminal, and only there, every
//! path that would pass text through as it came escapes it: redis-cli lets a status line or an INFO field move the
//! cursor.

use super::Value;
use crate::text;

/// One of redis-cli's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `--no-raw`, and the default on a terminal: types are shown and strings quoted.
    Standard,
    /// `--raw`, and the default in a pipe: strings as they came.
    Raw,
    /// `--csv`
    Csv,
    /// `--json`
    Json,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printer {
    /// The form.
    pub style: Style,
    /// Whether it goes to a terminal, so that nothing in it may be obeyed.
    pub escape: bool,
}

impl Printer {
    /// The printed form of a reply, with the line feeds redis-cli ends it with. A `verbatim` reply is one whose text is
    /// made for people (see [`is_verbatim`]): it is printed as it is in every style.
    pub fn print(self, value: &Value, verbatim: bool) -> Vec<u8> {
        let mut out = Out { bytes: Vec::new(), escape: self.escape };
        if verbatim {
            out.raw(value);
            return out.bytes;
        }
        match self.style {
            Style::Standard => out.standard(value, &mut String::new()),
            Style::Raw => out.raw(value),
            Style::Csv => out.csv(value),
            Style::Json => out.json(value),
        }
        if self.style != Style::Standard {
            out.bytes.push(b'\n');
        }
        out.bytes
    }
}

/// Whether redis-cli prints this command's reply as it is, without quotes and types: reports made for people.
pub fn is_verbatim<A: AsRef<[u8]>>(args: &[A]) -> bool {
    let is = |at: usize, words: &[&str]| {
        args.get(at)
            .is_some_and(|arg| words.iter().any(|word| arg.as_ref().eq_ignore_ascii_case(word.as_bytes())))
    };
    is(0, &["info", "lolwut"])
        || is(0, &["debug"]) && is(1, &["htstats", "htstats-key", "client-eviction"])
        || is(0, &["memory"]) && is(1, &["malloc-stats", "doctor"])
        || is(0, &["client"]) && is(1, &["list", "info"])
        || args.len() == 2 && is(0, &["cluster"]) && is(1, &["nodes", "info"])
        || args.len() == 3 && is(0, &["latency"]) && is(1, &["graph"])
        || args.len() == 2 && is(0, &["latency"]) && is(1, &["doctor"])
        || is(0, &["proxy"]) && is(1, &["info"])
}

struct Out {
    bytes: Vec<u8>,
    escape: bool,
}

impl Out {
    fn word(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Text as it came, made harmless where a terminal would read it.
    fn text(&mut self, bytes: &[u8]) {
        if self.escape {
            self.bytes.extend_from_slice(text::escape_lines(bytes).as_bytes());
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// The form for people. `indent` is what nested lines begin with; it is as it was on return.
    fn standard(&mut self, value: &Value, indent: &mut String) {
        match value {
            Value::Simple(line) | Value::BigNumber(line) => self.text(line),
            Value::Error(line) => {
                self.word("(error) ");
                self.text(line);
            }
            Value::Integer(number) => self.word(&format!("(integer) {number}")),
            Value::Double(number) => {
                self.word("(double) ");
                self.text(number);
            }
            Value::Boolean(yes) => self.word(if *yes { "(true)" } else { "(false)" }),
            Value::Nil => self.word("(nil)"),
            Value::Bulk(bytes) => quote(bytes, &mut self.bytes),
            Value::Verbatim { text, .. } => self.text(text),
            Value::Array(items) => return self.list(items, ')', "(empty array)\n", indent),
            Value::Set(items) => return self.list(items, '~', "(empty set)\n", indent),
            Value::Push(items) => match keys_forgotten(items) {
                Some(keys) => self.invalidated(keys),
                None => return self.list(items, ')', "(empty push)\n", indent),
            },
            Value::Map(pairs) => return self.pairs(pairs, indent),
            Value::Attribute { value, .. } => return self.standard(value, indent),
        }
        self.bytes.push(b'\n');
    }

    fn list(&mut self, items: &[Value], mark: char, empty: &str, indent: &mut String) {
        if items.is_empty() {
            return self.word(empty);
        }
        let digits = digits(items.len());
        for (at, item) in items.iter().enumerate() {
            self.number(at, digits, mark, indent);
            self.nested(item, digits, indent);
        }
    }

    fn pairs(&mut self, pairs: &[(Value, Value)], indent: &mut String) {
        if pairs.is_empty() {
            return self.word("(empty hash)\n");
        }
        let digits = digits(pairs.len());
        for (at, (key, value)) in pairs.iter().enumerate() {
            self.number(at, digits, '#', indent);
            self.nested(key, digits, indent);
            // The key's own line feed gives way to the arrow.
            self.bytes.pop();
            self.word(" => ");
            if is_long(value) {
                self.word(&format!("\n{indent}{:1$}", "", digits + 2));
            }
            self.nested(value, digits, indent);
        }
    }

    /// What a client that tracks its keys is told: `-> invalidate: 'a', 'b'`.
    fn invalidated(&mut self, keys: &[Value]) {
        self.word("-> invalidate: ");
        self.joined(keys, ", ", |out, key| {
            out.word("'");
            out.text(key.text().unwrap_or_default());
            out.word("'");
        });
    }

    /// The number an element begins with. The first one stands on its parent's line, which is indented already.
    fn number(&mut self, at: usize, digits: usize, mark: char, indent: &str) {
        let indent = if at == 0 { "" } else { indent };
        self.word(&format!("{indent}{:>digits$}{mark} ", at + 1));
    }

    fn nested(&mut self, value: &Value, digits: usize, indent: &mut String) {
        let length = indent.len();
        indent.extend(std::iter::repeat_n(' ', digits + 2));
        self.standard(value, indent);
        indent.truncate(length);
    }

    /// Strings as they came; elements on lines of their own.
    fn raw(&mut self, value: &Value) {
        match value {
            Value::Simple(text)
            | Value::Bulk(text)
            | Value::Double(text)
            | Value::BigNumber(text)
            | Value::Verbatim { text, .. } => self.text(text),
            Value::Error(text) => {
                self.text(text);
                self.bytes.push(b'\n');
            }
            Value::Integer(number) => self.word(&number.to_string()),
            Value::Boolean(yes) => self.word(if *yes { "(true)" } else { "(false)" }),
            Value::Nil => {}
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                self.joined(items, "\n", Self::raw);
            }
            Value::Map(pairs) => {
                for (at, (key, value)) in pairs.iter().enumerate() {
                    if at > 0 {
                        self.bytes.push(b'\n');
                    }
                    self.raw(key);
                    self.bytes.push(b' ');
                    self.raw(value);
                }
            }
            Value::Attribute { value, .. } => self.raw(value),
        }
    }

    fn csv(&mut self, value: &Value) {
        match value {
            Value::Error(text) => {
                self.word("ERROR,");
                quote(text, &mut self.bytes);
            }
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => {
                quote(text, &mut self.bytes);
            }
            Value::Double(text) | Value::BigNumber(text) => self.text(text),
            Value::Integer(number) => self.word(&number.to_string()),
            Value::Boolean(yes) => self.word(if *yes { "true" } else { "false" }),
            Value::Nil => self.word("NULL"),
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                self.joined(items, ",", Self::csv);
            }
            Value::Map(pairs) => {
                for (at, (key, value)) in pairs.iter().enumerate() {
                    if at > 0 {
                        self.bytes.push(b',');
                    }
                    self.csv(key);
                    self.bytes.push(b',');
                    self.csv(value);
                }
            }
            Value::Attribute { value, .. } => self.csv(value),
        }
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Error(text) => {
                self.word("error:");
                self.json_string(text);
            }
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => self.json_string(text),
            Value::Double(text) | Value::BigNumber(text) => self.text(text),
            Value::Integer(number) => self.word(&number.to_string()),
            Value::Boolean(yes) => self.word(if *yes { "true" } else { "false" }),
            Value::Nil => self.word("null"),
            Value::Array(items) | Value::Set(items) | Value::Push(items) => {
                self.bytes.push(b'[');
                self.joined(items, ",", Self::json);
                self.bytes.push(b']');
            }
            Value::Map(pairs) => self.json_object(pairs),
            Value::Attribute { value, .. } => self.json(value),
        }
    }

    fn json_object(&mut self, pairs: &[(Value, Value)]) {
        self.bytes.push(b'{');
        for (at, (key, value)) in pairs.iter().enumerate() {
            if at > 0 {
                self.bytes.push(b',');
            }
            if matches!(key, Value::Simple(_) | Value::Bulk(_) | Value::Error(_) | Value::Verbatim { .. }) {
                self.json(key);
            } else {
                // JSON's keys are strings: a key of another type is the string of its JSON.
                let mut form = Out { bytes: Vec::new(), escape: self.escape };
                form.json(key);
                self.json_string(&form.bytes);
            }
            self.bytes.push(b':');
            self.json(value);
        }
        self.bytes.push(b'}');
    }

    /// A JSON string. As in redis-cli, bytes beyond ASCII pass as they are; for a terminal what it would obey is escaped
    /// and what is no UTF-8 becomes U+FFFD, for JSON has no way to write a byte.
    fn json_string(&mut self, bytes: &[u8]) {
        self.bytes.push(b'"');
        if self.escape {
            for c in String::from_utf8_lossy(bytes).chars() {
                if text::obeyed(c) && !c.is_ascii_control() {
                    self.word(&format!("\\u{:04x}", u32::from(c)));
                } else {
                    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.json_byte(byte));
                }
            }
        } else {
            for &byte in bytes {
                self.json_byte(byte);
            }
        }
        self.bytes.push(b'"');
    }

    fn json_byte(&mut self, byte: u8) {
        match byte {
            b'"' => self.word("\\\""),
            b'\\' => self.word("\\\\"),
            b'\n' => self.word("\\n"),
            b'\r' => self.word("\\r"),
            b'\t' => self.word("\\t"),
            0x08 => self.word("\\b"),
            0x0c => self.word("\\f"),
            0x00..0x20 => self.word(&format!("\\u{byte:04x}")),
            0x7f if self.escape => self.word("\\u007f"),
            _ => self.bytes.push(byte),
        }
    }

    fn joined(&mut self, items: &[Value], between: &str, mut one: impl FnMut(&mut Self, &Value)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.word(between);
            }
            one(self, item);
        }
    }
}

/// A string in quotes, every byte that is not printable ASCII escaped: a line that can be typed again.
pub fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    out.push(b'"');
}

/// The keys of a push that tells a client to forget them.
fn keys_forgotten(items: &[Value]) -> Option<&[Value]> {
    match items {
        [Value::Bulk(kind), Value::Array(keys)] if kind == "invalidate" => Some(keys),
        _ => None,
    }
}

/// Whether a value has more than one numbered line, so that as a map's value it begins on a line of its own.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => match items.as_slice() {
            [only] => is_long(only),
            items => !items.is_empty(),
        },
        Value::Map(pairs) => match pairs.as_slice() {
            [(key, value)] => is_long(key) || is_long(value),
            pairs => !pairs.is_empty(),
        },
        Value::Attribute { value, .. } => is_long(value),
        _ => false,
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests;
