//! A shard under test: a clock that only moves when it is told to, workers that do what they are
//! told, a log in memory, and checks after every turn.

mod account;
mod dice;
mod flows;
mod kept;
mod rig;
mod rules;
mod worker;

pub(crate) use dice::Dice;
pub(crate) use flows::{document, task, with};
pub(crate) use rig::{NAMESPACE, Rig, error};
