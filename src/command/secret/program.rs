//! A program's command line that was pasted where a command belongs: `redis-cli -a password`.

use super::rules;
use super::vocabulary::near;

/// Programs that take a password as an argument.
const PROGRAMS: [&str; 5] = ["REDIS-CLI", "VALKEY-CLI", "KEYDB-CLI", "REDIS-BENCHMARK", "REDIS-POOLTOP"];

/// Options with nothing behind them, and with a number.
const FLAGS: [&str; 15] = [
    "-2",
    "-3",
    "-C",
    "-E",
    "-V",
    "-X",
    "--TLS",
    "--INSECURE",
    "--RAW",
    "--NO-RAW",
    "--CSV",
    "--JSON",
    "--STAT",
    "--BIGKEYS",
    "--ASKPASS",
];
const NUMBERED: [&str; 5] = ["-P", "-N", "-R", "-I", "-T"];

/// The word is one of the programs, wherever it is installed.
pub(super) fn is_program(word: &str) -> bool {
    PROGRAMS.contains(&file_name(word))
}

/// A slip away from a program's name.
pub(super) fn is_nearly_program(word: &str) -> bool {
    PROGRAMS.iter().any(|program| near(file_name(word), program, 1))
}

/// A program's name with something glued to it.
pub(super) fn is_glued(word: &str) -> bool {
    !is_program(word) && PROGRAMS.iter().any(|program| word.contains(program))
}

fn file_name(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or(word)
}

/// Where the secret begins in the words after a program's name. Only options that are known to be harmless are, with
/// values that look as theirs do: `-h` is one slip away from `-a`.
pub(super) fn hidden_from(words: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        let value = words.get(at + 1).map_or("", String::as_str);
        let is_fine = match word.as_str() {
            flag if FLAGS.contains(&flag) => {
                at += 1;
                continue;
            }
            "-A" | "--PASS" => return Some(at + 1),
            "-H" => value.contains(['.', ':']) || value == "LOCALHOST",
            "-U" => value.contains("://"),
            "--USER" => true,
            option if NUMBERED.contains(&option) => {
                value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            }
            _ => return Some(at),
        };
        if !is_fine {
            return Some(at + 1);
        }
        at += 2;
    }
    // What is no command may be the password of an option whose dash got lost.
    let command = words.get(at..).filter(|words| !words.is_empty())?;
    let found = if rules::is_known(command) { rules::in_command(command)? } else { 0 };
    Some(at + found)
}
