//! The panes there are, and which of them a pool has, which a watch and which an app that reports from inside.

/// A pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pane {
    /// Gauges, counters and the time series.
    Pool,
    /// Percentiles.
    Latency,
    /// INFO CLIENTS.
    Server,
    /// One row a connection.
    Connections,
    /// Judgements that hold now.
    Lints,
    /// The last rare events.
    Events,
    /// Output and prompt.
    Shell,
    /// One row a client of watched servers, or one a group of them.
    Clients,
    /// One row a process of an observed app, and below it one for each of its pools.
    Pools,
    /// What an observed app prints, and where it is typed to.
    App,
}

/// Which panes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scene {
    /// Those of a pool, and a shell on it.
    #[default]
    Pool,
    /// Those of watched servers.
    Watch,
    /// Those of a command that is run: its processes' pools, and what it prints.
    Run,
    /// Those of processes that somebody else started, or of a recording: nobody has what they print.
    Attach,
}

impl Scene {
    /// All of them.
    pub const ALL: [Scene; 4] = [Scene::Pool, Scene::Watch, Scene::Run, Scene::Attach];

    /// Its panes, by number.
    pub fn panes(self) -> &'static [Pane] {
        match self {
            Scene::Pool => &Pane::POOL,
            Scene::Watch => &Pane::WATCH,
            Scene::Run => &Pane::RUN,
            Scene::Attach => &Pane::ATTACH,
        }
    }

    /// The pane whose rows it is all about.
    pub fn rows(self) -> Pane {
        match self {
            Scene::Pool => Pane::Connections,
            Scene::Watch => Pane::Clients,
            Scene::Run | Scene::Attach => Pane::Pools,
        }
    }

    /// The pane that tells how full things are: without it a line does.
    pub fn gauges(self) -> Pane {
        match self {
            Scene::Pool => Pane::Pool,
            Scene::Watch => Pane::Server,
            Scene::Run | Scene::Attach => Pane::Pools,
        }
    }

    /// Whether it shows an app's own pools.
    pub fn is_inside(self) -> bool {
        matches!(self, Scene::Run | Scene::Attach)
    }

    /// A pane's number key, from 1; 0 where it is no pane of this scene.
    pub fn number(self, pane: Pane) -> usize {
        self.panes().iter().position(|known| *known == pane).map_or(0, |at| at + 1)
    }

    /// The pane `by` places further, round the end.
    pub fn step(self, pane: Pane, by: isize) -> Pane {
        let panes = self.panes();
        let at = panes.iter().position(|known| *known == pane).unwrap_or(0).cast_signed() + by;
        panes[at.rem_euclid(panes.len().cast_signed()).cast_unsigned()]
    }
}

impl Pane {
    /// All of every scene.
    pub const ALL: [Pane; 10] = [
        Pane::Pool,
        Pane::Latency,
        Pane::Server,
        Pane::Connections,
        Pane::Lints,
        Pane::Events,
        Pane::Shell,
        Pane::Clients,
        Pane::Pools,
        Pane::App,
    ];

    /// Those of a pool, by number.
    pub const POOL: [Pane; 7] =
        [Pane::Pool, Pane::Latency, Pane::Server, Pane::Connections, Pane::Lints, Pane::Events, Pane::Shell];

    /// Those of a watch, by number.
    pub const WATCH: [Pane; 4] = [Pane::Server, Pane::Lints, Pane::Clients, Pane::Events];

    /// Those of a command that is run, by number.
    pub const RUN: [Pane; 6] =
        [Pane::Pools, Pane::Latency, Pane::Connections, Pane::Lints, Pane::Events, Pane::App];

    /// The same without what it prints.
    pub const ATTACH: [Pane; 5] = [Pane::Pools, Pane::Latency, Pane::Connections, Pane::Lints, Pane::Events];

    /// Its place in [`Pane::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name, as titles and help show it.
    pub fn name(self) -> &'static str {
        match self {
            Pane::Pool => "pool",
            Pane::Latency => "latency",
            Pane::Server => "server",
            Pane::Connections => "connections",
            Pane::Lints => "lints",
            Pane::Events => "events",
            Pane::Shell => "shell",
            Pane::Clients => "clients",
            Pane::Pools => "pools",
            Pane::App => "app",
        }
    }
}
