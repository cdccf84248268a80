//! What a server does not let us ask: said once, and tried again seldom.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::super::asking::said;
use crate::event::Refused;
use crate::resp::Value;

/// When what was refused is tried again: each try is a line in the server's ACL LOG.
const AGAIN: Duration = Duration::from_secs(30);

/// When it is tried again while the server is only busy with something else.
const SOON: Duration = Duration::from_secs(1);

/// What can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    Info,
    List,
    Config,
}

impl Asked {
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::List => "CLIENT LIST",
            Self::Config => "CONFIG GET",
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Self::Info => "+info",
            Self::List => "+client|list",
            Self::Config => "+config|get",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<Asked, (Refused, Instant)>);

impl Refusals {
    /// Whether it may be asked now.
    pub(super) fn may(&self, asked: Asked, now: Instant) -> bool {
        self.0.get(&asked).is_none_or(|(_, again)| *again <= now)
    }

    /// When it may be asked again, where it was refused.
    pub(super) fn again(&self, asked: Asked) -> Option<Instant> {
        self.0.get(&asked).map(|(_, again)| *again)
    }

    /// It was answered with this, which is no answer. What to say of that, if that is new.
    pub(super) fn refused(&mut self, asked: Asked, answer: &Value, now: Instant) -> Option<Refused> {
        let (refused, wait) = explain(asked, answer);
        let before = self.0.insert(asked, (refused.clone(), now + wait));
        before.is_none_or(|(before, _)| before != refused).then_some(refused)
    }

    /// It was answered. Whether that is new.
    pub(super) fn allowed(&mut self, asked: Asked) -> bool {
        self.0.remove(&asked).is_some()
    }

    /// Everything may be asked again at once.
    pub(super) fn ask_again(&mut self) {
        let now = Instant::now();
        self.0.values_mut().for_each(|(_, again)| *again = now);
    }
}

fn explain(asked: Asked, answer: &Value) -> (Refused, Duration) {
    let command = asked.command();
    let refused = |error, rule| Refused { command: command.to_owned(), error, rule };
    let Some(error) = answer.error() else {
        return (refused(format!("{command} was answered with something else"), None), AGAIN);
    };
    let said = said(error);
    let is_busy = ["LOADING", "BUSY", "MASTERDOWN"].iter().any(|code| said.starts_with(code));
    let is_unknown = said.to_ascii_lowercase().contains("unknown");
    if said.starts_with("NOPERM") {
        let rule = asked.rule();
        let error = format!("{command} was refused: give this user the ACL rule {rule} ({said})");
        return (refused(error, Some(rule.to_owned())), AGAIN);
    }
    if is_unknown {
        // What follows repeats the question.
        let said = said.split(", with args").next().unwrap_or_default();
        return (
            refused(format!("{command} is not known here: it was renamed or removed ({said})"), None),
            AGAIN,
        );
    }
    (refused(format!("{command} was refused ({said})"), None), if is_busy { SOON } else { AGAIN })
}
