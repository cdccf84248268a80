//! What a key can ask for, and what the screen asks of the world in return.

use std::time::Duration;

use bytes::Bytes;
use ratatui::layout::Position;

use super::layout::Pane;
use crate::event::{Exact, NodeId};
use crate::record::Control;
use crate::report::Screenful;
use crate::snapshot::GroupBy;

/// One thing a person asked for. [`super::app::App::update`] is the only reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Type a character.
    Insert(char),
    /// Insert a pasted text as it is: its newlines run nothing.
    Paste(String),
    /// Change or move in the typed line.
    Edit(Edit),
    /// Run the typed line.
    Accept,
    /// Complete the word, or the next candidate.
    Complete,
    /// The candidate before.
    CompleteBack,
    /// The line before in history that begins as the typed one does.
    Older,
    /// The line after.
    Newer,
    /// Search history backward; again, the next match.
    Search,
    /// Change the typed line in the person's own editor.
    EditInEditor,
    /// Read what the last line gave, in full, in the person's own pager.
    Page,
    /// With vi's keys: letters are commands now.
    Command,
    /// Empty the output.
    ClearOutput,
    /// Cancel what runs, else clear the line, else end the job begun last, else (twice) quit.
    Interrupt,
    /// End the program from an empty line.
    EndOfInput,
    /// Look for words in the output: letters go into them.
    Find,
    /// Keep the words looked for; letters are keys again.
    Read,
    /// The match above.
    FindOlder,
    /// The match below.
    FindNewer,
    /// Move in the output.
    ScrollOutput(Step),
    /// Move in the focused pane.
    Scroll(Step),
    /// Give a pane the keys.
    Focus(Pane),
    /// Leave the prompt for the pane last used.
    LeavePrompt,
    /// Go on to the next pane.
    NextPane,
    /// Go back to the pane before.
    PreviousPane,
    /// Leave the pane for the prompt; a filter is cleared first.
    LeavePane,
    /// Show the selected row in full.
    Open,
    /// Show the next row in full.
    NextRow,
    /// Show the row before in full.
    PreviousRow,
    /// Close the connection, after asking.
    Close,
    /// Group the clients by this.
    Group(GroupBy),
    /// Group them by what comes next.
    NextGrouping,
    /// From the clients of a group back to the groups.
    Back,
    /// Close the selected client, or those of the selected group, after a word is typed.
    Kill,
    /// Close all clients that are shown, after a word is typed.
    KillShown,
    /// Go to what a lint speaks of.
    Jump,
    /// Copy the row, or what is shown in full, to the clipboard.
    Copy,
    /// Type a filter for the focused pane's rows.
    Filter,
    /// Back to the rows that the filter leaves.
    KeepFilter,
    /// Back to all rows.
    ClearFilter,
    /// Sort the focused pane's rows by the next field.
    SortNext,
    /// Sort them by the field before.
    SortPrevious,
    /// Invert their order.
    Invert,
    /// Take snapshots less often.
    Slower,
    /// Take snapshots more often.
    Faster,
    /// Write what is on the screen to files.
    Report,
    /// Fill the screen with the focused pane, or stop doing so.
    Zoom,
    /// Take no new snapshot, or take them again.
    Freeze,
    /// Move in the recording that is shown.
    Tape(Control),
    /// Show or hide why callers wait.
    Causes,
    /// Show or hide the help.
    Help,
    /// Close what is on top: help, search, candidates.
    Dismiss,
    /// Answer the question on the prompt.
    Answer(bool),
    /// Click on a place of the screen.
    Click(Position),
    /// Click on it twice.
    DoubleClick(Position),
    /// Turn the wheel over it.
    Wheel {
        /// Where.
        at: Position,
        /// Towards the start.
        up: bool,
    },
    /// Stop the program as the shell's job control does.
    Suspend,
}

impl From<Control> for Action {
    fn from(control: Control) -> Self {
        Self::Tape(control)
    }
}

/// A change of the typed line, with emacs' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// One character back.
    Left,
    /// One character on.
    Right,
    /// One word back.
    WordLeft,
    /// One word on.
    WordRight,
    /// To the start of the line.
    Home,
    /// To its end.
    End,
    /// Delete the character before.
    Backspace,
    /// Delete the character under the cursor.
    Delete,
    /// Kill the word before, up to a blank.
    KillBlankWordLeft,
    /// Kill the word before.
    KillWordLeft,
    /// Kill the word after.
    KillWordRight,
    /// Kill to the end.
    KillToEnd,
    /// Kill to the start.
    KillToStart,
    /// Insert what was killed last.
    Yank,
    /// After a yank: what was killed before that.
    YankOlder,
    /// Swap two characters.
    Transpose,
    /// Swap two words.
    TransposeWords,
    /// Word in upper case.
    Uppercase,
    /// Word in lower case.
    Lowercase,
    /// Word with a capital.
    Capitalize,
    /// Take the last change back.
    Undo,
}

/// A step in something that scrolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One screenful up.
    PageUp,
    /// One screenful down.
    PageDown,
    /// To the start.
    Top,
    /// To the end.
    Bottom,
}

/// What the terminal is lent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loan {
    /// The person's editor, with this line in it.
    Edit(String),
    /// The person's pager, or a shell command that takes the terminal, with this to read.
    Page {
        /// The shell command, where it is not the pager.
        command: Option<String>,
        /// What it gets to read.
        input: Bytes,
    },
}

/// What the event loop must do after an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run this line.
    Run(String),
    /// Run this line beside the one that runs: it needs no connection of the pool.
    RunAside(String),
    /// Put this line into the history file.
    Remember(String),
    /// Cancel the running command.
    Cancel,
    /// End the job with this number.
    EndJob(u32),
    /// Answer the command that asked, with what was typed: `y`, or a word.
    Answer(String),
    /// Put this text into the terminal's clipboard.
    Copy(String),
    /// Take snapshots so often from now on.
    Interval(Duration),
    /// Write this to files.
    Report(Box<Screenful>),
    /// Close these clients of watched servers.
    Kill(Vec<(NodeId, Exact)>),
    /// Type this into the app.
    Type(Vec<u8>),
    /// Show what the app printed so many lines further up; below 0, further down.
    ScrollApp(isize),
    /// Draw every cell anew.
    Repaint,
    /// Move in the recording.
    Tape(Control),
    /// Fetch what the last line gave for the pager.
    Page,
    /// Lend the terminal to another program.
    Lend(Loan),
    /// Give the terminal back and stop, as Ctrl-Z does.
    Suspend,
    /// End the program.
    Quit,
}
