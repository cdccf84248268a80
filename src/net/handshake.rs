//! The greeting: who we are, which protocol, which database, in one write and one round trip where the server is new
//! enough, and what a server's refusal means.

use std::future::poll_fn;

use super::address::is_client_name;
use super::{
    ConnectError, ConnectErrorKind, ConnectOptions, Connection, IoError, IoErrorKind, Protocol, refusal,
};
use crate::resp::Value;

/// The longest that a name or version from a server is kept, in characters.
const WORD: usize = 64;

/// What a server said of itself. The words are as it sent them, only shortened: escape them before showing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    /// `redis` or `valkey`, where the server knows HELLO.
    pub server: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The protocol agreed on.
    pub protocol: Protocol,
    /// Our client id there.
    pub id: Option<u64>,
    /// `standalone`, `cluster` or `sentinel`.
    pub mode: Option<String>,
    /// `master` or `replica`.
    pub role: Option<String>,
}

/// How a HELLO ended.
enum Hello {
    Done(Greeting),
    /// The server does not speak this protocol.
    NoProtocol,
    /// The server does not know the command.
    Unknown,
}

/// Greets the server at the other end.
pub(super) async fn greet(
    connection: &mut Connection,
    options: &ConnectOptions,
) -> Result<Greeting, ConnectError> {
    if options.client_name.as_deref().is_some_and(|name| !is_client_name(name)) {
        let message = "a client name is printable ASCII without spaces, for example worker-1";
        return Err(ConnectError::new(ConnectErrorKind::Options, message));
    }
    let mut talk = Talk { connection, options };
    let mut hello = talk.hello(options.protocol).await?;
    if let (Hello::NoProtocol, Protocol::Resp3) = (&hello, options.protocol) {
        hello = talk.hello(Protocol::Resp2).await?;
    }
    match hello {
        Hello::Done(greeting) => Ok(greeting),
        Hello::NoProtocol | Hello::Unknown => talk.without_hello().await,
    }
}

struct Talk<'a> {
    connection: &'a mut Connection,
    options: &'a ConnectOptions,
}

