//! Commands that a person should be asked about first: they lose data, stop the server, or hold everybody up.

use crate::text;

/// What to ask before a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it does and a question mark, in one or two sentences: to be followed by `[y/N]`.
    pub text: String,
    /// It is answered by typing this word, where that was wanted.
    pub word: Option<String>,
}

impl Question {
    /// What is said after the question: how it is answered.
    pub fn how(&self) -> String {
        self.word.as_ref().map_or_else(|| "[y/N] ".to_owned(), |word| format!("Type {word}: "))
    }

    /// Whether an answer is a yes.
    pub fn is_yes(&self, answer: &str) -> bool {
        match &self.word {
            Some(word) => answer.trim() == word,
            None => matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"),
        }
    }
}

/// Above this many keys, a command that looks at each of them is asked about.
pub const MANY_KEYS: u64 = 100_000;

/// Whether [`danger`] would like to know how many keys there are, so that nobody counts them for nothing.
pub fn wants_key_count<A: AsRef<[u8]>>(args: &[A]) -> bool {
    matches!(word(args, 0).as_str(), "KEYS" | "SAVE")
}

/// The question to ask before the command runs, if there is one. `keys` is how many keys the database has; where that is
/// not known, a command that looks at each is asked about.
pub fn danger<A: AsRef<[u8]>>(args: &[A], keys: Option<u64>) -> Option<Question> {
    let name = word(args, 0);
    let sub = word(args, 1);
    if sub == "HELP" {
        return None;
    }
    let what = match name.as_str() {
        "FLUSHALL" => "deletes every key of every database".to_owned(),
        "FLUSHDB" => "deletes every key of this database".to_owned(),
        "SHUTDOWN" if sub != "ABORT" => "stops the server".to_owned(),
        "KEYS" => slow("looks at", "holds up the server meanwhile; SCAN does not", keys)?,
        "SAVE" => slow("writes", "holds up the server until all is on disk; BGSAVE does not", keys)?,
        "SWAPDB" => "swaps two databases under every client".to_owned(),
        "REPLICAOF" | "SLAVEOF" if sub == "NO" => "makes this server a primary of its own".to_owned(),
        "REPLICAOF" | "SLAVEOF" => "replaces all data here by another server's".to_owned(),
        "FAILOVER" if sub != "ABORT" => "hands this server's role to a replica".to_owned(),
        "CLUSTER" | "SCRIPT" | "FUNCTION" | "CONFIG" | "CLIENT" | "DEBUG" | "ACL" | "MODULE" => {
            return subcommand(&name, &sub, args);
        }
        _ => return None,
    };
    Some(ask(&name, &what))
}

fn subcommand<A: AsRef<[u8]>>(name: &str, sub: &str, args: &[A]) -> Option<Question> {
    let what = match (name, sub) {
        ("CLUSTER", "RESET") => "makes this node forget its cluster, and its keys when it is a replica",
        ("CLUSTER", "FAILOVER") => "makes this replica take over from its primary",
        ("CLUSTER", "FORGET") => "removes a node from the cluster",
        ("CLUSTER", "DELSLOTS" | "DELSLOTSRANGE" | "FLUSHSLOTS") => "leaves slots that no node serves",
        ("SCRIPT", "FLUSH") => "drops every cached script",
        ("FUNCTION", "FLUSH") => "deletes every library of functions",
        ("FUNCTION", "RESTORE") if args.iter().any(|arg| is(arg, "FLUSH")) => {
            "deletes every library of functions"
        }
        ("CONFIG", "SET") => return setting(args),
        ("CLIENT", "KILL") if kills_many(args) => "can close many clients' connections, ours among them",
        ("CLIENT", "PAUSE") => "holds up every client",
        ("DEBUG", "SLEEP") => "holds up the server and every client",
        ("DEBUG", "SEGFAULT" | "PANIC" | "ASSERT" | "OOM" | "RESTART" | "CRASH-AND-RECOVER") => {
            "crashes the server"
        }
        ("DEBUG", "RELOAD" | "LOADAOF" | "FLUSHALL") => "drops what is in memory and loads what is on disk",
        ("DEBUG", "POPULATE") => "fills the database with keys",
        ("ACL", "DELUSER") => "deletes users and closes their connections",
        ("MODULE", "UNLOAD") => "takes commands away from every client",
        _ => return None,
    };
    Some(ask(&format!("{name} {sub}"), what))
}

fn ask(name: &str, what: &str) -> Question {
    Question { text: format!("{name} {what}. Run it?"), word: None }
}

