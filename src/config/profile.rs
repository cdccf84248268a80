//! `[profile.NAME]`: a set of settings under a name, and how careful to be with it.

use super::usage;
use crate::error::Error;
use crate::nearest::nearest;

/// The profile that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, safe to show.
    pub name: String,
    /// `confirm = "typed"`: what is dangerous runs when its name was typed.
    pub typed: bool,
    /// `prompt = "red"`
    pub red: bool,
    /// It says where the server is.
    pub(super) has_url: bool,
}

/// What a profile says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Care {
    pub(super) typed: Option<bool>,
    pub(super) red: Option<bool>,
}

impl Profile {
    pub(super) fn new(name: &str, care: Care, has_url: bool) -> Self {
        let Care { typed, red } = care;
        Self { name: name.to_owned(), typed: typed.unwrap_or(false), red: red.unwrap_or(false), has_url }
    }
}

/// Whether a name can be typed to confirm something, and stand in a prompt.
pub(super) fn is_name(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=32).contains(&text.len()) && text.chars().all(sign)
}

/// What is said of a profile that is not there. `file` is the file's name, where there is one.
pub(super) fn unknown(wanted: &str, known: &[&str], file: Option<&str>) -> Error {
    let shown = wanted.escape_debug();
    let Some(file) = file else {
        return usage(format!(
            "--profile {shown}: there is no configuration file to have it; `redis-pooltop gen-config` prints an example"
        ));
    };
    usage(match nearest(wanted, known.iter().copied()) {
        Some(near) => format!("{file}: unknown profile \"{shown}\"; did you mean \"{near}\"?"),
        None if known.is_empty() => {
            format!("{file}: unknown profile \"{shown}\": the file has none, such as [profile.{EXAMPLE}]")
        }
        None => format!("{file}: unknown profile \"{shown}\": there is {}", known.join(", ")),
    })
}

const EXAMPLE: &str = "production";
