//! What a typed line means, and everything that helps to type it.
//!
//! ```text
//! line ─► token::scan ─► line::parse ─► Line ─► a session runs it
//!              │
//!              └► complete · hint · highlight ◄─ Registry ◄─ builtin::BUILTINS, assets/commands.json or COMMAND DOCS
//! ```
//! There is one tokenizer, and one registry of commands: parsing, help, completion, hints, highlighting, questions and
//! history all read them, so that none of them can disagree.

pub mod builtin;
pub mod docs;
pub mod line;
pub(crate) mod nearest;
mod registry;
pub mod spec;
pub mod token;

pub use line::{Call, Line, LineError, parse, parse_args};
pub use registry::Registry;
