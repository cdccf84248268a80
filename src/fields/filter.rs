//! What a filter line means: `leak`, `state:use`, `held>5s`, `!holder:"POOL HOLD"`.
//!
//! Terms are divided by blanks and all must hold. A term is a word that any field may match, a field and a regular
//! expression, or a field compared with a number; `!` before it turns it round. Case counts only where the expression has
//! an upper-case letter.

use std::fmt::Write;

use regex::{Regex, RegexBuilder};

use super::{Around, Field, Value, place};
use crate::nearest::nearest;

/// The longest filter line, in bytes.
pub const LONGEST: usize = 256;

/// The most memory one compiled expression may take: a typed pattern is small, `(a{1000}){1000}` is not.
const COMPILED: usize = 1 << 18;

/// A filter that holds or does not for each row.
#[derive(Clone, Debug)]
pub struct Filter {
    terms: Vec<Term>,
}

#[derive(Clone, Debug)]
struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    Any(Wanted),
    Matches(usize, Wanted),
    Compares(usize, Op, f64),
}

/// An expression; one that is but a word is looked for as such, in a tenth of the time: nearly all that are typed are, and
/// each letter asks thousands of rows for each of their fields.
#[derive(Clone, Debug)]
struct Wanted {
    regex: Regex,
    word: Option<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    letters: Vec<u8>,
    any_case: bool,
    /// A number may have it in it.
    digits: bool,
    /// So may a rate, or a number below 0.
    signed: bool,
}

impl Wanted {
    fn is_in(&self, value: &Value<'_>) -> bool {
        match (&self.word, value) {
            // Beyond ASCII case is the expression's to judge.
            (Some(word), Value::Text(text)) if text.is_ascii() => word.is_in(text.as_bytes()),
            // A word without a blank is in one part or in none.
            (Some(word), Value::Joined(joined))
                if !word.letters.contains(&b' ') && joined.texts.iter().all(|text| text.is_ascii()) =>
            {
                joined.texts.iter().any(|text| word.is_in(text.as_bytes()))
                    || joined.number.is_some_and(|number| word.is_in_number(number))
            }
            (Some(word), Value::Number(number)) => word.is_in_number(*number),
            (Some(word), Value::Real(number)) if number.is_finite() && !word.signed => false,
            _ => self.regex.is_match(&value.text()),
        }
    }
}

impl Word {
    /// The expression as a word, where nothing in it means anything else.
    fn of(pattern: &str, any_case: bool) -> Option<Self> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !b"\\.+*?()|[]{}^$".contains(&byte);
        let letters = pattern.as_bytes().to_vec();
        let digits = letters.iter().all(u8::is_ascii_digit);
        let signed = letters.iter().all(|byte| *byte == b'-' || byte.is_ascii_digit());
        (!letters.is_empty() && letters.iter().copied().all(plain)).then_some(Self {
            letters,
            any_case,
            digits,
            signed,
        })
    }

    fn is_in_number(&self, number: u64) -> bool {
        self.digits && self.is_in(decimal(number, &mut [0; 20]))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        // The first letter alone tells nearly everywhere that the word is not there.
        let first = self.letters[0];
        let other = match first {
            b'a'..=b'z' if self.any_case => first.to_ascii_uppercase(),
            b'A'..=b'Z' if self.any_case => first.to_ascii_lowercase(),
            _ => first,
        };
        let same = |part: &[u8]| {
            if self.any_case { part.eq_ignore_ascii_case(&self.letters) } else { part == self.letters }
        };
        text.windows(self.letters.len()).any(|part| (part[0] == first || part[0] == other) && same(part))
    }
}

