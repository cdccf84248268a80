//! Why callers wait: the four causes side by side, two by two, or one below the other where there is no room.

use std::time::Duration;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::outside;
use crate::report;
use crate::snapshot::{Cause, Exhaustion, PoolRow, Snapshot};
use crate::text;
use crate::tui::app::App;
use crate::tui::output;
use crate::tui::theme::Theme;

/// From this width on there is room for all beside each other, and for two.
const WIDE: [(u16, usize); 2] = [(120, 4), (72, 2)];

/// Suspects listed a cause, by how many causes are beside each other.
const SUSPECTS: [usize; 2] = [8, 3];

/// Lines of one piece of evidence, at the most.
const EVIDENCE: usize = 3;

/// Columns of a pool's name.
const NAME: usize = 24;

/// Columns between causes.
const GAP: usize = 2;

/// What to do when nothing is wrong yet.
const CALM: &str = "When callers wait or get nothing, this shows what for: connections that leak, a backlog of quick \
                    callers, connects that fail, or slow commands, with the holders that account for them.";

/// The pool whose callers wait, where there are several the one with the longest wait; else the one whose callers waited
/// last.
fn pool(snapshot: &Snapshot) -> Option<(&PoolRow, &Exhaustion)> {
    known(snapshot).max_by_key(|(_, exhaustion)| {
        let Exhaustion { over, at, longest, waiting, .. } = exhaustion;
        if *over { (false, Duration::ZERO, 0, *at) } else { (true, *longest, *waiting, *at) }
    })
}

fn known(snapshot: &Snapshot) -> impl Iterator<Item = (&PoolRow, &Exhaustion)> {
    snapshot.pools.iter().filter_map(|row| Some((&**row, row.exhaustion.as_deref()?)))
}

/// `, and in 2 others`: pools beside the one that is shown.
fn others(snapshot: &Snapshot) -> String {
    let waits = known(snapshot).filter(|(_, exhaustion)| !exhaustion.over).count();
    match waits.saturating_sub(1) {
        0 => String::new(),
        1 => ", and in another".to_owned(),
        others => format!(", and in {} others", text::thousands(others as u64)),
    }
}

/// Whether callers of some pool wait, or got nothing a moment ago.
pub fn pressing(snapshot: &Snapshot) -> bool {
    pool(snapshot).is_some_and(|(_, exhaustion)| !exhaustion.over)
}

/// The title of all of it.
pub fn title(app: &App) -> String {
    let name = pool(&app.shown).filter(|_| app.shown.pools.len() > 1);
    let name = name.map_or_else(String::new, |(row, _)| {
        // However long it is, how many others there are has room.
        format!("  {}{}", text::escape_str(text::fit(&row.name, NAME).as_str()), others(&app.shown))
    });
    format!("why callers wait{name}")
}

/// As plain text, for the clipboard.
pub fn text(app: &App) -> String {
    let Some((_, exhaustion)) = pool(&app.shown) else { return format!("{}\n", calm(&app.shown)) };
    let mut lines = report::causes(exhaustion, &app.shown);
    if app.shown.pools.len() > 1 {
        lines.insert(0, title(app));
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn calm(snapshot: &Snapshot) -> String {
    let waiting: u64 = snapshot.pools.iter().map(|row| u64::from(row.waiting.unwrap_or(0))).sum();
    match waiting {
        0 if snapshot.pools.iter().any(|row| row.waiting.is_some()) => {
            "nobody waits for a connection".to_owned()
        }
        0 => "nobody can be seen to wait for a connection".to_owned(),
        number => format!("{} wait, and none of them for long", text::thousands(number)),
    }
}

/// All of it, in lines of this width.
pub fn lines<'a>(app: &App, theme: &Theme, width: u16) -> Vec<Line<'a>> {
    let room = usize::from(width).saturating_sub(2).max(1);
    let mut lines = Vec::new();
    let Some((_, exhaustion)) = pool(&app.shown) else {
        said(&mut lines, &calm(&app.shown), theme.text, room);
        lines.push(Line::default());
        said(&mut lines, CALM, theme.dim, room);
        return indented(lines);
    };
    let urgent = if exhaustion.is_past() { theme.dim } else { theme.warn };
    said(&mut lines, &report::callers(exhaustion, &app.shown), urgent, room);
    said(&mut lines, &report::verdict(exhaustion, &app.shown), theme.title, room);
    let beside = WIDE.into_iter().find(|(from, _)| width >= *from).map_or(1, |(_, number)| number);
    let mut causes: Vec<&Cause> = exhaustion.causes.iter().collect();
    if beside == 1 {
        // What accounts for most is in sight on the smallest screen.
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.slots));
    }
    let columns = (room.saturating_sub(GAP * (beside - 1)) / beside).max(1);
    let suspects = if beside == WIDE[0].1 { SUSPECTS[0] } else { SUSPECTS[1] };
    for row in causes.chunks(beside) {
        lines.push(Line::default());
        let blocks = row.iter().map(|cause| block(cause, exhaustion, theme, columns, suspects)).collect();
        lines.extend(joined(blocks, columns));
    }
    indented(lines)
}

