//! A connection that speaks RESP as raw as it is: requests as lines, replies as bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection that gives replies as the bytes they are.
pub struct Raw {
    stream: BufReader<TcpStream>,
}

impl Raw {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(super::PATIENCE)).expect("a deadline");
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a line, as telnet would.
    pub fn send(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("the server reads");
    }

    /// Reads one reply, with everything in it.
    pub fn reply(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut left = 1_usize;
        while left > 0 {
            left -= 1;
            let start = bytes.len();
            self.stream.read_until(b'\n', &mut bytes).expect("a reply in time");
            let line = String::from_utf8_lossy(&bytes[start..]).into_owned();
            assert!(
                line.ends_with("\r\n"),
                "the connection ended after {:?}",
                String::from_utf8_lossy(&bytes)
            );
            let count = || line[1..].trim_end().parse::<i64>().expect("a length");
            match line.as_bytes()[0] {
                b'$' | b'=' | b'!' if count() >= 0 => {
                    let mut text = vec![0; usize::try_from(count()).expect("a length") + 2];
                    self.stream.read_exact(&mut text).expect("the text");
                    bytes.extend_from_slice(&text);
                }
                b'*' | b'~' | b'>' => left += usize::try_from(count().max(0)).expect("a count"),
                b'%' => left += 2 * usize::try_from(count()).expect("a count"),
                _ => {}
            }
        }
        bytes
    }

    /// Sends a line and reads the reply.
    pub fn ask(&mut self, line: &str) -> Vec<u8> {
        self.send(line);
        self.reply()
    }

    /// [`Raw::ask`], as text without the last line end.
    pub fn text(&mut self, line: &str) -> String {
        String::from_utf8_lossy(&self.ask(line)).trim_end().to_owned()
    }

    /// Sends bytes as they are; `false` when the connection is gone.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).is_ok()
    }

    /// Everything that comes until the server ends the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end too, after whatever arrived before it.
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert_eq!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset,
                "the connection was to end: {rest:?}"
            );
        }
        rest
    }

    /// One line as it is, without its end: what MONITOR sends.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line in time");
        line.trim_end().to_owned()
    }

    /// Has anything come that was not read yet?
    pub fn has_bytes(&mut self) -> bool {
        if !self.stream.buffer().is_empty() {
            return true;
        }
        let socket = self.stream.get_ref();
        socket.set_nonblocking(true).expect("a socket that does not wait");
        let seen = socket.peek(&mut [0; 1]);
        socket.set_nonblocking(false).expect("a socket that waits");
        !seen.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// The address of this end.
    pub fn local_addr(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("its address")
    }
}
