//! Lines that must never be written down: those with a password in them.
//!
//! A line that is kept out of the history for nothing is a small loss, a password in a file is not; so a line is judged
//! as the tokenizer reads it and, once more, with all quotes taken away, finished or not, understood or not.

use super::token::{Ending, scan};

/// A password may be in the line: AUTH, HELLO … AUTH, CONFIG SET requirepass, ACL SETUSER … >password, MIGRATE … AUTH,
/// and what is much like them, with whatever stands before; also a URL with a password, and a pasted `redis-cli -a`.
pub fn is_secret(line: &str) -> bool {
    // A line break that is in no quotes parts words as a blank does, but somebody may have pasted two commands.
    line.split('\n').chain([line]).any(|line| readings(line).iter().any(|words| holds_secret(words)))
}

/// The words of a line in upper case, in two readings: as they would be sent, and with no regard to quotes.
fn readings(line: &str) -> [Vec<String>; 2] {
    let scan = scan(line.as_bytes());
    let mut sent: Vec<String> =
        scan.tokens.iter().map(|token| String::from_utf8_lossy(&token.bytes).to_uppercase()).collect();
    if let Ending::Glued { at } = scan.ending {
        sent.extend(line.get(at..).unwrap_or(line).split_whitespace().map(str::to_uppercase));
    }
    let bare = line.replace(['"', '\'', '\\'], "").to_uppercase();
    [sent, bare.split_whitespace().map(str::to_owned).collect()]
}

fn holds_secret(words: &[String]) -> bool {
    if words.iter().any(|word| has_password_url(word)) {
        return true;
    }
    let words = &words[words.iter().position(|word| !stands_before(word)).unwrap_or(words.len())..];
    let Some((name, rest)) = words.split_first() else { return false };
    let has = |test: fn(&str) -> bool| rest.iter().any(|word| test(word));
    match name.as_str() {
        "HELLO" | "MIGRATE" => has(|word| word.starts_with("AUTH") || nearly(word, "AUTH")),
        "CONFIG" | "SENTINEL" | "POOL" if has(names_password) => true,
        "POOL" => inner_command(rest).is_some_and(holds_secret),
        // Rules on passwords begin with one of these; nothing else that ACL takes has them.
        "ACL" => has(|word| word.contains(['>', '<', '#', '!'])),
        "REDIS-CLI" | "VALKEY-CLI" | "REDIS-POOLTOP" => {
            has(|word| word.starts_with("-A") || word.contains("--PASS"))
        }
        // `AUHT hunter2` is an error for the server and a password all the same.
        name => !rest.is_empty() && nearly(name, "AUTH"),
    }
}

/// The word, or the word with a slip of the finger in it.
fn nearly(word: &str, name: &str) -> bool {
    // Longer words cannot be near, and measuring them would cost their length.
    word.len() <= name.len() + 1 && strsim::osa_distance(word, name) <= 1
}

/// The name of a setting that is a password: `requirepass`, `masterauth`, `tls-key-file-pass`.
fn names_password(word: &str) -> bool {
    word.contains("PASS")
        || word.contains("AUTH")
        || nearly(word, "REQUIREPASS")
        || nearly(word, "MASTERAUTH")
}

