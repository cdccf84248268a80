//! Kept connections that the server closed: no command is sent on one, and whoever kept it hears of it before asking.

use std::io;
use std::sync::Arc;

use super::output::{Outcome, Output, Sink};
use super::runner::Kept;
use super::session::Session;
use crate::event::ConnId;
use crate::net::{Probe, Wire};

impl Kept {
    /// Whether the server closed it while nobody looked. What the pool took back has an ending of its own.
    pub(super) fn is_dead(&mut self) -> bool {
        let ended = |wire: &Arc<Wire>| wire.is_closed_by_now();
        !self.lease.is_over()
            && (self.lease.probe() == Probe::Closed
                || self.lease.wire().upgrade().as_ref().is_some_and(ended))
    }

    /// What goes with it, as a person knows it. The database does not: the session knows it.
    pub(super) fn loss(&self) -> Option<&'static str> {
        match self.pin()? {
            "MULTI" => Some("the transaction is gone"),
            "WATCH" => Some("its WATCH is gone"),
            "SELECT" if !self.changed => None,
            _ => Some("what was set on it is gone"),
        }
    }

    /// Another connection does as well, once the database is selected there.
    pub(super) fn is_replaceable(&self) -> bool {
        self.loss().is_none()
    }
}

impl Session {
    /// Whether a connection is kept that may die while nobody looks.
    pub fn keeps_any(&self) -> bool {
        self.own.is_some() || !self.held.lock().is_empty()
    }

    /// Says of each kept connection once that the server has closed it. The session's own goes, and its place in the
    /// prompt with it; what is held with `POOL HOLD` stays, dead, until its holder lets go.
    pub fn take_deaths(&mut self) -> Vec<String> {
        let mut news = Vec::new();
        if let Some((id, loss)) = self.at_risk.take() {
            news.push(format!("{id} is closed, with the command that was cancelled: {loss}"));
        }
        if let Some(mut own) = self.own.take_if(Kept::is_dead) {
            news.push(self.closed_by_server(&mut own));
        }
        let mut dead: Vec<ConnId> = Vec::new();
        for kept in self.held.lock().values_mut().filter(|kept| !kept.mourned) {
            if kept.is_dead() {
                kept.mourned = true;
                dead.push(kept.id());
            }
        }
        news.extend(match dead.as_slice() {
            [] => None,
            [one] => {
                Some(format!("{one} closed by the server: it holds a slot until POOL RELEASE {}", one.0))
            }
            all => {
                let ids = all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                Some(format!("{ids} closed by the server: they hold their slots until POOL RELEASE ALL"))
            }
        });
        news
    }

    /// A command meant for the session's own connection, which is dead: on another it would mean something else.
    pub(super) async fn not_sent_on_own(&self, mut own: Kept, sink: &mut dyn Sink) -> io::Result<Outcome> {
        let news = self.closed_by_server(&mut own);
        sink.push(Output::error(&format!("not sent: {news}"))).await?;
        Ok(Outcome::Failed)
    }

    /// A command meant for a held connection, which is dead.
    pub(super) async fn not_sent_on_held(
        &mut self,
        mut held: Kept,
        sink: &mut dyn Sink,
    ) -> io::Result<Outcome> {
        let id = held.id();
        held.mourned = true;
        self.held.lock().insert(id, held);
        let sentence = format!(
            "not sent: {id} is dead, the server closed it: POOL RELEASE {} gives up its slot, POOL HOLD takes another",
            id.0
        );
        sink.push(Output::error(&sentence)).await?;
        Ok(Outcome::Failed)
    }

    /// What is said of the session's own connection as it goes.
    pub(super) fn closed_by_server(&self, own: &mut Kept) -> String {
        let id = own.id();
        match own.loss() {
            Some(loss) => format!("{id} closed by the server: {loss}"),
            None => {
                format!("{id} closed by the server: commands take another, in database {}", self.database)
            }
        }
    }
}
