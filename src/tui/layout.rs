//! Where each pane goes, for any size of terminal. Pure: a size and a wish in, rectangles out.

mod inside;
mod pane;

use ratatui::layout::{Rect, Size};

pub use pane::{Pane, Scene};

/// What the layout depends on besides the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Which panes there are.
    pub scene: Scene,
    /// The panes to show where there is room; the shell, the clients, an app's pools and its output are shown in any case.
    pub panes: &'a [Pane],
    /// The pane that has the keys.
    pub focus: Pane,
    /// It fills the screen.
    pub zoomed: bool,
    /// A line under the header has something to say.
    pub banner: bool,
    /// How many servers are watched.
    pub servers: usize,
}

/// Where everything goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The first line; empty on a small screen, where the pane's own title says the most of it.
    pub header: Rect,
    /// What failed, under the header.
    pub banner: Option<Rect>,
    /// The pool in one line, when its pane is not on the screen.
    pub summary: Option<Rect>,
    /// Panes on the screen.
    pub panes: Vec<(Pane, Rect)>,
    /// Keys, on the last line; empty where the prompt needs all lines.
    pub footer: Rect,
}

impl Plan {
    /// Where a pane is, if it is on the screen.
    pub fn area(&self, pane: Pane) -> Option<Rect> {
        self.panes.iter().find(|(which, _)| *which == pane).map(|(_, area)| *area)
    }

    /// Whether there is room for more than a message.
    pub fn fits(&self) -> bool {
        !self.panes.is_empty()
    }

    /// Whether there is room for one pane and nothing else.
    pub fn small(&self) -> bool {
        self.fits() && self.header.is_empty()
    }
}

/// The smallest screen with a header; below it the pane that has the keys is alone.
const HEADER: Size = Size { width: 60, height: 13 };
/// The smallest screen that shows what is typed; below it there is a message.
pub const SMALLEST: Size = Size { width: 20, height: 3 };
/// The lowest screen that has a line of keys below the prompt.
const FOOTER: u16 = 8;
/// From here on panes stand side by side.
const MANY: Size = Size { width: 72, height: 18 };
/// From here on the server has a pane in the top row.
const WIDE: u16 = 110;
/// From here on panes have their roomy heights.
const TALL: u16 = 34;
/// Columns between two panes that stand side by side.
const GAP: u16 = 2;

/// Lays out a screen of this size.
pub fn plan(size: Size, wish: &Wish<'_>) -> Plan {
    if !holds(size, HEADER) {
        return if holds(size, SMALLEST) { alone(size, wish.focus) } else { Plan::default() };
    }
    let mut rows = Rows { width: size.width, y: 0, left: size.height };
    let header = rows.take(1);
    let banner = wish.banner.then(|| rows.take(1));
    let footer = rows.take_last(1);
    let many = holds(size, MANY);
    // How full the pool is shows on every screen.
    let before = rows;
    // Which it does by its gauges, a server by its own, and an app's pools in their rows.
    let gauges = wish.scene.gauges();
    let shown = wish.scene.is_inside() || wish.panes.contains(&gauges);
    let summary = (!shown).then(|| rows.take(1));
    let panes = match wish.scene {
        _ if !many => Vec::new(),
        Scene::Pool => side_by_side(rows, size, wish.panes),
        Scene::Watch => watched(rows, size, wish),
        Scene::Run | Scene::Attach => inside::panes(rows, size, wish),
    };
    // A pane that has no room of its own fills the screen while it has the keys.
    if !many || wish.zoomed || !panes.iter().any(|(pane, _)| *pane == wish.focus) {
        rows = before;
        let summary = (wish.focus != gauges).then(|| rows.take(1));
        return Plan { header, banner, summary, panes: vec![(wish.focus, rows.rest())], footer };
    }
    Plan { header, banner, summary, panes, footer }
}

fn holds(size: Size, other: Size) -> bool {
    size.width >= other.width && size.height >= other.height
}

/// The pane that has the keys. How to leave it stands below it, even where the prompt has no such line.
fn alone(size: Size, focus: Pane) -> Plan {
    let mut rows = Rows { width: size.width, y: 0, left: size.height };
    let footer = rows.take_last(u16::from(focus != Pane::Shell || size.height >= FOOTER));
    Plan { panes: vec![(focus, rows.rest())], footer, ..Plan::default() }
}

