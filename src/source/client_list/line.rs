//! One line of CLIENT LIST.

use std::sync::Arc;

use super::FIELD;
use super::texts::{Column, Texts, readable};
use crate::event::Client;

/// Age and idle time of a line, and where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    age: u64,
    idle: u64,
    /// Where the digits of `age` begin and those of `idle` end, where these are neighbours, as in every server known.
    digits: Option<(usize, usize)>,
}

impl Times {
    /// Age less idle time is when it last did something, counted from when it came. Both are of the same moment, so the
    /// seconds they are rounded to do not blur it.
    pub(super) fn did_nothing_since(&self, before: &Times) -> bool {
        i128::from(self.age) - i128::from(self.idle) == i128::from(before.age) - i128::from(before.idle)
    }
}

const AGE: &[u8] = b" age=";
const IDLE: &[u8] = b" idle=";

/// The id that a line of a client begins with.
pub(super) fn id(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(b"id=")?;
    let (id, length) = digits(rest)?;
    matches!(rest.get(length), None | Some(b' ')).then_some(id)
}

/// The times of a line that says the same as an older one of its client, but for them.
pub(super) fn same_but_times(old: &[u8], times: &Times, new: &[u8]) -> Option<Times> {
    let Some((begin, end)) = times.digits else {
        return same_in_any_order(old, new);
    };
    if new.get(..begin)? != &old[..begin] {
        return None;
    }
    let found = times_at(new, begin)?;
    let (_, ends) = found.digits?;
    (new[ends..] == old[end..]).then_some(found)
}

/// The times where the digits of `age` begin at `begin` and `idle` is next.
fn times_at(line: &[u8], begin: usize) -> Option<Times> {
    let (age, length) = digits(&line[begin..])?;
    let idle_at = begin + length + IDLE.len();
    if line.get(begin + length..idle_at)? != IDLE {
        return None;
    }
    let (idle, length) = digits(&line[idle_at..])?;
    let end = idle_at + length;
    matches!(line.get(end), None | Some(b' ')).then_some(Times { age, idle, digits: Some((begin, end)) })
}

/// For a server that has its fields in an order of its own.
fn same_in_any_order(old: &[u8], new: &[u8]) -> Option<Times> {
    let mut times = Times::default();
    let is_time = |field: &&[u8]| field.starts_with(b"age=") || field.starts_with(b"idle=");
    let rest = |line| split(line).filter(move |field: &&[u8]| !is_time(field));
    if !rest(old).eq(rest(new)) {
        return None;
    }
    for field in split(new) {
        match field {
            [b'a', b'g', b'e', b'=', age @ ..] => times.age = number(age)?,
            [b'i', b'd', b'l', b'e', b'=', idle @ ..] => times.idle = number(idle)?,
            _ => {}
        }
    }
    Some(times)
}

fn split(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b' ')
}

