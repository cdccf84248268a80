//! Where events come from, beside the pool itself. A source learns facts from outside and decides nothing.

pub mod info;
pub mod process;
