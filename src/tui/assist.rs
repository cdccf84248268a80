//! Help with typing from the one registry of commands, so that both front ends complete and hint alike.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::prompt::Candidates;
use super::run::{Assist, TYPED};
use crate::command::{Call, Context, KeysSeen, Kind, Registry, parse, secret_from};
use crate::snapshot::{RowState, Snapshot};

/// The registry, and what earlier lines have named.
pub struct Typist {
    registry: Arc<Registry>,
    keys: Mutex<KeysSeen>,
    /// The pool's settings by name, with what they are.
    settings: Vec<(String, String)>,
}

impl Typist {
    /// Helps from this registry; settings are those that `POOL CONFIG` knows.
    pub fn new(registry: Arc<Registry>, settings: Vec<(String, String)>) -> Self {
        Self { registry, keys: Mutex::default(), settings }
    }
}

impl Assist for Typist {
    fn complete(&self, line: &str, pos: usize, snapshot: &Snapshot) -> Candidates {
        let connections = snapshot.connections.iter().map(|row| {
            let state = match &row.state {
                RowState::InUse { holder, .. } => {
                    format!("in use, {}", holder.label.as_deref().unwrap_or_default())
                }
                RowState::Available { .. } => "available".to_owned(),
            };
            (row.id, state)
        });
        let context = Context {
            keys: self.keys.lock().clone(),
            connections: connections.collect(),
            settings: self.settings.clone(),
        };
        let found = self.registry.complete(line, pos, &context);
        let words = found.candidates.into_iter().map(|candidate| candidate.text).collect();
        Candidates { range: found.start..pos, words }
    }

    fn hint(&self, line: &str) -> Option<String> {
        if line.len() > TYPED { None } else { self.registry.hint(line) }
    }

    fn note(&self, line: &str) -> Option<String> {
        if line.len() > TYPED { None } else { self.registry.note(line) }
    }

    fn highlight(&self, line: &str) -> Vec<(Range<usize>, Kind)> {
        self.registry.highlight(line)
    }

    fn secrets(&self, line: &str) -> Vec<Range<usize>> {
        secret_from(line).map(|at| at..line.len()).into_iter().collect()
    }

    fn ran(&self, line: &str) {
        if secret_from(line).is_none()
            && let Ok(line) = parse(line.as_bytes())
            && let Call::Redis { args, .. } = line.call
        {
            self.keys.lock().remember_from(&self.registry, &args);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typist() -> Typist {
        Typist::new(Arc::new(Registry::new()), Vec::new())
    }

    fn masked(line: &str) -> Vec<String> {
        typist().secrets(line).into_iter().map(|range| line[range].to_owned()).collect()
    }

    #[test]
    fn a_password_and_what_follows_it_is_secret() {
        assert_eq!(masked("AUTH hunter2"), ["hunter2"]);
        assert_eq!(masked("  auth  ada hunter2"), ["ada hunter2"]);
        assert_eq!(masked("CONFIG SET requirepass x"), ["x"]);
        assert_eq!(masked("HELLO 3 AUHT u x"), ["u x"]);
        assert_eq!(masked("AUTHhunter2"), ["AUTHhunter2"]);
        assert_eq!(masked("SET a 1"), Vec::<String>::new());
        assert_eq!(masked("AUTH"), Vec::<String>::new());
        assert_eq!(masked(""), Vec::<String>::new());
    }

    #[test]
    fn keys_that_ran_are_offered_again() {
        let typist = typist();
        typist.ran("SET user:1000 ada");
        typist.ran("MIGRATE h 1 user:2 0 5 AUTH user:hunter2");
        let found = typist.complete("GET us", 6, &Snapshot::default());
        assert_eq!(found, Candidates { range: 4..6, words: vec!["user:1000".to_owned()] });
    }
}
