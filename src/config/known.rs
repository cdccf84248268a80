//! Every setting that the configuration file may have, as one table. Values are read by the functions that read the
//! flags.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use toml::de::DeValue;

use super::profile::Care;
use super::watch::Watched;
use crate::cli::{self, When};
use crate::model::Levels;
use crate::nearest::nearest;
use crate::net::ConnectOptions;
use crate::tui::layout::Pane;
use crate::values::{self, Editing};

/// What the file says, before it is judged together with the flags.
#[derive(Clone, Default)]
pub(super) struct Said {
    pub(super) url: Option<String>,
    /// `user` and what TLS needs.
    pub(super) connection: cli::Connection,
    pub(super) pool: cli::Pool,
    pub(super) screen: Screen,
    pub(super) watch: Watched,
    pub(super) levels: Levels,
    /// What the profile says of itself.
    pub(super) care: Care,
}

/// `[screen]`
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    pub(super) theme: Option<String>,
    pub(super) color: Option<When>,
    pub(super) ascii: Option<bool>,
    pub(super) mouse: Option<bool>,
    pub(super) interval: Option<Duration>,
    pub(super) panes: Option<Vec<Pane>>,
    pub(super) editing: Option<Editing>,
    pub(super) pager: Option<bool>,
    pub(super) pipe: Option<bool>,
}

/// One setting.
pub(super) struct Known {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// Takes a value in, or says in one sentence what is wrong with it.
    pub(super) take: fn(&mut Said, &Value) -> Result<(), String>,
}

const fn known(
    section: &'static str,
    name: &'static str,
    take: fn(&mut Said, &Value) -> Result<(), String>,
) -> Known {
    Known { section, name, take }
}

/// The section of the settings of the connection.
pub(super) const CONNECTION: &str = "connection";
/// That of the pool.
pub(super) const POOL: &str = "pool";
/// That of the screen.
pub(super) const SCREEN: &str = "screen";
/// That of `watch`.
pub(super) const WATCH: &str = "watch";
/// That of the keys, whose names are the actions.
pub(super) const KEYS: &str = "keys";
/// That of the lints, whose names are the lints'.
pub(super) const LINTS: &str = "lints";
/// That of the profiles, each a section of its own with sections in it.
pub(super) const PROFILE: &str = "profile";
/// All of them.
pub(super) const SECTIONS: [&str; 7] = [CONNECTION, POOL, LINTS, WATCH, SCREEN, KEYS, PROFILE];
/// Those that a profile may have.
pub(super) const IN_PROFILES: [&str; 4] = [CONNECTION, POOL, LINTS, WATCH];

