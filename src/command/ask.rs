//! The question before a command that cannot be undone. Whoever faces a person asks it. Where nobody can be asked it is
//! no question, as in redis-cli, unless a word is to be typed: then the command does not run.

use std::io;
use std::time::Duration;

use super::builtin::{Builtin, PoolCall};
use super::danger::Care;
use super::runner::Kept;
use super::session::Session;
use super::{Call, Line, Question, danger, wants_key_count};
use crate::event::ConnId;
use crate::net::{ConnectOptions, Connection, OBSERVER};
use crate::resp::{Caps, Value};
use crate::terminal;

/// How long the keys may take to count: asked without their number it is a question as well.
const COUNTED: Duration = Duration::from_secs(1);

/// What a reset of the pool does, as a question begins.
const RESET: &str = "POOL RESET closes every connection of the pool, and what is in flight on them fails";

/// What an experiment does to a server.
pub const LAB: &str =
    "LAB loads the server with up to a thousand connections, and writes keys that it deletes at the end";

impl Question {
    /// Asks it on the terminal; why the command does not run, if so. Where nobody can be asked that is why.
    pub async fn put(&self) -> io::Result<Option<String>> {
        let answer = terminal::ask(self.words()).await?;
        Ok(self.verdict(answer.as_deref()))
    }
}

impl Session {
    /// From now on a question is answered by typing this word.
    pub fn confirm_by(&mut self, word: &str) {
        self.confirm = Some(word.to_owned());
    }

    /// What to ask before the line runs, if anything. Where the answer depends on how many keys there are, they are
    /// counted first.
    pub async fn question(&self, line: &Line) -> Option<Question> {
        if self.unasked {
            return None;
        }
        let care = if self.confirm.is_some() { Care::Typed } else { Care::Usual };
        let (on, args) = match &line.call {
            Call::Redis { on, args } => (*on, args),
            Call::Builtin(Builtin::Pool(PoolCall::Burst { args, .. })) => (None, args),
            Call::Builtin(Builtin::Pool(PoolCall::Reset)) if care == Care::Typed => {
                return Some(self.about(RESET));
            }
            Call::Builtin(Builtin::Lab(names)) if care == Care::Typed && !names.is_empty() => {
                return Some(self.about(LAB));
            }
            _ => return None,
        };
        let keys = if wants_key_count(args) { self.key_count(on).await } else { None };
        danger(args, keys, care).map(|question| Question { word: self.confirm.clone(), ..question })
    }

    fn about(&self, what: &str) -> Question {
        Question { what: what.to_owned(), word: self.confirm.clone() }
    }

    /// The same where nobody but a script may be there: a question only where a word is to be typed.
    pub async fn typed_question(&self, line: &Line) -> Option<Question> {
        if self.confirm.is_some() { self.question(line).await } else { None }
    }

    /// From now on nothing is asked.
    pub fn ask_nothing(&mut self) {
        self.unasked = true;
    }

    /// Counts the keys where a command would run, on a connection of its own: that nobody asked for it must show, and
    /// not in the pool's numbers.
    async fn key_count(&self, on: Option<ConnId>) -> Option<u64> {
        let own = self.own.as_ref().filter(|own| on.is_none_or(|on| own.id() == on));
        let held = || self.held.lock().get(&on?).map(Kept::database);
        let database = own.map(Kept::database).or_else(held).unwrap_or(self.database);
        let options = ConnectOptions {
            client_name: Some(OBSERVER.to_owned()),
            database,
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
