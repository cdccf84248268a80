//! One tokenizer for every typed line: redis-cli's `sdssplitargs`, keeping where each token stood.
//!
//! Running a line needs the arguments; completion, hints, highlighting and multi-line editing need the byte ranges and
//! what is still open. Both come from [`scan`], so that what is coloured is what will be sent.
//! One difference from C: a NUL is an ordinary byte, it does not cut the line short.

use std::ops::Range;

use crate::text::obeyed;

/// Why a line is no list of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// A quote stays open, or a closing quote is followed by something other than a blank. The text is redis-cli's.
    #[error("Invalid argument(s)")]
    Unbalanced,
}

/// One argument as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands in the line, quotes included.
    pub range: Range<usize>,
    /// What it means: quotes taken off, escapes resolved.
    pub bytes: Vec<u8>,
    /// Any part of it was quoted, so that it is a value even where it looks like one of our marks (`&`, `#3`).
    pub quoted: bool,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every token is whole.
    Complete,
    /// A quote is open: more input can close it.
    Open {
        /// `"` or `'`.
        quote: u8,
        /// Where that quote stands.
        at: usize,
    },
    /// A closing quote is followed by something other than a blank: no more input can mend it.
    Glued {
        /// Where the offending byte stands.
        at: usize,
    },
}

/// A line taken apart, even when it is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The tokens in order. With an open quote the last one is what has been typed of it.
    pub tokens: Vec<Token>,
    /// How the line ends.
    pub ending: Ending,
}

/// The arguments of a line, exactly as redis-cli splits it.
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, TokenError> {
    let scan = scan(line);
    match scan.ending {
        Ending::Complete => Ok(scan.tokens.into_iter().map(|t| t.bytes).collect()),
        Ending::Open { .. } | Ending::Glued { .. } => Err(TokenError::Unbalanced),
    }
}

/// Takes a line apart and keeps the ranges. Stops at the first closing quote with something glued to it.
pub fn scan(line: &[u8]) -> Scan {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        while line.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
        if at == line.len() {
            return Scan { tokens, ending: Ending::Complete };
        }
        let mut reader = Reader { line, at, bytes: Vec::new(), quoted: false };
        let ending = reader.token();
        tokens.push(Token { range: at..reader.at, bytes: reader.bytes, quoted: reader.quoted });
        if ending != Ending::Complete {
            return Scan { tokens, ending };
        }
        at = reader.at;
    }
}

/// The commands in a text of several lines, as in a paste: parted at line breaks that stand in no quotes. Text after
/// quotes that do not match stays together.
pub fn lines(text: &str) -> Vec<&str> {
    let scan = scan(text.as_bytes());
    let mut lines = Vec::new();
    let mut start = 0;
    let mut after = 0;
    let mut part = |gap: Range<usize>| {
        for (at, _) in text[gap.clone()].match_indices('\n') {
            lines.push(&text[start..gap.start + at]);
            start = gap.start + at + 1;
        }
    };
    for token in &scan.tokens {
        part(after..token.range.start);
        after = token.range.end;
    }
    if scan.ending == Ending::Complete {
        part(after..text.len());
    }
    lines.push(&text[start..]);
    lines.retain(|line| !line.trim().is_empty());
    lines
}

/// C's `isspace`: it parts tokens before they begin and after a closing quote.
fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
    bytes: Vec<u8>,
    quoted: bool,
}

impl Reader<'_> {
    fn token(&mut self) -> Ending {
        while let Some(&b) = self.line.get(self.at) {
            match b {
                // Vertical tab and form feed do not end a token in redis-cli, though they part tokens elsewhere.
                b' ' | b'\n' | b'\r' | b'\t' => break,
                b'"' | b'\'' => return self.quoted(b),
                _ => self.push(b),
            }
        }
        Ending::Complete
    }

    /// From an opening quote to the end of the token, which a closing quote always is.
    fn quoted(&mut self, quote: u8) -> Ending {
        let opened = self.at;
        self.quoted = true;
        self.at += 1;
        while let Some(&b) = self.line.get(self.at) {
            if b == quote {
                self.at += 1;
                return match self.line.get(self.at) {
                    Some(&next) if !is_space(next) => Ending::Glued { at: self.at },
                    _ => Ending::Complete,
                };
            }
            match (quote, b) {
                (b'"', b'\\') => self.escape(),
                (b'\'', b'\\') if self.line.get(self.at + 1) == Some(&b'\'') => {
                    self.at += 1;
                    self.push(b'\'');
                }
                _ => self.push(b),
            }
        }
        Ending::Open { quote, at: opened }
    }

    /// A backslash within double quotes; one at the very end of the line stands for itself, as in redis-cli.
    fn escape(&mut self) {
        if let [b'\\', b'x', high, low, ..] = self.line[self.at..]
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            self.at += 3;
            return self.push(high << 4 | low);
        }
        let Some(&next) = self.line.get(self.at + 1) else { return self.push(b'\\') };
        self.at += 1;
        self.push(match next {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'a' => 0x07,
            other => other,
        });
    }

    fn push(&mut self, b: u8) {
        self.bytes.push(b);
        self.at += 1;
    }
}