/// The number stands first: it is what the answer depends on.
fn slow(does: &str, harm: &str, keys: Option<u64>) -> Option<String> {
    match keys {
        Some(keys) if keys <= MANY_KEYS => None,
        Some(keys) => Some(format!("{does} {} keys and {harm}", text::thousands(keys))),
        None => Some(format!("{does} every key, how many is not known, and {harm}")),
    }
}

/// Settings whose change loses data, or shuts clients out.
fn setting<A: AsRef<[u8]>>(args: &[A]) -> Option<Question> {
    let what = args.iter().skip(2).step_by(2).find_map(|name| {
        let what = match String::from_utf8_lossy(name.as_ref()).to_ascii_lowercase().as_str() {
            "maxmemory" | "maxmemory-policy" => "can make the server throw keys away",
            "save" | "appendonly" | "dir" | "dbfilename" => "changes what is kept on disk",
            "requirepass" | "bind" | "port" | "protected-mode" | "tls-port" => "can shut clients out",
            _ => return None,
        };
        Some((String::from_utf8_lossy(name.as_ref()).to_ascii_lowercase(), what))
    });
    what.map(|(name, what)| ask(&format!("CONFIG SET {name}"), what))
}

/// `CLIENT KILL` closes one connection when it names an address or an id; any other filter can fit many.
fn kills_many<A: AsRef<[u8]>>(args: &[A]) -> bool {
    let filters = args.get(2..).unwrap_or_default();
    let one =
        filters.len() == 1 || filters.chunks(2).any(|filter| is(&filter[0], "ID") || is(&filter[0], "ADDR"));
    !one && !filters.is_empty()
}

fn word<A: AsRef<[u8]>>(args: &[A], at: usize) -> String {
    args.get(at).map(|arg| String::from_utf8_lossy(arg.as_ref()).to_ascii_uppercase()).unwrap_or_default()
}

fn is<A: AsRef<[u8]>>(arg: &A, word: &str) -> bool {
    arg.as_ref().eq_ignore_ascii_case(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str, keys: Option<u64>) -> Option<String> {
        danger(&line.split(' ').collect::<Vec<_>>(), keys).map(|question| question.text)
    }

    #[test]
    fn a_word_is_typed_as_it_is() {
        let asked = danger(&["FLUSHALL"], None).expect("a question");
        assert_eq!(asked.how(), "[y/N] ");
        assert!(
            asked.is_yes(" Y ") && asked.is_yes("yes") && !asked.is_yes("") && !asked.is_yes("production")
        );
        let typed = Question { word: Some("production".to_owned()), ..asked };
        assert_eq!(typed.how(), "Type production: ");
        assert!(typed.is_yes("production ") && !typed.is_yes("y") && !typed.is_yes("Production"));
    }

    #[test]
    fn asks_before_what_cannot_be_undone() {
        assert_eq!(
            asked("flushall", Some(0)).as_deref(),
            Some("FLUSHALL deletes every key of every database. Run it?")
        );
        for line in [
            "FLUSHDB async",
            "shutdown nosave",
            "swapdb 0 1",
            "replicaof h 1",
            "slaveof no one",
            "cluster reset hard",
            "script flush",
            "function flush",
            "function restore x FLUSH",
            "debug sleep 5",
            "DEBUG SEGFAULT",
            "client kill type normal",
            "client kill user bob skipme no",
            "client pause 1000",
            "config set maxmemory 1",
            "config set timeout 5 save x",
            "acl deluser bob",
            "module unload x",
            "failover",
            "cluster failover",
        ] {
            let question = asked(line, Some(0)).unwrap_or_else(|| panic!("{line}"));
            assert!(question.ends_with(". Run it?"), "{question}");
        }
    }

    #[test]
    fn does_not_ask_for_what_harms_nobody() {
        for line in [
            "get a",
            "",
            "del a",
            "shutdown abort",
            "debug object a",
            "client kill id 5",
            "client kill 1.2.3.4:5",
            "client kill addr 1.2.3.4:5 type normal",
            "config get *",
            "config set timeout 5",
            "config set maxclients 9",
            "config help",
            "script load x",
            "cluster info",
            "scan 0",
            "failover abort",
            "client list",
        ] {
            assert_eq!(asked(line, Some(u64::MAX)), None, "{line}");
        }
    }

    #[test]
    fn keys_is_a_question_of_how_many_there_are() {
        assert!(wants_key_count(&["keys", "*"]) && !wants_key_count(&["get", "keys"]));
        assert_eq!(asked("keys *", Some(MANY_KEYS)), None);
        assert!(asked("keys *", Some(MANY_KEYS + 1)).unwrap().starts_with("KEYS looks at 100,001 keys and "));
        assert!(asked("keys *", None).unwrap().contains("not known"));
    }
}
