//! The question before a command that cannot be undone. Whoever faces a person asks it; a pipe is never asked.

use std::time::Duration;

use super::runner::Kept;
use super::session::Session;
use super::{Call, Line, Question, danger, wants_key_count};
use crate::event::ConnId;
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::{Caps, Value};

/// How long the keys may take to count: asked without their number it is a question as well.
const COUNTED: Duration = Duration::from_secs(1);

impl Session {
    /// From now on a question is answered by typing this word.
    pub fn confirm_by(&mut self, word: &str) {
        self.confirm = Some(word.to_owned());
    }

    /// What to ask before the line runs, if anything. Where the answer depends on how many keys there are, they are
    /// counted first.
    pub async fn question(&self, line: &Line) -> Option<Question> {
        let Call::Redis { on, args } = &line.call else { return None };
        let keys = if wants_key_count(args) { self.key_count(*on).await } else { None };
        danger(args, keys).map(|question| Question { word: self.confirm.clone(), ..question })
    }

    /// Counts the keys where a command would run, on a connection of its own: that nobody asked for it must show, and
    /// not in the pool's numbers.
    async fn key_count(&self, on: Option<ConnId>) -> Option<u64> {
        let own = self.own.as_ref().filter(|own| on.is_none_or(|on| own.id() == on));
        let kept = own.or_else(|| on.and_then(|on| self.held.get(&on)));
        let options = ConnectOptions {
            client_name: Some(OBSERVER.to_owned()),
            database: kept.map_or(self.database, Kept::database),
            ..self.runner.pool.connector().options().clone()
        };
        let counting = async {
            let mut connection = Connection::open(&options).await.ok()?;
            connection.set_caps(Caps::SMALL);
            match connection.call(&["DBSIZE"]).await {
                Ok(Value::Integer(keys)) => keys.try_into().ok(),
                _ => None,
            }
        };
        tokio::time::timeout(COUNTED, counting).await.ok().flatten()
    }
}