fn hex(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// A word as it must be typed to come back as these bytes: bare where that is safe, else in double quotes.
pub fn quote(bytes: &[u8]) -> String {
    let bare = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'');
    if !bytes.is_empty() && bytes.iter().all(bare) && bytes != b"&" {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c if obeyed(c) => c.to_string().bytes().for_each(|b| push_hex(&mut out, b)),
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|&b| push_hex(&mut out, b));
    }
    out.push('"');
    out
}

fn push_hex(out: &mut String, b: u8) {
    out.push_str("\\x");
    out.extend([b >> 4, b & 15].into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line.as_bytes()).unwrap().iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect()
    }

    #[test]
    fn splits_as_redis_cli_does() {
        assert_eq!(words("  set  a 1 "), ["set", "a", "1"]);
        assert_eq!(words(r#"set "a b" 'c d'"#), ["set", "a b", "c d"]);
        assert_eq!(words(r#""" ''"#), ["", ""]);
        assert_eq!(words(r#"foo"bar baz""#), ["foobar baz"]);
        assert_eq!(words(r"'it\'s' '\n'"), ["it's", r"\n"]);
        assert_eq!(words(r"bare\n\x41"), [r"bare\n\x41"]);
        assert_eq!(split(br#""\n\r\t\b\a\\\"\q\x41\xFf\x4""#).unwrap(), [b"\n\r\t\x08\x07\\\"qA\xffx4"]);
        assert_eq!(words("a\u{b}b \u{b}c"), ["a\u{b}b", "c"]);
        assert!(words(" \t\n").is_empty());
    }

    #[test]
    fn open_and_glued_quotes_are_told_apart() {
        assert_eq!(scan(b"set a \"b").ending, Ending::Open { quote: b'"', at: 6 });
        assert_eq!(scan(b"set a 'b\\'").ending, Ending::Open { quote: b'\'', at: 6 });
        assert_eq!(scan(b"\"a\"b").ending, Ending::Glued { at: 3 });
        assert_eq!(scan(br#""a\"#).tokens[0].bytes, b"a\\");
        for line in ["\"a", "'a", "\"a\"b", "'a'b", "x\"", r#""a\""#] {
            assert_eq!(split(line.as_bytes()), Err(TokenError::Unbalanced), "{line}");
        }
    }

    #[test]
    fn ranges_cover_what_was_typed() {
        let line = br#" get "a b" x"#;
        let ranges: Vec<_> = scan(line).tokens.into_iter().map(|t| (t.range, t.quoted)).collect();
        assert_eq!(ranges, [(1..4, false), (5..10, true), (11..12, false)]);
    }

    #[test]
    fn a_paste_is_parted_at_line_breaks_outside_quotes() {
        assert_eq!(lines("get a\r\n\n  set b \"x\ny\"\nping\n"), ["get a\r", "  set b \"x\ny\"", "ping"]);
        assert_eq!(lines("get a"), ["get a"]);
        assert_eq!(lines("get \"a\nb"), ["get \"a\nb"]);
        assert_eq!(lines("ping\nget \"a\"b\nc"), ["ping", "get \"a\"b\nc"]);
        assert!(lines(" \n ").is_empty());
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..6)) {
            let line = words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(line.as_bytes()).unwrap(), words);
        }

        #[test]
        fn any_bytes_scan_in_order_and_in_bounds(line in prop::collection::vec(any::<u8>(), 0..64)) {
            let scan = scan(&line);
            let mut last = 0;
            for token in &scan.tokens {
                prop_assert!(last <= token.range.start && token.range.start < token.range.end);
                last = token.range.end;
            }
            prop_assert!(last <= line.len());
            if let Ending::Complete = scan.ending {
                prop_assert!(line[last..].iter().all(|&b| is_space(b)));
            }
        }

        #[test]
        fn an_open_quote_closes_with_its_quote(line in "[a-c\"'\\\\ x0]{0,24}") {
            if let Ending::Open { quote, .. } = scan(line.as_bytes()).ending {
                // A trailing backslash would escape the quote, so part it from the quote first.
                let closed = format!("{line}\\\\{}", char::from(quote));
                let odd = format!("{line} {}", char::from(quote));
                prop_assert!(split(closed.as_bytes()).is_ok() || split(odd.as_bytes()).is_ok());
            }
        }
    }
}
