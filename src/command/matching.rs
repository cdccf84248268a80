//! Typed words against a command's tree of arguments: what each word is, and what can come next.
//!
//! The rules are redis-cli's: arguments in order, neighbouring optional ones in any order, each once; a repeated one
//! takes what fits. Beyond them, a count such as `numkeys` says how often the next argument comes, and an option with a
//! literal word is tried before one that any word would fit.

use super::spec::{Arg, ArgKind};

/// What a word turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A literal word of the syntax: `EX`, `MATCH`.
    Token,
    /// A value of this kind.
    Value(ArgKind),
}

/// What can come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// This literal word.
    Token(&'a str),
    /// A value of this kind.
    Value(ArgKind),
}

/// How far an argument has been typed.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) arg: &'a Arg,
    /// Words it took.
    pub(super) words: usize,
    /// Its value is there, or of a choice its part.
    pub(super) valued: bool,
    /// Nothing of it is left to type, but for repetition.
    pub(super) whole: bool,
    /// How often it may come, where a count before it says so.
    limit: Option<usize>,
    /// How often it came.
    times: usize,
    pub(super) parts: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    fn new(arg: &'a Arg) -> Self {
        let parts = arg.parts.iter().map(Self::new).collect();
        Self { arg, words: 0, valued: false, whole: false, limit: None, times: 0, parts }
    }

    /// It may come once more.
    pub(super) fn repeats(&self) -> bool {
        self.arg.multiple && self.limit.is_none_or(|limit| self.times < limit)
    }

    /// The count before it says that it does not come.
    pub(super) fn barred(&self) -> bool {
        self.limit == Some(0)
    }

    /// Of a choice: the part that was chosen.
    pub(super) fn chosen(&self) -> Option<&Self> {
        self.parts.iter().find(|part| part.words > 0)
    }

    /// What can come next within it; answers whether it can be left as it is.
    fn next(&self, out: &mut Vec<Next<'a>>) -> bool {
        if self.barred() {
            return true;
        }
        if self.words == 0 {
            first(self.arg, true, out);
            return self.arg.optional;
        }
        let ended = self.whole
            || match self.arg.kind {
                ArgKind::Block => next_in(&self.parts, out),
                ArgKind::OneOf => {
                    if let Some(part) = self.chosen() {
                        part.next(out)
                    } else {
                        self.arg.parts.iter().for_each(|part| first(part, true, out));
                        false
                    }
                }
                kind => {
                    out.push(Next::Value(kind));
                    false
                }
            };
        if ended && self.repeats() {
            first(self.arg, self.arg.token_repeats, out);
        }
        ended
    }
}

/// What an argument can begin with.
fn first<'a>(arg: &'a Arg, with_token: bool, out: &mut Vec<Next<'a>>) {
    match (&arg.token, arg.kind) {
        (Some(token), _) if with_token => out.push(Next::Token(token)),
        (_, ArgKind::PureToken) => {}
        (_, ArgKind::OneOf) => arg.parts.iter().for_each(|part| first(part, true, out)),
        (_, ArgKind::Block) => {
            for part in &arg.parts {
                first(part, true, out);
                if !part.optional {
                    break;
                }
            }
        }
        (_, kind) => out.push(Next::Value(kind)),
    }
}

fn next_in<'a>(nodes: &[Node<'a>], out: &mut Vec<Next<'a>>) -> bool {
    for group in open_groups(nodes) {
        // What is begun must be ended before anything else of its group can come.
        let begun = group.iter().find(|node| node.words > 0 && !node.whole);
        if begun.is_some_and(|node| !node.next(out)) {
            return false;
        }
        let begun = begun.map_or(std::ptr::null(), std::ptr::from_ref);
        for node in group.iter().filter(|node| !std::ptr::eq(*node, begun)) {
            if !node.next(out) && !node.arg.optional {
                return false;
            }
        }
    }
    true
}

/// Neighbouring optional arguments together, every other by itself; from the last of which something has been typed,
/// since what stands before it can come no more.
pub(super) fn open_groups<'n, 'a>(nodes: &'n [Node<'a>]) -> impl Iterator<Item = &'n [Node<'a>]> {
    let groups = || nodes.chunk_by(|a, b| a.arg.optional && b.arg.optional);
    let begun = |group: &[Node<'_>]| group.iter().any(|node| node.words > 0);
    let passed = groups().enumerate().filter(|(_, group)| begun(group)).last().map_or(0, |(at, _)| at);
    groups().skip(passed)
}

/// The typed words laid on a command's arguments.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    /// The arguments, in the order of the syntax.
    pub(super) nodes: Vec<Node<'a>>,
    /// What each word is, as far as they fit.
    pub(super) roles: Vec<Role>,
    /// Every word fits.
    pub(super) fits: bool,
}

impl<'a> Matched<'a> {
    /// Lays words, the command's name not among them, on its arguments.
    pub(super) fn new(args: &'a [Arg], words: &[&[u8]]) -> Self {
        let mut nodes: Vec<Node<'a>> = args.iter().map(Node::new).collect();
        let mut matcher = Matcher { words, roles: Vec::new() };
        let end = matcher.sequence(0, &mut nodes);
        let fits = end == Some(words.len());
        if !fits {
            matcher.roles.truncate(end.unwrap_or(matcher.roles.len()));
        }
        Self { nodes, roles: matcher.roles, fits }
    }

