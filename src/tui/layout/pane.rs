//! The panes there are, and which of them a pool has and which a watch.

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
}

/// Which panes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scene {
    /// Those of a pool, and a shell on it.
    #[default]
    Pool,
    /// Those of watched servers.
    Watch,
}

impl Scene {
    /// Its panes, by number.
    pub fn panes(self) -> &'static [Pane] {
        match self {
            Scene::Pool => &Pane::POOL,
            Scene::Watch => &Pane::WATCH,
        }
    }

    /// The pane whose rows it is all about.
    pub fn rows(self) -> Pane {
        match self {
            Scene::Pool => Pane::Connections,
            Scene::Watch => Pane::Clients,
        }
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
    pub const ALL: [Pane; 8] = [
        Pane::Pool,
        Pane::Latency,
        Pane::Server,
        Pane::Connections,
        Pane::Lints,
        Pane::Events,
        Pane::Shell,
        Pane::Clients,
    ];

    /// Those of a pool, by number.
    pub const POOL: [Pane; 7] =
        [Pane::Pool, Pane::Latency, Pane::Server, Pane::Connections, Pane::Lints, Pane::Events, Pane::Shell];

    /// Those of a watch, by number.
    pub const WATCH: [Pane; 4] = [Pane::Server, Pane::Lints, Pane::Clients, Pane::Events];

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
        }
    }
}
