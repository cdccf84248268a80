//! The file's text into what it says, or the first thing that is wrong with it: its line, and the nearest name.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{ConfigFile, line};
use super::known::{KEYS, SECTIONS, SETTINGS, Said, Value, instead_of, unknown_key};
use super::usage;
use crate::error::Error;
use crate::nearest::nearest;
use crate::text;
use crate::tui::keymap::{Keys, Rebinding};

/// What a file says, and where.
pub(super) struct Document<'a> {
    file: &'a ConfigFile,
    pub(super) said: Said,
    pub(super) keys: Keys,
    /// Where each setting stands.
    places: Vec<(&'static str, usize)>,
}

type Entry<'a, 'b> = (&'b Spanned<Cow<'a, str>>, &'b Spanned<DeValue<'a>>);

impl<'a> Document<'a> {
    /// Reads all of it.
    pub(super) fn read(file: &'a ConfigFile) -> Result<Self, Error> {
        let mut document = Self { file, said: Said::default(), keys: Keys::default(), places: Vec::new() };
        let table = DeTable::parse(&file.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            document.wrong(at, &text::escape_str(error.message()))
        })?;
        for (name, value) in in_order(table.get_ref()) {
            let (section, at) = (name.get_ref().as_ref(), name.span().start);
            let Some(section) = SECTIONS.into_iter().find(|known| *known == section) else {
                return Err(document.wrong(at, &unknown_section(section, value.get_ref())));
            };
            let DeValue::Table(entries) = value.get_ref() else {
                let why = format!("{section} is a section: write [{section}] on a line of its own");
                return Err(document.wrong(at, &why));
            };
            if section == KEYS {
                document.read_keys(entries)?;
            } else {
                document.read_settings(section, entries)?;
            }
        }
        let said = &document.said.connection;
        if said.cert.is_some() != said.key.is_some() {
            let there = document.place("cert").or_else(|| document.place("key")).unwrap_or_default();
            return Err(usage(format!("{there}: cert and key go together")));
        }
        Ok(document)
    }

    fn read_settings(&mut self, section: &str, entries: &DeTable) -> Result<(), Error> {
        for (name, value) in in_order(entries) {
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
            self.places.push((known.name, line(self.file.text.as_bytes(), at)));
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
    let shown = name.escape_debug();
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
