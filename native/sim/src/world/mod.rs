//! One simulated world: a disk, a process on it, workers, clients, and what they know.

mod asks;
mod guard;
mod hearing;
mod ledger;
mod mirror;
mod process;
mod scene;
mod subject;
mod workers;
mod world;

pub(crate) use guard::{Ended, guarded, quiet_panics};
pub(crate) use ledger::{Ask, Asked, Extras, Ledger};
pub(crate) use mirror::Mirror;
pub(crate) use scene::{Drawn, Scene};
pub(crate) use subject::Subject;
pub(crate) use workers::{Failing, Held, Outcome, Workers};
pub use world::Failure;
pub(crate) use world::World;
