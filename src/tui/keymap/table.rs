//! The table itself.

use super::When::{
    Anywhere, Ask, Choosing, EmptyPrompt, Filter, Find, Help, List, Pane, Prompt, Read, Search,
};
use super::{Binding, Do, When};
use crate::tui::action::{Action, Edit, Step};

/// A row that the footer lists under this word.
const fn row(
    keys: &'static [&'static str],
    when: When,
    action: Action,
    footer: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, when, run: Do::Act(action), footer: Some(footer), help, name: None }
}

/// A row for the help only.
const fn quiet(keys: &'static [&'static str], when: When, action: Action, help: &'static str) -> Binding {
    Binding { keys, when, run: Do::Act(action), footer: None, help, name: None }
}

/// A row that changes the typed line.
const fn edit(keys: &'static [&'static str], edit: Edit, help: &'static str) -> Binding {
    quiet(keys, Prompt, Action::Edit(edit), help)
}

/// Every key there is. The order decides which row wins, and is the order of footer and help.
pub const TABLE: &[Binding] = &[
    row(&["y"], Ask, Action::Answer(true), "yes", "Yes, do it"),
    row(&["n", "enter", "esc", "ctrl-c"], Ask, Action::Answer(false), "no", "No: anything but y is no"),
    row(&["esc", "f1"], Help, Action::Dismiss, "close", "Close the help"),
    row(&["down"], Help, Action::Scroll(Step::Down), "scroll", "Scroll down"),
    quiet(&["up"], Help, Action::Scroll(Step::Up), "Scroll up"),
    quiet(&["pgdn"], Help, Action::Scroll(Step::PageDown), "A page down"),
    quiet(&["pgup"], Help, Action::Scroll(Step::PageUp), "A page up"),
    quiet(&["backspace"], Help, Action::Edit(Edit::Backspace), "Type to search; this takes a letter back"),
    row(&["enter"], Search, Action::Accept, "run", "Run the line found"),
    row(&["ctrl-r"], Search, Action::Search, "older", "The next older match").named("search-older"),
    row(&["esc", "ctrl-g", "ctrl-c"], Search, Action::Dismiss, "give up", "Back to the line as it was"),
    quiet(&["backspace"], Search, Action::Edit(Edit::Backspace), "Take a letter back"),
    quiet(
        &["tab", "left", "right", "ctrl-a", "ctrl-e"],
        Search,
        Action::Edit(Edit::End),
        "Keep the line found and go on editing",
    )
    .named("search-keep"),
    row(&["enter"], Find, Action::Read, "keep", "Keep the words: n and N go on, other keys scroll"),
    row(&["up", "ctrl-r"], Find, Action::FindOlder, "older", "The match above").named("find-older"),
    row(&["down"], Find, Action::FindNewer, "newer", "The match below").named("find-newer"),
    row(&["esc", "ctrl-g", "ctrl-c"], Find, Action::Dismiss, "prompt", "Back to the prompt"),
    quiet(&["backspace"], Find, Action::Edit(Edit::Backspace), "Take a letter back"),
    row(&["n"], Read, Action::FindOlder, "older", "The match above").named("read-older"),
    row(&["N"], Read, Action::FindNewer, "newer", "The match below").named("read-newer"),
    row(&["/"], Read, Action::Find, "find", "Look for other words"),
    row(&["down", "j"], Read, Action::ScrollOutput(Step::Down), "scroll", "A row down"),
    quiet(&["up", "k"], Read, Action::ScrollOutput(Step::Up), "A row up"),
    quiet(&["pgdn", "space"], Read, Action::ScrollOutput(Step::PageDown), "A page down"),
    quiet(&["pgup"], Read, Action::ScrollOutput(Step::PageUp), "A page up"),
    quiet(&["home", "g"], Read, Action::ScrollOutput(Step::Top), "To the first line kept"),
    quiet(&["end", "G"], Read, Action::ScrollOutput(Step::Bottom), "To the last line"),
    row(&["z"], Read, Action::Zoom, "zoom", "Fill the screen with the shell, and back"),
    row(&["esc", "q", ":", "enter", "ctrl-c"], Read, Action::Dismiss, "prompt", "Back to the prompt"),
    row(&["?"], Read, Action::Help, "help", "This help"),
    quiet(&["esc"], Choosing, Action::Dismiss, "Close the candidates"),
    quiet(&["shift-tab"], Choosing, Action::CompleteBack, "The candidate before").named("complete-back"),
    row(&["?"], EmptyPrompt, Action::Help, "help", "This help"),
    row(&["esc", "shift-tab"], EmptyPrompt, Action::LeavePrompt, "panes", "Leave the prompt for the panes"),
    row(&["ctrl-d"], EmptyPrompt, Action::EndOfInput, "quit", "End the program, as QUIT and EXIT do"),
    row(&["tab"], Prompt, Action::Complete, "complete", "Complete the word; again, the next candidate"),
    row(&["enter"], Prompt, Action::Accept, "run", "Run the line"),
    row(&["up", "ctrl-p"], Prompt, Action::Older, "history", "The line before that begins like this one"),
    quiet(&["down", "ctrl-n"], Prompt, Action::Newer, "The line after"),
    row(&["ctrl-r"], Prompt, Action::Search, "search", "Search the history backward"),
    edit(&["left", "ctrl-b"], Edit::Left, "A character back"),
    edit(&["right", "ctrl-f"], Edit::Right, "A character on"),
    edit(&["alt-b", "ctrl-left", "alt-left"], Edit::WordLeft, "A word back"),
    edit(&["alt-f", "ctrl-right", "alt-right"], Edit::WordRight, "A word on"),
    edit(&["ctrl-a", "home"], Edit::Home, "To the start of the line"),
    edit(&["ctrl-e", "end"], Edit::End, "To the end of the line"),
    edit(&["backspace"], Edit::Backspace, "Delete the character before"),
    edit(&["del", "ctrl-d"], Edit::Delete, "Delete the character under the cursor"),
    edit(&["ctrl-w"], Edit::KillBlankWordLeft, "Kill back to a blank"),
    edit(&["alt-backspace"], Edit::KillWordLeft, "Kill the word before"),
    edit(&["alt-d"], Edit::KillWordRight, "Kill the word after"),
    edit(&["ctrl-k"], Edit::KillToEnd, "Kill to the end"),
    edit(&["ctrl-u"], Edit::KillToStart, "Kill to the start"),
    edit(&["ctrl-y"], Edit::Yank, "Insert what was killed last"),
    edit(&["alt-y"], Edit::YankOlder, "After Ctrl-Y: what was killed before that"),
    edit(&["ctrl-t"], Edit::Transpose, "Swap two characters"),
    edit(&["alt-t"], Edit::TransposeWords, "Swap two words"),
    edit(&["alt-u"], Edit::Uppercase, "The word in upper case"),
    edit(&["alt-l"], Edit::Lowercase, "The word in lower case"),
    edit(&["alt-c"], Edit::Capitalize, "The word with a capital"),
    edit(&["ctrl-_"], Edit::Undo, "Take the last change back"),
    quiet(&["ctrl-x ctrl-e"], Prompt, Action::EditInEditor, "The line in $VISUAL or $EDITOR"),
    quiet(&["ctrl-l"], Prompt, Action::ClearOutput, "Empty the output and draw the screen anew"),
    row(&["pgup"], Prompt, Action::ScrollOutput(Step::PageUp), "output", "The output, a page up"),
    quiet(&["pgdn"], Prompt, Action::ScrollOutput(Step::PageDown), "The output, a page down"),
    quiet(&["ctrl-home"], Prompt, Action::ScrollOutput(Step::Top), "The output, from its first line"),
    quiet(&["ctrl-end"], Prompt, Action::ScrollOutput(Step::Bottom), "The output, to its last line"),
    quiet(&["alt-/"], Prompt, Action::Find, "Look for words in the output, and read it"),
    row(&["enter"], Filter, Action::KeepFilter, "keep", "Back to the rows that the filter leaves"),
    row(&["esc", "ctrl-c"], Filter, Action::ClearFilter, "all rows", "Clear the filter"),
    quiet(&["backspace"], Filter, Action::Edit(Edit::Backspace), "Take a letter back"),
    quiet(&["ctrl-w"], Filter, Action::Edit(Edit::KillBlankWordLeft), "Take a term back"),
    quiet(&["ctrl-u"], Filter, Action::Edit(Edit::KillToStart), "Begin anew"),
    quiet(&["down"], Filter, Action::Scroll(Step::Down), "A row down"),
    quiet(&["up"], Filter, Action::Scroll(Step::Up), "A row up"),
    row(&[":", "q"], Pane, Action::Focus(super::Pane::Shell), "prompt", "Back to the prompt").named("prompt"),
    quiet(&["esc"], Pane, Action::LeavePane, "Clear the filter; without one, back to the prompt"),
    row(&["/"], List, Action::Filter, "filter", "Filter the rows: word field:regex held>5s !word"),
    row(&["s"], List, Action::SortNext, "sort", "Sort by the next column"),
    quiet(&["S"], List, Action::SortPrevious, "Sort by the column before"),
    quiet(&["i"], List, Action::Invert, "Turn the order round"),
    row(&["tab"], Pane, Action::NextPane, "next", "The next pane"),
    quiet(&["shift-tab"], Pane, Action::PreviousPane, "The pane before"),
    Binding {
        keys: &["1", "2", "3", "4", "5", "6", "7"],
        when: Pane,
        run: Do::FocusNumbered,
        footer: Some("panes"),
        help: "Pool, latency, server, connections, lints, events, shell",
        name: None,
    },
    row(&["z"], Pane, Action::Zoom, "zoom", "Fill the screen with this pane, and back"),
    row(&["p"], Pane, Action::Freeze, "freeze", "Freeze what is shown, and go on"),
    row(&["down", "j"], Pane, Action::Scroll(Step::Down), "scroll", "A row down"),
    quiet(&["up", "k"], Pane, Action::Scroll(Step::Up), "A row up"),
    quiet(&["pgdn"], Pane, Action::Scroll(Step::PageDown), "A page down"),
    quiet(&["pgup"], Pane, Action::Scroll(Step::PageUp), "A page up"),
    quiet(&["home", "g"], Pane, Action::Scroll(Step::Top), "To the first row"),
    quiet(&["end", "G"], Pane, Action::Scroll(Step::Bottom), "To the last row"),
    row(&["?"], Pane, Action::Help, "help", "This help"),
    quiet(&["ctrl-d"], Pane, Action::EndOfInput, "End the program when nothing is typed"),
    Binding {
        keys: &["alt-1", "alt-2", "alt-3", "alt-4", "alt-5", "alt-6", "alt-7"],
        when: Anywhere,
        run: Do::FocusNumbered,
        footer: Some("panes"),
        help: "Pool, latency, server, connections, lints, events, shell",
        name: None,
    },
    quiet(&["f1"], Anywhere, Action::Help, "This help"),
    quiet(
        &["ctrl-c"],
        Anywhere,
        Action::Interrupt,
        "Cancel what runs; else clear the line; else end the last job begun without &; twice ends the program",
    ),
    quiet(&["ctrl-z"], Anywhere, Action::Suspend, "Suspend; fg comes back"),
];
