//! When a row of the key table holds: which places there are, and what decides between them.

use super::{Context, Mode, Sequence};
use crate::tui::layout::{Pane, Scene};

/// When a row of the table holds; its title in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always, but for a question, and but for the app, which has these keys for itself.
    Anywhere,
    /// In the prompt.
    Prompt,
    /// In the prompt while nothing is typed.
    EmptyPrompt,
    /// In the prompt while candidates are shown.
    Choosing,
    /// In the prompt with vi's keys, while letters are typed.
    Inserting,
    /// In the prompt while the end of the output is out of sight.
    Scrolled,
    /// In the prompt's backward search.
    Search,
    /// While words to look for in the output are typed.
    Find,
    /// While the output is read.
    Read,
    /// In the app that is run.
    App,
    /// In any pane but the shell.
    Pane,
    /// The same, beside a shell.
    PoolPane,
    /// The same, of a watch.
    WatchPane,
    /// The same, of an app whose output is shown.
    RunPane,
    /// The same, of one whose output is not.
    AttachPane,
    /// The same, of any app.
    InsidePane,
    /// In the clients of a watch.
    Clients,
    /// The same, on a group.
    Group,
    /// The same, in one group's rows.
    Inside,
    /// In a pane whose rows can be sorted and filtered.
    List,
    /// In a pane's filter line.
    Filter,
    /// In a pane whose rows are filtered.
    Filtered,
    /// In a pane with something to show in full.
    Opens,
    /// In what is shown in full.
    Details,
    /// The same, beside a shell.
    PoolDetails,
    /// Where something can be shown in full, or is.
    Row,
    /// Where the row is a connection.
    Connection,
    /// Where the row is a client or a group, and may be acted on.
    Kill,
    /// Where the row is a lint.
    Points,
    /// Where the row is a pool of an app or a process.
    Owner,
    /// In the connections of one pool or process of an app.
    Narrowed,
    /// In any pane but the shell, and in details.
    View,
    /// The same, of a pool.
    PoolView,
    /// Always, where there is a pool.
    PoolAnywhere,
    /// Always, in a watch.
    WatchAnywhere,
    /// Always, where an app's output is shown.
    RunAnywhere,
    /// Always, where an app reports and its output is not shown.
    AttachAnywhere,
    /// The same, of a recording.
    Replay,
    /// While a question waits.
    Ask,
    /// While the word that answers one is typed.
    Confirm,
    /// In the help.
    Help,
}

impl When {
    /// Whether it can hold at all on this screen: a watch has no prompt, and what only reads acts on nothing.
    pub fn exists(self, context: &Context) -> bool {
        let (pool, watch) = (context.scene == Scene::Pool, context.scene == Scene::Watch);
        match self {
            When::App | When::RunPane | When::RunAnywhere => context.scene == Scene::Run,
            When::AttachPane | When::AttachAnywhere => context.scene == Scene::Attach,
            When::InsidePane | When::Owner | When::Narrowed => context.scene.is_inside(),
            When::WatchPane | When::WatchAnywhere | When::Clients | When::Group | When::Inside => watch,
            When::Kill => watch && context.kills,
            When::Confirm => pool || (watch && context.kills),
            When::Replay => pool || context.replay,
            When::Prompt
            | When::EmptyPrompt
            | When::Choosing
            | When::Inserting
            | When::Scrolled
            | When::Search
            | When::Find
            | When::Read
            | When::Connection
            | When::PoolPane
            | When::PoolDetails
            | When::PoolAnywhere => pool,
            When::Ask | When::PoolView => !watch,
            When::Anywhere
            | When::Pane
            | When::List
            | When::Filter
            | When::Filtered
            | When::Opens
            | When::Details
            | When::Row
            | When::Points
            | When::View
            | When::Help => true,
        }
    }

    /// Whether it holds.
    pub fn holds(self, context: &Context) -> bool {
        let (mode, of) = (context.mode, |when: When| when.holds(context));
        self.exists(context)
            && match self {
                When::Anywhere | When::PoolAnywhere | When::WatchAnywhere | When::AttachAnywhere => {
                    !matches!(mode, Mode::Ask | Mode::Confirm | Mode::App)
                }
                When::RunAnywhere => !matches!(mode, Mode::Ask | Mode::Confirm),
                When::App => mode == Mode::App,
                When::Prompt => mode == Mode::Prompt,
                When::EmptyPrompt => mode == Mode::Prompt && context.empty,
                When::Choosing => mode == Mode::Prompt && context.choosing,
                When::Inserting => mode == Mode::Prompt && context.inserting == Some(true),
                When::Scrolled => mode == Mode::Prompt && context.scrolled,
                When::Search => mode == Mode::Search,
                When::Find => mode == Mode::Find,
                When::Read => mode == Mode::Read,
                When::Pane
                | When::PoolPane
                | When::WatchPane
                | When::RunPane
                | When::AttachPane
                | When::InsidePane => matches!(mode, Mode::Pane(_)),
                When::Clients => mode == Mode::Pane(Pane::Clients),
                When::Group => of(When::Clients) && context.grouped && context.row,
                When::Inside => of(When::Clients) && context.inside,
                When::List => {
                    matches!(
                        mode,
                        Mode::Pane(
                            Pane::Connections | Pane::Lints | Pane::Events | Pane::Clients | Pane::Pools
                        )
                    )
                }
                When::Filter => mode == Mode::Filter,
                When::Filtered => of(When::List) && context.filtered,
                When::Opens => {
                    let opens = of(When::List) || mode == Mode::Pane(Pane::Server);
                    opens && context.row && !of(When::Group)
                }
                When::Details | When::PoolDetails => matches!(mode, Mode::Details(_)),
                When::Row => of(When::Opens) || of(When::Group) || of(When::Details),
                When::Connection => {
                    let shown = [Mode::Pane(Pane::Connections), Mode::Details(Pane::Connections)];
                    shown.contains(&mode) && context.row && !context.replay
                }
                When::Kill => {
                    let shown = [Mode::Pane(Pane::Clients), Mode::Details(Pane::Clients)];
                    shown.contains(&mode) && context.row
                }
                When::Points => {
                    let shown = [Mode::Pane(Pane::Lints), Mode::Details(Pane::Lints)];
                    shown.contains(&mode) && context.points
                }
                When::Owner => {
                    let shown = [Mode::Pane(Pane::Pools), Mode::Details(Pane::Pools)];
                    shown.contains(&mode) && context.row
                }
                When::Narrowed => mode == Mode::Pane(Pane::Connections) && context.inside,
                When::View | When::PoolView => matches!(mode, Mode::Pane(_) | Mode::Details(_)),
                When::Replay => context.replay && of(When::View),
                When::Ask => mode == Mode::Ask,
                When::Confirm => mode == Mode::Confirm,
                When::Help => mode == Mode::Help,
            }
    }

