//! The terminal as the screen needs it, and given back on every way out.
//!
//! Quit, error and unwinding go through [`Guard`]'s drop; a panic on any thread through the hook, before its message;
//! SIGTERM and SIGHUP through the event loop, which then ends; Ctrl-Z through [`Guard::give`].
//!
//! Nothing here waits for the terminal but its giving back, and that not for long.

mod outlet;

use std::io::{self, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::queue;
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use parking_lot::Mutex;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::{Frame, Terminal};
use tokio::time::{Instant, sleep_until};

use self::outlet::Outlet;
use super::app::App;
use super::clipboard;
use super::theme::Theme;
use super::view;
use crate::console;
use crate::terminal::{Kept, keep, plain};

/// How long a terminal may take to show what is under way when it is given back. One that nobody reads never will.
const SLOW: Duration = Duration::from_millis(500);

/// Buttons and wheel with their places, as far right as there are columns; no moves, which nobody asked for and which
/// would come by the hundred. With Shift a terminal keeps the mouse to itself.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Whether the terminal is the screen's now. Both the guard and the panic hook give it back, whichever comes first.
static ENTERED: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is taken with it.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// What a frame is made of until it is whole: it goes out in one piece.
#[derive(Clone, Default)]
struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while the screen has it.
pub struct Guard {
    terminal: Terminal<CrosstermBackend<Sheet>>,
    sheet: Sheet,
    outlet: Outlet,
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
                // What an app wrote broke its own screen and no more.
                if console::contains() {
                    return;
                }
                leave();
                before(info);
            }));
        });
        let kept = keep()?;
        let outlet = Outlet::get()?;
        take(&outlet)?;
        let sheet = Sheet::default();
        match Terminal::new(CrosstermBackend::new(sheet.clone())) {
            Ok(terminal) => Ok(Guard { terminal, sheet, outlet, shown: None, _kept: kept }),
            Err(error) => {
                leave();
                Err(error)
            }
        }
    }

    /// Draws a frame; the terminal shows it whole or not at all, where it can. A frame like the last one is none: a
    /// screen on which nothing happens writes nothing. Nor is there one while the terminal is at the last: see
    /// [`Guard::free_at`].
    pub fn draw(&mut self, app: &mut App, theme: &Theme) -> io::Result<()> {
        still_ours()?;
        if self.outlet.has_frame() {
            return Ok(());
        }
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

    /// Draws a frame of anybody's, unless the terminal is at the last.
    pub fn frame(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        still_ours()?;
        if self.outlet.has_frame() {
            return Ok(());
        }
        self.shown = None;
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(draw)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.outlet.frame(&mut self.sheet.0.lock())
    }

    /// Waits for the moment of the next frame, and until the terminal has taken the last one.
    pub async fn free_at(&self, moment: Instant) {
        sleep_until(moment).await;
        self.outlet.free().await;
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
        self.outlet.write(sequence.into_bytes())
    }

    /// Gives the terminal back until [`Guard::retake`].
    pub fn give(&mut self) {
        leave();
    }

    /// Takes the terminal anew after somebody else had it: whoever stopped and continued us may have changed it.
    pub fn retake(&mut self) -> io::Result<()> {
        leave();
        plain();
        take(&self.outlet)?;
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

fn take(outlet: &Outlet) -> io::Result<()> {
    enable_raw_mode()?;
    ENTERED.store(true, Ordering::Release);
    let mouse = if MOUSE.load(Ordering::Acquire) { MOUSE_ON } else { "" };
    let mut bytes = Vec::new();
    let taken = queue!(bytes, EnterAlternateScreen, EnableBracketedPaste, Print(mouse));
    taken.and_then(|()| outlet.write(bytes)).inspect_err(|_| leave())
}

/// Gives the terminal back, once. Errors are of no use to anybody here: a terminal that is gone needs nothing.
fn leave() {
    if ENTERED.swap(false, Ordering::AcqRel) {
        let mouse = if MOUSE.load(Ordering::Acquire) { MOUSE_OFF } else { "" };
        let mut bytes = Vec::new();
        let _ = queue!(bytes, EndSynchronizedUpdate, Print(mouse), DisableBracketedPaste);
        let _ = queue!(bytes, LeaveAlternateScreen, Show);
        if let Some(outlet) = Outlet::open() {
            let _ = outlet.write(bytes);
            outlet.settle(SLOW);
        }
        let _ = disable_raw_mode();
    }
}
