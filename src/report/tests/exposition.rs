//! A checker of the Prometheus text format: what `promtool check metrics` and the scraper's parser insist on.

use std::collections::HashSet;

/// Panics, with the line, on anything that a scraper would refuse or that breaks a rule of the format.
pub(crate) fn check(page: &str) {
    assert!(page.ends_with('\n'), "the last line must end");
    let (mut families, mut series) = (HashSet::new(), HashSet::new());
    let mut family: Option<(&str, &str)> = None;
    let mut help: Option<&str> = None;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').expect("a help text");
            assert!(is_name(name) && !text.is_empty(), "{line}");
            help = Some(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(["gauge", "counter", "summary"].contains(&kind), "{line}");
            assert_eq!(help, Some(name), "help comes first: {line}");
            assert!(families.insert(name), "a family's lines stand together: {line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            family = Some((name, kind));
        } else if line.starts_with('#') {
            // A comment.
            assert!(line.starts_with("# lost: "), "{line}");
        } else {
            let (name, labels, value) = sample(line);
            let (of, kind) = family.expect("a type before a sample");
            let suffix = name.strip_prefix(of).unwrap_or_else(|| panic!("{line} is not of {of}"));
            assert!(
                suffix.is_empty() || (kind == "summary" && ["_count", "_sum"].contains(&suffix)),
                "{line}"
            );
            let quantile = labels.iter().any(|(label, _)| label == "quantile");
            assert_eq!(quantile, kind == "summary" && suffix.is_empty(), "{line}");
            let may_be_unknown = quantile && value.is_nan();
            assert!(may_be_unknown || value >= 0.0, "{line}");
            assert!(series.insert((name.to_owned(), labels)), "given twice: {line}");
        }
    }
}

type Labels = Vec<(String, String)>;

fn sample(line: &str) -> (&str, Labels, f64) {
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("a label: {line}"));
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let (value, after) = unquote(after, line);
            assert!(!labels.iter().any(|(known, _)| known == label), "a label twice: {line}");
            labels.push((label.to_owned(), value));
            match after.split_at_checked(1) {
                Some((",", after)) => rest = after,
                Some(("}", after)) => break rest = after,
                _ => panic!("not quoted: {line}"),
            }
        }
    }
    labels.sort();
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("a space before the value: {line}"));
    (name, labels, value.parse().unwrap_or_else(|_| panic!("a number: {line}")))
}

/// A label's value up to its closing quote, and what follows.
fn unquote<'a>(text: &'a str, line: &str) -> (String, &'a str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('\\' | '"'))) => value.push(c),
                _ => panic!("not an escape of the format: {line}"),
            },
            c => value.push(c),
        }
    }
    panic!("no closing quote: {line}")
}

fn is_name(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}
