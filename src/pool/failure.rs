//! Why a command has no reply, said so that it tells what may have happened on the server.

use super::CheckoutError;
use crate::event::CloseReason;
use crate::net::{self, ConnectError, IoError, IoErrorKind};
use crate::resp::Value;

/// Why a command has no reply. An error reply is a reply: it comes as a [`Value`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommandError {
    /// There was no connection for it.
    #[error(transparent)]
    Checkout(#[from] CheckoutError<ConnectError>),
    /// It was not sent: nothing of it reached the server.
    #[error("{0}; the command was not sent")]
    NotSent(IoError),
    /// It was sent, and its reply is lost.
    #[error("{0}; the command may have been executed")]
    Unknown(IoError),
    /// An earlier reply on this lease is still owed: read it first.
    #[error("an earlier command on this connection still waits for its reply")]
    Busy,
    /// The server answers this command with nothing, as `CLIENT REPLY OFF` asks.
    #[error("the command was sent; the server sends no reply to it")]
    NoReply,
    /// The pool took the connection back while the command was under way: `sent` when it may have been executed.
    #[error("the connection was reclaimed by {}; {}", taker(*.reason), fate(*.sent))]
    Reclaimed {
        /// Why it was taken back.
        reason: CloseReason,
        /// Whether something of the command may have reached the server.
        sent: bool,
    },
    /// It cannot be sent that way, and was not: what gets no single reply has no place in a batch, and what changes or
    /// blocks the session none among other callers' commands.
    #[error("{0} needs a connection of its own; nothing was sent")]
    Misplaced(String),
    /// The connection is of no more use: the pool took it back, or an earlier command on it went wrong.
    #[error("this connection is closed ({}): release it and take another", .0.word())]
    Ended(CloseReason),
}

/// Who takes a connection back, as people know it.
fn taker(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Reset => "POOL RESET",
        CloseReason::Asked => "POOL CLOSE",
        _ => "the end of the pool",
    }
}

fn fate(sent: bool) -> &'static str {
    if sent { "the command may have been executed" } else { "the command was not sent" }
}

impl CommandError {
    /// Whether the time for a reply, or for a connection, ran out.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Checkout(CheckoutError::TimedOut(_)) => true,
            Self::Checkout(CheckoutError::Connect(error)) => error.kind() == net::ConnectErrorKind::Timeout,
            Self::NotSent(error) | Self::Unknown(error) => *error.kind() == IoErrorKind::Timeout,
            _ => false,
        }
    }

    /// The failure to get or keep a connection behind it, if that is what it is.
    pub fn connect_error(&self) -> Option<&ConnectError> {
        match self {
            Self::Checkout(CheckoutError::Connect(error)) => Some(error),
            _ => None,
        }
    }
}

/// A batch that was cut short. Commands of which nothing was sent, or the whole batch, are told by [`error`](Self::error).
#[derive(Clone, Debug, thiserror::Error)]
#[error("{error} (replies that came before: {})", .answered.len())]
pub struct PipelineError {
    /// The replies that came before, error replies among them: those of the first commands, in order.
    pub answered: Vec<Value>,
    /// Why the others have none. Where that is [`CommandError::Unknown`], each of them may have been executed.
    #[source]
    pub error: CommandError,
}

impl PipelineError {
    /// No command has a reply.
    pub(super) fn whole(error: impl Into<CommandError>) -> Self {
        Self { answered: Vec::new(), error: error.into() }
    }
}

impl From<PipelineError> for CommandError {
    fn from(error: PipelineError) -> Self {
        error.error
    }
}
