//! The line editor in a pseudo-terminal: what keys do, what is shown, and what is kept.
//!
//! Each test runs itself once more in a terminal of its own, where it is a program that reads lines with the editor and
//! shows what it read: the editor alone, with no server behind it.

mod support;
#[allow(dead_code, unreachable_pub, reason = "the screen's tests use the rest of it")]
#[path = "tui_support/tty.rs"]
mod tty;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use redis_pooltop::command::{Context, Registry};
use redis_pooltop::event::ConnId;
use redis_pooltop::shell::editor::{Editor, EditorOptions, Typed};
use redis_pooltop::values::Editing;
use tty::Tty;

const HISTORY: &str = "POOLTOP_TEST_HISTORY";
const COLOUR: &str = "POOLTOP_TEST_COLOUR";

/// In the terminal: reads lines until the end and never comes back. Elsewhere: nothing.
fn be_the_program_in_a_terminal() {
    let Some(history) = std::env::var_os(HISTORY) else { return };
    let context = Context {
        connections: vec![(ConnId(3), "held".to_owned())],
        settings: vec![("max-idle".to_owned(), "5".to_owned())],
        ..Context::default()
    };
    let mut editor = Editor::new(EditorOptions {
        registry: Arc::new(Registry::new()),
        context: Arc::new(Mutex::new(context)),
        history: Some(history.into()),
        colour: std::env::var_os(COLOUR).is_some(),
        red: false,
        editing: Editing::default(),
    })
    .expect("a terminal");
    for notice in editor.take_notices() {
        println!("notice: {notice}");
    }
    println!("ready");
    while let Typed::Line(line) = editor.read_line("prompt> ").expect("it reads") {
        println!("<{line:?}>");
    }
    println!("ended");
    std::process::exit(0);
}

/// The test of that name as the program, with a history file, in a terminal of 80 by 24.
fn program(test: &str, history: &Path, colour: bool) -> Tty {
    let history = format!("{HISTORY}={}", history.display());
    let this = std::env::current_exe().expect("this program");
    let mut arguments = vec![history];
    arguments.extend(colour.then(|| format!("{COLOUR}=yes")));
    arguments.extend([
        this.display().to_string(),
        test.to_owned(),
        "--exact".to_owned(),
        "--nocapture".to_owned(),
    ]);
    let tty = Tty::start("env", &arguments.iter().map(String::as_str).collect::<Vec<_>>(), 80, 24);
    tty.see("ready");
    tty.see("prompt> ");
    tty
}

const TAB: &str = "\t";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_P: &str = "\u{10}";
const CTRL_R: &str = "\u{12}";

/// Waits for an answer and for the prompt after it. Between the two the terminal is not the editor's, and keys such as
/// Ctrl-R would be the terminal's own.
fn answered(tty: &Tty, answer: &str) {
    tty.see(answer);
    tty.wait("the next prompt", |text| text.trim_end().ends_with("prompt>"));
}

/// Drops the line and waits for the next prompt: as in any terminal, Ctrl-C drops what was typed ahead as well.
fn drop_line(tty: &mut Tty) {
    let prompts = |text: &str| text.matches("prompt>").count();
    let before = prompts(&tty.text());
    tty.send(CTRL_C);
    tty.wait("the next prompt", |text| prompts(text) > before);
}

