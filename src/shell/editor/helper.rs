//! What rustyline asks while somebody types, answered by the registry.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use parking_lot::Mutex;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::{History, SearchDirection};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, EventHandler, KeyCode, KeyEvent, Modifiers,
    RepeatCount,
};

use crate::command::token::{Ending, scan};
use crate::command::{Context, Kind, Registry, secret_from};
use crate::text;

/// rustyline's helper. It lives on the editor's thread.
#[derive(rustyline::Helper)]
pub(super) struct Helper {
    registry: Arc<Registry>,
    context: Arc<Mutex<Context>>,
    colour: bool,
    /// The prompt is red.
    red: bool,
    prompt_columns: Cell<usize>,
    /// What is typed is an answer to a question, and no command.
    answer: bool,
    /// The line as last shown: rustyline does not tell what a Ctrl-C dropped.
    shown: RefCell<String>,
}

impl Helper {
    pub(super) fn new(
        registry: Arc<Registry>,
        context: Arc<Mutex<Context>>,
        colour: bool,
        red: bool,
    ) -> Self {
        Self {
            registry,
            context,
            colour,
            red,
            prompt_columns: Cell::new(0),
            answer: false,
            shown: RefCell::default(),
        }
    }

    /// A new line begins, after a prompt so wide.
    pub(super) fn begin(&mut self, prompt_columns: usize) {
        self.prompt_columns.set(prompt_columns);
        self.answer = false;
        self.shown.get_mut().clear();
    }

    /// An answer to a question begins.
    pub(super) fn begin_answer(&mut self) {
        self.answer = true;
    }

    /// The line as it was typed so far.
    pub(super) fn shown(&self) -> String {
        self.shown.borrow().clone()
    }

    /// Nothing was typed when the line ended.
    pub(super) fn was_empty(&self) -> bool {
        self.shown.borrow().is_empty()
    }

    /// The columns left of the cursor's row.
    fn room(&self, line: &str) -> usize {
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        let used = (self.prompt_columns.get() + text::width(line)) % columns.max(1);
        columns.saturating_sub(used + 1)
    }
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        if self.answer {
            return Ok((pos, Vec::new()));
        }
        let found = self.registry.complete(line, pos, &self.context.lock());
        let only = found.candidates.len() == 1 && pos == line.len();
        let pairs = found.candidates.into_iter().map(|candidate| Pair {
            display: text::escape_str(&candidate.text).into_owned(),
            replacement: if only { candidate.text + " " } else { candidate.text },
        });
        Ok((found.start, pairs.collect()))
    }
}

/// What stands grey after the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Grey {
    /// What remains to be typed. It is there to be read: no key puts it into the line.
    Syntax(String),
    /// How a line run before went on: as shown, and as it would be typed.
    Before(String, String),
}

impl Hint for Grey {
    fn display(&self) -> &str {
        let (Self::Syntax(shown) | Self::Before(shown, _)) = self;
        shown
    }

    fn completion(&self) -> Option<&str> {
        match self {
            Self::Syntax(_) => None,
            Self::Before(_, typed) => Some(typed),
        }
    }
}

/// How the newest line that begins so went on, as the screen's prompt suggests it.
fn suggestion(line: &str, syntax: Option<&str>, history: &dyn History) -> Option<String> {
    let rests = (0..history.len()).rev().filter_map(|at| {
        let found = history.get(at, SearchDirection::Reverse).ok().flatten()?;
        found.entry.strip_prefix(line).map(str::to_owned)
    });
    let rest = rests.into_iter().find(|rest| !rest.is_empty() && !rest.contains('\n'))?;
    let whole = !line.contains(' ') && !rest.starts_with(' ') && syntax.is_some();
    (!whole).then_some(rest)
}

/// Keys that go on past the end take what stands grey there, as on the screen.
pub(super) struct TakeGrey;

impl TakeGrey {
    /// Makes those keys an editor's. Right is so by itself.
    pub(super) fn bind<I: History>(editor: &mut rustyline::Editor<Helper, I>) {
        for key in [KeyEvent::ctrl('E'), KeyEvent::ctrl('F'), KeyEvent(KeyCode::End, Modifiers::NONE)] {
            editor.bind_sequence(key, EventHandler::Conditional(Box::new(TakeGrey)));
        }
    }
}

