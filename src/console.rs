//! The terminal that an app we run believes to have: what it writes, as cells that can be drawn, and what it asks of its
//! terminal, answered. None of its bytes ever reaches the real one.
//!
//! The parser is `vt100`, which knows what full-screen programs use and keeps what it keeps within bounds. Here is what
//! else a program expects, what must not come through, and the shape in which the screen takes it: [`Picture`].

pub mod input;
mod keeper;

use std::cell::Cell as Local;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind};

use compact_str::CompactString;

use crate::text;

pub use keeper::{Handle, Keeper};

/// Lines kept that have left the screen at its top.
const SCROLLBACK: usize = 1_000;
/// The smallest it gets: below it the parser has been seen to break, and no program can be used.
const SMALLEST: Size = Size { rows: 2, columns: 8 };
/// The largest: no window is larger, and each cell costs.
const LARGEST: Size = Size { rows: 500, columns: 1_000 };
/// How much waits for the app as answers to what it asked. One that asks on and on and reads nothing gets no more.
const ANSWERS: usize = 4 << 10;

/// Rows and columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// From the top.
    pub rows: u16,
    /// From the left.
    pub columns: u16,
}

impl Size {
    /// The nearest that can be had.
    #[must_use]
    fn sane(self) -> Self {
        Self {
            rows: self.rows.clamp(SMALLEST.rows, LARGEST.rows),
            columns: self.columns.clamp(SMALLEST.columns, LARGEST.columns),
        }
    }

    fn parts(self) -> (NonZeroU16, NonZeroU16) {
        let part = |part| NonZeroU16::new(part).unwrap_or(NonZeroU16::MIN);
        (part(self.rows), part(self.columns))
    }
}

/// A colour as the app asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of 256; the first sixteen are the person's.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

impl From<vt100::Color> for Colour {
    fn from(colour: vt100::Color) -> Self {
        match colour {
            vt100::Color::Default => Self::Default,
            vt100::Color::Idx(index) => Self::Indexed(index),
            vt100::Color::Rgb(red, green, blue) => Self::Rgb(red, green, blue),
        }
    }
}

/// How a cell is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "attributes that do not depend on each other")]
pub struct Look {
    /// Of the text.
    pub fore: Colour,
    /// Behind it.
    pub back: Colour,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underlined: bool,
    /// Fore and back swapped.
    pub reversed: bool,
}

/// One place on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What stands there, safe to show: nothing, or what fills exactly its columns.
    pub text: CompactString,
    /// It takes the place after it too, which is empty.
    pub wide: bool,
    /// How it is written.
    pub look: Look,
}

impl From<&vt100::Cell> for Cell {
    fn from(cell: &vt100::Cell) -> Self {
        let columns = 1 + usize::from(cell.is_wide());
        let contents = cell.contents();
        let mut text = if contents.contains(text::obeyed) {
            contents.chars().filter(|c| !text::obeyed(*c)).collect()
        } else {
            CompactString::from(contents)
        };
        // What the real terminal would take more or fewer columns for would shift all that follows.
        if !text.is_empty() && text::width(&text) != columns {
            text = CompactString::const_new("\u{fffd}");
        }
        Self {
            wide: cell.is_wide() && text::width(&text) == 2,
            text,
            look: Look {
                fore: cell.fgcolor().into(),
                back: cell.bgcolor().into(),
                bold: cell.bold(),
                dim: cell.dim(),
                italic: cell.italic(),
                underlined: cell.underline(),
                reversed: cell.inverse(),
            },
        }
    }
}

/// What the app wants to hear of keys and mouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "modes that do not depend on each other")]
pub struct Modes {
    /// Arrows in their application form.
    pub arrows: bool,
    /// Pastes between brackets.
    pub brackets: bool,
    /// It draws on the other screen, as editors and pagers do.
    pub full_screen: bool,
    /// Which of the mouse's buttons it wants.
    pub mouse: Mouse,
    /// In which form: with its numbers written out, or the old one of three bytes.
    pub written_out: bool,
}

/// How much of the mouse an app wants. Moves are not to be had: the real terminal is not asked for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// Nothing.
    #[default]
    None,
    /// Buttons as they go down.
    Press,
    /// And as they come up.
    Release,
}

/// What is to be seen of an app's terminal at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// How many cells there are.
    pub size: Size,
    /// Row after row.
    pub cells: Vec<Cell>,
    /// Row and column of the cursor, where it is to be seen.
    pub cursor: Option<(u16, u16)>,
    /// How many lines above the end this is.
    pub back: usize,
    /// What the app wants to hear.
    pub modes: Modes,
}

impl Picture {
    /// A row's cells.
    pub fn row(&self, row: u16) -> &[Cell] {
        let columns = usize::from(self.size.columns);
        let start = usize::from(row) * columns;
        self.cells.get(start..start + columns).unwrap_or_default()
    }
}

