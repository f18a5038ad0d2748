//! Who is next: ready work in queues, workers with free slots, and the permits in between.
//!
//! Nothing here is part of the state: all of it is rebuilt from the runs after a restart.

mod lane;
mod permits;
mod queues;
mod racks;
mod sessions;
mod strategy;
mod timers;

pub use lane::{Item, Stamp};
pub use permits::PermitKey;
pub use queues::{Picked, Queues, SWEEP_COUNT_MIN, Waiting};
pub use sessions::{Held, Pool, Session, Sessions};
pub use strategy::{Strategy, Weights};
pub use timers::Timers;
