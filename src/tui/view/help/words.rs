//! What the help explains beside keys: commands, lints, filters, the mouse, and the words of the screen.

use crate::command::ours;
use crate::explain;
use crate::fields::pools::Member;
use crate::fields::{Listed, grouped, names};
use crate::snapshot::{ClientRow, ConnectionRow, EventRow, LintRow};
use crate::tui::layout::Scene;
use crate::tui::view::NONE;

/// How a filter is written.
const FILTER: [(&str, &str); 6] = [
    ("leak", "a word or regular expression in any field; case counts only where a letter is upper case"),
    ("holder:^job", "a regular expression in one field"),
    ("held>5s  uses>=100", "> < >= <= = and a number; durations in us ms s m h d, else seconds"),
    ("!state:use", "! turns a term round"),
    ("lint:leak held>1m", "all terms must hold"),
    ("\"POOL HOLD\"", "in quotes a blank is part of a term, and a colon no field"),
];

/// The same, of clients.
const WATCH_FILTER: [(&str, &str); 8] = [
    ("python", "a word or regular expression in any field; case counts only where a letter is upper case"),
    ("name:^worker", "a regular expression in one field"),
    ("idle>5m  cmdrate<1", "> < >= <= = and a number; durations in us ms s m h d, else seconds"),
    ("!state:idle", "! turns a term round"),
    ("state:blocked idle>1m", "all terms must hold"),
    (
        "in groups too",
        "a filter is about clients: a group shows those of its clients that match, as 3 of 40, and K closes no others",
    ),
    ("count>50  grown>5", "what only groups have is of the whole group: its clients are listed or not"),
    ("\"my worker\"", "in quotes a blank is part of a term, and a colon no field"),
];

/// Words of a watch.
const WATCH_WORDS: [(&str, &str); 20] = [
    ("client", "a connection as its server sees it, with the server's id for it; our own are marked us"),
    ("group", "clients that have something in common: g chooses what"),
    (
        "process",
        "the local process that has the other end, as the kernel tells; remote: another machine has it",
    ),
    ("look", "one CLIENT LIST, compared with the one before; its cost decides how often there is one"),
    (
        "of the server",
        "the share of its main thread that looks take, as the server itself counts where it does",
    ),
    ("unseen", "clients that came and went between two looks: counted by the server, in neither list"),
    ("count", "clients of a group now; change: since the look before; grown: since the window began"),
    ("rate", "clients opened a second; cmdrate: commands a second, where the server counts them"),
    ("waiting", "clients that wait on purpose: blocked, subscribed or in MONITOR"),
    ("oldest", "the age of the oldest client of a group; idle: the longest that one has sent nothing"),
    ("idle, active", "sent nothing, or something, since the look before"),
    ("blocked", "waits in a blocking command, such as BLPOP"),
    ("transaction", "in MULTI, or with keys watched"),
    ("accepted", "connections a second that the server took, those that no look saw too"),
    (
        "rejected",
        "connections it turned away because maxclients was reached; evicted: closed for their memory",
    ),
    ("lint", "a named judgement with evidence and advice: x is bad, ! is worth a look"),
    ("suspect", "what a server can see of a leak: it cannot know what a program meant to keep"),
    ("kill", "CLIENT KILL by id, once the number that is asked for is typed; never our own"),
    ("PAUSED", "the screen keeps its picture; everything goes on behind it"),
    (NONE, "unknown or nothing yet; never a way to write 0"),
];

/// Words of an app's own pools.
const INSIDE_WORDS: [(&str, &str); 19] = [
    ("process", "one of the app's that reports; gone: it said that it ends, or was not heard of again"),
    (
        "pool",
        "a client library's own, and where the code made it; its kind: async, blocking, inherited, closed",
    ),
    ("inherited", "it came with a fork: its parent process has the same sockets"),
    ("connection", "one socket to one server: #3 is our number for it, id 118 the server's client id"),
    ("in use", "lent out now; elsewhere: used, active, checked out"),
    ("available", "open and idle in the pool, ready to lend; elsewhere: idle"),
    ("opening", "being dialled or greeted: not yet created"),
    ("max", "the pool's limit; none: it has no limit"),
    ("waiting", "callers of a blocking pool queued for a connection"),
    ("held", "how long this lease has had the connection; of a pool, the longest that one is out now"),
    (
        "holder",
        "the line of code that took the connection, its function, its task or thread, and through what",
    ),
    (
        "raw, pipeline, pubsub",
        "through what it was taken; a command of a client, which gives it back, is not said",
    ),
    ("left", "lent when its pool or process ended, so that nobody can give it back: ×3 by the same line"),
    ("lint", "a named judgement with evidence and advice: x is bad, ! is worth a look"),
    (
        "leak",
        "a lease out longer than the threshold with nothing moving; it clears when the connection comes back",
    ),
    ("reports dropped", "nobody took them in time: the app is never held up for us"),
    ("faults of the agent", "errors of the code in the app that reports: none of them reaches the app"),
    ("PAUSED", "the screen keeps its picture; everything goes on behind it"),
    (NONE, "unknown or nothing yet; never a way to write 0"),
];

