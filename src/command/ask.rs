//! The question before a command that cannot be undone. Whoever faces a person asks it; a pipe is never asked.

use crate::resp::Value;

use super::session::Session;
use super::{Call, Line, Question, danger, wants_key_count};

impl Session {
    /// What to ask before the line runs, if anything. Where the answer depends on how many keys there are, they are
    /// counted first.
    pub async fn question(&self, line: &Line) -> Option<Question> {
        let Call::Redis { args, .. } = &line.call else { return None };
        let keys = if wants_key_count(args) { self.key_count().await } else { None };
        danger(args, keys)
    }

    async fn key_count(&self) -> Option<u64> {
        match self.runner.pool.command(&["DBSIZE"]).await {
            Ok(Value::Integer(keys)) => keys.try_into().ok(),
            _ => None,
        }
    }
}
