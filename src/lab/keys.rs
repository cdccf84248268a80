//! Taking away the keys that an experiment made, by whichever command its user may use, and saying which ones stay.

use std::time::Duration;

use super::Trouble;
use super::place::KEY_SECONDS;
use crate::net::{ConnectOptions, Connection};
use crate::resp::Value;
use crate::text;

/// How long the server may take to delete all of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// A way to make a key go. A user may be denied one and have another.
#[derive(Clone, Copy)]
enum Removal {
    Del,
    Unlink,
    Expire,
}

impl Removal {
    const ALL: [Self; 3] = [Self::Del, Self::Unlink, Self::Expire];

    /// The command for a key.
    fn args(self, key: &str) -> Vec<&str> {
        match self {
            Self::Del => vec!["DEL", key],
            Self::Unlink => vec!["UNLINK", key],
            Self::Expire => vec!["EXPIRE", key, "0"],
        }
    }
}

/// Takes a key away by the first command that the server does not refuse; if it refuses all, why it refused DEL.
pub(super) async fn take_away(connection: &mut Connection, key: &str) -> Result<Result<(), String>, Trouble> {
    let mut first = None;
    for removal in Removal::ALL {
        match said(connection, &removal.args(key)).await? {
            Ok(()) => return Ok(Ok(())),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    Ok(Err(first.unwrap_or_default()))
}

/// Sends a command; what the server said against it, safe to show.
pub(super) async fn said(connection: &mut Connection, args: &[&str]) -> Result<Result<(), String>, Trouble> {
    let name = args.first().copied().unwrap_or_default();
    match connection.call(args).await {
        Ok(Value::Error(words)) => Ok(Err(format!("{name}: {}", text::escape(&words)))),
        Ok(_) => Ok(Ok(())),
        Err(error) => Err(Trouble::Failed(format!("{name}: {error}"))),
    }
}

/// Takes these keys away; an error names those that stay.
pub(super) async fn remove(options: &ConnectOptions, keys: Vec<String>) -> Result<(), Trouble> {
    let mut left = keys.clone();
    let why = match tokio::time::timeout(PATIENCE, each(options, &keys, &mut left)).await {
        Ok(Ok(None)) => return Ok(()),
        Ok(Ok(Some(refusal))) => refusal,
        Ok(Err(trouble)) => trouble.to_string(),
        Err(_) => "the server did not answer".to_owned(),
    };
    let (stay, them) = if left.len() == 1 { ("key stays", "it") } else { ("keys stay", "they") };
    Err(Trouble::Failed(format!(
        "{} {stay} on the server until {them} expire{} in {KEY_SECONDS} s or less: {} ({why})",
        left.len(),
        if left.len() == 1 { "s" } else { "" },
        left.join(", ")
    )))
}

/// One after the other, `left` getting shorter; the first refusal.
async fn each(
    options: &ConnectOptions,
    keys: &[String],
    left: &mut Vec<String>,
) -> Result<Option<String>, Trouble> {
    let mut connection = Connection::open(options).await?;
    let mut refused = None;
    for key in keys {
        match take_away(&mut connection, key).await? {
            Ok(()) => left.retain(|other| other != key),
            Err(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    Ok(refused)
}
