//! One thing in full, over the panes: every fact that is known of it, a label and a value each.

mod client;
mod connection;
mod info;
mod inside;
mod nodes;
mod seen;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::{NONE, age, causes, more, more_words, outside_part, put};
use crate::event::Exact;
use crate::explain::{self, Part};
use crate::snapshot::{About, EventRow, Level, LintRow, Snapshot, What, group_words};
use crate::text;
use crate::tui::app::{App, Subject};
use crate::tui::output;
use crate::tui::theme::{Theme, mark};

/// Columns of the labels.
const LABEL: usize = 12;

/// A style by its role: chosen where the fact is known, taken where it is drawn.
type Role = fn(&Theme) -> Style;

/// One fact, safe to show.
struct Fact {
    label: &'static str,
    value: String,
    role: Role,
    /// It has the whole width: a line of a page.
    wide: bool,
}

impl Fact {
    fn new(label: &'static str, value: impl Into<String>, role: Role) -> Self {
        Self { label, value: value.into(), role, wide: false }
    }

    fn plain(label: &'static str, value: impl Into<String>) -> Self {
        Self::new(label, value, |theme| theme.text)
    }

    /// A fact that may not be known.
    fn known(label: &'static str, value: Option<String>) -> Self {
        match value {
            Some(value) => Self::plain(label, value),
            None => Self::new(label, NONE, |theme| theme.dim),
        }
    }

    /// A line of a page.
    fn line(value: impl Into<String>, role: Role) -> Self {
        Self { wide: true, ..Self::new("", value, role) }
    }

    fn gap() -> Self {
        Self::plain("", "")
    }
}

/// Where details are drawn on a screen of this size: all of it but for the header and the footer.
fn area(app: &App, size: Size) -> Rect {
    let plan = app.plan_for(size);
    let top = plan.banner.unwrap_or(plan.header).bottom();
    Rect { x: 0, y: top, width: size.width, height: plan.footer.y.saturating_sub(top) }
}

/// How many rows there are, and how many show at once.
pub fn size(app: &App, size: Size) -> (usize, usize) {
    let area = area(app, size);
    (lines(app, &Theme::MONO, area.width).len(), usize::from(area.height.saturating_sub(1)))
}

/// Draws the details, if there are any.
pub fn draw(app: &App, theme: &Theme, screen: Rect, buf: &mut Buffer) {
    let Some(details) = &app.details else { return };
    let area = area(app, screen.as_size()).intersection(buf.area);
    Clear.render(area, buf);
    put(Line::styled("━".repeat(usize::from(area.width)), theme.focus), area, 0, buf);
    let inside = Rect { x: area.x + area.width.min(1), width: area.width.saturating_sub(1), ..area };
    let rows = Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area };
    let lines = lines(app, theme, area.width);
    let height = usize::from(rows.height);
    let offset = details.offset.min(lines.len().saturating_sub(height));
    let outside = outside_part(offset, height, lines.len());
    // What is out of sight is said at the right end of the same rule.
    let room = usize::from(inside.width).saturating_sub(text::width(&more_words(outside)) + 4);
    let title = text::fit(&title(app, &details.subject), room);
    put(Line::styled(format!(" {title} "), theme.focus), inside, 0, buf);
    for (y, line) in lines.into_iter().skip(offset).take(height).enumerate() {
        put(line, rows, y as u16, buf);
    }
    more(outside, theme, area, buf);
}

/// The details as plain text, for the clipboard.
pub fn text(app: &App) -> String {
    let Some(details) = &app.details else { return String::new() };
    if let Subject::Causes = details.subject {
        return causes::text(app);
    }
    if let Subject::Info(_) = details.subject {
        return text::escape_lines(app.shown.server.raw.as_bytes());
    }
    let mut out = title(app, &details.subject);
    for fact in facts(app, &details.subject) {
        let label = if fact.wide { 0 } else { LABEL };
        let line = format!("{:<label$}{}", fact.label, fact.value);
        out.push('\n');
        out.push_str(line.trim_end());
    }
    out.push('\n');
    out
}

fn title(app: &App, subject: &Subject) -> String {
    match subject {
        Subject::Connection(row, exists) => {
            let gone = if *exists { "" } else { ", gone" };
            let server = row.client_id().map_or_else(String::new, |id| format!("  server id {id}"));
            format!("connection {}{server}{gone}", row.id)
        }
        Subject::Lint(row, holds) => {
            let gone = if *holds { "" } else { ", cleared" };
            format!("lint {}{gone}", row.id)
        }
        Subject::Event(_) => "event".to_owned(),
        Subject::Info(_) => info::title(app),
        Subject::Causes => causes::title(app),
        Subject::Client(row, exists) => {
            let gone = if *exists { "" } else { ", gone" };
            let at = app.lists.marks().target(row.node).unwrap_or_default();
            format!("client {}  of {}{gone}", row.client.id, text::escape_str(at))
        }
        Subject::Group(row) => text::escape_str(&row.label).into_owned(),
        Subject::Nodes => nodes::title(app),
        Subject::Process(row, exists) => inside::process_title(row, *exists),
        Subject::Pool(row, exists) => inside::pool_title(row, *exists),
    }
}

fn facts(app: &App, subject: &Subject) -> Vec<Fact> {
    match subject {
        Subject::Connection(row, exists) => connection::facts(app, row, *exists),
        Subject::Lint(row, holds) => lint(app, row, *holds),
        Subject::Event(row) => event(app, row),
        Subject::Info(before) => info::facts(app, before.as_deref()),
        Subject::Client(row, exists) => client::facts(app, row, *exists),
        Subject::Nodes => nodes::facts(app),
        Subject::Process(row, _) => inside::process(app, row),
        Subject::Pool(row, exists) => inside::pool(app, row, *exists),
        // They are blocks, not facts; and a group opens to its clients.
        Subject::Causes | Subject::Group(_) => Vec::new(),
    }
}

