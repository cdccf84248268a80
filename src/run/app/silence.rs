//! Why nobody may have reported, as far as the command line and the program's file tell.

use std::borrow::Cow;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::source::agent::Place;
use crate::text;

/// What of a file tells whose script it is.
const HEAD: u64 = 512;
/// Programs that start others where our environment does not go.
const ELSEWHERE: [&str; 8] = ["docker", "podman", "kubectl", "ssh", "sudo", "doas", "su", "systemd-run"];
/// Programs that start the one after them as it is, and the options of theirs that take a word.
const BEFORE: [(&str, &str); 5] =
    [("nohup", ""), ("nice", "n"), ("time", "fo"), ("timeout", "ks"), ("stdbuf", "ioe")];

/// Nobody reports who listens at a socket of their own.
pub(super) const ATTACHED: &str =
    "nobody reported: no process with the agent has found this socket; README says how to start one with it";

/// A command, and where its Python says that it has started with the hook.
#[derive(Clone, Debug)]
pub(super) struct Silent {
    command: Vec<OsString>,
    started: PathBuf,
}

impl Silent {
    pub(super) fn new(command: &[OsString], place: &Place) -> Self {
        Self { command: command.to_vec(), started: place.started() }
    }

    /// Why nobody has reported, as it is known now.
    pub(super) fn why(&self, ended: bool) -> String {
        why(&self.command, ended, self.started.exists())
    }

    /// Whether whoever would have reported was let in, and had nothing to report. Of a program that kept the hook out,
    /// those that it started say nothing.
    pub(super) fn had_nothing(&self) -> bool {
        let kept_out = matches!(of(&self.command), Some(Why::Flag(..) | Why::Elsewhere(_)));
        self.started.exists() && !kept_out
    }
}

fn of(command: &[OsString]) -> Option<Why> {
    let (program, args) = command.split_first()?;
    let args: Vec<Cow<'_, str>> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    reason(program, &args, 0)
}

/// Why nobody has reported, in one sentence that is safe to show: of a command that runs, or of one that has ended.
/// `started` says that Python has, and let the hook in.
fn why(command: &[OsString], ended: bool, started: bool) -> String {
    let Some(program) = command.first() else { return String::new() };
    let why = match of(command) {
        Some(Why::Flag(python, flag)) => {
            let does = match flag {
                'S' => "without `site`, which lets the agent in",
                'I' => "isolated from PYTHONPATH, where the agent is",
                _ => "ignoring PYTHONPATH, where the agent is",
            };
            format!("{python} -{flag} starts {does}")
        }
        Some(Why::Elsewhere(by)) => {
            format!("what {by} starts does not get our environment, and so no agent; `attach` is for that")
        }
        _ if started => {
            let yet = if ended { "" } else { " yet" };
            format!("Python started and has not imported redis-py or valkey-py{yet}")
        }
        Some(Why::NotPython) => {
            let name = name(program);
            format!("{name} is no Python program, and none that it started has imported redis or valkey")
        }
        Some(Why::Python) | None => {
            let (name, yet) = (name(program), if ended { "" } else { " yet" });
            format!("{name} has not imported redis or valkey{yet}, or its Python is older than 3.8")
        }
    };
    let nobody = if ended { "nobody reported" } else { "nobody reports" };
    text::escape_str(&format!("{nobody}: {why}")).into_owned()
}

#[derive(Debug, PartialEq, Eq)]
enum Why {
    /// This Python is told not to let the agent in.
    Flag(String, char),
    /// What this program starts runs elsewhere.
    Elsewhere(String),
    /// It is Python, and may report yet.
    Python,
    /// It is something else.
    NotPython,
}

/// `depth` is how often it was somebody else's program that was started.
fn reason(program: &OsStr, args: &[&str], depth: usize) -> Option<Why> {
    let name = name(program);
    if depth > 4 {
        return None;
    }
    if is_python(&name) {
        return Some(flag(args).map_or(Why::Python, |flag| Why::Flag(name, flag)));
    }
    if ELSEWHERE.contains(&&*name) {
        return Some(Why::Elsewhere(name));
    }
    let next = |args: &[&str]| {
        let (program, args) = args.split_first()?;
        reason(OsStr::new(program), args, depth + 1)
    };
    if name == "env" {
        return next(after_env(args));
    }
    if let Some((_, words)) = BEFORE.iter().find(|(before, _)| *before == name) {
        let mut args = after_options(args, words);
        if name == "timeout" {
            args = args.get(1..).unwrap_or_default();
        }
        return next(args);
    }
    let file = found(program)?;
    match shebang(&file) {
        Some(line) => {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match reason(OsStr::new(words.first()?), words.get(1..)?, depth + 1) {
                // The installer's way round a path that is too long for a first line.
                Some(Why::NotPython) if wraps_python(&file) => Some(Why::Python),
                other => other,
            }
        }
        None => head(&file).map(|_| Why::NotPython),
    }
}

fn name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

fn is_python(name: &str) -> bool {
    let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
    version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.' || c == 't'))
}