fn leave(mut tty: Tty) {
    tty.send(CTRL_D);
    tty.see("ended");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn tab_completes_words_options_ids_and_keys() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let mut tty =
        program("tab_completes_words_options_ids_and_keys", &directory.path().join("history"), false);
    tty.send(&format!("pool warm{TAB}5\r"));
    answered(&tty, r#"<"pool warmup 5">"#);
    tty.send(&format!("set user:1 x ke{TAB}\r"));
    answered(&tty, r#"<"set user:1 x keepttl ">"#);
    tty.send(&format!("get us{TAB}\r"));
    answered(&tty, r#"<"get user:1 ">"#);
    tty.send(&format!("#{TAB}pi{TAB}\r"));
    answered(&tty, "<\"#3 ping \">");
    tty.send(&format!("POOL CONFIG SET {TAB}7\r"));
    answered(&tty, r#"<"POOL CONFIG SET max-idle 7">"#);
    // Several candidates are shown, and what they share is typed.
    tty.send(&format!("client no{TAB}"));
    tty.see("no-evict");
    tty.see("no-touch");
    tty.see("prompt> client no-");
    tty.send("touch on\r");
    answered(&tty, r#"<"client no-touch on">"#);
    leave(tty);
}

#[test]
fn a_hint_says_what_remains_and_is_never_typed() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let mut tty =
        program("a_hint_says_what_remains_and_is_never_typed", &directory.path().join("history"), true);
    tty.send("xrange k ");
    tty.see("prompt> xrange k start end [COUNT count]");
    // To the right of the cursor there is nothing to go to.
    tty.send("\u{1b}[C1 2\r");
    answered(&tty, r#"<"xrange k 1 2">"#);
    // Longer than the row: cut, not wrapped.
    tty.send("set k v ");
    tty.wait("a cut hint", |text| {
        text.lines().any(|line| line.starts_with("prompt> set k v [NX|XX") && line.ends_with('…'))
    });
    drop_line(&mut tty);
    leave(tty);
}

#[test]
fn an_open_quote_goes_on_and_a_paste_of_commands_is_many_lines() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let name = "an_open_quote_goes_on_and_a_paste_of_commands_is_many_lines";
    let mut tty = program(name, &directory.path().join("history"), true);
    tty.send("set a \"one\r");
    tty.send("two\"\r");
    answered(&tty, r#"<"set a \"one\ntwo\"">"#);
    tty.send("\u{1b}[200~get a\rset b 'x\ry'\rping\u{1b}[201~");
    tty.see("ping");
    tty.send("\r");
    answered(&tty, r#"<"get a">"#);
    answered(&tty, r#"<"set b 'x\ny'">"#);
    answered(&tty, r#"<"ping">"#);
    // A quote that cannot be mended is handed over: the answer says so.
    tty.send("get \"a\"b\r");
    answered(&tty, r#"<"get \"a\"b">"#);
    leave(tty);
}

#[test]
fn ctrl_c_drops_the_line_and_twice_with_nothing_typed_leaves() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let name = "ctrl_c_drops_the_line_and_twice_with_nothing_typed_leaves";
    let mut tty = program(name, &directory.path().join("history"), false);
    for line in ["get dropped", "get dropped too"] {
        tty.send(line);
        tty.see(line);
        drop_line(&mut tty);
    }
    tty.send("get kept\r");
    answered(&tty, r#"<"get kept">"#);
    assert!(!tty.text().contains("<\"get dropped"), "{}", tty.text());
    drop_line(&mut tty);
    tty.see("Ctrl-C again or Ctrl-D leaves.");
    let prompts = |text: &str| text.matches("prompt>").count();
    let before = prompts(&tty.text());
    tty.send("\r");
    tty.wait("no answer to a blank line", |text| prompts(text) > before);
    drop_line(&mut tty);
    tty.wait("asked again, since something was typed", |text| text.matches("Ctrl-C again").count() == 2);
    tty.send(CTRL_C);
    tty.see("ended");
    assert!(tty.end().success());
    tty.given_back();
}

#[test]
fn lines_are_found_again_the_next_time_but_no_password() {
    be_the_program_in_a_terminal();
    let name = "lines_are_found_again_the_next_time_but_no_password";
    let directory = tempfile::tempdir().expect("a directory");
    let history = directory.path().join("state/history");
    let mut tty = program(name, &history, false);
    for line in ["get first", "auth hunter2", "get second"] {
        tty.run(line);
        answered(&tty, &format!("<{line:?}>"));
    }
    // Written as they are typed: a killed program loses none.
    drop(tty);
    let kept = std::fs::read_to_string(&history).expect("the history");
    assert!(kept.contains("get first") && kept.contains("get second") && !kept.contains("hunter2"), "{kept}");

    let mut tty = program(name, &history, false);
    tty.send(CTRL_P);
    tty.see("prompt> get second");
    tty.send(CTRL_P);
    tty.see("prompt> get first");
    tty.send("\r");
    answered(&tty, r#"<"get first">"#);
    tty.send(&format!("{CTRL_R}sec"));
    tty.see("`sec': get second");
    tty.send("\r");
    answered(&tty, r#"<"get second">"#);
    leave(tty);
}

#[test]
fn a_history_that_cannot_be_kept_is_said_and_the_prompt_works() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a-file");
    std::fs::write(&file, "").expect("a file");
    let name = "a_history_that_cannot_be_kept_is_said_and_the_prompt_works";
    let mut tty = program(name, &file.join("history"), false);
    tty.see("notice: the history is not kept: ");
    tty.run("get a");
    answered(&tty, r#"<"get a">"#);
    leave(tty);
}

#[test]
fn a_paste_cannot_command_the_terminal() {
    be_the_program_in_a_terminal();
    let directory = tempfile::tempdir().expect("a directory");
    let name = "a_paste_cannot_command_the_terminal";
    let mut tty = program(name, &directory.path().join("history"), true);
    tty.send("get a\r");
    answered(&tty, r#"<"get a">"#);
    // Ctrl-V, then an escape that would clear the screen.
    tty.send("get \u{16}\u{1b}[2J\u{16}\u{1b}[Hx");
    tty.see("prompt> get ␛[2J␛[Hx");
    assert!(tty.text().contains(r#"<"get a">"#), "{}", tty.text());
    tty.send("\r");
    answered(&tty, r#"<"get \u{1b}[2J\u{1b}[Hx">"#);
    leave(tty);
}
