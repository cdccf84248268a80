//! One round of questions, all written at once: a server answers them in one go, so that they agree with each other.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::super::asking::{RAW_BYTES, Silence, info_text};
use super::Poller;
use super::look::Listed;
use super::refusals::Asked;
use crate::event::{NodeConfig, Stamp, WatchEvent};
use crate::net::{Connection, IoError};
use crate::resp::Value;
use crate::text;

/// `commandstats` has a line for each command that was ever used.
const COMMANDSTATS_BYTES: usize = 1 << 20;

/// How many times longer than other answers CLIENT LIST may take.
const LIST_TIMES: u32 = 5;

/// The whole of an answer may take so many times what may pass without a byte of it.
const WHOLE: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Server,
    Clients,
    Stats,
    Timeout,
    Keepalive,
    /// `commandstats` before the list, and after it.
    Before,
    List,
    After,
}

impl Question {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["INFO", "SERVER"],
            Self::Clients => &["INFO", "CLIENTS"],
            Self::Stats => &["INFO", "STATS"],
            Self::Timeout => &["CONFIG", "GET", "timeout"],
            Self::Keepalive => &["CONFIG", "GET", "tcp-keepalive"],
            Self::Before | Self::After => &["INFO", "COMMANDSTATS"],
            Self::List => &["CLIENT", "LIST"],
        }
    }

    fn asked(self) -> Asked {
        match self {
            Self::Timeout | Self::Keepalive => Asked::Config,
            Self::List => Asked::List,
            _ => Asked::Info,
        }
    }
}

/// What the answers of a round have said so far.
struct Heard {
    asked: Instant,
    info: String,
    info_took: Option<Duration>,
    config: NodeConfig,
    /// `total_connections_received`.
    total: Option<u64>,
    list: Option<(Bytes, Duration, Stamp)>,
    cost: Option<Duration>,
}

impl Poller {
    /// Asks what is due. Gives the time from this look to the next one.
    pub(super) async fn round(
        &mut self,
        connection: &mut Connection,
        look: bool,
        first: bool,
    ) -> Result<Duration, Silence> {
        let questions = self.questions(look, first);
        let Some(begins) = questions.first() else { return Ok(self.until_allowed()) };
        let mut heard = Heard {
            asked: Instant::now(),
            info: String::new(),
            info_took: None,
            config: NodeConfig::default(),
            total: None,
            list: None,
            cost: None,
        };
        for question in &questions {
            connection.send(question.words());
        }
        connection.set_socket_timeout(Some(self.answer));
        connection.flush().await.map_err(|error| self.unanswered(&error, *begins))?;
        for (at, question) in questions.iter().enumerate() {
            let answer = self.answer_to(connection, *question).await?;
            self.hear(*question, answer, &mut heard);
            let told = [Question::Server, Question::Clients, Question::Stats].contains(question);
            let more =
                questions.get(at + 1).is_some_and(|next| [Question::Clients, Question::Stats].contains(next));
            if told && !more {
                self.tell_info(&mut heard);
            }
        }
        if questions.contains(&Question::Keepalive) && heard.config != NodeConfig::default() {
            self.say.say(WatchEvent::Config(heard.config));
        }
        let Some((raw, took, at)) = heard.list else { return Ok(self.until_allowed()) };
        let listed = Listed { raw, took, at, total: heard.total, cost: heard.cost };
        Ok(self.looking.take(listed, &self.say, &self.own, &mut self.owners).await)
    }