/// Takes a line apart. `addr` is what its client's address was.
pub(super) fn parse(line: &[u8], id: u64, texts: &mut Texts, addr: Option<&Arc<str>>) -> (Client, Times) {
    let mut client = Client { id, ..Client::default() };
    let mut times = Times::default();
    let mut more = More::default();
    // The id was read.
    for Field { key, value, at } in (Fields { line, at: 0 }).skip(1) {
        let mut text = |column| texts.get(column, value);
        let mut named = |column| (!value.is_empty()).then(|| text(column));
        match key {
            b"addr" => {
                client.addr = match addr {
                    Some(addr) if addr.as_bytes() == value => addr.clone(),
                    _ => readable(value).into(),
                }
            }
            b"laddr" => client.laddr = named(Column::Laddr),
            b"fd" => client.fd = signed(value),
            b"name" => client.name = named(Column::Name),
            b"age" => {
                client.age = number(value).unwrap_or_default();
                if line[..at].ends_with(AGE) {
                    times.digits = times_at(line, at).and_then(|times| times.digits);
                }
            }
            b"idle" => client.idle = number(value).unwrap_or_default(),
            b"flags" => client.flags = text(Column::Flags),
            b"db" => client.db = number(value),
            b"sub" | b"psub" | b"ssub" => {
                client.subscriptions = client.subscriptions.saturating_add(number(value).unwrap_or_default());
            }
            b"multi" => client.multi = number(value),
            b"watch" => client.watch = number(value),
            b"qbuf" => client.query_buffer = number(value),
            b"omem" => client.output_memory = number(value),
            b"oll" => client.output_list = number(value),
            b"tot-mem" => client.memory = number(value),
            // What a client that has sent nothing yet is listed with.
            b"cmd" if value == b"NULL" => client.command = None,
            b"cmd" => client.command = named(Column::Command),
            b"user" => client.user = named(Column::User),
            b"redir" => client.redirect = number(value),
            b"resp" => client.resp = number(value),
            b"lib-name" => client.lib_name = named(Column::LibName),
            b"lib-ver" => client.lib_version = named(Column::LibVersion),
            b"tot-net-in" => client.net_in = number(value),
            b"tot-net-out" => client.net_out = number(value),
            b"tot-cmds" => client.commands = number(value),
            _ if value.is_empty() => {}
            _ => more.add(&line[at - key.len() - 1..at + value.len()]),
        }
    }
    client.more = more.text().map(|more| texts.get(Column::More, more));
    (times.age, times.idle) = (client.age, client.idle);
    (client, times)
}

/// Fields without a name of ours, one after another. Enough for many of them, and on the stack.
struct More {
    text: [u8; FIELD],
    length: usize,
}

impl Default for More {
    fn default() -> Self {
        Self { text: [0; FIELD], length: 0 }
    }
}

impl More {
    fn add(&mut self, field: &[u8]) {
        if self.length > 0 {
            self.push(b" ");
        }
        self.push(field);
    }

    fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[..bytes.len().min(FIELD - self.length)];
        self.text[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn text(&self) -> Option<&[u8]> {
        (self.length > 0).then(|| &self.text[..self.length])
    }
}

struct Fields<'a> {
    line: &'a [u8],
    /// Where the next field begins.
    at: usize,
}

struct Field<'a> {
    key: &'a [u8],
    value: &'a [u8],
    /// Where the value begins.
    at: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    /// What follows a blank without naming a field belongs to the value before: paths of unix sockets have blanks.
    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let begin = self.at;
            let name = key(self.line.get(begin..).filter(|rest| !rest.is_empty())?);
            let Some(length) = name else {
                // Only the beginning of a line can have such words before the first field.
                self.at = word_end(self.line, begin) + 1;
                continue;
            };
            let value = begin + length + 1;
            let mut end = word_end(self.line, value);
            // A blank at the very end belongs to nothing.
            while end + 1 < self.line.len() && key(&self.line[end + 1..]).is_none() {
                end = word_end(self.line, end + 1);
            }
            self.at = end + 1;
            return Some(Field {
                key: &self.line[begin..begin + length],
                value: &self.line[value..end],
                at: value,
            });
        }
    }
}

fn word_end(line: &[u8], from: usize) -> usize {
    line[from..].iter().position(|byte| *byte == b' ').map_or(line.len(), |length| from + length)
}

/// How long the name is that a field begins with.
fn key(rest: &[u8]) -> Option<usize> {
    let length = rest
        .iter()
        .position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'A'..=b'Z'))?;
    (length > 0 && rest[length] == b'=').then_some(length)
}

/// The digits that a text begins with, and how many there are.
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    let mut length = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            break;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        length += 1;
    }
    (length > 0).then_some((number, length))
}

fn number(text: &[u8]) -> Option<u64> {
    digits(text).filter(|(_, length)| *length == text.len()).map(|(number, _)| number)
}

fn signed(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(text) => number(text).and_then(|number| i64::try_from(number).ok()).map(|number| -number),
        None => number(text).and_then(|number| i64::try_from(number).ok()),
    }
}
