//! What stands for a symbol on a terminal that has ASCII only.

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
