//! Secrets within an argument, wherever it stands: in URLs and after `name=` or `name:`.

use std::ops::Range;

use super::names::{self, is_path, is_secret};
use super::{closing, is_blank, word_end};

/// The longest name that is looked at, and the most between it and its sign: else an argument of signs alone took time in
/// the square of its length.
const NAME: usize = 128;

/// The passwords of an argument's URLs, in order.
pub(super) fn in_urls(argument: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(last) = argument.rfind('@') else { return found };
    let mut at = 0;
    while let Some(from) = argument[at..].find("://").map(|sign| at + sign + 3).filter(|from| *from <= last) {
        let slash = argument[from..].find('/').map_or(argument.len(), |slash| from + slash);
        // A password has `@` and `/` in it when whoever wrote it did not escape them.
        let end = match argument[from..slash].rfind('@') {
            Some(_) => from + argument[from..path_end(argument, slash)].rfind('@').unwrap_or(0),
            None => last,
        };
        // A name alone may be the password: redis-cli takes it for one.
        let secret = argument[from..end].find(':').map_or(from, |colon| from + colon + 1);
        found.push(secret..end);
        at = end;
    }
    found
}

fn path_end(argument: &str, from: usize) -> usize {
    let path = &argument[from..];
    if argument[..from].ends_with(':') && path.starts_with("//") {
        // Not a path, but the next URL of a list.
        return from;
    }
    let stop = path.find(|c: char| c.is_ascii_whitespace() || matches!(c, '?' | '#'));
    let next = path.find("://");
    from + stop.into_iter().chain(next).min().unwrap_or(path.len())
}

/// Finds values with a secret's name; `urls` are seen to. True when the last one is in the next argument.
pub(super) fn assigned(argument: &str, urls: &[Range<usize>], found: &mut Vec<Range<usize>>) -> bool {
    let bytes = argument.as_bytes();
    let blank = bytes.iter().position(|byte| is_blank(*byte)).unwrap_or(bytes.len());
    let mut at = 0;
    while let Some(sign) = (at..bytes.len()).find(|at| matches!(bytes[*at], b'=' | b':')) {
        at = sign + 1;
        let url = urls.get(urls.partition_point(|url| url.end <= sign));
        if url.is_some_and(|url| url.start <= sign + 1) {
            continue;
        }
        let name = name_before(bytes, sign);
        let text = &argument[name.clone()];
        // `key:1` is what many call a key in Redis.
        let is_key = bytes[sign] == b'=' && !is_secret(text) && names::is_key(text);
        if text.is_empty() || !(is_key || is_secret(text)) {
            continue;
        }
        let Some(from) = (at..bytes.len()).find(|at| !is_blank(bytes[*at])) else { return true };
        let assignment = Assignment { bytes, name, sign, from, is_in_first_word: blank > sign };
        let end = assignment.end();
        if !(is_key && is_path(&argument[from..end])) {
            found.push(from..end);
            at = at.max(end);
        }
    }
    false
}

/// The name before a sign, without quotes, brackets and other signs between the two: `c['password'] := 'x'`.
fn name_before(bytes: &[u8], sign: usize) -> Range<usize> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_between = |byte: &u8| is_blank(*byte) || b"\"'\\[])?+|!=:>".contains(byte);
    let back = |from: usize, is_in: &dyn Fn(&u8) -> bool| {
        from - bytes[..from].iter().rev().take(NAME).take_while(|byte| is_in(byte)).count()
    };
    let end = back(sign, &is_between);
    back(end, &is_name)..end
}

struct Assignment<'a> {
    bytes: &'a [u8],
    name: Range<usize>,
    sign: usize,
    /// Where the value begins.
    from: usize,
    is_in_first_word: bool,
}

impl Assignment<'_> {
    /// Where the value ends.
    fn end(&self) -> usize {
        let Self { bytes, ref name, sign, from, is_in_first_word } = *self;
        let before = name.start.checked_sub(1).map(|at| bytes[at]);
        if bytes[name.end..sign].iter().any(|byte| matches!(byte, b'"' | b'\'')) {
            return self.end_as_json();
        }
        match before {
            // A header or an option in quotes of a script.
            Some(b'"' | b'\'') => {
                let open = name.start - 1;
                word_end(bytes, (closing(bytes, open) + 1).max(from).min(bytes.len()))
            }
            Some(b'?' | b'&') if !bytes[..name.start].ends_with(b"&&") && !is_quote(bytes[from]) => {
                let is_end =
                    |byte: u8| byte == b'&' || (!is_in_first_word && (is_blank(byte) || is_quote(byte)));
                (from..bytes.len()).find(|at| is_end(bytes[*at])).unwrap_or(bytes.len())
            }
            // Code quotes what has blanks.
            Some(b'(') => word_end(bytes, from),
            // An option, a variable or a header with its value, or a database's `Server=h;Pwd=x`.
            _ if is_in_first_word || before == Some(b';') || self.is_header() => bytes.len(),
            _ => word_end(bytes, from),
        }
    }

    /// After a name in quotes: a string, or all of a list or an object.
    fn end_as_json(&self) -> usize {
        let bytes = self.bytes;
        let is_sign = |at: &usize| is_blank(bytes[*at]) || b"=:>\\".contains(&bytes[*at]);
        let Some(from) = (self.from..bytes.len()).find(|at| !is_sign(at)) else { return bytes.len() };
        match bytes[from] {
            b'"' | b'\'' => (closing(bytes, from) + 1).min(bytes.len()),
            b'[' | b'{' => brackets_end(bytes, from),
            _ => word_end(bytes, from),
        }
    }

    fn is_header(&self) -> bool {
        let name = self.bytes[self.name.clone()].to_ascii_lowercase();
        self.bytes[self.sign] == b':' && (name.ends_with(b"authorization") || name.ends_with(b"cookie"))
    }
}

const fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn brackets_end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => at = closing(bytes, at),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}