/// Every setting but the keys.
pub(super) const SETTINGS: &[Known] = &[
    known(CONNECTION, "url", |said, value| {
        let url = value.text("an address such as \"redis://127.0.0.1:6379/0\"")?;
        ConnectOptions::from_url(url).map_err(|error| error.to_string())?;
        put(&mut said.url, Ok(url.to_owned()))
    }),
    known(CONNECTION, "user", |said, value| {
        put(&mut said.connection.user, value.text("a name").map(str::to_owned))
    }),
    known(CONNECTION, "client-name", |said, value| {
        put(&mut said.pool.client_name, value.read("a name", values::client_name))
    }),
    known(CONNECTION, "tls", |said, value| {
        said.connection.tls = value.yes()?;
        Ok(())
    }),
    known(CONNECTION, "cacert", |said, value| put(&mut said.connection.cacert, value.path())),
    known(CONNECTION, "cacertdir", |said, value| put(&mut said.connection.cacertdir, value.path())),
    known(CONNECTION, "cert", |said, value| put(&mut said.connection.cert, value.path())),
    known(CONNECTION, "key", |said, value| put(&mut said.connection.key, value.path())),
    known(CONNECTION, "sni", |said, value| {
        put(&mut said.connection.sni, value.text("a name").map(str::to_owned))
    }),
    known(CONNECTION, "insecure", |said, value| {
        said.connection.insecure = value.yes()?;
        Ok(())
    }),
    known(POOL, "max-connections", |said, value| {
        put(&mut said.pool.max_connections, value.read(NUMBER, values::connections))
    }),
    known(POOL, "warmup", |said, value| put(&mut said.pool.warmup, value.read(NUMBER, values::warmup))),
    known(POOL, "blocking-timeout", |said, value| {
        put(&mut said.pool.blocking_timeout, value.read(DURATION, values::duration))
    }),
    known(POOL, "socket-timeout", |said, value| {
        put(&mut said.pool.socket_timeout, value.read(LIMIT, values::limit))
    }),
    known(POOL, "socket-connect-timeout", |said, value| {
        put(&mut said.pool.socket_connect_timeout, value.read(DURATION, values::positive))
    }),
    known(POOL, "retry-on-timeout", |said, value| {
        said.pool.retry_on_timeout = value.yes()?;
        Ok(())
    }),
    known(POOL, "retries", |said, value| put(&mut said.pool.retries, value.read(NUMBER, values::retries))),
    known(POOL, "retry-delay", |said, value| {
        put(&mut said.pool.retry_delay, value.read(DURATION, values::duration))
    }),
    known(POOL, "health-check-interval", |said, value| {
        put(&mut said.pool.health_check_interval, value.read(LIMIT, values::limit))
    }),
    known(POOL, "single-connection", |said, value| {
        said.pool.single_connection = value.yes()?;
        Ok(())
    }),
    known(POOL, "on-exhausted", |said, value| put(&mut said.pool.on_exhausted, value.one_of())),
    known(POOL, "max-idle", |said, value| put(&mut said.pool.max_idle, value.read(LIMIT, values::limit))),
    known(POOL, "max-lifetime", |said, value| {
        put(&mut said.pool.max_lifetime, value.read(LIMIT, values::limit))
    }),
    known(POOL, "leak-threshold", |said, value| {
        put(&mut said.pool.leak_threshold, value.read(DURATION, values::duration))
    }),
    known(POOL, "usage-alert", |said, value| {
        put(&mut said.pool.usage_alert, value.read("a percentage, such as 80", values::percent))
    }),
    known(PROFILE, "confirm", |said, value| {
        put(&mut said.care.typed, value.either("confirm", ["typed", "ask"]))
    }),
    known(PROFILE, "prompt", |said, value| put(&mut said.care.red, value.either("prompt", ["red", "plain"]))),
    known(WATCH, "group-by", |said, value| {
        put(&mut said.watch.group_by, value.read("a key, such as \"process\"", values::group_by))
    }),
    known(WATCH, "interval", |said, value| {
        put(&mut said.watch.interval, value.read(DURATION, values::interval))
    }),
    known(WATCH, "read-only", |said, value| put(&mut said.watch.read_only, value.yes())),
    known(SCREEN, "theme", |said, value| {
        put(&mut said.screen.theme, value.read("a theme's name", values::theme))
    }),
    known(SCREEN, "color", |said, value| put(&mut said.screen.color, value.one_of())),
    known(SCREEN, "ascii", |said, value| put(&mut said.screen.ascii, value.yes())),
    known(SCREEN, "mouse", |said, value| put(&mut said.screen.mouse, value.yes())),
    known(SCREEN, "interval", |said, value| {
        put(&mut said.screen.interval, value.read(DURATION, values::interval))
    }),
    known(SCREEN, "panes", |said, value| put(&mut said.screen.panes, panes(value))),
    known(SCREEN, "editing", |said, value| put(&mut said.screen.editing, value.read("emacs or vi", editing))),
    known(SCREEN, "pager", |said, value| put(&mut said.screen.pager, value.yes())),
    known(SCREEN, "pipe", |said, value| put(&mut said.screen.pipe, value.yes())),
];

const NUMBER: &str = "a whole number";
const DURATION: &str = "a duration, such as \"5s\"";
const LIMIT: &str = "a duration, such as \"5s\", or \"none\"";

/// Puts a value where it belongs, when it is good.
fn put<T>(place: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    *place = Some(value?);
    Ok(())
}

/// A value of the file, with what reading it needs to know.
pub(super) struct Value<'a> {
    /// Its setting's name.
    pub(super) name: &'a str,
    pub(super) found: &'a DeValue<'a>,
    /// Where relative paths begin.
    pub(super) dir: &'a Path,
}

impl<'a> Value<'a> {
    fn instead_of(&self, wanted: &str) -> String {
        instead_of(wanted, self.found)
    }

