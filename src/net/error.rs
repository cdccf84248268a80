//! What goes wrong between us and a server, one clear sentence each.

use std::fmt;
use std::io;

use super::tls;

/// Why a connection could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectErrorKind {
    /// Nothing listens there.
    Refused,
    /// No such name, no route, no such socket file, or no right to use it.
    Unreachable,
    /// The connect timeout ran out.
    Timeout,
    /// It closed the connection before it had answered.
    Closed,
    /// What answers is no Redis server.
    NotRedis,
    /// The user or the password is wrong.
    WrongPass,
    /// The server wants a password and none was given.
    NoAuth,
    /// The user may not do what greeting needs.
    NoPerm,
    /// The server is in protected mode and takes no connection from here.
    Protected,
    /// TLS could not be agreed on.
    Tls,
    /// The server has as many clients as it takes.
    MaxClients,
    /// The server is loading its data.
    Loading,
    /// The server is a replica that lost its master.
    MasterDown,
    /// This process has no file descriptor, port or memory left for another socket.
    Exhausted,
    /// The options contradict each other or name a file that cannot be used.
    Options,
    /// Anything else.
    Other,
}

/// A connection could not be opened: what kind of failure, and the sentence to show. Clones are cheap enough to tell
/// every caller who waited for that connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    message: String,
}

impl ConnectError {
    /// An error of a kind, with its sentence.
    pub fn new(kind: ConnectErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// Whether the same attempt may go well a little later.
    pub fn is_retryable(&self) -> bool {
        use ConnectErrorKind as K;
        matches!(
            self.kind,
            K::Refused
                | K::Unreachable
                | K::Timeout
                | K::Closed
                | K::MaxClients
                | K::Loading
                | K::MasterDown
                | K::Exhausted
        )
    }

    /// Whether it is about who we are: trying again with the same user and password only fills the server's log.
    pub fn is_auth(&self) -> bool {
        use ConnectErrorKind as K;
        matches!(self.kind, K::WrongPass | K::NoAuth | K::NoPerm | K::Protected)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConnectError {}

/// What broke on an open connection. After any but [`IoErrorKind::Busy`] and [`IoErrorKind::NoReply`] the connection
/// is of no more use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IoErrorKind {
    /// No answer, or no room to write, within the socket timeout. A late reply may still come.
    Timeout,
    /// The server closed the connection.
    Closed,
    /// The connection was reset.
    Reset,
    /// The server sent something that is not RESP, or over the caps.
    Protocol(String),
    /// A reply came that no command asked for, so which reply belongs to which command is no longer known.
    Unexpected,
    /// A reply is still owed to an earlier command: this one was not sent, lest it take the other's answer.
    Busy,
    /// The command was sent, and the server answers it with nothing: `CLIENT REPLY OFF` or `SKIP`.
    NoReply,
    /// TLS failed on the open connection.
    Tls(String),
    /// Another failure of the operating system.
    Io(io::ErrorKind, String),
}

impl From<&io::Error> for IoErrorKind {
    fn from(error: &io::Error) -> Self {
        if let Some(why) = tls::explain(error) {
            return Self::Tls(why);
        }
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Reset
            }
            io::ErrorKind::UnexpectedEof => Self::Closed,
            kind => Self::Io(kind, error.to_string()),
        }
    }
}

/// A command or a read failed on an open connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IoError {
    kind: IoErrorKind,
    sent: bool,
}

impl IoError {
    pub(crate) fn new(kind: IoErrorKind, sent: bool) -> Self {
        Self { kind, sent }
    }

    /// What broke.
    pub fn kind(&self) -> &IoErrorKind {
        &self.kind
    }

    /// Whether bytes of a command not yet answered may have reached the server. Where `false`, sending it again on
    /// another connection cannot run it twice.
    pub fn sent(&self) -> bool {
        self.sent
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            IoErrorKind::Timeout => f.write_str("the server did not answer within the socket timeout"),
            IoErrorKind::Closed => f.write_str("the server closed the connection"),
            IoErrorKind::Reset => f.write_str("the connection was reset"),
            IoErrorKind::Protocol(error) => write!(f, "the server broke the protocol: {error}"),
            IoErrorKind::Unexpected => f.write_str("the server sent a reply that no command asked for"),
            IoErrorKind::Busy => {
                f.write_str("an earlier command on this connection still waits for its reply")
            }
            IoErrorKind::NoReply => f.write_str("the server sends no reply to this command"),
            IoErrorKind::Tls(why) => write!(f, "TLS failed: {why}"),
            IoErrorKind::Io(_, text) => f.write_str(text),
        }
    }
}

impl std::error::Error for IoError {}
