//! One simulated world: a disk, a process on it, workers, clients, and what they know.

mod asks;
mod guard;
mod hearing;
mod judged;
mod ledger;
mod limits;
mod mirror;
mod process;
mod scene;
mod subject;
mod workers;

pub(crate) use asks::ALL;
pub(crate) use guard::{Ended, guarded, quiet_panics};
pub use judged::Failure;
pub(crate) use judged::World;
pub(crate) use ledger::{Ask, Asked, Extras, LATEST, Ledger, Listing, OF_A_CLIENT, Start};
pub(crate) use limits::Limit;
pub(crate) use mirror::Mirror;
pub(crate) use scene::{Drawn, Scene};
pub(crate) use subject::Subject;
pub(crate) use workers::{Attempt, Failing, HOW_DIED, Held, Outcome, Worker, Workers, kinds_of};
