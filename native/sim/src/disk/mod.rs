//! The disk: what is written, what of it is synced, and what a power cut leaves of it.

mod keeper;
mod log;
mod operation;
mod trouble;

pub(crate) use keeper::{Disk, KeptTurn};
pub(crate) use trouble::{Killed, Trouble};
