//! The arguments of a built-in, taken one by one and typed.

use bytes::Bytes;

use crate::event::ConnId;
use crate::{explain, lab, values};

use super::first_words;

/// The arguments after the words, taken one by one.
pub(super) struct Args<'a> {
    pub(super) left: &'a [Bytes],
}

impl Args<'_> {
    fn next(&mut self) -> Option<Bytes> {
        let (first, left) = self.left.split_first()?;
        self.left = left;
        Some(first.clone())
    }

    pub(super) fn word(&mut self, name: &str) -> Result<String, String> {
        self.next().map(|word| text(&word)).ok_or_else(|| format!("{name} is missing"))
    }

    pub(super) fn count(&mut self, name: &str) -> Result<u32, String> {
        let word = self.word(name)?;
        // A pool has no more connections than that, and a burst fewer.
        values::connections(&word).map_err(|problem| format!("'{word}' does not fit {name}: {problem}"))
    }

    pub(super) fn count_or(&mut self, count: u32) -> Result<u32, String> {
        if self.left.is_empty() { Ok(count) } else { self.count("n") }
    }

    pub(super) fn id(&mut self) -> Result<ConnId, String> {
        let word = self.word("the connection's id")?;
        let digits = word.strip_prefix('#').unwrap_or(&word);
        digits
            .parse()
            .map(ConnId)
            .map_err(|_| format!("'{word}' is no connection id: ids are numbers, such as 3"))
    }

    pub(super) fn id_or_all(&mut self) -> Result<Option<ConnId>, String> {
        if self.left.first().is_some_and(|word| word.eq_ignore_ascii_case(b"ALL")) {
            self.left = &self.left[1..];
            return Ok(None);
        }
        self.id().map(Some)
    }

    pub(super) fn job_or_all(&mut self) -> Result<Option<u32>, String> {
        if self.left.first().is_some_and(|word| word.eq_ignore_ascii_case(b"ALL")) {
            self.left = &self.left[1..];
            return Ok(None);
        }
        let word = self.word("the job's number")?;
        let number = word.parse().map_err(|_| format!("'{word}' is no number of a job, such as 3"))?;
        Ok(Some(number))
    }

    pub(super) fn lint(&mut self) -> Result<Option<&'static str>, String> {
        self.next().map(|word| explain::named(&text(&word))).transpose()
    }

    pub(super) fn command(&mut self) -> Result<Vec<Bytes>, String> {
        let args = std::mem::take(&mut self.left).to_vec();
        let Some(first) = args.first() else { return Err("the command is missing".to_owned()) };
        if first_words().any(|word| word.as_bytes().eq_ignore_ascii_case(first)) {
            return Err(format!("'{}' is no Redis command", text(first)));
        }
        Ok(args)
    }

    /// Experiments by name, or all of them.
    pub(super) fn experiments(&mut self) -> Result<Vec<&'static str>, String> {
        let experiments = lab::named(self.rest())?;
        Ok(experiments.into_iter().map(|experiment| experiment.about().name).collect())
    }

    pub(super) fn rest(&mut self) -> Vec<String> {
        texts(std::mem::take(&mut self.left))
    }
}

pub(super) fn texts(args: &[Bytes]) -> Vec<String> {
    args.iter().map(|arg| text(arg)).collect()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