/// What letters do in vi's normal mode.
const VI: [(&str, &str); 12] = [
    ("i a I A", "type again: here, after the cursor, at the start, at the end"),
    ("h l w b e W B E 0 ^ $", "go: a character, a word, a word between blanks, the ends of the line"),
    ("f F t T ; ,", "go on or back to a character, or next to it; once more; once more the other way"),
    ("d c y", "delete, change or copy as far as a movement goes; dd cc yy: the line"),
    ("x X D C s S Y", "dl dh d$ c$ cl cc yy"),
    ("p P", "put what was deleted or copied after the cursor, or before it"),
    ("r", "another character in its place"),
    ("u .", "take a change back; do the last one once more"),
    ("k j - +", "the line before in the history, the line after"),
    ("/ ?", "search the history; in the empty prompt ? is this help"),
    ("v", "the line in $VISUAL or $EDITOR"),
    ("1…9", "a count before any of them"),
];

/// What the mouse does.
const MOUSE: [(&str, &str); 5] = [
    ("click", "gives a pane the keys and selects the row"),
    ("double click", "shows the row in full, as Enter does"),
    ("click on a column", "sorts by it; once more inverts the order"),
    ("wheel", "scrolls what is under the pointer"),
    ("with Shift", "the terminal's own: select text as ever. --no-mouse leaves it all to the terminal"),
];

/// Words of the screen, and what other tools call them.
const WORDS: [(&str, &str); 27] = [
    ("connection", "one socket to one server: #3 is our number for it, id 118 the server's client id"),
    ("in use", "lent out now; elsewhere: used, active, checked out"),
    ("available", "open and idle in the pool, ready to lend; elsewhere: idle"),
    ("opening", "being dialled or greeted: counts against max, not yet created"),
    ("created", "in use + available: connections that exist now; elsewhere: total, size"),
    ("opened", "every connection ever opened; closed counts those that are gone"),
    ("max", "the pool's limit; elsewhere: max_connections"),
    ("waiting", "callers queued for a connection; elsewhere: pending, cl_waiting"),
    ("checkout, release", "lending a connection, and its return; elsewhere: get_connection, borrow, return"),
    (
        "wait",
        "from asking for a connection to having it or to the timeout, opening one included; waited counts those that queued",
    ),
    ("lease", "a granted checkout; ends released, discarded with a reason, or reclaimed by the pool"),
    ("use", "time a connection was held; create: time to open one"),
    ("round trip", "a command and its reply"),
    ("held", "how long this lease has had the connection"),
    ("idle", "how long nothing has moved on it; busy: a reply is awaited"),
    ("holder", "who has the lease: the command, job or task that took it; elsewhere: borrower"),
    ("pinned", "MULTI, WATCH or SELECT keep a connection with its holder between commands"),
    ("half-open", "only its pool believes in it: the server or the kernel has lost it"),
    ("ghost", "a connection that its pool closed and the server still lists"),
    ("orphan", "a connection of this process that is in no pool"),
    ("p50 p95 p99", "half, 95 and 99 of a hundred were at most so long"),
    ("lint", "a named judgement with evidence and advice: x is bad, ! is worth a look"),
    (
        "leak",
        "a lease out longer than the threshold with nothing moving; it clears when the connection comes back",
    ),
    ("exhausted", "callers wait because every connection is in use"),
    (
        "unread reply",
        "a connection came back with a reply still owed: it is closed, so that nobody reads another's",
    ),
    ("PAUSED", "the screen keeps its picture; everything goes on behind it"),
    (NONE, "unknown or nothing yet; never a way to write 0"),
];

/// A heading and what is explained under it.
type Section = (&'static str, Vec<(String, String)>);

fn owned(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect()
}

/// Vi's commands.
pub(super) fn vi() -> Section {
    ("in the prompt, after Esc: vi's NORMAL mode", owned(&VI))
}

/// What is explained beside keys.
pub(super) fn sections(scene: Scene) -> Vec<Section> {
    let watch = scene == Scene::Watch;
    let mut filter = owned(if watch { &WATCH_FILTER } else { &FILTER });
    let rows = if scene.is_inside() {
        vec![("pools have", names(Member::FIELDS)), ("connections have", names(ConnectionRow::FIELDS))]
    } else if watch {
        vec![("clients have", names(ClientRow::FIELDS)), ("groups have", grouped::of_groups().collect())]
    } else {
        vec![("connections have", names(ConnectionRow::FIELDS))]
    };
    let others = [("lints have", names(LintRow::FIELDS)), ("events have", names(EventRow::FIELDS))];
    let fields = rows.into_iter().chain(others);
    filter.extend(fields.map(|(name, fields)| (name.to_owned(), fields.join(" "))));
    let lints: Vec<_> = explain::all().collect();
    let rest = [("how to filter", filter), ("the mouse", owned(&MOUSE))];
    if scene != Scene::Pool {
        let words = if watch { owned(&WATCH_WORDS) } else { owned(&INSIDE_WORDS) };
        let lints = ("lints: redis-pooltop explain and a name tells how it is measured", owned(&lints));
        return std::iter::once(lints).chain(rest).chain([("words", words)]).collect();
    }
    let commands = ("commands: HELP and a name tells more", ours());
    let lints = ("lints: EXPLAIN and a name tells how it is measured", owned(&lints));
    [commands, lints].into_iter().chain(rest).chain([("words", owned(&WORDS))]).collect()
}
