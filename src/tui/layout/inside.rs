//! Where the panes of an observed app go: its pools first, what is wrong below them, then who holds what, and at the
//! bottom what it prints.

use ratatui::layout::{Rect, Size};

use super::{GAP, Pane, Rows, Scene, TALL, WIDE, Wish, split};

/// Heights depend on the size and the choice alone: nothing moves when a process comes or goes.
pub(super) fn panes(mut rows: Rows, size: Size, wish: &Wish<'_>) -> Vec<(Pane, Rect)> {
    let (tall, wide) = (size.height >= TALL, size.width >= WIDE);
    let wants = |pane: Pane| wish.panes.contains(&pane);
    let mut panes = Vec::with_capacity(Pane::RUN.len());
    let area = rows.take(if tall { (size.height * 3 / 10).clamp(12, 18) } else { size.height / 4 });
    if wide && wants(Pane::Latency) {
        // A row of a pool needs more room than percentiles.
        let (pools, latency) = split(area, area.width - area.width * 2 / 5);
        panes.extend([(Pane::Pools, pools), (Pane::Latency, latency)]);
    } else {
        panes.push((Pane::Pools, area));
    }
    if wants(Pane::Lints) {
        let lints = match size.height {
            TALL.. => 4,
            22.. => 2,
            _ => 1,
        };
        panes.push((Pane::Lints, rows.take(1 + lints)));
    }
    let bottom = if wish.scene == Scene::Run {
        Some(Pane::App)
    } else {
        (tall && wants(Pane::Events)).then_some(Pane::Events)
    };
    if wants(Pane::Connections) {
        let height = match bottom {
            Some(Pane::App) => (rows.left * 9).div_ceil(20),
            Some(_) => rows.left - size.height / 6 - 1,
            None => rows.left,
        };
        panes.push((Pane::Connections, rows.take(height)));
    }
    let rest = rows.rest();
    match bottom {
        Some(Pane::App) if wide && wants(Pane::Events) => {
            let events = 48.min(rest.width / 3);
            let (app, events) = split(rest, rest.width - events - GAP);
            panes.extend([(Pane::App, app), (Pane::Events, events)]);
        }
        Some(pane) => panes.push((pane, rest)),
        // The pools take what nobody else wants.
        None if !wants(Pane::Connections) => {
            if let Some((_, pools)) = panes.first_mut() {
                pools.height += rest.height;
            }
        }
        None => {}
    }
    panes
}
