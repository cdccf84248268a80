//! Commands that a person should be asked about first: they lose data, stop the server, or hold everybody up.

use super::script::{self, Seen};
use crate::text;

/// Which they are, for people.
pub const ASKED: &str = "FLUSHALL, FLUSHDB, SWAPDB, SHUTDOWN, FAILOVER, REPLICAOF; KEYS and SAVE with many keys; what \
                         loses data, shuts clients out or holds them up of ACL, CLIENT, CLUSTER, CONFIG, DEBUG, FUNCTION, \
                         MODULE and SCRIPT; and scripts that call one of these";

/// And which besides, where a word is to be typed.
pub const ASKED_TYPED: &str = "KEYS and SAVE with any number of keys, POOL RESET, LAB, and scripts that may call what \
                               they do not name: EVALSHA and FCALL";

/// What they might be taken for and are not.
pub const NOT_ASKED: &str =
    "DEL, UNLINK, GETDEL, LTRIM and their like are everyday commands, and run unasked";

/// What to ask before a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the command does: a sentence without its end.
    pub what: String,
    /// It is answered by typing this word, where that was wanted.
    pub word: Option<String>,
}

impl Question {
    /// It in full, to be followed by [`how`](Self::how).
    pub fn text(&self) -> String {
        format!("{}. Run it?", self.what)
    }

    /// All that is said: the question, and how it is answered.
    pub fn words(&self) -> String {
        format!("{} {}", self.text(), self.how())
    }

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

    /// What is said after an answer that is no yes.
    pub fn declined(&self, answer: &str) -> String {
        let answer = answer.trim();
        match self.word {
            Some(_) if !answer.is_empty() => format!("not run: {answer:?} is not the profile's name"),
            _ => "not run".to_owned(),
        }
    }

    /// What is said where nobody can be asked.
    pub fn refusal(&self) -> String {
        let who = self.word.as_ref().map_or_else(String::new, |word| format!(" for {word}"));
        format!("not run: {}, and nobody can be asked here{who}: --yes runs it unasked", self.what)
    }

    /// Why the command does not run after this answer, if it does not; no answer is that of nobody.
    pub fn verdict(&self, answer: Option<&str>) -> Option<String> {
        match answer {
            None => Some(self.refusal()),
            Some(answer) if self.is_yes(answer) => None,
            Some(answer) => Some(self.declined(answer)),
        }
    }
}

/// How much a person wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// About what cannot be undone.
    Usual,
    /// About what holds up the server too, however short, and what nobody can see through.
    Typed,
}

/// Above this many keys, a command that looks at each of them is asked about.
pub const MANY_KEYS: u64 = 100_000;

/// Whether [`danger`] would like to know how many keys there are, so that nobody counts them for nothing.
pub fn wants_key_count<A: AsRef<[u8]>>(args: &[A]) -> bool {
    matches!(word(args, 0).as_str(), "KEYS" | "SAVE")
}

/// The question to ask before the command runs, if there is one. `keys` is how many keys the database has; where that is
/// not known, a command that looks at each is asked about.
pub fn danger<A: AsRef<[u8]>>(args: &[A], keys: Option<u64>, care: Care) -> Option<Question> {
    what(args, keys, care).map(|what| Question { what, word: None })
}

