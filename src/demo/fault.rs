//! The errors a command answers with, in Redis's own words.

use std::borrow::Cow;

/// An error reply without its `-` and line end. Bytes, since some quote what the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Cow<'static, [u8]>);

impl Fault {
    /// An error that needs no more than its words.
    pub(crate) const fn of(text: &'static str) -> Self {
        Self(Cow::Borrowed(text.as_bytes()))
    }

    /// An error that quotes something.
    pub(crate) fn say(text: impl Into<Vec<u8>>) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// `wrong number of arguments`, for the command or subcommand `name`.
    pub(crate) fn arity(name: &str) -> Self {
        Self::say(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// A subcommand that `command` does not have.
    pub(crate) fn subcommand(command: &str, given: &[u8]) -> Self {
        let mut text = b"ERR unknown subcommand '".to_vec();
        let given = c_string(given);
        text.extend_from_slice(&given[..given.len().min(128)]);
        text.extend_from_slice(format!("'. Try {} HELP.", command.to_uppercase()).as_bytes());
        Self(Cow::Owned(text))
    }

    /// A subcommand that `command` does not have, or not with so many arguments.
    pub(crate) fn subcommand_or_arity(command: &str, given: &[u8]) -> Self {
        let mut text = b"ERR unknown subcommand or wrong number of arguments for '".to_vec();
        let given = c_string(given);
        text.extend_from_slice(&given[..given.len().min(128)]);
        text.extend_from_slice(format!("'. Try {} HELP.", command.to_uppercase()).as_bytes());
        Self(Cow::Owned(text))
    }
}

/// Up to the first NUL: so Redis quotes what it was sent.
pub(crate) fn c_string(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// What a handler gives back: its reply is written, or this error is.
pub(crate) type Done = Result<(), Fault>;

pub(crate) const WRONG_TYPE: Fault =
    Fault::of("WRONGTYPE Operation against a key holding the wrong kind of value");
pub(crate) const SYNTAX: Fault = Fault::of("ERR syntax error");
pub(crate) const NOT_INTEGER: Fault = Fault::of("ERR value is not an integer or out of range");
pub(crate) const NOT_FLOAT: Fault = Fault::of("ERR value is not a valid float");
pub(crate) const OUT_OF_RANGE: Fault = Fault::of("ERR value is out of range");
pub(crate) const NOT_LEAST: Fault =
    Fault::of("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
pub(crate) const NOT_POSITIVE: Fault = Fault::of("ERR value is out of range, must be positive");
pub(crate) const NO_SUCH_KEY: Fault = Fault::of("ERR no such key");
pub(crate) const INDEX_RANGE: Fault = Fault::of("ERR index out of range");
pub(crate) const OVERFLOW: Fault = Fault::of("ERR increment or decrement would overflow");
pub(crate) const TOO_LONG: Fault = Fault::of("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
