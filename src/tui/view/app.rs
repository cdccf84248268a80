//! What an observed app prints.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Cx, pane};
use crate::tui::layout::Pane;

/// Draws the pane.
pub fn draw(cx: &Cx<'_>, area: Rect, buf: &mut Buffer) {
    pane(cx, Pane::App, [], area, buf);
}