    /// The heading of its rows in the help.
    pub fn title(self) -> &'static str {
        match self {
            When::Anywhere
            | When::PoolAnywhere
            | When::WatchAnywhere
            | When::RunAnywhere
            | When::AttachAnywhere => "anywhere",
            When::Prompt => "in the prompt",
            When::EmptyPrompt => "in the empty prompt",
            When::Choosing => "while candidates are shown",
            When::Inserting => "in the prompt, with vi's keys",
            When::Scrolled => "in the prompt, with the output scrolled back",
            When::Search => "in the history search",
            When::Find => "while looking for words in the output",
            When::Read => "in the output",
            When::App => "in the app, while it runs",
            When::Pane
            | When::PoolPane
            | When::WatchPane
            | When::RunPane
            | When::AttachPane
            | When::InsidePane => "in a pane",
            When::Clients | When::Group | When::Inside => "in clients",
            When::List => "in pools, clients, connections, lints and events",
            When::Filtered => "in a pane with a filter",
            When::Filter => "in a filter line",
            When::Opens => "in pools, clients, connections, lints, events and server",
            When::Details | When::PoolDetails => "in details",
            When::Row => "on a row, and in details",
            When::Connection => "on a connection",
            When::Kill => "on a client or a group of them",
            When::Points => "on a lint",
            When::Owner => "on a pool or a process",
            When::Narrowed => "in the connections of one pool or process",
            When::View | When::PoolView => "in a pane, and in details",
            When::Replay => "in a replay: in a pane, and in details",
            When::Ask => "while a question waits",
            When::Confirm => "while a word is typed to confirm",
            When::Help => "in this help",
        }
    }

    /// What stands before the name of an action whose keys here are a matter of their own: not those of the same action
    /// in the prompt and the panes.
    fn prefix(self) -> Option<&'static str> {
        match self {
            When::Ask => Some("answer"),
            When::Confirm => Some("confirm"),
            When::Help => Some("help"),
            When::Search => Some("search"),
            When::Find => Some("find"),
            When::Read => Some("read"),
            When::App => Some("app"),
            When::Choosing => Some("choosing"),
            When::Inserting => Some("inserting"),
            When::Scrolled => Some("scrolled"),
            When::Filter => Some("filter"),
            When::Details | When::PoolDetails => Some("details"),
            // The panes of a watch have numbers of their own, and Esc and q mean something else there.
            When::WatchPane | When::WatchAnywhere => Some("watch"),
            When::RunPane
            | When::RunAnywhere
            | When::AttachPane
            | When::AttachAnywhere
            | When::InsidePane => Some("run"),
            _ => None,
        }
    }

    /// Whether rows of both places hold at once, and no row further up is meant to hide one further down.
    pub(super) fn meets(self, other: When) -> bool {
        let both = |mode| {
            Scene::ALL.into_iter().any(|scene| {
                let all = Context {
                    empty: false,
                    filtered: true,
                    grouped: true,
                    inside: true,
                    ..Context::of(mode)
                };
                let context = Context { scene, ..all };
                self.holds(&context) && other.holds(&context)
            })
        };
        let hides = [self, other].iter().any(|when| {
            let hides =
                matches!(when, When::Replay | When::Clients | When::Group | When::Inside | When::Narrowed);
            hides || when.title() == When::Anywhere.title()
        });
        let panes = || Pane::ALL.into_iter().flat_map(|pane| [Mode::Pane(pane), Mode::Details(pane)]);
        self == other || (!hides && panes().any(both))
    }

    /// Whether a key leaves alone what is typed here: letters, where there is a line to type.
    pub(super) fn spares(self, key: Sequence) -> bool {
        let Some(letter) = key.first.typed() else { return true };
        match self {
            When::Ask
            | When::Read
            | When::Pane
            | When::List
            | When::Filtered
            | When::Opens
            | When::Details
            | When::Row
            | When::Connection
            | When::PoolPane
            | When::PoolDetails
            | When::WatchPane
            | When::RunPane
            | When::AttachPane
            | When::InsidePane
            | When::Clients
            | When::Group
            | When::Inside
            | When::Kill
            | When::Points
            | When::Owner
            | When::Narrowed
            | When::View
            | When::PoolView
            | When::Replay => true,
            // No command begins with most signs.
            When::EmptyPrompt => letter.is_ascii_punctuation() && !matches!(letter, '#' | '"' | '\''),
            _ => false,
        }
    }

    /// The name of an action's keys here.
    pub(super) fn named(self, action: &str) -> String {
        self.prefix().map_or_else(|| action.to_owned(), |prefix| format!("{prefix}-{action}"))
    }
}