/// The panes of a screen that has room for many. Heights depend on the size and the choice alone: nothing moves when a
/// lint comes or goes, or a connection opens. Who is not wanted leaves its place to the next.
fn side_by_side(mut rows: Rows, size: Size, wanted: &[Pane]) -> Vec<(Pane, Rect)> {
    let tall = size.height >= TALL;
    let wide = size.width >= WIDE;
    let wants = |pane: &Pane| wanted.contains(pane);
    let mut panes = Vec::with_capacity(Pane::ALL.len());
    let top = [Pane::Pool, Pane::Latency, Pane::Server].into_iter().filter(wants);
    let top: Vec<Pane> = top.take(if wide { 3 } else { 2 }).collect();
    if !top.is_empty() {
        let area = rows.take(if tall { (size.height * 3 / 10).clamp(12, 18) } else { 6 });
        panes.extend(top.iter().copied().zip(columns(area, top.len())));
    }
    if wants(&Pane::Lints) {
        let lints = match size.height {
            TALL.. => 3,
            22.. => 2,
            _ => 1,
        };
        panes.push((Pane::Lints, rows.take(1 + lints)));
    }
    let middle = [Pane::Connections, Pane::Events].into_iter().find(wants);
    if let Some(middle) = middle {
        panes.push((middle, rows.take((rows.left * 9).div_ceil(20))));
    }
    let bottom = rows.rest();
    if wide && wants(&Pane::Events) && middle != Some(Pane::Events) {
        let events = 48.min(bottom.width / 3);
        let (shell, events) = split(bottom, bottom.width - events - GAP);
        panes.extend([(Pane::Shell, shell), (Pane::Events, events)]);
    } else {
        panes.push((Pane::Shell, bottom));
    }
    panes
}

/// The panes of a watch: servers and lints at the top, events at the bottom of a high screen, and all between for the
/// clients.
fn watched(mut rows: Rows, size: Size, wish: &Wish<'_>) -> Vec<(Pane, Rect)> {
    let tall = size.height >= TALL;
    let wants = |pane: &Pane| wish.panes.contains(pane);
    // Several have a line each below their titles and the totals, as far as a fifth of the screen goes.
    let several =
        if wish.servers > 1 { (wish.servers as u16).saturating_add(2).min(size.height / 5 + 1) } else { 0 };
    let top: Vec<Pane> = [Pane::Server, Pane::Lints].into_iter().filter(wants).collect();
    let mut panes = Vec::with_capacity(Pane::WATCH.len());
    if size.width >= WIDE && top.len() == 2 {
        let area = rows.take(1 + several.max(if tall { size.height / 5 } else { 4 }));
        let (server, lints) = split(area, area.width * 2 / 5);
        panes.extend([(Pane::Server, server), (Pane::Lints, lints)]);
    } else {
        for pane in top {
            let lines = match (pane, size.height) {
                (Pane::Server, TALL..) => 5,
                (_, TALL..) => 4,
                (_, 22..) => 3,
                (Pane::Server, _) => 2,
                _ => 1,
            };
            let lines = if pane == Pane::Server { several.max(lines) } else { lines };
            panes.push((pane, rows.take(1 + lines)));
        }
    }
    let events =
        if tall && wants(&Pane::Events) { rows.take_last(1 + size.height / 6) } else { Rect::default() };
    panes.push((Pane::Clients, rows.rest()));
    if !events.is_empty() {
        panes.push((Pane::Events, events));
    }
    panes
}

/// The columns of the top row: the third is the server's, which needs least.
fn columns(area: Rect, count: usize) -> Vec<Rect> {
    match count {
        0 | 1 => vec![area],
        2 => {
            // The percentiles need more room than the gauges, where there is little.
            let less = u16::from(area.width < WIDE);
            let (left, right) = split(area, (area.width - GAP) / 2 - less);
            vec![left, right]
        }
        _ => {
            let third = 40.min(area.width / 4);
            let (rest, third) = split(area, area.width - third - GAP);
            let (left, right) = split(rest, (rest.width - GAP) / 2);
            vec![left, right, third]
        }
    }
}

/// Cuts an area in two columns, the first `width` wide, with the gap between them.
fn split(area: Rect, width: u16) -> (Rect, Rect) {
    let left = Rect { width: width.min(area.width), ..area };
    let x = (area.x + width + GAP).min(area.right());
    (left, Rect { x, width: area.right() - x, ..area })
}

/// Rows of the screen not yet given away.
#[derive(Clone, Copy)]
struct Rows {
    width: u16,
    y: u16,
    left: u16,
}

impl Rows {
    fn take(&mut self, height: u16) -> Rect {
        let height = height.min(self.left);
        let area = Rect { x: 0, y: self.y, width: self.width, height };
        self.y += height;
        self.left -= height;
        area
    }

    fn take_last(&mut self, height: u16) -> Rect {
        let height = height.min(self.left);
        self.left -= height;
        Rect { x: 0, y: self.y + self.left, width: self.width, height }
    }