    fn text(&self, wanted: &str) -> Result<&'a str, String> {
        self.found.as_str().ok_or_else(|| self.instead_of(wanted))
    }

    /// A text or a number, as a flag would have it.
    fn read<T>(&self, wanted: &str, parse: fn(&str) -> Result<T, String>) -> Result<T, String> {
        match self.found {
            DeValue::String(text) => parse(text),
            DeValue::Integer(number) if number.radix() == 10 => parse(number.as_str()),
            DeValue::Float(number) => parse(number.as_str()),
            _ => Err(self.instead_of(wanted)),
        }
    }

    fn yes(&self) -> Result<bool, String> {
        self.found.as_bool().ok_or_else(|| self.instead_of("true or false"))
    }

    /// A path; a relative one begins where the file is, and `~/` at home.
    fn path(&self) -> Result<PathBuf, String> {
        let text = self.text("a path")?;
        match (text.strip_prefix("~/"), etcetera::home_dir()) {
            _ if text.is_empty() => Err("a path goes here, and this is empty".to_owned()),
            (Some(rest), Ok(home)) => Ok(home.join(rest)),
            _ => Ok(self.dir.join(text)),
        }
    }

    /// Whether it is the first of two words.
    fn either(&self, kind: &str, words: [&str; 2]) -> Result<bool, String> {
        let text = self.text(&words.join(" or "))?;
        let at = words.iter().position(|word| *word == text);
        at.map(|at| at == 0).ok_or_else(|| values::unknown(kind, text, &words))
    }

    /// One of a flag's words.
    fn one_of<T: ValueEnum>(&self) -> Result<T, String> {
        let words: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|variant| Some(variant.to_possible_value()?.get_name().to_owned()))
            .collect();
        let text = self.text(&words.join(" or "))?;
        T::from_str(text, false).map_err(|_| {
            values::unknown(self.name, text, &words.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }
}

/// The panes that are shown, in their order; the shell always is.
fn panes(value: &Value) -> Result<Vec<Pane>, String> {
    const WANTED: &str = "a list of panes, such as [\"pool\", \"connections\"]";
    let names = Pane::POOL.map(Pane::name);
    let mut shown = vec![Pane::Shell];
    for item in value.found.as_array().ok_or_else(|| value.instead_of(WANTED))? {
        let name = item.get_ref().as_str().ok_or_else(|| instead_of(WANTED, item.get_ref()))?;
        let pane = Pane::POOL.into_iter().find(|pane| pane.name() == name);
        shown.push(pane.ok_or_else(|| values::unknown("pane", name, &names))?);
    }
    Ok(Pane::POOL.into_iter().filter(|pane| shown.contains(pane)).collect())
}

fn editing(text: &str) -> Result<Editing, String> {
    match text {
        "emacs" => Ok(Editing::Emacs),
        "vi" => Ok(Editing::Vi),
        _ => Err(values::unknown("editing", text, &["emacs", "vi"])),
    }
}

/// What is said of a value of another type.
pub(super) fn instead_of(wanted: &str, found: &DeValue) -> String {
    let found = match found {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number of another kind",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    };
    format!("{wanted} goes here, and this is {found}")
}

/// What people look for in `[connection]`, and where it is.
const INSTEAD: [(&str, &str); 6] = [
    ("host", "url has it, as in redis://host:6379"),
    ("port", "url has it, as in redis://127.0.0.1:6379"),
    ("db", "url has it, as in redis://127.0.0.1:6379/2"),
    ("database", "url has it, as in redis://127.0.0.1:6379/2"),
    ("socket", "url has it, as in unix:///run/redis.sock"),
    ("password", "REDISCLI_AUTH is the safe place for it, and url the other"),
];

/// A name that is none, as it may be repeated: a URL in its place may have a password in it.
pub(super) fn shown(name: &str) -> String {
    if name.contains('@') || name.contains("://") {
        "***".to_owned()
    } else {
        name.escape_debug().to_string()
    }
}

/// The sentence for a name that is none: the nearest, and where it stands or would.
pub(super) fn unknown_key(section: &str, name: &str) -> String {
    let shown = shown(name);
    // Its parts are sections again.
    let (within, section_shown) =
        if section == PROFILE { ("profile.NAME.", "profile.NAME") } else { ("", section) };
    if let Some((_, instead)) = INSTEAD.iter().find(|(other, _)| section == CONNECTION && *other == name) {
        return format!("unknown key \"{shown}\" in [{section}]: {instead}");
    }
    let here = SETTINGS.iter().filter(|known| known.section == section).map(|known| known.name);
    if let Some(near) = nearest(name, here) {
        return format!("unknown key \"{shown}\" in [{section_shown}]; did you mean \"{near}\"?");
    }
    match SETTINGS.iter().find(|known| known.name == name) {
        Some(known) if section == PROFILE && !IN_PROFILES.contains(&known.section) => format!(
            "unknown key \"{shown}\" in [{section_shown}]: a profile has none of [{}], where it belongs",
            known.section
        ),
        Some(known) => {
            format!("unknown key \"{shown}\" in [{section_shown}]; it belongs in [{within}{}]", known.section)
        }
        None => format!("unknown key \"{shown}\" in [{section_shown}]"),
    }
}