/// A repeat count, `#id`, or a prompt that was pasted along: what the command can come after.
fn stands_before(word: &str) -> bool {
    let digits = word.trim_start_matches(['#', '+', '-']);
    word.ends_with(['>', '#', '$', '%']) || (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The command of `POOL BURST n command`.
fn inner_command(rest: &[String]) -> Option<&[String]> {
    let at = rest.iter().position(|word| word == "BURST")?;
    rest.get(at + 1..)
}

/// `redis://user:password@host`
fn has_password_url(word: &str) -> bool {
    let Some((_, after)) = word.split_once("://") else { return false };
    // A password may hold any character, a slash among them, when nobody encoded it.
    after.rsplit_once('@').is_some_and(|(user_info, _)| user_info.contains(':'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_are_known_in_every_command_that_takes_one() {
        for line in [
            "auth x",
            "AUTH user x",
            "hello 3 auth user x",
            "HELLO 3 SETNAME a AUTH u x",
            "config set requirepass x",
            "CONFIG SET masterauth x",
            "config set maxclients 5 tls-key-file-pass x",
            "ACL SETUSER bob on >x",
            "acl setuser bob \"<x\"",
            "acl setuser bob #0123",
            "MIGRATE h 1 k 0 5 AUTH x",
            "migrate h 1 k 0 5 auth2 u x",
            "sentinel set m auth-pass x",
            "POOL BURST 5 AUTH x",
            "POOL CONFIG SET password x",
            "#3 auth x",
            "5 auth x",
            "5 #3 AUTH x",
            "#3 5 AUTH x",
            "127.0.0.1:6379> AUTH x",
            "\"auth\" x",
            "'AU'TH x",
            "\"\\x41UTH\" x",
            "auth \"x",
            "\"auth\"y x",
            "auht x",
            "AUT x",
            "get a\nauth x",
            "redis-cli -a x get a",
            "hello 3 atuh user x",
            "config set requirepas x",
            "acl setusr bob >x",
            "redis://:x@h",
            "redis-cli -u redis://u:x@h",
        ] {
            assert!(is_secret(line), "{line}");
        }
    }

    #[test]
    fn ordinary_lines_are_kept() {
        for line in [
            "",
            "get auth",
            "set auth token",
            "help auth",
            "config get requirepass x",
            "config set maxclients 5",
            "acl setuser bob on +@all",
            "acl whoami",
            "hello 3",
            "migrate h 1 k 0 5",
            "POOL STATS",
            "POOL BURST 5 GET a",
            "ping",
            "5 ping",
            "redis://host:6379",
            "set url redis://host/0",
            "redis-cli get a",
            "auth",
        ] {
            let expected = line.starts_with("config get");
            assert_eq!(is_secret(line), expected, "{line}");
        }
    }

    fn styled(word: String) -> impl Strategy<Value = String> {
        (0..5u8, any::<bool>()).prop_map(move |(style, lower)| {
            let word = if lower { word.to_lowercase() } else { word.clone() };
            match style {
                0 => format!("\"{word}\""),
                1 => format!("'{word}'"),
                2 => word.bytes().fold(String::from("\""), |s, b| format!("{s}\\x{b:02x}")) + "\"",
                _ => word,
            }
        })
    }

    fn secret_line() -> impl Strategy<Value = (String, usize)> {
        let commands = prop::sample::select(vec![
            "AUTH",
            "AUTH USER",
            "HELLO 3 AUTH USER",
            "CONFIG SET REQUIREPASS",
            "CONFIG SET MASTERAUTH",
            "MIGRATE H 1 K 0 5 AUTH",
            "MIGRATE H 1 K 0 5 AUTH2 U",
            "SENTINEL SET M AUTH-PASS",
        ]);
        let before = prop::sample::select(vec!["", "5 ", "#3 ", "2 #31 ", "  ", "POOL BURST 9 ", "h:1> "]);
        let words = commands
            .prop_flat_map(|command| command.split(' ').map(|w| styled(w.to_owned())).collect::<Vec<_>>());
        (before, words, "[ \t]{1,3}", "[\"']?[a-zA-Z0-9][a-zA-Z0-9\"' é]{1,11}").prop_map(
            |(before, words, blank, password)| {
                let start = format!("{before}{}{blank}", words.join(&blank));
                let secret_from = start.len();
                (start + &password, secret_from)
            },
        )
    }

    proptest! {
        #[test]
        fn no_part_of_a_password_gets_through(line in secret_line(), cut in 0usize..12) {
            let (line, secret_from) = line;
            let least = (secret_from + 2 + cut).min(line.len());
            let end = (least..=line.len()).find(|end| line.is_char_boundary(*end)).unwrap_or(least);
            prop_assert!(is_secret(&line[..end]), "{}", &line[..end]);
        }
    }
}