impl ConditionalEventHandler for TakeGrey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        (context.has_hint() && context.pos() == context.line().len()).then_some(Cmd::CompleteHint)
    }
}

impl Hinter for Helper {
    type Hint = Grey;

    fn hint(&self, line: &str, pos: usize, context: &rustyline::Context<'_>) -> Option<Grey> {
        line.clone_into(&mut self.shown.borrow_mut());
        if self.answer || !self.colour || pos < line.len() {
            return None;
        }
        let open = match scan(line.as_bytes()).ending {
            Ending::Open { quote, .. } => Some(char::from(quote)),
            _ => None,
        };
        if line.contains('\n') {
            return open.map(|quote| Grey::Syntax(format!("  {quote} is still open; Ctrl-C drops the line")));
        }
        let syntax = self.registry.hint(line).filter(|_| open.is_none());
        if !line.is_empty()
            && let Some(rest) = suggestion(line, syntax.as_deref(), context.history())
        {
            let shown = text::fit(&text::escape_str(&rest), self.room(line));
            return Some(Grey::Before(shown, rest));
        }
        let hint = text::fit(&syntax?, self.room(line));
        (!hint.trim().is_empty()).then_some(Grey::Syntax(hint))
    }
}

impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        if self.answer {
            return visible(line);
        }
        let (open, secret) = line.split_at(secret_from(line).unwrap_or(line.len()));
        if !self.colour {
            return if secret.is_empty() { visible(line) } else { visible(open) + Cow::Owned(stars(secret)) };
        }
        let mut shown = String::with_capacity(line.len() + 32);
        let mut at = 0;
        for (range, kind) in
            self.registry.highlight(line).into_iter().filter(|(part, _)| part.end <= open.len())
        {
            shown.push_str(&visible(&line[at..range.start]));
            let part = visible(&line[range.clone()]);
            match sgr(kind) {
                "" => shown.push_str(&part),
                code => shown.extend(["\x1b[", code, "m", &part, "\x1b[0m"]),
            }
            at = range.end;
        }
        shown.push_str(&visible(&open[at..]));
        shown.push_str(&stars(secret));
        Cow::Owned(shown)
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _default: bool) -> Cow<'b, str> {
        if self.red && self.colour && !self.answer {
            return Cow::Owned(format!("\x1b[1;31m{prompt}\x1b[0m"));
        }
        Cow::Borrowed(prompt)
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _line: &str, _pos: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let open = !self.answer && matches!(scan(context.input().as_bytes()).ending, Ending::Open { .. });
        Ok(if open { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

/// The terminal's own 16 colours, so that they suit its background.
fn sgr(kind: Kind) -> &'static str {
    match kind {
        Kind::Mark => "34",
        Kind::Command | Kind::Subcommand => "1",
        Kind::Option => "36",
        Kind::Key => "33",
        Kind::Number => "35",
        Kind::String => "32",
        Kind::Value => "",
        Kind::Error => "4;31",
    }
}

/// A line with nothing in it that the terminal would obey, as wide as rustyline takes it to be: control characters have
/// one column, marks of direction have none. Line breaks and tabs are rustyline's to place.
fn visible(line: &str) -> Cow<'_, str> {
    let obeyed = |c: char| text::obeyed(c) && !matches!(c, '\n' | '\t');
    if !line.contains(obeyed) {
        return Cow::Borrowed(line);
    }
    let show = |c: char| match u32::from(c) {
        _ if !obeyed(c) => Some(c),
        code @ 0..0x20 => char::from_u32(0x2400 + code),
        0x7f => Some('\u{2421}'),
        0x80..0xa0 => Some('\u{fffd}'),
        _ => None,
    };
    Cow::Owned(line.chars().filter_map(show).collect())
}

