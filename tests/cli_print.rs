//! What the program prints about itself: pages on lints, the example of a configuration, completions, the manual page.

mod support;

use std::process::Output;

use redis_pooltop::model::lint_ids;
use support::pooltop;

fn run(args: &[&str]) -> Output {
    pooltop().args(args).output().expect("it runs")
}

/// What it printed, after the code was checked and that it said nothing beside that.
fn printed(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn every_lint_is_listed_in_a_line_and_has_a_page() {
    let list = printed(&["explain"]);
    let names: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, lint_ids());
    for id in lint_ids() {
        assert!(printed(&["explain", id]).starts_with(&format!("# {id}\n\n")), "{id}");
    }
}

#[test]
fn an_unknown_lint_is_told_the_nearest() {
    let output = run(&["explain", "leek"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "redis-pooltop: unknown lint \"leek\"; did you mean \"leak\"?\n");
    let hostile = run(&["explain", "\u{1b}]0;x\u{7}"]);
    assert!(!String::from_utf8_lossy(&hostile.stderr).contains('\u{1b}'));
}

#[test]
fn the_shell_explains_too() {
    let page = printed(&["shell", "--demo", "EXPLAIN", "LEAK"]);
    assert!(page.starts_with("leak\n\n  A connection is out too long"), "{page}");
    assert!(printed(&["shell", "--demo", "EXPLAIN"]).contains("\npool-usage "));
    let output = run(&["shell", "--demo", "EXPLAIN", "leek"]);
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("did you mean \"leak\"?"), "{said}");
}

/// No configuration is read for it: a bad one is when it is needed most.
#[test]
fn the_example_is_printed_whatever_the_configuration_says() {
    let example = printed(&["gen-config", "--config", "/nowhere/at-all.toml"]);
    assert_eq!(example, include_str!("../assets/config.toml"));
}

#[test]
fn shells_and_man_get_what_they_take() {
    for (shell, has) in [
        ("bash", "complete -F _redis__pooltop"),
        ("zsh", "#compdef redis-pooltop"),
        ("fish", "complete -c redis-pooltop"),
    ] {
        let script = printed(&["completions", shell]);
        assert!(script.contains(has) && script.contains("fail-on-leak"), "{shell}");
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
}

/// What bash offers for the last of these words.
fn completed(words: &[&str]) -> Vec<String> {
    let script = printed(&["completions", "bash"]);
    let last = words.len() - 1;
    let (cur, prev, words) = (words[last], words[last - 1], words.join("' '"));
    let asked = format!(
        "{script}\nCOMP_WORDS=('{words}'); COMP_CWORD={last}\n_redis__pooltop redis-pooltop '{cur}' '{prev}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let output = std::process::Command::new("bash").args(["-c", &asked]).output().expect("bash runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_options_and_names() {
    for (words, offered) in [
        (&["redis-pooltop", "repl"][..], "replay"),
        (&["redis-pooltop", "--fail-on-l"], "--fail-on-leak"),
        (&["redis-pooltop", "shell", "--fail-on-l"], "--fail-on-leak"),
        (&["redis-pooltop", "lab", "forg"], "forgotten-release"),
        (&["redis-pooltop", "lab", "--format", ""], "junit"),
        (&["redis-pooltop", "explain", "aban"], "abandoned"),
        (&["redis-pooltop", "shell", "--fail-on", "aban"], "abandoned"),
        (&["redis-pooltop", "--theme", "high"], "high-contrast"),
        (&["redis-pooltop", "completions", "zs"], "zsh"),
    ] {
        let found = completed(words);
        assert!(found.iter().any(|word| word == offered), "{words:?}: {found:?}");
    }
}

#[test]
fn the_manual_has_a_page_for_the_program_and_each_subcommand() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH redis-pooltop 1") && page.contains("fail\\-on\\-leak"), "{page}");
    assert!(page.contains(".SH \"EXIT STATUS\"") && !page.contains("EXTRA"), "{page}");
    for name in page.lines().filter_map(|line| line.strip_prefix("redis\\-pooltop\\-")) {
        let name = name.trim_end_matches("(1)").replace('\\', "");
        let its = printed(&["man", &name]);
        assert!(its.contains(&format!(".TH redis-pooltop-{name} 1")), "{name}: {its}");
        assert!(its.contains("redis\\-pooltop ") || its.contains("redis-pooltop "), "{name}: {its}");
    }
    assert_eq!(run(&["man", "shel"]).status.code(), Some(2));
}

#[test]
fn help_has_the_exit_codes_and_a_page_only_what_means_something_to_it() {
    for form in [&["--help"][..], &["shell", "--help"], &["lab", "--help"], &["replay", "--help"]] {
        let help = printed(form);
        assert!(help.contains("Exit codes:") && help.contains("130 is Ctrl-C"), "{help}");
        let records = !matches!(form[0], "lab" | "replay");
        assert_eq!(help.contains("--record <"), records, "{help}");
    }
    for page in ["explain", "gen-config", "completions", "man"] {
        let help = printed(&[page, "--help"]);
        assert!(help.contains("--help") && !help.contains("--max-connections"), "{help}");
    }
    // A verdict is no metric.
    let refused = run(&["shell", "--demo", "--fail-on-leak", "--format", "prometheus", "PING"]);
    assert_eq!(refused.status.code(), Some(2));
    let negative = run(&["--demo", "--duration", "-1"]);
    let said = String::from_utf8_lossy(&negative.stderr);
    assert!(negative.status.code() == Some(2) && said.contains("no duration"), "{said}");
}