    fn rest(mut self) -> Rect {
        self.take(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(focus: Pane) -> Wish<'static> {
        let scene = if focus == Pane::Clients { Scene::Watch } else { Scene::Pool };
        Wish { scene, panes: &Pane::ALL, focus, zoomed: false, banner: false, servers: 1 }
    }

    fn watch(focus: Pane) -> Wish<'static> {
        Wish { scene: Scene::Watch, ..wish(focus) }
    }

    #[test]
    fn every_size_gives_panes_that_are_apart_and_inside() {
        for width in 1..=200 {
            for height in 1..=60 {
                for focus in Pane::POOL {
                    for (banner, zoomed) in [(false, false), (true, false), (true, true)] {
                        let size = Size { width, height };
                        let plan = plan(size, &Wish { zoomed, banner, ..wish(focus) });
                        check(size, &plan, focus);
                    }
                }
                for focus in Pane::WATCH {
                    for (banner, zoomed) in [(false, false), (true, false), (true, true)] {
                        let size = Size { width, height };
                        let servers = usize::from(width) % 9;
                        let plan = plan(size, &Wish { zoomed, banner, servers, ..watch(focus) });
                        check(size, &plan, focus);
                        let known = |(pane, _): &(Pane, Rect)| Pane::WATCH.contains(pane);
                        assert!(plan.panes.iter().all(known), "{plan:?}");
                    }
                }
                for (scene, focus) in inside() {
                    for (banner, zoomed) in [(false, false), (true, false), (true, true)] {
                        let size = Size { width, height };
                        let plan = plan(size, &Wish { scene, zoomed, banner, ..wish(focus) });
                        check(size, &plan, focus);
                        let known = |(pane, _): &(Pane, Rect)| scene.panes().contains(pane);
                        assert!(plan.panes.iter().all(known), "{plan:?}");
                    }
                }
            }
        }
    }

    /// Every pane of every scene of an app.
    fn inside() -> impl Iterator<Item = (Scene, Pane)> {
        [Scene::Run, Scene::Attach]
            .into_iter()
            .flat_map(|scene| scene.panes().iter().map(move |pane| (scene, *pane)))
    }

    #[test]
    fn an_app_has_its_pools_what_is_wrong_and_what_it_prints_in_sight() {
        for (width, height) in [(72, 18), (80, 24), (110, 24), (140, 40), (200, 60)] {
            let size = Size { width, height };
            let run = plan(size, &Wish { scene: Scene::Run, ..wish(Pane::Pools) });
            for pane in [Pane::Pools, Pane::Lints, Pane::Connections, Pane::App] {
                assert!(run.area(pane).is_some(), "{pane:?} at {size:?}");
            }
            let few = Wish { scene: Scene::Run, panes: &[], ..wish(Pane::Pools) };
            let few = plan(size, &few);
            assert_eq!(few.panes.len(), 2, "{few:?}");
            let lines = |plan: &Plan| plan.panes.iter().map(|(_, area)| area.height).sum::<u16>();
            for panes in [&Pane::ALL[..], &[Pane::Lints], &[]] {
                let attached = plan(size, &Wish { scene: Scene::Attach, panes, ..wish(Pane::Pools) });
                let wide = attached.area(Pane::Latency).map_or(0, |area| area.height);
                assert_eq!(lines(&attached) - wide, height - 2, "no line is left: {attached:?}");
            }
        }
    }

    #[test]
    fn a_watch_is_mostly_clients_with_what_is_wrong_above_them() {
        let height = |plan: &Plan, pane| plan.area(pane).map_or(0, |area| area.height);
        for (width, rows) in [(80, 24), (110, 24), (140, 40)] {
            let size = Size { width, height: rows };
            let plan = plan(size, &watch(Pane::Clients));
            for pane in [Pane::Server, Pane::Lints, Pane::Clients] {
                assert!(plan.area(pane).is_some(), "{pane:?} at {size:?}");
            }
            assert!(height(&plan, Pane::Clients) * 2 > rows, "{plan:?}");
            assert!(height(&plan, Pane::Lints) >= 4, "three lints and a title: {plan:?}");
            assert_eq!(plan.area(Pane::Events).is_some(), rows >= TALL);
            assert!(plan.summary.is_none());
        }
        let small = plan(Size { width: 60, height: 13 }, &watch(Pane::Clients));
        assert!(small.panes.len() == 1 && small.summary.is_some(), "{small:?}");
        let few = Wish { panes: &[Pane::Events], ..watch(Pane::Clients) };
        let few = plan(Size { width: 140, height: 40 }, &few);
        assert!(few.summary.is_some() && few.panes.len() == 2, "{few:?}");
    }

