//! The line shell: an editor on a terminal, commands from a pipe, or one command.

pub mod editor;
pub mod history;
