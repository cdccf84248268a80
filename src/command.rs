//! What a typed line means, and everything that helps to type it.
//!
//! ```text
//! line ─► token::scan ─► line::parse ─► Line ─► a session runs it
//!              │
//!              └► complete · hint · highlight ◄─ Registry ◄─ builtin::BUILTINS, assets/commands.json or COMMAND DOCS
//! ```
//! There is one tokenizer, and one registry of commands: parsing, help, completion, hints, highlighting, questions and
//! history all read them, so that none of them can disagree.

mod aside;
mod ask;
pub mod builtin;
mod complete;
mod danger;
mod dead;
pub mod docs;
mod experiment;
pub mod external;
mod help;
mod highlight;
mod hint;
pub mod history;
pub mod jobs;
mod keys;
pub mod line;
mod login;
mod matching;
pub mod monitor;
pub mod output;
pub mod pipe;
mod pool_run;
mod pool_text;
mod registry;
mod runner;
mod script;
mod secret;
pub mod session;
pub mod settings;
pub mod spec;
pub mod token;
mod typed;

pub use aside::{Waits, runs_aside};
pub use ask::LAB;
pub use complete::{Candidate, Completions, Context};
pub use danger::{ASKED, ASKED_TYPED, Care, MANY_KEYS, NOT_ASKED, Question, danger, wants_key_count};
pub(crate) use help::ours;
pub use highlight::Kind;
pub use keys::KeysSeen;
pub use line::{Call, Line, LineError, parse, parse_args, parse_piped};
pub use pool_run::BY_HAND;
pub use registry::Registry;
pub use secret::{Hidden, is_secret, secret_from};
