//! redis-pooltop: every connection a Redis pool opens, lends and loses, seen live.

pub mod cli;
pub mod command;
pub mod config;
pub mod demo;
pub mod error;
pub mod event;
pub mod glob;
pub mod hub;
pub mod model;
pub mod net;
pub mod pool;
pub mod report;
pub mod resp;
pub mod run;
pub mod shell;
pub mod snapshot;
pub mod source;
pub mod text;
pub mod tui;
pub mod values;
