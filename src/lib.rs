//! redis-pooltop: every connection a Redis pool opens, lends and loses, seen live.
//!
//! ```text
//!  keys ─► keymap ─► Action ──(view only)──► App::update
//!  line ─► command::parse ─► Session::run ─► pool::Lease ─┐
//!  INFO ───────────────────► source::info ────────────────┼─► Event ─► Tap (bounded, never blocks, counts drops)
//!                        once a tick: Pulse of the pool ──┘              │
//!                                                                        ▼
//!                      hub (one task owns Model) ─► watch<Arc<Snapshot>> ─► tui · shell · report
//! ```
//!
//! Imports run one way, from the bottom of this list to its top:
//!
//! - [`event`]: the shared vocabulary. [`text`], [`values`], [`glob`], `nearest`: small pure helpers.
//!   [`terminal`]: the terminal as it was found, and the signals that end the program. [`children`]: what ends with us.
//!   [`console`]: the terminal that a command on the screen has.
//! - [`resp`]: bytes into values and back. [`net`]: reaching and greeting a server, and what a connection owes.
//! - [`snapshot`]: immutable rows that every reader reads. [`fields`]: what they can be filtered and sorted by.
//!   [`model`]: what facts mean; pure. [`report`]: a snapshot as text, JSON or Prometheus. [`record`]: a run as a file,
//!   and a file as a run.
//! - [`pool`]: who gets which connection, and when. [`source`]: what can be learnt by asking. [`hub`]: the task that owns
//!   the model.
//! - [`command`]: what a typed line means, and doing it. [`demo`]: the embedded server. [`lab`]: experiments, and verdicts
//!   that follow from their figures.
//! - [`shell`] and [`tui`]: the two front ends. [`cli`], [`config`], [`error`], [`run`]: from flags to an exit code.
//!
//! As a library, [`pool::InstrumentedPool`] is the pool without the program, and [`hub::Hub`] what watches it.

pub mod children;
pub mod cli;
pub mod command;
pub mod config;
pub mod console;
pub mod demo;
pub mod error;
pub mod event;
pub mod explain;
pub mod fields;
pub mod glob;
pub mod hub;
pub mod lab;
pub mod metrics;
pub mod model;
pub(crate) mod nearest;
pub mod net;
pub mod pool;
pub mod record;
pub mod report;
pub mod resp;
pub mod run;
pub mod shell;
pub mod snapshot;
pub mod source;
pub mod terminal;
pub mod text;
pub mod tui;
pub mod values;
