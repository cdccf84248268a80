//! The few commands that change a session, or do not get exactly one reply.

use crate::resp::Value;

/// What a (un)subscription is about, each counted on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Channel,
    Pattern,
    Shard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Answered by one confirmation for each topic named; `None` where UNSUBSCRIBE names none and means all.
    Topics {
        topic: Topic,
        on: bool,
        named: Option<u64>,
    },
    Multi,
    Exec,
    Discard,
    Watch,
    Unwatch,
    /// The database, where it is a number.
    Select(Option<u32>),
    Auth,
    /// HELLO, with the protocol it asks for and whether it authenticates.
    Hello {
        protocol: Option<u8>,
        auth: bool,
    },
    Reset,
    Quit,
    Monitor,
    RepliesOn,
    RepliesOff,
    RepliesSkip,
    Tracking(bool),
    NoEvict(bool),
    NoTouch(bool),
    /// SYNC and its kin: what follows is no RESP.
    Replication,
}

/// What is special about a command; `None` for nearly all, told by the length or first letter of the name.
#[inline]
pub(super) fn special<A: AsRef<[u8]>>(args: &[A]) -> Option<Special> {
    let name = args.first()?.as_ref();
    if name.len() < 4
        || !matches!(name[0] | 0x20, b'a' | b'c'..=b'e' | b'h' | b'm' | b'p'..=b's' | b'u' | b'w')
    {
        return None;
    }
    by_name(name, args)
}

fn by_name<A: AsRef<[u8]>>(name: &[u8], args: &[A]) -> Option<Special> {
    let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
    let topics = |topic, on: bool| {
        let named = args.len() as u64 - 1;
        Some(Special::Topics { topic, on, named: (on || named > 0).then_some(named.max(1)) })
    };
    let argument = |at: usize| args.get(at).map(AsRef::as_ref);
    match (name[0] | 0x20, name.len()) {
        (b'a', 4) if is("AUTH") => Some(Special::Auth),
        (b'c', 6) if is("CLIENT") => client(argument(1)?, argument(2)),
        (b'd', 7) if is("DISCARD") => Some(Special::Discard),
        (b'e', 4) if is("EXEC") => Some(Special::Exec),
        (b'h', 5) if is("HELLO") => Some(Special::Hello {
            protocol: argument(1).and_then(number).map(|number| number as u8),
            auth: args.iter().skip(2).any(|arg| arg.as_ref().eq_ignore_ascii_case(b"AUTH")),
        }),
        (b'm', 5) if is("MULTI") => Some(Special::Multi),
        (b'm', 7) if is("MONITOR") => Some(Special::Monitor),
        (b'p', 10) if is("PSUBSCRIBE") => topics(Topic::Pattern, true),
        (b'p', 12) if is("PUNSUBSCRIBE") => topics(Topic::Pattern, false),
        (b'p', 5) if is("PSYNC") => Some(Special::Replication),
        (b'q', 4) if is("QUIT") => Some(Special::Quit),
        (b'r', 5) if is("RESET") => Some(Special::Reset),
        (b'r', 8) if is("REPLCONF") => Some(Special::Replication),
        (b's', 4) if is("SYNC") => Some(Special::Replication),
        (b's', 6) if is("SELECT") => Some(Special::Select(argument(1).and_then(number))),
        (b's', 9) if is("SUBSCRIBE") => topics(Topic::Channel, true),
        (b's', 10) if is("SSUBSCRIBE") => topics(Topic::Shard, true),
        (b's', 12) if is("SUNSUBSCRIBE") => topics(Topic::Shard, false),
        (b'u', 7) if is("UNWATCH") => Some(Special::Unwatch),
        (b'u', 11) if is("UNSUBSCRIBE") => topics(Topic::Channel, false),
        (b'w', 5) if is("WATCH") => Some(Special::Watch),
        _ => None,
    }
}

fn client(subcommand: &[u8], argument: Option<&[u8]>) -> Option<Special> {
    let is = |word: &str| subcommand.eq_ignore_ascii_case(word.as_bytes());
    let argument_is = |word: &str| argument.is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()));
    let switch = if argument_is("on") {
        Some(true)
    } else if argument_is("off") {
        Some(false)
    } else {
        None
    };
    if is("REPLY") {
        return match switch {
            Some(true) => Some(Special::RepliesOn),
            Some(false) => Some(Special::RepliesOff),
            None => argument_is("skip").then_some(Special::RepliesSkip),
        };
    }
    if is("TRACKING") {
        return switch.map(Special::Tracking);
    }
    if is("NO-EVICT") {
        return switch.map(Special::NoEvict);
    }
    if is("NO-TOUCH") {
        return switch.map(Special::NoTouch);
    }
    None
}

