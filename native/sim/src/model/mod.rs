//! What must be so, by the simulator's own plain reading of the log: events are folded without any
//! of the code under test, and definitions are those that the seed has drawn.

mod again;
mod entry;
mod joins;
mod keys;
mod maps;
mod run;
mod runs;
mod stage;
mod tasks;
mod told;
mod verdict;

pub(crate) use entry::{End, Entry, Lease, Phase};
pub(crate) use keys::{KeyValue, Metered};
pub(crate) use run::{Recorded, Run};
pub(crate) use runs::{KEY_KEPT_MS, Model};
pub(crate) use stage::{Stage, Stop};
