//! Why the program ends early, and the exit codes: fixed, since scripts rely on them.

use std::io;

use crate::net::ConnectError;

/// How a run ended, as the shell that started it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Fine,
    /// A command was answered with an error, or not run because nobody could be asked.
    Failed,
    /// The command line or a setting is wrong.
    Usage,
    /// No connection, or not authorised.
    NoConnection,
    /// The run was judged: connections have leaked, or a lint holds that was to fail it.
    Judged,
    /// Ended by this signal, Ctrl-C among them.
    Signal(u8),
    /// As the command that was run ended.
    Child(u8),
    /// Whoever read our output went away: as a program that SIGPIPE ended.
    OutputClosed,
}

impl Exit {
    /// Ended by Ctrl-C.
    pub const INTERRUPTED: Self = Self::Signal(2);
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NoConnection => 3,
            Exit::Judged => 4,
            // As shells number what a signal ended: 128 and the signal.
            Exit::Signal(number) => 128 + (number & 0x7f),
            Exit::Child(code) => code,
            Exit::OutputClosed => 141,
        })
    }
}

/// Why the program ends early: one sentence, with the fix where there is one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, a variable or a URL is wrong.
    #[error("{0}")]
    Usage(String),
    /// The server cannot be reached or does not let us in.
    #[error("{error}{}", hint.unwrap_or_default())]
    Connect {
        /// What went wrong.
        error: ConnectError,
        /// What else to try, where nobody named a server.
        hint: Option<&'static str>,
    },
    /// Reading input or writing output failed.
    #[error("{what}: {error}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}

impl Error {
    /// The error of a failed read or write.
    pub fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, error }
    }

    /// The exit code it stands for.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Connect { .. } => Exit::NoConnection,
            Self::Io { error, .. } if error.kind() == io::ErrorKind::BrokenPipe => Exit::OutputClosed,
            Self::Io { .. } => Exit::Failed,
        }
    }
}
