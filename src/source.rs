//! Where events come from, beside the pool itself. A source learns facts from outside and decides nothing.

pub mod agent;
mod asking;
pub mod client_list;
pub mod ends;
pub mod info;
pub mod process;
pub mod slots;
pub mod watch;