/// A number in decimal, written where it is asked for thousands of times.
fn decimal(number: u64, into: &mut [u8; 20]) -> &[u8] {
    let (mut rest, mut at) = (number, into.len());
    loop {
        at -= 1;
        into[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return &into[at..];
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// Longer spellings first: `>=` begins with `>`.
const OPS: [(&str, Op); 5] = [
    (">=", Op::GreaterOrEqual),
    ("<=", Op::LessOrEqual),
    (">", Op::Greater),
    ("<", Op::Less),
    ("=", Op::Equal),
];

impl Filter {
    /// Understands a line for rows with these fields; nothing when there is nothing in it.
    ///
    /// # Errors
    /// One sentence on the first term that makes no sense.
    pub fn parse(line: &str, fields: &[&'static str]) -> Result<Option<Filter>, String> {
        if line.len() > LONGEST {
            return Err(format!("a filter is of {LONGEST} bytes at most"));
        }
        let terms = split(line)?;
        let terms = terms.iter().map(|term| parse_term(term, fields)).collect::<Result<Vec<_>, _>>()?;
        Ok((!terms.is_empty()).then_some(Filter { terms }))
    }

    /// Whether a row is wanted.
    pub fn holds<R>(&self, fields: &[Field<R>], row: &R, around: &Around<'_>) -> bool {
        self.holds_of(fields.len(), |at| (fields[at].value)(row, around))
    }

    /// The same of something that is no row: a word is looked for in its first so many fields.
    pub fn holds_of<'v>(&self, any: usize, value: impl Fn(usize) -> Value<'v>) -> bool {
        self.terms.iter().all(|term| {
            let holds = match &term.test {
                // An age is another one at every look: nobody finds a row by it but with a number.
                Test::Any(wanted) => (0..any)
                    .map(&value)
                    .any(|value| !matches!(value, Value::None | Value::Time(_)) && wanted.is_in(&value)),
                Test::Matches(at, wanted) => wanted.is_in(&value(*at)),
                Test::Compares(at, op, number) => {
                    value(*at).number().is_some_and(|value| compare(value, *op, *number))
                }
            };
            holds != term.negated
        })
    }
}

fn compare(value: f64, op: Op, number: f64) -> bool {
    match op {
        Op::Less => value < number,
        Op::LessOrEqual => value <= number,
        Op::Equal => (value - number).abs() < f64::EPSILON,
        Op::GreaterOrEqual => value >= number,
        Op::Greater => value > number,
    }
}

/// One term as typed: what stood in quotes is never a field or an operator.
#[derive(Debug, Default, PartialEq)]
struct Typed {
    negated: bool,
    /// The part before any quote.
    bare: String,
    /// The rest, its quotes gone.
    quoted: Option<String>,
}

/// Divides a line at its blanks, but for those in double quotes.
fn split(line: &str) -> Result<Vec<Typed>, String> {
    let mut terms = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let mut term = Typed::default();
        if let Some(after) = rest.strip_prefix('!') {
            term.negated = true;
            rest = after;
        }
        let end = rest.find([' ', '"']).unwrap_or(rest.len());
        rest[..end].clone_into(&mut term.bare);
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix('"') {
            let Some((quoted, after)) = after.split_once('"') else {
                return Err("a quote is open".to_owned());
            };
            term.quoted = Some(quoted.to_owned());
            rest = after;
        }
        if term.bare.is_empty() && term.quoted.is_none() {
            return Err("! needs a term after it".to_owned());
        }
        terms.push(term);
        rest = rest.trim_start();
    }
    Ok(terms)
}

fn parse_term(term: &Typed, fields: &[&'static str]) -> Result<Term, String> {
    let quoted = term.quoted.as_deref().unwrap_or_default();
    let end = term.bare.find([':', '<', '>', '=']).unwrap_or(term.bare.len());
    let (name, rest) = term.bare.split_at(end);
    // `jobs.rs:88` and `a=b` are words: no field is spelt so.
    let known = place(name, fields);
    let is_name = known.is_some() || !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
    let test = if rest.is_empty() || !is_name {
        Test::Any(wanted(&format!("{}{quoted}", term.bare))?)
    } else {
        let at = known.ok_or_else(|| no_field(name, fields))?;
        if let Some(pattern) = rest.strip_prefix(':') {
            Test::Matches(at, wanted(&format!("{pattern}{quoted}"))?)
        } else {
            let op = OPS.iter().find_map(|(spelt, op)| Some((*op, rest.strip_prefix(spelt)?)));
            let (op, number) = op.unwrap_or((Op::Equal, rest));
            let kind = Kind::of(fields[at]);
            let number = parse_number(number, kind)
                .ok_or_else(|| format!("{name} is compared with a number: {name}>5{}", kind.example(name)))?;
            Test::Compares(at, op, number)
        }
    };
    Ok(Term { negated: term.negated, test })
}

fn no_field(name: &str, fields: &[&'static str]) -> String {
    match nearest(name, fields.iter().copied()) {
        Some(meant) => format!("no field {name}: did you mean {meant}?"),
        None => format!("no field {name}: there are {}", fields.join(" ")),
    }
}

fn wanted(pattern: &str) -> Result<Wanted, String> {
    // A pattern may name a class such as \S: only its own letters say whether case counts.
    let mut upper = false;
    let mut letters = pattern.chars();
    while let Some(c) = letters.next() {
        if c == '\\' {
            letters.next();
        }
        upper |= c.is_uppercase();
    }
    let word = Word::of(pattern, !upper);
    let regex = RegexBuilder::new(pattern)
        .case_insensitive(!upper)
        .size_limit(COMPILED)
        .dfa_size_limit(COMPILED)
        .nest_limit(32)
        .build()
        .map_err(|error| said(&error))?;
    Ok(Wanted { regex, word })
}

/// What is wrong with an expression, in one line: the last of what the parser says, after its drawing of the place.
fn said(error: &regex::Error) -> String {
    let mut said = String::new();
    if let regex::Error::CompiledTooBig(_) = error {
        said.push_str("that expression is too big");
    } else {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
        // Writing to a String has no way to fail.
        let _ = write!(said, "no such expression: {last}");
    }
    said
}

/// What a field's numbers are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Bytes,
    Count,
}

impl Kind {
    fn of(field: &str) -> Self {
        match field {
            "held" | "idle" | "age" | "create" | "oldest" => Self::Time,
            "memory" | "qbuf" | "omem" | "in" | "out" | "inrate" | "outrate" => Self::Bytes,
            _ => Self::Count,
        }
    }

    /// How one is written with a unit, after one without.
    fn example(self, name: &str) -> String {
        match self {
            Self::Time => format!(", {name}>=100ms"),
            Self::Bytes => format!(", {name}>=1MB"),
            Self::Count => String::new(),
        }
    }

    /// What a unit is worth: durations are in seconds without one, sizes in bytes, by thousands as they are shown.
    fn scale(self, unit: &str) -> Option<f64> {
        let unit = if self == Self::Bytes { unit.to_ascii_lowercase() } else { unit.to_owned() };
        Some(match (self, &*unit) {
            (_, "") | (Self::Time, "s") | (Self::Bytes, "b") => 1.0,
            (Self::Time, "us") => 1e-6,
            (Self::Time, "ms") => 1e-3,
            (Self::Time, "m") => 60.0,
            (Self::Time, "h") => 3_600.0,
            (Self::Time, "d") => 86_400.0,
            (Self::Bytes, "k" | "kb") => 1e3,
            (Self::Bytes, "m" | "mb") => 1e6,
            (Self::Bytes, "g" | "gb") => 1e9,
            _ => return None,
        })
    }
}

/// A number, with a unit where the field's numbers have one.
fn parse_number(typed: &str, kind: Kind) -> Option<f64> {
    let end = typed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(typed.len());
    let (number, unit) = typed.split_at(end);
    let scale = kind.scale(unit)?;
    let number: f64 = number.parse().ok()?;
    number.is_finite().then_some(number * scale)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::event::Stamp;
    use crate::fields::{self, Joined, Marks, up};

    struct Row {
        id: u64,
        held: Option<Duration>,
        holder: &'static str,
    }

    const FIELDS: &[Field<Row>] = &[
        up("id", |row, _| Value::Number(row.id)),
        up("held", |row, _| row.held.map_or(Value::None, Value::Time)),
        up("holder", |row, _| Value::Text(row.holder.into())),
    ];

    fn wanted(line: &str) -> Vec<u64> {
        let rows = [
            Row { id: 1, held: Some(Duration::from_millis(500)), holder: "worker-2  jobs.rs:88" },
            Row { id: 2, held: Some(Duration::from_secs(90)), holder: "POOL HOLD 3" },
            Row { id: 3, held: None, holder: "user:1" },
        ];
        let filter = Filter::parse(line, &fields::names(FIELDS)).expect(line);
        let marks = Marks::default();
        let around = Around { as_of: Stamp(0), marks: &marks };
        let holds = |row: &&Row| filter.as_ref().is_none_or(|filter| filter.holds(FIELDS, row, &around));
        rows.iter().filter(holds).map(|row| row.id).collect()
    }

    #[test]
    fn words_fields_numbers_and_their_opposites() {
        for (line, want) in [
            ("", &[1, 2, 3][..]),
            ("  ", &[1, 2, 3]),
            ("worker", &[1]),
            ("hold", &[2]),
            ("Hold", &[]),
            ("jobs.rs:88", &[1]),
            ("jobs\\.RS", &[]),
            ("\\Syes|\\Suser|user", &[3]),
            ("holder:^pool", &[2]),
            ("id:^1$", &[1]),
            ("held>1s", &[2]),
            ("held<1", &[1]),
            ("held>=500ms", &[1, 2]),
            ("held<=1.5m", &[1, 2]),
            ("held=90", &[2]),
            ("id>1 id<3", &[2]),
            ("!held>1s", &[1, 3]),
            ("!worker !pool", &[3]),
            ("\"HOLD 3\"", &[2]),
            ("!holder:\"POOL HOLD\"", &[1, 3]),
            ("\"user:1\"", &[3]),
            ("held:", &[1, 2, 3]),
        ] {
            assert_eq!(wanted(line), want, "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_in_one_line() {
        let names = fields::names(FIELDS);
        for (line, want) in [
            ("held>", "held is compared with a number"),
            ("held>soon", "held is compared with a number: held>5, held>=100ms"),
            ("id>1MB", "id is compared with a number: id>5"),
            ("holdr:x", "no field holdr: did you mean holder?"),
            ("user:1", "no field user: there are id held holder"),
            ("(", "no such expression: unclosed group"),
            ("(a{1000}){1000}", "too big"),
            ("\"abc", "a quote is open"),
            ("a !", "! needs a term"),
        ] {
            let error = Filter::parse(line, &names).expect_err(line);
            assert!(error.contains(want) && !error.contains('\n'), "{line}: {error}");
        }
        assert!(Filter::parse(&"a".repeat(LONGEST + 1), &names).is_err());
    }

    #[test]
    fn sizes_have_units_and_columns_go_by_their_titles_too() {
        let fields = ["memory", "count", "rate", "cmd"];
        let compares = |line: &str| {
            let filter = Filter::parse(line, &fields).expect(line).expect("a term");
            match filter.terms[0].test {
                Test::Compares(at, _, number) => (fields[at], number),
                _ => panic!("{line} compares nothing"),
            }
        };
        for (line, want) in [
            ("memory>1MB", ("memory", 1e6)),
            ("memory>=1.5kB", ("memory", 1_500.0)),
            ("memory<2g", ("memory", 2e9)),
            ("memory=512", ("memory", 512.0)),
            ("clients>50", ("count", 50.0)),
            ("opened/s>2", ("rate", 2.0)),
        ] {
            assert_eq!(compares(line), want, "{line}");
        }
        let error = Filter::parse("memory>1s", &fields).expect_err("no size");
        assert_eq!(error, "memory is compared with a number: memory>5, memory>=1MB");
        assert!(matches!(
            Filter::parse("last:blpop", &fields).expect("a line").expect("a term").terms[0].test,
            Test::Matches(3, _)
        ));
    }

    proptest! {
        #[test]
        fn a_word_is_found_where_its_expression_finds_it(
            word in "[a-cA-Ck0-2 -]{1,3}",
            text in prop_oneof!["[a-cA-Ck0-2 -]{0,8}", "[a-ckK\u{212a}ſé]{0,6}"],
            number in prop_oneof![0..300_u64, Just(u64::MAX)],
            real in prop_oneof![-300.0..300_f64, (-30..30_i32).prop_map(f64::from), Just(f64::NAN)],
        ) {
            let wanted = super::wanted(&word).expect("an expression");
            prop_assert!(wanted.word.is_some());
            let joined = |number, texts| Value::Joined(Joined { number, texts });
            for value in [
                Value::Text(text.as_str().into()),
                Value::Number(number),
                Value::Real(real),
                joined(Some(number), [&text, "b c"]),
                joined(None, ["1 a", &text]),
            ] {
                prop_assert_eq!(wanted.is_in(&value), wanted.regex.is_match(&value.text()), "{:?}", value);
            }
        }

        #[test]
        fn no_line_is_too_odd(line in "[a-z0-9 !:<>=\"(){}\\\\|.*+?\u{202e}漢-]{0,40}") {
            let _ = Filter::parse(&line, &fields::names(FIELDS));
        }
    }
}
