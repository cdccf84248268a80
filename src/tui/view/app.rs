//! What an observed app prints, as it would stand on a terminal of its own.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use super::{Cx, age, pane};
use crate::console::{Cell, Colour, Look, Size};
use crate::event::Ending;
use crate::text;
use crate::tui::app::App;
use crate::tui::keymap::Mode;
use crate::tui::layout::Pane;
use crate::tui::theme::Theme;

/// How large a terminal this pane is: all of it below its title.
pub fn size(area: Rect) -> Size {
    Size { rows: area.height.saturating_sub(1), columns: area.width }
}

/// Draws the pane, and says where the app's cursor is while it has the keys.
pub fn draw(app: &App, cx: &Cx<'_>, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let area = pane(cx, Pane::App, title(app, cx), area, buf);
    let picture = &*app.picture;
    for (row, y) in (area.top()..area.bottom()).enumerate() {
        let cells = picture.row(row as u16);
        for (x, cell) in (area.left()..area.right()).zip(cells) {
            put(cell, x, y, area, cx.theme, buf);
        }
    }
    let (row, column) = picture.cursor.filter(|_| app.context().mode == Mode::App)?;
    let at = Position { x: area.x + column, y: area.y + row };
    area.contains(at).then_some(at)
}

/// One cell. The second half of a wide one is left to the first, and of one that does not fit nothing is shown.
fn put(cell: &Cell, x: u16, y: u16, area: Rect, theme: &Theme, buf: &mut Buffer) {
    let Some(shown) = buf.cell_mut((x, y)) else { return };
    let cut = cell.wide && x + 1 >= area.right();
    // What comes after a wide one has been set with it.
    shown.set_symbol(if cell.text.is_empty() || cut { " " } else { &cell.text });
    shown.set_style(style(cell.look, theme));
}

fn style(look: Look, theme: &Theme) -> Style {
    let colour = |colour| {
        theme.colours.nearest(match colour {
            Colour::Default => Color::Reset,
            Colour::Indexed(index) => Color::Indexed(index),
            Colour::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
        })
    };
    let modifiers = [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underlined, Modifier::UNDERLINED),
        (look.reversed, Modifier::REVERSED),
    ];
    let modifiers = modifiers.into_iter().filter(|(is, _)| *is).map(|(_, modifier)| modifier);
    Style::new().fg(colour(look.fore)).bg(colour(look.back)).add_modifier(modifiers.collect())
}

/// How it ended, or how far up this is, or why nobody reports: what matters most to who looks there.
fn title<'a>(app: &App, cx: &Cx<'_>) -> Option<Span<'a>> {
    let row = cx.snapshot.app.as_deref();
    let ended = row.and_then(|row| Some((row.ended?, row.since?)));
    if app.picture.back > 0 {
        let lines = text::thousands(app.picture.back as u64);
        return Some(Span::styled(format!(" {lines} lines back "), cx.theme.warn));
    }
    let ((at, ending), since) = ended?;
    let took = age(at.since(since));
    let (words, style) = match ending {
        Ending::Code(0) => (format!("ended with 0 after {took}"), cx.theme.text),
        Ending::Code(code) => (format!("ended with {code} after {took}"), cx.theme.bad),
        Ending::Signal(number) => (format!("ended by signal {number} after {took}"), cx.theme.bad),
    };
    Some(Span::styled(format!(" {words} · q leaves "), style))
}
