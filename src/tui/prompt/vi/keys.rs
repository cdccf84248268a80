//! Which command of vi's a run of keys is. Pure.

use rustyline::{At, CharSearch, Movement, RepeatCount, Word};

use super::Asked;

/// A count beyond this is a mistyped one.
const MOST: RepeatCount = 9999;

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Move(Movement),
    Kill(Movement),
    Change(Movement),
    Yank(Movement),
    /// Insert mode, after this movement.
    Insert(Option<Movement>),
    Put {
        count: RepeatCount,
        after: bool,
    },
    Replace(RepeatCount, char),
    Undo(RepeatCount),
    /// The last change once more.
    Again,
    Ask(Asked),
}

/// What a run of keys is.
#[derive(Debug, PartialEq)]
pub(super) enum Parsed<T> {
    /// The beginning of something.
    More,
    Nothing,
    Whole(T),
}

impl<T> Parsed<T> {
    fn map<U>(self, map: impl FnOnce(T) -> U) -> Parsed<U> {
        match self {
            Self::More => Parsed::More,
            Self::Nothing => Parsed::Nothing,
            Self::Whole(whole) => Parsed::Whole(map(whole)),
        }
    }
}

/// A count, and what comes after it. `0` begins none: it is a movement.
fn count(keys: &str) -> (Option<RepeatCount>, &str) {
    if keys.starts_with('0') {
        return (None, keys);
    }
    let end = keys.find(|c: char| !c.is_ascii_digit()).unwrap_or(keys.len());
    let (digits, rest) = keys.split_at(end);
    let count = digits.parse().unwrap_or(MOST).min(MOST);
    ((!digits.is_empty()).then_some(count), rest)
}

/// What these keys are, after that search for a character.
pub(super) fn parse(keys: &str, find: Option<CharSearch>) -> Parsed<Step> {
    let (n, rest) = count(keys);
    let n = n.unwrap_or(1);
    let mut chars = rest.chars();
    let Some(key) = chars.next() else { return Parsed::More };
    if let Some(step) = single(key, n) {
        return Parsed::Whole(step);
    }
    match key {
        'd' | 'c' | 'y' => operator(key, n, chars.as_str(), find),
        'r' => chars.next().map_or(Parsed::More, |with| Parsed::Whole(Step::Replace(n, with))),
        _ => movement(rest, n, find).map(Step::Move),
    }
}

/// The commands of one key.
fn single(key: char, n: RepeatCount) -> Option<Step> {
    Some(match key {
        'i' => Step::Insert(None),
        'a' => Step::Insert(Some(Movement::ForwardChar(1))),
        'I' => Step::Insert(Some(Movement::BeginningOfLine)),
        'A' => Step::Insert(Some(Movement::EndOfLine)),
        'x' => Step::Kill(Movement::ForwardChar(n)),
        'X' => Step::Kill(Movement::BackwardChar(n)),
        'D' => Step::Kill(Movement::EndOfLine),
        'C' => Step::Change(Movement::EndOfLine),
        's' => Step::Change(Movement::ForwardChar(n)),
        'S' => Step::Change(Movement::WholeLine),
        'Y' => Step::Yank(Movement::WholeLine),
        'p' => Step::Put { count: n, after: true },
        'P' => Step::Put { count: n, after: false },
        'u' => Step::Undo(n),
        '.' => Step::Again,
        'k' | '-' => Step::Ask(Asked::Older),
        'j' | '+' => Step::Ask(Asked::Newer),
        '/' | '?' => Step::Ask(Asked::Search),
        'v' => Step::Ask(Asked::Editor),
        _ => return None,
    })
}

/// `d`, `c` or `y` with what it works on.
fn operator(key: char, n: RepeatCount, rest: &str, find: Option<CharSearch>) -> Parsed<Step> {
    let step = |movement| match key {
        'd' => Step::Kill(movement),
        'c' => Step::Change(movement),
        _ => Step::Yank(movement),
    };
    let (more, on) = count(rest);
    let n = n.saturating_mul(more.unwrap_or(1)).min(MOST);
    match on.chars().next() {
        None => Parsed::More,
        Some(twice) if twice == key => Parsed::Whole(step(Movement::WholeLine)),
        Some(_) => movement(on, n, find).map(|movement| step(ranged(movement, key == 'c'))),
    }
}

/// A movement as the end of a range: with the character it comes to, where vi takes that in. `cw` is `ce`.
fn ranged(movement: Movement, change: bool) -> Movement {
    match movement {
        Movement::ForwardWord(n, At::BeforeEnd, word) => Movement::ForwardWord(n, At::AfterEnd, word),
        Movement::ForwardWord(n, At::Start, word) if change => Movement::ForwardWord(n, At::AfterEnd, word),
        other => other,
    }
}

fn movement(keys: &str, n: RepeatCount, find: Option<CharSearch>) -> Parsed<Movement> {
    let mut chars = keys.chars();
    let Some(key) = chars.next() else { return Parsed::More };
    Parsed::Whole(match key {
        'h' => Movement::BackwardChar(n),
        'l' | ' ' => Movement::ForwardChar(n),
        'w' => Movement::ForwardWord(n, At::Start, Word::Vi),
        'W' => Movement::ForwardWord(n, At::Start, Word::Big),
        'e' => Movement::ForwardWord(n, At::BeforeEnd, Word::Vi),
        'E' => Movement::ForwardWord(n, At::BeforeEnd, Word::Big),
        'b' => Movement::BackwardWord(n, Word::Vi),
        'B' => Movement::BackwardWord(n, Word::Big),
        '0' => Movement::BeginningOfLine,
        '^' => Movement::ViFirstPrint,
        '$' => Movement::EndOfLine,
        'f' | 'F' | 't' | 'T' => {
            let Some(wanted) = chars.next() else { return Parsed::More };
            Movement::ViCharSearch(
                n,
                match key {
                    'f' => CharSearch::Forward(wanted),
                    't' => CharSearch::ForwardBefore(wanted),
                    'F' => CharSearch::Backward(wanted),
                    _ => CharSearch::BackwardAfter(wanted),
                },
            )
        }
        ';' | ',' => match find {
            Some(find) => Movement::ViCharSearch(n, if key == ';' { find } else { opposite(find) }),
            None => return Parsed::Nothing,
        },
        _ => return Parsed::Nothing,
    })
}

fn opposite(find: CharSearch) -> CharSearch {
    match find {
        CharSearch::Forward(c) => CharSearch::Backward(c),
        CharSearch::ForwardBefore(c) => CharSearch::BackwardAfter(c),
        CharSearch::Backward(c) => CharSearch::Forward(c),
        CharSearch::BackwardAfter(c) => CharSearch::ForwardBefore(c),
    }
}
