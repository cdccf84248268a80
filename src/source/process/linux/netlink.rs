//! Questions to the kernel by netlink: one socket, one question at a time, every length checked.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// Flags of a message.
pub(super) const REQUEST: u16 = 0x001;
pub(super) const DUMP: u16 = 0x300;
const MULTI: u16 = 0x002;

/// Kinds of messages that are netlink's own.
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// Bytes before a message's payload.
const HEADER: usize = 16;

/// The kernel fills at most 32 KiB at once.
const BUFFER: usize = 64 << 10;

/// No kernel takes so long over a part of an answer: one that does is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A socket to the kernel.
#[derive(Debug)]
pub(super) struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// Opens one; `None` for routes and addresses.
    pub(super) fn open(protocol: Option<Protocol>) -> Result<Self, Errno> {
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, buffer: vec![0; BUFFER], sequence: 0 })
    }

    /// Asks, and gives every message of the answer to `hear`.
    pub(super) fn ask(
        &mut self,
        kind: u16,
        flags: u16,
        payload: &[u8],
        mut hear: impl FnMut(&[u8]),
    ) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        send(&self.socket, &request(kind, REQUEST | flags, self.sequence, payload), SendFlags::empty())?;
        loop {
            let (_, length) = match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::TRUNC) {
                Err(Errno::INTR) => continue,
                received => received?,
            };
            let received = self.buffer.get(..length).ok_or(Errno::MSGSIZE)?;
            // What an earlier question is still owed, given up on, is not ours.
            for message in messages(received).filter(|message| message.sequence == self.sequence) {
                match message.kind {
                    // A dump that fails says so at its end.
                    DONE if message.payload.is_empty() => return Ok(()),
                    DONE | ERROR => return outcome(message.payload),
                    _ => hear(message.payload),
                }
                if message.flags & MULTI == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// A request as it is sent.
fn request(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = HEADER + payload.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// A netlink message.
pub(super) struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

/// The messages in what was received, up to the first that cannot be one.
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let message = Message {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            payload: bytes.get(HEADER..length)?,
        };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// What an error message says: 0 is for success. No other number but the negative of an error's is one, and making an
/// error of it would panic.
pub(super) fn outcome(payload: &[u8]) -> Result<(), Errno> {
    match u32_at(payload, 0).map(u32::cast_signed) {
        Some(0) => Ok(()),
        Some(code @ -4095..0) => Err(Errno::from_raw_os_error(-code)),
        _ => Err(Errno::PROTO),
    }
}

/// The attributes behind a message's fixed part: kind and value.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        // The two highest bits say how the value is written.
        let kind = u16_at(bytes, 2)? & 0x3fff;
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A number in the machine's order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|found| u16::from_ne_bytes(*found))
}

/// A number in the machine's order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|found| u32::from_ne_bytes(*found))
}
