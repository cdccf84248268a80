//! The file's text into what it says, or the first thing that is wrong with it: its line, and the nearest name.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{ConfigFile, line};
use super::known;
use super::known::{
    CONNECTION, IN_PROFILES, KEYS, LINTS, PROFILE, SECTIONS, SETTINGS, Said, Value, instead_of, unknown_key,
};
use super::profile::{self, Care, Profile, is_name};
use super::usage;
use crate::cli;
use crate::error::Error;
use crate::explain;
use crate::nearest::nearest;
use crate::text;
use crate::tui::keymap::{Keys, Rebinding};

/// What a file says, and where.
pub(super) struct Document<'a> {
    file: &'a ConfigFile,
    pub(super) said: Said,
    pub(super) keys: Keys,
    /// The profile that was asked for.
    pub(super) profile: Option<Profile>,
    /// Where each setting stands.
    places: Vec<(&'static str, usize)>,
}

type Entry<'a, 'b> = (&'b Spanned<Cow<'a, str>>, &'b Spanned<DeValue<'a>>);

impl<'a> Document<'a> {
    /// Reads all of it, and takes in the profile of this name.
    pub(super) fn read(file: &'a ConfigFile, profile: Option<&str>) -> Result<Self, Error> {
        let (said, keys) = (Said::default(), Keys::default());
        let mut document = Self { file, said, keys, profile: None, places: Vec::new() };
        let table = DeTable::parse(&file.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            document.wrong(at, &text::escape_str(error.message()))
        })?;
        let mut profiles = None;
        for (name, value) in in_order(table.get_ref()) {
            let (section, at) = (name.get_ref().as_ref(), name.span().start);
            let Some(section) = SECTIONS.into_iter().find(|known| *known == section) else {
                return Err(document.wrong(at, &unknown_section(section, value.get_ref())));
            };
            let entries = document.section(section, section, (at, value))?;
            match section {
                KEYS => document.read_keys(entries)?,
                PROFILE => profiles = Some(entries),
                section => document.read_section(section, entries)?,
            }
        }
        document.read_profiles(profiles, profile)?;
        let said = &document.said.connection;
        if said.cert.is_some() != said.key.is_some() {
            let there = document.place("cert").or_else(|| document.place("key")).unwrap_or_default();
            return Err(usage(format!("{there}: cert and key go together")));
        }
        Ok(document)
    }

    /// The entries of a section that is called `name`, and written `[full]`.
    fn section<'b>(
        &self,
        name: &str,
        full: &str,
        (at, value): (usize, &'b Spanned<DeValue<'a>>),
    ) -> Result<&'b DeTable<'a>, Error> {
        match value.get_ref() {
            DeValue::Table(entries) => Ok(entries),
            _ => Err(self.wrong(at, &format!("{name} is a section: write [{full}] on a line of its own"))),
        }
    }

    fn read_section(&mut self, section: &str, entries: &DeTable) -> Result<(), Error> {
        if section == LINTS { self.read_lints(entries) } else { self.read_settings(section, entries) }
    }

    /// Reads every profile, so that a mistake in one is not found on the day it is needed; then takes in the one that is
    /// wanted, over what the file says for all.
    fn read_profiles(&mut self, profiles: Option<&DeTable<'a>>, wanted: Option<&str>) -> Result<(), Error> {
        let entries = profiles.map(in_order).unwrap_or_default();
        let mut known = Vec::new();
        for (name, value) in &entries {
            let (text, at) = (name.get_ref().as_ref(), name.span().start);
            if !is_name(text) {
                let why = "a profile's name is 1 to 32 letters, digits, dots, - or _";
                return Err(self.wrong(at, why));
            }
            let full = format!("{PROFILE}.{text}");
            let parts = self.section(text, &full, (at, value))?;
            let (said, places) = (self.said.clone(), self.places.clone());
            self.read_profile(text, parts)?;
            if wanted == Some(text) {
                let connection = parts.get(CONNECTION).and_then(|value| value.get_ref().as_table());
                let has_url = connection.is_some_and(|entries| entries.contains_key("url"));
                self.profile = Some(Profile::new(text, self.said.care, has_url));
            } else {
                (self.said, self.places) = (said, places);
            }
            known.push(text);
        }
        match wanted {
            Some(wanted) if self.profile.is_none() => {
                Err(profile::unknown(wanted, &known, Some(&self.file.name)))
            }
            _ => Ok(()),
        }
    }

    fn read_profile(&mut self, profile: &str, parts: &DeTable<'a>) -> Result<(), Error> {
        self.said.care = Care::default();
        let (sections, own): (Vec<Entry>, Vec<Entry>) =
            in_order(parts).into_iter().partition(|(name, value)| {
                IN_PROFILES.contains(&name.get_ref().as_ref()) || value.get_ref().is_table()
            });
        self.take_settings(PROFILE, own)?;
        for (name, value) in sections {
            let (section, at) = (name.get_ref().as_ref(), name.span().start);
            if !IN_PROFILES.contains(&section) {
                let (shown, known) = (known::shown(section), IN_PROFILES.join(", "));
                let near = nearest(section, IN_PROFILES);
                let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                let why = format!("unknown section \"{shown}\" of a profile, which has {known}{hint}");
                return Err(self.wrong(at, &why));
            }
            let full = format!("{PROFILE}.{profile}.{section}");
            let entries = self.section(section, &full, (at, value))?;
            if section == CONNECTION && entries.contains_key("url") {
                self.forget_connection();
            }
            self.read_section(section, entries)?;
        }
        Ok(())
    }

    /// Another server: who to be there, and what it is trusted by, are its own.
    fn forget_connection(&mut self) {
        self.said.url = None;
        self.said.connection = cli::Connection::default();
        self.said.pool.client_name = None;
        let connection = |name: &str| SETTINGS.iter().any(|k| k.section == CONNECTION && k.name == name);
        self.places.retain(|(name, _)| !connection(name));
    }

    fn read_settings(&mut self, section: &str, entries: &DeTable) -> Result<(), Error> {
        self.take_settings(section, in_order(entries))
    }

    fn take_settings(&mut self, section: &str, entries: Vec<Entry>) -> Result<(), Error> {
        for (name, value) in entries {
            let (name, at) = (name.get_ref().as_ref(), name.span().start);
            let known = SETTINGS.iter().find(|known| known.section == section && known.name == name);
            let known = known.ok_or_else(|| self.wrong(at, &unknown_key(section, name)))?;
            let dir = &self.file.dir;
            let taken = (known.take)(&mut self.said, &Value { name, found: value.get_ref(), dir });
            taken.map_err(|why| {
                // An unknown word names its kind itself.
                let named = why.starts_with("unknown ");
                self.wrong(at, &if named { why } else { format!("{name}: {why}") })
            })?;
            let line = line(self.file.text.as_bytes(), at);
            self.places.retain(|(other, _)| *other != known.name);
            self.places.push((known.name, line));
        }
        Ok(())
    }

    fn read_lints(&mut self, entries: &DeTable) -> Result<(), Error> {
        for (name, value) in in_order(entries) {
            let at = name.span().start;
            let id = explain::named(name.get_ref()).map_err(|why| self.wrong(at, &why))?;
            let word = value.get_ref().as_str();
            let level =
                word.map_or_else(|| Err(instead_of("off, warn or fail", value.get_ref())), cli::level);
            self.said.levels.set(id, level.map_err(|why| self.wrong(at, &format!("{id}: {why}")))?);
        }
        Ok(())
    }

    fn read_keys(&mut self, entries: &DeTable) -> Result<(), Error> {
        let mut changes = Vec::new();
        let mut spans = Vec::new();
        for (name, value) in in_order(entries) {
            let mut keys = Vec::new();
            let mut places = vec![name.span().start];
            for item in items(value) {
                let key = item.get_ref().as_str().ok_or_else(|| {
                    let why = instead_of("a chord, such as \"ctrl-x\", or a list of them", item.get_ref());
                    self.wrong(item.span().start, &format!("{}: {why}", name.get_ref().escape_debug()))
                })?;
                keys.push(key.to_owned());
                places.push(item.span().start);
            }
            changes.push(Rebinding { action: name.get_ref().to_string(), keys });
            spans.push(places);
        }
        let rebound = std::mem::take(&mut self.keys).rebound(&changes);
        self.keys = rebound.map_err(|refused| {
            let place = refused.key.map_or(0, |key| key + 1);
            let at = spans.get(refused.at).and_then(|places| places.get(place)).copied();
            self.wrong(at.unwrap_or_default(), &refused.why)
        })?;
        Ok(())
    }

    /// Where a setting stands, as `file:line`; nothing when the file does not have it.
    pub(super) fn place(&self, name: &str) -> Option<String> {
        let (_, line) = self.places.iter().find(|(known, _)| *known == name)?;
        Some(format!("{}:{line}", self.file.name))
    }

    fn wrong(&self, at: usize, why: &str) -> Error {
        let line = line(self.file.text.as_bytes(), at);
        usage(format!("{}:{line}: {why}", self.file.name))
    }
}

/// The entries of a table as they stand in the file, so that the first mistake is said first.
fn in_order<'a, 'b>(table: &'b DeTable<'a>) -> Vec<Entry<'a, 'b>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// The items of a list, or the one value that stands for a list of one.
fn items<'a, 'b>(value: &'b Spanned<DeValue<'a>>) -> Vec<&'b Spanned<DeValue<'a>>> {
    match value.get_ref().as_array() {
        Some(list) => list.iter().collect(),
        None => vec![value],
    }
}

fn unknown_section(name: &str, value: &DeValue) -> String {
    let shown = known::shown(name);
    if !value.is_table()
        && let Some(known) = SETTINGS.iter().find(|known| known.name == name)
    {
        return format!("\"{shown}\" stands in no section: it belongs in [{}]", known.section);
    }
    match nearest(name, SECTIONS) {
        Some(near) => format!("unknown section [{shown}]; did you mean [{near}]?"),
        None => format!("unknown section [{shown}]: sections are {}", SECTIONS.join(", ")),
    }
}
