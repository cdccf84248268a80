//! What stands for a symbol on a terminal that has ASCII only.

use ratatui::buffer::{Buffer, Cell};

/// Dots that stand for more than something cut: `1…7` is a range, and those with room behind them are written out.
pub(super) fn dots(buf: &mut Buffer) {
    let width = usize::from(buf.area.width).max(1);
    for row in buf.content.chunks_mut(width) {
        for at in 0..row.len() {
            if row[at].symbol() != "…" {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| row.get(at)).map_or(" ", Cell::symbol);
            let after = row.get(at + 1).map(Cell::symbol);
            let room = after == Some(" ") && row.get(at + 2).is_none_or(|cell| cell.symbol() == " ");
            let digit = |symbol: &str| symbol.starts_with(|c: char| c.is_ascii_digit());
            if digit(before) && after.is_some_and(digit) {
                row[at].set_symbol("-");
            } else if before == " " && room {
                row[at].set_symbol(".");
                row[at + 1].set_symbol(".");
            }
        }
    }
}

/// The ASCII stand-in for a symbol, or nothing when it is ASCII already.
pub(super) fn form(symbol: &str) -> Option<&'static str> {
    if symbol.is_ascii() {
        return None;
    }
    Some(match symbol {
        "─" | "–" | "▂" => "-",
        "━" => "=",
        "█" | "▇" => "#",
        "▆" | "▅" => "*",
        "▄" | "▃" => "+",
        "▁" => "_",
        "▓" | "▒" => "%",
        "▔" => "\"",
        "░" => ".",
        "▸" => ">",
        "·" => "|",
        "…" => "~",
        "↑" | "▲" => "^",
        "↓" | "▼" => "v",
        "×" => "x",
        "≤" => "<",
        "⏎" => "\\",
        _ => "?",
    })
}
