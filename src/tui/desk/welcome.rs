//! What the screen tells a new user to try, in the words of the keys as they are.

use crate::tui::action::Action;
use crate::tui::keymap::{Context, Keys, Mode};
use crate::tui::layout::Pane;

/// Lines to try, and what each shows. A screen of 24 rows has the last ones only.
const LINES: [(&str, &str); 5] = [
    ("SET user:1 ada", "a command: which connection it took, and how long it waited"),
    ("LAB", "experiments on pools: try LAB forgotten-release"),
    ("POOL HOLD 3", "borrow three connections and see who holds them"),
    ("POOL LEAK 1", "lose one, and watch it being found"),
    ("BLPOP queue 0", "wait for the server as a job; JOBS lists them, Ctrl-C ends it"),
];

/// Lines and keys to try, and what each shows; no key that nothing is bound to.
pub(super) fn welcome(keys: &Keys) -> Vec<(String, String)> {
    let prompt = Context::of(Mode::Prompt);
    let key = |action: Action, context: &Context| keys.key_of(&action, context);
    let pane = |pane| key(Action::Focus(pane), &prompt);
    let mut rows = LINES.map(|(line, words)| (line.to_owned(), words.to_owned())).to_vec();
    if let Some(connections) = pane(Pane::Connections) {
        let open = key(Action::Open, &Context::of(Mode::Pane(Pane::Server)));
        let raw = open.map_or_else(|| "INFO CLIENTS".to_owned(), |open| format!("{open} INFO CLIENTS"));
        let more = [(Pane::Server, raw), (Pane::Events, "events".to_owned())];
        let more = more.map(|(which, words)| pane(which).map(|key| format!("; {key} {words}")));
        let more: String = more.into_iter().flatten().collect();
        rows.push((connections, format!("connections{more}")));
    }
    let typed = Context { empty: false, ..prompt };
    let mut help: Vec<String> = [typed, prompt].iter().filter_map(|at| key(Action::Help, at)).collect();
    help.dedup();
    let shown =
        if help.is_empty() { String::new() } else { format!("; {} shows the keys", help.join(" or ")) };
    rows.push(("HELP".to_owned(), format!("all the words{shown}")));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Rebinding;

    fn words(keys: &Keys) -> Vec<String> {
        welcome(keys).iter().map(|(head, words)| format!("{head} {words}")).collect()
    }

    #[test]
    fn the_first_screen_names_the_keys_to_what_is_not_on_it() {
        let all = words(&Keys::default());
        let last: Vec<&str> = all[5..].iter().map(String::as_str).collect();
        assert_eq!(
            last,
            [
                "Alt-4 connections; Alt-3 Enter INFO CLIENTS; Alt-6 events",
                "HELP all the words; F1 or ? shows the keys",
            ]
        );
        // The words stand in a column of their own beside the longest line, on a screen of 80 columns.
        assert!(welcome(&Keys::default()).iter().all(|(head, words)| head.len() <= 14 && words.len() <= 62));
    }

    #[test]
    fn it_names_keys_as_they_are_bound_and_none_that_is_not() {
        let bind = |action: &str, keys: &[&str]| Rebinding {
            action: action.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let changes = [bind("help", &["f7"]), bind("focus-server", &[]), bind("focus-connections", &["f5"])];
        let all = words(&Keys::default().rebound(&changes).unwrap());
        assert_eq!(all[5], "F5 connections; Alt-6 events");
        assert_eq!(all[6], "HELP all the words; F7 shows the keys");
    }
}