fn what<A: AsRef<[u8]>>(args: &[A], keys: Option<u64>, care: Care) -> Option<String> {
    let name = word(args, 0);
    let sub = word(args, 1);
    if sub == "HELP" {
        return None;
    }
    let what = match name.as_str() {
        "FLUSHALL" => "deletes every key of every database".to_owned(),
        "FLUSHDB" => "deletes every key of this database".to_owned(),
        "SHUTDOWN" if sub != "ABORT" => "stops the server".to_owned(),
        "KEYS" => slow("looks at", "holds up the server meanwhile; SCAN does not", keys, care)?,
        "SAVE" => slow("writes", "holds up the server until all is on disk; BGSAVE does not", keys, care)?,
        "EVAL" | "EVAL_RO" => return in_script(&name, args, care),
        "EVALSHA" | "EVALSHA_RO" | "FCALL" | "FCALL_RO" if care == Care::Typed => OPAQUE.to_owned(),
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

fn subcommand<A: AsRef<[u8]>>(name: &str, sub: &str, args: &[A]) -> Option<String> {
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

fn ask(name: &str, what: &str) -> String {
    format!("{name} {what}")
}

/// What is said of a script that may call anything.
const OPAQUE: &str = "runs a script that may do what its text does not tell";

/// A script is as dangerous as what it calls. How many keys there are is nothing to ask of one: it is over at once, or
/// the server is held up by the script and not by its command.
fn in_script<A: AsRef<[u8]>>(name: &str, args: &[A], care: Care) -> Option<String> {
    let script = args.get(1)?;
    let Seen::Calls(calls) = script::look(script.as_ref()) else {
        return (care == Care::Typed).then(|| ask(name, OPAQUE));
    };
    let keys = if care == Care::Typed { None } else { Some(0) };
    calls.iter().find_map(|call| {
        let found = what(call, keys, care);
        // The rest of the words is not written out.
        let hidden = care == Care::Typed && call.len() == 1 && is_container(&call[0]);
        found
            .or_else(|| hidden.then(|| format!("what {} does is not written out", word(call, 0))))
            .map(|what| format!("{name} runs a script: {what}"))
    })
}

fn is_container(name: &[u8]) -> bool {
    ["CLUSTER", "SCRIPT", "FUNCTION", "CONFIG", "CLIENT", "DEBUG", "ACL", "MODULE"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word.as_bytes()))
}

/// The number stands first: it is what the answer depends on.
fn slow(does: &str, harm: &str, keys: Option<u64>, care: Care) -> Option<String> {
    match keys {
        Some(keys) if keys <= MANY_KEYS && care == Care::Usual => None,
        Some(1) => Some(format!("{does} 1 key and {harm}")),
        Some(keys) => Some(format!("{does} {} keys and {harm}", text::thousands(keys))),
        None => Some(format!("{does} every key, how many is not known, and {harm}")),
    }
}

/// Settings whose change loses data, or shuts clients out.
fn setting<A: AsRef<[u8]>>(args: &[A]) -> Option<String> {
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
        danger(&line.split(' ').collect::<Vec<_>>(), keys, Care::Usual).map(|question| question.text())
    }

    fn asked_typed(args: &[&str]) -> Option<String> {
        danger(args, Some(2), Care::Typed).map(|question| question.what)
    }

    #[test]
    fn a_word_is_typed_as_it_is() {
        let asked = danger(&["FLUSHALL"], None, Care::Usual).expect("a question");
        assert_eq!(asked.how(), "[y/N] ");
        assert!(
            asked.is_yes(" Y ") && asked.is_yes("yes") && !asked.is_yes("") && !asked.is_yes("production")
        );
        let typed = Question { word: Some("production".to_owned()), ..asked };
        assert_eq!(typed.how(), "Type production: ");
        assert!(typed.is_yes("production ") && !typed.is_yes("y") && !typed.is_yes("Production"));
        assert_eq!(typed.declined(" prod\u{1b} "), "not run: \"prod\\u{1b}\" is not the profile's name");
        assert_eq!(
            (typed.declined(" ").as_str(), asked_once().declined("x").as_str()),
            ("not run", "not run")
        );
        assert_eq!(
            typed.refusal(),
            "not run: FLUSHALL deletes every key of every database, and nobody can be asked here for production: \
             --yes runs it unasked"
        );
    }

    fn asked_once() -> Question {
        danger(&["FLUSHDB"], None, Care::Usual).expect("a question")
    }

    #[test]
    fn a_script_is_as_dangerous_as_what_it_calls() {
        let eval =
            |script: &str, care| danger(&["eval", script, "0"], Some(0), care).map(|question| question.what);
        let flush = "EVAL runs a script: FLUSHALL deletes every key of every database";
        for care in [Care::Usual, Care::Typed] {
            assert_eq!(eval("return redis.call('flushall')", care).as_deref(), Some(flush));
            assert_eq!(eval("return redis.call('get', KEYS[1])", care), None);
        }
        for script in
            ["return redis.call(ARGV[1])", "redis.call('keys', '*')", "redis.call('config', ARGV[1])"]
        {
            assert_eq!(eval(script, Care::Usual), None, "{script}");
            assert!(eval(script, Care::Typed).is_some(), "{script}");
        }
    }

    #[test]
    fn with_more_care_more_is_asked_about() {
        assert_eq!(
            asked_typed(&["keys", "*"]).as_deref(),
            Some("KEYS looks at 2 keys and holds up the server meanwhile; SCAN does not")
        );
        for args in [&["save"][..], &["evalsha", "f00", "0"], &["FCALL", "f", "0"], &["flushdb"]] {
            assert!(asked_typed(args).is_some(), "{args:?}");
        }
        for args in
            [&["get", "a"][..], &["script", "load", "redis.call('flushall')"], &["del", "a"], &["scan", "0"]]
        {
            assert_eq!(asked_typed(args), None, "{args:?}");
        }
        assert_eq!(asked("evalsha f00 0", None), None);
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
