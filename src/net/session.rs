//! What a connection's commands have made of its session, as others see it.

/// How replies come on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One reply a command.
    Normal,
    /// Messages may come at any time.
    Subscribed,
    /// Every command of every client comes by.
    Monitor,
    /// `CLIENT REPLY OFF`: commands get no replies.
    RepliesOff,
}

/// What the commands sent so far left behind on the server, as far as their replies confirmed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionState {
    /// Between MULTI and its EXEC or DISCARD.
    pub in_multi: bool,
    /// A WATCH is in force.
    pub watching: bool,
    /// The database selected.
    pub database: u32,
    /// Channels, patterns and shard channels subscribed to.
    pub subscriptions: u64,
    /// How replies come.
    pub mode: Mode,
}
