//! The terminal as the screen needs it, and given back on every way out.
//!
//! Quit, error and unwinding go through [`Guard`]'s drop; a panic on any thread through the hook, before its message;
//! SIGTERM and SIGHUP through the event loop, which then ends; Ctrl-Z through [`Guard::give`].

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::{Frame, Terminal};

use super::app::App;
use super::clipboard;
use super::theme::Theme;
use super::view;
use crate::terminal::{Kept, keep, plain};

/// One frame goes out in one write: a whole repaint of a large screen fits.
const FRAME: usize = 64 << 10;

/// Buttons and wheel with their places, as far right as there are columns; no moves, which nobody asked for and which
/// would come by the hundred. With Shift a terminal keeps the mouse to itself.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is the screen's now. Both the guard and the panic hook give it back, whichever comes first.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is taken with it.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while the screen has it.
pub struct Guard {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// What the terminal shows, and where its cursor is, where that is known.
    shown: Option<(Buffer, Option<Position>)>,
    /// Its settings before it was taken: whoever borrows it may be killed, and leave others.
    _kept: Kept,
}

impl Guard {
    /// Takes the terminal: raw, on the other screen, pastes in brackets, and with it the mouse where that is wanted.
    pub fn enter(mouse: bool) -> io::Result<Guard> {
        MOUSE.store(mouse, Ordering::Release);
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                leave();
                before(info);
            }));
        });
        let kept = keep()?;
        take()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME, stdout()));
        match Terminal::new(backend) {
            Ok(terminal) => Ok(Guard { terminal, shown: None, _kept: kept }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// Draws a frame; the terminal shows it whole or not at all, where it can. A frame like the last one is none: a
    /// screen on which nothing happens writes nothing.
    pub fn draw(&mut self, app: &mut App, theme: &Theme) -> io::Result<()> {
        still_ours()?;
        let size = self.terminal.size()?;
        app.resize(size);
        let area = Rect::from((Position::ORIGIN, size));
        let mut buffer = Buffer::empty(area);
        let cursor = view::screen(app, theme, area, &mut buffer);
        if self.shown.as_ref().is_some_and(|(shown, at)| *shown == buffer && *at == cursor) {
            return Ok(());
        }
        let mut same_size = true;
        self.frame(|frame| {
            same_size = frame.area() == area;
            if same_size {
                frame.buffer_mut().clone_from(&buffer);
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            } else {
                // It has changed in between.
                app.resize(frame.area().as_size());
                view::draw(app, theme, frame);
            }
        })?;
        self.shown = same_size.then_some((buffer, cursor));
        Ok(())
    }

    /// Draws a frame of anybody's.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        still_ours()?;
        self.shown = None;
        execute!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Forgets what is on the terminal, so that the next frame draws every cell.
    pub fn repaint(&mut self) -> io::Result<()> {
        // `Terminal::clear` would ask the terminal where its cursor is, and wait for an answer that the key reader takes.
        self.shown = None;
        let size = self.terminal.size()?;
        self.terminal.resize(Rect { x: 0, y: 0, width: size.width, height: size.height })
    }

    /// Puts a text into the terminal's clipboard.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let sequence = clipboard::sequence(text, clipboard::Between::of_process());
        execute!(self.terminal.backend_mut(), Print(sequence))
    }

    /// Gives the terminal back until [`Guard::retake`].
    pub fn give(&mut self) {
        leave();
    }

    /// Takes the terminal anew after somebody else had it: whoever stopped and continued us may have changed it.
    pub fn retake(&mut self) -> io::Result<()> {
        leave();
        plain();
        take()?;
        self.repaint()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        leave();
    }
}

/// After a panic elsewhere, which gave the terminal back, what is drawn would land on the user's own screen.
fn still_ours() -> io::Result<()> {
    if ENTERED.load(Ordering::Acquire) {
        return Ok(());
    }
    Err(io::Error::other("a part of the program panicked; its message is above"))
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::Release);
    let mouse = if MOUSE.load(Ordering::Acquire) { MOUSE_ON } else { "" };
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, Print(mouse)).inspect_err(|_| leave())
}

/// Gives the terminal back, once. Errors are of no use to anybody here: a terminal that is gone needs nothing.
fn leave() {
    if ENTERED.swap(false, Ordering::AcqRel) {
        let mouse = if MOUSE.load(Ordering::Acquire) { MOUSE_OFF } else { "" };
        let _ = execute!(stdout(), EndSynchronizedUpdate, Print(mouse), DisableBracketedPaste);
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
        let _ = stdout().flush();
        let _ = disable_raw_mode();
    }
}
