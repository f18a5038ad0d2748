//! A shard: state, queues and timers, turned by commands. It knows no log and no clock; whoever
//! drives it appends what a turn gives and releases the turn's effects once that is safe.

mod admission;
mod due;
mod effects;
mod handout;
mod outstanding;
mod record;
mod turn;
mod worker_calls;

pub(crate) use handout::permits_of;
pub use turn::{Shard, ShardSettings, Turn};
