//! The ring: a shard, its log and its read model, turned by one thread or inline by its caller.
//!
//! inbox → turn → log → durable → outbox. Nothing goes the other way.

mod awaited;
mod board;
mod checkpoint;
mod clock;
mod driver;
mod engine;
mod fault;
mod inbox;
mod memory_gauge;
mod out;
mod outbox;
mod pace;
mod patience;
mod projection;
mod recovery;
mod request;
mod rows;
mod seat;
mod sync;
mod token;
mod waker;
mod watch;
mod words;

pub use board::{Board, RunWords};
pub use engine::{Engine, EngineSettings};
pub use fault::Refusal;
pub use out::{Out, Value};
pub use pace::Pace;
pub use request::{AttemptReport, ListRuns, Look, Query, ReportKind, Request};
pub use token::Token;
