//! What a server's refusal to greet us means, and what can be done about it.

use super::{ConnectError, ConnectErrorKind, ConnectOptions, Secret};
use crate::text::{escape, escape_str};

/// How much of an answer that nobody understands is shown, in bytes.
const EXCERPT: usize = 60;

/// How much of an error reply is shown, in bytes.
const REPLY: usize = 200;

/// An error reply to HELLO, AUTH, SELECT or CLIENT, in words.
pub(super) fn explain(text: &[u8], options: &ConnectOptions) -> ConnectError {
    use ConnectErrorKind as K;
    let target = options.target();
    let user = escape_str(options.user_or_default());
    let said = shown(text, REPLY, options.password.as_ref());
    let code = text.split(|byte| *byte == b' ').next().unwrap_or_default();
    let old_and_no_users = text.starts_with(b"ERR wrong number of arguments for 'auth'");
    let (kind, message) = match code {
        b"WRONGPASS" => (
            K::WrongPass,
            format!(
                "{target} refuses the password for user `{user}`; check both, and that `ACL LIST` there has the user `on`"
            ),
        ),
        b"NOAUTH" => {
            (K::NoAuth, format!("{target} wants a password; give it with --askpass, -a or REDISCLI_AUTH"))
        }
        b"NOPERM" => (
            K::NoPerm,
            format!("user `{user}` may not do on {target} what opening a connection needs: {said}"),
        ),
        b"DENIED" => (
            K::Protected,
            format!(
                "{target} is in protected mode and takes clients from its own machine only; give it a password"
            ),
        ),
        b"LOADING" => (K::Loading, format!("{target} is still loading its data; try again in a moment")),
        b"MASTERDOWN" => (
            K::MasterDown,
            format!("{target} is a replica that lost its master, and serves nobody until it is back"),
        ),
        _ if text.starts_with(b"ERR max number of clients") => (
            K::MaxClients,
            format!("{target} has as many clients as it takes; close some, or raise its maxclients"),
        ),
        _ if text.starts_with(b"ERR invalid password") => {
            (K::WrongPass, format!("{target} refuses the password; check it"))
        }
        _ if old_and_no_users => (
            K::WrongPass,
            format!("{target} is too old to know users; leave out --user and give only the password"),
        ),
        _ if is_bad_database(text) => (
            K::Other,
            format!("{target} has no database {}; its `databases` says how many there are", options.database),
        ),
        _ => (K::Other, format!("{target} refuses us: {said}")),
    };
    ConnectError::new(kind, message)
}

fn is_bad_database(text: &[u8]) -> bool {
    [&b"ERR DB index is out of range"[..], b"ERR invalid DB index", b"ERR SELECT is not allowed"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
}

/// Something answers, but not in RESP. `why` is what is wrong with it, for where nothing of it is left to show.
pub(super) fn not_resp(options: &ConnectOptions, answer: &[u8], why: Option<&str>) -> ConnectError {
    let target = options.target();
    let message = match answer {
        [b'H', b'T', b'T', b'P', b'/', ..] => {
            format!("{target} is no Redis server: it answers in HTTP; check the port")
        }
        // The first bytes of a TLS record: an alert or a handshake.
        [0x15 | 0x16, 0x03, ..] => {
            format!("{target} speaks TLS: use rediss:// or --tls")
        }
        [] => {
            let why = why.map(|why| format!(": {}", escape(why.as_bytes()))).unwrap_or_default();
            format!("{target} is no Redis server: it greets with what none would{why}; check the port")
        }
        _ => format!(
            "{target} is no Redis server: it answers \"{}\"",
            shown(answer, EXCERPT, options.password.as_ref())
        ),
    };
    ConnectError::new(ConnectErrorKind::NotRedis, message)
}

/// The beginning of what a server sent, with nothing in it that a terminal obeys, nor the password it may repeat.
fn shown(text: &[u8], most: usize, password: Option<&Secret>) -> String {
    let masked = password.map_or_else(|| text.to_vec(), |password| mask(text, password.expose()));
    let cut = &masked[..masked.len().min(most)];
    let dots = if cut.len() < masked.len() { "…" } else { "" };
    format!("{}{dots}", escape(cut))
}

fn mask(text: &[u8], password: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        if !password.is_empty() && rest.starts_with(password) {
            masked.extend_from_slice(b"***");
            rest = &rest[password.len()..];
        } else {
            masked.push(*first);
            rest = &rest[1..];
        }
    }
    masked
}
