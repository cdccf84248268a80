//! The one function that does what a person asks for, and what it hands on by who has the keys.

use unicode_segmentation::UnicodeSegmentation;

use super::{App, Help, Word};
use crate::tui::action::{Action, Edit, Effect, Loan, Step};
use crate::tui::keymap::{Chord, Context, Meaning, Mode};
use crate::tui::layout::{Pane, Scene};

impl App {
    /// Does what a person asked for, and says what the world must do.
    pub fn update(&mut self, action: Action) -> Vec<Effect> {
        let armed = std::mem::take(&mut self.armed);
        self.pending = None;
        self.stray = None;
        self.notice = None;
        match action {
            // Text that nobody sees is not taken, nor is what else a terminal sends.
            Action::Paste(_) | Action::Click(_) | Action::DoubleClick(_) | Action::Wheel { .. }
                if self.unseen() => {}
            Action::Interrupt => return self.interrupt(armed),
            Action::EndOfInput if self.prompt.is_empty() => return self.quit(),
            Action::Suspend => return vec![Effect::Suspend],
            Action::Accept => return self.accept(),
            Action::Answer(yes) => return self.answer(yes),
            Action::EditInEditor => {
                return vec![Effect::Lend(Loan::Edit(self.prompt.text().to_owned()))];
            }
            Action::Page => return self.page(),
            Action::Command => self.prompt.vi_normal(),
            Action::ClearOutput => {
                self.output.clear();
                return vec![Effect::Repaint];
            }
            Action::Insert(c) if self.commanding() => return self.vi_press(c),
            Action::Insert(c) => self.typed(c.encode_utf8(&mut [0; 4])),
            Action::Paste(text) => self.typed(&text),
            Action::Edit(edit) => self.edit(edit),
            Action::Complete => self.complete(false),
            Action::CompleteBack => self.complete(true),
            Action::Older => self.older(),
            Action::Newer => self.newer(),
            Action::Search => self.history.search(self.prompt.text()),
            Action::Dismiss => self.dismiss(),
            Action::Find => self.find(),
            Action::Read => self.read(),
            Action::FindOlder => self.next_found(true),
            Action::FindNewer => self.next_found(false),
            Action::ScrollOutput(step) => self.scroll_output(step),
            Action::Scroll(step) if self.context().mode == Mode::Pane(Pane::App) => {
                return self.scroll_app(step);
            }
            Action::Scroll(step) => self.scroll(step),
            Action::Focus(pane) => self.focus(pane),
            Action::LeavePrompt => self.focus(self.last_pane),
            Action::NextPane => self.focus(self.neighbour(1)),
            Action::PreviousPane => self.focus(self.neighbour(-1)),
            Action::Copy => return self.copy(),
            Action::Slower => return self.change_interval(true),
            Action::Faster => return self.change_interval(false),
            Action::Tape(control) => return vec![Effect::Tape(control)],
            Action::Report => return vec![Effect::Report(Box::new(self.screenful()))],
            Action::Click(at) => return self.click(at, false),
            Action::DoubleClick(at) => return self.click(at, true),
            Action::Wheel { at, up } => self.wheel(at, up),
            Action::Open => self.open(),
            Action::NextRow => self.walk(1),
            Action::PreviousRow => self.walk(-1),
            Action::Close => self.ask_to_close(),
            Action::Group(by) => self.group_by(by),
            Action::NextGrouping => self.next_grouping(),
            Action::Back => self.leave_group(),
            Action::Kill => self.ask_to_kill(false),
            Action::KillShown => self.ask_to_kill(true),
            Action::Jump => self.jump(),
            Action::LeavePane => self.leave_pane(),
            Action::Filter => self.open_filter(),
            Action::KeepFilter => self.keep_filter(),
            Action::ClearFilter => self.clear_filter(),
            Action::SortNext => self.sort(false),
            Action::SortPrevious => self.sort(true),
            Action::Invert => self.invert(),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Freeze => self.freeze(),
            Action::Causes => self.toggle_causes(),
            Action::Help => {
                self.help = match self.help {
                    Some(_) => None,
                    None => Some(Help { here: Some(self.context()), ..Help::default() }),
                };
            }
            Action::EndOfInput => {}
        }
        Vec::new()
    }

