//! What is made of each lint: the settings of `--lint` and `[lints]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lints;
use crate::snapshot::Level;

/// A level for each lint; `warn` where nothing was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Level>")]
pub struct Levels(BTreeMap<&'static str, Level>);

impl From<BTreeMap<String, Level>> for Levels {
    /// A recording may know more lints than there are here.
    fn from(said: BTreeMap<String, Level>) -> Self {
        let mut levels = Self::default();
        for (id, level) in said {
            levels.set(&id, level);
        }
        levels
    }
}

impl Levels {
    /// The level of a lint.
    pub fn get(&self, id: &str) -> Level {
        self.0.get(id).copied().unwrap_or_default()
    }

    /// Sets the level of a lint, and says whether there is one of this name.
    pub fn set(&mut self, id: &str, level: Level) -> bool {
        let known = lints::ids().find(|known| *known == id);
        if let Some(id) = known {
            self.0.insert(id, level);
        }
        known.is_some()
    }

    /// What was said, by the lint's name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Level)> {
        self.0.iter().map(|(id, level)| (*id, *level))
    }

    /// Takes over what `other` says. What is as where nothing was said is kept no longer.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.iter());
        self.0.retain(|_, level| *level != Level::default());
    }
}

/// The names of every lint, in the order they are asked.
pub fn lint_ids() -> Vec<&'static str> {
    lints::ids().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_knows_another_lint_can_be_read() {
        let levels: Levels = serde_json::from_str(r#"{"leak":"fail","of-2027":"off"}"#).expect("levels");
        assert_eq!(levels.iter().collect::<Vec<_>>(), [("leak", Level::Fail)]);
        assert_eq!(serde_json::to_string(&levels).expect("JSON"), r#"{"leak":"fail"}"#);
    }

    #[test]
    fn what_was_said_holds_and_the_rest_warns() {
        let mut levels = Levels::default();
        assert!(levels.set("leak", Level::Fail) && !levels.set("leek", Level::Fail));
        assert_eq!((levels.get("leak"), levels.get("churn")), (Level::Fail, Level::Warn));
        let mut other = Levels::default();
        assert!(other.set("leak", Level::Off) && other.set("churn", Level::Off));
        assert!(other.set("growth", Level::Warn));
        levels.extend(&other);
        assert_eq!(levels.iter().collect::<Vec<_>>(), [("churn", Level::Off), ("leak", Level::Off)]);
    }
}