/// One cause in lines of at most so many columns.
fn block<'a>(
    cause: &Cause,
    exhaustion: &Exhaustion,
    theme: &Theme,
    columns: usize,
    suspects: usize,
) -> Vec<Line<'a>> {
    let (mark, style) = match (cause.likely, exhaustion.is_past()) {
        (true, false) => ("likely", theme.bad),
        (true, true) => ("was likely", theme.bad),
        (false, _) => ("", theme.title),
    };
    let head = format!("{}  {}  ", cause.word, report::share(cause, exhaustion));
    let fits = text::width(&head) + text::width(mark) <= columns;
    // What is past may not read as if it were not.
    let mark = if fits { mark } else { mark.strip_suffix(" likely").unwrap_or(mark) };
    let head = head + mark;
    let mut lines = vec![Line::styled(text::fit(head.trim_end(), columns), style)];
    for evidence in report::evidence(cause, exhaustion) {
        // An error may be as long as a server likes.
        said(&mut lines, &outside(&evidence, columns * EVIDENCE), theme.text, columns);
    }
    for suspect in cause.suspects.iter().take(suspects) {
        let says = report::says(suspect, exhaustion);
        let words = text::escape_str(format!(" {} {says}", suspect.conn).trim_end()).into_owned();
        let who = text::escape_str(&suspect.who);
        let lines = &mut lines;
        let mut add = |words: &str| lines.push(Line::styled(text::fit(words, columns), theme.in_use));
        // Who it is may not be what is cut.
        if who.is_empty() || text::width(&words) + 2 + text::width(&who) <= columns {
            add(format!("{words}  {who}").trim_end());
        } else {
            add(&words);
            add(&format!("   {who}"));
        }
    }
    let more = cause.suspects.len().saturating_sub(suspects) + cause.more;
    if more > 0 {
        lines.push(Line::styled(
            text::fit(&format!(" and {} more", text::thousands(more as u64)), columns),
            theme.dim,
        ));
    }
    if let Some(advice) = cause.advice_now() {
        said(&mut lines, advice, theme.dim, columns);
    }
    lines
}

/// Words that are safe to show, in as many lines as they need.
fn said(lines: &mut Vec<Line<'_>>, words: &str, style: Style, columns: usize) {
    lines.extend(
        output::wrap(words, columns)
            .into_iter()
            .map(|piece| Line::styled(piece.trim_end().to_owned(), style)),
    );
}

/// Blocks beside each other, each so many columns wide.
fn joined(blocks: Vec<Vec<Line<'_>>>, columns: usize) -> Vec<Line<'_>> {
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0);
    let mut blocks: Vec<_> = blocks.into_iter().map(Vec::into_iter).collect();
    let row = |_| {
        let mut spans = Vec::new();
        let mut missing = 0;
        for block in &mut blocks {
            let line = block.next().unwrap_or_default();
            let blank = columns.saturating_sub(line.width());
            spans.push(Span::raw(" ".repeat(missing)));
            let style = line.style;
            spans.extend(line.spans.into_iter().map(|span| span.patch_style(style)));
            missing = blank + GAP;
        }
        Line::from(spans)
    };
    (0..height).map(row).collect()
}

fn indented(mut lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    for line in &mut lines {
        line.spans.insert(0, Span::raw(" "));
    }
    lines
}
