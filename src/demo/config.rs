//! Settings: the few that mean something here, by CONFIG's names.

use std::time::Duration;

use super::fault::Fault;
use super::number::parse_i64;
use crate::net::Secret;

/// What the server can be told, and what clients ask about.
pub(crate) struct Config {
    pub(crate) maxclients: u32,
    /// Seconds after which an idle connection is closed; 0 never.
    timeout: u32,
    requirepass: Option<Secret>,
    pub(crate) proto_max_bulk_len: usize,
    pub(crate) query_limit: usize,
}

/// Settings that are true of this server and cannot be changed.
const FIXED: &[(&str, &str)] = &[
    ("appendonly", "no"),
    ("bind", "127.0.0.1"),
    ("cluster-enabled", "no"),
    ("databases", "16"),
    ("enable-debug-command", "yes"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("notify-keyspace-events", ""),
    ("save", ""),
    ("tcp-keepalive", "300"),
];

/// `tcp-keepalive`: a client that has been silent for so many seconds is asked by the system whether it is there.
pub(crate) const KEEPALIVE: u32 = 300;

impl Config {
    pub(crate) fn new(password: Option<Secret>) -> Self {
        Self {
            maxclients: 10_000,
            timeout: 0,
            requirepass: password.filter(|password| !password.expose().is_empty()),
            proto_max_bulk_len: 512 * 1024 * 1024,
            query_limit: 1024 * 1024 * 1024,
        }
    }

    /// How long a connection may be idle.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        (self.timeout > 0).then(|| Duration::from_secs(u64::from(self.timeout)))
    }

    pub(crate) fn password(&self) -> Option<&[u8]> {
        self.requirepass.as_ref().map(Secret::expose)
    }

    /// Every setting with its value, for CONFIG GET.
    pub(crate) fn list(&self, port: u16) -> Vec<(&'static str, String)> {
        let mut all: Vec<(&str, String)> =
            FIXED.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.extend([
            ("maxclients", self.maxclients.to_string()),
            ("timeout", self.timeout.to_string()),
            // As Redis answers it: who asks has already given it.
            ("requirepass", String::from_utf8_lossy(self.password().unwrap_or_default()).into_owned()),
            ("proto-max-bulk-len", self.proto_max_bulk_len.to_string()),
            ("client-query-buffer-limit", self.query_limit.to_string()),
            ("port", port.to_string()),
        ]);
        all
    }

    /// Checks a pair for CONFIG SET without setting it, so that a call with several sets all or none.
    pub(crate) fn check(name: &str, value: &str) -> Result<(), Fault> {
        let (low, high) = match name {
            "maxclients" => (1, i64::from(u32::MAX)),
            "timeout" => (0, i64::from(i32::MAX)),
            "proto-max-bulk-len" | "client-query-buffer-limit" => (1024 * 1024, i64::MAX),
            "requirepass" => return Ok(()),
            _ if name == "port" || FIXED.iter().any(|(fixed, _)| *fixed == name) => {
                return Err(failed(name, "can't set immutable config"));
            }
            _ => {
                let text = format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
                return Err(Fault::say(text));
            }
        };
        let memory = matches!(name, "proto-max-bulk-len" | "client-query-buffer-limit");
        let number = if memory { bytes(value) } else { parse_i64(value.as_bytes()) };
        let Some(number) = number else {
            let what = if memory { "a memory value" } else { "an integer" };
            let what = if memory {
                "argument must be a memory value".to_owned()
            } else {
                format!("argument couldn't be parsed into {what}")
            };
            return Err(failed(name, &what));
        };
        if !(low..=high).contains(&number) {
            return Err(failed(name, &format!("argument must be between {low} and {high} inclusive")));
        }
        Ok(())
    }

    /// Sets what [`Config::check`] found good.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let number = parse_i64(value.as_bytes());
        let small = number.and_then(|number| u32::try_from(number).ok());
        let large = bytes(value).and_then(|number| usize::try_from(number).ok());
        match (name, small, large) {
            ("maxclients", Some(number), _) => self.maxclients = number,
            ("timeout", Some(number), _) => self.timeout = number,
            ("proto-max-bulk-len", _, Some(number)) => self.proto_max_bulk_len = number,
            ("client-query-buffer-limit", _, Some(number)) => self.query_limit = number,
            ("requirepass", ..) => {
                self.requirepass = (!value.is_empty()).then(|| Secret::new(value));
            }
            _ => {}
        }
    }
}

/// CONFIG SET's error for one of its arguments.
pub(crate) fn failed(name: &str, why: &str) -> Fault {
    Fault::say(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"))
}

/// A number of bytes, with `kb`, `mb` or `gb` after it or not.
fn bytes(text: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1024,
        "m" => 1_000_000,
        "mb" => 1024 * 1024,
        "g" => 1_000_000_000,
        "gb" => 1024 * 1024 * 1024,
        _ => return None,
    };
    parse_i64(digits.as_bytes())?.checked_mul(unit)
}
