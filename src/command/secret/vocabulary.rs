//! The words that come before a password, and what is near enough to one of them.

/// Settings that are passwords, or the names that go with them.
const SETTINGS: [&str; 13] = [
    "REQUIREPASS",
    "MASTERAUTH",
    "MASTERUSER",
    "PRIMARYAUTH",
    "PRIMARYUSER",
    "TLS-KEY-FILE-PASS",
    "TLS-CLIENT-KEY-FILE-PASS",
    "SENTINEL-PASS",
    "SENTINEL-USER",
    "AUTH-PASS",
    "AUTH-USER",
    "PASSWORD",
    "REDISCLI_AUTH",
];

/// Fragments that make a word the name of a secret, whatever else is in it.
const FRAGMENTS: [&str; 7] =
    ["AUTH", "PASS", "REDISCLI", "MASTERUSER", "PRIMARYUSER", "SECRET", "CREDENTIAL"];

/// The word with at most so many slips of the finger in it: a letter too many, too few, another, or two swapped.
pub(super) fn near(word: &str, name: &str, slips: usize) -> bool {
    // Longer words cannot be near, and measuring them would cost their length.
    let lengths = name.len().saturating_sub(slips)..=name.len() + 4 * slips;
    lengths.contains(&word.len()) && strsim::osa_distance(word, name) <= slips
}

/// `AUTH`, or `AUTH2` as MIGRATE has it, with a slip.
pub(super) fn is_auth(word: &str) -> bool {
    near(word, "AUTH", 1)
}

/// A password glued to AUTH, even where that has a slip in it: `AUTHhunter2`.
pub(super) fn is_glued_auth(word: &str) -> bool {
    if let Some(rest) = word.strip_prefix("AUTH") {
        return !rest.is_empty();
    }
    let ends = word.char_indices().map(|(at, _)| at).skip(3).take(3);
    !is_auth(word) && ends.into_iter().any(|end| is_auth(&word[..end]))
}

/// What other servers and people say for AUTH.
pub(super) fn is_login(word: &str) -> bool {
    matches!(word, "PW" | "PWD") || near(word, "LOGIN", 1) || near(word, "LOGON", 1)
}

/// Exactly the name of a secret setting.
pub(super) fn is_setting(word: &str) -> bool {
    SETTINGS.contains(&word)
}

/// Something that names a secret: a setting, one with slips, or whatever speaks of passwords.
pub(super) fn names_secret(word: &str) -> bool {
    FRAGMENTS.iter().any(|fragment| word.contains(fragment))
        || SETTINGS.iter().any(|name| near(word, name, 2))
}

/// A setting with its value glued to it: `requirepasshunter2`.
pub(super) fn is_glued_setting(word: &str) -> bool {
    !is_setting(word) && SETTINGS.iter().any(|name| word.starts_with(name))
}

/// A setting's name that a blank has parted by mistake: `require pass`; or `AU TH`.
pub(super) fn is_parted(first: &str, second: &str) -> bool {
    joined(first, second)
        .is_some_and(|word| word == "AUTH" || SETTINGS.iter().any(|name| near(&word, name, 1)))
}

/// `AUTH` that a blank has parted, even in place of a letter.
pub(super) fn is_parted_auth(first: &str, second: &str) -> bool {
    joined(first, second).is_some_and(|word| is_auth(&word) && !is_glued_auth(&word))
}

/// The same with a password glued to it.
pub(super) fn is_parted_glued_auth(first: &str, second: &str) -> bool {
    first.len() < 4
        && joined(first, second.get(..4).unwrap_or(second)).is_some_and(|word| is_glued_auth(&word))
}

fn joined(first: &str, second: &str) -> Option<String> {
    // The longest name there is, and then some.
    (first.len() + second.len() < 32).then(|| format!("{first}{second}"))
}

/// The name of a secret stands across the blank, with more on either side: `REDISCLI_A UTH=x`.
pub(super) fn is_parted_within(first: &str, second: &str) -> bool {
    FRAGMENTS.iter().any(|fragment| {
        (1..fragment.len())
            .any(|cut| first.ends_with(&fragment[..cut]) && second.starts_with(&fragment[cut..]))
    })
}
