//! A password in a URL, however it is typed.

use super::vocabulary::near;

/// The schemes of servers like ours.
const SCHEMES: [&str; 6] = ["REDIS", "REDISS", "VALKEY", "VALKEYS", "KEYDB", "REDIS-SOCKET"];

/// The first word that has a password in it: `redis://user:password@host` in any form in which somebody may have meant
/// it, with a slash or a colon too few or a blank in it. What else has a scheme is one where a user and a password stand
/// in it.
pub(super) fn hidden_from(words: &[String]) -> Option<usize> {
    (0..words.len()).find(|at| {
        let is_cut = || words.get(at + 1).is_some_and(|next| next.contains('@'));
        match place(&words[*at]) {
            Some(rest) => rest.contains('@') || (rest.contains('/') && (!is_place(rest) || is_cut())),
            None => has_user(&words[*at]),
        }
    })
}

/// What follows the scheme, where that is one of ours or nearly.
fn place(word: &str) -> Option<&str> {
    let end = word.find(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '+'))?;
    let (scheme, rest) = word.split_at(end);
    // `redis+tls`, `redis-tls` and their like.
    let first = scheme.split(['+', '-']).next().unwrap_or_default();
    SCHEMES.iter().any(|known| near(scheme, known, 1) || near(first, known, 1)).then_some(rest)
}

/// A user and a password stand before a host, in another scheme or in what a blank in a URL leaves behind it.
fn has_user(word: &str) -> bool {
    // A password may hold any character, a slash among them, when nobody encoded it.
    let before_host = |after: &str| after.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    if let Some((_, after)) = word.split_once("://") {
        return before_host(after);
    }
    let Some(rest) = word.strip_prefix([':', '/']) else { return false };
    before_host(rest) || (rest.contains('@') && (word.starts_with(':') || rest.starts_with('/')))
}

/// `://host:6379/0`: a port that is none may be a password whose host got lost.
fn is_place(rest: &str) -> bool {
    let rest = rest.trim_start_matches([':', '/']);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Colons in brackets are an address's own.
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
    match after_host.split_once(':') {
        Some((_, port)) => !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()),
        None => true,
    }
}
