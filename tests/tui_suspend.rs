//! The screen stopped and continued, by its own key and from outside: the shell has its terminal meanwhile.

mod support;
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
#[path = "tui_support/tty.rs"]
mod tty;

use tty::Tty;

/// An interactive bash whose foreground job is this line, showing the screen.
fn job(line: &str) -> Tty {
    let mut tty = Tty::start("bash", &["--norc", "--noprofile", "-i"], 80, 24);
    tty.run(&format!("PS1='ready> '; program={}; {line}", env!("CARGO_BIN_EXE_redis-pooltop")));
    tty.wait_for("the screen", Tty::taken);
    tty.see("created 0");
    tty
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_comes_back() {
    let mut tty = job("$program --demo");
    tty.send("\u{1a}");
    tty.see("Stopped");
    tty.wait_for("the shell's own screen", |tty| !tty.taken());
    tty.run("echo still $((40 + 2)) here");
    tty.see("still 42 here");
    tty.run("fg");
    tty.wait_for("the screen again", Tty::taken);
    tty.see("created 0");
    tty.run("SET a 1");
    tty.see("OK");
    tty.send("\u{4}");
    tty.wait("the shell again", |text| text.contains("still 42 here"));
}

#[test]
fn ctrl_z_stops_the_script_that_started_it_as_well() {
    let mut tty = job("bash -c \"$program --demo; true\"");
    tty.send("\u{1a}");
    tty.see("Stopped");
    tty.run("fg");
    tty.wait_for("the screen again", Tty::taken);
    tty.send("\u{4}");
    tty.wait("the shell again", |text| text.trim_end().ends_with("ready>"));
}

#[test]
fn a_stopped_screen_can_be_ended_in_the_background() {
    let mut tty = job("$program --demo");
    tty.send("\u{1a}");
    tty.see("Stopped");
    // bash continues what it sends this signal to; 148 and 150 are jobs that are stopped.
    let ended = "while wait %1 2>/dev/null; code=$?; [ $code = 148 -o $code = 150 ]; do :; done";
    tty.run(&format!("bg; kill %1; {ended}; echo code $code"));
    tty.see("code 143");
    assert!(!tty.taken());
}

#[test]
fn a_question_can_be_left_for_the_shell_and_is_still_asked_after_it() {
    let mut tty = job("$program --demo");
    tty.run("FLUSHALL");
    tty.see("(y/N)");
    tty.send("\u{1a}");
    tty.see("Stopped");
    tty.run("fg");
    tty.wait_for("the screen again", Tty::taken);
    tty.see("(y/N)");
    tty.send("n");
    tty.see("not run");
}

/// The screen under a shell that has noted its number.
fn noted() -> Tty {
    // The number is of the job's own process: what is after `exec` takes it over.
    let tty = job("bash -c 'echo $$ >pid; exec \"$0\" --demo' \"$program\"");
    tty.wait_for("the mouse", Tty::mouse);
    tty
}

/// Sends the screen a signal from outside.
fn from_outside(tty: &Tty, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &tty.noted("pid")]).status();
    assert!(sent.is_ok_and(|status| status.success()));
}

/// Continues the screen, which is whole then.
fn back(tty: &mut Tty) {
    tty.run("fg");
    tty.wait_for("the screen again", |tty| tty.taken() && tty.mouse() && tty.pastes_in_brackets());
    tty.see("created 0");
}

fn still_works(tty: &mut Tty) {
    tty.run("SET a 1");
    tty.see("OK");
}

#[test]
fn a_stop_from_outside_gives_the_shell_its_terminal_as_the_key_does() {
    let mut tty = noted();
    for _ in 0..2 {
        from_outside(&tty, "TSTP");
        tty.see("Stopped");
        tty.wait_for("the shell's own screen", |tty| !tty.taken() && !tty.mouse());
        tty.run("clear; echo still $((40 + 2)) here");
        tty.see("still 42 here");
        back(&mut tty);
    }
    still_works(&mut tty);
}

#[test]
fn after_a_stop_that_nothing_can_catch_the_screen_is_whole_again() {
    let mut tty = noted();
    from_outside(&tty, "STOP");
    tty.see("Stopped");
    // Whoever is at the shell has put the terminal right, and written on it.
    tty.run("printf '\\033[?1049l\\033[?1000l\\033[?1006l\\033[?2004l'; echo mine");
    tty.wait_for("the shell's own screen", |tty| !tty.taken() && !tty.mouse());
    back(&mut tty);
    still_works(&mut tty);
}

#[test]
fn where_no_shell_could_continue_it_nothing_stops_the_screen() {
    let mut tty = Tty::pooltop(&["--demo"], 80, 24);
    tty.see("created 0");
    tty.signal("TSTP");
    tty.send("\u{1a}");
    still_works(&mut tty);
    assert!(tty.taken());
}