    fn questions(&self, look: bool, first: bool) -> Vec<Question> {
        use Question as Q;
        let now = Instant::now();
        let info = self.refusals.may(Asked::Info, now);
        let list = look && self.refusals.may(Asked::List, now);
        let wanted = [
            (Q::Server, info && first),
            (Q::Clients, info),
            (Q::Stats, info),
            (Q::Timeout, first),
            (Q::Keepalive, first),
            (Q::Before, info && first && list),
            (Q::List, list),
            (Q::After, info && list),
        ];
        wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(question, _)| question).collect()
    }

    async fn answer_to(&self, connection: &mut Connection, question: Question) -> Result<Value, Silence> {
        connection.set_socket_timeout(Some(self.limit(question)));
        let answer = async {
            loop {
                match connection.receive().await {
                    Ok(Value::Push(_)) => {}
                    Ok(value) => return Ok(value),
                    Err(error) => return Err(self.unanswered(&error, question)),
                }
            }
        };
        // One that comes byte by byte, or behind pushes without an end, is none either.
        let whole = self.limit(question).saturating_mul(WHOLE);
        let Ok(answered) = tokio::time::timeout(whole, answer).await else {
            let (question, whole) = (question.asked().command(), text::duration(whole));
            return Err(Silence::broken(
                &self.options,
                format_args!("no whole answer to {question} in {whole}"),
            ));
        };
        answered
    }

    fn unanswered(&self, error: &IoError, question: Question) -> Silence {
        Silence::unanswered(&self.options, error, question.asked().command(), self.limit(question))
    }

    /// How long an answer may take.
    fn limit(&self, question: Question) -> Duration {
        if question == Question::List { self.answer.saturating_mul(LIST_TIMES) } else { self.answer }
    }

    fn hear(&mut self, question: Question, answer: Value, heard: &mut Heard) {
        let took = heard.asked.elapsed();
        let answer = match question {
            Question::List => match list_bytes(answer) {
                Ok(raw) => {
                    heard.list = Some((raw, took, self.say.now()));
                    Ok(())
                }
                Err(answer) => Err(answer),
            },
            Question::Timeout => setting(answer).map(|seconds| heard.config.timeout = seconds),
            Question::Keepalive => setting(answer).map(|seconds| heard.config.tcp_keepalive = seconds),
            Question::Before | Question::After => {
                info_text(answer, COMMANDSTATS_BYTES).map(|text| heard.cost = self.looking.tell_cost(&text))
            }
            Question::Server | Question::Clients | Question::Stats => {
                heard.info_took.get_or_insert(took);
                info_text(answer, RAW_BYTES).map(|text| {
                    if question == Question::Stats {
                        heard.total = field(&text, "total_connections_received");
                    }
                    if let Some(pid) = field(&text, "process_id") {
                        self.owners.server_is(pid);
                    }
                    heard.info.push_str(&text);
                })
            }
        };
        self.judge(question.asked(), answer);
    }

    /// Says what was refused, and what no longer is.
    fn judge(&mut self, asked: Asked, answer: Result<(), Value>) {
        match answer {
            Ok(()) => {
                if self.refusals.allowed(asked) {
                    self.say.say(WatchEvent::Allowed { command: asked.command().to_owned() });
                }
            }
            Err(answer) => {
                if let Some(refused) = self.refusals.refused(asked, &answer, Instant::now()) {
                    self.say.say(WatchEvent::Refused(refused));
                }
            }
        }
    }

    fn tell_info(&mut self, heard: &mut Heard) {
        let raw = std::mem::take(&mut heard.info);
        if raw.is_empty() {
            return;
        }
        let took = heard.info_took.unwrap_or_default();
        self.looking.answered(took);
        self.say.say(WatchEvent::Info { raw: raw.into(), took });
    }

    /// How long until CLIENT LIST is tried again.
    fn until_allowed(&self) -> Duration {
        let again = self.refusals.again(Asked::List);
        again.map_or(super::INTERVAL, |again| again.saturating_duration_since(Instant::now()))
    }
}

/// The bytes of a list, or what came in its place.
fn list_bytes(answer: Value) -> Result<Bytes, Value> {
    let mut bare = answer;
    while let Value::Attribute { value, .. } = bare {
        bare = *value;
    }
    match bare {
        Value::Bulk(raw) | Value::Verbatim { text: raw, .. } => Ok(raw),
        other => Err(other),
    }
}

/// The number in the answer to CONFIG GET; `None` of a setting that the server does not have.
fn setting(answer: Value) -> Result<Option<u64>, Value> {
    if answer.error().is_some() {
        return Err(answer);
    }
    let value = answer.pairs().next().and_then(|(_, value)| std::str::from_utf8(value.text()?).ok());
    Ok(value.and_then(|value| value.parse().ok()))
}

/// A number of an INFO.
fn field<T: FromStr>(info: &str, name: &str) -> Option<T> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim_end().parse().ok()
}