impl Talk<'_> {
    async fn hello(&mut self, protocol: Protocol) -> Result<Hello, ConnectError> {
        let number = protocol.number().to_string();
        let mut hello: Vec<&[u8]> = vec![b"HELLO", number.as_bytes()];
        if let Some(password) = &self.options.password {
            hello.extend([b"AUTH", self.options.user_or_default().as_bytes(), password.expose()]);
        }
        if let Some(name) = &self.options.client_name {
            hello.extend([&b"SETNAME"[..], name.as_bytes()]);
        }
        self.connection.send(&hello);
        // Servers before 7.2 know no SETINFO, and users may be barred from it: its replies are not looked at.
        self.connection.send(&["CLIENT", "SETINFO", "LIB-NAME", env!("CARGO_PKG_NAME")]);
        self.connection.send(&["CLIENT", "SETINFO", "LIB-VER", env!("CARGO_PKG_VERSION")]);
        let selects = self.select();
        let greeted = self.first_reply().await?;
        let done = match &greeted {
            Value::Error(text) if text.starts_with(b"NOPROTO") => Hello::NoProtocol,
            Value::Error(text) if is_unknown_command(text) => Hello::Unknown,
            Value::Error(text) => return Err(refusal::explain(text, self.options)),
            value => Hello::Done(greeting(value).ok_or_else(|| self.not_redis("HELLO", value))?),
        };
        self.reply().await?;
        self.reply().await?;
        if selects {
            let selected = self.reply().await?;
            if let (Hello::Done(_), Value::Error(text)) = (&done, &selected) {
                return Err(refusal::explain(text, self.options));
            }
        }
        Ok(done)
    }

    /// For servers before 6: the same with the commands of old.
    async fn without_hello(&mut self) -> Result<Greeting, ConnectError> {
        let authenticates = self.options.password.is_some();
        if let Some(password) = &self.options.password {
            match self.options.user.as_deref() {
                None | Some("default") => self.connection.send(&[b"AUTH", password.expose()]),
                Some(user) => self.connection.send(&[b"AUTH", user.as_bytes(), password.expose()]),
            }
        }
        self.connection.send(&["CLIENT", "ID"]);
        if let Some(name) = &self.options.client_name {
            self.connection.send(&["CLIENT", "SETNAME", name]);
        }
        let selects = self.select();
        self.flush().await?;

        if authenticates
            && let Value::Error(text) = self.reply().await?
            && !text.starts_with(b"ERR Client sent AUTH, but no password is set")
        {
            return Err(refusal::explain(&text, self.options));
        }
        let id = match self.reply().await? {
            Value::Integer(id) => u64::try_from(id).ok(),
            Value::Error(text) if is_unknown_command(&text) || text.starts_with(b"ERR") => None,
            Value::Error(text) => return Err(refusal::explain(&text, self.options)),
            other => return Err(self.not_redis("CLIENT ID", &other)),
        };
        for asked in [self.options.client_name.is_some(), selects] {
            if asked && let Value::Error(text) = self.reply().await? {
                return Err(refusal::explain(&text, self.options));
            }
        }
        Ok(Greeting { id, ..Greeting::default() })
    }

    fn select(&mut self) -> bool {
        let selects = self.options.database != 0;
        if selects {
            self.connection.send(&["SELECT", &self.options.database.to_string()]);
        }
        selects
    }

    async fn flush(&mut self) -> Result<(), ConnectError> {
        let flushed = self.connection.flush().await;
        flushed.map_err(|error| self.broken(&error))
    }

    /// The reply to the first command. A server that takes no more clients says so and closes without reading, so what
    /// it said counts even where our write failed.
    async fn first_reply(&mut self) -> Result<Value, ConnectError> {
        let Err(error) = self.connection.flush().await else { return self.reply().await };
        match poll_fn(|cx| self.connection.poll_value(cx)).await {
            Ok((said @ Value::Error(_), _)) => Ok(said),
            _ => Err(self.broken(&error)),
        }
    }

    async fn reply(&mut self) -> Result<Value, ConnectError> {
        loop {
            match self.connection.receive().await {
                Ok(Value::Push(_)) => {}
                Ok(value) => return Ok(value),
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    fn broken(&self, error: &IoError) -> ConnectError {
        let target = self.options.target();
        match error.kind() {
            IoErrorKind::Protocol(why) => {
                refusal::not_resp(self.options, self.connection.undecoded(), Some(why))
            }
            IoErrorKind::Unexpected => refusal::not_resp(self.options, self.connection.undecoded(), None),
            IoErrorKind::Tls(why) => {
                ConnectError::new(ConnectErrorKind::Tls, format!("no TLS with {target}: {why}"))
            }
            IoErrorKind::Closed | IoErrorKind::Reset if self.connection.bytes_in() == 0 => ConnectError::new(
                ConnectErrorKind::Closed,
                format!(
                    "{target} closed the connection without an answer; if it speaks TLS there, use rediss:// or --tls"
                ),
            ),
            _ => ConnectError::new(
                ConnectErrorKind::Closed,
                format!("{target} broke off while it was greeted: {error}"),
            ),
        }
    }

    fn not_redis(&self, asked: &str, answer: &Value) -> ConnectError {
        let kind = match answer {
            Value::Simple(_) => "a status",
            Value::Integer(_) => "a number",
            Value::Bulk(_) => "a string",
            Value::Nil => "nothing",
            _ => "something else",
        };
        let message = format!("{} is no Redis server: it answers {asked} with {kind}", self.options.target());
        ConnectError::new(ConnectErrorKind::NotRedis, message)
    }
}

fn is_unknown_command(text: &[u8]) -> bool {
    text.to_ascii_lowercase().windows(15).any(|part| part == b"unknown command")
}

/// HELLO's answer: a map, or its pairs in one array where the protocol knows no maps.
fn greeting(value: &Value) -> Option<Greeting> {
    let mut greeting = Greeting::default();
    let mut protocol = None;
    for (key, value) in value.pairs() {
        match word(key)?.as_str() {
            "server" => greeting.server = word(value),
            "version" => greeting.version = word(value),
            "mode" => greeting.mode = word(value),
            "role" => greeting.role = word(value),
            "id" => greeting.id = number(value),
            "proto" => protocol = number(value),
            _ => {}
        }
    }
    greeting.protocol = match protocol? {
        2 => Protocol::Resp2,
        3 => Protocol::Resp3,
        _ => return None,
    };
    Some(greeting)
}

fn word(value: &Value) -> Option<String> {
    Some(String::from_utf8_lossy(value.text()?).chars().take(WORD).collect())
}

fn number(value: &Value) -> Option<u64> {
    u64::try_from(value.integer()?).ok()
}
