//! MONITOR: every command as a line, to whoever asked.

use std::fmt::Write as _;

use bytes::Bytes;

use super::client::ClientId;
use super::state::State;

/// Tells the monitors of a command that ran, with the database it left its client in.
pub(crate) fn feed(state: &mut State, id: ClientId, args: &[Bytes]) {
    let Some(client) = state.clients.get(&id) else { return };
    let now = state.tell_time();
    let mut line = format!("+{}.{:06} [{} {}]", now.as_secs(), now.subsec_micros(), client.db, client.peer);
    let secret = secret_from(args);
    for (index, arg) in args.iter().enumerate() {
        line.push(' ');
        if secret.as_ref().is_some_and(|range| range.contains(&index)) {
            line.push_str("\"(redacted)\"");
        } else {
            quote(arg, &mut line);
        }
    }
    line.push_str("\r\n");
    for monitor in state.monitors.clone() {
        state.push_to(monitor, |reply| reply.out.extend_from_slice(line.as_bytes()));
    }
}

/// The arguments that are somebody's password, or could be.
fn secret_from(args: &[Bytes]) -> Option<std::ops::Range<usize>> {
    let name = args.first()?;
    if name.eq_ignore_ascii_case(b"auth") {
        return Some(1..args.len());
    }
    if name.eq_ignore_ascii_case(b"hello") {
        let at = args.iter().skip(1).position(|arg| arg.eq_ignore_ascii_case(b"auth"))? + 2;
        return Some(at..at + 2);
    }
    None
}

/// An argument in quotes, with what is not printable ASCII escaped: Redis's `sdscatrepr`.
fn quote(bytes: &[u8], line: &mut String) {
    line.push('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(*byte));
            }
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x07 => line.push_str("\\a"),
            0x08 => line.push_str("\\b"),
            b' '..=b'~' => line.push(char::from(*byte)),
            other => {
                let _ = write!(line, "\\x{other:02x}");
            }
        }
    }
    line.push('"');
}
