//! `AUTH` as a person types it: where a server has got a new password it is for the pool as well.

use std::io;

use bytes::Bytes;

use super::output::{Outcome, Output, Sink};
use super::runner::Runner;
use crate::net::{ConnectError, ConnectOptions, Connection, Login, Renewed, Secret};
use crate::pool::CommandError;
use crate::resp::Value;

impl Runner {
    /// There is no connection for a command. Where that is because the server does not know us any more, `AUTH` is what
    /// the greeting of a new one says.
    pub(super) async fn no_connection(
        &self,
        error: CommandError,
        args: &[Bytes],
        sink: &mut dyn Sink,
    ) -> io::Result<Outcome> {
        let strangers = error.connect_error().is_some_and(ConnectError::is_auth);
        let Some((user, password)) = login(args).filter(|_| strangers) else {
            return self.failed(&error, sink).await;
        };
        let options = self.pool.connector().options();
        let typed = ConnectOptions {
            user: user.clone(),
            password: Some(password.clone()),
            renewed: Renewed::default(),
            ..options.clone()
        };
        if let Err(error) = Connection::open(&typed).await {
            sink.push(Output::error(&error)).await?;
            return Ok(Outcome::NoConnection);
        }
        sink.push(Output::Reply { value: Value::Simple("OK".into()), verbatim: false }).await?;
        self.renew((user, password), sink).await?;
        Ok(Outcome::Done)
    }

    /// A command was answered with OK. Another user's AUTH is its connection's affair; the pool's own user has a new
    /// password.
    pub(super) async fn learn_login(&self, args: &[Bytes], sink: &mut dyn Sink) -> io::Result<()> {
        match login(args) {
            Some(login) if self.pool.connector().options().is_for(&login) => self.renew(login, sink).await,
            _ => Ok(()),
        }
    }

    async fn renew(&self, login: Login, sink: &mut dyn Sink) -> io::Result<()> {
        if !self.pool.connector().options().renew(login) {
            return Ok(());
        }
        sink.push(Output::Note("new connections use this password from now on".to_owned())).await
    }
}

/// The user and password that `AUTH` names.
fn login(args: &[Bytes]) -> Option<Login> {
    let (name, rest) = args.split_first()?;
    if !name.eq_ignore_ascii_case(b"AUTH") {
        return None;
    }
    match rest {
        [password] => Some((None, Secret::new(&password[..]))),
        [user, password] => Some((Some(String::from_utf8(user.to_vec()).ok()?), Secret::new(&password[..]))),
        _ => None,
    }
}
