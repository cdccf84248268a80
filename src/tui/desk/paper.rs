//! What a session says, as lines of the screen: printed as redis-cli prints it, and nothing a terminal would obey.

use bytes::Bytes;

use crate::command::output::Output;
use crate::resp::Value;
use crate::resp::print::{Printer, Style};
use crate::text;
use crate::tui::output::Kind;
use crate::tui::run::Said;

/// Longest string of a reply that is printed whole: more would not fit a screen's scrollback, and costs memory.
const LONGEST: usize = 64 << 10;

/// What the screen is told.
pub(super) fn said(output: Output) -> Said {
    match output {
        Output::Reply { value, verbatim } => Said::Lines(reply(&value, verbatim)),
        Output::Text(words) => Said::Lines(lines(Kind::Reply, &words)),
        Output::Error(words) => Said::Lines(lines(Kind::Error, &format!("error: {words}"))),
        Output::Note(words) => Said::Lines(lines(Kind::Note, &words)),
        Output::Streaming => Said::Lines(lines(Kind::Note, "reading messages")),
        Output::Took(took) => Said::Took(took),
        Output::Clear => Said::Clear,
    }
}

fn reply(value: &Value, verbatim: bool) -> Vec<(Kind, String)> {
    let form = Printer { style: Style::Standard, escape: true };
    let kind = if matches!(value, Value::Error(_)) { Kind::Error } else { Kind::Reply };
    let mut cut = 0;
    let printed = match clipped(value, &mut cut) {
        Some(short) => form.print(&short, verbatim),
        None => form.print(value, verbatim),
    };
    let mut shown = lines(kind, &String::from_utf8_lossy(&printed));
    if cut > 0 {
        let words = format!("{} bytes of long strings are not shown", text::thousands(cut as u64));
        shown.push((Kind::Note, words));
    }
    shown
}

/// A text's lines, each safe to show.
fn lines(kind: Kind, words: &str) -> Vec<(Kind, String)> {
    let words = words.strip_suffix('\n').unwrap_or(words);
    words.split('\n').map(|line| (kind, text::escape_str(line).into_owned())).collect()
}

/// The value with its long strings cut, where it has any; counts the bytes left out.
fn clipped(value: &Value, cut: &mut usize) -> Option<Value> {
    let short = |bytes: &Bytes, cut: &mut usize| {
        (bytes.len() > LONGEST).then(|| {
            *cut += bytes.len() - LONGEST;
            bytes.slice(..LONGEST)
        })
    };
    match value {
        Value::Bulk(bytes) => short(bytes, cut).map(Value::Bulk),
        Value::Simple(bytes) => short(bytes, cut).map(Value::Simple),
        Value::Error(bytes) => short(bytes, cut).map(Value::Error),
        Value::Verbatim { format, text } => {
            short(text, cut).map(|text| Value::Verbatim { format: *format, text })
        }
        Value::Array(items) => clipped_all(items, cut).map(Value::Array),
        Value::Set(items) => clipped_all(items, cut).map(Value::Set),
        Value::Push(items) => clipped_all(items, cut).map(Value::Push),
        Value::Map(pairs) => {
            let flat: Vec<&Value> = pairs.iter().flat_map(|(key, value)| [key, value]).collect();
            let short: Vec<Option<Value>> = flat.iter().map(|value| clipped(value, cut)).collect();
            if short.iter().all(Option::is_none) {
                return None;
            }
            let mut whole = flat.into_iter().zip(short).map(|(old, new)| new.unwrap_or_else(|| old.clone()));
            let mut pairs = Vec::with_capacity(pairs.len());
            while let (Some(key), Some(value)) = (whole.next(), whole.next()) {
                pairs.push((key, value));
            }
            Some(Value::Map(pairs))
        }
        _ => None,
    }
}

fn clipped_all(items: &[Value], cut: &mut usize) -> Option<Vec<Value>> {
    let short: Vec<Option<Value>> = items.iter().map(|item| clipped(item, cut)).collect();
    if short.iter().all(Option::is_none) {
        return None;
    }
    let whole = items.iter().zip(short).map(|(old, new)| new.unwrap_or_else(|| old.clone()));
    Some(whole.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Value) -> Vec<(Kind, String)> {
        match said(Output::Reply { value, verbatim: false }) {
            Said::Lines(lines) => lines,
            other => panic!("{other:?}"),
        }
    }

    fn words(lines: &[(Kind, String)]) -> Vec<&str> {
        lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    #[test]
    fn replies_look_as_in_redis_cli() {
        assert_eq!(shown(Value::Simple("OK".into())), [(Kind::Reply, "OK".to_owned())]);
        assert_eq!(shown(Value::Error("ERR no".into())), [(Kind::Error, "(error) ERR no".to_owned())]);
        let list = Value::Array(vec![Value::Bulk("a".into()), Value::Nil]);
        assert_eq!(words(&shown(list)), ["1) \"a\"", "2) (nil)"]);
    }

    #[test]
    fn nothing_in_a_reply_is_a_command_to_the_terminal() {
        let evil = "\u{1b}]0;x\u{7}\u{202e}\u{9b}2J";
        for value in [Value::Simple(evil.into()), Value::Error(evil.into()), Value::Bulk(evil.into())] {
            for (_, line) in shown(value) {
                assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
            }
        }
    }

    #[test]
    fn a_huge_string_is_cut_and_said_to_be() {
        let huge = Value::Bulk(vec![b'x'; LONGEST + 1_234].into());
        let map = Value::Map(vec![(Value::Bulk("key".into()), Value::Array(vec![Value::Integer(1), huge]))]);
        let lines = shown(map);
        assert_eq!(lines.last(), Some(&(Kind::Note, "1,234 bytes of long strings are not shown".to_owned())));
        assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() < LONGEST + 1_000);
    }
}
