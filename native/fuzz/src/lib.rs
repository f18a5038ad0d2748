//! What reads bytes that others wrote, each behind a door of one argument: the door panics when a
//! claim about its reader does not hold. `make fuzz` looks for such bytes; the tests of this crate
//! try all that were ever found, and mutants of them.

pub mod mutants;
mod played;
pub mod seeds;
pub mod targets;