/// See the module.
pub struct Console {
    parser: vt100::Parser<Asked>,
}

impl Console {
    /// An empty one.
    pub fn new(size: Size) -> Self {
        let (rows, columns) = size.sane().parts();
        let asked = Asked::default();
        Self { parser: vt100::Parser::new_with_callbacks(rows, columns, SCROLLBACK, asked) }
    }

    /// Takes what the app wrote.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.change(|parser| parser.process(bytes));
    }

    /// Changes it, and begins anew where that breaks it: whatever an app writes, it ends nothing but its own screen.
    fn change(&mut self, change: impl FnOnce(&mut vt100::Parser<Asked>)) {
        let size = self.size();
        if contain(|| change(&mut self.parser)).is_none() {
            *self = Self::new(size);
        }
    }

    /// What the app asked its terminal for since the last time, answered.
    pub fn answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.parser.callbacks_mut().answers)
    }

    /// Makes it larger or smaller.
    pub fn resize(&mut self, size: Size) {
        let (rows, columns) = size.sane().parts();
        self.change(|parser| parser.screen_mut().set_size(rows, columns));
        if self.size() != size.sane() {
            *self = Self::new(size);
        }
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        let (rows, columns) = self.parser.screen().size();
        Size { rows: rows.get(), columns: columns.get() }
    }

    /// Shows lines further up, or further down where `by` is less than 0.
    pub fn scroll(&mut self, by: isize) {
        let screen = self.parser.screen_mut();
        let to = screen.scrollback().saturating_add_signed(by);
        screen.set_scrollback(to);
    }

    /// Shows the end again.
    pub fn follow(&mut self) {
        self.parser.screen_mut().set_scrollback(0);
    }

    /// What is to be seen now.
    pub fn picture(&self) -> Picture {
        let (screen, size) = (self.parser.screen(), self.size());
        let places = (0..size.rows).flat_map(|row| (0..size.columns).map(move |column| (row, column)));
        let cell = |(row, column)| {
            let cell = screen.cell(row, column).map(Cell::from).unwrap_or_default();
            // One half of a wide character is left where the other was cut off.
            if cell.wide && column + 1 == size.columns {
                Cell { look: cell.look, ..Cell::default() }
            } else {
                cell
            }
        };
        let (row, column) = screen.cursor_position();
        let back = screen.scrollback();
        // After the last column the cursor waits beside it for the next character.
        let cursor = (row, column.min(size.columns - 1));
        Picture {
            size,
            cells: places.map(cell).collect(),
            cursor: (back == 0 && !screen.hide_cursor()).then_some(cursor),
            back,
            modes: self.modes(),
        }
    }

    fn modes(&self) -> Modes {
        use vt100::MouseProtocolEncoding::Sgr;
        use vt100::MouseProtocolMode::{None, Press};
        let screen = self.parser.screen();
        Modes {
            arrows: screen.application_cursor(),
            brackets: screen.bracketed_paste(),
            full_screen: screen.alternate_screen(),
            mouse: match screen.mouse_protocol_mode() {
                None => Mouse::None,
                Press => Mouse::Press,
                _ => Mouse::Release,
            },
            written_out: screen.mouse_protocol_encoding() == Sgr,
        }
    }
}

thread_local! {
    static CONTAINING: Local<bool> = const { Local::new(false) };
}

/// Whether a panic on this thread ends nothing, and nobody needs to be told.
pub fn contains() -> bool {
    CONTAINING.get()
}

/// What this gives, unless it panics.
fn contain<T>(work: impl FnOnce() -> T) -> Option<T> {
    CONTAINING.set(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    CONTAINING.set(false);
    done
}

/// What programs ask their terminal for, with the answers. Titles, clipboard, bells and what else they tell it are not
/// heard.
#[derive(Default)]
struct Asked {
    answers: Vec<u8>,
}

impl Asked {
    fn answer(&mut self, answer: &[u8]) {
        if self.answers.len() + answer.len() <= ANSWERS {
            self.answers.extend_from_slice(answer);
        }
    }
}

impl vt100::Callbacks for Asked {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let number = params.first().and_then(|param| param.first()).copied().unwrap_or_default();
        match (first, second, last, number) {
            // Whether it is well.
            (None, None, 'n', 5) => self.answer(b"\x1b[0n"),
            // Where the cursor is.
            (None, None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                let column = column.min(screen.size().1.get() - 1);
                self.answer(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
            // What it is: a VT220 with colours, and which version.
            (None, None, 'c', 0) => self.answer(b"\x1b[?62;22c"),
            (Some(b'>'), None, 'c', 0) => self.answer(b"\x1b[>1;0;0c"),
            // Whether a mode is on: not known.
            (Some(b'?'), Some(b'$'), 'p', mode) => self.answer(format!("\x1b[?{mode};0$y").as_bytes()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
