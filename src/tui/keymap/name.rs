//! The name of every action that a key can have: what the configuration file calls it. A name never changes once
//! released.

use crate::record::Control;
use crate::snapshot::GroupBy;
use crate::tui::action::{Action, Edit, Step};
use crate::tui::layout::Pane;

/// Its name, or nothing for what no key of the table does.
pub(super) fn of(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::Insert(_)
        | Action::Paste(_)
        | Action::Click(_)
        | Action::DoubleClick(_)
        | Action::Wheel { .. } => return None,
        Action::Edit(edit) => of_edit(*edit),
        Action::Accept => "accept",
        Action::Complete => "complete",
        Action::CompleteBack => "complete-back",
        Action::Older => "older",
        Action::Newer => "newer",
        Action::Search => "search",
        Action::EditInEditor => "edit-in-editor",
        Action::Page => "page",
        Action::Command => "command",
        Action::ClearOutput => "clear-output",
        Action::Interrupt => "interrupt",
        Action::EndOfInput => "end-of-input",
        Action::Find => "find",
        Action::Read => "read",
        Action::FindOlder => "find-older",
        Action::FindNewer => "find-newer",
        Action::ScrollOutput(step) => match step {
            Step::Up => "output-up",
            Step::Down => "output-down",
            Step::PageUp => "output-page-up",
            Step::PageDown => "output-page-down",
            Step::Top => "output-top",
            Step::Bottom => "output-bottom",
        },
        Action::Scroll(step) => match step {
            Step::Up => "scroll-up",
            Step::Down => "scroll-down",
            Step::PageUp => "scroll-page-up",
            Step::PageDown => "scroll-page-down",
            Step::Top => "scroll-top",
            Step::Bottom => "scroll-bottom",
        },
        Action::Focus(pane) => match pane {
            Pane::Pool => "focus-pool",
            Pane::Latency => "focus-latency",
            Pane::Server => "focus-server",
            Pane::Connections => "focus-connections",
            Pane::Lints => "focus-lints",
            Pane::Events => "focus-events",
            Pane::Shell => "focus-shell",
            Pane::Clients => "focus-clients",
            Pane::Pools => "focus-pools",
            Pane::App => "focus-app",
        },
        Action::LeavePrompt => "leave-prompt",
        Action::NextPane => "next-pane",
        Action::PreviousPane => "previous-pane",
        Action::LeavePane => "leave-pane",
        Action::Open => "details",
        Action::NextRow => "next-row",
        Action::PreviousRow => "previous-row",
        Action::Close => "close-connection",
        Action::Group(by) => of_grouping(*by),
        Action::NextGrouping => "group-next",
        Action::Back => "leave-group",
        Action::Kill => "kill-clients",
        Action::KillShown => "kill-shown",
        Action::Jump => "go-to",
        Action::Copy => "copy",
        Action::Slower => "slower",
        Action::Faster => "faster",
        Action::Report => "report",
        Action::Filter => "filter",
        Action::KeepFilter => "keep",
        Action::ClearFilter => "clear",
        Action::SortNext => "sort-next",
        Action::SortPrevious => "sort-previous",
        Action::Invert => "invert",
        Action::Zoom => "zoom",
        Action::Freeze => "freeze",
        Action::Tape(control) => match control {
            Control::Toggle => "replay-pause",
            Control::Step => "replay-step",
            Control::Back(_) => "replay-back",
            Control::On(_) => "replay-on",
            Control::Start => "replay-start",
            Control::End => "replay-end",
            Control::Slower => "replay-slower",
            Control::Faster => "replay-faster",
            Control::NextLint => "replay-next-lint",
        },
        Action::Causes => "causes",
        Action::Help => "help",
        Action::Dismiss => "dismiss",
        Action::Answer(true) => "yes",
        Action::Answer(false) => "no",
        Action::Suspend => "suspend",
    })
}

fn of_grouping(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Process => "group-process",
        GroupBy::Name => "group-name",
        GroupBy::Prefix => "group-prefix",
        GroupBy::Library => "group-library",
        GroupBy::User => "group-user",
        GroupBy::Address => "group-address",
        GroupBy::Server => "group-server",
        GroupBy::None => "group-none",
    }
}

fn of_edit(edit: Edit) -> &'static str {
    match edit {
        Edit::Left => "left",
        Edit::Right => "right",
        Edit::WordLeft => "word-left",
        Edit::WordRight => "word-right",
        Edit::Home => "home",
        Edit::End => "end",
        Edit::Backspace => "backspace",
        Edit::Delete => "delete",
        Edit::KillBlankWordLeft => "kill-blank-word-left",
        Edit::KillWordLeft => "kill-word-left",
        Edit::KillWordRight => "kill-word-right",
        Edit::KillToEnd => "kill-to-end",
        Edit::KillToStart => "kill-to-start",
        Edit::Yank => "yank",
        Edit::YankOlder => "yank-older",
        Edit::Transpose => "transpose",
        Edit::TransposeWords => "transpose-words",
        Edit::Uppercase => "uppercase",
        Edit::Lowercase => "lowercase",
        Edit::Capitalize => "capitalize",
        Edit::Undo => "undo",
    }
}
