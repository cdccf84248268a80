//! One line of CLIENT LIST.

use std::sync::Arc;

use super::fields::{Field, Fields, Key};
use super::pattern::Pattern;
use super::texts::{Column, Texts, text_of};
use super::{FIELD, Memory};
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
    let (old, new) = (old.trim_ascii_end(), new.trim_ascii_end());
    let is_time = |field: &Field| matches!(field.key, Key::Age | Key::Idle);
    let rest = |line| Fields::of(line).filter(move |field| !is_time(field));
    let texts = rest(old).map(|field| &old[field.name..field.end]);
    if !texts.eq(rest(new).map(|field| &new[field.name..field.end])) {
        return None;
    }
    let mut times = Times::default();
    for field in Fields::of(new).filter(is_time) {
        let value = number(&new[field.at..field.end]).unwrap_or_default();
        *(if field.key == Key::Age { &mut times.age } else { &mut times.idle }) = value;
    }
    Some(times)
}

/// Takes a line apart.
pub(super) fn parse(line: &[u8], id: u64, memory: &mut Memory) -> (Arc<Client>, Times) {
    let line = line.trim_ascii_end();
    let known = memory.pattern.as_mut().and_then(|pattern| pattern.read(line, id, &mut memory.texts));
    let (client, age_at) = known.unwrap_or_else(|| {
        let (client, age_at) = alone(line, id, &mut memory.texts);
        memory.pattern = Pattern::learn(line, &client);
        (Arc::new(client), age_at)
    });
    // Whatever else a line may hold, the times are those that the client was given.
    let found = age_at.and_then(|at| times_at(line, at));
    let found = found.filter(|times| (times.age, times.idle) == (client.age, client.idle));
    let times = found.unwrap_or(Times { age: client.age, idle: client.idle, digits: None });
    (client, times)
}

/// A line that is like none before, and where the digits of its age begin.
fn alone(line: &[u8], id: u64, texts: &mut Texts) -> (Client, Option<usize>) {
    let mut client = Client { id, ..Client::default() };
    let mut age_at = None;
    for field in Fields::of(line) {
        set(&mut client, field.key, &line[field.at..field.end], texts);
        if field.key == Key::Age {
            age_at = Some(field.at);
        }
    }
    client.subscriptions = subscribed(Fields::of(line), line);
    let mut words = Vec::new();
    unnamed(Fields::of(line), line, &mut words);
    client.more = more_of(&words, texts);
    (client, age_at)
}

/// How much a client is subscribed to, in several fields together.
pub(super) fn subscribed(fields: impl Iterator<Item = Field>, line: &[u8]) -> u64 {
    let each = fields.filter(|field| field.key == Key::Subscriptions);
    each.filter_map(|field| number(&line[field.at..field.end])).fold(0, u64::saturating_add)
}

/// The fields that have a value and no name of ours, one after another, into `words`.
pub(super) fn unnamed(fields: impl Iterator<Item = Field>, line: &[u8], words: &mut Vec<u8>) {
    words.clear();
    for field in fields.filter(|field| field.key == Key::More && field.at < field.end) {
        if words.len() > FIELD {
            break;
        }
        if !words.is_empty() {
            words.push(b' ');
        }
        words.extend_from_slice(&line[field.name..field.end]);
    }
}

pub(super) fn more_of(words: &[u8], texts: &mut Texts) -> Option<Arc<str>> {
    (!words.is_empty()).then(|| texts.get(Column::More, words))
}

/// Gives a client the value of a field.
pub(super) fn set(client: &mut Client, key: Key, value: &[u8], texts: &mut Texts) {
    let mut text = |column| texts.get(column, value);
    let mut named = |column| (!value.is_empty()).then(|| text(column));
    match key {
        Key::Addr => client.addr = text_of(value),
        Key::Laddr => client.laddr = named(Column::Laddr),
        Key::Fd => client.fd = signed(value),
        Key::Name => client.name = named(Column::Name),
        Key::Age => client.age = number(value).unwrap_or_default(),
        Key::Idle => client.idle = number(value).unwrap_or_default(),
        Key::Flags => client.flags = text(Column::Flags),
        Key::Db => client.db = number(value),
        Key::Multi => client.multi = number(value),
        Key::Watch => client.watch = number(value),
        Key::QueryBuffer => client.query_buffer = number(value),
        Key::OutputMemory => client.output_memory = number(value),
        Key::OutputList => client.output_list = number(value),
        Key::Memory => client.memory = number(value),
        // What a client that has sent nothing yet is listed with.
        Key::Command if value == b"NULL" => client.command = None,
        Key::Command => client.command = named(Column::Command),
        Key::User => client.user = named(Column::User),
        Key::Redirect => client.redirect = number(value),
        Key::Resp => client.resp = number(value),
        Key::LibName => client.lib_name = named(Column::LibName),
        Key::LibVersion => client.lib_version = named(Column::LibVersion),
        Key::NetIn => client.net_in = number(value),
        Key::NetOut => client.net_out = number(value),
        Key::Commands => client.commands = number(value),
        // Several fields together, or known before.
        Key::Id | Key::Subscriptions | Key::More => {}
    }
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

/// So many digits are never too great a number.
const SHORT: usize = 19;

pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > SHORT {
        return digits(text).filter(|(_, length)| *length == text.len()).map(|(number, _)| number);
    }
    let mut number = 0_u64;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

fn signed(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(text) => number(text).and_then(|number| i64::try_from(number).ok()).map(|number| -number),
        None => number(text).and_then(|number| i64::try_from(number).ok()),
    }
}
