//! What running a line gives: outputs pushed to a front end's sink, and how it ended.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::event::ConnId;
use crate::resp::Value;
use crate::text;

/// One thing to show. Only replies are in another form than text; whoever shows one decides on style and escapes.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// The server's answer, errors included.
    Reply {
        /// The answer.
        value: Value,
        /// The command's text is made for people: it is shown as it is where others are shown with their types.
        verbatim: bool,
    },
    /// Ours, for people: lines that each end with a line feed, escaped already.
    Text(String),
    /// What went wrong on our side or on the way: one sentence, escaped already.
    Error(String),
    /// Something to know by the way: one sentence, and no part of the answer.
    Note(String),
    /// From here on replies come until somebody ends it.
    Streaming,
    /// Which connection the command took and what that cost.
    Took(Took),
    /// The screen is to be cleared.
    Clear,
}

/// What one command cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// The connection it ran on.
    pub conn: ConnId,
    /// From asking for it to having it, opening it included where there was none; nothing on a connection that was held already.
    pub wait: Option<Duration>,
    /// From sending to the reply.
    pub round_trip: Duration,
}

impl Output {
    /// Text that is made of one line or more.
    pub fn text(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Self::Text(text)
    }

    /// About how much memory it takes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Reply { value, .. } => weight(value),
            Self::Text(text) | Self::Error(text) | Self::Note(text) => text.len(),
            Self::Streaming | Self::Took(_) | Self::Clear => 0,
        }
    }

    /// A sentence about what went wrong, whatever is in it.
    pub fn error(sentence: &(impl ToString + ?Sized)) -> Self {
        Self::Error(text::escape_str(&sentence.to_string()).into_owned())
    }
}

fn weight(value: &Value) -> usize {
    let pairs = |pairs: &[(Value, Value)]| -> usize {
        pairs.iter().map(|(key, value)| weight(key) + weight(value)).sum()
    };
    let inside = match value {
        Value::Simple(bytes)
        | Value::Error(bytes)
        | Value::Bulk(bytes)
        | Value::Double(bytes)
        | Value::BigNumber(bytes)
        | Value::Verbatim { text: bytes, .. } => bytes.len(),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => items.iter().map(weight).sum(),
        Value::Map(map) => pairs(map),
        Value::Attribute { attributes, value } => pairs(attributes) + weight(value),
        Value::Integer(_) | Value::Nil | Value::Boolean(_) => 0,
    };
    inside + size_of::<Value>()
}

/// How running a line ended, mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Well.
    #[default]
    Done,
    /// A command was answered with an error, or could not be run.
    Failed,
    /// There is no connection to be had, or we are not let in.
    NoConnection,
    /// The program is to end.
    Quit,
}

/// Where outputs go. Its future ends when there is room for more, so that a stream of replies never outruns whoever
/// shows it; an error ends the command.
pub trait Sink: Send {
    /// Takes one output.
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>>;
}

/// A sink that keeps everything: for tests, and for callers who want the whole.
impl Sink for Vec<Output> {
    fn push(&mut self, output: Output) -> BoxFuture<'_, io::Result<()>> {
        Vec::push(self, output);
        Box::pin(std::future::ready(Ok(())))
    }
}
