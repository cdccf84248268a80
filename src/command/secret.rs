//! The part of a typed line that must never be shown or written down: passwords, and what may be one.
//!
//! A line that is kept out of the history for nothing is a small loss, a password in a file is not. So a line is judged
//! as the tokenizer reads it and, once more, with all quotes taken away, finished or not, understood or not; and of a
//! line that is no command as it stands, whatever could be a password behind a slip of the finger is taken for one.

mod hidden;
mod program;
mod rules;
mod url;
mod vocabulary;
mod within;

#[cfg(test)]
mod tests;

pub(super) use self::hidden::Covered;
pub use self::hidden::Hidden;
use super::token::{Ending, scan};

/// What stands for a secret where a line is shown.
pub(super) const MASK: &str = "***";

/// How much of a line is judged before it is shown, in bytes: a prompt asks at every key. Nobody types more, and what
/// comes after it in a paste is not shown.
const READ: usize = 64 << 10;

/// Where the part of a line begins that is for nobody's eyes; it goes on to the end. Always at a character boundary,
/// and before the end.
pub fn secret_from(line: &str) -> Option<usize> {
    let Some((head, _)) = (READ - 3..=READ).rev().find_map(|at| line.split_at_checked(at)) else {
        return found_in(line);
    };
    found_in(head).or(Some(head.len()).filter(|end| *end < line.len()))
}

/// A password may be in the line.
pub fn is_secret(line: &str) -> bool {
    found_in(line).is_some()
}

fn found_in(line: &str) -> Option<usize> {
    // A line break that is in no quotes parts words as a blank does, but somebody may have pasted two commands.
    let mut start = 0;
    let parts = line.split('\n').map(|part| {
        let from = start;
        start += part.len() + 1;
        (from, part)
    });
    let found = parts.chain([(0, line)]).flat_map(|(from, part)| {
        [sent(part), bare(part)].into_iter().filter_map(move |words| words.hidden_from().map(|at| from + at))
    });
    found.min()
}

/// How many of a command's words may be shown: all of them where nothing in it is secret.
pub(super) fn open_words<A: AsRef<[u8]>>(args: &[A]) -> usize {
    let words: Vec<String> = args.iter().map(|arg| upper(arg.as_ref())).collect();
    rules::hidden_from(&words).unwrap_or(words.len())
}

/// The words of a line in upper case, and where each begins.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    starts: Vec<usize>,
}

impl Words {
    fn push(&mut self, start: usize, word: String) {
        self.starts.push(start);
        self.words.push(word);
    }

    fn hidden_from(&self) -> Option<usize> {
        rules::hidden_from(&self.words).and_then(|at| self.starts.get(at).copied())
    }
}

/// The words as they would be sent, and what is glued to a closing quote as words of its own.
fn sent(line: &str) -> Words {
    let scan = scan(line.as_bytes());
    let mut words = Words::default();
    for token in scan.tokens {
        words.push(token.range.start, upper(&token.bytes));
    }
    if let Ending::Glued { at } = scan.ending {
        let rest = line.get(at..).unwrap_or_default();
        for (start, word) in blank_parted(rest) {
            words.push(at + start, upper(word.as_bytes()));
        }
    }
    words
}

/// The words with no regard to quotes.
fn bare(line: &str) -> Words {
    let mut words = Words::default();
    for (start, word) in blank_parted(line) {
        words.push(start, upper(word.replace(['"', '\'', '\\'], "").as_bytes()));
    }
    words
}

fn blank_parted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = 0;
    text.split_inclusive(char::is_whitespace).filter_map(move |piece| {
        let start = end;
        end += piece.len();
        let word = piece.trim_end();
        (!word.is_empty()).then_some((start, word))
    })
}

fn upper(word: &[u8]) -> String {
    // Letter by letter: what has two letters in upper case, as ß has, must stay one slip.
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
    };
    let word: String = String::from_utf8_lossy(word).chars().map(upper).collect();
    if word.is_ascii() { word } else { word.chars().map(latin).collect() }
}

/// The letter of a command's name that another looks like: of full width, Greek or Cyrillic, as some keyboards have it.
fn latin(c: char) -> char {
    const ALIKE: [(&str, char); 15] = [
        ("ΑА", 'A'),
        ("ΒВ", 'B'),
        ("С", 'C'),
        ("ΕЕ", 'E'),
        ("ΗН", 'H'),
        ("ΙІ", 'I'),
        ("Ј", 'J'),
        ("ΚК", 'K'),
        ("ΜМ", 'M'),
        ("Ν", 'N'),
        ("ΟО", 'O'),
        ("ΡР", 'P'),
        ("Ѕ", 'S'),
        ("ΤТ", 'T'),
        ("ΧХ", 'X'),
    ];
    if let Some(ascii @ '!'..='~') = u32::from(c).checked_sub(0xfee0).and_then(char::from_u32) {
        return ascii;
    }
    ALIKE.iter().find(|(letters, _)| letters.contains(c)).map_or(c, |(_, ascii)| *ascii)
}