/// A star for every column that rustyline takes the text to have, so that the cursor stands where it belongs. Line
/// breaks and tabs are rustyline's to place.
fn stars(secret: &str) -> String {
    let mut shown = String::with_capacity(secret.len());
    for part in secret.split_inclusive(['\n', '\t']) {
        let text = part.trim_end_matches(['\n', '\t']);
        shown.push_str(&"*".repeat(text::width(&visible(text))));
        shown.push_str(&part[text.len()..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use rustyline::history::MemHistory;

    use super::*;

    fn helper(colour: bool) -> Helper {
        Helper::new(Arc::new(Registry::new()), Arc::default(), colour, false)
    }

    #[test]
    fn the_only_candidate_brings_its_blank() {
        let history = MemHistory::new();
        let context = rustyline::Context::new(&history);
        let helper = helper(true);
        helper.context.lock().keys.remember(b"a\x1b b");
        let complete = |line: &str, pos: usize| {
            let (start, pairs) = helper.complete(line, pos, &context).unwrap();
            (start, pairs.into_iter().map(|pair| (pair.display, pair.replacement)).collect::<Vec<_>>())
        };
        assert_eq!(
            complete("lpo", 3),
            (0, vec![("lpop".into(), "lpop".into()), ("lpos".into(), "lpos".into())])
        );
        assert_eq!(complete("lpos", 4), (0, vec![("lpos".into(), "lpos ".into())]));
        assert_eq!(complete("lpos x", 4), (0, vec![("lpos".into(), "lpos".into())]));
        let key = r#""a\x1b b""#.to_owned();
        assert_eq!(complete("get ", 4), (4, vec![(key.clone(), key + " ")]));
    }

    #[test]
    fn hints_are_grey_or_not_there() {
        let history = MemHistory::new();
        let context = rustyline::Context::new(&history);
        assert_eq!(helper(true).hint("get ", 4, &context), Some(Grey::Syntax("key".into())));
        assert_eq!(helper(true).hint("get ", 2, &context), None);
        assert_eq!(helper(false).hint("get ", 4, &context), None);
    }

    #[test]
    fn a_quote_that_is_open_is_said_to_be_and_has_no_syntax_in_it() {
        let history = MemHistory::new();
        let context = rustyline::Context::new(&history);
        let hint = |line: &str| helper(true).hint(line, line.len(), &context);
        assert_eq!(hint("set a \""), None);
        assert_eq!(hint("set \"a b"), None);
        let open = |quote| Some(Grey::Syntax(format!("  {quote} is still open; Ctrl-C drops the line")));
        assert_eq!(hint("set a \"b\n"), open('"'));
        assert_eq!(hint("set a 'b\nc "), open('\''));
        assert_eq!(hint("set a 'b\nc'"), None);
    }

    #[test]
    fn a_ctrl_c_knows_whether_it_dropped_anything() {
        let history = MemHistory::new();
        let context = rustyline::Context::new(&history);
        let mut helper = helper(false);
        assert!(helper.was_empty());
        helper.hint("get", 1, &context);
        assert!(!helper.was_empty());
        helper.begin(5);
        assert!(helper.was_empty());
    }

    #[test]
    fn a_password_is_not_on_the_screen_while_it_is_typed() {
        for line in
            ["AUTH hunter2", "HELLO 3 AUTH u hünter", "CONFIG SET requirepass \"a\tb\nc", "AUTHhunter2"]
        {
            for colour in [false, true] {
                let helper = helper(colour);
                let shown = helper.highlight(line, 0);
                assert!(!shown.contains("nter") && !shown.contains('b'), "{shown}");
                let plain = ["1", "36", "35", "0"]
                    .iter()
                    .fold(shown.into_owned(), |text, code| text.replace(&format!("\x1b[{code}m"), ""));
                assert_eq!(text::width(&plain), text::width(line), "{plain}");
            }
        }
        assert_eq!(helper(false).highlight("#3 AUTH \"a\tb\nc 界", 0), "#3 AUTH **\t*\n****");
    }

    #[test]
    fn nothing_typed_or_pasted_is_obeyed() {
        let line = "get \x1b[31mx\u{202e}\x7f\u{9b}";
        for colour in [false, true] {
            let helper = helper(colour);
            let shown = helper.highlight(line, 0);
            let plain = shown.replace("\x1b[1m", "").replace("\x1b[33m", "").replace("\x1b[0m", "");
            assert_eq!(plain, "get \u{241b}[31mx\u{2421}\u{fffd}");
        }
        assert_eq!(helper(true).highlight("get a", 0), "\x1b[1mget\x1b[0m \x1b[33ma\x1b[0m");
    }
}