/// The flag of Python's that keeps the agent out, if it has one before its script.
fn flag(args: &[&str]) -> Option<char> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let letters = arg.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        if letters == "-" {
            return None;
        }
        if letters.starts_with('-') {
            continue;
        }
        for (at, letter) in letters.char_indices() {
            match letter {
                'I' | 'S' | 'E' => return Some(letter),
                // The program itself: what follows is its own.
                'c' | 'm' => return None,
                'W' | 'X' => {
                    if at + 1 == letters.len() {
                        args.next();
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    None
}

/// What `env` starts; `-S` splits what a first line gives as one word, which is split already.
fn after_env<'a>(args: &'a [&'a str]) -> &'a [&'a str] {
    let rest = after_options(args, "uC");
    let set = rest.iter().take_while(|arg| arg.contains('=')).count();
    &rest[set..]
}

/// What follows a program's options, of which those in `words` take the next word too.
fn after_options<'a>(args: &'a [&'a str], words: &str) -> &'a [&'a str] {
    let mut at = 0;
    while let Some(option) = args.get(at).and_then(|arg| arg.strip_prefix('-')) {
        let takes = option.len() == 1 && words.contains(option);
        at += if takes { 2 } else { 1 };
    }
    args.get(at..).unwrap_or_default()
}

/// The file that is run under this name.
fn found(program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return Some(path.to_owned());
    }
    let dirs = env::var_os("PATH")?;
    env::split_paths(&dirs).map(|dir| dir.join(path)).find(|path| path.is_file())
}

/// What a script's first line starts it with.
fn shebang(file: &Path) -> Option<String> {
    let head = head(file)?;
    let line = head.strip_prefix("#!")?.lines().next()?;
    Some(line.trim().to_owned())
}

fn head(file: &Path) -> Option<String> {
    // A pipe under this name would have us wait for ever.
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    File::open(file).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    Some(String::from_utf8_lossy(&head).into_owned())
}

/// Whether it is a script for a shell and for Python at once.
fn wraps_python(file: &Path) -> bool {
    let head = head(file).unwrap_or_default();
    head.lines().nth(1).is_some_and(|line| line.starts_with("'''exec'") && line.contains("python"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn of(line: &str) -> Option<Why> {
        let words: Vec<&str> = line.split(' ').collect();
        reason(OsStr::new(words[0]), &words[1..], 0)
    }

    fn flagged(letter: char) -> Why {
        Why::Flag("python3".to_owned(), letter)
    }

    #[test]
    fn flags_that_keep_the_agent_out_are_found_and_no_others() {
        assert_eq!(of("python3 -I app.py"), Some(flagged('I')));
        assert_eq!(of("/usr/bin/python3 -uIS app.py"), Some(flagged('I')));
        assert_eq!(of("python3 -W ignore -X dev -E -m app"), Some(flagged('E')));
        assert_eq!(of("python3 -OOS -c pass"), Some(flagged('S')));
        for line in ["app.py -I", "-m app -S", "-c S -E", "-X I app.py", "-WS app.py", "-u - -I", "-sP a.py"]
        {
            assert_eq!(of(&format!("python3 {line}")), Some(Why::Python), "{line}");
        }
    }

    #[test]
    fn programs_that_start_others_are_looked_through() {
        assert_eq!(of("env -u A B=1 python3 -S a.py"), Some(flagged('S')));
        assert_eq!(of("timeout -k 5 10 nice -n 3 python3 -E a.py"), Some(flagged('E')));
        assert_eq!(of("nohup python3.11 a.py"), Some(Why::Python));
        assert_eq!(of("sudo python3 a.py"), Some(Why::Elsewhere("sudo".to_owned())));
        assert_eq!(of("no-such-program-here a.py"), None);
        assert_eq!(of("sh -c true"), Some(Why::NotPython));
    }

    #[test]
    fn a_scripts_first_line_tells_whose_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).expect("a script");
            reason(path.as_os_str(), &["-I"], 0)
        };
        assert_eq!(script("a", "#!/usr/bin/python3\nimport this\n"), Some(Why::Python));
        assert_eq!(script("b", "#! /usr/bin/python3 -IS\n"), Some(flagged('I')));
        assert_eq!(script("c", "#!/usr/bin/env -S python3 -E\n"), Some(flagged('E')));
        assert_eq!(script("d", "#!/bin/sh\necho\n"), Some(Why::NotPython));
        let long = "#!/bin/sh\n'''exec' \"/a/very long/path/bin/python3\" \"$0\" \"$@\"\n' '''\n";
        assert_eq!(script("e", long), Some(Why::Python));
        let itself = dir.path().join("f");
        fs::write(&itself, format!("#!{}\n", itself.display())).expect("a script");
        assert_eq!(reason(itself.as_os_str(), &[], 0), None, "a script that starts itself");
    }

    #[test]
    fn who_was_let_in_had_nothing_and_who_kept_the_hook_out_is_not_known() {
        let place = Place::make().expect("a place");
        let silent = |line: &str| {
            Silent::new(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), &place).had_nothing()
        };
        assert!(!silent("python3 app.py"));
        fs::write(place.started(), "").expect("written");
        assert!(silent("python3 app.py") && silent("sh app.sh"));
        assert!(!silent("python3 -I app.py") && !silent("sudo python3 app.py"));
    }

    #[test]
    fn what_is_said_names_the_program_and_the_flag() {
        let said = |line: &str| why(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), false, false);
        assert_eq!(
            said("python3 -I app.py"),
            "nobody reports: python3 -I starts isolated from PYTHONPATH, where the agent is"
        );
        assert!(said("python3 app.py").contains("python3 has not imported redis or valkey yet"));
        assert!(said("sh -c x").contains("sh is no Python program"));
        assert!(said("docker run x").contains("`attach`"));
        assert_eq!(why(&[], false, false), "");
        let started = why(&["sh".into(), "x.sh".into()], true, true);
        assert_eq!(started, "nobody reported: Python started and has not imported redis-py or valkey-py");
        let odd = why(&[OsString::from_vec(b"/a\x1b\xff".to_vec())], true, false);
        assert!(odd.starts_with("nobody reported: a\\x1b\u{fffd} has not"), "{odd}");
    }
}
