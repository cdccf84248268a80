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

#[cfg(test)]
mod tests {
    use compact_str::CompactString;

    use super::*;
    use crate::tui::theme::Colours;

    fn drawn(cell: &Cell, columns: u16, colours: Colours) -> Buffer {
        let area = Rect { x: 0, y: 0, width: columns, height: 1 };
        let mut buf = Buffer::empty(area);
        put(cell, 0, 0, area, &Theme { colours, ..Theme::DEFAULT }, &mut buf);
        buf
    }

    #[test]
    fn colours_are_those_that_the_terminal_has_and_attributes_stay() {
        let look =
            Look { fore: Colour::Rgb(250, 3, 3), back: Colour::Indexed(21), bold: true, ..Look::default() };
        let cell = Cell { text: CompactString::const_new("x"), wide: false, look };
        let of = |colours| {
            let buf = drawn(&cell, 2, colours);
            assert!(buf[(0, 0)].modifier.contains(Modifier::BOLD));
            (buf[(0, 0)].fg, buf[(0, 0)].bg)
        };
        assert_eq!(of(Colours::True), (Color::Rgb(250, 3, 3), Color::Indexed(21)));
        assert_eq!(of(Colours::Indexed), (Color::Indexed(196), Color::Indexed(21)));
        assert_eq!(of(Colours::Sixteen), (Color::Indexed(9), Color::Indexed(12)));
        assert_eq!(of(Colours::None), (Color::Reset, Color::Reset));
    }

    #[test]
    fn half_a_wide_character_is_never_shown() {
        let cell = Cell { text: CompactString::const_new("日"), wide: true, look: Look::default() };
        assert_eq!(drawn(&cell, 2, Colours::True)[(0, 0)].symbol(), "日");
        assert_eq!(drawn(&cell, 1, Colours::True)[(0, 0)].symbol(), " ");
    }
}
