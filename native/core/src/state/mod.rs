//! What a shard knows: the fold of its events. Only `apply` can change it.

pub mod apply;
mod directory;
mod failures;
mod forgiven;
mod instance;
mod map;
mod moves;
mod rates;
mod run;
mod run_record;
mod shard_record;
mod shard_state;
mod soundness;

pub use directory::{Deployed, Key};
pub use failures::{Failure, Failures};
pub use instance::{Active, Ending, Instance, Phase, Verdict};
pub use map::{MapState, item_count};
pub use moves::Moved;
pub use rates::RateOf;
pub use run::{Run, Stop};
pub use shard_record::Definitions;
pub use shard_state::State;
