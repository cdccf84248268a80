//! One script of keystrokes, typed into the line shell and into the full screen, each the whole program in a
//! pseudo-terminal: both must have run the same lines.
//!
//! What ran is read from the history files: they hold what was run, byte for byte, whatever the two screens look like.

mod support;
#[allow(dead_code, unreachable_pub, reason = "other tests use the rest of it")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::path::Path;

use tty::Tty;

/// What keys lead to. Every script begins and ends with an empty prompt, and no two lines in a row are the same.
enum Leads {
    /// This line runs.
    Runs(&'static str),
    /// Two lines run.
    Both(&'static str, &'static str),
    /// The line becomes this and goes on.
    Becomes(&'static str),
}
use Leads::{Becomes, Both, Runs};

const EMACS: &[(&str, Leads)] = &[
    ("SET user:1 ada\r", Runs("SET user:1 ada")),
    // Motions and deletions.
    ("user:1 ada\x01GET \x05\x7f\x7f\x7f\x7f\r", Runs("GET user:1")),
    ("GET xuser:2\x1bb\x1bb\x04\r", Runs("GET user:2")),
    ("GET a\x02b\x06c\r", Runs("GET bac")),
    // Kills and yanks: by words, to the end, to the start, and joined.
    ("SET k one two\x17\x17\x19\r", Runs("SET k one two")),
    ("ECHO one\x15PING\r", Runs("PING")),
    ("ECHO one two\x01\x0b\x19\r", Runs("ECHO one two")),
    ("ECHO one two\x1b\x7f\x17ECHO \x19\r", Runs("ECHO ECHO one two")),
    ("del x y\x01\x1bd\x19\r", Runs("del x y")),
    // Case and transpositions.
    ("echo ab\x02\x14\r", Runs("echo ba")),
    ("echo two\x1bb\x1bu\r", Runs("echo TWO")),
    ("echo TOO\x1bb\x1bl\r", Runs("echo too")),
    ("echo two\x1bb\x1bc\r", Runs("echo Two")),
    // Undo.
    ("echo ab\x01\x0b\x1f\r", Runs("echo ab")),
    // Completion: one candidate brings its blank.
    ("pool warm\t1\r", Runs("pool warmup 1")),
    ("set k v keep\t\r", Runs("set k v keepttl ")),
    // History: what was before, and a search.
    ("PING\r", Runs("PING")),
    ("\x10\x10\r", Runs("set k v keepttl ")),
    ("\x12warm\r", Runs("pool warmup 1")),
    // A quote that is open goes on in the next line; keys for a line's ends stay in it.
    ("ECHO \"a\rc\x01b\x05\"\r", Runs("ECHO \"a\\nbc\"")),
    // A paste of two lines runs two.
    ("\x1b[200~ECHO p1\nECHO p2\x1b[201~\r", Both("ECHO p1", "ECHO p2")),
    // The suggestion from the history, taken by a key that goes on past the end.
    ("POOL HOLD 1\r", Runs("POOL HOLD 1")),
    ("SET user\x1b[C!\r", Runs("SET user:1 ada!")),
    ("POOL H\x05\r", Runs("POOL HOLD 1")),
    // The person's own editor, which is sed here.
    ("ECHO from\x18\x05", Becomes("ECHO to")),
    ("!\r", Runs("ECHO to!")),
    ("ECHO é漢\x02\x7f\x05\r", Runs("ECHO 漢")),
];

/// In vi's, Esc goes by itself, as a person presses it: together with the next key it would be that key with Alt.
const VI: &[(&str, Leads)] = &[
    ("SET user:1 ada\r", Runs("SET user:1 ada")),
    ("GET user:1", Becomes("GET user:1")),
    ("\x1b", Becomes("GET user:")),
    ("0wcwuser:2", Becomes("GET user:2")),
    ("\x1b", Becomes("GET user:")),
    ("x\r", Runs("GET user::1")),
    ("ECHO one two", Becomes("two")),
    ("\x1b", Becomes("tw")),
    ("bcwten\r", Runs("ECHO one ten")),
    ("ECHO one", Becomes("one")),
    ("\x1b", Becomes("on")),
    ("0x.iEC\r", Runs("ECHO one")),
    ("ECHO one two", Becomes("two")),
    ("\x1b", Becomes("tw")),
    ("bDaend\r", Runs("ECHO one end")),
    ("xECHO a", Becomes("a")),
    ("\x1b", Becomes("xECHO ")),
    ("0x\r", Runs("ECHO a")),
    ("echo ab", Becomes("ab")),
    ("\x1b", Becomes("echo a")),
    ("hrX\r", Runs("echo Xb")),
    ("ECHO a b c", Becomes("b c")),
    ("\x1b", Becomes("a b ")),
    ("0fad2wAz\r", Runs("ECHO cz")),
    ("PING", Becomes("PING")),
    ("\x1b", Becomes("PIN")),
    ("ddiDBSIZE", Becomes("DBSIZE")),
    ("\r", Runs("DBSIZE")),
];

/// Waits until a condition on the terminal and the history's lines holds, and keys are read by the program.
fn settled(
    tty: &Tty,
    history: &Path,
    what: &str,
    reads: impl Fn(&str) -> bool,
    holds: impl Fn(&[String]) -> bool,
) {
    tty.wait_for(what, |tty| {
        let text = std::fs::read_to_string(history).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // A terminal between two prompts has keys of its own. The whole row: in the line just run the cursor may be first.
        tty.cursor_row().trim_end().ends_with('>') && reads(&tty.written()) && holds(&lines)
    });
}

/// Whether the line editor gave the terminal back and took it again.
fn asked_again(written: &str) -> bool {
    let (given, taken) = (written.rfind("\u{1b}[?2004l"), written.rfind("\u{1b}[?2004h"));
    given.is_some() && given < taken
}

/// Runs a script and holds every line to what is wanted of it.
fn run(script: &[(&str, Leads)], arguments: &[&str], editing: &str) {
    let home = tempfile::tempdir().expect("a home");
    let config = home.path().join("config.toml");
    std::fs::write(&config, format!("[screen]\nediting = \"{editing}\"\n")).expect("a configuration");
    let history = home.path().join("redis-pooltop/history");
    let mut all = vec![
        format!("XDG_STATE_HOME={}", home.path().display()),
        "VISUAL=".to_owned(),
        "EDITOR=sed -i s/from/to/".to_owned(),
        env!("CARGO_BIN_EXE_redis-pooltop").to_owned(),
    ];
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    all.extend(["--config".to_owned(), config.display().to_string()]);
    let mut tty = Tty::start("env", &all.iter().map(String::as_str).collect::<Vec<_>>(), 100, 30);
    settled(&tty, &history, "the first prompt", |_| true, |_| true);
    // What is seen of the line shell may be older than the history: its next prompt is one that it has asked for since.
    let in_lines = arguments.contains(&"shell");
    for (keys, leads) in script {
        let before = tty.written().len();
        let reads = |written: &str| !in_lines || asked_again(written.get(before..).unwrap_or_default());
        tty.send(keys);
        let ends = |lines: &[String], wanted: &[&str]| lines.iter().rev().take(wanted.len()).rev().eq(wanted);
        match leads {
            Runs(line) => settled(&tty, &history, line, reads, |lines| ends(lines, &[line])),
            Both(first, second) => {
                settled(&tty, &history, second, reads, |lines| ends(lines, &[first, second]));
            }
            Becomes(line) => tty.wait_for(line, |tty| tty.before_cursor().ends_with(line)),
        }
    }
    tty.send("\x04");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn emacs_keys_in_the_line_shell() {
    run(EMACS, &["shell", "--demo"], "emacs");
}

#[test]
fn emacs_keys_in_the_screen() {
    run(EMACS, &["--demo"], "emacs");
}

#[test]
fn vi_keys_in_the_line_shell() {
    run(VI, &["shell", "--demo"], "vi");
}

#[test]
fn vi_keys_in_the_screen() {
    run(VI, &["--demo"], "vi");
}
