//! A drawn screen as an SVG picture: a grid of cells that looks alike with any monospace font.
//!
//! Blocks, shades and rules are drawn as shapes, so that bars have no gaps; every other run of text is given its exact
//! length. The sixteen colours are classes with a dark and a light palette, and the picture follows its reader's.
//! Nothing in it is a script or comes from elsewhere.

mod palette;

use std::fmt::{self, Write};

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use crate::text;

/// A cell's size in the picture's units.
const CELL: (usize, usize) = (9, 18);
/// From a cell's top to where letters stand.
const BASELINE: usize = 14;
/// Around the screen.
const MARGIN: usize = 12;

/// The screen as a picture. `title` is read to those who cannot see it.
pub fn picture(buf: &Buffer, title: &str, cursor: Option<Position>) -> String {
    let mut svg = String::with_capacity(32 << 10);
    // Writing to a String has no way to fail.
    let _ = write(&mut svg, buf, title, cursor);
    svg
}

fn write(svg: &mut String, buf: &Buffer, title: &str, cursor: Option<Position>) -> fmt::Result {
    let (columns, rows) = (usize::from(buf.area.width), usize::from(buf.area.height));
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">"#
    )?;
    writeln!(svg, "<title>{}</title>", escaped(title))?;
    writeln!(svg, "<style>{}</style>", palette::STYLE)?;
    writeln!(svg, r#"<rect class="ground" width="{width}" height="{height}" rx="8"/>"#)?;
    writeln!(svg, r#"<g transform="translate({MARGIN} {MARGIN})">"#)?;
    for row in 0..rows {
        let line = buf.content.get(row * columns..(row + 1) * columns).unwrap_or_default();
        for run in runs(line) {
            run.write(row, svg)?;
        }
    }
    if let Some(Position { x, y }) = cursor {
        let (x, y) = (usize::from(x) * CELL.0, usize::from(y) * CELL.1);
        writeln!(svg, r#"<rect class="cursor" x="{x}" y="{y}" width="{}" height="{}"/>"#, CELL.0, CELL.1)?;
    }
    svg.push_str("</g>\n</svg>\n");
    Ok(())
}

/// How a cell looks.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }

    fn reversed(self) -> bool {
        self.modifier.contains(Modifier::REVERSED)
    }

    /// The attributes of what stands in the cell.
    fn ink(self) -> String {
        let (colour, other) = if self.reversed() { (self.bg, "ground") } else { (self.fg, "") };
        let mut classes = match colour {
            Color::Reset => other.to_owned(),
            colour => palette::class(colour).unwrap_or_default(),
        };
        for (modifier, class) in [
            (Modifier::BOLD, "bold"),
            (Modifier::DIM, "dim"),
            (Modifier::ITALIC, "italic"),
            (Modifier::UNDERLINED, "line"),
        ] {
            if self.modifier.contains(modifier) {
                let blank = if classes.is_empty() { "" } else { " " };
                classes.push_str(blank);
                classes.push_str(class);
            }
        }
        attributes(&classes, palette::hex(colour))
    }

    /// The attributes of the cell's background, if it has one of its own.
    fn ground(self) -> Option<String> {
        let colour = if self.reversed() { self.fg } else { self.bg };
        match colour {
            Color::Reset if !self.reversed() => None,
            Color::Reset => Some(attributes("", None)),
            colour => Some(attributes(&palette::class(colour).unwrap_or_default(), palette::hex(colour))),
        }
    }
}

fn attributes(classes: &str, fill: Option<String>) -> String {
    let classes = if classes.is_empty() { String::new() } else { format!(r#" class="{classes}""#) };
    // As a style, since a class would win over an attribute.
    let fill = fill.map(|fill| format!(r#" style="fill:{fill}""#)).unwrap_or_default();
    format!("{classes}{fill}")
}

/// Cells that are drawn as one.
struct Run {
    column: usize,
    columns: usize,
    look: Look,
    what: What,
}

enum What {
    Blank,
    Text(String),
    Shape(Shape),
}

/// A symbol that fills a part of its cell, for as many cells as there are.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    top: usize,
    height: usize,
    /// In hundredths.
    opacity: usize,
}

/// The shape of a symbol, in a cell 18 high.
fn shape(symbol: &str) -> Option<Shape> {
    let solid = |top, height| Some(Shape { top, height, opacity: 100 });
    let shade = |opacity| Some(Shape { top: 0, height: CELL.1, opacity });
    match symbol {
        "▁" => solid(16, 2),
        "▂" => solid(14, 4),
        "▃" => solid(11, 7),
        "▄" => solid(9, 9),
        "▅" => solid(7, 11),
        "▆" => solid(4, 14),
        "▇" => solid(2, 16),
        "█" => solid(0, CELL.1),
        "▔" => solid(0, 1),
        "─" => solid(9, 1),
        "━" => solid(8, 2),
        "░" => shade(20),
        "▒" => shade(45),
        "▓" => shade(70),
        _ => None,
    }
}

/// A line of cells in runs of one look and kind. The cell that a wide character covers besides its own is skipped, as a
/// terminal skips it.
fn runs(line: &[Cell]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut column = 0;
    while let Some(cell) = line.get(column) {
        let symbol = cell.symbol();
        let columns = text::width(symbol).max(1);
        let look = Look::of(cell);
        let what = match shape(symbol) {
            Some(shape) => What::Shape(shape),
            None if symbol.trim().is_empty() => What::Blank,
            None => What::Text(symbol.to_owned()),
        };
        // Wide characters stand alone: fonts do not agree on their width.
        let joined = columns == 1
            && runs
                .last_mut()
                .filter(|run| run.look == look && run.single())
                .is_some_and(|run| run.join(&what));
        if !joined {
            runs.push(Run { column, columns, look, what });
        }
        column += columns;
    }
    runs
}

impl Run {
    /// Whether its cells are one column each.
    fn single(&self) -> bool {
        match &self.what {
            What::Text(text) => text::width(text) == self.columns && (self.columns != 2 || text.is_ascii()),
            What::Blank | What::Shape(_) => true,
        }
    }

    /// Takes one more column in, if it is of the same kind.
    fn join(&mut self, more: &What) -> bool {
        match (&mut self.what, more) {
            (What::Blank, What::Blank) => {}
            (What::Shape(one), What::Shape(other)) if one == other => {}
            (What::Text(text), What::Text(symbol)) => text.push_str(symbol),
            // Words of one look are one run; what is further apart is not.
            (What::Text(text), What::Blank) if !text.ends_with(' ') => text.push(' '),
            _ => return false,
        }
        self.columns += 1;
        true
    }

    fn write(&self, row: usize, svg: &mut String) -> fmt::Result {
        let (x, y, width) = (self.column * CELL.0, row * CELL.1, self.columns * CELL.0);
        if let Some(ground) = self.look.ground() {
            writeln!(svg, r#"<rect{ground} x="{x}" y="{y}" width="{width}" height="{}"/>"#, CELL.1)?;
        }
        let ink = self.look.ink();
        match &self.what {
            What::Blank => Ok(()),
            What::Shape(Shape { top, height, opacity }) => {
                let top = y + top;
                let opacity =
                    if *opacity < 100 { format!(r#" fill-opacity="0.{opacity}""#) } else { String::new() };
                writeln!(svg, r#"<rect{ink} x="{x}" y="{top}" width="{width}" height="{height}"{opacity}/>"#)
            }
            What::Text(text) => {
                let shown = text.trim_end();
                let width = (self.columns - (text.len() - shown.len())) * CELL.0;
                let baseline = y + BASELINE;
                let shown = escaped(shown);
                writeln!(svg, r#"<text{ink} x="{x}" y="{baseline}" textLength="{width}">{shown}</text>"#)
            }
        }
    }
}

/// Text as XML takes it: what it gives a meaning is escaped, what it has no place for is replaced.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            c if text::obeyed(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests;
