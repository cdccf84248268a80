//! A command line as it may be shown: without what looks like a password.
//!
//! Any program may take one in any way, so a word is masked when there is reason to think that it is one. A word masked
//! for nothing is a small loss.

/// What stands for a password.
const MASK: &str = "***";

/// The longest command line that is passed on, in bytes.
const LONGEST: usize = 512;

/// What a name has in it that is of something secret.
const SECRET: [&str; 12] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "auth",
    "apikey",
    "api-key",
    "api_key",
    "credential",
    "private",
    "signature",
    "accesskey",
];

/// The words of a command line, as `/proc/PID/cmdline` has them, between blanks. Quotes and blanks within a word part it
/// too: a shell's script is a command line of its own.
pub(super) fn masked(cmdline: &[u8]) -> String {
    let text = String::from_utf8_lossy(cmdline);
    let mut shown = String::new();
    let mut state = State::default();
    for word in text.split([' ', '\t', '\n', '\r', '\0']).filter(|word| !word.is_empty()) {
        if shown.len() > LONGEST {
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        state.push(word, &mut shown);
    }
    let end = (0..=LONGEST.min(shown.len())).rev().find(|at| shown.is_char_boundary(*at));
    shown.truncate(end.unwrap_or(0));
    shown
}

/// What the words before one mean for it.
#[derive(Default)]
struct State {
    /// The next word is what an option takes.
    next: bool,
    /// Every word from here on.
    all: bool,
    /// A secret in quotes is not at its end.
    quote: Option<char>,
    /// ACL SETUSER: its rules begin with a sign.
    rules: bool,
}

impl State {
    fn push(&mut self, word: &str, shown: &mut String) {
        if let Some(quote) = self.quote {
            // Inside of a quoted secret, blanks and all.
            if word.contains(quote) {
                self.quote = None;
            }
            return shown.push_str(MASK);
        }
        let bare = word.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | '(' | '{' | ',' | ';' | '$'));
        let hidden =
            std::mem::take(&mut self.next) || self.all || (self.rules && bare.starts_with(['>', '<', '#']));
        self.expect(bare);
        if hidden {
            self.open(word);
            return shown.push_str(MASK);
        }
        match secret_within(word) {
            Some((from, to)) => {
                self.open(&word[from..]);
                shown.push_str(&word[..from]);
                shown.push_str(MASK);
                shown.push_str(&word[to..]);
            }
            None => shown.push_str(word),
        }
    }

    /// Takes in what a word says of those after it. A masked word does too: an option that takes nothing may have hidden
    /// one that takes a password.
    fn expect(&mut self, bare: &str) {
        let lower = bare.to_lowercase();
        let name = lower.trim_start_matches('-');
        match name {
            // AUTH as a command or an option of HELLO and MIGRATE has the password last, and a name before it perhaps.
            "auth" | "auth2" if !lower.starts_with('-') => self.all = true,
            "setuser" => self.rules = true,
            // redis-cli's and others' `-a PASSWORD`.
            "a" if lower == "-a" => self.next = true,
            "p" if bare == "-p" => {}
            _ if name.contains("://") || name.contains('/') => {}
            // `--password`, `requirepass`, `"password":` — whose value is in the next word.
            _ => self.next = is_secret_name(name.trim_end_matches(['=', ':', '"', '\''])),
        }
    }

    /// A secret that begins with a quote goes on to the next one.
    fn open(&mut self, secret: &str) {
        let Some(quote) = secret.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return };
        if secret.matches(quote).count() == 1 {
            self.quote = Some(quote);
        }
    }
}

fn is_secret_name(name: &str) -> bool {
    SECRET.iter().any(|part| name.contains(part)) && !name.contains('=')
}

/// Where within a word a secret is: after `name=` or `name:`, or in a URL.
fn secret_within(word: &str) -> Option<(usize, usize)> {
    let assigned = word.match_indices(['=', ':']).find_map(|(at, _)| {
        let before = &word[..at];
        let start = before.rfind(['&', ';', '?', ',', '=', '{', '(', '/']).map_or(0, |at| at + 1);
        let is_url = word[at..].starts_with("://");
        (!is_url && at + 1 < word.len() && is_secret_name(&before[start..].to_lowercase())).then_some(at + 1)
    });
    if let Some(from) = assigned {
        return Some((from, word.len()));
    }
    let from = word.find("://")? + 3;
    let at = from + word[from..].rfind('@')?;
    // A name alone may be the password: redis-cli takes it for one.
    let from = word[from..at].find(':').map_or(from, |colon| from + colon + 1);
    (from < at).then_some((from, at))
}