/// The facts in lines of this width: a value goes on below itself.
fn lines<'a>(app: &App, theme: &Theme, width: u16) -> Vec<Line<'a>> {
    let Some(details) = &app.details else { return Vec::new() };
    if let Subject::Causes = details.subject {
        return causes::lines(app, theme, width);
    }
    let info = matches!(details.subject, Subject::Info(_));
    let mut lines = Vec::new();
    for fact in facts(app, &details.subject) {
        let label = if info || fact.wide { 0 } else { LABEL };
        let room = usize::from(width).saturating_sub(label + 1 + usize::from(!fact.wide)).max(1);
        let style = (fact.role)(theme);
        let pieces = output::wrap(&fact.value, room);
        // Nothing at all is a line too.
        let pieces = if pieces.is_empty() { vec![""] } else { pieces };
        for (at, piece) in pieces.into_iter().enumerate() {
            let head = if at == 0 { fact.label } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!(" {head:<label$}"), theme.dim),
                Span::styled(piece.to_owned(), style),
            ]));
        }
    }
    lines
}

fn lint(app: &App, row: &LintRow, holds: bool) -> Vec<Fact> {
    let as_of = app.shown.as_of;
    let severity: Role = match row.severity {
        crate::snapshot::Severity::Warn => |theme| theme.warn,
        crate::snapshot::Severity::Bad => |theme| theme.bad,
    };
    let state = if holds { "holds now" } else { "holds no longer" };
    let fails = if row.level == Level::Fail { "  (level fail)" } else { "" };
    let mut facts = vec![
        Fact::new("lint", format!("{} {}{fails}", mark(row.severity), row.id), severity),
        Fact::plain("state", format!("{state}, since {} ago", age(as_of.since(row.since)))),
    ];
    facts.extend(about(app, row));
    facts.extend([
        Fact::gap(),
        Fact::plain("evidence", text::escape_str(&row.evidence)),
        Fact::gap(),
        Fact::plain("advice", row.advice),
    ]);
    facts.extend(page(row.id));
    facts
}

/// What it speaks of.
fn about(app: &App, row: &LintRow) -> Vec<Fact> {
    let escaped = |words: &str| text::escape_str(words).into_owned();
    let server = |node| Fact::known("server", app.lists.marks().target(node).map(escaped));
    match &row.about {
        About::Node(node) => vec![server(*node), Fact::plain("client", "of the whole server")],
        About::Client(node, id) => vec![server(*node), Fact::plain("client", id.to_string())],
        About::Group(by, label) => {
            vec![Fact::plain("group", format!("{} {}", by.word(), escaped(&group_words(label))))]
        }
        About::Place(_, place) => vec![Fact::plain("place", escaped(place))],
        About::Pool(_) | About::Connection(..) => {
            let pool = app.shown.pools.iter().find(|pool| Some(pool.id) == row.pool());
            let connection = row.conn().map_or_else(|| "of the whole pool".to_owned(), |id| id.to_string());
            vec![
                Fact::known("pool", pool.map(|pool| escaped(&pool.name))),
                Fact::plain("connection", connection),
            ]
        }
    }
}

/// What the servers said, for the clipboard.
pub fn raw(snapshot: &Snapshot) -> String {
    nodes::raw(snapshot)
}

/// What the lint means, below what it found: all of its page but the title.
fn page(id: &str) -> impl Iterator<Item = Fact> {
    let lines = explain::page(id).map(explain::lines).into_iter().flatten().skip(1);
    lines.map(|(part, line)| match part {
        Part::Heading => Fact::line(line, |theme| theme.focus),
        Part::Text => Fact::line(line, |theme| theme.text),
        Part::Code => Fact::line(format!("  {line}"), |theme| theme.dim),
    })
}

fn event(app: &App, row: &EventRow) -> Vec<Fact> {
    let pool = row.pool.and_then(|id| app.shown.pools.iter().find(|pool| pool.id == id));
    let mut facts = vec![
        Fact::plain("what", text::escape_str(&super::events::sentence(&row.what))),
        Fact::plain("when", when(app, row.at)),
    ];
    facts.push(match row.node {
        Some(node) => {
            let target = app.lists.marks().target(node);
            Fact::known("server", target.map(|target| text::escape_str(target).into_owned()))
        }
        None => Fact::known("pool", pool.map(|pool| text::escape_str(&pool.name).into_owned())),
    });
    facts.extend(row.what.conn().map(|id| Fact::plain("connection", id.to_string())));
    if let What::Clients { opened, closed, some, .. } = &row.what {
        let client = |client: &Exact| format!("{} from {}", client.id, text::escape_str(&client.addr));
        let heads = std::iter::once("clients").chain(std::iter::repeat(""));
        facts.extend(heads.zip(some.iter()).map(|(head, some)| Fact::plain(head, client(some))));
        // One that came and went is one of both.
        if opened.saturating_add(*closed) > some.len() as u64 && !some.is_empty() {
            facts.push(Fact::plain("", "those are some of them"));
        }
    }
    facts
}

/// A moment as its age and its time of day.
fn when(app: &App, at: crate::event::Stamp) -> String {
    let ago = app.shown.as_of.since(at);
    let wall = app.shown.wall_ms.saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
    format!("{} ago, {} UTC", age(ago), text::utc(wall))
}
