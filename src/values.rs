//! Values of options: durations, percentages and counts, each with one sentence for what is wrong.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::nearest::nearest;
use crate::snapshot::GroupBy;

/// The longest duration an option takes: a year. More is a typing error, and sums of a few must not overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The largest pool: more sockets than any one machine opens.
const MOST_CONNECTIONS: u32 = 1_000_000;

/// The quickest screen: more is more than an eye can follow.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// The slowest: a screen that is older than this is no live one.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// A duration, or `none` for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    None,
    /// This long.
    After(Duration),
}

/// Whose keys edit the typed line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Editing {
    /// Emacs'.
    #[default]
    Emacs,
    /// Vi's.
    Vi,
}

impl Limit {
    /// The duration, where there is one.
    pub fn get(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::After(after) => Some(after),
        }
    }
}

/// Whether an argument begins with a scheme that names a server, known to this version or not.
pub fn looks_like_url(argument: &str) -> bool {
    const SCHEMES: [&str; 6] = ["redis", "rediss", "unix", "valkey", "valkeys", "redis+sentinel"];
    argument
        .split_once(':')
        .is_some_and(|(scheme, _)| SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

/// `5s`, `500ms`, `250us`, `2m`, `1h`, or plain seconds as redis-py takes them: `0.5`.
///
/// # Errors
/// One sentence, when it is none of these, negative, or longer than a year.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: write 5s, 500ms, 2m, 1h or plain seconds");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (number, unit) = text.split_at(digits);
    let scale = match unit.trim() {
        "" | "s" => 1.0,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong())? * scale;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if duration > LONGEST {
        return Err(format!("{text:?} is longer than a year"));
    }
    Ok(duration)
}

/// A duration, or `none` (redis-py's `None`); 0 is none too, as there.
pub fn limit(text: &str) -> Result<Limit, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Limit::None);
    }
    duration(text).map(|after| if after.is_zero() { Limit::None } else { Limit::After(after) })
}

/// A duration longer than 0.
pub fn positive(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|d| if d.is_zero() { Err("it must be longer than 0".to_owned()) } else { Ok(d) })
}

/// How often the screen takes a snapshot.
pub fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
        Ok(interval)
    } else {
        Err("it must be from 50ms to 1m".to_owned())
    }
}

/// What clients are grouped by, by its word.
pub fn group_by(text: &str) -> Result<GroupBy, String> {
    GroupBy::named(text).ok_or_else(|| unknown("key", text, &GroupBy::ALL.map(GroupBy::word)))
}

/// Where to listen: `127.0.0.1:9121`, `[::1]:9121`, `localhost:9121`, or a port alone, which is one of this machine only.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost").unwrap_or(text);
    let port = port.strip_prefix(':').unwrap_or(port);
    if let Ok(port) = port.parse::<u16>() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| "write an address and a port, as 127.0.0.1:9121".to_owned())
}

/// The names of the screen's themes; the first is what is used unless told.
pub const THEMES: [&str; 4] = ["default", "light", "high-contrast", "color-blind"];

/// The name of a theme, in either spelling of colour.
pub fn theme(name: &str) -> Result<String, String> {
    match name {
        "colour-blind" => Ok("color-blind".to_owned()),
        name if THEMES.contains(&name) => Ok(name.to_owned()),
        _ => Err(unknown("theme", name, &THEMES)),
    }
}

/// A TCP port.
pub fn port(text: &str) -> Result<u16, String> {
    let number = within(text, 1, u32::from(u16::MAX))?;
    u16::try_from(number).map_err(|error| error.to_string())
}

/// A pool's limit.
pub fn connections(text: &str) -> Result<u32, String> {
    within(text, 1, MOST_CONNECTIONS)
}

/// How many connections to open before the first command.
pub fn warmup(text: &str) -> Result<u32, String> {
    within(text, 0, MOST_CONNECTIONS)
}

/// How often to retry.
pub fn retries(text: &str) -> Result<u32, String> {
    within(text, 0, 1000)
}

/// `80` or `80%`, from 1 to 100.
pub fn percent(text: &str) -> Result<u8, String> {
    let number = within(text.strip_suffix('%').unwrap_or(text), 1, 100)?;
    u8::try_from(number).map_err(|error| error.to_string())
}

/// How often to run: `-1` is for ever.
pub fn repeat(text: &str) -> Result<u64, String> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(u64::MAX),
        Ok(times) if times > 0 => Ok(times.unsigned_abs()),
        _ => Err("it must be at least 1, or -1 for ever".to_owned()),
    }
}

/// A name CLIENT SETNAME accepts: printable ASCII without blanks.
pub fn client_name(text: &str) -> Result<String, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the server takes printable ASCII without blanks".to_owned());
    }
    Ok(text.to_owned())
}

/// The sentence for a word that is none of those known, with the nearest of them. `kind` is what the words name.
pub fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let near = nearest(word, known.iter().copied());
    let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
    format!("unknown {kind} \"{}\": there is {}{hint}", word.escape_debug(), known.join(", "))
}

fn within(text: &str, least: u32, most: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("it must be a whole number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, millis) in
            [("5s", 5000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000), ("0.5", 500), ("20", 20_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "s",
            "5 parsecs",
            "-1",
            "1e9",
            "5ss",
            "inf",
            "nan",
            "1..2",
            "400000h",
            "99999999999999999999",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_port_alone_is_of_this_machine_only() {
        for (text, address) in [
            ("9121", "127.0.0.1:9121"),
            (":0", "127.0.0.1:0"),
            ("localhost:9121", "127.0.0.1:9121"),
            ("[::1]:1", "[::1]:1"),
            ("0.0.0.0:80", "0.0.0.0:80"),
        ] {
            assert_eq!(listen(text).map(|address| address.to_string()).as_deref(), Ok(address), "{text}");
        }
        for text in ["", "localhost", "127.0.0.1", "70000", "example.com:80", "1:2:3"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_may_be_none() {
        assert_eq!(limit("none"), Ok(Limit::None));
        assert_eq!(limit("None"), Ok(Limit::None));
        assert_eq!(limit("0"), Ok(Limit::None));
        assert_eq!(limit("3s"), Ok(Limit::After(Duration::from_secs(3))));
        assert!(limit("never").is_err());
    }

    #[test]
    fn only_known_schemes_make_a_url() {
        for yes in ["redis://h", "rediss:x", "UNIX:///s", "valkey://h", "valkeys://h", "redis+sentinel://h"] {
            assert!(looks_like_url(yes), "{yes}");
        }
        for no in ["localhost:6379", "http://h", "redis", "GET", "user:1", ""] {
            assert!(!looks_like_url(no), "{no}");
        }
    }

    #[test]
    fn counts_keep_to_their_ranges() {
        assert!(connections("0").is_err() && connections("-1").is_err() && connections("1000001").is_err());
        assert_eq!(connections("1"), Ok(1));
        assert_eq!(percent("80%"), Ok(80));
        assert!(percent("0").is_err() && percent("101").is_err());
        assert_eq!(repeat("-1"), Ok(u64::MAX));
        assert!(repeat("0").is_err() && repeat("-2").is_err());
        assert!(client_name("two words").is_err() && client_name("").is_err());
    }
}
