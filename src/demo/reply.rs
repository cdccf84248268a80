//! Replies into bytes: one writer that knows how RESP2 and RESP3 spell each type.

use bytes::BytesMut;

use super::fault::Fault;
use super::number;

/// The protocol a connection speaks until HELLO changes it.
pub(crate) const RESP2: u8 = 2;

/// A buffer of replies, and the protocol of the client they are for.
pub(crate) struct Reply {
    pub(crate) out: BytesMut,
    pub(crate) protocol: u8,
}

impl Reply {
    pub(crate) fn new(protocol: u8) -> Self {
        Self { out: BytesMut::new(), protocol }
    }

    fn resp3(&self) -> bool {
        self.protocol > RESP2
    }

    fn head(&mut self, mark: u8, number: i64) {
        let mut digits = [0; 20];
        self.out.extend_from_slice(&[mark]);
        self.out.extend_from_slice(number::format_i64(number, &mut digits));
        self.out.extend_from_slice(b"\r\n");
    }

    fn count(&mut self, mark: u8, count: usize) {
        self.head(mark, i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// `+OK`
    pub(crate) fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    pub(crate) fn simple(&mut self, text: &str) {
        self.out.extend_from_slice(b"+");
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// An error is one line whatever it quotes, so line ends in it become blanks, as Redis does.
    pub(crate) fn fault(&mut self, fault: &Fault) {
        self.out.extend_from_slice(b"-");
        let start = self.out.len();
        self.out.extend_from_slice(&fault.0);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }

    pub(crate) fn int(&mut self, number: i64) {
        self.head(b':', number);
    }

    /// A length or a count as an integer.
    pub(crate) fn len(&mut self, count: usize) {
        self.count(b':', count);
    }

    /// 1 or 0: the commands that answer yes or no do so with an integer in both protocols.
    pub(crate) fn flag(&mut self, yes: bool) {
        self.out.extend_from_slice(if yes { b":1\r\n" } else { b":0\r\n" });
    }

    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        self.count(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bulk(text.as_bytes());
    }

    /// A bulk, or the null of a missing one.
    pub(crate) fn maybe(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bulk(bytes),
            None => self.null(),
        }
    }

    pub(crate) fn null(&mut self) {
        self.out.extend_from_slice(if self.resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    pub(crate) fn null_array(&mut self) {
        self.out.extend_from_slice(if self.resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    pub(crate) fn array(&mut self, count: usize) {
        self.count(b'*', count);
    }

    /// The head of a map of `pairs` pairs: in RESP2 a flat array.
    pub(crate) fn map(&mut self, pairs: usize) {
        if self.resp3() { self.count(b'%', pairs) } else { self.count(b'*', pairs * 2) }
    }

    pub(crate) fn set(&mut self, count: usize) {
        self.count(if self.resp3() { b'~' } else { b'*' }, count);
    }

    /// The head of a message out of band.
    pub(crate) fn push(&mut self, count: usize) {
        self.count(if self.resp3() { b'>' } else { b'*' }, count);
    }

    pub(crate) fn double(&mut self, number: f64) {
        let text = number::format_f64(number);
        if self.resp3() {
            self.out.extend_from_slice(b",");
            self.out.extend_from_slice(text.as_bytes());
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.text(&text);
        }
    }

    /// Text for people: RESP3 marks it as such.
    pub(crate) fn verbatim(&mut self, text: &str) {
        if self.resp3() {
            self.count(b'=', text.len() + 4);
            self.out.extend_from_slice(b"txt:");
            self.out.extend_from_slice(text.as_bytes());
            self.out.extend_from_slice(b"\r\n");
        } else {
            self.text(text);
        }
    }

    /// An array of bulks.
    pub(crate) fn list<T: AsRef<[u8]>>(&mut self, items: impl ExactSizeIterator<Item = T>) {
        self.array(items.len());
        for item in items {
            self.bulk(item.as_ref());
        }
    }
}
