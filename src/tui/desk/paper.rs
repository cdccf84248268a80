//! What a session says, as lines of the screen: printed as redis-cli prints it, and nothing a terminal would obey.

use super::clip::{Clip, Cut, Limits};
use crate::command::output::Output;
use crate::resp::Value;
use crate::resp::print::{Printer, Style};
use crate::text;
use crate::tui::output::Kind;
use crate::tui::run::Said;

/// What of a reply is shown. A string is one line of the scrollback, and each of its bytes may take four columns.
const LIMITS: Limits = Limits { string: 16 << 10, text: 2 << 20, bytes: 4 << 20, items: 60_000 };

/// What the screen is told.
pub(super) fn said(output: &Output) -> Said {
    match output {
        Output::Reply { value, verbatim } => Said::Lines(reply(value, *verbatim)),
        Output::Text(words) => Said::Lines(lines(Kind::Reply, words)),
        Output::Error(words) => Said::Lines(lines(Kind::Error, &format!("error: {words}"))),
        Output::Note(words) => Said::Lines(lines(Kind::Note, words)),
        Output::Streaming => Said::Lines(lines(Kind::Note, "reading messages")),
        Output::Took(took) => Said::Took(*took),
        Output::Clear => Said::Clear,
    }
}

fn reply(value: &Value, verbatim: bool) -> Vec<(Kind, String)> {
    let form = Printer { style: Style::Standard, escape: true };
    let kind = if value.error().is_some() { Kind::Error } else { Kind::Reply };
    let mut clip = Clip::new(LIMITS);
    let printed = form.print(&clip.value(value, verbatim), verbatim);
    let mut shown = lines(kind, &String::from_utf8_lossy(&printed));
    shown.extend(left_out(clip.cut).map(|words| (Kind::Note, words)));
    shown
}

/// Says what is not shown.
fn left_out(cut: Cut) -> Option<String> {
    let count = |number: usize, what: &str| {
        let s = if number == 1 { "" } else { "s" };
        (number > 0).then(|| format!("{} {what}{s}", text::thousands(number as u64)))
    };
    let parts: Vec<String> =
        [count(cut.items, "element"), count(cut.bytes, "byte")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("… and {} more than the screen keeps", parts.join(" and ")))
}

/// A text's lines, each safe to show.
fn lines(kind: Kind, words: &str) -> Vec<(Kind, String)> {
    let words = words.strip_suffix('\n').unwrap_or(words);
    words.split('\n').map(|line| (kind, text::escape_str(line).into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Value) -> Vec<(Kind, String)> {
        match said(&Output::Reply { value, verbatim: false }) {
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
        let huge = Value::Bulk(vec![b'x'; LIMITS.string + 1_234].into());
        let map = Value::Map(vec![(Value::Bulk("key".into()), Value::Array(vec![Value::Integer(1), huge]))]);
        let lines = shown(map);
        let note = "… and 1,234 bytes more than the screen keeps".to_owned();
        assert_eq!(lines.last(), Some(&(Kind::Note, note)));
        assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() < LIMITS.string + 1_000);
    }

    #[test]
    fn what_is_shown_of_a_string_of_any_bytes_is_no_line_too_long_to_keep() {
        let binary = Value::Bulk(vec![0xff; LIMITS.string + 1].into());
        let lines = shown(binary);
        let mut output = crate::tui::output::Output::default();
        for (kind, line) in lines {
            output.push(kind, line);
        }
        let rows = output.rows(usize::MAX, 9);
        assert!(rows[0].text.ends_with("\\xff\""), "it is cut once, by bytes of the value");
        assert_eq!(rows[1].text, "… and 1 byte more than the screen keeps");
    }

    #[test]
    fn fifty_thousand_elements_are_shown_and_millions_are_not() {
        let reply = |count: usize| Value::Array(vec![Value::Bulk("key:1234567890".into()); count]);
        assert_eq!(shown(reply(50_000)).len(), 50_000);
        let lines = shown(reply(1_000_000));
        assert_eq!(lines.len(), LIMITS.items + 1);
        let note = lines.last().map(|(_, line)| line.as_str());
        assert_eq!(note, Some("… and 940,000 elements more than the screen keeps"));
    }

    #[test]
    fn many_long_strings_are_cut_together_and_a_report_is_no_string() {
        let long = Value::Bulk(vec![b'x'; LIMITS.string].into());
        let lines = shown(Value::Array(vec![long; 1_000]));
        assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() < LIMITS.bytes + (1 << 20));
        let report = "client\n".repeat(LIMITS.string);
        let reply = Output::Reply { value: Value::Bulk(report.into()), verbatim: true };
        let Said::Lines(lines) = said(&reply) else { panic!("lines") };
        assert_eq!(lines.len(), LIMITS.string);
    }
}