    #[test]
    fn every_choice_of_panes_shows_no_other_and_the_shell() {
        for choice in 0..1 << Pane::POOL.len() {
            let panes: Vec<Pane> =
                Pane::POOL.into_iter().filter(|pane| choice & (1 << pane.index()) != 0).collect();
            for (width, height) in [(72, 18), (80, 24), (110, 30), (140, 40), (200, 60)] {
                let size = Size { width, height };
                let shell = plan(size, &Wish { panes: &panes, ..wish(Pane::Shell) });
                check(size, &shell, Pane::Shell);
                assert_eq!(
                    shell.summary.is_some(),
                    shell.area(Pane::Pool).is_none(),
                    "{panes:?} at {size:?}"
                );
                let chosen = |pane: Pane| pane == Pane::Shell || panes.contains(&pane);
                assert!(shell.panes.iter().all(|(pane, _)| chosen(*pane)), "{panes:?} at {size:?}");
                let missing = panes.iter().find(|pane| shell.area(**pane).is_none());
                assert!(width < WIDE || missing.is_none(), "{panes:?} at {size:?} has no {missing:?}");
                for focus in Pane::POOL {
                    check(size, &plan(size, &Wish { panes: &panes, ..wish(focus) }), focus);
                }
            }
        }
    }

    #[test]
    fn what_is_not_wanted_leaves_its_room_to_the_rest() {
        let size = Size { width: 80, height: 24 };
        let few = plan(size, &Wish { panes: &[Pane::Connections], ..wish(Pane::Shell) });
        let all = plan(size, &wish(Pane::Shell));
        let height = |plan: &Plan, pane| plan.area(pane).unwrap().height;
        assert_eq!(few.panes.len(), 2);
        assert!(height(&few, Pane::Connections) > height(&all, Pane::Connections));
        let none = plan(size, &Wish { panes: &[], ..wish(Pane::Shell) });
        assert_eq!(height(&none, Pane::Shell), 21, "all but header, summary and footer");
        let other = plan(size, &Wish { panes: &[Pane::Server, Pane::Events], ..wish(Pane::Shell) });
        assert_eq!(other.area(Pane::Server).unwrap().width, 80);
        assert!(other.area(Pane::Events).is_some());
    }

    fn check(size: Size, plan: &Plan, focus: Pane) {
        let screen = Rect { x: 0, y: 0, width: size.width, height: size.height };
        assert_eq!(plan.fits(), holds(size, SMALLEST), "{size:?}");
        if !plan.fits() {
            return;
        }
        assert_eq!(plan.small(), !holds(size, HEADER), "{size:?}");
        assert!(focus == Pane::Shell || plan.footer.height == 1, "no way out of {focus:?} at {size:?}");
        let shown = plan.area(focus).expect("the pane with the keys is on the screen");
        assert!(shown.height >= 2 && shown.width >= 20, "{focus:?} at {size:?} has {shown:?}");
        let mut all: Vec<Rect> = plan.panes.iter().map(|(_, area)| *area).collect();
        all.extend([plan.header, plan.footer]);
        all.extend(plan.banner.into_iter().chain(plan.summary));
        for (at, area) in all.iter().enumerate() {
            assert_eq!(area.intersection(screen), *area, "outside at {size:?}");
            for other in &all[at + 1..] {
                assert!(!area.intersects(*other), "{area:?} over {other:?} at {size:?}");
            }
        }
    }

    #[test]
    fn eighty_by_twenty_four_shows_pool_latency_connections_and_shell_at_once() {
        let plan = plan(Size { width: 80, height: 24 }, &wish(Pane::Shell));
        for pane in [Pane::Pool, Pane::Latency, Pane::Lints, Pane::Connections, Pane::Shell] {
            assert!(plan.area(pane).is_some(), "{pane:?}");
        }
        assert!(plan.summary.is_none());
    }

    #[test]
    fn a_pane_without_room_fills_the_screen_while_it_has_the_keys() {
        let plan = plan(Size { width: 80, height: 24 }, &wish(Pane::Events));
        assert_eq!(plan.panes.len(), 1);
        assert!(plan.summary.is_some());
    }

    #[test]
    fn steps_go_round() {
        assert_eq!(Scene::Pool.step(Pane::Shell, 1), Pane::Pool);
        assert_eq!(Scene::Pool.step(Pane::Pool, -1), Pane::Shell);
        assert_eq!(Scene::Watch.step(Pane::Events, 1), Pane::Server);
        assert_eq!(Scene::Watch.step(Pane::Lints, 1), Pane::Clients);
    }
}
