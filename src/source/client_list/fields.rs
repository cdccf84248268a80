//! The fields of a line.

/// What a field is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Addr,
    Laddr,
    Fd,
    Name,
    Age,
    Idle,
    Flags,
    Db,
    Subscriptions,
    Multi,
    Watch,
    QueryBuffer,
    OutputMemory,
    OutputList,
    Memory,
    Command,
    User,
    Redirect,
    Resp,
    LibName,
    LibVersion,
    NetIn,
    NetOut,
    Commands,
    /// This program has no name for it.
    More,
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"id" => Self::Id,
            b"addr" => Self::Addr,
            b"laddr" => Self::Laddr,
            b"fd" => Self::Fd,
            b"name" => Self::Name,
            b"age" => Self::Age,
            b"idle" => Self::Idle,
            b"flags" => Self::Flags,
            b"db" => Self::Db,
            b"sub" | b"psub" | b"ssub" => Self::Subscriptions,
            b"multi" => Self::Multi,
            b"watch" => Self::Watch,
            b"qbuf" => Self::QueryBuffer,
            b"omem" => Self::OutputMemory,
            b"oll" => Self::OutputList,
            b"tot-mem" => Self::Memory,
            b"cmd" => Self::Command,
            b"user" => Self::User,
            b"redir" => Self::Redirect,
            b"resp" => Self::Resp,
            b"lib-name" => Self::LibName,
            b"lib-ver" => Self::LibVersion,
            b"tot-net-in" => Self::NetIn,
            b"tot-net-out" => Self::NetOut,
            b"tot-cmds" => Self::Commands,
            _ => Self::More,
        }
    }
}

/// A field of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) key: Key,
    /// Where its name begins, where its value does, and where that ends.
    pub(super) name: usize,
    pub(super) at: usize,
    pub(super) end: usize,
}

/// The fields of a line, one after another.
pub(super) struct Fields<'a> {
    line: &'a [u8],
    /// Where the next one begins and its value does.
    next: Option<(usize, usize)>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self { line, next: named(line, 0) }
    }
}

impl Iterator for Fields<'_> {
    type Item = Field;

    /// What follows a blank without naming a field belongs to the value before: paths of unix sockets have blanks.
    fn next(&mut self) -> Option<Field> {
        let (name, at) = self.next.take()?;
        let mut end = blank(self.line, at);
        while end < self.line.len() {
            self.next = named(self.line, end + 1);
            if self.next.is_some() {
                break;
            }
            end = blank(self.line, end + 1);
        }
        Some(Field { key: Key::of(&self.line[name..at - 1]), name, at, end })
    }
}

/// The field whose name begins here, and where its value does.
fn named(line: &[u8], at: usize) -> Option<(usize, usize)> {
    Some((at, at + name_length(&line[at..])? + 1))
}

/// Where the next blank is, or the end. Values are short: eight bytes at once are most of them.
#[inline]
pub(super) fn blank(line: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    while let Some(bytes) = line.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let differs = u64::from_le_bytes(*bytes) ^ (ONES * 0x20);
        // The lowest bit set is that of the first byte that is zero.
        let zeros = differs.wrapping_sub(ONES) & !differs & (ONES * 0x80);
        if zeros != 0 {
            return at + zeros.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = line.get(at..).unwrap_or_default();
    rest.iter().position(|byte| *byte == b' ').map_or(line.len(), |length| at + length)
}

/// Which bytes a name has.
const NAMES: [bool; 256] = {
    let mut names = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        names[byte] = (byte as u8).is_ascii_alphanumeric() || byte == b'-' as usize || byte == b'_' as usize;
        byte += 1;
    }
    names
};

/// How long the name is that a field begins with.
fn name_length(rest: &[u8]) -> Option<usize> {
    let length = rest.iter().position(|byte| !NAMES[usize::from(*byte)])?;
    (length > 0 && rest[length] == b'=').then_some(length)
}
