//! What the files of `/proc` say, as far as it is used. Nothing of it is trusted: a process chooses its own name.

use std::time::Duration;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// Its name, at most 16 bytes, any of them.
    pub(super) name: String,
    /// Its parent.
    pub(super) parent: u32,
    /// When it started, in clock ticks since the machine did.
    pub(super) started: u64,
}

/// `42 (any) name)) S 1 …`: the name ends at the last parenthesis.
pub(super) fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|b| *b == b'(')?;
    let close = bytes.iter().rposition(|b| *b == b')')?;
    let name = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let mut rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?.split_ascii_whitespace();
    let parent = rest.nth(1)?.parse().ok()?;
    Some(Stat { name, parent, started: rest.nth(17)?.parse().ok()? })
}

/// `Uid: 1000 1000 1000 1000` in `/proc/PID/status`: the real one and the effective one.
pub(super) fn parse_uids(bytes: &[u8]) -> Option<(u32, u32)> {
    let line = bytes.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    let mut numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// `12345.67 …`: how long the machine has been up.
pub(super) fn parse_uptime(bytes: &[u8]) -> Option<Duration> {
    let seconds = std::str::from_utf8(bytes).ok()?.split_ascii_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// `socket:[12345]`, as a descriptor that is one is linked to.
pub(super) fn parse_socket(link: &[u8]) -> Option<u32> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The name of a user in `/etc/passwd`.
pub(super) fn user_name(passwd: &[u8], uid: u32) -> Option<String> {
    passwd.split(|b| *b == b'\n').find_map(|line| {
        let mut fields = line.split(|b| *b == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = std::str::from_utf8(fields.nth(1)?).ok()?;
        (number.parse() == Ok(uid)).then(|| String::from_utf8_lossy(name).into_owned())
    })
}
