//! Requests from bytes: arrays of bulks and inline lines, with Redis's limits and its words for what breaks them.

use bytes::{Buf, Bytes, BytesMut};

use super::fault::Fault;
use super::number::parse_i64;
use crate::command::token::split;

/// The longest line: an inline request, or a count.
const LINE: usize = 64 * 1024;

/// What a request may be.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The longest argument, in bytes.
    pub(crate) bulk: usize,
    /// A client that has yet to give the password may send only so much as AUTH and HELLO need.
    pub(crate) authenticated: bool,
}

/// Reads requests; remembers how far it came in one that is not whole yet, so nothing is read twice.
#[derive(Default)]
pub(crate) struct Parser {
    /// Arguments still to come; 0 between requests.
    left: usize,
    /// The length of the argument being read, once known.
    bulk: Option<usize>,
    arguments: Vec<Bytes>,
    /// Bytes of the arguments read so far.
    held: usize,
}

impl Parser {
    /// Takes one request off `input`; `None` until it is whole. Never empty.
    pub(crate) fn next(&mut self, input: &mut BytesMut, limits: Limits) -> Result<Option<Vec<Bytes>>, Fault> {
        loop {
            if self.left == 0 {
                match input.first() {
                    None => return Ok(None),
                    Some(b'*') => match header(input, "too big mbulk count string")? {
                        None => return Ok(None),
                        Some(count) => self.begin(count, limits)?,
                    },
                    Some(_) => match inline(input)? {
                        None => return Ok(None),
                        Some(arguments) if arguments.is_empty() => {}
                        Some(arguments) => return Ok(Some(arguments)),
                    },
                }
                continue;
            }
            if !self.argument(input, limits)? {
                return Ok(None);
            }
            if self.left == 0 {
                self.held = 0;
                return Ok(Some(std::mem::take(&mut self.arguments)));
            }
        }
    }

    /// What the unfinished request holds already, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    fn begin(&mut self, count: Option<i64>, limits: Limits) -> Result<(), Fault> {
        let count = count.filter(|count| *count <= i64::from(i32::MAX));
        let count = count.ok_or_else(|| broken("invalid multibulk length"))?;
        if count > 10 && !limits.authenticated {
            return Err(broken("unauthenticated multibulk length"));
        }
        self.left = usize::try_from(count).unwrap_or(0);
        Ok(())
    }

    /// Takes the next argument; `false` when it is not whole yet.
    fn argument(&mut self, input: &mut BytesMut, limits: Limits) -> Result<bool, Fault> {
        let length = match self.bulk {
            Some(length) => length,
            None => match Self::length(input, limits)? {
                None => return Ok(false),
                Some(length) => length,
            },
        };
        self.bulk = Some(length);
        if input.len() < length + 2 {
            return Ok(false);
        }
        // A copy, so that a value that is stored keeps no part of the read buffer alive.
        self.arguments.push(Bytes::copy_from_slice(&input[..length]));
        input.advance(length + 2);
        self.held += length + size_of::<Bytes>();
        self.bulk = None;
        self.left -= 1;
        Ok(true)
    }

    fn length(input: &mut BytesMut, limits: Limits) -> Result<Option<usize>, Fault> {
        if let Some(&first) = input.first()
            && first != b'$'
            && input.contains(&b'\r')
        {
            let mut text = b"ERR Protocol error: expected '$', got '".to_vec();
            text.extend_from_slice(&[first, b'\'']);
            return Err(Fault::say(text));
        }
        let Some(length) = header(input, "too big bulk count string")? else { return Ok(None) };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length <= limits.bulk);
        let length = length.ok_or_else(|| broken("invalid bulk length"))?;
        if length > 16384 && !limits.authenticated {
            return Err(broken("unauthenticated bulk length"));
        }
        Ok(Some(length))
    }
}

fn broken(what: &str) -> Fault {
    Fault::say(format!("ERR Protocol error: {what}"))
}

/// The number of a `*` or `$` line: outer `None` while the line is not whole, inner when it is no number.
#[expect(clippy::option_option, reason = "not here yet and not a number are two answers")]
fn header(input: &mut BytesMut, too_long: &str) -> Result<Option<Option<i64>>, Fault> {
    match memchr::memchr(b'\r', input) {
        None if input.len() > LINE => Err(broken(too_long)),
        Some(end) if input.len() >= end + 2 => {
            let number = parse_i64(&input[1..end]);
            input.advance(end + 2);
            Ok(Some(number))
        }
        _ => Ok(None),
    }
}

/// A line typed as it is, as telnet sends it.
fn inline(input: &mut BytesMut) -> Result<Option<Vec<Bytes>>, Fault> {
    let Some(end) = memchr::memchr(b'\n', input) else {
        return if input.len() > LINE { Err(broken("too big inline request")) } else { Ok(None) };
    };
    let line = input.split_to(end + 1);
    let line = &line[..end];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Redis reads the line as a C string: a NUL ends it.
    let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let arguments = split(line).map_err(|_| broken("unbalanced quotes in request"))?;
    Ok(Some(arguments.into_iter().map(Bytes::from).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Limits = Limits { bulk: 1024, authenticated: true };

    /// Feeds `text` byte by byte, and gives the requests and how it ended.
    fn read(text: &[u8], limits: Limits) -> (Vec<Vec<Bytes>>, Option<String>) {
        let mut parser = Parser::default();
        let mut input = BytesMut::new();
        let mut requests = Vec::new();
        for byte in text {
            input.extend_from_slice(&[*byte]);
            match parser.next(&mut input, limits) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => {}
                Err(fault) => return (requests, Some(String::from_utf8_lossy(&fault.0).into_owned())),
            }
        }
        (requests, None)
    }

    #[test]
    fn requests_come_whole_however_they_are_cut() {
        let (requests, error) = read(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*0\r\n\r\nPING  x\r\n", OPEN);
        assert_eq!(requests, [vec!["GET", "a"], vec!["PING", "x"]]);
        assert_eq!(error, None);
    }

    #[test]
    fn broken_requests_get_redis_own_words() {
        for (text, expected) in [
            ("*x\r\n", "invalid multibulk length"),
            ("*2147483648\r\n", "invalid multibulk length"),
            ("*1\r\n:1\r\n", "expected '$', got ':'"),
            ("*1\r\n$-1\r\n", "invalid bulk length"),
            ("*1\r\n$1025\r\n", "invalid bulk length"),
            ("SET \"a\r\n", "unbalanced quotes in request"),
            ("SET 'a'b\r\n", "unbalanced quotes in request"),
        ] {
            let (_, error) = read(text.as_bytes(), OPEN);
            assert_eq!(error, Some(format!("ERR Protocol error: {expected}")), "{text:?}");
        }
        let stranger = Limits { authenticated: false, ..OPEN };
        let (_, error) = read(b"*11\r\n", stranger);
        assert_eq!(error.as_deref(), Some("ERR Protocol error: unauthenticated multibulk length"));
    }

    #[test]
    fn endless_lines_are_cut_off() {
        for (first, expected) in [(b'*', "too big mbulk count string"), (b'a', "too big inline request")] {
            let mut input = BytesMut::from(vec![first; LINE + 1].as_slice());
            let fault = Parser::default().next(&mut input, OPEN).expect_err("too long");
            assert_eq!(fault.0.as_ref(), format!("ERR Protocol error: {expected}").as_bytes());
        }
    }
}