    /// What can come after the words; nothing where they do not fit.
    pub(super) fn next(&self) -> Vec<Next<'a>> {
        let mut out = Vec::new();
        if self.fits {
            next_in(&self.nodes, &mut out);
        }
        out
    }
}

struct Matcher<'w> {
    words: &'w [&'w [u8]],
    roles: Vec<Role>,
}

impl Matcher<'_> {
    /// Where the words that fit end; `None` where a word does not fit an argument that must come.
    fn sequence(&mut self, from: usize, nodes: &mut [Node<'_>]) -> Option<usize> {
        let mut at = from;
        let mut count = None;
        for group in nodes.chunk_by_mut(|a, b| a.arg.optional && b.arg.optional) {
            if group[0].arg.multiple {
                group[0].limit = count;
            }
            let start = at;
            at = self.group(start, group)?;
            let counts = group.len() == 1 && at > start && group[0].arg.name.starts_with("num");
            count = self.words[start..at].last().filter(|_| counts).and_then(|word| number(word));
        }
        Some(at)
    }

    fn group(&mut self, from: usize, group: &mut [Node<'_>]) -> Option<usize> {
        if from == self.words.len() {
            return Some(from);
        }
        match group {
            [one] if !one.arg.optional => self.argument(from, one),
            options => Some(self.options(from, options)),
        }
    }

    /// As many of the optional arguments as fit, in any order.
    fn options(&mut self, from: usize, options: &mut [Node<'_>]) -> usize {
        let mut at = from;
        let mut last: Option<usize> = None;
        while at < self.words.len() {
            let mut order: Vec<usize> = (0..options.len()).filter(|&i| options[i].words == 0).collect();
            order.sort_by_key(|&i| !literal(options[i].arg));
            let found = order.into_iter().find_map(|i| Some((i, self.argument(at, &mut options[i])?)));
            let Some((taken, end)) = found else { break };
            // Another option has begun: what the one before left out stays out.
            if let Some(last) = last {
                options[last].whole = true;
            }
            (last, at) = (Some(taken), end);
        }
        at
    }

    /// Where the words end that fit the argument, repetitions included; `None` where none does.
    fn argument(&mut self, from: usize, node: &mut Node<'_>) -> Option<usize> {
        if node.barred() {
            return None;
        }
        let mut at = self.once(from, node, true)?;
        node.times = 1;
        while at < self.words.len() && node.repeats() {
            let mut again = Node { limit: node.limit, times: node.times, ..Node::new(node.arg) };
            let Some(end) = self.once(at, &mut again, node.arg.token_repeats) else { break };
            again.words += node.words;
            again.times += 1;
            *node = again;
            at = end;
        }
        Some(at)
    }

    fn once(&mut self, from: usize, node: &mut Node<'_>, with_token: bool) -> Option<usize> {
        let kept = self.roles.len().min(from);
        self.roles.truncate(kept);
        let end = self.fit(from, node, with_token);
        if let Some(end) = end {
            node.words = end - from;
        } else {
            self.roles.truncate(kept);
            *node = Node { limit: node.limit, ..Node::new(node.arg) };
        }
        end
    }

    fn fit(&mut self, from: usize, node: &mut Node<'_>, with_token: bool) -> Option<usize> {
        let mut at = from;
        if let Some(token) = node.arg.token.as_deref().filter(|_| with_token) {
            self.words.get(at).filter(|word| word.eq_ignore_ascii_case(token.as_bytes()))?;
            self.roles.push(Role::Token);
            at += 1;
        }
        if node.arg.kind == ArgKind::PureToken {
            node.whole = at > from;
            return node.whole.then_some(at);
        }
        if at == self.words.len() {
            return (at > from).then_some(at);
        }
        match node.arg.kind {
            ArgKind::Block => {
                let end = self.sequence(at, &mut node.parts).filter(|end| *end > at)?;
                node.whole = node.parts.iter().all(|part| part.whole && !part.repeats());
                Some(end)
            }
            ArgKind::OneOf => {
                let mut order: Vec<usize> = (0..node.parts.len()).collect();
                order.sort_by_key(|&i| !literal(node.parts[i].arg));
                let found = order.into_iter().find_map(|i| Some((i, self.argument(at, &mut node.parts[i])?)));
                let (part, end) = found?;
                node.whole = node.parts[part].whole;
                node.valued = true;
                Some(end)
            }
            kind => {
                fits(kind, self.words[at]).then_some(())?;
                self.roles.push(Role::Value(kind));
                (node.valued, node.whole) = (true, true);
                Some(at + 1)
            }
        }
    }
}

/// It can begin with nothing but a literal word.
fn literal(arg: &Arg) -> bool {
    arg.token.is_some()
        || match arg.kind {
            ArgKind::OneOf => arg.parts.iter().all(literal),
            ArgKind::Block => arg.parts.first().is_some_and(literal),
            _ => false,
        }
}

fn number(word: &[u8]) -> Option<usize> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn fits(kind: ArgKind, word: &[u8]) -> bool {
    let text = std::str::from_utf8(word).unwrap_or_default();
    match kind {
        ArgKind::Integer | ArgKind::UnixTime => text.parse::<i128>().is_ok(),
        // Ranges of scores are doubles too, with a bracket for an open end.
        ArgKind::Double => text.trim_start_matches('(').parse::<f64>().is_ok(),
        _ => true,
    }
}
