//! The sixteen colours as classes, dark and light, and all others as themselves.

use ratatui::style::Color;

/// The whole style sheet. The font is the reader's own: none is fetched.
pub(super) const STYLE: &str = "\
text,rect{fill:#d6dde6}\
text{font:15px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}\
rect{shape-rendering:crispEdges}\
.ground{fill:#0d1117}.cursor{fill-opacity:.5}\
.bold{font-weight:700}.dim{opacity:.62}.italic{font-style:italic}.line{text-decoration:underline}\
.c0{fill:#484f58}.c1{fill:#ff7b72}.c2{fill:#3fb950}.c3{fill:#d9a321}.c4{fill:#58a6ff}.c5{fill:#bc8cff}\
.c6{fill:#39c5cf}.c7{fill:#b1bac4}.c8{fill:#6e7681}.c9{fill:#ffa198}.c10{fill:#56d364}.c11{fill:#e3b341}\
.c12{fill:#79c0ff}.c13{fill:#d2a8ff}.c14{fill:#56d4dd}.c15{fill:#f0f6fc}\
@media(prefers-color-scheme:light){\
text,rect{fill:#1f2328}.ground{fill:#f6f8fa}.dim{opacity:.7}\
.c0{fill:#24292f}.c1{fill:#c01c28}.c2{fill:#116329}.c3{fill:#7d4e00}.c4{fill:#0550ae}.c5{fill:#8250df}\
.c6{fill:#0f6f78}.c7{fill:#6e7781}.c8{fill:#57606a}.c9{fill:#a40e26}.c10{fill:#1a7f37}.c11{fill:#633c01}\
.c12{fill:#0969da}.c13{fill:#8250df}.c14{fill:#1b7c83}.c15{fill:#8c959f}}";

/// The class of one of the sixteen colours.
pub(super) fn class(colour: Color) -> Option<String> {
    let index = match colour {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(index @ 0..16) => index,
        Color::Indexed(_) | Color::Rgb(..) | Color::Reset => return None,
    };
    Some(format!("c{index}"))
}

/// A colour beyond the sixteen, as it is written.
pub(super) fn hex(colour: Color) -> Option<String> {
    let [red, green, blue] = match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Indexed(index @ 16..) => crate::tui::theme::indexed(index),
        _ => return None,
    };
    Some(format!("#{red:02x}{green:02x}{blue:02x}"))
}
