//! redis-pooltop: every connection a Redis pool opens, lends and loses, seen live.

pub mod command;
pub mod event;
pub mod resp;
pub mod snapshot;