    /// A key while nothing can be seen: only what cancels, suspends or ends the program means anything.
    pub(super) fn press_unseen(&mut self, chord: Chord) -> Option<Vec<Effect>> {
        let empty = Context::of(Mode::Prompt);
        let meant = self.facts.keys.resolve(None, chord, &empty);
        if matches!(self.context().mode, Mode::Ask | Mode::Confirm)
            && meant != Meaning::Do(Action::EndOfInput)
        {
            let no = self.facts.keys.resolve(None, chord, &self.context());
            return (no == Meaning::Do(Action::Answer(false))).then(|| self.update(Action::Answer(false)));
        }
        match meant {
            // Once more is a yes to a question that cannot be seen.
            Meaning::Do(Action::EndOfInput) if self.confirm.is_some() => Some(vec![Effect::Quit]),
            Meaning::Do(Action::EndOfInput) => Some(self.quit()),
            Meaning::Do(action @ (Action::Interrupt | Action::Suspend)) => Some(self.update(action)),
            _ => None,
        }
    }

    fn interrupt(&mut self, armed: bool) -> Vec<Effect> {
        self.help = None;
        if self.running.is_some() {
            self.drop_waiting();
            return vec![Effect::Cancel];
        }
        if !self.prompt.is_empty() {
            self.prompt.take();
            self.history.settle();
            return Vec::new();
        }
        // Its end is told later; one more Ctrl-C is meant for the job before.
        if let Some(job) = self.jobs.pop() {
            return vec![Effect::EndJob(job.number)];
        }
        if armed {
            return self.quit();
        }
        self.armed = true;
        Vec::new()
    }

    /// A text for whatever takes letters now.
    fn typed(&mut self, text: &str) {
        match self.context().mode {
            Mode::Help => self.search_help(|query| query.push_str(text)),
            Mode::Search => self.history.refine(|query| query.push_str(text)),
            Mode::Find => self.refine_find(|words| words.push_str(text)),
            Mode::Filter => self.type_filter(text),
            Mode::Prompt => {
                self.prompt.insert(text);
                self.history.settle();
                self.output.follow();
            }
            // A paste while a pane has the keys is meant for the prompt; a question takes no text.
            Mode::Pane(_) | Mode::Details(_) | Mode::Read if self.scene == Scene::Pool => {
                self.end_reading();
                self.focus(Pane::Shell);
                self.prompt.insert(text);
                self.history.settle();
            }
            Mode::Confirm => {
                if let Some(word) = self.asked_word() {
                    word.push(text);
                }
            }
            Mode::Pane(_) | Mode::Details(_) | Mode::Read | Mode::Ask | Mode::App => {}
        }
    }

    /// The word that answers what is asked now.
    fn asked_word(&mut self) -> Option<&mut Word> {
        match &mut self.confirm {
            Some(confirm) => confirm.word.as_mut(),
            None => self.word.as_mut(),
        }
    }

    fn edit(&mut self, edit: Edit) {
        match self.context().mode {
            Mode::Help => self.search_help(|query| shorten(query, edit)),
            Mode::Find => self.refine_find(|words| shorten(words, edit)),
            Mode::Filter => self.change_filter(|line| shorten(line, edit)),
            Mode::Confirm => {
                if let Some(word) = self.asked_word() {
                    shorten(&mut word.typed, edit);
                }
            }
            Mode::Search if edit == Edit::End => self.end_search(true),
            Mode::Search => self.history.refine(|query| shorten(query, edit)),
            _ => {
                if !self.take_suggestion(edit) {
                    self.prompt.edit(edit);
                }
                self.history.settle();
            }
        }
    }

    fn search_help(&mut self, change: impl FnOnce(&mut String)) {
        if let Some(help) = &mut self.help {
            change(&mut help.query);
            help.offset = 0;
        }
    }

    fn dismiss(&mut self) {
        if self.help.take().is_none() && !self.close_details() {
            self.end_reading();
            self.prompt.dismiss();
            self.end_search(false);
        }
    }

    fn freeze(&mut self) {
        self.frozen = !self.frozen;
        if !self.frozen {
            self.show_latest();
        }
    }

    fn scroll(&mut self, step: Step) {
        if self.help.is_some() {
            self.scroll_help(step);
        } else if self.details.is_some() {
            self.scroll_details(step);
        } else {
            self.scroll_pane(step);
        }
    }
}

/// Takes letters back from the end of words that are looked for or filtered by: such a line has no cursor to go by.
fn shorten(line: &mut String, edit: Edit) {
    let end = match edit {
        Edit::Backspace => line.grapheme_indices(true).next_back().map_or(0, |(at, _)| at),
        Edit::KillBlankWordLeft => line.trim_end().rfind(' ').map_or(0, |at| at + 1),
        Edit::KillToStart => 0,
        _ => line.len(),
    };
    line.truncate(end);
}
