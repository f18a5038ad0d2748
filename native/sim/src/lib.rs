//! The simulator: the real core and the real ring on one thread, with clock, disk, workers and
//! clients drawn from one seed. A failure is a seed and a commit.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a fault or an invariant speaks of a few kinds of events; the others are not its business"
)]

pub mod campaign;
mod dice;
mod disk;
mod faults;
mod flows;
mod invariants;
mod model;
pub mod options;
mod probes;
pub mod report;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
mod story;
mod swarm;
mod tally;
mod trace;
mod world;
