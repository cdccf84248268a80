//! MONITOR beside a screen: what the screen itself asks the server once a second is left out, and that is said.

use std::net::SocketAddr;

use tokio::sync::watch;

use crate::resp::Value;
use crate::text;

/// Where somebody asks the server how it is from: `None` while that is nowhere, or a place that tells nobody apart, as
/// the path of a Unix socket.
pub type Asker = watch::Receiver<Option<SocketAddr>>;

/// A line of it has its time, the database, the address and the command's name in so many bytes.
const HEAD: usize = 128;

/// What is left out of one MONITOR.
pub(super) struct Monitor {
    asker: Asker,
    said: bool,
}

impl Monitor {
    pub(super) fn beside(asker: &Asker) -> Self {
        Self { asker: asker.clone(), said: false }
    }

    /// Whether a line of it tells of the screen's own question. Between the server and us an address may be translated,
    /// and ours may be somebody else's there: such a line is left out only where it asks the same.
    pub(super) fn asked(&self, line: &Value) -> bool {
        let (Some(from), Value::Simple(line)) = (*self.asker.borrow(), line) else { return false };
        let line = String::from_utf8_lossy(&line[..line.len().min(HEAD)]);
        let Some((_, told)) = line.split_once(" [") else { return false };
        let Some((_database, told)) = told.split_once(' ') else { return false };
        told.strip_prefix(&*from.to_string()).is_some_and(|asked| asked.starts_with("] \"INFO\" "))
    }

    /// What the person should know, once.
    pub(super) fn note(&mut self) -> Option<String> {
        if std::mem::replace(&mut self.said, true) {
            return None;
        }
        Some(match *self.asker.borrow() {
            Some(from) => {
                let from = text::escape_str(&from.to_string()).into_owned();
                format!("left out: the INFO that this screen itself sends, from {from}")
            }
            None => "the INFO that this screen itself sends is among these lines".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Value {
        Value::Simple(text.to_owned().into())
    }

    #[test]
    fn its_own_questions_are_left_out_and_nothing_else() {
        for from in ["127.0.0.1:40001", "[::1]:40001"] {
            let (_told, asker) = watch::channel(from.parse().ok());
            let monitor = Monitor::beside(&asker);
            let own = format!("1700000000.123456 [0 {from}] \"INFO\" \"CLIENTS\"");
            assert!(monitor.asked(&line(&own)), "{own}");
            for other in [
                own.replace("INFO", "GET"),
                own.replace("40001", "400011"),
                own.replace("40001", "4000"),
                format!("1700000000.1 [0 127.0.0.1:5] \"SET\" \" [0 {from}] \\\"INFO\\\" \""),
                format!("1700000000.1 [0 lua] \"GET\" \"[0 {from}] \""),
                "OK".to_owned(),
                String::new(),
            ] {
                assert!(!monitor.asked(&line(&other)), "{other}");
            }
        }
    }

    #[test]
    fn it_says_once_what_is_left_out_or_that_nothing_is() {
        let (told, asker) = watch::channel(None);
        let mut monitor = Monitor::beside(&asker);
        assert!(!monitor.asked(&line("1.1 [0 unix:/run/redis.sock] \"INFO\" \"CLIENTS\"")));
        assert!(monitor.note().is_some_and(|words| words.ends_with("is among these lines")));
        assert_eq!(monitor.note(), None);
        told.send_replace("127.0.0.1:40001".parse().ok());
        let note = Monitor::beside(&asker).note().expect("a note");
        assert!(note.starts_with("left out: ") && note.ends_with(" 127.0.0.1:40001"), "{note}");
    }
}