/// Whether a command gets exactly one reply, whatever it does to the session: then the nth reply of many is the nth
/// command's. After MONITOR and its kin other lines follow.
pub(crate) fn has_one_reply<A: AsRef<[u8]>>(args: &[A]) -> bool {
    use Special as S;
    !args.is_empty()
        && !matches!(
            special(args),
            Some(
                S::Topics { .. }
                    | S::Monitor
                    | S::RepliesOn
                    | S::RepliesOff
                    | S::RepliesSkip
                    | S::Replication
                    | S::Quit
            )
        )
}

/// Whether a command gets exactly one reply and leaves the session as it was, so that others may send theirs on the
/// same connection at any time.
pub(crate) fn leaves_no_trace<A: AsRef<[u8]>>(args: &[A]) -> bool {
    !args.is_empty() && special(args).is_none()
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `subscribe NAME COUNT` and its kin.
pub(super) fn confirmation(items: &[Value]) -> Option<(Topic, bool, u64)> {
    let [kind, _, Value::Integer(count)] = items else { return None };
    let (topic, on) = match kind.text()? {
        b"subscribe" => (Topic::Channel, true),
        b"unsubscribe" => (Topic::Channel, false),
        b"psubscribe" => (Topic::Pattern, true),
        b"punsubscribe" => (Topic::Pattern, false),
        b"ssubscribe" => (Topic::Shard, true),
        b"sunsubscribe" => (Topic::Shard, false),
        _ => return None,
    };
    // A count is a number of names the server keeps: one beyond this is made up.
    Some((topic, on, u64::try_from(*count).ok()?.min(1 << 32)))
}

pub(super) fn is_message(items: &[Value]) -> bool {
    let kind = items.first().and_then(Value::text);
    kind.is_some_and(|kind| matches!(kind, b"message" | b"pmessage" | b"smessage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<Special> {
        special(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn knows_the_commands_that_are_special() {
        let topics = |topic, on, named| Some(Special::Topics { topic, on, named });
        let table = [
            ("GET a", None),
            ("SET a 1", None),
            ("SELECTED 1", None),
            ("CLIENT ID", None),
            ("CLIENT", None),
            ("CLIENT REPLY maybe", None),
            ("auth pw", Some(Special::Auth)),
            ("Client Reply off", Some(Special::RepliesOff)),
            ("CLIENT REPLY SKIP", Some(Special::RepliesSkip)),
            ("CLIENT REPLY ON", Some(Special::RepliesOn)),
            ("CLIENT TRACKING ON BCAST", Some(Special::Tracking(true))),
            ("CLIENT NO-EVICT off", Some(Special::NoEvict(false))),
            ("CLIENT NO-TOUCH on", Some(Special::NoTouch(true))),
            ("select 3", Some(Special::Select(Some(3)))),
            ("SELECT x", Some(Special::Select(None))),
            ("HELLO", Some(Special::Hello { protocol: None, auth: false })),
            ("HELLO 3 SETNAME x auth u p", Some(Special::Hello { protocol: Some(3), auth: true })),
            ("SUBSCRIBE a b c", topics(Topic::Channel, true, Some(3))),
            ("SUBSCRIBE", topics(Topic::Channel, true, Some(1))),
            ("unsubscribe", topics(Topic::Channel, false, None)),
            ("PUNSUBSCRIBE a*", topics(Topic::Pattern, false, Some(1))),
            ("ssubscribe a", topics(Topic::Shard, true, Some(1))),
            ("SUNSUBSCRIBE", topics(Topic::Shard, false, None)),
            ("PSUBSCRIBE a* b*", topics(Topic::Pattern, true, Some(2))),
            ("multi", Some(Special::Multi)),
            ("exec", Some(Special::Exec)),
            ("discard", Some(Special::Discard)),
            ("WATCH a", Some(Special::Watch)),
            ("unwatch", Some(Special::Unwatch)),
            ("RESET", Some(Special::Reset)),
            ("QUIT", Some(Special::Quit)),
            ("MONITOR", Some(Special::Monitor)),
            ("PSYNC ? -1", Some(Special::Replication)),
        ];
        for (line, expected) in table {
            assert_eq!(of(line), expected, "{line}");
        }
        assert_eq!(special::<&[u8]>(&[]), None);
    }

    #[test]
    fn knows_what_may_be_sent_in_a_batch_and_beside_others() {
        let both = |line: &str| {
            let args: Vec<_> = line.split(' ').collect();
            (has_one_reply(&args), leaves_no_trace(&args))
        };
        for line in ["GET a", "SET a 1", "CLIENT ID", "PING"] {
            assert_eq!(both(line), (true, true), "{line}");
        }
        for line in ["MULTI", "EXEC", "WATCH a", "SELECT 3", "AUTH pw", "CLIENT TRACKING ON", "RESET"] {
            assert_eq!(both(line), (true, false), "{line}");
        }
        for line in ["SUBSCRIBE a b", "unsubscribe", "MONITOR", "CLIENT REPLY OFF", "CLIENT REPLY ON", "SYNC"]
        {
            assert_eq!(both(line), (false, false), "{line}");
        }
        assert!(!has_one_reply::<&[u8]>(&[]) && !leaves_no_trace::<&[u8]>(&[]));
    }
}
